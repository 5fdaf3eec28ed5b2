//! The moment at which `inspect --as-of` ends a recording.

use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::source::playback::FrameTiming;

/// A moment of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// An instant.
    Instant(Timestamp),
    /// The first time that a clock shows this after the recording began.
    TimeOfDay(Time),
    /// Time since the recording began.
    SinceBegin(SignedDuration),
}

impl AsOf {
    /// Returns the moment as an instant of something that began at `began_at`; a time of day is one of
    /// `zone`.
    pub fn after(self, began_at: Timestamp, zone: &TimeZone) -> Timestamp {
        self.resolved(began_at, zone).0
    }

    /// Returns the instant, and true for a time of day of the day after the begin.
    fn resolved(self, began_at: Timestamp, zone: &TimeZone) -> (Timestamp, bool) {
        match self {
            Self::Instant(at) => (at, false),
            Self::SinceBegin(length) => {
                (began_at.checked_add(length).unwrap_or(Timestamp::MAX), false)
            }
            Self::TimeOfDay(time) => {
                let day = began_at.to_zoned(zone.clone()).date();
                let on = |day: jiff::civil::Date| {
                    day.to_datetime(time).to_zoned(zone.clone()).map(|it| it.timestamp()).ok()
                };
                if let Some(at) = on(day).filter(|at| *at >= began_at) {
                    return (at, false);
                }
                (day.tomorrow().ok().and_then(on).unwrap_or(Timestamp::MAX), true)
            }
        }
    }
}

/// A text that names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "expected an instant such as 2026-11-23T10:15:00Z, a time of day such as 10:15 or 10:15:30, or \
     the time since the recording began, such as +2:30 (minutes and seconds) or +1:02:30"
)]
pub struct AsOfError;

impl FromStr for AsOf {
    type Err = AsOfError;

    fn from_str(text: &str) -> Result<Self, AsOfError> {
        let text = text.trim();
        if let Some(since_begin) = text.strip_prefix('+') {
            return length(since_begin).map(Self::SinceBegin).ok_or(AsOfError);
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::Instant(at));
        }
        let is_time = text.contains(':') && !text.contains(['-', '+', 'T', 't']);
        let time = is_time.then(|| text.parse().ok()).flatten();
        time.map(Self::TimeOfDay).ok_or(AsOfError)
    }
}

/// Reads `seconds`, `minutes:seconds` or `hours:minutes:seconds`; the seconds may have decimals, and only
/// the first number may be 60 or more.
fn length(text: &str) -> Option<SignedDuration> {
    let parts: Vec<&str> = text.split(':').collect();
    let (last, whole) = parts.split_last()?;
    let is_number = |text: &&str| text.starts_with(|it: char| it.is_ascii_digit());
    let mut seconds = 0.0;
    for (place, part) in whole.iter().chain([last]).enumerate() {
        let is_last = place == whole.len();
        let number: f64 = match is_last {
            true => part.parse().ok().filter(|_| is_number(part))?,
            false => part.parse::<u32>().ok().filter(|_| is_number(part))?.into(),
        };
        if place > 0 && number >= 60.0 {
            return None;
        }
        seconds = seconds * 60.0 + number;
    }
    let is_plausible = parts.len() <= 3 && (0.0..=1e9).contains(&seconds);
    is_plausible.then(|| SignedDuration::try_from_secs_f64(seconds).ok()).flatten()
}

/// A moment, found in the recordings that are read one after the other.
#[derive(Debug)]
pub struct End {
    as_of: AsOf,
    zone: TimeZone,
    /// Begin of the first recording.
    began_at: Option<Timestamp>,
    /// The moment as an instant, once the first recording's begin is known.
    at: Option<Timestamp>,
    /// True when the time of day is one of the day after the begin.
    is_next_day: bool,
    /// Instant of the last frame before the moment.
    last_at: Option<Timestamp>,
    was_passed: bool,
    /// Number of recordings that were begun.
    recordings: usize,
}

/// A recording does not contain the moment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoSuchMoment {
    /// The moment is before everything that was recorded.
    #[error("--as-of {at} is before the recording, which begins at {began_at}")]
    Before {
        /// The moment.
        at: Timestamp,
        /// Begin of the first recording.
        began_at: Timestamp,
    },
    /// No clock showed this time of day during the recording.
    #[error(
        "the recording has no {time}: it lasts from {began_at} to {ended_at} in the time zone {zone}"
    )]
    NoSuchTime {
        /// Time of day.
        time: Time,
        /// Begin of the first recording, in the time zone.
        began_at: String,
        /// End of the last recording.
        ended_at: String,
        /// Time zone.
        zone: String,
    },
    /// No frame of the recording has a time.
    #[error("--as-of needs times, and the recording has none")]
    NoTimes,
}

impl End {
    /// Creates the end at a moment; a time of day is one of `zone`.
    pub fn new(as_of: AsOf, zone: TimeZone) -> Self {
        let (began_at, at, last_at) = (None, None, None);
        Self {
            as_of,
            zone,
            began_at,
            at,
            is_next_day: false,
            last_at,
            was_passed: false,
            recordings: 0,
        }
    }

    /// Notes that another recording is read from its beginning.
    pub(super) fn begin_recording(&mut self) {
        self.recordings += 1;
    }

    /// True when a frame is later than the moment. A frame before the first one with a time is not.
    pub(super) fn is_before(&mut self, timing: &FrameTiming) -> bool {
        let Some(at) = timing.at else { return false };
        let elapsed = SignedDuration::try_from(timing.elapsed).unwrap_or(SignedDuration::MAX);
        let is_past = match self.as_of {
            AsOf::SinceBegin(length) if self.recordings == 1 => {
                // The begin is known better with every frame.
                let began_at = at.checked_sub(elapsed).unwrap_or(at);
                self.began_at = self.began_at.max(Some(began_at));
                self.at = began_at.checked_add(length).ok().max(self.at);
                elapsed > length
            }
            _ => {
                let began_at = self.began_at.unwrap_or(at.checked_sub(elapsed).unwrap_or(at));
                let end = self.at.unwrap_or_else(|| self.resolve(began_at));
                (self.began_at, self.at) = (Some(began_at), Some(end));
                at > end
            }
        };
        if is_past {
            self.was_passed = true;
            return true;
        }
        self.last_at = self.last_at.max(Some(at));
        false
    }

    fn resolve(&mut self, began_at: Timestamp) -> Timestamp {
        let (at, is_next_day) = self.as_of.resolved(began_at, &self.zone);
        self.is_next_day |= is_next_day;
        at
    }

    /// Checks, after everything was read, that the moment is one of the recordings. Returns the end of the
    /// recordings if that is earlier than the moment.
    ///
    /// # Errors
    ///
    /// Returns an error when the moment is not within the recordings.
    pub fn check(&self) -> Result<Option<Timestamp>, NoSuchMoment> {
        let (Some(began_at), Some(at)) = (self.began_at, self.at) else {
            return Err(NoSuchMoment::NoTimes);
        };
        let Some(last_at) = self.last_at else {
            return Err(NoSuchMoment::Before { at, began_at });
        };
        if self.was_passed {
            return Ok(None);
        }
        if let AsOf::TimeOfDay(time) = self.as_of
            && self.is_next_day
            && last_at < at
        {
            let words = |at: Timestamp| {
                at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
            };
            let (began_at, ended_at) = (words(began_at), words(last_at));
            let zone =
                self.zone.iana_name().map_or_else(|| "of this machine".to_owned(), str::to_owned);
            return Err(NoSuchMoment::NoSuchTime { time, began_at, ended_at, zone });
        }
        Ok((last_at < at).then_some(last_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_times_of_day_and_lengths_are_moments() {
        let instant = AsOf::Instant("2026-11-23T09:15:00.5Z".parse().unwrap());
        let since_begin = |millis| AsOf::SinceBegin(SignedDuration::from_millis(millis));
        for (text, moment) in [
            ("2026-11-23T09:15:00.5Z", instant),
            (" 2026-11-23T10:15:00.5+01:00", instant),
            ("10:15", AsOf::TimeOfDay(Time::constant(10, 15, 0, 0))),
            ("10:15:30", AsOf::TimeOfDay(Time::constant(10, 15, 30, 0))),
            ("00:00", AsOf::TimeOfDay(Time::midnight())),
            ("+2:30", since_begin(150_000)),
            ("+12:30.25", since_begin(750_250)),
            ("+1:02:30", since_begin(3_750_000)),
            ("+90", since_begin(90_000)),
            ("+0.5", since_begin(500)),
            ("+100:00", since_begin(6_000_000)),
        ] {
            assert_eq!(text.parse(), Ok(moment), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_moments() {
        for text in [
            "",
            "+",
            "noon",
            "25:00",
            "10:61",
            "+:",
            "+1:60",
            "+60:00:00:00",
            "+-5",
            "+1:-5",
            "+inf",
            "+NaN",
            "+1:75:00",
            "-5",
            "10",
            "2026-11-23",
            "2026-11-23T10:15:00",
            "1e99",
            "+1e99",
        ] {
            assert_eq!(text.parse::<AsOf>(), Err(AsOfError), "{text}");
        }
    }
}
