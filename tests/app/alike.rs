//! Runs that look alike are told apart on the wall, in the list, in the event log and in notices.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bevy::prelude::*;
use meterbridge::app::overlays::notices::Notices;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::views::counts::RunCounts;
use meterbridge::app::views::wall::board_view::BoardView;
use meterbridge::app::views::wall::tile_view::TileView;
use meterbridge::app::views::wall::wall_index::WallIndex;

use super::scenes::fixture;
use super::support::{feed, headless_app, noon, play_tape};

/// Shows the four runs of `alike-ids`.
fn alike_ids() -> App {
    let mut app = headless_app();
    let path: PathBuf = fixture("cases/alike-ids.ndjson");
    play_tape(&mut app, &std::fs::read_to_string(path).unwrap());
    app
}

/// Returns an event of a run titled "Neon Rain", `seconds` after noon.
fn neon_rain(run: &str, node: Option<&str>, phase: &str, seconds: i64) -> String {
    let at = noon() + jiff::SignedDuration::from_secs(seconds);
    let node = node.map_or_else(String::new, |node| format!(r#""node_name":"{node}","#));
    format!(
        r#"{{"ts":"{at}","run_id":"{run}",{node}"phase":"{phase}","data":{{"song_title":"Neon Rain"}}}}"#
    )
}

fn wall_titles(app: &App) -> Vec<String> {
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let runs = run_store.model.runs_in_order().into_iter();
    runs.map(|run| TileView::of(run, run_store, clock.now, clock.server_now).title).collect()
}

/// Returns all names on the board.
fn other_names(app: &App) -> Vec<String> {
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let mut wall_index = WallIndex::default();
    wall_index.update(&run_store.model, &[], 0, clock.now, clock.server_now);
    let counts = RunCounts::of(&run_store.model, &wall_index, clock.server_now);
    let board = BoardView::of(&counts, &wall_index, run_store, clock.server_now);
    let failed = board.failures.groups.into_iter().flat_map(|group| group.runs);
    let named = failed.chain(board.cancelled_latest).map(|(_, name)| name);
    let latest = board.latest.into_iter().map(|run| run.title);
    named.chain(latest).collect()
}

#[test]
fn wall_tells_ids_apart_that_have_the_same_ends() {
    let app = alike_ids();
    let expected = ["Run …build-linux…", "Run …build-macos…", "Run …tests…", "Run …release…"]
        .map(String::from);
    assert_eq!(
        wall_titles(&app).into_iter().collect::<BTreeSet<_>>(),
        expected.into_iter().collect::<BTreeSet<_>>()
    );
}

#[test]
fn wall_board_and_notices_tell_runs_of_one_title_apart() {
    let mut app = headless_app();
    feed(&mut app, [neon_rain("a", None, "start", -300), neon_rain("b", None, "start", -200)]);
    feed(&mut app, [neon_rain("c", None, "start", -190), neon_rain("d", None, "start", -190)]);
    let minute = |seconds: i64, format: &str| {
        let at = noon() + jiff::SignedDuration::from_secs(seconds);
        at.to_zoned(jiff::tz::TimeZone::system()).strftime(format).to_string()
    };
    let first = format!("{} · Neon Rain", minute(-300, "%H:%M"));
    let second = format!("{} · Neon Rain", minute(-200, "%H:%M:%S"));
    let names = [&first, &second, "c · Neon Rain", "d · Neon Rain"];
    let mut titles = wall_titles(&app);
    titles.sort();
    assert_eq!(titles, names);

    for (run, phase) in [("a", "end"), ("b", "fail"), ("c", "fail"), ("d", "end")] {
        feed(&mut app, [neon_rain(run, None, phase, -1)]);
    }
    let mut others = other_names(&app);
    others.sort();
    assert_eq!(others, names);
    let mut told: Vec<String> = app
        .world()
        .resource::<Notices>()
        .newest_first()
        .map(|notice| notice.title.clone())
        .collect();
    told.sort();
    assert_eq!(told, names);
}
