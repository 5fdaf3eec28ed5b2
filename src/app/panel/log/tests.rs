//! Tests of the event log.

mod choosing;

use bevy_egui::egui::{
    Event, Key, Modifiers, MouseWheelUnit, OutputCommand, PointerButton, Pos2, Rect, TouchPhase,
    Ui, pos2, vec2,
};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};
use jiff::tz::TimeZone;

use super::choice::LogMove;
use super::filter::{KindFilter, LogFilter, NodeFilter};
use super::index::EFFORT_PER_FRAME;
use super::{LogState, LogView, events_ui, log_ui};
use crate::app::panel::style;
use crate::app::panel::testing::{frame, harness, receive, zone};
use crate::app::state::actions::{Action, Transport};
use crate::app::state::run_store::RunStore;
use crate::app::theme::Theme;
use crate::export::TableForm;
use crate::model::Retention;
use crate::protocol::{Batch, RunId};

struct Scene {
    run_store: RunStore,
    state: LogState,
    run: Option<RunId>,
    actions: Vec<Action>,
    zone: TimeZone,
}

impl Scene {
    /// Scene whose log keeps so many lines.
    fn of(log_events: usize) -> Self {
        Self {
            run_store: RunStore::new(Retention { log_events, ..Retention::default() }),
            state: LogState::default(),
            run: Some("run-1".into()),
            actions: Vec::new(),
            zone: zone(),
        }
    }

    fn new(events: u32) -> Self {
        let mut scene = Self::of(100_000);
        scene.write(0, events);
        scene
    }

    fn write(&mut self, from: u32, to: u32) {
        for n in from..to {
            let data = format!(r#"{{"message":"line {n}."}}"#);
            self.receive(&frame(n % 3_600, "run-1", Some("PLAN"), "info", &data));
        }
    }

    fn receive(&mut self, text: &str) {
        receive(&mut self.run_store, &[text]);
    }

    fn view(&self) -> LogView<'_> {
        LogView { run_store: &self.run_store, run: self.run.as_ref(), zone: &self.zone }
    }

    fn show(&mut self, ui: &mut Ui) {
        let view = LogView { run_store: &self.run_store, run: self.run.as_ref(), zone: &self.zone };
        self.actions.extend(log_ui(ui, &view, &mut true, &mut self.state));
    }

    fn show_on_desk(&mut self, ui: &mut Ui) {
        let view = LogView { run_store: &self.run_store, run: self.run.as_ref(), zone: &self.zone };
        self.actions.extend(events_ui(ui, &view, &mut self.state));
    }
}

fn panel(scene: Scene) -> Harness<'static, Scene> {
    harness(scene, |ui, scene: &mut Scene| scene.show(ui))
}

/// The desk's pane at 1920 × 1080.
fn desk(scene: Scene) -> Harness<'static, Scene> {
    let mut harness =
        Harness::builder().with_size(vec2(478.0, 963.0)).with_step_dt(1.0 / 60.0).build_ui_state(
            |ui, scene: &mut Scene| {
                if style::install_style(ui.ctx(), Theme::default()) {
                    scene.show_on_desk(ui);
                }
            },
            scene,
        );
    harness.run_steps(3);
    harness
}

fn shows(harness: &Harness<Scene>, line: &str) -> bool {
    harness.query_by_label_contains(line).is_some()
}

/// Labels and places of the rows in view.
fn rows(harness: &Harness<Scene>) -> Vec<(String, Rect)> {
    let rows = harness.query_all_by_label_contains(" PLAN ");
    rows.map(|row| (row.accesskit_node().label().unwrap(), row.rect())).collect()
}

fn scroll(harness: &mut Harness<Scene>, by: f32) {
    harness.hover_at(pos2(250.0, 400.0));
    harness.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, by),
        phase: TouchPhase::Move,
        modifiers: Default::default(),
    });
    harness.run_steps(60);
}

fn press(harness: &mut Harness<Scene>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

fn focus_rows(harness: &mut Harness<Scene>) {
    harness.get_by_label_contains("Events, ").focus();
    harness.run_steps(2);
}

#[test]
fn log_at_its_end_follows_new_lines() {
    for mut harness in [panel(Scene::new(200)), desk(Scene::new(200))] {
        assert!(shows(&harness, "line 199."));
        assert!(!shows(&harness, "line 100."));
        harness.state_mut().write(200, 300);
        harness.run_steps(3);
        assert!(shows(&harness, "line 299."));
        assert!(shows(&harness, "following"));
    }
}

#[test]
fn scrolled_log_stands_still_and_the_end_follows_again() {
    let mut harness = panel(Scene::new(200));
    scroll(&mut harness, 900.0);
    assert!(!shows(&harness, "line 199."));
    let before = rows(&harness);
    assert!(before.len() > 10);
    harness.get_by_label("paused at 10:03:19");
    for batch in 0..5 {
        harness.state_mut().write(200 + 3 * batch, 203 + 3 * batch);
        harness.run_steps(2);
        assert_eq!(rows(&harness), before);
    }
    harness.get_by_label("paused at 10:03:19, 15 newer").click();
    harness.run_steps(3);
    assert!(shows(&harness, "line 214.") && shows(&harness, "following"));

    scroll(&mut harness, 100.0);
    assert!(!harness.state().state.is_following());
    harness.state_mut().write(215, 220);
    scroll(&mut harness, -400.0);
    assert!(harness.state().state.is_following(), "scrolling to the end follows, too");
    assert!(shows(&harness, "line 219."));
}

#[test]
fn end_follows_again() {
    let mut harness = desk(Scene::new(200));
    scroll(&mut harness, 900.0);
    focus_rows(&mut harness);
    press(&mut harness, Key::End);
    assert!(harness.state().state.is_following());
    assert!(shows(&harness, "line 199."));
}

/// Regression: a paused log was empty after as many events as are kept.
#[test]
fn paused_log_keeps_its_rows_at_the_bound() {
    let mut scene = Scene::of(100);
    scene.write(0, 150);
    for mut harness in [panel(scene), {
        let mut scene = Scene::of(100);
        scene.write(0, 150);
        desk(scene)
    }] {
        harness.get_by_label("following").click();
        harness.run_steps(3);
        let before = rows(&harness);
        assert!(before.len() > 10 && shows(&harness, "line 149."));
        harness.state_mut().write(150, 200);
        harness.run_steps(2);
        harness.get_by_label("paused at 10:02:29, 50 newer");
        for batch in 0..3 {
            harness.state_mut().write(200 + 200 * batch, 400 + 200 * batch);
            harness.run_steps(2);
            assert_eq!(rows(&harness), before);
        }
        // The model has dropped events before they could be counted.
        harness.get_by_label("paused at 10:02:29, 350+ newer");
        // Filters and scrolling work on the rows that are held.
        scroll(&mut harness, 300.0);
        assert!(shows(&harness, "line 130."));
        harness.state_mut().state.search = "line 51.".to_owned();
        harness.run_steps(2);
        assert_eq!(rows(&harness).len(), 1);
        harness.state_mut().state.search.clear();
        harness.get_by_label_contains("paused at").click();
        harness.run_steps(3);
        assert!(shows(&harness, "line 799.") && !shows(&harness, "line 149."));
    }
}

#[test]
fn rows_stay_while_older_ones_are_dropped_or_found() {
    let mut scene = Scene::of(10_000);
    scene.write(0, 10_000);
    let mut harness = panel(scene);
    harness.state_mut().state.search = "line".to_owned();
    harness.run_steps(1);
    scroll(&mut harness, 500.0);
    let before = rows(&harness);
    harness.run_steps(20);
    assert_eq!(rows(&harness), before);
    assert_eq!(harness.state().state.index().lines().len(), 10_000);
}

#[test]
fn unreadable_frame_shows_its_text() {
    let mut scene = Scene::new(3);
    scene.receive("{\"run_id\": garbage");
    let mut harness = panel(scene);
    harness.get_by_label_contains("{\"run_id\": garbage");
    harness.get_by_label_contains("unreadable").click();
    harness.run_steps(2);
    assert_eq!((harness.state().state.chosen(), &harness.state().actions[..]), (None, &[][..]));
    press(&mut harness, Key::Enter);
    assert!(harness.state().state.opened.is_some());
}

/// Events of two runs, with failures at 10:00:04, 10:00:07 and 10:00:12.
fn failures() -> Scene {
    let mut scene = Scene::of(1_000);
    for n in 0..20 {
        let run = if n % 2 == 0 { "run-1" } else { "run-2" };
        let phase = if [4, 7, 12].contains(&n) { "fail" } else { "info" };
        let data = format!(r#"{{"message":"event {n}"}}"#);
        scene.receive(&frame(n, run, Some("PLAN"), phase, &data));
    }
    scene
}

#[test]
fn filters_are_chips_and_lists_and_can_be_cleared() {
    let mut scene = failures();
    scene.state.node = NodeFilter::Workflow;
    let mut harness = desk(scene);
    harness.get_by_label("No matching events");
    harness.get_by_label("Clear the filters").click();
    harness.run_steps(2);
    assert!(shows(&harness, "event 19"));
    harness.get_by_label("Showing all runs. Show this run only").click();
    harness.run_steps(2);
    assert!(!shows(&harness, "event 19") && shows(&harness, "event 18"));
    harness.get_by_label("10 of 20");
    harness.get_by_label("Showing this run only. Show all runs").click();
    harness.run_steps(2);
    harness.get_by_label("20");
    harness.get_by_label("Filter the log by phase or level").click();
    harness.run_steps(3);
    harness.get_by_label("errors").click();
    harness.run_steps(3);
    harness.get_by_label("3 of 20");
}

#[test]
fn a_hundred_thousand_rows_are_filtered_letter_by_letter() {
    let mut scene = Scene::of(100_000);
    let words = ["quiver", "quota", "quartz", "opera", "quorum"];
    for block in 0..100_u32 {
        let frames: Vec<String> = (0..1_000_u32)
            .map(|n| {
                let n = block * 1_000 + n;
                let (word, run) = (words[n as usize % 5], format!("run-{}", n % 7));
                let data = format!(r#"{{"message":"{word} {n} of the log"}}"#);
                frame(n % 3_600, &run, Some("PLAN"), "info", &data)
            })
            .collect();
        receive(&mut scene.run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
    }
    scene.run = None;
    let mut harness = desk(scene);
    harness.run_steps(2);
    assert_eq!(harness.state().state.index().lines().len(), 100_000);
    harness.get_by_label("Search the event log").focus();
    harness.run_steps(2);
    let (mut typed, mut before) = (String::new(), Vec::new());
    for letter in "quo run-3".chars() {
        typed.push(letter);
        harness.get_by_label("Search the event log").type_text(&letter.to_string());
        harness.run_steps(2);
        let scene = harness.state();
        let (view, filter) = (scene.view(), scene.state.filter(&scene.view()));
        assert_eq!(filter.words, LogFilter::words_of(&typed));
        let (model, log) = (&scene.run_store.model, view.log());
        let passing: Vec<u64> = log
            .entries()
            .iter()
            .filter(|entry| filter.passes(model, log, entry))
            .map(|entry| entry.seq)
            .collect();
        // At once the newest that pass are there, as many as a frame may examine.
        let effort = filter.effort(log, log.entries().front().unwrap());
        for frames in 1..200 {
            let lines = harness.state().state.index().lines();
            let most = frames * EFFORT_PER_FRAME / effort + frames;
            assert!(lines.len() <= most || filter.words == before, "{typed}: {frames}");
            assert_eq!(lines.back(), passing.last(), "{typed}");
            let newest = &passing[passing.len() - lines.len()..];
            assert!(lines.iter().eq(newest), "{typed}");
            if !harness.state().state.is_busy(&harness.state().view()) {
                break;
            }
            harness.step();
        }
        let lines = harness.state().state.index().lines();
        assert!(lines.iter().eq(&passing), "{typed}: {} of {}", lines.len(), passing.len());
        before = filter.words;
    }
    harness.get_by_label("5,714 of 100,000");
    let widgets = harness.root().children_recursive().count();
    assert!(widgets < 200, "{widgets} widgets");
}

#[test]
fn dropped_rows_are_said_in_the_first_row() {
    let mut scene = Scene::of(100);
    let begun: jiff::Timestamp = "2025-11-13T12:00:00Z".parse().unwrap();
    let second = jiff::SignedDuration::from_secs;
    for n in 0..350 {
        let mut batch = Batch::new(begun + second(n), true);
        let data = format!(r#"{{"message":"line {n}."}}"#);
        batch.push_text(&frame(n as u32, "run-1", Some("PLAN"), "info", &data));
        scene.run_store.receive(batch, |_, _| {});
    }
    let mut harness = desk(scene);
    focus_rows(&mut harness);
    press(&mut harness, Key::Home);
    let label = "250 older events are no longer kept: rewind to see them";
    let first = harness.get_by_label(label).rect();
    assert!(first.bottom() <= harness.get_by_label_contains("line 250.").rect().top() + 0.1);
    harness.get_by_label(label).click();
    harness.run_steps(2);
    let shown = Action::Time(Transport::Show(begun + second(250)));
    assert_eq!(harness.state().actions, [shown]);
}

#[test]
fn export_is_asked_for_by_menu() {
    let mut harness = desk(failures());
    harness.get_by_label("Export").click();
    harness.run_steps(3);
    harness.get_by_label("Save the listed events as NDJSON").click();
    harness.run_steps(3);
    let scene = harness.state_mut();
    let saved: Vec<&Action> = scene.actions.iter().collect();
    let [Action::SaveFile { name, text }] = &saved[..] else { panic!("{saved:?}") };
    assert_eq!((name.as_str(), text.lines().count()), ("events.ndjson", 20));
    scene.state.search = "run-2 failed".to_owned();
    let file = scene.state.exported(&scene.view(), TableForm::Ndjson);
    assert_eq!(file.lines().count(), 1, "{file}");
    assert!(file.contains("event 7"), "{file}");
}

#[test]
fn another_instant_ends_the_pause() {
    let mut harness = panel(Scene::new(50));
    harness.get_by_label("following").click();
    harness.run_steps(2);
    let now = "2025-11-13T12:00:05Z".parse().unwrap();
    let at = "2025-11-13T12:00:01Z".parse().unwrap();
    assert!(harness.state_mut().run_store.rewind_to(at, now, false));
    harness.run_steps(2);
    assert!(harness.state().state.is_following());
    harness.state_mut().run_store.go_live();
    harness.run_steps(2);
    assert!(shows(&harness, "line 49."));
}
