//! A screen that nobody operates: what [`crate::kiosk`] says, carried out.
//!
//! | file | what it is |
//! | --- | --- |
//! | `presence` | pointer and chrome go when nobody is there |
//! | `drift` | the picture moves a little, against burn-in |
//! | `awake` | the screen stays awake, or people are told why not |
//! | `dimming` | the picture dims by the time of day |
//! | `watch` | a thread that notices when no frames come (not in a page) |
//!
//! Nothing here costs anything between two moves: each part says when it wants the next frame.
//!
//! Drift and brightness are fields of the canvas that go into its uniform and into labels. They are written without
//! a change being noticed, so that no view is drawn again and the rate of frames does not rise. The watch counts
//! frames that the render world has drawn, and its own looks instead of hours, so that a machine that slept is not
//! taken for one that hangs; at the fourth restart within ten minutes the program exits with 1.

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

/// What unattended screens do, in the order of a frame.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum KioskSystems {
    /// `Update`: who is there is noticed, before anybody's wishes are carried out.
    Notice,
    /// `Update`: what comes with somebody's absence.
    Presence,
    /// `Update`: what is drawn is moved.
    Drift,
    /// `Update`: what is drawn is dimmed.
    Dim,
}

/// Everything that the settings ask for; what they do not ask for does not run.
pub struct KioskPlugin {
    pub settings: KioskSettings,
    /// The panel was asked for from the beginning, and belongs to the picture.
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
                    .after(AppSystems::Tell)
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

/// What keeps the machine's own hands off a display that people want to see: its sleep, and whatever
/// stops its frames. For a program with a window, which it may start again.
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::app) fn keep_going(app: &mut App, unattended: bool) {
    watch::build(app, unattended);
    if unattended {
        awake::build(app);
    }
}
