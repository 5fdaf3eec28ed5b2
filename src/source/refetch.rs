//! Refetches that an application requested and that were not sent to the backend yet.

#[cfg(not(target_arch = "wasm32"))]
use std::collections::{HashMap, VecDeque};
#[cfg(not(target_arch = "wasm32"))]
use std::time::Duration;

use smol_str::SmolStr;
#[cfg(not(target_arch = "wasm32"))]
use tokio::time::Instant;

use crate::protocol::RunId;

/// Something that can be fetched again from a backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RefetchTarget {
    /// The detail of a run, even if the run is over or in no list.
    Run(RunId),
    /// The title of a song, the list of its runs, and the detail of the newest of them.
    Song(SmolStr),
    /// The list of active runs, then the list of all runs.
    Runs,
}

/// Maximum number of waiting targets; beyond it, new ones are dropped.
#[cfg(not(target_arch = "wasm32"))]
const MOST_WAITING: usize = 1_000;
/// Minimum time between two refetches of the lists, which may take many requests.
#[cfg(not(target_arch = "wasm32"))]
const LISTS_INTERVAL: Duration = Duration::from_secs(10);

/// Waiting targets, and the time at which each was last taken. Pure: the time is an argument.
///
/// A target is due at once if it was not taken within the last interval, otherwise at the end of that
/// interval. An application may therefore ask as often as it likes: each target adds at most one request
/// per interval to the queue of requests to the backend.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Default)]
pub(super) struct Refetches {
    waiting: VecDeque<RefetchTarget>,
    taken_at: HashMap<RefetchTarget, Instant>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Refetches {
    /// Adds a target, unless it waits already.
    pub fn add(&mut self, target: RefetchTarget) {
        if self.waiting.len() < MOST_WAITING && !self.waiting.contains(&target) {
            self.waiting.push_back(target);
        }
    }

    /// Returns the instant at which the next target is due; `None` while none waits.
    pub fn next_at(&self, interval: Duration, now: Instant) -> Option<Instant> {
        self.waiting.iter().map(|target| self.due(target, interval).unwrap_or(now)).min()
    }

    /// Takes a target that is due.
    pub fn take(&mut self, interval: Duration, now: Instant) -> Option<RefetchTarget> {
        let is_due = |target: &RefetchTarget| self.due(target, interval).is_none_or(|at| at <= now);
        let at = self.waiting.iter().position(is_due)?;
        let target = self.waiting.remove(at)?;
        if self.taken_at.len() >= MOST_WAITING {
            self.taken_at.retain(|_, at| now.duration_since(*at) < interval.max(LISTS_INTERVAL));
        }
        self.taken_at.insert(target.clone(), now);
        Some(target)
    }

    fn due(&self, target: &RefetchTarget, interval: Duration) -> Option<Instant> {
        let interval = match target {
            RefetchTarget::Runs => interval.max(LISTS_INTERVAL),
            RefetchTarget::Run(_) | RefetchTarget::Song(_) => interval,
        };
        self.taken_at.get(target).map(|at| *at + interval)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(2);

    #[test]
    fn takes_a_target_once_per_interval() {
        let (mut refetches, start) = (Refetches::default(), Instant::now());
        let run = || RefetchTarget::Run("r".into());
        for millis in 0..10_000 {
            let now = start + Duration::from_millis(millis);
            refetches.add(run());
            if let Some(target) = refetches.take(INTERVAL, now) {
                assert_eq!((target, millis % 2_000), (run(), 0));
            }
        }
        let after = start + Duration::from_secs(10);
        assert_eq!(refetches.next_at(INTERVAL, after), Some(after));
    }

    #[test]
    fn waiting_target_does_not_delay_others() {
        let (mut refetches, now) = (Refetches::default(), Instant::now());
        refetches.add(RefetchTarget::Runs);
        assert_eq!(refetches.take(INTERVAL, now), Some(RefetchTarget::Runs));
        refetches.add(RefetchTarget::Runs);
        refetches.add(RefetchTarget::Song("s".into()));
        let later = now + INTERVAL;
        assert_eq!(refetches.take(INTERVAL, later), Some(RefetchTarget::Song("s".into())));
        assert_eq!(refetches.take(INTERVAL, later), None);
        assert_eq!(refetches.next_at(INTERVAL, later), Some(now + LISTS_INTERVAL));
    }

    #[test]
    fn memory_of_taken_targets_is_bounded() {
        let (mut refetches, now) = (Refetches::default(), Instant::now());
        for round in 0..3 {
            for number in 0..2 * MOST_WAITING {
                refetches.add(RefetchTarget::Run(format!("{round}-{number}").as_str().into()));
            }
            let later = now + INTERVAL * 10 * round;
            while refetches.take(INTERVAL, later).is_some() {}
        }
        assert!(refetches.taken_at.len() <= MOST_WAITING);
    }
}
