//! Executions of a run, and their attempts with pass and place in time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serializer;
use serde::ser::SerializeMap;

use crate::model::{Attempt, Node, NodeStatus, Run, RunStatus};
use crate::protocol::{PIPELINE, Score, pipeline_index};

/// Largest integer that every reader of JSON keeps exactly.
const MOST_EXACT: i128 = 1 << 53;

/// Longest plausible time between a start and its end.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Latest instant that fits into 64 bits of nanoseconds in every format, in seconds.
const LATEST_SECOND: i64 = 9_223_372_036;

/// Known part of a time span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Complete {
        start: Timestamp,
        end: Timestamp,
    },
    /// The end is not known, or has not come yet.
    Start(Timestamp),
    End(Timestamp),
    Unknown,
}

impl Span {
    /// Completes a span by its duration. Instants outside of what the formats can express are unknown.
    pub(super) fn of(
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        duration_ms: Option<u64>,
    ) -> Self {
        let duration = duration_ms.and_then(|millis| i64::try_from(millis).ok());
        let duration = duration.map(SignedDuration::from_millis).filter(|it| *it <= LONGEST);
        let after = |start: Timestamp| plausible(start.checked_add(duration?).ok());
        let before = |end: Timestamp| plausible(end.checked_sub(duration?).ok());
        match (plausible(start), plausible(end)) {
            (Some(start), Some(end)) => {
                let took = end.duration_since(start);
                if !took.is_negative() && took <= LONGEST {
                    return Self::Complete { start, end };
                }
                // Two clocks have written the instants.
                match after(start) {
                    Some(end) => Self::Complete { start, end },
                    None => Self::Start(start),
                }
            }
            (Some(start), None) => match after(start) {
                Some(end) => Self::Complete { start, end },
                None => Self::Start(start),
            },
            (None, Some(end)) => match before(end) {
                Some(start) => Self::Complete { start, end },
                None => Self::End(end),
            },
            (None, None) => Self::Unknown,
        }
    }

    /// Returns the first known instant.
    pub(super) fn first(self) -> Option<Timestamp> {
        match self {
            Self::Complete { start, .. } | Self::Start(start) => Some(start),
            Self::End(end) => Some(end),
            Self::Unknown => None,
        }
    }

    pub(super) fn end(self) -> Option<Timestamp> {
        match self {
            Self::Complete { end, .. } | Self::End(end) => Some(end),
            Self::Start(_) | Self::Unknown => None,
        }
    }
}

/// Returns an instant that every format can express.
pub(super) fn plausible(at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| (1..LATEST_SECOND).contains(&at.as_second()))
}

/// One execution of a run.
pub(super) struct Execution<'a> {
    /// Number from 1.
    pub(super) number: u32,
    pub(super) status: RunStatus,
    pub(super) span: Span,
    pub(super) duration_ms: Option<u64>,
    pub(super) error: Option<&'a Arc<str>>,
    /// In order of start; without a known time at the end.
    pub(super) steps: Vec<Step<'a>>,
}

/// One attempt of a node.
pub(super) struct Step<'a> {
    pub(super) node: &'a Node,
    pub(super) attempt: &'a Attempt,
    /// Number of the attempt within its execution, from 1.
    pub(super) number: u32,
    /// Number of fix passes that began before or with the attempt.
    pub(super) pass: u32,
    pub(super) span: Span,
}

impl Step<'_> {
    /// True when the attempt goes on, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.attempt.status == NodeStatus::Running
    }
}

/// Returns the kept executions of a run, oldest first. A run that never started has none.
pub(super) fn executions(run: &Run) -> Vec<Execution<'_>> {
    if run.executions == 0 {
        return Vec::new();
    }
    let kept = u32::try_from(run.history.len()).unwrap_or(u32::MAX);
    let earlier = run.history.iter().enumerate().map(|(index, it)| Execution {
        number: run.executions.saturating_sub(kept) + index as u32,
        status: it.status,
        span: Span::of(it.started_at, it.ended_at, it.duration_ms),
        duration_ms: it.duration_ms,
        error: it.error.as_ref(),
        steps: steps(&it.nodes),
    });
    let current = Execution {
        number: run.executions,
        status: run.status,
        span: Span::of(run.started_at, run.ended_at, run.duration_ms),
        duration_ms: run.duration_ms,
        error: run.error.as_ref(),
        steps: steps(&run.nodes),
    };
    earlier.chain([current]).collect()
}

fn steps(nodes: &[Node]) -> Vec<Step<'_>> {
    let mut steps: Vec<Step> = nodes
        .iter()
        .flat_map(|node| {
            let kept = node.history();
            let dropped = node.attempts.saturating_sub(kept.len() as u32);
            kept.iter().zip(1 + dropped..).map(move |(attempt, number)| Step {
                node,
                attempt,
                number,
                pass: 0,
                span: Span::of(attempt.started_at, attempt.ended_at, attempt.duration_ms),
            })
        })
        .collect();
    // At equal instants attempts are in the order of a run that was seen from its beginning.
    steps.sort_by_cached_key(|step| {
        let place = pipeline_index(&step.node.name).unwrap_or(PIPELINE.len());
        let (pass, place) = match &*step.node.name {
            "FIX" => (step.number, 0),
            "COMPOSE" | "VALIDATE" => (step.number.saturating_sub(1), place),
            "RENDER" | "REVIEW" => (u32::MAX, place),
            _ => (0, place),
        };
        (step.span.first().is_none(), step.span.first(), pass, place)
    });
    let mut pass = 0;
    for step in &mut steps {
        if step.node.name == "FIX" {
            pass = step.number;
        }
        step.pass = pass;
    }
    steps
}

/// Returns the wait for the start: from the creation to the first start, or to the end of a run that
/// never started; open while it is queued. `None` when the creation is not known.
pub(super) fn queue(run: &Run) -> Option<Span> {
    let created = plausible(run.created_at)?;
    let first = run.history.first();
    // Earlier executions may have been dropped, and the first start with them.
    let is_whole = run.executions as usize == run.history.len() + 1;
    let until = match run.executions {
        0 => run.ended_at,
        _ => first.map_or(run.started_at, |it| it.started_at).filter(|_| is_whole),
    };
    match plausible(until) {
        Some(until) if until >= created => Some(Span::Complete { start: created, end: until }),
        None if run.status == RunStatus::Pending => Some(Span::Start(created)),
        _ => None,
    }
}

/// Returns a seed as a JSON number if every reader keeps it exactly, else as text.
pub(super) fn exact(seed: i128) -> serde_json::Value {
    match i64::try_from(seed) {
        Ok(number) if seed.abs() <= MOST_EXACT => number.into(),
        _ => seed.to_string().into(),
    }
}

/// Writes scores as an object of numbers.
pub(super) fn scores<S: Serializer>(scores: &[Score], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(scores.len()))?;
    for (name, score) in scores {
        map.serialize_entry(name.as_str(), score)?;
    }
    map.end()
}
