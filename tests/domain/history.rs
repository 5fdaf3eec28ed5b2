//! History behind the meters, computed from events alone.

use jiff::{SignedDuration, Timestamp};
use meterbridge::model::{Model, RunStatus};
use meterbridge::protocol::{Batch, RunSnapshot};

use super::support::model_of;

/// Returns a run-level event of run `id`, `second` seconds into the hour.
fn frame(id: &str, phase: &str, second: i64) -> String {
    let at = instant(second);
    format!(r#"{{"ts":"{at}","run_id":"{id}","phase":"{phase}","data":{{"duration_ms":9000}}}}"#)
}

fn instant(second: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-23T01:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(second)
}

fn active_by(model: &Model, second: i64, parts: usize) -> Vec<u32> {
    model.stats().active_by(instant(second), model.count(RunStatus::Running), parts)
}

#[test]
fn active_runs_per_slot_do_not_depend_on_arrival_order() {
    let frames = [
        frame("a", "start", 0),
        frame("b", "start", 16),
        frame("c", "start", 17),
        frame("b", "end", 50),
        frame("a", "fail", 62),
    ];
    let levels = [0, 1, 3, 3, 2, 1, 1];
    assert_eq!(active_by(&model_of(&frames), 75, 7), levels);
    assert_eq!(active_by(&model_of(frames.iter().rev()), 75, 7), levels);
    // No event for a minute: a running run still counts.
    assert_eq!(active_by(&model_of(&frames), 135, 5), [1, 1, 1, 1, 1]);
}

#[test]
fn meter_has_the_requested_number_of_parts() {
    let model = model_of([frame("a", "start", 1), frame("a", "end", 10)]);
    assert_eq!(active_by(&model, 10, 0), [0; 0]);
}

#[test]
fn events_are_counted_when_they_arrive_and_not_when_they_happened() {
    let mut model = Model::default();
    // All told at once, after the server had stood still, and one whose instant is wrong.
    for (arrived, happened, phase) in [(1, 1, "start"), (10, 2, "info"), (10, 3_000_000, "end")] {
        let mut batch = Batch::new(instant(arrived), true);
        batch.push_text(&frame("a", phase, happened));
        model.receive(batch, |_, _| ());
    }
    let stats = model.stats();
    assert_eq!(stats.peak_events_per_second(instant(10), 60), 2);
    assert!((stats.events_per_second(instant(11), 10) - 0.3).abs() < 1e-9);
}

#[test]
fn run_restarted_after_a_failure_does_not_count_as_failed() {
    let first = [frame("a", "start", 0), frame("a", "fail", 10), frame("b", "start", 11)];
    let hour = SignedDuration::from_hours(1);
    let outcomes = |frames: &[String]| model_of(frames).stats().outcomes(instant(60), hour);
    assert_eq!(outcomes(&first), (0, 1));
    let again = [frame("a", "start", 20), frame("a", "end", 30)];
    let all: Vec<String> = first.into_iter().chain(again).collect();
    assert_eq!(outcomes(&all[..4]), (0, 0));
    assert_eq!(outcomes(&all), (1, 0));
    // Received twice and in reverse order, the events still give one run.
    let twice: Vec<String> = all.iter().rev().chain(&all).cloned().collect();
    assert_eq!(outcomes(&twice), (1, 0));
}

#[test]
fn last_run_durations_are_ordered_by_end_time() {
    let ended = |id: &str, millis: u64| {
        format!(
            r#"{{"ts":"{}","run_id":"{id}","phase":"end","duration_ms":{millis}}}"#,
            instant(millis as i64 / 1000)
        )
    };
    let model = model_of([ended("a", 5000), ended("b", 3000), ended("c", 8000)]);
    assert_eq!(model.stats().last_run_durations(2).collect::<Vec<_>>(), [3000, 8000]);
}

#[test]
fn arrivals_of_full_seconds_count_frames_and_answers_live_or_not() {
    let mut model = Model::default();
    assert_eq!(model.first_received_at(), None);
    for (second, frames, live) in [(1, 1, true), (1, 1, true), (3, 4, false), (5, 2, true)] {
        let mut batch = Batch::new(instant(second), live);
        (0..frames).for_each(|_| batch.push_text("not an event"));
        model.receive(batch, |_, _| ());
    }
    model.receive(Batch::new(instant(9), true), |_, _| ());
    let arrivals = |now, secs| model.stats().arrivals_by_second(instant(now), secs);
    assert_eq!(arrivals(6, 5), [2, 0, 4, 0, 2]);
    assert_eq!(arrivals(5, 3), [0, 4, 0], "the second under way is left out");
    assert_eq!(arrivals(100, 4), [0; 4]);
    assert_eq!(arrivals(6, 0), [0; 0]);
    assert_eq!(model.first_received_at(), Some(instant(1)));
}

#[test]
fn array_in_a_frame_and_a_snapshot_are_one_arrival_each() {
    let mut model = Model::default();
    let mut batch = Batch::new(instant(1), true);
    let event =
        |run| format!(r#"{{"ts":"2026-11-23T10:00:00Z","run_id":"{run}","phase":"start"}}"#);
    batch.push_text(&format!("[{},{},{}]", event(1), event(2), event(3)));
    batch.push_text(&event(4));
    let run = r#"{"run_id":"5","status":"running","executions":[]}"#;
    batch.push_text(&format!(r#"{{"hub":{{"run":{run}}}}}"#));
    let answer = RunSnapshot::read(run.replace('5', "6").as_bytes()).unwrap();
    batch.push_run(answer.into());
    model.receive(batch, |_, _| ());
    assert_eq!(model.len(), 6);
    assert_eq!(model.stats().arrivals_by_second(instant(2), 1), [4]);
}
