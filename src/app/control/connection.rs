//! Starts the configured source, wakes the window when the source has data, and performs the
//! actions on the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::prelude::*;
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use jiff::Timestamp;
use tracing::error;

use crate::app::state::actions::Action;
use crate::app::state::link::Link;
use crate::app::systems::AppSystems;
use crate::config::{DemoSettings, Settings};
#[cfg(not(target_arch = "wasm32"))]
use crate::demo::{DemoOptions, spawn_thread};
use crate::source::{
    ConnectionEvent, ConnectionLogEntry, ConnectionState, RecordingFiles, SourceSpec, Waker, spawn,
};

/// Set when the source wakes the window, cleared each frame, so that a frame is woken only once.
#[derive(Resource, Clone, Default)]
struct WakePending(Arc<AtomicBool>);

/// Options for starting sources.
#[derive(Resource, Clone, Debug)]
pub(in crate::app) struct SourceOptions {
    demo: DemoSettings,
}

impl SourceOptions {
    pub(in crate::app) fn new(settings: &Settings) -> Self {
        Self { demo: settings.demo.clone() }
    }
}

/// Adds the connection actions.
pub(in crate::app) fn plugin(app: &mut App) {
    app.add_systems(Update, apply_connection_actions.in_set(AppSystems::Navigate));
}

fn apply_connection_actions(mut actions: MessageReader<Action>, mut link: ResMut<Link>) {
    for action in actions.read() {
        match action {
            Action::Connect(url) => {
                url.as_str().clone_into(&mut link.url);
                link.connect();
            }
            Action::Disconnect => link.disconnect(),
            Action::Reconnect => link.reconnect(),
            Action::SkipPause => link.skip_pause(),
            Action::Configure(settings) => link.configure((**settings).clone()),
            _ => {}
        }
    }
}

/// Starts the source.
pub(in crate::app) fn source_plugin(app: &mut App) {
    app.init_resource::<WakePending>()
        .add_systems(PreStartup, start)
        .add_systems(PreUpdate, clear.before(AppSystems::Ingest));
}

fn clear(awake: Res<WakePending>) {
    awake.0.store(false, Ordering::Release);
}

fn start(
    mut link: ResMut<Link>,
    awake: Res<WakePending>,
    proxy: Option<Res<EventLoopProxyWrapper>>,
    options: Res<SourceOptions>,
) {
    let flag = awake.0.clone();
    let proxy = proxy.map(|proxy| (**proxy).clone());
    let waker: Waker = Arc::new(move || {
        if let Some(proxy) = &proxy
            && !flag.swap(true, Ordering::AcqRel)
        {
            // Sending fails only when the window, and with it the event loop, is gone.
            let _ = proxy.send_event(WinitUserEvent::WakeUp);
        }
    });
    match link.source.clone() {
        None => {}
        Some(SourceSpec::WebSocket(url) | SourceSpec::Api(url)) => {
            open(&mut link, url.as_str().to_owned(), waker);
        }
        Some(SourceSpec::Recording(files)) => open_recording(&mut link, files, waker),
        Some(SourceSpec::Demo) => open_demo(&mut link, &options.demo, waker),
    }
}

fn open(link: &mut Link, url: String, waker: Waker) {
    let source = spawn(Some(url.clone()), link.settings.clone(), waker);
    link.attach(source, url);
}

#[cfg(not(target_arch = "wasm32"))]
fn open_recording(link: &mut Link, files: RecordingFiles, waker: Waker) {
    let name = files.to_string();
    let source = crate::source::spawn_recording(files, link.recording_rate, waker);
    link.attach(source, name);
}

#[cfg(target_arch = "wasm32")]
fn open_recording(link: &mut Link, _: RecordingFiles, _: Waker) {
    fail(link, "a page cannot play recordings".to_owned());
}

#[cfg(not(target_arch = "wasm32"))]
fn open_demo(link: &mut Link, demo: &DemoSettings, waker: Waker) {
    let defaults = DemoOptions::default();
    let demo = spawn_thread(DemoOptions {
        seed: demo.seed.unwrap_or(defaults.seed),
        runs: demo.runs.map_or(defaults.runs, |runs| runs as usize),
        speed: demo.speed,
        ..defaults
    });
    match demo {
        Ok(demo) => {
            open(link, demo.url().to_owned(), waker);
            link.keep_demo_running(demo);
        }
        Err(error) => fail(link, format!("the demo studio could not be started: {error}")),
    }
}

#[cfg(target_arch = "wasm32")]
fn open_demo(link: &mut Link, _: &DemoSettings, _: Waker) {
    fail(link, "a page cannot run the demo studio: it shows one that is served".to_owned());
}

/// Records that the source could not be started.
fn fail(link: &mut Link, reason: String) {
    error!("{reason}");
    let event = ConnectionEvent::Error { message: reason.clone() };
    let (at, url) = (Timestamp::now(), String::new());
    link.log.push_back(ConnectionLogEntry { at, url: url.clone(), event });
    link.state = ConnectionState::Failed { url, reason, is_probed: false };
}
