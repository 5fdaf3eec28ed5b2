//! What an application wants to have fetched again from a backend, until it is asked for.

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
    /// The detail of a run, also of one that is over or in no list.
    Run(RunId),
    /// The title of a song, the list of its runs, and the detail of the newest of them.
    Song(SmolStr),
    /// The list of active runs, and after it the list of all runs.
    Runs,
}

/// Targets that may wait; further ones are left out until there is room.
#[cfg(not(target_arch = "wasm32"))]
const MOST_WAITING: usize = 1_000;
/// The shortest time between two refetches of the lists, which may take many questions.
#[cfg(not(target_arch = "wasm32"))]
const LISTS_INTERVAL: Duration = Duration::from_secs(10);

/// Targets that wait, and when each was last let through. Pure: time comes in.
///
/// A target is let through at once where it was not for an interval, and else when that interval is over:
/// an application may ask as often as it likes, and adds at most one question for each target and
/// interval to the queue of the backend's questions.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Default)]
pub(super) struct Refetches {
    waiting: VecDeque<RefetchTarget>,
    passed_at: HashMap<RefetchTarget, Instant>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Refetches {
    /// Adds a target, unless it waits already.
    pub fn add(&mut self, target: RefetchTarget) {
        if self.waiting.len() < MOST_WAITING && !self.waiting.contains(&target) {
            self.waiting.push_back(target);
        }
    }

    /// When the next target is let through; `None` while none waits.
    pub fn next_at(&self, interval: Duration, now: Instant) -> Option<Instant> {
        self.waiting.iter().map(|target| self.due(target, interval).unwrap_or(now)).min()
    }

    /// Takes a target whose time has come.
    pub fn take(&mut self, interval: Duration, now: Instant) -> Option<RefetchTarget> {
        let is_due = |target: &RefetchTarget| self.due(target, interval).is_none_or(|at| at <= now);
        let at = self.waiting.iter().position(is_due)?;
        let target = self.waiting.remove(at)?;
        if self.passed_at.len() >= MOST_WAITING {
            self.passed_at.retain(|_, at| now.duration_since(*at) < interval.max(LISTS_INTERVAL));
        }
        self.passed_at.insert(target.clone(), now);
        Some(target)
    }

    fn due(&self, target: &RefetchTarget, interval: Duration) -> Option<Instant> {
        let interval = match target {
            RefetchTarget::Runs => interval.max(LISTS_INTERVAL),
            RefetchTarget::Run(_) | RefetchTarget::Song(_) => interval,
        };
        self.passed_at.get(target).map(|at| *at + interval)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(2);

    #[test]
    fn lets_a_target_through_once_in_an_interval() {
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
    fn a_target_that_waits_holds_up_no_other() {
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
    fn keeps_no_more_than_it_may() {
        let (mut refetches, now) = (Refetches::default(), Instant::now());
        for round in 0..3 {
            for number in 0..2 * MOST_WAITING {
                refetches.add(RefetchTarget::Run(format!("{round}-{number}").as_str().into()));
            }
            let later = now + INTERVAL * 10 * round;
            while refetches.take(INTERVAL, later).is_some() {}
        }
        assert!(refetches.passed_at.len() <= MOST_WAITING);
    }
}
