//! Estimates of how long a running run will still take, and how wrong such estimates were.
//!
//! Each completed run tells for each of its steps how long the step took and how long the rest of the run
//! took after it. Steps of the fix loop are told apart by the fix pass, so that the odds of a further pass
//! are in the rest. A running run will take the median of what its step took where it took longer than it
//! has taken here, and the median of the rests.
//!
//! As long as fewer than three completed runs tell of a step, the usual times of the steps to come are
//! added up instead, without any fix pass to come; if one of these is not known from three runs either,
//! there is no estimate. Failed and cancelled runs do not count: the estimate is that of a success.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::durations::{Durations, percentile};
use super::estimate_record::{EstimateRecord, MOST_RUNS};
use super::node::{Attempt, Node, NodeStatus};
use super::run::Run;
use crate::protocol::{MAX_FIX_PASSES, NodeName};

/// Number of comparable runs from which on there is an estimate.
pub const LEAST_SAMPLES: usize = 3;

/// Number of runs whose estimates are compared with what they took.
const KEPT_ERRORS: usize = 200;
/// Parts of a run, in percent, after which its estimate is compared with what it took.
const QUARTERS: [u64; 3] = [25, 50, 75];
/// Maximum number of node names that estimates know.
const KEPT_NAMES: usize = 256;

/// Time that a running run will still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Fewer than three comparable runs are known.
    Unknown,
    /// Estimate of the time left.
    Left {
        /// Milliseconds, at least 1.
        millis: u64,
        /// Number of comparable runs that it is from.
        samples: usize,
    },
    /// The last step has taken as long as any before.
    AnyMoment,
    /// The step takes longer than 95 % of those before, so nothing says when it will end.
    Late {
        /// Milliseconds by which the step exceeds the usual time.
        by_ms: u64,
    },
}

/// Errors of past estimates made at one part of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EstimateErrors {
    /// Part of the run, in percent, after which the estimates were made.
    pub percent: u64,
    /// Number of estimates.
    pub samples: usize,
    /// Median of the errors in milliseconds, whether too long or too short.
    pub p50_ms: u64,
    /// 90th percentile of the errors in milliseconds.
    pub p90_ms: u64,
    /// Number of runs without an estimate at that time: late ones, and those without comparable runs.
    pub without: usize,
}

/// Step that a run stands at, with the fix pass if the step belongs to the loop.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    name: &'a NodeName,
    pass: usize,
}

/// Durations of completed runs from each step on.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimates {
    /// By name, and by fix pass from 0 on.
    steps: HashMap<NodeName, Vec<Step>, FixedState>,
    /// Fingerprints of the runs that are in it, oldest first, and as a set.
    runs: VecDeque<u64>,
    known: HashSet<u64, FixedState>,
    /// Number of runs that were added to `runs`.
    learned: u64,
    /// Errors of the last runs after each of [`QUARTERS`]; `None` where there was no estimate.
    errors: [VecDeque<Option<u32>>; 3],
}

/// Durations of a step of completed runs.
#[derive(Clone, Debug, Default)]
struct Step {
    /// Durations of the step.
    took: Durations,
    /// Durations of the rest of the run after it.
    rest: Durations,
}

impl Step {
    fn remaining(&self, so_far_ms: u64) -> Remaining {
        match self.took.beyond(so_far_ms) {
            Ok(of_step) => left(of_step.median_of_sum(&self.rest.spread()), self.took.len()),
            Err(by_ms) => Remaining::Late { by_ms },
        }
    }
}

fn left(millis: u64, samples: usize) -> Remaining {
    if millis == 0 { Remaining::AnyMoment } else { Remaining::Left { millis, samples } }
}

impl Estimates {
    /// Learns from a completed run; first notes how wrong its estimates would have been.
    /// `usual` has the durations of a node.
    pub(super) fn learn_from<'a>(
        &mut self,
        run: &Run,
        usual: impl Fn(&str) -> Option<&'a Durations>,
    ) {
        let Some(ended_at) = run.ended_at else { return };
        if !self.remember(run, ended_at) {
            return;
        }
        let fixes = run.fix_iterations as usize;
        let attempts = run.nodes.iter().flat_map(|node| attempts(node, fixes));
        let took: Vec<(Place, &Attempt, u64)> = attempts
            .filter(|(_, attempt)| attempt.status == NodeStatus::Success)
            .filter_map(|(place, attempt)| Some((place, attempt, attempt.duration_ms?)))
            .collect();
        if let Some(started_at) = run.started_at {
            self.note_errors(&took, millis_between(started_at, ended_at), ended_at, usual);
        }
        for (place, attempt, took_ms) in took {
            let rest = attempt.ended_at.map(|at| millis_between(at, ended_at));
            let Some(rest_ms) = rest else { continue };
            if !self.steps.contains_key(place.name) && self.steps.len() == KEPT_NAMES {
                continue;
            }
            let passes = self.steps.entry(place.name.clone()).or_default();
            if passes.len() <= place.pass {
                passes.resize_with(place.pass + 1, Step::default);
            }
            passes[place.pass].took.push(took_ms);
            passes[place.pass].rest.push(rest_ms);
        }
    }

    /// Returns false if the run is in it already, from an earlier connection or session.
    fn remember(&mut self, run: &Run, ended_at: Timestamp) -> bool {
        let identity = (run.id().as_str(), ended_at.as_millisecond());
        let fingerprint = FixedState::with_seed(0).hash_one(identity);
        if !self.known.insert(fingerprint) {
            return false;
        }
        if self.runs.len() == MOST_RUNS
            && let Some(oldest) = self.runs.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.runs.push_back(fingerprint);
        self.learned += 1;
        true
    }

    /// Returns what estimates are made from.
    pub(super) fn record(&self) -> EstimateRecord {
        let pairs =
            |step: &Step| -> Vec<(u32, u32)> { step.took.kept().zip(step.rest.kept()).collect() };
        let steps: BTreeMap<String, Vec<Vec<(u32, u32)>>> = self
            .steps
            .iter()
            .map(|(name, passes)| (name.to_string(), passes.iter().map(pairs).collect()))
            .collect();
        let errors = std::array::from_fn(|number| self.errors[number].iter().copied().collect());
        EstimateRecord::new(steps, self.runs.iter().copied().collect(), errors)
    }

    /// Returns estimates as they were recorded.
    pub(super) fn of(record: &EstimateRecord) -> Self {
        let step = |pairs: &Vec<(u32, u32)>| {
            let mut step = Step::default();
            for (took, rest) in pairs {
                step.took.push(u64::from(*took));
                step.rest.push(u64::from(*rest));
            }
            step
        };
        let steps = record.steps.iter();
        Self {
            steps: steps
                .map(|(name, passes)| (name.as_str().into(), passes.iter().map(step).collect()))
                .collect(),
            learned: record.runs.len() as u64,
            runs: record.runs.iter().copied().collect(),
            known: record.runs.iter().copied().collect(),
            errors: std::array::from_fn(|number| record.errors[number].iter().copied().collect()),
        }
    }

    /// Number of runs that it has learned from.
    pub(super) fn learned_runs(&self) -> u64 {
        self.learned
    }

    fn note_errors<'a>(
        &mut self,
        took: &[(Place, &Attempt, u64)],
        total_ms: u64,
        ended_at: Timestamp,
        usual: impl Fn(&str) -> Option<&'a Durations>,
    ) {
        for (percent, number) in QUARTERS.into_iter().zip(0..) {
            let truth = total_ms - total_ms * percent / 100;
            let standing = took.iter().filter_map(|(place, attempt, took_ms)| {
                let until_end = millis_between(attempt.ended_at?, ended_at);
                let so_far = (until_end + took_ms).checked_sub(truth)?;
                (until_end < truth).then_some((*place, so_far))
            });
            let known = standing.map(|(place, so_far)| self.step_remaining(place, so_far, &usual));
            let estimate = known.collect::<Option<Vec<_>>>().and_then(longest);
            let error = match estimate {
                Some(Remaining::Left { millis, .. }) => Some(millis.abs_diff(truth)),
                Some(Remaining::AnyMoment) => Some(truth),
                _ => None,
            };
            let errors = &mut self.errors[number];
            if errors.len() == KEPT_ERRORS {
                errors.pop_front();
            }
            errors.push_back(error.map(|error| u32::try_from(error).unwrap_or(u32::MAX)));
        }
    }

    /// Returns the durations of a step in this fix pass, or in the last one before that enough runs needed.
    fn step(&self, place: Place) -> Option<&Step> {
        let passes = self.steps.get(place.name)?;
        let known = passes.iter().take(place.pass + 1);
        known.rev().find(|step| step.took.len() >= LEAST_SAMPLES)
    }

    /// Returns the estimate for a run at a step. It is late when the step counts as slow on screen, whatever
    /// the fix pass.
    fn step_remaining<'a>(
        &self,
        place: Place,
        so_far_ms: u64,
        usual: impl Fn(&str) -> Option<&'a Durations>,
    ) -> Option<Remaining> {
        let step = self.step(place)?;
        let all = usual(place.name).filter(|all| all.len() >= LEAST_SAMPLES);
        let late = all.and_then(|all| all.beyond(so_far_ms).err());
        Some(late.map_or_else(|| step.remaining(so_far_ms), |by_ms| Remaining::Late { by_ms }))
    }

    /// Returns the time that a running run will still take. `usual` has the durations of a node.
    pub(super) fn remaining<'a>(
        &self,
        run: &Run,
        server_now: Timestamp,
        usual: impl Fn(&str) -> Option<&'a Durations>,
    ) -> Remaining {
        let fixes = run.fix_iterations as usize;
        let running = run.nodes.iter().filter(|node| node.status == NodeStatus::Running);
        let standing: Vec<(Place, u64)> = running
            .filter_map(|node| {
                let (place, attempt) = attempts(node, fixes).last()?;
                Some((place, millis_between(attempt.started_at?, server_now)))
            })
            .collect();
        let known = standing.iter().map(|(place, ms)| self.step_remaining(*place, *ms, &usual));
        let known = match standing.is_empty() {
            true => self.after_last_step(run, server_now),
            false => known.collect::<Option<Vec<_>>>().and_then(longest),
        };
        known.unwrap_or_else(|| usual_times(run, server_now, usual))
    }

    /// Returns the estimate for a run between two steps.
    fn after_last_step(&self, run: &Run, server_now: Timestamp) -> Option<Remaining> {
        let fixes = run.fix_iterations as usize;
        let ends = run.nodes.iter().filter_map(|node| {
            let (place, attempt) = attempts(node, fixes).last()?;
            Some((attempt.ended_at?, place))
        });
        let (ended_at, place) = ends.max_by_key(|(ended_at, _)| *ended_at)?;
        let step = self.step(place)?;
        let since = millis_between(ended_at, server_now);
        Some(left(step.rest.percentile(0.50)?.saturating_sub(since), step.rest.len()))
    }

    /// Returns the errors of past estimates after each quarter.
    pub(super) fn errors(&self) -> [EstimateErrors; 3] {
        let of = |number: usize| {
            let all = &self.errors[number];
            let mut known: Vec<u32> = all.iter().flatten().copied().collect();
            known.sort_unstable();
            let percentile = |quantile: f64| percentile(&known, quantile).unwrap_or(0);
            EstimateErrors {
                percent: QUARTERS[number],
                samples: known.len(),
                p50_ms: percentile(0.50),
                p90_ms: percentile(0.90),
                without: all.len() - known.len(),
            }
        };
        [of(0), of(1), of(2)]
    }

    /// Returns the approximate size on the heap in bytes.
    pub(super) fn bytes(&self) -> usize {
        let steps = self.steps.values().flatten();
        let steps: usize =
            steps.map(|step| size_of::<Step>() + step.took.bytes() + step.rest.bytes()).sum();
        let errors = self.errors.iter().map(|errors| errors.capacity() * size_of::<Option<u32>>());
        // A fingerprint is in a queue and in a set.
        let runs = self.runs.capacity() * size_of::<u64>() * 3;
        steps + runs + errors.sum::<usize>()
    }
}

/// Attempts of a node with their places. FIX's first attempt begins the first fix pass.
fn attempts(node: &Node, fixes: usize) -> impl Iterator<Item = (Place<'_>, &Attempt)> {
    let most = fixes.min(MAX_FIX_PASSES as usize);
    let (first, most) = match node.name.as_str() {
        "FIX" => (1, most),
        "COMPOSE" | "VALIDATE" => (0, most),
        _ => (0, 0),
    };
    // Attempts that are no longer kept were the first ones.
    let dropped = (node.attempts as usize).saturating_sub(node.history().len());
    let place =
        move |index: usize| Place { name: &node.name, pass: (first + dropped + index).min(most) };
    node.history().iter().enumerate().map(move |(index, attempt)| (place(index), attempt))
}

/// Returns the estimate for steps that run at the same time: the longest, or that one of them is late.
fn longest(all: Vec<Remaining>) -> Option<Remaining> {
    let order = |one: &Remaining| match one {
        Remaining::Unknown | Remaining::AnyMoment => (0, 0),
        Remaining::Left { millis, .. } => (1, *millis),
        Remaining::Late { by_ms } => (2, *by_ms),
    };
    all.into_iter().max_by_key(order)
}

/// Returns the estimate from the usual times of the steps to come. A fix pass that has not started is not
/// counted.
fn usual_times<'a>(
    run: &Run,
    server_now: Timestamp,
    usual: impl Fn(&str) -> Option<&'a Durations>,
) -> Remaining {
    let usual = |node: &Node| usual(&node.name).filter(|usual| usual.len() >= LEAST_SAMPLES);
    let current = run.current_node().map(|node| node.name.as_str());
    let in_pass = run.fix_iterations > 0 && matches!(current, Some("FIX" | "COMPOSE" | "VALIDATE"));
    // Nodes that run in parallel count once, with the longest time.
    let (mut running, mut to_come, mut samples) = (0, 0, usize::MAX);
    let mut late = None;
    for node in &run.nodes {
        let repeated = match node.name.as_str() {
            "COMPOSE" => in_pass && current == Some("FIX"),
            "VALIDATE" => in_pass && current != Some("VALIDATE"),
            _ => false,
        };
        let is_running = node.status == NodeStatus::Running;
        let is_to_come = node.status == NodeStatus::Pending && node.name != "FIX";
        if !is_running && !is_to_come && !repeated {
            continue;
        }
        let Some(usual) = usual(node) else { return Remaining::Unknown };
        samples = samples.min(usual.len());
        if !is_running {
            to_come += usual.percentile(0.50).unwrap_or(0);
            continue;
        }
        let so_far = node.started_at.map_or(0, |at| millis_between(at, server_now));
        match usual.beyond(so_far) {
            Ok(of_step) => running = running.max(of_step.median()),
            Err(by_ms) => late = late.max(Some(by_ms)),
        }
    }
    match late {
        Some(by_ms) => Remaining::Late { by_ms },
        None => left(running + to_come, samples),
    }
}

/// Returns the milliseconds from one instant to a later one; 0 in the other order.
pub fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, Retention};
    use crate::protocol::Batch;

    fn at(second: u32) -> Timestamp {
        let (minute, second) = (second / 60, second % 60);
        format!("2026-11-23T10:{minute:02}:{second:02}Z").parse().unwrap()
    }

    /// Adds a run of these steps, each with its end in seconds after ten; the last one runs if it has none.
    fn add(model: &mut Model, run: &str, steps: &[(&str, Option<u32>)]) {
        let mut batch = Batch::new(at(0), false);
        let mut push = |second: u32, node: &str, phase: &str| {
            let ts = at(second);
            batch
                .push_text(&format!(r#"{{"ts":"{ts}","run_id":"{run}"{node},"phase":"{phase}"}}"#));
        };
        let mut begun = 0;
        push(0, "", "start");
        for (node, end) in steps {
            let node = format!(r#","node_name":"{node}""#);
            push(begun, &node, "start");
            let Some(end) = end else { break };
            push(*end, &format!(r#"{node},"duration_ms":{}"#, (end - begun) * 1000), "end");
            begun = *end;
        }
        if steps.iter().all(|(_, end)| end.is_some()) {
            push(begun, "", "end");
        }
        model.receive(batch, |_, _| {});
    }

    fn remaining(model: &Model, run: &str, second: u32) -> Remaining {
        model.remaining(model.run(run).unwrap(), at(second))
    }

    /// PLAN takes 10, 12 and 14 s, STYLE 20 s.
    fn learn(model: &mut Model, runs: usize) {
        for (run, plan) in [10, 12, 14].into_iter().enumerate().take(runs) {
            let steps = [("PLAN", Some(plan)), ("STYLE", Some(plan + 20))];
            add(model, &format!("usual {run}"), &steps);
        }
    }

    #[test]
    fn two_comparable_runs_are_no_estimate() {
        let mut model = Model::new(Retention::default());
        learn(&mut model, 2);
        add(&mut model, "run", &[("PLAN", None)]);
        assert_eq!(remaining(&model, "run", 4), Remaining::Unknown);
    }

    #[test]
    fn estimate_is_the_rest_of_the_step_and_of_the_run() {
        let mut model = Model::new(Retention::default());
        learn(&mut model, 3);
        add(&mut model, "run", &[("PLAN", None)]);
        let left = |second| match remaining(&model, "run", second) {
            Remaining::Left { millis, samples: 3 } => millis / 1000,
            other => panic!("{other:?}"),
        };
        assert_eq!([0, 4, 11].map(left), [32, 28, 23], "at 11 s only 12 and 14 s are possible");
        assert_eq!(left(14), 20);
        assert_eq!(remaining(&model, "run", 15), Remaining::Late { by_ms: 3_000 });
        assert_eq!(remaining(&model, "run", 60), Remaining::Late { by_ms: 48_000 });
    }

    /// Runs that did not complete count for the usual time of a step, and so for what is slow.
    #[test]
    fn run_is_late_when_its_step_counts_as_slow() {
        let mut model = Model::new(Retention::default());
        learn(&mut model, 3);
        for run in 0..20 {
            add(&mut model, &format!("other {run}"), &[("PLAN", Some(4)), ("STYLE", None)]);
        }
        add(&mut model, "run", &[("PLAN", None)]);
        assert_eq!(model.stats().node_baseline("PLAN").unwrap().p95_ms, 12_000);
        assert!(matches!(remaining(&model, "run", 12), Remaining::Left { .. }));
        assert_eq!(remaining(&model, "run", 13), Remaining::Late { by_ms: 9_000 });
    }

    #[test]
    fn estimate_goes_on_between_two_steps() {
        let mut model = Model::new(Retention::default());
        learn(&mut model, 3);
        add(&mut model, "run", &[("PLAN", Some(9)), ("STYLE", None)]);
        let Remaining::Left { millis, .. } = remaining(&model, "run", 10) else { panic!() };
        assert_eq!(millis, 19_000);
    }

    /// Two of three songs are refused once: that is in the rest after COMPOSE. After FIX it is certain.
    #[test]
    fn fix_passes_count_by_their_odds() {
        let mut model = Model::new(Retention::default());
        for run in 0..9 {
            let mut steps = vec![("COMPOSE", Some(30)), ("VALIDATE", Some(34))];
            if run % 3 != 0 {
                steps.extend([("FIX", Some(40)), ("COMPOSE", Some(70)), ("VALIDATE", Some(74))]);
            }
            add(&mut model, &format!("usual {run}"), &steps);
        }
        add(&mut model, "new", &[("COMPOSE", None)]);
        let left = |model: &Model, run: &str, second| match remaining(model, run, second) {
            Remaining::Left { millis, samples } => (millis / 1000, samples),
            other => panic!("{other:?}"),
        };
        assert_eq!(left(&model, "new", 10), (64, 9), "two of three are refused");
        let refused = [("COMPOSE", Some(30)), ("VALIDATE", Some(34)), ("FIX", None)];
        add(&mut model, "refused", &refused);
        assert_eq!(left(&model, "refused", 36), (38, 6));
        let again = [&refused[..2], &[("FIX", Some(40)), ("COMPOSE", None)]].concat();
        add(&mut model, "again", &again);
        assert_eq!(left(&model, "again", 60), (14, 6), "the second attempt, not the first");
    }

    #[test]
    fn estimates_outlast_the_program_and_learn_from_no_run_twice() {
        let mut model = Model::new(Retention::default());
        learn(&mut model, 3);
        let text = model.estimate_record().to_json();
        let record = EstimateRecord::from_json(&text).unwrap();
        assert_eq!(record, model.estimate_record());
        let mut model = Model::new(Retention::default());
        model.continue_from(&record);
        // The server tells of the same runs again.
        learn(&mut model, 3);
        add(&mut model, "run", &[("PLAN", None)]);
        let expected = Remaining::Left { millis: 28_000, samples: 3 };
        assert_eq!(remaining(&model, "run", 4), expected);
        assert_eq!(model.estimate_record(), record);
    }

    #[test]
    fn damaged_record_is_refused_in_words() {
        let refused = |text: &str| EstimateRecord::from_json(text).unwrap_err();
        assert!(refused("{").starts_with("EOF while parsing"));
        let other = r#"{"version":2,"steps":{},"runs":[],"errors":[[],[],[]]}"#;
        assert_eq!(refused(other), "it has version 2 and not 1");
    }

    #[test]
    fn errors_are_those_of_estimates_from_earlier_runs() {
        let mut model = Model::new(Retention::default());
        learn(&mut model, 3);
        assert_eq!(model.estimate_errors().map(|errors| errors.without), [3, 3, 3]);
        add(&mut model, "slower", &[("PLAN", Some(12)), ("STYLE", Some(44))]);
        let errors = model.estimate_errors();
        // Halfway, at 22 s, STYLE had taken 10 of its usual 20 s, and 22 s were to come.
        assert_eq!((errors[1].percent, errors[1].samples, errors[1].p50_ms), (50, 1, 12_000));
    }
}
