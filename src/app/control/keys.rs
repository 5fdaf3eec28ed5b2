//! The keyboard: keys → [`Action`]s, by the table in [`SHORTCUTS`].

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::prelude::*;
use bevy_egui::input::EguiWantsInput;

use super::run_operations::RunOperations;
use crate::app::state::actions::{Action, SHORTCUTS, Shortcut};
use crate::app::state::chrome::PanelDialog;

pub(super) fn read_keys(
    mut pressed: MessageReader<KeyboardInput>,
    held: Res<ButtonInput<KeyCode>>,
    wanted: Res<EguiWantsInput>,
    dialog: Res<PanelDialog>,
    operations: Option<Res<RunOperations>>,
    mut actions: MessageWriter<Action>,
) {
    for input in pressed.read().filter(|input| input.state == ButtonState::Pressed) {
        let Some(shortcut) = shortcut_of(input.key_code, &input.logical_key, is_chord(&held))
        else {
            continue;
        };
        let may_operate = operations.as_ref().is_some_and(|operations| operations.allowed);
        if shortcut.needs_leave() && !may_operate {
            continue;
        }
        // A question is answered before anything else is done.
        let is_asked = operations.as_ref().is_some_and(|operations| operations.dialog.is_some());
        let action = (shortcut.action)();
        if input.repeat && !repeats(&action) {
            continue;
        }
        let taken = match action {
            Action::ToggleFullscreen => false,
            // The innermost goes first: a field, a menu or a window of the panel's own.
            Action::Back => wanted.wants_any_keyboard_input() || dialog.0 || is_asked,
            _ => wanted.wants_any_keyboard_input() || is_asked,
        };
        if !taken {
            actions.write(action);
        }
    }
}

/// Whether a key held down does it again and again.
fn repeats(action: &Action) -> bool {
    matches!(action, Action::NextRun | Action::PreviousRun)
}

/// Whether a key is held that makes another key mean something else. Shift and the right Alt key
/// are not: on many layouts they produce `?`.
fn is_chord(held: &ButtonInput<KeyCode>) -> bool {
    use KeyCode::{AltLeft, ControlLeft, ControlRight, SuperLeft, SuperRight};
    held.any_pressed([ControlLeft, ControlRight, AltLeft, SuperLeft, SuperRight])
}

/// The shortcut of a key. Letters and `?` go by what the key produces; on a layout that is not
/// Latin, letters go by the key's place. All others go by the key's place.
fn shortcut_of(code: KeyCode, logical: &Key, chord: bool) -> Option<&'static Shortcut> {
    let produced = match logical {
        Key::Character(text) => Some(text.as_str()),
        _ => None,
    };
    let latin = produced.is_some_and(|text| text.is_ascii());
    SHORTCUTS.iter().filter(|_| !chord).find(|shortcut| {
        let by_character = shortcut.key_text.chars().count() == 1 && shortcut.key_text.is_ascii();
        if by_character && (latin || shortcut.key == KeyCode::Slash) {
            produced.is_some_and(|text| text.eq_ignore_ascii_case(shortcut.key_text))
        } else {
            code == shortcut.key
        }
    })
}

#[cfg(test)]
mod tests {
    use bevy::window::PrimaryWindow;

    use super::*;
    use crate::app::control::confirmation::ConfirmDialog;
    use crate::app::control::presses::pointer_on_controls;
    use crate::app::state::actions::OperationKind;
    use crate::app::state::viewport::PanelArea;

    fn action(code: KeyCode, logical: Key) -> Option<Action> {
        shortcut_of(code, &logical, false).map(|shortcut| (shortcut.action)())
    }

    fn character(text: &str) -> Key {
        Key::Character(text.into())
    }

    #[test]
    fn no_shortcut_is_taken_twice() {
        for (place, shortcut) in SHORTCUTS.iter().enumerate() {
            for other in &SHORTCUTS[..place] {
                assert_ne!(shortcut.key, other.key);
                assert_ne!(shortcut.key_text, other.key_text);
            }
        }
    }

    #[test]
    fn letters_go_by_what_the_key_produces() {
        assert_eq!(action(KeyCode::KeyP, character("p")), Some(Action::TogglePanel));
        assert_eq!(action(KeyCode::KeyP, character("P")), Some(Action::TogglePanel));
        // Dvorak has P where QWERTY has R, and L where it has P.
        assert_eq!(action(KeyCode::KeyR, character("p")), Some(Action::TogglePanel));
        assert_eq!(action(KeyCode::KeyP, character("l")), None);
        // A Cyrillic layout has no P: the key's place counts.
        assert_eq!(action(KeyCode::KeyP, character("з")), Some(Action::TogglePanel));
    }

    #[test]
    fn the_question_mark_is_found_on_any_layout() {
        assert_eq!(action(KeyCode::Slash, character("?")), Some(Action::ToggleHelp));
        // German: Shift and the key right of 0.
        assert_eq!(action(KeyCode::Minus, character("?")), Some(Action::ToggleHelp));
        assert_eq!(action(KeyCode::Slash, character("/")), None);
        assert_eq!(action(KeyCode::Slash, character("-")), None);
    }

    #[test]
    fn other_keys_go_by_their_place() {
        assert_eq!(action(KeyCode::Space, Key::Space), Some(Action::ToggleFollowing));
        assert_eq!(action(KeyCode::ArrowDown, Key::ArrowDown), Some(Action::NextRun));
        assert_eq!(action(KeyCode::Escape, Key::Escape), Some(Action::Back));
        assert_eq!(action(KeyCode::F11, Key::F11), Some(Action::ToggleFullscreen));
    }

    #[test]
    fn chords_belong_to_the_system() {
        assert!(shortcut_of(KeyCode::KeyP, &character("p"), true).is_none());
    }

    fn app(wants_keyboard: bool) -> App {
        let mut app = App::new();
        let mut wanted = EguiWantsInput::default();
        if wants_keyboard {
            wanted = wanting_keyboard();
        }
        app.insert_resource(wanted)
            .init_resource::<PanelDialog>()
            .init_resource::<ButtonInput<KeyCode>>()
            .add_message::<KeyboardInput>()
            .add_message::<Action>()
            .add_systems(Update, read_keys);
        app
    }

    /// What bevy_egui says while a text field has the focus.
    fn wanting_keyboard() -> EguiWantsInput {
        use bevy_egui::{EguiContext, egui};
        let mut world = World::new();
        world.init_resource::<EguiWantsInput>();
        let mut context = EguiContext::default();
        let mut text = String::new();
        for _ in 0..2 {
            let mut output = context.get_mut().clone().run_ui(egui::RawInput::default(), |ui| {
                ui.text_edit_singleline(&mut text).request_focus();
            });
            output.textures_delta.clear();
        }
        world.spawn(context);
        let _ = world.run_system_cached(bevy_egui::input::write_egui_wants_input_system);
        world.resource::<EguiWantsInput>().clone()
    }

    fn press(app: &mut App, key_code: KeyCode, logical_key: Key, repeat: bool) -> Vec<Action> {
        app.world_mut().write_message(KeyboardInput {
            key_code,
            logical_key,
            state: ButtonState::Pressed,
            text: None,
            repeat,
            window: Entity::PLACEHOLDER,
        });
        app.update();
        app.world_mut().resource_mut::<Messages<Action>>().drain().collect()
    }

    #[test]
    fn a_key_becomes_an_action_once() {
        let mut app = app(false);
        let key = || character("f");
        assert_eq!(press(&mut app, KeyCode::KeyF, key(), false), [Action::Fit]);
        assert!(press(&mut app, KeyCode::KeyF, key(), true).is_empty());
        let next = press(&mut app, KeyCode::ArrowDown, Key::ArrowDown, true);
        assert_eq!(next, [Action::NextRun]);
    }

    #[test]
    fn keys_that_act_on_runs_are_none_where_that_is_not_allowed() {
        let keys = [(KeyCode::KeyN, "n"), (KeyCode::KeyX, "x"), (KeyCode::KeyR, "r")];
        for (key, text) in keys {
            let mut app = app(false);
            assert!(press(&mut app, key, character(text), false).is_empty());
            app.insert_resource(RunOperations::new(false));
            assert!(press(&mut app, key, character(text), false).is_empty());
            app.insert_resource(RunOperations::new(true));
            let asked = press(&mut app, key, character(text), false);
            assert!(matches!(asked[..], [Action::Ask(_, None)]), "{asked:?}");
            assert!(press(&mut app, key, character(text), true).is_empty(), "held down");
        }
    }

    #[test]
    fn a_question_is_answered_before_any_other_key_does_something() {
        let mut app = app(false);
        let dialog = Some(ConfirmDialog {
            kind: OperationKind::Start,
            run: None,
            song_id: String::new(),
            seed: None,
        });
        let mut operations = RunOperations::new(true);
        operations.dialog = dialog;
        app.insert_resource(operations);
        for (key, logical) in [
            (KeyCode::KeyP, character("p")),
            (KeyCode::KeyX, character("x")),
            (KeyCode::Escape, Key::Escape),
        ] {
            assert!(press(&mut app, key, logical, false).is_empty(), "{key:?}");
        }
        assert_eq!(press(&mut app, KeyCode::F11, Key::F11, false), [Action::ToggleFullscreen]);
    }

    #[test]
    fn the_pointer_belongs_to_the_panel_above_it() {
        let mut app = app(false);
        app.init_resource::<PanelArea>();
        let mut window = Window { resolution: (1920, 1080).into(), ..Window::default() };
        window.set_cursor_position(Some(Vec2::new(1500.0, 10.0)));
        app.world_mut().spawn((window, PrimaryWindow));
        for (width_px, expected) in [(0.0, false), (400.0, false), (556.0, true)] {
            app.insert_resource(PanelArea { width_px });
            let taken = app.world_mut().run_system_cached(pointer_on_controls);
            assert_eq!(taken.ok(), Some(expected), "{width_px}");
        }
    }

    #[test]
    fn typing_into_a_field_is_no_shortcut() {
        let mut app = app(true);
        assert!(press(&mut app, KeyCode::KeyF, character("f"), false).is_empty());
        assert!(press(&mut app, KeyCode::Escape, Key::Escape, false).is_empty());
        let full = press(&mut app, KeyCode::F11, Key::F11, false);
        assert_eq!(full, [Action::ToggleFullscreen]);
    }
}
