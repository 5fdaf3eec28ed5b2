//! Tests of the readings: what the needle says, what the scale covers, and how success is told.

use jiff::SignedDuration;

use super::super::light::{Light, LightView};
use super::*;
use crate::app::views::wall::wall_index::WallIndex;
use crate::model::Retention;
use crate::protocol::Batch;

const RECEPTION: Reception =
    Reception { is_rate_known: true, is_polled: false, is_silent: false, is_live: true };

fn at(second: i64) -> Timestamp {
    "2026-11-23T01:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

fn counts(model: &Model, server_now: Timestamp) -> RunCounts {
    RunCounts::of(model, &WallIndex::default(), server_now)
}

fn readings_of(ended: &[(&str, i64)]) -> [Reading; 4] {
    let mut model = Model::new(Retention::EVERYTHING);
    let mut batch = Batch::new(at(0), false);
    for (number, (phase, second)) in ended.iter().enumerate() {
        let at = at(*second);
        batch.push_text(&format!(
            r#"{{"ts":"{at}","run_id":"{number}","phase":"{phase}","duration_ms":125000}}"#
        ));
    }
    model.receive(batch, |_, _| ());
    let (history, now) = (History::after(None, &model, false, at(3599)), at(3599));
    readings(&model, &history, &counts(&model, now), RECEPTION, now)
}

/// Reads a value as it is printed; `None` for a dash.
fn printed(value: &str) -> Option<f64> {
    let number = |text: &str| text.replace(',', "").parse::<f64>().unwrap();
    match value.split_once([':', ' ']) {
        _ if value == "–" => None,
        Some((_, "%")) => Some(number(value.trim_end_matches(" %"))),
        Some((_, "M")) => Some(number(value.trim_end_matches(" M")) * 1e6),
        Some((completed, of)) if of.starts_with("of ") => {
            Some(number(completed) / number(&of[3..]) * 100.0)
        }
        Some(_) if value.contains(':') => {
            Some(value.split(':').fold(0.0, |sum, part| sum * 60.0 + number(part)))
        }
        _ => Some(number(value)),
    }
}

#[track_caller]
fn assert_needle_is_at_value(reading: &Reading) {
    let Some(value) = printed(&reading.value) else {
        assert!(reading.needle.is_none_or(|needle| needle == 0.0), "{reading:?}");
        return;
    };
    let Scale { from, to, .. } = reading.scale;
    let needle = f64::from(reading.needle.unwrap());
    let said = from + needle * (to - from);
    assert!((said - value).abs() <= (to - from) * 1e-6, "{said} beside {value}: {reading:?}");
    // The numerals are the numbers at their places.
    let [start, _, end] = &reading.scale.numerals;
    assert!(start == "0" || printed(start) == Some(from), "{reading:?}");
    if let Ok(end) = end.parse::<f64>() {
        assert_eq!(end, to);
    }
}

fn random_count(rng: &mut fastrand::Rng) -> usize {
    10f64.powf(rng.f64() * 6.5) as usize - 1
}

/// Returns readings of any size, as a connection in this state shows them.
pub(in super::super) fn random(rng: &mut fastrand::Rng, light: &LightView) -> [Reading; 4] {
    let history = History {
        busiest: random_count(rng) as u32,
        most_running: random_count(rng) as u32,
        time_end: [0.0, 240.0, 7_200.0][rng.usize(0..3)],
        ..History::default()
    };
    let (few, many) = (rng.usize(0..12), random_count(rng));
    let active = random_count(rng);
    let counts = RunCounts {
        active,
        silent: if rng.u8(0..6) == 0 { active } else { 0 },
        completed: if rng.bool() { few } else { many },
        failed: if rng.bool() { rng.usize(0..12) } else { random_count(rng) },
        watched_min: [None, Some(4)][rng.usize(0..2)],
        ..RunCounts::default()
    };
    let rate = rng.f64() * 10f64.powf(rng.f64() * 6.5);
    let reception = Reception {
        is_rate_known: !light.state.is_lost() && rng.u8(0..8) > 0,
        is_polled: matches!(light.state, Light::Polling | Light::PollingInstead),
        is_silent: light.state == Light::NoNews,
        is_live: rng.bool(),
    };
    let p50_ms = random_count(rng) as u64 * 10;
    let p95_ms = p50_ms + random_count(rng) as u64 * 3;
    let baseline = (rng.u8(0..8) > 0).then_some(Baseline { p50_ms, p95_ms, samples: 20 });
    [
        events(Some(rate), &history, reception, 10),
        running(&counts, &history, reception, 10),
        success(&counts),
        run_time(baseline, &history),
    ]
}

#[test]
fn needle_is_at_the_printed_value_and_the_scale_covers_the_peak() {
    let mut rng = fastrand::Rng::with_seed(15);
    let light = LightView { state: Light::Live, ..LightView::default() };
    for _ in 0..20_000 {
        for reading in random(&mut rng, &light) {
            assert_needle_is_at_value(&reading);
            let Some(Mark { place, .. }) = reading.mark else { continue };
            assert!(place < 0.96, "the mark is on the scale: {reading:?}");
            // Printed numbers are rounded, so the needle may pass the peak by a rounding.
            let needle = reading.needle.unwrap();
            assert!(needle <= place + 0.03, "nothing is beyond its peak: {reading:?}");
        }
    }
}

#[test]
fn success_of_few_runs_is_a_count_and_of_ten_a_percentage() {
    let said = |completed: usize, failed: usize| {
        let reading = success(&RunCounts { completed, failed, ..RunCounts::default() });
        assert_needle_is_at_value(&reading);
        (reading.value.clone(), reading.scale.from, reading.is_hot, reading.note[0].clone())
    };
    let is =
        |value: &str, from, is_hot, note: &str| (value.to_owned(), from, is_hot, note.to_owned());
    assert_eq!(said(0, 0), is("–", 50.0, false, "no run ended yet"));
    assert_eq!(said(3, 2), is("3 of 5", 0.0, false, "2 of 5 failed"));
    assert_eq!(said(0, 9), is("0 of 9", 0.0, false, "9 of 9 failed"));
    assert_eq!(said(9, 1), is("90 %", 50.0, false, "1 of 10 failed"));
    assert_eq!(said(31, 2), is("94 %", 50.0, false, "2 of 33 failed"));
    assert_eq!(said(7, 3), is("70 %", 50.0, true, "3 of 10 failed"));
    assert_eq!(said(4, 6), is("40 %", 0.0, true, "6 of 10 failed"));
    assert_eq!(said(10, 0), is("100 %", 50.0, false, "0 of 10 failed"));
    assert_eq!(said(6_500, 300), is("96 %", 50.0, false, "300 of 6,800 failed"));
}

#[test]
fn success_is_100_percent_only_when_none_failed_and_0_only_when_all_did() {
    let value =
        |completed, failed| success(&RunCounts { completed, failed, ..RunCounts::default() }).value;
    assert_eq!(value(9_999, 1), "99 %");
    assert_eq!(value(199, 1), "99 %");
    assert_eq!(value(1, 9_999), "1 %");
    assert_eq!(value(0, 10_000), "0 %");
    assert_eq!(value(10_000, 0), "100 %");
}

#[test]
fn danger_zone_ends_at_75_percent_of_either_scale() {
    for (completed, failed) in [(0, 0), (3, 2), (31, 2), (4, 6)] {
        let reading = success(&RunCounts { completed, failed, ..RunCounts::default() });
        let Scale { from, to, .. } = reading.scale;
        let end = from + f64::from(reading.danger.unwrap()) * (to - from);
        assert!((end - 75.0).abs() < 1e-4, "{reading:?}");
    }
}

#[test]
fn success_names_the_hour_only_when_it_is_known() {
    let label = |watched_min| {
        success(&RunCounts { watched_min, ..RunCounts::default() }).label.swap_remove(0)
    };
    assert_eq!([label(None), label(Some(59))], ["success, 1 h", "success"]);
}

#[test]
fn peaks_are_named_with_the_period_they_are_known_for() {
    let history = History { busiest: 1_234, most_running: 9, ..History::default() };
    let events = events(Some(800.4), &history, RECEPTION, 10);
    assert_eq!(events.value, "800");
    assert_eq!(events.note, ["peak 1,234 in last 10 min", "peak 1,234"]);
    assert_eq!(events.scale.numerals, ["0", "1k", "2k"]);
    let counts = RunCounts { active: 6, ..RunCounts::default() };
    let running = running(&counts, &history, RECEPTION, 4);
    assert_eq!(running.note, ["peak 9 in last 4 min", "peak 9"]);
    for reading in [events, running] {
        assert_eq!(reading.mark.unwrap().kind, MarkKind::Peak);
        assert!(reading.is_mark_named);
    }
}

#[test]
fn running_runs_without_news_are_told_in_place_of_the_peak() {
    let history = History { most_running: 12, ..History::default() };
    let note = |active, silent, is_silent| {
        let counts = RunCounts { active, silent, ..RunCounts::default() };
        let reading = running(&counts, &history, Reception { is_silent, ..RECEPTION }, 10);
        assert!(reading.mark.is_some());
        assert_eq!(reading.is_mark_named, reading.note[0].starts_with("peak"));
        reading.note[0].clone()
    };
    assert_eq!(note(9, 0, true), "all without news");
    assert_eq!(note(9, 9, false), "all without news");
    assert_eq!(note(9, 8, false), "peak 12 in last 10 min");
    assert_eq!(note(0, 0, true), "peak 12 in last 10 min");
}

#[test]
fn rate_is_a_dash_until_a_whole_window_was_measured() {
    let told = |second: i64, live: bool| {
        let mut batch = Batch::new(at(0), live);
        batch.push_text(&format!(r#"{{"run_id":"r","phase":"start","ts":"{}"}}"#, at(0)));
        let mut model = Model::new(Retention::EVERYTHING);
        model.receive(batch, |_, _| ());
        let (history, now) = (History::after(None, &model, false, at(second)), at(second));
        let [events, ..] = readings(&model, &history, &counts(&model, now), RECEPTION, now);
        (events.value, events.note[0].clone())
    };
    let words = |value: &str, note: &str| (value.to_owned(), note.to_owned());
    assert_eq!(told(4, false), words("–", "measuring"));
    assert_eq!(told(5, false), words("0.0", "none so far"));
    assert_eq!(told(3, true), words("0.2", "peak 1 in last 1 min"));
}

#[test]
fn meters_without_runs_show_no_values() {
    let [events, running, success, run_time] = readings_of(&[]);
    assert_eq!((events.value.as_str(), events.note[0].as_str()), ("0.0", "none so far"));
    assert_eq!((running.value.as_str(), running.note[0].as_str()), ("0", ""));
    for reading in [&success, &run_time] {
        assert_eq!((reading.value.as_str(), reading.needle), ("–", None));
    }
    assert_eq!(success.note[0], "no run ended yet");
    assert_eq!(run_time.note[0], "no run finished yet");
    for reading in [events, running, success, run_time] {
        assert_eq!((reading.mark, reading.is_hot, reading.alarming), (None, false, false));
    }
}

#[test]
fn failures_of_the_last_hour_and_usual_times_are_told() {
    let [_, _, success, run_time] =
        readings_of(&[("end", 10), ("fail", 20), ("end", 3590), ("end", 3595)]);
    assert_eq!(success.value, "3 of 4");
    assert_eq!(success.note, ["1 of 4 failed", "1 failed"]);
    assert!(success.alarming && !success.is_hot);
    assert_eq!(
        (run_time.label[0].as_str(), run_time.value.as_str()),
        ("usual run, last 3 runs", "2:05")
    );
    assert_eq!(run_time.note[0], "slowest 5 %: 2:05");
    assert_eq!(run_time.scale.numerals, ["0", "2:00", "4:00"]);
    assert_eq!(run_time.mark.unwrap().kind, MarkKind::Limit);
}

#[test]
fn scale_of_events_grows_at_once_and_shrinks_after_ten_minutes() {
    let mut model = Model::new(Retention::EVERYTHING);
    let mut send = |second, count: usize| {
        let mut batch = Batch::new(at(second), true);
        for number in 0..count {
            let (at, id) = (at(second), format!("{second}-{number}"));
            batch.push_text(&format!(
                r#"{{"ts":"{at}","run_id":"r","phase":"info","event_id":"{id}"}}"#
            ));
        }
        model.receive(batch, |_, _| ());
        let history = History::after(None, &model, false, at(second));
        let [events, ..] =
            readings(&model, &history, &counts(&model, at(second)), RECEPTION, at(second));
        events.scale.to
    };
    assert_eq!(send(0, 3), 4.0);
    assert_eq!(send(1, 90), 100.0, "at once");
    assert_eq!(send(2, 3), 100.0);
    assert_eq!(send(600, 3), 100.0);
    assert_eq!(send(602, 3), 4.0, "after ten minutes");
}

#[test]
fn event_rate_counts_live_events_only_and_is_a_dash_when_unknown() {
    let mut model = Model::new(Retention::EVERYTHING);
    for (live, id) in [(false, 1), (false, 2), (false, 3), (true, 4)] {
        let mut batch = Batch::new(at(100), live);
        batch.push_text(&format!(
            r#"{{"ts":"{}","run_id":"r","phase":"info","event_id":"{id}"}}"#,
            at(100)
        ));
        model.receive(batch, |_, _| ());
    }
    let history = History::after(None, &model, false, at(100));
    assert_eq!(history.busiest, 1);
    let counts = counts(&model, at(100));
    let [known, ..] = readings(&model, &history, &counts, RECEPTION, at(100));
    assert_eq!(known.note[0], "peak 1 in last 1 min");
    let lost = Reception { is_rate_known: false, ..RECEPTION };
    let [unknown, ..] = readings(&model, &history, &counts, lost, at(100));
    assert_eq!((unknown.value.as_str(), unknown.needle), ("–", Some(0.0)));
    let polled = Reception { is_polled: true, ..lost };
    let [unknown, ..] = readings(&model, &History::default(), &counts, polled, at(200));
    assert_eq!((unknown.value.as_str(), unknown.note[0].as_str()), ("–", "not known when polled"));
}

#[test]
fn rate_is_a_dash_from_the_change_to_polling_until_an_event_arrives() {
    let mut model = Model::new(Retention::EVERYTHING);
    let mut history = None;
    let send = |model: &mut Model, second| {
        let mut batch = Batch::new(at(second), true);
        let at = at(second);
        batch.push_text(&format!(
            r#"{{"ts":"{at}","run_id":"r","phase":"info","event_id":"{second}"}}"#
        ));
        model.receive(batch, |_, _| ());
    };
    let mut knows = |model: &Model, is_polled, second| {
        let after = History::after(history.take(), model, is_polled, at(second));
        let knows = after.reports_events;
        history = Some(after);
        knows
    };
    send(&mut model, 100);
    assert!(!knows(&model, false, 100));
    // The stream broke off, and the backend is polled instead.
    for second in 101..110 {
        assert!(!knows(&model, true, second), "{second}");
    }
    // A run has a socket after all.
    send(&mut model, 110);
    assert!(knows(&model, true, 110));
    assert!(knows(&model, true, 160));
    assert!(!knows(&model, true, 172), "it is gone again");
    send(&mut model, 180);
    assert!(!knows(&model, false, 180));
    assert!(!knows(&model, true, 181), "a second change");
    // A display that begins with polling has no events of before.
    assert!(History::after(None, &model, true, at(181)).reports_events);
}
