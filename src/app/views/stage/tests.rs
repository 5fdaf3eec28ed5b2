//! Tests of when the stage redraws and how its modules move.

use super::*;
use crate::config::Settings;
use crate::model::Retention;
use crate::protocol::Batch;

const NOON: &str = "2026-11-23T12:00:00Z";

/// True when the last frame drew the stage.
#[derive(Resource, Default)]
struct Drew(bool);

fn record_drawing(canvas: Res<Canvas>, mut drew: ResMut<Drew>) {
    drew.0 = canvas.is_changed();
}

pub(super) fn app() -> App {
    let mut app = App::new();
    app.insert_resource(RunStore::new(Retention::default()))
        .insert_resource(Link::new(&Settings::default(), None))
        .insert_resource(PlaybackClock::fixed(NOON.parse().unwrap()))
        .init_resource::<Canvas>()
        .init_resource::<StageMemory>()
        .init_resource::<HintAreas>()
        .init_resource::<Focus>()
        .init_resource::<DrawClock>()
        .init_resource::<Viewport>()
        .init_resource::<ViewChrome>()
        .init_resource::<NextFrame>()
        .init_resource::<Drew>()
        .add_systems(Update, (draw, record_drawing).chain());
    app
}

pub(super) fn receive(app: &mut App, node: &str, phase: &str, second: u32) {
    let mut batch = Batch::new(NOON.parse().unwrap(), true);
    batch.push_text(&format!(
        r#"{{"ts":"2026-11-23T11:59:{second:02}Z","run_id":"a","node_name":"{node}","phase":"{phase}"}}"#
    ));
    let mut run_store = app.world_mut().resource_mut::<RunStore>();
    run_store.receive(batch, |_, _| {});
}

/// Draws a frame at `secs` of the draw clock; returns whether the stage was drawn.
pub(super) fn frame(app: &mut App, secs: f64) -> bool {
    app.world_mut().resource_mut::<DrawClock>().secs = secs;
    app.update();
    app.world().resource::<Drew>().0
}

#[test]
fn move_ends_at_its_target_when_frames_are_rare() {
    let mut app = app();
    receive(&mut app, "PLAN", "start", 10);
    app.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    frame(&mut app, 10.0);
    frame(&mut app, 11.0);
    assert!(!frame(&mut app, 12.0), "it rests");

    receive(&mut app, "PLAN", "end", 20);
    receive(&mut app, "STYLE", "start", 20);
    assert!(frame(&mut app, 20.0), "the move begins");
    let memory = app.world().resource::<StageMemory>();
    assert_ne!(memory.placed(20.0), memory.to);
    assert!(frame(&mut app, 21.0), "the next frame is later than the move's end, and shows it");
    assert!(!frame(&mut app, 22.0), "it rests again");
}

/// Regression: in a picture of a live studio, arcs grew on for five seconds beyond the times beside them.
#[test]
fn arcs_stop_with_the_clock() {
    let mut app = app();
    let mut clock = PlaybackClock::default();
    clock.set(NOON.parse().unwrap());
    clock.server_now = clock.now;
    app.insert_resource(clock);
    receive(&mut app, "PLAN", "start", 10);
    app.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    frame(&mut app, 10.0);
    frame(&mut app, 11.0);
    assert!(!frame(&mut app, 12.0), "it rests");
    app.world_mut().resource_mut::<PlaybackClock>().stop();
    assert!(frame(&mut app, 13.0), "it is drawn again, still");
}

#[test]
fn reduced_motion_places_modules_at_once() {
    let mut app = app();
    app.world_mut().resource_mut::<Canvas>().reduced_motion = true;
    receive(&mut app, "PLAN", "start", 10);
    app.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    frame(&mut app, 10.0);
    receive(&mut app, "PLAN", "end", 20);
    receive(&mut app, "STYLE", "start", 20);
    frame(&mut app, 20.0);
    let memory = app.world().resource::<StageMemory>();
    assert_eq!(memory.placed(20.0), memory.to);
    assert!(app.world().resource::<Canvas>().is_fading(), "what stood elsewhere fades");
}
