//! View model of the timeline of all runs: which runs have a row, what stands in it, and the time shown;
//! without position or colour.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::app::state::clock::millis_between;
use crate::app::state::failure_life::is_fresh;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{STALE_AFTER_MS, failure_words};
use crate::app::state::status::DisplayStatus;
use crate::app::state::timeline::{CellId, TimelineState};
use crate::app::words::{clock_words, countdown_words, duration_words, time_words};
use crate::model::{NodeStatus, Remaining, Run, RunStatus};
use crate::protocol::RunId;
use crate::timeline::{Axis, RunBars, Span, idle_stretches};

/// Times shown before now, in minutes.
const ZOOMS: [u64; 4] = [5, 15, 30, 60];
/// Part of the time before now that is shown behind it; more on a narrow screen, for the words there.
pub const AHEAD: f64 = 0.2;
pub const NARROW_AHEAD: f64 = 0.42;
/// Part of the time shown from which an idle stretch is folded, and the length that it then has.
const FOLDED_FROM: f64 = 0.1;
const BREAK: f64 = 0.05;
/// Part of a closer zoom's time that the runs must fit into before it is taken again.
const FITS_WELL: f64 = 0.85;

/// Timeline of all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunsView {
    /// Rows in order of the runs' starts.
    pub rows: Vec<RunRow>,
    /// Number of runs in the time shown, with or without a row.
    pub in_time: usize,
    /// Minutes shown before now.
    pub minutes: u64,
    /// The time shown; what comes after its end is still to come.
    pub axis: Axis,
    /// Milliseconds from the left to the right end.
    pub shown_ms: f64,
    /// Milliseconds by which the right end is behind where it is by itself.
    pub back_ms: f64,
    /// Now, as far as a pixel is long.
    pub now: Timestamp,
    /// Time of day: "21:14:07".
    pub now_words: String,
    /// Milliseconds from the beginning of all runs to now.
    pub known_ms: f64,
}

/// Row of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub glyph: DisplayStatus,
    pub name: String,
    /// Part of the name in which it differs from others.
    pub variant: String,
    /// True while the run is not over.
    pub is_strong: bool,
    /// Time to go, or the time that the run took.
    pub value: String,
    /// True for the run that should finish next.
    pub is_next: bool,
    pub queued: Option<Span>,
    /// When a usual run would be at work.
    pub usual: Option<Span>,
    pub cells: Vec<RunCell>,
    /// The whole execution, where no step of it was seen.
    pub unseen: Option<Span>,
    pub end: RowEnd,
    /// The failed run that this one retries.
    pub retry_of: Option<RunId>,
    /// Beginning of the execution.
    pub started_at: Option<Timestamp>,
}

/// End of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowEnd {
    /// Over, with its glyph at an instant and words behind it.
    Over { glyph: DisplayStatus, at: Timestamp, words: String },
    /// At work, at a step.
    AtWork(String),
    /// Waiting for its start.
    Queued(String),
}

/// Outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    Done,
    AtWork,
    Failed,
    Stopped,
    /// Its outcome is not known.
    Unsure,
    /// A fix, by its number.
    Fix(u32),
}

/// An attempt of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCell {
    pub cell: CellId,
    pub span: Span,
    pub kind: CellKind,
}

/// When a run was there, from its creation to its end or now.
struct Presence<'a> {
    run: &'a Run,
    span: Span,
}

impl RunsView {
    /// Returns the timeline with at most `room` rows. `width` is the width of the time in pixels, of which now
    /// moves one at a time, and `ahead` the part behind now; `before` are the minutes that were shown last.
    pub fn of(
        run_store: &RunStore,
        state: &TimelineState,
        (room, width, ahead): (usize, f64, f64),
        before: Option<u64>,
        (server_now, zone): (Timestamp, &TimeZone),
    ) -> Self {
        let mut runs: Vec<Presence> = run_store
            .model
            .runs()
            .map(|run| Presence { run, span: presence(run, server_now) })
            .collect();
        runs.sort_by_cached_key(|presence| {
            (std::cmp::Reverse(presence.span.from), presence.run.id().clone())
        });
        let fitting = fitting_zoom(&runs, room, before, server_now);
        let minutes = zoomed(fitting, state.zoom.unwrap_or(0));
        let past_ms = minutes as f64 * 60_000.0;
        let shown_ms = past_ms * (1.0 + ahead);
        let px_ms = (shown_ms / width.max(1.0)).max(1.0);
        let first = runs.iter().map(|presence| presence.span.from).min().unwrap_or(server_now);
        let known_ms = millis_between(first, server_now) as f64;
        let now = floored(server_now, px_ms);
        // What is to come is moved out of sight first.
        let (ahead_ms, back_ms) = (past_ms * ahead, state.back_ms);
        let (end, length) = match back_ms <= ahead_ms {
            true => (now, past_ms + back_ms),
            false => (moved(now, ahead_ms - back_ms), shown_ms),
        };
        let busy: Vec<Span> = runs
            .iter()
            .filter(|presence| presence.run.status != RunStatus::Pending)
            .map(|presence| {
                Span::new(presence.run.started_at.unwrap_or(presence.span.from), presence.span.to)
            })
            .collect();
        let least = (shown_ms * FOLDED_FROM) as u64;
        let idle = idle_stretches(&busy, Span::new(first.min(end), end), least);
        let axis = Axis::back_from(end, length, &idle, shown_ms * BREAK);
        let shown = Span::new(axis.span().from, end.max(now));
        let mut found: Vec<&Presence> = runs
            .iter()
            .filter(|presence| presence.span.to >= shown.from && presence.span.from <= shown.to)
            .collect();
        let in_time = found.len();
        // A run that goes on never gives its place to one that is over.
        found.sort_by_key(|presence| match presence.run.status {
            RunStatus::Failed if is_fresh(presence.run, run_store, server_now) => 0,
            RunStatus::Running => 1,
            RunStatus::Pending => 2,
            _ => 3,
        });
        found.truncate(room);
        found.sort_by_key(|presence| (presence.span.from, presence.run.id().clone()));
        let next = next_to_finish(found.iter().map(|presence| presence.run), run_store, server_now);
        let queue = found.iter().filter(|presence| presence.run.status == RunStatus::Pending);
        let first_queued = queue.map(|presence| presence.run.id().clone()).next();
        let rows = found
            .iter()
            .map(|presence| {
                let is_first = first_queued.as_ref() == Some(presence.run.id());
                row(presence.run, run_store, server_now, now, (&next, is_first))
            })
            .collect();
        Self {
            rows,
            in_time,
            minutes,
            axis,
            shown_ms,
            back_ms: state.back_ms,
            now,
            now_words: time_words(server_now, zone),
            known_ms,
        }
    }
}

fn presence(run: &Run, now: Timestamp) -> Span {
    let from = run.created_at.or(run.started_at).unwrap_or(run.first_event_at());
    let to = if run.status.is_over() { run.ended_at.unwrap_or(run.last_event_at()) } else { now };
    Span::new(from.min(run.started_at.unwrap_or(from)), to)
}

/// Returns the smallest zoom into which the runs fit that would have a row, in minutes.
fn fitting_zoom(runs: &[Presence], room: usize, before: Option<u64>, now: Timestamp) -> u64 {
    let newest = runs.iter().take(room);
    let going_on = runs.iter().skip(room).filter(|presence| !presence.run.status.is_over());
    let hour = moved(now, -3_600_000.0);
    let first = newest
        .chain(going_on)
        .filter(|presence| presence.span.to >= hour)
        .map(|presence| presence.span.from)
        .min();
    let needed = first.map_or(0, |first| millis_between(first, now)) as f64 / 60_000.0;
    let fits = |minutes: &u64| {
        let part = if before.is_some_and(|before| *minutes < before) { FITS_WELL } else { 1.0 };
        needed <= *minutes as f64 * part
    };
    ZOOMS.into_iter().find(fits).unwrap_or(60)
}

/// Returns the zoom so many steps closer, in minutes.
fn zoomed(minutes: u64, steps: i32) -> u64 {
    let place = ZOOMS.iter().position(|zoom| *zoom == minutes).unwrap_or(0) as i32;
    let last = ZOOMS.len() as i32 - 1;
    let place = crate::bounded::bounded(place.saturating_sub(steps), 0, last);
    ZOOMS.get(place as usize).copied().unwrap_or(minutes)
}

fn moved(at: Timestamp, millis: f64) -> Timestamp {
    let by = SignedDuration::try_from_secs_f64(millis / 1000.0).unwrap_or_default();
    at.checked_add(by).unwrap_or(at)
}

/// Returns the last instant at or before `at` at which a pixel begins.
fn floored(at: Timestamp, px_ms: f64) -> Timestamp {
    let millis = at.as_millisecond() as f64;
    Timestamp::from_millisecond(((millis / px_ms).floor() * px_ms) as i64).unwrap_or(at)
}

/// The running run with the least time to go, if there are several.
fn next_to_finish<'a>(
    runs: impl Iterator<Item = &'a Run>,
    run_store: &RunStore,
    server_now: Timestamp,
) -> Option<RunId> {
    let running: Vec<&Run> = runs.filter(|run| run.status == RunStatus::Running).collect();
    if running.len() < 2 {
        return None;
    }
    let to_go = running.iter().filter_map(|run| match run_store.model.remaining(run, server_now) {
        Remaining::Left { millis: ms, .. } => Some((ms, run.id().clone())),
        Remaining::Unknown | Remaining::AnyMoment | Remaining::Late { .. } => None,
    });
    to_go.min().map(|(_, id)| id)
}

fn row(
    run: &Run,
    run_store: &RunStore,
    server_now: Timestamp,
    now: Timestamp,
    (next, is_first): (&Option<RunId>, bool),
) -> RunRow {
    let stats = run_store.model.stats();
    let bars = RunBars::of(run, now);
    let silent = run.status == RunStatus::Running
        && millis_between(run.last_event_at(), server_now) > STALE_AFTER_MS;
    let begun = run.started_at.or(bars.started_at);
    let value = match run.status {
        RunStatus::Pending => "–".to_owned(),
        RunStatus::Running => match run_store.model.remaining(run, server_now) {
            Remaining::Unknown => "–".to_owned(),
            Remaining::Left { millis: ms, .. } => countdown_words(ms),
            Remaining::AnyMoment => "0:00".to_owned(),
            Remaining::Late { .. } => "late".to_owned(),
        },
        _ => run
            .duration_ms
            .or_else(|| begun.map(|begun| millis_between(begun, bars.span.to)))
            .map_or_else(|| "–".to_owned(), |ms| clock_words(ms.saturating_add(500))),
    };
    let usual_from = begun.unwrap_or(now);
    let usual = stats
        .run_baseline()
        .map(|usual| Span::new(usual_from, moved(usual_from, usual.p50_ms as f64)));
    let cells = bars
        .bars
        .iter()
        .map(|bar| RunCell {
            cell: CellId { run: run.id().clone(), node: bar.node.clone(), attempt: bar.attempt },
            span: bar.span,
            kind: match bar.status {
                _ if bar.stopped => CellKind::Stopped,
                NodeStatus::Failed => CellKind::Failed,
                _ if bar.node == "FIX" => CellKind::Fix(bar.fix),
                NodeStatus::Running => CellKind::AtWork,
                NodeStatus::Success => CellKind::Done,
                NodeStatus::Pending | NodeStatus::Skipped | NodeStatus::Unknown => CellKind::Unsure,
            },
        })
        .collect();
    let retry_of = run_store.retried_by(run).map(|failed| failed.id().clone());
    let glyph = DisplayStatus::from(run.status);
    let end = match run.status {
        RunStatus::Pending if is_first => RowEnd::Queued("queued, next in line".to_owned()),
        RunStatus::Pending => RowEnd::Queued("queued".to_owned()),
        RunStatus::Running => {
            let step = match run.stands() {
                Some((name, true)) => name.to_string(),
                Some((name, false)) => format!("to {name}"),
                None => String::new(),
            };
            let silence = millis_between(run.last_event_at(), server_now);
            RowEnd::AtWork(match silent {
                true => format!("no news for {}", clock_words(silence)),
                false => step,
            })
        }
        _ => RowEnd::Over {
            glyph,
            at: bars.span.to,
            words: end_words(run, &bars, retry_of.is_some()),
        },
    };
    RunRow {
        id: run.id().clone(),
        glyph: if silent { DisplayStatus::Silent } else { glyph },
        name: run_store.name(run),
        variant: run_store.variant(run).unwrap_or_default(),
        is_strong: !run.status.is_over(),
        value,
        is_next: next.as_ref() == Some(run.id()),
        queued: bars.queued.filter(|queued| queued.millis() > 0),
        usual,
        unseen: begun.filter(|_| bars.bars.is_empty()).map(|from| Span::new(from, bars.span.to)),
        cells,
        end,
        retry_of,
        started_at: begun,
    }
}

/// Words behind the end of a run: its reason, where it was cancelled, or that it is a retry.
fn end_words(run: &Run, bars: &RunBars, is_retry: bool) -> String {
    match run.status {
        RunStatus::Failed => match failure_words(run) {
            Some((Some(node), reason)) => format!("{node}: {reason}"),
            Some((None, reason)) => reason,
            None => String::new(),
        },
        RunStatus::Cancelled => {
            match bars.bars.iter().rfind(|bar| bar.stopped).or(bars.bars.last()) {
                Some(bar) if bar.stopped => format!("cancelled at {}", bar.node),
                Some(bar) => format!("cancelled after {}", bar.node),
                None => "cancelled".to_owned(),
            }
        }
        _ if !bars.end_known => "end not seen".to_owned(),
        _ if bars.bars.is_empty() => "steps not seen".to_owned(),
        _ if is_retry => "retry".to_owned(),
        _ => String::new(),
    }
}

/// Number of minutes as the subtitle of the view: "last 30 minutes".
pub fn minutes_words(view: &RunsView) -> String {
    let minutes = view.minutes;
    match view.back_ms {
        back if back >= 1_000.0 => {
            format!("{minutes} minutes, up to {} ago", duration_words(back as u64))
        }
        _ => format!("last {minutes} minutes"),
    }
}
