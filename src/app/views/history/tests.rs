//! Tests of the history: its words for two seeded weeks, for one run and for none.

pub(super) mod weeks;

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::weeks::{Weeks, berlin, now, weeks};
use super::history_view::{Around, Body, HistoryView, Numbers};
use super::runs_view::part_words;
use super::steps_view::StepsView;
use crate::app::state::history::{Chosen, HistoryData, HistoryOrigin, PERIODS};
use crate::app::state::run_store::RunStore;
use crate::history::{Last, Summary};
use crate::model::Retention;
use crate::protocol::Batch;
use crate::source::playback::TimedFrames;
use crate::source::recording::Recording;

/// Part of a large studio's runs that most tests have: some 270 in a week.
const SMALL: f64 = 0.07;

/// Feeds lines as a source does, each as it happens.
pub(super) fn store_of(lines: &[(Timestamp, String)], retention: Retention) -> RunStore {
    let mut run_store = RunStore::new(retention);
    for (at, line) in lines {
        let mut batch = Batch::new(*at, true);
        batch.push_text(line);
        run_store.receive(batch, |_, _| {});
    }
    run_store
}

fn zone() -> crate::time_zone::DisplayZone {
    "Europe/Berlin".parse().unwrap()
}

pub(super) fn summary_of(run_store: &RunStore, last: Last) -> Summary {
    run_store.history().summary(last, now(), &zone()).unwrap()
}

fn data_of(summary: Summary, asked: Last) -> HistoryData {
    HistoryData { summary: Some(Arc::new(summary)), asked, ..HistoryData::default() }
}

fn view_of(data: &HistoryData, chosen: Option<&Chosen>) -> HistoryView {
    let zone = berlin();
    let around = Around {
        source: "studio-engine.local",
        is_recording: false,
        is_rewound: false,
        now: now(),
        zone: &zone,
        chosen,
        steps: 12,
    };
    HistoryView::of(data, &around)
}

fn numbers(view: &HistoryView) -> &Numbers {
    match &view.body {
        Body::Numbers(numbers) => numbers,
        Body::Nothing(words) => panic!("{words}"),
    }
}

/// Two weeks in which most runs were dropped by the model.
pub(super) fn small_weeks() -> (Weeks, RunStore) {
    let weeks = weeks(SMALL);
    let run_store = store_of(&weeks.lines, Retention { runs: 50, ..Retention::default() });
    (weeks, run_store)
}

#[test]
fn week_tells_what_is_true_of_it_although_the_runs_are_gone() {
    let (weeks, run_store) = small_weeks();
    assert_eq!(run_store.model.runs().count(), 50);
    let summary = summary_of(&run_store, Last::Days(7));
    let truth = &weeks.last;
    let all = truth.finished + truth.failed + truth.cancelled;
    assert_eq!(summary.now.runs, all);
    let view = view_of(&data_of(summary.clone(), Last::Days(7)), None);
    assert_eq!((view.header.runs.as_str(), view.header.runs_word), (&*all.to_string(), "runs"));
    let success = truth.finished as f64 / (truth.finished + truth.failed) as f64 * 100.0;
    assert_eq!(view.header.success, format!("{success:.1} %"));
    assert_eq!(view.header.subtitle, "history, studio-engine.local");
    assert_eq!(view.header.change_word, "in a week");
    assert_eq!(view.header.chosen, Some(1));
    let numbers = numbers(&view);
    assert_eq!(
        numbers.runs.legend,
        [
            format!("{} finished", truth.finished),
            format!("{} failed", truth.failed),
            format!("{} cancelled", truth.cancelled)
        ]
    );
    assert_eq!(numbers.runs.title, "runs an hour");
    let labels: Vec<&str> = numbers.runs.columns.iter().map(|day| day.label.as_str()).collect();
    assert_eq!(labels, ["Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22", "Mon 23"]);
    let days: u64 = numbers.runs.columns.iter().map(|day| day.count.parse::<u64>().unwrap()).sum();
    assert_eq!(days, all);
    assert_eq!(numbers.runs.bars.iter().map(|bar| bar.runs()).sum::<u64>(), all);
    // The axis goes on to the end of today.
    let hours = numbers.runs.to.duration_since(numbers.runs.from).as_hours();
    assert_eq!((hours, numbers.runs.bars.len()), (168, 166));
    let render = numbers.steps.rows.iter().find(|row| row.step == "RENDER").unwrap();
    assert!(render.is_most && render.change.starts_with('+'), "{render:?}");
    assert_eq!(numbers.steps.rows.iter().filter(|row| row.is_most).count(), 1);
    assert_eq!(numbers.against, "against the week before");
    let quota = numbers.causes.rows.iter().find(|row| row.step == "RENDER").unwrap();
    assert_eq!(
        (quota.reason.as_str(), &*quota.count),
        ("quota exceeded", &*truth.quota.to_string())
    );
    let failures: u64 =
        numbers.causes.rows.iter().map(|row| row.count.parse::<u64>().unwrap()).sum();
    assert_eq!(failures, truth.failed);
    assert_eq!(numbers.causes.head, "by day, change");
    let shares: f64 = numbers.fixes.rows.iter().map(|row| row.share).sum();
    assert!((shares - 1.0).abs() < 1e-9);
    assert_eq!(numbers.fixes.before, "the week before");
}

#[test]
fn chosen_hour_step_and_cause_are_told_in_words() {
    let (weeks, run_store) = small_weeks();
    let summary = summary_of(&run_store, Last::Days(7));
    let data = data_of(summary, Last::Days(7));
    let friday = "2026-11-20T13:00:00Z".parse().unwrap();
    let view = view_of(&data, Some(&Chosen::Part(friday)));
    let (_, words) = numbers(&view).part.clone().unwrap();
    assert_eq!(words.title, "Fri 20 Nov, 14:00 to 15:00");
    let truth = &weeks.friday;
    let runs = truth.finished + truth.failed + truth.cancelled;
    assert!(truth.quota > 0, "{truth:?}");
    let expected = match truth.quota == truth.failed {
        true => format!("{} of {runs} failed: quota exceeded", truth.failed),
        false => {
            format!("{} of {runs} failed, {} of them: quota exceeded", truth.failed, truth.quota)
        }
    };
    assert_eq!(words.words, expected);
    let view = view_of(&data, Some(&Chosen::Step("RENDER".to_owned())));
    let (title, words) = view.foot.readout.clone().unwrap();
    assert_eq!(title, "RENDER");
    assert!(words.starts_with("usual 0:5") && words.contains(", before 0:4"), "{words}");
    let cause =
        Chosen::Cause { step: Some("RENDER".to_owned()), reason: "quota exceeded".to_owned() };
    let view = view_of(&data, Some(&cause));
    let (title, words) = view.foot.readout.clone().unwrap();
    assert_eq!(title, "RENDER");
    let (last, before) = (weeks.last.quota, weeks.before.quota);
    assert_eq!(words, format!("{last} times, {before} before: quota exceeded"));
    // A step that is no longer there has no readout.
    let gone = Chosen::Step("MIX".to_owned());
    assert_eq!(view_of(&data, Some(&gone)).foot.readout, None);
}

#[test]
fn foot_says_who_counted_and_since_when() {
    let (_, run_store) = small_weeks();
    let mut data = data_of(summary_of(&run_store, Last::Days(30)), Last::Days(30));
    let first = |data: &HistoryData| view_of(data, None).foot.words[0].clone();
    let since = data.summary.as_ref().unwrap().kept_since.clone().unwrap();
    let since: Timestamp = since.parse().unwrap();
    let at = since.to_zoned(berlin()).strftime("%a %-d %b, %H:%M").to_string();
    let period = "Sun 25 Oct to Mon 23 Nov 2026";
    assert_eq!(first(&data), format!("{period}, seen by this screen since {at}"));
    data.from = HistoryOrigin::Hub;
    assert_eq!(first(&data), format!("{period}, kept by the hub since {at}"));
    data.from = HistoryOrigin::Seen;
    data.error = Some("it does not answer".to_owned());
    let foot = view_of(&data, None).foot;
    assert_eq!(
        (foot.words[0].as_str(), foot.is_warning),
        (
            &*format!("no answer from the hub: it does not answer; seen by this screen since {at}"),
            true
        )
    );
    // A hub that knows all of the period needs no such words.
    let mut week = data_of(summary_of(&run_store, Last::Days(7)), Last::Days(7));
    week.from = HistoryOrigin::Hub;
    assert_eq!(first(&week), "Tue 17 Nov to Mon 23 Nov 2026");
    let zone = TimeZone::UTC;
    let around = Around {
        source: "",
        is_recording: true,
        is_rewound: true,
        now: now(),
        zone: &zone,
        chosen: None,
        steps: 9,
    };
    let foot = HistoryView::of(&data, &around).foot;
    assert!(foot.is_warning && foot.words[0].starts_with("these numbers are current"));
    // A read-out takes the place of the warning, and says the same.
    let step = Chosen::Step("RENDER".to_owned());
    let foot = HistoryView::of(&data, &Around { chosen: Some(&step), ..around }).foot;
    assert!(foot.readout.unwrap().1.ends_with("(as of now)"));
}

#[test]
fn time_before_the_first_end_is_not_known_and_nothing_is_compared_with_it() {
    let (_, run_store) = small_weeks();
    for (last, title, columns) in
        [(Last::Days(30), "runs a day", 6), (Last::Days(90), "runs a day", 4)]
    {
        let summary = summary_of(&run_store, last);
        let view = view_of(&data_of(summary.clone(), last), None);
        let numbers = numbers(&view);
        assert_eq!((numbers.runs.title, numbers.runs.columns.len()), (title, columns), "{last:?}");
        let since: Timestamp = summary.kept_since.unwrap().parse().unwrap();
        assert_eq!(numbers.runs.unknown_until, Some(since));
        assert_eq!(numbers.runs.columns[0].runs, "not known");
        assert_eq!(numbers.runs.columns[0].success, "");
        assert_eq!(view.header.change, "");
        assert!(numbers.causes.rows.iter().all(|row| row.change.is_empty()));
        for row in &numbers.causes.rows {
            let (first, last) = (row.bars.first().unwrap(), row.bars.last().unwrap());
            assert!(first.is_none() && last.is_some(), "{row:?}");
        }
        assert!(!numbers.causes.head.contains("change"));
        assert!(numbers.fixes.rows.iter().all(|row| row.before.is_none()));
        assert!(numbers.steps.rows.iter().all(|row| row.change == "too few runs"));
        assert!(numbers.steps.rows.iter().all(|row| row.before.is_empty()));
    }
    let summary = summary_of(&run_store, Last::Days(30));
    let words = part_words(&summary, "2026-10-31T23:00:00Z".parse().unwrap(), &berlin()).unwrap();
    assert_eq!((words.title.as_str(), words.words.as_str()), ("Sun 1 Nov", "not known"));
    let data = data_of(summary, Last::Days(30));
    let view = view_of(&data, None);
    let labels: Vec<&str> =
        numbers(&view).runs.columns.iter().map(|week| week.label.as_str()).collect();
    let weeks =
        ["25 Oct", "26 Oct to 1 Nov", "2 to 8 Nov", "9 to 15 Nov", "16 to 22 Nov", "23 Nov"];
    assert_eq!(labels, weeks);
}

#[test]
fn day_has_parts_of_ten_minutes_and_totals_of_four_hours() {
    let (_, run_store) = small_weeks();
    let summary = summary_of(&run_store, Last::Hours(24));
    let all = summary.now.runs;
    let view = view_of(&data_of(summary, Last::Hours(24)), None);
    let numbers = numbers(&view);
    assert_eq!(numbers.runs.title, "runs in 10 minutes");
    let labels: Vec<&str> = numbers.runs.columns.iter().map(|it| it.label.as_str()).collect();
    let hours = [
        "20 to 24 h",
        "0 to 4 h",
        "4 to 8 h",
        "8 to 12 h",
        "12 to 16 h",
        "16 to 20 h",
        "20 to 24 h",
    ];
    assert_eq!(labels, hours);
    let sum: u64 = numbers.runs.columns.iter().map(|it| it.count.parse::<u64>().unwrap()).sum();
    assert_eq!(sum, all);
    assert_eq!(numbers.against, "against the day before");
}

/// One run that ended two minutes ago.
pub(super) fn one_run(error: Option<&str>) -> RunStore {
    let at = |ago: i64| now() - SignedDuration::from_secs(ago);
    let event = |node: Option<&str>, phase: &str, ago: i64, data: &str| {
        let node = node.map(|node| format!(r#""node_name":"{node}","#)).unwrap_or_default();
        (
            at(ago),
            format!(
                r#"{{"ts":"{}","run_id":"r",{node}"phase":"{phase}","data":{{{data}}}}}"#,
                at(ago)
            ),
        )
    };
    let mut lines = vec![
        event(None, "start", 240, ""),
        event(Some("PLAN"), "end", 200, r#""duration_ms":2100"#),
    ];
    match error {
        Some(error) => {
            let data = format!(r#""error":"{error}""#);
            lines.push(event(Some("RENDER"), "fail", 120, &data));
            lines.push(event(None, "fail", 120, &data));
        }
        None => lines.push(event(None, "end", 120, "")),
    }
    store_of(&lines, Retention::default())
}

#[test]
fn nothing_and_one_run_are_told_as_they_are() {
    let empty = RunStore::new(Retention::default());
    for last in PERIODS {
        let view = view_of(&data_of(summary_of(&empty, last), last), None);
        assert_eq!(view.body, Body::Nothing("no run has ended yet".to_owned()));
        assert_eq!((view.header.runs.as_str(), view.header.success.as_str()), ("", ""));
    }
    let one = one_run(None);
    let view = view_of(&data_of(summary_of(&one, Last::Days(7)), Last::Days(7)), None);
    assert_eq!((view.header.runs.as_str(), view.header.runs_word), ("1", "run"));
    assert_eq!(view.header.success, "100 %");
    let numbers = numbers(&view);
    assert_eq!(numbers.durations.usual, "2:00");
    let whole = numbers.durations.whole_ms.unwrap();
    assert!((whole.0 - 120_000.0).abs() < 1_000.0, "sketches are a little off: {whole:?}");
    assert_eq!(numbers.durations.lines.len(), 1);
    assert_eq!(numbers.steps.rows[0].change, "too few runs");
    assert!(numbers.causes.rows.is_empty());
    assert_eq!(numbers.fixes.sentence, "1 of 1 passed at the first try");
    let monday = numbers.runs.columns.last().unwrap();
    assert_eq!((monday.runs.as_str(), monday.success.as_str()), ("1 run", "100 %"));
    assert_eq!(
        view.foot.words[0],
        "Tue 17 Nov to Mon 23 Nov 2026, seen by this screen since 21:12"
    );
}

#[test]
fn steps_without_room_are_counted_and_the_one_that_changed_most_stays() {
    let (_, run_store) = small_weeks();
    let summary = summary_of(&run_store, Last::Days(7));
    let view = StepsView::of(&summary, 3);
    let names: Vec<&str> = view.rows.iter().map(|row| row.step.as_str()).collect();
    assert_eq!((names, view.more), (vec!["PLAN", "STYLE", "RENDER"], 6));
    assert_eq!(StepsView::of(&summary, 0).rows.len(), 1);
}

#[test]
fn run_that_the_model_dropped_does_not_count_again_when_it_returns() {
    let weeks = weeks(0.01);
    let mut run_store = store_of(&weeks.lines, Retention { runs: 30, ..Retention::default() });
    let before = summary_of(&run_store, Last::Days(7));
    for lines in weeks.lines.chunks(50) {
        let mut batch = Batch::new(now(), false);
        lines.iter().for_each(|(_, line)| batch.push_text(line));
        run_store.receive(batch, |_, _| {});
    }
    assert_eq!(summary_of(&run_store, Last::Days(7)), before);
}

/// With `METERBRIDGE_WEEKS=weeks.ndjson` all of two weeks of a large studio are left there, for pictures.
#[test]
fn recording_of_two_weeks_has_the_same_history() {
    let kept = std::env::var("METERBRIDGE_WEEKS").ok();
    let weeks = weeks(if kept.is_some() { 1.0 } else { 0.02 });
    let name = format!("meterbridge-weeks-{}.ndjson", std::process::id());
    let path = kept.as_ref().map_or(std::env::temp_dir().join(name), std::path::PathBuf::from);
    let lines: Vec<&str> = weeks.lines.iter().map(|(_, line)| line.as_str()).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let mut frames = TimedFrames::new(Recording::open(&path).unwrap());
    let mut recorded = RunStore::new(Retention::default());
    while let Some((batch, _)) = frames.next(now()).unwrap() {
        recorded.receive(batch, |_, _| {});
    }
    if kept.is_none() {
        std::fs::remove_file(&path).unwrap();
    }
    let told = store_of(&weeks.lines, Retention::default());
    for last in PERIODS {
        assert_eq!(summary_of(&recorded, last), summary_of(&told, last), "{last:?}");
    }
    assert_eq!(summary_of(&told, Last::Days(7)).now.ended.failed, weeks.last.failed);
}
