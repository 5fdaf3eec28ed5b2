//! The part of an event that is kept to fold a run from: everything but its JSON text.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::protocol::{
    Detail, EventId, NodeName, PIPELINE, Phase, WorkflowEvent, is_unset, pipeline_index,
    score_bytes,
};

/// Instants of one run that differ by at most this do not decide the order of events (protocol section
/// 6.3).
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// Lane of run-level events. Pipeline nodes use their pipeline index as lane, other nodes the numbers
/// after those.
pub(super) const RUN_LANE: u16 = u16::MAX;

/// Lane of events of nodes beyond [`MOST_NODES`](super::node::MOST_NODES). Such events change nothing.
pub(super) const LOST_LANE: u16 = u16::MAX - 1;

/// Value of [`Fact::node_index`] for an event without one.
pub(super) const NO_INDEX: u32 = u32::MAX;

/// Minimum duration in milliseconds at which an end cannot belong to a start with the same whole-second
/// timestamp. Such an end belongs to an earlier start.
const RESOLUTION_MS: u64 = 1000;

/// A state-changing event of one run.
///
/// Kept small: up to a thousand are kept for each of up to ten thousand runs.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) id: EventId,
    /// Instant used for ordering. [`Fact::instant`] returns the instant to show.
    pub(super) at: Timestamp,
    told_ms: u64,
    pub(super) detail: Option<Arc<Detail>>,
    pub(super) subject: Subject,
    pub(super) kind: FactKind,
    /// True when the event has no instant of its own; `at` is then derived from the other events of the
    /// run.
    is_unset: bool,
    /// Number of node executions before this event, as the backend reports it, or [`NO_INDEX`].
    pub(super) node_index: u32,
    /// Lane in the [grammar](super::grammar). The run assigns it for nodes outside the pipeline.
    pub(super) lane: u16,
    /// Order among facts of the same instant; see [`Fact::tie_rank`].
    rank: u16,
}

/// The run or node that a fact is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Run,
    /// A pipeline node, by its index.
    PipelineNode(u8),
    /// A node outside the pipeline.
    Other(Box<NodeName>),
}

/// Sort key of facts: instant, rank, content, identity.
pub(super) type SortKey = (Timestamp, u16, u32, EventId);

#[cfg(test)]
thread_local! {
    /// Number of sort keys computed on this thread, as a measure of work.
    pub(super) static SORT_KEYS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Value of `told_ms` for an event without a duration; it sorts last.
const NOT_TOLD: u64 = u64::MAX;

/// Meaning of an event: its phase, with run-level `info` split into created, cancelled and other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// The run was created.
    Created,
    /// The run was cancelled.
    Cancelled,
    /// Any other message of the run.
    Info,
    /// The run or the node started.
    Start,
    /// The node reported progress.
    Progress,
    /// The run or the node ended without an error.
    End,
    /// The run or the node failed.
    Fail,
}

impl Fact {
    /// Converts an event. Returns `None` when the event changes no state because its phase is unknown.
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
        let is_unset = is_unset(event.at);
        Some(Self {
            id: event.id,
            at: if is_unset { Timestamp::MIN } else { event.at },
            told_ms: event.duration_ms.unwrap_or(NOT_TOLD),
            detail: event.detail.clone(),
            rank: Self::tie_rank(event, kind, &subject),
            lane: match subject {
                Subject::PipelineNode(place) => u16::from(place),
                Subject::Run | Subject::Other(_) => RUN_LANE,
            },
            subject,
            kind,
            is_unset,
            node_index: event.node_index.unwrap_or(NO_INDEX),
        })
    }

    /// Returns the event's instant by the server's clock; `None` when it has none.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        (!self.is_unset).then_some(self.at)
    }

    /// True when the backend marks this event as the first of its execution (`node_index` 0).
    pub(super) fn is_first(&self) -> bool {
        self.node_index == 0
    }

    /// Moves the fact in time, after the server's clock was set.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        if let (false, Ok(at)) = (self.is_unset, self.at.checked_add(by)) {
            self.at = at;
        }
    }

    /// Returns the node's name; `None` for a run-level event.
    pub(super) fn node(&self) -> Option<&str> {
        match &self.subject {
            Subject::Run => None,
            Subject::PipelineNode(place) => PIPELINE.get(usize::from(*place)).copied(),
            Subject::Other(name) => Some(name),
        }
    }

    /// Returns the duration in milliseconds that the event reports, if any.
    pub(super) fn duration_ms(&self) -> Option<u64> {
        (self.told_ms != NOT_TOLD).then_some(self.told_ms)
    }

    /// Rank among events of the same instant. Order: run created, run start, nodes in pipeline order,
    /// run end. Within a node: start, then end; but an end that reports a duration of at least
    /// [`RESOLUTION_MS`] comes before a start.
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
        // The pipeline is short, so this value stays below the rank of the run's end.
        2 + place * 8 + phase
    }

    /// Returns the key for sorting by instant, the order that [`arrange`](super::order::arrange) starts
    /// from. The order is total and does not depend on the order of arrival.
    pub(super) fn sort_key(&self) -> SortKey {
        #[cfg(test)]
        SORT_KEYS.set(SORT_KEYS.get() + 1);
        // Prefer content to identity in ties: identities are random, so they must not decide while
        // anything else can. Starts compare by node index, ends by reported duration.
        let content = match self.kind {
            FactKind::End | FactKind::Fail => u32::try_from(self.told_ms).unwrap_or(u32::MAX),
            _ => self.node_index,
        };
        (self.at, self.rank, content, self.id)
    }

    /// Returns the approximate size of the texts in bytes.
    pub(super) fn text_bytes(&self) -> usize {
        let name = match &self.subject {
            Subject::Other(name) => size_of::<NodeName>() + name.len(),
            Subject::Run | Subject::PipelineNode(_) => 0,
        };
        name + self.detail.as_deref().map_or(0, Detail::text_bytes)
    }

    /// Returns the size in bytes of the texts that this fact leaves in the state of its run: an error or
    /// scores are in the node and in its attempt, and an error may be in the run, too.
    #[inline]
    pub(super) fn state_bytes(&self) -> usize {
        let name = match &self.subject {
            Subject::Other(name) => name.len(),
            Subject::Run | Subject::PipelineNode(_) => 0,
        };
        match self.detail.as_deref() {
            Some(detail) if matches!(self.kind, FactKind::End | FactKind::Fail) => {
                let error = detail.error.as_ref().or(detail.message.as_ref());
                let error = error.filter(|_| self.kind == FactKind::Fail);
                name + 3 * (error.map_or(0, |error| error.len()) + score_bytes(&detail.scores))
            }
            _ => name,
        }
    }

    /// Returns the error text by the precedence of protocol section 5.7.
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
    fn fact_takes_at_most_80_bytes() {
        assert!(size_of::<super::Fact>() <= 80, "{}", size_of::<super::Fact>());
    }
}
