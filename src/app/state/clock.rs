//! The application's clock: the current local time and the server's time.

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub use crate::model::millis_between;
use crate::time_zone;

/// The current time. Nothing on screen uses the engine's clocks, because a recording has its own
/// time and a snapshot's time stands still.
#[derive(Resource, Clone, Debug)]
pub struct PlaybackClock {
    /// The time that is shown: [`Self::live_now`], or an instant of the past.
    pub now: Timestamp,
    /// The server's time at `now`.
    pub server_now: Timestamp,
    /// The local time, or the time within the recording, whatever is shown.
    pub live_now: Timestamp,
    mode: ClockMode,
    /// The instant that is shown instead of `live_now`.
    shown: Option<Timestamp>,
    /// Real time that passed since it was last taken.
    passed: SignedDuration,
    /// Local time of the last tick.
    ticked_at: Timestamp,
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
        Self { mode: ClockMode::Live, ..Self::fixed(Timestamp::now()) }
    }
}

impl PlaybackClock {
    /// Returns a clock that stays at `now` until it is set again.
    pub fn fixed(now: Timestamp) -> Self {
        Self {
            now,
            server_now: now,
            live_now: now,
            mode: ClockMode::Fixed,
            shown: None,
            passed: SignedDuration::ZERO,
            ticked_at: now,
        }
    }

    /// Stops the clock at the current time, for a still picture.
    #[cfg(not(target_arch = "wasm32"))]
    pub(in crate::app) fn stop(&mut self) {
        self.mode = ClockMode::Fixed;
    }

    /// Sets the live time without changing the mode.
    pub fn set(&mut self, now: Timestamp) {
        self.passed += now.duration_since(self.live_now);
        self.go_to(now);
    }

    /// Sets the live time to that at which a recorded frame was received, and advances it `rate` times
    /// as fast as real time from here on. No effect on a fixed clock.
    pub(in crate::app) fn align(&mut self, received_at: Timestamp, rate: f64) {
        if self.mode != ClockMode::Fixed {
            self.mode = ClockMode::Recorded { recorded: received_at, real: Timestamp::now(), rate };
            self.go_to(received_at);
        }
    }

    fn go_to(&mut self, live_now: Timestamp) {
        self.live_now = live_now;
        self.now = self.shown.unwrap_or(live_now);
    }

    /// Returns to the real time after a recording. No effect on a fixed clock.
    pub(in crate::app) fn follow_real_time(&mut self) {
        if self.mode != ClockMode::Fixed {
            *self = Self::default();
        }
    }

    /// Shows an instant of the past, or with `None` the live time again.
    pub(super) fn show(&mut self, shown: Option<Timestamp>) {
        self.shown = shown;
        self.now = shown.unwrap_or(self.live_now);
    }

    /// Takes the real time that passed since the last call; of a fixed clock, the time by which it was set
    /// forwards.
    pub(super) fn take_passed(&mut self) -> SignedDuration {
        std::mem::take(&mut self.passed).max(SignedDuration::ZERO)
    }

    pub(in crate::app) fn is_fixed(&self) -> bool {
        self.mode == ClockMode::Fixed
    }

    pub(in crate::app) fn tick(&mut self) {
        let real_now = Timestamp::now();
        match self.mode {
            ClockMode::Live => self.go_to(real_now),
            ClockMode::Recorded { recorded, real, rate } => {
                let passed = real_now.duration_since(real).as_secs_f64() * rate;
                let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or_default();
                self.go_to(recorded.checked_add(passed).unwrap_or(recorded));
            }
            ClockMode::Fixed => return,
        }
        self.passed += real_now.duration_since(self.ticked_at);
        self.ticked_at = real_now;
    }
}

/// Returns the time zone in which times are shown; [`time_zone::current`] also has its name.
pub fn local_zone() -> TimeZone {
    time_zone::current().zone().clone()
}

pub(super) fn tick(mut clock: ResMut<PlaybackClock>) {
    clock.tick();
}
