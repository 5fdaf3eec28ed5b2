//! Starts the source that was asked for, and wakes the window when it has something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::prelude::*;
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use jiff::Timestamp;

use super::AppSystems;
use super::ingest::Link;
use crate::cli::SourceSpec;
use crate::config::Settings;
use crate::demo::{DemoOptions, spawn_thread};
use crate::source::{
    ConnectionEvent, ConnectionLogEntry, ConnectionState, Waker, spawn, spawn_recording,
};

/// Set by the source when it has something, cleared when it is drained: one wake-up is enough.
#[derive(Resource, Clone, Default)]
struct Awake(Arc<AtomicBool>);

/// How sources are started.
#[derive(Resource, Clone, Debug)]
pub(super) struct SourceOptions {
    demo: DemoOptions,
}

impl SourceOptions {
    pub(super) fn new(settings: &Settings) -> Self {
        let defaults = DemoOptions::default();
        let studio = &settings.studio;
        Self {
            demo: DemoOptions {
                seed: studio.seed.unwrap_or(defaults.seed),
                runs: studio.runs.map_or(defaults.runs, |runs| runs as usize),
                speed: studio.speed,
                ..defaults
            },
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Awake>()
        .add_systems(PreStartup, start)
        .add_systems(PreUpdate, clear.before(AppSystems::Ingest));
}

fn clear(awake: Res<Awake>) {
    awake.0.store(false, Ordering::Release);
}

fn start(
    mut link: ResMut<Link>,
    awake: Res<Awake>,
    proxy: Option<Res<EventLoopProxyWrapper>>,
    options: Res<SourceOptions>,
) {
    let flag = awake.0.clone();
    let proxy = proxy.map(|proxy| (**proxy).clone());
    let waker: Waker = Arc::new(move || {
        if let Some(proxy) = &proxy
            && !flag.swap(true, Ordering::AcqRel)
        {
            // The loop is gone only when the window is.
            let _ = proxy.send_event(WinitUserEvent::WakeUp);
        }
    });
    let connection = link.settings.clone();
    match link.source.clone() {
        None => {}
        Some(SourceSpec::WebSocket(url)) => {
            link.attach(spawn(Some(url.clone()), connection, waker), url, None);
        }
        Some(SourceSpec::Recording(path)) => {
            let name = path.display().to_string();
            let source = spawn_recording(path, link.recording_rate, waker);
            link.attach(source, name, None);
        }
        Some(SourceSpec::Demo) => match spawn_thread(options.demo.clone()) {
            Ok(demo) => {
                let url = demo.url().to_owned();
                link.attach(spawn(Some(url.clone()), connection, waker), url, Some(demo));
            }
            Err(error) => {
                let reason = format!("the demo studio could not be started: {error}");
                error!("{reason}");
                let entry = ConnectionLogEntry {
                    at: Timestamp::now(),
                    url: String::new(),
                    event: ConnectionEvent::Error { message: reason.clone() },
                };
                link.log.push_back(entry);
                link.state = ConnectionState::Failed { url: "the demo studio".to_owned(), reason };
            }
        },
    }
}
