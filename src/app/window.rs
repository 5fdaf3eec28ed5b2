//! The window: the application as a person sees it.

use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::window::{MonitorSelection, PresentMode, PrimaryWindow, WindowMode, WindowPlugin};
use thiserror::Error;

use super::actions::Chrome;
use super::draw::{Canvas, CanvasCamera};
use super::viewport::Viewport;
use super::{AppSystems, StudioPlugin, ViewPlugin, power};
use crate::cli::WindowRequest;

/// What is logged unless `RUST_LOG` says otherwise: our own words, and others' troubles.
const LOG_FILTER: &str = "warn,meterbridge=info,wgpu=error,naga=warn";

/// Why the window ended with an error.
#[derive(Debug, Error)]
pub enum WindowError {
    #[error("the window ended with exit code {0}")]
    Exit(u8),
}

/// Opens the window and returns when it is closed.
///
/// # Errors
///
/// When the application ended itself because something failed.
pub fn run(request: WindowRequest) -> Result<(), WindowError> {
    let WindowRequest { source, settings } = request;
    let chrome = Chrome {
        panel: settings.view.panel.unwrap_or(false),
        help: false,
        fullscreen: settings.view.fullscreen,
    };
    let window = Window {
        title: "Meterbridge".to_owned(),
        name: Some("meterbridge".to_owned()),
        resolution: (1600, 900).into(),
        present_mode: PresentMode::AutoVsync,
        mode: window_mode(settings.view.fullscreen),
        ..default()
    };
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin { primary_window: Some(window), ..default() })
            .set(LogPlugin { filter: LOG_FILTER.to_owned(), ..default() })
            .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() }),
    );
    let reduced_motion = settings.view.reduced_motion;
    app.add_plugins((StudioPlugin { settings, source: Some(source) }, ViewPlugin, power::plugin));
    app.insert_resource(chrome);
    app.world_mut().resource_mut::<Canvas>().reduced_motion = reduced_motion;
    app.add_systems(Startup, spawn_camera)
        .add_systems(Update, (fit_to_window, apply_fullscreen).before(AppSystems::Draw))
        .add_systems(Last, announce_first_frame);
    match app.run() {
        AppExit::Success => Ok(()),
        AppExit::Error(code) => Err(WindowError::Exit(code.get())),
    }
}

fn window_mode(fullscreen: bool) -> WindowMode {
    if fullscreen {
        WindowMode::BorderlessFullscreen(MonitorSelection::Current)
    } else {
        WindowMode::Windowed
    }
}

fn spawn_camera(mut commands: Commands) {
    commands.spawn(CanvasCamera);
}

fn fit_to_window(mut viewport: ResMut<Viewport>, window: Single<&Window, With<PrimaryWindow>>) {
    let size_px = window.physical_size().as_vec2();
    if size_px.min_element() > 0.0 && viewport.size_px != size_px {
        viewport.size_px = size_px;
    }
}

fn apply_fullscreen(chrome: Res<Chrome>, mut window: Single<&mut Window, With<PrimaryWindow>>) {
    let is_fullscreen = window.mode != WindowMode::Windowed;
    if chrome.is_changed() && chrome.fullscreen != is_fullscreen {
        window.mode = window_mode(chrome.fullscreen);
    }
}

/// Says once that the picture stands: whoever started the program may be waiting for it.
fn announce_first_frame(mut done: Local<bool>, time: Res<Time<Real>>) {
    if !*done {
        *done = true;
        info!("first frame after {:.2} s", time.elapsed_secs());
    }
}
