//! The time zone in which times are shown: the one set by the user, or that of the system or the browser.
//!
//! | part | what it does |
//! | --- | --- |
//! | `display_zone` | a zone with its name, in words |
//! | `system` | finds the zone of the machine |
//! | `browser` | finds the browser's zone, and named zones in a page |
//! | `offsets` | builds a zone from its offsets, because a page has no time zone database |

#[cfg(target_arch = "wasm32")]
mod browser;
mod display_zone;
#[cfg(any(target_arch = "wasm32", test))]
mod offsets;
#[cfg(not(target_arch = "wasm32"))]
mod system;

use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use jiff::tz::TimeZone;
use thiserror::Error;

use display_zone::{offset, offset_words, rule};

#[cfg(target_arch = "wasm32")]
use browser::{named, system_zone};
#[cfg(not(target_arch = "wasm32"))]
use system::{named, system_zone};

pub use display_zone::{DisplayZone, time_of_day};

/// The zone set by the user; `None` follows the system.
static CHOSEN: RwLock<Option<DisplayZone>> = RwLock::new(None);

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimeZoneError {
    /// The text is neither a name, an offset nor a rule.
    #[error(
        "expected a time zone such as Europe/Berlin, UTC, +02:00 or \
         EST5EDT,M3.2.0,M11.1.0"
    )]
    Unknown,
    /// The text is `UTC` or `GMT` with an offset. POSIX reads its sign the other way round.
    #[error(
        "expected a time zone such as Europe/Berlin, UTC or {offset}; write an offset without UTC"
    )]
    OffsetOfUtc {
        /// The offset as it should be written.
        offset: String,
    },
}

/// Sets the time zone in which times are shown, for the whole process; `None` follows the system.
pub fn set(zone: Option<DisplayZone>) {
    *CHOSEN.write().unwrap_or_else(PoisonError::into_inner) = zone;
}

/// Returns the time zone in which times are shown.
pub fn current() -> DisplayZone {
    let chosen = CHOSEN.read().unwrap_or_else(PoisonError::into_inner).clone();
    chosen.unwrap_or_else(system_zone)
}

impl FromStr for DisplayZone {
    type Err = TimeZoneError;

    /// Parses a name of the IANA database, an offset (`+02:00`) or a POSIX rule; a leading colon, as in
    /// the variable `TZ`, is ignored.
    fn from_str(text: &str) -> Result<Self, TimeZoneError> {
        let text = text.trim();
        let name = text.strip_prefix(':').unwrap_or(text);
        if let Some(zone) = named(name) {
            return Ok(zone);
        }
        if let Some(offset) = offset(name) {
            return Ok(Self { zone: TimeZone::fixed(offset), name: offset_words(offset).into() });
        }
        let of_utc = name
            .get(..3)
            .filter(|word| word.eq_ignore_ascii_case("UTC") || word.eq_ignore_ascii_case("GMT"));
        if let Some(offset) = of_utc.and_then(|_| offset(&name[3..])) {
            let offset = offset_words(offset).trim_start_matches("UTC").replace('−', "-");
            return Err(TimeZoneError::OffsetOfUtc { offset });
        }
        rule(name).ok_or(TimeZoneError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn zone(text: &str) -> DisplayZone {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Offset in minutes in winter and in summer of the northern hemisphere.
    fn offsets(zone: &DisplayZone) -> (i32, i32) {
        let minutes = |text| zone.zone.to_offset(at(text)).seconds() / 60;
        (minutes("2026-01-15T12:00:00Z"), minutes("2026-07-15T12:00:00Z"))
    }

    #[test]
    fn names_offsets_and_rules_are_time_zones() {
        for (text, name, expected) in [
            ("America/New_York", "America/New_York", (-300, -240)),
            (":America/New_York", "America/New_York", (-300, -240)),
            ("america/new_york", "America/New_York", (-300, -240)),
            (" Europe/Berlin ", "Europe/Berlin", (60, 120)),
            ("US/Eastern", "US/Eastern", (-300, -240)),
            ("EST5EDT", "EST5EDT", (-300, -240)),
            ("EST5EDT,M3.2.0,M11.1.0", "EST5EDT,M3.2.0,M11.1.0", (-300, -240)),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3", (60, 120)),
            ("<+0530>-5:30", "<+0530>-5:30", (330, 330)),
            ("Australia/Lord_Howe", "Australia/Lord_Howe", (660, 630)),
            ("UTC", "UTC", (0, 0)),
            ("utc", "UTC", (0, 0)),
            ("Z", "UTC", (0, 0)),
            ("Etc/GMT+5", "Etc/GMT+5", (-300, -300)),
            ("+02:00", "UTC+02:00", (120, 120)),
            ("-0530", "UTC−05:30", (-330, -330)),
            ("+9", "UTC+09:00", (540, 540)),
            (" 02:00", "UTC+02:00", (120, 120)),
        ] {
            let zone = zone(text);
            assert_eq!((&*zone.name, offsets(&zone)), (name, expected), "{text}");
        }
    }

    #[test]
    fn unknown_time_zone_error_says_what_to_write() {
        for text in
            ["", ":", "Europe/Berln", "EST5EDT,", "+25", "+02:60", "+1:2:3", "../x", "é", "+é"]
        {
            let error = text.parse::<DisplayZone>().unwrap_err();
            assert_eq!(error, TimeZoneError::Unknown, "{text}");
        }
        assert!(TimeZoneError::Unknown.to_string().contains("Europe/Berlin"));
        for (text, offset) in [("UTC+3", "+03:00"), ("gmt-5:30", "-05:30")] {
            let error = text.parse::<DisplayZone>().unwrap_err();
            assert_eq!(error, TimeZoneError::OffsetOfUtc { offset: offset.to_owned() }, "{text}");
        }
    }
}
