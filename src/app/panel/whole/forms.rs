//! Panes that share a place, and what Esc closes first.

use super::*;
use crate::app::panel::desk::Pane;
use crate::app::panel::testing::frame;
use crate::app::state::chrome::Chrome;
use crate::app::state::dock::{PanelDock, PanelSide};
use crate::app::state::viewport::{Edges, PanelArea, Viewport};

fn window(view: ViewName, size: (f32, f32)) -> Window {
    let frames = [
        frame(0, "run-a", None, "start", r#"{"song_title":"Amber","song_id":"s"}"#),
        frame(1, "run-a", Some("PLAN"), "start", "{}"),
        frame(2, "run-a", None, "end", "{}"),
        frame(10, "run-b", None, "start", r#"{"song_title":"Birch","song_id":"s"}"#),
    ];
    Window::open(view, size, &frames, "2025-11-13T10:00:30Z".parse().unwrap())
}

#[test]
fn tabs_choose_the_pane_that_has_the_place() {
    let mut window = window(ViewName::Desk, (1280.0, 720.0));
    window.click("Birch, ");
    assert!(
        window.shows("Raw events") || window.shows("This run"),
        "details stand beside the runs"
    );
    window.click("Events");
    assert_eq!(window.panel().desk.shown, Pane::Events);
    assert!(window.shows("Search runs") && !window.shows("This run"));
    window.click("Details");
    assert_eq!(window.panel().desk.shown, Pane::Inspector);
    assert!(window.shows("This run"));
}

#[test]
fn esc_goes_from_the_innermost_to_the_view_before() {
    let mut window = window(ViewName::Wall, (800.0, 600.0));
    window.press(Key::D);
    assert_eq!(window.panel().desk.shown, Pane::Runs);
    window.click("Birch, ");
    assert_eq!((window.selected(), window.panel().desk.shown), (Some("run-b"), Pane::Runs));
    window.press(Key::Enter);
    assert_eq!((window.panel().desk.shown, window.view()), (Pane::Inspector, View::Desk));
    window.press(Key::C);
    assert!(window.is_comparing());
    window.press(Key::Escape);
    assert!(!window.is_comparing());
    assert_eq!(window.panel().desk.shown, Pane::Inspector, "only the comparison was closed");
    window.press(Key::Escape);
    assert_eq!((window.panel().desk.shown, window.view()), (Pane::Runs, View::Desk));
    // The search: first its text, then the field, then the desk.
    window.press(Key::Slash);
    window.type_letters("am");
    assert_eq!(window.panel().table.listed().len(), 1);
    window.press(Key::Escape);
    assert_eq!(window.panel().table.listed().len(), 2);
    assert_eq!(window.view(), View::Desk);
    window.press(Key::Escape);
    assert_eq!(window.view(), View::Desk, "the field was left");
    window.press(Key::Escape);
    assert_eq!(window.view(), View::Wall);
}

#[test]
fn esc_for_the_settings_leaves_the_desk_behind_them_as_it_is() {
    let mut window = window(ViewName::Desk, (800.0, 600.0));
    window.click("Birch, ");
    window.press(Key::C);
    assert!(window.is_comparing());
    window.harness.state_mut().world_mut().resource_mut::<Chrome>().settings = true;
    window.press(Key::Escape);
    assert!(window.is_comparing());
    assert_eq!(window.view(), View::Desk);
}

#[test]
fn panel_moves_by_key_and_the_views_follow() {
    let mut window = window(ViewName::Wall, (1920.0, 1080.0));
    let seen = |window: &Window| {
        let world = window.world();
        let viewport = *world.resource::<Viewport>();
        (world.resource::<PanelDock>().side, viewport.taken, viewport.covered)
    };
    let none = Edges::default();
    window.press(Key::P);
    assert_eq!(seen(&window), (PanelSide::Right, Edges { right: 556.0, ..none }, none));
    window.press_with(Modifiers::SHIFT, Key::P);
    assert_eq!(seen(&window), (PanelSide::Left, Edges { left: 556.0, ..none }, none));
    let canvas_x = window.world().resource::<crate::app::draw::Canvas>().origin.x;
    assert_eq!(canvas_x, 556.0, "the stage begins beside the panel");
    window.press_with(Modifiers::SHIFT, Key::P);
    assert_eq!(seen(&window), (PanelSide::Bottom, Edges { bottom: 324.0, ..none }, none));
    window.press(Key::P);
    assert_eq!(seen(&window), (PanelSide::Bottom, none, none));
    // Moving a hidden panel shows it.
    window.press_with(Modifiers::SHIFT, Key::P);
    assert_eq!(seen(&window), (PanelSide::Right, Edges { right: 556.0, ..none }, none));
}

#[test]
fn panel_covers_a_part_of_a_small_window() {
    let mut window = window(ViewName::Wall, (1280.0, 720.0));
    window.press(Key::P);
    let viewport = *window.world().resource::<Viewport>();
    let none = Edges::default();
    assert_eq!((viewport.taken, viewport.covered), (none, Edges { right: 556.0, ..none }));
    assert!(window.world().resource::<PanelArea>().overlays);
}
