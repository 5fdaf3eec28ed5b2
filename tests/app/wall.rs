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
use meterbridge::app::views::wall::level::{Level, RunsNow};
use meterbridge::app::views::wall::order::{Kind, Placed};
use meterbridge::app::views::wall::plan::{Line, Places, Plan, PlanRequest, plan};
use meterbridge::app::views::wall::tile_view::TileView;
use meterbridge::app::views::wall::wall_index::WallIndex;
use meterbridge::layout::{CanvasSize, Density};
use meterbridge::model::RunStatus;
use meterbridge::protocol::{PIPELINE, RunId};

use super::support::{event, feed, headless_app, noon, perform, play_scene, play_tape};
use super::wall_scenes::{jammed, many};

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

/// Plans the wall of a screen, at the density of its runs.
fn plan_at(app: &App, wall_index: &WallIndex, pixels: (f32, f32), held: Option<&Plan>) -> Plan {
    let world = app.world();
    let server_now = world.resource::<PlaybackClock>().server_now;
    plan(&PlanRequest {
        wall_index,
        run_store: world.resource::<RunStore>(),
        counts: counts(app),
        canvas_size: CanvasSize::of_pixels(pixels.0, pixels.1),
        server_now,
        level: RunsNow::of(wall_index, world.resource::<RunStore>(), server_now).level(),
        columns: 0,
        held,
    })
}

fn planned(app: &App, wall_index: &WallIndex) -> Plan {
    plan_at(app, wall_index, (1920.0, 1080.0), None)
}

/// Returns the header, then one line per tile.
fn words(scene: &str) -> String {
    let mut app = headless_app();
    play_scene(&mut app, scene);
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let wall_index = wall_index(&app);
    let Plan::Runs(places) = planned(&app, &wall_index) else {
        panic!("no places");
    };
    let mut lines = vec![header_words(&HeaderView::of(&counts(&app)))];
    for Placed { id, .. } in &places.runs {
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
         Copper Sky | RENDER 0:22 of 0:48 | elapsed 1:31 | to go 0:34\n\
         Salt & Static | COMPOSE 0:09 of 0:33 fix 1 of 3 | elapsed 1:26 | to go 1:25\n\
         Velvet Engine | finished 21 s ago | took 2:05 | score 0.91",
    );
}

#[test]
fn wall_of_the_mock_up() {
    check(
        "wall-12",
        "9 running, 1 without news | last hour | 1 failed | 1 cancelled | 1 finished\n\
         Glass Harbour | VALIDATE failed | stopped after 3:19 | failed 1 min ago | Score 0.74 after 3 fix passes, needs 0.80\n\
         Copper Sky | REVIEW 0:04 of 0:07 | elapsed 2:01 | to go 0:04\n\
         Midnight Ferry | RENDER 0:33 of 0:48 | elapsed 2:28 | to go 0:23\n\
         Kite Season | VALIDATE 0:02 of 0:04 | elapsed 1:07 | to go 0:58\n\
         Paper Lanterns | COMPOSE 0:21 of 0:33 | elapsed 0:52 | to go 1:13\n\
         Northern Line | PRODUCER 0:05 of 0:06 | elapsed 0:30 | to go 1:36\n\
         Salt & Static | FIX 0:04 of 0:08 fix 1 of 3 | elapsed 1:13 | to go 1:37\n\
         Neon Rain | LYRICS 0:11 of 0:19 | elapsed 0:16 | to go 1:49\n\
         Low Tide Lullaby | STYLE 0:01 of 0:03 | elapsed 0:03 | to go 2:02\n\
         Small Hours | COMPOSE 0:57 of 0:33 | elapsed 1:28 | no news for 0:56\n\
         Seven Bridges | cancelled 1 min ago | stopped after 0:34 | at step COMPOSE\n\
         Velvet Engine | finished 21 s ago | took 2:05 | score 0.91",
    );
}

#[test]
fn wall_of_odd_runs() {
    check(
        "wall-odd",
        "5 running | last hour | 2 failed\n\
         Ein Lied über Flüsse und Züge bei Nacht | COMPOSE failed | stopped after 0:34 | failed 29 s ago | KeyError: \"chorus\" is not among the sections the b\n\
         夜の灯台 | RENDER failed | stopped after 1:12 | failed 1 min ago | quota exceeded\n\
         The Lighthouse Keeper’s Daughter Dreams of Copper Rivers (Extended Night Version) | PRODUCER 0:04 of 0:06 | elapsed 0:29 | to go 1:37\n\
         Asked to Stop | LYRICS 0:10 of 0:19 | elapsed 0:20 | to go 1:50 | cancel requested\n\
         Slow Burn | STYLE 1:57 of 0:03 slow | elapsed 2:00 | late by 1:54\n\
         Supercalifragilisticexpialidocious | MASTERING_AND_LOUDNESS_NORMALISATION 0:27 | elapsed 0:30 | to go not known yet\n\
         Two at Once | LYRICS, PRODUCER | elapsed 0:20 | late by 0:08",
    );
}

#[test]
fn forty_runs_all_have_a_row() {
    let said = words("wall-40");
    assert_eq!(said.lines().count(), 41, "{said}");
    assert!(said.contains("Ashes of June") && said.contains("Genre not found"), "{said}");
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
        // Every running run stands at one step, and every queued one waits.
        let header = counts(&app);
        let at_nodes: usize = board.nodes.iter().map(|node| node.count()).sum();
        assert_eq!((at_nodes, board.waiting.count), (header.active, header.queued));
        let cells: usize = board.nodes.iter().map(|node| node.runs.len()).sum();
        assert_eq!(cells, if header.active <= 200 { header.active } else { 0 });
        let named: usize = board.failures.groups.iter().map(|group| group.count).sum();
        assert_eq!(board.failures.count, model.count(RunStatus::Failed));
        assert_eq!(named, board.failures.count, "every failure has a cause");
        assert!(board.failures.groups.iter().all(|group| !group.reason.is_empty()));
        let ended = board
            .ended
            .iter()
            .fold([0, 0, 0], |sums, part| [0, 1, 2].map(|kind| sums[kind] + part[kind] as usize));
        assert_eq!(ended, [header.completed, header.cancelled, header.failed]);
    }
}

#[test]
fn board_says_why_runs_fail_where_they_are_jammed_and_how_many_finish() {
    let mut app = headless_app();
    play_tape(&mut app, &jammed().write());
    let wall_index = wall_index(&app);
    assert_eq!(planned(&app, &wall_index), Plan::Board);
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let board = BoardView::of(&counts(&app), &wall_index, run_store, clock.server_now);

    let [cause] = &board.failures.groups[..] else { panic!("{:?}", board.failures) };
    assert_eq!((cause.place_words(), cause.reason.as_str()), ("RENDER", "quota exceeded"));
    assert!(cause.is_solid && cause.minutes.len() == 15);
    assert_eq!(cause.minutes.iter().sum::<u32>(), 9);
    let retries = ("4 retries running".to_owned(), "5 not retried".to_owned());
    assert_eq!(cause.retry_words(), retries);

    // By Little's law a step holds as many runs as begin while one is there: one every 11 s.
    let usual =
        |step: &str| board.nodes.iter().find(|node| node.name == step).unwrap().usual.unwrap();
    for (step, from, to) in
        [("PLAN", 1, 3), ("LYRICS", 16, 19), ("COMPOSE", 29, 32), ("FIX", 0, 0), ("REVIEW", 3, 8)]
    {
        assert!((from..=to).contains(&usual(step)), "{step}: {}", usual(step));
    }
    let jammed: Vec<&str> =
        board.nodes.iter().filter(|node| !node.jam.is_empty()).map(|node| &*node.name).collect();
    assert_eq!(jammed, ["RENDER"]);
    let render = board.nodes.iter().find(|node| node.name == "RENDER").unwrap();
    let times = render.count() as f64 / render.usual.unwrap() as f64;
    assert_eq!(render.jam, format!("jammed: {times:.1} times the usual load"));
    assert!((1.5..2.2).contains(&times), "{render:?}");

    assert_eq!((board.waiting.count, board.waiting.longest.as_str()), (14, "1:12"));
    assert_eq!(board.pace.rises, Some(false));
    assert!(board.pace.words.starts_with("falling for "), "{:?}", board.pace);
    assert_eq!((board.ended.len(), board.part_secs, board.since.as_str()), (60, 60, "1 h ago"));
    assert_eq!(board.latest.len(), 12);
    assert!(board.times.is_none());
}

#[test]
fn board_of_the_first_minutes_shows_no_time_before_the_first_event() {
    let app = app_with_runs(70, 3);
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let board = BoardView::of(&counts(&app), &wall_index(&app), run_store, clock.server_now);
    // The first event was 85 s before the last.
    assert_eq!((board.ended.len(), board.part_secs), (17, 5));
    assert_eq!(board.since, "1 min ago");
    assert!(board.nodes.iter().all(|node| node.usual.is_none() && node.jam.is_empty()));
    assert_eq!(board.pace.usual_words, "usual not known yet");
    assert_eq!((board.pace.usual, board.pace.rises), (None, None));
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

fn places(app: &App) -> Places {
    match planned(app, &wall_index(app)) {
        Plan::Runs(places) => *places,
        other => panic!("{other:?}"),
    }
}

fn kinds(places: &Places, kind: Kind) -> usize {
    places.runs.iter().filter(|placed| placed.kind == kind).count()
}

#[test]
fn finished_runs_fill_what_is_left_and_never_raise_the_density() {
    let check = |running, finished, level, density, shown| {
        let places = places(&app_with_runs(running, finished));
        let case = format!("{running} and {finished}");
        assert_eq!((places.level, places.density), (level, density), "{case}");
        assert_eq!(kinds(&places, Kind::Running), running, "{case}");
        assert_eq!(kinds(&places, Kind::Finished), shown, "{case}");
        let first = places.runs.iter().take(running);
        assert!(first.into_iter().all(|placed| placed.id.as_str().starts_with("run-")));
    };
    check(1, 0, Level::Large, Density::Strip, 0);
    check(2, 1, Level::Large, Density::Strip, 1);
    check(2, 40, Level::Large, Density::Tile, 4);
    check(6, 40, Level::Large, Density::Tile, 0);
    check(7, 40, Level::Medium, Density::Tile, 8);
    check(12, 40, Level::Medium, Density::Tile, 3);
    check(13, 40, Level::OneColumn, Density::Row, 3);
    check(26, 40, Level::Rows, Density::Row, 13);
    check(26, 14, Level::Rows, Density::Row, 14);
    // Nothing is running: the latest runs stay.
    check(0, 40, Level::Large, Density::Tile, 6);
}

#[test]
fn rows_count_runs_without_a_row_in_words() {
    let lines = |running, finished| {
        let places = places(&app_with_runs(running, finished));
        places.lines.iter().map(|(line, _)| *line).collect::<Vec<_>>()
    };
    assert_eq!(lines(26, 14), []);
    assert_eq!(lines(26, 15), [Line::Ended]);
    // The header counts the ended ones where running ones need every row.
    assert_eq!(lines(40, 15), []);
    assert_eq!(lines(41, 15), [Line::Running]);
    assert_eq!(lines(60, 0), [Line::Running]);
    assert_eq!(kinds(&places(&app_with_runs(60, 0)), Kind::Running), 39);
}

/// Order of the kinds in which runs have tiles.
#[test]
fn running_runs_come_by_time_to_go_and_those_without_an_estimate_last() {
    let said = words("wall-12");
    let place = |title: &str| said.lines().position(|line| line.starts_with(title)).unwrap();
    let order = ["Glass Harbour", "Copper Sky", "Midnight Ferry", "Kite Season", "Small Hours"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{said}");
    let said = words("wall-odd");
    let place = |title: &str| said.lines().position(|line| line.starts_with(title)).unwrap();
    let order = ["The Lighthouse", "Asked to Stop", "Slow Burn", "Supercalifragilistic"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{said}");
}

/// Feeds three completed runs in which each step took as many seconds.
fn feed_usual_runs(app: &mut App, secs: i64) {
    for run in ["usual 1", "usual 2", "usual 3"] {
        let mut at = -600;
        for node in PIPELINE.iter().filter(|node| **node != "FIX") {
            let end = event(run, Some(node), "end", at + secs);
            let duration = format!(r#","data":{{"duration_ms":{}}}}}"#, secs * 1000);
            let end = end.replace('}', &duration);
            feed(app, [event(run, Some(node), "start", at), end]);
            at += secs;
        }
        feed(app, [event(run, None, "end", at)]);
    }
}

/// The next to finish is the one with the least time to go; one that is late comes after all others, because nothing says when it will finish, and one without news is none.
#[test]
fn next_to_finish_is_the_run_with_the_least_time_to_go() {
    let mut app = headless_app();
    feed_usual_runs(&mut app, 15);
    let next = |app: &App| match planned(app, &wall_index(app)) {
        Plan::Runs(places) => places.next.as_ref().map(|id| id.to_string()),
        _ => None,
    };
    assert_eq!(next(&app), None);
    feed(&mut app, [event("longer than usual", Some("REVIEW"), "start", -28)]);
    feed(&mut app, [event("early", Some("PLAN"), "start", -2)]);
    feed(&mut app, [event("late", Some("RENDER"), "start", -2)]);
    assert_eq!(next(&app).as_deref(), Some("late"));
}

/// Feeds a run of another song that fails at a step, for a reason, so many seconds ago.
fn feed_failure(app: &mut App, run: &str, (node, error): (&str, &str), ago: i64) {
    let error = format!(r#","data":{{"error":"{error}"}}}}"#);
    let fail = event(run, Some(node), "fail", -ago).replace('}', &error);
    feed(app, [event(run, Some(node), "start", -ago - 20), fail, event(run, None, "fail", -ago)]);
}

/// Failures for the same cause, but for numbers in its words, share one tile, which stays that of the
/// first of them; one for another cause has its own.
#[test]
fn failures_for_one_cause_share_a_tile() {
    let mut app = headless_app();
    feed(&mut app, [event("running", Some("PLAN"), "start", -5)]);
    feed_failure(&mut app, "first", ("RENDER", "timed out after 30 s"), 90);
    feed_failure(&mut app, "other", ("LYRICS", "timed out after 30 s"), 60);
    let groups = |app: &App| match planned(app, &wall_index(app)) {
        Plan::Runs(places) => {
            let fresh = places.runs.iter().filter(|placed| placed.kind == Kind::Fresh);
            let tile = |placed: &Placed| {
                let group = places.group(&placed.id).iter();
                (placed.id.to_string(), group.map(ToString::to_string).collect::<Vec<_>>())
            };
            fresh.map(tile).collect()
        }
        _ => Vec::new(),
    };
    let alone = |id: &str| (id.to_owned(), Vec::new());
    assert_eq!(groups(&app), [alone("other"), alone("first")]);
    feed_failure(&mut app, "second", ("RENDER", "timed out after 45 s"), 10);
    let shared = ("first".to_owned(), vec!["second".to_owned(), "first".to_owned()]);
    assert_eq!(groups(&app), [shared, alone("other")]);
    assert_eq!(counts(&app).failed, 3);
}

/// A studio of random runs in all statuses.
fn random_studio(seed: u64) -> App {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut app = headless_app();
    for run in 0..random.usize(1..90) {
        let id = format!("run-{run}");
        let ago = random.i64(1..4_000);
        match random.u8(0..8) {
            0 => feed(&mut app, [event(&id, None, "info", -ago.min(50))]),
            1 => feed(
                &mut app,
                [event(&id, None, "start", -ago - 30), event(&id, None, "fail", -ago)],
            ),
            2 => feed(
                &mut app,
                [event(&id, None, "start", -ago - 30), event(&id, None, "cancelled", -ago)],
            ),
            3 | 4 => feed(
                &mut app,
                [event(&id, None, "start", -ago - 30), event(&id, None, "end", -ago)],
            ),
            _ => feed(&mut app, [event(&id, Some("PLAN"), "start", -ago.min(25))]),
        }
    }
    app
}

#[test]
fn no_running_run_is_hidden_while_a_finished_one_has_a_place() {
    let sizes = [(1920.0, 1080.0), (1080.0, 1920.0), (1280.0, 1024.0), (2560.0, 1080.0)];
    let mut full = 0;
    for seed in 0..120 {
        let app = random_studio(seed);
        let wall_index = wall_index(&app);
        let pixels = sizes[seed as usize % sizes.len()];
        let Plan::Runs(places) = plan_at(&app, &wall_index, pixels, None) else {
            continue;
        };
        let running = kinds(&places, Kind::Running) + kinds(&places, Kind::Silent);
        let hidden = wall_index.active() - running;
        let over = places.runs.iter().filter(|placed| placed.kind.is_over());
        let over = over.filter(|placed| placed.kind != Kind::Fresh).count();
        assert!(hidden == 0 || over == 0, "seed {seed}: {hidden} hidden, {over} ended shown");
        let counted = places.lines.iter().any(|(line, _)| *line == Line::Running);
        assert_eq!(hidden > 0, counted, "seed {seed}");
        full += usize::from(places.density == Density::Row && over > 0);
        // Order: kinds never alternate.
        let mut kinds: Vec<Kind> = places.runs.iter().map(|placed| placed.kind).collect();
        kinds.dedup();
        let distinct: std::collections::HashSet<Kind> = kinds.iter().copied().collect();
        assert_eq!(kinds.len(), distinct.len(), "seed {seed}: {kinds:?}");
    }
    assert!(full > 10, "few of the studios have rows of ended runs");
}

#[test]
fn held_order_adds_a_new_running_run_and_moves_no_other() {
    let mut app = app_with_runs(10, 9);
    let before = planned(&app, &wall_index(&app));
    let Plan::Runs(old) = &before else { panic!("{before:?}") };
    feed(&mut app, [event("run-3", None, "end", 0), event("new", Some("PLAN"), "start", 0)]);
    let index = wall_index(&app);
    assert!(before.hides_running(&index));
    let held = plan_at(&app, &index, (1920.0, 1080.0), Some(&before));
    assert!(!held.hides_running(&index));
    let Plan::Runs(held) = held else { panic!("no tiles") };
    let ids = |places: &Places| {
        places.runs.iter().map(|placed| placed.id.to_string()).collect::<Vec<_>>()
    };
    let (old, held) = (ids(old), ids(&held));
    assert_eq!(held[..10], old[..10], "the run that ended stays for now");
    assert_eq!((held[10].as_str(), &held[11..]), ("new", &old[10..14]));
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
    feed_usual_runs(&mut app, 5);
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
    check(0, "any moment now", ("finishes", "any moment"), "any moment now");
    check(999, "any moment now", ("finishes", "any moment"), "any moment now");
    check(1_000, "late by 0:01", ("late by", "0:01"), "late by 0:01");
    check(20_000, "late by 0:20", ("late by", "0:20"), "late by 0:20");
}
