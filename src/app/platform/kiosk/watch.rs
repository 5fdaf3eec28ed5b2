//! A watchdog thread that detects when no frames are drawn, logs it, and restarts the program.
//!
//! Frames are counted in the render world, where they are drawn: a main world that runs without
//! drawing is no display. The same thread sends keep-alive notices to the service manager while
//! frames are drawn.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bevy::prelude::*;
use bevy::render::{Render, RenderApp, RenderSystems};
use tracing::{error, info, warn};

use crate::drain;
use crate::kiosk::service::{Notice, Service};
use crate::kiosk::watchdog::{LOOK_EVERY, Restarts, Watchdog, WatchdogReport};

/// Internal variable that passes the times of earlier restarts to the restarted program.
const RESTARTS: &str = "METERBRIDGE_RESTARTED_AT";
/// Longest time that an orderly exit may take before the process is aborted.
const EXIT_WITHIN: Duration = Duration::from_secs(5);

/// Number of frames drawn so far.
#[derive(Resource, Clone, Debug, Default)]
struct FramesDrawn(Arc<AtomicU64>);

/// Starts the watchdog on an unattended screen, or when a service manager expects keep-alive
/// notices.
pub(super) fn build(app: &mut App, unattended: bool) {
    let service = Service::of_environment();
    if !unattended && service.is_none() {
        return;
    }
    let Some(render_app) = app.get_sub_app_mut(RenderApp) else {
        return;
    };
    let frames = FramesDrawn::default();
    let counted = Arc::clone(&frames.0);
    render_app
        .insert_resource(frames)
        .add_systems(Render, count.in_set(RenderSystems::PostCleanup));
    let watching = thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || run_watchdog(&counted, service.as_ref(), unattended));
    if let Err(error) = watching {
        warn!("cannot start the watchdog for drawing: {error}");
    }
}

fn count(frames: Res<FramesDrawn>) {
    frames.0.fetch_add(1, Ordering::Relaxed);
}

fn run_watchdog(frames: &AtomicU64, service: Option<&Service>, restarts: bool) {
    let tell = |notice| {
        if let Some(service) = service {
            service.tell(notice);
        }
    };
    let mut dog = Watchdog::default();
    let mut looked_at = Instant::now();
    let mut ready = false;
    loop {
        if drain::is_ending() {
            return;
        }
        thread::sleep(LOOK_EVERY);
        let now = Instant::now();
        let drawn = frames.load(Ordering::Relaxed);
        if drawn > 0 && !ready {
            ready = true;
            tell(Notice::Ready);
        }
        match dog.look(drawn, now - looked_at) {
            WatchdogReport::Fine => tell(Notice::Alive),
            WatchdogReport::Recovered { silent } => {
                tell(Notice::Alive);
                info!("drawing continues after {} s without a frame", silent.as_secs());
            }
            WatchdogReport::BecameLate { silent } => {
                warn!("no frame has been drawn for {} s", silent.as_secs());
            }
            WatchdogReport::Stuck { silent } if restarts => {
                restart(&format!("no frame has been drawn for {} s", silent.as_secs()));
            }
            WatchdogReport::Late | WatchdogReport::Stuck { .. } => {}
        }
        looked_at = now;
    }
}

/// Restarts the program with the same arguments, or exits with code 1 for its supervisor after
/// [`MOST_RESTARTS`](crate::kiosk::watchdog::MOST_RESTARTS) recent restarts.
pub fn restart(reason: &str) -> ! {
    drain::wait_before_restart();
    let before = Restarts::from_text(&std::env::var(RESTARTS).unwrap_or_default());
    let now_secs = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match before.with_one_more(now_secs) {
        Some(restarts) => {
            error!("{reason}: restarting");
            let failed = start_again(&restarts);
            error!("the program could not be restarted: {failed}");
        }
        None => error!("{reason}: restarting did not help, giving up"),
    }
    // A hanging graphics driver may hang again during the cleanup of an exit.
    thread::spawn(|| {
        thread::sleep(EXIT_WITHIN);
        std::process::abort();
    });
    std::process::exit(1);
}

/// Starts the program again. Returns only on failure.
fn start_again(restarts: &Restarts) -> std::io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let mut command = Command::new(path_after_update(&program));
    command.args(arguments).env(RESTARTS, restarts.to_text());
    replace_process(command, name)
}

#[cfg(unix)]
fn replace_process(mut command: Command, name: Option<std::ffi::OsString>) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    if let Some(name) = name {
        command.arg0(name);
    }
    command.exec()
}

/// Starts a second process and ends this one, where a process cannot replace itself.
#[cfg(not(unix))]
fn replace_process(mut command: Command, _: Option<std::ffi::OsString>) -> std::io::Error {
    match command.spawn() {
        Ok(_) => std::process::exit(0),
        Err(error) => error,
    }
}

/// Returns the path of the program after an update replaced it: Linux appends " (deleted)" to the
/// old path.
fn path_after_update(program: &std::path::Path) -> std::path::PathBuf {
    let path = program.to_string_lossy();
    path.strip_suffix(" (deleted)").map_or_else(|| program.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn restart_uses_path_of_updated_program() {
        let at = |path: &str| path_after_update(Path::new(path)).display().to_string();
        assert_eq!(at("/opt/meterbridge (deleted)"), "/opt/meterbridge");
        assert_eq!(at("/opt/meterbridge"), "/opt/meterbridge");
    }
}
