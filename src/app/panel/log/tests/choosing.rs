//! Tests of chosen rows, moves and keys.

use super::*;

/// Clicks, with a frame after each part of it.
fn click(harness: &mut Harness<Scene>, place: Pos2) {
    harness.hover_at(place);
    for pressed in [true, false] {
        harness.step();
        harness.event(Event::PointerButton {
            pos: place,
            button: PointerButton::Primary,
            pressed,
            modifiers: Default::default(),
        });
    }
    harness.step();
}

fn chosen_message(scene: &Scene) -> Option<String> {
    let seq = scene.state.choice()?.head;
    let log = scene.state.shown(&scene.view()).clone();
    let raw = log.line(seq).map(|entry| log.raw(entry).to_owned())?;
    let after = raw.split_once(r#""message":""#)?.1;
    Some(after.split('"').next()?.to_owned())
}

#[test]
fn click_chooses_the_row_and_selects_its_run() {
    let mut scene = Scene::new(20);
    scene.receive(&frame(30, "run-2", Some("STYLE"), "start", "{}"));
    scene.receive(&frame(31, "run-2", Some("STYLE"), "end", "{}"));
    scene.receive(&frame(32, "run-2", None, "end", "{}"));
    let mut harness = desk(scene);
    harness.get_by_label_contains("STYLE done").click();
    harness.run_steps(2);
    assert_eq!(harness.state().actions, [Action::SelectRun("run-2".into())]);
    let chosen = harness.state().state.chosen();
    assert_eq!(chosen, Some(("run-2".into(), Some("STYLE".into()), Some(1))));
    assert!(harness.state().state.is_following(), "a click does not pause");
    assert!(harness.state().state.opened.is_none());
    harness.get_by_label_contains("workflow finished").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state.chosen(), Some(("run-2".into(), None, None)));
}

#[test]
fn move_that_a_hidden_log_could_not_make_ends() {
    let scene = Scene::new(20);
    let mut state = LogState::default();
    state.update(&scene.view(), 0.0);
    state.end_frame();
    // Asked for while another pane stands in its place, and granted only if the log is shown at once.
    state.show_event(3);
    state.end_frame();
    let mut later = state.clone();
    state.update(&scene.view(), 0.1);
    assert_eq!(state.choice().map(|choice| choice.head), Some(3));
    later.end_frame();
    assert_eq!(later.update(&scene.view(), 60.0), None, "no other run is selected");
    assert!(later.is_following() && later.choice().is_none());
}

#[test]
fn click_counts_for_the_line_pressed_in_a_growing_log() {
    let mut harness = panel(Scene::new(100));
    let place = harness.get_by_label_contains("line 90.").rect().center();
    let button = |pressed| Event::PointerButton {
        pos: place,
        button: PointerButton::Primary,
        pressed,
        modifiers: Default::default(),
    };
    harness.hover_at(place);
    harness.step();
    harness.event(button(true));
    harness.step();
    harness.state_mut().write(100, 120);
    harness.step();
    harness.event(button(false));
    harness.run_steps(2);
    assert_eq!(chosen_message(harness.state()).as_deref(), Some("line 90."));
}

#[test]
fn raw_event_opens_by_double_click_button_and_enter() {
    let opened = |harness: &Harness<Scene>| harness.state().state.opened.as_ref().map(|it| it.seq);
    let mut harness = desk(Scene::new(30));
    let place = harness.get_by_label_contains("line 20.").rect().center();
    click(&mut harness, place);
    // The row moves on between the clicks.
    harness.state_mut().write(30, 60);
    harness.step();
    click(&mut harness, place);
    harness.run_steps(2);
    assert_eq!(opened(&harness), Some(20));

    harness.state_mut().state.opened = None;
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::Enter);
    assert_eq!(opened(&harness), Some(21));

    harness.state_mut().state.opened = None;
    harness.get_by_label_contains("line 25.").hover();
    harness.run_steps(2);
    let buttons: Vec<Rect> =
        harness.query_all_by_label("Show the raw event").map(|button| button.rect()).collect();
    let row = harness.get_by_label_contains("line 25.").rect();
    let button = buttons.into_iter().find(|button| row.contains(button.center())).unwrap();
    click(&mut harness, button.center());
    harness.run_steps(2);
    assert_eq!(opened(&harness), Some(25));
}

#[test]
fn moves_go_to_failures_and_to_events_of_the_run() {
    let mut harness = desk(failures());
    let go = |harness: &mut Harness<Scene>, to: LogMove| {
        harness.state_mut().state.go(to);
        harness.run_steps(2);
        chosen_message(harness.state())
    };
    let at = |n: u32| Some(format!("event {n}"));
    assert_eq!(go(&mut harness, LogMove::FailureBefore), at(12));
    assert!(!harness.state().state.is_following(), "the rows stand still");
    assert_eq!(go(&mut harness, LogMove::FailureBefore), at(7));
    assert_eq!(harness.state().actions, [Action::SelectRun("run-2".into())]);
    assert_eq!(go(&mut harness, LogMove::NextOfRun), at(9));
    assert_eq!(go(&mut harness, LogMove::BeforeOfRun), at(7));
    assert_eq!(go(&mut harness, LogMove::FirstFailure), at(4));
    assert_eq!(go(&mut harness, LogMove::FailureBefore), at(4));
    harness.get_by_label("no earlier failure");
    harness.get_by_label("Next failure").click();
    harness.run_steps(2);
    assert_eq!(chosen_message(harness.state()), at(7));
    harness.get_by_label("Previous failure").click();
    harness.run_steps(2);
    assert_eq!(chosen_message(harness.state()), at(4));
    assert_eq!(go(&mut harness, LogMove::First), at(0));
    go(&mut harness, LogMove::Now);
    assert!(harness.state().state.is_following());
}

#[test]
fn first_failure_is_found_in_a_log_that_is_still_searched() {
    let mut scene = Scene::of(100_000);
    scene.receive(&frame(0, "run-1", None, "fail", r#"{"message":"the first"}"#));
    let frames: Vec<String> = (1..60_000_u32)
        .map(|n| frame(n % 3_600, "run-1", Some("PLAN"), "info", &format!(r#"{{"n":{n}}}"#)))
        .collect();
    receive(&mut scene.run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
    scene.state.search = "run-1".to_owned();
    let mut harness = desk(scene);
    assert!(harness.state().state.is_busy(&harness.state().view()));
    harness.state_mut().state.go(LogMove::FirstFailure);
    harness.run_steps(60);
    assert_eq!(chosen_message(harness.state()).as_deref(), Some("the first"));
    assert!(shows(&harness, "the first"), "it is in view");
}

#[test]
fn keyboard_alone_finds_chooses_copies_and_opens() {
    let mut harness = desk(failures());
    // Tab goes through the controls to the rows.
    for _ in 0..20 {
        press(&mut harness, Key::Tab);
        if harness.get_by_label_contains("Events, ").is_focused() {
            break;
        }
    }
    assert!(harness.get_by_label_contains("Events, ").is_focused());
    let chosen = |harness: &Harness<Scene>| chosen_message(harness.state()).unwrap();
    press(&mut harness, Key::ArrowUp);
    assert_eq!(chosen(&harness), "event 19");
    press(&mut harness, Key::ArrowUp);
    assert_eq!(chosen(&harness), "event 18");
    press(&mut harness, Key::OpenBracket);
    assert_eq!(chosen(&harness), "event 12");
    press(&mut harness, Key::CloseBracket);
    assert_eq!(chosen(&harness), "event 12", "there is none after");
    for _ in 0..2 {
        harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
        harness.run_steps(2);
    }
    assert_eq!(harness.state().state.chosen_rows().collect::<Vec<_>>(), [12, 13, 14]);
    harness.event(Event::Copy);
    harness.step();
    let copied =
        harness.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(copied) => Some(copied.clone()),
            _ => None,
        });
    let copied = copied.unwrap();
    assert!(copied.contains("PLAN (attempt 2) failed: event 12"), "{copied}");
    assert!(copied.contains("run run-2") && copied.contains("event 14"), "{copied}");
    harness.step();
    harness.get_by_label("copied 3 events");
    press(&mut harness, Key::Enter);
    assert_eq!(harness.state().state.opened.as_ref().map(|it| it.seq), Some(14));
    press(&mut harness, Key::Home);
    assert_eq!(chosen(&harness), "event 0");
    press(&mut harness, Key::PageDown);
    assert_eq!(chosen(&harness), "event 19");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    assert_eq!(harness.state().state.chosen_rows().len(), 20);
    assert!(harness.get_by_label_contains("Events, ").is_focused(), "arrows do not leave the rows");
}

#[test]
fn shift_click_extends_the_choice() {
    let mut harness = desk(failures());
    harness.get_by_label_contains("event 5").click();
    harness.run_steps(2);
    harness.get_by_label_contains("event 9").click_modifiers(Modifiers::SHIFT);
    harness.run_steps(2);
    assert_eq!(harness.state().state.chosen_rows().collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
}

#[test]
fn event_or_node_chosen_elsewhere_is_shown_whatever_the_filters_are() {
    let mut harness = desk(failures());
    let state = &mut harness.state_mut().state;
    state.show_all_runs(false);
    state.search = "event 19".to_owned();
    state.kind = KindFilter::LEVELS[0];
    harness.run_steps(2);
    harness.get_by_label("No matching events");
    harness.state_mut().state.show_event(7);
    harness.run_steps(2);
    assert!(shows(&harness, "event 7"));
    assert_eq!(chosen_message(harness.state()).as_deref(), Some("event 7"));
    assert_eq!(harness.state().actions, [Action::SelectRun("run-2".into())]);

    harness.state_mut().state.show_node(&"run-1".into(), &"PLAN".into(), None);
    harness.run_steps(2);
    assert_eq!(chosen_message(harness.state()).as_deref(), Some("event 18"), "the newest of it");
    harness.get_by_label_contains("event 4").click();
    harness.run_steps(2);
    harness.state_mut().state.show_node(&"run-1".into(), &"PLAN".into(), None);
    harness.run_steps(2);
    let chosen = chosen_message(harness.state());
    assert_eq!(chosen.as_deref(), Some("event 4"), "it is an event of the node already");
    harness.state_mut().state.show_node(&"run-1".into(), &"RENDER".into(), Some(2));
    harness.run_steps(2);
    harness.get_by_label("no event of this step is kept");
}

#[test]
fn low_section_has_its_moves_in_a_menu() {
    let mut harness = Harness::builder().with_size(vec2(516.0, 210.0)).build_ui_state(
        |ui, scene: &mut Scene| {
            if style::install_style(ui.ctx(), Theme::default()) {
                scene.show(ui);
            }
        },
        failures(),
    );
    harness.run_steps(3);
    assert!(harness.query_by_label("Next failure").is_none());
    harness.get_by_label("More").click();
    harness.run_steps(3);
    harness.get_by_label("First failure").click();
    harness.run_steps(3);
    assert_eq!(chosen_message(harness.state()).as_deref(), Some("event 4"));
}
