//! Runs that are no longer kept, so that a replay from upstream does not bring them back.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::store::DroppedRun;
use crate::protocol::RunId;

/// Number of dropped runs that are remembered.
const MOST_DROPPED: usize = 10_000;

/// Dropped runs, with the time of the last known event of each; older events are ignored.
#[derive(Default)]
pub(super) struct DroppedRuns {
    by_run: HashMap<RunId, Dropped, FixedState>,
    /// Run ids in the order in which they were dropped.
    order: VecDeque<RunId>,
}

struct Dropped {
    until: Timestamp,
    is_aged: bool,
}

impl DroppedRuns {
    /// True when an event of `run` at `at` is to be ignored. `now` is the server's time, and `age` the
    /// limit on a run's age.
    ///
    /// Events of a run that was dropped for its age are ignored only while the run is that old: it may
    /// have been dropped while a clock was wrong.
    pub(super) fn covers(&self, run: &str, at: Timestamp, now: Timestamp, age: Duration) -> bool {
        self.by_run.get(run).is_some_and(|dropped| {
            let silence = Duration::try_from(now.duration_since(dropped.until));
            at <= dropped.until && (!dropped.is_aged || silence.is_ok_and(|it| it > age))
        })
    }

    /// Returns the time of the last known event of a run when it was dropped.
    pub(super) fn until(&self, run: &str) -> Option<Timestamp> {
        self.by_run.get(run).map(|dropped| dropped.until)
    }

    /// Adds a run. Returns the run that is forgotten in exchange, if the limit was reached.
    pub(super) fn insert(&mut self, dropped: DroppedRun) -> Option<RunId> {
        let DroppedRun { run, until, is_aged } = dropped;
        if self.by_run.insert(run.clone(), Dropped { until, is_aged }).is_none() {
            self.order.push_back(run);
        }
        if self.order.len() <= MOST_DROPPED {
            return None;
        }
        let forgotten = self.order.pop_front()?;
        self.by_run.remove(&forgotten);
        Some(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(3600);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + secs).unwrap()
    }

    #[test]
    fn run_dropped_for_its_age_returns_unless_it_is_that_old() {
        let mut dropped = DroppedRuns::default();
        for (run, is_aged) in [("aged", true), ("room", false)] {
            dropped.insert(DroppedRun { run: run.into(), until: at(100), is_aged });
        }
        let covers = |run, event, now| dropped.covers(run, at(event), at(now), AGE);
        assert!(covers("room", 100, 200) && covers("room", 100, 10_000));
        assert!(!covers("room", 101, 10_000), "a new event");
        // The clock was ten thousand seconds ahead when it was dropped.
        assert!(!covers("aged", 100, 200));
        assert!(covers("aged", 100, 10_000));
        assert!(!covers("aged", 100, -10_000), "the server's clock was set back");
        assert!(!covers("other", 0, 0));
    }

    #[test]
    fn dropped_runs_are_forgotten_in_order() {
        let mut dropped = DroppedRuns::default();
        let mut insert = |nth: usize| {
            let run = nth.to_string().into();
            dropped.insert(DroppedRun { run, until: at(0), is_aged: false })
        };
        assert!((0..MOST_DROPPED).all(|nth| insert(nth).is_none()));
        assert_eq!(insert(5), None, "known already");
        assert_eq!(insert(MOST_DROPPED), Some("0".into()));
        assert_eq!((dropped.by_run.len(), dropped.order.len()), (MOST_DROPPED, MOST_DROPPED));
    }
}
