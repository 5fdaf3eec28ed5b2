//! Rows that stay under the pointer, the focus and the selection while runs stream in.

use bevy_egui::egui::{Event, Key, Pos2, pos2};

use super::*;

/// A hundred runs that are over, one a second from 10:00 on.
fn hundred_runs() -> Vec<String> {
    (0..100)
        .flat_map(|n| {
            let run = format!("old-{n:02}");
            [start(n, &run, &format!("Old {n}")), end(n + 30, &run, "end")]
        })
        .collect()
}

/// Starts `count` new runs, which would all stand first.
fn stream(harness: &mut Harness<Scene>, from: u32, count: u32) {
    let frames: Vec<String> =
        (from..from + count).map(|n| start(1_000 + n, &format!("new-{n:04}"), "New")).collect();
    harness.state_mut().receive(&frames);
}

/// Label of the row at a place.
fn row_at(harness: &Harness<Scene>, at: Pos2) -> String {
    let rows = harness.root().children_recursive();
    let row = rows.filter(|node| {
        let label = node.accesskit_node().label().unwrap_or_default();
        label.contains("old-") || label.contains("new-")
    });
    row.into_iter()
        .find(|node| node.rect().contains(at))
        .and_then(|node| node.accesskit_node().label())
        .unwrap_or_default()
}

#[test]
fn rows_stay_under_a_resting_pointer_while_fifty_runs_a_second_come() {
    let mut harness = Scene::new(&hundred_runs()).harness(948.0, 500.0);
    let at = pos2(300.0, 300.0);
    harness.event(Event::PointerMoved(at));
    harness.run();
    let row = row_at(&harness, at);
    assert!(row.contains("old-"), "{row}");
    let before = listed(&harness);
    let mut came = 0;
    // Ten seconds of 15 frames each.
    for _ in 0..150 {
        let count = if came % 10 == 0 { 5 } else { 3 };
        stream(&mut harness, came, count);
        came += count;
        harness.step();
        assert_eq!(row_at(&harness, at), row);
    }
    assert_eq!(listed(&harness), before);
    harness.run_steps(10);
    let waiting = harness.state().state.order.waiting();
    assert_eq!((waiting.new, waiting.matching), (came as usize, came as usize));
    harness.get_by_label(&format!("{came} new"));
    harness.get_by_label("100, order held");
    // The list goes on once the pointer is away from the rows.
    harness.event(Event::PointerMoved(pos2(500.0, 20.0)));
    harness.run();
    assert_eq!(listed(&harness).len(), 100 + came as usize);
    assert!(row_at(&harness, at).contains("new-"));
    assert!(harness.query_by_label("100, order held").is_none());
}

#[test]
fn values_in_held_rows_go_on_changing() {
    let mut scene = Scene::new(&hundred_runs());
    scene.receive(&[start(300, "live-1", "Live"), node(301, "live-1", "PLAN", "start")]);
    let mut harness = scene.harness(948.0, 500.0);
    harness.event(Event::PointerMoved(pos2(300.0, 300.0)));
    harness.run();
    assert!(has_row(&harness, "live-1, running, PLAN"));
    harness.state_mut().receive(&[
        node(303, "live-1", "PLAN", "end"),
        node(304, "live-1", "STYLE", "start"),
        start(400, "new-1", "New"),
    ]);
    harness.run();
    assert!(has_row(&harness, "live-1, running, STYLE"));
    assert_eq!(listed(&harness)[0], "live-1");
}

#[test]
fn click_on_the_chip_or_home_lets_new_runs_in() {
    let mut harness = Scene::new(&hundred_runs()).harness(948.0, 500.0);
    harness.state_mut().focus.pin("old-60".into());
    harness.run();
    assert!(harness.state().state.offset > 100.0);
    stream(&mut harness, 0, 12);
    harness.run_steps(20);
    harness.get_by_label("12 new").click();
    harness.run();
    assert_eq!(listed(&harness)[0], "new-0011");
    assert!(harness.state().state.offset.abs() < 0.5);
    assert!(harness.query_by_label("12 new").is_none());
    // The selected run holds the order again.
    stream(&mut harness, 12, 3);
    harness.run_steps(20);
    assert_eq!(listed(&harness)[0], "new-0011");
    harness.state_mut().state.focus_search();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::Home);
    harness.run();
    assert_eq!(listed(&harness)[0], "new-0014");
    assert!(focused_label(&harness).unwrap().contains("new-0014"));
}

#[test]
fn focused_row_and_scrolled_list_hold_the_order() {
    let mut harness = Scene::new(&hundred_runs()).harness(948.0, 500.0);
    harness.state_mut().state.focus_search();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    stream(&mut harness, 0, 1);
    harness.run_steps(20);
    assert_eq!(listed(&harness)[0], "old-99");
    harness.key_press(Key::Escape);
    harness.run_steps(20);
    assert_eq!(listed(&harness)[0], "new-0000", "without focus the list goes on");
    harness.state_mut().state.scroll = Some(Scroll::Reveal(50));
    harness.run();
    stream(&mut harness, 1, 1);
    harness.run_steps(20);
    assert_eq!(listed(&harness)[0], "new-0000");
    harness.state_mut().state.let_in();
    harness.run();
    assert_eq!(listed(&harness)[0], "new-0001");
}

#[test]
fn search_says_how_many_new_runs_match() {
    let mut harness = Scene::new(&hundred_runs()).harness(948.0, 500.0);
    harness.state_mut().state.search = "old 4".to_owned();
    harness.event(Event::PointerMoved(pos2(300.0, 180.0)));
    harness.run();
    let before = listed(&harness);
    stream(&mut harness, 0, 11);
    harness.state_mut().receive(&[start(2_000, "late", "Old 4 again")]);
    harness.run_steps(20);
    harness.get_by_label("12 new, 1 matches");
    assert_eq!(listed(&harness), before);
    let shown = before.len();
    harness.get_by_label(&format!("{shown} of 100, order held"));
    harness.get_by_label(&format!("all {shown}"));
}

#[test]
fn row_keeps_its_place_when_its_run_no_longer_matches_the_filter() {
    let mut harness = Scene::new(&four_songs()).harness(948.0, 500.0);
    harness.state_mut().state.status = Some(RunStatus::Running);
    harness.event(Event::PointerMoved(pos2(300.0, 125.0)));
    harness.run();
    assert_eq!(listed(&harness), ["run-a2"]);
    harness.state_mut().receive(&[end(200, "run-a2", "fail"), start(201, "run-d", "Dune")]);
    harness.run_steps(20);
    assert_eq!(listed(&harness), ["run-a2"]);
    assert!(has_row(&harness, "run-a2, failed"));
    harness.get_by_label("running 1");
    harness.get_by_label("1 more matches");
}

#[test]
fn dropped_run_leaves_its_row_empty_while_the_order_is_held() {
    let mut harness = Scene::new(&four_songs()).harness(948.0, 500.0);
    harness.event(Event::PointerMoved(pos2(300.0, 125.0)));
    harness.run();
    let now = harness.state().now;
    harness.state_mut().run_store.model.forget("run-c", now);
    harness.state_mut().run_store.generation += 1;
    harness.run_steps(20);
    harness.get_by_label("no longer kept");
    assert_eq!(listed(&harness).len(), 5);
    harness.event(Event::PointerGone);
    harness.run_steps(20);
    assert_eq!(listed(&harness).len(), 4);
}

#[test]
fn selection_of_a_new_run_elsewhere_lets_it_in() {
    let mut harness = Scene::new(&hundred_runs()).harness(948.0, 500.0);
    harness.state_mut().focus.pin("old-60".into());
    harness.run();
    stream(&mut harness, 0, 12);
    harness.run_steps(20);
    harness.state_mut().focus.pin("new-0003".into());
    harness.run();
    assert!(has_row(&harness, "new-0003"));
    // Under the pointer nothing moves: the sentence says why the run is not seen.
    harness.event(Event::PointerMoved(pos2(300.0, 300.0)));
    harness.run();
    stream(&mut harness, 12, 1);
    harness.run_steps(20);
    harness.state_mut().focus.pin("new-0012".into());
    harness.run();
    assert!(!has_row(&harness, "new-0012"));
    harness.get_by_label("selected run is not in this list");
}

#[test]
fn long_list_is_updated_at_most_four_times_a_second() {
    let frames: Vec<String> = (0..400).map(|n| start(n, &format!("r{n:03}"), "Song")).collect();
    let mut scene = Scene::new(&frames);
    let request = Request::default();
    let now = scene.now;
    let mut order = RunOrder::default();
    let mut rows = |scene: &Scene, at_secs: f64| {
        order.refresh(&scene.run_store, &request, Hold::default(), at_secs, now);
        order.rows().len()
    };
    assert_eq!(rows(&scene, 10.0), 400);
    scene.receive(&[start(500, "next", "Song")]);
    assert_eq!(rows(&scene, 10.1), 400);
    assert_eq!(rows(&scene, 10.3), 401);
}
