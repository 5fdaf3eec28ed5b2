//! Detects that this machine's clock was set, by comparison with a clock that cannot be set. No I/O.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Deviation that counts as a step. Smaller ones change no age by much.
const LEAST_STEP: Duration = Duration::from_secs(60);

/// Compares this machine's clock with the monotonic clock. Time in which the machine is suspended counts
/// as a step, too, where the monotonic clock stands still meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepDetector {
    wall: Timestamp,
    monotonic: Instant,
}

impl StepDetector {
    /// Starts with the two clocks as they are now.
    pub(super) fn new(wall: Timestamp, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// Returns by how much the clock was set since the last step; `None` if it was not.
    pub(super) fn step(&mut self, wall: Timestamp, monotonic: Instant) -> Option<SignedDuration> {
        let passed = monotonic.saturating_duration_since(self.monotonic);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let by = wall.duration_since(self.wall).saturating_sub(passed);
        if by.unsigned_abs() < LEAST_STEP {
            return None;
        }
        *self = Self { wall, monotonic };
        Some(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_in_both_directions_are_detected_once() {
        let (start, began) = (Timestamp::from_second(1_700_000_000).unwrap(), Instant::now());
        let mut detector = StepDetector::new(start, began);
        let mut step = |wall: i64, passed: u64| {
            let wall = start + SignedDuration::from_secs(wall);
            detector.step(wall, began + Duration::from_secs(passed)).map(|by| by.as_secs())
        };
        assert_eq!(step(10, 10), None);
        assert_eq!(step(86_400, 86_390), None, "a clock is a little off");
        let days = 400 * 86_400;
        assert_eq!(step(days + 86_410, 86_410), Some(days));
        assert_eq!(step(days + 86_420, 86_420), None);
        assert_eq!(step(86_500, 86_500), Some(-days));
        assert_eq!(step(86_510, 86_510), None);
    }
}
