//! Periods of the history: their hours and days in a time zone, and the period to compare with.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use thiserror::Error;

use crate::time_zone::DisplayZone;

/// Most parts of a period.
const MOST_PARTS: usize = 10_000;

/// Longest period that is shown by parts of ten minutes, and by hours, unless chosen.
const BY_TEN_MINUTES: SignedDuration = SignedDuration::from_hours(26);
const BY_HOURS: SignedDuration = SignedDuration::from_hours(8 * 24 + 2);

/// Longest time of a period together with the one before it that is added up by five minutes. It is less
/// than the history keeps these.
const BY_FIVE_MINUTES: SignedDuration = SignedDuration::from_hours(49);

/// Longest period.
const LONGEST_DAYS: u32 = 36_500;

/// Parts into which a period is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Ten minutes.
    TenMinutes,
    /// Hours by the clock of the time zone.
    Hour,
    /// Days of the time zone, which may have 23 or 25 hours.
    Day,
}

impl Part {
    /// Returns the word in addresses and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TenMinutes => "10min",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Returns the parts by which these are summed up.
    pub fn group(self) -> Self {
        match self {
            Self::TenMinutes => Self::Hour,
            Self::Hour | Self::Day => Self::Day,
        }
    }
}

impl FromStr for Part {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let known = [Self::TenMinutes, Self::Hour, Self::Day];
        known.into_iter().find(|part| part.as_str() == text).ok_or(PeriodError::NoPart)
    }
}

/// A period up to now: `24h`, `7d`. Days are whole days of the time zone, today included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// Hours up to now.
    Hours(u32),
    /// Today and the days before.
    Days(u32),
}

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(hours) => write!(f, "{hours}h"),
            Self::Days(days) => write!(f, "{days}d"),
        }
    }
}

/// A text that names no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected hours or days up to now, such as 24h, 7d, 30d or 90d")]
pub struct LastError;

impl FromStr for Last {
    type Err = LastError;

    fn from_str(text: &str) -> Result<Self, LastError> {
        let text = text.trim();
        let number = |digits: &str, most: u32| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|number| is_number && (1..=most).contains(number))
        };
        let hours = text.strip_suffix('h').and_then(|it| number(it, 24 * 366));
        let days = text.strip_suffix('d').and_then(|it| number(it, LONGEST_DAYS));
        hours.map(Self::Hours).or(days.map(Self::Days)).ok_or(LastError)
    }
}

/// A period that cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// The period ends before it begins.
    #[error("the period is empty: `from` must be before `to`")]
    Empty,
    /// Too many parts.
    #[error("the period has more than {MOST_PARTS} parts: choose `day`, or a shorter period")]
    TooManyParts,
    /// The text names no part of time.
    #[error("expected `10min`, `hour` or `day`")]
    NoPart,
    /// Ten minutes are not kept for so long.
    #[error(
        "parts of 10 minutes are kept only since {since}: choose `hour` or `day`, or a later beginning"
    )]
    NotKept {
        /// First instant for which they are kept.
        since: Timestamp,
    },
    /// The period is beyond all calendars.
    #[error("the period is not within the years 1 to 9999")]
    Beyond,
}

/// A period and the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// Begin of the period, and of its first part.
    pub from: Timestamp,
    /// End of the period; the last part may go on.
    pub to: Timestamp,
    /// Begin and end of the period to compare with.
    pub before: (Timestamp, Timestamp),
    /// Parts of the period.
    pub part: Part,
    /// Time zone of hours and days.
    pub zone: DisplayZone,
}

impl Period {
    /// Returns the hours or days up to `now`. Days are compared with as many days before, up to the same
    /// time of day.
    ///
    /// # Errors
    ///
    /// Fails when there are too many parts.
    pub fn last(
        last: Last,
        now: Timestamp,
        part: Option<Part>,
        zone: &DisplayZone,
    ) -> Result<Self, PeriodError> {
        match last {
            Last::Hours(hours) => {
                let length = SignedDuration::from_hours(i64::from(hours));
                let from = now.checked_sub(length).map_err(|_| PeriodError::Beyond)?;
                Self::between(from, now, part, zone)
            }
            Last::Days(days) => {
                let days = i64::from(days);
                let local = now.to_zoned(zone.zone().clone());
                let back = |span: Span| local.checked_sub(span).map_err(|_| PeriodError::Beyond);
                let start = |days: i64| -> Result<Timestamp, PeriodError> {
                    let day = back(days.days())?;
                    day.start_of_day().map(|it| it.timestamp()).map_err(|_| PeriodError::Beyond)
                };
                let (from, before) = (start(days - 1)?, start(2 * days - 1)?);
                let before_to = back(days.days())?.timestamp();
                let default = if days <= 8 { Part::Hour } else { Part::Day };
                let part = part.unwrap_or(default);
                let zone = zone.clone();
                let period = Self { from, to: now, before: (before, before_to), part, zone };
                period.checked()
            }
        }
    }

    /// Returns the period from `from`, which is moved back to the begin of its part, up to `to`. It is
    /// compared with as much time before.
    ///
    /// # Errors
    ///
    /// Fails when the period is empty or has too many parts.
    pub fn between(
        from: Timestamp,
        to: Timestamp,
        part: Option<Part>,
        zone: &DisplayZone,
    ) -> Result<Self, PeriodError> {
        if from >= to {
            return Err(PeriodError::Empty);
        }
        let length = to.duration_since(from);
        let part = part.unwrap_or(match length {
            _ if length <= BY_TEN_MINUTES => Part::TenMinutes,
            _ if length <= BY_HOURS => Part::Hour,
            _ => Part::Day,
        });
        let from = begin_of(part, from, zone.zone()).ok_or(PeriodError::Beyond)?;
        let length = to.duration_since(from);
        let before = from.checked_sub(length).map_err(|_| PeriodError::Beyond)?;
        let mut period = Self { from, to, before: (before, from), part, zone: zone.clone() };
        // The last part of the period counts as a whole, and so does the first part before.
        let seconds = if period.is_by_five_minutes() { 300 } else { 900 };
        let begin = before.as_second() - before.as_second().rem_euclid(seconds);
        period.before.0 = Timestamp::from_second(begin).map_err(|_| PeriodError::Beyond)?;
        period.checked()
    }

    /// True when the period is added up by five minutes where the history has them, as its parts or its
    /// end are not at quarter hours.
    pub(super) fn is_by_five_minutes(&self) -> bool {
        let both = self.to.duration_since(self.before.0);
        self.part == Part::TenMinutes || both <= BY_FIVE_MINUTES
    }

    fn checked(self) -> Result<Self, PeriodError> {
        let least = match self.part {
            Part::TenMinutes => 600,
            Part::Hour => 3_600,
            Part::Day => 82_800,
        };
        let parts = self.to.duration_since(self.from).as_secs() / least;
        match usize::try_from(parts) {
            Ok(parts) if parts < MOST_PARTS => Ok(self),
            _ => Err(PeriodError::TooManyParts),
        }
    }

    /// Returns the begins of the parts, and the end of the last one, ascending.
    pub(super) fn bounds(&self, part: Part) -> Vec<Timestamp> {
        let first = begin_of(part, self.from, self.zone.zone()).unwrap_or(self.from);
        let mut bounds = vec![first];
        let mut last = first;
        while last < self.to && bounds.len() <= MOST_PARTS {
            let Some(next) = next_of(part, last, self.zone.zone()).filter(|next| *next > last)
            else {
                break;
            };
            bounds.push(next);
            last = next;
        }
        bounds
    }
}

/// Returns the begin of the part in which an instant lies.
fn begin_of(part: Part, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let seconds = match part {
        Part::TenMinutes => 600,
        Part::Hour => 3_600,
        Part::Day => {
            let day = at.to_zoned(zone.clone()).start_of_day().ok()?;
            return Some(day.timestamp());
        }
    };
    let offset = i64::from(zone.to_offset(at).seconds());
    let local = at.as_second().checked_add(offset)?;
    Timestamp::from_second(local - local.rem_euclid(seconds) - offset).ok()
}

/// Returns the begin of the next part after the one that begins at `begin`.
fn next_of(part: Part, begin: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let length = match part {
        Part::TenMinutes => SignedDuration::from_mins(10),
        Part::Hour => SignedDuration::from_hours(1),
        Part::Day => {
            let tomorrow = begin.to_zoned(zone.clone()).date().tomorrow().ok()?;
            return tomorrow.to_zoned(zone.clone()).ok().map(|it| it.timestamp());
        }
    };
    begin.checked_add(length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> DisplayZone {
        name.parse().unwrap()
    }

    #[test]
    fn periods_are_hours_or_days() {
        for (text, last) in
            [("24h", Last::Hours(24)), (" 7d", Last::Days(7)), ("1h", Last::Hours(1))]
        {
            assert_eq!(text.parse(), Ok(last), "{text}");
        }
        for text in ["", "h", "0d", "7", "7 d", "-1h", "+7d", "1e3d", "40000d", "week"] {
            assert_eq!(text.parse::<Last>(), Err(LastError), "{text}");
        }
    }

    #[test]
    fn seven_days_are_whole_days_with_today_and_are_compared_up_to_the_same_time_of_day() {
        let now = at("2026-11-23T20:14:00Z");
        let period = Period::last(Last::Days(7), now, None, &zone("Europe/Berlin")).unwrap();
        assert_eq!((period.from, period.to), (at("2026-11-16T23:00:00Z"), now));
        assert_eq!(period.before, (at("2026-11-09T23:00:00Z"), at("2026-11-16T20:14:00Z")));
        assert_eq!(period.part, Part::Hour);
        assert_eq!((period.bounds(Part::Hour).len(), period.bounds(Part::Day).len()), (167, 8));
    }

    #[test]
    fn period_before_begins_with_a_part_of_the_history() {
        let before = |from: &str, to: &str| {
            let period = Period::between(at(from), at(to), None, &zone("UTC")).unwrap();
            assert_eq!(period.before.1, period.from);
            period.before.0
        };
        // By ten minutes, at five minutes: the last part of the period counts as a whole.
        let day = before("2026-11-22T20:14:00Z", "2026-11-23T20:14:00Z");
        assert_eq!(day, at("2026-11-21T20:05:00Z"));
        // By hours, at quarter hours.
        let days = before("2026-11-20T20:14:00Z", "2026-11-23T20:20:00Z");
        assert_eq!(days, at("2026-11-17T19:30:00Z"));
    }

    #[test]
    fn day_on_which_the_clocks_go_back_has_25_hours() {
        let now = at("2026-10-26T12:00:00Z");
        let period = Period::last(Last::Days(3), now, None, &zone("Europe/Berlin")).unwrap();
        let bounds = period.bounds(Part::Day);
        let hours: Vec<i64> =
            bounds.windows(2).map(|it| it[1].duration_since(it[0]).as_secs() / 3_600).collect();
        assert_eq!(hours, [24, 25, 24]);
        // The days before are as many, whatever their hours.
        assert_eq!(period.before.0, at("2026-10-20T22:00:00Z"));
        assert_eq!(period.before.1, at("2026-10-23T11:00:00Z"));
    }

    #[test]
    fn hours_begin_where_the_clock_of_the_zone_shows_a_full_hour() {
        for (name, from, begin) in [
            ("Asia/Kolkata", "2026-11-23T20:14:00Z", "2026-11-23T19:30:00Z"),
            ("Asia/Kathmandu", "2026-11-23T20:14:00Z", "2026-11-23T19:15:00Z"),
            ("UTC", "2026-11-23T20:14:00Z", "2026-11-23T20:00:00Z"),
            ("Pacific/Marquesas", "1969-12-31T23:14:00Z", "1969-12-31T22:30:00Z"),
        ] {
            assert_eq!(
                begin_of(Part::Hour, at(from), zone(name).zone()),
                Some(at(begin)),
                "{name}"
            );
        }
        let day = begin_of(Part::Day, at("2026-11-23T20:14:00Z"), zone("Asia/Kolkata").zone());
        assert_eq!(day, Some(at("2026-11-23T18:30:00Z")));
    }

    #[test]
    fn periods_that_cannot_be_shown_say_why() {
        let between = |from: &str, to: &str, part| {
            Period::between(at(from), at(to), part, &zone("UTC")).map(|period| period.part)
        };
        let day = "2026-11-23T00:00:00Z";
        assert_eq!(between(day, day, None), Err(PeriodError::Empty));
        assert_eq!(between(day, "2026-11-24T00:00:00Z", None), Ok(Part::TenMinutes));
        assert_eq!(between(day, "2026-11-30T00:00:00Z", None), Ok(Part::Hour));
        assert_eq!(between(day, "2027-11-30T00:00:00Z", None), Ok(Part::Day));
        let long = between("2016-11-23T00:00:00Z", day, Some(Part::Hour));
        assert_eq!(long, Err(PeriodError::TooManyParts));
        let ages = between("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", Some(Part::Day));
        assert_eq!(ages, Err(PeriodError::TooManyParts));
    }
}
