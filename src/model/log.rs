//! The event log: everything that arrived, in order of arrival, bounded.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use crate::protocol::{DecodeError, Detail, WorkflowEvent};
use crate::text::head_of;

/// Size of a block's texts, in bytes. A block is freed as a whole.
const BLOCK_TEXT_BYTES: usize = 256 << 10;

/// Maximum number of lines of a block, and maximum size of their fields in bytes, unless it has one line.
const BLOCK_LINES: usize = 1 << 10;
const BLOCK_FIELD_BYTES: usize = 1 << 20;

/// Maximum size of the texts of all blocks in bytes. Lines whose text is not kept are dropped.
const MOST_TEXTS_BYTES: usize = 128 << 20;

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

/// Location of an event's text in its block.
#[derive(Clone, Copy, Debug, Default)]
struct TextSpan {
    start: u32,
    end: u32,
}

impl TextSpan {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Lines that follow each other, with their texts one after the other.
///
/// Freeing a hundred thousand separate strings, long evicted from the CPU caches, took as long as reading
/// the events.
#[derive(Clone, Debug, Default)]
struct Block {
    lines: Vec<LogEntry>,
    texts: String,
    /// Sum over all lines.
    field_bytes: usize,
}

impl Block {
    /// Number of the first line; `None` for an empty block.
    fn first_seq(&self) -> Option<u64> {
        self.lines.first().map(|line| line.seq)
    }

    fn line(&self, seq: u64) -> Option<&LogEntry> {
        self.lines.get(usize::try_from(seq.checked_sub(self.first_seq()?)?).ok()?)
    }

    fn is_full_for(&self, text_bytes: usize, field_bytes: usize) -> bool {
        !self.lines.is_empty()
            && (self.lines.len() >= BLOCK_LINES
                || self.texts.len() + text_bytes > BLOCK_TEXT_BYTES
                || self.field_bytes + field_bytes > BLOCK_FIELD_BYTES)
    }

    /// Appends a text. Its memory grows by doubling, up to what a block may have.
    fn push_text(&mut self, text: &str, mark: &str) -> TextSpan {
        let start = self.texts.len();
        let end = start + text.len() + mark.len();
        if end > self.texts.capacity() {
            let grown = end.next_power_of_two().min(BLOCK_TEXT_BYTES.max(end));
            self.texts.reserve_exact(grown - start);
        }
        self.texts.push_str(text);
        self.texts.push_str(mark);
        // The casts cannot overflow: a block's texts are shorter.
        TextSpan { start: start as u32, end: end as u32 }
    }

    fn bytes(&self) -> usize {
        self.texts.capacity() + self.field_bytes + self.lines.capacity() * size_of::<LogEntry>()
    }
}

/// The newest lines; the oldest are dropped and counted.
///
/// A clone shares all full blocks with the log that it was made of, so that it costs as much as one block,
/// and keeps lines that the other one drops.
#[derive(Clone, Debug)]
pub struct EventLog {
    /// Full blocks, oldest first. Lines of the first before `first_seq` are dropped.
    full: VecDeque<Arc<Block>>,
    /// Block with the newest lines.
    open: Block,
    /// Empty block with the memory of one that was freed.
    spare: Block,
    capacity: usize,
    /// Number of the oldest kept line.
    first_seq: u64,
    next_seq: u64,
    /// Sum over all kept lines.
    field_bytes: usize,
    /// Memory of the texts of `full`.
    full_text_bytes: usize,
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
            full: VecDeque::new(),
            open: Block::default(),
            spare: Block::default(),
            capacity,
            first_seq: 0,
            next_seq: 0,
            field_bytes: 0,
            full_text_bytes: 0,
        }
    }

    /// Returns an empty log that goes on after the last line of this one.
    pub(super) fn without_lines(&self) -> Self {
        self.starting_at(self.next_seq)
    }

    /// Returns an empty log with the limits of this one, whose first line has the number `seq`.
    pub(super) fn starting_at(&self, seq: u64) -> Self {
        Self { first_seq: seq, next_seq: seq, ..Self::new(self.capacity) }
    }

    /// Adds a line. `text` is the event's JSON text, empty for something that could not be read.
    pub(super) fn push(&mut self, received_at: Timestamp, item: LogItem, text: &str) {
        let seq = self.next_seq;
        self.next_seq += 1;
        if self.capacity == 0 {
            self.first_seq = self.next_seq;
            return;
        }
        let field_bytes = item.field_bytes();
        while seq - self.first_seq >= self.capacity as u64
            || self.field_bytes + field_bytes > MOST_FIELD_BYTES && self.first_seq < seq
        {
            self.drop_oldest();
        }
        let cut = (text.len() > MOST_TEXT_BYTES).then(|| head_of(text, MOST_TEXT_BYTES));
        let (text, mark) = cut.map_or((text, ""), |cut| (cut, "…"));
        if self.open.is_full_for(text.len() + mark.len(), field_bytes) {
            self.open_another();
        }
        self.field_bytes += field_bytes;
        self.open.field_bytes += field_bytes;
        let field_bytes = u32::try_from(field_bytes).unwrap_or(u32::MAX);
        let text = self.open.push_text(text, mark);
        self.open.lines.push(LogEntry { seq, received_at, item, text, field_bytes });
    }

    /// Begins another block. Drops the oldest lines where the texts of all blocks would take too much.
    fn open_another(&mut self) {
        let next = std::mem::take(&mut self.spare);
        let full = std::mem::replace(&mut self.open, next);
        self.full_text_bytes += full.texts.capacity();
        self.full.push_back(Arc::new(full));
        // The open block and the spare one have texts, too.
        while self.full_text_bytes + 2 * BLOCK_TEXT_BYTES > MOST_TEXTS_BYTES
            && !self.full.is_empty()
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let seq = self.first_seq;
        let first = self.full.front().map_or(&self.open, |block| &**block);
        let field_bytes = first.line(seq).map_or(0, |line| line.field_bytes);
        let is_last = first.lines.last().is_none_or(|last| last.seq <= seq);
        self.field_bytes = self.field_bytes.saturating_sub(field_bytes as usize);
        self.first_seq = (seq + 1).min(self.next_seq);
        if is_last {
            self.free_first_block();
        }
    }

    /// Frees the block with the oldest lines, and keeps its memory for the next block unless a clone of
    /// the log still has it.
    fn free_first_block(&mut self) {
        let mut block = match self.full.pop_front() {
            Some(block) => {
                self.full_text_bytes = self.full_text_bytes.saturating_sub(block.texts.capacity());
                let Ok(block) = Arc::try_unwrap(block) else { return };
                block
            }
            None => std::mem::take(&mut self.open),
        };
        block.lines.clear();
        block.texts.clear();
        block.field_bytes = 0;
        if self.open.lines.capacity() == 0 { self.open = block } else { self.spare = block }
    }

    /// Drops all lines before `seq`.
    pub fn drop_before(&mut self, seq: u64) {
        while self.first_seq < seq.min(self.next_seq) {
            self.drop_oldest();
        }
    }

    /// Block of a kept line.
    fn block(&self, seq: u64) -> Option<&Block> {
        if !(self.first_seq..self.next_seq).contains(&seq) {
            return None;
        }
        if self.open.first_seq().is_some_and(|first| first <= seq) {
            return Some(&self.open);
        }
        let after = self.full.partition_point(|block| block.first_seq() <= Some(seq));
        self.full.get(after.checked_sub(1)?).map(|block| &**block)
    }

    /// Returns the line with this number; `None` when it is no longer kept, or was not written yet.
    pub fn line(&self, seq: u64) -> Option<&LogEntry> {
        self.block(seq)?.line(seq)
    }

    /// Number of the oldest kept line, which is the number of dropped ones; that of the next line where
    /// none is kept.
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// Kept lines, oldest first.
    pub fn entries(&self) -> Entries<'_> {
        Entries { log: self }
    }

    /// Returns an event's JSON text, at most its first 64 KiB. Empty for a parse error, which holds its own text, and for a
    /// dropped line.
    pub fn raw(&self, entry: &LogEntry) -> &str {
        let block = self.block(entry.seq);
        block.and_then(|block| block.texts.get(entry.text.range())).unwrap_or_default()
    }

    /// Returns the approximate memory of the blocks whose lines are all before `seq`, in bytes.
    pub fn bytes_before(&self, seq: u64) -> usize {
        let is_before = |block: &&Arc<Block>| block.lines.last().is_some_and(|it| it.seq < seq);
        self.full.iter().take_while(is_before).map(|block| block.bytes()).sum()
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

/// Kept lines of a log, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    log: &'a EventLog,
}

impl<'a> Entries<'a> {
    /// Number of lines.
    pub fn len(self) -> usize {
        (self.log.next_seq - self.log.first_seq) as usize
    }

    /// True when no line is kept.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the line at this place, from 0.
    pub fn get(self, place: usize) -> Option<&'a LogEntry> {
        self.log.line(self.log.first_seq.checked_add(place as u64)?)
    }

    /// Oldest line.
    pub fn front(self) -> Option<&'a LogEntry> {
        self.get(0)
    }

    /// Newest line.
    pub fn back(self) -> Option<&'a LogEntry> {
        self.log.line(self.log.next_seq.checked_sub(1)?)
    }

    /// Iterates over the lines, oldest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = &'a LogEntry> {
        (self.log.first_seq..self.log.next_seq).filter_map(|seq| self.log.line(seq))
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
        log.full_text_bytes + log.open.texts.capacity() + log.spare.texts.capacity()
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
        let raw = log.raw(log.line(299).unwrap());
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
        assert!(text_bytes(&log) <= MOST_TEXTS_BYTES, "{}", text_bytes(&log));
        let kept = log.entries().len();
        assert!((3_000..4_200).contains(&kept), "{kept}");
        assert_eq!(log.first_seq(), 6_000 - kept as u64);
        for entry in log.entries().iter() {
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

    #[test]
    fn clone_keeps_the_lines_that_the_log_drops() {
        let mut log = EventLog::new(3_000);
        let text = |seq: u64| format!("text {seq}");
        let push = |log: &mut EventLog, count: u64| {
            for seq in log.written()..log.written() + count {
                log.push(Timestamp::UNIX_EPOCH, LogItem::Event(event(10)), &text(seq));
            }
        };
        push(&mut log, 5_000);
        let mut held = log.clone();
        assert!(held.full.iter().zip(&log.full).all(|(held, full)| Arc::ptr_eq(held, full)));
        push(&mut log, 10_000);
        assert_eq!((log.first_seq(), log.written(), log.entries().len()), (12_000, 15_000, 3_000));
        let all = |log: &EventLog, from: u64, to: u64| {
            assert_eq!((log.first_seq(), log.written()), (from, to));
            for (place, seq) in (from..to).enumerate() {
                let line = log.line(seq).unwrap();
                assert_eq!((line.seq, log.raw(line)), (seq, &*text(seq)));
                assert_eq!(log.entries().get(place).unwrap().seq, seq);
            }
            assert!(log.line(from.wrapping_sub(1)).is_none() && log.line(to).is_none());
        };
        all(&log, 12_000, 15_000);
        all(&held, 2_000, 5_000);
        assert!(held.bytes_before(log.first_seq()) > held.bytes_before(3_000));
        held.drop_before(4_500);
        all(&held, 4_500, 5_000);
        held.drop_before(u64::MAX);
        all(&held, 5_000, 5_000);
        assert_eq!((held.entries().front().is_none(), held.field_bytes), (true, 0));
        assert!(log.raw(&LogEntry { seq: 3, ..log.line(12_000).unwrap().clone() }).is_empty());
    }

    #[test]
    fn log_of_few_lines_keeps_few_blocks() {
        let mut log = EventLog::new(7);
        for seq in 0..20_000 {
            log.push(Timestamp::UNIX_EPOCH, LogItem::Event(event(10)), "text");
            assert_eq!(log.entries().len() as u64, 7.min(seq + 1));
            assert!(log.full.len() <= 1, "{}", log.full.len());
        }
        assert_eq!(log.without_lines().entries().len(), 0);
        assert_eq!(log.without_lines().written(), 20_000);
    }
}
