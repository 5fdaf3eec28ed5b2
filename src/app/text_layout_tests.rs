//! Property tests of the places of texts: in studios of any kind, with titles in ten scripts, long and equal,
//! no two texts overlap and none leaves its box, on tiles, rows, board and stage, at sizes that people have
//! and in each theme.

use bevy::prelude::*;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::totality_tests::{RUNS, SEEDS, Story, WALLS, faults, name, noon, random_model, showing};
use crate::app::draw::{Canvas, DrawClock};
use crate::app::state::focus::Focus;
use crate::app::state::hit::Pickable;
use crate::app::state::run_store::RunStore;
use crate::app::state::viewport::Viewport;
use crate::app::theme::ThemeChoice;
use crate::config::{ThemeName, ViewName};
use crate::layout::{CanvasSize, Rect, lay_out_board, wall_area};
use crate::model::{Model, Node, Retention, RunStatus};
use crate::protocol::{Batch, PIPELINE, RunId};

/// Number of studios of each of the tests in an ordinary run. `METERBRIDGE_TEST_STUDIOS` overrides it for
/// all, e.g. 2000.
const TILES: u64 = 60;
const ROWS: u64 = 36;
const BOARDS: u64 = 56;

/// Titles in ten scripts: short, long, alike at their beginning, and of one long word.
const TITLES: [&str; 14] = [
    "Neon Rain",
    "Everything We Left on the Platform at Dawn",
    "Glass Harbour at the End of the Northern Line (Take One)",
    "Glass Harbour at the End of the Northern Line (Take Two)",
    "Supercalifragilisticexpialidocious",
    "夜に駆ける雨と銅の川の長い夜の物語",
    "長夜的河流與月台上的銅雨之歌第二版",
    "밤의 긴 강과 플랫폼의 구리 비",
    "Ночной поезд через заснеженную долину",
    "Το τραγούδι της μεγάλης νύχτας στην αποβάθρα",
    "أغنية الليل الطويل على الرصيف",
    "שיר הלילה הארוך על הרציף הישן",
    "लंबी रात का गीत और तांबे की बारिश",
    "เพลงของคืนที่ยาวนานบนชานชาลา",
];

fn studios(usual: u64) -> u64 {
    let told = std::env::var("METERBRIDGE_TEST_STUDIOS").ok();
    told.map_or(usual, |told| told.parse().unwrap())
}

/// Studio of `runs` runs whose titles are long, alike or in other scripts, in all statuses.
pub(super) fn studio(rng: &mut Rng, runs: usize) -> (Model, Timestamp) {
    // Some studios have one title only.
    let equal = rng.u8(0..8) == 0;
    let reasons = [
        "quota exceeded",
        "Score 0.74 after 3 fix passes, needs 0.80, and the chorus has no hook that anyone would keep",
        "no answer within 30 s",
        "割り当てを超えました",
        "Genre_not_found_in_blueprint_and_no_fallback_configured",
        "out of memory",
        "disk full",
        "cancelled by the engine",
    ];
    let mut batch = Batch::new(noon(), true);
    let mut tell = |run: usize, secs: i64, node: Option<&str>, phase: &str, data: &str| {
        let at = noon() + SignedDuration::from_secs(secs);
        let node = node.map_or_else(String::new, |node| format!(r#""node_name":"{node}","#));
        batch.push_text(&format!(
            r#"{{"ts":"{at}","run_id":"run-{run}",{node}"phase":"{phase}","data":{data}}}"#
        ));
    };
    for run in 0..runs + 3 {
        let song = serde_json::json!({
            "song_title": TITLES[if equal { 2 } else { rng.usize(0..TITLES.len()) }],
            "song_id": format!("song-{}", run % 9),
        });
        // Three have finished before, so that usual times are known.
        let (status, begun) =
            if run < 3 { (9, -3_000) } else { (rng.u8(0..10), -rng.i64(20..4_000).min(900)) };
        tell(run, begun, None, if status == 0 { "info" } else { "start" }, &song.to_string());
        if status == 0 {
            continue;
        }
        let until = if status == 9 { PIPELINE.len() } else { rng.usize(1..PIPELINE.len()) };
        let mut at = begun;
        for (index, node) in PIPELINE.iter().enumerate().take(until) {
            if *node == "FIX" && rng.u8(0..2) == 0 {
                continue;
            }
            tell(run, at, Some(node), "start", "{}");
            if index + 1 < until || status > 7 {
                at += 2;
                tell(run, at, Some(node), "end", r#"{"duration_ms":2000,"score":0.91}"#);
            }
        }
        match status {
            1 if run % 3 == 0 => {
                let error = reasons[run / 3 % reasons.len()];
                tell(run, at + 1, None, "fail", &format!(r#"{{"error":"{error}"}}"#));
            }
            2 => tell(run, at + 1, None, "cancelled", "{}"),
            8 | 9 => tell(run, at + 1, None, "end", "{}"),
            _ => {}
        }
    }
    let mut model = Model::new(Retention::default());
    model.receive(batch, |_, _| {});
    (model, noon() + SignedDuration::from_secs(2))
}

/// True where two texts share more than their edges.
pub(super) fn overlap(a: &Rect, b: &Rect) -> bool {
    let apart = a.right() <= b.x + 1.0
        || b.right() <= a.x + 1.0
        || a.bottom() <= b.y + 1.0
        || b.bottom() <= a.y + 1.0;
    !apart
}

fn is_inside(at: &Rect, area: &Rect) -> bool {
    let (x, y) = (at.x >= area.x - 0.5, at.y >= area.y - 0.5);
    x && y && at.right() <= area.right() + 0.5 && at.bottom() <= area.bottom() + 0.5
}

/// Draws a studio in one of the themes.
fn draw((model, now): (Model, Timestamp), size: (f32, f32), rng: &mut Rng) -> App {
    let mut app = showing(model, now, ViewName::Wall, size);
    let themes = [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast];
    app.insert_resource(ThemeChoice(themes[rng.usize(0..3)]));
    let found = faults(&mut app);
    assert!(found.is_empty(), "{size:?}: {found:#?}");
    app
}

fn canvas_size(app: &App) -> CanvasSize {
    app.world().resource::<Viewport>().canvas_size()
}

/// Returns the texts of parts of the canvas, with their places.
fn words_of(app: &App, parts: &[&'static str]) -> Vec<(String, Rect)> {
    let canvas = app.world().resource::<Canvas>();
    parts.iter().flat_map(|part| canvas.words(part)).collect()
}

/// Returns what is wrong with texts: pairs that overlap, and texts that are in none of the boxes.
fn misplaced(words: &[(String, Rect)], boxes: &[Rect]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, (text, at)) in words.iter().enumerate() {
        if !boxes.iter().any(|area| is_inside(at, area)) {
            found.push(format!("{text:?} {at:?} leaves its box"));
        }
        for (other, its) in &words[..place] {
            if overlap(at, its) {
                found.push(format!("{text:?} {at:?} over {other:?} {its:?}"));
            }
        }
    }
    found
}

/// Returns the tiles on which a running step has no time, and counts those on which it has one.
fn without_time(
    app: &App,
    words: &[(String, Rect)],
    tiles: &[(RunId, Rect)],
    timed: &mut usize,
) -> Vec<String> {
    let model = &app.world().resource::<RunStore>().model;
    let mut found = Vec::new();
    for (id, tile) in tiles {
        let Some(run) = model.run(id).filter(|run| run.status == RunStatus::Running) else {
            continue;
        };
        let on_tile: Vec<&str> = words
            .iter()
            .filter(|(_, at)| is_inside(at, tile))
            .map(|(text, _)| text.as_str())
            .collect();
        // In a fix pass its number stands in place of the time.
        let is_fix = on_tile.iter().any(|text| text.contains("fix "));
        let running: Vec<&Node> = run.running_nodes().collect();
        let [node] = running[..] else { continue };
        if is_fix {
            continue;
        }
        let starts = format!("{} ", node.name);
        let has_time = |text: &&&str| text.strip_prefix(&*starts).is_some_and(|t| t.contains(':'));
        match on_tile.iter().find(has_time) {
            Some(_) => *timed += 1,
            None => found.push(format!("{} has no time on {on_tile:?}", node.name)),
        }
    }
    found
}

/// Sizes of walls, with wide and narrow ones.
const SIZES: [(f32, f32); 8] = [
    WALLS[0],
    WALLS[1],
    WALLS[2],
    WALLS[3],
    WALLS[4],
    (2560.0, 1080.0),
    (1080.0, 1350.0),
    (3840.0, 1080.0),
];

/// Fails with the first of many faults.
fn assert_none(all: &[String]) {
    assert!(all.is_empty(), "{} faults: {:#?}", all.len(), &all[..all.len().min(30)]);
}

#[test]
fn no_text_of_tiles_overlaps_another_or_leaves_its_tile() {
    let (mut tiles, mut timed, mut drawn, mut all) = (0, 0, 0, Vec::new());
    let number = studios(TILES);
    for seed in 0..number {
        let mut rng = Rng::with_seed(seed);
        let runs = 2 + seed as usize % 11;
        let size = SIZES[seed as usize / 11 % SIZES.len()];
        let app = draw(studio(&mut rng, runs), size, &mut rng);
        let words = words_of(&app, &["wall", "tile", "wall failures", "wall more"]);
        let places = app.world().resource::<Pickable>().tiles();
        let area = wall_area(&canvas_size(&app));
        // A tab stands on the upper edge of its tile, and a number of others on its lower edge.
        let with_tab = |(_, tile): &(_, Rect)| Rect { y: tile.y - 15.0, h: tile.h + 31.0, ..*tile };
        let header = Rect { x: 0.0, y: 0.0, w: canvas_size(&app).width, h: area.y };
        let mut boxes: Vec<Rect> = places.iter().map(with_tab).collect();
        // Failures that are too many for tiles have a block of their own.
        let has_block = !words_of(&app, &["wall failures"]).is_empty();
        boxes.extend([header].into_iter().chain(has_block.then_some(area)));
        let case = format!("seed {seed}, {runs} runs, {size:?}");
        let mut found = misplaced(&words, &boxes);
        found.extend(without_time(&app, &words, places, &mut timed));
        all.extend(found.into_iter().map(|fault| format!("{case}: {fault}")));
        tiles += places.len();
        drawn += usize::from(!places.is_empty());
    }
    assert_none(&all);
    println!(
        "{number} studios, {drawn} with tiles, {tiles} tiles: no text overlaps or leaves its tile"
    );
    assert!(drawn * 10 >= number as usize * 7, "only {drawn} of {number} studios had tiles");
    assert!(timed >= drawn, "only {timed} running steps had their time");
}

#[test]
fn no_text_of_rows_overlaps_another_or_leaves_the_wall() {
    let (mut boards, mut all) = (0, Vec::new());
    let number = studios(ROWS);
    for seed in 0..number {
        let mut rng = Rng::with_seed(seed);
        let runs = [13, 16, 20, 36, 48, 60][seed as usize % 6];
        let size = SIZES[seed as usize / 6 % SIZES.len()];
        let app = draw(studio(&mut rng, runs), size, &mut rng);
        let words = words_of(&app, &["tile", "wall rows", "wall slab"]);
        boards += usize::from(!words_of(&app, &["wall rows"]).is_empty());
        // The slab is a little higher than the wall.
        let area = wall_area(&canvas_size(&app));
        let area = Rect { y: area.y - 20.0, h: area.h + 20.0, ..area };
        let case = format!("seed {seed}, {runs} runs, {size:?}");
        let found = misplaced(&words, &[area]);
        all.extend(found.into_iter().map(|fault| format!("{case}: {fault}")));
    }
    assert_none(&all);
    println!("{number} studios, {boards} with rows: no text overlaps or leaves the wall");
    assert!(boards * 2 >= number as usize, "only {boards} of {number} studios had rows");
}

#[test]
fn no_text_of_the_board_overlaps_another_or_leaves_its_column() {
    let (mut boards, mut cells, mut all) = (0, 0, Vec::new());
    let number = studios(BOARDS);
    for seed in 0..number {
        let mut rng = Rng::with_seed(seed);
        let runs = [90, 120, 260, 420][seed as usize % 4];
        let studio = match seed % 14 {
            // Every step of these runs has another name.
            13 => random_model(&mut rng, 150, 20),
            _ => studio(&mut rng, runs),
        };
        let size = SIZES[seed as usize % 7];
        let app = draw(studio, size, &mut rng);
        let words = words_of(&app, &["board"]);
        boards += usize::from(!words.is_empty());
        let board = lay_out_board(&canvas_size(&app));
        let areas = [board.causes, board.now, board.pace, board.below];
        let case = format!("seed {seed}, {runs} runs, {size:?}");
        let mut found = misplaced(&words, &areas);
        let is_small = |(text, at): &&(String, Rect)| text.is_empty() || at.h <= 17.0 * board.scale;
        found.extend(words.iter().filter(is_small).map(|(text, at)| format!("{text:?} {at:?}")));
        all.extend(found.into_iter().map(|fault| format!("{case}: {fault}")));
        cells += usize::from(app.world().resource::<Pickable>().cells().len() > 60);
    }
    assert_none(&all);
    println!("{number} studios, {boards} with a board: no text overlaps or leaves its column");
    let number = number as usize;
    assert!(boards * 8 >= number * 7 && cells * 3 >= number, "{boards} boards, {cells} with cells");
}

/// Returns a model whose first run finished after all steps, some of them fixed and some of them odd, and the
/// time 5 s after its end. Runs before it may have finished, too.
fn finished_model(rng: &mut Rng, nodes: usize) -> (Model, Timestamp) {
    let runs = rng.usize(1..6);
    let mut story = Story { batch: Batch::new(noon(), true), at: noon(), rng };
    for run in (0..runs).rev() {
        story.run(run, nodes.min(2));
        story.tell(run, None, "start", serde_json::json!({}));
        for name in PIPELINE.iter().filter(|name| **name != "FIX") {
            story.node(run, name);
            let again = *name == "VALIDATE" && story.rng.bool();
            for name in ["FIX", "COMPOSE", "VALIDATE"].into_iter().filter(|_| again) {
                story.node(run, name);
            }
        }
        for index in 0..nodes {
            let name = name(story.rng, index);
            story.node(run, &name);
        }
        story.tell(run, None, "end", serde_json::json!({}));
    }
    if story.rng.bool() {
        let title = "The next song of the evening ".repeat(story.rng.usize(1..4));
        story.tell(99, None, "start", serde_json::json!({"song_title": title}));
    }
    let Story { batch, at, .. } = story;
    let mut model = Model::new(Retention::default());
    model.receive(batch, |_, _| {});
    (model, at + SignedDuration::from_secs(5))
}

/// Sizes at which texts must have room; at odd ones such as 17×300 pixels nothing has.
const READABLE: [(f32, f32); 8] = [
    (1920.0, 1080.0),
    (3840.0, 2160.0),
    (1280.0, 720.0),
    (1280.0, 1024.0),
    (1024.0, 768.0),
    (2560.0, 1080.0),
    (1080.0, 1350.0),
    (1080.0, 1920.0),
];

/// Returns the pairs of texts of the stage that overlap, and those that leave the screen.
fn crowded(app: &App) -> Vec<String> {
    let canvas_size = app.world().resource::<Viewport>().canvas_size();
    let words = app.world().resource::<Canvas>().words("stage");
    let mut found = Vec::new();
    for (index, (one, a)) in words.iter().enumerate() {
        if a.x < -0.5 || a.right() > canvas_size.width + 0.5 || a.y < -0.5 {
            found.push(format!("{one:?} leaves the screen: {a:?}"));
        }
        for (other, b) in &words[..index] {
            // Lines may stand as close as their capitals allow.
            let w = a.right().min(b.right()) - a.x.max(b.x);
            let h = a.bottom().min(b.bottom()) - a.y.max(b.y);
            if w > 2.0 && h > 0.3 * a.h.min(b.h) {
                found.push(format!("{one:?} and {other:?} overlap by {w}×{h}: {a:?} {b:?}"));
            }
        }
    }
    found
}

#[test]
fn texts_of_the_stage_do_not_overlap_or_leave_the_screen() {
    let (mut finales, mut announced, mut all) = (0, 0, Vec::new());
    let number = studios(SEEDS);
    for seed in 1_000..1_000 + number {
        let mut rng = Rng::with_seed(seed);
        let nodes = [0, 0, 1, 4, 9][seed as usize % 5];
        let runs = RUNS[rng.usize(1..RUNS.len())];
        let finished = seed % 2 == 0;
        let (model, now) = match finished {
            true => finished_model(&mut rng, nodes),
            false => random_model(&mut rng, runs, nodes),
        };
        let mut app = showing(model, now, ViewName::Stage, READABLE[0]);
        if finished {
            let run = Some(RunId::new("run-0000"));
            app.insert_resource(Focus { run, ..default() });
        }
        for size in READABLE {
            let theme =
                [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast][rng.usize(0..3)];
            app.insert_resource(ThemeChoice(theme))
                .insert_resource(Viewport { size_px: size.into(), ..default() });
            app.world_mut().resource_mut::<DrawClock>().secs += 2.0;
            let mut found = faults(&mut app);
            found.extend(crowded(&app));
            let case = format!("seed {seed}, {runs} runs, {nodes} nodes, {size:?}, {theme:?}");
            all.extend(found.into_iter().take(4).map(|fault| format!("{case}: {fault}")));
            let words = app.world().resource::<Canvas>().words("stage");
            finales += usize::from(words.iter().any(|(words, _)| words == "how long it took"));
            let next = |(words, _): &(String, Rect)| words.starts_with("next on stage");
            announced += usize::from(words.iter().any(next));
        }
    }
    assert_none(&all);
    println!("{number} studios at {} sizes: no text of the stage overlaps", READABLE.len());
    assert!(finales > 40 && announced > 4, "{finales} finales, {announced} with the next run");
}
