//! The census that was kept up is the census that is counted.

use proptest::prelude::*;

use super::*;
use crate::model::Retention;
use crate::protocol::Batch;

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

/// A studio with a census that is kept up.
struct Told {
    model: Model,
    census: Census,
}

impl Told {
    fn new(most_runs: usize) -> Self {
        let retention = Retention { runs: most_runs, ..Retention::default() };
        Self { model: Model::new(retention), census: Census::default() }
    }

    fn say(&mut self, seconds: i64, run: &str, node: Option<&str>, phase: &str) {
        self.tell(seconds, run, &format!(r#""phase":"{phase}","#), node);
    }

    fn tell(&mut self, seconds: i64, run: &str, fields: &str, node: Option<&str>) {
        let node = node.map_or_else(String::new, |node| format!(r#""node_name":"{node}","#));
        let at = after(seconds);
        let mut batch = Batch::new(at, true);
        batch.push_text(&format!(r#"{{{node}{fields}"ts":"{at}","run_id":"{run}"}}"#));
        let (mut touched, mut applied) = (Vec::new(), 0);
        self.model.receive(batch, |_, change| {
            applied += 1;
            touched.push(change.run_id);
            touched.extend(change.evicted);
        });
        let touched: Vec<&RunId> = touched.iter().collect();
        self.census.update(&self.model, &touched, applied, at, at);
    }

    fn wait_until(&mut self, seconds: i64) {
        self.census.update(&self.model, &[], 0, after(seconds), after(seconds));
    }

    fn counted_anew(&self, seconds: i64) -> Census {
        let mut census = Census::default();
        census.update(&self.model, &[], 0, after(seconds), after(seconds));
        census
    }
}

/// Everything that is shown of a census, but for places.
fn words(census: &Census) -> String {
    let ids = |runs: Vec<(Timestamp, &RunId)>| {
        let mut ids: Vec<String> = runs.iter().map(|(at, id)| format!("{id}@{at}")).collect();
        ids.sort();
        ids.join(" ")
    };
    let mut lines = vec![
        format!("running {}", ids(census.running().collect())),
        format!("silent {}", ids(census.silent().collect())),
        format!("queued {}", ids(census.queued().collect())),
    ];
    for status in [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled] {
        lines.push(format!("{status:?} {}", ids(census.newest(status).collect())));
        lines.push(format!("lately {}", census.lately(status)));
    }
    let mut loads: Vec<String> = census
        .loads()
        .filter(|(_, load)| *load != Load::default())
        .map(|(name, load)| format!("{name} {load:?}"))
        .collect();
    loads.sort();
    lines.extend(loads);
    lines.join("\n")
}

#[test]
fn a_run_is_counted_where_it_stands() {
    let mut told = Told::new(10);
    told.say(0, "a", None, "start");
    assert_eq!((told.census.active(), told.census.silent_count()), (1, 0));
    told.say(1, "a", Some("PLAN"), "start");
    let loads: Vec<_> = told.census.loads().map(|(_, load)| load).collect();
    assert_eq!(loads[0], Load { running: 1, silent: 0, ahead: 0 });
    told.say(2, "a", Some("PLAN"), "end");
    let loads: Vec<_> = told.census.loads().map(|(_, load)| load).collect();
    assert_eq!((loads[0], loads[1].ahead), (Load::default(), 1));
    told.say(3, "a", Some("STYLE"), "fail");
    told.say(3, "a", None, "fail");
    assert_eq!((told.census.active(), told.census.lately(RunStatus::Failed)), (0, 1));
    told.wait_until(3_700);
    assert_eq!(told.census.lately(RunStatus::Failed), 0);
    assert_eq!(told.census.newest(RunStatus::Failed).count(), 1);
}

#[test]
fn a_run_falls_silent_and_is_heard_again() {
    let mut told = Told::new(10);
    told.say(0, "a", Some("PLAN"), "start");
    told.census.take_changed();
    told.wait_until(30);
    assert_eq!(told.census.silent_count(), 0);
    told.wait_until(31);
    assert_eq!((told.census.active(), told.census.silent_count()), (1, 1));
    assert_eq!(told.census.take_changed(), Some(vec![0]));
    assert_eq!(told.census.cells_at(0)[0], Cell::Silent as u8);
    told.say(40, "a", Some("PLAN"), "progress");
    assert_eq!((told.census.active(), told.census.silent_count()), (1, 0));
}

#[test]
fn only_what_changed_is_told_and_nothing_when_nothing_did() {
    let mut told = Told::new(10);
    told.say(0, "a", Some("PLAN"), "start");
    told.say(0, "b", Some("PLAN"), "start");
    told.census.take_changed();
    let revision = told.census.revision();
    told.wait_until(1);
    assert_eq!(told.census.revision(), revision);
    assert_eq!(told.census.take_changed(), Some(Vec::new()));
    told.say(2, "b", Some("PLAN"), "end");
    assert_eq!(told.census.take_changed(), Some(vec![1]));
}

#[test]
fn the_next_to_finish_is_found() {
    let mut told = Told::new(10);
    for (node, place) in PIPELINE.iter().filter(|node| **node != "FIX").zip(0..) {
        told.say(10 * place, "usual", Some(node), "start");
        told.tell(10 * place + 5, "usual", r#""phase":"end","duration_ms":5000,"#, Some(node));
    }
    told.say(90, "usual", None, "end");
    assert!(told.census.next(&told.model, after(90)).is_none());
    told.say(100, "late", Some("RENDER"), "start");
    told.say(101, "early", Some("PLAN"), "start");
    let next = told.census.next(&told.model, after(102));
    let next = next.map(|(run, left_ms)| (run.id().to_string(), left_ms));
    assert_eq!(next, Some(("late".to_owned(), 8_000)));
    // What nothing is heard of is nobody's promise.
    told.wait_until(150);
    assert!(told.census.next(&told.model, after(150)).is_none());
}

proptest! {
    #[test]
    fn what_was_kept_up_is_what_is_counted(
        told in prop::collection::vec(
            (0_i64..40, 0_usize..12, prop::option::of(0_usize..11), 0_usize..5),
            1..120,
        ),
    ) {
        let mut studio = Told::new(7);
        let mut now = 0;
        for (wait, run, node, phase) in told {
            now += wait;
            let others = ["SAFETY", "MASTER"];
            let node = node.map(|node| PIPELINE.get(node).copied().unwrap_or_else(|| others[node - 9]));
            let phase = ["start", "progress", "end", "fail", "info"][phase];
            studio.say(now, &format!("run-{run}"), node, phase);
            prop_assert_eq!(words(&studio.census), words(&studio.counted_anew(now)));
        }
        studio.wait_until(now + 45);
        prop_assert_eq!(words(&studio.census), words(&studio.counted_anew(now + 45)));
    }
}
