//! A run: its facts in order of instant, and the state folded from them.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;

use super::fact::{Fact, FactKind};
use super::join::join;
use super::run_state::RunState;
use super::seen::Seen;
use super::status::RunStatus;
use crate::protocol::rest::RunSnapshot;
use crate::protocol::{Detail, EventId, ORPHAN_AFTER, RunId};

/// Room for the events of a run that needs no fix, and of one that needs one.
const TYPICAL_FACTS: usize = 28;

/// An event of a run, as it is told in the run's story.
#[derive(Clone, Copy, Debug)]
pub struct RunEvent<'a> {
    /// When it happened, by the server's clock.
    pub at: Timestamp,
    /// The node; `None` for an event of the run as a whole.
    pub node: Option<&'a str>,
    /// What happened.
    pub kind: FactKind,
    /// Milliseconds that what ended took.
    pub duration_ms: Option<u64>,
    /// What only some events carry.
    pub detail: Option<&'a Detail>,
}

/// A run of the model. Reads as its [`RunState`].
#[derive(Clone, Debug)]
pub struct Run {
    id: RunId,
    /// Distinct events of this run that changed state or could have.
    events: u64,
    /// Instant of the earliest event, whatever came first.
    first_event_at: Timestamp,
    /// Instant of the latest event.
    last_event_at: Timestamp,
    /// When the last event arrived, by this machine's clock.
    last_received_at: Timestamp,
    /// What is shown: the fold of the facts, joined with what REST told.
    state: RunState,
    /// The fold of the facts alone, where REST told something.
    folded: Option<Box<RunState>>,
    /// The freshest.
    snapshot: Option<Arc<RunSnapshot>>,
    facts: VecDeque<Fact>,
    /// The state before `facts`, once the oldest were let go.
    base: Option<Box<RunState>>,
    horizon: Option<Box<Fact>>,
    seen: Seen,
}

/// What became of a fact.
pub(super) enum FactOutcome {
    Applied {
        refolded: bool,
    },
    Duplicate,
    /// Older than everything that is still kept of the run.
    TooOld,
}

impl Run {
    /// `at` is the instant of the first that is known of it.
    pub(super) fn new(id: RunId, at: Timestamp, received_at: Timestamp, most_facts: usize) -> Self {
        Self {
            id,
            events: 0,
            first_event_at: at,
            last_event_at: at,
            last_received_at: received_at,
            state: RunState::default(),
            folded: None,
            snapshot: None,
            facts: VecDeque::with_capacity(most_facts.min(TYPICAL_FACTS)),
            base: None,
            horizon: None,
            seen: Seen::with_capacity(most_facts.min(TYPICAL_FACTS)),
        }
    }

    /// Id of the run.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Distinct events of this run.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// What REST last told of the run, where it was asked.
    pub fn snapshot(&self) -> Option<&RunSnapshot> {
        self.snapshot.as_deref()
    }

    /// Whether it is said to run and nothing has become of it for [`ORPHAN_AFTER`]: the server that
    /// ran it was killed, as a rule.
    pub fn is_orphan(&self, server_now: Timestamp) -> bool {
        let quiet = server_now.duration_since(self.last_event_at);
        self.status == RunStatus::Running
            && quiet.unsigned_abs() >= ORPHAN_AFTER
            && quiet.is_positive()
    }

    /// Instant of the earliest event seen, by the server's clock.
    pub fn first_event_at(&self) -> Timestamp {
        self.first_event_at
    }

    /// Instant of the latest event seen, by the server's clock.
    pub fn last_event_at(&self) -> Timestamp {
        self.last_event_at
    }

    /// When an event of this run last arrived, by this machine's clock.
    pub fn last_received_at(&self) -> Timestamp {
        self.last_received_at
    }

    /// What is known of the run.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// The run's own events that are still kept, newest first by instant.
    pub fn recent_events(&self) -> impl Iterator<Item = RunEvent<'_>> {
        self.facts.iter().rev().map(|fact| RunEvent {
            at: fact.at,
            node: fact.node(),
            kind: fact.kind,
            duration_ms: fact.duration_ms(),
            detail: fact.detail.as_deref(),
        })
    }

    /// Whether an event that changes no state is new.
    pub(super) fn note(&mut self, id: EventId, most_facts: usize) -> bool {
        self.seen.insert(id, most_facts)
    }

    pub(super) fn take(
        &mut self,
        fact: Fact,
        received_at: Timestamp,
        most_facts: usize,
    ) -> FactOutcome {
        if !self.seen.insert(fact.id, most_facts) {
            return FactOutcome::Duplicate;
        }
        if self.horizon.as_ref().is_some_and(|horizon| fact.order(horizon).is_lt()) {
            return FactOutcome::TooOld;
        }
        self.events += 1;
        self.first_event_at = self.first_event_at.min(fact.at);
        self.last_event_at = self.last_event_at.max(fact.at);
        self.last_received_at = self.last_received_at.max(received_at);

        let in_order = self.facts.back().is_none_or(|last| last.order(&fact).is_lt());
        if in_order {
            self.fold_mut().step(&fact);
            self.facts.push_back(fact);
        } else {
            let place = self.facts.partition_point(|kept| kept.order(&fact).is_lt());
            self.facts.insert(place, fact);
            self.refold();
        }
        while self.facts.len() > most_facts {
            if let Some(oldest) = self.facts.pop_front() {
                self.base.get_or_insert_default().step(&oldest);
                self.horizon = Some(Box::new(oldest));
            }
        }
        self.join();
        FactOutcome::Applied { refolded: !in_order }
    }

    /// Takes in what REST told. `false` where something fresher is known.
    pub(super) fn take_snapshot(
        &mut self,
        snapshot: Arc<RunSnapshot>,
        received_at: Timestamp,
    ) -> bool {
        let known = self.snapshot.as_ref();
        let mut snapshot = snapshot;
        if let Some(known) = known {
            // Of two that should say the same the one that was asked for later counts. Errors that
            // either of them tells of stay, whichever came first.
            let (mut fresher, older) = match known.freshness() > snapshot.freshness() {
                true => (known.clone(), snapshot.clone()),
                false => (snapshot.clone(), known.clone()),
            };
            Arc::make_mut(&mut fresher).remember(&older);
            if *fresher == **known {
                return false;
            }
            snapshot = fresher;
        }
        self.first_event_at = snapshot
            .created_at
            .map_or(self.first_event_at, |created| self.first_event_at.min(created));
        let reported_until = snapshot.reported_until();
        if reported_until.is_some_and(|until| until > self.last_event_at) || known.is_none() {
            self.last_received_at = self.last_received_at.max(received_at);
        }
        self.last_event_at =
            reported_until.map_or(self.last_event_at, |until| self.last_event_at.max(until));
        self.snapshot = Some(snapshot);
        if self.folded.is_none() {
            self.folded = Some(Box::new(self.state.clone()));
        }
        self.join();
        true
    }

    fn fold_mut(&mut self) -> &mut RunState {
        self.folded.as_deref_mut().unwrap_or(&mut self.state)
    }

    fn join(&mut self) {
        if let (Some(folded), Some(snapshot)) = (&self.folded, &self.snapshot) {
            self.state.clone_from(folded);
            join(&mut self.state, snapshot);
        }
    }

    fn refold(&mut self) {
        let mut state = self.base.as_deref().cloned().unwrap_or_default();
        for fact in &self.facts {
            state.step(fact);
        }
        *self.fold_mut() = state;
    }
}

impl Deref for Run {
    type Target = RunState;

    fn deref(&self) -> &RunState {
        &self.state
    }
}
