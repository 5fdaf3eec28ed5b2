//! Tests that the timeline of any model can be drawn at any size, that none of its texts covers another, and
//! what it draws again.

use std::path::Path;

use bevy::prelude::*;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::{GROWING, STILL, Still, TimelineMemory};
use crate::app::draw::{Canvas, DrawClock, Faults};
use crate::app::state::clock::PlaybackClock;
use crate::app::state::focus::Focus;
use crate::app::state::hit::Pickable;
use crate::app::state::run_store::RunStore;
use crate::app::state::selection::Selection;
use crate::app::state::timeline::{Cells, TimelineState};
use crate::app::state::view::{TimelineMode, View};
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::app::test_display::{SCREENS, SIZES, THEMES, display};
use crate::app::text_layout_tests::{overlap, studio};
use crate::app::theme::ThemeChoice;
use crate::app::totality_tests::random_model;
use crate::config::ViewName;
use crate::layout::Rect;
use crate::model::{Model, Retention};
use crate::source::playback::TimedFrames;
use crate::source::recording::Recording;

const MODES: [TimelineMode; 3] = [TimelineMode::Run, TimelineMode::AllRuns, TimelineMode::Race];

fn showing(model: Model, now: Timestamp, mode: TimelineMode, size_px: (f32, f32)) -> App {
    let newest = model.newest_active().or(model.runs().next()).map(|run| run.id().clone());
    let mut app = display(ViewName::Timeline, now);
    app.insert_resource(Viewport { size_px: size_px.into(), ..default() })
        .insert_resource(View::Timeline { mode, from_wall: false })
        .insert_resource(RunStore::of(model));
    if let Some(run) = newest {
        app.world_mut().resource_mut::<Focus>().pin(run);
    }
    app
}

fn recorded(scene: &str) -> (Model, Timestamp) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let recording = Recording::open(&path.join(scene)).unwrap();
    let (mut frames, mut model) = (TimedFrames::new(recording), Model::new(Retention::default()));
    let mut now = "2026-11-23T12:00:00Z".parse().unwrap();
    while let Some((batch, _)) = frames.next(now).unwrap() {
        now = batch.received_at;
        model.receive(batch, |_, _| {});
    }
    (model, now)
}

/// Draws a frame and returns what is wrong with it.
fn faults(app: &mut App) -> Vec<String> {
    app.update();
    let caught = app.world().resource::<Faults>().message_of("the timeline");
    let mut found: Vec<String> =
        caught.into_iter().map(|said| format!("panicked: {said}")).collect();
    let canvas_size = app.world().resource::<Viewport>().canvas_size();
    found.extend(app.world().resource::<Canvas>().faults(canvas_size));
    found
}

/// Words of the view with their places.
fn words(app: &App) -> Vec<(String, Rect)> {
    let canvas = app.world().resource::<Canvas>();
    [STILL, GROWING].into_iter().flat_map(|part| canvas.words(part)).collect()
}

fn has_word(app: &App, wanted: &str) -> bool {
    words(app).iter().any(|(words, _)| words.contains(wanted))
}

/// Asserts that no text covers another one, the clock, or leaves the view.
fn assert_apart(app: &App, case: &str) {
    let canvas_size = app.world().resource::<Viewport>().canvas_size();
    let mut all = words(app);
    let clock = app.world().resource::<Canvas>().words("frame");
    all.extend(clock);
    for (place, (text, at)) in all.iter().enumerate() {
        assert!(
            at.x >= 0.0 && at.right() <= canvas_size.width + 0.5 && at.y >= 0.0,
            "{case}: {text:?} {at:?} leaves the view"
        );
        assert!(at.bottom() <= canvas_size.bridge_top() + 0.5, "{case}: {text:?} {at:?}");
        for (other, its) in &all[..place] {
            assert!(!overlap(at, its), "{case}: {text:?} {at:?} over {other:?} {its:?}");
        }
    }
}

#[test]
fn any_model_is_drawn_at_any_size_in_every_form() {
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let runs = [0, 1, 2, 5, 14, 17, 38, 70][rng.usize(0..8)];
        let nodes = [0, 1, 4, 9, 24, 120, 300][seed as usize % 7];
        let (model, now) = random_model(&mut rng, runs, nodes);
        let mut app = showing(model, now, MODES[seed as usize % 3], SIZES[seed as usize % 12]);
        for _ in 0..3 {
            let size = SIZES[rng.usize(0..SIZES.len())];
            let state = TimelineState {
                zoom: Some(rng.i32(-6..7)).filter(|_| rng.bool()),
                back_ms: rng.f64() * 1e6 * f64::from(rng.u8(0..2)),
                ..TimelineState::default()
            };
            let case = format!("seed {seed}, {runs} runs, {nodes} nodes, {size:?}, {state:?}");
            app.insert_resource(ThemeChoice(THEMES[rng.usize(0..3)]))
                .insert_resource(ReducedMotion(rng.bool()))
                .insert_resource(state)
                .insert_resource(Viewport { size_px: size.into(), ..default() });
            app.world_mut().resource_mut::<DrawClock>().secs += rng.f64() * 2.0;
            let found = faults(&mut app);
            assert!(found.is_empty(), "{case}: {:#?}", &found[..found.len().min(5)]);
        }
    }
}

#[test]
fn no_text_covers_another_or_leaves_the_view() {
    for seed in 0..84 {
        let mut rng = Rng::with_seed(seed);
        let runs = [0, 1, 14, 400][seed as usize % 4];
        let mode = MODES[seed as usize % 3];
        let (model, now) = match seed % 7 {
            5 => random_model(&mut rng, runs.min(20), 12),
            _ => studio(&mut rng, runs),
        };
        let size = SCREENS[seed as usize % SCREENS.len()];
        let mut app = showing(model, now, mode, size);
        app.insert_resource(ThemeChoice(THEMES[rng.usize(0..3)]));
        let case = format!("seed {seed}, {runs} runs, {mode:?}, {size:?}");
        for step in 0..4 {
            let case = format!("{case}, step {step}");
            let found = faults(&mut app);
            assert!(found.is_empty(), "{case}: {found:#?}");
            assert_apart(&app, &case);
            // Later, zoomed, moved, and with a cell that is selected.
            let cell = app.world().resource::<Cells>().cells.first().map(|(cell, _)| cell.clone());
            let mut state = app.world_mut().resource_mut::<TimelineState>();
            state.zoom = [None, Some(2), Some(-1)][rng.usize(0..3)];
            state.back_ms = rng.f64() * 300_000.0 * f64::from(rng.u8(0..2));
            state.selected = cell.filter(|_| rng.bool());
            let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
            let later = clock.now + SignedDuration::from_millis(rng.i64(0..40_000));
            *clock = PlaybackClock::fixed(later);
        }
    }
}

#[test]
fn texts_of_recorded_runs_stand_apart_while_the_run_grows() {
    for scene in [
        "scenes/mid-run.ndjson",
        "scenes/second-fix-pass.ndjson",
        "scenes/failed.ndjson",
        "scenes/failed-fix.ndjson",
        "scenes/long-error.ndjson",
        "scenes/long-title.ndjson",
        "scenes/three-nodes.ndjson",
        "scenes/unknown-start.ndjson",
        "scenes/cancelled.ndjson",
        "scenes/completed-exhausted.ndjson",
        "cases/gap-35-hours.ndjson",
        "cases/run-5-days.ndjson",
        "cases/odd-nodes.ndjson",
        "cases/far-future-end.ndjson",
        "cases/starts-twice.ndjson",
    ] {
        for (index, size) in SCREENS.into_iter().enumerate() {
            let mode = MODES[index % 3];
            for mode in [mode, TimelineMode::Run] {
                let (model, now) = recorded(scene);
                let mut app = showing(model, now, mode, size);
                for secs in [0, 1, 7, 40, 4_000] {
                    let later = now + SignedDuration::from_secs(secs);
                    *app.world_mut().resource_mut::<PlaybackClock>() = PlaybackClock::fixed(later);
                    let case = format!("{scene}, {mode:?}, {size:?}, {secs} s later");
                    let found = faults(&mut app);
                    assert!(found.is_empty(), "{case}: {found:#?}");
                    assert_apart(&app, &case);
                }
            }
        }
    }
}

/// Generation of each part of the canvas cannot be seen, but what was drawn as standing still can.
#[test]
fn only_what_grows_is_drawn_again_while_a_step_is_at_work() {
    let (model, now) = recorded("scenes/second-fix-pass.ndjson");
    // Nothing that counts seconds changes in what follows.
    let now = Timestamp::from_second(now.as_second()).unwrap() + SignedDuration::from_millis(20);
    let mut app = showing(model, now, TimelineMode::Run, SCREENS[0]);
    app.update();
    app.update();
    let still = |app: &App| app.world().resource::<Canvas>().words(STILL);
    let before = still(&app);
    let drawn = app.world().resource::<Canvas>().generation();
    // Half a pixel later nothing differs.
    let px_ms = app.world().resource::<TimelineMemory>().drawn_at.unwrap().1;
    let pass = |app: &mut App, ms: f64| {
        let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
        let later = clock.now + SignedDuration::from_secs_f64(ms / 1e3);
        *clock = PlaybackClock::fixed(later);
        app.update();
    };
    pass(&mut app, px_ms * 0.01);
    assert_eq!(app.world().resource::<Canvas>().generation(), drawn);
    pass(&mut app, px_ms * 1.2);
    let moved = app.world().resource::<Canvas>().generation();
    assert_eq!(moved, drawn + 1, "one part is drawn: what grows");
    assert_eq!(still(&app), before);
    let right = |app: &App| {
        app.world().resource::<Cells>().cells.last().map(|(_, rect)| rect.right()).unwrap()
    };
    let right_before = right(&app);
    pass(&mut app, px_ms * 10.0);
    assert!(right(&app) >= right_before + 9.0, "the bar at work grows");
}

#[test]
fn a_run_zoomed_out_begins_at_the_left_and_cannot_be_moved() {
    let (model, now) = recorded("scenes/mid-run.ndjson");
    let mut app = showing(model, now, TimelineMode::Run, SCREENS[0]);
    let place = |app: &mut App, zoom, back_ms| {
        app.insert_resource(TimelineState { zoom: Some(zoom), back_ms, ..default() });
        app.update();
        let memory = app.world().resource::<TimelineMemory>();
        let Some(Still::Lanes(drawn)) = &memory.still else { panic!("no lanes") };
        let from = drawn.place.scale.axis.span().from;
        let most = app.world().resource::<Cells>().most_back_ms;
        (from.duration_since(drawn.view.shown.from).as_secs_f64(), most)
    };
    for back_ms in [0.0, 50_000.0] {
        assert_eq!(place(&mut app, -2, back_ms), (0.0, 0.0));
        assert_eq!(place(&mut app, 0, back_ms), (0.0, 0.0));
    }
    let (from, most) = place(&mut app, 2, 0.0);
    assert!(from > 1.0 && (most - from * 1e3).abs() < 2.0, "{from} {most}");
    assert_eq!(place(&mut app, 2, most + 50_000.0).0, 0.0);
}

#[test]
fn moving_the_pointer_over_nothing_draws_nothing() {
    let (model, now) = recorded("scenes/wall-12.ndjson");
    let mut app = showing(model, now, TimelineMode::AllRuns, SCREENS[0]);
    app.update();
    app.update();
    let cause = |app: &App| app.world().resource::<TimelineMemory>().cause.clone();
    let before = cause(&app);
    app.world_mut().resource_mut::<TimelineState>().pointed = Some(Vec2::new(1.0, 1.0));
    app.update();
    assert!(before.is_some() && cause(&app) == before);
}

#[test]
fn a_run_that_is_not_there_yet_is_waited_for() {
    let mut app = showing(
        Model::new(Retention::default()),
        Timestamp::UNIX_EPOCH,
        TimelineMode::Run,
        SCREENS[0],
    );
    app.update();
    assert!(has_word(&app, "Waiting for the first run"), "{:#?}", words(&app));
    app.world_mut().resource_mut::<Focus>().pin(crate::protocol::RunId::new("later"));
    app.update();
    assert!(has_word(&app, "Waiting for the chosen run"), "{:#?}", words(&app));
}

#[test]
fn a_cell_that_is_pointed_at_names_step_time_and_usual() {
    let (model, now) = recorded("scenes/second-fix-pass.ndjson");
    let mut app = showing(model, now, TimelineMode::Run, SCREENS[0]);
    app.update();
    let cells = app.world().resource::<Cells>().cells.clone();
    let (_, rect) = cells
        .iter()
        .find(|(cell, _)| cell.node == "COMPOSE" && cell.attempt == 1)
        .expect("the bar of the second COMPOSE");
    app.world_mut().resource_mut::<TimelineState>().pointed =
        Some(Vec2::new(rect.centre_x(), rect.centre_y()));
    app.update();
    assert!(has_word(&app, "COMPOSE, fix 1"), "{:#?}", words(&app));
    assert!(has_word(&app, "0:32, usual 0:33, 21:"), "{:#?}", words(&app));
}

#[test]
fn rows_and_cells_of_all_runs_can_be_chosen() {
    let (model, now) = recorded("scenes/wall-12.ndjson");
    let mut app = showing(model, now, TimelineMode::AllRuns, SCREENS[0]);
    app.update();
    let (cell, rect) = app.world().resource::<Cells>().cells[0].clone();
    let run = app.world().resource::<Pickable>().at(Vec2::new(rect.centre_x(), rect.centre_y()));
    assert_eq!(run.as_ref(), Some(&cell.run), "the cell stands in the row of its run");
    app.world_mut().resource_mut::<Selection>().0 = run;
    let before = app.world().resource::<Canvas>().generation();
    app.update();
    assert!(app.world().resource::<Canvas>().generation() > before, "the row is marked");
}

#[test]
fn an_idle_hour_is_folded_and_labelled() {
    let (model, now) = recorded("scenes/wall-12.ndjson");
    let mut app = showing(model, now, TimelineMode::AllRuns, SCREENS[0]);
    app.update();
    assert!(has_word(&app, "1 h 1 min idle"), "{:#?}", words(&app));
}

#[test]
fn leaving_the_timeline_removes_it() {
    let (model, now) = recorded("scenes/wall-12.ndjson");
    let mut app = showing(model, now, TimelineMode::AllRuns, SCREENS[0]);
    app.update();
    app.insert_resource(View::Stage { from_wall: false });
    app.world_mut().resource_mut::<DrawClock>().secs += 10.0;
    app.update();
    app.world_mut().resource_mut::<DrawClock>().secs += 10.0;
    app.update();
    assert!(words(&app).is_empty());
    assert!(app.world().resource::<Cells>().cells.is_empty());
}
