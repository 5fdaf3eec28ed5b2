//! Progress of the finale's motion at a moment.

use crate::bounded::bounded;

/// Times in milliseconds after the end of the run, and durations (design, section 9).
const STRAIGHTEN: (f64, f64) = (400.0, 500.0);
const GROW: (f64, f64) = (700.0, 1_400.0);
const COUNT: (f64, f64) = (1_400.0, 600.0);
const FOOT: (f64, f64) = (2_100.0, 300.0);
const NEXT: f64 = 11_000.0;
/// End of all motion of the entrance.
const ENTERED: f64 = 2_400.0;

/// State of the finale's motion; each part goes from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    /// How far the rack has given way: its modules have faded and its cables are straight.
    pub straight: f32,
    /// How much of the take has grown, from left to right.
    pub take: f32,
    /// True once the score has taken the place of the elapsed time.
    pub is_scored: bool,
    /// How far the score has counted up.
    pub score: f32,
    /// How far the usual run and the blocks have faded in.
    pub foot: f32,
    /// True once the next run's name is bright.
    pub next: bool,
}

impl Moment {
    /// Returns the state at an age of the finale. Without motion everything is in place at once.
    pub fn at(age_ms: f64, still: bool) -> Self {
        let part = |(from, duration): (f64, f64)| {
            if still { 1.0 } else { bounded((age_ms - from) / duration, 0.0, 1.0) as f32 }
        };
        let eased = |span| 1.0 - (1.0 - part(span)).powi(3);
        Self {
            straight: eased(STRAIGHTEN),
            take: part(GROW),
            is_scored: still || age_ms >= COUNT.0,
            score: eased(COUNT),
            foot: part(FOOT),
            next: age_ms >= NEXT,
        }
    }

    /// Milliseconds from an age until the picture changes by itself; 0 while it moves, `None` for never.
    pub fn changes_in_ms(age_ms: f64, still: bool) -> Option<f64> {
        match age_ms {
            age if age < ENTERED && !still => {
                Some(if age < STRAIGHTEN.0 { STRAIGHTEN.0 - age } else { 0.0 })
            }
            age if age < NEXT => Some(NEXT - age),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_finale_follow_each_other_as_designed() {
        let at = |age_ms| Moment::at(age_ms, false);
        let start = at(399.0);
        assert_eq!((start.straight, start.take, start.foot), (0.0, 0.0, 0.0));
        assert!(!start.is_scored && !start.next);
        assert!(at(600.0).straight > 0.5 && at(600.0).take == 0.0);
        assert_eq!((at(900.0).straight, at(1_400.0).take), (1.0, 0.5));
        assert!(!at(1_399.0).is_scored && at(1_400.0).is_scored && at(1_400.0).score == 0.0);
        assert_eq!((at(2_000.0).score, at(2_100.0).take, at(2_100.0).foot), (1.0, 1.0, 0.0));
        assert_eq!(at(2_400.0).foot, 1.0);
        assert!(!at(10_999.0).next && at(11_000.0).next);
    }

    #[test]
    fn reduced_motion_shows_everything_at_once() {
        let still = Moment::at(0.0, true);
        assert_eq!(still, Moment { next: false, ..Moment::at(9_000.0, false) });
        assert_eq!(Moment::changes_in_ms(0.0, true), Some(11_000.0));
    }

    #[test]
    fn picture_is_drawn_again_only_while_something_moves() {
        let changes = |age_ms| Moment::changes_in_ms(age_ms, false);
        assert_eq!(changes(100.0), Some(300.0));
        assert_eq!(changes(1_000.0), Some(0.0));
        assert_eq!(changes(2_400.0), Some(8_600.0));
        assert_eq!(changes(11_000.0), None);
    }
}
