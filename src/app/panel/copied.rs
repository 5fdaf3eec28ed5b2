//! Copying to the clipboard, and the word "copied" afterwards.

use std::time::Duration;

use bevy_egui::egui::{Id, Ui};

/// Time for which a button says "copied", in seconds.
pub(super) const SAID_SECS: f64 = 2.0;

/// Copies a text for the button `id`, which says "copied" from then on.
pub(super) fn copy_for(ui: &Ui, id: Id, text: String) {
    ui.ctx().copy_text(text);
    let now = ui.input(|input| input.time);
    ui.data_mut(|data| data.insert_temp(id, now));
    ui.ctx().request_repaint();
}

/// Returns true within [`SAID_SECS`] after the button `id` copied something, and asks for a frame after that.
pub(super) fn says_copied(ui: &Ui, id: Id) -> bool {
    let Some(copied_at) = ui.data(|data| data.get_temp::<f64>(id)) else { return false };
    let left = SAID_SECS - (ui.input(|input| input.time) - copied_at);
    if left <= 0.0 {
        ui.data_mut(|data| data.remove_temp::<f64>(id));
        return false;
    }
    ui.ctx().request_repaint_after(Duration::from_secs_f64(left.min(SAID_SECS)));
    true
}
