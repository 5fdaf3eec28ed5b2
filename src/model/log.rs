//! The event log: everything that arrived, in order of arrival, bounded.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::protocol::{DecodeError, WorkflowEvent};

/// A line of the log.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Counts lines from 0; not reused when old lines go.
    pub seq: u64,
    /// By this machine's clock.
    pub received_at: Timestamp,
    pub item: LogItem,
}

/// What a line tells.
#[derive(Clone, Debug)]
pub enum LogItem {
    Event(WorkflowEvent),
    /// Something arrived that could not be read.
    ParseError(DecodeError),
}

/// The newest lines; the oldest are dropped and counted.
#[derive(Clone, Debug)]
pub struct EventLog {
    entries: VecDeque<LogEntry>,
    capacity: usize,
    next_seq: u64,
}

impl EventLog {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), capacity, next_seq: 0 }
    }

    pub(super) fn push(&mut self, received_at: Timestamp, item: LogItem) {
        if self.entries.len() >= self.capacity {
            self.entries.pop_front();
        }
        if self.capacity > 0 {
            self.entries.push_back(LogEntry { seq: self.next_seq, received_at, item });
        }
        self.next_seq += 1;
    }

    /// The lines that are kept, oldest first.
    pub fn entries(&self) -> &VecDeque<LogEntry> {
        &self.entries
    }

    /// Lines ever written; the difference to what is kept was dropped.
    pub fn written(&self) -> u64 {
        self.next_seq
    }
}
