//! The past: the model as of any instant of the time that is kept.
//!
//! Everything that the model consumes is kept as it arrived: the batches with the texts of their events,
//! REST snapshots, and changes of the connection (`journal`). The model as of an instant is the nearest
//! checkpoint before it (`checkpoints`), to which everything that had arrived by then is applied again.
//! This model equals the live one at that instant, because it was made in the same way.
//!
//! Instants are those of arrival, by this machine's clock, because a display shows what it knew. Where
//! that clock was set back, an instant that it showed twice means the second time, and what had arrived
//! before counts as arrived by then: the past as of now is always the live model.
//!
//! | part | what it does |
//! | --- | --- |
//! | `entry` | one batch as bytes |
//! | `pack` | compression |
//! | `journal` | entries in compressed blocks |
//! | `checkpoints` | models to begin from, and which of them are kept |
//! | `cursor` | a model of the past that goes on |
//! | `activity` | events by second and ends of runs, for a scrub bar |
//! | `fetched` | the past of a hub, before a display's own |
//!
//! # Limits
//!
//! Journal and checkpoints have a limit in bytes each ([`PastLimits`]), which follows from the limit on
//! runs. Beyond it the oldest part is dropped, and [`Past::reach`] says how far back the rest goes. The log
//! of a model of the past begins at its checkpoint; [`Past::fill_log`] adds the older lines.

mod activity;
mod checkpoints;
mod cursor;
mod entry;
mod fetched;
mod journal;
mod pack;

use jiff::Timestamp;
use thiserror::Error;

pub use self::activity::EndMark;
pub use self::cursor::{Cursor, Place};
pub use self::fetched::FetchedPast;

use self::activity::Activity;
use self::checkpoints::Checkpoints;
use self::entry::Kind;
use self::journal::{BatchHead, Journal};
use super::{Change, LogItem, Model, Retention, RunStatus};
use crate::bounded::bounded;
use crate::protocol::{Batch, Item, WorkflowEvent};

/// Share of the journal's limit after which a checkpoint is due: without checkpoints nothing could be
/// dropped.
const JOURNAL_PARTS: usize = 8;

/// Limits on the memory of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastLimits {
    /// Maximum size of the compressed journal in bytes.
    pub journal_bytes: usize,
    /// Maximum size in bytes of the checkpoints, as far as they share no runs.
    pub checkpoint_bytes: usize,
    /// Number of events between two checkpoints while they are within their limit. Up to four times as many
    /// have to be applied again for an instant.
    pub checkpoint_events: u64,
}

impl PastLimits {
    /// Returns the limits that suit those of the model: about a quarter to a third more memory than without
    /// a past. `benches/README.md` has what was measured.
    pub fn of(retention: &Retention) -> Self {
        let runs = bounded(retention.runs, 100, 10_000);
        Self {
            journal_bytes: runs * (4 << 10),
            checkpoint_bytes: runs * (2 << 10),
            checkpoint_events: 8_000,
        }
    }
}

/// An instant is before the kept past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the past is kept only from {since} on; earlier events were dropped")]
pub struct OutOfReach {
    /// Earliest instant that the past knows.
    pub since: Timestamp,
}

/// How far the past reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Earliest instant whose model is known; `None` when nothing was dropped, so that every instant's
    /// model is known.
    pub since: Option<Timestamp>,
    /// Arrival of the first and the last thing that is kept; `None` when nothing is.
    pub kept: Option<(Timestamp, Timestamp)>,
}

/// Memory of the past in bytes, approximately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastMemory {
    /// Compressed batches, and their index.
    pub journal: usize,
    /// Checkpoints, as far as they share no runs with the model or with each other.
    pub checkpoints: usize,
    /// Number of checkpoints.
    pub checkpoint_count: usize,
}

/// Everything a model has received, from which it can be computed as of any instant that is kept.
#[derive(Debug)]
pub struct Past {
    limits: PastLimits,
    journal: Journal,
    checkpoints: Checkpoints,
    activity: Activity,
    /// Cost of applying everything that was received.
    work: u64,
    /// Size of the journal at the last checkpoint, in bytes.
    bytes_at_checkpoint: usize,
    since: Option<Timestamp>,
}

impl Past {
    /// Creates a past that begins now, with everything that `model` knows by now.
    pub fn new(limits: PastLimits, model: &Model) -> Self {
        Self {
            limits,
            journal: Journal::new(model.log().written()),
            checkpoints: Checkpoints::new(model, limits.checkpoint_events),
            activity: Activity::default(),
            work: 0,
            bytes_at_checkpoint: 0,
            since: model.last_received_at(),
        }
    }

    /// Applies a batch to the model like [`Model::receive`], and keeps it. The model must be the one that
    /// received everything before.
    pub fn receive(
        &mut self,
        model: &mut Model,
        batch: Batch,
        mut on_change: impl FnMut(Option<&WorkflowEvent>, Change),
    ) {
        let head = BatchHead::of(&batch);
        let (at, live) = (batch.received_at, batch.live);
        self.work += self.journal.note_items(&batch);
        let mut changes = 0;
        let activity = &mut self.activity;
        model.receive(batch, |event, change| {
            changes += 1;
            activity.mark(&change, at, live);
            on_change(event, change);
        });
        activity.add(at, changes);
        self.journal.add_batch(&head, changes > 0, model.repeated());
        self.added(model, at);
    }

    /// Reports to the model that the connection was lost, and keeps it.
    pub fn connection_lost(&mut self, model: &mut Model, at: Timestamp) {
        model.connection_lost(at);
        self.journal.add_connection(Kind::Lost, at);
        self.added(model, at);
    }

    /// Reports to the model that a connection stands since `at`, by this machine's clock, and keeps it.
    pub fn connection_stands(&mut self, model: &mut Model, at: Timestamp) {
        model.connection_stands();
        self.journal.add_connection(Kind::Stands, at);
        self.added(model, at);
    }

    /// Compresses a full block, makes a checkpoint that is due, and drops what is over the limits.
    fn added(&mut self, model: &Model, at: Timestamp) {
        // If this machine's clock was set back, the dropped part counts as received by the new time.
        self.since = self.since.map(|since| since.min(at));
        let log_from = model.log().written();
        let grown = self.journal.bytes().saturating_sub(self.bytes_at_checkpoint);
        if self.checkpoints.is_due(self.work) || grown > self.limits.journal_bytes / JOURNAL_PARTS {
            self.journal.seal(log_from);
            let (block, most_bytes) = (self.journal.open_block(), self.limits.checkpoint_bytes);
            self.checkpoints.add(model, block, self.work, most_bytes);
            self.drop_oldest();
            self.bytes_at_checkpoint = self.journal.bytes();
        } else if self.journal.is_block_full() {
            self.journal.seal(log_from);
        }
    }

    fn drop_oldest(&mut self) {
        loop {
            if let Some(last) = self.journal.drop_before(self.checkpoints.first_block()) {
                self.since = Some(last);
                self.activity.drop_before(last);
            }
            let bytes = self.journal.bytes() + self.activity.bytes();
            if bytes <= self.limits.journal_bytes || self.checkpoints.len() == 1 {
                return;
            }
            self.checkpoints.drop_oldest();
        }
    }

    /// Returns how far the past reaches.
    pub fn reach(&self) -> Reach {
        let first = self.journal.numbers().find_map(|block| self.journal.first_at(block));
        Reach { since: self.since, kept: first.zip(self.journal.last_at()) }
    }

    fn out_of_reach(&self) -> OutOfReach {
        OutOfReach { since: self.since.unwrap_or(Timestamp::MIN) }
    }

    /// Returns the model as of `at` by this machine's clock: with everything that had arrived by then.
    ///
    /// # Errors
    ///
    /// Returns an error for an instant before the kept past.
    pub fn as_of(&self, at: Timestamp) -> Result<Model, OutOfReach> {
        self.cursor(at).map(Cursor::into_model)
    }

    /// Returns the model as of `at` like [`as_of`](Self::as_of), to go on from there.
    ///
    /// # Errors
    ///
    /// Returns an error for an instant before the kept past.
    pub fn cursor(&self, at: Timestamp) -> Result<Cursor, OutOfReach> {
        if self.since.is_some_and(|since| at < since) {
            return Err(self.out_of_reach());
        }
        let block = self.journal.block_at(at);
        let (block, model) = self.checkpoints.before(block).ok_or_else(|| self.out_of_reach())?;
        let mut cursor = Cursor::new(model, block);
        cursor.advance_to(self, at, |_, _| ())?;
        Ok(cursor)
    }

    /// Adds older lines to the log of a model of this past, until it has the last `lines` lines, or all
    /// that are kept. The log of the live model had the same lines, with the same numbers.
    pub fn fill_log(&self, model: &mut Model, lines: usize) {
        let written = model.log().written();
        let lines = lines.min(model.log().capacity()) as u64;
        let first = self.journal.block_of_line(written.saturating_sub(lines));
        let Some(log_from) = self.journal.log_from(first) else { return };
        let kept = model.log().entries().front().map_or(written, |line| line.seq);
        if log_from >= kept {
            return;
        }
        let mut log = model.log().starting_at(log_from);
        'blocks: for block in
            (first..self.journal.numbers().end).filter_map(|it| self.journal.read(it))
        {
            for recorded in block.entries.iter().filter_map(|entry| block.batch(entry)) {
                let mut batch = recorded.batch;
                let items = std::mem::take(&mut batch.items);
                let mut texts = batch.event_texts();
                for (place, item) in items.into_iter().enumerate() {
                    let (item, text) = match item {
                        Item::Event(event) => {
                            (LogItem::Event(event), texts.next().unwrap_or_default())
                        }
                        Item::Malformed(error) => (LogItem::ParseError(error), ""),
                        Item::Run(_) | Item::Hub(_) | Item::Ignored => continue,
                    };
                    if !recorded.repeated.contains(&place) {
                        if log.written() == written {
                            break 'blocks;
                        }
                        log.push(batch.received_at, item, text);
                    }
                }
            }
        }
        if log.written() == written {
            model.log = log;
        }
    }

    /// Returns the first instant after `at` at which something that arrived changed a run.
    pub fn next_event(&self, at: Timestamp) -> Option<Timestamp> {
        let blocks = self.journal.block_at(at)..self.journal.numbers().end;
        self.changes_in(blocks, |changed_at| changed_at > at)
            .and_then(|found| found.first().copied())
    }

    /// Returns the last instant before `at` at which something that arrived changed a run.
    pub fn previous_event(&self, at: Timestamp) -> Option<Timestamp> {
        let blocks = self.journal.numbers().start..self.journal.block_at(at) + 1;
        let found = self.changes_in(blocks.rev(), |changed_at| changed_at < at)?;
        found.last().copied()
    }

    /// Returns the instants of changes in the first of these blocks that has a suitable one.
    fn changes_in(
        &self,
        mut blocks: impl Iterator<Item = u64>,
        suits: impl Fn(Timestamp) -> bool,
    ) -> Option<Vec<Timestamp>> {
        blocks.find_map(|block| {
            let read =
                self.journal.has_changes(block).then(|| self.journal.read(block)).flatten()?;
            let changed = read.entries.iter().filter(|entry| entry.changed).map(|entry| entry.at);
            let found: Vec<Timestamp> = changed.filter(|at| suits(*at)).collect();
            (!found.is_empty()).then_some(found)
        })
    }

    /// Returns the ends of runs that arrived from `from` to `until`, in order.
    pub fn ends(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl DoubleEndedIterator<Item = &EndMark> {
        self.activity.marks(from, until)
    }

    /// Returns the first failure of a run after `at`.
    pub fn next_failure(&self, at: Timestamp) -> Option<&EndMark> {
        let is_next = |mark: &&EndMark| mark.at > at && mark.status == RunStatus::Failed;
        self.ends(at, Timestamp::MAX).find(is_next)
    }

    /// Returns the last failure of a run before `at`.
    pub fn previous_failure(&self, at: Timestamp) -> Option<&EndMark> {
        let is_previous = |mark: &&EndMark| mark.at < at && mark.status == RunStatus::Failed;
        self.ends(Timestamp::MIN, at).rev().find(is_previous)
    }

    /// Returns the number of changes that arrived in each of `parts` equal parts of the time from `from`
    /// to `until`, oldest part first. A second's changes count in the part in which the second begins.
    pub fn activity(&self, from: Timestamp, until: Timestamp, parts: usize) -> Vec<u32> {
        self.activity.histogram(from, until, parts)
    }

    /// Returns the memory of the past.
    pub fn memory(&self) -> PastMemory {
        PastMemory {
            journal: self.journal.bytes() + self.journal.open_bytes() + self.activity.bytes(),
            checkpoints: self.checkpoints.bytes(),
            checkpoint_count: self.checkpoints.len(),
        }
    }
}
