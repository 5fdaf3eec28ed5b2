//! Tests of the palette.

use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, kittest::NodeT};

use super::*;
use crate::app::panel::testing::settings_table;
use crate::app::panel::testing::{frame, harness, receive, run_store};
use crate::app::state::actions::Situation;
use crate::config::SettingsTable;
use crate::source::OperationRefusal;

struct Scene {
    run_store: RunStore,
    view: View,
    run: Option<RunId>,
    state: PaletteState,
    choices: Vec<PaletteChoice>,
    settings: SettingsTable,
}

fn scene() -> Scene {
    let neon = r#"{"song_title":"Neon Rain"}"#;
    let glass = r#"{"song_title":"Glass Harbour"}"#;
    let frames = [
        frame(0, "run-1", None, "start", neon),
        frame(1, "run-2", None, "start", glass),
        frame(2, "run-2", Some("RENDER"), "start", "{}"),
        frame(3, "run-1", Some("RENDER"), "fail", r#"{"error":"quota exceeded"}"#),
        frame(3, "run-1", None, "fail", r#"{"error":"quota exceeded"}"#),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    Scene {
        run_store: run_store(&frames),
        view: View::Wall,
        run: Some(RunId::from("run-2")),
        state: PaletteState::default(),
        choices: Vec::new(),
        settings: settings_table(),
    }
}

fn situation<'a>(run_store: &'a RunStore, view: View, run: Option<&RunId>) -> Situation<'a> {
    Situation {
        may_operate: true,
        acting: Err(OperationRefusal::OnlyEvents),
        run: run.and_then(|run| run_store.model.run(run)),
        ..Situation::of_view(view)
    }
}

fn open(scene: Scene) -> Harness<'static, Scene> {
    harness(scene, |ui, scene: &mut Scene| {
        let Scene { run_store, view, run, state, choices, settings } = scene;
        let situation = situation(run_store, *view, run.as_ref());
        let server_now = "2025-11-13T10:01:00Z".parse().unwrap();
        let view =
            PaletteView { run_store, situation: &situation, server_now, settings: Some(settings) };
        choices.extend(palette_ui(ui.ctx(), &view, state));
    })
}

fn type_text(harness: &mut Harness<Scene>, text: &str) {
    harness.event(egui::Event::Text(text.to_owned()));
    harness.run_steps(3);
}

fn press(harness: &mut Harness<Scene>, key: Key) {
    harness.key_press(key);
    harness.run_steps(3);
}

#[test]
fn some_letters_and_enter_open_a_run() {
    let mut harness = open(scene());
    type_text(&mut harness, "glh");
    press(&mut harness, Key::Enter);
    let expected = PaletteChoice::Action(Action::Open(RunId::from("run-2")));
    assert_eq!(harness.state().choices, [expected]);
}

#[test]
fn run_is_selected_on_the_desk_and_opened_elsewhere() {
    let mut harness = open(Scene { view: View::Desk, ..scene() });
    type_text(&mut harness, "@neon");
    press(&mut harness, Key::Enter);
    let expected = PaletteChoice::Action(Action::SelectRun(RunId::from("run-1")));
    assert_eq!(harness.state().choices, [expected]);
}

#[test]
fn every_action_is_found_by_its_name() {
    let run_store = run_store(&[]);
    for (place, entry) in ACTIONS.iter().enumerate() {
        let found = search(&format!(">{}", entry.name), None, &run_store, None, &[], None);
        assert_eq!(found[0].items[0].found, Found::Action(place), "{}", entry.name);
    }
}

#[test]
fn action_without_effect_stays_with_its_reason() {
    let mut harness = open(scene());
    type_text(&mut harness, ">retry this");
    assert!(harness.query_by_label_contains("Actions need an http:// backend or a hub").is_some());
    press(&mut harness, Key::Enter);
    assert!(harness.state().choices.is_empty());
    press(&mut harness, Key::Escape);
    assert_eq!(harness.state().choices, [PaletteChoice::Close]);
}

#[test]
fn arrows_choose_and_a_click_does_the_same() {
    let mut harness = open(scene());
    type_text(&mut harness, ">theme");
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::Enter);
    let second = harness.state().state.items().nth(1).unwrap().found.entry().unwrap();
    assert_eq!(harness.state().choices, [PaletteChoice::Action((second.action)())]);
    harness.get_by_label_contains("Light theme").click();
    harness.run_steps(3);
    let light = PaletteChoice::Action(Action::ChooseTheme(crate::config::ThemeName::Light));
    assert_eq!(harness.state().choices.last(), Some(&light));
}

#[test]
fn steps_of_the_selected_run_are_found() {
    let mut harness = open(scene());
    type_text(&mut harness, "#rend");
    press(&mut harness, Key::Enter);
    let expected = PaletteChoice::Step(RunId::from("run-2"), "RENDER".into());
    assert_eq!(harness.state().choices, [expected]);
}

#[test]
fn rows_stay_while_runs_come() {
    let mut harness = open(scene());
    type_text(&mut harness, "@");
    let before: Vec<Item> = harness.state().state.items().cloned().collect();
    assert_eq!(before.len(), 2);
    let next = frame(9, "run-3", None, "start", r#"{"song_title":"Red Kite"}"#);
    receive(&mut harness.state_mut().run_store, &[&next]);
    harness.run_steps(3);
    let after: Vec<Item> = harness.state().state.items().cloned().collect();
    assert_eq!(after, before);
}

#[test]
fn tab_shows_the_group_of_the_chosen_row_alone() {
    let mut harness = open(scene());
    let groups = |harness: &Harness<Scene>| {
        harness.state().state.results.iter().flatten().map(|it| it.group).collect::<Vec<_>>()
    };
    assert_eq!(groups(&harness), Group::ALL);
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::Tab);
    assert_eq!(groups(&harness), [Group::Actions]);
    assert_eq!(harness.state().state.items().count(), ACTIONS.len());
    press(&mut harness, Key::Tab);
    assert_eq!(groups(&harness), Group::ALL);
}

#[test]
fn actions_used_last_come_first() {
    let mut harness = open(scene());
    type_text(&mut harness, ">full screen");
    press(&mut harness, Key::Enter);
    let scene = harness.state_mut();
    scene.state.close();
    harness.run_steps(3);
    let first = harness.state().state.items().find_map(|item| item.found.entry()).unwrap();
    assert_eq!((first.action)(), Action::ToggleFullscreen);
}

#[test]
fn nothing_found_is_said() {
    let mut harness = open(scene());
    type_text(&mut harness, "qqq");
    press(&mut harness, Key::Enter);
    assert!(harness.state().choices.is_empty());
    let field = harness.get_by_label("Find a run, a step, an action, a setting");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("qqq"));
}

#[test]
fn settings_are_found_with_their_values_and_open_at_their_row() {
    let mut harness = open(scene());
    type_text(&mut harness, ":delay");
    assert!(harness.query_by_label("Reconnect delay, 10, file").is_some());
    press(&mut harness, Key::Enter);
    let expected = Action::ShowSetting("reconnect-delay".to_owned());
    assert_eq!(harness.state().choices, [PaletteChoice::Action(expected)]);
}
