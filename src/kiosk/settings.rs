//! Settings of an unattended screen.

use std::str::FromStr;

use super::dim::{DEFAULT_LEVEL, Hours};

/// Settings of an unattended screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KioskSettings {
    /// True for an unattended screen.
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
        Self { on: false, screen: None, dim: None, dim_level: DEFAULT_LEVEL }
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
    pub fn monitor_index(self, monitors: usize) -> Option<usize> {
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
            |text: &str, monitors| text.parse::<MonitorChoice>().unwrap().monitor_index(monitors);
        assert_eq!(index("2", 3), Some(1));
        assert_eq!(index("2/3", 3), Some(1));
        assert_eq!(index("3", 2), None);
        // A wall of three machines with one monitor each.
        assert_eq!(index("2/3", 1), None);
        assert_eq!(index("1/3", 2), None);
        assert_eq!(index("1", 1), Some(0));
        assert_eq!(index("1", 0), None);
    }
}
