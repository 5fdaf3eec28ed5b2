//! Tests that any model can be drawn: without a panic, without a coordinate that is not finite, and with
//! nothing of a view under the bridge. Pictures are drawn into the canvas, without a GPU.

use std::path::Path;

use bevy::prelude::*;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use crate::app::draw::{Canvas, DrawClock, Faults};
use crate::app::state::focus::Focus;
use crate::app::state::run_store::RunStore;
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::app::test_display::display;
use crate::app::theme::ThemeChoice;
use crate::config::{ThemeName, ViewName};
use crate::layout::Rect;
use crate::model::{Model, Retention};
use crate::protocol::{Batch, PIPELINE};
use crate::source::playback::TimedFrames;
use crate::source::recording::Recording;

/// Sizes in pixels, from nothing to 8K, in every proportion.
const SIZES: [(f32, f32); 16] = [
    (1.0, 1.0),
    (1.0, 4320.0),
    (7680.0, 1.0),
    (17.0, 300.0),
    (320.0, 240.0),
    (1280.0, 720.0),
    (1024.0, 768.0),
    (1280.0, 1024.0),
    (1600.0, 1999.0),
    (1080.0, 1350.0),
    (1080.0, 1920.0),
    (1920.0, 1080.0),
    (2560.0, 1080.0),
    (3840.0, 2160.0),
    (7680.0, 1080.0),
    (7680.0, 4320.0),
];
/// Number of random models; the first 240 have been tried.
pub(super) const SEEDS: u64 = 60;
pub(super) const RUNS: [usize; 12] = [0, 1, 1, 1, 2, 3, 5, 14, 17, 38, 60, 70];
const NODES: [usize; 9] = [0, 1, 4, 9, 20, 24, 41, 120, 300];

pub(super) fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// App without a window that shows a model.
pub(super) fn showing(model: Model, now: Timestamp, view: ViewName, size_px: (f32, f32)) -> App {
    let newest = model.runs().next().map(|run| run.id().clone());
    let mut app = display(view, now);
    app.insert_resource(Viewport { size_px: size_px.into(), ..default() })
        .insert_resource(RunStore::of(model));
    if let Some(run) = newest {
        app.world_mut().resource_mut::<Focus>().pin(run);
    }
    app
}

/// Draws a frame and returns what is wrong with it.
pub(super) fn faults(app: &mut App) -> Vec<String> {
    app.update();
    let caught = app.world().resource::<Faults>();
    let caught = ["the stage", "the wall", "the history", "the frame with its meters"]
        .into_iter()
        .filter_map(|what| Some(format!("{what} panicked: {}", caught.message_of(what)?)));
    let mut found: Vec<String> = caught.collect();
    let canvas_size = app.world().resource::<Viewport>().canvas_size();
    found.extend(app.world().resource::<Canvas>().faults(canvas_size));
    found
}

pub(super) fn name(rng: &mut Rng, index: usize) -> String {
    match rng.u8(0..12) {
        0 => format!("MASTERING_AND_LOUDNESS_NORMALISATION_FOR_STREAMING_{index}"),
        1 => format!("歌詞{index}"),
        2 => format!("🎛️ {index}"),
        3 => format!("{} {index}", "very long name of words ".repeat(rng.usize(1..40))),
        4 => format!("x{index}"),
        _ => format!("STEP_{index:03}"),
    }
}

/// Writes the events of random runs.
pub(super) struct Story<'r> {
    pub rng: &'r mut Rng,
    pub batch: Batch,
    pub at: Timestamp,
}

impl Story<'_> {
    pub fn tell(&mut self, run: usize, node: Option<&str>, phase: &str, data: serde_json::Value) {
        let millis = self.rng.i64(0..9_000) * i64::from(self.rng.u8(0..4) > 0);
        self.at += SignedDuration::from_millis(millis);
        let event = serde_json::json!({
            "timestamp": self.at.to_string(),
            "run_id": format!("run-{run:04}"),
            "node_name": node,
            "phase": phase,
            "data": data,
        });
        self.batch.push_text(&event.to_string());
    }

    fn pipeline(&mut self, run: usize) {
        let passes = self.rng.usize(0..6);
        let until = self.rng.usize(0..=PIPELINE.len());
        for name in &PIPELINE[..until] {
            if *name == "FIX" {
                continue;
            }
            self.node(run, name);
            if *name == "VALIDATE" {
                for _ in 0..passes {
                    ["FIX", "COMPOSE", "VALIDATE"]
                        .into_iter()
                        .for_each(|name| self.node(run, name));
                }
            }
        }
    }

    pub fn node(&mut self, run: usize, name: &str) {
        let score = [0.7, -3.0, 1e300, 0.0][self.rng.usize(0..4)];
        let data = serde_json::json!({
            "duration_ms": self.rng.u64(0..200_000),
            "score": score,
            "scores": {"total": score, "hook_density": 0.4, "a very long name of a score": 18e6},
            "progress_percent": self.rng.f64() * 140.0 - 20.0,
            "error_message": "it broke ".repeat(self.rng.usize(0..60)),
        });
        self.tell(run, Some(name), "start", serde_json::json!({}));
        match self.rng.u8(0..10) {
            0 => {}
            1 => self.tell(run, Some(name), "progress", data),
            2 => self.tell(run, Some(name), "fail", data),
            _ => self.tell(run, Some(name), "end", data),
        }
    }

    pub fn run(&mut self, run: usize, nodes: usize) {
        let title = match self.rng.u8(0..3) {
            0 => serde_json::json!({}),
            1 => serde_json::json!({"song_title": "Neon Rain"}),
            _ => {
                serde_json::json!({"song_title": "Длинное название ".repeat(self.rng.usize(1..30))})
            }
        };
        self.tell(run, None, "info", title);
        if self.rng.u8(0..12) == 0 {
            return;
        }
        self.tell(run, None, "start", serde_json::json!({}));
        self.pipeline(run);
        let all_run = self.rng.u8(0..3) == 0;
        for index in 0..nodes {
            let name = name(self.rng, index);
            if all_run {
                self.tell(run, Some(&name), "start", serde_json::json!({}));
            } else {
                self.node(run, &name);
            }
        }
        let told = serde_json::json!({"error": "no reason", "message": "over"});
        match self.rng.u8(0..5) {
            0 => self.tell(run, None, "end", told),
            1 => self.tell(run, None, "fail", told),
            2 => self.tell(run, None, "cancelled", told),
            _ => {}
        }
    }
}

/// Returns a random model and the time it has come to.
pub(super) fn random_model(rng: &mut Rng, runs: usize, nodes: usize) -> (Model, Timestamp) {
    let mut story = Story { batch: Batch::new(noon(), true), at: noon(), rng };
    for run in 0..runs {
        // Many nodes in many runs take long and show nothing new.
        let nodes = if run == 0 || runs < 4 { nodes } else { nodes.min(12) };
        story.run(run, nodes);
    }
    let Story { batch, at, .. } = story;
    let mut model = Model::new(Retention::default());
    model.receive(batch, |_, _| {});
    let passed = [0, 4, 45, 4_000, 1_000_000][rng.usize(0..5)];
    (model, at + SignedDuration::from_secs(passed))
}

#[test]
fn any_model_is_drawn_at_any_size_in_any_view_and_theme() {
    for seed in 0..SEEDS {
        let mut rng = Rng::with_seed(seed);
        let runs = RUNS[rng.usize(0..RUNS.len())];
        let nodes = NODES[seed as usize % NODES.len()];
        let view = match seed % 6 {
            0 | 3 => ViewName::Wall,
            5 => ViewName::History,
            _ => ViewName::Stage,
        };
        let (model, now) = random_model(&mut rng, runs, nodes);
        let first = SIZES[seed as usize % SIZES.len()];
        let mut app = showing(model, now, view, first);
        for _ in 0..3 {
            let size = SIZES[rng.usize(0..SIZES.len())];
            let themes = [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast];
            let case = format!("seed {seed}, {runs} runs, {nodes} nodes, {view:?}, {size:?}");
            app.insert_resource(ThemeChoice(themes[rng.usize(0..3)]))
                .insert_resource(ReducedMotion(rng.bool()))
                .insert_resource(Viewport { size_px: size.into(), ..default() });
            app.world_mut().resource_mut::<DrawClock>().secs += rng.f64() * 2.0;
            let found = faults(&mut app);
            assert!(found.is_empty(), "{case}: {:#?}", &found[..found.len().min(5)]);
        }
    }
}

/// Returns the model of a case at its end.
fn case(name: &str) -> (Model, Timestamp) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    let recording = Recording::open(&path.join(format!("{name}.ndjson"))).unwrap();
    let (mut frames, mut model) = (TimedFrames::new(recording), Model::new(Retention::default()));
    let mut now = noon();
    while let Some((batch, _)) = frames.next(now).unwrap() {
        now = batch.received_at;
        model.receive(batch, |_, _| {});
    }
    (model, now)
}

/// Returns the texts of the stage, with their places, and the rectangle in which they must be.
fn stage_words(model: Model, now: Timestamp, size: (f32, f32)) -> (Vec<(String, Rect)>, Rect) {
    let mut app = showing(model, now, ViewName::Stage, size);
    let found = faults(&mut app);
    assert!(found.is_empty(), "{size:?}: {found:#?}");
    let canvas_size = app.world().resource::<Viewport>().canvas_size();
    let words = app.world().resource::<Canvas>().words("stage");
    (words, Rect::new(0.0, 0.0, canvas_size.width, canvas_size.height))
}

/// Sizes of walls.
pub(super) const WALLS: [(f32, f32); 5] =
    [(1920.0, 1080.0), (1080.0, 1920.0), (3840.0, 2160.0), (1280.0, 720.0), (1280.0, 1024.0)];

#[test]
fn failed_step_is_in_sight_among_41_others_and_the_folded_ones_are_counted() {
    for size in WALLS {
        let (model, now) = case("41-more-nodes-fail");
        let (words, all) = stage_words(model, now, size);
        let named = |name: &str| words.iter().any(|(words, _)| words == name);
        assert!(named("STEP_LAST") && named("after 1.0 s"), "{size:?}: {words:?}");
        let more =
            words.iter().find_map(|(words, _)| words.strip_prefix('+')?.strip_suffix(" more"));
        let folded: usize = more.unwrap().parse().unwrap();
        // PLAN, seven steps that did not run, and STEP_000 to STEP_039 beside the failed one.
        assert!((2..=48).contains(&folded), "{size:?}: {folded}");
        // In a narrow module a glyph stands for the word.
        let counts = words.iter().map(|(words, _)| words.trim_end_matches(" done"));
        let done = counts.filter_map(|words| words.parse::<usize>().ok()).max();
        assert!(done.is_some_and(|done| done + 8 >= folded), "{size:?}: {done:?} of {folded}");
        assert!(named("PLAN") && named("STEP_039"), "{size:?}: {words:?}");
        for (words, at) in &words {
            assert!(at.x >= 0.0 && at.right() <= all.right() + 1.0, "{size:?}: {words:?} {at:?}");
        }
    }
}

#[test]
fn running_steps_beyond_the_rack_are_counted_at_every_size() {
    for size in WALLS {
        for extra in [24, 20, 300] {
            let mut batch = Batch::new(noon(), true);
            for index in 0..extra {
                batch.push_text(&format!(
                    r#"{{"ts":"2026-11-23T12:00:00Z","run_id":"a","node_name":"STEP_{index:03}","phase":"start"}}"#
                ));
            }
            let mut model = Model::new(Retention::default());
            model.receive(batch, |_, _| {});
            // The model keeps a limited number of steps.
            let running = model.runs().flat_map(|run| run.running_nodes()).count();
            let (words, _) = stage_words(model, noon(), size);
            let count = |wanted: &dyn Fn(&str) -> bool| {
                words.iter().filter(|(words, _)| wanted(words)).count()
            };
            let dials = count(&|words| words == "no usual yet");
            let more = words.iter().rev().find_map(|(words, _)| {
                words.strip_prefix('+')?.trim_end_matches(" more").parse::<usize>().ok()
            });
            let number = more.unwrap_or_else(|| panic!("{size:?}, {extra}: {words:?}"));
            assert!(dials >= 4, "{size:?}, {extra}: {words:?}");
            assert_eq!(dials + number, running, "{size:?}: {words:?}");
        }
    }
}

#[test]
fn odd_names_stay_inside_the_screen() {
    for size in WALLS {
        let (model, now) = case("odd-nodes");
        let (words, all) = stage_words(model, now, size);
        for (words, at) in &words {
            assert!(at.x >= 0.0 && at.right() <= all.right() + 1.0, "{size:?}: {words:?} {at:?}");
        }
    }
}

#[test]
fn scores_of_any_size_do_not_overlap() {
    let mut seen = 0;
    for size in WALLS {
        let (model, now) = case("many-scores");
        let (words, all) = stage_words(model, now, size);
        for (text, at) in &words {
            assert!(at.x >= 0.0 && at.right() <= all.right() + 1.0, "{size:?}: {text:?} {at:?}");
        }
        let Some((_, huge)) = words.iter().find(|(text, _)| text == "huge") else { continue };
        seen += 1;
        // On the same line, at the right.
        let (number, at) = words
            .iter()
            .find(|(_, at)| (at.bottom() - huge.bottom()).abs() < 4.0 && at.x > huge.x)
            .unwrap_or_else(|| panic!("{size:?}: the score has no number"));
        assert_eq!(number, "1e300", "{size:?}");
        assert!(at.x > huge.right(), "{size:?}: {at:?} beside {huge:?}");
        assert!(words.iter().any(|(text, _)| text == "40 more in the panel"), "{size:?}");
    }
    assert!(seen >= 4, "the scores were shown at {seen} sizes only");
}
