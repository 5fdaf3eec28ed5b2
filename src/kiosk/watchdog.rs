//! Rules that detect missing frames and decide whether a restart may help.
//!
//! The watchdog adds up its own checks instead of using the clock: while the machine sleeps or the
//! program is stopped as a whole there are no checks, so that a jump of the clock does not count as
//! a stall.

use std::time::Duration;

/// Interval between checks.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Upper limit of the time that one check adds, whatever the clock says.
const MOST_OF_A_LOOK: Duration = Duration::from_secs(2);
/// Time without a frame after which the display is late; a display at rest draws once a second.
pub const LATE_AFTER: Duration = Duration::from_secs(10);
/// Time without a frame after which the display is stuck.
pub const STUCK_AFTER: Duration = Duration::from_secs(30);
/// Time limit for the first frame, before which drivers compile their shaders.
pub const FIRST_FRAME_WITHIN: Duration = Duration::from_secs(180);

/// Maximum number of restarts within [`RESTARTS_WITHIN`]; if they do not help, more will not
/// either.
pub const MOST_RESTARTS: usize = 3;
/// Period in which restarts are counted.
pub const RESTARTS_WITHIN: Duration = Duration::from_secs(600);

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchdogReport {
    /// A frame was drawn recently, or the first frame is not due yet.
    Fine,
    /// A frame was drawn after the display had been late.
    Recovered { silent: Duration },
    /// Still no frame, after `BecameLate` was returned.
    Late,
    /// No frame for [`LATE_AFTER`], returned once.
    BecameLate { silent: Duration },
    /// No frame for [`STUCK_AFTER`]; none is expected any more.
    Stuck { silent: Duration },
}

/// Watches a frame counter.
#[derive(Clone, Debug, Default)]
pub struct Watchdog {
    frames: u64,
    silent: Duration,
    late: bool,
}

impl Watchdog {
    /// Checks the number of frames drawn so far, `since_last` after the previous check.
    pub fn look(&mut self, frames: u64, since_last: Duration) -> WatchdogReport {
        if frames != self.frames {
            self.frames = frames;
            let silent = std::mem::take(&mut self.silent);
            return match std::mem::take(&mut self.late) {
                true => WatchdogReport::Recovered { silent },
                false => WatchdogReport::Fine,
            };
        }
        self.silent += since_last.min(MOST_OF_A_LOOK);
        let silent = self.silent;
        let limit = if frames == 0 { FIRST_FRAME_WITHIN } else { STUCK_AFTER };
        if silent >= limit {
            WatchdogReport::Stuck { silent }
        } else if frames == 0 || silent < LATE_AFTER {
            WatchdogReport::Fine
        } else if std::mem::replace(&mut self.late, true) {
            WatchdogReport::Late
        } else {
            WatchdogReport::BecameLate { silent }
        }
    }
}

/// Times of earlier restarts, in Unix seconds. Passed as text to the restarted program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restarts(Vec<u64>);

impl Restarts {
    /// Parses the output of [`Restarts::to_text`]; unreadable parts are skipped.
    pub fn from_text(text: &str) -> Self {
        Self(text.split(',').filter_map(|at| at.trim().parse().ok()).collect())
    }

    pub fn to_text(&self) -> String {
        let at: Vec<String> = self.0.iter().map(u64::to_string).collect();
        at.join(",")
    }

    /// Returns the recent restarts plus one at `now_secs`, or `None` when [`MOST_RESTARTS`]
    /// happened within [`RESTARTS_WITHIN`]. Works even if the clock was set back.
    #[must_use]
    pub fn with_one_more(&self, now_secs: u64) -> Option<Self> {
        let within = RESTARTS_WITHIN.as_secs();
        let mut recent: Vec<u64> =
            self.0.iter().copied().filter(|at| now_secs.abs_diff(*at) < within).collect();
        if recent.len() >= MOST_RESTARTS {
            return None;
        }
        recent.push(now_secs);
        Some(Self(recent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Checks once a second; returns the number and result of each check that is not `Fine` or
    /// `Late`.
    fn silence(dog: &mut Watchdog, frames: u64, looks: u32) -> Vec<(u32, WatchdogReport)> {
        (1..=looks)
            .map(|look| (look, dog.look(frames, SECOND)))
            .filter(|(_, found)| !matches!(found, WatchdogReport::Fine | WatchdogReport::Late))
            .collect()
    }

    #[test]
    fn one_frame_per_second_is_fine() {
        let mut dog = Watchdog::default();
        for second in 0..100_000 {
            // One frame per second, occasionally drawn just after the check.
            let frames = second - u64::from(second % 7 == 3);
            assert_eq!(dog.look(frames.max(1), SECOND), WatchdogReport::Fine);
        }
    }

    #[test]
    fn missing_frames_are_late_after_10_s_and_stuck_after_30_s() {
        let mut dog = Watchdog::default();
        dog.look(1, SECOND);
        let secs = Duration::from_secs;
        assert_eq!(
            silence(&mut dog, 1, 30),
            [
                (10, WatchdogReport::BecameLate { silent: secs(10) }),
                (30, WatchdogReport::Stuck { silent: secs(30) })
            ]
        );
    }

    #[test]
    fn frame_after_being_late_is_a_recovery() {
        let mut dog = Watchdog::default();
        dog.look(1, SECOND);
        silence(&mut dog, 1, 29);
        assert_eq!(
            dog.look(2, SECOND),
            WatchdogReport::Recovered { silent: Duration::from_secs(29) }
        );
        assert_eq!(dog.look(3, SECOND), WatchdogReport::Fine);
        assert_eq!(silence(&mut dog, 3, 9), []);
    }

    #[test]
    fn first_frame_may_take_180_s() {
        let mut dog = Watchdog::default();
        assert_eq!(silence(&mut dog, 0, 179), []);
        assert!(matches!(dog.look(0, SECOND), WatchdogReport::Stuck { .. }));
    }

    #[test]
    fn suspended_machine_is_not_stuck() {
        let mut dog = Watchdog::default();
        dog.look(1, SECOND);
        // Eight hours between two checks, and the first frame afterwards takes a moment.
        assert_eq!(dog.look(1, Duration::from_secs(8 * 3600)), WatchdogReport::Fine);
        assert_eq!(dog.look(1, SECOND), WatchdogReport::Fine);
        assert_eq!(dog.look(2, SECOND), WatchdogReport::Fine);
    }

    #[test]
    fn at_most_three_restarts_within_ten_minutes() {
        let mut restarts = Restarts::from_text("");
        for at in [1000, 1100, 1599] {
            restarts = restarts.with_one_more(at).unwrap();
        }
        assert_eq!(restarts.with_one_more(1599), None);
        assert_eq!(Restarts::from_text(&restarts.to_text()), restarts);
        assert_eq!(restarts.with_one_more(1600), Some(Restarts(vec![1100, 1599, 1600])));
        assert_eq!(Restarts::from_text("x, 5,,-1"), Restarts(vec![5]));
    }

    #[test]
    fn clock_set_back_does_not_block_restarts() {
        let restarts = Restarts(vec![50_000, 50_100, 50_200]);
        assert_eq!(restarts.with_one_more(1_000), Some(Restarts(vec![1_000])));
    }
}
