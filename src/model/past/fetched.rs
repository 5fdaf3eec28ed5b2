//! The past before a display's own, folded from the frames that a hub kept.

use jiff::{SignedDuration, Timestamp};

use super::super::{Model, Retention};
use super::{Past, PastLimits};
use crate::protocol::Batch;

/// Share of the limits up to which more than what was asked for is kept.
const ROOM: f64 = 0.6;

/// Frames of a hub from the first one that it keeps on, folded into a model and a past of their own. The
/// live model, its counters and its log have no part in it.
///
/// Memory is limited like that of any [`Past`]: beyond it the part that is longest ago is dropped.
#[derive(Debug)]
pub struct FetchedPast {
    past: Past,
    /// The model as of the last frame, from which the fold goes on.
    head: Model,
    limits: PastLimits,
    covered_to: Option<Timestamp>,
}

impl FetchedPast {
    /// Creates the past of a hub of which nothing was received yet.
    pub fn new(retention: Retention) -> Self {
        Self::within(PastLimits::of(&retention), retention)
    }

    /// Creates one with other limits than those that suit the model's.
    pub fn within(limits: PastLimits, retention: Retention) -> Self {
        let head = Model::new(retention);
        Self { past: Past::new(limits, &head), head, limits, covered_to: None }
    }

    /// Adds the next frames, which arrived at the hub at the batch's time.
    pub fn receive(&mut self, batch: Batch) {
        // Others that arrived at the same instant may follow.
        let before = batch.received_at.checked_sub(SignedDuration::from_nanos(1));
        self.covered_to = self.covered_to.max(before.ok());
        self.past.receive(&mut self.head, batch, |_, _| ());
    }

    /// Notes that everything was received that had arrived at the hub by `to`.
    pub fn cover(&mut self, to: Timestamp) {
        self.covered_to = self.covered_to.max(Some(to));
    }

    /// The folded frames.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Last instant whose model is known; `None` while nothing was received.
    pub fn covered_to(&self) -> Option<Timestamp> {
        self.covered_to
    }

    /// Earliest instant whose model is known; `None` while nothing was dropped.
    pub fn since(&self) -> Option<Timestamp> {
        self.past.reach().since
    }

    /// True when the model as of `at` is known.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.covered_to.is_some_and(|to| at <= to) && self.since().is_none_or(|since| since <= at)
    }

    /// True while more can be added without dropping anything.
    pub fn has_room(&self) -> bool {
        let memory = self.past.memory();
        let is_within = |bytes: usize, most: usize| (bytes as f64) < most as f64 * ROOM;
        self.since().is_none()
            && is_within(memory.journal, self.limits.journal_bytes)
            && is_within(memory.checkpoints, self.limits.checkpoint_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn batch(second: i64, run: &str) -> Batch {
        let mut batch = Batch::new(at(second), true);
        batch.push_text(&format!(
            r#"{{"ts":"{}","run_id":"{run}","phase":"start","data":{{"note":"{}"}}}}"#,
            at(second),
            fastrand::u128(..)
        ));
        batch
    }

    #[test]
    fn instant_is_covered_once_everything_up_to_it_was_received() {
        let mut fetched = FetchedPast::new(Retention::default());
        assert!(!fetched.covers(at(0)));
        fetched.receive(batch(10, "a"));
        assert!(fetched.covers(at(9)) && !fetched.covers(at(10)), "more may come at that instant");
        fetched.receive(batch(10, "b"));
        fetched.receive(batch(20, "c"));
        assert!(fetched.covers(at(19)) && !fetched.covers(at(20)));
        fetched.cover(at(30));
        assert!(fetched.covers(at(30)) && !fetched.covers(at(31)));
        let runs = |second| fetched.past().as_of(at(second)).unwrap().runs().count();
        assert_eq!([9, 10, 19, 20, 30].map(runs), [0, 2, 2, 3, 3]);
    }

    #[test]
    fn memory_is_limited_and_what_is_longest_ago_is_dropped() {
        let limits = PastLimits {
            journal_bytes: 64 << 10,
            checkpoint_bytes: 64 << 10,
            checkpoint_events: 50,
        };
        let retention = Retention { runs: 20, ..Retention::default() };
        let mut fetched = FetchedPast::within(limits, retention);
        assert!(fetched.has_room());
        for second in 0..5_000 {
            fetched.receive(batch(second, &format!("run-{}", second % 40)));
        }
        fetched.cover(at(5_000));
        let memory = fetched.past().memory();
        assert!(memory.journal < 3 * limits.journal_bytes, "{memory:?}");
        assert!(!fetched.has_room());
        let since = fetched.since().expect("something was dropped");
        assert!(!fetched.covers(at(0)) && fetched.covers(at(4_999)) && fetched.covers(since));
    }
}
