//! View model of a race: two runs of a song from their starts, and the difference step by step; without
//! position or colour.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bar::{BarKind, silent_since};
use super::header::HeaderView;
use crate::app::state::clock::millis_between;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{StageView, final_score};
use crate::app::state::status::DisplayStatus;
use crate::app::state::timeline::{Against, CellId};
use crate::app::words::{clock_words, duration_words, number_words, spaced_words};
use crate::model::{Remaining, Run, RunStatus};
use crate::timeline::{BETWEEN, Column, Lap, Opponent, Race, RunBars, usual_to_come};

/// Differences from here on are marked, in milliseconds.
const MARKED: u64 = 2_000;

/// Differences up to here are none, in milliseconds.
const LEVEL: u64 = 50;

/// A race.
#[derive(Clone, Debug, PartialEq)]
pub struct RaceView {
    pub lanes: [RaceLane; 2],
    /// Ends of the same column in both lanes, in milliseconds from the start of each.
    pub joins: Vec<(u64, u64)>,
    /// Columns that only one of the two has: the beginning and end in its lane, where the other was then, and
    /// true when it is this run's.
    pub alone: Vec<((u64, u64), u64, bool)>,
    pub columns: Vec<ColumnView>,
    /// Gap over time, as (milliseconds since the start, milliseconds behind).
    pub curve: Vec<(u64, i64)>,
    pub gap_ms: Option<i64>,
    pub elapsed_ms: u64,
    pub goes_on: bool,
    /// Milliseconds from the start to where this run is likely to end.
    pub likely_ms: Option<u64>,
    /// Time shown, in milliseconds.
    pub shown_ms: u64,
    /// The columns in which most was lost and won: "the fix: 0:44", "LYRICS 3.6 s faster", each with the
    /// end of its column.
    pub lost: Option<(String, u64)>,
    pub won: Option<(String, u64)>,
    /// Why there is nothing to compare with; empty when there is.
    pub note: String,
}

/// Lane of one of the two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RaceLane {
    /// "this run", "last success".
    pub label: String,
    pub about: String,
    pub bars: Vec<RaceBar>,
    /// Steps to come, with their usual times.
    pub to_come: Vec<(u64, u64)>,
    /// From the last event of a run without news to now.
    pub unheard: Option<(u64, u64)>,
    /// Glyph behind the end of a run that is over.
    pub end: Option<DisplayStatus>,
    pub words: String,
}

/// A step in a lane, in milliseconds from the start.
#[derive(Clone, Debug, PartialEq)]
pub struct RaceBar {
    pub cell: Option<CellId>,
    pub name: String,
    pub from: u64,
    pub to: u64,
    pub kind: BarKind,
    /// Number of the fix, for FIX itself.
    pub fix: Option<u32>,
    /// Score of a verdict.
    pub verdict: Option<(Option<bool>, String)>,
}

/// Column of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnView {
    pub name: String,
    pub this: String,
    pub other: String,
    /// "−3.6 s", "at work", "to come".
    pub difference: String,
    /// Milliseconds of difference, for the bar.
    pub difference_ms: Option<i64>,
    pub state: ColumnState,
    /// True where the difference is large enough to be marked.
    pub is_marked: bool,
}

/// State of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnState {
    Over,
    AtWork,
    ToCome,
}

/// Formats a difference: sign and seconds with tenths, from 10 s on minutes and seconds.
pub fn difference_words(ms: i64) -> String {
    let sign = if ms < 0 { "−" } else { "+" };
    match duration_words(ms.unsigned_abs()) {
        words if ms.unsigned_abs() < LEVEL => words,
        words => format!("{sign}{words}"),
    }
}

/// Time in a column: "0:27", "–" where there is none, "?" where it is not known.
pub fn lap_words(lap: Lap) -> String {
    match lap {
        Lap::Took(ms) | Lap::Broken(ms) => duration_words(ms),
        Lap::AtWork(ms) => clock_words(ms),
        Lap::ToCome | Lap::Absent => "–".to_owned(),
        Lap::Unknown => "?".to_owned(),
    }
}

impl RaceView {
    /// Compares a run with the one that `against` means. Returns the header, too, whose number is the gap.
    pub fn of(
        run: &Run,
        run_store: &RunStore,
        against: &Against,
        (now, server_now): (Timestamp, Timestamp),
        zone: &TimeZone,
    ) -> (Self, HeaderView) {
        let stats = run_store.model.stats();
        let other = against.opponent(run, run_store);
        let opponent = other.map_or(Opponent::Usual(stats), Opponent::Run);
        let race = Race::of(run, opponent, server_now);
        let stage = StageView::of(run, run_store, now, server_now);
        let this = lane_of(run, &stage, run_store, server_now, zone, "this run");
        let is_success = other.is_some_and(|other| other.status == RunStatus::Completed);
        let (who, label) = match other {
            Some(_) if matches!(against, Against::Run(_)) => ("the chosen run", "chosen run"),
            Some(_) if is_success => ("the last success", "last success"),
            Some(_) => ("the run before", "run before"),
            None => ("the usual run", "usual run"),
        };
        let theirs = match other {
            Some(other) => {
                let stage = StageView::of(other, run_store, now, server_now);
                lane_of(other, &stage, run_store, server_now, zone, label)
            }
            None => usual_lane(&race, label),
        };
        let goes_on = !run.status.is_over();
        let is_heard = run.status == RunStatus::Running && silent_since(run, server_now).is_none();
        let likely_ms = match run_store.model.remaining(run, server_now) {
            Remaining::Left { millis: ms, .. } if is_heard => Some(race.elapsed_ms + ms),
            _ => None,
        };
        let ends = [Some(race.elapsed_ms), likely_ms, race.other_took_ms];
        let theirs_end = theirs.bars.last().map_or(0, |bar| bar.to);
        let longest = ends.into_iter().flatten().max().unwrap_or(0).max(theirs_end);
        let has_other = race
            .columns
            .iter()
            .any(|column| !matches!(column.other, Lap::Unknown | Lap::Absent | Lap::ToCome));
        let open = race.columns.iter().find(|column| column.difference_ms.is_none());
        let is_missed = open.is_some_and(|column| {
            column.this == Lap::Unknown || (other.is_some() && column.other == Lap::Unknown)
        });
        let note = match (has_other, race.gap_ms) {
            (false, _) => {
                "No run of this song has succeeded before, and no usual times are known yet."
            }
            (true, _) if is_missed => "Not all steps of both runs were seen.",
            (true, None) => "No step is over in both runs yet.",
            _ => "",
        };
        let view = Self {
            joins: joins_of(&race),
            alone: alone_of(&race),
            lost: extreme(&race, false),
            won: extreme(&race, true),
            columns: race.columns.iter().map(|column| column_view(column, goes_on)).collect(),
            curve: race.curve.clone(),
            gap_ms: race.gap_ms,
            elapsed_ms: race.elapsed_ms,
            goes_on,
            likely_ms,
            shown_ms: (longest as f64 * 1.22) as u64,
            lanes: [this, theirs],
            note: note.to_owned(),
        };
        let header = header_of(&stage, &view, who, rivals_words(run, other));
        (view, header)
    }
}

/// Returns what is compared, in words.
fn rivals_words(run: &Run, other: Option<&Run>) -> &'static str {
    match other {
        Some(other) if run.song_id.is_some() && run.song_id == other.song_id => {
            "race: two runs of one song, from the same start"
        }
        Some(_) => "race: two runs, from the same start",
        None => "race: this run and the usual one, from the same start",
    }
}

fn header_of(stage: &StageView, view: &RaceView, who: &str, what: &str) -> HeaderView {
    let mut header = HeaderView::of(stage);
    header.meta = vec![what.to_owned()];
    if view.goes_on && !header.note.is_empty() && !header.is_failure {
        header.status_detail = format!("{}, {}", header.status_detail, header.note);
    }
    (header.number, header.word, header.note) = match view.gap_ms {
        Some(gap) => {
            let word = match gap {
                _ if gap.unsigned_abs() < LEVEL => "level with",
                ..0 => "ahead of",
                _ => "behind",
            };
            (duration_words(gap.unsigned_abs()), word.to_owned(), who.to_owned())
        }
        None => ("–".to_owned(), "no gap yet".to_owned(), who.to_owned()),
    };
    header
}

fn lane_of(
    run: &Run,
    stage: &StageView,
    run_store: &RunStore,
    server_now: Timestamp,
    zone: &TimeZone,
    label: &str,
) -> RaceLane {
    let silent = silent_since(run, server_now);
    let bars = RunBars::of(run, silent.unwrap_or(server_now));
    let begun = bars.started_at.unwrap_or(bars.span.from);
    let stats = run_store.model.stats();
    let since = |at: Timestamp| millis_between(begun, at);
    let scores = run.node("VALIDATE").map_or(&[][..], |node| node.history());
    let lane_bars = bars.bars.iter().map(|bar| {
        let passed = match stage.fix.verdicts.get(bar.attempt) {
            Some(verdict) => verdict.passed,
            None => stage.scores.as_ref().and_then(|scores| scores.passed),
        };
        let is_validate = bar.node == "VALIDATE";
        let attempt = scores.get(bar.attempt).filter(|_| is_validate && !bar.is_open);
        let score = attempt.and_then(|attempt| crate::model::total_score(&attempt.scores));
        RaceBar {
            cell: Some(CellId {
                run: run.id().clone(),
                node: bar.node.clone(),
                attempt: bar.attempt,
            }),
            name: bar.node.to_string(),
            from: since(bar.span.from),
            to: since(bar.span.to),
            kind: BarKind::of_cell(bar),
            fix: (bar.node == "FIX").then_some(bar.fix),
            verdict: score.map(|score| (passed, number_words(score))),
        }
    });
    let to_come = usual_to_come(run, &bars, stats, server_now);
    let day = begun.to_zoned(zone.clone());
    let today = server_now.to_zoned(zone.clone()).date();
    let mut about = vec![match day.date() == today {
        true => day.strftime("%H:%M").to_string(),
        false => day.strftime("%a %-d %b").to_string(),
    }];
    about.extend(run.seed.map(|seed| format!("seed {seed}")));
    let took = run.duration_ms.unwrap_or_else(|| since(bars.span.to));
    let words = match run.status {
        RunStatus::Completed => {
            let score = final_score(run).map(|score| format!(", score {}", number_words(score)));
            format!("took {}{}", clock_words(took + 500), score.unwrap_or_default())
        }
        RunStatus::Failed => format!("failed after {}", clock_words(took + 500)),
        RunStatus::Cancelled => format!("cancelled after {}", clock_words(took + 500)),
        RunStatus::Pending => "queued".to_owned(),
        RunStatus::Running => {
            let to_go = match run_store.model.remaining(run, server_now) {
                _ if silent.is_some() => None,
                Remaining::Left { millis: ms, .. } => Some(ms),
                Remaining::AnyMoment => Some(0),
                Remaining::Unknown | Remaining::Late { .. } => None,
            };
            let end = to_go.map(|ms| clock_words(since(server_now).saturating_add(ms)));
            end.map_or_else(String::new, |end| format!("likely end {end}"))
        }
    };
    let end = run.status.is_over().then(|| DisplayStatus::from(run.status));
    let ahead = to_come.iter().map(|usual| (since(usual.span.from), since(usual.span.to)));
    // Rest of the step at work.
    let from = since(bars.span.to.max(silent.map_or(bars.span.to, |_| server_now)));
    let left = to_come.first().map(|usual| (from, since(usual.span.from)));
    RaceLane {
        label: label.to_owned(),
        about: about.join(", "),
        bars: lane_bars.collect(),
        to_come: left.into_iter().filter(|(from, to)| from < to).chain(ahead).collect(),
        unheard: silent.map(|heard_at| (since(heard_at), since(server_now))),
        end,
        words,
    }
}

/// Lane of the usual run: the usual times one after the other.
fn usual_lane(race: &Race, label: &str) -> RaceLane {
    let mut bars = Vec::new();
    for column in &race.columns {
        if let (Lap::Took(ms), Some(to)) = (column.other, column.ends_ms.1) {
            bars.push(RaceBar {
                cell: None,
                name: column.name.clone(),
                from: to.saturating_sub(ms),
                to,
                kind: BarKind::Done,
                fix: None,
                verdict: None,
            });
        }
    }
    let words = match race.other_took_ms {
        Some(ms) => format!("usually {}", clock_words(ms + 500)),
        None if bars.is_empty() => "no usual times yet".to_owned(),
        None => String::new(),
    };
    RaceLane {
        label: label.to_owned(),
        about: "medians of each step".to_owned(),
        end: race.other_took_ms.map(|_| DisplayStatus::Success),
        bars,
        words,
        ..RaceLane::default()
    }
}

fn is_there(lap: Lap) -> bool {
    matches!(lap, Lap::Took(_))
}

fn joins_of(race: &Race) -> Vec<(u64, u64)> {
    let over = race.columns.iter().filter(|column| {
        column.difference_ms.is_some() && is_there(column.this) && is_there(column.other)
    });
    over.filter_map(|column| column.ends_ms.0.zip(column.ends_ms.1)).collect()
}

fn alone_of(race: &Race) -> Vec<((u64, u64), u64, bool)> {
    let mut alone = Vec::new();
    let (mut this_at, mut other_at) = (0, 0);
    for column in race.columns.iter().filter(|column| column.difference_ms.is_some()) {
        let (this, other) = column.ends_ms;
        match (is_there(column.this), is_there(column.other)) {
            (true, false) => alone.extend(this.map(|end| ((this_at, end), other_at, true))),
            (false, true) => alone.extend(other.map(|end| ((other_at, end), this_at, false))),
            _ => {}
        }
        this_at = this.unwrap_or(this_at).max(this_at);
        other_at = other.unwrap_or(other_at).max(other_at);
    }
    alone
}

/// The column with the largest difference in one direction, if it is large enough to be marked.
fn extreme(race: &Race, faster: bool) -> Option<(String, u64)> {
    // A step that this run lacks stands where this run was then; the time between the steps stands at their
    // end.
    let mut end = 0;
    let over = race.columns.iter().filter_map(|column| {
        let ms = column.difference_ms?;
        end = end.max(column.ends_ms.0.unwrap_or(0));
        let by = if faster { ms.checked_neg()? } else { ms };
        Some((u64::try_from(by).ok().filter(|by| *by >= MARKED)?, column, end))
    });
    let (by, column, end) = over.max_by_key(|(by, ..)| *by)?;
    let how = if faster { "faster" } else { "slower" };
    let words = match column.name.strip_prefix("fix ") {
        Some(number) if !faster => format!("fix {number}: {}", duration_words(by)),
        None if column.name == BETWEEN => {
            format!("between the steps {} {how}", duration_words(by))
        }
        _ => format!("{} {} {how}", column.name, duration_words(by)),
    };
    Some((words, end))
}

fn column_view(column: &Column, goes_on: bool) -> ColumnView {
    let state = match (column.this, column.difference_ms) {
        (_, Some(_)) => ColumnState::Over,
        (Lap::AtWork(_), None) => ColumnState::AtWork,
        // A fix that was not needed will not come, even while the columns before it are not over in both.
        (Lap::Took(_) | Lap::Broken(_) | Lap::Unknown | Lap::Absent, None) => ColumnState::Over,
        (Lap::ToCome, None) => ColumnState::ToCome,
    };
    let difference = match (column.difference_ms, state) {
        (Some(_), _) if column.this == Lap::Absent && column.other == Lap::Absent => "–".to_owned(),
        (Some(ms), _) => difference_words(ms),
        (None, ColumnState::AtWork) => "at work".to_owned(),
        (None, _) if matches!(column.this, Lap::Broken(_)) => "not finished".to_owned(),
        (None, ColumnState::ToCome) if goes_on => "to come".to_owned(),
        (None, ColumnState::ToCome) => "not reached".to_owned(),
        (None, _) => "–".to_owned(),
    };
    let is_marked = column.difference_ms.is_some_and(|ms| ms.unsigned_abs() >= MARKED);
    ColumnView {
        name: match column.name.starts_with("fix ") {
            true => column.name.clone(),
            false if column.name.chars().any(char::is_lowercase) => spaced_words(&column.name),
            false => column.name.clone(),
        },
        this: lap_words(column.this),
        other: lap_words(column.other),
        difference,
        difference_ms: column.difference_ms,
        state,
        is_marked,
    }
}

/// Merges the columns for which there is no room into the last one, so that the differences still add up.
pub fn merged(columns: &[ColumnView], room: usize) -> Vec<ColumnView> {
    if columns.len() <= room || room == 0 {
        return columns.to_vec();
    }
    let (shown, rest) = columns.split_at(room - 1);
    let over = rest.iter().filter_map(|column| column.difference_ms);
    let sum = over.clone().next().map(|_| over.fold(0i64, i64::saturating_add));
    let mut all = shown.to_vec();
    all.push(ColumnView {
        name: format!("{} others", rest.len()),
        this: String::new(),
        other: String::new(),
        difference: sum.map_or_else(|| "to come".to_owned(), difference_words),
        difference_ms: sum,
        state: if sum.is_some() { ColumnState::Over } else { ColumnState::ToCome },
        is_marked: sum.is_some_and(|ms| ms.unsigned_abs() >= MARKED),
    });
    all
}
