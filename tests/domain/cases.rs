//! Inputs from the field with their expected values, and further inputs of the same kinds.

use jiff::{SignedDuration, Timestamp};
use meterbridge::model::{Model, NodeStatus, Run, RunStatus};
use meterbridge::source::playback::{LONGEST_PAUSE, TimedFrames};
use meterbridge::source::recording::Recording;
use meterbridge::time_zone::{DisplayZone, time_of_day};
use serde_json::json;

use crate::events::{cancelled, check, event, plain};
use crate::support::{fixture, model_of, report_of, run_of};

/// Returns the lines of a case.
fn case(name: &str) -> Vec<String> {
    let path = fixture("cases").join(format!("{name}.ndjson"));
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Checks that a case gives the same result in order, in reverse order, and with every line repeated.
#[track_caller]
fn check_case(name: &str, expected: serde_json::Value) {
    let mut lines = case(name);
    check(&lines, expected);
    lines.extend(lines.clone());
    assert_eq!(run_of(&lines), run_of(case(name)), "told twice");
}

fn only_run(model: &Model) -> &Run {
    assert_eq!(model.len(), 1);
    model.runs().next().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

// Several clocks write one run.

#[test]
fn events_of_a_worker_with_a_slow_clock_belong_to_the_same_execution() {
    check_case(
        "worker-clock-behind",
        json!({
            "executions": 1,
            "status": "running",
            "started_at": "2026-11-23T10:00:00.1Z",
            "current_node": "LYRICS",
            "PLAN": {"status": "success", "attempts": 1, "duration_ms": 2000},
            "STYLE": {"status": "success", "attempts": 1, "duration_ms": 2000},
            "LYRICS": {"status": "running", "attempts": 1},
        }),
    );
    // Just within the bound, and so far behind that the events belong to another execution.
    for (behind, executions) in [(4.9, 1), (60.0, 2)] {
        let events = [
            plain(0.0, "", "start"),
            plain(0.1 - behind, "PLAN", "start"),
            plain(2.0 - behind, "PLAN", "end"),
            plain(2.1 - behind, "STYLE", "start"),
        ];
        check(&events, json!({"executions": executions, "status": "running"}));
    }
    // The clock that writes the ends is behind the one that writes the starts.
    check(
        &[
            plain(0.0, "", "start"),
            event(1.0, "PLAN", "start", json!({"data": {"node_index": 0}})),
            event(0.9, "PLAN", "end", json!({"duration_ms": 50})),
            event(1.1, "STYLE", "start", json!({"data": {"node_index": 1}})),
            event(1.05, "STYLE", "fail", json!({"data": {"error_message": "no"}})),
            event(1.06, "", "fail", json!({"data": {"error": "no"}})),
        ],
        json!({
            "status": "failed",
            "executions": 1,
            "PLAN": {"status": "success", "attempts": 1, "duration_ms": 50},
            "STYLE": {"status": "failed", "attempts": 1, "duration_ms": 0, "inferred": false},
        }),
    );
    // The run's end is older than that of its last node.
    check(
        &[
            plain(0.0, "", "start"),
            plain(1.0, "PLAN", "start"),
            event(4.0, "PLAN", "end", json!({"duration_ms": 800})),
            event(2.0, "", "end", json!({"duration_ms": 2000})),
        ],
        json!({
            "status": "completed",
            "PLAN": {"status": "success", "inferred": false, "duration_ms": 800},
        }),
    );
}

#[test]
fn execution_ends_before_the_next_starts_within_one_second() {
    check_case(
        "min-rerun-micro",
        json!({
            "executions": 2,
            "status": "running",
            "error": null,
            "PLAN": {"status": "running", "attempts": 1, "error": null},
        }),
    );
    let model = model_of(case("min-rerun-micro"));
    let earlier = &only_run(&model).history;
    assert_eq!(earlier.len(), 1);
    assert_eq!(earlier[0].status, RunStatus::Failed);
    assert_eq!(earlier[0].error.as_deref(), Some("PLAN broke"));
    assert_eq!(earlier[0].nodes[0].status, NodeStatus::Failed);

    // The whole first execution is in the same second, too.
    let events = [
        plain(0.0, "", "start"),
        plain(0.0, "PLAN", "start"),
        event(0.0, "PLAN", "fail", json!({"data": {"error_message": "no"}})),
        event(0.0, "", "fail", json!({"data": {"error": "no"}})),
        event(0.0, "", "start", json!({"data": {"message": "again"}})),
        event(0.0, "PLAN", "start", json!({"data": {"seed": 2}})),
        event(0.0, "PLAN", "end", json!({"duration_ms": 9})),
    ];
    check(
        &events,
        json!({"executions": 2, "status": "running", "PLAN": {"status": "success", "attempts": 1}}),
    );

    // The clock of the failed node is three seconds ahead of the run's.
    let late = [
        plain(0.0, "", "start"),
        plain(3.0, "PLAN", "start"),
        event(13.0, "PLAN", "fail", json!({"data": {"error_message": "no"}})),
        event(10.0, "", "fail", json!({"data": {"error": "no"}})),
        event(10.2, "", "start", json!({"data": {"message": "again"}})),
        event(13.3, "PLAN", "start", json!({"data": {"seed": 2}})),
    ];
    check(&late, json!({"executions": 2, "PLAN": {"status": "running", "attempts": 1}}));
    let model = model_of(&late);
    assert_eq!(only_run(&model).history[0].nodes[0].error.as_deref(), Some("no"));
}

#[test]
fn attempts_and_fixes_alternate_within_one_second() {
    let expected = json!({
        "fix_iterations": 1,
        "VALIDATE": {"status": "success", "attempts": 2, "duration_ms": 80},
        "FIX": {"status": "success", "attempts": 1, "duration_ms": 100},
    });
    check_case("min-fix", expected.clone());
    // The identities of the events do not matter.
    for identities in [["6", "5", "4", "3", "2", "1"], ["3", "1", "6", "2", "5", "4"]] {
        let mut lines = case("min-fix");
        for (line, identity) in lines[1..].iter_mut().zip(identities) {
            let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["event_id"] = identity.into();
            *line = event.to_string();
        }
        check(&lines, expected.clone());
    }
    // Two fix passes in one second.
    let mut events = vec![plain(0.0, "", "start")];
    for pass in 0..3 {
        let outcome = if pass < 2 { "fail" } else { "end" };
        let mark = |more: u32| json!({"data": {"mark": pass * 10 + more}});
        events.push(event(1.0, "COMPOSE", "start", mark(1)));
        events.push(event(1.0, "COMPOSE", "end", mark(2)));
        events.push(event(1.0, "VALIDATE", "start", mark(3)));
        events.push(event(1.0, "VALIDATE", outcome, mark(4)));
        if pass < 2 {
            events.push(event(1.0, "FIX", "start", mark(5)));
            events.push(event(1.0, "FIX", "end", mark(6)));
        }
    }
    check(
        &events,
        json!({
            "fix_iterations": 2,
            "COMPOSE": {"status": "success", "attempts": 3},
            "VALIDATE": {"status": "success", "attempts": 3},
            "FIX": {"status": "success", "attempts": 2},
        }),
    );
}

#[test]
fn node_started_several_times_ends_once() {
    check_case(
        "starts-twice",
        json!({"COMPOSE": {"status": "success", "attempts": 2, "duration_ms": 3000}}),
    );
    // The reported duration decides which start an end belongs to; without one it is the latest start.
    let starts = [plain(0.0, "PLAN", "start"), plain(3.0, "PLAN", "start")];
    let with = |more: serde_json::Value| [&starts[..], &[event(5.0, "PLAN", "end", more)]].concat();
    check(
        &with(json!({"duration_ms": 2000})),
        json!({"PLAN": {"status": "success", "attempts": 2, "duration_ms": 2000}}),
    );
    // Two clocks report the same end.
    check(
        &[
            plain(0.0, "PLAN", "start"),
            event(2.0, "PLAN", "end", json!({"duration_ms": 2000})),
            event(2.1, "PLAN", "end", json!({"duration_ms": 2000, "data": {"by": "other"}})),
        ],
        json!({"PLAN": {"status": "success", "duration_ms": 2000}}),
    );
}

#[test]
fn cancellation_is_ordered_among_equal_instants() {
    check(
        &[
            plain(0.0, "", "start"),
            plain(1.0, "PLAN", "start"),
            event(2.0, "PLAN", "end", json!({"duration_ms": 900})),
            cancelled(2.0),
            plain(2.0, "STYLE", "start"),
            plain(4.0, "STYLE", "end"),
            plain(4.0, "", "end"),
        ],
        json!({"status": "completed", "cancel_requested": true, "executions": 1}),
    );
}

// Unusual instants.

#[test]
fn durations_across_the_end_of_daylight_saving_time_are_those_reported() {
    check_case(
        "dst-fold",
        json!({
            "PLAN": {"duration_ms": 109_000},
            "STYLE": {"duration_ms": 19_000},
            "LYRICS": "running",
        }),
    );
    // Local time with the zone's offset, which changes by an hour or by half an hour.
    for (before, after) in [("-04:00", "-05:00"), ("+01:00", "+02:00"), ("+11:00", "+10:30")] {
        let local = |at: Timestamp, offset: &str| {
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = offset[1..].split_once(':').unwrap();
            let minutes = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
            let shown = (at + SignedDuration::from_mins(sign * minutes)).to_string();
            format!("{}{offset}", shown.trim_end_matches('Z'))
        };
        let begin = at("2026-11-01T05:59:50Z");
        let told = |at: Timestamp, offset: &str, node: &str, phase: &str| {
            json!({
                "timestamp": local(at, offset), "run_id": "run-1", "node_name": node,
                "phase": phase,
            })
            .to_string()
        };
        let events = [
            told(begin, before, "PLAN", "start"),
            told(begin + SignedDuration::from_secs(20), after, "PLAN", "end"),
        ];
        check(&events, json!({"PLAN": {"status": "success", "duration_ms": 20_000}}));
    }
}

#[test]
fn times_of_day_are_unambiguous_over_the_end_of_daylight_saving_time() {
    let new_york: DisplayZone = "America/New_York".parse().unwrap();
    let model = model_of(case("dst-fold"));
    let mut shown: Vec<String> = only_run(&model)
        .recent_events()
        .map(|event| time_of_day(event.at.unwrap(), new_york.zone()))
        .collect();
    shown.reverse();
    assert_eq!(shown, ["01:58:00", "01:58:01", "01:59:50", "01:59:51", "01:00:10*", "01:00:11*"]);
}

#[test]
fn end_in_the_year_9999_gives_no_duration() {
    check_case(
        "far-future-end",
        json!({"status": "completed", "duration_ms": null, "ended_at": null, "REVIEW": "success"}),
    );
    // The same holds for an end at the beginning of time, and for one that is off by centuries.
    for wrong in ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
        let end = format!(r#"{{"ts":"{wrong}","run_id":"run-1","phase":"end"}}"#);
        let run = run_of([plain(0.0, "", "start"), plain(1.0, "PLAN", "start"), end]);
        assert_eq!((run.status, run.duration_ms), ("completed", None), "{wrong}");
    }
}

#[test]
fn creation_at_the_zero_time_is_unknown() {
    check_case("go-zero-created", json!({"status": "running", "executions": 1}));
    let model = model_of(case("go-zero-created"));
    let run = only_run(&model);
    assert_eq!(run.created_at, None);
    assert_eq!(run.first_event_at(), at("2026-11-23T10:00:00.1Z"));
    assert_eq!(run.elapsed_ms(at("2026-11-23T10:00:10.1Z")), Some(10_000));
    // An undated start or end is placed by the node's other event. A run without any instants is
    // ordered all the same.
    let unset = |node: &str, phase: &str, more: serde_json::Value| {
        let mut event: serde_json::Value =
            serde_json::from_str(&event(0.0, node, phase, more)).unwrap();
        event["ts"] = "0001-01-01T00:00:00Z".into();
        event.to_string()
    };
    check(
        &[
            plain(0.0, "", "start"),
            plain(1.0, "PLAN", "start"),
            unset("PLAN", "end", json!({"duration_ms": 2000})),
            plain(4.0, "STYLE", "start"),
        ],
        json!({
            "PLAN": {"status": "success", "attempts": 1, "duration_ms": 2000},
            "current_node": "STYLE",
        }),
    );
    check(
        &[
            unset("", "start", json!({})),
            unset("PLAN", "start", json!({})),
            unset("PLAN", "end", json!({"duration_ms": 7})),
            unset("STYLE", "start", json!({})),
            unset("STYLE", "fail", json!({"data": {"error": "no"}})),
            unset("", "fail", json!({"data": {"error": "no"}})),
        ],
        json!({
            "status": "failed", "executions": 1, "started_at": null, "duration_ms": null,
            "PLAN": {"status": "success", "attempts": 1, "duration_ms": 7},
            "STYLE": {"status": "failed", "attempts": 1},
        }),
    );
    // Values that languages and databases write for "no time".
    for zero in ["1970-01-01T00:00:00Z", "1601-01-01T00:00:00+00:00", "1899-12-30T00:00:00"] {
        let created = format!(
            r#"{{"ts":"{zero}","run_id":"run-1","phase":"info","data":{{"message":"Workflow run created"}}}}"#
        );
        let model = model_of([created, plain(0.0, "", "start")]);
        let run = only_run(&model);
        assert_eq!(run.created_at, None, "{zero}");
        assert_eq!(run.first_event_at(), at("2025-11-13T10:00:00Z"), "{zero}");
    }
}

#[test]
fn node_of_five_days_has_a_duration_of_five_days() {
    check_case(
        "run-5-days",
        json!({
            "COMPOSE": {"status": "success", "duration_ms": 435_120_000},
            "VALIDATE": "running",
            "current_node": "VALIDATE",
        }),
    );
    let mut lines = case("run-5-days");
    lines.truncate(11);
    let model = model_of(&lines);
    let compose = &only_run(&model).nodes[4];
    let five_days = 5 * 86_400_000;
    assert_eq!(compose.elapsed_ms(at("2026-11-28T10:00:09Z")), Some(five_days));
    // The duration follows from the instants alone; an implausibly long one is unknown.
    for (end, expected) in
        [("2026-11-28T10:00:09Z", Some(five_days)), ("2028-11-28T10:00:09Z", None)]
    {
        let mut lines = lines.clone();
        let start: serde_json::Value = serde_json::from_str(&lines[10]).unwrap();
        lines.push(
            json!({"ts": end, "run_id": start["run_id"], "node_name": "COMPOSE", "phase": "end"})
                .to_string(),
        );
        let run = run_of(&lines);
        assert_eq!((run.nodes[4].status, run.nodes[4].duration_ms), ("success", expected));
    }
}

// Recordings.

/// Returns the offset in seconds and the recording's own time of each line of a case, except for lines
/// that contain `left_out`.
fn shown_at(name: &str, left_out: &str) -> (Vec<f64>, Vec<Option<Timestamp>>) {
    let recording = Recording::open(&fixture("cases").join(format!("{name}.ndjson"))).unwrap();
    let mut frames = TimedFrames::new(recording);
    let (mut offsets, mut times) = (Vec::new(), Vec::new());
    while let Some((batch, timing)) = frames.next(Timestamp::UNIX_EPOCH).unwrap() {
        if left_out.is_empty() || !batch.event_texts().any(|text| text.contains(left_out)) {
            offsets.push(timing.offset.as_secs_f64());
            times.push(timing.at);
        }
    }
    (offsets, times)
}

#[test]
fn future_event_does_not_change_the_playback_gaps_of_others() {
    let with = shown_at("future-in-recording", "\"stray\"");
    assert_eq!(with, shown_at("no-future-in-recording", ""));
    assert!((with.0.last().unwrap() - 32.6).abs() < 1e-6, "{with:?}");
    // The stray event is shown all the same and does not end the run that goes on.
    let report = report_of(case("future-in-recording"));
    let statuses: Vec<_> = report.runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, ["completed", "running"]);
}

#[test]
fn long_gap_in_a_recording_plays_in_seconds() {
    let (offsets, times) = shown_at("gap-35-hours", "");
    assert!((offsets[7] - 0.7).abs() < 1e-6);
    assert!((offsets[8] - 0.7 - LONGEST_PAUSE.as_secs_f64()).abs() < 1e-6, "{offsets:?}");
    assert!((offsets[9] - offsets[8] - 2.0).abs() < 1e-6);
    assert_eq!(times[8], Some(at("2026-11-24T21:00:05.6Z")), "its own time goes on");
}

// Names.

#[test]
fn last_of_many_unknown_nodes_is_the_failed_one() {
    let lines = case("41-more-nodes-fail");
    let model = model_of(&lines);
    let run = only_run(&model);
    assert_eq!((run.status, run.nodes.len()), (RunStatus::Failed, 9 + 41));
    let failed = run.failed_node().unwrap();
    assert_eq!((failed.name.as_str(), failed.duration_ms), ("STEP_LAST", Some(1000)));
    assert_eq!(failed.error.as_deref(), Some("the last one broke"));
    let succeeded = |node: &&meterbridge::model::Node| node.status == NodeStatus::Success;
    assert_eq!(run.nodes.iter().filter(succeeded).count(), 41);
    assert_eq!(run_of(lines.iter().rev()), run_of(&lines), "in any order");
    // A node in the middle fails while later ones run, and there are more nodes than are kept.
    let mut events = vec![plain(0.0, "", "start")];
    for node in 0..300 {
        let name = format!("N{node:03}");
        events.push(plain(f64::from(node), &name, "start"));
        let phase = if node == 150 { "fail" } else { "end" };
        events.push(plain(f64::from(node) + 0.5, &name, phase));
    }
    let model = model_of(&events);
    let run = only_run(&model);
    assert_eq!(run.nodes.len(), 256);
    assert_eq!(run.failed_node().unwrap().name, "N150");
}

#[test]
fn nodes_with_unusual_names_are_distinct() {
    let lines = case("odd-nodes");
    let run = run_of(&lines);
    let others: Vec<&str> = run.nodes[9..].iter().map(|node| node.name.as_str()).collect();
    assert_eq!(others.len(), 7);
    assert!(others[0].starts_with("MASTERING_AND_LOUDNESS"));
    assert_eq!(others[1..], ["plan", "Plan", "PLAN ", "ns/compose", "🎛️", "歌詞"]);
    let done = |node: &meterbridge::inspect::NodeReport| {
        (node.status, node.attempts, node.duration_ms) == ("success", 1, Some(1000))
    };
    assert!(run.nodes[9..].iter().all(done), "{run:#?}");
    assert_eq!((run.nodes[0].status, run.nodes[0].duration_ms), ("success", Some(2000)));
    // The same letter in two Unicode normalisation forms, and a name that is a number.
    let events = ["é", "e\u{301}", "7"].map(|name| plain(1.0, name, "start"));
    assert_eq!(run_of(events).nodes.len(), 12);
}

#[test]
fn runs_with_similar_ids_are_distinct() {
    let report = report_of(case("alike-ids"));
    assert_eq!(report.runs.len(), 4);
    for run in &report.runs {
        assert_eq!((run.status, run.nodes[2].status, run.events), ("running", "success", 8));
    }
    // Ids that differ in case only, and an id that is a prefix of another.
    let ids = ["Run-1", "run-1", "run-10"];
    let lines =
        ids.map(|id| format!(r#"{{"ts":"2026-11-23T10:00:00Z","run_id":"{id}","phase":"start"}}"#));
    assert_eq!(report_of(lines).runs.len(), 3);
}
