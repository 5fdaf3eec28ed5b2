//! The director: which picture an unattended wall shows when. Nearly always all runs; for a while
//! the stage of one, when something worth seeing happens to it.
//!
//! | file | what it is |
//! | --- | --- |
//! | `options` | the options (feature `cli`) |
//! | `settings` | what they mean |
//! | `rules` | what is shown when, in seconds of any one clock |
//!
//! `app/control/director.rs` carries it out.

#[cfg(feature = "cli")]
mod options;
mod rules;
mod settings;

#[cfg(feature = "cli")]
pub use options::DirectorOptions;
pub use rules::{Director, LEAST_HOLD_SECS, Mode, STALE_SECS, Shot, Why};
pub use settings::{DirectorSettings, Rates};
