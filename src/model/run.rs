//! A run: its facts in order of instant, and the state folded from them.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

use super::fact::{Fact, FactKind, Subject};
use super::join::join;
use super::node::{self, Finish, Node, NodeStatus};
use super::seen::Seen;
use super::status::RunStatus;
use crate::protocol::rest::{RunSnapshot, ToldStatus};
use crate::protocol::{Detail, EventId, NodeName, ORPHAN_AFTER, PIPELINE, RunId};

/// FIX's place in the [`PIPELINE`].
pub(super) const FIX: usize = 6;
/// Room for the events of a run that needs no fix, and of one that needs one.
const USUAL_FACTS: usize = 28;
/// Nodes of one run. Events of more are counted and logged, and change nothing: no pipeline has so
/// many, and what is kept of a run has a bound.
pub(super) const MOST_NODES: usize = 256;
/// Earlier executions kept of one run.
const KEPT_EXECUTIONS: usize = 8;

/// An execution of a run that a later one followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    pub status: RunStatus,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub duration_ms: Option<u64>,
    pub error: Option<Arc<str>>,
    pub nodes: Vec<Node>,
}

/// What is known of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    pub song_id: Option<SmolStr>,
    pub song_title: Option<SmolStr>,
    pub seed: Option<i128>,
    pub status: RunStatus,
    /// A cancel was asked for in this execution, whether or not the run went on.
    pub cancel_requested: bool,
    /// Executions seen; 0 while the run only waits.
    pub executions: u32,
    pub created_at: Option<Timestamp>,
    /// Start of the current execution.
    pub started_at: Option<Timestamp>,
    /// End of the current execution, or when it was cancelled.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds the current execution took.
    pub duration_ms: Option<u64>,
    pub error: Option<Arc<str>>,
    /// How the current execution ended is known from REST and not from an event.
    pub from_rest: bool,
    /// What the run's end said, else the count of FIX starts.
    pub fix_iterations: u32,
    /// Nodes of the current execution: the pipeline's in its order, then others as they came up.
    pub nodes: Vec<Node>,
    /// Earlier executions, oldest first.
    pub history: Vec<Execution>,
    /// A node event of this execution was seen.
    nodes_seen: bool,
    starts: u32,
    /// The pipeline's nodes before this one have been passed: none of them is pending.
    passed: usize,
}

impl Default for RunState {
    fn default() -> Self {
        Self {
            song_id: None,
            song_title: None,
            seed: None,
            status: RunStatus::Pending,
            cancel_requested: false,
            executions: 0,
            created_at: None,
            started_at: None,
            ended_at: None,
            duration_ms: None,
            error: None,
            from_rest: false,
            fix_iterations: 0,
            nodes: pipeline_nodes(),
            history: Vec::new(),
            nodes_seen: false,
            starts: 0,
            passed: 0,
        }
    }
}

fn pipeline_nodes() -> Vec<Node> {
    PIPELINE.iter().map(|name| Node::new(NodeName::new_static(name))).collect()
}

impl RunState {
    /// Milliseconds the current execution took, or has taken by now on the server's clock; `None`
    /// when that is not known.
    pub fn elapsed_ms(&self, server_now: Timestamp) -> Option<u64> {
        match self.status {
            RunStatus::Running => node::elapsed_ms(self.started_at?, server_now),
            _ => self.duration_ms,
        }
    }

    /// The node that started last and still runs.
    pub fn current_node(&self) -> Option<&Node> {
        self.running_nodes().max_by_key(|node| node.start_order)
    }

    /// Nodes that run now, in pipeline order.
    pub fn running_nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.status == NodeStatus::Running)
    }

    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The index in `nodes` of what a fact is about; `None` for the run and for a new node.
    fn index_of(&self, subject: &Subject) -> Option<usize> {
        match subject {
            Subject::Run => None,
            Subject::Place(place) => Some(usize::from(*place)),
            Subject::Other(name) => self.nodes[PIPELINE.len()..]
                .iter()
                .position(|node| node.name == **name)
                .map(|position| PIPELINE.len() + position),
        }
    }

    /// The status of the node that a fact is about.
    pub(super) fn status_of(&self, subject: &Subject) -> NodeStatus {
        self.index_of(subject).map_or(NodeStatus::Pending, |index| self.nodes[index].status)
    }

    /// The node that failed last, in a run that failed.
    pub fn failed_node(&self) -> Option<&Node> {
        self.nodes
            .iter()
            .filter(|node| node.status == NodeStatus::Failed)
            .max_by_key(|node| node.start_order)
    }

    fn step(&mut self, fact: &Fact) {
        if let Some(detail) = &fact.detail {
            let fill = |mine: &mut Option<SmolStr>, theirs: &Option<SmolStr>| {
                if mine.is_none() {
                    mine.clone_from(theirs);
                }
            };
            fill(&mut self.song_id, &detail.song_id);
            fill(&mut self.song_title, &detail.song_title);
            self.seed = self.seed.or(detail.seed);
        }
        match self.index_of(&fact.subject) {
            Some(index) => self.step_node(index, fact),
            None => match &fact.subject {
                Subject::Other(_) if self.nodes.len() >= MOST_NODES => {}
                Subject::Other(name) => {
                    self.nodes.push(Node::new(NodeName::clone(name)));
                    self.step_node(self.nodes.len() - 1, fact);
                }
                _ => self.step_run(fact),
            },
        }
    }

    fn step_run(&mut self, fact: &Fact) {
        match fact.kind {
            FactKind::Created => self.created_at = self.created_at.or(Some(fact.at)),
            FactKind::Cancelled => {
                self.cancel_requested = true;
                if !self.status.is_over() {
                    self.status = RunStatus::Cancelled;
                    self.end_at(fact, None);
                    self.settle_waiting_nodes();
                }
            }
            FactKind::Start => self.begin_execution(fact.at),
            FactKind::End => {
                self.executions = self.executions.max(1);
                self.status = RunStatus::Completed;
                self.error = None;
                self.end_at(fact, fact.duration_ms());
                if let Some(count) = fact.detail.as_ref().and_then(|d| d.fix_iterations) {
                    self.fix_iterations = count;
                }
                self.settle_nodes(NodeStatus::Success, None);
            }
            FactKind::Fail => {
                let error = fact.error_text();
                self.executions = self.executions.max(1);
                self.status = RunStatus::Failed;
                self.error = Some(error.clone());
                self.end_at(fact, fact.duration_ms());
                self.settle_nodes(NodeStatus::Failed, Some(error));
            }
            FactKind::Info | FactKind::Progress => {}
        }
    }

    fn end_at(&mut self, fact: &Fact, told_ms: Option<u64>) {
        self.end(Some(fact.at));
        self.duration_ms = told_ms.or(self.duration_ms);
    }

    /// Ends at an instant, where it is known; the difference to the start is what it took.
    pub(super) fn end(&mut self, at: Option<Timestamp>) {
        self.ended_at = at;
        let span = self.started_at.zip(at).map(|(began, ended)| ended.duration_since(began));
        self.duration_ms = span.and_then(|span| u64::try_from(span.as_millis()).ok());
    }

    pub(super) fn begin_execution(&mut self, at: Timestamp) {
        if self.executions > 0 {
            if self.history.len() == KEPT_EXECUTIONS {
                self.history.remove(0);
            }
            self.history.push(Execution {
                status: self.status,
                started_at: self.started_at,
                ended_at: self.ended_at,
                duration_ms: self.duration_ms,
                error: self.error.take(),
                nodes: std::mem::replace(&mut self.nodes, pipeline_nodes()),
            });
            self.cancel_requested = false;
            self.fix_iterations = 0;
            self.nodes_seen = false;
            self.passed = 0;
        } else if self.status == RunStatus::Cancelled {
            self.go_on();
        }
        self.executions = self.executions.saturating_add(1);
        self.status = RunStatus::Running;
        self.started_at = Some(at);
        self.ended_at = None;
        self.duration_ms = None;
        self.from_rest = false;
    }

    /// Whether REST says that it was cancelled while it waited.
    pub(super) fn cancelled_before_start(&self, told: ToldStatus) -> bool {
        told == ToldStatus::Cancelled && self.executions == 0
    }

    /// A cancelled run goes on: what was not its turn yet is waiting again.
    fn go_on(&mut self) {
        self.status = RunStatus::Running;
        self.ended_at = None;
        self.duration_ms = None;
        let passed = self.nodes[..PIPELINE.len()]
            .iter()
            .rposition(Node::was_seen)
            .map_or(0, |furthest| furthest + 1);
        for node in &mut self.nodes[passed..PIPELINE.len()] {
            node.status = NodeStatus::Pending;
        }
    }

    /// The run is over: what still runs takes its outcome.
    fn settle_nodes(&mut self, outcome: NodeStatus, error: Option<Arc<str>>) {
        for node in self.nodes.iter_mut().filter(|node| node.status == NodeStatus::Running) {
            node.finish(Finish {
                at: None,
                status: outcome,
                duration_ms: None,
                error: error.clone(),
                scores: Arc::default(),
                inferred: true,
            });
        }
        self.settle_waiting_nodes();
    }

    /// The run is over: what never started was skipped, unless nothing was seen at all.
    fn settle_waiting_nodes(&mut self) {
        let unseen = if self.nodes_seen { NodeStatus::Skipped } else { NodeStatus::Unknown };
        for node in self.nodes.iter_mut().filter(|node| node.status == NodeStatus::Pending) {
            node.status = unseen;
        }
    }

    fn step_node(&mut self, index: usize, fact: &Fact) {
        let goes_on = matches!(fact.kind, FactKind::Start | FactKind::Progress);
        match self.status {
            RunStatus::Pending => self.status = RunStatus::Running,
            RunStatus::Cancelled if goes_on => self.go_on(),
            _ => {}
        }
        self.executions = self.executions.max(1);

        let in_pipeline = index < PIPELINE.len();
        if !self.nodes_seen {
            self.nodes_seen = true;
            let from_the_start = fact.kind == FactKind::Start && (fact.is_first || index == 0);
            if !from_the_start && in_pipeline {
                // Whatever the run's end made of them before: they were missed.
                for node in self.nodes[..index].iter_mut().filter(|node| !node.was_seen()) {
                    node.status = NodeStatus::Unknown;
                }
            }
        }

        let order = self.starts + 1;
        match fact.kind {
            FactKind::Start => {
                self.starts = order;
                self.nodes[index].start(Some(fact.at), order);
                if index == FIX {
                    self.fix_iterations = self.fix_iterations.max(self.nodes[index].attempts);
                }
                self.pass_over(index, in_pipeline);
            }
            FactKind::Progress => {
                if self.nodes[index].status != NodeStatus::Running && !self.status.is_over() {
                    self.starts = order;
                    self.nodes[index].start(None, order);
                    self.pass_over(index, in_pipeline);
                }
                let told = fact.detail.as_ref().and_then(|d| d.progress_percent);
                if let Some(percent) = told {
                    self.nodes[index].progress_percent = Some(percent.clamp(0.0, 100.0));
                }
            }
            FactKind::End | FactKind::Fail => {
                let node = &self.nodes[index];
                if node.status != NodeStatus::Running && !node.inferred {
                    self.starts = order;
                    let span = fact.duration_ms().and_then(|ms| i64::try_from(ms).ok());
                    let started_at = span.and_then(|ms| {
                        fact.at.checked_sub(jiff::SignedDuration::from_millis(ms)).ok()
                    });
                    self.nodes[index].start(started_at, order);
                    self.pass_over(index, in_pipeline);
                }
                let failed = fact.kind == FactKind::Fail;
                self.nodes[index].finish(Finish {
                    at: Some(fact.at),
                    status: if failed { NodeStatus::Failed } else { NodeStatus::Success },
                    duration_ms: fact.duration_ms(),
                    error: failed.then(|| fact.error_text()),
                    scores: fact.detail.as_ref().map_or_else(Arc::default, |d| d.scores.clone()),
                    inferred: false,
                });
            }
            FactKind::Created | FactKind::Cancelled | FactKind::Info => {}
        }
    }

    /// A node started: those before it that never did were skipped.
    fn pass_over(&mut self, index: usize, in_pipeline: bool) {
        if in_pipeline && index > self.passed {
            for node in &mut self.nodes[self.passed..index] {
                if node.status == NodeStatus::Pending {
                    node.status = NodeStatus::Skipped;
                }
            }
            self.passed = index;
        }
    }
}

/// An event of a run, as it is told in the run's story.
#[derive(Clone, Copy, Debug)]
pub struct RunEvent<'a> {
    pub at: Timestamp,
    pub node: Option<&'a str>,
    pub kind: FactKind,
    pub duration_ms: Option<u64>,
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
pub(super) enum Taken {
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
            facts: VecDeque::with_capacity(most_facts.min(USUAL_FACTS)),
            base: None,
            horizon: None,
            seen: Seen::with_capacity(most_facts.min(USUAL_FACTS)),
        }
    }

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

    pub(super) fn take(&mut self, fact: Fact, received_at: Timestamp, most_facts: usize) -> Taken {
        if !self.seen.insert(fact.id, most_facts) {
            return Taken::Duplicate;
        }
        if self.horizon.as_ref().is_some_and(|horizon| fact.order(horizon).is_lt()) {
            return Taken::TooOld;
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
        Taken::Applied { refolded: !in_order }
    }

    /// Takes in what REST told. `false` where something fresher is known.
    pub(super) fn take_snapshot(
        &mut self,
        snapshot: Arc<RunSnapshot>,
        received_at: Timestamp,
    ) -> bool {
        let known = self.snapshot.as_ref();
        if let Some(known) = known {
            let order = known.freshness().cmp(&snapshot.freshness());
            // Of two that should say the same the one that was asked for later counts.
            if order.is_gt() || order.is_eq() && **known == *snapshot {
                return false;
            }
        }
        self.first_event_at = snapshot
            .created_at
            .map_or(self.first_event_at, |created| self.first_event_at.min(created));
        let told_until = snapshot.told_until();
        if told_until.is_some_and(|until| until > self.last_event_at) || known.is_none() {
            self.last_received_at = self.last_received_at.max(received_at);
        }
        self.last_event_at =
            told_until.map_or(self.last_event_at, |until| self.last_event_at.max(until));
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
