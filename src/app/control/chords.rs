//! Keys with Ctrl, by the table in [`CHORDS`]. A frame can have the modifier's press, keys with it and its
//! release, so each press is judged by the modifiers at that moment.

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardFocusLost, KeyboardInput};
use bevy::prelude::*;

use super::run_operations::RunOperations;
use crate::app::state::actions::{Action, CHORDS, Chord};

/// Modifiers that are held: Ctrl, and those with which Ctrl means something else.
#[derive(Default)]
pub(super) struct Held {
    control: [bool; 2],
    others: [bool; 6],
}

impl Held {
    fn follow(&mut self, key: KeyCode, is_pressed: bool) {
        let place = match key {
            KeyCode::ControlLeft => &mut self.control[0],
            KeyCode::ControlRight => &mut self.control[1],
            KeyCode::ShiftLeft => &mut self.others[0],
            KeyCode::ShiftRight => &mut self.others[1],
            KeyCode::AltLeft => &mut self.others[2],
            KeyCode::AltRight => &mut self.others[3],
            KeyCode::SuperLeft => &mut self.others[4],
            KeyCode::SuperRight => &mut self.others[5],
            _ => return,
        };
        *place = is_pressed;
    }

    fn is_chord(&self) -> bool {
        self.control != [false; 2] && self.others == [false; 6]
    }
}

pub(super) fn read_chords(
    mut pressed: MessageReader<KeyboardInput>,
    mut lost: MessageReader<KeyboardFocusLost>,
    mut held: Local<Held>,
    operations: Option<Res<RunOperations>>,
    mut actions: MessageWriter<Action>,
) {
    // While a confirmation dialog is open, other keys are ignored.
    let is_asked = operations.is_some_and(|operations| operations.dialog.is_some());
    for input in pressed.read() {
        let is_pressed = input.state == ButtonState::Pressed;
        held.follow(input.key_code, is_pressed);
        if is_pressed
            && !input.repeat
            && !is_asked
            && held.is_chord()
            && let Some(chord) = chord_of(input.key_code, &input.logical_key)
        {
            actions.write((chord.action)());
        }
    }
    // A window without the focus is told of no releases.
    if lost.read().count() > 0 {
        *held = Held::default();
    }
}

fn chord_of(code: KeyCode, logical: &Key) -> Option<&'static Chord> {
    let produced = match logical {
        Key::Character(text) if text.is_ascii() => Some(text.as_str()),
        _ => None,
    };
    CHORDS.iter().find(|chord| match produced {
        Some(text) => text.eq_ignore_ascii_case(chord.letter),
        None => code == chord.key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> App {
        let mut app = App::new();
        app.add_message::<KeyboardInput>()
            .add_message::<KeyboardFocusLost>()
            .add_message::<Action>()
            .add_systems(Update, read_chords);
        app
    }

    /// Presses and releases keys within one frame; a name with `-` is a release.
    fn in_one_frame(app: &mut App, keys: &[(KeyCode, &str, bool)]) -> Vec<Action> {
        for (key_code, text, is_pressed) in keys {
            let state = if *is_pressed { ButtonState::Pressed } else { ButtonState::Released };
            app.world_mut().write_message(KeyboardInput {
                key_code: *key_code,
                logical_key: Key::Character((*text).into()),
                state,
                text: None,
                repeat: false,
                window: Entity::PLACEHOLDER,
            });
        }
        app.update();
        app.world_mut().resource_mut::<Messages<Action>>().drain().collect()
    }

    #[test]
    fn key_counts_by_the_modifiers_held_at_its_press() {
        let mut app = app();
        let done = in_one_frame(
            &mut app,
            &[
                (KeyCode::KeyO, "o", true),
                (KeyCode::ControlLeft, "", true),
                (KeyCode::KeyO, "o", true),
                (KeyCode::ControlLeft, "", false),
                (KeyCode::KeyR, "r", true),
            ],
        );
        assert_eq!(done, [Action::ChooseFiles]);
    }

    #[test]
    fn chords_with_more_modifiers_are_not_ours() {
        let mut app = app();
        let keys = [
            (KeyCode::ControlLeft, "", true),
            (KeyCode::ShiftLeft, "", true),
            (KeyCode::KeyR, "R", true),
        ];
        assert!(in_one_frame(&mut app, &keys).is_empty());
    }

    #[test]
    fn modifier_whose_release_went_to_another_window_is_no_longer_held() {
        let mut app = app();
        in_one_frame(&mut app, &[(KeyCode::ControlLeft, "", true)]);
        app.world_mut().write_message(KeyboardFocusLost);
        assert!(in_one_frame(&mut app, &[]).is_empty());
        assert!(in_one_frame(&mut app, &[(KeyCode::KeyR, "r", true)]).is_empty());
    }

    #[test]
    fn letters_count_as_printed_and_on_other_alphabets_by_their_place() {
        let action = |code, text: &str| {
            chord_of(code, &Key::Character(text.into())).map(|chord| (chord.action)())
        };
        // Dvorak has R where QWERTY has O.
        assert_eq!(action(KeyCode::KeyO, "r"), Some(Action::ToggleRecording));
        assert_eq!(action(KeyCode::KeyS, "o"), Some(Action::ChooseFiles));
        assert_eq!(action(KeyCode::KeyO, "щ"), Some(Action::ChooseFiles));
        assert_eq!(action(KeyCode::KeyP, "p"), None);
    }
}
