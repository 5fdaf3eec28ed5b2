//! One view gives way to another: frame by frame, as it is drawn.

use bevy::log::LogPlugin;
use bevy::prelude::*;
use meterbridge::app::clock::PlaybackClock;
use meterbridge::app::director::{Auto, DirectorPlugin};
use meterbridge::app::draw::{
    Canvas, DrawClock, aim_cameras, make_ready, offscreen_plugins, render_to_png,
};
use meterbridge::app::view::View;
use meterbridge::app::viewport::{self, ReducedMotion, Viewport};
use meterbridge::app::{StudioPlugin, ViewPlugin};
use meterbridge::config::{Settings, ViewName};
use meterbridge::director::{DirectorSettings, Why};
use meterbridge::protocol::RunId;

use super::picture::{Picture, scratch};
use super::support::{noon, play_scene, play_tape};
use super::wall_scenes::many;

const SIZE: UVec2 = UVec2::new(640, 360);

/// A wall that draws, with a director.
fn drawn_wall(size: UVec2) -> App {
    let mut settings = Settings::default();
    settings.view.view = ViewName::Wall;
    let mut app = App::new();
    app.add_plugins(offscreen_plugins().unwrap().disable::<LogPlugin>());
    app.add_plugins((
        StudioPlugin { settings, source: None },
        ViewPlugin,
        DirectorPlugin { settings: DirectorSettings { on: true, ..default() } },
    ));
    app.insert_resource(PlaybackClock::fixed(noon()))
        .insert_resource(DrawClock { secs: 100.0, follow_real_time: false })
        .insert_resource(Viewport { size_px: size.as_vec2(), ..default() });
    make_ready(&mut app);
    let world = app.world_mut();
    viewport::spawn_cameras(world.commands());
    world.flush();
    aim_cameras(&mut app, size).unwrap();
    app
}

fn picture(app: &mut App, size: UVec2, name: &str) -> Picture {
    let path = scratch(&format!("{name}.png"));
    render_to_png(app, size, &path).unwrap();
    Picture::read(&path)
}

/// Mean luminance of a picture, 0 to 255.
fn luminance(picture: &Picture) -> f64 {
    let of = |[red, green, blue, _]: &[u8; 4]| {
        0.2126 * f64::from(*red) + 0.7152 * f64::from(*green) + 0.0722 * f64::from(*blue)
    };
    picture.pixels.iter().map(of).sum::<f64>() / picture.pixels.len() as f64
}

fn tell(app: &mut App, run: &str, why: Why) {
    let secs = app.world().resource::<DrawClock>().secs;
    app.world_mut().resource_mut::<Auto>().0.tell(&RunId::new(run), why, secs);
}

/// The pictures of a fade at so many moments, the first before it.
fn pictures(app: &mut App, name: &str, secs: f64, frames: usize) -> Vec<Picture> {
    (0..=frames)
        .map(|frame| {
            let picture = picture(app, SIZE, &format!("{name}-{frame}"));
            app.world_mut().resource_mut::<DrawClock>().secs += secs / frames as f64;
            picture
        })
        .collect()
}
#[test]
fn look() {
    for (scene, size) in [("wall-12", UVec2::new(1920, 1080)), ("wall-12", UVec2::new(1080, 1920)), ("wall-12", UVec2::new(3840, 2160)), ("many-400", UVec2::new(1920, 1080))] {
        let mut app = drawn_wall(size);
        if scene == "many-400" { play_tape(&mut app, &many(400).write()); } else { play_scene(&mut app, scene); }
        let name = format!("look-{scene}-{}", size.x);
        picture(&mut app, size, &name);
        let studio = app.world().resource::<meterbridge::app::ingest::Studio>();
        let failed = studio.model.runs().find(|run| run.status == meterbridge::model::RunStatus::Failed).unwrap().id().clone();
        tell(&mut app, failed.as_str(), Why::Failed);
        for n in 0..5 {
        picture(&mut app, size, &format!("{name}-{n}"));
        app.world_mut().resource_mut::<DrawClock>().secs += 0.175;
        }
        app.world_mut().resource_mut::<Auto>().0.touch(102.0);
        picture(&mut app, size, &format!("{name}-pin"));
    }
}
