//! Runs of the studio and their events.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Failure, Node, Scenario, Song, Sound};

/// A run, identified by `id` in all its executions.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: Uuid,
    /// Id of the request that created the run; the same for all its events.
    pub request_id: Uuid,
    pub song: Song,
    pub sound: Sound,
    pub seed: i64,
    pub scenario: Scenario,
    /// Id of the failed run that this run retries.
    pub retry_of: Option<Uuid>,
}

/// Content of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Created,
    Cancelled,
    RunStart,
    RunEnd {
        duration: Duration,
        fix_iterations: u32,
    },
    /// `node` is the node in which the run failed.
    RunFail {
        node: Node,
        reason: RunFailure,
    },
    NodeStart {
        node: Node,
        /// Number of nodes executed before this one in the same execution of the run.
        index: u32,
    },
    Progress {
        node: Node,
        /// 0 to 100; `None` if the node cannot tell.
        percent: Option<f64>,
        message: &'static str,
        artifacts: Map<String, Value>,
    },
    NodeEnd {
        node: Node,
        index: u32,
        duration: Duration,
        /// Names and values from 0 to 1; only VALIDATE has scores.
        scores: Vec<(&'static str, f64)>,
        artifacts: Map<String, Value>,
        /// Hash of the node's output.
        output_hash: [u8; 32],
    },
    NodeFail {
        node: Node,
        duration: Duration,
        failure: Failure,
    },
}

/// Reason of a run's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFailure {
    /// A node failed before, after it had run for this time.
    NodeFailed { failure: Failure, after: Duration },
    /// The node's skill is not registered; the node sent no event.
    SkillMissing,
}

impl What {
    /// Returns the node of the event; `None` for events of the run as a whole.
    pub fn node(&self) -> Option<Node> {
        match self {
            Self::Created
            | Self::Cancelled
            | Self::RunStart
            | Self::RunEnd { .. }
            | Self::RunFail { .. } => None,
            Self::NodeStart { node, .. }
            | Self::Progress { node, .. }
            | Self::NodeEnd { node, .. }
            | Self::NodeFail { node, .. } => Some(*node),
        }
    }

    /// True when a backend stores the event and replays it to later connections (protocol, section
    /// 2).
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Created | Self::Cancelled | Self::RunStart | Self::RunEnd { .. })
    }
}

/// An event with the id that it keeps in every replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: Uuid,
    pub what: What,
}

/// An event of a [`PlannedRun`].
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedEvent {
    /// Time since the run was created.
    pub offset: Duration,
    pub event: Event,
}

/// A run from its creation to its last event, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    pub run: Arc<Run>,
    /// Studio time.
    pub created_at: SignedDuration,
    pub events: Vec<PlannedEvent>,
}

impl PlannedRun {
    /// Returns the time from creation to the last event.
    pub fn length(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |last| last.offset)
    }

    /// Returns the offset of the first event for which `is` returns true.
    pub fn offset_of(&self, is: impl Fn(&What) -> bool) -> Option<Duration> {
        self.events.iter().find(|planned| is(&planned.event.what)).map(|planned| planned.offset)
    }
}
