//! Widgets among which arrows move the keyboard focus.

use bevy_egui::egui::{EventFilter, Id, Sense, Ui};

/// Sense of one of several widgets among which arrows move; Tab reaches only the current one.
pub(super) fn sense(is_current: bool) -> Sense {
    if is_current { Sense::click() } else { Sense::CLICK }
}

/// Keeps egui from moving the focus by arrows while a widget has it.
pub(super) fn keep_arrows(ui: &Ui, id: Id) {
    let filter =
        EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
}
