//! Connection commands from the app, over a real WebSocket on this machine.

use std::time::Duration;

use bevy::prelude::*;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::entities::RunEntity;
use meterbridge::app::state::link::Link;
use meterbridge::app::state::run_store::{
    Connected, ConnectionError, Disconnected, EventReceived, RunStore,
};
use meterbridge::config::Settings;
use meterbridge::demo::{DemoHandle, DemoOptions, spawn_thread};
use meterbridge::model::NodeStatus;
use meterbridge::source::{ConnectionSettings, ConnectionState, SourceSpec};

use super::scenes::fixture;
use super::support::{announced, connected_to, perform, until};

fn demo() -> DemoHandle {
    spawn_thread(DemoOptions { runs: 3, speed: 20.0, ..DemoOptions::default() }).unwrap()
}

fn state(app: &App) -> &ConnectionState {
    &app.world().resource::<Link>().state
}

fn is_connected_to(app: &App, wanted: &str) -> bool {
    matches!(state(app), ConnectionState::Connected { url, .. } if url == wanted)
}

fn runs(app: &App) -> usize {
    app.world().resource::<RunStore>().model.len()
}

/// Returns an app connected to a demo studio whose first runs have arrived.
fn watching(demo: &DemoHandle, settings: Settings) -> App {
    let mut app = connected_to(SourceSpec::WebSocket(demo.url().into()), settings);
    until(&mut app, "a connection", |app| is_connected_to(app, demo.url()));
    until(&mut app, "a run", |app| runs(app) > 0);
    app
}

#[test]
fn reconnecting_announces_no_event_twice() {
    let demo = demo();
    let mut app = watching(&demo, Settings::default());
    assert_eq!(announced::<Connected>(&mut app).len(), 1);

    perform(&mut app, Action::Disconnect);
    // State and announcement may arrive in different frames.
    let mut announcements = 0;
    until(&mut app, "a disconnection", |app| {
        announcements += announced::<Disconnected>(app).len();
        state(app) == &ConnectionState::Disconnected && announcements > 0
    });
    assert_eq!(announcements, 1);
    let kept = runs(&app);
    assert!(kept > 0, "what was seen stays");
    let counted = app.world().resource::<RunStore>().model.counters().events;
    announced::<EventReceived>(&mut app);

    perform(&mut app, Action::Reconnect);
    until(&mut app, "a new connection", |app| is_connected_to(app, demo.url()));
    assert_eq!(announced::<Connected>(&mut app).len(), 1);
    until(&mut app, "the repetition of what was missed", |app| {
        let counters = app.world().resource::<RunStore>().model.counters();
        counters.duplicates > 0 && counters.events > counted
    });
    let world = app.world_mut();
    let entities = world.query::<&RunEntity>().iter(world).count();
    assert_eq!(entities, runs(&app), "one entity a run");
}

#[test]
fn connect_action_switches_to_another_studio() {
    let (first, second) = (demo(), demo());
    let mut app = watching(&first, Settings::default());
    perform(&mut app, Action::Connect(second.url().into()));
    until(&mut app, "the other connection", |app| is_connected_to(app, second.url()));
    assert_eq!(app.world().resource::<Link>().url, second.url());
}

#[test]
fn lost_studio_is_retried_then_fails_with_a_reason() {
    let demo = demo();
    let mut settings = Settings::default();
    settings.connection.reconnect_delay = Duration::from_millis(200);
    settings.connection.max_reconnect_attempts = 2;
    let mut app = watching(&demo, settings);
    let kept = runs(&app);
    drop(demo);
    let mut attempts = Vec::new();
    until(&mut app, "giving up", |app| {
        if let ConnectionState::Reconnecting { attempt, max_attempts, .. } = state(app) {
            attempts.push((*attempt, *max_attempts));
        }
        matches!(state(app), ConnectionState::Failed { .. })
    });
    attempts.dedup();
    assert!(attempts.contains(&(1, 2)), "the attempts are counted for all to see: {attempts:?}");
    assert!(!announced::<ConnectionError>(&mut app).is_empty());
    let link = app.world().resource::<Link>();
    let (_, error) = link.last_error.as_ref().unwrap();
    assert!(error.contains("is listening at"), "{error}");
    assert!(runs(&app) >= kept, "what was seen stays");
}

#[test]
fn address_can_be_corrected_after_giving_up() {
    let demo = demo();
    let mut settings = Settings::default();
    settings.connection.max_reconnect_attempts = 1;
    settings.connection.reconnect_delay = Duration::from_millis(1);
    let nowhere = SourceSpec::WebSocket("ws://127.0.0.1:1/events".into());
    let mut app = connected_to(nowhere, settings);
    until(&mut app, "giving up", |app| matches!(state(app), ConnectionState::Failed { .. }));
    perform(&mut app, Action::Connect(demo.url().into()));
    until(&mut app, "a connection", |app| is_connected_to(app, demo.url()));
    assert_eq!(app.world().resource::<Link>().last_error, None, "the old error is gone");
}

#[test]
fn disabling_the_connection_closes_it() {
    let demo = demo();
    let mut app = watching(&demo, Settings::default());
    let mut settings = app.world().resource::<Link>().settings.clone();
    settings.enabled = false;
    perform(&mut app, Action::Configure(Box::new(settings)));
    until(&mut app, "a disconnection", |app| state(app) == &ConnectionState::Disconnected);
}

#[test]
fn disabled_connection_waits_for_connect() {
    let demo = demo();
    let mut settings = Settings::default();
    settings.connection.enabled = false;
    let mut app = connected_to(SourceSpec::WebSocket(demo.url().into()), settings);
    for _ in 0..20 {
        app.update();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(state(&app), &ConnectionState::Disconnected);
    assert_eq!(app.world().resource::<Link>().log.len(), 0);
    perform(&mut app, Action::Connect(demo.url().into()));
    until(&mut app, "a connection", |app| is_connected_to(app, demo.url()));
    // A change of another setting keeps the connection open.
    let link = app.world().resource::<Link>();
    let settings =
        ConnectionSettings { reconnect_delay: Duration::from_secs(1), ..link.settings.clone() };
    assert!(settings.enabled);
    perform(&mut app, Action::Configure(Box::new(settings)));
    let mut disconnections = 0;
    for _ in 0..20 {
        app.update();
        disconnections += announced::<Disconnected>(&mut app).len();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(is_connected_to(&app, demo.url()));
    assert_eq!(disconnections, 0);
}

#[test]
fn gaps_of_a_recording_are_skipped_with_an_action() {
    let mut settings = Settings::default();
    // Without skipping it would play for minutes.
    settings.view.speed = 0.01;
    let path = fixture("cases/gap-35-hours.ndjson");
    let mut app = connected_to(SourceSpec::Recording(path.into()), settings);
    until(&mut app, "the end of the recording", |app| {
        perform(app, Action::SkipPause);
        let is_over = state(app) == &ConnectionState::Disconnected;
        is_over && runs(app) > 0
    });
    // The last event of the recording has arrived.
    let model = &app.world().resource::<RunStore>().model;
    let run = model.runs().next().unwrap();
    let producer = run.nodes.iter().find(|node| node.name == "PRODUCER").unwrap();
    assert_eq!(producer.status, NodeStatus::Success);
}
