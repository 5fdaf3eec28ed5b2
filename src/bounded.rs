//! Limits of values by bounds that were computed.
//!
//! The standard library's `clamp` panics when the lower bound exceeds the upper one or a bound is NaN, which
//! a layout on an unusual screen can produce. Clippy forbids it (`clippy.toml`) in favour of [`bounded`].

/// Returns the value, at least `low` and at most `high`. The lower bound wins when it exceeds the upper one,
/// and replaces a value that is NaN.
pub fn bounded<T: PartialOrd>(value: T, low: T, high: T) -> T {
    let value = if value > high { high } else { value };
    if value >= low { value } else { low }
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn value_stays_between_its_bounds() {
        assert_eq!([-1, 0, 3, 9, 10].map(|value| bounded(value, 0, 9)), [0, 0, 3, 9, 9]);
        assert_eq!(bounded(f32::INFINITY, 0.0, 1.0), 1.0);
        assert_eq!(bounded(f32::NAN, 0.25, 1.0), 0.25);
    }

    #[test]
    fn lower_bound_wins_over_a_smaller_upper_bound() {
        for value in [-40.0, -13.0, 0.0, 7.0] {
            assert_eq!(bounded(value, 0.0, -13.0), 0.0_f32);
        }
        assert_eq!(bounded(5_usize, 1, 0), 1);
        assert_eq!(bounded(0.5, 0.0, f32::NAN), 0.5);
    }
}
