//! Tests of the connection section.

use super::*;
use crate::app::panel::testing::{harness, zone};
use egui_kittest::kittest::{NodeT, Queryable};

struct Scene {
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
            source: Some(&SourceSpec::Demo),
            sources: SourcesView::default(),
            url: &self.url,
            state: &self.state,
            settings: &self.settings,
            last_error: self.last_error.as_ref(),
            log: &VecDeque::new(),
            backlog: 0,
            counters: &Counters::default(),
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
    harness.get_by_label("URL of the event stream").click();
    harness.run();
    harness.key_press(bevy_egui::egui::Key::End);
    harness.get_by_label("URL of the event stream").type_text("/x");
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
    let field = harness.get_by_label("URL of the event stream");
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
    scene.url = "studio".to_owned();
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    harness.get_by_label("Connect").click();
    harness.run();
    assert!(harness.state().actions.is_empty());
    let sentence = check_address("studio").unwrap_err().to_string();
    assert!(harness.query_by_label_contains(&sentence).is_some());
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
    assert!(harness.query_by_label_contains("retries by itself").is_some());
    harness.state_mut().now = "1970-01-01T00:00:02Z".parse().unwrap();
    harness.step();
    assert!(harness.query_by_label("Next retry in 1 s").is_some());
}
