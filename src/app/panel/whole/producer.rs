//! The questions of a producer: which run of a song failed and why, which one was good last, and a text for a ticket.

use std::fmt::Write as _;

use super::*;
use crate::app::panel::testing::frame;

/// Number of songs, and of runs of each.
const SONGS: u32 = 833;
const RUNS: u32 = 3;
const REASON: &str = "render farm rejected the stems: quota exceeded";

/// Runs of many songs. Every song's first run fails, is repeated with success, and every eighth song is then run
/// once more and fails.
fn studio() -> Vec<String> {
    let words = ["Amber", "Cedar", "Dune", "Ember", "Fable", "Grove", "Island", "Juniper"];
    let mut frames = Vec::new();
    let mut add = |run: &str, second: u32, title: &str, song: u32, fails: bool| {
        let data = format!(
            r#"{{"song_title":"{title}","song_id":"song-{song}","global_seed":{}}}"#,
            1_000 + song
        );
        frames.push(frame(second, run, None, "start", &data));
        for (place, node) in ["PLAN", "COMPOSE", "RENDER"].into_iter().enumerate() {
            let at = second + 2 * place as u32;
            frames.push(frame(at, run, Some(node), "start", "{}"));
            let (phase, data) = match fails && node == "RENDER" {
                true => ("fail", format!(r#"{{"error":"{REASON}"}}"#)),
                false => ("end", "{}".to_owned()),
            };
            frames.push(frame(at + 1, run, Some(node), phase, &data));
        }
        let error = format!(r#"{{"error":"{REASON}"}}"#);
        match fails {
            true => frames.push(frame(second + 6, run, None, "fail", &error)),
            false => frames.push(frame(second + 6, run, None, "end", "{}")),
        }
    };
    for song in 0..SONGS {
        let mut title = String::new();
        let parts = [song / 64 % 8, song / 8 % 8, song % 8].map(|place| words[place as usize]);
        let _ = write!(title, "{} {} {} {song}", parts[0], parts[1], parts[2]);
        if song == 400 {
            title = "Glass Harbour".to_owned();
        }
        for run in 0..RUNS {
            let fails = run != 1 && (run == 0 || song % 8 == 0);
            add(&format!("run-{song:03}-{run}"), song * 2 + run * 800, &title, song, fails);
        }
    }
    frames.push(frame(3_400, "run-now", None, "start", r#"{"song_title":"Newest"}"#));
    frames
}

fn window(view: ViewName) -> Window {
    let now = "2025-11-13T11:00:00Z".parse().unwrap();
    let window = Window::open(view, (1920.0, 1080.0), &studio(), now);
    assert_eq!(window.world().resource::<RunStore>().model.len(), 2_500);
    window
}

fn check_ticket(ticket: &str) {
    for fact in ["Glass Harbour (song-400)", "run-400-2", "RENDER", "1400", REASON] {
        assert!(ticket.contains(fact), "{fact}: {ticket}");
    }
}

#[test]
fn producer_finds_everything_by_keys() {
    let mut window = window(ViewName::Wall);
    window.press(Key::D);
    assert_eq!(window.view(), View::Desk);
    window.press(Key::Slash);
    window.type_letters("gla");
    assert_eq!(window.panel().table.listed().len(), 3, "the runs of the song");
    window.press(Key::ArrowDown);
    window.press(Key::Enter);
    assert_eq!(window.selected(), Some("run-400-2"), "the newest run of the song");
    assert!(window.shows(REASON), "{:#?}", window.labels());
    let to_reason = window.keys;
    let ticket = window.copied(|window| window.press_with(Modifiers::COMMAND, Key::C));
    check_ticket(&ticket.unwrap_or_default());
    let to_ticket = window.keys;
    window.press(Key::B);
    assert_eq!(window.selected(), Some("run-400-1"), "its last good run");
    let keys = window.keys;
    println!(
        "keys to the reason {to_reason}, to the ticket {to_ticket}, to the last good run {keys}"
    );
    assert!(to_reason <= 8, "{to_reason} keys");
    assert_eq!((to_reason, to_ticket, keys), (7, 8, 9));
}

#[test]
fn producer_finds_everything_by_mouse() {
    let mut window = window(ViewName::Desk);
    window.click("failed ");
    window.click("Sort by song");
    let mut turns = 0;
    while !window.shows("Glass Harbour") {
        turns += 1;
        assert!(turns < 400, "the song is not among the failed runs");
        let rows = window.harness.get_by_label("Runs").rect().center() + egui::vec2(0.0, 400.0);
        window.harness.hover_at(rows);
        window.harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(0.0, -600.0),
            phase: egui::TouchPhase::Move,
            modifiers: Modifiers::NONE,
        });
        window.settle();
    }
    window.click("Glass Harbour");
    assert!(window.selected().is_some_and(|run| run.starts_with("run-400")));
    assert!(window.shows(REASON), "{:#?}", window.labels());
    let to_reason = window.clicks;
    if window.selected() != Some("run-400-2") {
        window.click("attempt 3, ");
    }
    let ticket = window.copied(|window| window.click("Copy the run for a ticket"));
    check_ticket(&ticket.unwrap_or_default());
    let to_ticket = window.clicks;
    window.click("attempt 2, ");
    assert_eq!(window.selected(), Some("run-400-1"), "its last good run");
    let clicks = window.clicks;
    println!(
        "clicks to the reason {to_reason} with {turns} turns of the wheel, to the ticket {to_ticket}, to the last \
         good run {clicks}"
    );
    assert!(to_reason <= 4, "{to_reason} clicks");
}
