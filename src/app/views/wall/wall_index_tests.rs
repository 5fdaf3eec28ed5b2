//! Tests that the updated index equals one that is counted from scratch.

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

/// Model with an index that is updated after each event.
struct IndexedModel {
    model: Model,
    wall_index: WallIndex,
}

impl IndexedModel {
    fn new(most_runs: usize) -> Self {
        let retention = Retention { runs: most_runs, ..Retention::default() };
        Self { model: Model::new(retention), wall_index: WallIndex::default() }
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
        self.wall_index.update(&self.model, &touched, applied, at, at);
    }

    fn wait_until(&mut self, seconds: i64) {
        self.wall_index.update(&self.model, &[], 0, after(seconds), after(seconds));
    }

    fn counted_anew(&self, seconds: i64) -> WallIndex {
        let mut wall_index = WallIndex::default();
        wall_index.update(&self.model, &[], 0, after(seconds), after(seconds));
        wall_index
    }
}

/// Contents of an index, without slots.
fn words(wall_index: &WallIndex) -> String {
    let ids = |runs: Vec<(Timestamp, &RunId)>| {
        let mut ids: Vec<String> = runs.iter().map(|(at, id)| format!("{id}@{at}")).collect();
        ids.sort();
        ids.join(" ")
    };
    let mut lines = vec![
        format!("running {}", ids(wall_index.running().collect())),
        format!("silent {}", ids(wall_index.silent().collect())),
        format!("queued {}", ids(wall_index.queued().collect())),
    ];
    for status in [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled] {
        lines.push(format!("{status:?} {}", ids(wall_index.newest(status).collect())));
        lines.push(format!("lately {}", wall_index.lately(status)));
    }
    let mut loads: Vec<String> = wall_index
        .loads()
        .filter(|(_, load)| *load != Load::default())
        .map(|(name, load)| format!("{name} {load:?}"))
        .collect();
    loads.sort();
    lines.extend(loads);
    lines.join("\n")
}

#[test]
fn run_counts_at_its_current_node() {
    let mut model = IndexedModel::new(10);
    model.say(0, "a", None, "start");
    assert_eq!((model.wall_index.active(), model.wall_index.silent_count()), (1, 0));
    model.say(1, "a", Some("PLAN"), "start");
    let loads: Vec<_> = model.wall_index.loads().map(|(_, load)| load).collect();
    assert_eq!(loads[0], Load { running: 1, silent: 0, ahead: 0 });
    model.say(2, "a", Some("PLAN"), "end");
    let loads: Vec<_> = model.wall_index.loads().map(|(_, load)| load).collect();
    assert_eq!((loads[0], loads[1].ahead), (Load::default(), 1));
    model.say(3, "a", Some("STYLE"), "fail");
    model.say(3, "a", None, "fail");
    assert_eq!((model.wall_index.active(), model.wall_index.lately(RunStatus::Failed)), (0, 1));
    model.wait_until(3_700);
    assert_eq!(model.wall_index.lately(RunStatus::Failed), 0);
    assert_eq!(model.wall_index.newest(RunStatus::Failed).count(), 1);
}

#[test]
fn run_becomes_silent_after_30_s_until_the_next_event() {
    let mut model = IndexedModel::new(10);
    model.say(0, "a", Some("PLAN"), "start");
    model.wait_until(30);
    assert_eq!(model.wall_index.silent_count(), 0);
    model.wait_until(31);
    assert_eq!((model.wall_index.active(), model.wall_index.silent_count()), (1, 1));
    let loads: Vec<_> = model.wall_index.loads().map(|(_, load)| load).collect();
    assert_eq!(loads[0], Load { running: 1, silent: 1, ahead: 0 });
    model.say(40, "a", Some("PLAN"), "progress");
    assert_eq!((model.wall_index.active(), model.wall_index.silent_count()), (1, 0));
}

#[test]
fn failures_of_one_cause_have_one_number() {
    let mut model = IndexedModel::new(10);
    let fail = |model: &mut IndexedModel, at, run, node, reason: &str| {
        model.say(at, run, Some(node), "start");
        let data = format!(r#""phase":"fail","data":{{"error":"{reason}"}},"#);
        model.tell(at, run, &data, Some(node));
        model.tell(at, run, &data, None);
    };
    fail(&mut model, 10, "a", "RENDER", "quota 31 of 30 exceeded");
    fail(&mut model, 20, "b", "RENDER", "quota 32 of 30 exceeded");
    fail(&mut model, 30, "c", "LYRICS", "quota 32 of 30 exceeded");
    fail(&mut model, 40, "d", "RENDER", "no answer");
    let failures: Vec<_> = model.wall_index.failures(after(15)).collect();
    let ids: Vec<&str> = failures.iter().map(|(_, id, _)| id.as_str()).collect();
    assert_eq!(ids, ["d", "c", "b"], "latest first, since 15 s");
    let all: Vec<u64> = model.wall_index.failures(noon()).map(|(.., cause)| cause).collect();
    assert_eq!(all[2], all[3]);
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
}

#[test]
fn running_runs_stand_at_their_step_or_at_the_next() {
    let mut model = IndexedModel::new(10);
    model.say(0, "a", Some("PLAN"), "start");
    model.say(1, "b", Some("PLAN"), "start");
    model.say(2, "b", Some("PLAN"), "end");
    let stand = |model: &IndexedModel| {
        let all = model.wall_index.at_steps();
        all.map(|(step, id, silent)| (step, id.to_string(), silent)).collect::<Vec<_>>()
    };
    let (a, b) = ((Some(0), "a".to_owned(), false), (Some(1), "b".to_owned(), false));
    assert_eq!(stand(&model), [a, b.clone()]);
    model.say(20, "b", Some("STYLE"), "start");
    model.wait_until(40);
    assert_eq!(stand(&model), [b, (Some(0), "a".to_owned(), true)]);
}

proptest! {
    #[test]
    fn updated_index_equals_rebuilt_index(
        events in prop::collection::vec(
            (0_i64..40, 0_usize..12, prop::option::of(0_usize..11), 0_usize..5),
            1..120,
        ),
    ) {
        let mut model = IndexedModel::new(7);
        let mut now = 0;
        for (wait, run, node, phase) in events {
            now += wait;
            let others = ["SAFETY", "MASTER"];
            let node = node.map(|node| PIPELINE.get(node).copied().unwrap_or_else(|| others[node - 9]));
            let phase = ["start", "progress", "end", "fail", "info"][phase];
            model.say(now, &format!("run-{run}"), node, phase);
            prop_assert_eq!(words(&model.wall_index), words(&model.counted_anew(now)));
        }
        model.wait_until(now + 45);
        prop_assert_eq!(words(&model.wall_index), words(&model.counted_anew(now + 45)));
    }
}
