//! What the director is asked to do.

/// What the director is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DirectorSettings {
    /// It begins by itself.
    pub on: bool,
    pub rates: Rates,
}

/// How long what is shown, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The three holds: 0 never shows such a run.
    pub hold_failed_secs: f64,
    pub hold_fix_secs: f64,
    pub hold_completed_secs: f64,
    /// The wall between two runs.
    pub gap_secs: f64,
    /// After a touch; 0 is without end.
    pub pin_secs: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            hold_failed_secs: 15.0,
            hold_fix_secs: 12.0,
            hold_completed_secs: 6.0,
            gap_secs: 20.0,
            pin_secs: 120.0,
        }
    }
}
