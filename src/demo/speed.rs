//! Speed of the demo studio.

/// Allowed speeds, as multiples of real time.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=100.0;

/// Parses a speed; fails outside of [`SPEEDS`].
pub fn parse_speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| SPEEDS.contains(speed))
        .ok_or_else(|| format!("not a number from {} to {}", SPEEDS.start(), SPEEDS.end()))
}
