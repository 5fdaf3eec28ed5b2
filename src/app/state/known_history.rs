//! Outcomes of the runs that this display has seen, kept after the runs themselves are dropped.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use crate::history::{History, Last, Period, PeriodError, Summary, summary_of};
use crate::model::Model;
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
    runs: u64,
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
            self.runs += u64::from(!is_known);
            if let Some(end) = self.history.last_end(id) {
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

    /// Number of runs that are known to have ended.
    pub fn runs(&self) -> u64 {
        self.runs
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
