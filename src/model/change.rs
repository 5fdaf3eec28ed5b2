//! What the model keeps, counts, and says of what changed.

use jiff::Timestamp;

use super::node::NodeStatus;
use super::status::RunStatus;
use crate::protocol::{NodeName, RunId, WorkflowEvent};

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
    pub name: NodeName,
    pub from: NodeStatus,
    pub to: NodeStatus,
}

/// What one event changed, or one snapshot from REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub run_id: RunId,
    /// When it happened, by the server's clock; where REST told, the latest that it tells of.
    pub at: Timestamp,
    pub new_run: bool,
    /// From and to, where they differ.
    pub run_status: Option<(RunStatus, RunStatus)>,
    /// The event's node, where its status differs.
    pub node: Option<NodeChange>,
    /// The event arrived late: anything about the run may differ.
    pub refolded: bool,
    /// The run that had to go for this one.
    pub evicted: Option<RunId>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Applied(Change),
    Duplicate,
    Ignored,
}

/// An event whose run has to be folded again, or just its run.
#[derive(Clone, Debug)]
pub(super) struct Late {
    pub(super) slot: usize,
    /// `None` where nobody has to hear of it.
    pub(super) event: Option<WorkflowEvent>,
    /// See [`Change::at`].
    pub(super) at: Timestamp,
    pub(super) new_run: bool,
    pub(super) evicted: Option<RunId>,
    /// How the run ended was known from REST before.
    pub(super) outcome_known: bool,
}
