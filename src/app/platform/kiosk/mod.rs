//! Performs what [`crate::kiosk`] decides, for an unattended screen.
//!
//! | file | content |
//! | --- | --- |
//! | `presence` | hides pointer and chrome while nobody is present |
//! | `drift` | moves the picture slightly, against burn-in |
//! | `awake` | keeps the screen awake, or says why it cannot |
//! | `dimming` | dims the picture by the time of day |
//! | `watch` | a thread that notices when no frames are drawn (not in a page) |
//!
//! Between two moves these modules cost nothing: each of them requests the next frame that it
//! needs.
//!
//! Drift and brightness are fields of the canvas that go into its uniform and into labels. They are
//! written without change detection, so that no view is redrawn and the frame rate does not rise.
//! The watchdog counts frames drawn by the render world, and measures time by its own checks, so
//! that a suspended machine is not mistaken for a hanging one. Instead of a fourth restart within
//! ten minutes the program exits with code 1.

mod awake;
mod dimming;
mod drift;
mod presence;
#[cfg(not(target_arch = "wasm32"))]
mod watch;

use bevy::prelude::*;

pub use self::dimming::DayClock;
#[cfg(not(target_arch = "wasm32"))]
pub use self::watch::restart;

use super::power::PowerSystems;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::presence::Presence;
use crate::app::systems::AppSystems;
use crate::kiosk::KioskSettings;

/// Kiosk systems, in the order of a frame.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum KioskSystems {
    /// `Update`: detects presence, before any user input is handled.
    Notice,
    /// `Update`: reacts to absence.
    Presence,
    /// `Update`: shifts the picture.
    Drift,
    /// `Update`: dims the picture.
    Dim,
}

/// Adds the kiosk functions that the settings enable.
pub struct KioskPlugin {
    pub settings: KioskSettings,
    /// True when the panel was requested in the settings and stays visible while nobody is present.
    pub panel_stays: bool,
}

impl Plugin for KioskPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<NextFrame>()
            .configure_sets(Update, KioskSystems::Notice.before(AppSystems::Press))
            .configure_sets(
                Update,
                (KioskSystems::Presence, KioskSystems::Drift, KioskSystems::Dim)
                    .chain()
                    .after(AppSystems::Hint)
                    .before(PowerSystems),
            );
        if self.settings.on {
            app.insert_resource(Presence { panel_stays: self.panel_stays, ..default() });
            app.add_plugins((presence::plugin, drift::plugin));
        }
        if let Some(hours) = self.settings.dim {
            app.insert_resource(dimming::Dimming { hours, level: self.settings.dim_level })
                .add_plugins(dimming::plugin);
        }
    }
}

/// Keeps a display running: starts the watchdog, and keeps an unattended screen awake. Only for a
/// program with a window, because the watchdog may restart the program.
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::app) fn keep_going(app: &mut App, unattended: bool) {
    watch::build(app, unattended);
    if unattended {
        awake::build(app);
    }
}
