//! Checkpoints of the model, from which the past is computed by applying the journal again.
//!
//! A checkpoint shares every run that has not changed since with the model and with the other
//! checkpoints. It takes memory for the runs that have changed, or were dropped, before the next one.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::{Model, Run};

/// Largest work between two checkpoints, in parts of that at first. Beyond it the oldest checkpoint is
/// dropped, and not one in between: the past shall be fast rather than long.
const MOST_PARTS_BETWEEN: u64 = 4;

/// A model before the first entry of a block.
#[derive(Debug)]
struct Checkpoint {
    block: u64,
    /// An [outline](Model::outline).
    model: Model,
    /// Work of everything before it.
    work: u64,
    /// Memory that is freed with it, approximately.
    bytes: usize,
}

/// Checkpoints in order. The first is that of the first block that is kept.
#[derive(Debug)]
pub(super) struct Checkpoints {
    kept: VecDeque<Checkpoint>,
    bytes: usize,
    /// Work between two checkpoints at first; an event applied again is one.
    work_between: u64,
}

impl Checkpoints {
    /// Creates a checkpoint before block 0.
    pub(super) fn new(model: &Model, work_between: u64) -> Self {
        let first = Checkpoint { block: 0, model: model.outline(), work: 0, bytes: 0 };
        Self { kept: VecDeque::from([first]), bytes: 0, work_between: work_between.max(1) }
    }

    /// True when so much was applied since the last checkpoint that another one is due.
    pub(super) fn is_due(&self, work: u64) -> bool {
        self.kept.back().is_none_or(|last| work - last.work >= self.work_between)
    }

    /// Adds a checkpoint before `block`, and drops others to stay within `most_bytes`.
    pub(super) fn add(&mut self, model: &Model, block: u64, work: u64, most_bytes: usize) {
        self.kept.push_back(Checkpoint { block, model: model.outline(), work, bytes: 0 });
        self.count_bytes(self.kept.len() - 2);
        while self.bytes > most_bytes && self.kept.len() > 1 {
            match self.most_dispensable() {
                Some(place) => self.remove(place),
                None => self.drop_oldest(),
            }
        }
    }

    /// Drops the oldest checkpoint, unless it is the only one.
    pub(super) fn drop_oldest(&mut self) {
        if self.kept.len() > 1
            && let Some(oldest) = self.kept.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }

    /// Returns the place of the checkpoint between two others whose removal leaves the least work between
    /// them; `None` when that would be too much.
    fn most_dispensable(&self) -> Option<usize> {
        let inner = 1..self.kept.len().saturating_sub(1);
        let gap = |place: &usize| self.kept[place + 1].work - self.kept[place - 1].work;
        inner.min_by_key(gap).filter(|place| gap(place) <= MOST_PARTS_BETWEEN * self.work_between)
    }

    fn remove(&mut self, place: usize) {
        if let Some(removed) = self.kept.remove(place) {
            self.bytes -= removed.bytes;
            self.count_bytes(place - 1);
        }
    }

    /// Counts the memory of the checkpoint at `place` that the next one does not share.
    fn count_bytes(&mut self, place: usize) {
        let (Some(this), Some(next)) = (self.kept.get(place), self.kept.get(place + 1)) else {
            return;
        };
        let mut bytes = this.model.outline_bytes();
        for (slot, run) in this.model.slots.iter().enumerate() {
            let Some(run) = run else { continue };
            let later = next.model.slots.get(slot).and_then(Option::as_ref);
            bytes += match later {
                Some(later) if Arc::ptr_eq(run, later) => 0,
                Some(later) if run.id() == later.id() => run.structure_bytes(),
                _ => run.structure_bytes() + run.text_bytes(),
            };
        }
        let before = std::mem::replace(&mut self.kept[place].bytes, bytes);
        self.bytes = self.bytes + bytes - before;
    }

    /// Returns the last checkpoint that is not after `block`, and its block.
    pub(super) fn before(&self, block: u64) -> Option<(u64, Model)> {
        let after = self.kept.partition_point(|checkpoint| checkpoint.block <= block);
        let found = self.kept.get(after.checked_sub(1)?)?;
        Some((found.block, found.model.clone().reindexed()))
    }

    /// The first block of which the past can be computed.
    pub(super) fn first_block(&self) -> u64 {
        self.kept.front().map_or(0, |first| first.block)
    }

    /// Number of checkpoints.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Approximate memory that nothing else shares, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Model {
    /// Returns the approximate size of an outline besides its runs, in bytes.
    fn outline_bytes(&self) -> usize {
        size_of::<Self>()
            + self.slots.capacity() * size_of::<Option<Arc<Run>>>()
            + self.stats.bytes()
            + self.estimates.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Retention;

    const WORK_BETWEEN: u64 = 1_000;

    fn works(checkpoints: &Checkpoints) -> Vec<u64> {
        checkpoints.kept.iter().map(|checkpoint| checkpoint.work).collect()
    }

    #[test]
    fn checkpoints_are_thinned_evenly_before_the_oldest_go() {
        let model = Model::new(Retention::default());
        let mut checkpoints = Checkpoints::new(&model, WORK_BETWEEN);
        let each = model.outline_bytes();
        let most_bytes = 6 * each + each / 2;
        for number in 1..=100 {
            assert!(checkpoints.is_due(number * WORK_BETWEEN));
            checkpoints.add(&model, number, number * WORK_BETWEEN, most_bytes);
            assert!(checkpoints.bytes() <= most_bytes);
            let works = works(&checkpoints);
            assert!(
                works.windows(2).all(|pair| pair[1] - pair[0] <= MOST_PARTS_BETWEEN * WORK_BETWEEN),
                "{works:?}"
            );
        }
        // Seven checkpoints, six of which take memory.
        assert_eq!(checkpoints.len(), 7);
        assert!(works(&checkpoints)[0] >= 72 * WORK_BETWEEN, "{:?}", works(&checkpoints));
        assert_eq!(checkpoints.first_block(), works(&checkpoints)[0] / WORK_BETWEEN);
    }
}
