//! Options of an unattended screen, and their conversion to settings.

use std::str::FromStr;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::dim::{DEFAULT_LEVEL, Hours, LEAST_LEVEL};
use super::{KioskSettings, MonitorChoice};
use crate::director::DirectorOptions;

/// Options of an unattended screen (kiosk).
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Kiosk")]
pub struct KioskOptions {
    /// For an unattended screen: full screen, kept awake, protected against burn-in,
    /// reconnects for ever
    #[arg(long, value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_KIOSK", hide_env = true)]
    pub kiosk: bool,

    /// Fill this screen, counted from the left: 2, or 2/3 on a wall of three
    #[arg(long, value_name = "N/OF", value_parser = MonitorChoice::from_str)]
    #[arg(env = "METERBRIDGE_SCREEN", hide_env = true)]
    pub screen: Option<MonitorChoice>,

    /// Dim the picture between these times of day
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = Hours::from_str)]
    #[arg(env = "METERBRIDGE_DIM", hide_env = true)]
    pub dim: Option<Hours>,

    /// Dim to this fraction of full brightness, 0.1 to 1
    #[arg(long, value_name = "LEVEL", default_value_t = DEFAULT_LEVEL, value_parser = level)]
    #[arg(env = "METERBRIDGE_DIM_LEVEL", hide_env = true)]
    pub dim_level: f32,

    #[command(flatten)]
    pub director: DirectorOptions,
}

impl Default for KioskOptions {
    fn default() -> Self {
        Self {
            kiosk: false,
            screen: None,
            dim: None,
            dim_level: DEFAULT_LEVEL,
            director: DirectorOptions::default(),
        }
    }
}

impl From<&KioskOptions> for KioskSettings {
    fn from(options: &KioskOptions) -> Self {
        Self {
            on: options.kiosk,
            screen: options.screen,
            dim: options.dim,
            dim_level: options.dim_level,
        }
    }
}

fn level(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(level) if (LEAST_LEVEL..=1.0).contains(&level) => Ok(level),
        _ => Err(format!("expected a number from {LEAST_LEVEL} to 1, such as {DEFAULT_LEVEL}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dim_levels_are_limited_to_valid_fractions() {
        assert_eq!(level("0.4"), Ok(0.4));
        assert_eq!(level("1"), Ok(1.0));
        for text in ["0", "0.05", "1.1", "-1", "NaN", "dark", ""] {
            assert!(level(text).is_err(), "{text}");
        }
    }
}
