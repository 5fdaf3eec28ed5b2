//! Statistics: typical durations of nodes and runs, and rates for the meters.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};

use super::durations::{Baseline, Durations};
use super::slots::Slots;
use super::step_load::{StepLoad, StepLoads};
use crate::protocol::NodeName;

/// Maximum number of run outcomes kept.
const KEPT_OUTCOMES: usize = 20_000;
/// Number of seconds for which event counts are kept.
const KEPT_SECONDS: usize = 3_700;
/// Width in seconds of a slot of the active-run history, and number of slots kept: a little more than
/// an hour.
const ACTIVE_SLOT_SECS: i64 = 15;
const KEPT_ACTIVE_SLOTS: usize = 250;
/// Number of seconds for which arrivals are counted.
const KEPT_ARRIVALS: usize = 64;
/// Maximum number of node names with a baseline.
const KEPT_NAMES: usize = 256;

/// End of a run, and true if it was completed.
pub(super) type Ended = (Timestamp, bool);

/// Start and end of a run's activity; no end while it is active.
pub(super) type Span = (Timestamp, Option<Timestamp>);

/// Rates and baselines over everything that the model has received.
#[derive(Clone, Debug)]
pub struct Stats {
    nodes: HashMap<NodeName, Durations, FixedState>,
    runs: Durations,
    /// Outcomes of runs, in order of instant.
    outcomes: VecDeque<Ended>,
    /// Number of events by second of arrival, by this machine's clock.
    events: Slots,
    /// Number of arrivals by second, by this machine's clock.
    arrivals: Slots,
    /// Number of runs that became active less those that stopped, by slot.
    active: Slots,
    steps: StepLoads,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            nodes: HashMap::default(),
            runs: Durations::default(),
            outcomes: VecDeque::new(),
            events: Slots::new(1, KEPT_SECONDS),
            arrivals: Slots::new(1, KEPT_ARRIVALS),
            active: Slots::new(ACTIVE_SLOT_SECS, KEPT_ACTIVE_SLOTS),
            steps: StepLoads::default(),
        }
    }
}

impl Stats {
    pub(super) fn count_event(&mut self, received_at: Timestamp) {
        self.events.add(received_at, 1);
    }

    pub(super) fn count_arrivals(&mut self, received_at: Timestamp, count: u64) {
        self.arrivals.add(received_at, i64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }

    /// Updates the active-run history for a changed time span of a run.
    pub(super) fn span_changed(&mut self, before: Option<Span>, after: Option<Span>) {
        if before == after {
            return;
        }
        // The next execution of a run does not undo the previous one.
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

    /// Counts a running run that is at another step from `at` on.
    pub(super) fn step_changed(
        &mut self,
        before: Option<&NodeName>,
        after: Option<&NodeName>,
        at: Timestamp,
    ) {
        self.steps.moved(before, after, at);
    }

    pub(super) fn node_succeeded(&mut self, name: &NodeName, millis: u64) {
        if let Some(durations) = self.nodes.get_mut(name) {
            durations.push(millis);
        } else if self.nodes.len() < KEPT_NAMES {
            self.nodes.entry(name.clone()).or_default().push(millis);
        }
    }

    /// Records the duration of a completed run.
    pub(super) fn run_completed(&mut self, millis: u64) {
        self.runs.push(millis);
    }

    /// Updates the outcomes for a changed outcome of a run; a run that goes on has none.
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

    /// Returns the approximate size in bytes.
    pub(super) fn bytes(&self) -> usize {
        let nodes: usize = self.nodes.values().map(Durations::bytes).sum();
        let slots = [&self.events, &self.arrivals, &self.active].map(Slots::bytes);
        let outcomes = self.outcomes.capacity() * size_of::<Ended>();
        nodes + self.runs.bytes() + outcomes + slots.iter().sum::<usize>()
    }

    /// Returns the durations of the last successes of a node; `None` before the first.
    pub(super) fn node_durations(&self, name: &str) -> Option<&Durations> {
        self.nodes.get(name)
    }

    /// Returns the baseline for one execution of a node; `None` before its first success.
    pub fn node_baseline(&self, name: &str) -> Option<Baseline> {
        self.nodes.get(name)?.baseline()
    }

    /// Returns the baseline for completed runs.
    pub fn run_baseline(&self) -> Option<Baseline> {
        self.runs.baseline()
    }

    /// Returns the durations of the last `most` completed runs in milliseconds, oldest first.
    pub fn last_run_durations(&self, most: usize) -> impl Iterator<Item = u64> {
        self.runs.last(most)
    }

    /// Returns the durations of the last `most` successes of a node in milliseconds, oldest first.
    pub fn last_node_durations(&self, name: &str, most: usize) -> impl Iterator<Item = u64> {
        self.nodes.get(name).into_iter().flat_map(move |durations| durations.last(most))
    }

    /// Returns the events per second that arrived over the `window_secs` full seconds before `now`
    /// (this machine's clock).
    pub fn events_per_second(&self, now: Timestamp, window_secs: u32) -> f64 {
        let end = now.as_second();
        let recent = self.events.back_to(end - i64::from(window_secs));
        let count: i64 = recent.filter(|(second, _)| *second < end).map(|(_, count)| count).sum();
        count as f64 / f64::from(window_secs.max(1))
    }

    /// Returns the number of frames and answers that arrived in each of the last `secs` full seconds before
    /// `now` (this machine's clock), oldest first. At most 60 seconds are known.
    pub fn arrivals_by_second(&self, now: Timestamp, secs: usize) -> Vec<u32> {
        let mut counts = vec![0; secs];
        let end = now.as_second();
        let begin = end.saturating_sub(secs as i64);
        for (second, count) in self.arrivals.back_to(begin).filter(|(second, _)| *second < end) {
            if let Some(sum) = usize::try_from(second - begin).ok().and_then(|i| counts.get_mut(i))
            {
                *sum = u32::try_from(count).unwrap_or(u32::MAX);
            }
        }
        counts
    }

    /// Returns the number of active runs at the end of each of `parts` slots of 15 s up to `now`,
    /// oldest first, given that `active` runs are active now.
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

    /// Returns the load of a step at `now`; `since` is the first thing known of the source.
    pub fn step_load(&self, name: &str, now: Timestamp, since: Timestamp) -> StepLoad {
        self.steps.load(name, now, since)
    }

    /// Returns the largest number of events that arrived within one second in the `window_secs` before
    /// `now` (this machine's clock).
    pub fn peak_events_per_second(&self, now: Timestamp, window_secs: u32) -> u32 {
        let recent = self.events.back_to(now.as_second() - i64::from(window_secs));
        recent.map(|(_, count)| u32::try_from(count).unwrap_or(u32::MAX)).max().unwrap_or(0)
    }

    /// Returns the number of (completed, failed) runs that ended within `window` before `now`.
    pub fn outcomes(&self, now: Timestamp, window: SignedDuration) -> (u32, u32) {
        let begin = now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let recent = self.outcomes.iter().rev().take_while(|(at, _)| *at >= begin);
        recent.fold((0, 0), |(completed, failed), (_, success)| {
            if *success { (completed + 1, failed) } else { (completed, failed + 1) }
        })
    }

    /// Returns the number of (completed, failed) runs that ended in each of `parts` equal parts of
    /// `window` before `now`, oldest part first.
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
            // Count ends ahead of the clock as current.
            if let Some(count) = counts.get_mut(part.min(parts.saturating_sub(1))) {
                if *success { count.0 += 1 } else { count.1 += 1 }
            }
        }
        counts
    }
}
