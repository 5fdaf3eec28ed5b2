//! The studio's own numbers for `/metrics`: runs that ended, and durations of runs and nodes.
//!
//! All of them only grow, and start at zero with the hub. The history knows, also across restarts, which
//! executions have been counted; each end counts once, whatever is replayed. Later corrections of an
//! end add a duration that was unknown before, and change nothing else.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use smol_str::SmolStr;

use crate::history::{EndedRun, NotedRun, Outcome};
use crate::protocol::{NodeName, RunId, pipeline_index};
use crate::text;

/// Upper bounds of the classes of a histogram, in seconds: from 1 s to 1 h.
pub const BOUNDS_SECS: [u32; 13] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600];

/// Most nodes with numbers of their own, those of the pipeline included; others are counted together.
pub const MOST_NODES: usize = 32;

/// Name under which nodes without a place of their own are told together.
const OTHER: &str = "other";

/// Most nodes outside the pipeline with numbers of their own.
const MOST_OTHER_NODES: usize = MOST_NODES - crate::protocol::PIPELINE.len();

/// Most characters of a node's name.
const LONGEST_NODE: usize = 64;

/// Durations by classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DurationHistogram {
    /// Number of durations within each class; the last has no bound.
    classes: [u64; BOUNDS_SECS.len() + 1],
    sum_ms: u64,
}

impl DurationHistogram {
    fn add(&mut self, millis: u64) {
        let is_within = |bound: &u32| millis <= u64::from(*bound) * 1_000;
        let class = BOUNDS_SECS.iter().position(is_within).unwrap_or(BOUNDS_SECS.len());
        self.classes[class] += 1;
        self.sum_ms = self.sum_ms.saturating_add(millis);
    }

    /// Returns for each bound in seconds the number of durations up to it.
    pub fn up_to_bounds(&self) -> impl Iterator<Item = (u32, u64)> {
        let mut sum = 0;
        BOUNDS_SECS.iter().zip(self.classes).map(move |(bound, count)| {
            sum += count;
            (*bound, sum)
        })
    }

    /// Returns the number of durations.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Returns the sum of the durations in seconds.
    pub fn sum_secs(&self) -> f64 {
        self.sum_ms as f64 / 1_000.0
    }
}

/// Totals of the studio since the hub started.
#[derive(Debug, Default)]
pub struct StudioNumbers {
    ended: [u64; 3],
    runs: [DurationHistogram; 3],
    nodes: BTreeMap<NodeName, DurationHistogram>,
    other_nodes: Option<DurationHistogram>,
    /// Executions that were counted as ended and go on, as after a cancellation that came too late.
    taken_back: HashMap<RunId, Vec<(u32, EndedRun)>, FixedState>,
}

impl StudioNumbers {
    /// Counts the ends and durations that a run has in addition. Ends for which `is_counted` is false are
    /// left out. Returns the new ends, each with the number of its execution.
    pub(super) fn count(
        &mut self,
        run: &RunId,
        noted: NotedRun,
        is_counted: impl Fn(&EndedRun) -> bool,
    ) -> Vec<(u32, EndedRun)> {
        let NotedRun { mut before, after } = noted;
        if let Some(known) = self.taken_back.remove(run).filter(|it| it.len() > before.len()) {
            before = known;
        }
        if after.len() < before.len() {
            self.taken_back.insert(run.clone(), before);
            return Vec::new();
        }
        let mut new = Vec::new();
        // Numbers of executions may change with a restart; their order does not.
        for (place, (number, ended)) in after.into_iter().enumerate() {
            if !is_counted(&ended) {
                continue;
            }
            let known = before.get(place).map(|(_, known)| known);
            self.add(&ended, known);
            if known.is_none() {
                new.push((number, ended));
            }
        }
        new
    }

    /// Forgets a run that is no longer kept. It stays counted.
    pub(super) fn forget(&mut self, run: &RunId) {
        self.taken_back.remove(run);
    }

    fn add(&mut self, ended: &EndedRun, known: Option<&EndedRun>) {
        self.ended[ended.outcome as usize] += u64::from(known.is_none());
        if let Some(millis) = ended.took_ms
            && known.is_none_or(|known| known.took_ms.is_none())
        {
            self.runs[ended.outcome as usize].add(millis);
        }
        let mut known_steps: HashMap<&NodeName, usize, FixedState> = HashMap::default();
        for (name, _) in known.map(|known| &known.steps[..]).unwrap_or_default() {
            *known_steps.entry(name).or_default() += 1;
        }
        for (name, millis) in &ended.steps {
            match known_steps.get_mut(name).filter(|left| **left > 0) {
                Some(left) => *left -= 1,
                None => self.node(name).add(*millis),
            }
        }
    }

    fn node(&mut self, name: &str) -> &mut DurationHistogram {
        let name = SmolStr::from(text::excerpt(name, LONGEST_NODE));
        // A node of this name is told together with those that have no place.
        let is_own = name != OTHER
            && (pipeline_index(&name).is_some()
                || self.nodes.contains_key(&name)
                || self.other_names() < MOST_OTHER_NODES);
        match is_own {
            true => self.nodes.entry(name).or_default(),
            false => self.other_nodes.get_or_insert_default(),
        }
    }

    fn other_names(&self) -> usize {
        self.nodes.keys().filter(|name| pipeline_index(name).is_none()).count()
    }

    /// Returns the number of executions that ended with this outcome.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.ended[outcome as usize]
    }

    /// Returns the durations of executions that ended with this outcome.
    pub fn run_durations(&self, outcome: Outcome) -> &DurationHistogram {
        &self.runs[outcome as usize]
    }

    /// Returns the durations of successful attempts by node, in the order of names; `other` comes last.
    pub fn node_durations(&self) -> impl Iterator<Item = (&str, &DurationHistogram)> {
        let named = self.nodes.iter().map(|(name, durations)| (name.as_str(), durations));
        let others = self.other_nodes.iter().map(|durations| (OTHER, durations));
        named.chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: Outcome, took_ms: Option<u64>, steps: &[(&str, u64)]) -> EndedRun {
        let steps = steps.iter().map(|(name, ms)| (NodeName::new(name), *ms)).collect();
        EndedRun { second: 0, outcome, took_ms, steps, cause: None, fixes: None }
    }

    fn noted(before: &[&EndedRun], after: &[&EndedRun]) -> NotedRun {
        let all = |ends: &[&EndedRun]| (1..).zip(ends.iter().copied().cloned()).collect();
        NotedRun { before: all(before), after: all(after) }
    }

    #[test]
    fn durations_fall_into_classes_up_to_their_bound() {
        let mut histogram = DurationHistogram::default();
        for millis in [0, 1_000, 1_001, 3_600_000, 3_600_001] {
            histogram.add(millis);
        }
        let counts: Vec<u64> = histogram.up_to_bounds().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4]);
        assert_eq!((histogram.count(), histogram.sum_secs()), (5, 7_202.002));
    }

    #[test]
    fn detail_that_comes_after_the_end_adds_only_what_is_new() {
        let mut numbers = StudioNumbers::default();
        let run = RunId::new("r");
        let first = ended(Outcome::Finished, None, &[("PLAN", 900)]);
        let later = ended(Outcome::Finished, Some(9_000), &[("PLAN", 950), ("PLAN", 80)]);
        assert_eq!(numbers.count(&run, noted(&[], &[&first]), |_| true).len(), 1);
        assert!(numbers.count(&run, noted(&[&first], &[&later]), |_| true).is_empty());
        assert_eq!(numbers.ended(Outcome::Finished), 1);
        assert_eq!(numbers.run_durations(Outcome::Finished).count(), 1);
        let (name, plan) = numbers.node_durations().next().unwrap();
        assert_eq!((name, plan.count(), plan.sum_secs()), ("PLAN", 2, 0.98));
    }

    #[test]
    fn cancelled_run_that_goes_on_counts_once() {
        let mut numbers = StudioNumbers::default();
        let run = RunId::new("r");
        let cancelled = ended(Outcome::Cancelled, Some(5_000), &[("PLAN", 900)]);
        let finished = ended(Outcome::Finished, Some(9_000), &[("PLAN", 900), ("STYLE", 70)]);
        numbers.count(&run, noted(&[], &[&cancelled]), |_| true);
        numbers.count(&run, noted(&[&cancelled], &[]), |_| true);
        assert!(numbers.count(&run, noted(&[], &[&finished]), |_| true).is_empty());
        let counts = [Outcome::Finished, Outcome::Failed, Outcome::Cancelled];
        assert_eq!(counts.map(|outcome| numbers.ended(outcome)), [0, 0, 1]);
        let counts = numbers.node_durations().map(|(name, it)| (name, it.count()));
        assert_eq!(counts.collect::<Vec<_>>(), [("PLAN", 1), ("STYLE", 1)]);
    }

    #[test]
    fn nodes_beyond_the_limit_are_counted_together_but_not_those_of_the_pipeline() {
        let mut numbers = StudioNumbers::default();
        for number in 0..100 {
            numbers.node(&format!("X{number:02}")).add(1);
        }
        numbers.node("REVIEW").add(1);
        let names: Vec<(&str, u64)> =
            numbers.node_durations().map(|(name, it)| (name, it.count())).collect();
        assert_eq!(names.len(), MOST_OTHER_NODES + 2);
        assert_eq!(names[0], ("REVIEW", 1));
        assert_eq!(names[names.len() - 1], ("other", 100 - MOST_OTHER_NODES as u64));
    }
}
