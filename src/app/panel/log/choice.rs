//! Chosen rows of the event log, and moves to others.

use super::line::attempt_of;
use super::view::LogView;
use crate::model::{LogEntry, LogItem};
use crate::protocol::{EventId, NodeName, RunId};

/// Chosen rows, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Row that keys move.
    pub head: u64,
    /// Other end of the chosen rows; the same where one is chosen.
    pub tail: u64,
    /// Event of the head; `None` for an unreadable line.
    pub subject: Option<Subject>,
}

/// Run, step and attempt of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub id: EventId,
    pub run: RunId,
    pub node: Option<NodeName>,
    /// Number of the node's attempt, from 1 on; `None` where the event does not tell.
    pub attempt: Option<u32>,
}

impl Subject {
    fn of(entry: &LogEntry, view: &LogView) -> Option<Self> {
        let LogItem::Event(event) = &entry.item else { return None };
        Some(Self {
            id: event.id,
            run: event.run_id.clone(),
            node: event.node.clone(),
            attempt: view.run_of(&event.run_id).and_then(|run| attempt_of(run, event)),
        })
    }

    /// True when the event is one of this attempt of a node; `None` stands for any attempt.
    pub(super) fn is_of(&self, run: &str, node: &str, attempt: Option<u32>) -> bool {
        self.run == run
            && self.node.as_deref() == Some(node)
            && (attempt.is_none() || self.attempt == attempt)
    }
}

impl Choice {
    pub(super) fn new(entry: &LogEntry, view: &LogView) -> Self {
        Self { head: entry.seq, tail: entry.seq, subject: Subject::of(entry, view) }
    }

    /// First and last chosen number.
    pub(super) fn ends(&self) -> (u64, u64) {
        (self.head.min(self.tail), self.head.max(self.tail))
    }

    pub(super) fn has(&self, seq: u64) -> bool {
        let (first, last) = self.ends();
        (first..=last).contains(&seq)
    }
}

/// Move to another row of the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app::panel) enum LogMove {
    /// To the newest event, and follow.
    Now,
    /// To the oldest row.
    First,
    /// By so many rows down; up, if negative. With true the choice is extended.
    Rows(isize, bool),
    /// By so many pages down; up, if negative. With true the choice is extended.
    Pages(isize, bool),
    /// To the first failure.
    FirstFailure,
    /// To the last failure before the chosen row.
    FailureBefore,
    /// To the first failure after the chosen row.
    NextFailure,
    /// To the last event before the chosen one that is of the same run.
    BeforeOfRun,
    /// To the first event after the chosen one that is of the same run.
    NextOfRun,
}

/// Row to be found. A search goes on in the next frame where one does not suffice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Move(LogMove),
    /// The line with this number.
    Event(u64),
    /// Next line of a run from a line on, later or earlier.
    OfRun {
        run: RunId,
        is_later: bool,
        from: u64,
    },
    /// Newest event of a node, or of one attempt of it, before the line `before`.
    Node {
        run: RunId,
        node: NodeName,
        attempt: Option<u32>,
        before: u64,
    },
}
