//! Fades between two views, drawn frame by frame.

use bevy::log::LogPlugin;
use bevy::prelude::*;
use meterbridge::app::control::director::DirectorPlugin;
use meterbridge::app::draw::{
    Canvas, DrawClock, aim_cameras, make_ready, offscreen_plugins, render_to_png,
};
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::auto::Auto;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::viewport::{ReducedMotion, Viewport};
use meterbridge::app::theme::motion;
use meterbridge::app::{MeterbridgePlugin, ViewPlugin};
use meterbridge::config::{Settings, ViewName};
use meterbridge::director::{Director, DirectorSettings, ShowReason};
use meterbridge::model::RunStatus;

use super::picture::{Picture, scratch};
use super::support::{noon, perform, play_scene, play_tape};
use super::wall_scenes::many;

const SIZE: UVec2 = UVec2::new(640, 360);

/// Returns a drawing wall with a director.
fn drawn_wall(size: UVec2) -> App {
    let mut settings = Settings::default();
    settings.view.view = ViewName::Wall;
    let mut app = App::new();
    app.add_plugins(offscreen_plugins().unwrap().disable::<LogPlugin>());
    app.add_plugins((
        MeterbridgePlugin { settings, source: None },
        ViewPlugin,
        DirectorPlugin { settings: DirectorSettings { on: true, ..default() } },
    ));
    app.insert_resource(PlaybackClock::fixed(noon()))
        .insert_resource(DrawClock { secs: 100.0, follow_real_time: false })
        .insert_resource(Viewport { size_px: size.as_vec2(), ..default() });
    make_ready(&mut app);
    let world = app.world_mut();
    meterbridge::app::spawn_cameras(world.commands());
    world.flush();
    aim_cameras(&mut app, size).unwrap();
    app
}

/// Replaces the director by one without history, and shows the wall.
fn begin(app: &mut App) {
    let rates = DirectorSettings::default().rates;
    let mut clock = app.world_mut().resource_mut::<DrawClock>();
    clock.secs += 60.0;
    let now = clock.secs;
    app.insert_resource(Auto(Director::new(rates, true, now - 60.0)));
    app.update();
    app.world_mut().resource_mut::<DrawClock>().secs += 10.0;
    app.update();
}

fn picture(app: &mut App, size: UVec2, name: &str) -> Picture {
    let path = scratch(&format!("{name}.png"));
    render_to_png(app, size, &path).unwrap();
    Picture::read(&path)
}

/// Returns the mean luminance of a picture, 0 to 255.
fn luminance(picture: &Picture) -> f64 {
    let of = |[red, green, blue, _]: &[u8; 4]| {
        0.2126 * f64::from(*red) + 0.7152 * f64::from(*green) + 0.0722 * f64::from(*blue)
    };
    picture.pixels.iter().map(of).sum::<f64>() / picture.pixels.len() as f64
}

/// Returns a wall at the end of a scene, shown for a while.
fn wall_of(scene: &str) -> App {
    let mut app = drawn_wall(SIZE);
    match scene.strip_prefix("many-") {
        Some(runs) => play_tape(&mut app, &many(runs.parse().unwrap()).write()),
        None => play_scene(&mut app, scene),
    }
    begin(&mut app);
    app
}

/// Makes the director show a failed run.
fn show_the_failed_run(app: &mut App) {
    let run_store = app.world().resource::<RunStore>();
    let failed = run_store.model.runs().find(|run| run.status == RunStatus::Failed).unwrap();
    let (run, secs) = (failed.id().clone(), app.world().resource::<DrawClock>().secs);
    app.world_mut().resource_mut::<Auto>().0.propose_run(&run, ShowReason::Failed, secs);
    app.update();
}

fn pass(app: &mut App, secs: f64) {
    app.world_mut().resource_mut::<DrawClock>().secs += secs;
    app.update();
}

fn is_fading(app: &App) -> bool {
    app.world().resource::<Canvas>().is_fading()
}

/// Fades from the wall to a failed run and back, with ten pictures each way. The luminance never jumps
/// and never exceeds that of both views.
#[test]
fn fade_does_not_flash() {
    for scene in ["wall-12", "many-400"] {
        let mut app = wall_of(scene);
        let mut levels = vec![luminance(&picture(&mut app, SIZE, "fade"))];
        show_the_failed_run(&mut app);
        for way in ["there", "back"] {
            for look in 1..=10 {
                pass(&mut app, f64::from(motion::DIRECTOR_FADE) / 10.0);
                levels.push(luminance(&picture(&mut app, SIZE, &format!("fade-{way}-{look}"))));
            }
            assert!(!is_fading(&app));
            pass(&mut app, 20.0);
        }
        let (wall, stage, again) = (levels[0], levels[10], levels[20]);
        let (least, most) = (wall.min(stage), wall.max(stage));
        assert!((wall - again).abs() < 1.0, "{scene}: the wall is as it was: {levels:?}");
        for level in &levels {
            assert!(*level < most + 1.0 && *level > 0.7 * least, "{scene}: {levels:?}");
        }
        for step in levels.windows(2) {
            assert!((step[0] - step[1]).abs() < 0.1 * most, "{scene}: {levels:?}");
        }
    }
}

/// Nothing of the previous view remains.
#[test]
fn fade_leaves_no_trace_of_the_previous_view() {
    let mut faded = wall_of("wall-12");
    let wall = picture(&mut faded, SIZE, "whole-wall");
    show_the_failed_run(&mut faded);
    // Reverse the fade in its middle, and again.
    pass(&mut faded, 0.3);
    perform(&mut faded, Action::ToggleWall);
    pass(&mut faded, 0.1);
    perform(&mut faded, Action::ToggleWall);
    pass(&mut faded, 0.1);
    assert!(is_fading(&faded));
    perform(&mut faded, Action::ToggleWall);
    pass(&mut faded, 0.25);
    assert!(!is_fading(&faded), "who asks for a view has it at once");
    perform(&mut faded, Action::Auto);
    pass(&mut faded, 1.0);
    let found = picture(&mut faded, SIZE, "whole-again").difference(&wall);
    assert!(found.mean < 0.05, "{found:?}");
}

#[test]
fn reduced_motion_shortens_the_fade() {
    let mut app = wall_of("wall-12");
    app.insert_resource(ReducedMotion(true));
    pass(&mut app, 1.0);
    show_the_failed_run(&mut app);
    pass(&mut app, 0.1);
    assert!(is_fading(&app));
    pass(&mut app, 0.11);
    assert!(!is_fading(&app));
}
