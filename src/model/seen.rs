//! Identities of the events seen of a run.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use crate::protocol::EventId;

/// Event identities of a run in two generations, so that memory is bounded and at least the last
/// generation is known.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenEvents {
    recent: HashSet<EventId, FixedState>,
    older: HashSet<EventId, FixedState>,
}

impl SeenEvents {
    /// Identities kept per kept fact. Replays contain more events than are kept for folding.
    const PER_FACT: usize = 8;

    pub(super) fn with_capacity(events: usize) -> Self {
        Self {
            recent: HashSet::with_capacity_and_hasher(events, FixedState::default()),
            older: HashSet::default(),
        }
    }

    /// Returns the approximate size in bytes.
    pub(super) fn bytes(&self) -> usize {
        // One byte of control for each place; an eighth of the places is empty at least.
        let place = size_of::<EventId>() + 1;
        (self.recent.capacity() + self.older.capacity()) * place * 8 / 7
    }

    /// Adds an identity. Returns true when it is new.
    #[inline]
    pub(super) fn insert(&mut self, id: EventId, most_facts: usize) -> bool {
        if !self.older.is_empty() && self.older.contains(&id) || !self.recent.insert(id) {
            return false;
        }
        if self.recent.len() >= most_facts.saturating_mul(Self::PER_FACT) {
            self.begin_generation();
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn begin_generation(&mut self) {
        self.older = std::mem::take(&mut self.recent);
    }
}
