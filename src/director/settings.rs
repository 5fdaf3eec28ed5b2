//! Settings of the director.

/// Settings of the director.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DirectorSettings {
    /// True when the director is on from the start.
    pub on: bool,
    pub rates: Rates,
}

/// Durations of the director's rules, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Time on the stage by reason; 0 never shows runs for that reason.
    pub hold_failed_secs: f64,
    pub hold_fix_secs: f64,
    pub hold_completed_secs: f64,
    /// Time that the wall is shown between two runs.
    pub gap_secs: f64,
    /// Time without the director after user input; 0 means until it is turned on again.
    pub pin_secs: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            hold_failed_secs: 15.0,
            hold_fix_secs: 12.0,
            hold_completed_secs: 12.0,
            gap_secs: 20.0,
            pin_secs: 120.0,
        }
    }
}
