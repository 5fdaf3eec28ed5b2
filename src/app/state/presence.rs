//! Whether somebody is there, and whether the screen stays awake for them.

use bevy::prelude::*;

/// Whether somebody is there to operate the screen.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Nobody has done anything for a while. Never so on a desk.
    pub away: bool,
    /// The panel belongs to the picture and stays when nobody is there.
    pub panel_stays: bool,
}

impl Presence {
    pub fn hides_panel(self) -> bool {
        self.away && !self.panel_stays
    }
}

/// Why the screen may go dark although somebody wants to see it, as a sentence; `None` where it is
/// kept awake, and where nobody asked for that.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenSleepWarning(pub Option<String>);
