//! Tests of the connection section.

use std::collections::VecDeque;

use super::address::offers;
use super::*;
use crate::app::panel::sources::SourcesView;
use crate::app::panel::testing::{harness, zone};
use crate::app::panel::widgets::Offer;
use crate::app::state::link_health::LinkHealth;
use crate::app::state::opening::AddressTest;
use crate::app::state::opening::RecentSources;
use crate::model::Counters;
use crate::protocol::Batch;
use crate::source::{Address, ConnectionEvent, ConnectionLogEntry, check_address};
use bevy_egui::egui::OutputCommand;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

const FIELD: &str = "Address of the source";

struct Scene {
    source: SourceSpec,
    recent: RecentSources,
    health: LinkHealth,
    counters: Counters,
    log: VecDeque<ConnectionLogEntry>,
    state: ConnectionState,
    settings: ConnectionSettings,
    url: String,
    draft: ConnectionDraft,
    last_error: Option<(Timestamp, String)>,
    now: Timestamp,
    actions: Vec<Action>,
}

impl Scene {
    fn new(state: ConnectionState) -> Self {
        Self {
            source: SourceSpec::of_address("ws://studio:8700/v1/events"),
            recent: RecentSources::default(),
            health: LinkHealth::default(),
            counters: Counters::default(),
            log: VecDeque::new(),
            state,
            settings: ConnectionSettings::default(),
            url: "ws://studio:8700/v1/events".to_owned(),
            draft: ConnectionDraft::default(),
            last_error: None,
            now: Timestamp::UNIX_EPOCH,
            actions: Vec::new(),
        }
    }

    fn show(&mut self, ui: &mut Ui) {
        let zone = zone();
        let view = ConnectionView {
            source: Some(&self.source),
            sources: SourcesView {
                source: Some(&self.source),
                recent: Some(&self.recent),
                ..SourcesView::default()
            },
            url: &self.url,
            state: &self.state,
            settings: &self.settings,
            last_error: self.last_error.as_ref(),
            log: &self.log,
            backlog: 0,
            counters: &self.counters,
            health: &self.health,
            now: self.now,
            zone: &zone,
        };
        let actions = connection_ui(ui, &view, &mut true, &mut self.draft);
        self.actions.extend(actions);
    }
}

fn reconnecting(attempt: u32, max_attempts: u32) -> ConnectionState {
    ConnectionState::Reconnecting {
        url: String::new(),
        attempt,
        max_attempts,
        next_attempt_at: Some("1970-01-01T00:00:02.3Z".parse().unwrap()),
        reason: "closed".to_owned(),
    }
}

#[test]
fn reconnecting_state_shows_its_attempt() {
    assert_eq!(state_words(&reconnecting(2, 5)), "Reconnecting, attempt 2/5");
    assert_eq!(state_words(&reconnecting(12, 0)), "Reconnecting, attempt 12");
}

#[test]
fn buttons_fit_the_connection_state() {
    use Offer::{Disabled, Plain, Primary};
    let url = String::new;
    let connected = connected(Updates::Live);
    let failed = ConnectionState::Failed { url: url(), reason: url(), is_probed: false };
    assert_eq!(offers(&ConnectionState::Disconnected, false), [Primary, Disabled, Disabled]);
    assert_eq!(offers(&connected, false), [Disabled, Plain, Plain]);
    assert_eq!(offers(&connected, true), [Primary, Plain, Plain]);
    assert_eq!(offers(&reconnecting(1, 5), false), [Disabled, Plain, Primary]);
    assert_eq!(offers(&failed, false), [Disabled, Disabled, Primary]);
    let probed = ConnectionState::Failed { url: url(), reason: url(), is_probed: true };
    assert_eq!(offers(&probed, false), [Disabled, Plain, Primary]);
    assert_eq!(offers(&failed, true), [Primary, Disabled, Plain]);
}

#[test]
fn connect_uses_the_url_in_the_field() {
    let mut harness =
        harness(Scene::new(ConnectionState::Disconnected), |ui, scene| scene.show(ui));
    harness.get_by_label("Connect").click();
    harness.run();
    let expected = Action::Connect("ws://studio:8700/v1/events".into());
    assert_eq!(harness.state().actions, [expected]);
}

#[test]
fn enter_connects_to_an_edited_url() {
    let mut harness =
        harness(Scene::new(ConnectionState::Disconnected), |ui, scene| scene.show(ui));
    harness.get_by_label(FIELD).click();
    harness.run();
    harness.key_press(bevy_egui::egui::Key::End);
    harness.get_by_label(FIELD).type_text("/x");
    harness.run();
    harness.key_press(bevy_egui::egui::Key::Enter);
    harness.run();
    let expected = Action::Connect("ws://studio:8700/v1/events/x".into());
    assert_eq!(harness.state().actions, [expected]);
}

#[test]
fn url_field_hides_secrets_and_connects_with_them() {
    let mut scene = Scene::new(ConnectionState::Disconnected);
    scene.url = "ws://ann:hunter2@studio/events?token=sesame".to_owned();
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    let field = harness.get_by_label(FIELD);
    let shown = field.accesskit_node().value().unwrap_or_default();
    assert_eq!(shown, "ws://studio/events?token=…");
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        let words = format!("{:?} {:?}", node.label(), node.value());
        assert!(!words.contains("hunter2") && !words.contains("sesame"), "{words}");
    }
    harness.get_by_label("Connect").click();
    harness.run();
    let expected = Action::Connect(harness.state().url.as_str().into());
    assert_eq!(harness.state().actions, [expected]);
    assert!(!format!("{:?}", harness.state().actions).contains("hunter2"));
}

#[test]
fn invalid_url_disables_connect() {
    let mut scene = Scene::new(ConnectionState::Disconnected);
    scene.url = "ws://studio:99999/".to_owned();
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    harness.get_by_label("Connect").click();
    harness.run();
    assert!(harness.state().actions.is_empty());
    let words = sentence(&check_address("ws://studio:99999/").unwrap_err().to_string());
    assert!(harness.query_by_label(&words).is_some());
}

#[test]
fn disconnect_is_disabled_while_disconnected() {
    let mut harness =
        harness(Scene::new(ConnectionState::Disconnected), |ui, scene| scene.show(ui));
    assert!(harness.get_by_label("Disconnect").accesskit_node().is_disabled());
    harness.get_by_label("Disconnect").click();
    harness.run();
    assert!(harness.state().actions.is_empty());
}

fn connected(updates: Updates) -> ConnectionState {
    let since = Timestamp::UNIX_EPOCH;
    ConnectionState::Connected { url: String::new(), since, updates }
}

#[test]
fn hub_without_backend_is_not_shown_as_connected() {
    let since = "1970-01-01T21:03:04Z".parse().unwrap();
    let reason = "refused".to_owned();
    let scene = Scene::new(connected(Updates::Cut { since, reason }));
    let harness = harness(scene, |ui, scene| scene.show(ui));
    assert!(harness.query_by_label("Connected").is_none());
    assert!(harness.query_by_label("Hub without its backend").is_some());
    let at = time_words(since, &zone());
    let words = format!("The hub lost its backend at {at} and tries again: refused");
    assert!(harness.query_by_label(&words).is_some());
}

#[test]
fn wait_for_the_next_attempt_counts_down() {
    let mut scene = Scene::new(reconnecting(2, 5));
    scene.last_error = Some((Timestamp::UNIX_EPOCH, "1006, closed by server".to_owned()));
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    assert!(harness.query_by_label("Next retry in 3 s").is_some());
    assert!(harness.query_by_label_contains("Retrying automatically.").is_some());
    harness.state_mut().now = "1970-01-01T00:00:02Z".parse().unwrap();
    harness.step();
    assert!(harness.query_by_label("Next retry in 1 s").is_some());
}

/// Harness whose field has this text, typed just now.
fn typing(text: &str) -> Harness<'static, Scene> {
    let mut scene = Scene::new(ConnectionState::Disconnected);
    scene.url = String::new();
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    harness.get_by_label(FIELD).click();
    harness.run();
    harness.get_by_label(FIELD).type_text(text);
    // `run` would wait for the end of the pause.
    harness.run_steps(2);
    harness
}

#[test]
fn scheme_that_is_missing_is_added() {
    let mut harness = typing("studio:8000");
    assert!(harness.query_by_label("http://studio:8000, an AMCS backend.").is_some());
    harness.key_press(bevy_egui::egui::Key::Enter);
    harness.run();
    assert_eq!(harness.state().actions, [Action::Connect("http://studio:8000".into())]);
}

#[test]
fn stream_of_the_same_host_can_be_chosen() {
    let mut harness = typing("studio:8000");
    harness.run_steps(60);
    harness.get_by_label("Use ws://studio:8000/events, a stream of events or a hub").click();
    harness.run();
    harness.get_by_label("Connect").click();
    harness.run();
    let expected = Action::Connect("ws://studio:8000/events".into());
    assert_eq!(harness.state().actions, [expected]);
}

#[test]
fn error_in_an_address_is_said_after_a_pause_only() {
    let words = "`ws://studio:80x` has the port `80x`: a port is a number from 1 to 65535.";
    let mut harness = typing("ws://studio:80x");
    assert!(harness.query_by_label(words).is_none(), "the user is typing");
    assert!(harness.get_by_label("Connect").accesskit_node().is_disabled());
    harness.run_steps(80);
    assert!(harness.query_by_label(words).is_some());
    // The next letter hides it again.
    harness.get_by_label(FIELD).type_text("y");
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("a port is a number").is_none());
}

#[test]
fn error_in_an_address_is_said_at_once_on_enter() {
    let mut harness = typing("ws://stu dio");
    harness.key_press(bevy_egui::egui::Key::Enter);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("has ' ' in it").is_some());
    assert!(harness.state().actions.is_empty());
}

#[test]
fn password_that_is_typed_is_shown_in_the_field_only() {
    let harness = typing("ann:hunter2@studio/events");
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        let label = format!("{:?}", node.label());
        assert!(!label.contains("hunter2"), "{label}");
    }
}

#[test]
fn test_asks_once_and_tells_the_answer() {
    let mut harness = typing("studio:8000");
    harness.get_by_label("Test").click();
    harness.run();
    let address = Address::from("http://studio:8000");
    assert_eq!(harness.state().actions, [Action::TestAddress(address.clone())]);
    let mut tell = |result| {
        harness.state_mut().recent.test = Some(AddressTest { address: address.clone(), result });
        harness.run();
        let has = |words| harness.query_by_label(words).is_some();
        [
            has("Asking studio:8000 …"),
            has("A server answers at studio:8000."),
            has("Nothing is listening at studio:8000."),
        ]
    };
    assert_eq!(tell(None), [true, false, false]);
    assert_eq!(tell(Some(Ok(404))), [false, true, false]);
    let reason = "nothing is listening at studio:8000".to_owned();
    assert_eq!(tell(Some(Err(reason))), [false, false, true]);
}

#[test]
fn connected_server_is_not_tested() {
    let mut harness = harness(Scene::new(connected(Updates::Live)), |ui, scene| scene.show(ui));
    assert!(harness.get_by_label("Test").accesskit_node().is_disabled());
    harness.get_by_label("Test").click();
    harness.run();
    assert!(harness.state().actions.is_empty());
}

/// Scene with a connection that was received from, lost and established again.
fn busy() -> Scene {
    let mut scene = Scene::new(connected(Updates::Live));
    scene.now = "1970-01-01T00:12:04Z".parse().unwrap();
    for second in 715..724 {
        let mut batch = Batch::new(Timestamp::from_second(second).unwrap(), true);
        batch.answered_in = Some(Duration::from_millis(3));
        batch.push_text(
            r#"{"ts":"1970-01-01T00:00:00Z","run_id":"r","phase":"start","data":{"message":"x"}}"#,
        );
        scene.health.note_batch(&batch);
    }
    scene.health.reconnects = 2;
    scene.counters =
        Counters { frames: 9, events: 8, duplicates: 1, malformed: 4, ..Counters::default() };
    let at = Timestamp::UNIX_EPOCH;
    let url = "ws://ann:hunter2@studio:8700/v1/events?token=sesame".to_owned();
    let message = "nothing is listening at studio:8700".to_owned();
    scene.last_error = Some((at, message.clone()));
    scene.log.push_back(ConnectionLogEntry { at, url, event: ConnectionEvent::Error { message } });
    scene
}

#[test]
fn health_is_told_in_numbers() {
    let mut harness = harness(busy(), |ui, scene| scene.show(ui));
    assert!(harness.query_by_label("4 malformed").is_some(), "a loss is told where it is folded");
    assert!(harness.query_by_label("latency 3 ms").is_none());
    harness.get_by_label("Health").click();
    harness.run();
    for row in [
        "uptime 12:04",
        "latency 3 ms",
        "reconnects 2",
        "events/s 0.9",
        "frames 9",
        "events 8",
        "duplicates 1",
        "malformed 4",
        "dropped 0",
    ] {
        assert!(harness.query_by_label(row).is_some(), "{row}");
    }
    assert!(harness.query_by_label_contains("received ").is_some());
}

#[test]
fn unknown_latency_is_a_dash_and_losses_are_marked() {
    let mut scene = Scene::new(ConnectionState::Disconnected);
    scene.counters.dropped = 7;
    scene.draft.health.is_open = true;
    let harness = harness(scene, |ui, scene| scene.show(ui));
    for row in ["uptime –", "latency –", "events/s 0.0", "dropped 7"] {
        assert!(harness.query_by_label(row).is_some(), "{row}");
    }
}

/// Presses a button and returns the text that was copied.
fn copied(harness: &mut Harness<Scene>, button: &str) -> String {
    harness.get_by_label(button).click();
    for _ in 0..4 {
        harness.step();
        for command in &harness.output().platform_output.commands {
            if let OutputCommand::CopyText(text) = command {
                return text.clone();
            }
        }
    }
    String::new()
}

#[test]
fn copied_diagnostics_tell_everything_but_secrets() {
    let mut scene = busy();
    scene.url = "ws://ann:hunter2@studio:8700/v1/events?token=sesame".to_owned();
    scene.source = SourceSpec::of_address(&scene.url);
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    let text = copied(&mut harness, "Copy diagnostics");
    for line in [
        concat!("Meterbridge: ", env!("CARGO_PKG_VERSION")),
        "platform: ",
        "source: ws://studio:8700/v1/events?token=…",
        "state: Connected since 1970-01-01T00:00:00Z",
        "settings: retry delay 3 s, attempts 5, sockets 0",
        "latency: 3 ms",
        "reconnects: 2",
        "malformed: 4",
        "last error: 1970-01-01T00:00:00Z nothing is listening at studio:8700",
        "  1970-01-01T00:00:00Z ws://studio:8700/v1/events?token=… Error: nothing is listening",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("sesame"), "{text}");
    harness.run_steps(2);
    assert!(harness.query_by_label("copied").is_some());
    harness.run_steps(140);
    assert!(harness.query_by_label("copied").is_none());
}

#[test]
fn recording_has_diagnostics_and_a_log_too() {
    let mut scene = busy();
    let path = std::path::Path::new("/home/ann/tapes/monday.ndjson");
    scene.source = SourceSpec::Recording(path.into());
    scene.url = String::new();
    scene.draft.health.is_open = true;
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    assert!(harness.query_by_label_contains("uptime").is_none(), "a recording has none");
    assert!(harness.query_by_label("Playing").is_some(), "it is not connected to anything");
    assert!(harness.query_by_label("frames 9").is_some());
    assert!(harness.query_by_label("Connection log").is_some());
    let text = copied(&mut harness, "Copy diagnostics");
    assert!(text.contains("source: recording monday.ndjson\n"), "{text}");
    assert!(!text.contains("/home/ann"), "{text}");
}

#[test]
fn log_tells_reasons() {
    let mut scene = busy();
    scene.draft.log_open = true;
    let harness = harness(scene, |ui, scene| scene.show(ui));
    let words = "Error: nothing is listening at studio:8700";
    assert!(harness.query_by_label(words).is_some());
}

#[test]
fn folded_health_tells_rate_and_latency_where_nothing_was_lost() {
    let mut scene = busy();
    scene.counters.malformed = 0;
    let harness = harness(scene, |ui, scene| scene.show(ui));
    assert!(harness.query_by_label("0.9 events/s, latency 3 ms").is_some());
}
