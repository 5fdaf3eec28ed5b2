//! Draws the first two minutes of the demo studio as a row of pictures, one each five seconds, as a window
//! without a source shows them: `cargo run --example film -- [OUTDIR [SEED]]`, by default into
//! `target/film` with seed 7. Time is virtual, so the pictures are the same whatever the machine's speed.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};
use meterbridge::app::control::director::DirectorPlugin;
use meterbridge::app::draw::{
    DrawClock, aim_cameras, make_ready, offscreen_plugins, render_to_png,
};
use meterbridge::app::state::chrome::Chrome;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::link::Link;
use meterbridge::app::state::run_store::{self, Announcements, RunStore};
use meterbridge::app::state::viewport::Viewport;
use meterbridge::app::{ControlsPlugin, MeterbridgePlugin, ViewPlugin, spawn_cameras};
use meterbridge::config::{Settings, ViewName};
use meterbridge::demo::Dialect;
use meterbridge::demo::dialect::{Delivery, Session};
use meterbridge::demo::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};
use meterbridge::director::DirectorSettings;
use meterbridge::protocol::Batch;
use meterbridge::source::{ConnectionState, SourceSpec, Updates};

const SIZE: UVec2 = UVec2::new(960, 540);
/// Frames a second in virtual time, frames from one picture to the next, and number of pictures.
const RATE: u32 = 10;
const EACH: u32 = 5 * RATE;
const PICTURES: u32 = 24;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/film".to_owned()));
    let seed = arguments.next().map_or(Ok(7), |seed| seed.parse()).context("SEED is a number")?;
    std::fs::create_dir_all(&folder)?;
    let epoch: Timestamp = "2026-11-23T20:12:00Z".parse()?;
    let mut app = display(epoch)?;
    let session = Session { epoch, speed: 1.0, salt: 0 };
    let schedule = DemoSchedule::new(seed, DemoScheduleOptions::default());
    let mut events = Timeline::new(schedule)
        .filter_map(|event| {
            let frame = Dialect::Guide.render(&event, &session, Delivery::Live)?;
            Some((event.at.as_secs_f64(), frame))
        })
        .peekable();
    for frame in 1..=PICTURES * EACH {
        let secs = f64::from(frame) / f64::from(RATE);
        let now = epoch + SignedDuration::from_secs_f64(secs);
        app.world_mut().resource_mut::<PlaybackClock>().set(now);
        app.world_mut().resource_mut::<DrawClock>().secs = secs;
        // What arrives in the first two seconds of a connection counts as replayed.
        let mut batch = Batch::new(now, secs > 2.0);
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= secs) {
            batch.push_text(&event);
        }
        let apply =
            |In(batch): In<Batch>, mut run_store: ResMut<RunStore>, mut told: Announcements| {
                run_store::receive(&mut run_store, batch, &mut told);
            };
        let applied = app.world_mut().run_system_cached_with(apply, batch);
        applied.map_err(|error| anyhow::anyhow!("{error}"))?;
        app.update();
        if frame % EACH == 0 {
            let path = folder.join(format!("{:03}.png", frame / RATE));
            render_to_png(&mut app, SIZE, &path)?;
            println!("{}", path.display());
        }
    }
    Ok(())
}

/// Returns a display of the demo studio with its director, as if connected at `epoch`.
fn display(epoch: Timestamp) -> Result<App> {
    let mut settings = Settings::default();
    settings.view.view = ViewName::Wall;
    let mut app = App::new();
    let director = DirectorSettings { on: true, ..default() };
    app.add_plugins((
        offscreen_plugins()?,
        MeterbridgePlugin { settings, source: None },
        ViewPlugin,
        ControlsPlugin,
        DirectorPlugin { settings: director },
    ));
    app.insert_resource(Chrome::default())
        .insert_resource(Viewport { size_px: SIZE.as_vec2(), ..default() })
        .insert_resource(PlaybackClock::fixed(epoch))
        .insert_resource(DrawClock { secs: 0.0, follow_real_time: false });
    let mut link = app.world_mut().resource_mut::<Link>();
    link.source = Some(SourceSpec::Demo);
    link.state =
        ConnectionState::Connected { url: String::new(), since: epoch, updates: Updates::Live };
    make_ready(&mut app);
    spawn_cameras(app.world_mut().commands());
    app.world_mut().flush();
    aim_cameras(&mut app, SIZE)?;
    Ok(app)
}
