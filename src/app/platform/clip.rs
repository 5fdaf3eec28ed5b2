//! Clips: a part of a recording as a film or as numbered pictures, drawn without a window.
//!
//! The film has its own time: picture after picture by a fixed step, however long each takes to draw. The
//! same recording and options therefore give the same pictures.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};

pub use self::error::ClipError;
use self::film::Film;
use super::logging::log_plugin;
use crate::app::draw::{DrawClock, OffscreenPictures, make_ready, offscreen_plugins};
use crate::app::plugins::{self, ControlsPlugin, MeterbridgePlugin, ViewPlugin};
use crate::app::state::chrome::Chrome;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::entities::RunIndex;
use crate::app::state::link::Link;
use crate::app::state::run_store::{self, Announcements, RunStore};
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::config::ClipRequest;
use crate::progress;
use crate::protocol::Batch;
use crate::source::merge::MergedFrames;
use crate::source::{ConnectionState, SourceSpec, Updates};
use crate::time_zone;

mod error;
mod film;

/// Interval between two lines about the progress.
const TOLD_EACH: Duration = Duration::from_secs(5);
/// Time between two updates at the begin: what is there from the start shall be at rest.
const SETTLED_SECS: f64 = 5.0;

/// Draws a part of a recording as a film.
///
/// # Errors
///
/// Fails when the recording cannot be read or has no times, nothing of it lies in the part, no graphics
/// adapter is found, or the film cannot be written.
pub fn clip(request: ClipRequest) -> Result<(), ClipError> {
    let recorded = Recorded::read(&request)?;
    let ClipRequest { files, settings, pictures_a_second, rate, size, output, .. } = request;
    let size = UVec2::new(size.width, size.height);
    let mut app = App::new();
    app.add_plugins(offscreen_plugins()?.set(log_plugin("error")));
    let chrome = Chrome { panel: settings.view.panel.unwrap_or(false), ..Chrome::default() };
    let reduced_motion = settings.view.reduced_motion;
    app.add_plugins((MeterbridgePlugin { settings, source: None }, ViewPlugin, ControlsPlugin));
    app.insert_resource(chrome)
        .insert_resource(Viewport { size_px: size.as_vec2(), ..default() })
        .insert_resource(PlaybackClock::fixed(recorded.from))
        .insert_resource(DrawClock { secs: 0.0, follow_real_time: false });
    make_ready(&mut app);
    plugins::spawn_cameras(app.world_mut().commands());
    app.world_mut().flush();
    let mut pictures = OffscreenPictures::new(&mut app, size)?;
    app.insert_resource(ReducedMotion(reduced_motion));
    let mut link = app.world_mut().resource_mut::<Link>();
    link.url = files.to_string();
    link.source = Some(SourceSpec::Recording(files));
    let (url, since) = (String::new(), recorded.from);
    link.state = ConnectionState::Connected { url, since, updates: Updates::Live };

    let Recorded { before, mut between, from, to } = recorded;
    for batch in before {
        app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
    }
    app.world_mut().resource_mut::<RunIndex>().rebuild();
    app.update();
    let step = 1.0 / f64::from(pictures_a_second);
    let length = to.duration_since(from).as_secs_f64() / rate;
    let count = ((length / step).round() as u64).max(1);
    let mut film = Film::create(output, size, pictures_a_second, count)?;
    let (began, mut told) = (Instant::now(), Duration::ZERO);
    for picture in 0..count {
        let secs = picture as f64 * step;
        let passed = SignedDuration::try_from_secs_f64(secs * rate).unwrap_or(SignedDuration::MAX);
        let now = from.checked_add(passed).unwrap_or(to);
        while let Some(batch) = between.pop_front_if(|batch| batch.received_at <= now) {
            receive(&mut app, batch);
        }
        app.world_mut().resource_mut::<PlaybackClock>().set(now);
        app.world_mut().resource_mut::<DrawClock>().secs = SETTLED_SECS + secs;
        pictures.take(&mut app);
        while let Some(image) = pictures.next_taken() {
            film.add(image?)?;
        }
        if began.elapsed() >= told + TOLD_EACH {
            told = began.elapsed();
            eprintln!("{picture} of {count} pictures drawn; Ctrl-C ends it");
        }
    }
    for image in pictures.finish(&mut app)? {
        film.add(image)?;
    }
    film.finish()
}

fn receive(app: &mut App, batch: Batch) {
    let apply = |In(batch): In<Batch>, mut run_store: ResMut<RunStore>, mut told: Announcements| {
        run_store::receive(&mut run_store, batch, &mut told);
    };
    // The system exists and takes this input, so it runs.
    let _ = app.world_mut().run_system_cached_with(apply, batch);
}

/// A recording, cut into what is shown from the start and what arrives during the film.
struct Recorded {
    before: Vec<Batch>,
    between: VecDeque<Batch>,
    from: Timestamp,
    to: Timestamp,
}

impl Recorded {
    fn read(request: &ClipRequest) -> Result<Self, ClipError> {
        let opened: Result<Vec<_>, _> =
            request.files.paths().iter().map(|path| progress::open(path)).collect();
        let mut frames = MergedFrames::new(opened?);
        let (mut batches, mut last_at, mut began_at) = (Vec::new(), None, None);
        while let Some((batch, timing)) = frames.next(last_at.unwrap_or_default())? {
            let elapsed = SignedDuration::try_from(timing.elapsed).unwrap_or(SignedDuration::MAX);
            // The begin is known better with every frame.
            began_at = began_at.max(timing.at.and_then(|at| at.checked_sub(elapsed).ok()));
            last_at = timing.at.or(last_at);
            batches.push((elapsed, batch));
        }
        let Some((length, _)) = batches.last() else { return Err(ClipError::Empty) };
        let began_at = began_at.ok_or(ClipError::NoTimes)?;
        let ended_at = began_at.checked_add(*length).unwrap_or(began_at);
        let arrived = batches.into_iter().map(|(elapsed, mut batch)| {
            batch.received_at = began_at.checked_add(elapsed).unwrap_or(ended_at);
            batch
        });
        let mut batches: Vec<Batch> = arrived.collect();
        let zone = time_zone::current();
        let instant = |as_of: crate::inspect::AsOf| as_of.after(began_at, zone.zone());
        let from = instant(request.from);
        let to = request.to.map_or(ended_at, instant);
        if from >= to || from > ended_at || to < began_at {
            return Err(ClipError::NothingBetween { from, to, began_at, ended_at });
        }
        let first = batches.iter().position(|batch| batch.received_at > from);
        let mut between = batches.split_off(first.unwrap_or(batches.len()));
        between.truncate(between.partition_point(|batch| batch.received_at <= to));
        Ok(Self { before: batches, between: between.into(), from, to })
    }
}
