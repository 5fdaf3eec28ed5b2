//! What is usual: durations of nodes and runs, and the rates on the meters.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};

use crate::protocol::NodeName;

/// Durations looked back on.
const KEPT_DURATIONS: usize = 200;
/// Ended runs looked back on.
const KEPT_OUTCOMES: usize = 20_000;
/// Seconds of event counts looked back on.
const KEPT_SECONDS: usize = 3_700;
/// Node names told apart; a backend with more than these is not doing music.
const KEPT_NAMES: usize = 256;

/// The usual duration of something, from its last successes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub p50_ms: u64,
    pub p95_ms: u64,
    /// Durations it was taken from, at most 200.
    pub samples: usize,
}

/// The last durations, with their percentiles kept at hand.
#[derive(Clone, Debug, Default)]
struct Durations {
    last: VecDeque<u64>,
    sorted: Vec<u64>,
}

impl Durations {
    fn push(&mut self, millis: u64) {
        if self.last.len() == KEPT_DURATIONS
            && let Some(oldest) = self.last.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(place);
        }
        self.last.push_back(millis);
        let place = self.sorted.partition_point(|kept| *kept < millis);
        self.sorted.insert(place, millis);
    }

    fn usual(&self) -> Option<Usual> {
        Some(Usual {
            p50_ms: percentile(&self.sorted, 0.50)?,
            p95_ms: percentile(&self.sorted, 0.95)?,
            samples: self.sorted.len(),
        })
    }
}

/// The nearest-rank percentile of sorted values; `None` when there are none.
fn percentile(sorted: &[u64], quantile: f64) -> Option<u64> {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Rates and usual durations over everything the model has seen.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    nodes: HashMap<NodeName, Durations, FixedState>,
    runs: Durations,
    /// Instant and outcome (success) of ended runs, in order of instant.
    outcomes: VecDeque<(Timestamp, bool)>,
    /// Events counted by the second they happened in, in order.
    seconds: VecDeque<(i64, u32)>,
}

impl Stats {
    pub(super) fn count_event(&mut self, at: Timestamp) {
        let second = at.as_second();
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            Some((last, _)) if *last > second => {
                match self.seconds.binary_search_by_key(&second, |(kept, _)| *kept) {
                    Ok(place) => self.seconds[place].1 += 1,
                    // Older than everything kept: not worth a place when there is none.
                    Err(0) if self.seconds.len() >= KEPT_SECONDS => {}
                    Err(place) => self.seconds.insert(place, (second, 1)),
                }
            }
            _ => self.seconds.push_back((second, 1)),
        }
        while self.seconds.len() > KEPT_SECONDS {
            self.seconds.pop_front();
        }
    }

    pub(super) fn node_succeeded(&mut self, name: &NodeName, millis: u64) {
        if let Some(durations) = self.nodes.get_mut(name) {
            durations.push(millis);
        } else if self.nodes.len() < KEPT_NAMES {
            self.nodes.entry(name.clone()).or_default().push(millis);
        }
    }

    pub(super) fn run_ended(&mut self, at: Timestamp, success: bool, millis: Option<u64>) {
        let place = self.outcomes.partition_point(|(kept, _)| *kept <= at);
        self.outcomes.insert(place, (at, success));
        if self.outcomes.len() > KEPT_OUTCOMES {
            self.outcomes.pop_front();
        }
        if let (true, Some(millis)) = (success, millis) {
            self.runs.push(millis);
        }
    }

    /// The usual duration of one execution of a node; `None` before its first success.
    pub fn usual_node(&self, name: &str) -> Option<Usual> {
        self.nodes.get(name)?.usual()
    }

    /// The usual duration of a completed run.
    pub fn usual_run(&self) -> Option<Usual> {
        self.runs.usual()
    }

    /// Events a second, over the `window_secs` full seconds before `now` (server's clock).
    pub fn events_per_second(&self, now: Timestamp, window_secs: u32) -> f64 {
        let end = now.as_second();
        let begin = end - i64::from(window_secs);
        let count: u32 = self
            .seconds
            .iter()
            .rev()
            .skip_while(|(second, _)| *second >= end)
            .take_while(|(second, _)| *second >= begin)
            .map(|(_, count)| count)
            .sum();
        f64::from(count) / f64::from(window_secs.max(1))
    }

    /// The busiest second of the last `window_secs`, in events.
    pub fn peak_events_per_second(&self, now: Timestamp, window_secs: u32) -> u32 {
        let begin = now.as_second() - i64::from(window_secs);
        let recent = self.seconds.iter().rev().take_while(|(second, _)| *second >= begin);
        recent.map(|(_, count)| *count).max().unwrap_or(0)
    }

    /// Runs that ended within `window` before `now`: (completed, failed).
    pub fn outcomes(&self, now: Timestamp, window: SignedDuration) -> (u32, u32) {
        let begin = now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let recent = self.outcomes.iter().rev().take_while(|(at, _)| *at >= begin);
        recent.fold((0, 0), |(completed, failed), (_, success)| {
            if *success { (completed + 1, failed) } else { (completed, failed + 1) }
        })
    }

    /// Runs that ended in each of `parts` equal parts of `window` before `now`, the oldest part
    /// first: (completed, failed).
    pub fn outcomes_by(
        &self,
        now: Timestamp,
        window: SignedDuration,
        parts: usize,
    ) -> Vec<(u32, u32)> {
        let begin = now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let part_secs = window.as_secs_f64() / parts.max(1) as f64;
        let mut counts = vec![(0, 0); parts];
        for (at, success) in self.outcomes.iter().rev().take_while(|(at, _)| *at >= begin) {
            let part = (at.duration_since(begin).as_secs_f64() / part_secs) as usize;
            // What is ahead of the clock is now.
            if let Some(count) = counts.get_mut(part.min(parts.saturating_sub(1))) {
                if *success { count.0 += 1 } else { count.1 += 1 }
            }
        }
        counts
    }
}
