//! Tests of each rule in protocol sections 5.3 to 5.11: given events, expected run.

use jiff::Timestamp;
use meterbridge::inspect::Report;
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::{Batch, PIPELINE};
use serde_json::{Value, json};

use crate::events::{cancelled, check, created, event, plain, statuses};
use crate::support::{model_of, report_of, run_of};

// 5.3 Run status

#[test]
fn run_is_created_starts_and_ends() {
    let mut events = vec![created(0.0)];
    check(&events, json!({"status": "pending", "executions": 0, "started_at": null, "seed": 7}));
    events.push(plain(1.0, "", "start"));
    check(
        &events,
        json!({"status": "running", "executions": 1, "started_at": "2025-11-13T10:00:01Z"}),
    );
    let mut failed = events.clone();
    events.push(plain(4.0, "", "end"));
    check(
        &events,
        json!({"status": "completed", "duration_ms": 3000, "ended_at": "2025-11-13T10:00:04Z"}),
    );
    failed.push(event(5.0, "", "fail", json!({"data": {"error": "no"}})));
    check(&failed, json!({"status": "failed", "duration_ms": 4000, "error": "no"}));
}

#[test]
fn cancelled_run_stays_cancelled_until_it_continues() {
    let mut events = vec![
        plain(0.0, "", "start"),
        plain(1.0, "PLAN", "start"),
        plain(2.0, "PLAN", "end"),
        cancelled(3.0),
    ];
    check(
        &events,
        json!({
            "status": "cancelled",
            "cancel_requested": true,
            "ended_at": "2025-11-13T10:00:03Z",
            "PLAN": "success",
            "STYLE": "skipped",
            "REVIEW": "skipped",
        }),
    );
    events.push(plain(4.0, "STYLE", "start"));
    check(
        &events,
        json!({
            "status": "running",
            "cancel_requested": true,
            "ended_at": null,
            "duration_ms": null,
            "current_node": "STYLE",
            "LYRICS": "pending",
        }),
    );
    events.push(plain(5.0, "STYLE", "end"));
    events.push(event(6.0, "", "end", json!({"duration_ms": 6000})));
    check(
        &events,
        json!({
            "status": "completed",
            "cancel_requested": true,
            "executions": 1,
            "duration_ms": 6000,
            "LYRICS": "skipped",
        }),
    );
}

#[test]
fn run_cancelled_while_queued_was_not_executed() {
    let mut events = vec![created(0.0), cancelled(1.0)];
    check(
        &events,
        json!({"status": "cancelled", "cancel_requested": true, "executions": 0, "PLAN": "unknown"}),
    );
    events.push(plain(2.0, "", "start"));
    check(
        &events,
        json!({
            "status": "running",
            "cancel_requested": true,
            "executions": 1,
            "PLAN": "pending",
            "ended_at": null,
        }),
    );
}

#[test]
fn second_execution_starts_fresh_and_keeps_the_first_in_history() {
    let events = [
        plain(0.0, "", "start"),
        event(1.0, "PLAN", "start", json!({"data": {"node_index": 0}})),
        event(2.0, "PLAN", "fail", json!({"data": {"error_message": "no plan"}})),
        event(3.0, "", "fail", json!({"data": {"error": "failed"}})),
        plain(10.0, "", "start"),
        event(11.0, "PLAN", "start", json!({"data": {"node_index": 0}})),
    ];
    check(
        &events,
        json!({
            "status": "running",
            "executions": 2,
            "error": null,
            "duration_ms": null,
            "started_at": "2025-11-13T10:00:10Z",
            "current_node": "PLAN",
            "PLAN": {"status": "running", "attempts": 1, "error": null},
            "STYLE": "pending",
        }),
    );
    let model = model_of(events);
    let history = &model.run("run-1").unwrap().history;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].error.as_deref(), Some("failed"));
    assert_eq!(history[0].duration_ms, Some(3000));
    assert_eq!(history[0].nodes[0].error.as_deref(), Some("no plan"));
}

// 5.4 Node status

#[test]
fn node_starts_ends_and_fails() {
    let begin = [plain(0.0, "", "start"), plain(1.0, "PLAN", "start")];
    check(&begin, json!({"current_node": "PLAN", "PLAN": {"status": "running", "attempts": 1}}));
    let with = |last: String| [&begin[..], &[last]].concat();
    check(&with(plain(2.0, "PLAN", "end")), json!({"current_node": null, "PLAN": "success"}));
    check(
        &with(event(2.0, "PLAN", "fail", json!({"data": {"error_message": "no"}}))),
        json!({"status": "running", "PLAN": {"status": "failed", "error": "no"}}),
    );
}

#[test]
fn passed_over_node_is_skipped() {
    check(
        &[
            plain(0.0, "", "start"),
            plain(1.0, "PLAN", "start"),
            plain(2.0, "PLAN", "end"),
            plain(3.0, "LYRICS", "start"),
        ],
        json!({"PLAN": "success", "STYLE": "skipped", "LYRICS": "running", "PRODUCER": "pending"}),
    );
}

#[test]
fn missed_nodes_are_unknown_not_skipped() {
    let unknown = json!({"PLAN": "unknown", "STYLE": "unknown", "PRODUCER": "pending"});
    let join = |node: &str, phase: &str, data: Value| {
        [plain(0.0, "", "start"), event(5.0, node, phase, json!({"data": data}))]
    };
    check(&join("LYRICS", "end", json!({})), unknown.clone());
    check(&join("LYRICS", "start", json!({})), unknown.clone());
    check(&join("LYRICS", "start", json!({"node_index": 2})), unknown.clone());
    check(&join("LYRICS", "fail", json!({})), unknown);
    // The backend says that this is the execution's first node: the earlier ones are not part of it.
    check(
        &join("LYRICS", "start", json!({"node_index": 0})),
        json!({"PLAN": "skipped", "STYLE": "skipped", "LYRICS": "running"}),
    );
    check(&join("PLAN", "start", json!({})), json!({"PLAN": "running", "STYLE": "pending"}));
}

#[test]
fn finished_run_without_node_events_has_unknown_nodes() {
    for phase in ["end", "fail"] {
        let run = run_of([plain(0.0, "", "start"), plain(1.0, "", phase)]);
        assert_eq!(statuses(&run), ["unknown"; 9], "{phase}");
    }
}

#[test]
fn running_node_inherits_the_outcome_of_its_run() {
    let begin = [plain(0.0, "", "start"), plain(1.0, "PLAN", "start")];
    let with = |last: String| [&begin[..], &[last]].concat();
    check(
        &with(event(5.0, "", "fail", json!({"data": {"error": "skill not registered"}}))),
        json!({
            "current_node": null,
            "PLAN": {"status": "failed", "error": "skill not registered", "inferred": true},
            "STYLE": "skipped",
        }),
    );
    check(
        &with(plain(5.0, "", "end")),
        json!({
            "current_node": null,
            "PLAN": {"status": "success", "error": null, "inferred": true, "duration_ms": null},
        }),
    );
    // The node's own end arrives late, with an earlier time: nothing is inferred any more.
    let mut late = with(plain(5.0, "", "end"));
    late.push(plain(4.0, "PLAN", "end"));
    check(&late, json!({"PLAN": {"status": "success", "inferred": false, "duration_ms": 3000}}));
}

#[test]
fn end_without_a_start_counts_as_one_attempt() {
    for (phase, status) in [("end", "success"), ("fail", "failed")] {
        check(
            &[
                plain(0.0, "", "start"),
                event(9.0, "STYLE", phase, json!({"data": {"duration_ms": 4000}})),
            ],
            json!({"STYLE": {"status": status, "attempts": 1, "duration_ms": 4000}}),
        );
    }
    let model = model_of([event(9.0, "STYLE", "end", json!({"duration_ms": 4000}))]);
    let run = model.run("run-1").unwrap();
    assert_eq!(run.nodes[1].started_at, Some("2025-11-13T10:00:05Z".parse().unwrap()));
    assert_eq!((run.status.as_str(), run.executions), ("running", 1));
}

#[test]
fn fix_loop_counts_attempts() {
    let mut events = vec![plain(0.0, "", "start")];
    for (at, node) in
        [(1.0, "COMPOSE"), (3.0, "VALIDATE"), (5.0, "FIX"), (7.0, "COMPOSE"), (9.0, "VALIDATE")]
    {
        events.push(plain(at, node, "start"));
        events.push(plain(at + 1.0, node, "end"));
    }
    check(
        &events,
        json!({
            "fix_iterations": 1,
            "COMPOSE": {"status": "success", "attempts": 2},
            "VALIDATE": {"status": "success", "attempts": 2},
            "FIX": {"status": "success", "attempts": 1},
            "RENDER": "pending",
        }),
    );
    let model = model_of(&events);
    let compose = model.run("run-1").unwrap().node("COMPOSE").unwrap();
    assert_eq!(compose.history().len(), 2);
}

#[test]
fn unknown_node_is_added_to_that_run_only() {
    let other = plain(3.0, "PLAN", "start").replace("run-1", "run-2");
    let report = report_of([
        plain(1.0, "PLAN", "start"),
        plain(2.0, "MASTER", "start"),
        plain(4.0, "MASTER", "end"),
        other,
    ]);
    let names: Vec<&str> = report.runs[0].nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, [&PIPELINE[..], &["MASTER"]].concat());
    assert_eq!(report.runs[0].nodes[9].status, "success");
    assert_eq!(statuses(&report.runs[0])[1], "pending", "it stands behind nothing");
    assert_eq!(report.runs[1].nodes.len(), 9);
}

#[test]
fn progress_changes_only_a_nodes_progress() {
    let progress = json!({"data": {"progress_percentage": 40, "message": "verse 2"}});
    for phase in ["progress", "info"] {
        let events = [
            plain(0.0, "", "start"),
            plain(1.0, "PLAN", "start"),
            event(2.0, "PLAN", phase, progress.clone()),
        ];
        check(&events, json!({"PLAN": {"status": "running", "attempts": 1, "scores": null}}));
        let model = model_of(&events);
        assert_eq!(model.run("run-1").unwrap().nodes[0].progress_percent, Some(40.0), "{phase}");
    }
    check(
        &[
            plain(1.0, "PLAN", "start"),
            plain(2.0, "PLAN", "end"),
            event(3.0, "", "end", json!({})),
            event(4.0, "PLAN", "progress", progress),
        ],
        json!({"PLAN": "success", "status": "completed"}),
    );
}

#[test]
fn unknown_phase_changes_no_state_and_is_logged_unchanged() {
    let begin = [plain(0.0, "", "start"), plain(1.0, "PLAN", "start")];
    let odd = plain(2.0, "PLAN", "paused");
    let before = report_of(&begin);
    let mut frames = begin.to_vec();
    frames.push(odd.clone());
    let mut model = Model::new(Retention::default());
    crate::support::feed(&mut model, &frames);
    let after = Report::of(&model);
    assert_eq!(before.runs, after.runs);
    assert_eq!((after.frames, after.events, after.ignored), (3, 2, 1));
    let last = model.log().entries().back().unwrap();
    match &last.item {
        meterbridge::model::LogItem::Event(event) => {
            assert_eq!(event.phase.as_str(), "paused");
            assert_eq!(model.log().raw(last), odd);
        }
        other => panic!("{other:?}"),
    }
}

// 5.5 Current node

#[test]
fn current_node_is_the_last_started_running_node() {
    let mut events =
        vec![plain(0.0, "", "start"), plain(1.0, "PLAN", "start"), plain(2.0, "STYLE", "start")];
    check(&events, json!({"current_node": "STYLE"}));
    events.push(plain(3.0, "STYLE", "end"));
    check(&events, json!({"current_node": "PLAN"}));
    events.push(plain(4.0, "PLAN", "end"));
    check(&events, json!({"current_node": null}));
}

// 5.6 Duration

#[test]
fn duration_is_top_level_else_in_data_else_in_metrics_else_computed() {
    let cases = [
        (json!({"duration_ms": 1, "data": {"duration_ms": 2}, "metrics": {"duration_ms": 3}}), 1),
        (
            json!({"duration_ms": null, "data": {"duration_ms": 2}, "metrics": {"duration_ms": 3}}),
            2,
        ),
        (json!({"data": {}, "metrics": {"duration_ms": 3}}), 3),
        (json!({"duration_ms": 0}), 0),
        (json!({"duration_ms": 12.6}), 13),
        (json!({"data": {}, "metrics": {}}), 1500),
        (json!({"duration_ms": -5}), 1500),
        (json!({"duration_ms": "12"}), 1500),
        (json!({"data": null}), 1500),
    ];
    for (more, expected) in cases {
        let node = run_of([plain(1.0, "PLAN", "start"), event(2.5, "PLAN", "end", more.clone())]);
        assert_eq!(node.nodes[0].duration_ms, Some(expected), "{more}");
        let run = run_of([plain(1.0, "", "start"), event(2.5, "", "end", more.clone())]);
        assert_eq!(run.duration_ms, Some(expected), "{more}");
    }
}

#[test]
fn elapsed_time_uses_the_server_clock_and_is_never_negative() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut model = Model::default();
    // The server is ten seconds ahead of this machine.
    let mut batch = Batch::new(at("2025-11-13T09:59:50Z"), true);
    batch.push_text(&plain(0.0, "", "start"));
    batch.push_text(&plain(0.0, "PLAN", "start"));
    model.receive(batch, |_, _| ());
    let run = model.run("run-1").unwrap();
    let elapsed = |now: &str| {
        let server_now = model.clock().server_time(at(now));
        (run.elapsed_ms(server_now), run.nodes[0].elapsed_ms(server_now))
    };
    assert_eq!(elapsed("2025-11-13T09:59:53Z"), (Some(3000), Some(3000)));
    assert_eq!(elapsed("2025-11-13T09:59:40Z"), (Some(0), Some(0)));
    assert_eq!(run.nodes[1].elapsed_ms(at("2025-11-13T10:00:00Z")), None);
}

// 5.7 Error

#[test]
fn error_is_the_most_specific_message() {
    let data = json!({"error_message": "a", "error": "b", "message": "d"});
    let without = |fields: &[&str]| {
        let mut data = data.clone();
        for field in fields {
            data.as_object_mut().unwrap().remove(*field);
        }
        data
    };
    let cases = [
        (json!({"data": data, "issues": ["c"]}), "a"),
        (json!({"data": without(&["error_message"]), "issues": ["c"]}), "b"),
        (json!({"data": without(&["error_message", "error"]), "issues": ["c", "e"]}), "c"),
        (
            json!({"data": without(&["error_message", "error"]),
                "issues": [{"severity": "error", "message": "c", "code": "X"}]}),
            "c",
        ),
        (json!({"data": without(&["error_message", "error"]), "issues": []}), "d"),
        (json!({"data": {"error_message": "", "error": "b"}}), "b"),
        (json!({"data": {}, "issues": []}), "Unknown error"),
        (json!({}), "Unknown error"),
        (json!({"data": {"error_message": 5, "error": {"a": 1}}}), "Unknown error"),
    ];
    for (more, expected) in cases {
        let run = run_of([
            plain(1.0, "PLAN", "start"),
            event(2.0, "PLAN", "fail", more.clone()),
            event(3.0, "", "fail", more.clone()),
        ]);
        assert_eq!(run.nodes[0].error.as_deref(), Some(expected), "{more}");
        assert_eq!(run.error.as_deref(), Some(expected), "{more}");
    }
}

// 5.8 Song and seed

#[test]
fn song_and_seed_come_from_any_event_that_names_them() {
    let guide = json!({"data": {"song_id": "song-456", "global_seed": 12345, "seed": 1}});
    check(&[event(0.0, "", "start", guide)], json!({"song_id": "song-456", "seed": 12345}));
    let backend = json!({"data": {"song_id": "s", "seed": 42, "message": "Workflow run created"}});
    check(
        &[
            event(0.0, "", "info", backend),
            // A node's seed is derived from the run's seed and must not replace it.
            event(1.0, "PLAN", "start", json!({"data": {"seed": 43, "node_index": 0}})),
        ],
        json!({"song_id": "s", "seed": 42}),
    );
    check(
        &[event(1.0, "PLAN", "start", json!({"data": {"seed": 43}}))],
        json!({"song_id": null, "seed": null}),
    );
}

// 5.9 Scores

#[test]
fn scores_are_read_from_data_else_from_metrics_of_validate() {
    let metrics = json!({"metrics": {"total": 0.8, "hook": 1, "duration_ms": 70, "note": "x"}});
    let scores = json!({"data": {"scores": {"total": 0.9}}, "metrics": {"total": 0.1}});
    check(
        &[event(2.0, "VALIDATE", "end", metrics.clone())],
        json!({"VALIDATE": {"scores": {"hook": 1.0, "total": 0.8}, "duration_ms": 70}}),
    );
    check(
        &[event(2.0, "VALIDATE", "end", scores.clone()), event(1.0, "STYLE", "end", scores)],
        json!({"VALIDATE": {"scores": {"total": 0.9}}, "STYLE": {"scores": {"total": 0.9}}}),
    );
    check(&[event(2.0, "STYLE", "end", metrics)], json!({"STYLE": {"scores": null}}));
}

// 5.10 Fix iterations

#[test]
fn fix_iterations_come_from_the_end_event_else_from_fix_starts() {
    let fixed = [
        plain(0.0, "", "start"),
        plain(1.0, "FIX", "start"),
        plain(2.0, "FIX", "end"),
        plain(3.0, "FIX", "start"),
        plain(4.0, "FIX", "end"),
    ];
    check(&fixed, json!({"fix_iterations": 2}));
    let with = |last: String| [&fixed[..], &[last]].concat();
    check(&with(plain(5.0, "", "end")), json!({"fix_iterations": 2}));
    let told = json!({"data": {"fix_iterations": 3}});
    check(&with(event(5.0, "", "end", told)), json!({"fix_iterations": 3}));
}

// 5.11 Frames

#[test]
fn frame_with_an_array_is_a_batch() {
    let events = [plain(0.0, "", "start"), plain(1.0, "PLAN", "start")].join(" ,\n");
    let report = report_of([format!(" [{events}, 7, [], {{}}]")]);
    let counters = [report.frames, report.events, report.malformed, report.ignored];
    assert_eq!(counters, [1, 2, 2, 1]);
    assert_eq!(report.runs[0].nodes[0].status, "running");
}

#[test]
fn binary_frame_with_json_is_read_like_text() {
    let mut model = Model::default();
    let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
    batch.push_bytes(plain(0.0, "", "start").as_bytes());
    batch.push_bytes(b"\xff\x00\xfe");
    model.receive(batch, |_, _| ());
    let counters = model.counters();
    assert_eq!((counters.frames, counters.events, counters.malformed), (2, 1, 1));
}
