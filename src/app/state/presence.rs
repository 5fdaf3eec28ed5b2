//! Presence of a user, and the warning shown when the screen may go to sleep.

use bevy::prelude::*;

/// Presence of a user at the screen.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// True when there has been no input for a while. Always false on a desktop.
    pub away: bool,
    /// True when the panel is part of the display and stays visible while nobody is present.
    pub panel_stays: bool,
}

impl Presence {
    pub fn hides_panel(self) -> bool {
        self.away && !self.panel_stays
    }
}

/// The reason, as a sentence, why the screen may go dark although it should stay on; `None` when it
/// is kept awake, or when keeping it awake was not requested.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenSleepWarning(pub Option<String>);
