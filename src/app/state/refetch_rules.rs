//! Rules of the embedding app: what is fetched again when something happens.

use bevy::prelude::*;

use super::run_store::{NodeFinished, RunFinished, RunStore};
use crate::protocol::WorkflowEvent;
use crate::source::RefetchTarget;

type Rule<T> = Box<dyn Fn(&T, &RunStore) -> Option<RefetchTarget> + Send + Sync>;

/// Rules "fetch X again when Y happens", as the product guide's custom invalidation.
///
/// Rules look at what happens now, not at what is replayed when a connection is made, nor at runs that
/// were over when they were first seen. Each returns what is to be fetched, or `None`; the model has taken
/// in what happened already. What they return goes the way of [`Link::refetch`](super::link::Link::refetch).
#[derive(Resource, Default)]
pub struct RefetchRules {
    pub(in crate::app) nodes: Vec<Rule<NodeFinished>>,
    pub(in crate::app) runs: Vec<Rule<RunFinished>>,
    pub(in crate::app) events: Vec<Rule<WorkflowEvent>>,
}

impl RefetchRules {
    /// Adds a rule for nodes that succeed or fail.
    pub fn on_node_finished(
        &mut self,
        rule: impl Fn(&NodeFinished, &RunStore) -> Option<RefetchTarget> + Send + Sync + 'static,
    ) -> &mut Self {
        self.nodes.push(Box::new(rule));
        self
    }

    /// Adds a rule for runs that complete, fail or are cancelled.
    pub fn on_run_finished(
        &mut self,
        rule: impl Fn(&RunFinished, &RunStore) -> Option<RefetchTarget> + Send + Sync + 'static,
    ) -> &mut Self {
        self.runs.push(Box::new(rule));
        self
    }

    /// Adds a rule for single events. Events come over sockets; a backend that is polled, as by default,
    /// tells of nodes and runs without them.
    pub fn on_event(
        &mut self,
        rule: impl Fn(&WorkflowEvent, &RunStore) -> Option<RefetchTarget> + Send + Sync + 'static,
    ) -> &mut Self {
        self.events.push(Box::new(rule));
        self
    }

    pub(in crate::app) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.runs.is_empty() && self.events.is_empty()
    }
}
