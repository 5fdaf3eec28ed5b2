//! Refetch rules of an embedding app: when they are called, and with which changes.

use std::sync::{Arc, Mutex};

use bevy::prelude::*;
use meterbridge::app::state::link::Link;
use meterbridge::config::Settings;
use meterbridge::embed::{Batch, RefetchRules, RefetchTarget, SourceSpec};
use meterbridge::protocol::rest::RunSnapshot;

use super::backend::Script;
use super::support::{connected_to, event, headless_app, noon, receive, stand_in, until};

/// Returns an app whose rules record their calls.
fn listening() -> (App, Arc<Mutex<Vec<String>>>) {
    let mut app = headless_app();
    let calls: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = |prefix: &'static str| {
        let calls = calls.clone();
        move |text: String| calls.lock().unwrap().push(format!("{prefix} {text}"))
    };
    let (node, run, event) = (told("node"), told("run"), told("event"));
    app.world_mut()
        .resource_mut::<RefetchRules>()
        .on_node_finished(move |finished, store| {
            assert!(store.model.run(&finished.run_id).is_some(), "the model is up to date");
            node(format!("{} {}", finished.node, finished.status.as_str()));
            None
        })
        .on_run_finished(move |finished, _| {
            run(format!("{} {}", finished.run_id, finished.status.as_str()));
            Some(RefetchTarget::Run(finished.run_id.clone()))
        })
        .on_event(move |it, _| {
            event(format!("{:?} {:?}", it.node.as_deref(), it.phase));
            None
        });
    (app, calls)
}

fn feed(app: &mut App, batch: Batch) {
    receive(app, batch);
    app.update();
}

fn ended(live: bool) -> Batch {
    let mut batch = Batch::new(noon(), live);
    for text in [
        event("r", None, "start", 0),
        event("r", Some("STYLE"), "start", 1),
        event("r", Some("STYLE"), "end", 2),
        event("r", None, "fail", 3),
    ] {
        batch.push_text(&text);
    }
    batch
}

#[test]
fn rules_are_called_for_live_events() {
    let (mut app, calls) = listening();
    feed(&mut app, ended(true));
    let calls = calls.lock().unwrap();
    for call in ["node STYLE success", "run r failed", "event Some(\"STYLE\") End"] {
        assert!(calls.iter().any(|it| it == call), "{call} in {calls:?}");
    }
    assert_eq!(calls.len(), 4 + 2);
}

#[test]
fn rules_are_not_called_for_a_replay() {
    let (mut app, calls) = listening();
    feed(&mut app, ended(false));
    assert_eq!(*calls.lock().unwrap(), [""; 0]);
}

#[test]
fn rules_are_called_for_changes_from_polling() {
    let (mut app, calls) = listening();
    let snapshot = |status: &str, node: &str| {
        let body = format!(
            r#"{{"run_id": "r", "song_id": "s", "status": "{status}", "created_at": "2026-11-23T12:00:00Z",
            "updated_at": "2026-11-23T12:00:09Z", "executions": [{{"node_name": "STYLE",
            "status": "{node}", "started_at": "2026-11-23T12:00:01Z",
            "completed_at": {}, "duration_ms": 1000}}]}}"#,
            if node == "running" { "null" } else { "\"2026-11-23T12:00:02Z\"" },
        );
        let mut batch = Batch::new(noon(), true);
        batch.push_run(Arc::new(RunSnapshot::read(body.as_bytes()).unwrap()));
        batch
    };
    feed(&mut app, snapshot("running", "running"));
    feed(&mut app, snapshot("running", "completed"));
    feed(&mut app, snapshot("completed", "completed"));
    assert_eq!(*calls.lock().unwrap(), ["node STYLE success", "run r completed"]);
}

#[test]
fn target_of_a_rule_is_requested_from_the_backend() {
    let (address, backend) = stand_in(|backend| {
        backend.start_run([Script::success(200)]);
    });
    let url = format!("http://{address}");
    let mut app = connected_to(SourceSpec::Api(url.as_str().into()), Settings::default());
    // No run is of this song, so that nothing else asks for it.
    app.world_mut()
        .resource_mut::<RefetchRules>()
        .on_run_finished(|_, _| Some(RefetchTarget::Song("elsewhere".into())));
    let is_refetch = |request: &String| request.ends_with("/workflow-runs/by-song/elsewhere");
    until(&mut app, "a refetch", |_| backend.seen().requests.iter().any(is_refetch));
}

#[test]
fn nothing_is_refetched_from_a_stream() {
    let source = SourceSpec::WebSocket("ws://127.0.0.1:9/events".into());
    let mut app = connected_to(source, Settings::default());
    app.update();
    assert!(!app.world().resource::<Link>().refetch(RefetchTarget::Runs));
}
