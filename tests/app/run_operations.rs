//! Run operations and their feedback: dialogs, toasts and notices, on a manually set clock.

use bevy::prelude::*;
use jiff::SignedDuration;
use meterbridge::app::MeterbridgePlugin;
use meterbridge::app::control::director::DirectorPlugin;
use meterbridge::app::control::run_operations::RunOperations;
use meterbridge::app::draw::{Canvas, DrawClock};
use meterbridge::app::overlays::notices::{News, Notices};
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::actions::OperationKind;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::link::{HubOffer, Link};
use meterbridge::app::state::presence::Presence;
use meterbridge::app::state::run_store::OperationFinished;
use meterbridge::app::state::view::View;
use meterbridge::app::state::viewport::Viewport;
use meterbridge::config::{Settings, ViewName};
use meterbridge::demo::{DemoOptions, spawn_thread};
use meterbridge::director::DirectorSettings;
use meterbridge::protocol::RunId;
use meterbridge::source::{
    ConnectionState, OperationOutcome, OperationRefusal, OperationSuccess, RunOperation,
    SourceSpec, Updates,
};

use super::support::{connected_to, event, feed, noon, perform, play_scene, until};

const BACKEND: &str = "http://127.0.0.1:8000";

/// Returns an app in the connected state, without a real backend.
fn connected(settings: Settings) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, MeterbridgePlugin { settings, source: None }))
        .insert_resource(PlaybackClock::fixed(noon()))
        .insert_resource(DrawClock { secs: 100.0, follow_real_time: false });
    let mut link = app.world_mut().resource_mut::<Link>();
    link.source = Some(SourceSpec::WebSocket(BACKEND.into()));
    link.url = BACKEND.to_owned();
    link.state = is_connected();
    app.update();
    app
}

fn is_connected() -> ConnectionState {
    ConnectionState::Connected { url: BACKEND.to_owned(), since: noon(), updates: Updates::Live }
}

fn allowed() -> App {
    connected(Settings { allow_actions: true, ..Settings::default() })
}

/// Adds a running run, which is shown.
fn at_work(mut app: App) -> App {
    feed(&mut app, [event("r", Some("COMPOSE"), "start", 0)]);
    app.update();
    assert_eq!(app.world().resource::<Focus>().run(), Some(&"r".into()));
    app
}

fn operations(app: &App) -> &RunOperations {
    app.world().resource::<RunOperations>()
}

fn asks(app: &App) -> Option<(OperationKind, Option<&RunId>)> {
    let dialog = operations(app).dialog.as_ref()?;
    Some((dialog.kind, dialog.run.as_ref()))
}

fn finish(app: &mut App, operation: RunOperation, result: Result<OperationSuccess, String>) {
    app.world_mut().write_message(OperationFinished(OperationOutcome { operation, result }));
    app.update();
}

fn done(run: &str, words: &str) -> Result<OperationSuccess, String> {
    Ok(OperationSuccess { run: Some(run.into()), words: words.to_owned() })
}

fn notices(app: &App) -> &Notices {
    app.world().resource::<Notices>()
}

/// Returns the sentence of the visible toast; empty when there is none.
fn toast(app: &App) -> String {
    let now = app.world().resource::<DrawClock>().secs;
    let toast = notices(app).toasts.standing();
    toast.map_or_else(String::new, |toast| format!("{} {}", toast.title(), toast.words(now)))
}

/// Returns the heads of the notices, the newest first.
fn kept(app: &App) -> Vec<String> {
    notices(app).newest_first().map(|notice| notice.head()).collect()
}

/// Advances the clock and the toasts, which are otherwise advanced by drawing.
fn pass(app: &mut App, secs: f64) {
    let mut clock = app.world_mut().resource_mut::<DrawClock>();
    clock.secs += secs;
    let now = clock.secs;
    app.world_mut().resource_mut::<Notices>().toasts.step(now);
    app.update();
}

fn end(app: &mut App, run: &str) {
    feed(app, [event(run, None, "end", 1)]);
}

fn fail(app: &mut App, run: &str, node: &str, reason: &str) {
    let at = noon() + SignedDuration::from_secs(1);
    let text = format!(
        r#"{{"ts":"{at}","run_id":"{run}","node_name":"{node}","phase":"fail","data":{{"error":"{reason}"}}}}"#
    );
    feed(app, [text, event(run, None, "fail", 1)]);
}

#[test]
fn operations_are_unavailable_unless_allowed() {
    let mut app = at_work(connected(Settings::default()));
    for kind in
        [OperationKind::Start, OperationKind::Cancel, OperationKind::Retry, OperationKind::Execute]
    {
        perform(&mut app, Action::Ask(kind, None));
        assert_eq!(asks(&app), None, "{kind:?}");
    }
    perform(&mut app, Action::Answer(Some(RunOperation::Cancel("r".into()))));
    assert!(operations(&app).under_way().is_empty());
}

#[test]
fn operation_is_confirmed_and_sent_once() {
    let mut app = at_work(allowed());
    perform(&mut app, Action::Ask(OperationKind::Cancel, None));
    assert_eq!(asks(&app), Some((OperationKind::Cancel, Some(&"r".into()))));
    assert!(operations(&app).under_way().is_empty(), "it is asked first");
    // Another question does not replace the open one.
    perform(&mut app, Action::Ask(OperationKind::Start, None));
    assert_eq!(asks(&app), Some((OperationKind::Cancel, Some(&"r".into()))));

    let cancel = RunOperation::Cancel("r".into());
    perform(&mut app, Action::Answer(Some(cancel.clone())));
    assert_eq!(asks(&app), None);
    assert_eq!(operations(&app).under_way(), std::slice::from_ref(&cancel));
    // The key is pressed twice, and the answer arrives twice.
    perform(&mut app, Action::Answer(Some(cancel.clone())));
    perform(&mut app, Action::Ask(OperationKind::Cancel, None));
    assert_eq!(asks(&app), None);
    assert_eq!(operations(&app).under_way().len(), 1);

    finish(&mut app, cancel, done("r", "Cancel requested"));
    assert!(operations(&app).under_way().is_empty());
    assert_eq!(toast(&app), "r cancel requested");
}

#[test]
fn closing_a_question_sends_nothing() {
    let mut app = at_work(allowed());
    perform(&mut app, Action::Ask(OperationKind::Start, None));
    assert_eq!(asks(&app), Some((OperationKind::Start, None)));
    perform(&mut app, Action::Answer(None));
    assert_eq!(asks(&app), None);
    assert!(operations(&app).under_way().is_empty());
    assert!(kept(&app).is_empty());
}

#[test]
fn operations_that_do_not_fit_the_run_are_not_offered() {
    let mut app = at_work(allowed());
    for kind in [OperationKind::Retry, OperationKind::Execute] {
        perform(&mut app, Action::Ask(kind, None));
        assert_eq!(asks(&app), None, "{kind:?} of a run at work");
    }
    fail(&mut app, "r", "COMPOSE", "quota exceeded");
    perform(&mut app, Action::Ask(OperationKind::Cancel, None));
    assert_eq!(asks(&app), None);
    perform(&mut app, Action::Ask(OperationKind::Retry, None));
    assert_eq!(asks(&app), Some((OperationKind::Retry, Some(&"r".into()))));
    perform(&mut app, Action::Answer(None));

    let mut link = app.world_mut().resource_mut::<Link>();
    link.state = ConnectionState::Disconnected;
    perform(&mut app, Action::Ask(OperationKind::Retry, None));
    assert_eq!(asks(&app), None, "there is nobody to ask");
}

#[test]
fn permission_depends_on_the_connected_server() {
    let mut app = allowed();
    let mut acting = |url: &str, hub: Option<HubOffer>| {
        let mut link = app.world_mut().resource_mut::<Link>();
        link.url = url.to_owned();
        link.hub = hub;
        link.acting()
    };
    let offer = |actions| Some(HubOffer { api: Some("/api".into()), actions });
    assert_eq!(acting(BACKEND, None), Ok(()));
    assert_eq!(acting("ws://hub/events", offer(true)), Ok(()));
    let reason = acting("ws://hub/events", offer(false)).unwrap_err();
    assert_eq!(reason, OperationRefusal::HubForbids);
    assert_eq!(acting("ws://studio/events", None), Err(OperationRefusal::OnlyEvents));
    let mut link = app.world_mut().resource_mut::<Link>();
    link.source = Some(SourceSpec::Recording("show.ndjson".into()));
    assert_eq!(link.acting(), Err(OperationRefusal::Recording));
}

#[test]
fn question_closes_when_nobody_is_present() {
    let mut app = at_work(allowed());
    app.insert_resource(Presence::default());
    perform(&mut app, Action::Ask(OperationKind::Cancel, None));
    assert!(asks(&app).is_some());
    app.insert_resource(Presence { away: true, ..Presence::default() });
    app.update();
    assert_eq!(asks(&app), None);
    assert!(operations(&app).under_way().is_empty());
}

#[test]
fn new_run_of_a_retry_is_shown_once_known() {
    let mut app = at_work(allowed());
    fail(&mut app, "r", "COMPOSE", "quota exceeded");
    finish(&mut app, RunOperation::Retry("r".into()), done("new", "Made a new run"));
    assert_eq!(app.world().resource::<Focus>().run(), Some(&"r".into()));
    feed(&mut app, [event("new", None, "info", 2)]);
    app.update();
    assert_eq!(app.world().resource::<Focus>().run(), Some(&"new".into()));
}

#[test]
fn refusal_is_shown_in_the_servers_words() {
    let mut app = at_work(allowed());
    let words = "Run 1f0c9b9e is not in failed status".to_owned();
    finish(&mut app, RunOperation::Retry("r".into()), Err(words.clone()));
    assert_eq!(toast(&app), format!("r could not be retried: {words}"));
    let notice = notices(&app).newest_first().next().unwrap();
    assert_eq!((notice.detail(), notice.run.as_ref()), (words, Some(&"r".into())));
}

#[test]
fn ends_of_other_runs_show_toasts_that_expire() {
    let mut app = at_work(allowed());
    feed(&mut app, [event("s", Some("STYLE"), "start", 0), event("t", None, "start", 0)]);
    end(&mut app, "t");
    assert!(toast(&app).starts_with("t finished, took 0:01"), "{}", toast(&app));
    fail(&mut app, "s", "STYLE", "no such genre");
    pass(&mut app, 6.0);
    assert_eq!(toast(&app), "s STYLE failed 6 s ago: no such genre");
    pass(&mut app, 29.9);
    assert!(toast(&app).starts_with("s STYLE failed"), "a failure stays for 30 s");
    pass(&mut app, 0.1);
    assert_eq!(toast(&app), "");
    assert_eq!(kept(&app), ["s STYLE failed", "t finished"]);
    assert_eq!(notices(&app).unread(), 2);
}

/// The stage says how its own run ends.
#[test]
fn end_of_the_run_on_stage_shows_no_toast() {
    for run_ends in [|app: &mut App| end(app, "r"), |app: &mut App| fail(app, "r", "COMPOSE", "x")]
    {
        let mut app = at_work(allowed());
        run_ends(&mut app);
        assert_eq!(toast(&app), "");
        assert_eq!(kept(&app).len(), 1);
    }
}

#[test]
fn many_ends_share_one_toast_and_failures_are_kept() {
    let mut app = at_work(allowed());
    feed(&mut app, [event("first", Some("STYLE"), "start", 0)]);
    fail(&mut app, "first", "STYLE", "no such genre");
    for run in 0..500 {
        let run = format!("run-{run}");
        feed(&mut app, [event(&run, None, "start", 0), event(&run, None, "end", 1)]);
    }
    pass(&mut app, 29.0);
    assert!(toast(&app).starts_with("first STYLE failed"));
    pass(&mut app, 0.9);
    pass(&mut app, 0.1);
    assert_eq!(toast(&app), "500 songs finished");
    assert_eq!(kept(&app).len(), 200);
    assert_eq!(kept(&app).last().unwrap(), "first STYLE failed", "they drown nothing");
}

#[test]
fn replayed_events_show_no_toasts() {
    let mut app = at_work(allowed());
    let late = -SignedDuration::from_mins(10).as_secs();
    // A page that returns to the front receives all events at once.
    feed(&mut app, [event("old", None, "start", late), event("old", None, "end", late)]);
    assert!(kept(&app).is_empty());
    // Scenes are replayed like a hub's history: their runs are over.
    let mut app = allowed();
    app.world_mut().resource_mut::<Link>().source = Some(SourceSpec::Recording("x".into()));
    play_scene(&mut app, "failed");
    assert!(kept(&app).is_empty() && toast(&app).is_empty());
}

#[test]
fn kiosk_shows_toasts_for_failures_elsewhere_only() {
    let mut settings = Settings { allow_actions: true, ..Settings::default() };
    settings.kiosk.on = true;
    let mut kiosk = at_work(connected(settings));
    feed(&mut kiosk, [event("s", Some("STYLE"), "start", 0), event("t", None, "start", 0)]);
    end(&mut kiosk, "t");
    assert_eq!(toast(&kiosk), "", "nobody waits for it");
    assert_eq!(kept(&kiosk), ["t finished"]);
    fail(&mut kiosk, "s", "STYLE", "no such genre");
    assert_eq!(toast(&kiosk), "s STYLE failed 0 s ago: no such genre");
    // A user who did something is answered at once.
    finish(&mut kiosk, RunOperation::Cancel("r".into()), Err("Run not found".to_owned()));
    pass(&mut kiosk, 0.2);
    assert_eq!(toast(&kiosk), "r could not be cancelled: Run not found");
}

/// A wall shows the ends of runs itself.
#[test]
fn wall_shows_no_toasts_for_ends_of_runs() {
    let mut app = at_work(allowed());
    app.insert_resource(View::Wall);
    end(&mut app, "r");
    assert_eq!(toast(&app), "", "its tile says it");
    assert_eq!(kept(&app), ["r finished"]);
    finish(&mut app, RunOperation::Cancel("r".into()), Err("Run not found".to_owned()));
    assert_eq!(toast(&app), "r could not be cancelled: Run not found");
}

#[test]
fn connection_that_stands_again_is_told_with_the_length_of_the_loss() {
    let mut app = at_work(allowed());
    let lost = || ConnectionState::Reconnecting {
        url: BACKEND.to_owned(),
        attempt: 1,
        max_attempts: 5,
        next_attempt_at: None,
        reason: String::new(),
    };
    let mut set = |state: ConnectionState, secs: i64| {
        app.world_mut().resource_mut::<Link>().state = state;
        let now = noon() + SignedDuration::from_secs(secs);
        app.world_mut().resource_mut::<PlaybackClock>().set(now);
        pass(&mut app, 10.0);
        toast(&app)
    };
    set(lost(), 1);
    assert_eq!(set(lost(), 9), "");
    assert_eq!(set(is_connected(), 13), "Connected again after 12 s");
    // A user who connects again by hand knows it.
    set(lost(), 20);
    assert_eq!(set(ConnectionState::Disconnected, 25), "");
    assert_eq!(set(is_connected(), 30), "");
}

/// A failure is told once: by the toast, or by the view that shows its run.
#[test]
fn toast_of_a_failure_leaves_when_its_run_comes_on_stage_or_the_wall_is_shown() {
    for show in [
        |app: &mut App| perform(app, Action::SelectRun("s".into())),
        |app: &mut App| perform(app, Action::ToggleWall),
    ] {
        let mut app = at_work(allowed());
        feed(&mut app, [event("s", Some("STYLE"), "start", 0)]);
        fail(&mut app, "s", "STYLE", "no such genre");
        assert!(toast(&app).starts_with("s STYLE failed"));
        show(&mut app);
        pass(&mut app, 0.2);
        pass(&mut app, 0.0);
        assert_eq!(toast(&app), "");
    }
}

#[test]
fn directed_wall_shows_no_toasts_for_ends_of_runs() {
    let mut settings = Settings::default();
    settings.view.view = ViewName::Wall;
    let mut app = connected(settings);
    app.add_plugins(DirectorPlugin { settings: DirectorSettings { on: true, ..default() } })
        .init_resource::<Canvas>()
        .init_resource::<Viewport>();
    app.update();
    feed(&mut app, [event("r", Some("COMPOSE"), "start", 0)]);
    fail(&mut app, "r", "COMPOSE", "quota exceeded");
    assert_eq!(toast(&app), "", "the director goes there");
    assert_eq!(kept(&app), ["r COMPOSE failed"]);
}

/// Esc closes what the user opened, and leaves toasts alone.
#[test]
fn escape_closes_the_panel_while_a_toast_is_shown() {
    let mut app = at_work(allowed());
    feed(&mut app, [event("t", None, "start", 0)]);
    perform(&mut app, Action::TogglePanel);
    perform(&mut app, Action::ToggleHelp);
    end(&mut app, "t");
    assert!(toast(&app).starts_with("t finished"));
    let open = |app: &App| {
        let chrome = app.world().resource::<meterbridge::app::state::chrome::Chrome>();
        (chrome.help, chrome.panel)
    };
    assert_eq!(open(&app), (true, true));
    perform(&mut app, Action::Back);
    assert_eq!(open(&app), (false, true));
    perform(&mut app, Action::Back);
    assert_eq!(open(&app), (false, false));
    assert!(toast(&app).starts_with("t finished"));
}

#[test]
fn click_dismisses_the_toast() {
    let mut app = at_work(allowed());
    feed(&mut app, [event("s", Some("STYLE"), "start", 0), event("t", None, "start", 0)]);
    end(&mut app, "t");
    fail(&mut app, "s", "STYLE", "no such genre");
    let number = notices(&app).toasts.standing().unwrap().number;
    perform(&mut app, Action::Dismiss(number));
    pass(&mut app, 0.2);
    assert_eq!(toast(&app), "s STYLE failed 0 s ago: no such genre");
}

/// Round trip through the source: a plain event stream refuses run operations with a reason.
#[test]
fn refusal_of_the_source_is_shown() {
    let demo = spawn_thread(DemoOptions { runs: 1, ..DemoOptions::default() }).unwrap();
    let settings = Settings { allow_actions: true, ..Settings::default() };
    let mut app = connected_to(SourceSpec::WebSocket(demo.url().into()), settings);
    until(&mut app, "a connection", |app| {
        matches!(app.world().resource::<Link>().state, ConnectionState::Connected { .. })
    });
    app.world().resource::<Link>().operate(RunOperation::Cancel("r".into()));
    until(&mut app, "an answer", |app| {
        let mut told = notices(app).newest_first();
        told.any(|notice| {
            matches!(&notice.news, News::Refused { operation: RunOperation::Cancel(run), words }
                if run.as_str() == "r" && !words.is_empty())
        })
    });
}
