//! Contribution of a run to the status tally, the eviction order and the statistics.

use jiff::{SignedDuration, Timestamp};

use super::stats::{Ended, Span};
use super::status::RunStatus;

/// An instant later than the arrival of the last event by more than this is not plausible.
const PLAUSIBLY_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Sort key of the eviction order: runs that are over first, and the oldest of them first.
pub(super) type EvictionKey = (bool, Timestamp, usize);

/// The parts of a run that determine how it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CountedState {
    pub(super) status: RunStatus,
    /// Start of the run, or its first event before that.
    pub(super) since: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
}

/// Contribution of one run to the status tally, the eviction order and the statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RunContribution {
    pub(super) standing: CountedState,
    /// Key in the eviction order; `None` before the run is first counted.
    pub(super) key: Option<EvictionKey>,
    pub(super) span: Option<Span>,
    pub(super) ended: Option<Ended>,
}

impl RunContribution {
    /// Computes the contribution of a run. `arrived_at` is the arrival of its last event, by the server's
    /// clock.
    pub(super) fn new(standing: CountedState, slot: usize, arrived_at: Timestamp) -> Self {
        let CountedState { status, since, ended_at } = standing;
        // An implausibly late instant is replaced: otherwise the run would remain the newest for years.
        let latest = arrived_at.checked_add(PLAUSIBLY_AHEAD).unwrap_or(Timestamp::MAX);
        let plausible = |at: Timestamp| if at > latest { arrived_at } else { at };
        let until = plausible(ended_at.unwrap_or(since));
        Self {
            standing,
            key: Some((!status.is_over(), until, slot)),
            span: match status {
                RunStatus::Pending => None,
                RunStatus::Running => Some((plausible(since), None)),
                _ => Some((plausible(since), Some(until))),
            },
            ended: match status {
                RunStatus::Completed => ended_at.map(|_| (until, true)),
                RunStatus::Failed => ended_at.map(|_| (until, false)),
                _ => None,
            },
        }
    }
}
