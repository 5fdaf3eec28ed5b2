//! Facts about a bar that every timeline tells: how its attempt ended, and what of it is not known.

use jiff::Timestamp;

use crate::app::state::clock::millis_between;
use crate::app::state::run_view::STALE_AFTER_MS;
use crate::model::{NodeStatus, Run, RunStatus};
use crate::timeline::Bar;

/// Outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarKind {
    Done,
    AtWork,
    Failed,
    /// A verdict of VALIDATE that was negative.
    Refused,
    /// At work when the run was cancelled.
    Stopped,
    /// Its outcome is not known.
    Unsure,
}

impl BarKind {
    /// Returns the outcome of an attempt; `refused` is true after a negative verdict.
    pub fn of(bar: &Bar, refused: bool) -> Self {
        match bar.status {
            _ if bar.stopped => Self::Stopped,
            NodeStatus::Running => Self::AtWork,
            NodeStatus::Failed => Self::Failed,
            _ if refused => Self::Refused,
            NodeStatus::Success => Self::Done,
            NodeStatus::Pending | NodeStatus::Skipped | NodeStatus::Unknown => Self::Unsure,
        }
    }

    /// Returns the outcome for a bar whose ends have no sign of their own: unsure, too, when one of them is
    /// not known.
    pub fn of_cell(bar: &Bar) -> Self {
        match Self::of(bar, false) {
            Self::Done if bar.took_ms().is_none() => Self::Unsure,
            kind => kind,
        }
    }
}

/// Returns the last event of a run that goes on without news; what it did since then is not known.
pub fn silent_since(run: &Run, server_now: Timestamp) -> Option<Timestamp> {
    let heard_at = run.last_event_at();
    let is_silent = millis_between(heard_at, server_now) > STALE_AFTER_MS;
    (run.status == RunStatus::Running && is_silent).then_some(heard_at)
}

/// Words about the ends of a bar that are not known; `None` where events told them.
pub fn unsure_words(bar: &Bar) -> Option<&'static str> {
    match (bar.from_known, bar.to_known || bar.is_open || bar.stopped) {
        (true, true) => None,
        (false, true) => Some("start not seen"),
        (true, false) => Some("end not seen"),
        (false, false) => Some("start and end not seen"),
    }
}
