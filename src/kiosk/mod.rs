//! Behaviour of an unattended screen over time, without a window or Bevy. Free of I/O, except for
//! `awake` and `service`, which talk to the system.
//!
//! | file | content |
//! | --- | --- |
//! | `options` | options (feature `cli`) |
//! | `settings` | settings |
//! | `attention` | presence of a user |
//! | `drift` | position of the picture, against burn-in |
//! | `dim` | brightness by the time of day |
//! | `awake`, `dbus` | keeping the screen awake on a desktop (not in a page) |
//! | `service` | notices to a service manager (not in a page) |
//! | `watchdog` | detection of missing frames, and limits on restarts |
//!
//! `app/platform/kiosk/` applies these rules to the display.

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

pub use dim::Hours;
#[cfg(feature = "cli")]
pub use options::KioskOptions;
pub use settings::{KioskSettings, MonitorChoice};
