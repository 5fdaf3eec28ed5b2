//! Late events. The run of a late event is folded again, once for all late events of a batch.

use super::change::{Change, Late, NodeChange};
use super::clock::DetectedStep;
use super::fact::SKEW;
use super::node::NodeStatus;
use super::run::Run;
use super::status::RunStatus;
use super::store::Model;
use crate::protocol::WorkflowEvent;

/// Maximum number of clock steps kept until [`Model::take_clock_steps`] is called.
const MOST_STEPS: usize = 16;

impl Model {
    /// Defers folding runs again until [`release`](Self::release). The states of runs must not be read
    /// until then. For callers that apply many events before they read any run.
    pub fn hold(&mut self) {
        self.is_held = true;
    }

    /// Folds the runs that were deferred since [`hold`](Self::hold).
    pub fn release(&mut self) {
        self.is_held = false;
        self.settle(|_, _| ());
    }

    /// Folds the runs of late events again and reports the changes to `on_change`.
    pub(super) fn settle(&mut self, mut on_change: impl FnMut(Option<&WorkflowEvent>, Change)) {
        if self.late.is_empty() {
            return;
        }
        let mut late = std::mem::take(&mut self.late);
        // Group by run; the sort is stable, so events of a run stay in order of arrival.
        late.sort_by_key(|late| late.slot);
        for of_run in late.chunk_by_mut(|one, next| one.slot == next.slot) {
            self.settle_run(of_run, &mut on_change);
        }
    }

    fn settle_run(
        &mut self,
        late: &mut [Late],
        on_change: &mut impl FnMut(Option<&WorkflowEvent>, Change),
    ) {
        let Some(slot) = late.first().map(|late| late.slot) else { return };
        let run = self.slots[slot].as_mut();
        let status_of = |run: &Run, late: &Late| {
            let name = late.event.as_ref().and_then(|event| event.node.as_deref());
            name.and_then(|name| run.node(name)).map_or(NodeStatus::Pending, |node| node.status)
        };
        let mut nodes_before = Vec::new();
        let mut run_status = None;
        if let Some(run) = run {
            nodes_before = late.iter().map(|late| status_of(run, late)).collect();
            run.refold(self.retention.events_per_run);
            run_status = self.recount_run(slot);
        }
        if late.iter().any(|late| late.new_run) {
            // The run was counted on arrival, before its status was known.
            let status = self.slots[slot].as_ref().map(|run| run.status);
            run_status = status.map(|status| (RunStatus::default(), status));
        }
        let last = late.iter().rposition(|late| late.event.is_some());
        for number in 0..late.len() {
            let Some(event) = late[number].event.take() else { continue };
            // The slot may hold another run by now, because the event's run was evicted.
            let run = self.slots[slot].as_ref().filter(|run| *run.id() == event.run_id);
            let mut node = None;
            let is_same = |other: &Late| {
                let other = other.event.as_ref();
                other.is_some_and(|other| other.node == event.node && other.run_id == event.run_id)
            };
            if let (Some(run), Some(name)) = (run, &event.node)
                && let Some(from) = nodes_before.get(number).copied()
                && !late[number + 1..].iter().any(is_same)
            {
                let to = run.node(name).map_or(NodeStatus::Pending, |node| node.status);
                node = (from != to).then(|| NodeChange { name: name.clone(), from, to });
            }
            let duration_ms = run.and_then(|run| run.duration_ms);
            let late = &mut late[number];
            if !(late.outcome_known && event.node.is_none()) {
                self.add_to_baselines(&event, duration_ms);
            }
            let change = Change {
                run_id: event.run_id.clone(),
                at: late.at,
                new_run: late.new_run,
                run_status: run_status.take_if(|_| Some(number) == last),
                node,
                snapshot_nodes: Vec::new(),
                refolded: true,
                evicted: late.evicted.take(),
            };
            on_change(Some(&event), change);
        }
    }

    /// Moves runs to the time after a step of the server's clock.
    pub(super) fn follow_step(&mut self, noticed: DetectedStep) {
        let DetectedStep { told, step, after } = noticed;
        if self.clock_steps.len() < MOST_STEPS {
            self.clock_steps.push(told);
        }
        let Some(step) = step else { return };
        let now = self.clock.time_of_arrival(told.noticed_at);
        let is_ahead = |run: &Run| run.last_event_at().duration_since(now) > SKEW;
        for (slot, run) in self.slots.iter_mut().enumerate() {
            let Some(run) = run else { continue };
            if (!run.status.is_over() || is_ahead(run)) && !run.is_only_of(&after) {
                run.shift(step, &after);
                let late = Late {
                    slot,
                    event: None,
                    at: now,
                    new_run: false,
                    evicted: None,
                    outcome_known: false,
                };
                self.late.push(late);
            }
        }
    }
}
