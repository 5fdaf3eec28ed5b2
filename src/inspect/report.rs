//! The report that `inspect --json` writes. Its fields are a stable interface for scripts.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Model, Node, Run};

/// Content of a model as plain values. Absent values are `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub frames: u64,
    pub events: u64,
    pub duplicates: u64,
    pub malformed: u64,
    pub ignored: u64,
    /// Runs in the order of their first event.
    pub runs: Vec<RunReport>,
}

/// One run; nodes, times and error belong to its latest execution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    pub run_id: String,
    pub song_id: Option<String>,
    pub seed: Option<i128>,
    pub status: &'static str,
    pub cancel_requested: bool,
    pub executions: u32,
    pub current_node: Option<String>,
    /// Time in RFC 3339, UTC with `Z`.
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    pub duration_ms: Option<u64>,
    pub fix_iterations: u32,
    pub error: Option<String>,
    /// True when the run's outcome comes from REST and not from an event.
    pub from_rest: bool,
    /// Number of distinct events of the run.
    pub events: u64,
    /// Nodes in pipeline order, followed by nodes that are not part of the pipeline.
    pub nodes: Vec<NodeReport>,
}

/// One node of a run, in the state of its latest attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeReport {
    pub name: String,
    pub status: &'static str,
    pub attempts: u32,
    pub duration_ms: Option<u64>,
    pub error: Option<String>,
    pub inferred: bool,
    /// True when the outcome of the latest attempt comes from REST and not from an event.
    pub from_rest: bool,
    pub scores: Option<BTreeMap<String, f64>>,
}

impl Report {
    pub fn of(model: &Model) -> Self {
        let counters = model.counters();
        Self {
            frames: counters.frames,
            events: counters.events,
            duplicates: counters.duplicates,
            malformed: counters.malformed,
            ignored: counters.ignored,
            runs: model.runs_in_order().into_iter().map(RunReport::of).collect(),
        }
    }
}

impl RunReport {
    pub fn of(run: &Run) -> Self {
        Self {
            run_id: run.id().to_string(),
            song_id: run.song_id.as_ref().map(ToString::to_string),
            seed: run.seed,
            status: run.status.as_str(),
            cancel_requested: run.cancel_requested,
            executions: run.executions,
            current_node: run.current_node().map(|node| node.name.to_string()),
            started_at: run.started_at.as_ref().map(ToString::to_string),
            ended_at: run.ended_at.as_ref().map(ToString::to_string),
            duration_ms: run.duration_ms,
            fix_iterations: run.fix_iterations,
            error: run.error.as_deref().map(str::to_owned),
            from_rest: run.from_rest,
            events: run.events(),
            nodes: run.nodes.iter().map(NodeReport::of).collect(),
        }
    }
}

impl NodeReport {
    fn of(node: &Node) -> Self {
        let scores = node.scores.iter().map(|(name, score)| (name.to_string(), *score));
        Self {
            name: node.name.to_string(),
            status: node.status.as_str(),
            attempts: node.attempts,
            duration_ms: node.duration_ms,
            error: node.error.as_deref().map(str::to_owned),
            inferred: node.inferred,
            from_rest: node.from_rest,
            scores: (!node.scores.is_empty()).then(|| scores.collect()),
        }
    }
}
