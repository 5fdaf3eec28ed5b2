//! The event log: everything that arrived, in order of arrival, bounded.

use std::collections::VecDeque;
use std::ops::Range;

use jiff::Timestamp;

use crate::protocol::{DecodeError, WorkflowEvent};

/// Size of a text segment in bytes. Segments are freed as a whole.
const SEGMENT_BYTES: usize = 256 << 10;

/// A line of the log.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Number of the line, from 0. Not reused when old lines are dropped.
    pub seq: u64,
    /// Time of arrival by this machine's clock.
    pub received_at: Timestamp,
    /// Content of the entry.
    pub item: LogItem,
    text: TextSpan,
}

/// Content of a line.
#[derive(Clone, Debug)]
pub enum LogItem {
    /// An event. [`EventLog::raw`] returns its text.
    Event(WorkflowEvent),
    /// Something that could not be read.
    ParseError(DecodeError),
}

/// Location of an event's text in the segments.
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
/// Texts are stored one after the other in large segments. Freeing a hundred thousand separate strings,
/// long evicted from the CPU caches, took as long as reading the events.
#[derive(Clone, Debug)]
pub struct EventLog {
    entries: VecDeque<LogEntry>,
    capacity: usize,
    next_seq: u64,
    segments: VecDeque<String>,
    /// Number of the first of `segments`. Not reused when old segments are freed.
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

    /// Adds a line. `text` is the event's JSON text, empty for something that could not be read.
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
        // The casts cannot overflow: a segment exceeds its size only to hold one long text, and no
        // message has 4 GiB.
        let start = segment.len() as u32;
        segment.push_str(text);
        TextSpan { segment: place, start, end: segment.len() as u32 }
    }

    /// Frees the segments without a kept line, and returns one of them for reuse.
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

    /// Kept lines, oldest first.
    pub fn entries(&self) -> &VecDeque<LogEntry> {
        &self.entries
    }

    /// Returns an event's JSON text. Empty for a parse error, which holds its own text, and for a
    /// dropped line.
    pub fn raw(&self, entry: &LogEntry) -> &str {
        let place = entry.text;
        place
            .segment
            .checked_sub(self.first_segment)
            .and_then(|index| self.segments.get(usize::try_from(index).ok()?))
            .and_then(|segment| segment.get(place.range()))
            .unwrap_or_default()
    }

    /// Number of lines ever written, including dropped ones.
    pub fn written(&self) -> u64 {
        self.next_seq
    }
}
