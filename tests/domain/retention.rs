//! Retention: what is kept, what is evicted, and in which order.

use jiff::{SignedDuration, Timestamp};
use meterbridge::inspect::RunReport;
use meterbridge::model::{LogItem, Model, Retention, RunStatus};
use meterbridge::protocol::Batch;

use crate::support::{feed, transcript};

fn event(second: u64, run: u64, phase: &str) -> String {
    let at = "2025-11-13T10:00:00Z".parse::<Timestamp>().unwrap()
        + SignedDuration::from_secs(second as i64);
    format!(r#"{{"ts":"{at}","run_id":"run-{run}","phase":"{phase}"}}"#)
}

fn model(runs: usize, log_events: usize, events_per_run: usize) -> Model {
    Model::new(Retention { runs, log_events, events_per_run, ..Retention::default() })
}

fn kept(model: &Model) -> Vec<String> {
    model.runs_in_order().iter().map(|run| run.id().to_string()).collect()
}

#[test]
fn ten_thousand_runs_are_kept_and_older_ones_evicted() {
    let mut model = Model::default();
    for run in 0..12_000 {
        feed(&mut model, [event(2 * run, run, "start"), event(2 * run + 1, run, "end")]);
    }
    assert_eq!(model.len(), 10_000);
    assert_eq!(model.runs().count(), 10_000);
    assert_eq!(model.count(RunStatus::Completed), 10_000);
    assert_eq!(model.counters().evicted_runs, 2_000);
    assert!(model.run("run-1999").is_none());
    assert!(model.run("run-2000").is_some());
    assert!(model.run("run-11999").is_some());
}

#[test]
fn finished_runs_are_evicted_before_running_ones() {
    let mut model = model(3, 10, 10);
    feed(&mut model, [event(0, 0, "start"), event(1, 1, "start")]);
    for run in 2..50 {
        feed(&mut model, [event(run * 2, run, "start"), event(run * 2 + 1, run, "fail")]);
    }
    assert_eq!(kept(&model), ["run-0", "run-1", "run-49"]);
    assert_eq!(model.count(RunStatus::Running), 2);
}

#[test]
fn finished_runs_are_evicted_in_the_order_of_their_end() {
    let mut model = model(3, 10, 10);
    feed(&mut model, [event(0, 0, "start"), event(1, 1, "start"), event(2, 2, "start")]);
    feed(&mut model, [event(3, 2, "end"), event(4, 0, "end"), event(5, 1, "end")]);
    feed(&mut model, [event(6, 3, "start")]);
    assert_eq!(kept(&model), ["run-0", "run-1", "run-3"]);
    feed(&mut model, [event(7, 4, "start")]);
    assert_eq!(kept(&model), ["run-1", "run-3", "run-4"]);
}

#[test]
fn earliest_started_run_is_evicted_when_all_are_running() {
    let mut model = model(2, 10, 10);
    feed(&mut model, [event(1, 1, "start"), event(0, 0, "start"), event(2, 2, "start")]);
    assert_eq!(kept(&model), ["run-1", "run-2"]);
    // A run that was started again is not over.
    feed(&mut model, [event(3, 1, "end"), event(4, 1, "start"), event(5, 2, "end")]);
    feed(&mut model, [event(6, 3, "start")]);
    assert_eq!(kept(&model), ["run-1", "run-3"]);
}

#[test]
fn change_names_the_evicted_run() {
    let mut model = model(1, 10, 10);
    feed(&mut model, [event(0, 0, "start")]);
    let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
    batch.push_text(&event(1, 1, "start"));
    let mut evicted = Vec::new();
    model.receive(batch, |_, change| evicted = change.evicted);
    assert_eq!(evicted, ["run-0"]);
}

#[test]
fn log_keeps_its_newest_entries_and_counts_all() {
    let mut model = model(10, 5, 10);
    feed(&mut model, ["not json"]);
    feed(&mut model, (0..20).map(|run| event(run, run, "start")));
    feed(&mut model, [event(19, 19, "start"), "{}".to_owned()]);
    let log = model.log();
    assert_eq!(log.entries().len(), 5);
    assert_eq!(log.written(), 21, "neither duplicates nor what is ignored fill it");
    let seqs: Vec<u64> = log.entries().iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [16, 17, 18, 19, 20]);
    assert!(log.entries().iter().all(|entry| matches!(entry.item, LogItem::Event(_))));
}

#[test]
fn each_kept_log_entry_has_its_own_text() {
    let mut model = model(10_000, 500, 10);
    let text = |run: u64| {
        // Some are longer than what is kept of a text.
        let more = "x".repeat(if run % 700 == 699 { 600_000 } else { run as usize % 900 });
        event(run, run, "start").replace('}', &format!(r#","more":"{more}"}}"#))
    };
    let gone = {
        feed(&mut model, [text(0)]);
        model.log().entries().front().unwrap().clone()
    };
    assert_eq!(model.log().raw(&gone), text(0));
    for run in 1..3_000 {
        feed(&mut model, [text(run)]);
        if run % 10 == 0 {
            feed(&mut model, ["not json"]);
        }
    }
    let mut texts = 0;
    for entry in model.log().entries().iter() {
        match &entry.item {
            LogItem::Event(event) => {
                let run = event.run_id.trim_start_matches("run-").parse().unwrap();
                let (whole, raw) = (text(run), model.log().raw(entry));
                match whole.len() {
                    0..=65_536 => assert!(raw == whole, "{run}"),
                    _ => assert!(raw == format!("{}…", &whole[..65_536]), "{run}"),
                }
                texts += 1;
            }
            LogItem::ParseError(error) => {
                assert_eq!((&*error.text, model.log().raw(entry)), ("not json", ""));
            }
        }
    }
    assert!(texts > 400);
    assert_eq!(model.log().raw(&gone), "");
}

#[test]
fn late_event_within_the_bound_is_inserted() {
    let mut frames = transcript("b-fix-twice-then-pass");
    let mut whole = model(10, 10, 1_000);
    feed(&mut whole, &frames);
    let late = frames.remove(25);
    let mut bounded = model(10, 10, 10);
    feed(&mut bounded, &frames);
    feed(&mut bounded, [late]);
    let run = |model: &Model| model.runs().map(RunReport::of).next().unwrap();
    assert_eq!(run(&bounded), run(&whole));
}

#[test]
fn event_older_than_all_kept_ones_is_ignored_and_counted() {
    let mut frames = transcript("b-fix-twice-then-pass");
    let late = frames.remove(3);
    let mut model = model(10, 100, 10);
    feed(&mut model, &frames);
    let before = RunReport::of(model.runs().next().unwrap());
    feed(&mut model, [&late]);
    assert_eq!(RunReport::of(model.runs().next().unwrap()), before);
    assert_eq!(model.counters().ignored, 1);
    feed(&mut model, [&late]);
    assert_eq!(model.counters().duplicates, 1, "it is known all the same");
}

#[test]
fn duplicates_are_recognised_beyond_the_kept_events() {
    let frames = transcript("b2-fix-exhausted");
    let mut model = model(10, 100, 8);
    feed(&mut model, &frames);
    feed(&mut model, &frames);
    assert_eq!(model.counters().events, frames.len() as u64);
    assert_eq!(model.counters().duplicates, frames.len() as u64);
}

#[test]
fn inspect_keeps_every_run_and_every_event() {
    let mut model = Model::new(Retention::EVERYTHING);
    feed(&mut model, (0..11_000).map(|run| event(run, run, "start")));
    feed(&mut model, (0..2_000).map(|second| event(second, 11_000, "progress")));
    // Older than two thousand other events.
    let first = r#"{"ts":"2020-01-01T00:00:00Z","run_id":"run-11000","phase":"start"}"#;
    feed(&mut model, [first]);
    assert_eq!(model.len(), 11_001);
    assert_eq!(model.counters().ignored, 0);
    let run = model.run("run-11000").unwrap();
    assert_eq!(run.events(), 2_001);
    assert_eq!(run.started_at, Some("2020-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn nodes_per_run_are_bounded() {
    let mut model = model(10, 10, 1_000);
    let events = (0..2_000).map(|second| {
        let start = event(second, 0, "start");
        start.replace("\"phase\"", &format!("\"node_name\":\"N{second}\",\"phase\""))
    });
    feed(&mut model, events);
    let run = model.run("run-0").unwrap();
    assert_eq!(run.nodes.len(), 256);
    assert_eq!(run.events(), 2_000);
    assert_eq!(model.log().entries().len(), 10);
}

/// Returns a failure of a node with an error of 16 KiB.
fn long_failure(second: u64, run: u64, node: &str) -> String {
    let error = format!("{second} {}", "x".repeat((16 << 10) - second.to_string().len() - 1));
    let end = format!(r#","node_name":"{node}","data":{{"error":"{error}"}}}}"#);
    event(second, run, "fail").replace('}', &end)
}

#[test]
fn texts_of_all_runs_are_bounded_and_runs_that_ended_longest_ago_go() {
    let text_bytes = 1 << 20;
    let mut model = Model::new(Retention { text_bytes, ..Retention::default() });
    let mut evicted = Vec::new();
    for run in 0..300 {
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
        batch.push_text(&event(10 * run, run, "start"));
        batch.push_text(&long_failure(10 * run + 1, run, "PLAN"));
        batch.push_text(&event(10 * run + 2, run, "fail"));
        model.receive(batch, |_, change| evicted.extend(change.evicted));
        assert!(model.text_bytes() <= text_bytes, "run {run}: {}", model.text_bytes());
    }
    assert_eq!(model.len(), text_bytes / (16 << 10));
    assert_eq!(model.counters().evicted_runs, 236);
    let gone: Vec<String> = (0..236).map(|run| format!("run-{run}")).collect();
    assert_eq!(evicted, gone, "each is named once, in order of the ends");
    // A run that is still running stays, however old it is, while runs that are over can go.
    feed(&mut model, [event(9_000, 900, "start"), long_failure(9_001, 900, "PLAN")]);
    for run in 901..1_100 {
        feed(&mut model, [event(10 * run, run, "start"), long_failure(10 * run + 1, run, "PLAN")]);
        feed(&mut model, [event(10 * run + 2, run, "end")]);
    }
    assert!(model.run("run-900").is_some() && model.run("run-299").is_none());
    assert!(model.text_bytes() <= text_bytes);
}

#[test]
fn texts_of_one_run_are_bounded_and_its_oldest_events_go() {
    let text_bytes = 8 << 20;
    let mut bounded = Model::new(Retention { text_bytes, ..Retention::default() });
    let mut whole = Model::new(Retention::EVERYTHING);
    let mut frames = vec![event(0, 0, "start")];
    // 900 events of 16 KiB are fewer than the limit on events.
    for pass in 0..300 {
        let nodes = ["PLAN", "COMPOSE", "VALIDATE"].into_iter().enumerate();
        frames.extend(nodes.map(|(nth, node)| long_failure(30 * pass + nth as u64 + 1, 0, node)));
    }
    for frame in &frames {
        feed(&mut bounded, [frame]);
        feed(&mut whole, [frame]);
        // An eighth for the events that are kept, an eighth for the state before them.
        assert!(bounded.text_bytes() <= text_bytes / 4, "{}", bounded.text_bytes());
    }
    assert_eq!(bounded.counters().evicted_runs, 0);
    let run = bounded.run("run-0").unwrap();
    assert_eq!(run.recent_events().count(), (1 << 20) / (16 << 10));
    assert_eq!(run.events(), 901);
    let [bounded_run, whole_run] =
        [&bounded, &whole].map(|model| RunReport::of(model.run("run-0").unwrap()));
    assert_eq!(bounded_run, whole_run);
    assert_eq!(bounded_run.nodes[0].attempts, 300);
    // Its state repeats none but the latest attempts, and is counted.
    let attempts = |model: &Model| {
        model.run("run-0").unwrap().nodes.iter().map(|node| node.history().len()).sum::<usize>()
    };
    assert_eq!(attempts(&whole), 3 * 32);
    assert!(attempts(&bounded) < 32, "{}", attempts(&bounded));
    // An event older than every kept one is ignored and counted.
    feed(&mut bounded, [long_failure(2, 0, "STYLE")]);
    assert_eq!(bounded.counters().ignored, 1);
}

#[test]
fn texts_of_dropped_events_that_the_state_does_not_keep_are_not_counted() {
    let message = "m".repeat(200);
    let progress = |second: u64, run: u64| {
        let data = format!(r#","node_name":"RENDER","data":{{"message":"{message}"}}}}"#);
        event(second, run, "progress").replace('}', &data)
    };
    let mut model = model(100, 0, 50);
    feed(&mut model, [event(0, 1, "start"), event(1, 1, "end"), event(2, 0, "start")]);
    for second in 0..20_000 {
        feed(&mut model, [progress(second + 3, 0)]);
        assert!(model.text_bytes() < 100 << 10, "{}", model.text_bytes());
    }
    assert_eq!(model.run("run-0").unwrap().events(), 20_001);
    // Of many such runs, none is dropped either.
    let mut model =
        Model::new(Retention { text_bytes: 1 << 20, events_per_run: 50, ..Retention::default() });
    for second in 0..2_000 {
        feed(&mut model, (0..20).map(|run| progress(second, run)));
    }
    assert_eq!((model.len(), model.counters().evicted_runs), (20, 0));
}
