//! The application's clock: the current local time and the server's time.

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub use crate::model::millis_between;
use crate::time_zone;

/// The current time. Nothing on screen uses the engine's clocks, because a recording has its own
/// time and a snapshot's time stands still.
#[derive(Resource, Clone, Debug)]
pub struct PlaybackClock {
    /// The local time, or the time within the recording.
    pub now: Timestamp,
    /// The server's time at `now`.
    pub server_now: Timestamp,
    mode: ClockMode,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ClockMode {
    /// `now` is the local time.
    Live,
    /// `now` was `recorded` at local time `real` and advances `rate` times as fast.
    Recorded { recorded: Timestamp, real: Timestamp, rate: f64 },
    /// `now` changes only through `set`.
    Fixed,
}

impl Default for PlaybackClock {
    fn default() -> Self {
        let now = Timestamp::now();
        Self { now, server_now: now, mode: ClockMode::Live }
    }
}

impl PlaybackClock {
    /// Returns a clock that stays at `now` until it is set again.
    pub fn fixed(now: Timestamp) -> Self {
        Self { now, server_now: now, mode: ClockMode::Fixed }
    }

    /// Stops the clock at the current time, for a still picture.
    #[cfg(not(target_arch = "wasm32"))]
    pub(in crate::app) fn stop(&mut self) {
        self.mode = ClockMode::Fixed;
    }

    /// Sets `now` without changing the mode.
    pub fn set(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Sets `now` to the time at which a recorded frame was received, and advances it `rate` times
    /// as fast as real time from here on. No effect on a fixed clock.
    pub(in crate::app) fn align(&mut self, received_at: Timestamp, rate: f64) {
        if self.mode != ClockMode::Fixed {
            self.mode = ClockMode::Recorded { recorded: received_at, real: Timestamp::now(), rate };
            self.now = received_at;
        }
    }

    /// Returns to the real time after a recording. No effect on a fixed clock.
    pub(in crate::app) fn follow_real_time(&mut self) {
        if self.mode != ClockMode::Fixed {
            *self = Self::default();
        }
    }

    pub(in crate::app) fn is_fixed(&self) -> bool {
        self.mode == ClockMode::Fixed
    }

    pub(in crate::app) fn tick(&mut self) {
        match self.mode {
            ClockMode::Live => self.now = Timestamp::now(),
            ClockMode::Recorded { recorded, real, rate } => {
                let passed = Timestamp::now().duration_since(real).as_secs_f64() * rate;
                let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or_default();
                self.now = recorded.checked_add(passed).unwrap_or(recorded);
            }
            ClockMode::Fixed => {}
        }
    }
}

/// Returns the time zone in which times are shown; [`time_zone::current`] also has its name.
pub fn local_zone() -> TimeZone {
    time_zone::current().zone().clone()
}

pub(super) fn tick(mut clock: ResMut<PlaybackClock>) {
    clock.tick();
}
