//! Outcomes of the runs that this display has seen, kept after the runs themselves are dropped.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use crate::history::{
    Cause, History, LEAST_TO_COMPARE, Last, Period, PeriodError, Summary, summary_of,
};
use crate::model::{FailureCause, Model};
use crate::protocol::RunId;
use crate::time_zone::DisplayZone;

/// Time for which it is kept: two periods of the longest kind, with some days to spare.
const KEPT: Duration = Duration::from_secs(190 * 86_400);
/// Number of ends after which what is too old is dropped.
const PRUNED_EVERY: u32 = 4_096;
/// Number of dropped runs that are remembered, so that they do not count again when they return.
const MOST_DROPPED: usize = 10_000;

/// Counts and durations of the runs that ended while this display watched, or that the source told of.
#[derive(Default)]
pub struct KnownHistory {
    history: History,
    /// Runs that the model dropped, with the last end of each that is counted, and their order.
    dropped: HashMap<RunId, Timestamp, FixedState>,
    dropped_order: VecDeque<RunId>,
    /// The first end that is known.
    first_end: Option<Timestamp>,
    /// The newest ends of different runs, [`LEAST_TO_COMPARE`] of them at most.
    newest_ends: BinaryHeap<Reverse<Timestamp>>,
    generation: u64,
    until_pruned: u32,
}

impl KnownHistory {
    /// Counts what has ended of these runs of the live model. A run that ended and was dropped within one
    /// batch is not seen, which takes more runs in the batch than are kept.
    pub(super) fn note<'a>(
        &mut self,
        model: &Model,
        touched: impl IntoIterator<Item = &'a RunId>,
        server_now: Timestamp,
    ) {
        for id in touched {
            let Some(run) = model.run(id) else {
                self.drop_run(id);
                continue;
            };
            let is_known = self.history.last_end(id).is_some();
            if !self.history.note(run, self.dropped.get(id).copied()) {
                continue;
            }
            self.generation += 1;
            if let Some(end) = self.history.last_end(id) {
                if !is_known {
                    self.newest_ends.push(Reverse(end));
                    if self.newest_ends.len() as u64 > LEAST_TO_COMPARE {
                        self.newest_ends.pop();
                    }
                }
                let end = Timestamp::from_second(end.as_second()).unwrap_or(end);
                self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            }
            self.until_pruned += 1;
        }
        if self.until_pruned >= PRUNED_EVERY {
            self.until_pruned = 0;
            self.history.prune(server_now, KEPT);
        }
        // Nothing is written here.
        self.history.discard_changes();
    }

    fn drop_run(&mut self, id: &RunId) {
        let Some(until) = self.history.last_end(id) else { return };
        self.history.forget(id);
        if self.dropped.insert(id.clone(), until).is_none() {
            self.dropped_order.push_back(id.clone());
        }
        if self.dropped_order.len() > MOST_DROPPED
            && let Some(forgotten) = self.dropped_order.pop_front()
        {
            self.dropped.remove(&forgotten);
        }
    }

    /// Number of changes so far.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// True when enough runs ended since an instant to compare their numbers with others.
    pub fn has_enough_since(&self, from: Timestamp) -> bool {
        let is_full = self.newest_ends.len() as u64 >= LEAST_TO_COMPARE;
        is_full && self.newest_ends.peek().is_some_and(|Reverse(end)| from <= *end)
    }

    /// Returns how many runs failed for this cause between two instants, to a quarter of an hour; a cause that
    /// is rare among many may be missed.
    pub fn failures_for(&self, cause: &FailureCause, from: Timestamp, to: Timestamp) -> u64 {
        let cause = Cause::of(cause);
        let mut failures = 0;
        self.history.slices(from, to, false).each(|_, bucket| {
            failures += bucket.causes.get(&cause).map_or(0, |counted| counted.count);
        });
        failures
    }

    /// Returns the numbers of a period up to `now`. They begin with the first end that is known.
    ///
    /// # Errors
    ///
    /// Fails when the period is beyond all calendars.
    pub fn summary(
        &self,
        last: Last,
        now: Timestamp,
        zone: &DisplayZone,
    ) -> Result<Summary, PeriodError> {
        let mut summary = summary_of(&self.history, Period::last(last, now, None, zone)?)?;
        let kept = self.history.reach().map(|(from, _)| from);
        let since = kept.map(|kept| self.first_end.map_or(kept, |first| first.max(kept)));
        summary.kept_since = since.map(|since| since.to_string());
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Retention;
    use crate::protocol::Batch;

    #[test]
    fn history_is_worth_showing_only_with_enough_runs_of_the_period() {
        let first: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut model = Model::new(Retention::default());
        let mut known = KnownHistory::default();
        let mut end_run = |known: &mut KnownHistory, place: u64| {
            let at = first + Duration::from_secs(60 * place);
            let run = format!("run-{place}");
            let text = format!(r#"{{"ts":"{at}","run_id":"{run}","phase":"fail"}}"#);
            let mut batch = Batch::new(at, true);
            batch.push_text(&text);
            model.receive(batch, |_, _| {});
            known.note(&model, [&RunId::from(run.as_str())], at);
            known.note(&model, [&RunId::from(run.as_str())], at);
        };
        for place in 0..LEAST_TO_COMPARE {
            assert!(!known.has_enough_since(Timestamp::MIN), "{place}");
            end_run(&mut known, place);
        }
        assert!(known.has_enough_since(first));
        assert!(!known.has_enough_since(first + Duration::from_secs(1)));
        // One more run makes up for the oldest one.
        end_run(&mut known, LEAST_TO_COMPARE);
        assert!(known.has_enough_since(first + Duration::from_secs(60)));
    }
}
