//! Starting of sources, and the wake-up of the window when they have data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use jiff::Timestamp;
use tracing::error;

use crate::app::state::link::Link;
use crate::app::systems::AppSystems;
use crate::config::{DemoSettings, Settings};
#[cfg(not(target_arch = "wasm32"))]
use crate::demo::{DemoOptions, spawn_thread};
use crate::model::Retention;
use crate::source::{ConnectionState, SourceSpec, Waker, spawn, spawn_recording};

/// Set when the source wakes the window, cleared each frame, so that a frame is woken only once.
#[derive(Resource, Clone, Default)]
struct WakePending(Arc<AtomicBool>);

/// Options for starting sources.
#[derive(Resource, Clone, Debug)]
pub(in crate::app) struct SourceOptions {
    demo: DemoSettings,
    pub(super) retention: Retention,
}

impl SourceOptions {
    pub(in crate::app) fn new(settings: &Settings) -> Self {
        Self { demo: settings.demo.clone(), retention: settings.retention }
    }
}

/// Resources for starting a source.
#[derive(SystemParam)]
pub(super) struct Starter<'w> {
    awake: Res<'w, WakePending>,
    proxy: Option<Res<'w, EventLoopProxyWrapper>>,
    pub options: Res<'w, SourceOptions>,
}

impl Starter<'_> {
    /// Returns what wakes the window.
    pub fn waker(&self) -> Waker {
        let flag = self.awake.0.clone();
        let proxy = self.proxy.as_ref().map(|proxy| (***proxy).clone());
        Arc::new(move || {
            if let Some(proxy) = &proxy
                && !flag.swap(true, Ordering::AcqRel)
            {
                // Sending fails only when the window, and with it the event loop, is gone.
                let _ = proxy.send_event(WinitUserEvent::WakeUp);
            }
        })
    }

    /// Starts the source of a link.
    pub fn start(&self, link: &mut Link) {
        match link.source.clone() {
            None => {}
            Some(SourceSpec::WebSocket(url) | SourceSpec::Api(url)) => {
                open(link, url.as_str().to_owned(), self.waker());
            }
            Some(SourceSpec::Recording(files)) => {
                let name = files.to_string();
                let source = spawn_recording(files, link.recording_rate, self.waker());
                link.attach(source, name);
            }
            Some(SourceSpec::Demo) => open_demo(link, &self.options.demo, self.waker()),
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<WakePending>().add_systems(PreUpdate, clear.before(AppSystems::Ingest));
}

fn clear(awake: Res<WakePending>) {
    awake.0.store(false, Ordering::Release);
}

fn open(link: &mut Link, url: String, waker: Waker) {
    let source = spawn(Some(url.clone()), link.settings.clone(), waker);
    link.attach(source, url);
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
    link.log_error(Timestamp::now(), reason.clone());
    link.state = ConnectionState::Failed { url: String::new(), reason, is_probed: false };
}
