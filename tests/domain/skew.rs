//! Property tests: skewed clocks and truncated instants do not change the outcome of a run.

use std::io::Cursor;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use meterbridge::inspect::{Report, read_into};
use meterbridge::model::{Model, Node, Retention, Run};
use meterbridge::protocol::PIPELINE;
use meterbridge::source::recording::Recording;
use serde_json::json;

use crate::stories::{Dice, Manner, frames, shuffle, story};
use crate::support::{feed, model_of, run_of};

/// Number of stories per test. `METERBRIDGE_TEST_STORIES` overrides it, e.g. 10000 with an optimised
/// build.
const STORIES: u64 = 100;

/// The compared outcome of an execution: status of the run, number of fix passes, and name, status and
/// number of attempts of each node.
type Outcome = (&'static str, u32, Vec<(String, &'static str, u32)>);

fn nodes(nodes: &[Node]) -> Vec<(String, &'static str, u32)> {
    let of = |node: &Node| (node.name.to_string(), node.status.as_str(), node.attempts);
    nodes.iter().map(of).collect()
}

fn outcomes(model: &Model) -> Vec<Outcome> {
    let run: &Run = model.run("run-1").unwrap();
    let now = (run.status.as_str(), run.fix_iterations, nodes(&run.nodes));
    let earlier =
        run.history.iter().map(|execution| (execution.status.as_str(), 0, nodes(&execution.nodes)));
    earlier.chain([now]).collect()
}

fn stories() -> u64 {
    let told = std::env::var("METERBRIDGE_TEST_STORIES").ok();
    told.map_or(STORIES, |told| told.parse().unwrap())
}

/// Compares the outcomes of each story, undisturbed and disturbed.
fn check(manner: Manner, cut: bool, skew_ms: i64) {
    let mut wrong = Vec::new();
    for seed in 0..stories() {
        let mut dice = Dice::new(seed);
        let story = story(&mut dice, manner);
        let still = [SignedDuration::ZERO; 9];
        let undisturbed = frames(&story, &mut dice, &still, false);
        let shifts: Vec<SignedDuration> =
            (0..9).map(|_| SignedDuration::from_millis(dice.between(-skew_ms, skew_ms))).collect();
        let mut disturbed = frames(&story, &mut dice, &shifts, cut);
        let expected = outcomes(&model_of(&undisturbed));
        let in_order = model_of(&disturbed);
        shuffle(&mut dice, &mut disturbed);
        let again = disturbed[..disturbed.len() / 3].to_vec();
        disturbed.extend(again);
        let shuffled = model_of(&disturbed);
        assert_eq!(
            Report::of(&in_order).runs,
            Report::of(&shuffled).runs,
            "story {seed} in another order"
        );
        if outcomes(&in_order) != expected {
            wrong.push(seed);
        }
    }
    assert!(wrong.is_empty(), "{} of {} stories: {wrong:?}", wrong.len(), stories());
}

#[test]
fn truncation_to_whole_seconds_preserves_the_outcome() {
    for backend in [true, false] {
        check(Manner { backend, slowest_ms: 20_000, executions: 3 }, true, 0);
    }
}

#[test]
fn skew_of_3_s_preserves_the_outcome_of_a_backend_story() {
    check(Manner { backend: true, slowest_ms: 20_000, executions: 3 }, true, 3_000);
}

#[test]
fn skew_of_3_s_preserves_the_outcome_of_a_guide_story() {
    check(Manner { backend: false, slowest_ms: 20_000, executions: 3 }, true, 3_000);
}

#[test]
fn skew_of_3_s_preserves_the_outcome_of_a_fast_backend_story() {
    check(Manner { backend: true, slowest_ms: 300, executions: 2 }, true, 3_000);
}

/// Returns the lines of one run with this many events, some of which violate the grammar of a run.
fn long_run(events: i64) -> Vec<String> {
    let begin: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let of = |number: i64| {
        let at = begin + SignedDuration::from_millis(number * 200);
        let node = PIPELINE[(number / 2 % 9) as usize];
        let phase = if number % 2 == 0 || number % 101 == 0 { "start" } else { "end" };
        format!(r#"{{"ts":"{at}","run_id":"run-1","node_name":"{node}","phase":"{phase}"}}"#)
    };
    (0..events).map(of).collect()
}

#[test]
fn reverse_order_costs_at_most_ten_times_as_much_as_forward_order() {
    let mut lines = long_run(2_000);
    let time = |lines: &[String]| {
        let mut model = Model::new(Retention::EVERYTHING);
        let begin = Instant::now();
        let recording = Recording::new(Cursor::new(lines.join("\n")));
        read_into(&mut model, recording).unwrap();
        (begin.elapsed(), Report::of(&model).runs)
    };
    let (forwards, expected) = time(&lines);
    lines.reverse();
    let (backwards, runs) = time(&lines);
    assert_eq!(runs, expected);
    // Folding the run for each event would take hundreds of times as long.
    assert!(backwards < forwards * 10, "{backwards:?}, forwards {forwards:?}");
}

/// Returns events of one run with arbitrary nodes and phases, which violate the grammar throughout.
fn arbitrary_events(count: i64) -> Vec<String> {
    let begin: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut dice = Dice::new(1);
    let event = |number: i64| {
        let at = begin + SignedDuration::from_millis(number * 700);
        let node = PIPELINE[dice.between(0, 8) as usize];
        let phase = ["start", "end", "fail", "progress"][dice.between(0, 3) as usize];
        json!({"ts": at.to_string(), "run_id": "r", "node": node, "phase": phase, "data": {"n": number}})
            .to_string()
    };
    (0..count).map(event).collect()
}

#[test]
fn events_that_violate_the_grammar_throughout_are_received_in_bounded_time() {
    let lines = arbitrary_events(2_000);
    let (first, rest) = lines.split_at(800);
    let mut model = Model::new(Retention::EVERYTHING);
    let began = Instant::now();
    feed(&mut model, first);
    let once = began.elapsed();
    // The search has given up, so that these do not repeat it.
    rest.iter().for_each(|line| feed(&mut model, [line]));
    let all = began.elapsed();
    assert!(all < once * 10, "{all:?}, for the first batch {once:?}");
}

#[test]
fn events_that_violate_the_grammar_throughout_are_ordered_whatever_arrives_first() {
    let mut lines = arbitrary_events(800);
    let expected = run_of(&lines);
    let mut model = Model::new(Retention::EVERYTHING);
    feed(&mut model, &lines[400..]);
    feed(&mut model, &lines[..400]);
    assert_eq!(Report::of(&model).runs, [run_of(&lines)]);
    shuffle(&mut Dice::new(2), &mut lines);
    assert_eq!(run_of(&lines), expected);
}
