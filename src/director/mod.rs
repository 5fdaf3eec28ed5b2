//! The director: which picture an unattended wall shows when. Nearly always all runs; for a while
//! the stage of one, when something worth seeing happens to it.
//!
//! | file | what it is |
//! | --- | --- |
//! | `options` | the options, and what they mean |
//! | `rules` | what is shown when, in seconds of any one clock |
//!
//! `app/control/director.rs` carries it out.

mod options;
mod rules;

pub use options::{DirectorOptions, DirectorSettings, Rates};
pub use rules::{Director, LEAST_HOLD_SECS, Mode, STALE_SECS, Shot, Why};
