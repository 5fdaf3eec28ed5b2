//! The state of a run, folded from its events.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

use super::fact::{Fact, FactKind, SKEW, Subject};
use super::node::{self, Attempt, FIX, Finish, MOST_NODES, Node, NodeStatus};
use super::status::RunStatus;
use crate::protocol::rest::ReportedStatus;
use crate::protocol::{NodeName, PIPELINE};

/// Maximum number of earlier executions kept per run.
const KEPT_EXECUTIONS: usize = 8;

/// An execution that was followed by another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Final status.
    pub status: RunStatus,
    /// Start by the server's clock.
    pub started_at: Option<Timestamp>,
    /// End by the server's clock.
    pub ended_at: Option<Timestamp>,
    /// Duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// Reason of the failure.
    pub error: Option<Arc<str>>,
    /// Nodes of the pipeline in its order, then other nodes in order of appearance.
    pub nodes: Vec<Node>,
}

/// State of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// Id of the song that the run works on.
    pub song_id: Option<SmolStr>,
    /// Title of that song.
    pub song_title: Option<SmolStr>,
    /// Seed that the run was started with.
    pub seed: Option<i128>,
    /// Status of the run.
    pub status: RunStatus,
    /// True when a cancel was requested in this execution, whether or not the run went on.
    pub cancel_requested: bool,
    /// Number of executions seen; 0 while the run is pending.
    pub executions: u32,
    /// Creation of the run, by the server's clock.
    pub created_at: Option<Timestamp>,
    /// Start of the current execution.
    pub started_at: Option<Timestamp>,
    /// End of the current execution, or the time of its cancellation.
    pub ended_at: Option<Timestamp>,
    /// Duration of the current execution in milliseconds.
    pub duration_ms: Option<u64>,
    /// Reason why the current execution failed.
    pub error: Option<Arc<str>>,
    /// True when the outcome of the current execution is known from REST and not from an event.
    pub from_rest: bool,
    /// Number of fix passes: as the run's end reports it, else the number of FIX starts.
    pub fix_iterations: u32,
    /// Nodes of the current execution: the pipeline in its order, then others in order of appearance.
    pub nodes: Vec<Node>,
    /// Earlier executions, oldest first.
    pub history: Vec<Execution>,
    /// True when this execution has had a node event.
    nodes_seen: bool,
    /// Instant of this execution's first node event, if that was not the start of its first node.
    missed_before: Option<Timestamp>,
    starts: u32,
    /// Index up to which the pipeline was passed: no node before it is pending.
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
            missed_before: None,
            starts: 0,
            passed: 0,
        }
    }
}

fn pipeline_nodes() -> Vec<Node> {
    PIPELINE.iter().map(|name| Node::new(NodeName::new_static(name))).collect()
}

impl RunState {
    /// Returns the duration of the current execution in milliseconds; while it runs, the time elapsed
    /// until `server_now`. `None` when unknown.
    pub fn elapsed_ms(&self, server_now: Timestamp) -> Option<u64> {
        match self.status {
            RunStatus::Running => node::elapsed_ms(self.started_at?, server_now),
            _ => self.duration_ms,
        }
    }

    /// Returns the node that started last and is still running.
    pub fn current_node(&self) -> Option<&Node> {
        self.running_nodes().max_by_key(|node| node.start_order)
    }

    /// Returns the step at which a running run is, or to which it is on the way while it is between two
    /// steps, and true when it is there. `None` for a run that does not run.
    pub fn stands(&self) -> Option<(&NodeName, bool)> {
        if self.status != RunStatus::Running {
            return None;
        }
        if let Some(node) = self.current_node() {
            return Some((&node.name, true));
        }
        let ahead = |node: &&Node| node.status == NodeStatus::Pending && node.name != "FIX";
        // When all have run, only the end of the run is ahead.
        let next =
            self.nodes.iter().find(ahead).or_else(|| self.node(PIPELINE[PIPELINE.len() - 1]));
        next.map(|node| (&node.name, false))
    }

    /// Returns the running nodes in pipeline order.
    pub fn running_nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.status == NodeStatus::Running)
    }

    /// Returns the node with this name in the current execution.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Returns the number of fix passes that were begun: as the backend counts them, or by the starts of FIX.
    pub fn fix_passes(&self) -> u32 {
        self.fix_iterations.max(self.node("FIX").map_or(0, |fix| fix.attempts))
    }

    /// Returns the index in `nodes` of a fact's node; `None` for the run and for a new node.
    fn index_of(&self, subject: &Subject) -> Option<usize> {
        match subject {
            Subject::Run => None,
            Subject::PipelineNode(place) => Some(usize::from(*place)),
            Subject::Other(name) => self.nodes[PIPELINE.len()..]
                .iter()
                .position(|node| node.name == **name)
                .map(|position| PIPELINE.len() + position),
        }
    }

    /// Returns the status of a fact's node; pending for the run and for a new node.
    pub(super) fn status_of(&self, subject: &Subject) -> NodeStatus {
        self.index_of(subject).map_or(NodeStatus::Pending, |index| self.nodes[index].status)
    }

    /// Returns the failed node that started last.
    pub fn failed_node(&self) -> Option<&Node> {
        node::failed_node(&self.nodes)
    }

    /// Advances the state by one event.
    pub(super) fn step(&mut self, fact: &Fact) {
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
            FactKind::Created => self.created_at = self.created_at.or(fact.instant()),
            FactKind::Cancelled => {
                self.cancel_requested = true;
                if !self.status.is_over() {
                    self.status = RunStatus::Cancelled;
                    self.end_at(fact, None);
                    self.settle_waiting_nodes();
                }
            }
            FactKind::Start => self.begin_execution(fact.instant()),
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
        self.end(fact.instant());
        self.duration_ms = told_ms.or(self.duration_ms);
    }

    /// Ends the execution at an instant, if known, and computes its duration from the start.
    pub(super) fn end(&mut self, at: Option<Timestamp>) {
        self.ended_at = at;
        let span = self.started_at.zip(at);
        self.duration_ms = span.and_then(|(began, ended)| node::span_ms(began, ended));
    }

    pub(super) fn begin_execution(&mut self, at: Option<Timestamp>) {
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
            self.missed_before = None;
            self.passed = 0;
        } else if self.status == RunStatus::Cancelled {
            self.go_on();
        }
        self.executions = self.executions.saturating_add(1);
        self.status = RunStatus::Running;
        self.started_at = at;
        self.ended_at = None;
        self.duration_ms = None;
        self.from_rest = false;
    }

    /// True when REST reports that the run was cancelled while pending.
    pub(super) fn cancelled_before_start(&self, told: ReportedStatus) -> bool {
        told == ReportedStatus::Cancelled && self.executions == 0
    }

    /// Resumes a cancelled run: nodes that have not been passed are pending again.
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

    /// Gives running nodes the outcome of the run, which is over.
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

    /// Sets pending nodes of a run that is over to skipped, or to unknown if no node event was seen.
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
        self.note_what_was_missed(index, fact);

        let order = self.starts + 1;
        match fact.kind {
            FactKind::Start => {
                self.starts = order;
                self.nodes[index].start(fact.instant(), order);
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
                    self.nodes[index].progress_percent =
                        Some(crate::bounded::bounded(percent, 0.0, 100.0));
                }
            }
            FactKind::End | FactKind::Fail => {
                let node = &self.nodes[index];
                if node.status != NodeStatus::Running && !node.inferred {
                    self.starts = order;
                    let span = fact.duration_ms().and_then(|ms| i64::try_from(ms).ok());
                    let started_at = span.zip(fact.instant()).and_then(|(ms, ended)| {
                        ended.checked_sub(SignedDuration::from_millis(ms)).ok()
                    });
                    self.nodes[index].start(started_at, order);
                    self.pass_over(index, in_pipeline);
                }
                let failed = fact.kind == FactKind::Fail;
                self.nodes[index].finish(Finish {
                    at: fact.instant(),
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

    /// Detects missed events. Unless the first node event of an execution is the start of its first
    /// node, the nodes before it were missed. By another clock that start may also come a little later.
    fn note_what_was_missed(&mut self, index: usize, fact: &Fact) {
        let from_the_start = fact.kind == FactKind::Start && (fact.is_first() || index == 0);
        if !self.nodes_seen {
            self.nodes_seen = true;
            if !from_the_start && index < PIPELINE.len() {
                self.missed_before = Some(fact.at);
                // This overrides the status that the run's end gave them.
                for node in self.nodes[..index].iter_mut().filter(|node| !node.was_seen()) {
                    node.status = NodeStatus::Unknown;
                }
            }
        } else if from_the_start
            && let Some(first) = self.missed_before.take()
            && fact.at.duration_since(first) <= SKEW
        {
            let over = self.status.is_over();
            for (place, node) in self.nodes[..PIPELINE.len()].iter_mut().enumerate() {
                if node.status == NodeStatus::Unknown && !node.was_seen() {
                    let skipped = over || place < self.passed;
                    node.status = if skipped { NodeStatus::Skipped } else { NodeStatus::Pending };
                }
            }
        }
    }

    /// Returns the approximate size of the texts in bytes.
    pub(super) fn text_bytes(&self) -> usize {
        let errors = self.history.iter().map(|execution| &execution.error).chain([&self.error]);
        let errors = errors.flatten().map(|error| error.len());
        let nodes = self.history.iter().flat_map(|execution| &execution.nodes).chain(&self.nodes);
        errors.chain(nodes.map(Node::text_bytes)).sum()
    }

    /// Returns the approximate size in bytes besides the struct itself and texts.
    pub(super) fn bytes(&self) -> usize {
        let earlier = self.history.iter().map(|execution| &execution.nodes);
        let nodes = earlier.chain([&self.nodes]).map(|nodes| {
            let attempts: usize = nodes.iter().map(|node| node.history().len()).sum();
            nodes.capacity() * size_of::<Node>() + attempts * size_of::<Attempt>()
        });
        self.history.capacity() * size_of::<Execution>() + nodes.sum::<usize>()
    }

    /// Reduces the texts to `most` bytes if they take more: drops the earlier executions, oldest first,
    /// then the earlier attempts, then scores and the rest of long errors.
    pub(super) fn reduce_texts(&mut self, most: usize) {
        while self.text_bytes() > most && !self.history.is_empty() {
            self.history.remove(0);
        }
        if self.text_bytes() > most {
            self.nodes.iter_mut().for_each(Node::drop_earlier_attempts);
        }
        if self.text_bytes() > most {
            self.nodes.iter_mut().for_each(Node::cut_texts);
            node::cut_error(&mut self.error);
        }
    }

    /// Moves all instants, after the server's clock was set.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let shift = |at: &mut Option<Timestamp>| {
            *at = at.map(|at| at.checked_add(by).unwrap_or(at));
        };
        let Self { created_at, started_at, ended_at, missed_before, nodes, history, .. } = self;
        for at in [created_at, started_at, ended_at, missed_before] {
            shift(at);
        }
        let earlier = history.iter_mut().flat_map(|execution| {
            shift(&mut execution.started_at);
            shift(&mut execution.ended_at);
            &mut execution.nodes
        });
        nodes.iter_mut().chain(earlier).for_each(|node| node.shift(by));
    }

    /// Marks the pending nodes before a started node as skipped.
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
