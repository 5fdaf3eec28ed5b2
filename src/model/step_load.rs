//! Runs at each step over the last hour, and from that the usual load of a step.
//!
//! A running run is at the step that runs, or at the next one while it is between two steps. Levels are
//! looked at every 15 s. The *usual load* of a step is their median over the last hour, or over the time
//! since the first event if that is shorter; it is not known before ten minutes are. A median is hardly
//! moved by a jam that lasts for less than half of that time.

use jiff::{SignedDuration, Timestamp};

use super::slots::Slots;
use crate::protocol::NodeName;

/// Width of a slot in seconds, and number of slots kept: a little more than an hour.
const SLOT_SECS: i64 = 15;
const KEPT_SLOTS: usize = 250;
/// Slots of the hour.
const HOUR_SLOTS: i64 = 240;
/// Slots for which a step must hold too many runs to be jammed: two minutes.
const JAM_SLOTS: i64 = 8;
/// Most steps of which the load is kept.
const KEPT_NAMES: usize = 256;

/// Time that must be known before a load is called usual.
pub const USUAL_LOAD_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Number of runs at one step, and its recent changes.
#[derive(Clone, Debug)]
struct Level {
    now: i64,
    changes: Slots,
}

/// Numbers of runs at each step, now and over the last hour.
#[derive(Clone, Debug, Default)]
pub(super) struct StepLoads {
    /// Searched from the front: steps are few, and those of the pipeline come first.
    steps: Vec<(NodeName, Level)>,
}

impl StepLoads {
    /// Moves a run from one step to another at an instant.
    pub(super) fn moved(&mut self, from: Option<&NodeName>, to: Option<&NodeName>, at: Timestamp) {
        self.add(from, at, -1);
        self.add(to, at, 1);
    }

    fn add(&mut self, name: Option<&NodeName>, at: Timestamp, by: i64) {
        let Some(name) = name else { return };
        let place = match self.steps.iter().position(|(known, _)| known == name) {
            Some(place) => place,
            None if self.steps.len() >= KEPT_NAMES => return,
            None => {
                let level = Level { now: 0, changes: Slots::new(SLOT_SECS, KEPT_SLOTS) };
                self.steps.push((name.clone(), level));
                self.steps.len() - 1
            }
        };
        let level = &mut self.steps[place].1;
        level.now += by;
        level.changes.add(at, by);
    }

    /// Load of a step; `since` is the first thing known of the source.
    pub(super) fn load(&self, name: &str, now: Timestamp, since: Timestamp) -> StepLoad {
        let level = self.steps.iter().find(|(known, _)| known == name).map(|(_, level)| level);
        let running = level.map_or(0, |level| level.now);
        let slot = |at: Timestamp| at.as_second().div_euclid(SLOT_SECS);
        let last = slot(now);
        let first = slot(since).max(last - HOUR_SLOTS + 1);
        // Levels at the end of each slot, latest first: a level less the changes of its slot is the level
        // at the end of the slot before. Changes ahead of the clock count as current.
        let mut changes = level.map(|level| level.changes.back_to(first).peekable());
        let mut value = running;
        let mut levels: Vec<i64> = Vec::with_capacity(HOUR_SLOTS as usize);
        for slot in (first..=last).rev() {
            levels.push(value.max(0));
            if let Some(changes) = &mut changes {
                while let Some((_, by)) = changes.next_if(|(changed, _)| *changed >= slot) {
                    value -= by;
                }
            }
        }
        let count = |level: i64| usize::try_from(level).unwrap_or(0);
        let lately = levels.iter().take(JAM_SLOTS as usize + 1).copied().min();
        let least = count(lately.unwrap_or(0).min(running.max(0)));
        let is_known = now.duration_since(since) >= USUAL_LOAD_AFTER;
        levels.sort_unstable();
        let median = levels.get(levels.len().div_ceil(2).saturating_sub(1)).copied();
        let usual = median.filter(|_| is_known).map(count);
        StepLoad { running: count(running), least, usual }
    }
}

/// Load of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepLoad {
    /// Runs there now.
    pub running: usize,
    /// Least number of runs there within the last two minutes.
    pub least: usize,
    /// Median of the last hour; `None` before ten minutes are known.
    pub usual: Option<usize>,
}

impl StepLoad {
    /// True when the step is jammed: for two minutes it has held at least one and a half times its usual
    /// load, and the excess is more than 5 % of all `active` runs.
    pub fn is_jammed(&self, active: usize) -> bool {
        let Some(usual) = self.usual else { return false };
        let excess = self.least.saturating_sub(usual);
        self.least * 2 >= usual * 3 && excess * 20 > active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn render() -> NodeName {
        NodeName::new_static("RENDER")
    }

    /// Loads of RENDER with 4 runs for 40 minutes, then 10.
    fn loads() -> StepLoads {
        let mut loads = StepLoads::default();
        for run in 0..4 {
            loads.moved(None, Some(&render()), at(run));
        }
        for run in 0..6 {
            loads.moved(None, Some(&render()), at(2_400 + run));
        }
        loads
    }

    #[test]
    fn usual_load_is_the_median_of_the_time_that_is_known() {
        let usual = |seconds| loads().load("RENDER", at(seconds), at(0)).usual;
        assert_eq!(usual(2_399), Some(4));
        // 40 minutes of 4 runs and 10 of 10.
        assert_eq!(usual(3_000), Some(4));
        // Only the last hour counts: 25 minutes of 4 runs and 35 of 10.
        assert_eq!(usual(4_500), Some(10));
        assert_eq!(loads().load("PLAN", at(3_000), at(0)).usual, Some(0));
    }

    #[test]
    fn usual_load_is_not_known_before_ten_minutes_are() {
        let usual = |seconds| loads().load("RENDER", at(seconds), at(0)).usual;
        assert_eq!((usual(599), usual(600)), (None, Some(4)));
        assert!(!loads().load("RENDER", at(599), at(0)).is_jammed(4));
    }

    #[test]
    fn step_is_jammed_after_two_minutes_of_too_many_runs() {
        let load = |seconds| loads().load("RENDER", at(seconds), at(0));
        assert_eq!((load(2_410).running, load(2_410).least), (10, 4));
        assert!(!load(2_410).is_jammed(20) && !load(2_519).is_jammed(20));
        assert_eq!(load(2_550), StepLoad { running: 10, least: 10, usual: Some(4) });
        assert!(load(2_550).is_jammed(20));
    }

    #[test]
    fn step_is_jammed_from_one_and_a_half_times_and_over_5_percent_of_all() {
        let is_jammed = |least, usual, active| {
            StepLoad { running: least, least, usual: Some(usual) }.is_jammed(active)
        };
        assert!(!is_jammed(59, 40, 100) && is_jammed(60, 40, 100));
        // Excess of 20 runs.
        assert!(is_jammed(60, 40, 399) && !is_jammed(60, 40, 400));
        assert!(is_jammed(6, 0, 100) && !is_jammed(5, 0, 100));
    }

    #[test]
    fn runs_leave_a_step_for_the_next() {
        let mut loads = loads();
        let review = NodeName::new_static("REVIEW");
        for run in 0..7 {
            loads.moved(Some(&render()), Some(&review), at(2_600 + run));
        }
        loads.moved(Some(&review), None, at(2_700));
        let running = |name| loads.load(name, at(2_800), at(0)).running;
        assert_eq!((running("RENDER"), running("REVIEW")), (3, 6));
        assert_eq!(loads.load("RENDER", at(2_800), at(0)).least, 3);
    }
}
