//! Protocol sections 5.1 and 5.2: identity of events, and their order.

use serde_json::{Value, json};

use crate::events::{event, plain};
use crate::support::{report_of, run_of};

// 5.1 Identity

#[test]
fn repeated_event_is_a_duplicate_in_any_time_zone() {
    let of = |ts: &str, id: &str| {
        format!(
            r#"{{"event_id":"{id}","run_id":"r","timestamp":"{ts}","node_name":null,"phase":"start","data":{{}}}}"#
        )
    };
    let live = of("2026-11-23T01:08:41.219282+00:00", "2363086a-c61e-4c21-a6e3-3ca4d4ac6b19");
    let replayed = of("2026-11-22T20:08:41.219282-05:00", "2363086a-c61e-4c21-a6e3-3ca4d4ac6b19");
    let upper = of("2026-11-23T01:08:41.219282Z", "2363086A-C61E-4C21-A6E3-3CA4D4AC6B19");
    let report = report_of([live, replayed, upper]);
    assert_eq!((report.events, report.duplicates), (1, 2));
}

#[test]
fn events_without_id_are_identified_by_run_node_phase_instant_and_payload() {
    let base = json!({"ts": "2025-11-13T10:00:05Z", "run_id": "r", "node_name": "STYLE",
        "phase": "start", "data": {"node_index": 1, "more": [1, {"a": 1, "b": 2}]}});
    let count = |events: &[String]| {
        let report = report_of(events);
        (report.events, report.duplicates)
    };
    let with = |field: &str, value: Value| {
        let mut event = base.clone();
        event[field] = value;
        event.to_string()
    };
    let same = [
        base.to_string(),
        with("request_id", json!("req-2")),
        with("ts", json!("2025-11-13T05:00:05.000-05:00")),
        with("ts", json!("2025-11-13T10:00:05")),
        // Another order of keys and other white space.
        r#"{ "phase":"start", "data":{"more":[1,{"b":2,"a":1}],"node_index":1},
            "node_name":"STYLE", "run_id":"r", "timestamp":"2025-11-13T10:00:05+00:00" }"#
            .to_owned(),
    ];
    assert_eq!(count(&same), (1, 4));
    let different = [
        base.to_string(),
        with("run_id", json!("s")),
        with("node_name", json!("LYRICS")),
        with("phase", json!("end")),
        with("ts", json!("2025-11-13T10:00:05.000001Z")),
        with("data", json!({"node_index": 1, "more": [{"a": 1, "b": 2}, 1]})),
        with("data", json!({"node_index": 1})),
    ];
    assert_eq!(count(&different), (7, 0));
}

#[test]
fn very_deep_payloads_still_distinguish_events() {
    let of = |tail: &str| {
        let deep = format!("{}{tail}{}", "[".repeat(500), "]".repeat(500));
        format!(
            r#"{{"ts":"2025-11-13T10:00:05Z","run_id":"r","phase":"start","data":{{"x":{deep}}}}}"#
        )
    };
    let report = report_of([of("1"), of("2"), of("2")]);
    assert_eq!((report.events, report.duplicates, report.malformed), (2, 1, 0));
}

#[test]
fn repeated_event_of_an_unknown_phase_is_a_duplicate() {
    let odd = plain(1.0, "PLAN", "pause");
    let report = report_of([plain(0.0, "", "start"), odd.clone(), odd]);
    assert_eq!((report.events, report.ignored, report.duplicates), (1, 1, 1));
}

// 5.2 Order

#[test]
fn late_event_fills_in_without_reverting_the_state() {
    let events = [
        plain(0.0, "", "start"),
        plain(1.0, "PLAN", "start"),
        event(3.0, "PLAN", "end", json!({"duration_ms": 2000})),
        plain(3.5, "STYLE", "start"),
        event(9.0, "", "end", json!({"duration_ms": 9000})),
    ];
    for late in 0..events.len() {
        let mut order = events.to_vec();
        let event = order.remove(late);
        order.push(event);
        let run = run_of(&order);
        assert_eq!(run, run_of(&events), "late: {late}");
        assert_eq!(run.status, "completed");
    }
}

#[test]
fn times_are_compared_as_instants_not_texts() {
    let at = |ts: &str, phase: &str| {
        format!(r#"{{"ts":"{ts}","run_id":"r","node_name":"PLAN","phase":"{phase}"}}"#)
    };
    // Compared as texts, the end would precede the start.
    let run = run_of([
        at("2026-11-23T01:08:41.5+00:00", "start"),
        at("2026-11-22T20:08:42-05:00", "end"),
    ]);
    assert_eq!((run.nodes[0].status, run.nodes[0].duration_ms), ("success", Some(500)));
}

#[test]
fn times_without_a_zone_are_utc_and_may_lack_a_fraction() {
    for ts in ["2026-11-23T01:08:41", "2026-11-23T01:08:41.000000", "2026-11-23T01:08:41+00:00"] {
        let run = run_of([format!(r#"{{"timestamp":"{ts}","run_id":"r","phase":"start"}}"#)]);
        assert_eq!(run.started_at.as_deref(), Some("2026-11-23T01:08:41Z"), "{ts}");
    }
}
