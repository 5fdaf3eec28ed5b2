//! Brightness of the picture by the time of day.

use std::fmt;
use std::str::FromStr;

/// Duration of a fade to or from the dimmed level.
pub const FADE_SECS: f64 = 30.0;
/// Default dimmed level, as a fraction of full brightness.
pub const DEFAULT_LEVEL: f32 = 0.4;
/// Lowest level that can be set; turning the screen off is left to the screen.
pub const LEAST_LEVEL: f32 = 0.1;
/// Lowest level for failures, whatever the settings say: it keeps the contrast of 3:1 that large
/// text needs (WCAG 2.2, 1.4.3) on their bar. Tested in `app/theme/contrast.rs`.
pub const LEAST_OF_A_FAILURE: f32 = 0.7;

const MINUTES_A_DAY: u32 = 24 * 60;
const SECS_A_DAY: f64 = 86_400.0;

/// A period of each day in local time; may extend past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from_min: u32,
    to_min: u32,
}

/// Current brightness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brightness {
    /// Fraction of full brightness; 1 is undimmed.
    pub level: f32,
    /// True during a fade.
    pub fading: bool,
}

impl Brightness {
    pub const FULL: Self = Self { level: 1.0, fading: false };
}

/// Returns the brightness at a time of day, in seconds since local midnight.
///
/// Each fade starts at the minute given in `hours`, both when dimming and when brightening.
pub fn brightness(secs_of_day: f64, hours: Hours, level: f32) -> Brightness {
    let since = |minute: u32| (secs_of_day - f64::from(minute) * 60.0).rem_euclid(SECS_A_DAY);
    let length_min = (hours.to_min + MINUTES_A_DAY - hours.from_min) % MINUTES_A_DAY;
    let (since_from, since_to) = (since(hours.from_min), since(hours.to_min));
    let dimming = since_from < f64::from(length_min) * 60.0;
    let (from, to, since) = if dimming { (1.0, level, since_from) } else { (level, 1.0, since_to) };
    let part = (since / FADE_SECS).min(1.0) as f32;
    let fading = part < 1.0;
    Brightness { level: if fading { from + (to - from) * part } else { to }, fading }
}

impl Hours {
    /// True at a time of day in this period.
    pub fn hold(self, time: jiff::civil::Time) -> bool {
        let minute =
            u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs());
        let length = (self.to_min + MINUTES_A_DAY - self.from_min) % MINUTES_A_DAY;
        (minute + MINUTES_A_DAY - self.from_min) % MINUTES_A_DAY < length
    }

    /// Returns the time of day at which the period ends.
    pub fn end(self) -> jiff::civil::Time {
        time_of(self.to_min)
    }
}

/// Returns the time of day so many minutes after midnight.
fn time_of(minute: u32) -> jiff::civil::Time {
    let [hour, minute] = [minute / 60, minute % 60].map(|part| i8::try_from(part).unwrap_or(0));
    jiff::civil::Time::new(hour, minute, 0, 0).unwrap_or(jiff::civil::Time::MIN)
}

/// Writes the period as `22:00–07:00`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] =
            [self.from_min, self.to_min].map(|minute| time_of(minute).strftime("%H:%M"));
        write!(f, "{from}–{to}")
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hours = text.split_once(['-', '–']).and_then(|(from, to)| {
            Some(Self { from_min: minute_of_day(from)?, to_min: minute_of_day(to)? })
        });
        match hours {
            Some(hours) if hours.from_min == hours.to_min => {
                Err("the two times are the same; for all day use 00:00-23:59".to_owned())
            }
            Some(hours) => Ok(hours),
            None => Err("expected two times of day, such as 22:00-07:00".to_owned()),
        }
    }
}

/// Parses `7:30` or `07:30` to minutes since midnight; `24:00` is 0.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str, most: u32| -> Option<u32> {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|number| plain && *number <= most)
    };
    let (hour, minute) = (number(hour, 24)?, number(minute, 59)?);
    let whole = hour * 60 + minute;
    (whole <= MINUTES_A_DAY).then_some(whole % MINUTES_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_may_end_on_the_next_day() {
        let holds = |hours: &str, hour, minute| {
            hours.parse::<Hours>().unwrap().hold(jiff::civil::Time::constant(hour, minute, 59, 0))
        };
        for (hour, minute, expected) in
            [(21, 59, false), (22, 0, true), (0, 0, true), (6, 59, true), (7, 0, false)]
        {
            assert_eq!(holds("22:00-07:00", hour, minute), expected, "{hour}:{minute}");
        }
        for (hour, minute, expected) in [(11, 59, false), (12, 0, true), (13, 30, false)] {
            assert_eq!(holds("12:00-13:30", hour, minute), expected, "{hour}:{minute}");
        }
        assert!(holds("20:00-24:00", 23, 59) && !holds("20:00-24:00", 0, 0));
    }

    fn at(hours: &str, clock: &str) -> f32 {
        let (hour, rest) = clock.split_once(':').unwrap();
        let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
        let number = |text: &str| text.parse::<f64>().unwrap();
        let secs = number(hour) * 3600.0 + number(minute) * 60.0 + number(second);
        brightness(secs, hours.parse().unwrap(), 0.4).level
    }

    #[test]
    fn hours_past_midnight_dim_at_night() {
        let night = "22:00-07:00";
        for (clock, expected) in [
            ("12:00", 1.0),
            ("21:59:59", 1.0),
            ("22:00", 1.0),
            ("22:00:15", 0.7),
            ("22:00:30", 0.4),
            ("23:59:59", 0.4),
            ("00:00", 0.4),
            ("07:00", 0.4),
            ("07:00:15", 0.7),
            ("07:00:30", 1.0),
        ] {
            assert!((at(night, clock) - expected).abs() < 1e-3, "{clock}: {}", at(night, clock));
        }
    }

    #[test]
    fn hours_within_a_day_dim_by_day() {
        assert_eq!(at("09:30-17:00", "8:00"), 1.0);
        assert_eq!(at("09:30-17:00", "12:00"), 0.4);
        assert_eq!(at("09:30-17:00", "18:00"), 1.0);
        assert_eq!(at("00:00-12:00", "6:00"), 0.4);
    }

    /// No visible steps: within a fifteenth of a second, brightness changes by at most a 400th of
    /// its range.
    #[test]
    fn brightness_changes_slowly_and_only_while_fading() {
        let night: Hours = "22:00-07:00".parse().unwrap();
        let mut before = brightness(0.0, night, 0.1);
        for tick in 1..=86_400 * 4 {
            let now = brightness(f64::from(tick) / 4.0, night, 0.1);
            let step = (now.level - before.level).abs();
            assert!(step <= 0.9 * 0.25 / FADE_SECS as f32 + 1e-4, "{tick}: {step}");
            assert!(step < 1e-6 || now.fading || before.fading, "{tick}");
            before = now;
        }
    }

    #[test]
    fn hours_accept_common_notations() {
        let read = |text: &str| text.parse::<Hours>().ok().map(|h| (h.from_min, h.to_min));
        for (text, expected) in [
            ("22:00-07:00", Some((1320, 420))),
            ("22:00–7:00", Some((1320, 420))),
            ("22:00 - 7:05", Some((1320, 425))),
            ("18:00-24:00", Some((1080, 0))),
            ("22:00", None),
            ("22-7", None),
            ("25:00-07:00", None),
            ("24:01-07:00", None),
            ("22:60-07:00", None),
            ("+2:00-07:00", None),
            ("22:00-22:00", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
