//! The page's scripts keep the screen awake, and say here where the browser does not let them.

use std::cell::RefCell;

use bevy::prelude::*;
use wasm_bindgen::prelude::*;

use crate::app::state::presence::ScreenSleepWarning;
use crate::app::systems::AppSystems;

thread_local! {
    static TOLD: RefCell<Option<ScreenSleepWarning>> = const { RefCell::new(None) };
}

/// Why the screen may go dark, as a sentence for the panel; without one, it is kept awake.
#[wasm_bindgen]
pub fn may_go_dark(why: Option<String>) {
    TOLD.replace(Some(ScreenSleepWarning(why)));
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, hear.before(AppSystems::Press));
}

fn hear(mut sleep_warning: ResMut<ScreenSleepWarning>) {
    if let Some(told) = TOLD.take() {
        sleep_warning.set_if_neq(told);
    }
}
