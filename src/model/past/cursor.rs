//! A model of the past that can go on forwards.

use jiff::Timestamp;

use super::super::{Change, Model};
use super::entry::Kind;
use super::journal::ReadBlock;
use super::{OutOfReach, Past};
use crate::protocol::WorkflowEvent;

/// The model as of an instant, and the place in the journal from which it goes on. For playing behind
/// live, or stepping from event to event.
#[derive(Debug)]
pub struct Cursor {
    model: Model,
    place: Place,
}

impl Cursor {
    pub(super) fn new(model: Model, block: u64) -> Self {
        Self { model, place: Place { block, next: 0, read: None } }
    }

    /// The model as of the instant that was reached.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Converts to the model as of the instant that was reached.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// Converts to the model as of the instant that was reached, and the place from which it goes on.
    pub fn into_parts(self) -> (Model, Place) {
        (self.model, self.place)
    }

    /// Adds older lines to the log: see [`Past::fill_log`].
    pub fn fill_log(&mut self, past: &Past, lines: usize) {
        past.fill_log(&mut self.model, lines);
    }

    /// Returns the arrival of the next batch: see [`Place::next_at`].
    ///
    /// # Errors
    ///
    /// Returns an error when the past no longer reaches back to the cursor.
    pub fn next_at(&mut self, past: &Past) -> Result<Option<Timestamp>, OutOfReach> {
        self.place.next_at(past)
    }

    /// Applies everything that had arrived by `until`: see [`Place::advance`].
    ///
    /// # Errors
    ///
    /// Returns an error when the past no longer reaches back to the cursor.
    pub fn advance_to(
        &mut self,
        past: &Past,
        until: Timestamp,
        on_change: impl FnMut(Option<&WorkflowEvent>, Change),
    ) -> Result<u64, OutOfReach> {
        self.place.advance(past, &mut self.model, until, on_change)
    }
}

/// Place in the journal from which a model of the past goes on.
#[derive(Debug)]
pub struct Place {
    /// Number of the block of the next entry.
    block: u64,
    /// Index of the next entry in its block.
    next: usize,
    read: Option<(u64, (usize, Timestamp), ReadBlock)>,
}

impl Place {
    /// Returns the arrival of the next batch or change of the connection, by this machine's clock; `None`
    /// when there is none yet.
    ///
    /// # Errors
    ///
    /// Returns an error when the past no longer reaches back to this place.
    pub fn next_at(&mut self, past: &Past) -> Result<Option<Timestamp>, OutOfReach> {
        Ok(self.find_next(past)?.then(|| self.read_at()).flatten())
    }

    /// Applies everything that had arrived by `until` to the model of this place, and reports changes like
    /// [`Model::receive`]. Returns the number of batches and changes of the connection.
    ///
    /// # Errors
    ///
    /// Returns an error when the past no longer reaches back to this place.
    pub fn advance(
        &mut self,
        past: &Past,
        model: &mut Model,
        until: Timestamp,
        mut on_change: impl FnMut(Option<&WorkflowEvent>, Change),
    ) -> Result<u64, OutOfReach> {
        let mut applied = 0;
        while self.find_next(past)? && self.read_at().is_some_and(|at| at <= until) {
            self.apply_next(model, &mut on_change);
            applied += 1;
        }
        // The steps of clocks were reported when they happened.
        model.take_clock_steps();
        Ok(applied)
    }

    /// Reads the block of the next entry. Returns false when there is no next entry yet.
    fn find_next(&mut self, past: &Past) -> Result<bool, OutOfReach> {
        loop {
            let Some(version) = past.journal.version(self.block) else {
                return Err(past.out_of_reach());
            };
            let is_read = |read: &(u64, _, _)| read.0 == self.block && read.1 == version;
            if !self.read.as_ref().is_some_and(is_read) {
                let read = past.journal.read(self.block).ok_or_else(|| past.out_of_reach())?;
                self.read = Some((self.block, version, read));
            }
            if self.read_at().is_some() {
                return Ok(true);
            }
            if self.block >= past.journal.open_block() {
                return Ok(false);
            }
            self.block += 1;
            self.next = 0;
        }
    }

    /// Instant of the next entry in the block that was read.
    fn read_at(&self) -> Option<Timestamp> {
        let (_, _, read) = self.read.as_ref()?;
        read.entries.get(self.next).map(|entry| entry.at)
    }

    fn apply_next(
        &mut self,
        model: &mut Model,
        on_change: &mut impl FnMut(Option<&WorkflowEvent>, Change),
    ) {
        let Some((_, _, read)) = &self.read else { return };
        let Some(entry) = read.entries.get(self.next) else { return };
        self.next += 1;
        match entry.kind {
            Kind::Batch { .. } => {
                if let Some(recorded) = read.batch(entry) {
                    model.receive(recorded.batch, on_change);
                }
            }
            Kind::Lost => model.connection_lost(entry.received_at),
            Kind::Stands => model.connection_stands(),
        }
    }
}
