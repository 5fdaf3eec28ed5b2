//! Contents of rows, and their places in panes of every width.

use bevy_egui::egui::{self, Rect};

use super::super::row::RowView;
use super::*;
use crate::app::state::status::{DisplayStatus, Tone};

fn row_of(scene: &Scene, run: &str) -> RowView {
    let view = RunsTableView {
        run_store: &scene.run_store,
        focus: &scene.focus,
        now: scene.now,
        server_now: scene.now,
        zone: &zone(),
        is_offline: scene.is_offline,
        is_narrow: scene.is_narrow,
    };
    RowView::of(scene.run_store.model.run(run).unwrap(), &view, Some(2))
}

#[test]
fn row_tells_status_step_times_and_attempts() {
    let mut scene = Scene::new(&four_songs());
    scene.now = "2025-11-13T10:02:00Z".parse().unwrap();
    let row = row_of(&scene, "run-a2");
    let expected = "Amber, run-a2, running, COMPOSE, 1:00, started 10:01:00, attempt 2";
    assert!(row.label().ends_with(&expected["Amber".len()..]), "{}", row.label());
    assert_eq!((row.song.as_str(), row.step_tone), ("Amber", Tone::Running));
    assert_eq!(row.attempts, [RunStatus::Failed, RunStatus::Running]);
    let failed = row_of(&scene, "run-a1");
    assert_eq!((failed.step.as_str(), failed.step_tone), ("PLAN", Tone::Failed));
    let cancelled = row_of(&scene, "run-c");
    assert_eq!((cancelled.step.as_str(), cancelled.step_tone), ("LYRICS", Tone::Cancelled));
    let queued = row_of(&scene, "run-d");
    assert_eq!((queued.step.as_str(), queued.elapsed.as_str()), ("2nd in line", "0:50"));
    let finished = row_of(&scene, "run-b");
    assert_eq!((finished.step.as_str(), finished.elapsed.as_str()), ("", "2:00"));
    assert!(finished.is_quiet() && !failed.is_quiet());
}

#[test]
fn run_of_another_day_shows_its_date() {
    let mut scene = Scene::new(&four_songs());
    assert_eq!(row_of(&scene, "run-b").started, "10:00:10");
    scene.now = "2025-11-15T10:02:00Z".parse().unwrap();
    assert_eq!(row_of(&scene, "run-b").started, "13 Nov");
    scene.now = "2026-01-15T10:02:00Z".parse().unwrap();
    assert_eq!(row_of(&scene, "run-b").started, "Nov 2025");
}

#[test]
fn score_under_the_pass_mark_is_told() {
    let validated = |run: &str, score: f64, phase: &str| {
        let scores = format!(r#"{{"scores":{{"total":{score}}}}}"#);
        vec![
            start(0, run, "Glass Harbour"),
            node(1, run, "VALIDATE", "start"),
            frame(2, run, Some("VALIDATE"), phase, &scores),
        ]
    };
    let mut frames = validated("good", 0.86, "end");
    frames.push(node(3, "good", "RENDER", "start"));
    frames.extend(validated("fixed", 0.71, "end"));
    frames.push(node(3, "fixed", "FIX", "start"));
    frames.extend(validated("bad", 0.77, "fail"));
    frames.push(end(4, "bad", "fail"));
    let scene = Scene::new(&frames);
    assert_eq!(row_of(&scene, "good").score, Some(("0.86".to_owned(), false)));
    assert_eq!(row_of(&scene, "fixed").score, Some(("0.71".to_owned(), true)));
    assert_eq!(row_of(&scene, "fixed").fixes, "fix 1");
    assert!(row_of(&scene, "bad").label().ends_with("score 0.77, under the pass mark"));
}

/// Three finished runs of one step, and a run at it.
fn with_estimate() -> Vec<String> {
    let mut frames = Vec::new();
    for n in 0..3 {
        let run = format!("done-{n}");
        frames.extend([
            start(0, &run, "Done"),
            node(0, &run, "PLAN", "start"),
            frame(60, &run, Some("PLAN"), "end", r#"{"duration_ms":60000}"#),
            end(60, &run, "end"),
        ]);
    }
    frames.extend([start(120, "live", "Live"), node(120, "live", "PLAN", "start")]);
    frames
}

#[test]
fn time_to_go_is_unknown_offline_and_without_news() {
    let mut scene = Scene::new(&with_estimate());
    let received_at: Timestamp = "2025-11-13T12:00:00Z".parse().unwrap();
    // Model time is that of the events; the frames were received at 12:00.
    let server_now: Timestamp = "2025-11-13T10:02:30Z".parse().unwrap();
    let to_go = |scene: &Scene, now: Timestamp| {
        let view = RunsTableView {
            run_store: &scene.run_store,
            focus: &scene.focus,
            now,
            server_now,
            zone: &zone(),
            is_offline: scene.is_offline,
            is_narrow: false,
        };
        let row = RowView::of(scene.run_store.model.run("live").unwrap(), &view, None);
        (row.to_go, row.sign, row.step)
    };
    assert_eq!(to_go(&scene, received_at).0, "0:30");
    let later = "2025-11-13T12:00:48Z".parse().unwrap();
    let silent = ("–".to_owned(), DisplayStatus::Silent, "no news for 0:48".to_owned());
    assert_eq!(to_go(&scene, later), silent);
    scene.is_offline = true;
    assert_eq!(to_go(&scene, later), ("–".to_owned(), DisplayStatus::Running, "PLAN".to_owned()));
}

#[test]
fn runs_of_one_song_are_told_apart_where_their_start_is_not_shown() {
    let mut scene = Scene::new(&four_songs());
    let row = row_of(&scene, "run-a1");
    assert_eq!(row.song, "Amber");
    assert_ne!(row.name, row_of(&scene, "run-a2").name);
    scene.is_narrow = true;
    let harness = scene.harness(340.0, 500.0);
    assert!(has_row(&harness, &row.name));
}

const NAMES: [&str; 6] = [
    "Glass Harbour",
    "The Harbourmaster's Very Long Farewell to the Whole Wide World and Everyone in It",
    "👩‍🎤🎸🎛️ Neon 🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️",
    "שיר על נמל הזכוכית והגשם שלא פסק במשך כל הלילה הארוך והקר",
    "أغنية المرفأ الزجاجي والمطر الذي لم يتوقف طوال الليل الطويل",
    "音楽制作音楽制作音楽制作音楽制作音楽制作音楽制作音楽制作",
];

fn long_names() -> Vec<String> {
    let mut frames = Vec::new();
    for (n, name) in (0..).zip(NAMES) {
        let run = format!("79d5c1f0-5b6e-4f70-8a9b-0c1d2e3f7d{n:02}");
        frames.push(start(n, &run, name));
        frames.push(node(n + 1, &run, "A_STEP_WITH_A_VERY_LONG_NAME_OF_ITS_OWN", "start"));
        frames.push(node(n + 2, &run, "FIX", "start"));
    }
    frames
}

/// Texts on screen with their places.
fn texts(harness: &Harness<Scene>) -> Vec<(String, Rect)> {
    fn collect(shape: &egui::Shape, clip: Rect, texts: &mut Vec<(String, Rect)>) {
        match shape {
            egui::Shape::Text(text) => {
                let rect = Rect::from_min_size(text.pos, text.galley.size()).intersect(clip);
                if rect.is_positive() && !text.galley.job.text.trim().is_empty() {
                    texts.push((text.galley.job.text.clone(), rect));
                }
            }
            egui::Shape::Vec(shapes) => {
                shapes.iter().for_each(|shape| collect(shape, clip, texts));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for clipped in &harness.output().shapes {
        collect(&clipped.shape, clipped.clip_rect, &mut found);
    }
    found
}

#[test]
fn no_two_texts_overlap_in_any_pane() {
    let mut wrong = Vec::new();
    for width in [300.0, 340.0, 439.0, 476.0, 482.0, 560.0, 652.0, 759.0, 760.0, 948.0, 1_400.0] {
        for is_narrow in [false, true] {
            for typed in ["", "har"] {
                let mut scene = Scene::new(&long_names());
                scene.is_narrow = is_narrow;
                scene.state.search = typed.to_owned();
                let many: Vec<String> =
                    (0..1_300).map(|n| start(n / 10, &format!("many-{n}"), "Harbour")).collect();
                scene.receive(&many);
                scene.focus.pin("79d5c1f0-5b6e-4f70-8a9b-0c1d2e3f7d03".into());
                let mut harness = scene.harness(width, 420.0);
                let new: Vec<String> =
                    (0..12).map(|n| start(500 + n, &format!("new-{n}"), "Harvest")).collect();
                harness.state_mut().receive(&new);
                harness.run_steps(20);
                let texts = texts(&harness);
                for (index, (one, at)) in texts.iter().enumerate() {
                    if at.left() < -0.5 || at.right() > width + 0.5 {
                        wrong.push(format!("{width}: {one} leaves the pane: {at}"));
                    }
                    for (other, beside) in &texts[index + 1..] {
                        // Lines of text may touch; their letters do not.
                        let both = at.shrink2(egui::vec2(0.5, 4.0));
                        if both.intersects(beside.shrink2(egui::vec2(0.5, 4.0))) {
                            wrong.push(format!("{width}: {one} over {other}: {at} {beside}"));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pane_of_any_size_is_shown() {
    for (width, height) in [(0.0, 0.0), (1.0, 900.0), (60.0, 40.0), (300.0, 120.0), (3_000.0, 10.0)]
    {
        for is_narrow in [false, true] {
            let mut scene = Scene::new(&long_names());
            scene.is_narrow = is_narrow;
            scene.focus.pin("gone".into());
            scene.harness(width, height).run_steps(3);
            Scene::new(&[]).harness(width, height).run_steps(3);
        }
    }
}
