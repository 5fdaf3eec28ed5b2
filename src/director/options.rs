//! Options of the director, and their conversion to settings.

use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::{DirectorSettings, Rates};
use crate::seconds::seconds;

/// Options of auto mode.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Director")]
pub struct DirectorOptions {
    /// Show the wall, and for a while each run that fails, begins a fix or finishes [default:
    /// no; with --kiosk and for the demo studio yes, unless --view or --run is given]
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    #[arg(env = "METERBRIDGE_DIRECTOR", hide_env = true)]
    pub director: Option<bool>,

    /// Show a failed run for this long; 0 leaves failures to the wall
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_HOLD_FAILED", hide_env = true)]
    pub hold_failed: Duration,

    /// Show a run in a fix for this long, or until the fix has been validated; 0 leaves fixes to
    /// the wall
    #[arg(long, value_name = "SECONDS", default_value = "12", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_HOLD_FIX", hide_env = true)]
    pub hold_fix: Duration,

    /// Show a finished run, with its finale, for this long; 0 leaves finished runs to the wall
    #[arg(long, value_name = "SECONDS", default_value = "12", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_HOLD_COMPLETED", hide_env = true)]
    pub hold_completed: Duration,

    /// Show the wall for at least this long between two runs; a failure waits for 5 s at most
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_SHOT_GAP", hide_env = true)]
    pub shot_gap: Duration,

    /// After user input, keep the view for this long; 0 keeps it until A is pressed
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_PIN", hide_env = true)]
    pub pin: Duration,
}

impl Default for DirectorOptions {
    fn default() -> Self {
        Self {
            director: None,
            hold_failed: Duration::from_secs(15),
            hold_fix: Duration::from_secs(12),
            hold_completed: Duration::from_secs(12),
            shot_gap: Duration::from_secs(20),
            pin: Duration::from_secs(120),
        }
    }
}

impl DirectorSettings {
    /// Converts options to settings; `unless_told` is the value of `on` when no option gives it.
    pub fn new(options: &DirectorOptions, unless_told: bool) -> Self {
        Self {
            on: options.director.unwrap_or(unless_told),
            rates: Rates {
                hold_failed_secs: options.hold_failed.as_secs_f64(),
                hold_fix_secs: options.hold_fix.as_secs_f64(),
                hold_completed_secs: options.hold_completed.as_secs_f64(),
                gap_secs: options.shot_gap.as_secs_f64(),
                pin_secs: options.pin.as_secs_f64(),
            },
        }
    }
}
