//! A run of the studio and what happens in it.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Failure, Node, Scenario, Song, Sound};

/// One run, known by `id` for all its executions.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: Uuid,
    /// The request that asked for the run; the same on all its events.
    pub request_id: Uuid,
    pub song: Song,
    pub sound: Sound,
    pub seed: i64,
    pub scenario: Scenario,
    /// The failed run that this one tries again.
    pub retry_of: Option<Uuid>,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Created,
    Cancelled,
    RunStart,
    RunEnd {
        duration: Duration,
        fix_iterations: u32,
    },
    /// `node` is where it happened.
    RunFail {
        node: Node,
        reason: RunFailure,
    },
    NodeStart {
        node: Node,
        /// Executions of nodes before this one in the same execution of the run.
        index: u32,
    },
    Progress {
        node: Node,
        /// 0 to 100; some stages cannot tell.
        percent: Option<f64>,
        message: &'static str,
        artifacts: Map<String, Value>,
    },
    NodeEnd {
        node: Node,
        index: u32,
        duration: Duration,
        /// Name and value in `0.0..=1.0`; only VALIDATE has any.
        scores: Vec<(&'static str, f64)>,
        artifacts: Map<String, Value>,
        /// Hash of the node's output, 32 bytes.
        output_hash: [u8; 32],
    },
    NodeFail {
        node: Node,
        duration: Duration,
        failure: Failure,
    },
}

/// Why a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFailure {
    /// A node failed before.
    NodeFailed(Failure),
    /// The node's skill is not registered: no event of the node came before.
    SkillMissing,
}

impl What {
    /// The node it is about; `None` for what concerns the run as a whole.
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

    /// Whether a backend stores it and replays it to whoever connects later (protocol section 2).
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Created | Self::Cancelled | Self::RunStart | Self::RunEnd { .. })
    }
}

/// Something that happened, with the identity it keeps on every replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: Uuid,
    pub what: What,
}

/// An event of a [`PlannedRun`].
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedEvent {
    /// Since the run was created.
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
    /// From creation to the last event.
    pub fn length(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |last| last.offset)
    }

    /// Offset of the first event for which `is` holds.
    pub fn offset_of(&self, is: impl Fn(&What) -> bool) -> Option<Duration> {
        self.events.iter().find(|planned| is(&planned.event.what)).map(|planned| planned.offset)
    }
}
