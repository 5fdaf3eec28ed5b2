//! Tests of the sections together.

use bevy_egui::egui::{Event, Shape, accesskit::Toggled};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};

use super::scenes::{Scene, Told, after_ten, copied};
use super::{Choice, ticket_text};
use crate::app::panel::style;
use crate::app::panel::testing::{receive, zone};
use crate::app::state::actions::{Action, OperationKind};
use crate::app::state::run_store::RunStore;
use crate::app::theme::Theme;
use crate::model::Retention;
use crate::source::OperationRefusal;

/// Height at which every section is visible.
const TALL: f32 = 6_000.0;

fn tall<'a>(scene: Scene) -> Harness<'a, Scene> {
    scene.harness(482.0, TALL)
}

/// True when a widget with this label is selected.
fn is_on(harness: &Harness<Scene>, label: &str) -> bool {
    let node = harness.get_by_label(label);
    node.accesskit_node().toggled() == Some(Toggled::True)
}

/// Labels of all widgets.
fn labels(harness: &Harness<Scene>) -> Vec<String> {
    let all = harness.query_all_by(|node| node.label().is_some());
    let texts = harness.query_all_by(|node| node.value().is_some());
    let texts = texts.filter_map(|node| node.accesskit_node().value());
    all.filter_map(|node| node.accesskit_node().label()).chain(texts).collect()
}

/// Texts that reach beyond the left or right edge of a pane of this width.
fn texts_outside(harness: &Harness<Scene>, width: f32) -> Vec<String> {
    let mut outside = Vec::new();
    for clipped in &harness.output().shapes {
        let bounds = clipped.shape.visual_bounding_rect();
        // Text within a field of its own may be longer than the field.
        let edges = clipped.clip_rect;
        let is_own_field = edges.left() > 0.5 || edges.right() < width - 0.5;
        if let Shape::Text(text) = &clipped.shape
            && !is_own_field
            && (bounds.left() < -0.5 || bounds.right() > width + 0.5)
        {
            outside.push(format!("{bounds:?}: {}", text.galley.text()));
        }
    }
    outside
}

#[test]
fn nothing_is_wider_than_the_pane() {
    for width in [380.0, 482.0, 900.0] {
        for (name, scene) in Scene::all() {
            let harness = scene.harness(width, TALL);
            let outside = texts_outside(&harness, width);
            assert!(outside.is_empty(), "{name} at {width}: {outside:#?}");
        }
    }
}

#[test]
fn every_theme_shows_every_section() {
    for theme in [Theme::Dark, Theme::Light, Theme::HighContrast] {
        let mut scene = Scene::third_attempt();
        scene.theme = theme;
        let harness = tall(scene);
        let palette = theme.palette();
        for title in [
            "This run",
            "Attempts of this song",
            "Fixes",
            "Step",
            "Last error",
            "Artifacts",
            "Raw events",
        ] {
            let painted = harness.output().shapes.iter().find_map(|clipped| match &clipped.shape {
                Shape::Text(text) if text.galley.text() == title => {
                    Some(text.galley.job.sections[0].format.color)
                }
                _ => None,
            });
            assert_eq!(painted, Some(style::ink(palette.text)), "{title} in {theme:?}");
        }
    }
}

#[test]
fn head_tells_song_story_step_and_ids() {
    let harness = tall(Scene::third_attempt());
    for words in [
        "Glass Harbour, running, 3:00 elapsed 0:31 to go",
        "Attempt 3 of this song, 2 failed before",
        "RENDER 0:23 of usual 0:48, passed with fix 2",
        "This run: step 7 of 8",
        "Attempts of this song: 3, none finished",
        "Fixes: passed with fix 2 of 3",
        "Copy the run's id",
    ] {
        assert!(
            harness.query_by_label_contains(words).is_some(),
            "{words}: {:#?}",
            labels(&harness)
        );
    }
    let harness = tall(Scene::failed_at_validate());
    for words in ["1 failed before", "VALIDATE failed after 4.0 s, after 3 fixes", "retry running"]
    {
        assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
    }
    let harness = tall(Scene::queued());
    for words in ["queued", "Only run of this song", "Queued not started yet"] {
        assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
    }
    let harness = tall(Scene::cancelled());
    assert!(harness.query_by_label("RENDER cancelled during this step").is_some());
    let mut offline = Scene::third_attempt();
    offline.is_offline = true;
    assert!(tall(offline).query_by_label_contains("elapsed – to go").is_some());
}

#[test]
fn buttons_ask_for_what_fits_the_run() {
    let id = "79d5c1f0-0000-4000-8000-00000000e4e4a";
    let mut harness = tall(Scene::third_attempt());
    for label in ["Open", "Compare", "Pin", "Cancel"] {
        harness.get_by_label(label).click();
        harness.run();
    }
    let expected = [
        Action::Open(id.into()),
        Action::Race,
        Action::SelectRun(id.into()),
        Action::Ask(OperationKind::Cancel, Some(id.into())),
    ];
    assert_eq!(harness.state().actions, expected);
    let fitting = |scene: Scene| -> Vec<&'static str> {
        let harness = tall(scene);
        let labels = ["Execute", "Retry", "Cancel"];
        labels.into_iter().filter(|label| harness.query_by_label(label).is_some()).collect()
    };
    assert_eq!(fitting(Scene::failed_at_validate()), ["Retry"]);
    assert_eq!(fitting(Scene::queued()), ["Execute", "Cancel"]);
    assert_eq!(fitting(Scene::finished()), ["Retry"]);
}

#[test]
fn impossible_operations_are_quiet_and_give_the_reason() {
    for (change, reason) in [
        (Box::new(|_: &mut Scene| {}) as Box<dyn Fn(&mut Scene)>, "this one is finished"),
        (Box::new(|scene: &mut Scene| scene.run = "a2".to_owned()), "no connection"),
        (Box::new(|scene: &mut Scene| scene.operations.allowed = false), "this one is finished"),
    ] {
        let mut scene = Scene::third_attempt();
        "usual-0".clone_into(&mut scene.run);
        scene.acting = Err(OperationRefusal::NotConnected);
        change(&mut scene);
        let mut harness = tall(scene);
        assert!(harness.get_by_label("Retry").accesskit_node().is_disabled(), "{reason}");
        harness.get_by_label("Retry").click();
        harness.run_steps(2);
        // A tooltip shows once the pointer rests.
        harness.get_by_label("Retry").hover();
        harness.run_steps(12);
        assert!(harness.state().actions.is_empty());
        assert!(
            harness.query_by_label_contains(reason).is_some(),
            "{reason}: {:#?}",
            labels(&harness)
        );
    }
}

#[test]
fn click_on_a_cell_chooses_it_in_every_section() {
    let mut harness = tall(Scene::third_attempt());
    let cell = "VALIDATE after fix 1, done, 4.0 s, score 0.76";
    harness.get_by_label(cell).click();
    harness.run();
    let choice = harness.state().state.choice().cloned().unwrap();
    assert_eq!((choice.node.as_deref(), choice.attempt, choice.event), (Some("VALIDATE"), 2, None));
    assert!(is_on(&harness, cell));
    assert!(is_on(&harness, "fix 1, 0.76, not passed"));
    assert!(!is_on(&harness, "fix 2, 0.86, passed"));
    assert!(
        harness
            .query_by_label_contains("VALIDATE after fix 1: 4.0 s, usual 4.0 s: 0.76, needs 0.80")
            .is_some()
    );
    let rows = harness.query_all_by_label_contains("attempt 2, started");
    let rows: Vec<_> =
        rows.filter(|row| row.accesskit_node().toggled() == Some(Toggled::True)).collect();
    assert_eq!(rows.len(), 1);
    let seq = harness.state().state.framed_event().unwrap();
    let log = harness.state().run_store.model.log();
    let (entry, event) = super::lines::event(log, seq).unwrap();
    assert_eq!(event.phase.as_str(), "end");
    assert!(log.raw(entry).contains("0.76"), "{}", log.raw(entry));
}

#[test]
fn choice_from_outside_frames_the_same() {
    let mut harness = tall(Scene::third_attempt());
    harness.get_by_label("fix 1, 0.76, not passed").click();
    harness.run();
    let chosen = harness.state().state.choice().cloned().unwrap();
    let seq = harness.state().state.framed_event().unwrap();
    harness.state_mut().state.choose(None);
    harness.run();
    assert!(!is_on(&harness, "fix 1, 0.76, not passed"));
    assert_eq!(harness.state().state.framed_event(), None);
    // The list of events knows run, step, time and number of an event.
    let scene = harness.state();
    let run = scene.run_store.model.run(&scene.run).unwrap();
    let (_, event) = super::lines::event(scene.run_store.model.log(), seq).unwrap();
    let choice = Choice::of_event(run, event.node.as_deref(), (event.at, true), seq);
    assert_eq!((&choice.node, choice.attempt), (&chosen.node, chosen.attempt));
    harness.state_mut().state.choose(Some(choice));
    harness.run();
    assert!(is_on(&harness, "fix 1, 0.76, not passed"));
    assert_eq!(harness.state().state.framed_event(), Some(seq));
}

#[test]
fn step_of_a_fix_frames_its_column() {
    let mut harness = tall(Scene::third_attempt());
    harness.get_by_label_contains("FIX 2, done").click();
    harness.run();
    assert!(is_on(&harness, "fix 2, 0.86, passed") && !is_on(&harness, "fix 1, 0.76, not passed"));
}

#[test]
fn attempts_of_the_song_are_selected_by_a_click() {
    let mut harness = tall(Scene::third_attempt());
    let row = "attempt 1, started 10:10:00, 1:39, failed RENDER, seed 42, score 0.84";
    harness.get_by_label(row).click();
    harness.run();
    harness.get_by_label_contains("attempt 2, failed after").click();
    harness.run();
    let expected = [Action::SelectRun("a1".into()), Action::SelectRun("a2".into())];
    assert_eq!(harness.state().actions, expected);
}

#[test]
fn scores_of_all_fixes_stand_beside_each_other() {
    let harness = tall(Scene::failed_at_validate());
    for words in ["first, 0.68, not passed", "fix 2, 0.75, not passed", "fix 3, 0.77, not passed"] {
        assert!(harness.query_by_label(words).is_some(), "{words}");
    }
    assert!(harness.query_by_label("Fixes: not passed after 3 fixes").is_some());
    let harness = tall(Scene::queued());
    assert!(harness.query_by_label("VALIDATE has not given a verdict yet.").is_some());
}

#[test]
fn step_shows_what_its_events_tell() {
    let mut harness = tall(Scene::third_attempt());
    harness.get_by_label("LYRICS done").click();
    harness.run();
    for words in [
        "Step: LYRICS, 1 attempt",
        "skill: amcs.lyrics.generate",
        "temperature: 0.18",
        "top_p: 0.95",
    ] {
        assert!(harness.query_by_label(words).is_some(), "{words}");
    }
    assert!(harness.query_by_label_contains("output hash: ffeb29ea").is_some());
    harness.get_by_label("REVIEW pending").click();
    harness.run();
    assert!(harness.query_by_label("It has not started yet.").is_some());
}

#[test]
fn issues_and_inferred_values_are_marked() {
    let mut told = Told::default();
    told.push(0, "r", None, "start", "{}");
    told.push(1, "r", Some("PLAN"), "start", "{}");
    let mut scene = Scene::new(&told, "r", 60);
    let issues = r#"{"ts":"2025-11-13T10:00:03Z","run_id":"r","node_name":"PLAN","phase":"end","metrics":{"loss":0.5},"issues":["too quiet",{"severity":"warning","message":"clips","code":"E12"}],"data":{}}"#;
    let last = r#"{"ts":"2025-11-13T10:00:04Z","run_id":"r","node_name":"STYLE","phase":"start","data":{}}"#;
    let end = r#"{"ts":"2025-11-13T10:00:09Z","run_id":"r","phase":"end","data":{}}"#;
    receive(&mut scene.run_store, &[issues, last, end]);
    let mut harness = tall(scene);
    harness.get_by_label("PLAN done").click();
    harness.run();
    for words in ["Issues, 2", "too quiet", "warning", "clips", "loss: 0.5"] {
        assert!(harness.query_by_label(words).is_some(), "{words}");
    }
    harness.get_by_label("STYLE done").click();
    harness.run();
    assert!(harness.query_by_label("inferred").is_some());
}

#[test]
fn last_error_gives_reason_count_log_and_ticket() {
    let mut harness = tall(Scene::third_attempt());
    for words in [
        "Last error: 1 of 2",
        "Attempt 2, VALIDATE failed at 10:16:48",
        "Score 0.77 after 3 fixes, needs 0.80",
        "only this time in 24 h",
    ] {
        assert!(harness.query_by_label(words).is_some(), "{words}: {:#?}", labels(&harness));
    }
    harness.get_by_label("Log").click();
    harness.run();
    let wanted = harness.state().state.wants_log.clone();
    assert_eq!(wanted, Some(("a2".into(), "VALIDATE".into())));
    harness.get_by_label("Copy the error for a ticket").click();
    harness.step();
    let [ticket] = &copied(&harness)[..] else { panic!("nothing copied") };
    assert!(ticket.contains("Run: a2\n") && ticket.contains("Error: Score 0.77"), "{ticket}");
    harness.get_by_label("Earlier error").click();
    harness.run();
    assert!(harness.query_by_label("Attempt 1, RENDER failed at 10:11:39").is_some());
}

#[test]
fn long_error_has_its_stack_trace_folded() {
    let mut scene = Scene::long_error();
    scene.state.open.traces = false;
    let mut harness = tall(scene);
    assert!(harness.query_all_by_label("Stack trace, 3 lines").next().is_some());
    assert!(harness.query_by_label_contains("line 1\nValueError").is_none());
    let first = harness.get_all_by_label("Stack trace, 3 lines").next().unwrap();
    first.click();
    harness.run();
    assert!(harness.query_all_by_label("Copy the stack trace").next().is_some());
}

#[test]
fn ticket_says_song_run_attempt_seed_time_and_error() {
    let scene = Scene::failed_at_validate();
    let run = scene.run_store.model.run("a2").unwrap();
    let ticket = |place| ticket_text(run, place, &scene.run_store, scene.now, &zone());
    let expected = "\
Song: Glass Harbour (glass-harbour-07)
Run: a2
Attempt: 2 of this song, 1 failed before
Step: VALIDATE after fix 3, attempt 4
Step status: failed after 4.0 s
Seed: 42
Started: 2025-11-13 10:13:20.000 +00:00
Ended: 2025-11-13 10:16:48.000 +00:00
Status: failed, 3:28
Error: Score 0.77 after 3 fixes, needs 0.80
";
    assert_eq!(ticket(None), expected);
    let of_step = ticket(Some(("COMPOSE", 2)));
    assert!(of_step.contains("Step: COMPOSE after fix 1, attempt 2\n"), "{of_step}");
    let odd = Scene::long_error();
    let run = odd.run_store.model.run("e").unwrap();
    let ticket = ticket_text(run, None, &odd.run_store, after_ten(60), &zone());
    assert!(ticket.contains("ValueError: 0") && !ticket.contains('\u{202e}'), "{ticket}");
}

#[test]
fn button_says_copied_for_two_seconds() {
    let mut harness = tall(Scene::failed_at_validate());
    harness.get_by_label("Copy the run for a ticket").click();
    harness.step();
    assert_eq!(copied(&harness).len(), 1);
    harness.step();
    assert!(harness.query_by_label("copied").is_some());
    // A step is a quarter of a second.
    harness.run_steps(4);
    assert!(harness.query_by_label("copied").is_some());
    harness.run_steps(5);
    assert!(harness.query_by_label("copied").is_none());
    assert!(harness.query_by_label("Copy the run for a ticket").is_some());
}

#[test]
fn link_and_command_are_copied_where_there_are_any() {
    let label = "Copy the link to this run";
    assert!(tall(Scene::finished()).query_by_label(label).is_none());
    let mut scene = Scene::finished();
    scene.share = Some("https://hub/?run=f".to_owned());
    let mut harness = tall(scene);
    harness.get_by_label(label).click();
    harness.step();
    assert_eq!(copied(&harness), ["https://hub/?run=f"]);
    assert!(harness.query_by_label("Copy the command line for this run").is_some());
}

#[test]
fn artifacts_are_listed_and_chosen() {
    let mut harness = tall(Scene::finished());
    assert!(
        harness.query_by_label("Artifacts: 3 files, 34 MiB").is_some(),
        "{:#?}",
        labels(&harness)
    );
    harness.get_by_label_contains("glass-harbour.wav, RENDER, 34 MiB").click();
    harness.run();
    let choice = harness.state().state.choice().cloned().unwrap();
    assert_eq!((choice.node.as_deref(), choice.attempt), (Some("RENDER"), 1));
}

#[test]
fn raw_events_unfold_are_searched_and_copied() {
    let mut harness = tall(Scene::finished());
    let all = harness.query_all_by_label_contains(", raw").count();
    assert_eq!(all, harness.state().state.lines.seqs().len());
    harness.get_by_label_contains("PLAN done, raw").click();
    harness.run();
    assert!(harness.query_by_label("phase: \"end\"").is_some(), "{:#?}", labels(&harness));
    assert_eq!(
        harness.state().state.choice().and_then(|it| it.event),
        harness.state().state.framed_event()
    );
    let params = "model_params: { temperature, top_p }";
    harness.get_by_label(params).click();
    harness.run();
    assert_eq!(harness.query_all_by_label("top_p: 0.95").count(), 2, "here and in the step");
    // The key for copying copies the focused row.
    harness.get_by_label("phase: \"end\"").focus();
    harness.step();
    harness.event(Event::Copy);
    harness.step();
    assert_eq!(copied(&harness), ["end"]);
    harness.get_by_label("Search raw events").focus();
    harness.step();
    harness.get_by_label("Search raw events").type_text("GLASS-harbour.wav");
    harness.run();
    assert_eq!(harness.query_all_by_label_contains(", raw").count(), 1);
    assert!(harness.query_by_label("1 of 25").is_some());
    harness.get_by_label("Copy the events shown, one on each line").click();
    harness.step();
    let [lines] = &copied(&harness)[..] else { panic!("nothing copied") };
    assert!(lines.lines().count() == 1 && lines.starts_with('{') && lines.contains("RENDER"));
}

#[test]
fn events_that_are_no_longer_kept_are_said() {
    let mut told = Told::default();
    for n in 0..12 {
        told.push(n, "r", Some("PLAN"), "progress", &format!(r#"{{"n":{n}}}"#));
    }
    let mut scene = Scene::new(&told, "r", 60);
    let retention = Retention { log_events: 5, ..Retention::default() };
    scene.run_store = RunStore::new(retention);
    let frames: Vec<&str> = told.0.iter().map(String::as_str).collect();
    receive(&mut scene.run_store, &frames);
    let harness = tall(scene);
    let words = "7 older events of this run are no longer kept.";
    assert!(harness.query_by_label(words).is_some(), "{:#?}", labels(&harness));
    assert_eq!(harness.query_all_by_label_contains(", raw").count(), 5);
}

#[test]
fn only_visible_rows_of_raw_events_are_made() {
    let mut told = Told::default();
    for n in 0..3_000 {
        told.push(n % 3_600, "r", Some("PLAN"), "progress", &format!(r#"{{"n":{n}}}"#));
    }
    let harness = Scene::new(&told, "r", 3_600).harness(482.0, 800.0);
    let rows = harness.query_all_by_label_contains(", raw").count();
    assert!(rows < 60, "{rows}");
}

#[test]
fn sections_fold_and_are_remembered() {
    let mut harness = tall(Scene::third_attempt());
    harness.get_by_label("Fixes: passed with fix 2 of 3").click();
    harness.run();
    assert!(harness.query_by_label("first, 0.71, not passed").is_none());
    let open = harness.state().state.open;
    assert!(!open.fixes && open.step);
    let kept = serde_json::to_string(&open).unwrap();
    let read: super::OpenSections = serde_json::from_str(&kept).unwrap();
    assert_eq!(read, open);
    let old: super::OpenSections = serde_json::from_str(r#"{"step":false}"#).unwrap();
    assert!(!old.step && old.fixes);
}

#[test]
fn place_is_kept_while_sections_above_grow() {
    let mut scene = Scene::failed_at_validate();
    scene.state.open.raw = false;
    let mut harness = scene.harness(482.0, 500.0);
    harness.hover_at(bevy_egui::egui::pos2(200.0, 300.0));
    harness.event(Event::MouseWheel {
        unit: bevy_egui::egui::MouseWheelUnit::Point,
        delta: bevy_egui::egui::vec2(0.0, -900.0),
        modifiers: bevy_egui::egui::Modifiers::default(),
        phase: bevy_egui::egui::TouchPhase::Move,
    });
    harness.run_steps(12);
    let label = "Last error: 1 of 2";
    let before = harness.get_by_label(label).rect().top();
    // Another run of the song begins: a row and words in sections above.
    let mut told = Told::default();
    told.run("a4", "glass-harbour-07", (1_500, 3), &[0.9], super::scenes::End::Finished);
    let frames: Vec<&str> = told.0.iter().map(String::as_str).collect();
    receive(&mut harness.state_mut().run_store, &frames);
    harness.run_steps(3);
    let after = harness.get_by_label(label).rect().top();
    assert!((before - after).abs() < 1.0, "{before} {after}");
    assert!(before < 500.0);
}

#[test]
fn keyboard_alone_reaches_a_cell_and_chooses_it() {
    let mut harness = tall(Scene::third_attempt());
    harness.get_by_label_contains("LYRICS, done").focus();
    harness.step();
    harness.key_press(bevy_egui::egui::Key::Enter);
    harness.run();
    assert_eq!(
        harness.state().state.choice().and_then(|it| it.node.clone()).as_deref(),
        Some("LYRICS")
    );
}

#[test]
fn no_run_and_a_run_without_song_have_words() {
    let mut scene = Scene::queued();
    "unknown".clone_into(&mut scene.run);
    assert!(tall(scene).query_by_label_contains("No run is selected").is_some());
    let mut told = Told::default();
    told.push(0, "r", None, "start", "{}");
    let harness = tall(Scene::new(&told, "r", 5));
    assert!(harness.query_by_label_contains("names no song").is_some());
}
