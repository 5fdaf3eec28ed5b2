//! One choice in all panes: an event, its run and its step are chosen together.

use super::*;
use crate::app::panel::testing::frame;

fn two_runs() -> Vec<String> {
    let mut frames = Vec::new();
    for (run, from) in [("run-a", 0), ("run-b", 100)] {
        let title = format!(r#"{{"song_title":"Song of {run}"}}"#);
        frames.push(frame(from, run, None, "start", &title));
        for (place, node) in ["PLAN", "STYLE", "LYRICS"].into_iter().enumerate() {
            let at = from + 10 * place as u32;
            frames.push(frame(at + 1, run, Some(node), "start", "{}"));
            frames.push(frame(at + 9, run, Some(node), "end", "{}"));
        }
    }
    frames
}

fn desk(size: (f32, f32)) -> Window {
    let now = "2025-11-13T10:05:00Z".parse().unwrap();
    let mut window = Window::open(ViewName::Wall, size, &two_runs(), now);
    window.press(Key::D);
    window
}

fn chosen_in_log(window: &Window) -> Option<(String, Option<String>)> {
    let (run, node, _) = window.panel().log.chosen()?;
    Some((run.to_string(), node.map(|node| node.to_string())))
}

fn chosen_in_details(window: &Window) -> Option<(String, Option<String>)> {
    let choice = window.panel().inspector.choice()?;
    Some((choice.run.to_string(), choice.node.as_ref().map(ToString::to_string)))
}

fn step(run: &str, node: &str) -> Option<(String, Option<String>)> {
    Some((run.to_owned(), Some(node.to_owned())))
}

#[test]
fn chosen_event_chooses_its_run_and_its_step() {
    let mut window = desk((1920.0, 1080.0));
    window.click("Song of run-a");
    assert_eq!(window.selected(), Some("run-a"));
    window.click("STYLE done");
    assert_eq!(chosen_in_log(&window), step("run-a", "STYLE"));
    assert_eq!(chosen_in_details(&window), step("run-a", "STYLE"));
    // Another event moves both.
    window.click("LYRICS started");
    assert_eq!(chosen_in_log(&window), step("run-a", "LYRICS"));
    assert_eq!(chosen_in_details(&window), step("run-a", "LYRICS"));
    assert_eq!(window.selected(), Some("run-a"));
}

#[test]
fn step_chosen_in_the_details_chooses_its_event() {
    let mut window = desk((1920.0, 1080.0));
    window.click("Song of run-b");
    window.click("PLAN done");
    assert_eq!(chosen_in_details(&window), step("run-b", "PLAN"));
    assert_eq!(chosen_in_log(&window), step("run-b", "PLAN"));
    // What comes meanwhile changes neither.
    let now = "2025-11-13T10:05:10Z".parse().unwrap();
    window.receive(&[frame(310, "run-b", Some("PRODUCER"), "start", "{}")], now);
    assert_eq!(chosen_in_details(&window), step("run-b", "PLAN"));
    assert_eq!(chosen_in_log(&window), step("run-b", "PLAN"));
}

#[test]
fn other_run_shows_its_own_events() {
    let mut window = desk((1920.0, 1080.0));
    window.click("Song of run-a");
    window.click("STYLE done");
    window.click("Song of run-b");
    assert_eq!(window.selected(), Some("run-b"));
    window.click("LYRICS done");
    assert_eq!(chosen_in_log(&window), step("run-b", "LYRICS"));
    assert_eq!(chosen_in_details(&window), step("run-b", "LYRICS"));
}
