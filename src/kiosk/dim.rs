//! How bright the picture is, by the time of day.

use std::str::FromStr;

/// From bright to dim, and back.
pub const FADE_SECS: f64 = 30.0;
/// What a screen dims to unless told.
pub const DEFAULT_LEVEL: f32 = 0.4;
/// Darker than this is off, which is the screen's own business.
pub const LEAST_LEVEL: f32 = 0.1;
/// A failure is not dimmed below this, whatever was asked for: its words on their bar then still have
/// the contrast of 3 : 1 that large type needs (WCAG 2.2, 1.4.3); `app/theme/` has the test.
pub const LEAST_OF_A_FAILURE: f32 = 0.7;

const MINUTES_A_DAY: u32 = 24 * 60;
const SECS_A_DAY: f64 = 86_400.0;

/// A part of each day, on the local clock; it may go past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from_min: u32,
    to_min: u32,
}

/// Where a fade stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brightness {
    /// 1 is undimmed.
    pub level: f32,
    /// On the way from one level to another.
    pub fading: bool,
}

impl Brightness {
    pub const FULL: Self = Self { level: 1.0, fading: false };
}

/// How bright the picture is at a time of day, in seconds since midnight on the local clock.
///
/// The fade begins with the minute that was named, both in the evening and in the morning.
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

/// `7:30`, `07:30`; `24:00` is midnight.
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

    fn at(hours: &str, clock: &str) -> f32 {
        let (hour, rest) = clock.split_once(':').unwrap();
        let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
        let number = |text: &str| text.parse::<f64>().unwrap();
        let secs = number(hour) * 3600.0 + number(minute) * 60.0 + number(second);
        brightness(secs, hours.parse().unwrap(), 0.4).level
    }

    #[test]
    fn a_night_goes_past_midnight() {
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
    fn a_day_does_not() {
        assert_eq!(at("09:30-17:00", "8:00"), 1.0);
        assert_eq!(at("09:30-17:00", "12:00"), 0.4);
        assert_eq!(at("09:30-17:00", "18:00"), 1.0);
        assert_eq!(at("00:00-12:00", "6:00"), 0.4);
    }

    /// Nothing flashes: a step of a 15th of a second is at most a 400th of the range.
    #[test]
    fn brightness_changes_slowly_and_says_when() {
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
    fn times_are_read_as_people_write_them() {
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
