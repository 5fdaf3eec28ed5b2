//! Transcripts of real traffic, read by the binary: one test for each row of the transcripts' table.

use serde_json::{Value, json};

use crate::support::{answer, fixture};

/// Returns the output of `inspect --json` for these recordings together.
fn inspect(names: &[&str]) -> Value {
    let mut arguments = vec!["inspect".to_owned(), "--json".to_owned()];
    arguments.extend(names.iter().map(|name| {
        fixture("transcripts").join(format!("{name}.ndjson")).to_string_lossy().into_owned()
    }));
    let output = answer(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the only run of a recording, and checks the counters.
fn run(name: &str, events: u64) -> Value {
    let report = inspect(&[name]);
    assert_eq!(counters(&report), [events, events, 0, 0, 0], "{name}");
    assert_eq!(report["runs"].as_array().unwrap().len(), 1, "{name}");
    report["runs"][0].clone()
}

/// Returns the numbers of frames, events, duplicates, malformed and ignored elements.
fn counters(report: &Value) -> [u64; 5] {
    ["frames", "events", "duplicates", "malformed", "ignored"]
        .map(|name| report[name].as_u64().unwrap())
}

/// Compares the named fields only.
fn check(actual: &Value, expected: Value) {
    for (field, expected) in expected.as_object().unwrap() {
        assert_eq!(&actual[field], expected, "{field} of {actual:#}");
    }
}

/// Checks `(name, status, attempts, duration_ms)` of every node.
fn check_nodes(run: &Value, expected: &[(&str, &str, u64, Option<u64>)]) {
    let nodes = run["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), expected.len(), "{nodes:#?}");
    for (node, (name, status, attempts, duration_ms)) in nodes.iter().zip(expected) {
        check(
            node,
            json!({
                "name": name,
                "status": status,
                "attempts": attempts,
                "duration_ms": duration_ms,
                "inferred": false,
                "scores": null,
            }),
        );
        if *status != "failed" {
            check(node, json!({"error": null}));
        }
    }
}

const SONG: &str = "aaaaaaaa-0000-4000-8000-000000000001";

#[test]
fn a_run_watched_live_completes() {
    let run = run("a-success-live", 19);
    check(
        &run,
        json!({
            "run_id": "f1a938c8-b85e-44f6-bbad-39ac83ea7d93",
            "song_id": SONG,
            "seed": 42,
            "status": "completed",
            "cancel_requested": false,
            "executions": 1,
            "current_node": null,
            "started_at": "2026-11-23T01:08:41.200249Z",
            "ended_at": "2026-11-23T01:08:42.572143Z",
            "duration_ms": 1358,
            "fix_iterations": 0,
            "error": null,
            "events": 19,
        }),
    );
    check_nodes(
        &run,
        &[
            ("PLAN", "success", 1, Some(69)),
            ("STYLE", "success", 1, Some(140)),
            ("LYRICS", "success", 1, Some(421)),
            ("PRODUCER", "success", 1, Some(131)),
            ("COMPOSE", "success", 1, Some(85)),
            ("VALIDATE", "success", 1, Some(70)),
            ("FIX", "skipped", 0, None),
            ("RENDER", "success", 1, Some(300)),
            ("REVIEW", "success", 1, Some(40)),
        ],
    );
}

#[test]
fn b_validation_passes_after_two_fixes() {
    let run = run("b-fix-twice-then-pass", 31);
    check(
        &run,
        json!({
            "song_id": SONG,
            "seed": 42,
            "status": "completed",
            "executions": 1,
            "duration_ms": 2077,
            "fix_iterations": 2,
            "error": null,
        }),
    );
    check_nodes(
        &run,
        &[
            ("PLAN", "success", 1, Some(71)),
            ("STYLE", "success", 1, Some(140)),
            ("LYRICS", "success", 1, Some(421)),
            ("PRODUCER", "success", 1, Some(130)),
            ("COMPOSE", "success", 3, Some(84)),
            ("VALIDATE", "success", 3, Some(76)),
            ("FIX", "success", 2, Some(161)),
            ("RENDER", "success", 1, Some(301)),
            ("REVIEW", "success", 1, Some(42)),
        ],
    );
}

#[test]
fn b2_run_fails_when_the_fixes_are_used_up() {
    let run = run("b2-fix-exhausted", 35);
    check(
        &run,
        json!({"status": "completed", "duration_ms": 2097, "fix_iterations": 3, "error": null}),
    );
    check_nodes(
        &run,
        &[
            ("PLAN", "success", 1, Some(69)),
            ("STYLE", "success", 1, Some(140)),
            ("LYRICS", "success", 1, Some(420)),
            ("PRODUCER", "success", 1, Some(130)),
            ("COMPOSE", "success", 4, Some(80)),
            ("VALIDATE", "success", 4, Some(71)),
            ("FIX", "success", 3, Some(160)),
            ("RENDER", "skipped", 0, None),
            ("REVIEW", "success", 1, Some(40)),
        ],
    );
}

fn check_failed_in_lyrics(run: &Value, lyrics_ms: u64) {
    let id = run["run_id"].as_str().unwrap();
    let cause = "LLM call timed out in LYRICS after 30s";
    check(
        run,
        json!({
            "status": "failed",
            "executions": 1,
            "current_node": null,
            "fix_iterations": 0,
            "error": format!(
                "Workflow run {id} failed: Skill amcs.lyrics.generate execution failed: {cause}"
            ),
        }),
    );
    check(
        &run["nodes"][2],
        json!({
            "name": "LYRICS",
            "status": "failed",
            "attempts": 1,
            "duration_ms": lyrics_ms,
            "error": cause,
            "inferred": false,
        }),
    );
    for node in &run["nodes"].as_array().unwrap()[..2] {
        check(node, json!({"status": "success", "attempts": 1, "error": null}));
    }
    for node in &run["nodes"].as_array().unwrap()[3..] {
        check(node, json!({"status": "skipped", "attempts": 0, "duration_ms": null}));
    }
}

#[test]
fn c_run_fails_with_its_node() {
    let run = run("c-node-fails", 9);
    check_failed_in_lyrics(&run, 420);
    // The stream does not say how long a failed run took: the duration is the difference of the two
    // times.
    check(
        &run,
        json!({
            "started_at": "2026-11-23T01:08:49.536148Z",
            "ended_at": "2026-11-23T01:08:50.212823Z",
            "duration_ms": 676,
        }),
    );
}

#[test]
fn d_run_that_goes_on_after_a_cancellation_completes() {
    let run = run("d-cancel-during", 20);
    check(
        &run,
        json!({
            "status": "completed",
            "cancel_requested": true,
            "executions": 1,
            "current_node": null,
            "started_at": "2026-11-23T01:08:51.917136Z",
            "ended_at": "2026-11-23T01:08:53.269806Z",
            "duration_ms": 1348,
            "error": null,
        }),
    );
    for node in run["nodes"].as_array().unwrap() {
        let fix = node["name"] == "FIX";
        check(
            node,
            json!({
                "status": if fix { "skipped" } else { "success" },
                "attempts": if fix { 0 } else { 1 },
                "inferred": false,
            }),
        );
    }
}

#[test]
fn e_failed_run_watched_late_and_its_retry_are_two_runs() {
    check_running_by_events_alone(&run("e-retry.original", 2));
    let retried = run("e-retry.new", 9);
    let lyrics_ms = retried["nodes"][2]["duration_ms"].as_u64().unwrap();
    check_failed_in_lyrics(&retried, lyrics_ms);
    assert!((400..450).contains(&lyrics_ms), "{lyrics_ms}");

    let both = inspect(&["e-retry.original", "e-retry.new"]);
    assert_eq!(counters(&both), [11, 11, 0, 0, 0]);
    let ids: Vec<&Value> =
        both["runs"].as_array().unwrap().iter().map(|run| &run["status"]).collect();
    assert_eq!(ids, ["running", "failed"], "in order of their first event");
}

fn check_running_by_events_alone(run: &Value) {
    check(
        run,
        json!({
            "status": "running",
            "executions": 1,
            "current_node": null,
            "ended_at": null,
            "duration_ms": null,
            "error": null,
        }),
    );
    assert!(run["started_at"].is_string());
    for node in run["nodes"].as_array().unwrap() {
        check(node, json!({"status": "pending", "attempts": 0}));
    }
}

#[test]
fn f_replay_of_a_failed_run_alone_shows_it_as_running() {
    check_running_by_events_alone(&run("f-late-subscriber.failed", 2));
}

#[test]
fn g_second_connection_alone_gives_the_state_it_can_know() {
    let run = run("g-reconnect-midrun.conn2", 14);
    check(&run, json!({"status": "completed", "duration_ms": 1340, "current_node": null}));
    check_nodes(
        &run,
        &[
            ("PLAN", "unknown", 0, None),
            ("STYLE", "unknown", 0, None),
            ("LYRICS", "success", 1, Some(420)),
            ("PRODUCER", "success", 1, Some(131)),
            ("COMPOSE", "success", 1, Some(81)),
            ("VALIDATE", "success", 1, Some(70)),
            ("FIX", "skipped", 0, None),
            ("RENDER", "success", 1, Some(301)),
            ("REVIEW", "success", 1, Some(41)),
        ],
    );
}

#[test]
fn g_two_connections_together_give_the_whole_run() {
    let both = inspect(&["g-reconnect-midrun.conn1", "g-reconnect-midrun.conn2"]);
    assert_eq!(counters(&both), [19, 17, 2, 0, 0]);
    let run = &both["runs"][0];
    check(run, json!({"status": "completed", "events": 17, "duration_ms": 1340}));
    check(&run["nodes"][0], json!({"status": "success", "attempts": 1, "duration_ms": 65}));
    // The node's end was missed between the connections.
    check(
        &run["nodes"][1],
        json!({
            "name": "STYLE",
            "status": "success",
            "attempts": 1,
            "duration_ms": null,
            "inferred": true,
        }),
    );
    check(&run["nodes"][2], json!({"status": "success", "attempts": 1, "inferred": false}));

    let reversed = inspect(&["g-reconnect-midrun.conn2", "g-reconnect-midrun.conn1"]);
    assert_eq!(both, reversed, "the order of the connections does not matter");
}

/// Checks that the recordings match the table. The source's reaction to a refusal is tested with the
/// source.
#[test]
fn i_refusals_are_recorded_with_code_and_reason() {
    for (name, reason) in [
        ("i-no-run-id", "Missing run_id query parameter"),
        ("i-invalid-run-id", "Invalid run_id format"),
    ] {
        let path = fixture("transcripts").join(format!("{name}.meta.json"));
        let meta: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        check(&meta["close"], json!({"code": 1008, "reason": reason}));
    }
}

#[test]
fn all_recordings_in_one_model_give_all_their_runs() {
    let names = [
        "a-success-live",
        "b-fix-twice-then-pass",
        "b2-fix-exhausted",
        "c-node-fails",
        "d-cancel-during",
        "e-retry.new",
        "e-retry.original",
        "f-late-subscriber.failed",
        "g-reconnect-midrun.conn1",
        "g-reconnect-midrun.conn2",
    ];
    let report = inspect(&names);
    let [frames, events, duplicates, malformed, ignored] = counters(&report);
    assert_eq!([frames, malformed, ignored], [146, 0, 0]);
    assert_eq!(events + duplicates, frames);
    let first_events: Vec<&str> = report["runs"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|run| run["started_at"].as_str())
        .collect();
    assert!(first_events.is_sorted(), "{first_events:?}");
}
