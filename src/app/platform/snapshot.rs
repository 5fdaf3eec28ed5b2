//! Snapshots: one picture, drawn without a window or a display.

use std::time::{Duration, Instant};

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::logging::log_plugin;
use crate::app::draw::{
    DrawClock, NoAdapter, OffscreenError, aim_cameras, make_ready, offscreen_plugins, render_to_png,
};
use crate::app::plugins::{self, ControlsPlugin, MeterbridgePlugin, ViewPlugin};
use crate::app::state::actions::{Action, Transport};
use crate::app::state::chrome::Chrome;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::link::Link;
use crate::app::state::run_store::RunStore;
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::config::{Moment, SnapshotRequest};
use crate::inspect::AsOf;
use crate::progress::{self, StillBusy};
use crate::source::merge::MergedFrames;
use crate::source::recording::RecordingError;
use crate::source::{ConnectionState, RecordingFiles, SourceSpec};
use crate::time_zone;

/// Time for which a live source is watched when no moment is given.
const LIVE_MOMENT: Duration = Duration::from_secs(10);
/// Interval between updates while a live source is watched.
const LIVE_UPDATE: Duration = Duration::from_millis(20);
/// Time after which every motion has ended, in seconds.
const SETTLED_SECS: f64 = 5.0;
/// Draw clock of a still picture in seconds; determines the position of beads.
const STILL_SECS: f64 = 100.0;

/// Error while taking a snapshot.
#[derive(Debug, Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error("could not connect: {0}")]
    NoConnection(String),
    #[error("--as-of has nothing to show: nothing was received")]
    NothingReceived,
    #[error("--as-of {at} is not between {began_at} and {ended_at}, the times that can be shown")]
    OutOfReach { at: Timestamp, began_at: Timestamp, ended_at: Timestamp },
    #[error(transparent)]
    NoAdapter(#[from] NoAdapter),
    #[error(transparent)]
    Offscreen(#[from] OffscreenError),
}

/// Draws one picture and writes it as a PNG.
///
/// # Errors
///
/// Fails when the source cannot be read, no graphics adapter is found, or the file cannot be
/// written.
pub fn snapshot(request: SnapshotRequest) -> Result<(), SnapshotError> {
    let SnapshotRequest { source, settings, size, at, as_of, paused, output } = request;
    let size = UVec2::new(size.width, size.height);
    let watched = match at {
        Moment::End => LIVE_MOMENT,
        Moment::Seconds(seconds) => Duration::from_secs_f64(seconds),
    };
    let mut app = App::new();
    app.add_plugins(offscreen_plugins()?.set(log_plugin("error")));
    let chrome = Chrome { panel: settings.view.panel.unwrap_or(false), ..Chrome::default() };
    let retention = settings.retention;
    let reduced_motion = settings.view.reduced_motion;
    let live = !matches!(source, SourceSpec::Recording(_));
    app.add_plugins((
        MeterbridgePlugin { settings, source: live.then(|| source.clone()) },
        ViewPlugin,
        ControlsPlugin,
    ));
    app.insert_resource(chrome);
    app.insert_resource(Viewport { size_px: size.as_vec2(), ..default() });
    make_ready(&mut app);
    let world = app.world_mut();
    plugins::spawn_cameras(world.commands());
    world.flush();
    aim_cameras(&mut app, size)?;
    app.insert_resource(ReducedMotion(reduced_motion));

    let mut busy = live.then(|| StillBusy::drawing(size.x, size.y, watched));
    if let SourceSpec::Recording(files) = &source {
        let mut run_store = RunStore::new(retention);
        let now = read_until(files, at, &mut run_store)?;
        let world = app.world_mut();
        *world.resource_mut::<RunStore>() = run_store;
        let mut link = world.resource_mut::<Link>();
        link.source = Some(source.clone());
        link.url = files.to_string();
        world.insert_resource(PlaybackClock::fixed(now));
        world.insert_resource(DrawClock { secs: STILL_SECS, follow_real_time: false });
    } else {
        watch(&mut app, watched)?;
        settle(&mut app);
    }
    if let Some(as_of) = as_of {
        rewind(&mut app, as_of, paused)?;
    }
    // Reading a long recording says so itself.
    busy.get_or_insert_with(|| StillBusy::drawing(size.x, size.y, Duration::ZERO));
    Ok(render_to_png(&mut app, size, &output)?)
}

/// Shows an earlier moment.
fn rewind(app: &mut App, as_of: AsOf, paused: bool) -> Result<(), SnapshotError> {
    let world = app.world_mut();
    let live_now = world.resource::<PlaybackClock>().live_now;
    let run_store = world.resource::<RunStore>();
    let began_at = run_store.oldest().ok_or(SnapshotError::NothingReceived)?;
    let at = as_of.after(began_at, time_zone::current().zone());
    if at < began_at || at > live_now {
        return Err(SnapshotError::OutOfReach { at, began_at, ended_at: live_now });
    }
    world.write_message(Action::Time(Transport::Play(false)));
    world.write_message(Action::Time(Transport::Show(at)));
    world.write_message(Action::Time(Transport::Play(!paused)));
    Ok(())
}

/// Runs the app for `watched`, counted from the moment it is connected.
fn watch(app: &mut App, watched: Duration) -> Result<(), SnapshotError> {
    let mut since = None;
    loop {
        app.update();
        let world = app.world();
        if let ConnectionState::Failed { reason, .. } = &world.resource::<Link>().state {
            return Err(SnapshotError::NoConnection(reason.clone()));
        }
        // Counted from the connection rather than from the first event, because a studio may be
        // idle.
        if since.is_none()
            && matches!(world.resource::<Link>().state, ConnectionState::Connected { .. })
        {
            since = Some(Instant::now());
        }
        if since.is_some_and(|since| since.elapsed() >= watched) {
            return Ok(());
        }
        std::thread::sleep(LIVE_UPDATE);
    }
}

/// Stops time and source, and lets every motion reach its end: a picture shows no tile between two
/// places and no needle on its way.
fn settle(app: &mut App) {
    let world = app.world_mut();
    world.resource_mut::<Link>().detach();
    world.resource_mut::<PlaybackClock>().stop();
    let mut clock = world.resource_mut::<DrawClock>();
    *clock = DrawClock { secs: clock.secs + SETTLED_SECS, follow_real_time: false };
}

/// Reads a recording up to a moment into a store. Returns the time at that moment: by the
/// recording's clock, or the local time when no event carries a time.
fn read_until(
    files: &RecordingFiles,
    at: Moment,
    run_store: &mut RunStore,
) -> Result<Timestamp, RecordingError> {
    let opened: Result<Vec<_>, _> = files.paths().iter().map(|path| progress::open(path)).collect();
    let mut frames = MergedFrames::new(opened?);
    let until = match at {
        Moment::End => Duration::MAX,
        Moment::Seconds(seconds) => Duration::from_secs_f64(seconds),
    };
    let today = Timestamp::now();
    let mut now = None;
    while let Some((batch, timing)) = frames.next(now.unwrap_or(today))? {
        let received_at = timing.at.or(now);
        if timing.offset > until {
            // The moment lies between the last frame and this one.
            let early = SignedDuration::try_from(timing.offset - until).unwrap_or_default();
            now = received_at.and_then(|at| at.checked_sub(early).ok()).max(now);
            break;
        }
        now = received_at;
        run_store.receive(batch, |_, _| {});
    }
    Ok(now.unwrap_or(today))
}
