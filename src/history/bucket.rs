//! Numbers of the runs that ended within one part of time.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::cause::Cause;
use super::ended::{EndedRun, Outcome};
use super::sketch::Sketch;
use crate::protocol::NodeName;

/// Most steps with durations; further ones are left out.
const MOST_STEPS: usize = 64;

/// Most causes of one part of time; further ones are counted together.
pub(super) const MOST_CAUSES: usize = 24;

/// Most causes of a sum of parts.
pub(super) const MOST_CAUSES_OF_A_SUM: usize = 1_000;

/// Number of failures for one cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CauseCount {
    pub count: u64,
    /// The reason of one of them as it was given: the first in the order of letters.
    pub example: SmolStr,
}

/// Numbers of the runs that ended within one part of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Runs that ended without an error.
    pub finished: u64,
    /// Runs that ended with an error.
    pub failed: u64,
    /// Runs that were cancelled.
    pub cancelled: u64,
    /// Durations of the finished runs.
    pub took: Sketch,
    /// Durations of the attempts that succeeded, by step.
    pub steps: BTreeMap<NodeName, Sketch>,
    /// Failures by cause.
    pub causes: BTreeMap<Cause, CauseCount>,
    /// Failures for further causes.
    pub other_causes: u64,
    /// Runs that finished after none, one, two, and three or more fixes, and runs that failed because no
    /// fix helped.
    pub fixes: [u64; 5],
}

impl Bucket {
    /// True when nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.runs() == 0
    }

    /// Number of runs.
    pub fn runs(&self) -> u64 {
        self.finished + self.failed + self.cancelled
    }

    /// Returns the share of finished runs among those that were not cancelled, to four places; `None` when
    /// none finished or failed.
    pub fn success(&self) -> Option<f64> {
        let judged = self.finished + self.failed;
        (judged > 0).then(|| rounded(self.finished as f64 / judged as f64))
    }

    /// Counts an execution.
    pub fn add(&mut self, ended: &EndedRun) {
        *self.outcome(ended.outcome) += 1;
        if ended.outcome == Outcome::Finished
            && let Some(millis) = ended.took_ms
        {
            self.took.add(millis);
        }
        for (name, millis) in &ended.steps {
            if let Some(durations) = self.step(name) {
                durations.add(*millis);
            }
        }
        if let Some((cause, example)) = &ended.cause {
            self.add_cause(cause, 1, example, MOST_CAUSES);
        }
        if let Some(place) = ended.fixes {
            self.fixes[usize::from(place).min(4)] += 1;
        }
    }

    /// Takes an execution back.
    pub fn remove(&mut self, ended: &EndedRun) {
        let less = |count: &mut u64| *count = count.saturating_sub(1);
        less(self.outcome(ended.outcome));
        if ended.outcome == Outcome::Finished
            && let Some(millis) = ended.took_ms
        {
            self.took.remove(millis);
        }
        for (name, millis) in &ended.steps {
            if let Some(durations) = self.steps.get_mut(name) {
                durations.remove(*millis);
                if durations.count() == 0 {
                    self.steps.remove(name);
                }
            }
        }
        if let Some((cause, _)) = &ended.cause {
            match self.causes.get_mut(cause) {
                Some(known) => {
                    less(&mut known.count);
                    if known.count == 0 {
                        self.causes.remove(cause);
                    }
                }
                None => less(&mut self.other_causes),
            }
        }
        if let Some(place) = ended.fixes {
            less(&mut self.fixes[usize::from(place).min(4)]);
        }
    }

    /// Adds everything that another part of time counts.
    pub fn merge(&mut self, other: &Self) {
        self.merge_within(other, MOST_CAUSES_OF_A_SUM);
    }

    /// Adds outcomes, causes and durations of runs that another part of time counts: all that a bar of a
    /// diagram shows.
    pub(super) fn merge_outcomes(&mut self, other: &Self) {
        self.merge_outcomes_within(other, MOST_CAUSES_OF_A_SUM);
    }

    fn merge_outcomes_within(&mut self, other: &Self, most_causes: usize) {
        self.finished += other.finished;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.took.merge(&other.took);
        for (cause, CauseCount { count, example }) in &other.causes {
            self.add_cause(cause, *count, example, most_causes);
        }
        self.other_causes += other.other_causes;
    }

    pub(super) fn merge_within(&mut self, other: &Self, most_causes: usize) {
        self.merge_outcomes_within(other, most_causes);
        for (name, durations) in &other.steps {
            if let Some(mine) = self.step(name) {
                mine.merge(durations);
            }
        }
        for (mine, theirs) in self.fixes.iter_mut().zip(other.fixes) {
            *mine += theirs;
        }
    }

    fn outcome(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Finished => &mut self.finished,
            Outcome::Failed => &mut self.failed,
            Outcome::Cancelled => &mut self.cancelled,
        }
    }

    fn step(&mut self, name: &NodeName) -> Option<&mut Sketch> {
        if self.steps.len() >= MOST_STEPS && !self.steps.contains_key(name) {
            return None;
        }
        Some(self.steps.entry(name.clone()).or_default())
    }

    fn add_cause(&mut self, cause: &Cause, count: u64, example: &SmolStr, most: usize) {
        if let Some(known) = self.causes.get_mut(cause) {
            known.count += count;
            if *example < known.example {
                known.example = example.clone();
            }
        } else if self.causes.len() < most {
            self.causes.insert(cause.clone(), CauseCount { count, example: example.clone() });
        } else {
            self.other_causes += count;
        }
    }
}

/// Rounds a share to four places, so that it is the same after it was written and read.
pub(super) fn rounded(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
