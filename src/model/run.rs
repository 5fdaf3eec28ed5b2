//! A run: its facts in order, and the state folded from them.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;

use super::change::Retention;
use super::clock::ServerStep;
use super::counted::{CountedState, RunContribution};
use super::fact::{Fact, FactKind, LOST_LANE, SortKey, Subject};
use super::grammar::Grammar;
use super::join::join;
use super::node::MOST_NODES;
use super::order::{Ordered, arrange};
use super::reported_time;
use super::run_state::RunState;
use super::seen::SeenEvents;
use super::status::RunStatus;
use super::undated::place_undated;
use crate::protocol::rest::RunSnapshot;
use crate::protocol::{Detail, EventId, NodeName, ORPHAN_AFTER, PIPELINE, RunId};

/// Initial capacity for facts: enough for a run with one fix pass.
const TYPICAL_FACTS: usize = 28;

/// An event of a run, for display in the run's story.
#[derive(Clone, Copy, Debug)]
pub struct RunEvent<'a> {
    /// When it happened, by the server's clock; `None` where the event has no time.
    pub at: Option<Timestamp>,
    /// The node; `None` for an event of the run as a whole.
    pub node: Option<&'a str>,
    /// Kind of the event.
    pub kind: FactKind,
    /// Milliseconds that what ended took.
    pub duration_ms: Option<u64>,
    /// Fields that only some events carry.
    pub detail: Option<&'a Detail>,
}

/// A run of the model. Dereferences to its [`RunState`].
#[derive(Clone, Debug)]
pub struct Run {
    id: RunId,
    /// Number of distinct facts added, including those that are no longer kept.
    events: u64,
    /// Instant of the earliest event; an estimate as long as no event or snapshot has an instant.
    first_event_at: Timestamp,
    /// Instant of the latest event.
    last_event_at: Timestamp,
    /// True when an event or a snapshot had an instant.
    is_dated: bool,
    /// Arrival of the last event, by this machine's clock.
    last_received_at: Timestamp,
    /// State to show: the folded facts, joined with REST.
    state: RunState,
    /// State folded from the facts alone; `None` as long as there is no snapshot.
    folded: Option<Box<RunState>>,
    /// The freshest REST snapshot.
    snapshot: Option<Arc<RunSnapshot>>,
    /// In order, unless the run [is late](Self::is_late).
    facts: VecDeque<Fact>,
    order: Ordered,
    /// The greatest sort key of a fact.
    latest: Option<SortKey>,
    /// True when a late fact was added after `order` and the state were computed.
    is_late: bool,
    /// State folded from facts that are no longer kept.
    base: Option<Box<Base>>,
    /// Names of nodes outside the pipeline, in order of their lanes.
    others: Vec<NodeName>,
    /// Steps of the server's clock during this run, oldest first.
    steps: Vec<ServerStep>,
    seen: SeenEvents,
    /// Size of the texts of `facts` in bytes.
    fact_bytes: usize,
    /// Size of the texts of `snapshot` in bytes.
    snapshot_bytes: usize,
    /// Size of the texts of the state that is folded from all facts.
    folded_size: TextSize,
    /// Contribution to the counts of the model.
    pub(super) counted: RunContribution,
    /// Contribution to the size of all texts of the model.
    pub(super) counted_bytes: usize,
    /// Step at which the run was last counted; see [`RunState::stands`].
    pub(super) counted_step: Option<NodeName>,
}

/// State before the first kept fact.
#[derive(Clone, Debug)]
struct Base {
    state: RunState,
    grammar: Grammar,
    /// The greatest sort key of a fact that is no longer kept.
    horizon: SortKey,
    size: TextSize,
}

/// Size up to which a state's texts are not measured, in bytes.
const LEAST_MEASURED: usize = 64 << 10;

/// Size of the texts of a state in bytes. It is measured only after it may have doubled, because that
/// takes as long as the state is large.
#[derive(Clone, Copy, Debug, Default)]
struct TextSize {
    /// Upper bound: what was measured, and the texts added since, of which some replaced others.
    most: usize,
    /// Size when it was last measured; 0 while it is small.
    measured: usize,
}

impl TextSize {
    /// Counts `added` bytes of texts, and reduces the state when its texts take too much.
    #[inline]
    fn add(&mut self, added: usize, state: &mut RunState, limits: &Retention) {
        self.most = self.most.saturating_add(added);
        if self.most > 2 * self.measured + LEAST_MEASURED {
            self.measure(state, limits.text_bytes_per_state());
        }
    }

    #[cold]
    #[inline(never)]
    fn measure(&mut self, state: &mut RunState, limit: usize) {
        self.measured = state.text_bytes();
        if self.measured > limit {
            state.reduce_texts(limit / 2);
            self.measured = state.text_bytes();
        }
        self.most = self.measured;
    }
}

/// Result of adding a fact.
pub(super) enum FactOutcome {
    Applied,
    /// The fact was kept, and the run has to be folded again.
    Late,
    Duplicate,
    /// The fact is older than every kept fact, and facts have been dropped.
    TooOld,
}

impl Run {
    /// Creates a run. `at` is its first known instant.
    pub(super) fn new(
        id: RunId,
        at: Timestamp,
        received_at: Timestamp,
        limits: &Retention,
    ) -> Self {
        let typical_facts = limits.events_per_run.min(TYPICAL_FACTS);
        Self {
            id,
            events: 0,
            first_event_at: at,
            last_event_at: at,
            is_dated: false,
            last_received_at: received_at,
            state: RunState::default(),
            folded: None,
            snapshot: None,
            facts: VecDeque::with_capacity(typical_facts),
            order: Ordered::default(),
            latest: None,
            is_late: false,
            base: None,
            others: Vec::new(),
            steps: Vec::new(),
            seen: SeenEvents::with_capacity(typical_facts),
            fact_bytes: 0,
            snapshot_bytes: 0,
            folded_size: TextSize::default(),
            counted: RunContribution::default(),
            counted_bytes: 0,
            counted_step: None,
        }
    }

    /// Id of the run.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Number of distinct events of this run.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Returns the freshest REST snapshot; `None` when REST was not asked.
    pub fn snapshot(&self) -> Option<&RunSnapshot> {
        self.snapshot.as_deref()
    }

    /// True when the run is running but has had no event for [`ORPHAN_AFTER`]. Usually the server that
    /// ran it was killed.
    pub fn is_orphan(&self, server_now: Timestamp) -> bool {
        let quiet = server_now.duration_since(self.last_event_at);
        self.status == RunStatus::Running
            && quiet.unsigned_abs() >= ORPHAN_AFTER
            && quiet.is_positive()
    }

    /// Instant at which the run counts as ended, by the server's clock: its end, or the arrival of its
    /// last event if the end is implausibly late; `None` while it goes on, or if its end is unknown.
    pub fn counted_end(&self) -> Option<Timestamp> {
        self.counted.ended.map(|(at, _)| at).or(self.ended_at)
    }

    /// Instant from which the time of the run counts, by the server's clock: its creation, if it waited for its
    /// first execution, else the start of its current execution.
    pub fn begun_at(&self) -> Timestamp {
        let created_at = self.state.created_at.filter(|_| self.state.executions <= 1);
        let begun_at = match (created_at, self.state.started_at) {
            (Some(created_at), Some(started_at)) => Some(created_at.min(started_at)),
            (created_at, started_at) => started_at.or(created_at),
        };
        begun_at.unwrap_or(self.first_event_at)
    }

    /// Instant of the earliest event, by the server's clock.
    pub fn first_event_at(&self) -> Timestamp {
        self.first_event_at
    }

    /// Instant of the latest event, by the server's clock.
    pub fn last_event_at(&self) -> Timestamp {
        self.last_event_at
    }

    /// Arrival of the last event of this run, by this machine's clock.
    pub fn last_received_at(&self) -> Timestamp {
        self.last_received_at
    }

    /// Returns the parts of the run that determine how it is counted.
    pub(super) fn standing(&self) -> CountedState {
        CountedState {
            status: self.state.status,
            since: self.state.started_at.unwrap_or(self.first_event_at),
            ended_at: self.state.ended_at,
        }
    }

    /// State of the run.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Returns the kept events of this run, newest first.
    pub fn recent_events(&self) -> impl Iterator<Item = RunEvent<'_>> {
        self.facts.iter().rev().map(|fact| RunEvent {
            at: fact.instant(),
            node: fact.node(),
            kind: fact.kind,
            duration_ms: fact.duration_ms(),
            detail: fact.detail.as_deref(),
        })
    }

    /// Records an event that changes no state. Returns true when the event is new.
    pub(super) fn note(&mut self, id: EventId, most_facts: usize) -> bool {
        self.seen.insert(id, most_facts)
    }

    pub(super) fn take(
        &mut self,
        mut fact: Fact,
        received_at: Timestamp,
        limits: &Retention,
    ) -> FactOutcome {
        if !self.seen.insert(fact.id, limits.events_per_run) {
            return FactOutcome::Duplicate;
        }
        let key = fact.sort_key();
        let is_dated = fact.instant().is_some();
        if is_dated && self.base.as_ref().is_some_and(|base| key < base.horizon) {
            return FactOutcome::TooOld;
        }
        self.events += 1;
        if let Some(at) = fact.instant() {
            self.extend_time_range(at, at);
        }
        self.fact_bytes += fact.text_bytes();
        self.last_received_at = self.last_received_at.max(received_at);
        if let Subject::Other(name) = &fact.subject {
            fact.lane = lane_of(name, &mut self.others);
        }

        let latest = self.latest.map(|(at, ..)| at);
        let is_last = self.latest.is_none_or(|latest| latest < key);
        if is_last {
            self.latest = Some(key);
        }
        let has_place = is_dated || fact.kind == FactKind::Created;
        if self.is_late || !is_last || !has_place || !self.order.takes(&fact, latest) {
            self.facts.push_back(fact);
            self.is_late = true;
            return FactOutcome::Late;
        }
        self.order.grammar.step(&fact);
        let state = self.folded.as_deref_mut().unwrap_or(&mut self.state);
        state.step(&fact);
        self.folded_size.add(fact.state_bytes(), state, limits);
        self.facts.push_back(fact);
        self.trim(limits);
        self.join();
        FactOutcome::Applied
    }

    /// Extends the known time range of the run.
    fn extend_time_range(&mut self, first: Timestamp, last: Timestamp) {
        if self.is_dated {
            self.first_event_at = self.first_event_at.min(first);
            self.last_event_at = self.last_event_at.max(last);
        } else {
            (self.first_event_at, self.last_event_at) = (first, last);
            self.is_dated = true;
        }
    }

    /// Folds the run again if a fact came late.
    pub(super) fn refold(&mut self, limits: &Retention) {
        if !std::mem::take(&mut self.is_late) {
            return;
        }
        let facts = self.facts.make_contiguous();
        place_undated(facts);
        facts.sort_by_key(Fact::sort_key);
        self.latest =
            facts.last().map(Fact::sort_key).max(self.base.as_ref().map(|base| base.horizon));
        let (grammar, latest, mut state, mut size) = match self.base.as_deref() {
            Some(base) => (base.grammar, Some(base.horizon.0), base.state.clone(), base.size),
            None => (Grammar::default(), None, RunState::default(), TextSize::default()),
        };
        self.order = arrange(facts, grammar, latest);
        for fact in &self.facts {
            state.step(fact);
            size.add(fact.state_bytes(), &mut state, limits);
        }
        self.folded_size = size;
        *self.folded.as_deref_mut().unwrap_or(&mut self.state) = state;
        self.trim(limits);
        self.join();
    }

    /// Folds the oldest facts beyond the limits into the base.
    #[inline]
    fn trim(&mut self, limits: &Retention) {
        if self.exceeds(limits) {
            self.drop_oldest_facts(limits);
        }
    }

    #[inline]
    fn exceeds(&self, limits: &Retention) -> bool {
        self.facts.len() > limits.events_per_run || self.fact_bytes > limits.text_bytes_per_run()
    }

    #[cold]
    #[inline(never)]
    fn drop_oldest_facts(&mut self, limits: &Retention) {
        while self.exceeds(limits)
            && let Some(oldest) = self.facts.pop_front()
        {
            self.fact_bytes = self.fact_bytes.saturating_sub(oldest.text_bytes());
            let key = oldest.sort_key();
            let base = self.base.get_or_insert_with(|| {
                let (state, grammar) = (RunState::default(), Grammar::default());
                Box::new(Base { state, grammar, horizon: key, size: TextSize::default() })
            });
            base.state.step(&oldest);
            base.grammar.step(&oldest);
            base.horizon = base.horizon.max(key);
            base.size.add(oldest.state_bytes(), &mut base.state, limits);
        }
    }

    /// Returns the approximate size of the run's texts in bytes.
    #[inline]
    pub(super) fn text_bytes(&self) -> usize {
        let base = self.base.as_ref().map_or(0, |base| base.size.measured);
        self.fact_bytes + self.snapshot_bytes + self.folded_size.measured + base
    }

    /// Returns the approximate size of the run in bytes, without texts, which copies of the run share.
    pub(super) fn structure_bytes(&self) -> usize {
        let folded = self.folded.as_ref().map_or(0, |state| size_of::<RunState>() + state.bytes());
        let base = self.base.as_ref().map_or(0, |base| size_of::<Base>() + base.state.bytes());
        let facts = self.facts.capacity() * size_of::<Fact>();
        size_of::<Self>() + self.state.bytes() + folded + base + facts + self.seen.bytes()
    }

    /// Adds a REST snapshot. Returns false when nothing changes, because a fresher one is known.
    pub(super) fn take_snapshot(
        &mut self,
        snapshot: Arc<RunSnapshot>,
        received_at: Timestamp,
    ) -> bool {
        let mut snapshot = reported_time::corrected(snapshot, &self.steps);
        let known = self.snapshot.as_ref();
        if let Some(known) = known {
            // Of two equally fresh snapshots, the one requested later counts. Errors of earlier
            // executions are kept from both, whichever came first.
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
        let reported_until = snapshot.reported_until();
        if reported_until.is_some_and(|until| until > self.last_event_at) || known.is_none() {
            self.last_received_at = self.last_received_at.max(received_at);
        }
        if let Some((first, last)) = snapshot.created_at.or(reported_until).zip(reported_until) {
            self.extend_time_range(first, last);
        }
        self.snapshot_bytes = snapshot.text_bytes();
        self.snapshot = Some(snapshot);
        if self.folded.is_none() {
            self.folded = Some(Box::new(self.state.clone()));
        }
        self.join();
        true
    }

    /// True when the run has no other events than `events`.
    pub(super) fn is_only_of(&self, events: &[EventId]) -> bool {
        self.base.is_none() && self.facts.iter().all(|fact| events.contains(&fact.id))
    }

    /// Moves the run in time after a step of the server's clock, except for the events `except`, which
    /// were written after the step.
    pub(super) fn shift(&mut self, step: ServerStep, except: &[EventId]) {
        let by = step.by;
        for fact in self.facts.iter_mut().filter(|fact| !except.contains(&fact.id)) {
            fact.shift(by);
        }
        let move_on = |at: Timestamp| at.checked_add(by).unwrap_or(at);
        if let Some(base) = &mut self.base {
            base.state.shift(by);
            base.horizon.0 = move_on(base.horizon.0);
        }
        if let Some(snapshot) = &mut self.snapshot {
            *snapshot = reported_time::shifted(snapshot, by);
        }
        self.steps.push(step);
        self.latest = self.facts.iter().map(Fact::sort_key).max();
        let told = self.facts.iter().filter_map(Fact::instant);
        let (first, last) = (told.clone().min(), told.max());
        self.first_event_at = match first {
            Some(first) if self.base.is_none() && self.snapshot.is_none() => first,
            _ => move_on(self.first_event_at),
        };
        self.last_event_at = last.unwrap_or(move_on(self.last_event_at));
        self.is_late = true;
    }

    #[inline]
    fn join(&mut self) {
        if self.snapshot.is_some() {
            self.join_snapshot();
        }
    }

    #[inline(never)]
    fn join_snapshot(&mut self) {
        if let (Some(folded), Some(snapshot)) = (&self.folded, &self.snapshot) {
            self.state.clone_from(folded);
            join(&mut self.state, snapshot);
        }
    }
}

/// Returns the lane of a node outside the pipeline, or [`LOST_LANE`] beyond [`MOST_NODES`].
fn lane_of(name: &NodeName, others: &mut Vec<NodeName>) -> u16 {
    let known = others.iter().position(|other| other == name);
    let number = known.unwrap_or(others.len());
    if PIPELINE.len() + number >= MOST_NODES {
        return LOST_LANE;
    }
    if known.is_none() {
        others.push(name.clone());
    }
    (PIPELINE.len() + number) as u16
}

impl Deref for Run {
    type Target = RunState;

    fn deref(&self) -> &RunState {
        &self.state
    }
}
