//! Text of the wall in each scene, and navigation to and from it.

use bevy::prelude::*;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::run_view::StageView;
use meterbridge::app::state::selection::Selection;
use meterbridge::app::state::view::View;
use meterbridge::app::views::counts::RunCounts;
use meterbridge::app::views::wall::board_view::BoardView;
use meterbridge::app::views::wall::header::{Count, HeaderView};
use meterbridge::app::views::wall::plan::{Plan, Tiles, plan};
use meterbridge::app::views::wall::tile_view::TileView;
use meterbridge::app::views::wall::wall_index::WallIndex;
use meterbridge::layout::{CanvasSize, Density};
use meterbridge::model::RunStatus;
use meterbridge::protocol::RunId;

use super::support::{event, feed, headless_app, noon, perform, play_scene, play_tape};
use super::wall_scenes::many;

fn wall_index(app: &App) -> WallIndex {
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let mut wall_index = WallIndex::default();
    wall_index.update(&run_store.model, &[], 0, clock.now, clock.server_now);
    wall_index
}

fn counts(app: &App) -> RunCounts {
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    RunCounts::of(&run_store.model, &wall_index(app), clock.server_now)
}

fn planned(app: &App, wall_index: &WallIndex) -> Plan {
    let now = app.world().resource::<PlaybackClock>().server_now;
    plan(wall_index, &CanvasSize::of_pixels(1920.0, 1080.0), now, None)
}

/// Returns the header, then one line per tile.
fn words(scene: &str) -> String {
    let mut app = headless_app();
    play_scene(&mut app, scene);
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let wall_index = wall_index(&app);
    let Plan::Tiles(tiles) = planned(&app, &wall_index) else {
        panic!("no tiles");
    };
    let mut lines = vec![header_words(&HeaderView::of(&counts(&app)))];
    for (id, _) in &tiles.runs {
        let run = run_store.model.run(id).unwrap();
        let tile = TileView::of(run, run_store, clock.now, clock.server_now);
        let place = [&tile.place, &tile.detail, &tile.note].map(String::as_str).join(" ");
        let time = format!("{} {}", tile.time.0, tile.time.1);
        let other = format!("{} {}", tile.other_time.0, tile.other_time.1);
        let reason = tile.failure.map_or_else(String::new, |f| f.reason.chars().take(50).collect());
        let cancel = if tile.cancel_requested { "cancel requested" } else { "" };
        let words = [tile.title.as_str(), place.trim(), &time, other.trim(), &reason, cancel];
        let words: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
        lines.push(words.join(" | "));
    }
    lines.extend(tiles.more.map(|(more, _)| format!("{more:?}")));
    lines.join("\n").replace('\u{a0}', " ")
}

fn header_words(header: &HeaderView) -> String {
    let words = |count: &Count| format!("{} {}", count.number, count.words);
    let window = Some(header.window.clone()).filter(|window| !window.is_empty());
    let (now, ended) = (header.now.iter().map(words), header.ended.iter().map(words));
    now.chain(window).chain(ended).collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn check(scene: &str, expected: &str) {
    let actual = words(scene);
    assert!(actual == expected, "{scene} says\n{actual}\n\nand not\n{expected}");
}

#[test]
fn wall_of_one_run() {
    check(
        "wall-1",
        "1 running\n\
         Neon Rain | LYRICS 0:11 | elapsed 0:16 | to go not known yet",
    );
}

#[test]
fn wall_of_three_runs() {
    check(
        "wall-3",
        "2 running | last hour | 1 finished\n\
         Copper Sky | RENDER 0:22 | elapsed 1:31 | to go 0:34\n\
         Salt & Static | COMPOSE 0:09 fix 1 of 3 | elapsed 1:26 | to go 1:24\n\
         Velvet Engine | Finished score 0.91 | took 2:05 | finished 21 s ago",
    );
}

#[test]
fn wall_of_the_mock_up() {
    check(
        "wall-12",
        "9 running | last hour | 1 failed | 1 cancelled | 1 finished\n\
         Glass Harbour | VALIDATE failed | stopped after 3:19 | failed 1 min ago | Score 0.74 after 3 fix passes, needs 0.80\n\
         Midnight Ferry | RENDER 0:33 | elapsed 2:28 | to go 0:23\n\
         Copper Sky | REVIEW 0:04 | elapsed 2:01 | to go 0:03\n\
         Salt & Static | FIX 0:04 fix 1 of 3 | elapsed 1:13 | to go 1:37\n\
         Kite Season | VALIDATE 0:02 | elapsed 1:07 | to go 0:57\n\
         Paper Lanterns | COMPOSE 0:21 | elapsed 0:52 | to go 1:12\n\
         Northern Line | PRODUCER 0:05 | elapsed 0:30 | to go 1:35\n\
         Neon Rain | LYRICS 0:11 | elapsed 0:16 | to go 1:48\n\
         Low Tide Lullaby | STYLE 0:01 | elapsed 0:03 | to go 2:01\n\
         Small Hours | COMPOSE 0:57 | elapsed 1:28 | no news for 0:56\n\
         Seven Bridges | Cancelled COMPOSE | stopped after 0:34 | cancelled 1 min ago\n\
         Velvet Engine | Finished score 0.91 | took 2:05 | finished 21 s ago",
    );
}

#[test]
fn wall_of_odd_runs() {
    check(
        "wall-odd",
        "5 running | last hour | 2 failed\n\
         Ein Lied über Flüsse und Züge bei Nacht | COMPOSE failed | stopped after 0:34 | failed 29 s ago | KeyError: \"chorus\" is not among the sections the b\n\
         夜の灯台 | RENDER failed | stopped after 1:12 | failed 1 min ago | quota exceeded\n\
         Slow Burn | STYLE 1:57 slow | elapsed 2:00 | to go 1:59\n\
         Supercalifragilisticexpialidocious | MASTERING_AND_LOUDNESS_NORMALISATION 0:27 | elapsed 0:30 | to go not known yet\n\
         The Lighthouse Keeper’s Daughter Dreams of Copper Rivers (Extended Night Version) | PRODUCER 0:04 | elapsed 0:29 | to go 1:36\n\
         Two at Once | LYRICS, PRODUCER | elapsed 0:20 | to go 1:35\n\
         Asked to Stop | LYRICS 0:10 | elapsed 0:20 | to go 1:48 | cancel requested",
    );
}

#[test]
fn forty_runs_all_have_a_tile() {
    let said = words("wall-40");
    assert_eq!(said.lines().count(), 41, "{said}");
    assert!(said.contains("Ashes of June") && said.contains("Genre not found"), "{said}");
}

#[test]
fn runs_without_a_tile_are_counted() {
    let said = words("12-runs");
    assert!(!said.contains("More"), "{said}");
    let said = words("mid-run");
    assert!(said.contains("More { completed: "), "{said}");
}

#[test]
fn wall_counts_match_the_meter_bridge() {
    for runs in [400, 10_000] {
        let mut app = headless_app();
        play_tape(&mut app, &many(runs).write());
        let wall_index = wall_index(&app);
        assert_eq!(planned(&app, &wall_index), Plan::Board);
        let world = app.world();
        let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
        let model = &run_store.model;
        assert_eq!(wall_index.active(), model.count(RunStatus::Running));
        assert_eq!(wall_index.queued_count(), model.count(RunStatus::Pending));
        let board = BoardView::of(&counts(&app), &wall_index, run_store, clock.server_now);
        let at_nodes: usize =
            board.nodes.iter().map(|node| node.load.running + node.load.ahead).sum();
        assert_eq!(at_nodes, wall_index.active() + wall_index.queued_count());
        let named: usize = board.failures.groups.iter().map(|group| group.count).sum();
        assert_eq!(board.failures.count, model.count(RunStatus::Failed));
        assert!(named <= board.failures.count && named > 0);
        assert!(board.failures.groups.iter().all(|group| !group.reason.is_empty()));
        let sparks: u32 = board.sparks.iter().map(|(done, failed)| done + failed).sum();
        let ended = model.count(RunStatus::Completed) + model.count(RunStatus::Failed);
        assert_eq!(sparks as usize, ended);
    }
}

/// Returns an app with `running` running runs and `finished` runs that ended a minute ago.
fn app_with_runs(running: usize, finished: usize) -> App {
    let mut app = headless_app();
    for run in 0..finished {
        let id = format!("done-{run}");
        feed(&mut app, [event(&id, None, "start", -90), event(&id, None, "end", -60)]);
    }
    for run in 0..running {
        feed(&mut app, [event(&format!("run-{run}"), Some("PLAN"), "start", -5)]);
    }
    app
}

fn tiles(app: &App, before: Option<&Plan>) -> Tiles {
    let now = app.world().resource::<PlaybackClock>().server_now;
    let canvas_size = CanvasSize::of_pixels(1920.0, 1080.0);
    match plan(&wall_index(app), &canvas_size, now, before) {
        Plan::Tiles(tiles) => tiles,
        other => panic!("{other:?}"),
    }
}

#[test]
fn finished_runs_do_not_shrink_tiles_of_running_ones() {
    let check = |running, finished, density, more| {
        let tiles = tiles(&app_with_runs(running, finished), None);
        let counted = tiles.more.map_or(0, |(more, _)| more.completed);
        assert_eq!((tiles.density, counted), (density, more), "{running} and {finished}");
        let first = tiles.runs.iter().take(running);
        assert!(first.into_iter().all(|(id, _)| id.as_str().starts_with("run-")));
    };
    check(1, 0, Density::Strip, 0);
    check(2, 4, Density::Large, 0);
    check(2, 40, Density::Large, 37);
    check(5, 24, Density::Medium, 15);
    check(20, 20, Density::Small, 0);
    check(20, 30, Density::Small, 11);
    // Nothing is running: the latest runs stay.
    check(0, 40, Density::Large, 35);
}

#[test]
fn tile_density_changes_with_hysteresis() {
    let seven = Plan::Tiles(tiles(&app_with_runs(7, 0), None));
    assert_eq!(tiles(&app_with_runs(6, 0), Some(&seven)).density, Density::Medium);
    assert_eq!(tiles(&app_with_runs(4, 0), Some(&seven)).density, Density::Large);
    // More runs get more tiles at once.
    let six = Plan::Tiles(tiles(&app_with_runs(6, 0), None));
    assert_eq!(tiles(&app_with_runs(7, 0), Some(&six)).density, Density::Medium);
    let again = Plan::Tiles(tiles(&app_with_runs(2, 10), None));
    let Plan::Tiles(before) = &again else { unreachable!() };
    assert_eq!(tiles(&app_with_runs(2, 10), Some(&again)), *before, "it does not drift");
}

fn view(app: &App) -> View {
    *app.world().resource::<View>()
}

fn selected(app: &mut App, run: &str) {
    app.world_mut().resource_mut::<Selection>().0 = Some(RunId::new(run));
}

#[test]
fn key_w_toggles_wall_and_stage() {
    let mut app = headless_app();
    assert_eq!(view(&app), View::Stage { from_wall: false });
    perform(&mut app, Action::ToggleWall);
    assert_eq!(view(&app), View::Wall);
    perform(&mut app, Action::ToggleWall);
    assert_eq!(view(&app), View::Stage { from_wall: true });
}

#[test]
fn run_opens_from_the_wall_and_escape_returns() {
    let mut app = headless_app();
    feed(&mut app, [event("a", Some("PLAN"), "start", 0), event("b", Some("PLAN"), "start", 1)]);
    perform(&mut app, Action::ToggleWall);
    perform(&mut app, Action::OpenSelected);
    assert_eq!(view(&app), View::Wall, "nothing is selected");
    selected(&mut app, "a");
    perform(&mut app, Action::OpenSelected);
    assert_eq!(view(&app), View::Stage { from_wall: true });
    let focus = app.world().resource::<Focus>();
    assert_eq!(focus.run().map(RunId::as_str), Some("a"));
    assert!(!focus.is_following());
    perform(&mut app, Action::Back);
    assert_eq!(view(&app), View::Wall);
    assert!(app.world().resource::<Focus>().is_following());
    // Going back again first clears the selection.
    perform(&mut app, Action::Back);
    assert_eq!(app.world().resource::<Selection>().0, None);
    perform(&mut app, Action::Back);
    assert_eq!(view(&app), View::Wall);
}

#[test]
fn stage_tile_and_header_say_the_same_of_the_time_left() {
    let mut app = headless_app();
    let steps = || ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE", "RENDER"].iter();
    let mut second = -600;
    for node in steps().chain(&["REVIEW"]) {
        let end = event("usual", Some(node), "end", second + 5);
        let end = end.replace('}', r#","data":{"duration_ms":5000}}"#);
        feed(&mut app, [event("usual", Some(node), "start", second), end]);
        second += 5;
    }
    feed(&mut app, [event("usual", None, "end", second)]);
    for (place, node) in steps().enumerate() {
        let second = -40 + 5 * place as i64;
        feed(&mut app, [event("run", Some(node), "start", second)]);
        feed(&mut app, [event("run", Some(node), "end", second + 5)]);
    }
    feed(&mut app, [event("run", Some("REVIEW"), "start", -5)]);
    let mut check = |millis: i64, stage: &str, tile: (&str, &str), line: &str| {
        let now = noon() + jiff::SignedDuration::from_millis(millis);
        let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
        (clock.now, clock.server_now) = (now, now);
        let world = app.world();
        let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
        let run = run_store.model.run("run").unwrap();
        let view = StageView::of(run, run_store, clock.now, clock.server_now);
        assert_eq!(view.time_detail, stage, "{millis}");
        let view = TileView::of(run, run_store, clock.now, clock.server_now);
        assert_eq!((view.other_time.0.as_str(), view.other_time.1.as_str()), tile, "{millis}");
        assert_eq!(view.other_words, line, "{millis}");
    };
    let to_go = |time| ("to go", time);
    check(-2_000, "0:02 to go", to_go("0:02"), "0:02 to go");
    check(-1_999, "0:02 to go", to_go("0:02"), "0:02 to go");
    check(-1, "0:01 to go", to_go("0:01"), "0:01 to go");
    check(0, "any moment now", ("done", "any moment"), "any moment now");
    check(999, "any moment now", ("done", "any moment"), "any moment now");
    let longer = ("taking longer", "than usual");
    check(1_000, "longer than usual", longer, "longer than usual");
    check(20_000, "longer than usual", longer, "longer than usual");
}
