//! Parsing of rarer forms of an instant: numbers, and the forms of other languages, logs and databases.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Maximum number of decimals of a second that an instant can hold.
const MOST_DECIMALS: usize = 9;

/// Minimum number of digits of a textual number since 1970; with fewer it may be a date such as
/// `20261123`.
const LEAST_DIGITS: usize = 9;

/// Reads any form except the common one. Returns `None` if the text is not an instant.
#[cold]
#[inline(never)]
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    // ISO 8601 also writes the minus sign for an offset.
    let text = match text.contains('\u{2212}') {
        true => Cow::Owned(text.replace('\u{2212}', "-")),
        false => Cow::Borrowed(text),
    };
    let is_around =
        |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '"' | '\'');
    let text = text.trim_matches(is_around);
    parse_standard(text)
        .or_else(|| parse_number(text))
        .or_else(|| parse_standard_like(text))
        .or_else(|| parse_mail(text))
}

/// Reads seconds, milliseconds, microseconds or nanoseconds since 1970. The unit follows from the size:
/// read as seconds, all but the first would be beyond the year 5000.
pub(super) fn from_epoch(number: f64) -> Option<Timestamp> {
    let per_second = unit(number.abs())?;
    let nanos = number / per_second * 1e9;
    // For today's dates the resolution of a float is about 0.2 µs, so nanoseconds would be noise.
    let micros = (nanos / 1e3).round();
    Timestamp::from_microsecond(micros as i64).ok()
}

/// Reads a whole number like [`from_epoch`], without loss of precision.
pub(super) fn from_epoch_whole(number: i64) -> Option<Timestamp> {
    let per_second = unit(number.unsigned_abs() as f64)?;
    let nanos_each = 1_000_000_000 / per_second as i128;
    Timestamp::from_nanosecond(i128::from(number) * nanos_each).ok()
}

/// Returns how many units per second a number of this size counts; `None` if it is out of range.
fn unit(size: f64) -> Option<f64> {
    match size {
        ..1e11 => Some(1.0),
        ..1e14 => Some(1e3),
        ..1e17 => Some(1e6),
        ..1e20 => Some(1e9),
        _ => None,
    }
}

/// Reads ISO 8601 and RFC 3339, with or without a zone.
fn parse_standard(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    // A plain number would be read as a date.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let civil: DateTime = text.parse().ok().filter(|_| !is_number)?;
    in_utc(civil)
}

fn in_utc(civil: DateTime) -> Option<Timestamp> {
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Reads a textual number since 1970 that cannot be a year or a date.
fn parse_number(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    // `1.795428e9` has an exponent instead of digits.
    if digits == 0
        || digits < LEAST_DIGITS && !text.contains(['e', 'E'])
        || text.len() < LEAST_DIGITS
    {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return from_epoch_whole(whole);
    }
    let is_number =
        text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+'));
    from_epoch(text.parse().ok().filter(|_| is_number)?)
}

/// Reads forms that deviate from the standard in details: Go's `2026-11-23 10:00:00.5 +0000 UTC
/// m=+0.01`, a comma before the decimals, ten decimals, `24:00:00`, week dates, ordinal dates, slashes.
fn parse_standard_like(text: &str) -> Option<Timestamp> {
    let text = text.replace(|c: char| c.is_whitespace(), " ");
    // Go appends its monotonic clock reading.
    let text = text.split(" m=").next().unwrap_or_default();
    let date_length = text.find([' ', 'T', 't'])?;
    let (date, clock) = text.split_at(date_length);
    let clock = clock[1..].trim_start();
    let date = read_date(date)?;
    let zone_at = clock.find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | ','));
    let (clock, zone) = clock.split_at(zone_at.unwrap_or(clock.len()));
    let (clock, decimals) = clock.split_once(['.', ',']).unwrap_or((clock, "0"));
    // Decimals of an hour or a minute are allowed, but nobody means them.
    let has_seconds = clock.len() >= 6;
    if !has_seconds && decimals != "0" {
        return None;
    }
    let decimals = &decimals[..decimals.len().min(MOST_DECIMALS)];
    let is_next_day = clock.starts_with("24") && !clock[2..].contains(|c| matches!(c, '1'..='9'));
    let clock = if is_next_day { "00:00:00" } else { clock };
    let zone = read_zone(zone.trim())?;
    let instant = parse_standard(&format!("{date}T{clock}.{decimals}{zone}"))
        .or_else(|| parse_standard(&format!("{date}T{clock}{zone}")))?;
    let days = if is_next_day { SignedDuration::from_hours(24) } else { SignedDuration::ZERO };
    instant.checked_add(days).ok()
}

/// Reads `2026-11-23`, `2026/11/23`, `20261123`, `2026-W48-1` or `2026-327`.
fn read_date(text: &str) -> Option<Date> {
    let text = text.replace('/', "-");
    if let Ok(date) = text.parse() {
        return Some(date);
    }
    if let Some((year, week)) = text.split_once(['W', 'w']) {
        let year = year.trim_end_matches('-').parse().ok()?;
        let (week, day) = (week.get(..2)?, week.get(2..)?.trim_start_matches('-'));
        let day = Weekday::from_monday_one_offset(day.parse().ok()?).ok()?;
        return Some(ISOWeekDate::new(year, week.parse().ok()?, day).ok()?.date());
    }
    let digits = text.replace('-', "");
    let (year, day) = digits.split_at_checked(4).filter(|(_, day)| day.len() == 3)?;
    let first = Date::new(year.parse().ok()?, 1, 1).ok()?;
    let day: i16 = day.parse().ok()?;
    (1..=first.days_in_year())
        .contains(&day)
        .then(|| first.checked_add(SignedDuration::from_hours(24 * (i64::from(day) - 1))).ok())?
}

/// Converts a zone to a standard form: `Z` or an offset. No zone means UTC. Returns `None` for an
/// unknown name.
fn read_zone(text: &str) -> Option<String> {
    // An abbreviation or name after an offset adds no information.
    let (offset, name) = match text.strip_prefix(['+', '-']) {
        Some(rest) => {
            let length = rest.find(|c: char| !matches!(c, '0'..='9' | ':')).unwrap_or(rest.len());
            (&text[..=length], "")
        }
        None => ("", text),
    };
    let is_utc = ["", "Z", "UTC", "GMT", "[UTC]", "Z[UTC]"];
    match offset.len() {
        0 => is_utc.iter().any(|utc| utc.eq_ignore_ascii_case(name)).then(|| "Z".to_owned()),
        // `-5` is not standard, but it is unambiguous.
        2 => Some(format!("{}0{}", &offset[..1], &offset[1..])),
        _ => Some(offset.to_owned()),
    }
}

/// Reads RFC 2822 (`Mon, 23 Nov 2026 10:00:00 GMT`) and C's `asctime`, in UTC.
fn parse_mail(text: &str) -> Option<Timestamp> {
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Some(zoned.timestamp());
    }
    in_utc(DateTime::strptime("%a %b %e %H:%M:%S %Y", text).ok()?)
}
