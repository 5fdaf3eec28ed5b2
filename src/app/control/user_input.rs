//! User input: keys, mouse buttons, wheel and touch.

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonState;
use bevy::input::keyboard::KeyboardInput;
use bevy::input::mouse::{MouseButtonInput, MouseWheel};
use bevy::input::touch::{TouchInput, TouchPhase};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;

use crate::app::draw::Canvas;

/// Registers the input messages, which apps without a window lack.
pub(in crate::app) fn add_messages(app: &mut App) {
    app.add_message::<KeyboardInput>()
        .add_message::<MouseButtonInput>()
        .add_message::<MouseWheel>()
        .add_message::<TouchInput>();
}

/// Reads user input since the last call. Pointer movement is not included.
#[derive(SystemParam)]
pub(in crate::app) struct UserInput<'w, 's> {
    keys: MessageReader<'w, 's, KeyboardInput>,
    buttons: MessageReader<'w, 's, MouseButtonInput>,
    wheel: MessageReader<'w, 's, MouseWheel>,
    touches: MessageReader<'w, 's, TouchInput>,
}

impl UserInput<'_, '_> {
    /// True when a key or button was pressed, the wheel turned, or the screen touched.
    pub fn did_something(&mut self) -> bool {
        let pressed = |state| state == ButtonState::Pressed;
        let keys = self.keys.read().filter(|key| pressed(key.state)).count();
        let buttons = self.buttons.read().filter(|button| pressed(button.state)).count();
        let fingers =
            self.touches.read().filter(|touch| touch.phase == TouchPhase::Started).count();
        keys + buttons + self.wheel.read().count() + fingers > 0
    }
}

/// A press of a mouse button or a finger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Press {
    /// Place in the window, in logical pixels.
    pub at_px: Vec2,
    /// Place on the canvas, in design pixels.
    pub point: Vec2,
}

/// Reads presses on the view by mouse button or touch. Buttons on the view act on press rather than
/// on release, because by the release a press elsewhere may already have been handled.
#[derive(SystemParam)]
pub struct PointerPresses<'w, 's> {
    buttons: Res<'w, ButtonInput<MouseButton>>,
    touches: MessageReader<'w, 's, TouchInput>,
    windows: Query<'w, 's, &'static Window, With<PrimaryWindow>>,
    canvas: Res<'w, Canvas>,
}

impl PointerPresses<'_, '_> {
    /// Returns the presses since the last call.
    pub(super) fn take(&mut self) -> Vec<Press> {
        let fingers = self.touches.read().filter(|touch| touch.phase == TouchPhase::Started);
        let fingers: Vec<Vec2> = fingers.map(|touch| touch.position).collect();
        let Ok(window) = self.windows.single() else { return Vec::new() };
        let clicked = self.buttons.just_pressed(MouseButton::Left);
        let pointer = window.cursor_position().filter(|_| clicked);
        let press = |at_px: Vec2| {
            let point = self.canvas.point_at(at_px * window.scale_factor());
            Press { at_px, point }
        };
        fingers.into_iter().chain(pointer).map(press).collect()
    }
}
