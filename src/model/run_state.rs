//! The state of a run, and how a fact changes it.

use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

use super::fact::{Fact, FactKind, Subject};
use super::node::{self, FIX, Finish, MOST_NODES, Node, NodeStatus};
use super::status::RunStatus;
use crate::protocol::rest::ReportedStatus;
use crate::protocol::{NodeName, PIPELINE};

/// Earlier executions kept of one run.
const KEPT_EXECUTIONS: usize = 8;

/// An execution of a run that a later one followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// How it ended.
    pub status: RunStatus,
    /// When it started, by the server's clock.
    pub started_at: Option<Timestamp>,
    /// When it ended, by the server's clock.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds that it took.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<Arc<str>>,
    /// Its nodes: the pipeline's in its order, then others as they came up.
    pub nodes: Vec<Node>,
}

/// What is known of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// Id of the song that the run works on.
    pub song_id: Option<SmolStr>,
    /// Title of that song.
    pub song_title: Option<SmolStr>,
    /// Seed that the run was started with.
    pub seed: Option<i128>,
    /// Where the run stands.
    pub status: RunStatus,
    /// A cancel was asked for in this execution, whether or not the run went on.
    pub cancel_requested: bool,
    /// Executions seen; 0 while the run only waits.
    pub executions: u32,
    /// When the run was created, by the server's clock.
    pub created_at: Option<Timestamp>,
    /// Start of the current execution.
    pub started_at: Option<Timestamp>,
    /// End of the current execution, or when it was cancelled.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds the current execution took.
    pub duration_ms: Option<u64>,
    /// Why the current execution failed.
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

    /// The node of this name in the current execution.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The index in `nodes` of what a fact is about; `None` for the run and for a new node.
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
    pub(super) fn cancelled_before_start(&self, told: ReportedStatus) -> bool {
        told == ReportedStatus::Cancelled && self.executions == 0
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
