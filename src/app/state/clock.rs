//! The application's own clock: what time it is, here and at the server.

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// What time it is. The engine's clocks are not used for anything that is shown: a recording has
/// its own time, and a snapshot stands still.
#[derive(Resource, Clone, Debug)]
pub struct PlaybackClock {
    /// This machine's time, or the recording's.
    pub now: Timestamp,
    /// The server's time at `now`.
    pub server_now: Timestamp,
    mode: ClockMode,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ClockMode {
    /// `now` is this machine's.
    Live,
    /// `now` was `recorded` when this machine's was `real`, and goes `rate` times as fast.
    Recorded { recorded: Timestamp, real: Timestamp, rate: f64 },
    /// `now` does not move by itself.
    Fixed,
}

impl Default for PlaybackClock {
    fn default() -> Self {
        let now = Timestamp::now();
        Self { now, server_now: now, mode: ClockMode::Live }
    }
}

impl PlaybackClock {
    /// A clock that stands at `now` until it is set again.
    pub fn fixed(now: Timestamp) -> Self {
        Self { now, server_now: now, mode: ClockMode::Fixed }
    }

    /// Moves a fixed clock.
    pub fn set(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Makes `now` the time at which a recorded frame was received, in a recording that plays
    /// `rate` times as fast as it happened.
    pub(in crate::app) fn align(&mut self, received_at: Timestamp, rate: f64) {
        if self.mode != ClockMode::Fixed {
            self.mode = ClockMode::Recorded { recorded: received_at, real: Timestamp::now(), rate };
            self.now = received_at;
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

/// The time zone of whoever looks.
pub fn local_zone() -> TimeZone {
    #[cfg(not(target_arch = "wasm32"))]
    return TimeZone::system();
    // A page has no database of zones, but the browser knows how far from UTC it is right now.
    #[cfg(target_arch = "wasm32")]
    return browser_zone().unwrap_or(TimeZone::UTC);
}

#[cfg(target_arch = "wasm32")]
fn browser_zone() -> Option<TimeZone> {
    let minutes_behind = js_sys::Date::new_0().get_timezone_offset();
    let offset = jiff::tz::Offset::from_seconds((-60.0 * minutes_behind) as i32).ok()?;
    Some(TimeZone::fixed(offset))
}

/// Milliseconds from `earlier` to `later`; 0 when it is the other way round.
pub fn millis_between(earlier: Timestamp, later: Timestamp) -> u64 {
    u64::try_from(later.duration_since(earlier).as_millis()).unwrap_or(0)
}

pub(super) fn tick(mut clock: ResMut<PlaybackClock>) {
    clock.tick();
}
