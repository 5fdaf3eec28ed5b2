//! Limits and counters of the model, and the description of a change.

use jiff::Timestamp;

use super::node::NodeStatus;
use super::status::RunStatus;
use crate::protocol::{NodeName, RunId, WorkflowEvent};

/// Limits on what the model keeps. Beyond a limit the oldest entry is dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Maximum number of runs. Runs that are over are dropped first, oldest first; a running run is
    /// dropped only if none is over.
    pub runs: usize,
    /// Maximum number of lines in the event log.
    pub log_events: usize,
    /// Maximum number of events kept per run. A run is folded again from these events when a late one
    /// arrives.
    pub events_per_run: usize,
    /// Approximate maximum size of the texts of all runs in bytes: messages, errors, names, scores.
    /// Beyond it, whole runs are dropped in the same order as beyond [`runs`](Self::runs). What the
    /// state of a run repeats of the texts of its events is counted once it exceeds 64 KiB.
    pub text_bytes: usize,
}

/// Share of [`Retention::text_bytes`] that one run may have: one part in this many.
const RUN_SHARE: usize = 8;

impl Default for Retention {
    fn default() -> Self {
        Self { runs: 10_000, log_events: 100_000, events_per_run: 1_000, text_bytes: 256 << 20 }
    }
}

impl Retention {
    /// Keeps every run and every event but no log, as `inspect` needs it.
    pub const EVERYTHING: Self = Self {
        runs: usize::MAX,
        log_events: 0,
        events_per_run: usize::MAX,
        text_bytes: usize::MAX,
    };

    /// Maximum size of the texts of one run's kept events in bytes. Beyond it, the oldest events are
    /// dropped as beyond [`events_per_run`](Self::events_per_run).
    pub(super) fn text_bytes_per_run(&self) -> usize {
        self.text_bytes / RUN_SHARE
    }

    /// Maximum size of the texts of each of the two states of one run in bytes, that of all events and
    /// that of the dropped ones. Beyond it, what is oldest in the state is dropped.
    pub(super) fn text_bytes_per_state(&self) -> usize {
        self.text_bytes_per_run() / 2
    }
}

/// Counters of what has arrived. Every element of every frame is counted in exactly one of `events`,
/// `duplicates`, `malformed` and `ignored`. Frames that a hub adds are the exception: its own state is
/// not about a run, and its runs are counted in `snapshots`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received.
    pub frames: u64,
    /// Distinct events that were applied.
    pub events: u64,
    /// REST snapshots of runs that contained something new.
    pub snapshots: u64,
    /// Events whose identity was already known.
    pub duplicates: u64,
    /// Elements that could not be read.
    pub malformed: u64,
    /// Frames discarded unread because the application could not keep up.
    pub dropped: u64,
    /// Elements that were read but change nothing: an unknown phase, a keepalive, or an event older
    /// than every event that is kept of its run.
    pub ignored: u64,
    /// Runs dropped because of [`Retention::runs`] or [`Retention::text_bytes`].
    pub evicted_runs: u64,
}

/// A change of a node's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// Name of the node, such as `STYLE`.
    pub name: NodeName,
    /// Status before the change.
    pub from: NodeStatus,
    /// Status after the change.
    pub to: NodeStatus,
}

/// Changes caused by one event or by one REST snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Id of the run that changed.
    pub run_id: RunId,
    /// Instant of the event by the server's clock. For a REST snapshot, the latest instant in it.
    pub at: Timestamp,
    /// True when the run was not known before.
    pub new_run: bool,
    /// Status before and after, if they differ.
    pub run_status: Option<(RunStatus, RunStatus)>,
    /// Status change of the event's node, if its status differs.
    pub node: Option<NodeChange>,
    /// Status changes of nodes by a REST snapshot; empty for an event.
    pub snapshot_nodes: Vec<NodeChange>,
    /// True when the run was folded again, for a late event or a REST snapshot: any part of the run may
    /// have changed.
    pub refolded: bool,
    /// The runs that were dropped to make room for this one.
    pub evicted: Vec<RunId>,
}

/// Result of applying an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The event was applied and caused this change.
    Applied(Change),
    /// The event had been received before.
    Duplicate,
    /// The event changes nothing.
    Ignored,
}

/// A run that has to be folded again, with the late event that is the reason if that is to be reported.
#[derive(Clone, Debug)]
pub(super) struct Late {
    pub(super) slot: usize,
    /// The event to report with the change; `None` when no change is reported for it.
    pub(super) event: Option<WorkflowEvent>,
    /// See [`Change::at`].
    pub(super) at: Timestamp,
    pub(super) new_run: bool,
    pub(super) evicted: Vec<RunId>,
    /// True when the run's outcome was already known from REST.
    pub(super) outcome_known: bool,
}
