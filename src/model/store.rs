//! The model: all runs, the log, the counters, and eviction at the limits.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::change::{Change, Counters, Late, NodeChange, Outcome, Retention};
use super::clock::{ClockSample, ClockStep};
use super::counted::EvictionKey;
use super::estimate::{EstimateErrors, Estimates, Remaining};
use super::fact::{Fact, FactKind, SKEW};
use super::run::FactOutcome;
use super::{EstimateRecord, EventLog, LogItem, NodeStatus, Run, RunStatus, ServerClock, Stats};
use crate::protocol::{Batch, Item, NodeName, Phase, RunId, RunSnapshot, WorkflowEvent};

/// Everything known about the backend's runs.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) retention: Retention,
    index: HashMap<RunId, usize, FixedState>,
    /// Shared with the checkpoints of the [past](super::past), and copied before a change while they are.
    pub(super) slots: Vec<Option<Arc<Run>>>,
    free: Vec<usize>,
    pub(super) eviction: BTreeSet<EvictionKey>,
    pub(super) tally: [usize; RunStatus::ALL.len()],
    /// Size of the texts of all runs in bytes.
    pub(super) text_bytes: usize,
    pub(super) counters: Counters,
    pub(super) log: EventLog,
    pub(super) stats: Stats,
    pub(super) estimates: Estimates,
    pub(super) clock: ServerClock,
    pub(super) clock_steps: Vec<ClockStep>,
    /// Late events whose runs have to be folded again.
    pub(super) late: Vec<Late>,
    pub(super) is_held: bool,
    /// Places of the duplicates among the items of the last batch.
    repeated: Vec<u32>,
    first_received_at: Option<Timestamp>,
    last_received_at: Option<Timestamp>,
    first_at: Option<Timestamp>,
}

impl Default for Model {
    fn default() -> Self {
        Self::new(Retention::default())
    }
}

impl Model {
    /// Creates an empty model with these limits.
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            index: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            eviction: BTreeSet::new(),
            tally: [0; RunStatus::ALL.len()],
            text_bytes: 0,
            counters: Counters::default(),
            log: EventLog::new(retention.log_events),
            stats: Stats::default(),
            estimates: Estimates::default(),
            clock: ServerClock::default(),
            clock_steps: Vec::new(),
            late: Vec::new(),
            is_held: false,
            repeated: Vec::new(),
            first_received_at: None,
            last_received_at: None,
            first_at: None,
        }
    }

    /// Returns the limits on what is kept.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// Applies a batch and reports every change to `on_change`, with its event; REST snapshots have
    /// none. Changes by late events are reported last, because a run is folded again once per batch.
    pub fn receive(
        &mut self,
        mut batch: Batch,
        mut on_change: impl FnMut(Option<&WorkflowEvent>, Change),
    ) {
        self.counters.frames += batch.frames;
        self.counters.dropped += batch.dropped;
        if batch.frames > 0 || !batch.items.is_empty() {
            self.first_received_at.get_or_insert(batch.received_at);
            self.last_received_at = Some(batch.received_at);
            self.stats.count_arrivals(batch.received_at, batch.frames + batch.answers);
        }
        let items = std::mem::take(&mut batch.items);
        let mut texts = batch.event_texts();
        self.repeated.clear();
        for (place, item) in items.into_iter().enumerate() {
            match item {
                Item::Event(mut event) => {
                    let text = texts.next().unwrap_or_default();
                    match self.take(&mut event, batch.received_at, batch.live) {
                        EventOutcome::Duplicate => {
                            self.repeated.push(u32::try_from(place).unwrap_or(u32::MAX));
                            continue;
                        }
                        EventOutcome::Ignored => {}
                        EventOutcome::Applied(change) => on_change(Some(&event), change),
                        EventOutcome::Late(late) if self.is_held => self.late.push(*late),
                        EventOutcome::Late(late) => {
                            self.late.push(Late { event: Some(event.clone()), ..*late });
                        }
                    }
                    self.log.push(batch.received_at, LogItem::Event(event), text);
                }
                Item::Run(snapshot) => {
                    if let Some(change) = self.join(snapshot, batch.received_at) {
                        on_change(None, change);
                    }
                }
                Item::Malformed(error) => {
                    self.counters.malformed += 1;
                    self.log.push(batch.received_at, LogItem::ParseError(error), "");
                }
                Item::Hub(_) => {}
                Item::Ignored => self.counters.ignored += 1,
            }
        }
        if !self.is_held {
            self.settle(on_change);
        }
    }

    /// Applies one event without logging it. Every event is applied, a duplicate, or ignored. `live` is
    /// that of its [`Batch`].
    pub fn apply(
        &mut self,
        event: &mut WorkflowEvent,
        received_at: Timestamp,
        live: bool,
    ) -> Outcome {
        let outcome = match self.take(event, received_at, live) {
            EventOutcome::Duplicate => Outcome::Duplicate,
            EventOutcome::Ignored => Outcome::Ignored,
            EventOutcome::Applied(change) => Outcome::Applied(change),
            EventOutcome::Late(late) => {
                self.late.push(Late { event: Some(event.clone()), ..*late });
                Outcome::Ignored
            }
        };
        let mut late = None;
        self.settle(|_, change| late = Some(change));
        late.map_or(outcome, Outcome::Applied)
    }

    /// Adds an event to its run. Its change is known at once unless the event is late.
    fn take(
        &mut self,
        event: &mut WorkflowEvent,
        received_at: Timestamp,
        live: bool,
    ) -> EventOutcome {
        let known = self.index.get(&event.run_id).copied();
        let Some(fact) = Fact::of(event) else {
            let run = known.and_then(|slot| self.slots[slot].as_mut()).map(Arc::make_mut);
            if run.is_none_or(|run| run.note(event.id, self.retention.events_per_run)) {
                self.counters.ignored += 1;
                return EventOutcome::Ignored;
            }
            self.counters.duplicates += 1;
            return EventOutcome::Duplicate;
        };
        let is_dated = fact.instant().is_some();
        let at = fact.instant().unwrap_or(received_at);
        // The server's time. The order of runs goes by `at`: it must not depend on the estimate.
        let changed_at = match is_dated {
            true => at,
            false => self.clock.time_of_arrival(received_at),
        };
        let (slot, mut evicted) = match known {
            Some(slot) => (slot, Vec::new()),
            None => {
                let evicted = self.make_room(at);
                let run = Run::new(event.run_id.clone(), at, received_at, &self.retention);
                (self.insert(run), evicted)
            }
        };
        let Some(run) = self.slots[slot].as_mut().map(Arc::make_mut) else {
            // The index refers only to filled slots, so this does not happen.
            self.counters.ignored += 1;
            return EventOutcome::Ignored;
        };

        // Share one string among all events of a run: less memory and better cache locality.
        event.run_id.clone_from(run.id());
        let subject = fact.subject.clone();
        let is_start = fact.kind == FactKind::Start;
        let outcome_known = run.from_rest && run.status.is_over();
        let node_before = run.status_of(&subject);
        let goes_back = known.is_some() && run.last_event_at().duration_since(at) > SKEW;
        let new_run = known.is_none();
        match run.take(fact, received_at, &self.retention) {
            FactOutcome::Duplicate => {
                self.counters.duplicates += 1;
                EventOutcome::Duplicate
            }
            FactOutcome::TooOld => {
                self.counters.ignored += 1;
                EventOutcome::Ignored
            }
            taken => {
                let is_late = matches!(taken, FactOutcome::Late);
                let (node_after, duration_ms) = (run.status_of(&subject), run.duration_ms);
                self.counters.events += 1;
                self.first_at = earliest(self.first_at, changed_at);
                // A replay says nothing about how busy the studio is.
                if live {
                    self.stats.count_event(received_at);
                }
                if is_dated {
                    let id = event.id;
                    let seen = ClockSample { at, received_at, live, run: slot, id, goes_back };
                    if let Some(noticed) = self.clock.observe(seen) {
                        self.follow_step(noticed);
                    }
                }
                if is_late {
                    if new_run {
                        self.recount_run(slot);
                        self.recount_step(slot);
                    }
                    let at = changed_at;
                    let late = Late { slot, event: None, at, new_run, evicted, outcome_known };
                    return EventOutcome::Late(Box::new(late));
                }
                let run_status = self.recount_run(slot);
                // Nothing else moves a run to another step.
                if node_after != node_before || is_start || event.node.is_none() {
                    self.recount_step(slot);
                }
                self.drop_texts(slot, at, &mut evicted);
                if !(outcome_known && event.node.is_none()) {
                    self.add_to_baselines(event, duration_ms);
                }
                EventOutcome::Applied(Change {
                    run_id: event.run_id.clone(),
                    at: changed_at,
                    new_run,
                    run_status,
                    node: event.node.as_ref().filter(|_| node_after != node_before).map(|name| {
                        NodeChange { name: name.clone(), from: node_before, to: node_after }
                    }),
                    snapshot_nodes: Vec::new(),
                    refolded: false,
                    evicted,
                })
            }
        }
    }

    /// Adds a REST snapshot to its run. Returns `None` when it contains nothing new.
    pub fn join(&mut self, snapshot: Arc<RunSnapshot>, received_at: Timestamp) -> Option<Change> {
        let run_id = snapshot.run_id.clone();
        let arrived_at = self.clock.time_of_arrival(received_at);
        let known = self.index.get(&run_id).copied();
        let (slot, mut evicted) = match known {
            Some(slot) => (slot, Vec::new()),
            None => {
                let at = snapshot.created_at.or(snapshot.reported_until()).unwrap_or(received_at);
                let evicted = self.make_room(at);
                let run = Run::new(run_id.clone(), at, received_at, &self.retention);
                (self.insert(run), evicted)
            }
        };
        let run = Arc::make_mut(self.slots[slot].as_mut()?);
        run.refold(&self.retention);
        let nodes_before: Vec<(NodeName, NodeStatus)> =
            run.nodes.iter().map(|node| (node.name.clone(), node.status)).collect();
        if !run.take_snapshot(snapshot, received_at) {
            return None;
        }
        self.counters.snapshots += 1;
        self.first_at = earliest(self.first_at, run.first_event_at());
        let at = run.snapshot().and_then(RunSnapshot::reported_until).unwrap_or(arrived_at);
        let changed = run.nodes.iter().filter_map(|node| {
            let before = nodes_before.iter().find(|(name, _)| *name == node.name);
            let from = before.map_or(NodeStatus::Pending, |(_, status)| *status);
            let (name, to) = (node.name.clone(), node.status);
            (from != to).then_some(NodeChange { name, from, to })
        });
        let snapshot_nodes: Vec<NodeChange> = changed.collect();
        // Durations that no event reported; most runs of a polled backend have no events at all.
        let succeeded = snapshot_nodes.iter().filter(|change| change.to == NodeStatus::Success);
        for node in succeeded.filter_map(|change| run.node(&change.name)) {
            if let Some(millis) = node.duration_ms.filter(|_| node.from_rest) {
                self.stats.node_succeeded(&node.name, millis);
            }
        }
        let took = run.duration_ms.filter(|_| run.from_rest);
        let run_status = self.recount_run(slot);
        self.recount_step(slot);
        self.drop_texts(slot, at, &mut evicted);
        if let (Some((_, RunStatus::Completed)), Some(millis)) = (run_status, took) {
            self.stats.run_completed(millis);
        }
        let new_run = known.is_none();
        Some(Change {
            run_id,
            at,
            new_run,
            run_status,
            node: None,
            snapshot_nodes,
            refolded: true,
            evicted,
        })
    }

    /// Adds the event's duration to the baselines.
    pub(super) fn add_to_baselines(&mut self, event: &WorkflowEvent, run_duration_ms: Option<u64>) {
        match (&event.node, &event.phase) {
            (Some(node), Phase::End) => {
                if let Some(millis) = event.duration_ms {
                    self.stats.node_succeeded(node, millis);
                }
            }
            (None, Phase::End) => {
                if let Some(millis) = run_duration_ms {
                    self.stats.run_completed(millis);
                }
            }
            _ => {}
        }
    }

    fn insert(&mut self, run: Run) -> usize {
        let id = run.id().clone();
        let run = Arc::new(run);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = Some(run);
                slot
            }
            None => {
                self.slots.push(Some(run));
                self.slots.len() - 1
            }
        };
        self.index.insert(id, slot);
        slot
    }

    /// Drops one run if the limit is reached, to make room for one that came at `now`. Returns the
    /// dropped run.
    fn make_room(&mut self, now: Timestamp) -> Vec<RunId> {
        let is_full = self.index.len() >= self.retention.runs.max(1);
        is_full.then(|| self.drop_oldest(None, now)).flatten().into_iter().collect()
    }

    /// Drops other runs than that in `slot` until the texts are within their limit, and adds the dropped
    /// runs to `evicted`.
    #[inline]
    pub(super) fn drop_texts(&mut self, slot: usize, now: Timestamp, evicted: &mut Vec<RunId>) {
        if self.text_bytes > self.retention.text_bytes {
            self.drop_runs_for_texts(slot, now, evicted);
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_runs_for_texts(&mut self, slot: usize, now: Timestamp, evicted: &mut Vec<RunId>) {
        while self.text_bytes > self.retention.text_bytes
            && let Some(id) = self.drop_oldest(Some(slot), now)
        {
            evicted.push(id);
        }
    }

    /// Drops the first run in the eviction order, but not that in the slot `except`.
    fn drop_oldest(&mut self, except: Option<usize>, now: Timestamp) -> Option<RunId> {
        let (_, _, slot) = *self.eviction.iter().find(|(_, _, slot)| Some(*slot) != except)?;
        let id = self.slots[slot].as_ref()?.id().clone();
        self.forget(&id, now);
        Some(id)
    }

    /// Drops a run. `now` ends its activity in the statistics.
    pub fn forget(&mut self, id: &str, now: Timestamp) {
        let Some(slot) = self.index.remove(id) else { return };
        let Some(run) = self.slots[slot].take() else { return };
        self.free.push(slot);
        self.text_bytes = self.text_bytes.saturating_sub(run.counted_bytes);
        let counted = run.counted;
        if let Some(key) = counted.key {
            self.eviction.remove(&key);
            self.tally[counted.standing.status as usize] -= 1;
        }
        if let Some((since, None)) = counted.span {
            self.stats.span_changed(Some((since, None)), Some((since, Some(now))));
        }
        self.stats.step_changed(run.counted_step.as_ref(), None, now);
        self.counters.evicted_runs += 1;
    }

    /// Returns the places of the duplicates among the items of the last batch.
    pub(super) fn repeated(&self) -> &[u32] {
        &self.repeated
    }

    /// Returns a copy for a checkpoint: without lines of the log, and without what
    /// [`reindexed`](Self::reindexed) computes again. It shares the runs.
    pub(super) fn outline(&self) -> Self {
        Self {
            retention: self.retention,
            index: HashMap::default(),
            slots: self.slots.clone(),
            free: self.free.clone(),
            eviction: BTreeSet::new(),
            tally: self.tally,
            text_bytes: self.text_bytes,
            counters: self.counters,
            log: self.log.without_lines(),
            stats: self.stats.clone(),
            estimates: self.estimates.clone(),
            clock: self.clock.clone(),
            clock_steps: Vec::new(),
            late: self.late.clone(),
            is_held: self.is_held,
            repeated: Vec::new(),
            first_received_at: self.first_received_at,
            last_received_at: self.last_received_at,
            first_at: self.first_at,
        }
    }

    /// Computes what an [`outline`](Self::outline) leaves out.
    pub(super) fn reindexed(mut self) -> Self {
        let runs =
            || self.slots.iter().enumerate().filter_map(|(slot, run)| Some((slot, run.as_ref()?)));
        self.index = runs().map(|(slot, run)| (run.id().clone(), slot)).collect();
        self.eviction = runs().filter_map(|(_, run)| run.counted.key).collect();
        self
    }

    /// Returns the run with this id.
    pub fn run(&self, id: &str) -> Option<&Run> {
        self.slots[*self.index.get(id)?].as_deref()
    }

    /// Returns all runs, in no particular order.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.slots.iter().flatten().map(|run| &**run)
    }

    /// Returns all runs in order of their first event's instant.
    pub fn runs_in_order(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.runs().collect();
        runs.sort_by(|a, b| (a.first_event_at(), a.id()).cmp(&(b.first_event_at(), b.id())));
        runs
    }

    /// Number of kept runs.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True while no run is known.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Returns the running run that started last.
    pub fn newest_active(&self) -> Option<&Run> {
        self.runs()
            .filter(|run| run.status == RunStatus::Running)
            .max_by_key(|run| (run.counted.key.map(|(_, since, _)| since), run.id().clone()))
    }

    /// Number of kept runs with this status.
    pub fn count(&self, status: RunStatus) -> usize {
        self.tally[status as usize]
    }

    /// Counters of what has arrived.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Number of changes so far: applied events and joined snapshots.
    pub fn changes(&self) -> u64 {
        self.counters.events + self.counters.snapshots
    }

    /// Approximate size of the texts of all runs in bytes; see [`Retention::text_bytes`].
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Event log.
    pub fn log(&self) -> &EventLog {
        &self.log
    }

    /// Statistics of durations and rates.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Returns the time that a running run will still take from `server_now` on.
    pub fn remaining(&self, run: &Run, server_now: Timestamp) -> Remaining {
        self.estimates.remaining(run, server_now, |name| self.stats.node_durations(name))
    }

    /// Returns what estimates are made from, to be kept for the next session.
    pub fn estimate_record(&self) -> EstimateRecord {
        self.estimates.record()
    }

    /// Number of completed runs that estimates have learned from, in earlier sessions too.
    pub fn learned_runs(&self) -> u64 {
        self.estimates.learned_runs()
    }

    /// Takes over what estimates were made from in an earlier session. Does nothing after a run has completed.
    pub fn continue_from(&mut self, record: &EstimateRecord) {
        if self.learned_runs() == 0 {
            self.estimates = Estimates::of(record);
        }
    }

    /// Returns by how much estimates were wrong, after 25, 50 and 75 % of the last 200 completed runs.
    pub fn estimate_errors(&self) -> [EstimateErrors; 3] {
        self.estimates.errors()
    }

    /// The server's clock, estimated from events.
    pub fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// Reports that the connection was lost at `at` of this machine's clock. Elapsed times stop at that
    /// time.
    pub fn connection_lost(&mut self, at: Timestamp) {
        self.clock.stop(at);
    }

    /// Reports a new connection, possibly to a server with another clock.
    pub fn connection_stands(&mut self) {
        self.clock.restart();
    }

    /// Returns the clock steps detected since the last call.
    pub fn take_clock_steps(&mut self) -> Vec<ClockStep> {
        std::mem::take(&mut self.clock_steps)
    }

    /// Time of the first arrival of anything, by this machine's clock.
    pub fn first_received_at(&self) -> Option<Timestamp> {
        self.first_received_at
    }

    /// Time of the last arrival of anything, by this machine's clock.
    pub fn last_received_at(&self) -> Option<Timestamp> {
        self.last_received_at
    }

    /// Time of the earliest thing known, by the server's clock; kept when its run is dropped.
    pub fn first_at(&self) -> Option<Timestamp> {
        self.first_at
    }
}

fn earliest(known: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    Some(known.map_or(at, |known| known.min(at)))
}

/// Result of adding an event to its run.
enum EventOutcome {
    Applied(Change),
    Late(Box<Late>),
    Duplicate,
    Ignored,
}
