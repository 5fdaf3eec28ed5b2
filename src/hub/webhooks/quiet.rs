//! Quiet hours: a part of each day in which nothing is sent.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A part of each day, in a time zone. It may reach over midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct QuietHours {
    from: Time,
    until: Time,
    zone: TimeZone,
}

impl QuietHours {
    /// Parses `22:00-07:00`; `None` where the text is anything else, or the part is empty.
    pub fn parse(text: &str, zone: TimeZone) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let number = |text: &str| {
                let is_plain = (1..=2).contains(&text.len()) && text.is_ascii();
                text.parse().ok().filter(|_| is_plain && !text.starts_with('+'))
            };
            Time::new(number(hour)?, number(minute)?, 0, 0).ok()
        };
        let (from, until) = (time(from)?, time(until)?);
        (from != until).then_some(Self { from, until, zone })
    }

    /// True within the part of the day.
    pub fn contains(&self, at: Timestamp) -> bool {
        let time = at.to_zoned(self.zone.clone()).time();
        match self.from < self.until {
            true => self.from <= time && time < self.until,
            false => self.from <= time || time < self.until,
        }
    }

    /// Returns the next end of the part of the day after `at`.
    pub fn next_end(&self, at: Timestamp) -> Timestamp {
        let now = at.to_zoned(self.zone.clone());
        let on = |date: jiff::civil::Date| {
            let end = date.to_datetime(self.until).to_zoned(self.zone.clone());
            end.ok().map(|end| end.timestamp()).filter(|end| *end > at)
        };
        let tomorrow = now.date().checked_add(1.day()).ok();
        on(now.date()).or_else(|| on(tomorrow?)).unwrap_or(Timestamp::MAX)
    }

    /// Returns the hours as `22:00–07:00`.
    pub fn words(&self) -> String {
        let [from, until] = [self.from, self.until].map(|time| time.strftime("%H:%M").to_string());
        format!("{from}–{until}")
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
        for text in ["", "22-7", "22:00", "24:00-07:00", "22:60-1:00", "7:00-7:00", "+2:00-3:00"] {
            assert_eq!(berlin(text), None, "{text}");
        }
    }
}
