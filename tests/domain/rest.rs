//! Merging of events and REST, with recorded responses of a real backend.

use std::sync::Arc;

use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::{Batch, RunSnapshot};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{fixture, received_at, run_of, transcript};

/// One input concerning a run.
#[derive(Clone, Debug)]
enum Arrival {
    Frame(String),
    Rest(Arc<RunSnapshot>),
}

/// Returns all responses to `GET /runs/{id}` in a scenario, in order, for the run that is named last.
fn details(name: &str) -> Vec<Arc<RunSnapshot>> {
    let path = fixture("transcripts").join(format!("{name}.http.ndjson"));
    let text = std::fs::read_to_string(path).unwrap();
    let exchanges = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    exchanges
        .filter(|it| it["method"] == "GET" && it["status"] == 200)
        .filter(|it| it["response_body"]["executions"].is_array())
        .map(|it| Arc::new(RunSnapshot::read(it["response_body"].to_string().as_bytes()).unwrap()))
        .collect()
}

fn frames(name: &str) -> Vec<Arrival> {
    transcript(name).into_iter().map(Arrival::Frame).collect()
}

fn report(arrived: &[Arrival]) -> RunReport {
    let mut model = Model::new(Retention::EVERYTHING);
    for arrival in arrived {
        let mut batch = Batch::new(received_at(), true);
        match arrival {
            Arrival::Frame(text) => batch.push_text(text),
            Arrival::Rest(snapshot) => batch.push_run(snapshot.clone()),
        }
        model.receive(batch, |_, _| ());
    }
    let mut runs = Report::of(&model).runs;
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

fn of_rest(snapshots: &[Arc<RunSnapshot>]) -> Vec<Arrival> {
    snapshots.iter().cloned().map(Arrival::Rest).collect()
}

/// Returns name, status and attempts of each node.
fn nodes(run: &RunReport) -> Vec<(&str, &str, u32)> {
    run.nodes.iter().map(|node| (node.name.as_str(), node.status, node.attempts)).collect()
}

const SCENARIOS: [&str; 4] =
    ["a-success-live", "b-fix-twice-then-pass", "c-node-fails", "d-cancel-during"];

#[test]
fn rest_alone_gives_the_same_run_as_events() {
    for name in SCENARIOS {
        let seen = run_of(transcript(name));
        let told = report(&of_rest(&details(name)));
        assert_eq!(nodes(&told), nodes(&seen), "{name}");
        assert_eq!(told.status, seen.status, "{name}");
        assert_eq!(told.executions, seen.executions, "{name}");
        assert_eq!(told.fix_iterations, seen.fix_iterations, "{name}");
        assert_eq!(told.cancel_requested, seen.cancel_requested, "{name}");
        assert_eq!(told.song_id, seen.song_id, "{name}");
        assert_eq!(told.error.is_some(), seen.error.is_some(), "{name}");
        assert!(told.from_rest, "{name}");
        for (told, seen) in told.nodes.iter().zip(&seen.nodes) {
            assert_eq!(told.from_rest, told.attempts > 0, "{name} {}", told.name);
            let apart = told.duration_ms.unwrap_or(0).abs_diff(seen.duration_ms.unwrap_or(0));
            assert!(apart < 15, "{name} {}: {apart} ms", told.name);
        }
    }
}

/// A backend that is polled sends no events, and its runs still have usual durations.
#[test]
fn usual_durations_are_learned_from_rest() {
    let name = SCENARIOS[0];
    let mut model = Model::new(Retention::EVERYTHING);
    let snapshots = details(name);
    // The same state twice teaches nothing new.
    for snapshot in snapshots.iter().chain(snapshots.last()) {
        let mut batch = Batch::new(received_at(), true);
        batch.push_run(snapshot.clone());
        model.receive(batch, |_, _| ());
    }
    let told = report(&of_rest(&snapshots));
    let succeeded: Vec<_> = told.nodes.iter().filter(|node| node.status == "success").collect();
    assert!(!succeeded.is_empty());
    for node in succeeded {
        let baseline = model.stats().node_baseline(&node.name).map(|it| it.samples);
        assert!(baseline.is_some_and(|samples| samples == node.attempts as usize), "{}", node.name);
    }
}

/// Values from events stay as they are: REST adds only scores.
#[test]
fn rest_overrides_nothing_from_events() {
    for name in SCENARIOS {
        let seen = run_of(transcript(name));
        let mut all = frames(name);
        all.extend(of_rest(&details(name)));
        let mut joined = report(&all);
        let scores = joined.nodes[5].scores.take();
        assert_eq!(scores.is_some(), name != "c-node-fails", "{name}");
        assert_eq!(joined, seen, "{name}");
    }
}

#[test]
fn late_viewer_of_a_failed_run_sees_where_it_failed() {
    let mut all = frames("f-late-subscriber.failed");
    let blind = report(&all);
    assert_eq!(blind.status, "running");
    let id = blind.run_id;
    let mut details = details("c-node-fails");
    details.retain(|detail| detail.run_id == id);
    all.extend(of_rest(&details));
    let run = report(&all);
    assert_eq!((run.status, run.current_node.as_deref()), ("failed", None));
    let words =
        "Skill amcs.lyrics.generate execution failed: LLM call timed out in LYRICS after 30s";
    assert_eq!(run.error.as_deref(), Some(words));
    let expected = [("PLAN", "success"), ("STYLE", "success"), ("LYRICS", "failed")];
    for (node, (name, status)) in run.nodes.iter().zip(expected) {
        assert_eq!((node.name.as_str(), node.status, node.from_rest), (name, status, true));
    }
    assert_eq!(run.nodes[2].error.as_deref(), Some(words));
    assert!(run.nodes[3..].iter().all(|node| node.status == "skipped"));
}

/// STYLE's end and LYRICS' start were missed between two connections, and later the run's end.
#[test]
fn gaps_and_a_missed_end_are_filled() {
    let frames = frames("a-success-live");
    let gappy = [&frames[..5], &frames[7..18]].concat();
    let blind = report(&gappy);
    assert_eq!((blind.status, blind.nodes[1].status), ("running", "running"));
    let mut all = gappy.clone();
    all.extend(of_rest(&details("a-success-live")[2..]));
    let run = report(&all);
    assert_eq!(run.status, "completed");
    assert!(run.from_rest && run.nodes[1].from_rest);
    assert_eq!(run.nodes[1].duration_ms, Some(143), "as REST tells it");
    assert_eq!((run.nodes[2].duration_ms, run.nodes[2].from_rest), (Some(421), false));
    let whole = run_of(transcript("a-success-live"));
    assert_eq!(nodes(&run), nodes(&whole));
}

/// A viewer that joins in the middle learns the past from one response, and continues with events.
#[test]
fn joining_mid_run_is_filled_by_one_response() {
    let frames = frames("a-success-live");
    // Replayed: created and started. Then the end of LYRICS, whose start was missed.
    let mut all = vec![frames[0].clone(), frames[1].clone()];
    all.push(Arrival::Rest(details("a-success-live")[1].clone()));
    let during = report(&all);
    assert_eq!(during.current_node.as_deref(), Some("LYRICS"));
    assert_eq!(
        nodes(&during)[..4],
        [
            ("PLAN", "success", 1),
            ("STYLE", "success", 1),
            ("LYRICS", "running", 1),
            ("PRODUCER", "pending", 0)
        ]
    );
    all.extend_from_slice(&frames[7..]);
    let run = report(&all);
    let whole = run_of(transcript("a-success-live"));
    assert_eq!(nodes(&run), nodes(&whole));
    assert!(!run.from_rest && run.nodes[0].from_rest && !run.nodes[2].from_rest);
}

/// A second execution under the same id, first known from REST only, then from its events.
#[test]
fn second_execution_can_begin_by_event_or_rest() {
    let mut second: Value = serde_json::from_str(
        std::fs::read_to_string(fixture("transcripts").join("a-success-live.http.ndjson"))
            .unwrap()
            .lines()
            .last()
            .unwrap(),
    )
    .unwrap();
    let body = &mut second["response_body"];
    body["status"] = "running".into();
    body["event_counts"]["start"] = 2.into();
    body["updated_at"] = "2026-11-23T01:09:00.090000+00:00".into();
    let rows = body["executions"].as_array_mut().unwrap();
    rows.push(serde_json::json!({"node_name": "PLAN", "status": "completed", "duration_ms": 80,
        "started_at": "2026-11-23T01:09:00.010000+00:00", "completed_at": "2026-11-23T01:09:00.090000+00:00"}));
    rows.push(serde_json::json!({"node_name": "STYLE", "status": "running", "duration_ms": null,
        "started_at": "2026-11-23T01:09:00.100000+00:00", "completed_at": null}));
    let snapshot = Arc::new(RunSnapshot::read(body.to_string().as_bytes()).unwrap());
    let start = |at: &str| {
        let mut event: Value = serde_json::from_str(&transcript("a-success-live")[1]).unwrap();
        event["event_id"] = "5c3b7b1e-0000-4000-8000-000000000002".into();
        event["timestamp"] = at.into();
        Arrival::Frame(event.to_string())
    };
    let mut all = frames("a-success-live");
    all.push(Arrival::Rest(snapshot.clone()));
    let by_rest = report(&all);
    all.push(start("2026-11-23T01:09:00.000000+00:00"));
    let by_both = report(&all);
    let alone = report(&[Arrival::Rest(snapshot)]);
    for run in [by_rest, by_both, alone] {
        assert_eq!((run.status, run.executions), ("running", 2));
        assert_eq!(
            nodes(&run)[..3],
            [("PLAN", "success", 1), ("STYLE", "running", 1), ("LYRICS", "pending", 0)]
        );
        assert_eq!(run.current_node.as_deref(), Some("STYLE"));
    }
}

fn everything_of(name: &'static str) -> impl Strategy<Value = (usize, Vec<Arrival>)> {
    let mut all = frames(name);
    all.extend(of_rest(&details(name)));
    // Some inputs are missing, some come twice.
    proptest::sample::subsequence(all.clone(), 1..=all.len()).prop_flat_map(|kept| {
        let twice = [kept.clone(), kept.clone()].concat();
        (Just(kept.len()), Just(twice).prop_shuffle())
    })
}

/// Generates a response that no backend has ever given, `number` seconds after all others.
fn odd_answer(number: usize) -> impl Strategy<Value = Arrival> {
    let instants = proptest::sample::select(vec![
        Value::Null,
        "2026-11-23T01:08:41.215840+00:00".into(),
        "2026-11-23T01:08:42.023980+00:00".into(),
        "2026-11-23T01:09:00+00:00".into(),
        "9999-12-30T22:00:00.999999Z".into(),
        "-009998-01-02T01:59:59Z".into(),
        "tomorrow".into(),
    ]);
    let nodes = proptest::sample::select(vec!["PLAN", "COMPOSE", "VALIDATE", "FIX", "MASTER", ""]);
    let statuses = proptest::sample::select(vec![
        "pending",
        "running",
        "completed",
        "failed",
        "cancelled",
        "odd",
    ]);
    let row = (nodes, statuses.clone(), instants.clone(), instants.clone()).prop_map(
        |(node, status, started_at, completed_at)| {
            serde_json::json!({"node_name": node, "status": status, "duration_ms": 7,
                "started_at": started_at, "completed_at": completed_at})
        },
    );
    (proptest::collection::vec(row, 0..12), statuses, instants, any::<bool>(), any::<bool>()).prop_map(
        move |(rows, status, error_at, has_error, gapless)| {
            let error = serde_json::json!({"message": "Workflow run cancelled by user", "timestamp": error_at});
            let body = serde_json::json!({"run_id": "f1a938c8-b85e-44f6-bbad-39ac83ea7d93",
                "status": status, "error": if has_error { error } else { Value::Null },
                "updated_at": format!("2026-11-23T01:10:{number:02}Z"), "executions": rows});
            let mut snapshot = RunSnapshot::read(body.to_string().as_bytes()).unwrap();
            snapshot.gapless = gapless;
            Arrival::Rest(Arc::new(snapshot))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    /// Neither order nor repetition changes the result, whichever inputs arrived.
    #[test]
    fn in_any_order((_, arrived) in prop_oneof![
        everything_of("a-success-live"), everything_of("b-fix-twice-then-pass"),
        everything_of("c-node-fails"), everything_of("d-cancel-during"),
    ]) {
        let shown = report(&arrived);
        let mut sorted = arrived;
        sorted.reverse();
        prop_assert_eq!(report(&sorted), shown);
    }

    /// Odd responses cause no panic, and their result does not depend on the order either.
    #[test]
    fn odd_responses_in_any_order(
        arrived in (odd_answer(1), odd_answer(2), proptest::sample::subsequence(frames("a-success-live"), 0..=19))
            .prop_flat_map(|(one, two, mut all)| {
                all.extend([one, two]);
                Just(all).prop_shuffle()
            }),
    ) {
        let shown = report(&arrived);
        let mut reversed = arrived;
        reversed.reverse();
        prop_assert_eq!(report(&reversed), shown);
    }

    /// With the last response, no loss of events changes the result.
    #[test]
    fn last_response_makes_up_for_any_loss(
        (name, kept) in proptest::sample::select(&SCENARIOS[..]).prop_flat_map(|name| {
            let frames = frames(name);
            let some = proptest::sample::subsequence(frames.clone(), 0..=frames.len());
            (Just(name), some)
        }),
    ) {
        let mut all = kept;
        all.extend(of_rest(&details(name)));
        let run = report(&all);
        let whole = run_of(transcript(name));
        prop_assert_eq!(nodes(&run), nodes(&whole));
        prop_assert_eq!(run.status, whole.status);
        prop_assert_eq!(run.executions, whole.executions);
        prop_assert_eq!(run.fix_iterations, whole.fix_iterations);
    }
}
