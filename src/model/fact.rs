//! What is kept of an event to fold a run from: everything but its text.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use crate::protocol::{Detail, EventId, NodeName, PIPELINE, Phase, WorkflowEvent, pipeline_index};

/// Whole-second timestamps put a short node's start and end on one instant; only an end that
/// tells of at least this duration must belong to an earlier start.
const RESOLUTION_MS: u64 = 1000;

/// A state-changing event of one run.
///
/// Small: a thousand of them may be kept of each of ten thousand runs.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) id: EventId,
    pub(super) at: Timestamp,
    told_ms: u64,
    pub(super) detail: Option<Arc<Detail>>,
    pub(super) subject: Subject,
    pub(super) kind: FactKind,
    /// The backend says that it is the first of its execution.
    pub(super) is_first: bool,
    /// Breaks ties between facts of one instant; see [`Fact::tie_rank`].
    rank: u16,
}

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Run,
    /// A node by its place in the pipeline.
    PipelineNode(u8),
    /// A node that the pipeline does not know.
    Other(Box<NodeName>),
}

/// No duration is told: longer than anything.
const NOT_TOLD: u64 = u64::MAX;

/// What an event says: its phase, with the run's `info` told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// The run was created.
    Created,
    /// The run was cancelled.
    Cancelled,
    /// The run has something else to say.
    Info,
    /// The run or the node started.
    Start,
    /// The node told how far it is.
    Progress,
    /// The run or the node ended without an error.
    End,
    /// The run or the node failed.
    Fail,
}

impl Fact {
    /// `None` when the event changes no state (its phase is not known).
    pub(super) fn of(event: &WorkflowEvent) -> Option<Self> {
        let detail = event.detail.as_deref();
        let kind = match event.phase {
            Phase::Info if detail.is_some_and(|d| d.says_cancelled) => FactKind::Cancelled,
            Phase::Info if detail.is_some_and(|d| d.says_created) => FactKind::Created,
            Phase::Info => FactKind::Info,
            Phase::Start => FactKind::Start,
            Phase::Progress => FactKind::Progress,
            Phase::End => FactKind::End,
            Phase::Fail => FactKind::Fail,
            Phase::Other(_) => return None,
        };
        let subject = match &event.node {
            None => Subject::Run,
            Some(node) => match pipeline_index(node) {
                Some(place) => Subject::PipelineNode(place as u8),
                None => Subject::Other(Box::new(node.clone())),
            },
        };
        Some(Self {
            id: event.id,
            at: event.at,
            told_ms: event.duration_ms.unwrap_or(NOT_TOLD),
            detail: event.detail.clone(),
            rank: Self::tie_rank(event, kind, &subject),
            subject,
            kind,
            is_first: event.node_index == Some(0),
        })
    }

    /// The node's name; `None` for what concerns the run as a whole.
    pub(super) fn node(&self) -> Option<&str> {
        match &self.subject {
            Subject::Run => None,
            Subject::PipelineNode(place) => PIPELINE.get(usize::from(*place)).copied(),
            Subject::Other(name) => Some(name),
        }
    }

    /// Milliseconds, where the event tells.
    pub(super) fn duration_ms(&self) -> Option<u64> {
        (self.told_ms != NOT_TOLD).then_some(self.told_ms)
    }

    /// The order within one instant: the run is created, starts, its nodes go in pipeline order,
    /// the run ends; a node starts before it ends, unless the end tells of an earlier start.
    fn tie_rank(event: &WorkflowEvent, kind: FactKind, subject: &Subject) -> u16 {
        let place = match subject {
            Subject::PipelineNode(place) => u16::from(*place),
            Subject::Other(_) => PIPELINE.len() as u16,
            Subject::Run => {
                return match kind {
                    FactKind::Created => 0,
                    FactKind::Start => 1,
                    FactKind::Info | FactKind::Cancelled | FactKind::Progress => u16::MAX - 1,
                    FactKind::End | FactKind::Fail => u16::MAX,
                };
            }
        };
        let phase = match kind {
            FactKind::End | FactKind::Fail
                if event.duration_ms.is_some_and(|ms| ms >= RESOLUTION_MS) =>
            {
                0
            }
            FactKind::Start => 1,
            FactKind::Progress => 2,
            FactKind::End | FactKind::Fail => 3,
            FactKind::Created | FactKind::Cancelled | FactKind::Info => 4,
        };
        // The pipeline is short, so this cannot reach the ranks of the run's end.
        2 + place * 8 + phase
    }

    /// The order of the fold. Total, and the same whatever arrived first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        (self.at, self.rank, self.id).cmp(&(other.at, other.rank, other.id))
    }

    /// The text of what went wrong (protocol section 5.7).
    pub(super) fn error_text(&self) -> Arc<str> {
        let detail = self.detail.as_deref();
        detail
            .and_then(|d| d.error.as_deref().or(d.message.as_deref()))
            .unwrap_or("Unknown error")
            .into()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_fact_stays_small() {
        assert!(size_of::<super::Fact>() <= 80, "{}", size_of::<super::Fact>());
    }
}
