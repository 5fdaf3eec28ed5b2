//! Late events. The run of a late event is folded again, once for all late events of a batch.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::FixedState;

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
        let run = self.slots[slot].as_mut().map(Arc::make_mut);
        let status_of = |run: &Run, late: &Late| {
            let name = late.event.as_ref().and_then(|event| event.node.as_deref());
            name.and_then(|name| run.node(name)).map_or(NodeStatus::Pending, |node| node.status)
        };
        let mut nodes_before = Vec::new();
        let mut run_status = None;
        if let Some(run) = run {
            nodes_before = late.iter().map(|late| status_of(run, late)).collect();
            run.refold(&self.retention);
            run_status = self.recount_run(slot);
            self.recount_step(slot);
        }
        if late.iter().any(|late| late.new_run) {
            // The run was counted on arrival, before its status was known.
            let status = self.slots[slot].as_ref().map(|run| run.status);
            run_status = status.map(|status| (RunStatus::default(), status));
        }
        let last = late.iter().rposition(|late| late.event.is_some());
        if let Some(late) = last.and_then(|last| late.get_mut(last)) {
            self.drop_texts(slot, late.at, &mut late.evicted);
        }
        let is_last_of_node = last_of_each_node(late);
        for number in 0..late.len() {
            let Some(event) = late[number].event.take() else { continue };
            // The slot may hold another run by now, because the event's run was evicted.
            let run = self.slots[slot].as_deref().filter(|run| *run.id() == event.run_id);
            let mut node = None;
            if let (Some(run), Some(name)) = (run, &event.node)
                && let Some(from) = nodes_before.get(number).copied()
                && is_last_of_node[number]
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
                evicted: std::mem::take(&mut late.evicted),
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
                Arc::make_mut(run).shift(step, &after);
                let late = Late {
                    slot,
                    event: None,
                    at: now,
                    new_run: false,
                    evicted: Vec::new(),
                    outcome_known: false,
                };
                self.late.push(late);
            }
        }
    }
}

/// Returns for each event whether it is the last one of its node and run.
fn last_of_each_node(late: &[Late]) -> Vec<bool> {
    let mut seen = HashSet::with_hasher(FixedState::default());
    let mut is_last: Vec<bool> = late
        .iter()
        .rev()
        .map(|late| {
            late.event.as_ref().is_some_and(|event| seen.insert((&event.node, &event.run_id)))
        })
        .collect();
    is_last.reverse();
    is_last
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::change::Retention;
    use super::super::fact::SORT_KEYS;
    use super::*;
    use crate::protocol::{Batch, PIPELINE};

    const BEGIN: &str = "2026-11-23T10:00:00Z";
    const COUNT: usize = 4_000;
    /// Two keys for each comparison.
    const KEYS_OF_A_SORT: u64 = 2 * COUNT as u64 * (COUNT.ilog2() as u64 + 1);

    /// Returns the texts of a run's events, of which every `undated`-th has no instant.
    fn events(count: usize, undated: usize) -> Vec<String> {
        let begin: Timestamp = BEGIN.parse().unwrap();
        let text = |number: usize| {
            let node = PIPELINE[number / 2 % PIPELINE.len()];
            let phase = if number.is_multiple_of(2) { "start" } else { "end" };
            let at = match number % undated {
                0 => "0001-01-01T00:00:00Z".to_owned(),
                _ => (begin + SignedDuration::from_secs(number as i64)).to_string(),
            };
            format!(
                r#"{{"event_id":"{number}","ts":"{at}","run_id":"r","node_name":"{node}","phase":"{phase}"}}"#
            )
        };
        (0..count).map(text).collect()
    }

    /// Applies events to an empty model, which folds them once at the end. Returns the model and the
    /// number of sort keys that it computed.
    fn fold(texts: impl Iterator<Item = String>) -> (Model, u64) {
        let mut model = Model::new(Retention::EVERYTHING);
        let before = SORT_KEYS.get();
        model.hold();
        for text in texts {
            let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
            batch.push_text(&text);
            model.receive(batch, |_, _| ());
        }
        model.release();
        (model, SORT_KEYS.get() - before)
    }

    #[test]
    fn folding_reversed_or_undated_events_costs_no_more_keys_than_a_sort() {
        for undated in [usize::MAX, 2] {
            let texts = events(COUNT, undated);
            let (forward, _) = fold(texts.iter().cloned());
            let (backward, work) = fold(texts.iter().rev().cloned());
            assert_eq!(forward.run("r").unwrap().state(), backward.run("r").unwrap().state());
            assert!(work < 2 * KEYS_OF_A_SORT, "{work} keys for {COUNT} events, {undated}");
        }
    }

    #[test]
    fn folding_shuffled_events_costs_no_more_keys_than_a_sort() {
        let mut texts = events(COUNT, usize::MAX);
        fastrand::Rng::with_seed(7).shuffle(&mut texts);
        let (_, work) = fold(texts.into_iter());
        assert!(work < 2 * KEYS_OF_A_SORT, "{work} keys for {COUNT} events");
    }

    #[test]
    fn only_the_last_late_event_of_each_node_reports_its_change() {
        let mut model = Model::default();
        let mut batch = Batch::new(BEGIN.parse().unwrap(), false);
        let texts = events(9, usize::MAX);
        batch.push_text(&format!(
            "[{}]",
            texts[1..].iter().rev().cloned().collect::<Vec<_>>().join(",")
        ));
        let mut changed = Vec::new();
        model.receive(batch, |event, change| {
            let (event, node) = (event.unwrap(), change.node);
            changed.push((event.phase.as_str().to_owned(), node.map(|node| node.name.to_string())));
        });
        let of = |phase: &str, node: Option<&str>| (phase.to_owned(), node.map(str::to_owned));
        assert_eq!(
            changed,
            [
                // The latest event arrives first, and is not late.
                of("start", Some("COMPOSE")),
                of("end", None),
                of("start", Some("PRODUCER")),
                of("end", None),
                of("start", Some("LYRICS")),
                of("end", None),
                of("start", Some("STYLE")),
                of("end", Some("PLAN")),
            ]
        );
    }
}
