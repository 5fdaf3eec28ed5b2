//! Scales of the dials: where they end, and their numerals.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::bounded::bounded;

/// A scale covers this multiple of the peak.
const HEADROOM: f64 = 1.05;
/// Ends of scales within a power of ten.
const ENDS: [f64; 7] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];
/// Smallest end of a scale of counts.
const LEAST_COUNT: f64 = 2.0;
/// Largest end; the rest of the numbers has no meaning.
const MOST: f64 = 1e15;
/// Time for which a scale stays long after its peak.
const STAYS: SignedDuration = SignedDuration::from_mins(10);
const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;

/// Scale of a dial, with the numerals at its start, middle and end.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    pub from: f64,
    pub to: f64,
    pub numerals: [String; 3],
}

impl Scale {
    /// Scale of a number or rate, from 0, that covers `peak`.
    pub fn of_counts(peak: f64) -> Self {
        let to = next_end((peak * HEADROOM).max(LEAST_COUNT));
        Self { from: 0.0, to, numerals: [0.0, to / 2.0, to].map(count_numeral) }
    }

    /// Scale in seconds, from 0 to `to`, which [`seconds_end`] determines.
    pub fn of_seconds(to: f64) -> Self {
        Self { from: 0.0, to, numerals: [0.0, to / 2.0, to].map(|secs| time_numeral(secs, to)) }
    }

    /// Scale in percent, from `from` to 100.
    pub fn of_percent(from: f64) -> Self {
        let middle = (from + 100.0) / 2.0;
        // The unit stands in the middle, where there is room.
        Self {
            from,
            to: 100.0,
            numerals: [format!("{from}"), format!("{middle} %"), "100".to_owned()],
        }
    }

    /// Returns the place of a value on the scale, 0 to 1.
    pub fn place(&self, value: f64) -> f32 {
        bounded((value - self.from) / (self.to - self.from), 0.0, 1.0) as f32
    }
}

/// Returns the smallest of 1, 2, 3, 4, 5, 6, 8 × 10ⁿ that is not below `wanted`.
fn next_end(wanted: f64) -> f64 {
    let mut unit = 1.0;
    while unit < MOST {
        // Rounding must not make a scale twice as long.
        let reaches = |end: &f64| end * unit >= wanted * (1.0 - 1e-12);
        if let Some(end) = ENDS.into_iter().find(reaches) {
            return end * unit;
        }
        unit *= 10.0;
    }
    MOST
}

/// Returns the end in seconds of a scale of times that covers `peak` seconds: the next even minute, beyond
/// an hour the next of 1, 2, 3, 4, 5, 6, 8 × 10ⁿ hours.
pub(super) fn seconds_end(peak: f64) -> f64 {
    let wanted = peak * HEADROOM;
    if wanted <= HOUR {
        (wanted / (2.0 * MINUTE)).ceil().max(1.0) * 2.0 * MINUTE
    } else {
        next_end(wanted / HOUR) * HOUR
    }
}

/// Formats a number for a dial, which is short of room: `15`, `2.5k`, `3M`.
fn count_numeral(value: f64) -> String {
    match value {
        ..1e3 => format!("{value}"),
        ..1e6 => format!("{}k", value / 1e3),
        ..1e9 => format!("{}M", value / 1e6),
        _ => format!("{}G", value / 1e9),
    }
}

/// Formats a time for a dial that ends at `to`: `2:00`, or `1:30 h` where minutes would have no room.
fn time_numeral(secs: f64, to: f64) -> String {
    let whole = secs as u64;
    match (whole, to < HOUR) {
        (0, _) => "0".to_owned(),
        (_, true) => format!("{}:{:02}", whole / 60, whole % 60),
        _ if whole < 3600 => format!("{} min", whole / 60),
        _ if whole.is_multiple_of(3600) => format!("{} h", whole / 3600),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

/// The longest of recent values: grows at once, shrinks after ten minutes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Longest {
    /// Time and value, each smaller than the one before: what is longest now and will be next.
    recent: VecDeque<(Timestamp, f64)>,
}

impl Longest {
    /// Adds the value at `now` and returns the longest of the last ten minutes.
    pub(super) fn add(&mut self, now: Timestamp, value: f64) -> f64 {
        if self.recent.back().is_some_and(|(at, _)| *at > now) {
            // Another recording, or a clock that was set back.
            self.recent.clear();
        }
        while self.recent.back().is_some_and(|(_, kept)| *kept <= value) {
            self.recent.pop_back();
        }
        self.recent.push_back((now, value));
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) >= STAYS) {
            self.recent.pop_front();
        }
        self.longest()
    }

    fn longest(&self) -> f64 {
        self.recent.front().map_or(0.0, |(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn scale_of_counts_ends_at_the_next_round_number_above_the_peak() {
        for (peak, to, numerals) in [
            (0.0, 2.0, ["0", "1", "2"]),
            (2.0, 3.0, ["0", "1.5", "3"]),
            (9.0, 10.0, ["0", "5", "10"]),
            (10.0, 20.0, ["0", "10", "20"]),
            (12.0, 20.0, ["0", "10", "20"]),
            (23.0, 30.0, ["0", "15", "30"]),
            (46.0, 50.0, ["0", "25", "50"]),
            (60.0, 80.0, ["0", "40", "80"]),
            (77.0, 100.0, ["0", "50", "100"]),
            (480.0, 600.0, ["0", "300", "600"]),
            (2_846.0, 3e3, ["0", "1.5k", "3k"]),
            (3_912.0, 5e3, ["0", "2.5k", "5k"]),
            (960_000.0, 2e6, ["0", "1M", "2M"]),
        ] {
            let scale = Scale::of_counts(peak);
            assert_eq!((scale.to, scale.numerals), (to, numerals.map(str::to_owned)), "{peak}");
        }
    }

    #[test]
    fn scale_of_times_ends_at_the_next_even_minute_or_in_hours() {
        for (peak, to, numerals) in [
            (0.0, 120.0, ["0", "1:00", "2:00"]),
            (13.0, 120.0, ["0", "1:00", "2:00"]),
            (114.0, 120.0, ["0", "1:00", "2:00"]),
            (115.0, 240.0, ["0", "2:00", "4:00"]),
            (178.0, 240.0, ["0", "2:00", "4:00"]),
            (252.0, 360.0, ["0", "3:00", "6:00"]),
            (3_400.0, 3_600.0, ["0", "30 min", "1 h"]),
            (3_600.0, 7_200.0, ["0", "1 h", "2 h"]),
            (9_000.0, 10_800.0, ["0", "1:30 h", "3 h"]),
        ] {
            let scale = Scale::of_seconds(seconds_end(peak));
            assert_eq!((scale.to, scale.numerals), (to, numerals.map(str::to_owned)), "{peak}");
        }
    }

    #[test]
    fn every_scale_covers_its_peak_with_little_to_spare() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..20_000 {
            let peak = 10f64.powf(rng.f64() * 9.0);
            let count = Scale::of_counts(peak);
            assert!(count.place(peak) <= 1.0 / 1.049, "{peak} on {count:?}");
            assert!(count.to <= peak * 2.11 || count.to == 2.0, "{peak} on {count:?}");
            let peak = peak.min(1e7);
            let time = Scale::of_seconds(seconds_end(peak));
            assert!(time.place(peak) <= 1.0 / 1.049, "{peak} on {time:?}");
            assert!(time.to <= (peak * 2.11).max(peak + 140.0), "{peak} on {time:?}");
            for numeral in count.numerals.iter().chain(&time.numerals) {
                assert!(numeral.chars().count() <= 7, "{numeral}");
            }
        }
    }

    #[test]
    fn longest_value_grows_at_once_and_shrinks_after_ten_minutes() {
        let mut longest = Longest::default();
        assert_eq!(longest.add(at(0), 240.0), 240.0);
        assert_eq!(longest.add(at(1), 600.0), 600.0);
        assert_eq!(longest.add(at(300), 360.0), 600.0);
        assert_eq!(longest.add(at(600), 240.0), 600.0);
        assert_eq!(longest.add(at(601), 240.0), 360.0, "what was needed since");
        assert_eq!(longest.add(at(900), 240.0), 240.0);
        assert_eq!(longest.add(at(2), 120.0), 120.0, "a clock set back starts again");
    }
}
