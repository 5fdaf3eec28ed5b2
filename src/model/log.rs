//! The event log: everything that arrived, in order of arrival, bounded.

use std::collections::VecDeque;
use std::ops::Range;

use jiff::Timestamp;

use crate::protocol::{DecodeError, WorkflowEvent};

/// Bytes of event text that are let go at once.
const SEGMENT_BYTES: usize = 256 << 10;

/// A line of the log.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Counts lines from 0; not reused when old lines go.
    pub seq: u64,
    /// By this machine's clock.
    pub received_at: Timestamp,
    /// What the line tells.
    pub item: LogItem,
    text: TextSpan,
}

/// What a line tells.
#[derive(Clone, Debug)]
pub enum LogItem {
    /// Its text is asked for with [`EventLog::raw`].
    Event(WorkflowEvent),
    /// Something arrived that could not be read.
    ParseError(DecodeError),
}

/// Where an event's text lies.
#[derive(Clone, Copy, Debug, Default)]
struct TextSpan {
    segment: u64,
    start: u32,
    end: u32,
}

impl TextSpan {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The newest lines; the oldest are dropped and counted.
///
/// Texts lie one after the other in long segments: to free a hundred thousand of them one by one,
/// each long out of the processor's caches, took as long as to read the events.
#[derive(Clone, Debug)]
pub struct EventLog {
    entries: VecDeque<LogEntry>,
    capacity: usize,
    next_seq: u64,
    segments: VecDeque<String>,
    /// The number of the first of `segments`; not reused when old ones go.
    first_segment: u64,
}

impl EventLog {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
            next_seq: 0,
            segments: VecDeque::new(),
            first_segment: 0,
        }
    }

    /// Adds a line; `text` is the event's own, empty for what could not be read.
    pub(super) fn push(&mut self, received_at: Timestamp, item: LogItem, text: &str) {
        let seq = self.next_seq;
        self.next_seq += 1;
        if self.capacity == 0 {
            return;
        }
        if self.entries.len() >= self.capacity {
            self.entries.pop_front();
        }
        let text = self.keep_text(text);
        self.entries.push_back(LogEntry { seq, received_at, item, text });
    }

    fn newest_segment(&self) -> u64 {
        self.first_segment + (self.segments.len().saturating_sub(1)) as u64
    }

    fn keep_text(&mut self, text: &str) -> TextSpan {
        let full = self
            .segments
            .back()
            .is_none_or(|segment| segment.len() + text.len() > segment.capacity());
        if full {
            let segment = self.unused_segment().unwrap_or_default();
            self.segments.push_back(segment);
        }
        let place = self.newest_segment();
        let Some(segment) = self.segments.back_mut() else {
            return TextSpan::default();
        };
        if segment.is_empty() {
            segment.reserve_exact(text.len().max(SEGMENT_BYTES));
        }
        // A segment is longer than it should be only for one long text; a text beyond four
        // gigabytes is no message.
        let start = segment.len() as u32;
        segment.push_str(text);
        TextSpan { segment: place, start, end: segment.len() as u32 }
    }

    /// Lets go of the segments that no kept line lies in; one of them is used again.
    fn unused_segment(&mut self) -> Option<String> {
        let oldest = self.entries.front().map_or(u64::MAX, |entry| entry.text.segment);
        let mut unused = None;
        while self.first_segment < oldest
            && let Some(mut segment) = self.segments.pop_front()
        {
            self.first_segment += 1;
            if segment.capacity() <= 2 * SEGMENT_BYTES {
                segment.clear();
                unused = Some(segment);
            }
        }
        unused
    }

    /// The lines that are kept, oldest first.
    pub fn entries(&self) -> &VecDeque<LogEntry> {
        &self.entries
    }

    /// An event's own JSON text; empty for what could not be read (the item has it) and for a line
    /// that is not kept any more.
    pub fn raw(&self, entry: &LogEntry) -> &str {
        let place = entry.text;
        place
            .segment
            .checked_sub(self.first_segment)
            .and_then(|index| self.segments.get(usize::try_from(index).ok()?))
            .and_then(|segment| segment.get(place.range()))
            .unwrap_or_default()
    }

    /// Lines ever written; the difference to what is kept was dropped.
    pub fn written(&self) -> u64 {
        self.next_seq
    }
}
