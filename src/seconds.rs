//! Durations as settings have them, in seconds.

use std::time::Duration;

/// The longest delay that is still a delay and not a mistake: a day.
pub(crate) const MOST_SECONDS: f64 = 86_400.0;

/// A duration as settings have it.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=MOST_SECONDS).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("expected seconds from 0 to {MOST_SECONDS}, such as 3 or 0.5")),
    }
}
