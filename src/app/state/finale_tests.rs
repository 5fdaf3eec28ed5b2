//! Tests of what a finale says: what was made, and how the run compares with others.

use jiff::SignedDuration;

use super::*;
use crate::model::Retention;
use crate::protocol::{Batch, RunId};

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Event of a run, or of one of its nodes, `second` seconds after noon, with the members of `data`.
struct Told<'a>(&'a str, &'a str, &'a str, i64, serde_json::Value);

fn store(told: impl IntoIterator<Item = Told<'static>>) -> RunStore {
    let mut run_store = RunStore::new(Retention::default());
    for Told(run, node, phase, second, data) in told {
        let at = noon() + SignedDuration::from_secs(second);
        let mut event = serde_json::json!({
            "ts": at.to_string(), "run_id": run, "phase": phase, "data": &data,
        });
        if !node.is_empty() {
            event["node_name"] = node.into();
        }
        if let Some(took) = data.get("took_ms") {
            event["duration_ms"] = took.clone();
        }
        let mut batch = Batch::new(at, true);
        batch.push_text(&event.to_string());
        run_store.receive(batch, |_, _| {});
    }
    run_store
}

/// A finished run with a composition of `compose_secs` and a score.
fn song(run: &'static str, begin: i64, compose_secs: i64, score: f64) -> [Told<'static>; 6] {
    let none = || serde_json::json!({});
    let took = serde_json::json!({"took_ms": compose_secs * 1000});
    let validated = begin + compose_secs + 2;
    [
        Told(run, "COMPOSE", "start", begin, none()),
        Told(run, "COMPOSE", "end", begin + compose_secs, took),
        Told(run, "VALIDATE", "start", begin + compose_secs, none()),
        Told(run, "VALIDATE", "end", validated, serde_json::json!({"scores": {"total": score}})),
        Told(run, "RENDER", "end", validated + 1, none()),
        Told(run, "", "end", validated + 2, none()),
    ]
}

fn run<'a>(run_store: &'a RunStore, id: &str) -> &'a Run {
    run_store.model.run(&RunId::new(id)).unwrap()
}

fn compose(run_store: &RunStore, id: &str) -> StepTime {
    step_time(run(run_store, id).node("COMPOSE").unwrap(), run_store.model.stats())
}

#[track_caller]
fn artifacts(told: &[(&'static str, &[&str])]) -> Vec<(String, String)> {
    let events = told.iter().zip(0..).map(|((node, names), second)| {
        Told("a", node, "end", second, serde_json::json!({"artifacts": names}))
    });
    match made(run(&store(events), "a")) {
        Made::Artifacts(rows) => rows,
        Made::Way(rows) => panic!("{rows:?}"),
    }
}

#[test]
fn artifact_that_several_steps_report_is_listed_and_counted_once() {
    let rows = artifacts(&[("COMPOSE", &["mix", "stems"]), ("RENDER", &["mix", "cover"])]);
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["mix", "cover", "stems"], "the latest first");
    assert_eq!(rows[0].1, "RENDER");

    let all = ["a.wav", "b.wav", "c.wav", "d.wav", "e.wav", "f.wav"];
    let rows = artifacts(&[("COMPOSE", &all), ("MIX", &all), ("RENDER", &all)]);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[3], ("and 3 more".to_owned(), String::new()));
}

#[test]
fn names_of_artifacts_are_words_and_names_of_files_stay() {
    let rows = artifacts(&[("RENDER", &["total", "cover_art", "my_song.wav"])]);
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["total", "cover art", "my_song.wav"], "none of them is a score");
}

#[test]
fn run_without_artifacts_tells_how_it_went() {
    let run_store = store(song("a", 0, 10, 0.9));
    let Made::Way(rows) = made(run(&run_store, "a")) else { panic!("no artifact was reported") };
    assert_eq!(rows[0], ("steps run".to_owned(), "3".to_owned()));
    assert_eq!(rows[1], ("events".to_owned(), "6".to_owned()));
}

#[test]
fn score_is_compared_with_those_of_other_runs() {
    let run_store = store(song("a", 0, 10, 0.9));
    let (score, others) = scores_of(run(&run_store, "a"), &run_store.model);
    assert_eq!((score, others.len()), (Some(0.9), 0));
    assert_eq!((usual_score(&others), rank(0.9, &others)), (String::new(), String::new()));

    let songs = [song("a", 0, 10, 0.9), song("b", 20, 10, 0.5), song("c", 40, 10, 0.95)];
    let run_store = store(songs.into_iter().flatten());
    let (score, others) = scores_of(run(&run_store, "a"), &run_store.model);
    assert_eq!((score, others.as_slice()), (Some(0.9), &[0.5, 0.95][..]));
    assert_eq!(usual_score(&others), "usual 0.50");
    assert_eq!(usual_score(&[0.5, 0.7, 0.95]), "usual 0.70");
    assert_eq!(rank(0.9, &others), "2nd of 3 runs");
    assert_eq!(rank(0.95, &others), "best of 3 runs", "as good as the best");
}

#[test]
fn step_is_compared_with_those_of_other_runs() {
    let run_store = store(song("a", 0, 10, 0.9));
    let alone = compose(&run_store, "a");
    assert_eq!((alone.time.as_str(), alone.usual.as_str()), ("0:10", ""));

    let run_store = store([song("b", 0, 30, 0.9), song("a", 100, 10, 0.9)].into_iter().flatten());
    assert_eq!(compose(&run_store, "a").usual, "usual 0:10");
    // The other run's time alone is known.
    let mut told: Vec<Told> = song("a", 100, 10, 0.9).into();
    told[1].4 = serde_json::json!({});
    told.extend(song("b", 0, 30, 0.9));
    assert_eq!(compose(&store(told), "a").usual, "usual 0:30");
}

#[test]
fn first_song_has_no_usual_step_to_name() {
    let run_store = store(song("a", 0, 10, 0.9));
    let of_a = run(&run_store, "a");
    let stage = StageView::of(of_a, &run_store, noon(), noon());
    let words = comparison(of_a, &stage, run_store.model.stats(), 14_000, None);
    assert_eq!(words, ["the first song seen here", ""]);
}

#[test]
fn differences_are_told_from_a_second_and_a_fiftieth_on() {
    assert!(is_as_usual(10_999, 10_000) && !is_as_usual(11_000, 10_000));
    assert!(is_as_usual(98_001, 100_000) && !is_as_usual(98_000, 100_000));
    assert_eq!(difference_words(1_499), "1 s");
    assert_eq!(difference_words(59_500), "1:00");
}

#[test]
fn finale_is_whole_only_where_the_end_was_seen() {
    assert_eq!(first_age_ms(18_000, true), 0);
    assert_eq!(first_age_ms(18_000, false), 18_000);
    assert_eq!(first_age_ms(45_000, true), 45_000, "that is no news");
}

#[test]
fn run_that_rendered_nothing_has_no_finale() {
    let mut told: Vec<Told> = song("a", 0, 10, 0.9).into();
    assert!(is_due(run(&store(song("a", 0, 10, 0.9)), "a")));
    told.remove(4);
    assert!(!is_due(run(&store(told), "a")));
    assert!(!is_due(run(&store(song("a", 0, 10, 0.9).into_iter().take(5)), "a")), "it goes on");
}
