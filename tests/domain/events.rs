//! Short constructors for events of one run, and assertions about that run.

use jiff::{SignedDuration, Timestamp};
use meterbridge::inspect::RunReport;
use meterbridge::protocol::PIPELINE;
use serde_json::{Value, json};

use crate::support::run_of;

/// Returns an event `at` seconds after ten, of a node or (`""`) of the run, with the extra fields
/// `more`.
pub fn event(at: f64, node: &str, phase: &str, more: Value) -> String {
    let ts = "2025-11-13T10:00:00Z".parse::<Timestamp>().unwrap();
    let ts = ts + SignedDuration::from_secs_f64(at);
    let mut event = json!({"ts": ts.to_string(), "run_id": "run-1", "phase": phase});
    if !node.is_empty() {
        event["node_name"] = node.into();
    }
    for (field, value) in more.as_object().unwrap() {
        event[field] = value.clone();
    }
    event.to_string()
}

/// Returns an event without extra fields.
pub fn plain(at: f64, node: &str, phase: &str) -> String {
    event(at, node, phase, json!({}))
}

pub fn created(at: f64) -> String {
    event(at, "", "info", json!({"data": {"message": "Workflow run created", "seed": 7}}))
}

pub fn cancelled(at: f64) -> String {
    event(at, "", "info", json!({"data": {"message": "Workflow run cancelled"}}))
}

/// Asserts that these events give one run with these field values, in forward and in reverse order.
#[track_caller]
pub fn check(events: &[String], expected: Value) {
    let run = run_of(events);
    check_fields(&run, &expected);
    let backwards = run_of(events.iter().rev());
    assert_eq!(run, backwards, "the same, backwards");
}

#[track_caller]
pub fn check_fields(run: &RunReport, expected: &Value) {
    let run = serde_json::to_value(run).unwrap();
    for (field, expected) in expected.as_object().unwrap() {
        let actual = match PIPELINE.contains(&field.as_str()) {
            // Of a node, only the named fields are compared; a text stands for its status.
            true => {
                let node = run["nodes"].as_array().unwrap().iter().find(|n| n["name"] == **field);
                let node = node.unwrap_or_else(|| panic!("no {field} in {run:#}"));
                if expected.is_string() {
                    &node["status"]
                } else {
                    for (field, expected) in expected.as_object().unwrap() {
                        assert_eq!(&node[field], expected, "{field} of {node:#} in {run:#}");
                    }
                    continue;
                }
            }
            false => &run[field],
        };
        assert_eq!(actual, expected, "{field} of {run:#}");
    }
}

pub fn statuses(run: &RunReport) -> Vec<&str> {
    run.nodes.iter().map(|node| node.status).collect()
}
