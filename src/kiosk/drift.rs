//! Position of the picture, against burn-in: once a minute it moves slightly, then rests.
//!
//! The positions lie on a slow spiral that winds out from the centre and back in, and never closes.
//! Each position is close to the previous one, and over hours the disc is covered evenly.

use std::f64::consts::TAU;

use crate::bounded::bounded;
use crate::layout::CanvasSize;

/// Largest distance from the centre, and of one move, in design pixels: a third of the margin, because a
/// picture that is further off looks like a mistake.
pub const REACH: f32 = CanvasSize::MARGIN / 3.0;
/// Time from the start of one move to the next.
pub const PERIOD_SECS: f64 = 60.0;
/// Duration of a move.
pub const MOVE_SECS: f64 = 4.0;

/// Angle between two positions in radians; its chord at the rim is shorter than [`REACH`].
const TURN: f64 = 0.81;
/// Radial progress per position, as a fraction of the way from the centre to the rim and back.
const WINDING: f64 = 0.013_15;

/// Returns the offset of the picture `secs` after its start, in design pixels right and down.
///
/// `seed` selects the start on the spiral.
pub fn offset(secs: f64, seed: u64) -> (f32, f32) {
    let minute = (secs / PERIOD_SECS).floor().max(0.0);
    let to = place(minute, seed);
    let from = if minute > 0.0 { place(minute - 1.0, seed) } else { to };
    let t = bounded((secs - minute * PERIOD_SECS) / MOVE_SECS, 0.0, 1.0);
    let eased = t * t * (3.0 - 2.0 * t);
    let between = |from: f64, to: f64| (from + (to - from) * eased) as f32;
    (between(from.0, to.0), between(from.1, to.1))
}

/// True while the picture moves at `secs`.
pub fn is_moving(secs: f64) -> bool {
    secs >= PERIOD_SECS && secs.rem_euclid(PERIOD_SECS) < MOVE_SECS
}

/// Returns the position of a minute.
fn place(minute: f64, seed: u64) -> (f64, f64) {
    let part = |bits: u64| (bits & 0xFFFF) as f64 / 65_536.0;
    let along = (minute * WINDING + part(seed)).fract();
    // Out and back in; the square root makes the visits per ring proportional to its area.
    let radius = f64::from(REACH) * (1.0 - (2.0 * along - 1.0).abs()).sqrt();
    let (sin, cos) = (minute * TURN + part(seed >> 16) * TAU).sin_cos();
    (radius * cos, radius * sin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: [u64; 4] = [0, 7, 0x9E37_79B9_7F4A_7C15, u64::MAX];

    fn distance(a: (f32, f32), b: (f32, f32)) -> f32 {
        (a.0 - b.0).hypot(a.1 - b.1)
    }

    #[test]
    fn offset_and_single_moves_stay_within_reach() {
        for seed in SEEDS {
            let mut before = offset(0.0, seed);
            for minute in 0..50_000 {
                let now = offset(f64::from(minute) * PERIOD_SECS + 30.0, seed);
                assert!(distance(now, (0.0, 0.0)) <= REACH + 1e-3, "{seed} {minute}: {now:?}");
                assert!(distance(now, before) <= REACH, "{seed} {minute}: {before:?} {now:?}");
                before = now;
            }
        }
    }

    #[test]
    fn picture_moves_for_4_s_of_each_minute() {
        let seed = 7;
        for minute in 1..20 {
            let start = f64::from(minute) * PERIOD_SECS;
            let resting = offset(start + MOVE_SECS, seed);
            assert_eq!(resting, offset(start + PERIOD_SECS - 1e-6, seed));
            assert!(!is_moving(start + MOVE_SECS) && !is_moving(start - 1e-6));
            assert!(is_moving(start) && is_moving(start + 3.9));
            // Slow enough to move by less than a pixel between frames 66 ms apart.
            let mut before = offset(start, seed);
            for frame in 1..=60 {
                let now = offset(start + f64::from(frame) * 0.066, seed);
                assert!(distance(before, now) < 1.0, "{before:?} {now:?}");
                before = now;
            }
        }
        assert!(!is_moving(1.0), "the first minute has no place to come from");
        assert_eq!(offset(0.0, seed), offset(3.0, seed));
    }

    #[test]
    fn positions_cover_the_disc_evenly_in_a_week() {
        for seed in SEEDS {
            let mut visits = [0_u32; 16];
            for minute in 0..7 * 24 * 60 {
                let (x, y) = offset(f64::from(minute) * PERIOD_SECS + 30.0, seed);
                let ring = ((x.hypot(y) / REACH).powi(2) * 4.0).min(3.0) as usize;
                let quarter = usize::from(x > 0.0) * 2 + usize::from(y > 0.0);
                visits[ring * 4 + quarter] += 1;
            }
            let even = 7 * 24 * 60 / 16;
            for count in visits {
                assert!((even * 3 / 4..=even * 5 / 4).contains(&count), "{seed}: {visits:?}");
            }
        }
    }

    #[test]
    fn margins_stay_between_two_thirds_and_four_thirds_of_their_width() {
        for seed in SEEDS {
            for minute in 0..5_000 {
                let (x, y) = offset(f64::from(minute) * PERIOD_SECS + 30.0, seed);
                for by in [x, -x, y, -y] {
                    let margin = CanvasSize::MARGIN + by;
                    assert!((37.3..=74.7).contains(&margin), "{seed} {minute}: {margin}");
                }
            }
        }
    }

    #[test]
    fn seeds_start_at_different_positions() {
        assert_ne!(offset(0.0, 0x1_1000), offset(0.0, 0x9_1000));
        assert_ne!(offset(0.0, 1000), offset(0.0, 9000));
    }
}
