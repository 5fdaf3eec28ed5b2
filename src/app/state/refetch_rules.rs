//! Refetch rules of the embedding app.

use bevy::prelude::*;

use super::run_store::{NodeFinished, RunFinished, RunStore};
use crate::protocol::WorkflowEvent;
use crate::source::RefetchTarget;

type Rule<T> = Box<dyn Fn(&T, &RunStore) -> Option<RefetchTarget> + Send + Sync>;

/// Rules "refetch X when Y happens", like the product guide's custom invalidation.
///
/// Rules are called for live changes only, not for events replayed after connecting and not for runs that
/// were over when first seen. A rule returns the target to fetch, or `None`; the change has already been
/// applied to [`RunStore::live`], while `model` may show the past. Targets are sent with [`Link::refetch`](super::link::Link::refetch).
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

    /// Adds a rule for single events. Events arrive over sockets only: a backend that is polled, which is
    /// the default, reports nodes and runs without events.
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
