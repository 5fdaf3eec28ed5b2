//! The director: chooses what an unattended display shows. Nearly always that is the wall of all
//! runs; when something noteworthy happens to a run, the stage of that run for a while; and every
//! five minutes, where enough runs have ended, the history.
//!
//! | file | content |
//! | --- | --- |
//! | `options` | options (feature `cli`) |
//! | `settings` | settings |
//! | `rules` | the rules over time, in seconds of any one clock |
//!
//! `app/control/director.rs` applies them to the display.

#[cfg(feature = "cli")]
mod options;
mod rules;
mod settings;

#[cfg(feature = "cli")]
pub use options::DirectorOptions;
pub use rules::{Director, LEAST_HOLD_SECS, Mode, STALE_SECS, Shot, ShowReason};
pub use settings::{DirectorSettings, Rates};
