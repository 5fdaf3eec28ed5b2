//! What a screen that nobody operates is asked to do.

use std::str::FromStr;

use super::dim::{DEFAULT_LEVEL, Hours};

/// What an unattended screen does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KioskSettings {
    /// Nobody operates the screen.
    pub on: bool,
    /// Which screen is filled; `None` leaves it to the system.
    pub screen: Option<MonitorChoice>,
    /// When the picture is dimmed; `None` is never.
    pub dim: Option<Hours>,
    /// What it is dimmed to; 1 is full brightness.
    pub dim_level: f32,
}

impl Default for KioskSettings {
    fn default() -> Self {
        Self { on: false, screen: None, dim: None, dim_level: DEFAULT_LEVEL }
    }
}

/// One screen of a wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorChoice {
    /// From 1, counted from the left, and from the top where two stand above each other.
    pub number: usize,
    /// How many the wall has; `None` where that does not matter.
    pub of: Option<usize>,
}

impl MonitorChoice {
    /// Which of so many screens that this machine has, from 0. `None` leaves it to the system:
    /// there is no such screen here, or the wall's screens hang on machines of their own.
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
            .ok_or_else(|| "expected a screen and of how many, such as 2 or 2/3".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_a_number_and_perhaps_of_how_many() {
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
    fn a_screen_of_another_machine_is_this_machines_own() {
        let index =
            |text: &str, monitors| text.parse::<MonitorChoice>().unwrap().index_among(monitors);
        assert_eq!(index("2", 3), Some(1));
        assert_eq!(index("2/3", 3), Some(1));
        assert_eq!(index("3", 2), None);
        // A wall of three machines with a screen each.
        assert_eq!(index("2/3", 1), None);
        assert_eq!(index("1/3", 2), None);
        assert_eq!(index("1", 1), Some(0));
        assert_eq!(index("1", 0), None);
    }
}
