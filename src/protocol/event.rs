//! A workflow event, independent of its dialect.

use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

/// Id of a run as the backend sends it (`run-123` or a lower-case UUID), unchanged, because requests to
/// the backend use it. It may contain any characters; use [`text::one_line`](crate::text::one_line) to
/// display it.
pub type RunId = SmolStr;

/// Name of a node (`PLAN`, `COMPOSE`, …), cleaned to one line.
pub type NodeName = SmolStr;

/// Name and value of a score. Values are normally in `0.0..=1.0`; the wire format sets no bounds.
pub type Score = (SmolStr, f64);

/// Identity of an event: two events with the same id are one event that arrived twice.
///
/// The id is the UUID of `event_id` if there is one, else a 128-bit hash of `event_id`'s text, else a
/// hash of run, node, phase, instant and payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

/// Kind of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The run was created or cancelled, or sent any other message.
    Info,
    /// The run or the node started.
    Start,
    /// Progress within a running node.
    Progress,
    /// The run or the node ended without an error.
    End,
    /// The run or the node failed.
    Fail,
    /// A phase that this version does not know. It is logged unchanged and has no effect on the state.
    Other(SmolStr),
}

impl Phase {
    /// Returns the phase as written on the wire.
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

/// One event of a run, without its JSON text, which is kept in the [`Batch`](super::Batch) and then in
/// the log. `node` is `None` for a run-level event.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowEvent {
    /// Identity of the event, the same each time it arrives.
    pub id: EventId,
    /// Id of the run.
    pub run_id: RunId,
    /// Name of the node, such as `STYLE`; `None` for a run-level event.
    pub node: Option<NodeName>,
    /// Phase.
    pub phase: Phase,
    /// Instant of the event by the server's clock.
    pub at: Timestamp,
    /// Duration in milliseconds: top level, else from `data`, else from `metrics`.
    pub duration_ms: Option<u64>,
    /// Number of node executions of this run before this one (backend, `start` only).
    pub node_index: Option<u32>,
    /// Fields that only some events have.
    pub detail: Option<Arc<Detail>>,
}

/// Fields that only some events have. A field absent on the wire is `None` or empty; texts are cleaned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// Id of the song, unchanged, because requests to the backend use it.
    pub song_id: Option<SmolStr>,
    /// Title for display (`data.song_title` or `data.title` of a run-level event). The backend sends
    /// none today; the demo does.
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
    /// `data.scores`, else, for VALIDATE, the numbers in `metrics` except `duration_ms`. Sorted by
    /// name.
    pub scores: Arc<[Score]>,
    /// `data.progress_percentage`, 0 to 100.
    pub progress_percent: Option<f64>,
    /// Names from `data.artifacts`.
    pub artifacts: Box<[SmolStr]>,
    /// True when the message says that the run was cancelled (run-level `info`).
    pub says_cancelled: bool,
    /// True when the message says that the run was created (run-level `info`).
    pub says_created: bool,
    /// Size of the texts, measured once.
    pub(super) text_bytes: u32,
}

impl Detail {
    /// Returns the approximate size of the texts outside the structure in bytes, as of the time when the
    /// event was read.
    #[inline]
    pub fn text_bytes(&self) -> usize {
        self.text_bytes as usize
    }

    /// Measures the texts.
    pub(super) fn measure(&mut self) {
        let texts = [&self.message, &self.error].into_iter().flatten().map(|text| text.len());
        let names = [&self.song_id, &self.song_title, &self.error_type];
        let names = names.into_iter().flatten().map(heap_bytes);
        let artifacts = self.artifacts.iter().map(|it| size_of::<SmolStr>() + heap_bytes(it));
        let bytes = texts.chain(names).chain(artifacts).sum::<usize>() + score_bytes(&self.scores);
        self.text_bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    }
}

/// Returns the size of a name in bytes unless it is short, which is kept within its structure.
fn heap_bytes(name: &SmolStr) -> usize {
    if name.is_heap_allocated() { name.len() } else { 0 }
}

/// Returns the approximate size of scores in bytes.
pub fn score_bytes(scores: &[Score]) -> usize {
    scores.iter().map(|(name, _)| size_of::<Score>() + heap_bytes(name)).sum()
}

impl WorkflowEvent {
    /// Returns the error text by the precedence of protocol section 5.7; "Unknown error" if there is
    /// none.
    pub fn error_text(&self) -> &str {
        self.detail
            .as_ref()
            .and_then(|d| d.error.as_deref().or(d.message.as_deref()))
            .unwrap_or("Unknown error")
    }

    /// Returns the message, if any.
    pub fn message(&self) -> Option<&str> {
        self.detail.as_ref()?.message.as_deref()
    }

    /// Returns the scores, sorted by name.
    pub fn scores(&self) -> &[Score] {
        self.detail.as_ref().map_or(&[], |d| &d.scores)
    }
}
