//! All runs, the log, the counters; what goes when the bounds are reached.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::fact::Fact;
use super::node::NodeStatus;
use super::run::FactOutcome;
use super::stats::{Ended, Span};
use super::{EventLog, LogItem, Run, RunStatus, ServerClock, Stats};
use crate::protocol::{Batch, Item, NodeName, Phase, RunId, RunSnapshot, WorkflowEvent};

/// How much is kept. What goes over a bound is dropped oldest first, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Runs; the oldest that are over go first, a running one never before them.
    pub runs: usize,
    /// Lines of the event log.
    pub log_events: usize,
    /// Events of one run from which its state can be folded again when a late one arrives.
    pub events_per_run: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { runs: 10_000, log_events: 100_000, events_per_run: 1_000 }
    }
}

impl Retention {
    /// Keeps every run and every event, and no log: what `inspect` needs.
    pub const EVERYTHING: Self =
        Self { runs: usize::MAX, log_events: 0, events_per_run: usize::MAX };
}

/// What has arrived. Every element of every frame is counted in exactly one of `events`,
/// `duplicates`, `malformed` and `ignored`, but for what a hub adds: what it says of itself is nothing
/// about a run, and what it says of runs are snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received.
    pub frames: u64,
    /// Distinct events that were applied.
    pub events: u64,
    /// Snapshots of runs from REST that told something new.
    pub snapshots: u64,
    /// Events whose identity had been seen.
    pub duplicates: u64,
    /// What could not be read.
    pub malformed: u64,
    /// Frames thrown away unread, because the application was behind.
    pub dropped: u64,
    /// What could be read and changes nothing: an unknown phase, a keepalive, an event older than
    /// all that is kept of its run.
    pub ignored: u64,
    /// Runs that had to go.
    pub evicted_runs: u64,
}

/// A node that changed its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// Name of the node, as `STYLE`.
    pub name: NodeName,
    /// Its status before.
    pub from: NodeStatus,
    /// Its status now.
    pub to: NodeStatus,
}

/// What one event changed, or one snapshot from REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Id of the run that changed.
    pub run_id: RunId,
    /// When it happened, by the server's clock; where REST told, the latest that it tells of.
    pub at: Timestamp,
    /// The run was not known before.
    pub new_run: bool,
    /// From and to, where they differ.
    pub run_status: Option<(RunStatus, RunStatus)>,
    /// The event's node, where its status differs.
    pub node: Option<NodeChange>,
    /// The nodes of a snapshot whose status differs; empty for an event.
    pub snapshot_nodes: Vec<NodeChange>,
    /// The event arrived late: anything about the run may differ.
    pub refolded: bool,
    /// The run that had to go for this one.
    pub evicted: Option<RunId>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was applied: what it changed.
    Applied(Change),
    /// It was received before.
    Duplicate,
    /// It changes nothing.
    Ignored,
}

/// A place in the order of eviction: runs that are over first, the oldest of them first.
type EvictionKey = (bool, Timestamp, usize);

/// Everything known about the studio.
#[derive(Clone, Debug)]
pub struct Model {
    retention: Retention,
    index: HashMap<RunId, usize, FixedState>,
    slots: Vec<Option<Run>>,
    free: Vec<usize>,
    eviction: BTreeSet<EvictionKey>,
    tally: [usize; RunStatus::ALL.len()],
    counters: Counters,
    log: EventLog,
    stats: Stats,
    clock: ServerClock,
    last_received_at: Option<Timestamp>,
}

impl Default for Model {
    fn default() -> Self {
        Self::new(Retention::default())
    }
}

impl Model {
    /// An empty model that keeps as much as `retention` says.
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            index: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            eviction: BTreeSet::new(),
            tally: [0; RunStatus::ALL.len()],
            counters: Counters::default(),
            log: EventLog::new(retention.log_events),
            stats: Stats::default(),
            clock: ServerClock::default(),
            last_received_at: None,
        }
    }

    /// Applies a batch in order and hands every change to `on_change`, with the event; without one
    /// where REST told of it.
    pub fn receive(
        &mut self,
        mut batch: Batch,
        mut on_change: impl FnMut(Option<&WorkflowEvent>, Change),
    ) {
        self.counters.frames += batch.frames;
        self.counters.dropped += batch.dropped;
        if batch.frames > 0 || !batch.items.is_empty() {
            self.last_received_at = Some(batch.received_at);
        }
        let items = std::mem::take(&mut batch.items);
        let mut texts = batch.event_texts();
        for item in items {
            match item {
                Item::Event(mut event) => {
                    let text = texts.next().unwrap_or_default();
                    let outcome = self.apply(&mut event, batch.received_at, batch.live);
                    if !matches!(outcome, Outcome::Duplicate) {
                        if let Outcome::Applied(change) = outcome {
                            on_change(Some(&event), change);
                        }
                        self.log.push(batch.received_at, LogItem::Event(event), text);
                    }
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
    }

    /// Applies one event, without a line of the log. Total: every event is applied, a duplicate, or
    /// ignored. `live` is that of its batch.
    pub fn apply(
        &mut self,
        event: &mut WorkflowEvent,
        received_at: Timestamp,
        live: bool,
    ) -> Outcome {
        let known = self.index.get(&event.run_id).copied();
        let Some(fact) = Fact::of(event) else {
            let run = known.and_then(|slot| self.slots[slot].as_mut());
            if run.is_none_or(|run| run.note(event.id, self.retention.events_per_run)) {
                self.counters.ignored += 1;
                return Outcome::Ignored;
            }
            self.counters.duplicates += 1;
            return Outcome::Duplicate;
        };
        let (slot, evicted) = match known {
            Some(slot) => (slot, None),
            None => {
                let evicted = self.make_room(event.at);
                let most_facts = self.retention.events_per_run;
                let run = Run::new(event.run_id.clone(), fact.at, received_at, most_facts);
                (self.insert(run), evicted)
            }
        };
        let Some(run) = self.slots[slot].as_mut() else {
            // The index names filled slots only.
            self.counters.ignored += 1;
            return Outcome::Ignored;
        };

        // One text for all events of a run: less memory, and one place to look.
        event.run_id.clone_from(run.id());
        let subject = fact.subject.clone();
        let before = Before::of(run, slot, known.is_none());
        let outcome_known = run.from_rest && run.status.is_over();
        let node_before = run.status_of(&subject);
        match run.take(fact, received_at, self.retention.events_per_run) {
            FactOutcome::Duplicate => {
                self.counters.duplicates += 1;
                Outcome::Duplicate
            }
            FactOutcome::TooOld => {
                self.counters.ignored += 1;
                Outcome::Ignored
            }
            FactOutcome::Applied { refolded } => {
                self.counters.events += 1;
                self.clock.observe(event.at, received_at, live);
                self.stats.count_event(event.at);
                let node_after = run.status_of(&subject);
                let duration_ms = run.duration_ms;
                let run_status = self.account(slot, before);
                if !(outcome_known && event.node.is_none()) {
                    self.learn(event, duration_ms);
                }
                Outcome::Applied(Change {
                    run_id: event.run_id.clone(),
                    at: event.at,
                    new_run: known.is_none(),
                    run_status,
                    node: event.node.as_ref().filter(|_| node_after != node_before).map(|name| {
                        NodeChange { name: name.clone(), from: node_before, to: node_after }
                    }),
                    snapshot_nodes: Vec::new(),
                    refolded,
                    evicted,
                })
            }
        }
    }

    /// Lays what REST told over a run. `None` where it tells nothing new.
    pub fn join(&mut self, snapshot: Arc<RunSnapshot>, received_at: Timestamp) -> Option<Change> {
        let run_id = snapshot.run_id.clone();
        let known = self.index.get(&run_id).copied();
        let (slot, evicted) = match known {
            Some(slot) => (slot, None),
            None => {
                let at = snapshot.created_at.or(snapshot.reported_until()).unwrap_or(received_at);
                let evicted = self.make_room(at);
                let most_facts = self.retention.events_per_run;
                (self.insert(Run::new(run_id.clone(), at, received_at, most_facts)), evicted)
            }
        };
        let run = self.slots[slot].as_mut()?;
        let before = Before::of(run, slot, known.is_none());
        let nodes_before: Vec<(NodeName, NodeStatus)> =
            run.nodes.iter().map(|node| (node.name.clone(), node.status)).collect();
        if !run.take_snapshot(snapshot, received_at) {
            return None;
        }
        self.counters.snapshots += 1;
        let at = run.snapshot().and_then(RunSnapshot::reported_until).unwrap_or(received_at);
        let changed = run.nodes.iter().filter_map(|node| {
            let before = nodes_before.iter().find(|(name, _)| *name == node.name);
            let from = before.map_or(NodeStatus::Pending, |(_, status)| *status);
            let (name, to) = (node.name.clone(), node.status);
            (from != to).then_some(NodeChange { name, from, to })
        });
        let snapshot_nodes = changed.collect();
        let took = run.duration_ms.filter(|_| run.from_rest);
        let run_status = self.account(slot, before);
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

    /// Brings tally and order of eviction in step with a run that may have changed. Returns its
    /// status from and to, where they differ.
    fn account(&mut self, slot: usize, before: Before) -> Option<(RunStatus, RunStatus)> {
        let run = self.slots[slot].as_ref()?;
        let (status, key) = (run.status, eviction_key(run, slot));
        let (span, ended) = (span(run), ended(run));
        let span_before = if before.is_new { None } else { before.span };
        self.stats.span_changed(span_before, span);
        self.stats.outcome_changed(before.ended.filter(|_| !before.is_new), ended);
        if before.is_new {
            self.tally[status as usize] += 1;
            self.eviction.insert(key);
            return Some((before.status, status));
        }
        if key != before.key {
            self.eviction.remove(&before.key);
            self.eviction.insert(key);
        }
        if status == before.status {
            return None;
        }
        self.tally[before.status as usize] -= 1;
        self.tally[status as usize] += 1;
        Some((before.status, status))
    }

    /// What the event teaches about the usual.
    fn learn(&mut self, event: &WorkflowEvent, run_duration_ms: Option<u64>) {
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

    /// Lets one run go when the bound is reached, for one that came at `now`.
    fn make_room(&mut self, now: Timestamp) -> Option<RunId> {
        if self.index.len() < self.retention.runs.max(1) {
            return None;
        }
        let (_, _, slot) = *self.eviction.first()?;
        let id = self.slots[slot].as_ref()?.id().clone();
        self.forget(&id, now);
        Some(id)
    }

    /// Lets a run go, at `now`.
    pub fn forget(&mut self, id: &str, now: Timestamp) {
        let Some(slot) = self.index.remove(id) else { return };
        let Some(run) = self.slots[slot].take() else { return };
        self.eviction.remove(&eviction_key(&run, slot));
        self.free.push(slot);
        self.tally[run.status as usize] -= 1;
        if let Some((since, None)) = span(&run) {
            self.stats.span_changed(Some((since, None)), Some((since, Some(now))));
        }
        self.counters.evicted_runs += 1;
    }

    /// The run of this id.
    pub fn run(&self, id: &str) -> Option<&Run> {
        self.slots[*self.index.get(id)?].as_ref()
    }

    /// All runs, in no particular order.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.slots.iter().flatten()
    }

    /// All runs in order of their first event's instant.
    pub fn runs_in_order(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.runs().collect();
        runs.sort_by(|a, b| (a.first_event_at(), a.id()).cmp(&(b.first_event_at(), b.id())));
        runs
    }

    /// How many runs are kept.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True while no run is known.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The run that started last and still runs.
    pub fn newest_active(&self) -> Option<&Run> {
        self.runs()
            .filter(|run| run.status == RunStatus::Running)
            .max_by_key(|run| (run.started_at.unwrap_or(run.first_event_at()), run.id().clone()))
    }

    /// How many of the kept runs have this status.
    pub fn count(&self, status: RunStatus) -> usize {
        self.tally[status as usize]
    }

    /// Numbers of what arrived.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Events applied and snapshots joined so far: each is one change.
    pub fn changes(&self) -> u64 {
        self.counters.events + self.counters.snapshots
    }

    /// The log of events.
    pub fn log(&self) -> &EventLog {
        &self.log
    }

    /// Durations and rates.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The server's clock, as events tell it.
    pub fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// When anything last arrived, by this machine's clock.
    pub fn last_received_at(&self) -> Option<Timestamp> {
        self.last_received_at
    }
}

/// Where a run stood before something changed it.
struct Before {
    is_new: bool,
    status: RunStatus,
    key: EvictionKey,
    span: Option<Span>,
    ended: Option<Ended>,
}

impl Before {
    fn of(run: &Run, slot: usize, is_new: bool) -> Self {
        Self {
            is_new,
            status: run.status,
            key: eviction_key(run, slot),
            span: span(run),
            ended: ended(run),
        }
    }
}

/// Over before running, then by age; changes only when a run starts, ends or goes on.
fn eviction_key(run: &Run, slot: usize) -> EvictionKey {
    let since = run.ended_at.or(run.started_at).unwrap_or(run.first_event_at());
    (!run.status.is_over(), since, slot)
}

/// From when to when the run was active in its last execution; `None` before its start.
fn span(run: &Run) -> Option<Span> {
    let since = run.started_at.unwrap_or(run.first_event_at());
    match run.status {
        RunStatus::Pending => None,
        RunStatus::Running => Some((since, None)),
        _ => Some((since, Some(run.ended_at.unwrap_or(since)))),
    }
}

/// How the run ended; `None` while it may go on, and of a run that was cancelled.
fn ended(run: &Run) -> Option<Ended> {
    match run.status {
        RunStatus::Completed => Some((run.ended_at?, true)),
        RunStatus::Failed => Some((run.ended_at?, false)),
        _ => None,
    }
}
