//! Options of notifications.

use std::str::FromStr;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::{NotifyAbout, NotifySettings};
use crate::kiosk::Hours;

/// Options of notifications.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Notifications")]
pub struct NotifyOptions {
    /// Show notifications of the system, or of the browser: `off`, `failures` for failed runs and the loss of
    /// the backend, or `all` to tell also of songs that finish after a failure and of the backend's return. A
    /// page shows them only while its tab is visible, and only where it comes by https or from localhost
    #[arg(long, value_enum, value_name = "off|failures|all", default_value = "off")]
    #[arg(hide_possible_values = true, env = "METERBRIDGE_NOTIFY", hide_env = true)]
    pub notify: NotifyAbout,

    /// Play a sound with notifications of failures and losses; a page plays it only while its tab is visible
    #[arg(long, value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_NOTIFY_SOUND", hide_env = true)]
    pub notify_sound: bool,

    /// Show no notifications in this part of the day, such as 22:00-07:00, in the time zone of the display; one
    /// that sums them up follows after it
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = Hours::from_str)]
    #[arg(env = "METERBRIDGE_QUIET_HOURS", hide_env = true)]
    pub quiet_hours: Option<Hours>,
}

impl From<&NotifyOptions> for NotifySettings {
    fn from(options: &NotifyOptions) -> Self {
        Self { about: options.notify, sound: options.notify_sound, quiet: options.quiet_hours }
    }
}
