//! Parsing of durations in settings, in seconds.

use std::time::Duration;

/// Longest duration accepted, one day; longer values are probably mistakes.
pub(crate) const MOST_SECONDS: f64 = 86_400.0;

/// Parses a duration in seconds; fails outside of 0 to [`MOST_SECONDS`].
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=MOST_SECONDS).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("expected seconds from 0 to {MOST_SECONDS}, such as 3 or 0.5")),
    }
}
