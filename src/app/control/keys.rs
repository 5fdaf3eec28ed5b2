//! Keyboard input: turns keys into [`Action`]s, by the table in [`SHORTCUTS`].

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
        // A page has no demo studio, and these keys are the browser's.
        if shortcut.needs_demo() && cfg!(target_arch = "wasm32") {
            continue;
        }
        // While a confirmation dialog is open, other keys are ignored.
        let is_asked = operations.as_ref().is_some_and(|operations| operations.dialog.is_some());
        let action = (shortcut.action)();
        if input.repeat && !repeats(&action) {
            continue;
        }
        let taken = match action {
            Action::ToggleFullscreen => false,
            // Esc first goes to the innermost element: a text field, a menu or a window of the
            // panel.
            Action::Back => wanted.wants_any_keyboard_input() || dialog.0 || is_asked,
            _ => wanted.wants_any_keyboard_input() || is_asked,
        };
        if !taken {
            actions.write(action);
        }
    }
}

/// True when holding the key down repeats the action.
fn repeats(action: &Action) -> bool {
    matches!(action, Action::NextRun | Action::PreviousRun | Action::ZoomTime(_))
}

/// True while a modifier is held that gives keys another meaning. Shift and right Alt do not count:
/// many layouts need them to type `?`.
fn is_chord(held: &ButtonInput<KeyCode>) -> bool {
    use KeyCode::{AltLeft, ControlLeft, ControlRight, SuperLeft, SuperRight};
    held.any_pressed([ControlLeft, ControlRight, AltLeft, SuperLeft, SuperRight])
}

/// Returns the shortcut of a key. Letters and `?` match the character that the key produces, but on
/// non-Latin layouts letters match the physical key. All other shortcuts match the physical key.
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
    fn letters_match_the_produced_character() {
        assert_eq!(action(KeyCode::KeyP, character("p")), Some(Action::TogglePanel));
        assert_eq!(action(KeyCode::KeyP, character("P")), Some(Action::TogglePanel));
        // Dvorak has P where QWERTY has R, and L where QWERTY has P.
        assert_eq!(action(KeyCode::KeyR, character("p")), Some(Action::TogglePanel));
        assert_eq!(action(KeyCode::KeyP, character("l")), None);
        // A Cyrillic layout has no P: the physical key counts.
        assert_eq!(action(KeyCode::KeyP, character("з")), Some(Action::TogglePanel));
    }

    #[test]
    fn question_mark_matches_on_any_layout() {
        assert_eq!(action(KeyCode::Slash, character("?")), Some(Action::ToggleHelp));
        // German layout: Shift and the key right of 0.
        assert_eq!(action(KeyCode::Minus, character("?")), Some(Action::ToggleHelp));
        assert_eq!(action(KeyCode::Slash, character("/")), None);
        assert_eq!(action(KeyCode::Slash, character("-")), Some(Action::ZoomTime(-1)));
    }

    #[test]
    fn other_keys_match_the_physical_key() {
        assert_eq!(action(KeyCode::Space, Key::Space), Some(Action::ToggleFollowing));
        assert_eq!(action(KeyCode::ArrowDown, Key::ArrowDown), Some(Action::NextRun));
        assert_eq!(action(KeyCode::Escape, Key::Escape), Some(Action::Back));
        assert_eq!(action(KeyCode::F11, Key::F11), Some(Action::ToggleFullscreen));
    }

    #[test]
    fn keys_with_modifiers_are_ignored() {
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

    /// Returns the value that bevy_egui sets while a text field has the focus.
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
    fn held_key_acts_once_except_navigation() {
        let mut app = app(false);
        let key = || character("f");
        assert_eq!(press(&mut app, KeyCode::KeyF, key(), false), [Action::Fit]);
        assert!(press(&mut app, KeyCode::KeyF, key(), true).is_empty());
        let next = press(&mut app, KeyCode::ArrowDown, Key::ArrowDown, true);
        assert_eq!(next, [Action::NextRun]);
    }

    #[test]
    fn operation_keys_are_ignored_unless_operations_are_allowed() {
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
    fn open_confirmation_dialog_blocks_other_keys_except_f11() {
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
    fn pointer_over_the_panel_belongs_to_controls() {
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
    fn text_fields_block_shortcuts_except_f11() {
        let mut app = app(true);
        assert!(press(&mut app, KeyCode::KeyF, character("f"), false).is_empty());
        assert!(press(&mut app, KeyCode::Escape, Key::Escape, false).is_empty());
        let full = press(&mut app, KeyCode::F11, Key::F11, false);
        assert_eq!(full, [Action::ToggleFullscreen]);
    }
}
