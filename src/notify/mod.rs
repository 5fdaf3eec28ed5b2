//! Notifications: what the system tells its user of the runs while nobody looks at the screen.
//!
//! The rule here is pure: news and the time go in, notifications come out. The platform delivers them.
//!
//! | file | contents |
//! | --- | --- |
//! | `news` | what may be told |
//! | `rule` | what is told, when, and in which words |

mod news;
mod rule;

#[cfg(feature = "cli")]
mod options;

pub use news::{News, Notification, Watching};
#[cfg(feature = "cli")]
pub use options::NotifyOptions;
pub use rule::Notifier;

use crate::kiosk::Hours;

/// Choice of the news that are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum NotifyAbout {
    /// None.
    #[default]
    Off,
    /// Failed runs, and the loss of the backend.
    Failures,
    /// Also songs that finish after a failure, and the return of the backend.
    All,
}

/// Settings of notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifySettings {
    /// News that are told.
    pub about: NotifyAbout,
    /// True when failures and losses are told with a sound.
    pub sound: bool,
    /// Part of the day in which nothing is told; `None` for none.
    pub quiet: Option<Hours>,
}
