//! Tests that modules keep their width while the focus moves, at any frame rate.

use fastrand::Rng;

use super::tests::{app, frame, receive};
use super::*;
use crate::layout::Rect;
use crate::protocol::PIPELINE;

/// Checks the places of one frame.
#[track_caller]
fn check(memory: &StageMemory, now: f64, case: &str) {
    let placed = memory.placed(now);
    assert_eq!(placed.len(), memory.to.len(), "{case}");
    for (at, to) in placed.iter().zip(&memory.to) {
        let least = to.least_width();
        assert!(
            at.rect.w >= least - 0.01,
            "{case}: {} is less than {least}: {placed:#?}",
            at.rect.w
        );
    }
    for pair in placed.windows(2).filter(|pair| pair[0].row == pair[1].row) {
        assert!(pair[0].rect.right() <= pair[1].rect.x + 0.01, "{case}: {pair:#?}");
    }
}

/// Checks that texts in the rack stay inside their modules.
#[track_caller]
fn check_texts(app: &App, now: f64, case: &str) {
    let placed = app.world().resource::<StageMemory>().placed(now);
    for (words, at) in app.world().resource::<Canvas>().words("stage") {
        let (x, y) = (at.centre_x(), at.centre_y());
        let Some(module) = placed.iter().find(|module| module.rect.holds(x, y)) else { continue };
        let Rect { x: left, .. } = module.rect;
        let inside = at.x >= left - 0.5 && at.right() <= module.rect.right() + 0.5;
        assert!(inside, "{case}: {words:?} at {at:?} leaves {module:?}");
    }
}

/// Times from one frame to the next, in seconds: a fluent display, and one under load.
fn next_frame(rng: &mut Rng) -> f64 {
    match rng.u8(0..6) {
        0 => 0.000_1,
        1 => 0.016,
        2 => 0.07 + 0.1 * rng.f64(),
        3 => 0.4 * rng.f64(),
        4 => 0.9,
        _ => 2.5,
    }
}

#[test]
fn focus_change_never_shows_a_squashed_module_at_any_frame_rate() {
    let mut moved = 0;
    for seed in 0..40 {
        let mut rng = Rng::with_seed(seed);
        let mut app = app();
        let sizes = [(1920.0, 1080.0), (1280.0, 1024.0), (1080.0, 1920.0), (3840.0, 1600.0)];
        let size_px = sizes[seed as usize % sizes.len()].into();
        app.insert_resource(Viewport { size_px, ..default() });
        app.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
        let (mut now, mut second) = (10.0, 1);
        let mut running: Vec<&str> = Vec::new();
        for step in 0..40 {
            // A step ends, or one or two begin, now and then before the last move is over.
            let changes = if rng.bool() { rng.usize(0..3) } else { 0 };
            for _ in 0..changes {
                second = (second + 1).min(59);
                if running.len() > 2 || (!running.is_empty() && rng.bool()) {
                    let ended = running.swap_remove(rng.usize(0..running.len()));
                    receive(&mut app, ended, "end", second);
                } else {
                    let name = PIPELINE[rng.usize(0..PIPELINE.len())];
                    if name != "FIX" && !running.contains(&name) {
                        running.push(name);
                        receive(&mut app, name, "start", second);
                    }
                }
            }
            frame(&mut app, now);
            let memory = app.world().resource::<StageMemory>();
            moved += usize::from(memory.placed(now) != memory.to);
            let case = format!("seed {seed}, frame {step} at {now}");
            check(memory, now, &case);
            check_texts(&app, now, &case);
            now += next_frame(&mut rng);
        }
    }
    assert!(moved > 100, "{moved} frames during a move");
}

#[test]
fn first_frame_of_a_move_shows_the_new_module_wide_enough() {
    let mut app = app();
    app.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    receive(&mut app, "PLAN", "start", 10);
    frame(&mut app, 10.0);
    receive(&mut app, "PLAN", "end", 20);
    receive(&mut app, "STYLE", "start", 20);
    frame(&mut app, 20.0);
    let memory = app.world().resource::<StageMemory>();
    let style = memory.placed(20.0)[1].rect.w;
    assert!((style - 0.8 * 338.0).abs() < 0.5, "{style}");
}
