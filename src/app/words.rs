//! Values as text for people: durations, clock times, ids, names.

use std::borrow::Cow;

use jiff::{Timestamp, tz::TimeZone};
use smol_str::SmolStr;

use crate::model::Run;
use crate::protocol::Phase;
use crate::source::{PollingReason, Updates};
use crate::text;

pub use crate::text::duration_words;

/// Longest id that is written in full, in characters.
const WHOLE_ID: usize = 12;
/// Characters kept at each end of a longer id.
pub const ID_END: usize = 4;

/// Formats milliseconds in whole seconds, as a count goes up: `9 s`, `2 min 5 s`.
pub fn whole_seconds(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => duration_words(seconds * 1000),
    }
}

/// Formats milliseconds as [`whole_seconds`], with no-break spaces, for text that is wrapped.
pub fn rough_duration(millis: u64) -> String {
    whole_seconds(millis).replace(' ', "\u{a0}")
}

/// Formats milliseconds as a clock counts them, in whole seconds: `00:48`, `1:02:05`.
pub fn clock_words(millis: u64) -> String {
    let seconds = millis / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    if hours == 0 {
        format!("{minutes:02}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// Formats a time that is left as [`clock_words`], rounded up to whole seconds, so that it ends with `00:01`.
pub fn countdown_words(millis: u64) -> String {
    clock_words(millis.saturating_add(999))
}

/// Formats an age in whole units of its largest one, so that old ages change rarely: `40 s ago`,
/// `3 h ago`.
pub fn ago_words(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

/// Formats milliseconds for little room: `18.4 s` under a minute, then `02:05`.
pub fn brief_duration(millis: u64) -> String {
    if millis < 59_500 { duration_words(millis) } else { clock_words(millis.saturating_add(500)) }
}

/// Time of day in a time zone: `21:15:34`.
pub fn time_words(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Sentence for the band while updates arrive by polling, because no socket can be had, or not at all;
/// `None` while they are live or polling was chosen, which the connection light shows.
pub fn updates_words(updates: &Updates, zone: &TimeZone) -> Option<String> {
    match updates {
        Updates::Live => None,
        Updates::Polling(polling) => match polling.reason {
            PollingReason::Safety => None,
            PollingReason::NoSockets => Some(polling.words()),
        },
        Updates::Unanswered { since } => {
            Some(Updates::unanswered_words(Some(&time_words(*since, zone))))
        }
        Updates::Cut { since, reason } => {
            Some(Updates::cut_words(Some(&time_words(*since, zone)), reason))
        }
    }
}

/// Date, time with milliseconds, and offset: `2025-11-13 21:15:34.250 +01:00`.
pub fn instant_words(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}

/// Shortens an id to its ends, `f1a9…7d93`; ids of up to 12 characters stay whole.
pub fn short_id(id: &str) -> String {
    let id = crate::text::name(id);
    let length = id.chars().count();
    if length <= WHOLE_ID {
        return id.into_owned();
    }
    let head: String = id.chars().take(ID_END).collect();
    let tail: String = id.chars().skip(length - ID_END).collect();
    format!("{head}…{tail}")
}

/// Name of a score in words: `section_completeness` → `section completeness`.
pub fn score_words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.chars() {
        if matches!(c, '_' | '-' | '.' | ' ') {
            if !words.is_empty() && !words.ends_with(' ') {
                words.push(' ');
            }
            after_lower = false;
        } else if c.is_uppercase() && after_lower {
            words.push(' ');
            words.extend(c.to_lowercase());
            after_lower = false;
        } else {
            words.push(c);
            after_lower = c.is_lowercase();
        }
    }
    words.truncate(words.trim_end().len());
    words
}

/// Text that a run is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayName<'a> {
    Title(&'a str),
    SongId(&'a str),
    RunId(&'a str),
}

/// Text that a run is named by: its song's title, else its song's id, else its own id.
pub fn display_name(run: &Run) -> DisplayName<'_> {
    fn told(text: &Option<SmolStr>) -> Option<&str> {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
    match (told(&run.song_title), told(&run.song_id)) {
        (Some(title), _) => DisplayName::Title(title),
        (None, Some(song_id)) => DisplayName::SongId(song_id),
        (None, None) => DisplayName::RunId(run.id()),
    }
}

/// Name of a run by itself, with ids shortened. Screens name runs by `RunStore::name`, which tells runs
/// apart that look alike.
pub fn run_title(run: &Run) -> String {
    match display_name(run) {
        DisplayName::Title(title) => title.to_owned(),
        DisplayName::SongId(id) | DisplayName::RunId(id) => short_id(id),
    }
}

/// Display word of an event's phase.
pub fn phase_words(phase: &Phase) -> Cow<'_, str> {
    match phase {
        Phase::Info => "info".into(),
        Phase::Start => "started".into(),
        Phase::Progress => "progress".into(),
        Phase::End => "done".into(),
        Phase::Fail => "failed".into(),
        Phase::Other(text) => text.as_str().into(),
    }
}

/// Formats a count with its thousands set apart: `12 034`.
pub fn count_words(count: u64) -> String {
    let digits = count.to_string();
    let mut words = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            // Narrow no-break space.
            words.push('\u{202f}');
        }
        words.push(digit);
    }
    words
}

/// Joins a text into one line, with one space for each run of white space, and cuts it after about 400
/// bytes, which is longer than any line on screen.
pub fn one_line(text: &str) -> String {
    text::single_spaced(text, 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let check = |millis, expected: &str| assert_eq!(duration_words(millis), expected);
        check(0, "0 ms");
        check(84, "84 ms");
        check(100, "0.1 s");
        check(1_949, "1.9 s");
        check(1_950, "2.0 s");
        check(18_400, "18.4 s");
        check(19_949, "19.9 s");
        check(19_950, "20 s");
        check(33_200, "33 s");
        check(59_499, "59 s");
        check(59_500, "1 min");
        check(125_000, "2 min 5 s");
        check(3_599_600, "1 h");
        check(3_720_000, "1 h 2 min");
        assert_eq!(duration_words(u64::MAX), "213503982334 d 14 h");
    }

    #[test]
    fn rough_durations_have_no_tenths_and_do_not_break() {
        let check = |millis, expected: &str| assert_eq!(rough_duration(millis), expected);
        check(0, "0\u{a0}s");
        check(9_999, "9\u{a0}s");
        check(38_200, "38\u{a0}s");
        check(125_000, "2\u{a0}min\u{a0}5\u{a0}s");
    }

    #[test]
    fn clock_durations_are_in_whole_seconds() {
        let check = |millis, expected: &str| assert_eq!(clock_words(millis), expected);
        check(0, "00:00");
        check(48_999, "00:48");
        check(135_000, "02:15");
        check(3_725_000, "1:02:05");
        assert_eq!(brief_duration(59_499), "59 s");
        assert_eq!(brief_duration(59_500), "01:00");
    }

    #[test]
    fn long_ids_keep_their_ends() {
        assert_eq!(short_id("run-123"), "run-123");
        assert_eq!(short_id("f1a9c2d4-5b6e-4f70-8a9b-0c1d2e3f7d93"), "f1a9…7d93");
        assert_eq!(short_id("äöüßäöüßäöüßäöü"), "äöüß…ßäöü");
        assert_eq!(short_id(""), "");
    }

    #[test]
    fn score_names_are_words() {
        assert_eq!(score_words("section_completeness"), "section completeness");
        assert_eq!(score_words("hookDensity"), "hook density");
        assert_eq!(score_words("__total__"), "total");
        assert_eq!(score_words("BPM"), "BPM");
    }

    #[test]
    fn instants_are_in_the_given_zone() {
        let at: Timestamp = "2025-11-13T20:15:34.25Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(time_words(at, &zone), "21:15:34");
        assert_eq!(instant_words(at, &zone), "2025-11-13 21:15:34.250 +01:00");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count_words(7), "7");
        assert_eq!(count_words(1204), "1\u{202f}204");
        assert_eq!(count_words(12_034_567), "12\u{202f}034\u{202f}567");
    }

    #[test]
    fn multi_line_texts_become_one_line() {
        assert_eq!(one_line("Traceback:\n  File\t\"x\"\r\n"), "Traceback: File \"x\"");
        assert!(one_line(&"word ".repeat(5_000)).len() < 500);
    }
}
