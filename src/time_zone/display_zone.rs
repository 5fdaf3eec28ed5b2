//! A time zone with its name, in words, and the texts that need no database to be one.

use jiff::tz::{Offset, TimeZone, TimeZoneTransition};
use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

/// Period before and after a change of the clocks in which [`DisplayZone::words`] mentions it.
const CHANGE_MENTIONED: SignedDuration = SignedDuration::from_hours(24);

/// Mark on times of day that occur for the second time, after the clocks went back.
const REPEATED: char = '*';

/// A time zone and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct DisplayZone {
    pub(super) zone: TimeZone,
    pub(super) name: SmolStr,
}

/// Returns the time of day in a time zone, `21:15:34`; with a `*` where the clocks were set back and
/// show that time for the second time.
pub fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    let mut words = zoned.strftime("%H:%M:%S").to_string();
    let ambiguous = zone.to_ambiguous_timestamp(zoned.datetime());
    if ambiguous.is_ambiguous() && ambiguous.earlier().is_ok_and(|earlier| earlier < at) {
        words.push(REPEATED);
    }
    words
}

impl DisplayZone {
    /// Returns the zone, for conversions.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns the name: that of the IANA database, an offset or a rule.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns name and offset at an instant, `America/New_York (EDT, UTC−04:00)`, with the next or last
    /// change of the clocks if it is less than a day away.
    pub fn words(&self, at: Timestamp) -> String {
        let info = self.zone.to_offset_info(at);
        let offset = offset_words(info.offset());
        let letters = info.abbreviation();
        let is_word = letters.chars().all(char::is_alphabetic) && !letters.is_empty();
        let mut words = match () {
            () if self.zone == TimeZone::UTC || *self.name == offset => self.name.to_string(),
            () if is_word && *self.name != *letters => {
                format!("{} ({letters}, {offset})", self.name)
            }
            () => format!("{} ({offset})", self.name),
        };
        if let Some(change) = self.change_near(at) {
            words.push_str("; ");
            words.push_str(&change);
        }
        words
    }

    /// Describes the change of the clocks closest to an instant, if it is less than a day away.
    fn change_near(&self, at: Timestamp) -> Option<String> {
        let is_near = |change: &TimeZoneTransition| {
            change.timestamp().duration_since(at).abs() < CHANGE_MENTIONED
        };
        // `preceding` excludes a change at the instant itself.
        let until = at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at);
        let last = self.zone.preceding(until).next().filter(is_near);
        let next = self.zone.following(at).next().filter(is_near);
        let change = last.as_ref().or(next.as_ref())?.timestamp();
        let before = self.zone.to_offset(change.checked_sub(SignedDuration::from_secs(1)).ok()?);
        let after = self.zone.to_offset(change);
        let minutes = (after.seconds() - before.seconds()) / 60;
        if minutes == 0 {
            return None;
        }
        let clock = before.to_datetime(change).strftime("%H:%M").to_string();
        let by = match minutes.abs() {
            whole if whole % 60 == 0 => format!("{} h", whole / 60),
            minutes => format!("{minutes} min"),
        };
        let direction = if minutes < 0 { "back" } else { "forward" };
        let verb = if change <= at { "went" } else { "go" };
        let marked =
            if minutes < 0 { format!(", repeated times have a {REPEATED}") } else { String::new() };
        Some(format!("clocks {verb} {direction} by {by} at {clock}{marked}"))
    }
}

/// Parses a POSIX rule, `EST5EDT,M3.2.0,M11.1.0`.
pub(super) fn rule(text: &str) -> Option<DisplayZone> {
    let zone = TimeZone::posix(text).ok()?;
    Some(DisplayZone { zone, name: text.into() })
}

/// Parses an offset from UTC: `+2`, `+02:00`, `-0530`. The sign may be missing in `02:00`, because a
/// `+` in a page's address is a space.
pub(super) fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        b'0'..=b'9' if text.contains(':') => (1, text),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
        Some(_) => return None,
    };
    let number = |text: &str, most: i32| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|number: &i32| is_number && *number <= most)
    };
    let seconds = number(hours, 14)? * 3600 + number(minutes, 59)? * 60;
    Offset::from_seconds(sign * seconds).ok()
}

/// Formats an offset with a minus sign, `UTC−04:00`.
pub(super) fn offset_words(offset: Offset) -> String {
    let (sign, seconds) = (if offset.seconds() < 0 { '−' } else { '+' }, offset.seconds().abs());
    format!("UTC{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> DisplayZone {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn words_name_zone_letters_and_offset() {
        let summer = at("2026-07-15T12:00:00Z");
        for (text, words) in [
            ("America/New_York", "America/New_York (EDT, UTC−04:00)"),
            ("America/Sao_Paulo", "America/Sao_Paulo (UTC−03:00)"),
            ("EST5EDT,M3.2.0,M11.1.0", "EST5EDT,M3.2.0,M11.1.0 (EDT, UTC−04:00)"),
            ("UTC", "UTC"),
            ("+02:00", "UTC+02:00"),
        ] {
            assert_eq!(zone(text).words(summer), words);
        }
    }

    #[test]
    fn words_mention_a_change_of_the_clocks_within_a_day() {
        let new_york = zone("America/New_York");
        for (instant, words) in [
            ("2026-10-31T05:59:59Z", "America/New_York (EDT, UTC−04:00)"),
            (
                "2026-11-01T05:59:59Z",
                "America/New_York (EDT, UTC−04:00); clocks go back by 1 h at 02:00, repeated times have a *",
            ),
            (
                "2026-11-01T06:00:00Z",
                "America/New_York (EST, UTC−05:00); clocks went back by 1 h at 02:00, repeated times have a *",
            ),
            ("2026-11-02T06:00:00Z", "America/New_York (EST, UTC−05:00)"),
            (
                "2026-03-08T06:00:00Z",
                "America/New_York (EST, UTC−05:00); clocks go forward by 1 h at 02:00",
            ),
        ] {
            assert_eq!(new_york.words(at(instant)), words);
        }
        let island = zone("Australia/Lord_Howe").words(at("2026-04-04T15:00:00Z"));
        assert!(island.contains("clocks went back by 30 min at 02:00"), "{island}");
    }

    #[test]
    fn repeated_hour_is_marked() {
        let new_york = zone("America/New_York");
        for (instant, words) in [
            ("2026-11-01T04:59:59Z", "00:59:59"),
            ("2026-11-01T05:00:00Z", "01:00:00"),
            ("2026-11-01T05:59:59Z", "01:59:59"),
            ("2026-11-01T06:00:00Z", "01:00:00*"),
            ("2026-11-01T06:59:59Z", "01:59:59*"),
            ("2026-11-01T07:00:00Z", "02:00:00"),
            // The hour that is skipped in spring is not ambiguous.
            ("2026-03-08T06:59:59Z", "01:59:59"),
            ("2026-03-08T07:00:00Z", "03:00:00"),
        ] {
            assert_eq!(time_of_day(at(instant), new_york.zone()), words, "{instant}");
        }
    }
}
