//! Choice of the run that the stage shows.

use bevy::prelude::*;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::chrome::Chrome;
use meterbridge::app::state::focus::Focus;
use meterbridge::config::Settings;

use super::support::{event, feed, headless_app, headless_app_with, pass, perform, play_scene};

#[track_caller]
fn shows(app: &App, run: Option<&str>) {
    let focus = app.world().resource::<Focus>();
    assert_eq!(focus.run().map(|run| run.as_str()), run);
}

fn follows(app: &App) -> bool {
    app.world().resource::<Focus>().is_following()
}

/// Builds an app with the running runs `a`, `b` and `c`, started in this order, and the older finished
/// run `d`.
fn three_runs() -> App {
    let mut app = headless_app();
    feed(&mut app, ["a", "b", "c"].map(|run| event(run, None, "start", -10)));
    feed(&mut app, [event("d", None, "start", -600), event("d", None, "end", -500)]);
    app
}

#[test]
fn the_first_run_is_shown_at_once() {
    let mut app = headless_app();
    app.update();
    shows(&app, None);
    feed(&mut app, [event("a", None, "start", 0)]);
    shows(&app, Some("a"));
}

#[test]
fn newest_active_run_is_shown_first() {
    let mut app = headless_app();
    play_scene(&mut app, "12-runs");
    shows(&app, Some("f1a9c2d4-5b6e-4f70-8a9b-0c1d2e3f7d93"));
}

#[test]
fn shown_run_is_not_replaced_by_a_newer_one() {
    let mut app = headless_app();
    feed(&mut app, [event("a", None, "start", 0)]);
    feed(&mut app, [event("b", None, "start", 1)]);
    shows(&app, Some("a"));
}

#[test]
fn failed_run_is_held_longer_than_a_completed_one() {
    for (phase, seconds) in [("end", 6), ("fail", 12)] {
        let mut app = headless_app();
        feed(&mut app, [event("a", None, "start", 0)]);
        feed(&mut app, [event("b", None, "start", 1), event("a", None, phase, 2)]);
        shows(&app, Some("a"));
        pass(&mut app, seconds - 1);
        shows(&app, Some("a"));
        pass(&mut app, 1);
        shows(&app, Some("b"));
    }
}

/// Returns the events of a song that finishes at second 2.
fn song(run: &str) -> [String; 3] {
    [
        event(run, Some("RENDER"), "start", 1),
        event(run, Some("RENDER"), "end", 2),
        event(run, None, "end", 2),
    ]
}

#[test]
fn finished_song_is_held_for_its_finale() {
    let mut app = headless_app();
    feed(&mut app, [event("a", None, "start", 0)]);
    feed(&mut app, [event("b", None, "start", 1)]);
    feed(&mut app, song("a"));
    pass(&mut app, 11);
    shows(&app, Some("a"));
    pass(&mut app, 1);
    shows(&app, Some("b"));
}

#[test]
fn song_whose_end_is_told_late_is_held_for_its_whole_finale() {
    for late in [5, 18] {
        let mut app = headless_app();
        feed(&mut app, [event("a", None, "start", 0)]);
        feed(&mut app, [event("b", None, "start", 1)]);
        pass(&mut app, 2 + late);
        feed(&mut app, song("a"));
        pass(&mut app, 11);
        shows(&app, Some("a"));
        pass(&mut app, 1);
        shows(&app, Some("b"));
    }
}

#[test]
fn song_that_had_ended_before_it_was_shown_is_not_held_for_a_finale() {
    let mut app = headless_app();
    pass(&mut app, 20);
    feed(&mut app, song("a"));
    shows(&app, Some("a"));
    feed(&mut app, [event("b", None, "start", 20)]);
    shows(&app, Some("b"));
}

#[test]
fn failure_of_another_run_ends_the_hold_of_a_finale() {
    let mut app = headless_app();
    feed(&mut app, [event("a", None, "start", 0)]);
    feed(&mut app, [event("b", None, "start", 1), event("c", None, "start", 1)]);
    feed(&mut app, song("a"));
    pass(&mut app, 7);
    shows(&app, Some("a"));
    feed(&mut app, [event("c", None, "fail", 9)]);
    shows(&app, Some("b"));
}

/// On connecting, the history is received first.
#[test]
fn run_that_ended_long_ago_is_not_held() {
    let mut app = headless_app();
    feed(&mut app, [event("old", None, "start", -900), event("old", None, "fail", -800)]);
    shows(&app, Some("old"));
    feed(&mut app, [event("now", None, "start", -5)]);
    shows(&app, Some("now"));
}

#[test]
fn last_failed_run_stays_when_no_other_runs() {
    let mut app = headless_app();
    feed(&mut app, [event("a", None, "start", 0), event("a", None, "fail", 2)]);
    pass(&mut app, 3600);
    shows(&app, Some("a"));
}

#[test]
fn space_pins_a_run_until_pressed_again() {
    let mut app = headless_app();
    feed(&mut app, [event("a", None, "start", 0)]);
    perform(&mut app, Action::ToggleFollowing);
    assert!(!follows(&app));
    feed(&mut app, [event("a", None, "end", 1), event("b", None, "start", 2)]);
    pass(&mut app, 3600);
    shows(&app, Some("a"));
    perform(&mut app, Action::ToggleFollowing);
    assert!(follows(&app));
    pass(&mut app, 6);
    shows(&app, Some("b"));
}

#[test]
fn arrow_keys_move_through_the_list_and_stop_at_its_ends() {
    let mut app = three_runs();
    let list = ["a", "b", "c", "d"];
    perform(&mut app, Action::SelectRun("a".into()));
    for next in [1, 2, 3, 3] {
        perform(&mut app, Action::NextRun);
        shows(&app, Some(list[next]));
    }
    for previous in [2, 1, 0, 0] {
        perform(&mut app, Action::PreviousRun);
        shows(&app, Some(list[previous]));
    }
    pass(&mut app, 3600);
    assert!(!follows(&app), "a run that was chosen stays");
    shows(&app, Some("a"));
}

#[test]
fn escape_closes_overlays_before_it_resumes_following() {
    let mut app = three_runs();
    perform(&mut app, Action::SelectRun("d".into()));
    let open = Chrome { panel: true, help: true, fullscreen: true, ..Chrome::default() };
    *app.world_mut().resource_mut::<Chrome>() = open;
    for left in [
        Chrome { help: false, ..open },
        Chrome { help: false, panel: false, ..open },
        Chrome::default(),
    ] {
        perform(&mut app, Action::Back);
        assert_eq!(*app.world().resource::<Chrome>(), left);
        shows(&app, Some("d"));
    }
    perform(&mut app, Action::Back);
    assert!(follows(&app));
    shows(&app, Some("c"));
}

#[test]
fn run_named_on_the_command_line_is_shown_once_known() {
    let mut settings = Settings::default();
    settings.view.run = Some("b".to_owned());
    let mut app = headless_app_with(settings);
    feed(&mut app, [event("a", None, "start", 5)]);
    feed(&mut app, [event("b", None, "start", 0)]);
    shows(&app, Some("b"));
    assert!(!follows(&app));
}
