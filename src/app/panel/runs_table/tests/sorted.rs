//! Sorting, filters and search.

use crate::app::panel::runs_table::columns::Column;
use bevy_egui::egui::{Key, Modifiers};

use super::*;
use crate::export::TableForm;

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

/// Runs whose order differs by each column: `late` and `early` run, with different times to go; `good` and `bad`
/// finished, with different scores.
fn valued_runs() -> Vec<String> {
    let scored = |second: u32, run: &str, total: f64| {
        let scores = format!(r#"{{"scores":{{"total":{total}}},"status":"pass"}}"#);
        vec![
            node(second, run, "VALIDATE", "start"),
            frame(second + 1, run, Some("VALIDATE"), "end", &scores),
        ]
    };
    let mut frames = Vec::new();
    // Estimates need the past.
    for past in 0..30 {
        let (id, from) = (format!("past-{past:02}"), past * 10);
        frames.extend([
            start(from, &id, &format!("Past {past:02}")),
            node(from, &id, "PLAN", "start"),
        ]);
        frames.extend([
            node(from + 400, &id, "PLAN", "end"),
            node(from + 400, &id, "COMPOSE", "start"),
        ]);
        frames.extend([node(from + 900, &id, "COMPOSE", "end"), end(from + 900, &id, "end")]);
    }
    frames.push(start(1_210, "good", "Birch"));
    frames.extend(scored(1_220, "good", 0.95));
    frames.push(end(1_300, "good", "end"));
    frames.push(start(1_200, "bad", "Cedar"));
    frames.extend(scored(1_230, "bad", 0.71));
    frames.push(end(1_280, "bad", "end"));
    frames.push(start(1_450, "late", "Dune"));
    frames.push(node(1_451, "late", "PLAN", "start"));
    frames.push(start(1_400, "early", "Amber"));
    frames.push(node(1_401, "early", "PLAN", "start"));
    frames.extend([node(1_700, "early", "PLAN", "end"), node(1_700, "early", "COMPOSE", "start")]);
    frames
}

#[test]
fn every_column_sorts_by_its_values_in_both_directions() {
    let mut harness = Scene::new(&valued_runs()).harness(1_400.0, 500.0);
    let ours = |harness: &Harness<Scene>| -> Vec<String> {
        listed(harness).into_iter().filter(|run| !run.starts_with("past")).collect()
    };
    for (column, first, second) in [
        // Equal values stand newest first in both directions.
        ("status", ["late", "early", "good", "bad"], ["good", "bad", "late", "early"]),
        ("song", ["early", "good", "bad", "late"], ["late", "bad", "good", "early"]),
        ("run id", ["bad", "early", "good", "late"], ["late", "good", "early", "bad"]),
        ("step", ["late", "early", "good", "bad"], ["good", "bad", "early", "late"]),
        ("elapsed", ["early", "late", "good", "bad"], ["bad", "good", "late", "early"]),
        // What is not known stands last in both directions.
        ("to go", ["early", "late", "good", "bad"], ["late", "early", "good", "bad"]),
        ("started", ["late", "early", "good", "bad"], ["bad", "good", "early", "late"]),
        ("ended", ["good", "bad", "late", "early"], ["bad", "good", "late", "early"]),
        ("score", ["good", "bad", "late", "early"], ["bad", "good", "late", "early"]),
    ] {
        let state = &mut harness.state_mut().state;
        state.prefs.sort = if column == "song" { Column::RunId } else { Column::Song };
        harness.run();
        harness.get_by_label(&format!("Sort by {column}")).click();
        harness.run();
        assert_eq!(ours(&harness), first, "{column}");
        harness.get_by_label_contains(&format!("Sort by {column}, sorted")).click();
        harness.run();
        assert_eq!(ours(&harness), second, "{column}, turned round");
    }
    // The second run of a song has more attempts than the first.
    let mut harness = shown();
    harness.get_by_label("Sort by attempts").click();
    harness.run();
    assert_eq!(listed(&harness)[0], "run-a2");
    harness.get_by_label("Sort by attempts, sorted downwards").click();
    harness.run();
    assert_eq!(listed(&harness)[4], "run-a2");
}

#[test]
fn end_of_a_run_is_shown_where_there_is_room_and_sorts_everywhere() {
    let harness = Scene::new(&four_songs()).harness(1_100.0, 500.0);
    harness.get_by_label("Sort by ended");
    assert!(has_row(&harness, "started 10:00:10, ended 10:02:10"), "run-b");
    for width in [948.0, 600.0] {
        let mut harness = Scene::new(&four_songs()).harness(width, 500.0);
        assert!(harness.query_by_label("Sort by ended").is_none(), "{width}");
        harness.get_by_label("Columns").click();
        harness.run();
        harness.get_by_label("Sort by ended").click();
        harness.run();
        assert_eq!(listed(&harness)[..3], ["run-b", "run-c", "run-a1"], "{width}: last end first");
    }
    let mut harness = Scene::new(&four_songs()).harness(948.0, 500.0);
    harness.get_by_label("Sort by song").click_secondary();
    harness.run();
    harness.get_by_label("Sort by ended").click();
    harness.run();
    assert_eq!(listed(&harness)[0], "run-b");
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
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Sort by attempts").is_none());
    harness.get_by_label("Columns").click();
    harness.run();
    harness.get_by_label("attempts").click();
    harness.run();
    harness.get_by_label("Sort by attempts");
}

#[test]
fn export_button_asks_for_the_dialog_that_writes_the_listed_runs() {
    let mut harness = shown();
    harness.state_mut().state.search = "amber".to_owned();
    harness.run();
    for (item, form) in [
        ("Save the listed runs as NDJSON", TableForm::Ndjson),
        ("Save the listed runs as CSV", TableForm::Csv),
    ] {
        harness.get_by_label("Export").click();
        harness.run();
        harness.get_by_label(item).click();
        harness.run();
        assert_eq!(harness.state_mut().state.wants_export.take(), Some(form));
    }
    let Scene { run_store, state, .. } = harness.state();
    let csv = export_runs(run_store, state.listed(), TableForm::Csv);
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
