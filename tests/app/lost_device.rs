//! Loss of the graphics device, as after a driver reset or a machine's sleep.

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

/// Returns an app that drew, lost its device, and ran a few more frames.
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
    // The canvas grows, so it needs a new texture, which the lost device cannot create.
    aim_cameras(&mut app, SIZE * 2).unwrap();
    for _ in 0..5 {
        app.update();
    }
    app
}

#[test]
fn lost_device_restarts_a_wall() {
    static REASONS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let app = lose_the_device(Some(|reason| REASONS.lock().unwrap().push(reason.to_owned())));
    assert!(app.should_exit().is_none());
    let reasons = REASONS.lock().unwrap();
    assert!(reasons[0].starts_with("drawing has failed ("), "{reasons:?}");
}

#[test]
fn lost_device_exits_a_desk_window() {
    let app = lose_the_device(None);
    assert_eq!(app.should_exit(), Some(AppExit::error()));
}
