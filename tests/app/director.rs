//! Behaviour of the director: what it shows, what stops it, and how often the picture changes.

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::input::mouse::{MouseButtonInput, MouseScrollUnit, MouseWheel};
use bevy::input::touch::{TouchInput, TouchPhase};
use bevy::prelude::*;
use bevy::window::{CursorMoved, PrimaryWindow};
use jiff::SignedDuration;
use meterbridge::app::MeterbridgePlugin;
use meterbridge::app::control::director::DirectorPlugin;
use meterbridge::app::draw::{Canvas, DrawClock};
use meterbridge::app::overlays::pill::Pill;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::view::View;
use meterbridge::app::state::viewport::Viewport;
use meterbridge::config::{Settings, ViewName};
use meterbridge::demo::Dialect;
use meterbridge::demo::dialect::{Delivery, Session};
use meterbridge::demo::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};
use meterbridge::director::{DirectorSettings, LEAST_HOLD_SECS};
use meterbridge::protocol::RunId;

use super::support::{draw_later, event, feed, feed_as, noon, perform};

/// Builds a wall of two running runs whose director has shown it for a minute.
fn wall() -> App {
    let mut app = directed(true);
    for run in ["a", "b"] {
        feed(&mut app, [event(run, Some("COMPOSE"), "start", 0)]);
    }
    draw_later(&mut app, 60.0);
    app
}

fn directed(on: bool) -> App {
    let mut settings = Settings::default();
    settings.view.view = if on { ViewName::Wall } else { ViewName::Stage };
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        MeterbridgePlugin { settings, source: None },
        DirectorPlugin { settings: DirectorSettings { on, ..default() } },
    ))
    .insert_resource(PlaybackClock::fixed(noon()))
    .insert_resource(DrawClock { secs: 0.0, follow_real_time: false })
    .init_resource::<Canvas>()
    .init_resource::<Viewport>();
    app.update();
    app
}

/// Returns "wall", or "stage of a".
fn shows(app: &App) -> String {
    match app.world().resource::<View>() {
        View::Wall => "wall".to_owned(),
        View::Timeline { .. } => "timeline".to_owned(),
        View::History => "history".to_owned(),
        View::Desk => "desk".to_owned(),
        View::Stage { .. } => {
            let run = app.world().resource::<Focus>().run().map(RunId::as_str);
            format!("stage of {}", run.unwrap_or("nothing"))
        }
    }
}

fn pill(app: &App) -> Option<&str> {
    app.world().resource::<Pill>().words()
}

#[track_caller]
fn assert_shows(app: &App, view: &str, words: &str) {
    assert_eq!((shows(app).as_str(), pill(app)), (view, Some(words)));
}

fn fail(app: &mut App, run: &str) {
    feed(app, [event(run, Some("COMPOSE"), "fail", 5), event(run, None, "fail", 5)]);
}

fn press(app: &mut App, state: ButtonState) {
    app.world_mut().write_message(KeyboardInput {
        key_code: KeyCode::KeyX,
        logical_key: Key::Character("x".into()),
        state,
        text: None,
        repeat: false,
        window: Entity::PLACEHOLDER,
    });
    app.update();
}

#[test]
fn director_shows_a_live_failure_then_the_wall() {
    let mut app = wall();
    assert_shows(&app, "wall", "auto");
    fail(&mut app, "a");
    assert_shows(&app, "stage of a", "auto: failed");
    // The director's choice does not count as a user's selection.
    assert!(app.world().resource::<Focus>().is_following());
    // The failed run stays although a newer one is running.
    draw_later(&mut app, 14.9);
    assert_shows(&app, "stage of a", "auto: failed");
    draw_later(&mut app, 0.1);
    assert_shows(&app, "wall", "auto");
}

#[test]
fn director_shows_a_fix_pass_until_it_is_validated() {
    let mut app = wall();
    let fix = [event("a", Some("COMPOSE"), "end", 5), event("a", Some("VALIDATE"), "start", 6)];
    feed(&mut app, fix);
    feed(&mut app, [event("a", Some("VALIDATE"), "fail", 7)]);
    assert_shows(&app, "wall", "auto");
    feed(&mut app, [event("a", Some("FIX"), "start", 8)]);
    assert_shows(&app, "stage of a", "auto: fix");
    draw_later(&mut app, 5.0);
    feed(&mut app, [event("a", Some("FIX"), "end", 12), event("a", Some("VALIDATE"), "start", 13)]);
    feed(&mut app, [event("a", Some("VALIDATE"), "end", 14)]);
    draw_later(&mut app, 2.9);
    assert_shows(&app, "stage of a", "auto: fix");
    draw_later(&mut app, 0.2);
    assert_shows(&app, "wall", "auto");
}

#[test]
fn director_shows_a_completed_run() {
    let mut app = wall();
    feed(&mut app, [event("b", None, "end", 5)]);
    assert_shows(&app, "stage of b", "auto: finished");
    draw_later(&mut app, 12.0);
    assert_shows(&app, "wall", "auto");
}

#[test]
fn director_shows_a_run_that_began_after_the_failure_of_its_song_as_a_retry_and_no_other() {
    let of_song = |run: &str, node, phase, secs| {
        event(run, node, phase, secs).replace('}', r#","data":{"song_id":"s"}}"#)
    };
    for (began, is_retry) in [(7, true), (2, false)] {
        let mut app = wall();
        feed(&mut app, [of_song("c", None, "start", 1)]);
        feed(&mut app, [of_song("c", None, "fail", 5)]);
        assert_shows(&app, "stage of c", "auto: failed");
        feed(&mut app, [of_song("d", None, "start", began)]);
        draw_later(&mut app, 9.0);
        match is_retry {
            true => assert_shows(&app, "stage of d", "auto: retry"),
            false => assert_shows(&app, "stage of c", "auto: failed"),
        }
    }
}

/// A page that was hidden receives the events of an hour at once.
#[test]
fn director_ignores_events_received_late() {
    let mut app = wall();
    let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
    clock.set(noon() + SignedDuration::from_secs(60));
    feed(&mut app, [event("b", Some("PLAN"), "start", 60)]);
    fail(&mut app, "a");
    assert_shows(&app, "wall", "auto");
    feed(&mut app, [event("b", None, "fail", 61)]);
    assert_shows(&app, "stage of b", "auto: failed");
}

/// A backend replays its history on each connection.
#[test]
fn director_ignores_replayed_history() {
    let mut app = wall();
    for run in ["x", "y", "z"] {
        let story = [event(run, Some("PLAN"), "start", -90), event(run, None, "fail", -60)];
        feed_as(&mut app, story, false);
        assert_shows(&app, "wall", "auto");
    }
}

#[test]
fn user_input_pins_the_view() {
    let window = Entity::PLACEHOLDER;
    let touches: [fn(&mut App); 5] = [
        |app| press(app, ButtonState::Pressed),
        |app| {
            let (button, state) = (MouseButton::Left, ButtonState::Pressed);
            let window = Entity::PLACEHOLDER;
            app.world_mut().write_message(MouseButtonInput { button, state, window });
            app.update();
        },
        |app| {
            let (unit, window) = (MouseScrollUnit::Line, Entity::PLACEHOLDER);
            let phase = TouchPhase::Moved;
            app.world_mut().write_message(MouseWheel { unit, x: 0.0, y: 1.0, window, phase });
            app.update();
        },
        |app| {
            app.world_mut().write_message(TouchInput {
                phase: TouchPhase::Started,
                position: Vec2::ZERO,
                window: Entity::PLACEHOLDER,
                force: None,
                id: 1,
            });
            app.update();
        },
        // An action of a page's script or of the panel.
        |app| perform(app, Action::SelectRun(RunId::new("a"))),
    ];
    for touch in touches {
        let mut app = wall();
        fail(&mut app, "a");
        touch(&mut app);
        assert_shows(&app, "stage of a", "pinned, 2:00 to go");
        assert!(!app.world().resource::<Focus>().is_following());
        fail(&mut app, "b");
        draw_later(&mut app, 100.0);
        assert_shows(&app, "stage of a", "pinned, 0:20 to go");
        // A moving pointer or a released key does not count as input.
        let position = Vec2::splat(5.0);
        app.world_mut().write_message(CursorMoved { window, position, delta: None });
        press(&mut app, ButtonState::Released);
        draw_later(&mut app, 20.0);
        assert_shows(&app, "wall", "auto");
    }
}

#[test]
fn pinned_wall_stays_and_its_runs_can_be_opened() {
    let mut app = wall();
    press(&mut app, ButtonState::Pressed);
    fail(&mut app, "a");
    assert_shows(&app, "wall", "pinned, 2:00 to go");
    perform(&mut app, Action::Open(RunId::new("b")));
    draw_later(&mut app, 60.0);
    assert_shows(&app, "stage of b", "pinned, 1:00 to go");
}

/// Space means to stay with the run that is shown, not to leave it.
#[test]
fn space_keeps_the_shown_run() {
    let mut app = wall();
    fail(&mut app, "a");
    press(&mut app, ButtonState::Pressed);
    perform(&mut app, Action::ToggleFollowing);
    draw_later(&mut app, 20.0);
    assert_eq!(shows(&app), "stage of a");
}

#[test]
fn key_a_resumes_the_director_at_once() {
    let mut app = wall();
    press(&mut app, ButtonState::Pressed);
    app.world_mut().write_message(Action::ToggleAuto);
    // The key press counts as input, too.
    press(&mut app, ButtonState::Pressed);
    assert_shows(&app, "wall", "auto");
    perform(&mut app, Action::SelectRun(RunId::new("a")));
    perform(&mut app, Action::Auto);
    assert_shows(&app, "wall", "auto");
}

#[test]
fn director_is_off_on_a_desk_until_switched_on() {
    let mut app = directed(false);
    feed(&mut app, [event("a", Some("PLAN"), "start", 0)]);
    fail(&mut app, "a");
    press(&mut app, ButtonState::Pressed);
    assert_eq!((shows(&app).as_str(), pill(&app)), ("stage of a", None));
    perform(&mut app, Action::ToggleAuto);
    assert_shows(&app, "wall", "auto");
    perform(&mut app, Action::ToggleAuto);
    assert_eq!((shows(&app).as_str(), pill(&app)), ("wall", None));
}

#[test]
fn clicking_the_pill_works_like_key_a() {
    let mut app = wall();
    app.init_resource::<ButtonInput<MouseButton>>()
        .init_resource::<ButtonInput<KeyCode>>()
        .insert_resource(bevy_egui::input::EguiWantsInput::default())
        .init_resource::<meterbridge::app::state::viewport::PanelArea>()
        .add_plugins(meterbridge::app::control::input_plugin);
    let mut window = Window { resolution: (1920, 1080).into(), ..default() };
    let rect = app.world().resource::<Pill>().rect().unwrap();
    window.set_cursor_position(Some(Vec2::new(rect.centre_x(), rect.centre_y())));
    app.world_mut().spawn((window, PrimaryWindow));
    for expected in ["pinned, 2:00 to go", "auto"] {
        let (button, state, window) =
            (MouseButton::Left, ButtonState::Pressed, Entity::PLACEHOLDER);
        app.world_mut().write_message(MouseButtonInput { button, state, window });
        app.world_mut().resource_mut::<ButtonInput<MouseButton>>().press(button);
        app.update();
        assert_shows(&app, "wall", expected);
        let mut buttons = app.world_mut().resource_mut::<ButtonInput<MouseButton>>();
        buttons.clear();
        buttons.release(button);
        app.update();
        assert_shows(&app, "wall", expected);
    }
}

/// A change of the picture.
struct Change {
    at_secs: f64,
    shown: String,
    is_retry: bool,
    /// True when the picture was that of a failure until the next change.
    is_failure: bool,
}

/// Plays the demo studio for an hour, with two updates per second. Returns each change of the picture.
fn an_hour_of(runs: usize) -> Vec<Change> {
    let mut app = directed(true);
    let session = Session { epoch: noon(), speed: 1.0, salt: 0 };
    let schedule = DemoSchedule::new(7, DemoScheduleOptions { runs });
    let mut events = Timeline::new(schedule)
        .take_while(|event| event.at < SignedDuration::from_hours(1))
        .filter_map(|event| {
            let frame = Dialect::Guide.render(&event, &session, Delivery::Live)?;
            Some((event.at.as_secs_f64(), frame))
        })
        .peekable();
    let opening = shows(&app);
    let mut changes =
        vec![Change { at_secs: 0.0, shown: opening, is_retry: false, is_failure: false }];
    let mut secs = 0.0;
    while secs < 3600.0 {
        secs += 0.5;
        let now = noon() + SignedDuration::from_secs_f64(secs);
        app.world_mut().resource_mut::<PlaybackClock>().set(now);
        let mut frames = Vec::new();
        while let Some((_, frame)) = events.next_if(|(at, _)| *at <= secs) {
            frames.push(frame);
        }
        app.world_mut().resource_mut::<DrawClock>().secs = secs;
        feed_as(&mut app, frames, secs > 0.5);
        let shown = shows(&app);
        if changes.last().is_some_and(|last| last.shown != shown) {
            let is_retry = pill(&app) == Some("auto: retry");
            changes.push(Change { at_secs: secs, shown, is_retry, is_failure: false });
        }
        if let Some(last) = changes.last_mut() {
            last.is_failure = pill(&app) == Some("auto: failed");
        }
    }
    changes
}

#[test]
fn director_changes_the_view_at_a_moderate_rate_over_an_hour() {
    for runs in [6, 40] {
        let changes = an_hour_of(runs);
        let is_wall = |change: &Change| change.shown == "wall";
        let stages = changes.iter().filter(|change| !is_wall(change)).count();
        assert!(stages > 60, "{runs} runs: {stages} looks at a run in an hour");
        for pair in changes.windows(2) {
            let stood = pair[1].at_secs - pair[0].at_secs;
            assert!(stood >= LEAST_HOLD_SECS, "{runs} runs: {} for {stood} s", pair[0].shown);
            let is_cut_off = pair[0].is_failure && !is_wall(&pair[1]) && !pair[1].is_retry;
            assert!(!is_cut_off, "a failure was cut off after {stood} s");
        }
        for Change { at_secs: from, .. } in &changes {
            let minute = *from..from + 60.0;
            let many = changes.iter().filter(|change| minute.contains(&change.at_secs)).count();
            assert!(many <= 8, "{runs} runs: {many} changes in the minute from {from} s");
        }
        let wall = changes.windows(2).filter(|pair| is_wall(&pair[0]));
        let on_wall: f64 = wall.map(|pair| pair[1].at_secs - pair[0].at_secs).sum();
        assert!(on_wall > 0.4 * 3600.0, "{runs} runs: {on_wall} s of the wall");
    }
}
