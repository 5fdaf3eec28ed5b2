//! Counts that the model keeps of each run, in step with the run.

use std::sync::Arc;

use super::counted::{CountedState, RunContribution};
use super::{Model, RunStatus};

impl Model {
    /// Updates tally, eviction order and statistics for a run that may have changed. Returns its status
    /// before and after if they differ or the run is new.
    #[inline]
    pub(super) fn recount_run(&mut self, slot: usize) -> Option<(RunStatus, RunStatus)> {
        let run = Arc::make_mut(self.slots[slot].as_mut()?);
        let bytes = run.text_bytes();
        if bytes != run.counted_bytes {
            let before = std::mem::replace(&mut run.counted_bytes, bytes);
            self.text_bytes = self.text_bytes.saturating_sub(before).saturating_add(bytes);
        }
        let standing = run.standing();
        if run.counted.standing == standing && run.counted.key.is_some() {
            return None;
        }
        self.recount_standing(slot, standing)
    }

    /// Updates the loads of the steps for a run that may stand at another step than before.
    pub(super) fn recount_step(&mut self, slot: usize) {
        let Some(run) = self.slots[slot].as_mut() else { return };
        let step = run.state().stands().map(|(name, _)| name);
        if run.counted_step.as_ref() == step {
            return;
        }
        let step = step.cloned();
        let run = Arc::make_mut(run);
        self.stats.step_changed(run.counted_step.as_ref(), step.as_ref(), run.last_event_at());
        run.counted_step = step;
    }

    #[inline(never)]
    fn recount_standing(
        &mut self,
        slot: usize,
        standing: CountedState,
    ) -> Option<(RunStatus, RunStatus)> {
        let run = Arc::make_mut(self.slots[slot].as_mut()?);
        let arrived_at = self.clock.time_of_arrival(run.last_received_at());
        let after = RunContribution::new(standing, slot, arrived_at);
        let before = std::mem::replace(&mut run.counted, after);
        if before.span != after.span {
            self.stats.span_changed(before.span, after.span);
        }
        if before.ended != after.ended {
            self.stats.outcome_changed(before.ended, after.ended);
        }
        if before.key != after.key {
            if let Some(key) = before.key {
                self.eviction.remove(&key);
            }
            self.eviction.extend(after.key);
        }
        let is_new = before.key.is_none();
        let (from, to) = (before.standing.status, after.standing.status);
        if from == to && !is_new {
            return None;
        }
        if !is_new {
            self.tally[from as usize] -= 1;
        }
        self.tally[to as usize] += 1;
        if to == RunStatus::Completed
            && let Some(run) = &self.slots[slot]
        {
            self.estimates.learn_from(run, |name| self.stats.node_durations(name));
        }
        Some((from, to))
    }
}
