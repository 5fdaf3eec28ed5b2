//! The event log: everything that arrived, in order of arrival, bounded.

use std::collections::VecDeque;
use std::ops::Range;

use jiff::Timestamp;

use crate::protocol::{DecodeError, Detail, WorkflowEvent};
use crate::text::head_of;

/// Size of a text segment in bytes. Segments are freed as a whole.
const SEGMENT_BYTES: usize = 256 << 10;

/// Maximum number of segments: 128 MiB. Lines whose text is not kept are dropped.
const MOST_SEGMENTS: usize = 512;

/// Maximum number of bytes of one event's text that are kept.
const MOST_TEXT_BYTES: usize = 64 << 10;

/// Maximum size of the fields of all kept lines in bytes, besides their texts and what every line has.
const MOST_FIELD_BYTES: usize = 128 << 20;

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
    /// Size of the fields that only some events have, in bytes.
    field_bytes: u32,
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
    /// Sum over all entries.
    field_bytes: usize,
}

impl LogItem {
    /// Returns the approximate size of the fields that only some events have, in bytes.
    fn field_bytes(&self) -> usize {
        match self {
            Self::ParseError(error) => error.text.len() + error.reason.len(),
            Self::Event(event) => event.detail.as_deref().map_or(0, Detail::text_bytes),
        }
    }
}

impl EventLog {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
            next_seq: 0,
            segments: VecDeque::new(),
            first_segment: 0,
            field_bytes: 0,
        }
    }

    /// Returns an empty log that goes on after the last line of this one.
    pub(super) fn without_lines(&self) -> Self {
        self.starting_at(self.next_seq)
    }

    /// Returns an empty log with the limits of this one, whose first line has the number `seq`.
    pub(super) fn starting_at(&self, seq: u64) -> Self {
        Self { next_seq: seq, ..Self::new(self.capacity) }
    }

    /// Adds a line. `text` is the event's JSON text, empty for something that could not be read.
    pub(super) fn push(&mut self, received_at: Timestamp, item: LogItem, text: &str) {
        let seq = self.next_seq;
        self.next_seq += 1;
        if self.capacity == 0 {
            return;
        }
        let field_bytes = item.field_bytes();
        while self.entries.len() >= self.capacity
            || self.field_bytes + field_bytes > MOST_FIELD_BYTES && !self.entries.is_empty()
        {
            self.drop_oldest();
        }
        self.field_bytes += field_bytes;
        let field_bytes = u32::try_from(field_bytes).unwrap_or(u32::MAX);
        let text = self.keep_text(text);
        self.entries.push_back(LogEntry { seq, received_at, item, text, field_bytes });
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.field_bytes = self.field_bytes.saturating_sub(entry.field_bytes as usize);
        }
    }

    fn newest_segment(&self) -> u64 {
        self.first_segment + (self.segments.len().saturating_sub(1)) as u64
    }

    fn keep_text(&mut self, text: &str) -> TextSpan {
        let cut = (text.len() > MOST_TEXT_BYTES).then(|| head_of(text, MOST_TEXT_BYTES));
        let (text, mark) = cut.map_or((text, ""), |cut| (cut, "…"));
        let bytes = text.len() + mark.len();
        let full =
            self.segments.back().is_none_or(|segment| segment.len() + bytes > segment.capacity());
        if full {
            // Lines whose text is in the oldest segment.
            while self.segments.len() >= MOST_SEGMENTS
                && self.entries.front().is_some_and(|it| it.text.segment <= self.first_segment)
            {
                self.drop_oldest();
            }
            let segment = self.unused_segment().unwrap_or_default();
            self.segments.push_back(segment);
        }
        let place = self.newest_segment();
        let Some(segment) = self.segments.back_mut() else {
            return TextSpan::default();
        };
        if segment.is_empty() {
            segment.reserve_exact(SEGMENT_BYTES);
        }
        // The casts cannot overflow.
        let start = segment.len() as u32;
        segment.push_str(text);
        segment.push_str(mark);
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
            segment.clear();
            unused = Some(segment);
        }
        unused
    }

    /// Kept lines, oldest first.
    pub fn entries(&self) -> &VecDeque<LogEntry> {
        &self.entries
    }

    /// Returns an event's JSON text, at most its first 64 KiB. Empty for a parse error, which holds its own text, and for a
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

    /// Maximum number of lines.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Number of lines ever written, including dropped ones.
    pub fn written(&self) -> u64 {
        self.next_seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Batch, Item};

    fn event(message_bytes: usize) -> WorkflowEvent {
        let message = "m".repeat(message_bytes);
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
        batch.push_text(&format!(
            r#"{{"ts":"2026-11-23T10:00:00Z","run_id":"r","phase":"info","data":{{"message":"{message}"}}}}"#
        ));
        match batch.items.pop() {
            Some(Item::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    fn text_bytes(log: &EventLog) -> usize {
        log.segments.iter().map(String::capacity).sum()
    }

    /// Regression: 300 messages of 3.9 MB once filled 1.4 GB.
    #[test]
    fn long_texts_are_cut() {
        let mut log = EventLog::new(100_000);
        let long = "é".repeat(2 << 20);
        for _ in 0..300 {
            log.push(Timestamp::UNIX_EPOCH, LogItem::Event(event(10)), &long);
        }
        assert_eq!(log.entries().len(), 300);
        assert!(text_bytes(&log) <= 32 << 20, "{}", text_bytes(&log));
        let raw = log.raw(&log.entries()[299]);
        assert_eq!(raw.len(), MOST_TEXT_BYTES + "…".len());
        assert!(raw.starts_with('é') && raw.ends_with("é…"));
    }

    #[test]
    fn texts_of_all_lines_are_bounded_and_oldest_lines_go() {
        let mut log = EventLog::new(100_000);
        let text = "x".repeat(MOST_TEXT_BYTES);
        for _ in 0..3_000 {
            log.push(Timestamp::UNIX_EPOCH, LogItem::Event(event(10)), &text);
            log.push(Timestamp::UNIX_EPOCH, LogItem::Event(event(10)), "short");
        }
        assert!(text_bytes(&log) <= MOST_SEGMENTS * SEGMENT_BYTES, "{}", text_bytes(&log));
        let kept = log.entries().len();
        assert!((3_000..4_200).contains(&kept), "{kept}");
        assert_eq!(log.entries()[0].seq, 6_000 - kept as u64);
        for entry in log.entries() {
            let whole = if entry.seq % 2 == 0 { &text } else { "short" };
            assert_eq!(log.raw(entry), whole, "line {}", entry.seq);
        }
    }

    #[test]
    fn fields_of_all_lines_are_bounded_and_oldest_lines_go() {
        let mut log = EventLog::new(1_000_000);
        let long = event(16 << 10);
        for _ in 0..10_000 {
            log.push(Timestamp::UNIX_EPOCH, LogItem::Event(long.clone()), "");
        }
        assert_eq!(log.entries().len(), MOST_FIELD_BYTES / (16 << 10));
        assert_eq!(log.field_bytes, MOST_FIELD_BYTES);
        for _ in 0..10_000 {
            log.push(Timestamp::UNIX_EPOCH, LogItem::Event(event(1)), "");
        }
        assert_eq!(log.entries().len(), 18_191, "one line made room for all of the others");
    }
}
