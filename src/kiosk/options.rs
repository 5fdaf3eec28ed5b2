//! Options of an unattended screen, and the settings made from them.

use std::str::FromStr;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::dim::{DEFAULT_LEVEL, Hours, LEAST_LEVEL};
use crate::director::DirectorOptions;

/// Options of an unattended screen (kiosk).
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Kiosk")]
pub struct KioskOptions {
    /// For a screen that nobody operates: full screen, kept awake, protected against burn-in,
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

/// Settings of an unattended screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KioskSettings {
    /// True for a screen that nobody operates.
    pub on: bool,
    /// The monitor to fill; `None` leaves the choice to the system.
    pub screen: Option<MonitorChoice>,
    /// The period in which the picture is dimmed; `None` for never.
    pub dim: Option<Hours>,
    /// Dimmed level as a fraction of full brightness.
    pub dim_level: f32,
}

impl Default for KioskSettings {
    fn default() -> Self {
        Self::from(&KioskOptions::default())
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

/// One monitor of a wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorChoice {
    /// Number from 1, counted from the left, and from the top where two have the same horizontal
    /// position.
    pub number: usize,
    /// Number of monitors of the wall; `None` when not given.
    pub of: Option<usize>,
}

impl MonitorChoice {
    /// Returns the index from 0 among this machine's monitors. `None` leaves the choice to the
    /// system: there is no such monitor, or each monitor of the wall has a machine of its own.
    pub fn index_among(self, monitors: usize) -> Option<usize> {
        let shared = self.of.is_none_or(|of| monitors >= of);
        (shared && self.number <= monitors).then(|| self.number - 1)
    }
}

impl FromStr for MonitorChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = |text: &str| text.trim().parse().ok().filter(|count| (1..=99).contains(count));
        let choice = match text.split_once('/') {
            Some((number, of)) => count(number).zip(count(of).map(Some)),
            None => count(text).map(|number| (number, None)),
        };
        choice
            .map(|(number, of)| Self { number, of })
            .filter(|choice| choice.of.is_none_or(|of| choice.number <= of))
            .ok_or_else(|| {
                "expected the number of a screen, alone or with the number of screens, \
                such as 2 or 2/3"
                    .to_owned()
            })
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
    fn monitor_choice_is_a_number_with_optional_total() {
        let read = |text: &str| text.parse::<MonitorChoice>().ok().map(|s| (s.number, s.of));
        for (text, expected) in [
            ("2", Some((2, None))),
            ("2/3", Some((2, Some(3)))),
            ("3 / 3", Some((3, Some(3)))),
            ("4/3", None),
            ("0", None),
            ("0/3", None),
            ("100", None),
            ("left", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn monitor_index_is_none_when_the_wall_spans_machines() {
        let index =
            |text: &str, monitors| text.parse::<MonitorChoice>().unwrap().index_among(monitors);
        assert_eq!(index("2", 3), Some(1));
        assert_eq!(index("2/3", 3), Some(1));
        assert_eq!(index("3", 2), None);
        // A wall of three machines with one monitor each.
        assert_eq!(index("2/3", 1), None);
        assert_eq!(index("1/3", 2), None);
        assert_eq!(index("1", 1), Some(0));
        assert_eq!(index("1", 0), None);
    }

    #[test]
    fn dim_levels_are_limited_to_valid_fractions() {
        assert_eq!(level("0.4"), Ok(0.4));
        assert_eq!(level("1"), Ok(1.0));
        for text in ["0", "0.05", "1.1", "-1", "NaN", "dark", ""] {
            assert!(level(text).is_err(), "{text}");
        }
    }
}
