//! Sorting, filters and search.

use crate::app::panel::runs_table::columns::Column;
use bevy_egui::egui::{Key, Modifiers};

use super::*;

fn shown() -> Harness<'static, Scene> {
    Scene::new(&four_songs()).harness(948.0, 500.0)
}

#[test]
fn newest_run_stands_first_at_the_beginning() {
    let harness = shown();
    assert_eq!(listed(&harness), ["run-d", "run-a2", "run-c", "run-b", "run-a1"]);
    harness.get_by_label("Sort by started, sorted downwards");
}

#[test]
fn click_on_a_head_sorts_and_a_second_one_turns_the_order_round() {
    let mut harness = shown();
    harness.get_by_label("Sort by song").click();
    harness.run();
    let by_song = ["run-a2", "run-a1", "run-b", "run-c", "run-d"];
    assert_eq!(listed(&harness), by_song, "equal songs: newest first");
    harness.get_by_label("Sort by song, sorted upwards").click();
    harness.run();
    assert_eq!(listed(&harness), ["run-d", "run-c", "run-b", "run-a2", "run-a1"]);
    assert_eq!(harness.state().state.prefs().sort, Column::Song);
}

#[test]
fn every_column_sorts() {
    let mut harness = shown();
    for (column, expected) in [
        ("status", ["run-a2", "run-d", "run-a1", "run-c", "run-b"]),
        ("run id", ["run-a1", "run-a2", "run-b", "run-c", "run-d"]),
        ("step", ["run-d", "run-a1", "run-c", "run-a2", "run-b"]),
        // Nothing is known of the time to go: newest first.
        ("to go", ["run-d", "run-a2", "run-c", "run-b", "run-a1"]),
        ("attempts", ["run-a2", "run-d", "run-c", "run-b", "run-a1"]),
        ("elapsed", ["run-a2", "run-d", "run-b", "run-c", "run-a1"]),
        ("score", ["run-d", "run-a2", "run-c", "run-b", "run-a1"]),
    ] {
        harness.get_by_label(&format!("Sort by {column}")).click();
        harness.run();
        assert_eq!(listed(&harness), expected, "{column}");
    }
}

#[test]
fn heads_sort_by_keyboard() {
    let mut harness = shown();
    harness.get_by_label("Sort by started, sorted downwards").focus();
    harness.run();
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    harness.run();
    assert_eq!(focused_label(&harness).unwrap(), "Sort by attempts");
    for _ in 0..6 {
        harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
        harness.run();
    }
    assert_eq!(focused_label(&harness).unwrap(), "Sort by song");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(listed(&harness)[0], "run-a2");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(listed(&harness)[0], "run-d");
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert!(focused_label(&harness).unwrap().starts_with("Dune, run-d"));
}

#[test]
fn chips_add_up_to_all_and_filter() {
    let mut harness = shown();
    let sum = |harness: &Harness<Scene>| {
        let counts = harness.state().state.order.counts();
        (counts.iter().sum::<usize>(), *counts)
    };
    assert_eq!(sum(&harness), (5, [1, 1, 1, 1, 1]));
    for chip in ["all 5", "running 1", "queued 1", "failed 1", "cancelled 1", "finished 1"] {
        harness.get_by_label(chip);
    }
    harness.get_by_label("failed 1").click();
    harness.run();
    assert_eq!(listed(&harness), ["run-a1"]);
    harness.get_by_label("1 of 5");
    assert_eq!(sum(&harness).0, 5, "numbers are those of the search, not of the filter");
    harness.get_by_label("failed 1").click();
    harness.run();
    assert_eq!(listed(&harness).len(), 5, "a second click takes the filter away");
}

#[test]
fn chips_are_reached_by_keyboard() {
    let mut harness = shown();
    harness.get_by_label("all 5").focus();
    harness.run();
    for _ in 0..3 {
        harness.key_press(Key::ArrowRight);
        harness.run();
    }
    assert_eq!(focused_label(&harness).unwrap(), "failed 1");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(listed(&harness), ["run-a1"]);
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert!(focused_label(&harness).unwrap().contains("run-a1"));
}

#[test]
fn search_narrows_list_and_chips() {
    let mut harness = shown();
    harness.state_mut().state.search = "am".to_owned();
    harness.run();
    assert_eq!(listed(&harness), ["run-a2", "run-a1"]);
    harness.get_by_label("2 of 5");
    harness.get_by_label("all 2");
    harness.get_by_label("finished 0");
    harness.get_by_label("Clear the search").click();
    harness.run();
    assert_eq!(listed(&harness).len(), 5);
    assert!(harness.query_by_label("Clear the search").is_none());
    harness.get_by_label("5");
}

#[test]
fn empty_lists_say_why_and_what_helps() {
    let mut harness = Scene::new(&[]).harness(948.0, 500.0);
    harness.get_by_label("No runs yet");
    harness.state_mut().receive(&four_songs());
    harness.state_mut().state.search = "har".to_owned();
    harness.run();
    harness.get_by_label("No run matches har");
    assert!(harness.query_by_label("Show all statuses").is_none(), "all states are shown");
    harness.state_mut().state.search = "birch".to_owned();
    harness.state_mut().state.status = Some(RunStatus::Failed);
    harness.run();
    harness.get_by_label("No failed run matches birch");
    harness.get_by_label("Show all statuses").click();
    harness.run();
    assert_eq!(listed(&harness), ["run-b"]);
    harness.state_mut().state.status = Some(RunStatus::Running);
    harness.run();
    harness.get_by_label("Clear search").click();
    harness.run();
    assert_eq!(listed(&harness), ["run-a2"]);
}

#[test]
fn columns_are_hidden_by_the_menu() {
    let mut harness = shown();
    harness.get_by_label("Columns").click();
    harness.run();
    harness.get_by_label("attempts").click();
    harness.run();
    assert_eq!(harness.state().state.prefs().hidden, [Column::Attempts]);
    assert!(harness.query_by_label("Sort by attempts").is_none());
    harness.get_by_label("attempts").click();
    harness.run();
    harness.get_by_label("Sort by attempts");
}

#[test]
fn export_button_asks_for_the_dialog_that_writes_the_listed_runs() {
    let mut harness = shown();
    harness.state_mut().state.search = "amber".to_owned();
    harness.run();
    harness.get_by_label("Export").click();
    harness.run();
    let Scene { run_store, state, .. } = harness.state();
    assert!(state.wants_export);
    let csv = export_csv(run_store, state.listed());
    let runs: Vec<&str> = csv.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(runs, ["run_id", "run-a2", "run-a1"]);
}

#[test]
fn choices_outlast_the_session() {
    let mut state = RunsTableState::default();
    let prefs = RunsTablePrefs {
        sort: Column::ToGo,
        descending: false,
        hidden: vec![Column::RunId, Column::Score],
    };
    let text = serde_json::to_string(&prefs).unwrap();
    assert_eq!(text, r#"{"sort":"to-go","descending":false,"hidden":["run-id","score"]}"#);
    state.set_prefs(serde_json::from_str(&text).unwrap());
    state.search = "har".to_owned();
    state.forget();
    assert_eq!(state.search, "");
    assert_eq!(state.prefs(), &prefs);
    let partly: RunsTablePrefs = serde_json::from_str(r#"{"sort":"song"}"#).unwrap();
    assert_eq!((partly.sort, partly.descending), (Column::Song, true));
}
