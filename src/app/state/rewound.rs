//! State while the past is shown, apart from the run store (`rewind`).

use bevy::prelude::*;
use jiff::Timestamp;

use super::clock::local_zone;
use super::names::Names;
use crate::model::past::Place;
use crate::model::{Change, Model, SongRuns};
use crate::protocol::RunId;

/// Speeds at which the past plays, as multiples of real time, by their keys 1 to 7.
pub const SPEEDS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0];

/// Number of failures in live time that are kept to be told while the past is shown.
const KEPT_FAILURES: usize = 100;

/// Sent when the past that is shown played on, for each change of a run.
#[derive(Message, Clone, Debug)]
pub struct PastChanged(pub Change);

/// A display that nobody attends goes back to live by itself.
#[derive(Resource, Clone, Copy, Debug, Default)]
pub struct Unattended {
    is_on: bool,
    touched_at: f64,
}

impl Unattended {
    /// True when nobody attends the display.
    pub(in crate::app) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Time without user input after which it goes back to live, in seconds.
    pub const RETURNS_SECS: f64 = 300.0;
    /// Time before that in which it says so.
    const SAYS_SECS: f64 = 30.0;

    /// Creates the state of a display that goes back, or of one at which somebody sits.
    pub fn new(is_on: bool) -> Self {
        Self { is_on, touched_at: 0.0 }
    }

    /// Notes user input at `now` in seconds of the draw clock.
    pub(in crate::app) fn touched(&mut self, now: f64) {
        self.touched_at = now;
    }

    /// Seconds until it goes back; `None` when somebody sits there.
    pub(in crate::app) fn left_secs(&self, now: f64) -> Option<f64> {
        self.is_on.then_some(self.touched_at + Self::RETURNS_SECS - now)
    }

    /// Seconds until it goes back, rounded up, while it is to say so.
    pub fn said_secs(&self, now: f64) -> Option<u32> {
        let left = self.left_secs(now).filter(|left| *left <= Self::SAYS_SECS)?;
        Some(crate::bounded::bounded(left.ceil(), 0.0, Self::SAYS_SECS) as u32)
    }
}

/// Instant that is shown, and how it plays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PastView {
    /// Instant that is shown.
    pub at: Timestamp,
    /// True when it plays on behind live, false when it stands still.
    pub is_playing: bool,
    /// Speed of playing, one of [`SPEEDS`].
    pub speed: f64,
}

/// The live model while the past is shown, and the place from which the shown model goes on.
pub(super) struct Rewound {
    pub(super) live: Model,
    pub(super) names: Names,
    pub(super) songs: SongRuns,
    pub(super) at: Timestamp,
    pub(super) place: Place,
    /// True when the place is in the hub's past, and not in this screen's own.
    pub(super) is_of_hub: bool,
    pub(super) is_playing: bool,
    pub(super) speed: f64,
    /// True when the shown model has the older lines of the log.
    pub(super) has_log: bool,
    /// Runs that failed in live time since the past is shown, with the time of that, oldest first.
    pub(super) failed: Vec<(RunId, Timestamp)>,
}

impl Rewound {
    /// Brings the names of the live model in step with it, and notes failures.
    pub(super) fn update_live(&mut self, touched: &[RunId], failed: Vec<RunId>, at: Timestamp) {
        self.names.update(&self.live, touched, &local_zone());
        self.songs.update(&self.live, touched);
        for id in failed {
            self.failed.retain(|(known, _)| *known != id);
            self.failed.push((id, at));
        }
        let surplus = self.failed.len().saturating_sub(KEPT_FAILURES);
        self.failed.drain(..surplus);
    }
}
