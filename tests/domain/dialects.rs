//! The same events in three dialects give the same runs.
//!
//! `guide.ndjson` holds the guide's own example events, extended to one run that completes and one that
//! fails; `backend.ndjson` and `fixture.ndjson` hold the same as a backend and as the web client's test
//! fixtures write it. The comparison leaves out what not every dialect can express:
//!
//! * the fixtures have no song and no seed;
//! * the backend sends no scores (they are in REST), the fixtures only those of VALIDATE;
//! * the backend sends one more event (created), the fixtures one more (progress).

use meterbridge::inspect::{Report, RunReport};

use crate::support::{fixture, report_of};

fn told(dialect: &str) -> Report {
    let path = fixture("dialects").join(format!("{dialect}.ndjson"));
    let text = std::fs::read_to_string(path).unwrap();
    let report = report_of(text.lines());
    assert_eq!(report.events, text.lines().count() as u64, "{dialect}: every line is an event");
    report
}

/// Returns the run without fields that not every dialect can express.
fn common(run: &RunReport) -> RunReport {
    let mut run = run.clone();
    run.song_id = None;
    run.seed = None;
    run.events = 0;
    for node in &mut run.nodes {
        node.scores = None;
    }
    run
}

#[test]
fn three_dialects_give_the_same_runs() {
    let guide: Vec<RunReport> = told("guide").runs.iter().map(common).collect();
    assert_eq!(guide.len(), 2);
    for dialect in ["backend", "fixture"] {
        let runs: Vec<RunReport> = told(dialect).runs.iter().map(common).collect();
        assert_eq!(runs, guide, "{dialect}");
    }
}

#[test]
fn guide_examples_give_the_documented_runs() {
    let report = told("guide");
    let [completed, failed] = &report.runs[..] else { panic!("two runs") };
    assert_eq!(completed.run_id, "run-123");
    assert_eq!((completed.status, completed.duration_ms), ("completed", Some(300_000)));
    assert_eq!((completed.song_id.as_deref(), completed.seed), (Some("song-456"), Some(12_345)));
    let style = &completed.nodes[1];
    assert_eq!((style.status, style.duration_ms), ("success", Some(20_000)));
    assert_eq!(style.scores.as_ref().unwrap()["completeness"], 0.95);

    assert_eq!((failed.status, failed.error.as_deref()), ("failed", Some("Workflow failed")));
    let style = &failed.nodes[1];
    assert_eq!(
        (style.status, style.error.as_deref(), style.duration_ms),
        ("failed", Some("Genre not found in blueprint"), Some(10_000))
    );
}

#[test]
fn fields_of_only_some_dialects_are_read() {
    let backend = told("backend");
    assert_eq!(backend.runs[0].song_id.as_deref(), Some("song-456"));
    assert_eq!(backend.runs[0].seed, Some(12_345));
    assert!(backend.runs.iter().flat_map(|run| &run.nodes).all(|node| node.scores.is_none()));

    let scores = |report: Report| report.runs[0].nodes[5].scores.clone().unwrap();
    assert_eq!(scores(told("fixture")), scores(told("guide")));
}

/// A stream may change its dialect: an old run replayed, a new one live.
#[test]
fn dialects_can_be_mixed_in_one_run() {
    let lines = |dialect: &str| {
        let path = fixture("dialects").join(format!("{dialect}.ndjson"));
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (guide, fixture) = (lines("guide"), lines("fixture"));
    let mut mixed: Vec<String> = guide[..6].to_vec();
    mixed.extend(fixture[7..].iter().filter(|line| !line.contains("run-124")).cloned());
    let run = common(&report_of(mixed).runs[0]);
    assert_eq!(run, common(&told("guide").runs[0]));
}
