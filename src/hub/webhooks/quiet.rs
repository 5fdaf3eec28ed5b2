//! Quiet hours: a part of each day in which nothing is sent.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::kiosk::Hours;

/// A part of each day, in a time zone. It may reach over midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct QuietHours {
    hours: Hours,
    zone: TimeZone,
}

impl QuietHours {
    /// Parses `22:00-07:00`; `None` where the text is anything else, or the part is empty.
    pub fn parse(text: &str, zone: TimeZone) -> Option<Self> {
        Some(Self { hours: text.parse().ok()?, zone })
    }

    /// True within the part of the day.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.hours.hold(at.to_zoned(self.zone.clone()).time())
    }

    /// Returns the next end of the part of the day after `at`.
    pub fn next_end(&self, at: Timestamp) -> Timestamp {
        let now = at.to_zoned(self.zone.clone());
        let on = |date: jiff::civil::Date| {
            let end = date.to_datetime(self.hours.end()).to_zoned(self.zone.clone());
            end.ok().map(|end| end.timestamp()).filter(|end| *end > at)
        };
        let tomorrow = now.date().checked_add(1.day()).ok();
        on(now.date()).or_else(|| on(tomorrow?)).unwrap_or(Timestamp::MAX)
    }

    /// Returns the hours as `22:00–07:00`.
    pub fn words(&self) -> String {
        self.hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(text: &str) -> Option<QuietHours> {
        QuietHours::parse(text, TimeZone::get("Europe/Berlin").unwrap())
    }

    #[test]
    fn quiet_hours_reach_over_midnight_and_a_change_of_the_clocks() {
        let quiet = berlin("22:00-07:00").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (text, is_quiet) in [
            ("2026-10-24T19:59:59Z", false),
            ("2026-10-24T20:00:00Z", true),
            ("2026-10-25T05:59:59Z", true),
            ("2026-10-25T06:00:00Z", false),
        ] {
            assert_eq!(quiet.contains(at(text)), is_quiet, "{text}");
        }
        assert_eq!(quiet.next_end(at("2026-10-24T20:00:00Z")), at("2026-10-25T06:00:00Z"));
        assert_eq!(quiet.next_end(at("2026-10-25T06:00:00Z")), at("2026-10-26T06:00:00Z"));
        let noon = berlin("12:00 - 13:30").unwrap();
        assert!(
            noon.contains(at("2026-07-01T11:29:00Z")) && !noon.contains(at("2026-07-01T11:30:00Z"))
        );
        assert_eq!(noon.words(), "12:00–13:30");
    }

    #[test]
    fn other_texts_are_no_hours() {
        for text in ["", "22-7", "22:00", "24:01-07:00", "22:60-1:00", "7:00-7:00", "+2:00-3:00"] {
            assert_eq!(berlin(text), None, "{text}");
        }
    }
}
