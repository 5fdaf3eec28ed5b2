//! The keyboard from the search to a run, and the selection.

use bevy_egui::egui::Key;

use super::*;

/// Forty runs, of which the newest stands first, and three songs that match "har".
fn forty_runs() -> Vec<String> {
    let title = |n: u32| match n {
        7 => "Glass Harbour".to_owned(),
        20 => "Winter Orchard".to_owned(),
        33 => "Harlequin".to_owned(),
        n => format!("Song {n}"),
    };
    (0..40).map(|n| start(n, &format!("run-{n:02}"), &title(n))).collect()
}

fn type_text(harness: &mut Harness<Scene>, text: &str) {
    for letter in text.chars() {
        harness.event(bevy_egui::egui::Event::Text(letter.to_string()));
        harness.run();
    }
}

#[test]
fn first_match_is_selected_in_six_keys_and_opened_with_one_more() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 500.0);
    harness.state_mut().state.focus_search();
    harness.run();
    type_text(&mut harness, "har");
    assert_eq!(listed(&harness), ["run-33", "run-20", "run-07"]);
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert!(focused_label(&harness).unwrap().starts_with("Harlequin, run-33"));
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().actions, [Action::SelectRun("run-33".into())]);
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().actions[1..], [Action::Open("run-33".into())]);
}

#[test]
fn enter_pins_a_run_that_is_only_followed() {
    let mut scene = Scene::new(&forty_runs());
    scene.focus = Focus { run: Some("run-39".into()), ..Focus::default() };
    let mut harness = scene.harness(948.0, 500.0);
    harness.state_mut().state.focus_search();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().actions, [Action::SelectRun("run-39".into())]);
}

#[test]
fn escape_clears_the_search_and_then_leaves_the_field() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 500.0);
    harness.state_mut().state.focus_search();
    harness.run();
    type_text(&mut harness, "har");
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(harness.state().state.search, "");
    assert!(focused_label(&harness).is_some_and(|label| label.starts_with("Search runs")));
    type_text(&mut harness, "x");
    assert_eq!(harness.state().state.search, "x", "the field still has the focus");
    harness.key_press(Key::Escape);
    harness.run();
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(focused_label(&harness), None);
}

#[test]
fn arrows_pages_and_ends_move_among_rows_and_keep_them_in_view() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 420.0);
    harness.state_mut().state.focus_search();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    let mut check = |key: Key, times: usize, expected: &str| {
        for _ in 0..times {
            harness.key_press(key);
            harness.run();
        }
        let label = focused_label(&harness).unwrap();
        assert!(label.contains(expected), "{key:?}: {label}");
        let row = harness.get_by_label(&label).rect();
        let list = harness.state().state.rows_rect;
        assert!(list.expand(0.5).contains_rect(row), "{key:?}: {row} in {list}");
    };
    check(Key::ArrowDown, 3, "run-36");
    check(Key::ArrowUp, 1, "run-37");
    check(Key::ArrowDown, 20, "run-17");
    check(Key::PageDown, 1, "run-08");
    check(Key::End, 1, "run-00");
    check(Key::ArrowDown, 1, "run-00");
    check(Key::PageUp, 1, "run-09");
    check(Key::Home, 1, "run-39");
    check(Key::ArrowUp, 1, "run-39");
    assert!(harness.state().actions.is_empty(), "moving selects nothing");
}

#[test]
fn focus_stays_on_its_row_while_the_list_is_scrolled_away() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 420.0);
    harness.state_mut().state.focus_search();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.state_mut().state.scroll = Some(Scroll::Reveal(39));
    harness.run();
    assert!(!has_row(&harness, "run-39"), "the row is out of view");
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert!(focused_label(&harness).unwrap().contains("run-38"));
}

#[test]
fn click_selects_and_double_click_opens() {
    let mut harness = Scene::new(&forty_runs()).harness_with(948.0, 500.0, 0.02);
    let label = |harness: &Harness<Scene>, run: &str| {
        let row = harness.query_all_by_label_contains(run).next().unwrap();
        row.accesskit_node().label().unwrap()
    };
    let row = label(&harness, "run-37");
    harness.get_by_label(&row).click();
    harness.step();
    assert_eq!(harness.state().actions, [Action::SelectRun("run-37".into())]);
    harness.run();
    assert_eq!(focused_label(&harness), Some(row.clone()));
    let at = harness.get_by_label(&label(&harness, "run-35")).rect().center();
    for _ in 0..2 {
        for pressed in [true, false] {
            harness.event(bevy_egui::egui::Event::PointerMoved(at));
            harness.event(bevy_egui::egui::Event::PointerButton {
                pos: at,
                button: bevy_egui::egui::PointerButton::Primary,
                pressed,
                modifiers: bevy_egui::egui::Modifiers::NONE,
            });
        }
    }
    harness.step();
    let asked = &harness.state().actions[1..];
    assert_eq!(asked, [Action::SelectRun("run-35".into()), Action::Open("run-35".into())]);
}

#[test]
fn selection_made_elsewhere_scrolls_into_view() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 420.0);
    assert!(!has_row(&harness, "run-05"));
    harness.state_mut().focus.pin("run-05".into());
    harness.run();
    assert!(has_row(&harness, "run-05"));
    let offset = harness.state().state.offset;
    harness.state_mut().focus.pin("run-06".into());
    harness.run();
    assert!((harness.state().state.offset - offset).abs() < 0.5, "it was in view");
}

#[test]
fn list_stays_where_it_is_while_the_newest_run_is_followed() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 420.0);
    harness.state_mut().focus = Focus { run: Some("run-05".into()), ..Focus::default() };
    harness.run();
    assert!(harness.state().state.offset.abs() < 0.5);
}

#[test]
fn selected_run_that_is_filtered_out_is_told_and_shown_on_request() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 420.0);
    harness.state_mut().focus.pin("run-05".into());
    harness.state_mut().state.search = "har".to_owned();
    harness.run();
    harness.get_by_label("selected run is not in this list");
    harness.get_by_label("Show it").click();
    harness.run();
    assert!(harness.query_by_label("selected run is not in this list").is_none());
    assert_eq!(harness.state().state.search, "");
    assert!(has_row(&harness, "run-05"));
}

#[test]
fn tab_reaches_one_chip_one_head_and_one_row() {
    let mut harness = Scene::new(&forty_runs()).harness(948.0, 420.0);
    harness.state_mut().state.focus_search();
    harness.run();
    let mut seen = Vec::new();
    for _ in 0..5 {
        harness.key_press(Key::Tab);
        harness.run();
        seen.push(focused_label(&harness).unwrap_or_default());
    }
    assert_eq!(seen[..4], ["Export", "Columns", "all 40", "Sort by started, sorted downwards"]);
    assert!(seen[4].starts_with("Song 39, run-39"), "{}", seen[4]);
}
