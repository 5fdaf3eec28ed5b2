//! Receives reports from the page's scripts, which keep the screen awake, about whether they can.

use std::cell::RefCell;

use bevy::prelude::*;
use wasm_bindgen::prelude::*;

use crate::app::state::presence::ScreenSleepWarning;
use crate::app::systems::AppSystems;

thread_local! {
    static TOLD: RefCell<Option<ScreenSleepWarning>> = const { RefCell::new(None) };
}

/// Sets the reason why the screen may go dark, a sentence for the panel; `None` when it is kept
/// awake.
#[wasm_bindgen]
pub fn may_go_dark(why: Option<String>) {
    TOLD.replace(Some(ScreenSleepWarning(why)));
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, receive_sleep_warning.before(AppSystems::Press));
}

fn receive_sleep_warning(mut sleep_warning: ResMut<ScreenSleepWarning>) {
    if let Some(told) = TOLD.take() {
        sleep_warning.set_if_neq(told);
    }
}
