//! Durations, ages and counts as people read them, on screens, in tables and in logs: `0:48`, `6.2 s`,
//! `40 s ago`, `12,034`. The only place for these formats.

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Formats milliseconds as a clock counts them, in whole seconds: `0:48`, `1:02:05`; from a day on in
/// days and hours, `5 d 2 h`.
pub fn clock_words(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..HOUR => format!("{}:{:02}", seconds / MINUTE, seconds % MINUTE),
        HOUR..DAY => {
            let (hours, rest) = (seconds / HOUR, seconds % HOUR);
            format!("{hours}:{:02}:{:02}", rest / MINUTE, rest % MINUTE)
        }
        // Whole hours, because a count never runs ahead of the time.
        _ => match seconds % DAY / HOUR {
            0 => format!("{} d", seconds / DAY),
            hours => format!("{} d {hours} h", seconds / DAY),
        },
    }
}

/// Formats a duration that stands beside times of day: as [`clock_words`], but from an hour on with its
/// units, `2 h 14 min`, because `2:14:07` would read as one of them.
pub fn span_words(millis: u64) -> String {
    if millis / 1000 < HOUR { clock_words(millis) } else { length_words(millis) }
}

/// Formats a time to go as [`clock_words`], rounded up to whole seconds, so that it ends with `0:01`.
pub fn countdown_words(millis: u64) -> String {
    clock_words(millis.saturating_add(999))
}

/// Formats the duration of something that is over, rounded: `6.2 s` under 10 s, where tenths tell two
/// steps apart, then as [`clock_words`].
pub fn duration_words(millis: u64) -> String {
    let tenths = millis.saturating_add(50) / 100;
    match tenths {
        0..100 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => clock_words(millis.saturating_add(500)),
    }
}

/// Formats a wait for a sentence, in whole seconds: `12 s`, from a minute on as [`clock_words`].
pub fn whole_seconds(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..MINUTE => format!("{seconds} s"),
        _ => clock_words(millis),
    }
}

/// Formats a length of time for a sentence in which a clock's figures would read as a time of day, in its
/// two largest units: `40 s`, `10 min`, `2 h 5 min`, `400 d`.
pub fn length_words(millis: u64) -> String {
    let seconds = millis.saturating_add(500) / 1000;
    let (large, small) = match seconds {
        0..MINUTE => ((seconds, "s"), (0, "")),
        MINUTE..HOUR => ((seconds / MINUTE, "min"), (seconds % MINUTE, "s")),
        HOUR..DAY => ((seconds / HOUR, "h"), (seconds % HOUR / MINUTE, "min")),
        _ => ((seconds / DAY, "d"), (seconds % DAY / HOUR, "h")),
    };
    match small {
        (0, _) => format!("{} {}", large.0, large.1),
        (number, unit) => format!("{} {} {number} {unit}", large.0, large.1),
    }
}

/// Formats an age in whole units of its largest one, so that old ages change rarely: `40 s ago`,
/// `5 min ago`, `3 h ago`, `2 d ago`.
pub fn ago_words(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..MINUTE => format!("{seconds} s ago"),
        seconds @ MINUTE..HOUR => format!("{} min ago", seconds / MINUTE),
        seconds @ HOUR..DAY => format!("{} h ago", seconds / HOUR),
        seconds => format!("{} d ago", seconds / DAY),
    }
}

/// Formats a count with commas between its thousands: `12,034`.
pub fn count_words(count: u64) -> String {
    let digits = count.to_string();
    let mut words = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// Writes a number of bytes for people.
pub fn size_words(bytes: u64) -> String {
    let tenths = |unit: u32| bytes.saturating_mul(10) >> unit;
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{}.{} GiB", tenths(30) / 10, tenths(30) % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_for_sentences_have_their_two_largest_units() {
        let check = |seconds: u64, expected| assert_eq!(length_words(seconds * 1000), expected);
        check(0, "0 s");
        check(40, "40 s");
        check(600, "10 min");
        check(605, "10 min 5 s");
        check(7_500, "2 h 5 min");
        check(400 * 86_400, "400 d");
        check(90_000, "1 d 1 h");
    }

    const MINUTE_MS: u64 = MINUTE * 1000;
    const HOUR_MS: u64 = HOUR * 1000;
    const DAY_MS: u64 = DAY * 1000;

    #[test]
    fn clocks_count_minutes_then_hours_then_days() {
        let check = |millis, expected: &str| assert_eq!(clock_words(millis), expected);
        check(0, "0:00");
        check(48_999, "0:48");
        check(135_000, "2:15");
        check(HOUR_MS - 1, "59:59");
        check(HOUR_MS, "1:00:00");
        check(3_725_000, "1:02:05");
        check(DAY_MS - 1, "23:59:59");
        check(DAY_MS, "1 d");
        check(5 * DAY_MS + 2 * HOUR_MS, "5 d 2 h");
        check(5 * DAY_MS + 2 * HOUR_MS - 1, "5 d 1 h");
        check(u64::MAX, "213503982334 d 14 h");
    }

    #[test]
    fn durations_beside_times_of_day_have_units_from_an_hour_on() {
        let words = [3_599_999, 3_600_000, 8_047_000, 86_400_000].map(span_words);
        assert_eq!(words, ["59:59", "1 h", "2 h 14 min", "1 d"]);
    }

    #[test]
    fn countdowns_end_with_one_second() {
        let check = |millis, expected: &str| assert_eq!(countdown_words(millis), expected);
        check(0, "0:00");
        check(1, "0:01");
        check(107_000, "1:47");
        check(u64::MAX, "213503982334 d 14 h");
    }

    #[test]
    fn durations_have_tenths_only_under_ten_seconds() {
        let check = |millis, expected: &str| assert_eq!(duration_words(millis), expected);
        check(0, "0.0 s");
        check(84, "0.1 s");
        check(1_949, "1.9 s");
        check(9_949, "9.9 s");
        check(9_950, "0:10");
        check(18_400, "0:18");
        check(59_500, "1:00");
        check(125_000, "2:05");
        check(HOUR_MS - 400, "1:00:00");
        check(DAY_MS + 3 * HOUR_MS, "1 d 3 h");
        check(u64::MAX, "213503982334 d 14 h");
    }

    #[test]
    fn waits_in_a_sentence_have_seconds_under_a_minute() {
        let check = |millis, expected: &str| assert_eq!(whole_seconds(millis), expected);
        check(999, "0 s");
        check(12_900, "12 s");
        check(MINUTE_MS, "1:00");
        check(HOUR_MS, "1:00:00");
    }

    #[test]
    fn ages_have_one_unit() {
        let check = |millis, expected: &str| assert_eq!(ago_words(millis), expected);
        check(40_999, "40 s ago");
        check(5 * MINUTE_MS, "5 min ago");
        check(HOUR_MS - 1, "59 min ago");
        check(23 * HOUR_MS, "23 h ago");
        check(DAY_MS, "1 d ago");
        check(50 * HOUR_MS, "2 d ago");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count_words(7), "7");
        assert_eq!(count_words(1204), "1,204");
        assert_eq!(count_words(12_034_567), "12,034,567");
    }
}
