//! One workflow event, whatever dialect it came in.

use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

/// Name of a run as the backend gives it (`run-123` or a lower-case UUID), which it is asked for
/// by: it may hold anything, so [`text::one_line`](crate::text::one_line) is what is shown of it.
pub type RunId = SmolStr;

/// Name of a node (`PLAN`, `COMPOSE`, …): as it stands on the wire, cleaned to one line.
pub type NodeName = SmolStr;

/// A named score in `0.0..=1.0` as a rule; the wire does not bound it.
pub type Score = (SmolStr, f64);

/// Identity of an event: two events with the same id are one event that arrived twice.
///
/// It is the UUID of `event_id` where there is one, else a 128-bit hash of `event_id`'s text, else
/// of run, node, phase, instant and payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

/// What an event says about its run or node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The run was created, cancelled, or has something to say.
    Info,
    /// The run or the node started.
    Start,
    /// Something went on inside a running node.
    Progress,
    /// The run or the node ended without an error.
    End,
    /// The run or the node failed.
    Fail,
    /// A phase this version does not know: it is logged as it came and changes no state.
    Other(SmolStr),
}

impl Phase {
    /// The phase as it stands on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Info => "info",
            Self::Start => "start",
            Self::Progress => "progress",
            Self::End => "end",
            Self::Fail => "fail",
            Self::Other(text) => text,
        }
    }
}

/// One event of one run, without its text, which the [`Batch`](super::Batch) and then the log keep.
/// `node` is `None` for what concerns the run as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowEvent {
    /// Identity: an event that arrives twice has the same id.
    pub id: EventId,
    /// Id of the run.
    pub run_id: RunId,
    /// Name of the node, as `STYLE`; `None` for the run as a whole.
    pub node: Option<NodeName>,
    /// What happened.
    pub phase: Phase,
    /// When it happened, by the server's clock.
    pub at: Timestamp,
    /// Milliseconds; top level, else in `data`, else in `metrics`.
    pub duration_ms: Option<u64>,
    /// How many node executions of this run came before this one (backend, `start` only).
    pub node_index: Option<u32>,
    /// Everything that only some events carry.
    pub detail: Option<Arc<Detail>>,
}

/// What only some events carry. Absent on the wire is `None` or empty here; texts are cleaned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// As it came: the backend is asked for the song by it.
    pub song_id: Option<SmolStr>,
    /// A title to show (`data.song_title` or `data.title` of a run-level event). The backend
    /// sends none today; the demo studio does.
    pub song_title: Option<SmolStr>,
    /// `data.global_seed`, else `data.seed` of a run-level event; up to `2^64 - 1`.
    pub seed: Option<i128>,
    /// `data.message`.
    pub message: Option<Box<str>>,
    /// `data.error_message`, else `data.error`, else the first issue's text.
    pub error: Option<Box<str>>,
    /// `data.error_type`.
    pub error_type: Option<SmolStr>,
    /// `data.fix_iterations` of a run's `end`.
    pub fix_iterations: Option<u32>,
    /// `data.scores`, else of VALIDATE the numbers in `metrics` without `duration_ms`. In order of
    /// name.
    pub scores: Arc<[Score]>,
    /// `data.progress_percentage`, 0 to 100.
    pub progress_percent: Option<f64>,
    /// Names of `data.artifacts`.
    pub artifacts: Box<[SmolStr]>,
    /// The message says that the run was cancelled (`info` at run level).
    pub says_cancelled: bool,
    /// The message says that the run was created (`info` at run level).
    pub says_created: bool,
}

impl WorkflowEvent {
    /// The text of what went wrong, by protocol section 5.7; "Unknown error" when nothing says.
    pub fn error_text(&self) -> &str {
        self.detail
            .as_ref()
            .and_then(|d| d.error.as_deref().or(d.message.as_deref()))
            .unwrap_or("Unknown error")
    }

    /// The message, where there is one.
    pub fn message(&self) -> Option<&str> {
        self.detail.as_ref()?.message.as_deref()
    }

    /// The scores that came with it, in order of name.
    pub fn scores(&self) -> &[Score] {
        self.detail.as_ref().map_or(&[], |d| &d.scores)
    }
}
