//! Keyboard input: turns keys into [`Action`]s, by the table in [`SHORTCUTS`].

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::prelude::*;
use bevy_egui::input::EguiWantsInput;

use super::run_operations::RunOperations;
use crate::app::state::actions::{Action, SHORTCUTS, Shortcut, Transport};
use crate::app::state::chrome::PanelDialog;
use crate::app::state::view::View;

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
pub(super) fn read_keys(
    mut pressed: MessageReader<KeyboardInput>,
    held: Res<ButtonInput<KeyCode>>,
    wanted: Res<EguiWantsInput>,
    dialog: Res<PanelDialog>,
    operations: Option<Res<RunOperations>>,
    view: Option<Res<View>>,
    mut modifiers: Local<Modifiers>,
    mut actions: MessageWriter<Action>,
) {
    let on_history = view.is_some_and(|view| *view == View::History);
    for input in pressed.read() {
        // A frame can have a modifier's press, keys with it, and its release.
        modifiers.follow(input.key_code, input.state);
        if input.state != ButtonState::Pressed {
            continue;
        }
        let Some(shortcut) = shortcut_of(input.key_code, &input.logical_key, *modifiers) else {
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
        let Some(action) = modifiers.of_action((shortcut.action)()) else { continue };
        let action = if on_history { in_history(action) } else { action };
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
    // A window that lost the focus is told of no releases.
    *modifiers = Modifiers::held(&held);
}

/// Returns what a key does in the history, where arrows choose in place of moving in time.
fn in_history(action: Action) -> Action {
    match action {
        Action::Time(Transport::Skip(by)) => Action::ChoosePart(by),
        Action::NextRun => Action::ChooseRow(1),
        Action::PreviousRun => Action::ChooseRow(-1),
        action => action,
    }
}

/// True when holding the key down repeats the action.
fn repeats(action: &Action) -> bool {
    matches!(
        action,
        Action::NextRun
            | Action::PreviousRun
            | Action::NextOpponent
            | Action::PreviousOpponent
            | Action::ZoomTime(_)
            | Action::ChoosePart(_)
            | Action::ChooseRow(_)
            | Action::Time(Transport::Skip(_) | Transport::NextEvent | Transport::PreviousEvent)
    )
}

/// Modifiers that are held. Right Alt is none: many layouts need it to type `[`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    shift: [bool; 2],
    control: [bool; 2],
    /// Left Alt and the keys with the system's sign, which give keys another meaning.
    other: [bool; 3],
}

impl Modifiers {
    fn held(held: &ButtonInput<KeyCode>) -> Self {
        let mut modifiers = Self::default();
        for key in held.get_pressed() {
            modifiers.follow(*key, ButtonState::Pressed);
        }
        modifiers
    }

    fn follow(&mut self, key: KeyCode, state: ButtonState) {
        let place = match key {
            KeyCode::ShiftLeft => &mut self.shift[0],
            KeyCode::ShiftRight => &mut self.shift[1],
            KeyCode::ControlLeft => &mut self.control[0],
            KeyCode::ControlRight => &mut self.control[1],
            KeyCode::AltLeft => &mut self.other[0],
            KeyCode::SuperLeft => &mut self.other[1],
            KeyCode::SuperRight => &mut self.other[2],
            _ => return,
        };
        *place = state == ButtonState::Pressed;
    }

    /// Returns the action of a key with these modifiers; `None` where they make it no key of ours. Shift
    /// matters only to arrows, because many layouts need it to type `?`.
    fn of_action(self, action: Action) -> Option<Action> {
        let has_shift = self.shift != [false; 2];
        let by = match action {
            Action::Time(Transport::Skip(by)) => by,
            _ if self.has_control() => return None,
            Action::NextRun if has_shift => return Some(Action::NextOpponent),
            Action::PreviousRun if has_shift => return Some(Action::PreviousOpponent),
            action => return Some(action),
        };
        Some(Action::Time(match (self.has_control(), has_shift) {
            (true, true) => return None,
            (true, false) if by > 0 => Transport::NextEvent,
            (true, false) => Transport::PreviousEvent,
            (false, true) => Transport::Skip(by * FAR_STEP),
            (false, false) => Transport::Skip(by),
        }))
    }

    fn has_control(self) -> bool {
        self.control != [false; 2]
    }
}

/// Factor of a step in time with Shift.
const FAR_STEP: i32 = 10;

/// Returns the shortcut of a key. Letters and signs match the character that the key produces, but on
/// non-Latin layouts letters match the physical key. All other shortcuts match the physical key, and so do
/// digits that the layout has only with Shift.
fn shortcut_of(code: KeyCode, logical: &Key, modifiers: Modifiers) -> Option<&'static Shortcut> {
    if modifiers.other != [false; 3] {
        return None;
    }
    let produced = match logical {
        Key::Character(text) => Some(text.as_str()),
        _ => None,
    };
    let latin = produced.is_some_and(|text| text.is_ascii());
    let by_sign = SHORTCUTS.iter().find(|shortcut| {
        let by_character = shortcut.key_text.chars().count() == 1 && shortcut.key_text.is_ascii();
        if by_character && (latin || shortcut.key == KeyCode::Slash) {
            produced.is_some_and(|text| text.eq_ignore_ascii_case(shortcut.key_text))
        } else {
            code == shortcut.key
        }
    });
    let is_digit =
        |shortcut: &&Shortcut| shortcut.key_text.starts_with(|c: char| c.is_ascii_digit());
    by_sign.or_else(|| SHORTCUTS.iter().filter(is_digit).find(|shortcut| shortcut.key == code))
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
        shortcut_of(code, &logical, Modifiers::default()).map(|shortcut| (shortcut.action)())
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
        assert_eq!(action(KeyCode::KeyP, character("l")), Some(Action::Time(Transport::Live)));
        assert_eq!(action(KeyCode::KeyR, character("o")), None);
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
        let toggle = Action::Time(Transport::TogglePlaying);
        assert_eq!(action(KeyCode::Space, Key::Space), Some(toggle));
        assert_eq!(action(KeyCode::ArrowDown, Key::ArrowDown), Some(Action::NextRun));
        assert_eq!(action(KeyCode::Escape, Key::Escape), Some(Action::Back));
        assert_eq!(action(KeyCode::F11, Key::F11), Some(Action::ToggleFullscreen));
    }

    #[test]
    fn keys_with_modifiers_are_ignored() {
        for modifier in [KeyCode::ControlLeft, KeyCode::AltLeft, KeyCode::SuperLeft] {
            let mut app = app(false);
            press(&mut app, modifier, Key::Control, false);
            app.world_mut().resource_mut::<ButtonInput<KeyCode>>().press(modifier);
            assert!(press(&mut app, modifier, Key::Control, false).is_empty());
            assert!(press(&mut app, KeyCode::KeyP, character("p"), false).is_empty());
        }
    }

    /// Presses or releases keys, all within one frame; returns the movements in time.
    fn in_one_frame(app: &mut App, keys: &[(KeyCode, Key, ButtonState)]) -> Vec<Transport> {
        for (key_code, logical_key, state) in keys.iter().cloned() {
            app.world_mut().write_message(KeyboardInput {
                key_code,
                logical_key,
                state,
                text: None,
                repeat: false,
                window: Entity::PLACEHOLDER,
            });
        }
        app.update();
        let actions: Vec<Action> =
            app.world_mut().resource_mut::<Messages<Action>>().drain().collect();
        let actions = actions.into_iter();
        actions.filter_map(|it| if let Action::Time(it) = it { Some(it) } else { None }).collect()
    }

    #[test]
    fn arrows_step_in_time_by_the_modifiers_that_are_held_at_their_press() {
        use ButtonState::{Pressed, Released};
        let left = |state| (KeyCode::ArrowLeft, Key::ArrowLeft, state);
        let right = |state| (KeyCode::ArrowRight, Key::ArrowRight, state);
        let shift = |state| (KeyCode::ShiftRight, Key::Shift, state);
        let control = |state| (KeyCode::ControlLeft, Key::Control, state);
        let keys = [
            left(Pressed),
            shift(Pressed),
            left(Pressed),
            shift(Released),
            control(Pressed),
            left(Pressed),
            right(Pressed),
            control(Released),
            right(Pressed),
        ];
        let stepped = in_one_frame(&mut app(false), &keys);
        let expected = [
            Transport::Skip(-1),
            Transport::Skip(-10),
            Transport::PreviousEvent,
            Transport::NextEvent,
            Transport::Skip(1),
        ];
        assert_eq!(stepped, expected);
    }

    #[test]
    fn modifier_whose_release_went_to_another_window_is_no_longer_held() {
        let mut app = app(false);
        let control = (KeyCode::ControlLeft, Key::Control, ButtonState::Pressed);
        assert!(in_one_frame(&mut app, &[control]).is_empty());
        let right = (KeyCode::ArrowRight, Key::ArrowRight, ButtonState::Pressed);
        assert_eq!(in_one_frame(&mut app, &[right]), [Transport::Skip(1)]);
    }

    #[test]
    fn digits_and_brackets_work_on_layouts_that_have_them_elsewhere() {
        let speed = |place| Some(Action::Time(Transport::Speed(place)));
        assert_eq!(action(KeyCode::Digit1, character("1")), speed(0));
        assert_eq!(action(KeyCode::Numpad7, character("7")), speed(6));
        // A French layout has digits with Shift only, and [ on the key of 5.
        assert_eq!(action(KeyCode::Digit1, character("&")), speed(0));
        let before = Some(Action::Time(Transport::PreviousFailure));
        assert_eq!(action(KeyCode::Digit5, character("[")), before);
        assert_eq!(action(KeyCode::Digit8, character("8")), None);
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
    fn arrows_choose_in_the_history_and_move_in_time_elsewhere() {
        for (view, expected) in [
            (View::History, [Action::ChoosePart(-1), Action::ChooseRow(1), Action::ChooseRow(-1)]),
            (View::Wall, [Action::Time(Transport::Skip(-1)), Action::NextRun, Action::PreviousRun]),
        ] {
            let mut app = app(false);
            app.insert_resource(view);
            let keys = [
                (KeyCode::ArrowLeft, Key::ArrowLeft),
                (KeyCode::ArrowDown, Key::ArrowDown),
                (KeyCode::ArrowUp, Key::ArrowUp),
            ];
            let told = keys.map(|(code, key)| press(&mut app, code, key, false).remove(0));
            assert_eq!(told, expected, "{view:?}");
        }
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
