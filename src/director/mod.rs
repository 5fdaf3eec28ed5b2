//! The director: chooses what an unattended display shows. Nearly always that is the wall of all
//! runs; when something noteworthy happens to a run, the stage of that run for a while.
//!
//! | file | content |
//! | --- | --- |
//! | `options` | options and settings |
//! | `rules` | the rules over time, in seconds of any one clock |
//!
//! `app/control/director.rs` applies them to the display.

mod options;
mod rules;

pub use options::{DirectorOptions, DirectorSettings, Rates};
pub use rules::{Director, LEAST_HOLD_SECS, Mode, STALE_SECS, Shot, Why};
