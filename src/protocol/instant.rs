//! Parsing of instants in the forms that the dialects use.

use jiff::Timestamp;

use super::instant_forms;

/// True for an instant that means "unset" (protocol section 6.4). Languages and databases write such
/// instants at or before the epoch (years 1, 1601, 1900, 1970) or at the end of the year 9999.
pub fn is_unset(at: Timestamp) -> bool {
    // 9999-01-01T00:00:00Z.
    const END_OF_TIME: i64 = 253_370_764_800;
    at.as_second() >= END_OF_TIME || at <= Timestamp::UNIX_EPOCH
}

/// Reads an ISO 8601 instant with `Z`, a numeric offset, or without a zone, which means UTC (Python's
/// `utcnow().isoformat()`). Also reads the forms of other languages and logs, including numbers since
/// 1970. Returns `None` if the text is not an instant.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    parse_common(text.as_bytes()).or_else(|| instant_forms::parse(text))
}

/// Reads the form that all dialects use, `2026-11-23T01:08:41[.219282][Z|+00:00]`. Kept fast, because
/// it runs for every event. Returns `None` for any other form and for values that need further checks.
fn parse_common(text: &[u8]) -> Option<Timestamp> {
    let (clock, rest) = text.split_first_chunk::<19>()?;
    let marks = [clock[4], clock[7], clock[10], clock[13], clock[16]];
    if marks != *b"--T::" {
        return None;
    }
    let year = i64::from(two_digits(clock, 0)?) * 100 + i64::from(two_digits(clock, 2)?);
    let (month, day) = (two_digits(clock, 5)?, two_digits(clock, 8)?);
    let [hour, minute, second] =
        [two_digits(clock, 11)?, two_digits(clock, 14)?, two_digits(clock, 17)?];
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, zone) = fraction(rest)?;
    let offset = match zone {
        b"" | b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (two_digits(zone, 1)?, two_digits(zone, 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let seconds = days_since_1970(year, month, day) * 86_400 + seconds - offset;
    // The last day of the year 9999, which databases write for "never", is beyond the range of
    // `Timestamp`. The event is read all the same; its instant counts as unset.
    Some(Timestamp::new(seconds, nanos).unwrap_or(Timestamp::MAX))
}

fn two_digits(text: &[u8], at: usize) -> Option<u8> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| tens * 10 + ones)
}

/// Reads a fraction such as `.219282`. Returns its nanoseconds and the rest of the text.
fn fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let value = text[..digits].iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0'));
    Some((value * 10_i32.pow(9 - digits as u32), &text[digits..]))
}

fn days_in(year: i64, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970 in the proleptic Gregorian calendar, by Howard Hinnant's
/// `days_from_civil` (<https://howardhinnant.github.io/date_algorithms.html>).
fn days_since_1970(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the fast parser with the general one for every day of 800 years in all supported forms.
    #[test]
    fn fast_parser_agrees_with_general_parser() {
        let mut day = jiff::civil::date(1600, 1, 1);
        let zones = ["Z", "+00:00", "-05:00", "+14:00", "+05:45", ""];
        let fractions = ["", ".5", ".219282", ".000001", ".123456789"];
        for nth in 0..292_200_usize {
            let clock = ["00:00:00", "23:59:59", "01:08:41"][nth % 3];
            let text = format!("{day}T{clock}{}{}", fractions[nth % 5], zones[nth % 6]);
            let common = parse_common(text.as_bytes());
            assert!(
                common.is_some() && common == instant_forms::parse(&text),
                "{text}: {common:?}"
            );
            day = day.tomorrow().expect("far from the end of time");
        }
    }

    #[test]
    fn fast_parser_rejects_other_forms() {
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T01:08:60Z",
            "2026-11-23T01:08:41.",
            "2026-11-23T01:08:41.1234567890Z",
            "2026-11-23T01:08:41z",
            "2026-11-23T01:08:41+0000",
            "2026-11-23 01:08:41",
            "2026-11-2301:08:41Z",
            "2026-11- 3T01:08:41Z",
            "2026-11-23T01:08",
            "",
        ] {
            assert_eq!(parse_common(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn reads_every_form_of_an_instant() {
        let ten = "2026-11-23T10:00:00Z";
        for (text, instant) in [
            ("2026-11-23T10:00:00.1234567891Z", "2026-11-23T10:00:00.123456789Z"),
            ("2026-11-23T10:00:00+0000", ten),
            ("2026-11-23T10:00:00+00", ten),
            ("2026-11-23 10:00:00", ten),
            ("2026-11-23 10:00:00+00:00", ten),
            ("2026-11-23 10:00:00.123456 UTC", "2026-11-23T10:00:00.123456Z"),
            ("2026-11-23 10:00:00 +0000 UTC", ten),
            ("2026-11-23 05:00:00.5 -0500 EST m=+0.015", "2026-11-23T10:00:00.5Z"),
            ("2026-11-23 05:00:00-05", ten),
            ("2026-11-23T10:00:00,123Z", "2026-11-23T10:00:00.123Z"),
            ("2026-11-23t10:00:00z", ten),
            ("2026-11-23T10:00:60Z", "2026-11-23T10:00:59Z"),
            ("2026-11-23T24:00:00Z", "2026-11-24T00:00:00Z"),
            ("2026-12-31T24:00:00.000+01:00", "2026-12-31T23:00:00Z"),
            ("2026-11-23T10:00Z", ten),
            ("20261123T100000Z", ten),
            ("2026-11-23T11:00:00+01:00[Europe/Berlin]", ten),
            ("2026-11-23T10:00:00Z[UTC]", ten),
            ("2026/11/23 10:00:00", ten),
            ("Mon, 23 Nov 2026 10:00:00 GMT", ten),
            ("Mon Nov 23 10:00:00 2026", ten),
            ("Tue Nov  3 10:00:00 2026", "2026-11-03T10:00:00Z"),
            (" 2026-11-23T10:00:00Z ", ten),
            ("2026-11-23T10:00:00\u{202f}Z", ten),
            ("+002026-11-23T10:00:00Z", ten),
            ("2026-W48-1T10:00:00Z", ten),
            ("2026W481T100000Z", ten),
            ("2026-327T10:00:00Z", ten),
            ("1795428000", ten),
            ("1795428000.25", "2026-11-23T10:00:00.25Z"),
            ("1795428000005", "2026-11-23T10:00:00.005Z"),
            ("1795428000000005", "2026-11-23T10:00:00.000005Z"),
            ("1795428000000000005", "2026-11-23T10:00:00.000000005Z"),
            ("1.795428e9", ten),
            ("1.795428000005E+12", "2026-11-23T10:00:00.005Z"),
            ("2026-11-23T05:00:00\u{2212}05:00", ten),
            ("\u{feff}\"2026-11-23T10:00:00Z\"", ten),
        ] {
            assert_eq!(parse_instant(text), instant.parse().ok(), "{text}");
        }
        for text in [
            "",
            "now",
            "2026",
            "20261123",
            "2026-13-01T00:00:00Z",
            "10:00:00",
            "2026-366T10:00:00Z",
            "2026-W54-1T10:00:00Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23T24:00:01Z",
            "T",
            " ",
            "-",
            "1e9",
            "e123456789",
            "2026-11-23T10.5Z",
            "2026-11-23T10:30,5Z",
            "2026-11-23 10:00:00 Mars",
            "99999999999999999999",
            "2026-11-23T1é:00:00Z",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn unit_of_an_epoch_number_follows_from_its_size() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        assert_eq!(instant_forms::from_epoch(1_795_428_000.1), at("2026-11-23T10:00:00.1Z"));
        assert_eq!(instant_forms::from_epoch(1_795_428_000_100.5), at("2026-11-23T10:00:00.1005Z"));
        assert_eq!(instant_forms::from_epoch(0.0), Some(Timestamp::UNIX_EPOCH));
        assert_eq!(instant_forms::from_epoch(-1.5), at("1969-12-31T23:59:58.5Z"));
        for number in [f64::NAN, f64::INFINITY, 1e20, -1e300] {
            assert_eq!(instant_forms::from_epoch(number), None, "{number}");
        }
        assert_eq!(instant_forms::from_epoch_whole(1_795_428_000), at("2026-11-23T10:00:00Z"));
        assert!(instant_forms::from_epoch_whole(i64::MIN).is_some());
    }
}
