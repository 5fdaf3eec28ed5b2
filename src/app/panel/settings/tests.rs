//! Tests of the settings by labels, keyboard and mouse.

use bevy_egui::egui::accesskit::Role;
use bevy_egui::egui::{Event, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::*;
use crate::app::panel::testing::settings_table;
use crate::config::SettingsTable;

struct Scene {
    table: SettingsTable,
    state: SettingsState,
    refusal: Option<(String, String)>,
    actions: Vec<Action>,
}

fn scene() -> Scene {
    Scene {
        table: settings_table(),
        state: SettingsState::default(),
        refusal: None,
        actions: Vec::new(),
    }
}

fn open_at(width: f32, scene: Scene) -> Harness<'static, Scene> {
    let mut harness =
        Harness::builder().with_size(vec2(width, 900.0)).with_max_steps(40).build_ui_state(
            |ui, scene: &mut Scene| {
                if !style::install_style(ui.ctx(), Theme::default()) {
                    return;
                }
                let refusal = scene.refusal.as_ref();
                let view = SettingsView {
                    table: &scene.table,
                    refusal: refusal.map(|(name, reason)| (name.as_str(), reason.as_str())),
                    saved: Some("saved 2 s ago".to_owned()),
                };
                let wanted = settings_ui(ui.ctx(), &view, &mut scene.state, true);
                scene.actions.extend(wanted);
            },
            scene,
        );
    harness.run_steps(4);
    harness
}

fn open() -> Harness<'static, Scene> {
    open_at(1280.0, scene())
}

fn press(harness: &mut Harness<Scene>, key: Key) {
    harness.key_press(key);
    harness.run_steps(3);
}

fn type_text(harness: &mut Harness<Scene>, text: &str) {
    harness.event(Event::Text(text.to_owned()));
    harness.run_steps(3);
}

fn change(name: &str, value: Option<&str>) -> Action {
    Action::ChangeSetting(name.to_owned(), value.map(|value| vec![value.to_owned()]))
}

#[test]
fn every_row_says_where_its_value_comes_from() {
    let harness = open();
    for label in [
        "Source: file line 2",
        "Token file: environment METERBRIDGE_TOKEN_FILE",
        "Reconnect delay: file line 13",
        "Probe secs: default",
        "Director: file line 18, profile wall-3",
        "Time zone: flag --time-zone",
    ] {
        assert!(harness.query_by_label(label).is_some(), "{label}");
    }
    let resets = harness.query_all_by_label_contains("Reset ").count();
    assert_eq!(resets, 4, "only what the file sets can be reset");
    let saved = "saved 2 s ago in ~/.config/meterbridge/settings.toml";
    assert!(harness.query_by_label(saved).is_some());
}

#[test]
fn mistake_in_the_file_is_quoted_above_the_rows() {
    let mut harness = open();
    for text in [
        "settings.toml, line 12, column 14: expected 0, or seconds from 1 to 86400, such as 30",
        "12 | probe-secs = \"soon\"",
        "The default of 30 is used; all other lines are used.",
    ] {
        assert!(harness.query_by_label(text).is_some(), "{text}");
    }
    harness.get_by_label("Read again").click();
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [Action::ReadSettings]);
}

#[test]
fn search_and_enter_toggle_a_switch() {
    let mut harness = open();
    type_text(&mut harness, "reduced");
    assert!(harness.query_by_label("Source: file line 2").is_none());
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::Enter);
    assert_eq!(harness.state().actions, [change("reduced-motion", Some("yes"))]);
    press(&mut harness, Key::Escape);
    assert!(harness.query_by_label("Source: file line 2").is_some(), "the search is cleared first");
    press(&mut harness, Key::Escape);
    assert_eq!(harness.state().actions.last(), Some(&Action::ToggleSettings));
}

#[test]
fn search_covers_descriptions_and_values() {
    let mut harness = open();
    type_text(&mut harness, "/run/tok");
    assert!(harness.query_by_label("Token file: environment METERBRIDGE_TOKEN_FILE").is_some());
    assert!(harness.query_by_label("Reconnect delay: file line 13").is_none());
    type_text(&mut harness, "zzz");
    harness.get_by_label("Show all settings").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Reconnect delay: file line 13").is_some());
}

#[test]
fn switch_changes_by_a_click() {
    let mut harness = open();
    // The group has the same name.
    harness.get_by_role_and_label(Role::CheckBox, "Director").click();
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [change("director", Some("no"))]);
}

#[test]
fn number_is_typed_and_saved_by_enter_alone() {
    let mut harness = open();
    type_text(&mut harness, "reconnect");
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::Enter);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(3);
    type_text(&mut harness, "2.5");
    assert!(harness.state().actions.is_empty(), "nothing is saved while it is typed");
    press(&mut harness, Key::Enter);
    assert_eq!(harness.state().actions, [change("reconnect-delay", Some("2.5"))]);
}

#[test]
fn escape_gives_up_what_is_typed() {
    let mut harness = open();
    type_text(&mut harness, "reconnect");
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::Enter);
    type_text(&mut harness, "77");
    press(&mut harness, Key::Escape);
    assert!(harness.state().actions.is_empty(), "{:?}", harness.state().actions);
    let field = harness.get_by_label("Reconnect delay");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("10"));
}

#[test]
fn emptied_field_and_backspace_reset_what_the_file_sets() {
    let mut harness = open();
    harness.state_mut().state.chosen = Some("reconnect-delay".to_owned());
    press(&mut harness, Key::Backspace);
    assert_eq!(harness.state().actions, [change("reconnect-delay", None)]);
    harness.state_mut().state.chosen = Some("probe-secs".to_owned());
    press(&mut harness, Key::Backspace);
    assert_eq!(harness.state().actions.len(), 1, "the file does not set it");
    harness.get_by_label("Reset Theme").click();
    harness.run_steps(3);
    assert_eq!(harness.state().actions.last(), Some(&change("theme", None)));
}

#[test]
fn value_is_chosen_from_a_list() {
    let mut harness = open();
    harness.get_by_label("Theme").click();
    harness.run_steps(4);
    harness.get_by_label("dark").click();
    harness.run_steps(4);
    assert_eq!(harness.state().actions, [change("theme", Some("dark"))]);
}

#[test]
fn control_z_takes_back_the_last_change() {
    let mut harness = open();
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [], "these are the keys for the opposite");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [Action::UndoSetting]);
}

#[test]
fn only_changed_and_groups_limit_the_rows() {
    let mut harness = open();
    harness.get_by_label("only changed, 6").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Probe secs: default").is_none());
    harness.get_by_label("View, 2").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Theme: file line 4").is_some());
    assert!(harness.query_by_label("Reconnect delay: file line 13").is_none());
}

#[test]
fn chosen_setting_is_explained_with_the_time_of_its_effect() {
    let mut harness = open();
    let about = |harness: &mut Harness<Scene>, name: &str| {
        harness.state_mut().state.show(name.to_owned());
        harness.run_steps(3);
        let found = harness.query_by_label_contains(&format!("About {name}")).is_some();
        assert!(found, "{name}");
    };
    about(&mut harness, "theme");
    assert!(harness.query_by_label_contains("A change takes effect at once.").is_some());
    about(&mut harness, "director");
    assert!(harness.query_by_label_contains("A change takes effect at the next start.").is_some());
    about(&mut harness, "time-zone");
    let words =
        "Set by --time-zone: a change is saved and takes effect at the next start without it.";
    assert!(harness.query_by_label_contains(words).is_some());
}

#[test]
fn narrow_window_has_the_groups_in_a_list() {
    let mut harness = open_at(700.0, scene());
    assert!(harness.query_by_label("View, 3").is_none());
    harness.get_by_label("Group").click();
    harness.run_steps(4);
    harness.get_by_label("View, 3").click();
    harness.run_steps(4);
    assert!(harness.query_by_label("Theme: file line 4").is_some());
    assert!(harness.query_by_label("Reconnect delay: file line 13").is_none());
}

#[test]
fn profile_is_chosen_from_those_of_the_file() {
    let mut harness = open();
    harness.get_by_label("Profile").click();
    harness.run_steps(4);
    assert!(harness.query_by_label("to start with it: --profile NAME").is_some());
    harness.get_by_label("wall-2").click();
    harness.run_steps(4);
    let expected = Action::ChooseProfile(Some("wall-2".to_owned()));
    assert_eq!(harness.state().actions, [expected]);
}

#[test]
fn refused_change_of_no_setting_is_told_at_the_foot() {
    let reason = "the settings file was changed elsewhere since".to_owned();
    let scene = Scene { refusal: Some((String::new(), reason.clone())), ..scene() };
    let harness = open_at(1280.0, scene);
    assert!(harness.query_by_label(&reason).is_some());
}

#[test]
fn window_without_a_file_does_not_claim_to_save() {
    let mut scene = scene();
    scene.table.place = String::new();
    let harness = open_at(1280.0, scene);
    assert!(harness.query_by_label("no settings file is used").is_some());
}

#[test]
fn any_size_can_be_shown() {
    for width in [1.0, 60.0, 320.0, 800.0, 4_000.0] {
        let mut harness = open_at(width, scene());
        harness.set_size(vec2(width, 90.0));
        harness.run_steps(3);
    }
}
