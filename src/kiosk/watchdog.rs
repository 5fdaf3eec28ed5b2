//! Rules that detect missing frames and decide whether a restart may help.
//!
//! The watchdog adds up its own checks instead of using the clock: while the machine sleeps or the
//! program is stopped as a whole there are no checks, so that a jump of the clock does not count as
//! a stall.

use std::time::Duration;

/// From one look to the next.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A look counts for no more than this, however long ago the last one was.
const MOST_OF_A_LOOK: Duration = Duration::from_secs(2);
/// A display at rest draws once a second; without a frame for so long it is late.
pub const LATE_AFTER: Duration = Duration::from_secs(10);
/// Without a frame for so long it is stuck.
pub const STUCK_AFTER: Duration = Duration::from_secs(30);
/// The first frame may need so long: drivers compile their shaders before it.
pub const FIRST_FRAME_WITHIN: Duration = Duration::from_secs(180);

/// So many restarts …
pub const MOST_RESTARTS: usize = 3;
/// … within so long may help; what needs more has another cause.
pub const RESTARTS_WITHIN: Duration = Duration::from_secs(600);

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A frame was drawn lately, or the first is being prepared.
    Fine,
    /// The first frame after a silence.
    Recovered { silent: Duration },
    /// No frame for longer than there should be.
    Late,
    /// Late for the first time.
    BecameLate { silent: Duration },
    /// Nothing will come any more.
    Stuck { silent: Duration },
}

/// Watches a count of frames.
#[derive(Clone, Debug, Default)]
pub struct Watchdog {
    frames: u64,
    silent: Duration,
    late: bool,
}

impl Watchdog {
    /// Looks at the count of frames drawn so far, `since_last` after the last look.
    pub fn look(&mut self, frames: u64, since_last: Duration) -> Found {
        if frames != self.frames {
            self.frames = frames;
            let silent = std::mem::take(&mut self.silent);
            return match std::mem::take(&mut self.late) {
                true => Found::Recovered { silent },
                false => Found::Fine,
            };
        }
        self.silent += since_last.min(MOST_OF_A_LOOK);
        let silent = self.silent;
        let limit = if frames == 0 { FIRST_FRAME_WITHIN } else { STUCK_AFTER };
        if silent >= limit {
            Found::Stuck { silent }
        } else if frames == 0 || silent < LATE_AFTER {
            Found::Fine
        } else if std::mem::replace(&mut self.late, true) {
            Found::Late
        } else {
            Found::BecameLate { silent }
        }
    }
}

/// When the program restarted itself, in seconds of the wall clock. It is handed from one
/// incarnation to the next as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restarts(Vec<u64>);

impl Restarts {
    /// Reads [`Restarts::to_text`]; what is unreadable is left out.
    pub fn from_text(text: &str) -> Self {
        Self(text.split(',').filter_map(|at| at.trim().parse().ok()).collect())
    }

    pub fn to_text(&self) -> String {
        let at: Vec<String> = self.0.iter().map(u64::to_string).collect();
        at.join(",")
    }

    /// The restarts with one more at `now_secs`, without those that lie too far back to count;
    /// `None` when there have been too many lately. A clock that was set back does not matter.
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

    /// Looks each second; the first look that found something other than `Fine`, and what.
    fn silence(dog: &mut Watchdog, frames: u64, looks: u32) -> Vec<(u32, Found)> {
        (1..=looks)
            .map(|look| (look, dog.look(frames, SECOND)))
            .filter(|(_, found)| !matches!(found, Found::Fine | Found::Late))
            .collect()
    }

    #[test]
    fn a_display_at_rest_is_fine() {
        let mut dog = Watchdog::default();
        for second in 0..100_000 {
            // A frame a second, now and then one that comes after the look.
            let frames = second - u64::from(second % 7 == 3);
            assert_eq!(dog.look(frames.max(1), SECOND), Found::Fine);
        }
    }

    #[test]
    fn silence_is_said_once_and_is_stuck_in_the_end() {
        let mut dog = Watchdog::default();
        dog.look(1, SECOND);
        let secs = Duration::from_secs;
        assert_eq!(
            silence(&mut dog, 1, 30),
            [(10, Found::BecameLate { silent: secs(10) }), (30, Found::Stuck { silent: secs(30) })]
        );
    }

    #[test]
    fn a_frame_ends_the_silence() {
        let mut dog = Watchdog::default();
        dog.look(1, SECOND);
        silence(&mut dog, 1, 29);
        assert_eq!(dog.look(2, SECOND), Found::Recovered { silent: Duration::from_secs(29) });
        assert_eq!(dog.look(3, SECOND), Found::Fine);
        assert_eq!(silence(&mut dog, 3, 9), []);
    }

    #[test]
    fn the_first_frame_has_time() {
        let mut dog = Watchdog::default();
        assert_eq!(silence(&mut dog, 0, 179), []);
        assert!(matches!(dog.look(0, SECOND), Found::Stuck { .. }));
    }

    #[test]
    fn a_machine_that_slept_is_not_stuck() {
        let mut dog = Watchdog::default();
        dog.look(1, SECOND);
        // Eight hours between two looks, and the first frame thereafter needs a moment.
        assert_eq!(dog.look(1, Duration::from_secs(8 * 3600)), Found::Fine);
        assert_eq!(dog.look(1, SECOND), Found::Fine);
        assert_eq!(dog.look(2, SECOND), Found::Fine);
    }

    #[test]
    fn three_restarts_in_ten_minutes_are_the_most() {
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
    fn a_clock_that_was_set_back_does_not_lock_the_door() {
        let restarts = Restarts(vec![50_000, 50_100, 50_200]);
        assert_eq!(restarts.with_one_more(1_000), Some(Restarts(vec![1_000])));
    }
}
