//! Tests of the display while the past is shown: it draws what a live display drew at that instant, and the
//! three states cannot be taken for each other.

use bevy::prelude::*;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use crate::app::draw::{Canvas, Faults};
use crate::app::state::actions::{Action, Transport};
use crate::app::state::clock::{PlaybackClock, local_zone};
use crate::app::state::focus::Focus;
use crate::app::state::hit::{Buttons, Scrub};
use crate::app::state::run_store::RunStore;
use crate::app::state::viewport::Viewport;
use crate::app::test_display;
use crate::app::theme::ThemeChoice;
use crate::app::views::chrome::ViewChrome;
use crate::app::views::counts::RunCounts;
use crate::app::views::rewound::PastEdge;
use crate::config::{ThemeName, ViewName};
use crate::layout::Bridge;
use crate::model::RunStatus;
use crate::protocol::{Batch, PIPELINE, RunId};

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn after(secs: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(secs)
}

/// Display of this view and size.
fn display(view: ViewName, size_px: (f32, f32)) -> App {
    let mut app = test_display::display(view, noon());
    app.insert_resource(Viewport { size_px: size_px.into(), ..default() });
    app
}

/// Batches of a studio with some failures, one every second or so.
fn stream(seed: u64, secs: i64) -> Vec<Batch> {
    let mut rng = Rng::with_seed(seed);
    let mut batches = Vec::new();
    for second in 0..secs {
        let mut batch = Batch::new(after(second), true);
        for _ in 0..rng.usize(0..4) {
            let run = rng.usize(0..9) + usize::try_from(second / 60).unwrap() * 3;
            let node = PIPELINE[rng.usize(0..PIPELINE.len())];
            let (node, phase) = match rng.u8(0..12) {
                0 => (None, "end"),
                1 => (None, "fail"),
                2 => (Some(node), "fail"),
                3..6 => (Some(node), "end"),
                _ => (Some(node), "start"),
            };
            batch.push_text(&event(&format!("run-{run}"), node, phase, second));
        }
        batches.push(batch);
    }
    batches
}

fn event(run: &str, node: Option<&str>, phase: &str, second: i64) -> String {
    serde_json::json!({
        "timestamp": after(second).to_string(), "run_id": run, "node_name": node, "phase": phase,
        "data": { "song_title": format!("Song of {run}") },
    })
    .to_string()
}

fn receive(app: &mut App, batch: Batch) {
    app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| ());
}

fn set_time(app: &mut App, now: Timestamp) {
    app.world_mut().resource_mut::<PlaybackClock>().set(now);
}

fn act(app: &mut App, transport: Transport) {
    app.world_mut().write_message(Action::Time(transport));
    app.update();
}

fn pictures(app: &App) -> (Vec<String>, RunCounts) {
    (app.world().resource::<Canvas>().views(), *app.world().resource::<RunCounts>())
}

#[test]
fn rewound_display_draws_what_a_live_one_drew_at_that_instant() {
    let views = [ViewName::Wall, ViewName::Wall, ViewName::Stage, ViewName::Timeline];
    for (seed, view) in (1..).zip(views) {
        let batches = stream(seed, 400);
        let run = RunId::new("run-3");
        let mut rewound = display(view, (1920.0, 1080.0));
        for batch in stream(seed, 400) {
            receive(&mut rewound, batch);
        }
        rewound.world_mut().resource_mut::<Focus>().pin(run.clone());
        set_time(&mut rewound, after(400));
        rewound.update();
        act(&mut rewound, Transport::Play(false));
        let mut rng = Rng::with_seed(seed);
        for _ in 0..12 {
            let second = rng.i64(20..400);
            let mut live = display(view, (1920.0, 1080.0));
            live.world_mut().resource_mut::<Focus>().pin(run.clone());
            for batch in stream(seed, 400).into_iter().filter(|it| it.received_at <= after(second))
            {
                receive(&mut live, batch);
            }
            set_time(&mut live, after(second));
            live.update();
            act(&mut rewound, Transport::Show(after(second)));
            assert!(rewound.world().resource::<RunStore>().is_rewound());
            let (expected, found) = (pictures(&live), pictures(&rewound));
            assert_eq!(found.1, expected.1, "numbers, {second} s of {} batches", batches.len());
            assert_eq!(found.0.len(), expected.0.len(), "{second} s");
            for (found, expected) in found.0.iter().zip(&expected.0) {
                assert_eq!(found, expected, "{second} s");
            }
        }
    }
}

#[test]
fn counts_of_the_past_are_those_of_its_model() {
    let mut app = display(ViewName::Wall, (1920.0, 1080.0));
    for batch in stream(7, 300) {
        receive(&mut app, batch);
    }
    set_time(&mut app, after(300));
    app.update();
    for second in [250, 40, 130, 299] {
        act(&mut app, Transport::Show(after(second)));
        let store = app.world().resource::<RunStore>();
        let expected = store.past().as_of(after(second)).unwrap();
        let counts = *app.world().resource::<RunCounts>();
        assert_eq!(counts.active, expected.count(RunStatus::Running), "{second}");
        let ended = |status| expected.count(status);
        assert_eq!(counts.failed, ended(RunStatus::Failed), "{second}: all within the hour");
        assert_eq!(counts.completed, ended(RunStatus::Completed), "{second}");
    }
}

/// Words that tell the state: of the tab, the pill and the light, and of the clock.
fn told(app: &App) -> (Option<String>, Option<String>, String, Vec<String>) {
    let chrome = app.world().resource::<ViewChrome>();
    let canvas = app.world().resource::<Canvas>();
    let words = canvas.words("frame").into_iter().map(|(words, _)| words).collect();
    (
        app.world().resource::<PastEdge>().words(),
        chrome.behind_words().map(str::to_owned),
        chrome.light_word().unwrap_or_default().to_owned(),
        words,
    )
}

fn shapes_of_the_edge(app: &App) -> usize {
    app.world().resource::<Canvas>().shapes_in("past")
}

#[test]
fn live_playing_behind_and_paused_differ_in_border_words_and_light() {
    let mut app = display(ViewName::Wall, (1920.0, 1080.0));
    for batch in stream(5, 300) {
        receive(&mut app, batch);
    }
    set_time(&mut app, after(300));
    app.update();
    let (tab, pill, _, clock) = told(&app);
    assert_eq!((tab, pill, shapes_of_the_edge(&app)), (None, None, 0), "live has no border");
    assert!(clock.contains(&"12:05".to_owned()), "{clock:?}");

    act(&mut app, Transport::Skip(-134));
    let (tab, pill, light, clock) = told(&app);
    assert_eq!(tab.as_deref(), Some("REWOUND to 12:02:46, playing behind live"));
    assert_eq!((pill.as_deref(), light.as_str()), (Some("2:14 behind live"), "REWOUND"));
    for words in ["12:02:46", "now it is 12:05:00"] {
        assert!(clock.iter().any(|shown| shown == words), "{words} in {clock:?}");
    }
    let solid = shapes_of_the_edge(&app);

    act(&mut app, Transport::TogglePlaying);
    let (tab, _, light, _) = told(&app);
    assert_eq!(tab.as_deref(), Some("PAUSED at 12:02:46, the picture stands still"));
    assert_eq!(light, "PAUSED");
    let dashed = shapes_of_the_edge(&app);
    assert!(dashed > solid + 50, "dashes: {solid} and {dashed} shapes");
    assert!(app.world().resource::<Canvas>().reduced_motion, "all motion is off");
    // Live goes on: the number grows.
    set_time(&mut app, after(310));
    app.update();
    let (tab, pill, ..) = told(&app);
    assert_eq!(tab.as_deref(), Some("PAUSED at 12:02:46, the picture stands still"));
    assert_eq!(pill.as_deref(), Some("2:24 behind live"));

    act(&mut app, Transport::Live);
    app.update();
    let (tab, pill, light, clock) = told(&app);
    assert_eq!((tab, pill, shapes_of_the_edge(&app)), (None, None, 0));
    assert!(!["REWOUND", "PAUSED"].contains(&light.as_str()));
    assert!(clock.contains(&"12:05".to_owned()), "{clock:?}");
    assert_eq!(app.world().resource::<Scrub>().area, None);
}

#[test]
fn failure_in_live_time_is_told_in_the_lane_and_stays() {
    let mut app = display(ViewName::Wall, (1920.0, 1080.0));
    for batch in stream(5, 100) {
        receive(&mut app, batch);
    }
    set_time(&mut app, after(100));
    app.update();
    act(&mut app, Transport::Skip(-60));
    assert_eq!(app.world().resource::<ViewChrome>().live_failure(), None);
    let mut batch = Batch::new(after(100), true);
    batch.push_text(&event("new", Some("RENDER"), "start", 99));
    batch.push_text(&event("new", Some("RENDER"), "fail", 100));
    batch.push_text(&event("new", None, "fail", 100));
    receive(&mut app, batch);
    for (second, ago) in [(140, "40 s ago"), (500, "6 min ago")] {
        set_time(&mut app, after(second));
        act(&mut app, Transport::Play(false));
        let said = app.world().resource::<ViewChrome>().live_failure();
        assert_eq!(said, Some(format!("Live, {ago}: Song of new failed at RENDER")));
    }
    let drawn = app.world().resource::<Canvas>().words("frame");
    let (_, key) = drawn.iter().find(|(words, _)| words == "L").unwrap();
    let live = Action::Time(Transport::Live);
    let buttons = app.world().resource::<Buttons>();
    let mut at = buttons.by_overlay().flatten().filter(|it| it.rect.holds(key.x, key.centre_y()));
    let pressed = at.next().map(|button| button.action.clone());
    drop(at);
    assert_eq!(pressed, Some(live));
    act(&mut app, Transport::Live);
    assert_eq!(app.world().resource::<ViewChrome>().live_failure(), None);
}

#[test]
fn press_on_the_live_light_stops_the_picture_at_every_size() {
    for size_px in [(1920.0, 1080.0), (1080.0, 1920.0), (800.0, 600.0)] {
        let mut app = display(ViewName::Wall, size_px);
        for batch in stream(5, 100) {
            receive(&mut app, batch);
        }
        set_time(&mut app, after(100));
        app.update();
        let light = Bridge::of(&app.world().resource::<Viewport>().canvas_size()).connection;
        let buttons: Vec<_> =
            app.world().resource::<Buttons>().by_overlay().flatten().cloned().collect();
        let pressed = buttons.iter().find(|it| it.rect.holds(light.centre_x(), light.centre_y()));
        assert_eq!(
            pressed.map(|button| &button.action),
            Some(&Action::Time(Transport::TogglePlaying)),
            "{size_px:?}"
        );
        act(&mut app, Transport::TogglePlaying);
        let past = app.world().resource::<RunStore>().shown_past();
        assert!(past.is_some_and(|past| !past.is_playing), "{size_px:?}");
    }
}

#[test]
fn past_is_drawn_at_every_size_in_every_theme_without_overlap() {
    let sizes = [(1.0, 1.0), (320.0, 240.0), (1024.0, 768.0), (1080.0, 1920.0), (1920.0, 1080.0)];
    for size_px in sizes.into_iter().chain([(2560.0, 1080.0), (3840.0, 2160.0), (1600.0, 1999.0)]) {
        for view in [ViewName::Wall, ViewName::Stage, ViewName::Timeline] {
            let mut app = display(view, size_px);
            for batch in stream(9, 200) {
                receive(&mut app, batch);
            }
            set_time(&mut app, after(200));
            app.update();
            for theme in [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast] {
                app.insert_resource(ThemeChoice(theme));
                for transport in [Transport::Skip(-30), Transport::TogglePlaying, Transport::Live] {
                    act(&mut app, transport);
                    let canvas_size = app.world().resource::<Viewport>().canvas_size();
                    let canvas = app.world().resource::<Canvas>();
                    assert_eq!(canvas.faults(canvas_size), [""; 0], "{size_px:?} {theme:?}");
                    let faults = app.world().resource::<Faults>();
                    for what in ["the frame with its meters", "the border of the past"] {
                        assert_eq!(faults.message_of(what), None, "{size_px:?}");
                    }
                    let words = canvas.words("bridge");
                    for (place, (a, at)) in words.iter().enumerate() {
                        for (b, other) in &words[..place] {
                            let beside = at.x >= other.right() - 1.0 || other.x >= at.right() - 1.0;
                            let above =
                                at.y >= other.bottom() - 6.0 || other.y >= at.bottom() - 6.0;
                            let tiny = canvas_size.width < 700.0;
                            assert!(tiny || beside || above, "{size_px:?}: {a:?} over {b:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn start_of_the_bar_gives_way_to_a_failure_that_stands_there() {
    for (phase, has_start) in [("end", true), ("fail", false)] {
        let mut app = display(ViewName::Wall, (1920.0, 1080.0));
        let events = [("first", "start", 0), ("first", phase, 4), ("last", "start", 600)];
        for (run, phase, second) in events {
            let mut batch = Batch::new(after(second), true);
            batch.push_text(&event(run, None, phase, second));
            receive(&mut app, batch);
        }
        set_time(&mut app, after(600));
        app.update();
        act(&mut app, Transport::Skip(-300));
        let start = noon().to_zoned(local_zone()).strftime("%H:%M").to_string();
        let words = app.world().resource::<Canvas>().words("bridge");
        assert_eq!(words.iter().any(|(it, _)| *it == start), has_start, "{phase}: {words:?}");
    }
}

#[test]
fn press_on_the_wave_shows_that_instant_and_its_right_end_is_live() {
    let mut app = display(ViewName::Wall, (1920.0, 1080.0));
    for batch in stream(5, 600) {
        receive(&mut app, batch);
    }
    set_time(&mut app, after(600));
    app.update();
    act(&mut app, Transport::Skip(-300));
    let area = app.world().resource::<Scrub>().area.unwrap();
    assert_eq!((area.from, area.until), (noon(), after(600)));
    let rect = area.rect;
    assert_eq!(area.instant_at(rect.x + rect.w / 4.0), Some(after(150)));
    assert_eq!(area.instant_at(rect.x - 50.0), Some(noon()));
    assert_eq!(area.instant_at(rect.right()), None);
}
