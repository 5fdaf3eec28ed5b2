//! What is usual: durations of nodes and runs, and the rates on the meters.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};

use super::slots::Slots;
use crate::protocol::NodeName;

/// Durations looked back on.
const KEPT_DURATIONS: usize = 200;
/// Ended runs looked back on.
const KEPT_OUTCOMES: usize = 20_000;
/// Seconds of event counts looked back on.
const KEPT_SECONDS: usize = 3_700;
/// What is active is looked back on by slots of this length, and over so many of them: a bit more
/// than an hour.
const ACTIVE_SLOT_SECS: i64 = 15;
const KEPT_ACTIVE_SLOTS: usize = 250;
/// Node names told apart; a backend with more than these is not doing music.
const KEPT_NAMES: usize = 256;

/// When a run ended, and whether it was completed.
pub(super) type Ended = (Timestamp, bool);

/// From when to when a run was active; an open end while it is.
pub(super) type Span = (Timestamp, Option<Timestamp>);

/// The usual duration of something, from its last successes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// Median, in milliseconds.
    pub p50_ms: u64,
    /// 95th percentile, in milliseconds.
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

    fn baseline(&self) -> Option<Baseline> {
        Some(Baseline {
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
#[derive(Clone, Debug)]
pub struct Stats {
    nodes: HashMap<NodeName, Durations, FixedState>,
    runs: Durations,
    /// How runs ended, in order of instant.
    outcomes: VecDeque<Ended>,
    /// Events by the second they happened in.
    events: Slots,
    /// How many runs began to run, less those that ceased to.
    active: Slots,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            nodes: HashMap::default(),
            runs: Durations::default(),
            outcomes: VecDeque::new(),
            events: Slots::new(1, KEPT_SECONDS),
            active: Slots::new(ACTIVE_SLOT_SECS, KEPT_ACTIVE_SLOTS),
        }
    }
}

impl Stats {
    pub(super) fn count_event(&mut self, at: Timestamp) {
        self.events.add(at, 1);
    }

    /// What is known of when a run was active has changed.
    pub(super) fn span_changed(&mut self, before: Option<Span>, after: Option<Span>) {
        if before == after {
            return;
        }
        // Another execution does not undo the one before.
        let goes_on =
            matches!((before, after), (Some((_, Some(until))), Some((since, _))) if since > until);
        let undone = before.filter(|_| !goes_on).map(|span| (span, -1));
        for ((since, until), by) in undone.into_iter().chain(after.map(|span| (span, 1))) {
            self.active.add(since, by);
            if let Some(until) = until {
                self.active.add(until, -by);
            }
        }
    }

    pub(super) fn node_succeeded(&mut self, name: &NodeName, millis: u64) {
        if let Some(durations) = self.nodes.get_mut(name) {
            durations.push(millis);
        } else if self.nodes.len() < KEPT_NAMES {
            self.nodes.entry(name.clone()).or_default().push(millis);
        }
    }

    /// A run was completed, in so many milliseconds.
    pub(super) fn run_completed(&mut self, millis: u64) {
        self.runs.push(millis);
    }

    /// What is known of how a run ended has changed: a run that goes on has not ended.
    pub(super) fn outcome_changed(&mut self, before: Option<Ended>, after: Option<Ended>) {
        if before == after {
            return;
        }
        if let Some(gone) = before {
            let first = self.outcomes.partition_point(|(kept, _)| *kept < gone.0);
            let mut same = self.outcomes.range(first..).take_while(|(kept, _)| *kept == gone.0);
            if let Some(place) = same.position(|kept| *kept == gone) {
                self.outcomes.remove(first + place);
            }
        }
        if let Some(ended) = after {
            let place = self.outcomes.partition_point(|(kept, _)| *kept <= ended.0);
            self.outcomes.insert(place, ended);
            if self.outcomes.len() > KEPT_OUTCOMES {
                self.outcomes.pop_front();
            }
        }
    }

    /// The usual duration of one execution of a node; `None` before its first success.
    pub fn node_baseline(&self, name: &str) -> Option<Baseline> {
        self.nodes.get(name)?.baseline()
    }

    /// The usual duration of a completed run.
    pub fn run_baseline(&self) -> Option<Baseline> {
        self.runs.baseline()
    }

    /// What the last `most` completed runs took, in milliseconds, the oldest first.
    pub fn last_run_durations(&self, most: usize) -> impl Iterator<Item = u64> {
        let last = &self.runs.last;
        last.iter().skip(last.len().saturating_sub(most)).copied()
    }

    /// Events a second, over the `window_secs` full seconds before `now` (server's clock).
    pub fn events_per_second(&self, now: Timestamp, window_secs: u32) -> f64 {
        let end = now.as_second();
        let recent = self.events.back_to(end - i64::from(window_secs));
        let count: i64 = recent.filter(|(second, _)| *second < end).map(|(_, count)| count).sum();
        count as f64 / f64::from(window_secs.max(1))
    }

    /// Events in each of `parts` equal parts of the last `window_secs`, the oldest part first.
    pub fn events_by(&self, now: Timestamp, window_secs: u32, parts: usize) -> Vec<u32> {
        let mut counts = vec![0; parts];
        let begin = now.as_second() - i64::from(window_secs);
        for (second, count) in self.events.back_to(begin + 1) {
            let part = (second - begin - 1) * parts as i64 / i64::from(window_secs.max(1));
            // What is ahead of the clock is now.
            let part = usize::try_from(part).unwrap_or(0).min(parts.saturating_sub(1));
            if let Some(sum) = counts.get_mut(part) {
                *sum += u32::try_from(count).unwrap_or(0);
            }
        }
        counts
    }

    /// How many runs were active at the end of each of `parts` slots of 15 s up to `now`, the
    /// oldest first, when `active` are now.
    pub fn active_by(&self, now: Timestamp, active: usize, parts: usize) -> Vec<u32> {
        let last = self.active.slot(now);
        let first = last - parts as i64 + 1;
        let mut level = active as i64;
        let mut changes = self.active.back_to(first).peekable();
        let mut levels = Vec::with_capacity(parts);
        for slot in (first..=last).rev() {
            levels.push(u32::try_from(level).unwrap_or(0));
            while let Some((_, by)) = changes.next_if(|(changed, _)| *changed >= slot) {
                level -= by;
            }
        }
        levels.reverse();
        levels
    }

    /// The busiest second of the last `window_secs`, in events.
    pub fn peak_events_per_second(&self, now: Timestamp, window_secs: u32) -> u32 {
        let recent = self.events.back_to(now.as_second() - i64::from(window_secs));
        recent.map(|(_, count)| u32::try_from(count).unwrap_or(u32::MAX)).max().unwrap_or(0)
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
