//! Widgets among which arrows move the keyboard focus.

use bevy_egui::egui::Sense;

/// Sense of one of several widgets among which arrows move; Tab reaches only the current one.
pub(super) fn sense(is_current: bool) -> Sense {
    if is_current { Sense::click() } else { Sense::CLICK }
}
