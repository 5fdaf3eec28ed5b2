//! What an unattended screen does over time: without a window or Bevy, and pure but for the two
//! that speak with the system.
//!
//! | file | what it is |
//! | --- | --- |
//! | `options` | the options (feature `cli`) |
//! | `settings` | what they mean |
//! | `attention` | whether somebody is there |
//! | `drift` | where the picture stands, against burn-in |
//! | `dim` | how bright the picture is, by the time of day |
//! | `awake`, `dbus` | keeping the screen awake on a desktop (not in a page) |
//! | `service` | what a service manager is told (not in a page) |
//! | `watchdog` | whether frames still come, and whether a restart may help |
//!
//! `app/platform/kiosk/` carries it out.

pub mod attention;
#[cfg(not(target_arch = "wasm32"))]
pub mod awake;
#[cfg(all(unix, not(target_os = "macos")))]
mod dbus;
pub mod dim;
pub mod drift;
#[cfg(feature = "cli")]
mod options;
#[cfg(not(target_arch = "wasm32"))]
pub mod service;
mod settings;
pub mod watchdog;

#[cfg(feature = "cli")]
pub use options::KioskOptions;
pub use settings::{KioskSettings, MonitorChoice};
