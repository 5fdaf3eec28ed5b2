//! Compares both dialects with `protocol`, key by key.

use std::collections::{BTreeSet, HashSet};

use serde_json::json;

use super::*;
use crate::demo::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};

fn session() -> Session {
    Session { epoch: "2026-11-23T01:08:40.911492Z".parse().unwrap(), speed: 1.0, salt: 5 }
}

fn events() -> Vec<TimedEvent> {
    Timeline::new(DemoSchedule::new(7, DemoScheduleOptions { runs: 20 })).take(20_000).collect()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn set<const N: usize>(keys: [&'static str; N]) -> BTreeSet<&'static str> {
    BTreeSet::from(keys)
}

fn parse(dialect: Dialect, event: &TimedEvent) -> Option<Value> {
    let text = dialect.render(event, &session(), Delivery::Live)?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn guide_frames_have_exactly_the_guide_keys() {
    for event in events() {
        let frame = parse(Dialect::Guide, &event).unwrap();
        let what = &event.event.what;
        let mut expected = set(["event_id", "ts", "run_id", "phase", "data", "request_id"]);
        if what.node().is_some() {
            expected.insert("node_name");
        }
        if matches!(what, What::RunEnd { .. } | What::NodeEnd { .. }) {
            expected.insert("duration_ms");
            assert!(frame["duration_ms"].is_u64());
        }
        assert_eq!(keys(&frame), expected, "{what:?}");
        let ts = frame["ts"].as_str().unwrap();
        assert!(ts.ends_with('Z'));
        assert_eq!(ts.parse::<Timestamp>().unwrap(), session().wall_instant(event.at));
        let data = &frame["data"];
        match what {
            What::RunStart => {
                assert_eq!(keys(data), set(["song_id", "song_title", "global_seed"]));
            }
            What::RunEnd { .. } => assert_eq!(data, &json!({"status": "completed"})),
            What::RunFail { .. } | What::NodeFail { .. } => {
                assert!(!data["error_message"].as_str().unwrap().is_empty());
            }
            What::NodeEnd { node, scores, .. } => {
                assert!(!data["artifacts"].as_object().unwrap().is_empty());
                assert_eq!(data.get("scores").is_some(), *node == Node::Validate);
                for (name, value) in scores {
                    assert_eq!(data["scores"][name], json!(value));
                }
            }
            What::Progress { .. } => {
                assert_eq!(frame["phase"], "progress");
                assert!(data["message"].is_string());
            }
            What::Created | What::Cancelled => assert_eq!(frame["phase"], "info"),
            What::NodeStart { .. } => assert_eq!(keys(data), set(["node_index"])),
        }
    }
}

#[test]
fn backend_frames_have_exactly_the_backend_keys() {
    let mut kinds = HashSet::new();
    for event in events() {
        let what = &event.event.what;
        let Some(frame) = parse(Dialect::Backend, &event) else {
            assert!(matches!(what, What::Progress { .. }));
            continue;
        };
        kinds.insert(std::mem::discriminant(what));
        let envelope = set([
            "event_id",
            "run_id",
            "timestamp",
            "node_name",
            "phase",
            "metrics",
            "issues",
            "data",
        ]);
        assert_eq!(keys(&frame), envelope);
        assert_eq!(frame["metrics"], json!({}));
        assert_eq!(frame["issues"], json!([]));
        assert_eq!(frame["node_name"].is_null(), what.node().is_none());
        let expected = match what {
            What::Created => set(["seed", "message", "song_id", "song_title"]),
            What::Cancelled | What::RunStart => set(["message"]),
            What::RunEnd { .. } => set(["message", "duration_ms", "fix_iterations"]),
            What::RunFail { .. } => set(["message", "error", "error_type"]),
            What::NodeStart { .. } => set(["skill_name", "seed", "node_index", "deterministic"]),
            What::NodeEnd { .. } => {
                set(["skill_name", "duration_ms", "output_hash", "model_params"])
            }
            What::NodeFail { failure: Failure::UnknownGenre, .. } => {
                set(["skill_name", "error_type", "error_message", "duration_ms"])
            }
            What::NodeFail { .. } => {
                set(["skill_name", "error_type", "error_message", "duration_ms", "stack_trace"])
            }
            What::Progress { .. } => unreachable!("not sent"),
        };
        assert_eq!(keys(&frame["data"]), expected, "{what:?}");
    }
    assert_eq!(kinds.len(), 8, "a kind of event never came up");
}

#[test]
fn backend_keys_are_in_the_recorded_order() {
    let event = events().into_iter().find(|event| event.event.what == What::Created).unwrap();
    let text = Dialect::Backend.render(&event, &session(), Delivery::Live).unwrap();
    let order = ["event_id", "run_id", "timestamp", "node_name", "phase", "metrics", "issues"];
    let places: Vec<_> = order.iter().map(|key| text.find(&format!("\"{key}\":"))).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
}

#[test]
fn replayed_events_keep_id_and_instant_in_another_time_zone() {
    for event in events().iter().filter(|event| event.event.what.is_stored()).take(100) {
        let [live, replay]: [Value; 2] = [Delivery::Live, Delivery::Replay].map(|delivery| {
            let text = Dialect::Backend.render(event, &session(), delivery).unwrap();
            serde_json::from_str(&text).unwrap()
        });
        assert_eq!(live["event_id"], replay["event_id"]);
        let instant =
            |frame: &Value| frame["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap();
        assert_eq!(instant(&live), instant(&replay));
        assert!(live["timestamp"].as_str().unwrap().ends_with("+00:00"));
        assert!(replay["timestamp"].as_str().unwrap().ends_with("-05:00"));
    }
}

#[test]
fn python_timestamps_omit_zero_fractions_and_pad_others() {
    let live = |text: &str| python_isoformat(text.parse().unwrap(), Delivery::Live);
    assert_eq!(live("2026-11-23T01:08:41Z"), "2026-11-23T01:08:41+00:00");
    assert_eq!(live("2026-11-23T01:08:41.000082Z"), "2026-11-23T01:08:41.000082+00:00");
    let replay = python_isoformat("2026-11-23T01:08:41.5Z".parse().unwrap(), Delivery::Replay);
    assert_eq!(replay, "2026-11-22T20:08:41.500000-05:00");
}

#[test]
fn speed_scales_instants_and_durations_equally() {
    let fast = Session { speed: 4.0, ..session() };
    for event in events().iter().take(500) {
        if let What::NodeEnd { duration, .. } = event.event.what {
            let text = Dialect::Guide.render(event, &fast, Delivery::Live).unwrap();
            let frame: Value = serde_json::from_str(&text).unwrap();
            let millis = frame["duration_ms"].as_u64().unwrap() as f64;
            assert!((millis - duration.as_secs_f64() * 250.0).abs() <= 1.0);
        }
    }
    let second = fast.wall_instant(SignedDuration::from_secs(4));
    assert_eq!(second, fast.epoch + SignedDuration::from_secs(1));
}

#[test]
fn error_texts_name_the_time_that_passed_at_every_speed() {
    let timeouts: Vec<_> = Timeline::new(DemoSchedule::new(7, DemoScheduleOptions::default()))
        .take(200_000)
        .filter(|event| match &event.event.what {
            What::NodeFail { failure, .. } => *failure == Failure::LlmTimeout,
            What::RunFail { reason: RunFailure::NodeFailed { failure, .. }, .. } => {
                *failure == Failure::LlmTimeout
            }
            _ => false,
        })
        .take(8)
        .collect();
    assert_eq!(timeouts.len(), 8);
    for (speed, after) in [(1.0, "after 30s"), (5.25, "after 5.7s"), (0.25, "after 120s")] {
        let session = Session { speed, ..session() };
        for (event, dialect) in timeouts
            .iter()
            .flat_map(|event| [Dialect::Guide, Dialect::Backend].map(|dialect| (event, dialect)))
        {
            let text = dialect.render(event, &session, Delivery::Live).unwrap();
            assert!(text.contains(&format!("LYRICS {after}")), "{text}");
        }
    }
}

#[test]
fn sessions_have_different_version_4_ids() {
    let event = &events()[0];
    let other = Session { salt: 6, ..session() };
    assert_ne!(session().id(event.run.id), other.id(event.run.id));
    assert_eq!(other.id(event.run.id).get_version_num(), 4);
    assert_eq!(other.id(event.run.id), other.id(event.run.id));
}

#[test]
fn backend_frames_contain_no_scores_artifacts_or_progress() {
    for event in events() {
        let Some(text) = Dialect::Backend.render(&event, &session(), Delivery::Live) else {
            continue;
        };
        for word in ["scores", "artifacts", "progress", "request_id", "\"ts\""] {
            assert!(!text.contains(word), "{text}");
        }
    }
}
