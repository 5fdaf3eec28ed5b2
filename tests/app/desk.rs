//! The desk: how it is opened and left, and what stays chosen.

use bevy::prelude::*;
use meterbridge::app::draw::DrawClock;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::desk::Desk;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::presence::Presence;
use meterbridge::app::state::view::{TimelineMode, View};
use meterbridge::protocol::RunId;

use super::support::{event, feed, headless_app, perform};

fn view(app: &App) -> View {
    *app.world().resource::<View>()
}

fn run(app: &App) -> Option<String> {
    app.world().resource::<Focus>().run().map(|run| run.as_str().to_owned())
}

fn two_runs() -> App {
    let mut app = headless_app();
    feed(&mut app, [event("a", None, "start", -10), event("b", None, "start", -5)]);
    app
}

#[test]
fn desk_goes_back_to_the_view_it_was_opened_from() {
    let mut app = two_runs();
    perform(&mut app, Action::ToggleWall);
    for leaves in [Action::ToggleDesk, Action::Back] {
        perform(&mut app, Action::ToggleDesk);
        assert_eq!(view(&app), View::Desk);
        perform(&mut app, leaves);
        assert_eq!(view(&app), View::Wall);
    }
    // Another view is reached from the desk as from anywhere.
    perform(&mut app, Action::SearchRuns);
    assert_eq!(view(&app), View::Desk);
    perform(&mut app, Action::ShowStage);
    assert_eq!(view(&app), View::Stage { from_wall: false });
}

#[test]
fn selection_on_the_desk_changes_by_hand_only() {
    let mut app = two_runs();
    let before = run(&app).unwrap();
    perform(&mut app, Action::ToggleDesk);
    feed(&mut app, [event(&before, None, "end", 0), event("c", None, "start", 1)]);
    for _ in 0..5 {
        app.update();
    }
    assert_eq!(run(&app), Some(before), "the run ended, and another one began");
    perform(&mut app, Action::SelectRun(RunId::new("c")));
    perform(&mut app, Action::ToggleDesk);
    assert_eq!(run(&app).as_deref(), Some("c"), "what was chosen stays chosen");
    assert!(!app.world().resource::<Focus>().is_following());
}

#[test]
fn desk_that_nobody_attends_for_long_gives_way_to_the_view_before() {
    let mut app = two_runs();
    app.insert_resource(DrawClock { secs: 0.0, follow_real_time: false });
    perform(&mut app, Action::ToggleWall);
    perform(&mut app, Action::ToggleDesk);
    app.insert_resource(Presence { away: true, panel_stays: false });
    app.update();
    app.insert_resource(DrawClock { secs: 100.0, follow_real_time: false });
    app.update();
    assert_eq!(view(&app), View::Desk, "somebody may be reading");
    app.insert_resource(DrawClock { secs: 130.0, follow_real_time: false });
    app.update();
    assert_eq!(view(&app), View::Wall);
}

#[test]
fn view_that_is_opened_from_the_desk_follows_as_before() {
    let mut app = two_runs();
    perform(&mut app, Action::ToggleDesk);
    perform(&mut app, Action::ToggleWall);
    assert!(app.world().resource::<Focus>().is_following());
    perform(&mut app, Action::ToggleDesk);
    perform(&mut app, Action::OpenSelected);
    assert!(matches!(view(&app), View::Stage { .. }));
    assert!(!app.world().resource::<Focus>().is_following(), "this run was opened");
}

#[test]
fn compare_on_the_desk_stays_there_and_elsewhere_opens_the_race() {
    let mut app = two_runs();
    perform(&mut app, Action::ToggleDesk);
    for is_on in [true, false, true] {
        perform(&mut app, Action::Race);
        assert_eq!(view(&app), View::Desk);
        assert_eq!(app.world().resource::<Desk>().is_comparing, is_on);
    }
    perform(&mut app, Action::ShowStage);
    perform(&mut app, Action::Race);
    assert!(matches!(view(&app), View::Timeline { mode: TimelineMode::Race, .. }));
}
