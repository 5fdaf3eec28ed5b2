//! What hands do to a screen: keys, buttons, the wheel, a finger.

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonState;
use bevy::input::keyboard::KeyboardInput;
use bevy::input::mouse::{MouseButtonInput, MouseWheel};
use bevy::input::touch::{TouchInput, TouchPhase};
use bevy::prelude::*;

/// An app without a window has no such messages.
pub(in crate::app) fn add_messages(app: &mut App) {
    app.add_message::<KeyboardInput>()
        .add_message::<MouseButtonInput>()
        .add_message::<MouseWheel>()
        .add_message::<TouchInput>();
}

/// What hands did since it was last asked for. A pointer that moves is none of it.
#[derive(SystemParam)]
pub(in crate::app) struct Hands<'w, 's> {
    keys: MessageReader<'w, 's, KeyboardInput>,
    buttons: MessageReader<'w, 's, MouseButtonInput>,
    wheel: MessageReader<'w, 's, MouseWheel>,
    touches: MessageReader<'w, 's, TouchInput>,
}

impl Hands<'_, '_> {
    /// Whether anything was pressed, turned or touched.
    pub fn did_something(&mut self) -> bool {
        let pressed = |state| state == ButtonState::Pressed;
        let keys = self.keys.read().filter(|key| pressed(key.state)).count();
        let buttons = self.buttons.read().filter(|button| pressed(button.state)).count();
        let fingers =
            self.touches.read().filter(|touch| touch.phase == TouchPhase::Started).count();
        keys + buttons + self.wheel.read().count() + fingers > 0
    }
}
