//! Values of a row: a run in words and signs, without places.

use jiff::Timestamp;

use super::order::{shown_elapsed_ms, started_at};
use super::search::step_of;
use super::state::RunsTableView;
use crate::app::panel::step_track::TrackLook;
use crate::app::state::clock::millis_between;
use crate::app::state::run_view::{STALE_AFTER_MS, ordinal_words, verdicts};
use crate::app::state::status::{DisplayStatus, Tone, run_status_words};
use crate::app::state::step_cells::{StepCell, step_cells};
use crate::app::words::{DisplayName, clock_words, countdown_words, display_name, number_words};
use crate::model::{MOST_ATTEMPTS, NodeStatus, Remaining, Run, RunStatus, final_score};
use crate::protocol::PIPELINE;

/// Value that is not known.
pub(super) const UNKNOWN: &str = "–";
/// Signs of a song's runs that are looked up for a row; no column has room for more.
const MOST_SIGNS: usize = 6;

/// Contents of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RowView {
    /// Name of the song; among runs of one song the column of the start tells them apart.
    pub song: String,
    /// Name that no other run has.
    pub name: String,
    pub short_id: String,
    pub status: RunStatus,
    /// Sign of the status, which also says that there is no news.
    pub sign: DisplayStatus,
    pub cells: [StepCell; PIPELINE.len()],
    /// Step at which the run is, failed or was stopped, or its place in the line; empty once it finished.
    pub step: String,
    pub step_tone: Tone,
    /// Number of fix passes in words; empty without any.
    pub fixes: String,
    pub elapsed: String,
    pub to_go: String,
    pub started: String,
    /// End of the run; a dash while it has none.
    pub ended: String,
    /// Statuses of the song's latest runs up to this one, oldest first.
    pub attempts: Vec<RunStatus>,
    /// Number of the run among those of its song.
    pub attempt: usize,
    /// Score in words, and whether it is under the pass mark.
    pub score: Option<(String, bool)>,
}

impl RowView {
    /// Returns the contents of the row of a run. `place_in_line` is that of a queued run, from 1 on.
    pub(super) fn of(run: &Run, view: &RunsTableView, place_in_line: Option<u32>) -> Self {
        let RunsTableView { run_store, server_now, .. } = *view;
        let name = run_store.name(run);
        let song = match display_name(run) {
            DisplayName::Title(title) => crate::text::name(title).into_owned(),
            // Names by an id are already shortened to what differs.
            DisplayName::SongId(_) | DisplayName::RunId(_) => name.clone(),
        };
        let silent_ms = silent_ms(run, view);
        let (step, step_tone) = step_words(run, silent_ms, place_in_line);
        let mut attempts: Vec<RunStatus> =
            run_store.attempts_back(run).take(MOST_SIGNS).map(|run| run.status).collect();
        attempts.reverse();
        Self {
            song,
            name,
            short_id: run_store.short_id(run.id()),
            status: run.status,
            sign: if silent_ms.is_some() { DisplayStatus::Silent } else { run.status.into() },
            cells: step_cells(run),
            step,
            step_tone,
            fixes: match run.fix_passes() {
                0 => String::new(),
                fixes => format!("fix {fixes}"),
            },
            elapsed: shown_elapsed_ms(run, server_now).map_or(UNKNOWN.to_owned(), clock_words),
            to_go: to_go_words(run, view, silent_ms.is_some()),
            started: time_words(started_at(run), view),
            ended: run.ended_at.map_or(UNKNOWN.to_owned(), |at| time_words(at, view)),
            attempt: run_store.attempt(run),
            attempts,
            score: final_score(run).map(|score| (number_words(score), is_under_mark(run))),
        }
    }

    /// True for a run whose row is quiet, so that running and failed ones stand out.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.status, RunStatus::Completed | RunStatus::Cancelled)
    }

    /// Emphasis of the row's track.
    pub(super) fn track_look(&self, selected: bool) -> TrackLook {
        match self.is_quiet() {
            _ if selected => TrackLook::Selected,
            true => TrackLook::Quiet,
            false => TrackLook::Strong,
        }
    }

    /// Row in words, for those who do not see it.
    pub(super) fn label(&self) -> String {
        let mut label =
            format!("{}, {}, {}", self.name, self.short_id, run_status_words(self.status));
        let mut add = |words: &str| {
            if !words.is_empty() {
                label.push_str(", ");
                label.push_str(words);
            }
        };
        add(&self.step);
        add(&self.fixes);
        add(&self.elapsed);
        if self.to_go != UNKNOWN {
            add(&format!("{} to go", self.to_go));
        }
        add(&format!("started {}", self.started));
        if self.ended != UNKNOWN {
            add(&format!("ended {}", self.ended));
        }
        if self.attempt > 1 {
            add(&format!("attempt {}", attempt_words(self.attempt)));
        }
        if let Some((score, is_under)) = &self.score {
            let under = if *is_under { ", under the pass mark" } else { "" };
            add(&format!("score {score}{under}"));
        }
        label
    }
}

/// Number of a run among those of its song, in words.
pub(super) fn attempt_words(attempt: usize) -> String {
    match attempt {
        MOST_ATTEMPTS => format!("{MOST_ATTEMPTS} or later"),
        attempt => attempt.to_string(),
    }
}

/// Milliseconds without news of a running run, if they are many. Without a connection there is no news of
/// anything.
fn silent_ms(run: &Run, view: &RunsTableView) -> Option<u64> {
    let silent_ms = millis_between(run.last_received_at(), view.now);
    let is_silent = run.status == RunStatus::Running && silent_ms > STALE_AFTER_MS;
    (is_silent && !view.is_offline).then_some(silent_ms)
}

fn step_words(run: &Run, silent_ms: Option<u64>, place_in_line: Option<u32>) -> (String, Tone) {
    let step = step_of(run).map(|name| crate::text::name(name).into_owned());
    match run.status {
        RunStatus::Pending => match place_in_line {
            Some(1) => ("next in line".to_owned(), Tone::Quiet),
            Some(place) => (format!("{} in line", ordinal_words(place)), Tone::Quiet),
            None => (String::new(), Tone::Quiet),
        },
        RunStatus::Running => {
            let is_there = run.stands().is_some_and(|(_, is_there)| is_there);
            match silent_ms {
                Some(millis) => (format!("no news for {}", clock_words(millis)), Tone::Quiet),
                None if is_there => (step.unwrap_or_default(), Tone::Running),
                None => (step.unwrap_or_default(), Tone::Quiet),
            }
        }
        RunStatus::Failed => (step.unwrap_or_default(), Tone::Failed),
        RunStatus::Cancelled => (step.unwrap_or_default(), Tone::Cancelled),
        RunStatus::Completed => (String::new(), Tone::Quiet),
    }
}

fn to_go_words(run: &Run, view: &RunsTableView, is_silent: bool) -> String {
    // An estimate from outdated events would be misleading.
    if run.status != RunStatus::Running || is_silent || view.is_offline {
        return UNKNOWN.to_owned();
    }
    match view.run_store.model.remaining(run, view.server_now) {
        Remaining::Unknown => UNKNOWN.to_owned(),
        Remaining::Left { millis, .. } => countdown_words(millis),
        Remaining::AnyMoment => "now".to_owned(),
        Remaining::Late { .. } => "late".to_owned(),
    }
}

/// Time of day; of another day the date.
fn time_words(at: Timestamp, view: &RunsTableView) -> String {
    let [at, now] = [at, view.server_now].map(|at| at.to_zoned(view.zone.clone()));
    let format = match at.date() == now.date() {
        true => "%H:%M:%S",
        false if at.year() == now.year() => "%-d %b",
        false => "%b %Y",
    };
    at.strftime(format).to_string()
}

/// True when VALIDATE refused the run at last.
fn is_under_mark(run: &Run) -> bool {
    let has_scores = |node: &&crate::model::Node| {
        node.history().iter().any(|attempt| !attempt.scores.is_empty())
    };
    if run.node("VALIDATE").filter(has_scores).is_none() {
        return false;
    }
    let verdicts = verdicts(run);
    let scored = verdicts.iter().rfind(|verdict| verdict.score.is_some());
    let is_refused = scored.is_some_and(|verdict| verdict.passed == Some(false));
    is_refused || run.node("VALIDATE").is_some_and(|node| node.status == NodeStatus::Failed)
}
