//! The journal: what the model consumed, in order of arrival, in compressed blocks.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::{self, Entry, Kind, Recorded};
use super::pack;
use crate::protocol::{Batch, RunSnapshot};

/// Size of a block in bytes, before compression.
const BLOCK_BYTES: usize = 128 << 10;

/// Entries of the journal: all blocks but the last are compressed.
#[derive(Debug)]
pub(super) struct Journal {
    blocks: VecDeque<Block>,
    /// Number of the first of `blocks`. Not reused when old blocks are dropped.
    first_block: u64,
    open: OpenBlock,
    /// Arrival of the last entry.
    last_received_at: Timestamp,
    /// Size of `blocks` in bytes.
    bytes: usize,
    items: Vec<u8>,
}

/// A compressed block.
#[derive(Debug)]
struct Block {
    packed: Box<[u8]>,
    head: Head,
    /// Size before compression.
    length: usize,
    kept: Vec<Arc<RunSnapshot>>,
}

/// The block that entries are added to.
#[derive(Debug)]
struct OpenBlock {
    bytes: Vec<u8>,
    head: Head,
    kept: Vec<Arc<RunSnapshot>>,
}

/// Index of a block: known without reading it.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Arrival of the last entry before the block; the first entry's is relative to it.
    since: Timestamp,
    /// Instants of its first and last entry; see [`Entry::at`].
    span: Option<(Timestamp, Timestamp)>,
    /// No entry of the block counts as later than this.
    cap: Timestamp,
    /// Number of entries that changed a run.
    changes: u64,
    /// Number of the log's first line of this block.
    log_from: u64,
}

impl Head {
    fn new(since: Timestamp, log_from: u64) -> Self {
        Self { since, span: None, cap: Timestamp::MAX, changes: 0, log_from }
    }

    /// Makes no entry later than `at`.
    fn cap(&mut self, at: Timestamp) {
        self.cap = self.cap.min(at);
        self.span = self.span.map(|(first, last)| (first.min(at), last.min(at)));
    }

    fn is_later_than(&self, at: Timestamp) -> bool {
        self.span.is_some_and(|(_, last)| last > at)
    }
}

/// A block that has been read.
#[derive(Debug)]
pub(super) struct ReadBlock {
    bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    kept: Vec<Arc<RunSnapshot>>,
}

impl ReadBlock {
    /// Returns the batch of an entry; `None` for a change of the connection.
    pub(super) fn batch(&self, entry: &Entry) -> Option<Recorded> {
        entry::batch_of(&self.bytes, entry, &self.kept)
    }
}

impl Journal {
    /// Creates an empty journal. `log_from` is the number of the log's next line.
    pub(super) fn new(log_from: u64) -> Self {
        let since = Timestamp::UNIX_EPOCH;
        let head = Head::new(since, log_from);
        Self {
            blocks: VecDeque::new(),
            first_block: 0,
            open: OpenBlock { bytes: Vec::new(), head, kept: Vec::new() },
            last_received_at: since,
            bytes: 0,
            items: Vec::new(),
        }
    }

    /// Notes the items of a batch, which the model consumes before [`add_batch`](Self::add_batch) is
    /// called. Returns the cost of applying them again, in events.
    pub(super) fn note_items(&mut self, batch: &Batch) -> u64 {
        self.items.clear();
        entry::write_items(batch, &mut self.items, &mut self.open.kept)
    }

    /// Adds the batch whose items were noted.
    pub(super) fn add_batch(&mut self, of: &BatchHead, changed: bool, repeated: &[u32]) {
        let mut counts = Vec::new();
        entry::write_counts(&mut counts, of.frames, of.dropped, repeated);
        let items = std::mem::take(&mut self.items);
        self.add(Kind::Batch { live: of.live }, of.received_at, changed, &[&counts, &items]);
        self.items = items;
        self.items.clear();
    }

    /// Adds a change of the connection.
    pub(super) fn add_connection(&mut self, kind: Kind, at: Timestamp) {
        self.add(kind, at, false, &[]);
    }

    fn add(&mut self, kind: Kind, at: Timestamp, changed: bool, body: &[&[u8]]) {
        if self.last_received_at > at {
            self.clock_was_set_back(at);
        }
        let since = std::mem::replace(&mut self.last_received_at, at);
        let OpenBlock { bytes, head, .. } = &mut self.open;
        entry::write_entry(bytes, kind, at, since, changed, body);
        head.span = Some((head.span.map_or(at, |(first, _)| first), at));
        head.changes += u64::from(changed);
    }

    /// Makes no earlier entry later than `at`: at `at`, they had all been received.
    fn clock_was_set_back(&mut self, at: Timestamp) {
        // The open block has no limit of its own: reading it finds the entry that comes at `at`.
        self.open.head.span =
            self.open.head.span.map(|(first, last)| (first.min(at), last.min(at)));
        let later = self.blocks.iter_mut().rev().take_while(|block| block.head.is_later_than(at));
        later.for_each(|block| block.head.cap(at));
    }

    /// True when the open block is large enough to be compressed.
    pub(super) fn is_block_full(&self) -> bool {
        self.open.bytes.len() >= BLOCK_BYTES
    }

    /// Compresses the open block and begins another one. `log_from` is the number of the log's next line.
    pub(super) fn seal(&mut self, log_from: u64) {
        if self.open.bytes.is_empty() {
            return;
        }
        let packed = pack::packed(&self.open.bytes);
        let block = Block {
            packed,
            head: self.open.head,
            length: self.open.bytes.len(),
            kept: std::mem::take(&mut self.open.kept),
        };
        self.bytes += block.memory();
        self.blocks.push_back(block);
        self.open.bytes.clear();
        // A large batch, such as that of a replay, is rare.
        self.open.bytes.shrink_to(2 * BLOCK_BYTES);
        self.items.shrink_to(BLOCK_BYTES);
        self.open.head = Head::new(self.last_received_at, log_from);
    }

    /// Number of the block that entries are added to.
    pub(super) fn open_block(&self) -> u64 {
        self.first_block + self.blocks.len() as u64
    }

    /// Drops all blocks before `block`. Returns the instant of the last entry dropped.
    pub(super) fn drop_before(&mut self, block: u64) -> Option<Timestamp> {
        let mut last_dropped = None;
        while self.first_block < block
            && let Some(dropped) = self.blocks.pop_front()
        {
            self.first_block += 1;
            self.bytes = self.bytes.saturating_sub(dropped.memory());
            last_dropped = dropped.head.span.map(|(_, last)| last).or(last_dropped);
        }
        last_dropped
    }

    /// Size of the compressed blocks in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Size of what is not compressed yet in bytes.
    pub(super) fn open_bytes(&self) -> usize {
        self.open.bytes.capacity() + self.items.capacity()
    }

    fn head(&self, block: u64) -> Option<&Head> {
        let place = usize::try_from(block.checked_sub(self.first_block)?).ok()?;
        match self.blocks.get(place) {
            Some(block) => Some(&block.head),
            None => (place == self.blocks.len()).then_some(&self.open.head),
        }
    }

    /// Numbers of the kept blocks.
    pub(super) fn numbers(&self) -> Range<u64> {
        self.first_block..self.open_block() + 1
    }

    /// Returns the number of the block that contains the last entry no later than `at`, or of the first
    /// block where there is none.
    pub(super) fn block_at(&self, at: Timestamp) -> u64 {
        let begun = |head: &Head| head.span.is_some_and(|(first, _)| first <= at);
        if begun(&self.open.head) {
            return self.open_block();
        }
        let after = self.blocks.partition_point(|block| begun(&block.head));
        self.first_block + after.saturating_sub(1) as u64
    }

    /// Returns the number of the block with this line of the log, or of the first block after it.
    pub(super) fn block_of_line(&self, seq: u64) -> u64 {
        if self.open.head.log_from <= seq {
            return self.open_block();
        }
        let after = self.blocks.partition_point(|block| block.head.log_from <= seq);
        self.first_block + after.saturating_sub(1) as u64
    }

    /// Returns the number of the log's first line of a block.
    pub(super) fn log_from(&self, block: u64) -> Option<u64> {
        self.head(block).map(|head| head.log_from)
    }

    /// True when a block has an entry that changed a run.
    pub(super) fn has_changes(&self, block: u64) -> bool {
        self.head(block).is_some_and(|head| head.changes > 0)
    }

    /// Returns the instant of the first entry of a block.
    pub(super) fn first_at(&self, block: u64) -> Option<Timestamp> {
        self.head(block)?.span.map(|(first, _)| first)
    }

    /// Returns the instant of the last entry.
    pub(super) fn last_at(&self) -> Option<Timestamp> {
        let heads = self.blocks.iter().map(|block| &block.head).chain([&self.open.head]);
        heads.rev().find_map(|head| head.span).map(|(_, last)| last)
    }

    /// Reads a block; `None` when it is not kept.
    pub(super) fn read(&self, block: u64) -> Option<ReadBlock> {
        let head = self.head(block)?;
        let place = usize::try_from(block - self.first_block).ok()?;
        let (bytes, kept) = match self.blocks.get(place) {
            Some(block) => (pack::unpacked(&block.packed, block.length), &block.kept),
            None => (self.open.bytes.clone(), &self.open.kept),
        };
        let entries = entry::entries_of(&bytes, head.since, head.cap);
        Some(ReadBlock { bytes, entries, kept: kept.clone() })
    }

    /// State of a block that changes when what [`read`](Self::read) returns does.
    pub(super) fn version(&self, block: u64) -> Option<(usize, Timestamp)> {
        let cap = self.head(block)?.cap;
        let place = usize::try_from(block - self.first_block).ok()?;
        let length = self.blocks.get(place).map_or(self.open.bytes.len(), |block| block.length);
        Some((length, cap))
    }
}

impl Block {
    fn memory(&self) -> usize {
        let kept: usize =
            self.kept.iter().map(|run| size_of::<RunSnapshot>() + run.text_bytes()).sum();
        size_of::<Self>() + self.packed.len() + kept
    }
}

/// Fields of a batch other than its items.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchHead {
    received_at: Timestamp,
    live: bool,
    frames: u64,
    dropped: u64,
}

impl BatchHead {
    pub(super) fn of(batch: &Batch) -> Self {
        let Batch { received_at, live, frames, dropped, .. } = *batch;
        Self { received_at, live, frames, dropped }
    }
}
