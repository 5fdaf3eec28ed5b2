//! What happens when the graphics device goes: its driver is reset, or the machine slept.

use std::sync::Mutex;

use bevy::app::AppExit;
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::renderer::RenderDevice;
use meterbridge::app::draw::{aim_cameras, make_ready, offscreen_plugins};
use meterbridge::app::platform::recovery::RecoveryPlugin;
use meterbridge::app::{MeterbridgePlugin, ViewPlugin};
use meterbridge::config::Settings;

const SIZE: UVec2 = UVec2::new(320, 180);

/// An app that draws, loses its device, and goes on for a few frames.
fn lose_the_device(restart: Option<fn(&str)>) -> App {
    let mut app = App::new();
    app.add_plugins(offscreen_plugins().unwrap().disable::<LogPlugin>());
    app.add_plugins((
        MeterbridgePlugin { settings: Settings::default(), source: None },
        ViewPlugin,
        RecoveryPlugin { restart },
    ));
    make_ready(&mut app);
    let world = app.world_mut();
    meterbridge::app::spawn_cameras(world.commands());
    world.flush();
    aim_cameras(&mut app, SIZE).unwrap();
    for _ in 0..3 {
        app.update();
    }
    assert!(app.should_exit().is_none());
    app.world().resource::<RenderDevice>().wgpu_device().destroy();
    // The canvas grows: it needs a new texture on a device that gives none.
    aim_cameras(&mut app, SIZE * 2).unwrap();
    for _ in 0..5 {
        app.update();
    }
    app
}

#[test]
fn a_wall_is_told_to_start_again() {
    static REASONS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let app = lose_the_device(Some(|reason| REASONS.lock().unwrap().push(reason.to_owned())));
    assert!(app.should_exit().is_none());
    let reasons = REASONS.lock().unwrap();
    assert!(reasons[0].starts_with("drawing has failed ("), "{reasons:?}");
}

#[test]
fn a_window_on_a_desk_ends() {
    let app = lose_the_device(None);
    assert_eq!(app.should_exit(), Some(AppExit::error()));
}
