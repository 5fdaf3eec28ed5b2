//! View model of the timeline of all runs: which runs have a row, what stands in it, and the time shown;
//! without position or colour.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::bar::{BarKind, silent_since};
use crate::app::state::clock::millis_between;
use crate::app::state::failure_life::is_fresh;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{failure_words, millis_to_finish};
use crate::app::state::status::DisplayStatus;
use crate::app::state::timeline::{CellId, TimelineState};
use crate::app::words::{clock_words, count_words, countdown_words, time_words};
use crate::model::{Remaining, Run, RunStatus};
use crate::protocol::RunId;
use crate::text::length_words;
use crate::timeline::{Axis, RunBars, Span, idle_stretches, span_of};

/// Times shown before now, in minutes.
const ZOOMS: [u64; 6] = [1, 2, 5, 15, 30, 60];
/// Least of them while not all rows are taken: there is room for what was before.
const LEAST_MINUTES: u64 = 5;
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
    /// Rows in order of the runs' creation, or of their start where that is not known.
    pub rows: Vec<RunRow>,
    /// Number of runs in the time shown, with or without a row.
    pub in_time: usize,
    /// Minutes shown before now.
    pub minutes: u64,
    /// Minutes into which the runs fit, before the user zoomed.
    pub fitting: u64,
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
    /// Milliseconds by which the right end can be moved back.
    pub most_back_ms: f64,
    /// Failures of the last hour that have no row, in words from long to short; empty without such.
    pub untold: Vec<String>,
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
    /// True for the run that should finish next, of all runs.
    pub is_next: bool,
    pub queued: Option<Span>,
    /// When a usual run would be at work.
    pub usual: Option<Span>,
    pub cells: Vec<RunCell>,
    /// From the last event of a run without news to now.
    pub unheard: Option<Span>,
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

/// A run with its time.
struct Timed<'a> {
    run: &'a Run,
    span: Span,
}

impl RunsView {
    /// Returns the timeline with at most `room` rows. `width` is the width of the time in pixels, of which now
    /// moves one at a time, and `ahead` the part behind now; `before` is the zoom that fitted last.
    pub fn of(
        run_store: &RunStore,
        state: &TimelineState,
        (room, width, ahead): (usize, f64, f64),
        before: Option<u64>,
        (server_now, zone): (Timestamp, &TimeZone),
    ) -> Self {
        let mut runs: Vec<Timed> = run_store
            .model
            .runs()
            .map(|run| Timed { run, span: span_of(run, server_now) })
            .collect();
        runs.sort_unstable_by(|a, b| {
            b.span.from.cmp(&a.span.from).then_with(|| a.run.id().cmp(b.run.id()))
        });
        let fitting = fitting_zoom(&runs, room, before, server_now);
        let minutes = zoomed(fitting, state.zoom.unwrap_or(0));
        let past_ms = minutes as f64 * 60_000.0;
        let shown_ms = past_ms * (1.0 + ahead);
        let px_ms = (shown_ms / width.max(1.0)).max(1.0);
        let now = floored(server_now, px_ms);
        let first = runs.last().map_or(now, |timed| timed.span.from).min(now);
        let busy: Vec<Span> = runs
            .iter()
            .filter(|timed| timed.run.status != RunStatus::Pending)
            .map(|timed| Span::new(timed.run.started_at.unwrap_or(timed.span.from), timed.span.to))
            .collect();
        let least = (shown_ms * FOLDED_FROM) as u64;
        // The future is moved out of sight first.
        let ahead_ms = past_ms * ahead;
        let known_ms = millis_between(first, now) as f64;
        let most_back_ms = match runs.len() <= room {
            // Farther back than all runs there is nothing.
            true => {
                let idle = idle_stretches(&busy, Span::new(first, now), least);
                let whole = Axis::folded(Span::new(first, now), &idle, shown_ms * BREAK);
                match whole.length() {
                    length if length <= shown_ms => (length - past_ms).max(0.0),
                    _ => ahead_ms + millis_between(whole.time_at(shown_ms), now) as f64,
                }
            }
            // Runs without room have rows only when the newer ones are out of sight.
            false => known_ms,
        };
        let back_ms = state.back_ms.min(most_back_ms);
        let is_moved = back_ms > ahead_ms;
        let (end, length) = match is_moved {
            true => (moved(now, ahead_ms - back_ms), shown_ms),
            false => (now, past_ms + back_ms),
        };
        let known = Span::new(first.min(end), end);
        let idle = idle_stretches(&busy, known, least);
        let axis = Axis::back_from(end, length, &idle, shown_ms * BREAK).starting_at(known.from);
        let shown = match is_moved {
            true => axis.span(),
            false => Span::new(axis.span().from, now),
        };
        let in_sight = |timed: &&Timed| timed.span.to >= shown.from && timed.span.from <= shown.to;
        let mut found: Vec<&Timed> = runs.iter().filter(in_sight).collect();
        let in_time = found.len();
        // A run that goes on never gives its place to one that is over, nor a failure to a success; of the queue the
        // first stay.
        let class = |timed: &Timed| match timed.run.status {
            RunStatus::Failed if is_fresh(timed.run, run_store, server_now) => 0,
            RunStatus::Running => 1,
            RunStatus::Pending => 2,
            RunStatus::Failed => 3,
            _ => 4,
        };
        found.sort_by_cached_key(|timed| {
            let place = timed.span.from.as_millisecond();
            let class = class(timed);
            (class, if class == 2 { place } else { place.saturating_neg() })
        });
        found.truncate(room);
        let untold = untold_words(&runs, &found, run_store, (shown.from, server_now));
        found.sort_unstable_by(|a, b| {
            a.span.from.cmp(&b.span.from).then_with(|| a.run.id().cmp(b.run.id()))
        });
        let next = next_to_finish(run_store, server_now);
        let queue = runs.iter().filter(|timed| timed.run.status == RunStatus::Pending);
        let first_queued = queue
            .min_by(|a, b| (a.span.from, a.run.id()).cmp(&(b.span.from, b.run.id())))
            .map(|timed| timed.run.id());
        let rows = found
            .iter()
            .map(|timed| {
                let is_first = first_queued == Some(timed.run.id());
                row(timed.run, run_store, server_now, now, (next.as_ref(), is_first))
            })
            .collect();
        Self {
            rows,
            in_time,
            minutes,
            fitting,
            axis,
            shown_ms,
            back_ms,
            now,
            now_words: time_words(server_now, zone),
            most_back_ms,
            untold,
        }
    }
}

/// Returns the failures of the last hour that have no row in words, from long to short. `rows` are the runs that
/// have one, `from` is the begin of the time shown.
fn untold_words(
    runs: &[Timed],
    rows: &[&Timed],
    run_store: &RunStore,
    (from, server_now): (Timestamp, Timestamp),
) -> Vec<String> {
    let hour = moved(server_now, -3_600_000.0);
    let has_row = |timed: &Timed| rows.iter().any(|row| row.run.id() == timed.run.id());
    let untold = runs.iter().filter(|timed| {
        timed.run.status == RunStatus::Failed && timed.span.to >= hour && !has_row(timed)
    });
    let untold: Vec<&Timed> = untold.collect();
    let Some(latest) = untold.iter().max_by_key(|timed| timed.span.to) else { return Vec::new() };
    let minutes = |millis: u64| match millis {
        ..60_000 => "less than 1 min".to_owned(),
        millis => length_words(millis / 60_000 * 60_000),
    };
    let end = latest.span.to;
    let (when, window) = match end < from {
        true => (format!("{} before", minutes(millis_between(end, from))), "this window"),
        false => (format!("{} ago", minutes(millis_between(end, server_now))), ""),
    };
    let name = run_store.name(latest.run);
    let words = match untold.len() {
        1 => vec![
            format!("{name} failed {when} {window}"),
            format!("failed {when} {window}"),
            "1 failed earlier".to_owned(),
        ],
        count => {
            let count = count_words(count as u64);
            vec![
                format!("{count} failed earlier, the latest, {name}, {when} {window}"),
                format!("{count} failed earlier, the latest {when} {window}"),
                format!("{count} failed earlier"),
            ]
        }
    };
    words.into_iter().map(|words| words.trim_end().to_owned()).collect()
}

/// Returns the smallest zoom into which the runs fit that would have a row, in minutes.
fn fitting_zoom(runs: &[Timed], room: usize, before: Option<u64>, now: Timestamp) -> u64 {
    let newest = runs.iter().take(room);
    let going_on = runs.iter().skip(room).filter(|timed| !timed.run.status.is_over());
    let hour = moved(now, -3_600_000.0);
    let first = newest
        .chain(going_on)
        .filter(|timed| timed.span.to >= hour)
        .map(|timed| timed.span.from)
        .min();
    let needed = first.map_or(0, |first| millis_between(first, now)) as f64 / 60_000.0;
    let fits = |minutes: &u64| {
        let part = if before.is_some_and(|before| *minutes < before) { FITS_WELL } else { 1.0 };
        needed <= *minutes as f64 * part
    };
    let least = if runs.len() < room { LEAST_MINUTES } else { 0 };
    ZOOMS.into_iter().filter(|minutes| *minutes >= least).find(fits).unwrap_or(60)
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

/// Returns the run with news that should finish next, of all runs.
fn next_to_finish(run_store: &RunStore, server_now: Timestamp) -> Option<RunId> {
    let running = run_store
        .model
        .runs()
        .filter(|run| run.status == RunStatus::Running && silent_since(run, server_now).is_none());
    let to_go = running.filter_map(|run| {
        let millis = millis_to_finish(&run_store.model, run, server_now)?;
        Some((millis, run.started_at, run.id()))
    });
    to_go.min().map(|(.., id)| id.clone())
}

fn row(
    run: &Run,
    run_store: &RunStore,
    server_now: Timestamp,
    now: Timestamp,
    (next, is_first): (Option<&RunId>, bool),
) -> RunRow {
    let stats = run_store.model.stats();
    let silent = silent_since(run, server_now);
    let bars = RunBars::of(run, silent.map_or(now, |heard_at| heard_at.min(now)));
    let begun = run.started_at.or(bars.started_at);
    let value = match run.status {
        RunStatus::Pending => "–".to_owned(),
        RunStatus::Running if silent.is_some() => "–".to_owned(),
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
    // Without a known begin, the end of a usual run is not known either.
    let usual_from = begun.or((!run.status.is_over()).then_some(now));
    let usual = usual_from
        .zip(stats.run_baseline())
        .map(|(from, usual)| Span::new(from, moved(from, usual.p50_ms as f64)));
    let cells = bars
        .bars
        .iter()
        .map(|bar| RunCell {
            cell: CellId { run: run.id().clone(), node: bar.node.clone(), attempt: bar.attempt },
            span: bar.span,
            kind: match BarKind::of_cell(bar) {
                BarKind::Stopped => CellKind::Stopped,
                BarKind::Failed | BarKind::Refused => CellKind::Failed,
                _ if bar.node == "FIX" => CellKind::Fix(bar.fix),
                BarKind::AtWork => CellKind::AtWork,
                BarKind::Done => CellKind::Done,
                BarKind::Unsure => CellKind::Unsure,
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
            RowEnd::AtWork(match silent {
                Some(heard_at) => {
                    format!("no news for {}", clock_words(millis_between(heard_at, server_now)))
                }
                None => step,
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
        glyph: if silent.is_some() { DisplayStatus::Silent } else { glyph },
        name: run_store.name(run),
        variant: run_store.variant(run).unwrap_or_default(),
        is_strong: !run.status.is_over(),
        value,
        is_next: next == Some(run.id()),
        queued: bars.queued.filter(|queued| queued.millis() > 0),
        usual,
        unheard: silent.map(|heard_at| Span::new(heard_at, now)).filter(|span| span.millis() > 0),
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

/// Returns the time shown as words: "last 30 minutes", or "last 1 h 31 min" where idle stretches are folded.
pub fn minutes_words(view: &RunsView) -> String {
    let span = view.axis.span();
    let whole = view.minutes * 60_000;
    // Of a pixel's rounding nothing is said.
    let millis = match span.millis() {
        shown if shown.abs_diff(whole) < 1_000 => whole,
        shown if shown >= 60_000 => (shown + 30_000) / 60_000 * 60_000,
        shown => shown,
    };
    let time = match millis {
        60_000 if whole == 60_000 => "1 minute".to_owned(),
        millis if millis == whole => format!("{} minutes", view.minutes),
        millis => length_words(millis),
    };
    match millis_between(span.to, view.now) {
        back if back >= 1_000 => format!("{time}, up to {} ago", length_words(back)),
        _ => format!("last {time}"),
    }
}
