//! Rules for what is shown when. Times are seconds of any one clock and come in with each call.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::settings::Rates;
use crate::protocol::RunId;

/// Shortest time that a run is shown before one with a more important reason replaces it.
pub const LEAST_HOLD_SECS: f64 = 4.0;
/// Longest time that a failure waits while the wall is shown between two runs.
const FAILURE_GAP_SECS: f64 = 5.0;
/// Shortest time that a failed run is shown before the retry of its song takes its place, and the
/// time for which the retry is then shown at least.
const FAILED_BEFORE_RETRY_SECS: f64 = 8.0;
const RETRY_SECS: f64 = 10.0;
/// Time for which the outcome of a fix pass stays on screen.
const LINGER_SECS: f64 = 3.0;
/// Longest time that one run is shown without interruption, unless its hold is longer.
const MOST_SECS: f64 = 60.0;
/// Age in seconds at which waiting runs other than failures, and late events, are dropped.
pub const STALE_SECS: f64 = 30.0;
const STALE_FAILURE_SECS: f64 = 60.0;
/// Maximum number of runs in the queue.
const MOST_WAITING: usize = 8;
/// Time for which the history is shown, and between two times of that.
const HISTORY_SECS: f64 = 20.0;
const HISTORY_EVERY_SECS: f64 = 300.0;
/// Time for which a failure is news.
const NEWS_SECS: f64 = 180.0;
/// Number of failures that are shown one after the other; with one more, the wall is shown instead.
const MANY_FAILURES: usize = 3;

/// Reason to show a run, in ascending order of importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShowReason {
    Completed,
    /// The song of the failed run that was shown runs again.
    Retry,
    /// A fix pass started.
    Fix,
    Failed,
}

/// Mode of the director.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Off: the user chooses what is shown.
    Off,
    /// On: the director chooses what is shown.
    Auto,
    /// Suspended for a while by user input.
    Pinned {
        /// Time at which the director resumes; `None` until it is turned on again.
        until_secs: Option<f64>,
    },
}

/// A run shown on the stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    pub run: RunId,
    pub why: ShowReason,
    begun_at_secs: f64,
    /// Time since which the run has been shown for a reason of at least this importance.
    since_secs: f64,
    until_secs: f64,
    /// Run that retries the failed run shown.
    retry: Option<RunId>,
}

#[derive(Clone, Debug, PartialEq)]
struct Waiting {
    run: RunId,
    why: ShowReason,
    at_secs: f64,
}

/// Decides what is shown. Each call takes constant time, and memory is bounded.
#[derive(Clone, Debug)]
pub struct Director {
    rates: Rates,
    /// True when the settings turn the director on.
    stays_on: bool,
    mode: Mode,
    shot: Option<Shot>,
    wall_since_secs: f64,
    waiting: Vec<Waiting>,
    /// Times of the latest failures.
    failed_at_secs: VecDeque<f64>,
    live: bool,
    /// True when enough runs are known to have ended.
    knows_history: bool,
    /// Time until which the history is shown in place of the wall.
    history_until_secs: Option<f64>,
    /// Time at which it was last shown.
    history_at_secs: f64,
}

impl Rates {
    /// Returns how long a run is shown.
    pub fn hold_secs(&self, why: ShowReason) -> f64 {
        match why {
            ShowReason::Completed => self.hold_completed_secs,
            ShowReason::Retry => RETRY_SECS,
            ShowReason::Fix => self.hold_fix_secs,
            ShowReason::Failed => self.hold_failed_secs,
        }
    }

    /// Returns how long the wall is shown before a run.
    fn gap_secs(&self, why: ShowReason) -> f64 {
        match why {
            ShowReason::Failed => self.gap_secs.min(FAILURE_GAP_SECS),
            ShowReason::Completed | ShowReason::Retry | ShowReason::Fix => self.gap_secs,
        }
    }
}

impl Shot {
    /// Returns the time from which a more important reason may interrupt.
    fn interruptible_at(&self, rates: &Rates) -> f64 {
        self.since_secs + LEAST_HOLD_SECS.min(rates.hold_secs(self.why))
    }

    /// Returns the time from which the retry of the failed run shown takes its place.
    fn retry_at(&self) -> Option<f64> {
        self.retry.is_some().then_some(self.since_secs + FAILED_BEFORE_RETRY_SECS)
    }

    /// Shortens the remaining time to [`LINGER_SECS`], but not below the minimum hold.
    fn end_soon(&mut self, rates: &Rates, now_secs: f64) {
        let end = (now_secs + LINGER_SECS).max(self.interruptible_at(rates));
        self.until_secs = self.until_secs.min(end);
    }
}

impl Waiting {
    fn is_stale(&self, now_secs: f64) -> bool {
        let keep = if self.why == ShowReason::Failed { STALE_FAILURE_SECS } else { STALE_SECS };
        now_secs - self.at_secs > keep
    }

    /// Orders by importance; among equals the one that waits longer is greater.
    fn by_worth(a: &Self, b: &Self) -> Ordering {
        a.why.cmp(&b.why).then(b.at_secs.total_cmp(&a.at_secs))
    }
}

impl Director {
    /// Creates a director that is on and shows the wall, or that is off.
    pub fn new(rates: Rates, on: bool, now_secs: f64) -> Self {
        Self {
            rates,
            stays_on: on,
            mode: if on { Mode::Auto } else { Mode::Off },
            shot: None,
            wall_since_secs: now_secs,
            waiting: Vec::new(),
            failed_at_secs: VecDeque::new(),
            live: true,
            knows_history: false,
            history_until_secs: None,
            history_at_secs: now_secs,
        }
    }

    /// Forgets all runs, because another source begins; the mode stays.
    pub fn forget_runs(&mut self, now_secs: f64) {
        self.shot = None;
        self.wall_since_secs = now_secs;
        self.waiting.clear();
        self.failed_at_secs.clear();
        self.end_history(now_secs);
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn is_auto(&self) -> bool {
        self.mode == Mode::Auto
    }

    /// Returns the run to show, or `None` for the wall. Meaningful only in auto mode.
    pub fn shot(&self) -> Option<&Shot> {
        self.shot.as_ref()
    }

    /// True while the history is shown in place of the wall.
    pub fn shows_history(&self) -> bool {
        self.is_auto() && self.shot.is_none() && self.history_until_secs.is_some()
    }

    /// Sets whether there is a history worth showing.
    pub fn set_history_known(&mut self, known: bool) {
        self.knows_history = known;
    }

    /// Sets whether events arrive live. While they do not, no further runs are shown.
    pub fn set_live(&mut self, live: bool) {
        self.live = live;
        if !live {
            self.waiting.clear();
        }
    }

    /// Reports that something noteworthy happened to a run now.
    pub fn propose_run(&mut self, run: &RunId, why: ShowReason, now_secs: f64) {
        let hold = self.rates.hold_secs(why);
        if !self.live || self.mode == Mode::Off {
            return;
        }
        if why == ShowReason::Failed {
            self.failed_at_secs.push_back(now_secs);
            if self.failed_at_secs.len() > MANY_FAILURES + 1 {
                self.failed_at_secs.pop_front();
            }
        }
        if hold <= 0.0 {
            return;
        }
        if let Some(shot) = self.shot.as_mut().filter(|shot| shot.run == *run) {
            if why > shot.why {
                shot.since_secs = now_secs;
            }
            shot.why = why;
            let most = shot.begun_at_secs + MOST_SECS.max(hold);
            shot.until_secs = (now_secs + hold).min(most).max(shot.interruptible_at(&self.rates));
            return;
        }
        self.forget(run);
        let new = Waiting { run: run.clone(), why, at_secs: now_secs };
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push(new);
        } else if let Some(least) = self.waiting.iter_mut().min_by(|a, b| Waiting::by_worth(a, b))
            && least.why <= why
        {
            *least = new;
        }
    }

    /// Reports that VALIDATE ended after a fix pass. Its score stays for [`LINGER_SECS`], even where the
    /// hold ends before.
    pub fn validated(&mut self, run: &RunId, now_secs: f64) {
        self.waiting.retain(|one| one.run != *run || one.why != ShowReason::Fix);
        if let Some(shot) = self.shot.as_mut().filter(|shot| shot.run == *run)
            && shot.why == ShowReason::Fix
        {
            let end = now_secs + LINGER_SECS;
            shot.until_secs = end.max(shot.interruptible_at(&self.rates));
        }
    }

    /// Reports that a finished run started again, which makes its earlier reason obsolete.
    pub fn restarted(&mut self, run: &RunId, now_secs: f64) {
        self.forget(run);
        if let Some(shot) = self.shot.as_mut().filter(|shot| shot.run == *run) {
            shot.end_soon(&self.rates, now_secs);
        }
    }

    /// Reports that `retry` runs the song of a failed run again. While the failed run is shown, its
    /// retry takes its place, so that a viewer sees that the song is not lost.
    pub fn retried(&mut self, failed: &RunId, retry: &RunId) {
        if let Some(shot) = self.shot.as_mut().filter(|shot| shot.run == *failed)
            && shot.why == ShowReason::Failed
        {
            shot.retry = Some(retry.clone());
        }
    }

    /// Reports that a run was removed from the model.
    pub fn gone(&mut self, run: &RunId, now_secs: f64) {
        self.forget(run);
        if self.shot.as_ref().is_some_and(|shot| shot.run == *run) {
            self.show_wall(now_secs);
        } else if let Some(shot) = &mut self.shot {
            shot.retry.take_if(|retry| retry == run);
        }
    }

    /// Suspends the director after user input.
    pub fn touch(&mut self, now_secs: f64) {
        if self.mode != Mode::Off {
            let ends = self.rates.pin_secs > 0.0;
            let until_secs = ends.then_some(now_secs + self.rates.pin_secs);
            self.mode = Mode::Pinned { until_secs };
            self.shot = None;
            self.end_history(now_secs);
        }
    }

    /// Turns the director on, starting with the wall.
    pub fn take_over(&mut self, now_secs: f64) {
        if !self.is_auto() {
            self.mode = Mode::Auto;
            self.show_wall(now_secs);
        }
    }

    /// Turns the director on or off; when the settings turn it on, "off" only suspends it.
    pub fn toggle(&mut self, now_secs: f64) {
        if !self.is_auto() {
            self.take_over(now_secs);
        } else if self.stays_on {
            self.touch(now_secs);
        } else {
            (self.mode, self.shot) = (Mode::Off, None);
            self.waiting.clear();
            self.end_history(now_secs);
        }
    }

    /// Updates the decision for the current time.
    pub fn step(&mut self, now_secs: f64) {
        if let Mode::Pinned { until_secs: Some(until) } = self.mode
            && now_secs >= until
        {
            self.take_over(now_secs);
        }
        self.waiting.retain(|one| !one.is_stale(now_secs));
        if !self.is_auto() {
            return;
        }
        if self.is_crowded(now_secs) {
            self.waiting.clear();
        }
        let next = self.next().cloned();
        let Some(shot) = &self.shot else {
            match next.filter(|next| now_secs >= self.next_at(next.why)) {
                Some(next) => self.show(next, now_secs),
                None => self.step_history(now_secs),
            }
            return;
        };
        let interruptible = now_secs >= shot.interruptible_at(&self.rates);
        if shot.retry_at().is_some_and(|at| now_secs >= at) && now_secs < shot.until_secs {
            self.show_retry(now_secs);
        } else if now_secs >= shot.until_secs || (interruptible && self.is_crowded(now_secs)) {
            self.show_wall(now_secs);
        } else if let Some(next) = next.filter(|next| interruptible && next.why > shot.why) {
            self.show(next, now_secs);
        }
    }

    /// Returns the seconds until the decision may change without further reports; `None` for never.
    pub fn due_in_secs(&self, now_secs: f64) -> Option<f64> {
        let next = self.next().map(|one| one.why);
        let at = match (self.mode, &self.shot) {
            (Mode::Off, _) => None,
            (Mode::Pinned { until_secs }, _) => until_secs,
            (Mode::Auto, Some(shot)) if next > Some(shot.why) => {
                Some(shot.interruptible_at(&self.rates).min(shot.until_secs))
            }
            (Mode::Auto, Some(shot)) => {
                Some(shot.retry_at().map_or(shot.until_secs, |at| at.min(shot.until_secs)))
            }
            (Mode::Auto, None) => {
                let history = self.history_until_secs.or(self.history_due());
                let next = next.map(|why| self.next_at(why));
                next.map_or(history, |next| Some(history.map_or(next, |at| at.min(next))))
            }
        };
        at.map(|at| (at - now_secs).max(0.0))
    }

    fn next(&self) -> Option<&Waiting> {
        self.waiting.iter().max_by(|a, b| Waiting::by_worth(a, b))
    }

    /// Returns the time from which the wall may be replaced.
    fn free_at(&self, why: ShowReason) -> f64 {
        self.wall_since_secs + self.rates.gap_secs(why)
    }

    /// True when more runs fail than can be shown one after the other; the wall then shows them
    /// together.
    fn is_crowded(&self, now_secs: f64) -> bool {
        let each = self.rates.hold_failed_secs + self.rates.gap_secs(ShowReason::Failed);
        let span = each * MANY_FAILURES as f64;
        let oldest =
            self.failed_at_secs.front().filter(|_| self.failed_at_secs.len() > MANY_FAILURES);
        oldest.is_some_and(|at| now_secs - at < span)
    }

    /// Returns the time from which the history may be shown; `None` where there is none, or runs wait. It covers
    /// no failure that is news.
    fn history_due(&self) -> Option<f64> {
        let is_free = self.knows_history && self.live && self.waiting.is_empty();
        let wall = self.wall_since_secs + self.rates.gap_secs.max(LEAST_HOLD_SECS);
        let news = self.failed_at_secs.back().map_or(f64::MIN, |failed_at| failed_at + NEWS_SECS);
        is_free.then_some((self.history_at_secs + HISTORY_EVERY_SECS).max(wall).max(news))
    }

    /// Returns the time from which a run may replace the wall or the history.
    fn next_at(&self, why: ShowReason) -> f64 {
        let free = self.free_at(why);
        let begun = self.history_until_secs.map(|until| until - HISTORY_SECS);
        begun.map_or(free, |begun| free.max(begun + LEAST_HOLD_SECS))
    }

    fn step_history(&mut self, now_secs: f64) {
        let is_crowded = self.is_crowded(now_secs);
        match self.history_until_secs {
            Some(until) => {
                let has_stood = now_secs >= until - HISTORY_SECS + LEAST_HOLD_SECS;
                if now_secs >= until || !self.knows_history || (is_crowded && has_stood) {
                    self.show_wall(now_secs);
                }
            }
            None => {
                if !is_crowded && self.history_due().is_some_and(|at| now_secs >= at) {
                    self.history_until_secs = Some(now_secs + HISTORY_SECS);
                }
            }
        }
    }

    fn end_history(&mut self, now_secs: f64) {
        if self.history_until_secs.take().is_some() {
            self.history_at_secs = now_secs;
        }
    }

    fn show(&mut self, next: Waiting, now_secs: f64) {
        self.end_history(now_secs);
        self.forget(&next.run);
        let until_secs = now_secs + self.rates.hold_secs(next.why);
        let Waiting { run, why, .. } = next;
        let (begun_at_secs, since_secs) = (now_secs, now_secs);
        let retry = None;
        self.shot = Some(Shot { run, why, begun_at_secs, since_secs, until_secs, retry });
    }

    fn show_retry(&mut self, now_secs: f64) {
        let Some(run) = self.shot.as_mut().and_then(|shot| shot.retry.take()) else { return };
        let until_secs = self.shot.as_ref().map_or(now_secs, |shot| shot.until_secs);
        // The retry may have failed in the meantime.
        let told = self.waiting.iter().find(|one| one.run == run).map(|one| one.why);
        let why = told.map_or(ShowReason::Retry, |told| told.max(ShowReason::Retry));
        self.show(Waiting { run, why, at_secs: now_secs }, now_secs);
        if let Some(shot) = &mut self.shot {
            shot.until_secs = shot.until_secs.max(until_secs);
        }
    }

    fn show_wall(&mut self, now_secs: f64) {
        self.end_history(now_secs);
        self.shot = None;
        self.wall_since_secs = now_secs;
    }

    fn forget(&mut self, run: &RunId) {
        self.waiting.retain(|one| one.run != *run);
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
