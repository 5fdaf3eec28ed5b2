//! Steps of a run as bars.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Attempt, NodeStatus, Run, RunStatus, Stats};
use crate::protocol::{NodeName, PIPELINE};

/// Steps that a fix pass repeats.
const LOOP: [&str; 3] = ["FIX", "COMPOSE", "VALIDATE"];

/// Stretch of time by the server's clock; `from` is not after `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Beginning.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
}

impl Span {
    /// Returns the span between two instants; empty at `from` when `to` is earlier.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to: to.max(from) }
    }

    /// Length in milliseconds.
    pub fn millis(&self) -> u64 {
        millis_between(self.from, self.to)
    }

    /// Returns the part of the span that lies in `other`; empty where there is none.
    pub fn within(&self, other: &Self) -> Self {
        let inside = |at: Timestamp| at.max(other.from).min(other.to);
        Self { from: inside(self.from), to: inside(self.to) }
    }

    /// True when the instant lies in the span, its end excluded.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// Returns the milliseconds from `earlier` to `later`, at least 0.
pub(super) fn millis_between(earlier: Timestamp, later: Timestamp) -> u64 {
    u64::try_from(later.duration_since(earlier).as_millis()).unwrap_or(0)
}

/// Returns the instant `millis` after `at`, within what a timestamp can hold.
pub(super) fn after(at: Timestamp, millis: u64) -> Timestamp {
    let by = SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn before(at: Timestamp, millis: u64) -> Timestamp {
    let by = SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// One attempt of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Name of the step.
    pub node: NodeName,
    /// Index among the step's kept attempts, oldest first.
    pub attempt: usize,
    /// Fix pass to which the attempt belongs; 0 before the first, and for steps outside of the loop.
    pub fix: u32,
    /// Start and end; while the step is at work, the end is now.
    pub span: Span,
    /// False when no event told the start: it follows from other times.
    pub from_known: bool,
    /// False when no event told the end: it follows from other times.
    pub to_known: bool,
    /// Status of the attempt.
    pub status: NodeStatus,
    /// True while the step is at work.
    pub is_open: bool,
    /// True when the step was at work when its run was cancelled.
    pub stopped: bool,
    /// Duration as reported, in milliseconds; `None` while the step is at work and where it is unknown.
    pub duration_ms: Option<u64>,
    /// Reason of the failure.
    pub error: Option<Arc<str>>,
}

impl Bar {
    /// Returns how long the attempt took, or has taken so far, in milliseconds; `None` when an end of the bar
    /// is not known.
    pub fn took_ms(&self) -> Option<u64> {
        let known = self.from_known && (self.to_known || self.is_open);
        self.duration_ms.or_else(|| known.then(|| self.span.millis()))
    }

    /// True when the step belongs to the fix loop.
    pub fn is_in_loop(&self) -> bool {
        LOOP.contains(&self.node.as_str())
    }
}

/// A run as bars.
#[derive(Clone, Debug, PartialEq)]
pub struct RunBars {
    /// From the run's creation, or its start if that is not known, to its end or to now.
    pub span: Span,
    /// Start of the execution, if it has begun.
    pub started_at: Option<Timestamp>,
    /// Wait in the queue; `None` when there was none, or it is not known.
    pub queued: Option<Span>,
    /// Bars in order of their starts.
    pub bars: Vec<Bar>,
    /// Steps that ran, but of whose times nothing is known.
    pub untimed: Vec<NodeName>,
    /// True when the run is over.
    pub is_over: bool,
    /// False when the run is over and no event told when it ended.
    pub end_known: bool,
}

/// An attempt whose times may be missing.
struct Found<'a> {
    node: &'a NodeName,
    attempt: usize,
    told: &'a Attempt,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    is_open: bool,
}

/// Returns the instant at which a run's current execution was created, if that is known.
fn created_at(run: &Run) -> Option<Timestamp> {
    // Only the first execution was created together with the run.
    run.created_at.filter(|_| run.executions <= 1)
}

/// Returns the time of a run's current execution: from its creation, or its start if that is not known, to its
/// end or to now.
pub fn span_of(run: &Run, now: Timestamp) -> Span {
    let is_over = run.status.is_over();
    let begun = run.started_at.or(run.created_at).unwrap_or(run.first_event_at());
    let from = match (run.status, created_at(run)) {
        (RunStatus::Pending, created_at) => created_at.unwrap_or(run.first_event_at()),
        (_, created_at) => created_at.map_or(begun, |at| at.min(begun)),
    };
    let told_end = run.ended_at.or_else(|| {
        let ms = run.duration_ms?;
        is_over.then(|| after(begun, ms))
    });
    let end = match told_end {
        Some(end) => end,
        None if is_over => run.last_event_at(),
        None => now,
    };
    Span::new(from, end)
}

impl RunBars {
    /// Returns the bars of a run's current execution at `now`, by the server's clock.
    pub fn of(run: &Run, now: Timestamp) -> Self {
        let is_over = run.status.is_over();
        let is_queued = run.status == RunStatus::Pending;
        let created_at = created_at(run);
        let Span { from, to: end } = span_of(run, now);
        let found = attempts(run, is_over, end);
        let bars = settle(&found, Span::new(from, end));
        let span = bars.iter().fold(Span::new(from, end), |all, bar| Span {
            from: all.from.min(bar.span.from),
            to: all.to.max(bar.span.to),
        });
        let queued = match (is_queued, created_at, run.started_at) {
            (true, ..) => Some(Span::new(from, end)),
            (false, Some(created_at), Some(started_at)) if started_at > created_at => {
                Some(Span::new(created_at, started_at))
            }
            _ => None,
        };
        let untimed = run
            .nodes
            .iter()
            .filter(|node| node.was_seen() && !bars.iter().any(|bar| bar.node == node.name));
        Self {
            span,
            started_at: run.started_at.or_else(|| bars.first().map(|bar| bar.span.from)),
            queued,
            untimed: untimed.map(|node| node.name.clone()).collect(),
            bars: number_fixes(run, bars),
            is_over,
            end_known: !is_over || run.ended_at.is_some(),
        }
    }

    /// Returns the stretches of the run in which no step was at work, the wait in the queue left out.
    pub fn gaps(&self) -> Vec<Span> {
        let Some(begun) = self.started_at else { return Vec::new() };
        let mut gaps = Vec::new();
        let mut at = begun;
        for bar in &self.bars {
            if bar.span.from > at {
                gaps.push(Span::new(at, bar.span.from));
            }
            at = at.max(bar.span.to);
        }
        if self.span.to > at {
            gaps.push(Span::new(at, self.span.to));
        }
        gaps
    }
}

/// Lists the attempts of all steps, with the times that their events tell.
fn attempts(run: &Run, is_over: bool, end: Timestamp) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for node in &run.nodes {
        for (attempt, told) in node.history().iter().enumerate() {
            let is_open = told.status == NodeStatus::Running;
            let by_duration = |at: Option<Timestamp>, by: fn(Timestamp, u64) -> Timestamp| {
                Some(by(at?, told.duration_ms?))
            };
            let from = told.started_at.or_else(|| by_duration(told.ended_at, before));
            let to = match is_open {
                true => Some(end),
                false => told.ended_at.or_else(|| by_duration(told.started_at, after)),
            };
            let is_open = is_open && !is_over;
            found.push(Found { node: &node.name, attempt, told, from, to, is_open });
        }
    }
    found
}

/// Makes bars of attempts; missing times are bounded by those of the other attempts and of the run.
fn settle(found: &[Found], run: Span) -> Vec<Bar> {
    let mut starts: Vec<Timestamp> = found.iter().filter_map(|found| found.from).collect();
    let mut ends: Vec<Timestamp> = found.iter().filter_map(|found| found.told.ended_at).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    let next_start = |at: Timestamp| {
        starts.get(starts.partition_point(|start| *start <= at)).copied().unwrap_or(run.to)
    };
    let last_end = |at: Timestamp| {
        let before = ends.partition_point(|end| *end < at);
        before.checked_sub(1).and_then(|place| ends.get(place)).copied().unwrap_or(run.from)
    };
    let mut bars: Vec<Bar> = found
        .iter()
        .filter_map(|found| {
            let (from, to) = match (found.from, found.to) {
                (Some(from), Some(to)) => (from, to),
                (Some(from), None) => (from, next_start(from)),
                (None, Some(to)) => (last_end(to).min(to), to),
                (None, None) => return None,
            };
            let stopped = found.told.status == NodeStatus::Running && !found.is_open;
            Some(Bar {
                node: found.node.clone(),
                attempt: found.attempt,
                fix: 0,
                span: Span::new(from, to),
                from_known: found.told.started_at.is_some(),
                to_known: found.told.ended_at.is_some(),
                status: found.told.status,
                is_open: found.is_open,
                stopped,
                duration_ms: found.told.duration_ms.filter(|_| !found.is_open),
                error: found.told.error.clone(),
            })
        })
        .collect();
    let place = |name: &str| PIPELINE.iter().position(|known| *known == name);
    bars.sort_by_cached_key(|bar| (bar.span.from, bar.span.to, place(&bar.node), bar.attempt));
    bars
}

/// Tells each bar of the loop the fix pass to which it belongs.
fn number_fixes(run: &Run, mut bars: Vec<Bar>) -> Vec<Bar> {
    // Attempts that are no longer kept count as well.
    let dropped = |name: &str| {
        let node = run.node(name);
        node.map_or(0, |node| node.attempts.saturating_sub(node.history().len() as u32))
    };
    let [first, ..] = LOOP.map(dropped);
    let starts: Vec<Timestamp> =
        bars.iter().filter(|bar| bar.node == "FIX").map(|bar| bar.span.from).collect();
    for bar in bars.iter_mut().filter(|bar| bar.is_in_loop()) {
        let attempt = bar.attempt as u32;
        bar.fix = if bar.node == "FIX" {
            first + attempt + 1
        } else {
            // The n-th attempt cannot stand after the n-th fix, however close together their starts are.
            let begun = starts.partition_point(|start| *start <= bar.span.from) as u32;
            (first + begun).min(dropped(&bar.node) + attempt)
        };
    }
    bars
}

/// Usual time of a step that is at work or still to come.
#[derive(Clone, Debug, PartialEq)]
pub struct UsualBar {
    /// Name of the step.
    pub node: NodeName,
    /// Fix pass that the step will belong to.
    pub fix: u32,
    /// When it is likely to be at work.
    pub span: Span,
    /// Time by which all but the slowest 5 % end.
    pub slow_to: Timestamp,
}

/// Returns the steps that a run is still likely to go through, one after the other, each with its usual
/// time. Ends before a step whose usual time is not known.
pub fn usual_to_come(run: &Run, bars: &RunBars, stats: &Stats, now: Timestamp) -> Vec<UsualBar> {
    if run.status.is_over() {
        return Vec::new();
    }
    let fix = bars.bars.iter().map(|bar| bar.fix).max().unwrap_or(0);
    let mut at = now;
    for bar in bars.bars.iter().filter(|bar| bar.is_open) {
        match stats.node_baseline(&bar.node) {
            Some(usual) => at = at.max(after(bar.span.from, usual.p50_ms)),
            None => return Vec::new(),
        }
    }
    let runs = |name: &str| bars.bars.iter().any(|bar| bar.is_open && bar.node == name);
    let repeats = |name: &str| match name {
        "COMPOSE" => runs("FIX"),
        "VALIDATE" => fix > 0 && (runs("FIX") || runs("COMPOSE")),
        _ => false,
    };
    let mut to_come = Vec::new();
    for node in &run.nodes {
        let pending = node.status == NodeStatus::Pending && node.name != "FIX";
        let again = node.status != NodeStatus::Running && repeats(&node.name);
        if !pending && !again {
            continue;
        }
        let Some(usual) = stats.node_baseline(&node.name) else { break };
        let in_loop = LOOP.contains(&node.name.as_str());
        to_come.push(UsualBar {
            node: node.name.clone(),
            fix: if in_loop { fix } else { 0 },
            span: Span::new(at, after(at, usual.p50_ms)),
            slow_to: after(at, usual.p95_ms.max(usual.p50_ms)),
        });
        at = after(at, usual.p50_ms);
    }
    to_come
}
