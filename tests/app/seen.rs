//! Failures that are marked as seen: by key, by action, and at a hub for all of its screens.

use bevy::prelude::*;
use jiff::Timestamp;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::link::Link;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::selection::Selection;
use meterbridge::config::Settings;
use meterbridge::protocol::{Batch, RunId};
use meterbridge::source::{ConnectionEvent, Signal, SourceSpec};

use super::fed_hub::FedHub;
use super::support::{connected_to, event, feed, headless_app, perform, until};

/// Returns the runs that are marked, of `a`, `b` and `c`.
fn marked(app: &App) -> String {
    let run_store = app.world().resource::<RunStore>();
    ["a", "b", "c"].into_iter().filter(|run| run_store.is_seen(run)).collect()
}

/// Returns the events of the failed runs `a` and `b`, and of the running one, `c`.
fn three_runs() -> Vec<String> {
    let mut all = vec![event("c", None, "start", 0)];
    for run in ["a", "b"] {
        all.extend([event(run, None, "start", 0), event(run, None, "fail", 5)]);
    }
    all
}

fn watching_three_runs() -> App {
    let mut app = headless_app();
    feed(&mut app, three_runs());
    app
}

#[test]
fn key_m_marks_the_failure_selected_on_the_wall_alone() {
    let mut app = watching_three_runs();
    perform(&mut app, Action::ToggleWall);
    app.world_mut().resource_mut::<Selection>().0 = Some(RunId::new("b"));
    perform(&mut app, Action::MarkSeen(None));
    assert_eq!(marked(&app), "b");
    perform(&mut app, Action::MarkSeen(None));
    assert_eq!(marked(&app), "b", "the selected one again");
}

#[test]
fn key_m_marks_the_failure_kept_on_the_stage_alone() {
    let mut app = watching_three_runs();
    app.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    perform(&mut app, Action::MarkSeen(None));
    assert_eq!(marked(&app), "a");
}

#[test]
fn key_m_marks_all_failures_where_none_is_selected() {
    // The stage follows; on the wall nothing is selected, or a run that has not failed.
    let mut app = watching_three_runs();
    perform(&mut app, Action::MarkSeen(None));
    assert_eq!(marked(&app), "ab");
    for selection in [None, Some(RunId::new("c")), Some(RunId::new("gone"))] {
        let mut app = watching_three_runs();
        perform(&mut app, Action::ToggleWall);
        app.world_mut().resource_mut::<Selection>().0 = selection;
        perform(&mut app, Action::MarkSeen(None));
        assert_eq!(marked(&app), "ab");
    }
}

/// A hub that screens of failed runs are connected to.
struct StandInHub(FedHub);

impl StandInHub {
    fn start() -> Self {
        Self(FedHub::start())
    }

    fn say(&self, texts: impl IntoIterator<Item = String>) {
        let mut batch = Batch::new(Timestamp::now(), true);
        texts.into_iter().for_each(|text| batch.push_text(&text));
        self.0.upstream.send(Signal::Batch(batch)).unwrap();
    }

    /// Connects a screen that has received the three runs.
    fn screen(&self) -> App {
        let settings = Settings::default();
        let mut app = connected_to(SourceSpec::WebSocket(self.0.url.as_str().into()), settings);
        until(&mut app, "the runs", |app| app.world().resource::<RunStore>().model.len() == 3);
        app
    }
}

#[test]
fn failure_marked_at_one_screen_of_a_hub_is_marked_at_all() {
    let hub = StandInHub::start();
    hub.say(three_runs());
    let (mut first, mut second) = (hub.screen(), hub.screen());
    perform(&mut first, Action::MarkSeen(Some("b".into())));
    assert_eq!(marked(&first), "b", "at once");
    let mut both = |what: &str, expected: &str| {
        until(&mut first, what, |app| marked(app) == expected);
        until(&mut second, what, |app| {
            first.update();
            marked(app) == expected
        });
    };
    both("the mark", "b");
    let mut later = hub.screen();
    until(&mut later, "the mark", |app| marked(app) == "b");
    hub.say([event("b", None, "start", 10)]);
    both("the end of the mark", "");
}

#[test]
fn marks_made_while_the_hub_was_away_are_told_at_the_next_connection() {
    let hub = StandInHub::start();
    hub.say(three_runs());
    let (mut first, mut second) = (hub.screen(), hub.screen());
    perform(&mut first, Action::Disconnect);
    until(&mut first, "the end of the connection", |app| {
        app.world().resource::<Link>().state.url().is_none()
    });
    perform(&mut first, Action::MarkSeen(Some("a".into())));
    first.update();
    perform(&mut first, Action::Reconnect);
    until(&mut second, "the mark", |app| {
        first.update();
        marked(app) == "a"
    });
    let log = &first.world().resource::<Link>().log;
    let is_note = |event: &ConnectionEvent| matches!(event, ConnectionEvent::Note { .. });
    assert!(!log.iter().any(|entry| is_note(&entry.event)), "{log:?}");
}
