//! Values as text for people: durations, clock times, ids, names.

use std::borrow::Cow;

use jiff::{Timestamp, tz::TimeZone};

use crate::model::Run;
use crate::protocol::{Phase, WorkflowEvent};
use crate::source::{PollingReason, Updates};
use crate::text;

pub use crate::model::{DisplayName, display_name};
pub use crate::text::{
    ago_words, clock_words, count_words, countdown_words, duration_words, span_words, whole_seconds,
};
pub use crate::time_zone::time_of_day as time_words;

/// Longest id that is written in full, in characters.
const WHOLE_ID: usize = 12;
/// Characters kept at each end of a longer id.
pub const ID_END: usize = 4;

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

/// Formats a number of any size in at most seven characters: `0.83`, `-1.50`, `18.3 M`, `1e300`,
/// `1e-12`; a dash when it is not a number.
pub fn number_words(value: f64) -> String {
    let size = value.abs();
    let scaled = |unit: f64, name: &str| match size / unit {
        ..99.95 => format!("{:.1} {name}", value / unit),
        _ => format!("{:.0} {name}", value / unit),
    };
    match size {
        _ if !value.is_finite() => "–".to_owned(),
        0.0 => "0.00".to_owned(),
        // Below, two decimals would say nothing.
        ..0.005 => format!("{value:.0e}"),
        ..999.995 => format!("{value:.2}"),
        ..999_500.0 => scaled(1e3, "k"),
        ..999_500_000.0 => scaled(1e6, "M"),
        ..999_500_000_000.0 => scaled(1e9, "G"),
        _ => format!("{value:.0e}"),
    }
}

/// Name of a score in words: `section_completeness` → `section completeness`; the total is `score`.
pub fn score_words(name: &str) -> String {
    let words = spaced_words(name);
    if matches!(words.as_str(), "total" | "overall") { "score".to_owned() } else { words }
}

/// Splits a name of code into words: `section_completeness` → `section completeness`.
pub fn spaced_words(name: &str) -> String {
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

/// Name of a run by itself, with ids shortened. Screens name runs by `RunStore::name`, which tells runs
/// apart that look alike.
pub fn run_title(run: &Run) -> String {
    match display_name(run) {
        DisplayName::Title(title) => title.to_owned(),
        DisplayName::SongId(id) | DisplayName::RunId(id) => short_id(id),
    }
}

/// Names in a sentence: all of up to four, else the first two and the number of the others.
pub fn names_words(names: &[&str]) -> String {
    match names {
        [first, second, rest @ ..] if rest.len() > 2 => {
            format!("{first}, {second} and {} more", rest.len())
        }
        names => names.join(", "),
    }
}

/// Display word of an event's phase.
pub fn phase_words(event: &WorkflowEvent) -> Cow<'_, str> {
    match &event.phase {
        Phase::Info => "info".into(),
        Phase::Start => "started".into(),
        Phase::Progress => "progress".into(),
        Phase::End if event.node.is_none() => "finished".into(),
        Phase::End => "done".into(),
        Phase::Fail => "failed".into(),
        Phase::Other(text) => text::one_line(text.as_str()),
    }
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
    fn numbers_of_any_size_take_at_most_seven_characters() {
        let check = |value, expected: &str| assert_eq!(number_words(value), expected);
        check(0.0, "0.00");
        check(-0.0, "0.00");
        check(0.834, "0.83");
        check(-1.5, "-1.50");
        check(0.004, "4e-3");
        check(1e-12, "1e-12");
        check(999.99, "999.99");
        check(999.996, "1.0 k");
        check(18_300_000.0, "18.3 M");
        check(183_400_000.0, "183 M");
        check(999_960_000.0, "1.0 G");
        check(1e12, "1e12");
        check(1e300, "1e300");
        check(-1.7e308, "-2e308");
        check(f64::NAN, "–");
        check(f64::INFINITY, "–");
        for exponent in -320..=308 {
            for sign in [1.0, -1.0] {
                let words = number_words(sign * 9.996 * 10f64.powi(exponent));
                assert!(words.chars().count() <= 7, "{words}");
            }
        }
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
        assert_eq!(score_words("__total__"), "score");
        assert_eq!(score_words("BPM"), "BPM");
        assert_eq!(spaced_words("total"), "total");
        assert_eq!(spaced_words("coverArt-final"), "cover art final");
    }

    #[test]
    fn instants_are_in_the_given_zone() {
        let at: Timestamp = "2025-11-13T20:15:34.25Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(time_words(at, &zone), "21:15:34");
        assert_eq!(instant_words(at, &zone), "2025-11-13 21:15:34.250 +01:00");
    }

    #[test]
    fn multi_line_texts_become_one_line() {
        assert_eq!(one_line("Traceback:\n  File\t\"x\"\r\n"), "Traceback: File \"x\"");
        assert!(one_line(&"word ".repeat(5_000)).len() < 500);
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(names_words(&["A", "B", "C", "D"]), "A, B, C, D");
        assert_eq!(names_words(&["A", "B", "C", "D", "E"]), "A, B and 3 more");
    }
}
