//! Shared test helpers: an app without a window, and functions that feed it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use bevy::prelude::*;
use jiff::Timestamp;
use meterbridge::app::MeterbridgePlugin;
use meterbridge::app::draw::DrawClock;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::run_store::{self, Announcements, RunStore};
use meterbridge::config::Settings;
use meterbridge::protocol::Batch;
use meterbridge::source::SourceSpec;
use meterbridge::source::playback::TimedFrames;
use meterbridge::source::recording::Recording;

use super::backend::Backend;
use super::scenes;

/// Time limit of a wait, longer than any successful one takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Returns an app without a source; its clock is stopped at noon.
pub fn headless_app() -> App {
    headless_app_with(Settings::default())
}

pub fn headless_app_with(settings: Settings) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, MeterbridgePlugin { settings, source: None }))
        .insert_resource(PlaybackClock::fixed(noon()));
    app
}

/// Returns an app with a source, which starts at the first update.
pub fn connected_to(source: SourceSpec, settings: Settings) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, MeterbridgePlugin { settings, source: Some(source) }));
    app
}

/// Starts a stand-in backend on a thread of its own, after `prepare`. Returns its address.
pub fn stand_in(prepare: impl FnOnce(&Backend) + Send + 'static) -> (String, Backend) {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let backend = Backend::new();
            prepare(&backend);
            let address = backend.listen().await;
            sender.send((address.to_string(), backend)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

/// Passes frames to the app as a source does, and updates it.
pub fn feed<T: AsRef<str>>(app: &mut App, frames: impl IntoIterator<Item = T>) {
    feed_as(app, frames, true);
}

/// Does the same as [`feed`] for frames that are live or a replay.
pub fn feed_as<T: AsRef<str>>(app: &mut App, frames: impl IntoIterator<Item = T>, live: bool) {
    let now = app.world().resource::<PlaybackClock>().live_now;
    let mut batch = Batch::new(now, live);
    for frame in frames {
        batch.push_text(frame.as_ref());
    }
    receive(app, batch);
    app.update();
}

/// Passes a batch to the app as a source does.
pub fn receive(app: &mut App, batch: Batch) {
    let apply = |In(batch): In<Batch>, mut run_store: ResMut<RunStore>, mut told: Announcements| {
        run_store::receive(&mut run_store, batch, &mut told);
    };
    app.world_mut().run_system_cached_with(apply, batch).unwrap();
}

/// Feeds a whole scene and sets the clock to its end.
pub fn play_scene(app: &mut App, name: &str) {
    play(app, Recording::open(&scenes::path(name)).unwrap());
}

/// Works like [`play_scene`], for a recording that is generated and not stored.
pub fn play_tape(app: &mut App, tape: &str) {
    play(app, Recording::new(std::io::Cursor::new(tape.to_owned())));
}

fn play<R: std::io::BufRead>(app: &mut App, recording: Recording<R>) {
    let mut frames = TimedFrames::new(recording);
    let mut now = noon();
    while let Some((batch, _)) = frames.next(now).unwrap() {
        now = batch.received_at;
        receive(app, batch);
    }
    app.world_mut().resource_mut::<PlaybackClock>().set(now);
    app.update();
}

/// Returns an event in the guide's dialect, `seconds` after noon.
pub fn event(run: &str, node: Option<&str>, phase: &str, seconds: i64) -> String {
    let at = noon() + jiff::SignedDuration::from_secs(seconds);
    let node = node.map_or_else(String::new, |node| format!(r#""node_name":"{node}","#));
    format!(r#"{{"ts":"{at}","run_id":"{run}",{node}"phase":"{phase}"}}"#)
}

pub fn perform(app: &mut App, action: Action) {
    app.world_mut().write_message(action);
    app.update();
}

/// Advances the stopped clock.
pub fn pass(app: &mut App, seconds: i64) {
    let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
    let later = clock.live_now + jiff::SignedDuration::from_secs(seconds);
    clock.set(later);
    app.update();
}

/// Returns the messages announced since the last call, oldest first.
pub fn announced<M: Message>(app: &mut App) -> Vec<M> {
    app.world_mut().resource_mut::<Messages<M>>().drain().collect()
}

/// Advances the draw clock and updates the app.
pub fn draw_later(app: &mut App, secs: f64) {
    app.world_mut().resource_mut::<DrawClock>().secs += secs;
    app.update();
}

/// Updates the app until a condition holds.
#[track_caller]
pub fn until(app: &mut App, what: &str, mut holds: impl FnMut(&mut App) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds(app) {
        assert!(Instant::now() < deadline, "{what} did not happen within {PATIENCE:?}");
        app.update();
        std::thread::yield_now();
    }
}
