//! The studio's own numbers in `/metrics`: each end of a run once, whatever is replayed.

use jiff::{SignedDuration, Timestamp};

use super::served::Served;
use super::{TempStore, eventually, options};
use crate::page::get;

/// Returns an event `second` seconds after `begin`, with more fields.
fn event(begin: Timestamp, second: i64, run: &str, phase: &str, more: &str) -> String {
    let at = begin + SignedDuration::from_secs(second);
    format!(r#"{{"ts":"{at}","run_id":"{run}","phase":"{phase}"{more}}}"#)
}

/// Returns the events of a run that takes `secs` seconds, of which PLAN takes 1.5 s.
fn run(begin: Timestamp, run: &str, secs: i64, end: &str) -> Vec<String> {
    let plan = r#","node_name":"PLAN""#;
    vec![
        event(begin, 0, run, "start", ""),
        event(begin, 1, run, "start", plan),
        event(begin, 3, run, "end", &format!(r#"{plan},"duration_ms":1500"#)),
        event(begin, secs, run, end, ""),
    ]
}

impl Served {
    /// Sends frames, as received a minute after `begin`, and waits until the hub has this many.
    async fn tell(&self, begin: Timestamp, frames: &[String], kept: u64) {
        self.send(begin + SignedDuration::from_mins(1), frames);
        let hub = self.hub();
        eventually("the frames", || hub.counters().journal_entries.get() == kept).await;
    }

    /// Returns the lines of `/metrics` about the studio that begin with one of these, without zeros.
    async fn studio(&self, starts: &[&str]) -> Vec<String> {
        let answer = get(&self.server, "/metrics").await;
        let is_told = |line: &&str| {
            starts.iter().any(|start| line.starts_with(start)) && !line.ends_with(" 0")
        };
        answer.text().lines().filter(is_told).map(str::to_owned).collect()
    }
}

const TOTALS: [&str; 2] = ["meterbridge_runs", "meterbridge_node_duration_seconds_count"];

#[tokio::test]
async fn ends_and_durations_are_told_to_the_letter_and_counted_once() {
    let served = Served::open(&options(None)).await;
    let begin = Timestamp::now();
    let frames = [run(begin, "a", 9, "end"), run(begin, "b", 30, "fail")].concat();
    served.tell(begin, &frames, 8).await;
    served.tell(begin, &[event(begin, 40, "c", "start", "")], 9).await;
    // The same again, as after a reconnection.
    served.send(begin + SignedDuration::from_mins(1), &frames);
    let hub = served.hub();
    eventually("the same again", || hub.counters().duplicates.get() == 8).await;
    let answer = get(&served.server, "/metrics").await;
    let studio = answer.text().split_once("# HELP meterbridge_runs ").unwrap().1;
    let zeros = |outcome: &str, at: &[(&str, u32)]| -> String {
        let bounds = [
            "1", "2", "5", "10", "20", "30", "60", "120", "300", "600", "1200", "1800", "3600",
            "+Inf",
        ];
        let mut reached = 0;
        let line = |bound: &&str| {
            reached = at.iter().find(|(from, _)| from == bound).map_or(reached, |(_, it)| *it);
            let name = "meterbridge_run_duration_seconds_bucket";
            format!("{name}{{outcome=\"{outcome}\",le=\"{bound}\"}} {reached}\n")
        };
        bounds.iter().map(line).collect()
    };
    let tail = |outcome: &str, sum: u32, count: u32| {
        let name = "meterbridge_run_duration_seconds";
        format!(
            "{name}_sum{{outcome=\"{outcome}\"}} {sum}\n\
             {name}_count{{outcome=\"{outcome}\"}} {count}\n"
        )
    };
    let expected = [
        "Runs that the hub keeps, by status.\n\
         # TYPE meterbridge_runs gauge\n\
         meterbridge_runs{status=\"queued\"} 0\n\
         meterbridge_runs{status=\"running\"} 1\n\
         meterbridge_runs{status=\"finished\"} 1\n\
         meterbridge_runs{status=\"failed\"} 1\n\
         meterbridge_runs{status=\"cancelled\"} 0\n\
         # HELP meterbridge_runs_total Executions of runs that ended, by outcome.\n\
         # TYPE meterbridge_runs_total counter\n\
         meterbridge_runs_total{outcome=\"finished\"} 1\n\
         meterbridge_runs_total{outcome=\"failed\"} 1\n\
         meterbridge_runs_total{outcome=\"cancelled\"} 0\n\
         # HELP meterbridge_run_duration_seconds Durations of executions of runs that ended, by outcome.\n\
         # TYPE meterbridge_run_duration_seconds histogram\n"
            .to_owned(),
        zeros("finished", &[("10", 1)]),
        tail("finished", 9, 1),
        zeros("failed", &[("30", 1)]),
        tail("failed", 30, 1),
        zeros("cancelled", &[]),
        tail("cancelled", 0, 0),
        "# HELP meterbridge_node_duration_seconds Durations of successful attempts of nodes, of runs that ended.\n\
         # TYPE meterbridge_node_duration_seconds histogram\n\
         meterbridge_node_duration_seconds_bucket{node=\"PLAN\",le=\"1\"} 0\n\
         meterbridge_node_duration_seconds_bucket{node=\"PLAN\",le=\"2\"} 2\n"
            .to_owned(),
    ];
    let expected = expected.concat();
    assert_eq!(&studio[..expected.len().min(studio.len())], expected);
    let end = "meterbridge_node_duration_seconds_sum{node=\"PLAN\"} 3\n\
               meterbridge_node_duration_seconds_count{node=\"PLAN\"} 2\n";
    assert!(studio.contains(end), "{studio}");
    served.server.stop().await;
}

/// A hub that has no past is told of runs that ended long ago.
#[tokio::test]
async fn runs_that_ended_before_the_first_start_are_not_counted() {
    let served = Served::open(&options(None)).await;
    let begin = Timestamp::now() - SignedDuration::from_hours(3);
    let frames = run(begin, "old", 9, "end");
    served.send(Timestamp::now(), &frames);
    let hub = served.hub();
    eventually("the frames", || hub.counters().journal_entries.get() == 4).await;
    assert_eq!(served.studio(&TOTALS).await, ["meterbridge_runs{status=\"finished\"} 1"]);
    served.server.stop().await;
}

#[tokio::test]
async fn totals_start_at_zero_after_a_restart_and_count_what_ended_meanwhile() {
    let store = TempStore::new("studio");
    let begin = Timestamp::now() - SignedDuration::from_hours(3);
    let served = Served::open(&options(Some(store.file()))).await;
    served.tell(begin, &run(begin, "a", 9, "end")[..3], 3).await;
    served.server.stop().await;
    // The hub is away while `a` ends.
    let served = Served::open(&options(Some(store.file()))).await;
    assert_eq!(served.studio(&TOTALS).await, ["meterbridge_runs{status=\"running\"} 1"]);
    let all = run(begin, "a", 9, "end");
    served.tell(begin, &all, 4).await;
    let once = [
        "meterbridge_runs{status=\"finished\"} 1",
        "meterbridge_runs_total{outcome=\"finished\"} 1",
        "meterbridge_node_duration_seconds_count{node=\"PLAN\"} 1",
    ];
    assert_eq!(served.studio(&TOTALS).await, once);
    served.server.stop().await;
    // Counted before this start.
    let served = Served::open(&options(Some(store.file()))).await;
    served.send(begin + SignedDuration::from_mins(1), &all);
    let hub = served.hub();
    eventually("the same again", || hub.counters().duplicates.get() == 4).await;
    assert_eq!(served.studio(&TOTALS).await, once[..1]);
    served.server.stop().await;
}
