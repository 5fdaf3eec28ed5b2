//! Doing things to runs, and what is told of it: questions, toasts and notices, by a clock that is
//! set by hand.

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

/// An app that believes to be connected to a backend.
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

/// A run at work, which is shown.
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

/// Heads of the toasts that stand.
fn toasts(app: &App) -> Vec<String> {
    notices(app).toasts.standing().map(|(_, toast)| toast.head().to_owned()).collect()
}

/// Heads of the notices, the newest first.
fn kept(app: &App) -> Vec<String> {
    notices(app).newest_first().map(|notice| notice.head()).collect()
}

/// Nothing draws here that would let toasts go.
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
fn without_leave_nothing_is_asked_and_nothing_is_done() {
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
fn an_operation_is_confirmed_and_sent_once() {
    let mut app = at_work(allowed());
    perform(&mut app, Action::Ask(OperationKind::Cancel, None));
    assert_eq!(asks(&app), Some((OperationKind::Cancel, Some(&"r".into()))));
    assert!(operations(&app).under_way().is_empty(), "it is asked first");
    // Another question does not take the place of this one.
    perform(&mut app, Action::Ask(OperationKind::Start, None));
    assert_eq!(asks(&app), Some((OperationKind::Cancel, Some(&"r".into()))));

    let cancel = RunOperation::Cancel("r".into());
    perform(&mut app, Action::Answer(Some(cancel.clone())));
    assert_eq!(asks(&app), None);
    assert_eq!(operations(&app).under_way(), std::slice::from_ref(&cancel));
    // The key pressed twice, an answer that comes twice.
    perform(&mut app, Action::Answer(Some(cancel.clone())));
    perform(&mut app, Action::Ask(OperationKind::Cancel, None));
    assert_eq!(asks(&app), None);
    assert_eq!(operations(&app).under_way().len(), 1);

    finish(&mut app, cancel, done("r", "Cancel was asked for"));
    assert!(operations(&app).under_way().is_empty());
    assert_eq!(toasts(&app), ["Cancel was asked for"]);
}

#[test]
fn who_leaves_a_question_does_nothing() {
    let mut app = at_work(allowed());
    perform(&mut app, Action::Ask(OperationKind::Start, None));
    assert_eq!(asks(&app), Some((OperationKind::Start, None)));
    perform(&mut app, Action::Answer(None));
    assert_eq!(asks(&app), None);
    assert!(operations(&app).under_way().is_empty());
    assert!(kept(&app).is_empty());
}

#[test]
fn what_makes_no_sense_is_not_asked() {
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
fn whom_one_is_connected_to_decides() {
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
fn no_question_stands_on_a_wall_that_everybody_left() {
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
fn a_run_that_was_made_is_shown_as_soon_as_it_is_known() {
    let mut app = at_work(allowed());
    fail(&mut app, "r", "COMPOSE", "quota exceeded");
    finish(&mut app, RunOperation::Retry("r".into()), done("new", "Made a new run"));
    assert_eq!(app.world().resource::<Focus>().run(), Some(&"r".into()));
    feed(&mut app, [event("new", None, "info", 2)]);
    app.update();
    assert_eq!(app.world().resource::<Focus>().run(), Some(&"new".into()));
}

#[test]
fn a_refusal_is_told_in_the_words_that_came() {
    let mut app = at_work(allowed());
    let words = "Run 1f0c9b9e is not in failed status".to_owned();
    finish(&mut app, RunOperation::Retry("r".into()), Err(words.clone()));
    let (_, toast) = notices(&app).toasts.standing().next().unwrap();
    assert_eq!(toast.head(), "Could not be retried: r");
    assert_eq!(toast.words(), words);
    let notice = notices(&app).newest_first().next().unwrap();
    assert_eq!((notice.words(), notice.run.as_ref()), (words, Some(&"r".into())));
}

#[test]
fn how_runs_end_is_told_and_goes_by_itself() {
    let mut app = at_work(allowed());
    feed(&mut app, [event("s", Some("STYLE"), "start", 0)]);
    end(&mut app, "r");
    assert_eq!(toasts(&app), ["Workflow completed successfully"]);
    fail(&mut app, "s", "STYLE", "no such genre");
    assert_eq!(toasts(&app), ["Workflow completed successfully", "Workflow failed at STYLE"]);
    let (_, failure) = notices(&app).toasts.standing().last().unwrap();
    assert!(failure.words().ends_with(": no such genre"), "{}", failure.words());
    pass(&mut app, 6.0);
    assert_eq!(toasts(&app), ["Workflow failed at STYLE"], "bad news stay longer");
    pass(&mut app, 9.0);
    assert!(toasts(&app).is_empty());
    assert_eq!(kept(&app), ["Workflow failed at STYLE", "Workflow completed successfully"]);
    assert_eq!(notices(&app).unread(), 2);
}

/// What every completed run of a busy studio would do to a wall.
#[test]
fn many_ends_are_one_toast_and_the_failures_among_them_are_kept() {
    let mut app = allowed();
    feed(&mut app, [event("first", Some("STYLE"), "start", 0)]);
    fail(&mut app, "first", "STYLE", "no such genre");
    pass(&mut app, 20.0);
    for run in 0..500 {
        let run = format!("run-{run}");
        feed(&mut app, [event(&run, None, "start", 0), event(&run, None, "end", 1)]);
        assert!(toasts(&app).len() <= 1);
    }
    pass(&mut app, 1.0);
    assert_eq!(toasts(&app), ["500 workflows completed"]);
    assert_eq!(kept(&app).len(), 200);
    assert_eq!(kept(&app).last().unwrap(), "Workflow failed at STYLE", "they drown nothing");
}

#[test]
fn what_is_replayed_is_no_news() {
    let mut app = at_work(allowed());
    let late = -SignedDuration::from_mins(10).as_secs();
    // A page that comes back to the front hears of it all at once.
    feed(&mut app, [event("old", None, "start", late), event("old", None, "end", late)]);
    assert!(kept(&app).is_empty());
    // Scenes are told as a hub tells what happened before: their runs are over.
    let mut app = allowed();
    app.world_mut().resource_mut::<Link>().source = Some(SourceSpec::Recording("x".into()));
    play_scene(&mut app, "failed");
    assert!(kept(&app).is_empty() && toasts(&app).is_empty());
}

#[test]
fn a_screen_that_nobody_operates_is_not_told_of_runs() {
    let mut settings = Settings { allow_actions: true, ..Settings::default() };
    settings.kiosk.on = true;
    let mut kiosk = at_work(connected(settings));
    end(&mut kiosk, "r");
    assert!(toasts(&kiosk).is_empty(), "the picture says it");
    assert_eq!(kept(&kiosk), ["Workflow completed successfully"]);
    // But whoever came and did something is answered.
    finish(&mut kiosk, RunOperation::Cancel("r".into()), Err("Run not found".to_owned()));
    assert_eq!(toasts(&kiosk).len(), 1);
}

/// It shows how they end, and toasts of a busy studio would lie over it for good.
#[test]
fn a_wall_is_not_told_of_runs() {
    let mut app = at_work(allowed());
    app.insert_resource(View::Wall);
    end(&mut app, "r");
    assert!(toasts(&app).is_empty(), "its tile says it");
    assert_eq!(kept(&app), ["Workflow completed successfully"]);
    finish(&mut app, RunOperation::Cancel("r".into()), Err("Run not found".to_owned()));
    assert_eq!(toasts(&app).len(), 1, "whoever did something is answered");
}

#[test]
fn a_wall_that_directs_itself_is_not_told_of_runs() {
    let mut settings = Settings::default();
    settings.view.view = ViewName::Wall;
    let mut app = connected(settings);
    app.add_plugins(DirectorPlugin { settings: DirectorSettings { on: true, ..default() } })
        .init_resource::<Canvas>()
        .init_resource::<Viewport>();
    app.update();
    feed(&mut app, [event("r", Some("COMPOSE"), "start", 0)]);
    fail(&mut app, "r", "COMPOSE", "quota exceeded");
    assert!(toasts(&app).is_empty(), "the director goes there");
    assert_eq!(kept(&app), ["Workflow failed at COMPOSE"]);
}

#[test]
fn escape_takes_toasts_away_before_anything_else() {
    let mut app = at_work(allowed());
    perform(&mut app, Action::TogglePanel);
    end(&mut app, "r");
    perform(&mut app, Action::Back);
    pass(&mut app, 0.5);
    assert!(toasts(&app).is_empty());
    let panel = |app: &App| app.world().resource::<meterbridge::app::state::chrome::Chrome>().panel;
    assert!(panel(&app));
    perform(&mut app, Action::Back);
    assert!(!panel(&app));
}

#[test]
fn a_click_takes_one_away() {
    let mut app = at_work(allowed());
    feed(&mut app, [event("s", Some("STYLE"), "start", 0)]);
    end(&mut app, "r");
    fail(&mut app, "s", "STYLE", "no such genre");
    let number = notices(&app).toasts.standing().next().unwrap().1.number;
    perform(&mut app, Action::Dismiss(number));
    pass(&mut app, 0.5);
    assert_eq!(toasts(&app), ["Workflow failed at STYLE"]);
}

/// Through the source and back: a stream of events cannot be acted on, and says so.
#[test]
fn what_the_source_answers_is_told() {
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
