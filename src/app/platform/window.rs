//! The application in a window.

#[cfg(not(target_arch = "wasm32"))]
use std::io::{self, Write};
#[cfg(not(target_arch = "wasm32"))]
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
#[cfg(not(target_arch = "wasm32"))]
use std::time::Instant;

use bevy::prelude::*;
use bevy::render::RenderPlugin;
#[cfg(not(target_arch = "wasm32"))]
use bevy::render::renderer::RenderAdapterInfo;
#[cfg(not(target_arch = "wasm32"))]
use bevy::window::{MonitorSelection, WindowMode};
use bevy::window::{PresentMode, PrimaryWindow, WindowPlugin, WindowTheme, WindowThemeChanged};
#[cfg(not(target_arch = "wasm32"))]
use thiserror::Error;
#[cfg(not(target_arch = "wasm32"))]
use tracing::info;

#[cfg(not(target_arch = "wasm32"))]
use super::estimates;
use super::kiosk::KioskPlugin;
#[cfg(not(target_arch = "wasm32"))]
use super::kiosk::{keep_going, restart};
#[cfg(not(target_arch = "wasm32"))]
use super::latest_file::LatestFile;
#[cfg(not(target_arch = "wasm32"))]
use super::logging::log_plugin;
#[cfg(not(target_arch = "wasm32"))]
use super::monitors;
use super::notifications;
use super::power;
#[cfg(not(target_arch = "wasm32"))]
use super::recovery::RecoveryPlugin;
#[cfg(not(target_arch = "wasm32"))]
use super::shutdown;
#[cfg(not(target_arch = "wasm32"))]
use super::vitals;
use crate::app::control::director::DirectorPlugin;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::control::fullscreen::window_mode;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::control::recording::Recordings;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::draw::{NoAdapter, graphics_settings, panic_message};
#[cfg(not(target_arch = "wasm32"))]
use crate::app::panel::memory::PanelMemory;
use crate::app::plugins::{self, ControlsPlugin, MeterbridgePlugin, ViewPlugin};
use crate::app::state::chrome::Chrome;
use crate::app::state::first_start::FirstStart;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::state::link::Link;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::state::opening::RecentSources;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::state::run_store::RunStore;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::state::settings::SettingsBook;
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::app::systems::AppSystems;
use crate::app::theme::SystemPreference;
#[cfg(not(target_arch = "wasm32"))]
use crate::config::SettingsStore;
use crate::config::WindowRequest;
#[cfg(not(target_arch = "wasm32"))]
use crate::drain;
#[cfg(not(target_arch = "wasm32"))]
use crate::source::recorder::{Recorder, RecorderError};
#[cfg(not(target_arch = "wasm32"))]
use crate::state_folder::state_folder;

/// Default of `RUST_LOG`: Meterbridge's own messages, and warnings of other crates, but for those that
/// they give at every start on a healthy machine: without a GPU or a desktop, and on a virtual screen.
/// The first line of the log names the adapter and the screen.
#[cfg(not(target_arch = "wasm32"))]
const LOG_FILTER: &str = "warn,meterbridge=info,wgpu=error,naga=warn,bevy_egui::render=error,\
                          bevy_render::renderer=error,bevy_winit::winit_windows=error,\
                          winit::platform_impl::linux::x11=error";

/// Error with which the window ended.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Error)]
pub enum WindowError {
    #[error(transparent)]
    NoAdapter(#[from] NoAdapter),
    #[error(transparent)]
    Record(#[from] RecorderError),
    #[error("the window ended with exit code {0}")]
    Exit(u8),
}

/// Opens the window and returns when it is closed. `settings` are those that the user can change and save.
///
/// # Errors
///
/// Fails when there is no graphics adapter, or when the application ended itself because of a
/// failure.
#[cfg(not(target_arch = "wasm32"))]
pub fn run(
    mut request: WindowRequest,
    settings: Option<Box<dyn SettingsStore>>,
) -> Result<(), WindowError> {
    let opening = Opening(Instant::now());
    let recorder = start_recorder(&mut request)?;
    // Checked here for a readable message, because the engine would abort the program.
    graphics_settings()?;
    let engine = DefaultPlugins.set(log_plugin(LOG_FILTER));
    let window = Window {
        name: Some("meterbridge".to_owned()),
        resolution: monitors::first_size(request.settings.view.fullscreen).into(),
        mode: window_mode(request.settings.view.fullscreen, MonitorSelection::Current),
        ..default()
    };
    let mut app = App::new();
    let kiosk = request.settings.kiosk;
    let measuring = request.settings.measuring;
    let api = request.settings.connection.api.clone();
    compose(&mut app, engine, window, request);
    app.insert_resource(SettingsBook { store: settings, ..default() });
    let restart: Option<fn(&str)> = if kiosk.on { Some(|reason| restart(reason)) } else { None };
    app.add_plugins(RecoveryPlugin { restart });
    keep_going(&mut app, kiosk.on);
    app.insert_resource(power::DrawAlways(measuring.draw_always));
    if let Some(every) = measuring.stats_every {
        vitals::log_statistics_every(&mut app, every);
    }
    app.insert_resource(monitors::WantedMonitor(kiosk.screen)).add_plugins(monitors::plugin);
    app.insert_resource(opening).add_systems(Last, announce);
    drain::store_held_runs(api.budget.held(), api.drain);
    app.add_plugins(shutdown::plugin);
    keep_sources(&mut app);
    let exit = restart_after_panic(restart, || app.run());
    if let Some(recorder) = recorder {
        let summary = recorder.finish();
        info!("recorded {} messages to `{}`", summary.frames, summary.path.display());
    }
    // The window is closed, but sockets whose closing could fail a run are still open.
    drain::wait_blocking(api.budget.held(), api.drain);
    match exit {
        AppExit::Success => Ok(()),
        AppExit::Error(code) => Err(WindowError::Exit(code.get())),
    }
}

/// Says where recordings go that are made in the window, and where recent ones are remembered.
#[cfg(not(target_arch = "wasm32"))]
fn keep_sources(app: &mut App) {
    let Some(folder) = state_folder(std::env::var_os) else { return };
    app.world_mut().resource_mut::<Recordings>().folder = Some(folder.join("recordings"));
    app.insert_resource(RecentSources::read(folder.join("recent.json")));
    keep_panel(app, folder.join("panel.json"));
    estimates::plugin(app, folder.join("estimates"));
}

/// Reads what the panel remembers, and writes it when it changes.
#[cfg(not(target_arch = "wasm32"))]
fn keep_panel(app: &mut App, file: std::path::PathBuf) {
    let read = std::fs::read_to_string(&file).ok();
    app.insert_resource(PanelMemory(read.clone()));
    let mut written = read;
    let file = LatestFile::new(file, "the layout of the panel cannot be kept in");
    let write = move |memory: Res<PanelMemory>, mut exits: MessageReader<AppExit>| {
        if memory.is_changed()
            && let Some(text) = memory.0.clone().filter(|text| written.as_ref() != Some(text))
        {
            written = Some(text.clone());
            file.write(text);
        }
        if exits.read().count() > 0 {
            file.finish();
        }
    };
    app.add_systems(Last, write);
}

/// Starts to record where that is wanted. An unattended display that cannot record goes on without: it may
/// have been started again by the system, and its file exists.
#[cfg(not(target_arch = "wasm32"))]
fn start_recorder(request: &mut WindowRequest) -> Result<Option<Recorder>, RecorderError> {
    let settings = &mut request.settings;
    let Some(record) = settings.record.clone() else { return Ok(None) };
    match Recorder::start(record) {
        Ok(recorder) => {
            settings.connection.recorder = Some(recorder.clone());
            Ok(Some(recorder))
        }
        Err(error) if settings.kiosk.on => {
            // A closed stderr must not stop the display.
            let _ = writeln!(io::stderr(), "warning: not recording: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Runs the application. After a panic an unattended display restarts the program, since nobody is there to
/// start it again; otherwise the panic ends the program.
#[cfg(not(target_arch = "wasm32"))]
fn restart_after_panic(restart: Option<fn(&str)>, run: impl FnOnce() -> AppExit) -> AppExit {
    match (catch_unwind(AssertUnwindSafe(run)), restart) {
        (Ok(exit), _) => exit,
        (Err(panic), Some(restart)) => {
            restart(&format!("the display has crashed ({})", panic_message(&*panic)));
            AppExit::error()
        }
        (Err(panic), None) => resume_unwind(panic),
    }
}

/// Assembles the application in a window, on the desktop or in a page.
pub(in crate::app) fn compose(
    app: &mut App,
    engine: impl PluginGroup,
    window: Window,
    WindowRequest { source, settings }: WindowRequest,
) {
    let window =
        Window { title: "Meterbridge".to_owned(), present_mode: PresentMode::AutoVsync, ..window };
    app.add_plugins(
        engine
            .set(WindowPlugin { primary_window: Some(window), ..default() })
            .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() }),
    );
    let chrome = Chrome {
        panel: settings.view.panel.unwrap_or(false),
        fullscreen: settings.view.fullscreen,
        ..Chrome::default()
    };
    let (reduced_motion, notify) = (settings.view.reduced_motion, settings.notify);
    app.insert_resource(FirstStart::wanted(!settings.kiosk.on));
    let kiosk = KioskPlugin { settings: settings.kiosk, panel_stays: chrome.panel };
    let director = DirectorPlugin { settings: settings.director };
    app.add_plugins((
        MeterbridgePlugin { settings, source: Some(source) },
        ViewPlugin,
        ControlsPlugin,
        power::plugin,
        kiosk,
        director,
    ));
    notifications::add(app, notify);
    app.insert_resource(chrome)
        .insert_resource(ReducedMotion(reduced_motion))
        .add_systems(Startup, plugins::spawn_cameras)
        .add_systems(Update, (fit_to_window, follow_theme_preference).before(AppSystems::Press));
}

/// Follows the desktop's light or dark preference, which the window reports on opening and on
/// changes.
fn follow_theme_preference(
    window: Single<&Window, With<PrimaryWindow>>,
    mut changes: MessageReader<WindowThemeChanged>,
    mut preference: ResMut<SystemPreference>,
    mut opened: Local<bool>,
) {
    let said = changes.read().last().map(|change| change.theme);
    let said = said.or(window.window_theme.filter(|_| !*opened));
    if let Some(theme) = said {
        *opened = true;
        let light = theme == WindowTheme::Light;
        if preference.light != light {
            preference.light = light;
        }
    }
}

fn fit_to_window(mut viewport: ResMut<Viewport>, window: Single<&Window, With<PrimaryWindow>>) {
    let size_px = window.physical_size().as_vec2();
    if size_px.min_element() > 0.0 {
        let fitted = Viewport { size_px, scale_factor: window.scale_factor(), ..*viewport };
        viewport.set_if_neq(fitted);
    }
}

/// The time at which the program began to open its window.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Resource)]
struct Opening(Instant);

/// Logs what draws where, the first frame and the first run on screen, for people and for scripts that
/// wait for them.
#[cfg(not(target_arch = "wasm32"))]
fn announce(
    opening: Res<Opening>,
    run_store: Res<RunStore>,
    link: Res<Link>,
    adapter: Option<Res<RenderAdapterInfo>>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut frames: Local<u32>,
    mut shown: Local<bool>,
) {
    *frames = frames.saturating_add(1);
    let elapsed = opening.0.elapsed().as_secs_f32();
    if *frames == 1 {
        let adapter = adapter.map_or_else(
            || "an unknown adapter".to_owned(),
            |adapter| format!("{} ({})", adapter.name, adapter.backend),
        );
        let size = window.physical_size();
        let form = if window.mode == WindowMode::Windowed { "window" } else { "full screen" };
        info!(
            "Meterbridge {} draws with {adapter}, {form} of {}×{}, source: {}",
            env!("CARGO_PKG_VERSION"),
            size.x,
            size.y,
            link.source_name()
        );
        info!("first frame {elapsed:.2} s after the start");
    }
    if !*shown && !run_store.model.is_empty() {
        *shown = true;
        info!("first run on screen {elapsed:.2} s after the start");
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn kiosk_restarts_after_a_panic_and_a_desk_window_ends() {
        static REASON: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
        fn restart(reason: &str) {
            *REASON.lock().unwrap() = reason.to_owned();
        }
        let crash = || -> AppExit { panic!("no module {}", 9) };
        assert!(restart_after_panic(Some(restart), crash).is_error());
        assert_eq!(*REASON.lock().unwrap(), "the display has crashed (no module 9)");
        assert!(catch_unwind(|| restart_after_panic(None, crash)).is_err());
        assert_eq!(restart_after_panic(Some(restart), || AppExit::Success), AppExit::Success);
    }
}
