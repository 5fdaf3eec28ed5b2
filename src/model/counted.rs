//! What the model has counted a run as: its tally, its order of eviction, its meters.

use jiff::{SignedDuration, Timestamp};

use super::stats::{Ended, Span};
use super::status::RunStatus;

/// An instant that is later than the arrival of the last event by more than this says nothing.
const PLAUSIBLY_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// A place in the order of eviction: runs that are over first, the oldest of them first.
pub(super) type EvictionKey = (bool, Timestamp, usize);

/// What a run counts by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Standing {
    pub(super) status: RunStatus,
    /// When it started; before that, its first event.
    pub(super) since: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
}

/// What one run counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counted {
    pub(super) standing: Standing,
    /// `None` before it was first counted.
    pub(super) key: Option<EvictionKey>,
    pub(super) span: Option<Span>,
    pub(super) ended: Option<Ended>,
}

impl Counted {
    /// `arrived_at` is when its last event arrived, by the server's clock.
    pub(super) fn new(standing: Standing, slot: usize, arrived_at: Timestamp) -> Self {
        let Standing { status, since, ended_at } = standing;
        // No event is from the future: a wrong instant must not make a run the newest for years.
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
