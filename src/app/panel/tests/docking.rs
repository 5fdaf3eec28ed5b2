//! Tests of the panel at each side of windows of several sizes.

use bevy_egui::egui::{Key, Modifiers, Rect, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::*;
use crate::app::panel::docked::docked_ui;
use crate::app::state::dock::PanelSide;
use crate::app::theme::Theme;

/// Sizes of windows, in points.
const WINDOWS: [(f32, f32); 6] = [
    (2560.0, 1440.0),
    (1920.0, 1080.0),
    (1600.0, 900.0),
    (1280.0, 720.0),
    (800.0, 600.0),
    (607.0, 1080.0),
];

fn docked(side: PanelSide, size: (f32, f32)) -> Harness<'static, Scene> {
    let mut scene = Scene::new();
    scene.operations = RunOperations::new(true);
    scene.dock.side = side;
    let frames: Vec<String> = (0..40)
        .map(|run| {
            let title =
                format!(r#"{{"song_title":"Song {run} with a title that is rather long"}}"#);
            frame(run, &format!("run-{run}"), None, "start", &title)
        })
        .collect();
    receive(&mut scene.run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
    scene.focus.pin("run-3".into());
    let mut harness = Harness::builder().with_size(size).with_max_steps(40).build_ui_state(
        |ui, scene: &mut Scene| {
            let ctx = &ui.ctx().clone();
            if style::install_style(ctx, Theme::default()) {
                let mut dock = scene.dock;
                scene.show_with(|view, notices, state| {
                    docked_ui(ctx, view, &mut dock, notices, state)
                });
                scene.dock = dock;
            }
        },
        scene,
    );
    harness.run_steps(4);
    harness
}

/// Place of the panel in a window.
fn area(scene: &Scene, (width, height): (f32, f32)) -> Rect {
    let size = scene.dock.size((width, height).into());
    let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height));
    match scene.dock.side {
        PanelSide::Left => window.with_max_x(size),
        PanelSide::Right => window.with_min_x(width - size),
        PanelSide::Bottom => window.with_min_y(height - size),
    }
}

#[test]
fn panel_stays_in_its_place_at_each_side_of_each_window() {
    for side in PanelSide::ALL {
        for size in WINDOWS {
            let harness = docked(side, size);
            let panel = area(harness.state(), size);
            for shape in &harness.output().shapes {
                let painted = shape.clip_rect.intersect(shape.shape.visual_bounding_rect());
                let is_inside = !painted.is_positive() || panel.expand(2.0).contains_rect(painted);
                assert!(is_inside, "{side:?} {size:?}: {painted} outside of {panel}");
            }
            for title in ["Connection", "Runs", "Event log"] {
                assert!(harness.query_by_label(title).is_some(), "{side:?} {size:?}: {title}");
            }
        }
    }
}

#[test]
fn sections_of_a_panel_at_the_bottom_stand_side_by_side() {
    let size = (1920.0, 1080.0);
    let harness = docked(PanelSide::Bottom, size);
    let place = |title: &str| harness.get_by_label(title).rect();
    let mut right = 0.0;
    for title in ["Connection", "Runs", "Event log"] {
        let rect = place(title);
        assert!(rect.left() > right, "{title} begins at {}", rect.left());
        assert_eq!(rect.top(), place("Connection").top(), "{title}");
        right = rect.right();
    }
    // All of them have room without scrolling sideways.
    let nodes = harness.root().children_recursive();
    for node in nodes.filter(|node| node.accesskit_node().raw_bounds().is_some()) {
        let rect = node.rect();
        assert!(
            rect.left() >= 0.0 && rect.right() <= size.0 + 0.5,
            "{:?} {rect}",
            node.accesskit_node().label()
        );
    }
}

#[test]
fn folded_section_at_the_bottom_leaves_its_width_to_the_others() {
    let mut harness = docked(PanelSide::Bottom, (1920.0, 1080.0));
    let before = harness.get_by_label("Runs").rect().width();
    harness.get_by_label("Connection").click();
    harness.run_steps(2);
    let after = harness.get_by_label("Runs").rect().width();
    assert!(after > before + 50.0, "{before} → {after}");
}

#[test]
fn splitter_resizes_the_panel_by_pointer_and_by_keys() {
    for (side, towards, key) in [
        (PanelSide::Left, vec2(60.0, 0.0), Key::ArrowRight),
        (PanelSide::Right, vec2(-60.0, 0.0), Key::ArrowLeft),
        (PanelSide::Bottom, vec2(0.0, -60.0), Key::ArrowUp),
    ] {
        let size = (1920.0, 1080.0);
        let mut harness = docked(side, size);
        let of = |scene: &Scene| scene.dock.size(size.into());
        let before = of(harness.state());
        let label = match side {
            PanelSide::Bottom => "Height of the panel",
            PanelSide::Left | PanelSide::Right => "Width of the panel",
        };
        let from = harness.get_by_label(label).rect().center();
        harness.drag_at(from);
        harness.step();
        harness.hover_at(from + towards);
        harness.step();
        harness.drop_at(from + towards);
        harness.run_steps(2);
        assert_eq!(of(harness.state()), before + 60.0, "{side:?}");
        harness.get_by_label(label).focus();
        harness.run_steps(2);
        harness.key_press_modifiers(Modifiers::NONE, key);
        harness.run_steps(2);
        assert_eq!(of(harness.state()), before + 84.0, "{side:?}");
    }
}

#[test]
fn buttons_in_the_head_move_the_panel() {
    let mut harness = docked(PanelSide::Right, (1920.0, 1080.0));
    for (label, side) in
        [("Panel on the left", PanelSide::Left), ("Panel at the bottom", PanelSide::Bottom)]
    {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        assert_eq!(harness.state_mut().actions.pop(), Some(Action::DockPanel(side)));
    }
}
