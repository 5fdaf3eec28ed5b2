//! How long earlier runs of a step took, and where this run stands among them.

use super::run_view::{ModuleView, StageView};
use crate::app::words::duration_words;
use crate::model::{Baseline, Node, NodeStatus, Run, RunStatus, Stats};

/// Number of earlier passes or runs that are shown.
const MOST_SHOWN: usize = 40;
/// Ends of the axis, in seconds; beyond the last one, whole hours.
const ENDS_SECS: [u64; 16] =
    [2, 4, 6, 10, 20, 30, 40, 60, 90, 120, 180, 240, 360, 600, 1_200, 3_600];

/// Durations of one step's passes in other runs, or of other whole runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// "COMPOSE, last 40 passes".
    pub heading: String,
    /// Durations in milliseconds, oldest first.
    pub past: Vec<u64>,
    pub baseline: Option<Baseline>,
    /// This run's time in milliseconds.
    pub this: Option<u64>,
    /// True while this run's time grows.
    pub is_running: bool,
    /// End of the axis in milliseconds.
    pub end_ms: u64,
}

impl Spread {
    /// Returns the spread of the step that runs, else of the one that ended the run, else of whole runs;
    /// `None` when no other run has finished it.
    pub fn of(run: &Run, stage: &StageView, stats: &Stats) -> Option<Self> {
        let of_status = |status| {
            let own = |module: &&ModuleView| module.status == status;
            stage.modules.iter().rev().find(own)
        };
        let stopped = || stage.modules.iter().find(|module| module.stopped);
        let module = of_status(NodeStatus::Running)
            .or_else(|| of_status(NodeStatus::Failed))
            .or_else(stopped);
        let (name, [one, many], past, baseline, this) = match module {
            Some(module) => {
                let node = run.node(&module.name);
                let past = node.map_or_else(Vec::new, |node| passes_of_others(node, stats));
                let words = ["pass", "passes"];
                (module.name.as_str(), words, past, module.baseline, module.duration_ms)
            }
            None => {
                let own = run.duration_ms.filter(|_| run.status == RunStatus::Completed);
                let own: Vec<u64> = own.into_iter().collect();
                let last = stats.last_run_durations(MOST_SHOWN + own.len());
                let past = without(last.collect(), &own);
                ("Whole songs", ["run", "runs"], past, stats.run_baseline(), None)
            }
        };
        let heading = match past.len() {
            0 => return None,
            1 => format!("{name}, one earlier {one}"),
            count => format!("{name}, last {count} {many}"),
        };
        let end_ms = axis_end_ms(&past, baseline, this);
        let is_running = module.is_some_and(|module| module.status == NodeStatus::Running);
        Some(Self { heading, past, baseline, this, is_running, end_ms })
    }

    /// Returns the place of a duration on the axis, 0 to 1.
    pub fn place(&self, millis: u64) -> f32 {
        (millis as f64 / self.end_ms.max(1) as f64).min(1.0) as f32
    }

    /// Number of earlier runs in each of `columns` equal parts of the axis.
    pub fn counts(&self, columns: usize) -> Vec<usize> {
        let mut counts = vec![0; columns.max(1)];
        for millis in &self.past {
            let column = (self.place(*millis) * columns as f32) as usize;
            counts[column.min(columns.saturating_sub(1))] += 1;
        }
        counts
    }

    /// "usual 0:33".
    pub fn usual_words(&self) -> Option<String> {
        Some(format!("usual {}", duration_words(self.baseline?.p50_ms)))
    }
}

/// Returns the durations of a step's last successes in other runs, in milliseconds and oldest first.
pub fn passes_of_others(node: &Node, stats: &Stats) -> Vec<u64> {
    let done = node.history().iter().filter(|pass| pass.status == NodeStatus::Success);
    let own: Vec<u64> = done.filter_map(|pass| pass.duration_ms).collect();
    without(stats.last_node_durations(&node.name, MOST_SHOWN + own.len()).collect(), &own)
}

/// Returns the last of some durations, oldest first, without this run's own.
fn without(mut durations: Vec<u64>, own: &[u64]) -> Vec<u64> {
    for millis in own {
        if let Some(place) = durations.iter().rposition(|duration| duration == millis) {
            durations.remove(place);
        }
    }
    let older = durations.len().saturating_sub(MOST_SHOWN);
    durations.split_off(older)
}

/// Returns the end of the axis: a round number beyond everything but rare, very long runs.
fn axis_end_ms(past: &[u64], baseline: Option<Baseline>, this: Option<u64>) -> u64 {
    let longest = past.iter().copied().max().unwrap_or(0);
    let slowest = baseline.map_or(longest, |baseline| baseline.p95_ms);
    let reach = longest.min(slowest.saturating_mul(2)).max(slowest).max(this.unwrap_or(0));
    let wanted = reach.saturating_add(reach / 20);
    let known = ENDS_SECS.iter().map(|secs| secs * 1_000).find(|end| *end >= wanted);
    known.unwrap_or_else(|| wanted.div_ceil(3_600_000).saturating_mul(3_600_000))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::app::state::run_store::RunStore;
    use crate::model::Retention;
    use crate::protocol::{Batch, RunId};

    fn spread(past: &[u64], this: Option<u64>) -> Spread {
        let baseline = Some(Baseline { p50_ms: 33_000, p95_ms: 42_000, samples: past.len() });
        let end_ms = axis_end_ms(past, baseline, this);
        Spread {
            heading: String::new(),
            past: past.to_vec(),
            baseline,
            this,
            is_running: true,
            end_ms,
        }
    }

    #[test]
    fn axis_ends_at_a_round_time_beyond_usual_runs() {
        assert_eq!(spread(&[25_000, 33_000, 48_000], None).end_ms, 60_000);
        assert_eq!(spread(&[25_000, 33_000], Some(75_000)).end_ms, 90_000, "this run is on it");
        assert_eq!(spread(&[33_000, 9_000_000], None).end_ms, 90_000, "one outlier is at its end");
        assert_eq!(spread(&[], Some(9_000_000)).end_ms, 3 * 3_600_000);
    }

    #[test]
    fn durations_of_this_run_are_not_among_earlier_ones() {
        assert_eq!(without(vec![5, 7, 5, 9], &[5]), [5, 7, 9], "its own is the last of the same");
        assert_eq!(without(vec![5, 7], &[5, 7]), [0; 0]);
        assert_eq!(without(vec![5, 7], &[6]), [5, 7], "it was dropped by now");
        let many: Vec<u64> = (0..41).collect();
        assert_eq!(without(many, &[40]).len(), MOST_SHOWN);
        assert_eq!(without((0..41).collect(), &[99]), (1..41).collect::<Vec<u64>>());
    }

    /// Stage of run `a`, which composed twice, after `others` other passes of COMPOSE.
    fn of_second_pass(others: u32) -> Option<Spread> {
        let mut run_store = RunStore::new(Retention::default());
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let mut tell = |run: &str, phase: &str, second: i64| {
            let at = noon + SignedDuration::from_secs(second);
            let took = if phase == "end" { r#","duration_ms":20000"# } else { "" };
            let mut batch = Batch::new(at, true);
            batch.push_text(&format!(
                r#"{{"ts":"{at}","run_id":"{run}","node_name":"COMPOSE","phase":"{phase}"{took}}}"#
            ));
            run_store.receive(batch, |_, _| {});
        };
        for other in 0..others {
            tell(&format!("other-{other}"), "start", 0);
            tell(&format!("other-{other}"), "end", 20);
        }
        for (phase, second) in [("start", 100), ("end", 120), ("start", 140)] {
            tell("a", phase, second);
        }
        let run = run_store.model.run(&RunId::new("a")).unwrap();
        let now = noon + SignedDuration::from_secs(145);
        let stage = StageView::of(run, &run_store, now, now);
        Spread::of(run, &stage, run_store.model.stats())
    }

    #[test]
    fn running_step_is_compared_with_passes_of_other_runs() {
        assert_eq!(of_second_pass(0), None, "only its own first pass is known");
        let spread = of_second_pass(1).unwrap();
        assert_eq!(spread.heading, "COMPOSE, one earlier pass");
        assert_eq!(spread.past, [20_000]);
        assert_eq!((spread.this, spread.is_running), (Some(5_000), true));
        assert_eq!(of_second_pass(3).unwrap().heading, "COMPOSE, last 3 passes");
    }

    #[test]
    fn each_earlier_run_is_counted_in_one_column() {
        let spread = spread(&[0, 14_999, 15_000, 33_000, 59_999, 9_000_000], None);
        assert_eq!(spread.end_ms, 90_000);
        assert_eq!(spread.counts(6), [2, 1, 1, 1, 0, 1]);
    }
}
