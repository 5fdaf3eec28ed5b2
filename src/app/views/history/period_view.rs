//! Words about a period and the one before it, and about numbers that changed between them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::words::{count_words, duration_words};
use crate::history::{Last, Summary};

/// Words of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodWords {
    /// On its pill: "7 days".
    pub name: &'static str,
    /// Of a change: "in a week".
    pub change: &'static str,
    /// The period before: "the week before".
    pub before: &'static str,
}

impl PeriodWords {
    /// Words of one of the periods that can be chosen.
    pub fn of(period: Last) -> Self {
        let (name, change, before) = match period {
            Last::Hours(_) => ("24 h", "in a day", "the day before"),
            Last::Days(..8) => ("7 days", "in a week", "the week before"),
            Last::Days(8..32) => ("30 days", "in 30 days", "the 30 days before"),
            Last::Days(_) => ("90 days", "in 90 days", "the 90 days before"),
        };
        Self { name, change, before }
    }
}

/// Reads an instant of a summary.
pub fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Formats an instant in a time zone.
pub fn zoned(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    at.to_zoned(zone.clone()).strftime(format).to_string()
}

/// Returns the last instant of a stretch of days.
fn last_of(to: Timestamp) -> Timestamp {
    to.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(to)
}

/// Days between two instants: "2 to 8 Nov", "30 Nov to 6 Dec", "8 Nov".
pub fn days_words(from: Timestamp, to: Timestamp, zone: &TimeZone) -> String {
    let (first, last) = (from.to_zoned(zone.clone()), last_of(to).to_zoned(zone.clone()));
    let end = last.strftime("%-d %b").to_string();
    match () {
        () if first.date() == last.date() => end,
        () if (first.year(), first.month()) == (last.year(), last.month()) => {
            format!("{} to {end}", first.day())
        }
        () => format!("{} to {end}", first.strftime("%-d %b")),
    }
}

/// The period in words: "Tue 17 Nov to Mon 23 Nov 2026"; of hours with their times.
pub fn period_words(summary: &Summary, zone: &TimeZone) -> String {
    let (Some(from), Some(to)) = (instant(&summary.from), instant(&summary.to)) else {
        return String::new();
    };
    match summary.group.as_str() {
        "hour" => format!(
            "{} to {}",
            zoned(from, zone, "%a %-d %b, %H:%M"),
            zoned(to, zone, "%a %-d %b %Y, %H:%M")
        ),
        _ => format!(
            "{} to {}",
            zoned(from, zone, "%a %-d %b"),
            zoned(last_of(to), zone, "%a %-d %b %Y")
        ),
    }
}

/// The same shorter: "17 to 23 Nov".
pub fn short_period_words(summary: &Summary, zone: &TimeZone) -> String {
    match (instant(&summary.from), instant(&summary.to)) {
        (Some(from), Some(to)) => days_words(from, to, zone),
        _ => String::new(),
    }
}

/// Part of a period that may be missing where it is compared.
const MISSING: f64 = 0.02;

/// True when the period before is known but for a little at its begin, so that numbers of runs can be compared
/// with it.
pub fn knows_before(summary: &Summary) -> bool {
    let known = || {
        let since = instant(summary.kept_since.as_deref()?)?;
        let ended = &summary.before.ended;
        let (from, to) = (instant(&ended.from)?, instant(&ended.to)?);
        let missing = since.duration_since(from).as_secs_f64();
        Some(missing <= MISSING * to.duration_since(from).as_secs_f64())
    };
    known().unwrap_or(false)
}

/// A share with one decimal: "97.5 %"; "100 %" and "0 %" stand for all and none only.
pub fn success_words((part, all): (u64, u64)) -> String {
    let tenths = tenths_of(part, all);
    if tenths % 1_000.0 == 0.0 {
        return format!("{:.0} %", tenths / 10.0);
    }
    format!("{:.1} %", tenths / 10.0)
}

/// Tenths of a percent that are shown of a part.
pub fn tenths_of(part: u64, all: u64) -> f64 {
    match (part as f64 / all.max(1) as f64 * 1_000.0).round() {
        1_000.0 if part < all => 999.0,
        0.0 if part > 0 => 1.0,
        tenths => tenths,
    }
}

/// A share in whole percent, under ten with one decimal: "68 %", "7.7 %"; "100 %" stands for all only.
pub fn share_words(share: f64) -> String {
    let tenths = (share * 1_000.0).round();
    match tenths {
        0.0 if share > 0.0 => "< 0.1 %".to_owned(),
        0.0 => "0 %".to_owned(),
        ..100.0 => format!("{:.1} %", tenths / 10.0),
        _ if share < 1.0 => format!("{:.0} %", (share * 100.0).round().min(99.0)),
        _ => "100 %".to_owned(),
    }
}

/// A difference of counts with its sign: "+21", "−12", "±0".
pub fn count_change_words(by: i64) -> String {
    match by {
        0 => "±0".to_owned(),
        1.. => format!("+{}", count_words(by.unsigned_abs())),
        _ => format!("−{}", count_words(by.unsigned_abs())),
    }
}

/// A difference of shares in percentage points with its sign: "+0.8 points".
pub fn share_change_words(by: f64) -> String {
    let tenths = (by * 1_000.0).round();
    match tenths {
        0.0 => "±0 points".to_owned(),
        0.0.. => format!("+{:.1} points", tenths / 10.0),
        _ => format!("−{:.1} points", -tenths / 10.0),
    }
}

/// A difference of durations with its sign, in seconds, from 10 s in minutes and seconds: "+9 s", "−0.6 s",
/// "+0:12".
pub fn duration_change_words(by_ms: i64) -> String {
    let sign = if by_ms < 0 { '−' } else { '+' };
    let words = duration_words(by_ms.unsigned_abs());
    let words = match words.strip_suffix(".0 s") {
        Some("0") => return "±0 s".to_owned(),
        Some(whole) => format!("{whole} s"),
        None => words,
    };
    format!("{sign}{words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_changes_have_the_words_of_the_design() {
        assert_eq!(
            [(9_616, 10_000), (7, 7), (0, 3), (924, 1_000), (3_868, 3_869), (1, 5_000)]
                .map(success_words),
            ["96.2 %", "100 %", "0 %", "92.4 %", "99.9 %", "0.1 %"]
        );
        assert_eq!(
            [0.68, 0.077, 0.0, 0.0001, 0.0996, 0.997, 1.0].map(share_words),
            ["68 %", "7.7 %", "0 %", "< 0.1 %", "10 %", "99 %", "100 %"]
        );
        assert_eq!([21, -12, 0, 1_204].map(count_change_words), ["+21", "−12", "±0", "+1,204"]);
        assert_eq!(
            [0.008, -0.021, 0.0002].map(share_change_words),
            ["+0.8 points", "−2.1 points", "±0 points"]
        );
        assert_eq!(
            [9_000, -600, 12_000, 20, 9_960, -70_000].map(duration_change_words),
            ["+9 s", "−0.6 s", "+0:12", "±0 s", "+0:10", "−1:10"]
        );
    }

    #[test]
    fn days_are_told_with_as_few_months_as_needed() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let days = |from, to| days_words(at(from), at(to), &TimeZone::UTC);
        assert_eq!(days("2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z"), "2 to 8 Nov");
        assert_eq!(days("2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"), "30 Nov to 6 Dec");
        assert_eq!(days("2026-11-08T00:00:00Z", "2026-11-09T00:00:00Z"), "8 Nov");
    }
}
