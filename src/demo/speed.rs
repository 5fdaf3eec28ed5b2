//! How fast a studio can be played.

/// Speeds the studio can be played at: how many times as fast as real.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=100.0;

/// Reads a speed.
pub fn parse_speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| SPEEDS.contains(speed))
        .ok_or_else(|| format!("not a number from {} to {}", SPEEDS.start(), SPEEDS.end()))
}
