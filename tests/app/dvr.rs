//! The past of a live run: keys, playing, what is told meanwhile, and the way back to live.

use bevy::prelude::*;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use meterbridge::app::control::run_operations::RunOperations;
use meterbridge::app::draw::DrawClock;
use meterbridge::app::overlays::notices::Notices;
use meterbridge::app::state::actions::{Action, OperationKind, Transport};
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::entities::{NodeEntity, RunEntity};
use meterbridge::app::state::run_store::{EventReceived, RunStore};
use meterbridge::config::Settings;
use meterbridge::inspect::Report;
use meterbridge::model::{Model, RunStatus};
use meterbridge::protocol::{PIPELINE, RunId};

use super::support::{
    announced, draw_later, event, feed, headless_app, headless_app_with, noon, pass, perform,
};

/// Number of jumps in the test that counts entities; more of them by this variable.
const JUMPS: &str = "METERBRIDGE_DVR_JUMPS";

fn after(secs: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(secs)
}

fn store(app: &App) -> &RunStore {
    app.world().resource::<RunStore>()
}

fn go(app: &mut App, transport: Transport) {
    perform(app, Action::Time(transport));
}

/// Shown instant in seconds after noon; `None` when live.
fn shown(app: &App) -> Option<i64> {
    let clock = app.world().resource::<PlaybackClock>();
    let past = store(app).shown_past();
    let expected = past.map_or(clock.live_now, |past| past.at);
    assert_eq!(clock.now, expected, "the clock shows what is shown");
    past.map(|past| past.at.duration_since(noon()).as_secs())
}

/// Passes the events of the next second to the app.
fn second(app: &mut App, rng: &mut Rng) {
    let now = app.world().resource::<PlaybackClock>().live_now.duration_since(noon()).as_secs();
    let events: Vec<String> = (0..rng.usize(0..4))
        .map(|_| {
            let run = format!("run-{}", rng.usize(0..6) + usize::try_from(now / 60).unwrap() * 2);
            let node = PIPELINE[rng.usize(0..PIPELINE.len())];
            match rng.u8(0..14) {
                0 => event(&run, None, "end", now),
                1 => event(&run, Some(node), "fail", now),
                2..7 => event(&run, Some(node), "end", now),
                _ => event(&run, Some(node), "start", now),
            }
        })
        .collect();
    feed(app, events);
    pass(app, 1);
}

fn seconds(app: &mut App, rng: &mut Rng, count: usize) {
    for _ in 0..count {
        second(app, rng);
    }
}

fn report(model: &Model) -> serde_json::Value {
    serde_json::to_value(Report::of(model)).unwrap()
}

#[track_caller]
fn assert_shows_as_of(app: &mut App, at: Timestamp) {
    let store = app.world().resource::<RunStore>();
    let expected = store.past().as_of(at).unwrap();
    assert_eq!(report(&store.model), report(&expected), "as of {at}");
    assert_eq!(store.model.changes(), expected.changes());
    assert_eq!(store.model.last_received_at(), expected.last_received_at());
    let nodes: usize = expected.runs().map(|run| run.nodes.len()).sum();
    let mut entities: Vec<(RunId, RunStatus)> = {
        let mut runs = app.world_mut().query::<&RunEntity>();
        runs.iter(app.world()).map(|run| (run.id.clone(), run.status)).collect()
    };
    let mut runs: Vec<_> = expected.runs().map(|run| (run.id().clone(), run.status)).collect();
    entities.sort_by(|a, b| a.0.cmp(&b.0));
    runs.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(entities, runs, "entities as of {at}");
    let mut of_nodes = app.world_mut().query::<&NodeEntity>();
    assert_eq!(of_nodes.iter(app.world()).count(), nodes);
}

#[test]
fn scrubbed_display_shows_the_model_of_that_instant_while_the_stream_goes_on() {
    let (mut app, mut rng) = (headless_app(), Rng::with_seed(1));
    seconds(&mut app, &mut rng, 90);
    go(&mut app, Transport::TogglePlaying);
    for _ in 0..12 {
        let at = rng.i64(0..85);
        go(&mut app, Transport::Show(after(at)));
        assert_eq!(shown(&app), Some(at));
        assert_shows_as_of(&mut app, after(at));
        second(&mut app, &mut rng);
        assert_eq!(shown(&app), Some(at), "the picture stands still");
        assert_shows_as_of(&mut app, after(at));
    }
    let live = report(store(&app).live());
    go(&mut app, Transport::Live);
    assert_eq!(shown(&app), None);
    assert_eq!(report(&store(&app).model), live);
    // The live model knows what came meanwhile, and goes on.
    seconds(&mut app, &mut rng, 5);
    let now = app.world().resource::<PlaybackClock>().live_now;
    assert_shows_as_of(&mut app, now);
}

#[test]
fn past_plays_on_behind_live_at_its_speed_and_goes_live_where_it_reaches_that() {
    let (mut app, mut rng) = (headless_app(), Rng::with_seed(2));
    seconds(&mut app, &mut rng, 120);
    go(&mut app, Transport::Skip(-60));
    assert_eq!(shown(&app), Some(60));
    for expected in 61..66 {
        second(&mut app, &mut rng);
        assert_eq!(shown(&app), Some(expected));
        assert_shows_as_of(&mut app, after(expected));
    }
    for (place, per_second) in [(3, 2), (4, 5), (5, 10)] {
        go(&mut app, Transport::Speed(place));
        let before = shown(&app).unwrap();
        second(&mut app, &mut rng);
        assert_eq!(shown(&app), Some(before + per_second));
        assert_shows_as_of(&mut app, after(before + per_second));
    }
    go(&mut app, Transport::Speed(0));
    let before = shown(&app).unwrap();
    seconds(&mut app, &mut rng, 4);
    assert_eq!(shown(&app), Some(before + 1), "a quarter of its speed");
    go(&mut app, Transport::Speed(6));
    let jumps = store(&app).jumps();
    let mut left = 10;
    while shown(&app).is_some() {
        second(&mut app, &mut rng);
        left -= 1;
        assert!(left > 0, "60 times as fast reaches live");
    }
    assert_eq!(store(&app).jumps(), jumps + 1, "only from past to live");
    assert_eq!(report(&store(&app).model), report(store(&app).live()));
    // The next rewinding begins at its own speed again.
    go(&mut app, Transport::Skip(-10));
    assert_eq!(store(&app).shown_past().map(|past| past.speed), Some(1.0));
}

/// A display of one run with known events, at 100 s.
fn one_run() -> App {
    let mut app = headless_app();
    for (at, node, phase) in [
        (10, Some("PLAN"), "start"),
        (20, Some("PLAN"), "end"),
        (30, Some("STYLE"), "start"),
        (40, None, "fail"),
    ] {
        let now = app.world().resource::<PlaybackClock>().live_now;
        pass(&mut app, at - now.duration_since(noon()).as_secs());
        feed(&mut app, [event("a", node, phase, at)]);
    }
    pass(&mut app, 10);
    feed(&mut app, [event("b", None, "fail", 50)]);
    pass(&mut app, 50);
    app.insert_resource(Notices::default());
    app
}

fn toast(app: &App) -> Option<String> {
    let standing = app.world().resource::<Notices>().toasts.standing();
    standing.map(|toast| format!("{} {}", toast.title(), toast.words(0.0)))
}

#[test]
fn steps_by_seconds_events_and_failures_land_where_they_say() {
    let mut app = one_run();
    let mut step = |transport, expected: Option<i64>| {
        go(&mut app, transport);
        assert_eq!(shown(&app), expected, "{transport:?}");
    };
    step(Transport::Skip(1), None);
    step(Transport::Skip(-1), Some(99));
    step(Transport::Skip(-10), Some(89));
    step(Transport::Skip(10), Some(99));
    step(Transport::PreviousFailure, Some(50));
    step(Transport::PreviousFailure, Some(40));
    step(Transport::NextFailure, Some(50));
    step(Transport::PreviousEvent, Some(40));
    step(Transport::PreviousEvent, Some(30));
    step(Transport::NextEvent, Some(40));
    step(Transport::Oldest, Some(10));
    step(Transport::Skip(-10), Some(10));
    step(Transport::Show(after(35)), Some(35));
    step(Transport::Skip(1_000), None);
    step(Transport::TogglePlaying, Some(100));
    step(Transport::TogglePlaying, Some(100));
    step(Transport::Live, None);
}

#[test]
fn step_by_event_stops_the_picture_and_what_is_not_there_is_told() {
    let mut app = one_run();
    go(&mut app, Transport::PreviousEvent);
    assert_eq!((shown(&app), toast(&app)), (Some(50), None));
    assert_eq!(store(&app).shown_past().map(|past| past.is_playing), Some(false));
    go(&mut app, Transport::NextEvent);
    assert_eq!(shown(&app), Some(50));
    let told = "Not possible: this is the latest event; leave the past instead (key L)";
    assert_eq!(toast(&app).as_deref(), Some(told));
    let mut app = one_run();
    go(&mut app, Transport::Oldest);
    go(&mut app, Transport::PreviousEvent);
    assert_eq!(
        toast(&app).as_deref(),
        Some("Not possible: this is the earliest event that is kept")
    );
    let mut empty = headless_app();
    empty.update();
    go(&mut empty, Transport::TogglePlaying);
    assert_eq!(shown(&empty), None);
    let told = "Not possible: no earlier events are kept";
    assert_eq!(toast(&empty).as_deref(), Some(told));
}

#[test]
fn live_failure_is_kept_while_the_past_is_shown_and_other_news_are_not_told() {
    let mut app = one_run();
    go(&mut app, Transport::Skip(-60));
    announced::<EventReceived>(&mut app);
    feed(
        &mut app,
        [
            event("c", None, "start", 98),
            event("c", None, "fail", 100),
            event("d", None, "end", 100),
        ],
    );
    let failed: Vec<_> =
        store(&app).live_failures().map(|(run, at)| (run.id().clone(), at)).collect();
    assert_eq!(failed, [(RunId::new("c"), after(100))]);
    assert_eq!(toast(&app), None, "the lane tells of it by itself");
    let kept: Vec<String> =
        app.world().resource::<Notices>().newest_first().map(|notice| notice.verb()).collect();
    assert!(kept.contains(&"failed".to_owned()) && kept.contains(&"finished".to_owned()));
    assert_eq!(announced::<EventReceived>(&mut app).len(), 3, "apps are told of live events");
    // Its next execution takes the failure back.
    feed(&mut app, [event("c", None, "start", 101)]);
    assert_eq!(store(&app).live_failures().count(), 0);
    go(&mut app, Transport::Live);
    assert_eq!(store(&app).live_failures().count(), 0);
}

#[test]
fn operations_and_marks_are_refused_while_the_past_is_shown() {
    let settings = Settings { allow_actions: true, ..default() };
    let mut app = headless_app_with(settings);
    feed(&mut app, [event("a", None, "fail", 0)]);
    pass(&mut app, 30);
    go(&mut app, Transport::TogglePlaying);
    let told = "Not possible: the past is shown; leave it first (key L)";
    perform(&mut app, Action::Ask(OperationKind::Retry, Some(RunId::new("a"))));
    assert!(app.world().resource::<RunOperations>().dialog.is_none());
    assert_eq!(toast(&app).as_deref(), Some(told));
    perform(&mut app, Action::MarkSeen(Some(RunId::new("a"))));
    assert!(!store(&app).is_seen("a"));
    go(&mut app, Transport::Live);
    perform(&mut app, Action::MarkSeen(Some(RunId::new("a"))));
    assert!(store(&app).is_seen("a"));
    // As of before the mark it was news.
    go(&mut app, Transport::Show(after(10)));
    assert!(!store(&app).is_seen("a"));
}

#[test]
fn unattended_display_goes_back_to_live_after_5_min_without_a_touch() {
    for (is_kiosk, expected) in [(true, None), (false, Some(50))] {
        let mut settings = Settings::default();
        settings.kiosk.on = is_kiosk;
        let mut app = headless_app_with(settings);
        app.insert_resource(DrawClock { secs: 0.0, follow_real_time: false });
        feed(&mut app, [event("a", Some("PLAN"), "start", 0)]);
        pass(&mut app, 60);
        go(&mut app, Transport::Skip(-10));
        go(&mut app, Transport::TogglePlaying);
        draw_later(&mut app, 200.0);
        go(&mut app, Transport::Play(false));
        draw_later(&mut app, 299.0);
        assert_eq!(shown(&app), Some(50), "touched 299 s ago");
        draw_later(&mut app, 2.0);
        assert_eq!(shown(&app), expected, "kiosk: {is_kiosk}");
    }
}

fn count_entities(app: &mut App) -> usize {
    let mut all = app.world_mut().query::<Entity>();
    all.iter(app.world()).count()
}

#[test]
fn no_entity_stays_behind_after_many_random_jumps() {
    let told = std::env::var(JUMPS).ok();
    let jumps: usize = told.map_or(40, |jumps| jumps.parse().unwrap());
    let (mut app, mut rng) = (headless_app(), Rng::with_seed(4));
    seconds(&mut app, &mut rng, 60);
    let entities = count_entities(&mut app);
    for jump in 0..jumps {
        match rng.u8(0..8) {
            0 => go(&mut app, Transport::Live),
            1 => go(&mut app, Transport::TogglePlaying),
            2 => go(&mut app, Transport::PreviousEvent),
            3 => go(&mut app, Transport::PreviousFailure),
            4 => go(&mut app, Transport::Skip(rng.i32(-20..20))),
            _ => go(&mut app, Transport::Show(after(rng.i64(0..60)))),
        }
        if jump % 50 == 0 {
            app.world_mut().resource_mut::<Messages<Action>>().clear();
        }
    }
    go(&mut app, Transport::Live);
    assert_eq!(count_entities(&mut app), entities);
    assert_shows_as_of(&mut app, after(60));
}
