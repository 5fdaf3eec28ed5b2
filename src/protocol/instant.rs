//! Instants as the dialects write them.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Reads an ISO 8601 instant with `Z`, a numeric offset, or no zone at all, which is UTC
/// (Python's `utcnow().isoformat()`). `None` when it is not one.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
