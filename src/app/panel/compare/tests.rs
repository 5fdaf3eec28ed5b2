//! Tests of the comparison.

use bevy_egui::egui::{Key, Modifiers, Shape, Ui, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};

use super::times::Times;
use super::values::{Scores, parameter_rows};
use super::{Against, CompareState, CompareView, Tab, compare_ui};
use crate::app::panel::inspector::RunLines;
use crate::app::panel::inspector::scenes::{self, End, Told, copied};
use crate::app::panel::style;
use crate::app::panel::testing::zone;
use crate::app::state::actions::Action;
use crate::app::theme::Theme;

/// The song of the drawing: attempt 3 at RENDER beside the two before it.
struct Scene {
    inner: scenes::Scene,
    state: CompareState,
    actions: Vec<Action>,
}

impl Scene {
    fn new(inner: scenes::Scene) -> Self {
        let state = CompareState::default();
        Self { inner, state, actions: Vec::new() }
    }

    fn show(&mut self, ui: &mut Ui) {
        let zone = zone();
        let Some(run) = self.inner.run_store.model.run(&self.inner.run) else { return };
        let (a, b) = self.state.sides(run, &self.inner.run_store);
        let view = CompareView {
            run_store: &self.inner.run_store,
            a,
            b,
            server_now: self.inner.now,
            zone: &zone,
        };
        self.actions.extend(compare_ui(ui, &view, &mut self.state));
    }

    fn harness<'a>(self, width: f32, height: f32) -> Harness<'a, Self> {
        let mut harness =
            Harness::builder().with_size(vec2(width, height)).with_max_steps(40).build_ui_state(
                |ui, scene: &mut Self| {
                    if style::install_style(ui.ctx(), Theme::default()) {
                        scene.show(ui);
                    }
                },
                self,
            );
        harness.run_steps(3);
        harness
    }
}

fn labels(harness: &Harness<Scene>) -> Vec<String> {
    let all = harness.query_all_by(|node| node.label().is_some());
    let texts = harness.query_all_by(|node| node.value().is_some());
    let texts = texts.filter_map(|node| node.accesskit_node().value());
    all.filter_map(|node| node.accesskit_node().label()).chain(texts).collect()
}

fn times_of(scene: &scenes::Scene, b: Option<&str>) -> Times {
    let model = &scene.run_store.model;
    let a = model.run(&scene.run).unwrap();
    Times::of(a, b.map(|b| model.run(b).unwrap()), model.stats(), scene.now)
}

#[test]
fn differences_of_finished_rows_add_up_to_the_gap() {
    for scene in [
        scenes::Scene::third_attempt(),
        scenes::Scene::failed_at_validate(),
        scenes::Scene::finished(),
        scenes::Scene::cancelled(),
    ] {
        let others = [None, Some("a1"), Some("a2"), Some("usual-1")];
        for b in others {
            if b.is_some_and(|b| scene.run_store.model.run(b).is_none()) {
                continue;
            }
            let times = times_of(&scene, b);
            let sum: i64 = times.rows.iter().filter_map(|row| row.difference_ms).sum();
            assert_eq!(sum, times.gap_ms.unwrap_or(0), "{} {b:?}: {times:#?}", scene.run);
            let [a_ms, b_ms] = times.totals_ms.map(|ms| ms as i64);
            assert_eq!(a_ms - b_ms, times.gap_ms.unwrap_or(a_ms - b_ms));
        }
    }
}

#[test]
fn rows_are_marked_from_two_seconds_on_and_where_only_one_run_has_them() {
    let mut told = Told::default();
    told.run("x", "s", (0, 1), &[0.9], End::Finished);
    told.run("y", "s", (400, 2), &[0.7, 0.9], End::Finished);
    let scene = scenes::Scene::new(&told, "y", 900);
    let times = times_of(&scene, Some("x"));
    let marked: Vec<&str> =
        times.rows.iter().filter(|row| row.is_marked).map(|row| row.name.as_str()).collect();
    assert_eq!(marked, ["fix 1"], "{:#?}", times.rows);
    let fix = times.rows.iter().find(|row| row.name == "fix 1").unwrap();
    assert_eq!((fix.note.as_str(), fix.difference_ms), ("only A", Some(43_000)));
    assert_eq!(times.gap_ms, Some(43_000));
}

#[test]
fn scores_are_marked_from_a_tenth_on() {
    let scene = scenes::Scene::third_attempt();
    let model = &scene.run_store.model;
    let (a, b) = (model.run(&scene.run).unwrap(), model.run("a2").unwrap());
    let scores = Scores::of(a, Some(b), Some(0.8), scene.now);
    let rows: Vec<(&str, bool)> =
        scores.rows.iter().map(|row| (row.name.as_str(), row.is_marked)).collect();
    // A has 0.76 and 0.80, B 0.70 and none.
    assert_eq!(rows, [("hook_density", false), ("singability", true)]);
    assert!(!scores.total.is_marked && scores.total.difference.is_some());
    assert_eq!(scores.marked(), 1);
}

#[test]
fn any_difference_of_a_parameter_is_marked() {
    let scene = scenes::Scene::third_attempt();
    let model = &scene.run_store.model;
    let (a, b) = (model.run(&scene.run).unwrap(), model.run("a1").unwrap());
    let (mut a_lines, mut b_lines) = (RunLines::default(), RunLines::default());
    a_lines.update(model.log(), a.id());
    b_lines.update(model.log(), b.id());
    let b = Some((b, &mut b_lines));
    let rows = parameter_rows((a, &mut a_lines), b, model.log());
    let marked: Vec<String> = rows
        .iter()
        .filter(|row| row.is_marked())
        .map(|row| format!("{} {}", row.step, row.name))
        .collect();
    // COMPOSE took 31 s after a fix, which the scene tells as its temperature.
    assert!(marked.contains(&"run seed".to_owned()), "{marked:?}");
    assert!(marked.contains(&"COMPOSE temperature".to_owned()), "{marked:?}");
    assert!(
        !marked.contains(&"PLAN temperature".to_owned())
            && !marked.contains(&"run song".to_owned())
    );
}

#[test]
fn panes_stand_beside_each_other_or_in_tabs() {
    let wide = Scene::new(scenes::Scene::third_attempt()).harness(1_600.0, 1_400.0);
    for words in ["Time in each step", "Scores", "Seed and model parameters"] {
        assert!(wide.query_by_label_contains(words).is_some(), "{words}: {:#?}", labels(&wide));
    }
    let mut narrow = Scene::new(scenes::Scene::third_attempt()).harness(800.0, 1_400.0);
    assert!(narrow.query_by_label_contains("Time in each step").is_some());
    assert!(narrow.query_by_label_contains("Seed and model parameters").is_none());
    narrow.get_by_label("Parameters").click();
    narrow.run();
    assert!(narrow.query_by_label_contains("Seed and model parameters").is_some());
    assert_eq!(narrow.state().state.tab, Tab::Parameters);
}

#[test]
fn only_differences_hides_the_rest_and_says_how_many() {
    let mut harness = Scene::new(scenes::Scene::third_attempt()).harness(1_600.0, 1_400.0);
    let rows = |harness: &Harness<Scene>| harness.query_all_by_label_contains(": A ").count();
    let all = rows(&harness);
    harness.get_by_label("only differences").click();
    harness.run();
    assert!(rows(&harness) < all);
    let hidden = harness.query_all_by_label_contains("equal rows are hidden").count();
    assert!(hidden >= 2, "{:#?}", labels(&harness));
}

#[test]
fn keys_choose_b_swap_and_close() {
    let mut harness = Scene::new(scenes::Scene::third_attempt()).harness(1_600.0, 1_400.0);
    assert!(harness.query_by_label_contains("A: attempt 3").is_some(), "{:#?}", labels(&harness));
    assert!(harness.query_by_label_contains("B: attempt 2 10:13:20, seed 42").is_some());
    harness.key_press(Key::Num1);
    harness.run();
    assert!(harness.query_by_label_contains("B: attempt 1 10:10:00, seed 42").is_some());
    harness.key_press_modifiers(Modifiers::SHIFT, Key::C);
    harness.run();
    assert!(harness.query_by_label_contains("A: attempt 1 10:10:00").is_some());
    assert!(harness.query_by_label_contains("B: attempt 3").is_some());
    harness.key_press(Key::Num2);
    harness.run();
    assert!(harness.query_by_label_contains("A: attempt 1 10:10:00").is_some());
    assert!(harness.query_by_label_contains("B: attempt 2 10:13:20").is_some());
    harness.key_press(Key::U);
    harness.run();
    assert_eq!(harness.state().state.against, Against::Usual);
    assert!(harness.query_by_label("B: usual run").is_some());
}

#[test]
fn another_selected_run_is_compared_with_its_own_attempt_before() {
    let mut scene = Scene::new(scenes::Scene::third_attempt());
    scene.state.against = Against::Usual;
    let mut harness = scene.harness(1_600.0, 1_400.0);
    assert_eq!(harness.state().state.against, Against::AttemptBefore);
    harness.state_mut().state.against = Against::Usual;
    "a2".clone_into(&mut harness.state_mut().inner.run);
    harness.run();
    assert_eq!(harness.state().state.against, Against::AttemptBefore);
    assert!(harness.query_by_label_contains("B: attempt 1").is_some());
}

#[test]
fn comparison_is_copied_as_text() {
    let mut harness = Scene::new(scenes::Scene::third_attempt()).harness(1_600.0, 1_400.0);
    harness.get_by_label("Copy the comparison as text").click();
    harness.step();
    let [text] = &copied(&harness)[..] else { panic!("nothing copied") };
    for line in [
        "Comparison: Glass Harbour",
        "B: attempt 2, run a2",
        "run seed\t1187\t42\t≠",
        "LYRICS\t0:18\t0:26\t−8.0 s",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("to the end of fix 2"), "{text}");
}

#[test]
fn nothing_is_wider_than_the_pane() {
    for width in [380.0, 800.0, 1_100.0, 1_920.0] {
        for (name, scene) in scenes::Scene::all() {
            for tab in [Tab::Times, Tab::Scores, Tab::Parameters] {
                let mut scene = Scene::new(scenes::Scene { run: scene.run.clone(), ..again(name) });
                scene.state.tab = tab;
                let harness = scene.harness(width, 1_600.0);
                for clipped in &harness.output().shapes {
                    let bounds = clipped.shape.visual_bounding_rect();
                    if let Shape::Text(text) = &clipped.shape
                        && !text.galley.text().is_empty()
                    {
                        let words = text.galley.text();
                        let fits = bounds.left() > -0.5 && bounds.right() < width + 0.5;
                        assert!(fits, "{name} at {width}: {words} {bounds:?}");
                    }
                }
            }
        }
    }
}

fn again(name: &str) -> scenes::Scene {
    let mut all = scenes::Scene::all().into_iter();
    all.find(|(known, _)| *known == name).map(|(_, scene)| scene).unwrap()
}
