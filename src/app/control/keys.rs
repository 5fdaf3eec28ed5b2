//! Keyboard input: turns keys into [`Action`]s, by the table in [`ACTIONS`]. A key whose action has no effect
//! now tells the reason.

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::prelude::*;

use super::situation::SituationInput;
use super::transport::Refusals;
use crate::app::state::actions::{ACTIONS, Action, ActionEntry, KeyCombination, Scope, With};
use crate::app::state::chrome::{Chrome, KeyboardFocus, PanelDialog};
use crate::app::state::desk::Desk;
use crate::app::state::view::View;

/// State of the controls that take keys before the views do.
#[derive(bevy::ecs::system::SystemParam)]
pub(super) struct KeyTakers<'w> {
    focus: Option<Res<'w, KeyboardFocus>>,
    dialog: Res<'w, PanelDialog>,
    chrome: Option<Res<'w, Chrome>>,
    desk: Option<Res<'w, Desk>>,
    view: Option<Res<'w, View>>,
}

impl KeyTakers<'_> {
    /// True when a control takes these keys, and the action must not be performed.
    fn take(
        &self,
        keys: &KeyCombination,
        action: &Action,
        has_shift: bool,
        is_asked: bool,
    ) -> bool {
        let focus = self.focus.as_deref().copied().unwrap_or_default();
        let is_palette = self.chrome.as_ref().is_some_and(|chrome| chrome.palette);
        let is_comparing = self.view.as_deref() == Some(&View::Desk)
            && self.desk.as_ref().is_some_and(|desk| desk.is_comparing);
        let is_digit = keys.text.starts_with(|sign: char| sign.is_ascii_digit());
        let swaps = has_shift && keys.key == KeyCode::KeyC;
        match action {
            Action::ToggleFullscreen => false,
            _ if is_asked => true,
            Action::TogglePalette => false,
            _ if is_palette => true,
            Action::ToggleSettings => false,
            _ if self.chrome.as_ref().is_some_and(|chrome| chrome.settings) => true,
            _ if is_comparing && keys.with != With::Control && (is_digit || swaps) => true,
            // Texts and events have copies of their own.
            Action::CopyRun => match focus {
                KeyboardFocus::View => false,
                KeyboardFocus::List { has_failures } => has_failures,
                KeyboardFocus::Control | KeyboardFocus::Text => true,
            },
            // Esc first goes to the innermost element: a text field, a menu or a window of the panel.
            Action::Back => self.dialog.0 || focus != KeyboardFocus::View,
            _ => match focus {
                KeyboardFocus::View => false,
                KeyboardFocus::Control => moves_focus(keys.key),
                KeyboardFocus::List { has_failures } => match keys.key {
                    KeyCode::BracketLeft | KeyCode::BracketRight => has_failures,
                    KeyCode::Space => false,
                    KeyCode::ArrowLeft | KeyCode::ArrowRight => keys.with == With::Shift,
                    key => moves_focus(key),
                },
                // Text fields use Ctrl with arrows.
                KeyboardFocus::Text => keys.with != With::Control || !keys.is_character(),
            },
        }
    }
}

/// True for keys with which a control is operated and left.
fn moves_focus(key: KeyCode) -> bool {
    matches!(
        key,
        KeyCode::Space
            | KeyCode::Enter
            | KeyCode::ArrowLeft
            | KeyCode::ArrowRight
            | KeyCode::ArrowUp
            | KeyCode::ArrowDown
            | KeyCode::Home
            | KeyCode::End
    )
}

pub(super) fn read_keys(
    mut pressed: MessageReader<KeyboardInput>,
    held: Res<ButtonInput<KeyCode>>,
    takers: KeyTakers,
    input: SituationInput,
    mut refusals: ResMut<Refusals>,
    mut modifiers: Local<Modifiers>,
    mut actions: MessageWriter<Action>,
) {
    for key in pressed.read() {
        // A frame can have a modifier's press, keys with it, and its release.
        modifiers.follow(key.key_code, key.state);
        if key.state != ButtonState::Pressed {
            continue;
        }
        let Some((entry, keys)) = find(key.key_code, &key.logical_key, *modifiers, input.view())
        else {
            continue;
        };
        let action = (entry.action)();
        let is_taken = takers.take(keys, &action, modifiers.has_shift(), input.is_asked());
        if is_taken || (key.repeat && !entry.repeats) {
            continue;
        }
        match input.situation().check(&action) {
            Ok(()) => {
                actions.write(action);
            }
            Err(obstacle) => refusals.push(&obstacle.to_string()),
        }
    }
    // A window that lost the focus is told of no releases.
    *modifiers = Modifiers::held(&held);
}

/// Modifiers that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    shift: [bool; 2],
    control: [bool; 2],
    /// Left and right key with the system's sign; on a Mac it is Cmd.
    system: [bool; 2],
    alt: bool,
    /// Right Alt. Many layouts need it to type `[`, and Windows then reports Ctrl, too.
    alt_graph: bool,
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
            KeyCode::SuperLeft => &mut self.system[0],
            KeyCode::SuperRight => &mut self.system[1],
            KeyCode::AltLeft => &mut self.alt,
            KeyCode::AltRight => &mut self.alt_graph,
            _ => return,
        };
        *place = state == ButtonState::Pressed;
    }

    fn has_shift(self) -> bool {
        self.shift != [false; 2]
    }

    /// Returns the modifiers as the table has them; `None` where they make a key none of ours.
    fn with(self) -> Option<(With, bool)> {
        let has = |keys: [bool; 2]| keys != [false; 2];
        let (mut command, mut other) = (has(self.control), has(self.system));
        if cfg!(target_os = "macos") {
            std::mem::swap(&mut command, &mut other);
        }
        let has_shift = has(self.shift);
        match (command && !self.alt_graph, has_shift) {
            _ if other || self.alt => None,
            (true, _) => Some((With::Control, has_shift)),
            (false, true) => Some((With::Shift, true)),
            (false, false) => Some((With::Nothing, false)),
        }
    }
}

/// Finds the entry of a key in a view, and the combination that was pressed. Letters and signs match the
/// character that the key produces, but on non-Latin layouts letters match the physical key. All other keys
/// match the physical key, and so do digits that the layout has only with Shift.
fn find(
    code: KeyCode,
    logical: &Key,
    modifiers: Modifiers,
    view: View,
) -> Option<(&'static ActionEntry, &'static KeyCombination)> {
    let (with, has_shift) = modifiers.with()?;
    let produced = match logical {
        Key::Character(text) => Some(text.as_str()),
        _ => None,
    };
    let latin = produced.filter(|text| text.is_ascii());
    let is_meant = |keys: &KeyCombination| match latin {
        _ if !keys.is_character() => code == keys.key,
        // `+` needs Shift on many layouts.
        Some("=") if keys.text == "+" => true,
        Some(text) => text.eq_ignore_ascii_case(keys.text),
        None => code == keys.key && code != KeyCode::Slash,
    };
    let is_digit = |keys: &KeyCombination| {
        keys.text.starts_with(|sign: char| sign.is_ascii_digit()) && code == keys.key
    };
    // Shift types some signs, and else counts only where the table has it.
    let fits = |keys: &KeyCombination, exact: bool| match keys.with {
        With::Control => with == With::Control && (!has_shift || keys.is_character()),
        With::Shift => with == With::Shift,
        With::Nothing => with == With::Nothing || (with == With::Shift && !exact),
    };
    let entries = || {
        ACTIONS
            .iter()
            .filter(|entry| entry.exists() && entry.scope.contains(view))
            .flat_map(|entry| entry.keys.iter().map(move |keys| (entry, keys)))
    };
    // The view's own keys come first.
    for is_own in [true, false] {
        let own = || entries().filter(|(entry, _)| (entry.scope != Scope::Anywhere) == is_own);
        for exact in [true, false] {
            let by_sign = own().find(|(_, keys)| fits(keys, exact) && is_meant(keys));
            let found =
                by_sign.or_else(|| own().find(|(_, keys)| fits(keys, exact) && is_digit(keys)));
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use bevy::window::PrimaryWindow;

    use super::*;
    use crate::app::control::confirmation::ConfirmDialog;
    use crate::app::control::presses::pointer_on_controls;
    use crate::app::control::run_operations::RunOperations;
    use crate::app::state::actions::{OperationKind, Transport};
    use crate::app::state::viewport::PanelArea;

    const STAGE: View = View::Stage { from_wall: false };

    fn action(code: KeyCode, logical: Key) -> Option<Action> {
        find(code, &logical, Modifiers::default(), STAGE).map(|(entry, _)| (entry.action)())
    }

    fn character(text: &str) -> Key {
        Key::Character(text.into())
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
        assert_eq!(action(KeyCode::Slash, character("/")), Some(Action::SearchRuns));
        let timeline = View::named(crate::config::ViewName::Timeline, false);
        let found = |text: &str| {
            let none = Modifiers::default();
            find(KeyCode::Slash, &character(text), none, timeline).map(|(it, _)| (it.action)())
        };
        assert_eq!(found("-"), Some(Action::ZoomTime(-1)));
        // The sign above it needs Shift on many layouts.
        assert_eq!(found("="), Some(Action::ZoomTime(1)));
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
            let mut app = app(KeyboardFocus::View);
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
        let stepped = in_one_frame(&mut app(KeyboardFocus::View), &keys);
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
        let mut app = app(KeyboardFocus::View);
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

    fn app(focus: KeyboardFocus) -> App {
        let mut app = App::new();
        app.insert_resource(focus)
            .init_resource::<PanelDialog>()
            .init_resource::<Refusals>()
            .init_resource::<ButtonInput<KeyCode>>()
            .add_message::<KeyboardInput>()
            .add_message::<Action>()
            .add_systems(Update, read_keys);
        app
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
        let mut app = app(KeyboardFocus::View);
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
            let mut app = app(KeyboardFocus::View);
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
    fn key_without_effect_tells_the_reason() {
        let told = |app: &mut App| app.world_mut().resource_mut::<Refusals>().take();
        let keys = [(KeyCode::KeyN, "n"), (KeyCode::KeyX, "x"), (KeyCode::KeyR, "r")];
        for (key, text) in keys {
            let mut app = app(KeyboardFocus::View);
            app.insert_resource(RunOperations::new(false));
            assert!(press(&mut app, key, character(text), false).is_empty());
            assert!(told(&mut app).concat().contains("--allow-actions"));
            app.insert_resource(RunOperations::new(true));
            assert!(press(&mut app, key, character(text), false).is_empty());
            assert!(told(&mut app).concat().contains("app"));
        }
        let mut app = app(KeyboardFocus::View);
        assert!(press(&mut app, KeyCode::F6, Key::F6, false).is_empty());
        assert!(told(&mut app).concat().contains("only for the demo studio"));
        assert!(press(&mut app, KeyCode::KeyL, character("l"), false).is_empty());
        assert_eq!(told(&mut app), ["the newest moment is shown already"]);
    }

    #[test]
    fn keys_with_control_count_by_the_letter_and_in_text_fields() {
        let mut app = app(KeyboardFocus::Text);
        app.world_mut().resource_mut::<ButtonInput<KeyCode>>().press(KeyCode::ControlLeft);
        press(&mut app, KeyCode::ControlLeft, Key::Control, false);
        let open = press(&mut app, KeyCode::KeyO, character("o"), false);
        assert_eq!(open, [Action::ChooseFiles]);
        let find = press(&mut app, KeyCode::KeyK, character("k"), false);
        assert_eq!(find, [Action::TogglePalette]);
        // A Cyrillic layout has no K.
        let find = press(&mut app, KeyCode::KeyK, character("л"), false);
        assert_eq!(find, [Action::TogglePalette]);
        // Text fields use Ctrl A and Ctrl with arrows.
        assert!(press(&mut app, KeyCode::KeyA, character("a"), false).is_empty());
        assert!(press(&mut app, KeyCode::ArrowLeft, Key::ArrowLeft, false).is_empty());
        let larger = press(&mut app, KeyCode::Equal, character("="), true);
        assert_eq!(larger, [Action::ScaleControls(1)]);
    }

    #[test]
    fn focused_list_moves_by_keys_and_leaves_time_to_the_display() {
        for has_failures in [false, true] {
            let mut app = app(KeyboardFocus::List { has_failures });
            let space = press(&mut app, KeyCode::Space, Key::Space, false);
            assert_eq!(space, [Action::Time(Transport::TogglePlaying)]);
            let back = press(&mut app, KeyCode::ArrowLeft, Key::ArrowLeft, false);
            assert_eq!(back, [Action::Time(Transport::Skip(-1))]);
            assert!(press(&mut app, KeyCode::ArrowDown, Key::ArrowDown, false).is_empty());
            assert!(press(&mut app, KeyCode::Home, Key::Home, false).is_empty());
            let failure = press(&mut app, KeyCode::BracketLeft, character("["), false);
            assert_eq!(failure.is_empty(), has_failures, "one failure, not two");
        }
    }

    #[test]
    fn focused_control_takes_the_keys_that_operate_it_and_leaves_the_others() {
        let mut app = app(KeyboardFocus::Control);
        for (key, logical) in [
            (KeyCode::Space, Key::Space),
            (KeyCode::Enter, Key::Enter),
            (KeyCode::ArrowDown, Key::ArrowDown),
            (KeyCode::Escape, Key::Escape),
        ] {
            assert!(press(&mut app, key, logical, false).is_empty(), "{key:?}");
        }
        let desk = press(&mut app, KeyCode::KeyD, character("d"), false);
        assert_eq!(desk, [Action::ToggleDesk]);
    }

    #[test]
    fn open_confirmation_dialog_blocks_other_keys_except_f11() {
        let mut app = app(KeyboardFocus::View);
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
        let mut app = app(KeyboardFocus::View);
        app.init_resource::<PanelArea>().init_resource::<bevy_egui::input::EguiWantsInput>();
        let mut window = Window { resolution: (1920, 1080).into(), ..Window::default() };
        window.set_cursor_position(Some(Vec2::new(1500.0, 10.0)));
        app.world_mut().spawn((window, PrimaryWindow));
        for (size_px, expected) in [(0.0, false), (400.0, false), (556.0, true)] {
            app.insert_resource(PanelArea { size_px, ..default() });
            let taken = app.world_mut().run_system_cached(pointer_on_controls);
            assert_eq!(taken.ok(), Some(expected), "{size_px}");
        }
    }

    #[test]
    fn text_fields_block_shortcuts_except_f11() {
        let mut app = app(KeyboardFocus::Text);
        assert!(press(&mut app, KeyCode::KeyF, character("f"), false).is_empty());
        assert!(press(&mut app, KeyCode::Escape, Key::Escape, false).is_empty());
        let full = press(&mut app, KeyCode::F11, Key::F11, false);
        assert_eq!(full, [Action::ToggleFullscreen]);
    }

    #[test]
    fn open_settings_take_all_keys_but_those_of_the_palette() {
        let mut app = app(KeyboardFocus::View);
        app.insert_resource(Chrome { settings: true, ..Chrome::default() });
        assert!(press(&mut app, KeyCode::KeyP, character("p"), false).is_empty());
        assert!(press(&mut app, KeyCode::Escape, Key::Escape, false).is_empty());
        app.world_mut().resource_mut::<ButtonInput<KeyCode>>().press(KeyCode::ControlLeft);
        press(&mut app, KeyCode::ControlLeft, Key::Control, false);
        let asked = press(&mut app, KeyCode::KeyK, character("k"), false);
        assert_eq!(asked, [Action::TogglePalette]);
    }
}
