//! The history: each execution counts once whatever the order of arrival, parts add up, and a period is
//! compared with the one before.

use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use meterbridge::history::{
    Bucket, Change, History, Last, Level, Part, Period, RIDGE_PARTS, SummaryRows, summary_of,
    write_csv, write_table,
};
use meterbridge::inspect::Style;
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::Batch;
use meterbridge::time_zone::DisplayZone;

use crate::support::{fixture, model_of};

const TRANSCRIPTS: &str = "tests/fixtures/transcripts";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> DisplayZone {
    name.parse().unwrap()
}

/// Returns the frames of a recorded transcript, without what a recorder notes between them.
fn transcript(name: &str) -> Vec<String> {
    let path = fixture("transcripts").join(format!("{name}.ndjson"));
    let frames = std::fs::read_to_string(path).unwrap();
    let text = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["text"].as_str().map(str::to_owned)
    };
    frames.lines().filter_map(text).collect()
}

fn transcripts() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(TRANSCRIPTS)
        .unwrap()
        .filter_map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".ndjson").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    names
}

/// Returns the history of a model in its final state.
fn history_of(model: &Model) -> History {
    let mut history = History::default();
    for run in model.runs() {
        history.note(run, None);
    }
    history
}

/// Returns the history of frames that arrive one after the other, noted after each.
fn noted_along(frames: &[String]) -> History {
    let mut model = Model::new(Retention::EVERYTHING);
    let mut history = History::default();
    for frame in frames {
        let mut batch = Batch::new(at("2026-11-23T01:10:00Z"), true);
        batch.push_text(frame);
        let mut touched = Vec::new();
        model.receive(batch, |_, change| touched.push(change.run_id));
        for run in touched {
            history.note(model.run(&run).unwrap(), None);
        }
    }
    history
}

/// An event of a run; `rest` is further JSON.
fn event(run: &str, node: Option<&str>, phase: &str, at: Timestamp, rest: &str) -> String {
    let node = node.map(|node| format!(r#""node_name":"{node}","#)).unwrap_or_default();
    format!(r#"{{"ts":"{at}","run_id":"{run}",{node}"phase":"{phase}"{rest}}}"#)
}

/// A run that ends at an instant: its RENDER takes so many seconds and all of it twice as long. `error`
/// fails it in RENDER.
fn run(id: &str, end: Timestamp, render: i64, error: Option<&str>) -> Vec<String> {
    let before = |seconds: i64| end - SignedDuration::from_secs(seconds);
    let took = format!(r#","duration_ms":{}"#, render * 1_000);
    let mut events = vec![
        event(id, None, "start", before(2 * render), ""),
        event(id, Some("RENDER"), "start", before(render), ""),
    ];
    match error {
        None => {
            events.push(event(id, Some("RENDER"), "end", end, &took));
            events.push(event(id, None, "end", end, ""));
        }
        Some(error) => {
            let error = format!(r#","data":{{"error":"{error}"}}"#);
            events.push(event(id, Some("RENDER"), "fail", end, &error));
            events.push(event(id, None, "fail", end, &error));
        }
    }
    events
}

/// Returns every part of time with its begin, of both levels that count a run.
fn parts_of(history: &History) -> Vec<(Timestamp, Bucket)> {
    let mut parts = Vec::new();
    for fine in [false, true] {
        let all = history.slices(Timestamp::MIN, Timestamp::MAX, fine);
        all.each(|at, bucket| parts.push((at, bucket)));
    }
    parts
}

#[test]
fn every_order_of_arrival_gives_the_same_history() {
    let mut random = Rng::with_seed(16);
    for name in transcripts() {
        let mut frames = transcript(&name);
        let expected = parts_of(&history_of(&model_of(&frames)));
        assert_eq!(parts_of(&noted_along(&frames)), expected, "{name}");
        for _ in 0..3 {
            random.shuffle(&mut frames);
            assert_eq!(parts_of(&noted_along(&frames)), expected, "{name}");
        }
        // A connection that repeats everything adds nothing.
        let twice: Vec<String> = frames.iter().chain(&frames).cloned().collect();
        assert_eq!(parts_of(&noted_along(&twice)), expected, "{name}");
    }
}

#[test]
fn run_that_goes_on_after_its_cancellation_counts_by_its_end() {
    let end = at("2026-11-23T10:10:00Z");
    let mut frames = run("r", end, 60, None);
    let cancelled = r#","data":{"status":"cancelled"}"#;
    frames.insert(2, event("r", None, "info", end - SignedDuration::from_secs(30), cancelled));
    assert_eq!(noted_along(&frames[..3]).total().cancelled, 1);
    let history = noted_along(&frames);
    let total = history.total();
    assert_eq!((total.finished, total.cancelled), (1, 0));
    assert_eq!(total.steps["RENDER"].count(), 1);
}

#[test]
fn each_execution_of_a_run_counts_and_a_late_event_replaces_what_it_corrects() {
    let first = at("2026-11-23T10:10:00Z");
    let mut frames = run("r", first, 60, Some("quota 7 exceeded"));
    frames.extend(run("r", first + SignedDuration::from_mins(40), 50, None));
    let mut model = model_of(&frames);
    let mut history = history_of(&model);
    let total = history.total();
    assert_eq!((total.finished, total.failed), (1, 1));
    let (cause, count) = total.causes.first_key_value().unwrap();
    assert_eq!(
        (cause.step.as_deref(), cause.reason.as_str()),
        (Some("RENDER"), "quota # exceeded")
    );
    assert_eq!((count.count, count.example.as_str()), (1, "quota 7 exceeded"));
    assert_eq!(history.size().0, 4, "two parts of five and two of fifteen minutes");
    // The same once more changes nothing.
    assert!(!history.note(model.run("r").unwrap(), None));
    history.take_changes();
    // An event that comes late: another attempt of RENDER.
    let late = first + SignedDuration::from_mins(39);
    crate::support::feed(
        &mut model,
        [
            event("r", Some("PLAN"), "start", late, ""),
            event("r", Some("PLAN"), "end", late, r#","duration_ms":1200"#),
        ],
    );
    assert!(history.note(model.run("r").unwrap(), None));
    let total = history.total();
    assert_eq!((total.finished, total.failed, total.steps["PLAN"].count()), (1, 1, 1));
    assert_eq!(history.take_changes().runs.len(), 1);
    let last = first + SignedDuration::from_mins(40);
    assert_eq!(history.last_end(&"r".into()).map(|at| at.as_second()), Some(last.as_second()));
    assert_eq!(history.last_end(&"s".into()), None);
}

#[test]
fn parts_add_up_to_the_part_of_all_runs() {
    let mut random = Rng::with_seed(3);
    let begin = at("2026-11-23T00:00:00Z");
    let reasons = ["quota 5 exceeded", "no answer in 30 s", "genre not found", "out of memory"];
    let runs: Vec<Vec<String>> = (0..400)
        .map(|nth| {
            let end = begin + SignedDuration::from_secs(random.i64(0..6 * 3_600));
            let error = (random.u8(..5) == 0).then(|| reasons[random.usize(..4)]);
            run(&format!("r-{nth}"), end, random.i64(1..200), error)
        })
        .collect();
    let all = history_of(&model_of(runs.iter().flatten()));
    let mut sum = Bucket::default();
    for part in runs.chunks(77) {
        sum.merge(&history_of(&model_of(part.iter().flatten())).total());
    }
    assert_eq!(sum, all.total());
    // Each level has every run once.
    for fine in [false, true] {
        let mut sum = Bucket::default();
        all.slices(Timestamp::MIN, Timestamp::MAX, fine).each(|_, part| sum.merge(&part));
        assert_eq!(sum, all.total());
    }
}

#[test]
fn what_was_written_is_read_as_it_was_and_goes_on() {
    let end = at("2026-11-23T10:10:00Z");
    let early = run("r", end, 60, Some("quota 7 exceeded"));
    let mut model = model_of(&early);
    let mut history = history_of(&model);
    let mut restored = History::default();
    for (level, begin, bytes) in history.take_changes().buckets {
        assert!(restored.restore_bucket(level, begin, &bytes.unwrap()));
    }
    history.note(model.run("r").unwrap(), None);
    assert!(history.take_changes().is_empty(), "nothing has changed");
    // Without what the run contributed, it would count once more: that is written, too.
    let mut fresh = history_of(&model);
    for (run, bytes) in fresh.take_changes().runs {
        assert!(restored.restore_run(run, &bytes.unwrap()));
    }
    assert!(!restored.note(model.run("r").unwrap(), None));
    crate::support::feed(&mut model, run("r", end + SignedDuration::from_mins(9), 60, None));
    assert!(restored.note(model.run("r").unwrap(), None));
    assert_eq!((restored.total().finished, restored.total().failed), (1, 1));
    assert!(!restored.restore_bucket(Level::Hour, 60, b"\x01"), "no begin of an hour");
    assert!(!restored.restore_run("r".into(), b"nonsense"));
}

#[test]
fn run_that_returns_after_it_was_dropped_counts_only_what_is_new() {
    let end = at("2026-11-23T10:10:00Z");
    let mut frames = run("r", end, 60, None);
    let mut history = history_of(&model_of(&frames));
    history.forget(&"r".into());
    frames.extend(run("r", end + SignedDuration::from_hours(10), 50, None));
    let model = model_of(&frames);
    history.note(model.run("r").unwrap(), Some(end));
    assert_eq!(history.total().finished, 2);
    history.note(model.run("r").unwrap(), Some(end));
    assert_eq!(history.total().finished, 2);
}

#[test]
fn old_parts_are_added_up_to_hours_and_dropped_at_last() {
    let now = at("2026-11-23T10:00:00Z");
    let ages = [0, 2, 4, 50, 99, 101, 150, 399, 401, 900];
    let ended = |days: i64| now - SignedDuration::from_hours(24 * days);
    let runs = ages.iter().flat_map(|days| {
        let id = format!("r-{days}");
        let mut all = run(&id, ended(*days), 60, None);
        all.extend(run(&format!("{id}-b"), ended(*days) + SignedDuration::from_mins(20), 60, None));
        all
    });
    let mut history = history_of(&model_of(runs));
    assert_eq!(history.total().finished, 20);
    let keep = Duration::from_secs(400 * 86_400);
    // A clock that is years ahead drops nothing that the last run does not make old.
    history.prune(now + SignedDuration::from_hours(24 * 4_000), keep);
    assert_eq!(history.total().finished, 16);
    assert_eq!(history.fine_since(), Some(at("2026-11-20T10:30:00Z")));
    let kept = history.slices(Timestamp::MIN, now - SignedDuration::from_hours(2_400), false);
    let mut hours = Vec::new();
    kept.each(|at, part| hours.push((at.to_string(), part.finished)));
    assert_eq!(hours.len(), 3, "{hours:?}");
    assert!(hours.iter().all(|(at, count)| at.ends_with(":00:00Z") && *count == 2), "{hours:?}");
    let dropped = history.take_changes();
    history.prune(now, Duration::from_secs(86_400));
    assert_eq!(history.total().finished, 2);
    assert!(
        dropped.buckets.iter().any(|(level, _, bytes)| *level == Level::Hour && bytes.is_some())
    );
    assert!(history.take_changes().buckets.iter().all(|(.., bytes)| bytes.is_none()));
}

/// A restart does not know of executions whose frames were dropped, which happens to runs that go on for long.
#[test]
fn executions_whose_frames_are_gone_after_a_restart_stay_counted() {
    let first = at("2026-11-23T10:10:00Z");
    let later = |minutes| first + SignedDuration::from_mins(minutes);
    let mut frames = run("r", first, 60, Some("quota 7 exceeded"));
    frames.extend(run("r", later(40), 50, None));
    let gone = frames.len();
    frames.extend(run("r", later(80), 50, None));
    let mut history = history_of(&model_of(&frames));
    let expected = history.total();
    assert_eq!((expected.finished, expected.failed), (2, 1));
    let mut restored = History::default();
    let written = history.take_changes();
    for (level, begin, bytes) in written.buckets {
        assert!(restored.restore_bucket(level, begin, &bytes.unwrap()));
    }
    for (run, bytes) in written.runs {
        assert!(restored.restore_run(run, &bytes.unwrap()));
    }
    let mut model = model_of(&frames[gone..]);
    restored.note(model.run("r").unwrap(), None);
    assert_eq!(restored.total(), expected);
    crate::support::feed(&mut model, run("r", later(120), 50, Some("out of memory")));
    restored.note(model.run("r").unwrap(), None);
    assert_eq!((restored.total().finished, restored.total().failed), (2, 2));
    // The frames that were gone arrive again.
    crate::support::feed(&mut model, &frames[..gone]);
    restored.note(model.run("r").unwrap(), None);
    assert_eq!((restored.total().finished, restored.total().failed), (2, 2));
}

#[test]
fn day_that_has_just_begun_is_compared_with_as_much_of_the_day_before() {
    let midnight = at("2026-11-23T00:00:00Z");
    let minute = |nth| SignedDuration::from_mins(nth);
    let day = SignedDuration::from_hours(24);
    // A run ends each minute, today and on the day before.
    let frames = (0..60).flat_map(|nth| {
        let end = midnight + minute(nth);
        let mut both = run(&format!("now-{nth}"), end, 10, None);
        both.extend(run(&format!("before-{nth}"), end - day, 10, None));
        both
    });
    let frames: Vec<String> = frames.collect();
    let until = |minutes: i64| {
        let now = midnight + minute(minutes);
        let is_past = |frame: &&String| {
            let at = frame.split('"').nth(3).unwrap();
            at.parse::<Timestamp>().unwrap() < now
        };
        let mut history = history_of(&model_of(frames.iter().filter(is_past)));
        history.prune(now, Duration::from_secs(400 * 86_400));
        let period = Period::last(Last::Days(1), now, None, &zone("UTC")).unwrap();
        let summary = summary_of(&history, period).unwrap();
        (summary.now.runs, summary.before.runs)
    };
    assert_eq!(until(5), (5, 5));
    assert_eq!(until(20), (20, 20));
}

/// Two weeks of a studio, in which RENDER takes 57 s instead of 48 in the second week.
fn two_weeks() -> (History, Timestamp) {
    let now = at("2026-11-23T20:14:00Z");
    let mut frames = Vec::new();
    for hour in 0..14 * 24 {
        let end = now - SignedDuration::from_hours(hour);
        let is_new = hour < 7 * 24;
        let render = if is_new { 57 } else { 48 } + hour % 3;
        let error = match hour % 24 {
            3 if is_new => Some("quota 12 exceeded"),
            5 => Some("no answer in 30 s"),
            _ => None,
        };
        frames.extend(run(&format!("r-{hour}"), end, render, error));
    }
    (history_of(&model_of(frames)), now)
}

#[test]
fn week_is_compared_with_the_week_before() {
    let (history, now) = two_weeks();
    let period = Period::last(Last::Days(7), now, None, &zone("Europe/Berlin")).unwrap();
    let summary = summary_of(&history, period).unwrap();
    assert_eq!(
        (summary.now.runs, summary.now.ended.failed, summary.now.ended.cancelled),
        (166, 14, 0)
    );
    assert_eq!((summary.before.runs, summary.before.ended.failed), (166, 7));
    assert_eq!((summary.buckets.len(), summary.groups.len()), (166, 7));
    assert_eq!(summary.buckets.iter().map(|bar| bar.ended.runs()).sum::<u64>(), 166);
    assert_eq!(summary.groups[0].ended.from, "2026-11-16T23:00:00Z");
    let render = &summary.steps[0];
    assert_eq!((render.step.as_str(), render.change), ("RENDER", Change::Slower));
    let change = render.change_ms.unwrap();
    assert!((8_400..9_600).contains(&change), "{change}");
    assert_eq!(summary.changed_most.as_deref(), Some("RENDER"));
    // Around the usual time of the week before, which is 49 s.
    let ridge = render.ridge.as_ref().unwrap();
    assert!((24_000..25_000).contains(&ridge.from_ms), "{}", ridge.from_ms);
    assert!(ridge.to_ms.abs_diff(5 * ridge.from_ms) <= 5, "{} {}", ridge.from_ms, ridge.to_ms);
    let place = |millis: f64| {
        let scale = (ridge.to_ms as f64 / ridge.from_ms as f64).ln();
        ((millis / ridge.from_ms as f64).ln() / scale * RIDGE_PARTS as f64) as usize
    };
    for (shares, least, most) in
        [(&ridge.now, 57_000.0, 59_000.0), (&ridge.before, 48_000.0, 50_000.0)]
    {
        assert_eq!(shares.len(), RIDGE_PARTS);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 0.01, "{shares:?}");
        let here: f64 = shares[place(least * 0.98)..=place(most * 1.02)].iter().sum();
        assert!(here > 0.99, "{shares:?}");
    }
    let causes: Vec<_> = summary
        .causes
        .iter()
        .map(|it| (it.reason.as_str(), it.total.count, it.total.before))
        .collect();
    assert_eq!(causes, [("no answer in # s", 7, 7), ("quota # exceeded", 7, 0)]);
    assert_eq!(summary.causes[1].total.trend, [1; 7]);
    assert_eq!(summary.other_causes.count, 0);
    assert_eq!(summary.fixes.all(), [152, 0, 0, 0, 0]);
    // As JSON and back.
    let json = serde_json::to_string(&summary).unwrap();
    let back: meterbridge::history::Summary = serde_json::from_str(&json).unwrap();
    assert_eq!(back, summary);
}

/// A hub may be anybody's.
#[test]
fn texts_of_a_hub_cannot_command_the_terminal() {
    let (history, now) = two_weeks();
    let period = Period::last(Last::Days(7), now, None, &zone("UTC")).unwrap();
    let mut summary = summary_of(&history, period).unwrap();
    let evil = "\u{1b}[2Jgone\nnext";
    summary.zone = evil.to_owned();
    summary.from = evil.to_owned();
    summary.groups[0].ended.from = evil.to_owned();
    summary.steps[0].step = evil.to_owned();
    summary.causes[0].example = evil.to_owned();
    if let Some(cause) = &mut summary.groups[0].cause {
        cause.reason = evil.to_owned();
    }
    let mut table = Vec::new();
    let style = Style { width: None, colours: false };
    write_table(&mut table, &summary, zone("UTC").zone(), style).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert!(!table.contains('\u{1b}') && table.contains("gone next"), "{table:?}");
    assert_eq!(table.lines().filter(|line| line.starts_with("next")).count(), 0, "{table}");
}

#[test]
fn few_runs_are_not_compared() {
    let now = at("2026-11-23T20:14:00Z");
    let frames = (0..40).flat_map(|nth| {
        let end = now - SignedDuration::from_hours(12 * nth);
        run(&format!("r-{nth}"), end, 50 + nth, None)
    });
    let history = history_of(&model_of(frames));
    let period = Period::last(Last::Days(7), now, None, &zone("UTC")).unwrap();
    let summary = summary_of(&history, period).unwrap();
    assert_eq!(summary.steps[0].change, Change::TooFewRuns);
    assert_eq!((summary.usual_change_ms, summary.success_change), (None, None));
    assert_eq!(summary.changed_most, None);
}

#[test]
fn day_of_a_zone_has_the_runs_of_its_own_midnights() {
    // A minute before and after midnight in Kathmandu, which is 18:15 in UTC.
    let midnight = at("2026-11-22T18:15:00Z");
    let minute = SignedDuration::from_mins(1);
    let mut frames = run("before", midnight - minute, 10, None);
    frames.extend(run("after", midnight + minute, 10, None));
    let history = history_of(&model_of(frames));
    let now = midnight + SignedDuration::from_hours(3);
    let days = |name: &str| {
        let period = Period::last(Last::Days(2), now, Some(Part::Day), &zone(name)).unwrap();
        let summary = summary_of(&history, period).unwrap();
        summary.buckets.iter().map(|bar| bar.ended.finished).collect::<Vec<_>>()
    };
    assert_eq!(days("Asia/Kathmandu"), [1, 1]);
    assert_eq!(days("UTC"), [0, 2]);
}

#[test]
fn ten_minutes_are_refused_where_they_are_not_kept() {
    let (mut history, now) = two_weeks();
    let period =
        |hours| Period::last(Last::Hours(hours), now, Some(Part::TenMinutes), &zone("UTC"));
    assert_eq!(summary_of(&history, period(24).unwrap()).unwrap().buckets.len(), 145);
    history.prune(now, Duration::from_secs(400 * 86_400));
    let day = summary_of(&history, period(24).unwrap()).unwrap();
    assert_eq!((day.now.runs, day.before.runs), (25, 24));
    let error = summary_of(&history, period(96).unwrap()).unwrap_err();
    assert!(error.to_string().contains("since 2026-11-20T20:10:00Z"), "{error}");
}

#[test]
fn table_and_csv_tell_the_same_numbers() {
    let (history, now) = two_weeks();
    let berlin = zone("Europe/Berlin");
    let period = Period::last(Last::Days(7), now, None, &berlin).unwrap();
    let summary = summary_of(&history, period).unwrap();
    let mut table = Vec::new();
    let style = Style { width: Some(100), colours: false };
    write_table(&mut table, &summary, berlin.zone(), style).unwrap();
    let table = String::from_utf8(table).unwrap();
    for line in [
        "Tue 17 Nov to Mon 23 Nov 2026, time zone Europe/Berlin",
        "166 runs (±0 from before): 152 finished, 14 failed, 0 cancelled; 91.6 % success (−4.2 points)",
        "RENDER    152   0:58         0:59    0:49  +9.1 s  changed most",
        "     7      +7  ███████  RENDER: quota 12 exceeded",
        "     7      ±0  ███████  RENDER: no answer in 30 s",
    ] {
        assert!(table.contains(line), "{line}\nis not in\n{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    let mut csv = Vec::new();
    write_csv(&mut csv, &summary, SummaryRows::Causes).unwrap();
    assert_eq!(
        String::from_utf8(csv).unwrap(),
        "step,reason,example,count,before\r\nRENDER,no answer in # s,no answer in 30 s,7,7\r\n\
         RENDER,quota # exceeded,quota 12 exceeded,7,0\r\n"
    );
}

#[test]
fn run_that_ends_a_recording_at_the_border_of_a_part_belongs_to_it() {
    let file = std::env::temp_dir().join(format!("meterbridge-border-{}", std::process::id()));
    std::fs::write(&file, run("r", at("2026-11-23T10:15:00Z"), 60, None).join("\n")).unwrap();
    let shown = crate::support::answer(&["history", &file.display().to_string(), "--json"]);
    std::fs::remove_file(file).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(summary["now"]["runs"], 1);
}
