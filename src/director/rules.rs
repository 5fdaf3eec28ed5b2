//! What is shown when. Times are seconds of any one clock, and come in with each call.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::settings::Rates;
use crate::protocol::RunId;

/// No picture gives way to something more important sooner.
pub const LEAST_HOLD_SECS: f64 = 4.0;
/// Of the wall between two runs, a failure waits for no more than this.
const FAILURE_GAP_SECS: f64 = 5.0;
/// What a fix pass has come to is left on screen for so long.
const LINGER_SECS: f64 = 3.0;
/// One run is shown no longer in one go, whatever happens to it, unless a hold is longer.
const MOST_SECS: f64 = 60.0;
/// What waits longer is worth a look no more, nor what is heard of so much later.
pub const STALE_SECS: f64 = 30.0;
const STALE_FAILURE_SECS: f64 = 60.0;
/// Runs that wait for their turn.
const MOST_WAITING: usize = 8;
/// So many failures one after the other belong on the stage, one more on the wall.
const MANY_FAILURES: usize = 3;

/// Why a run is worth a look, from the least reason to the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    Completed,
    /// A fix pass began.
    Fix,
    Failed,
}

/// Who decides what is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Whoever operates the screen.
    Off,
    /// The director.
    Auto,
    /// Somebody who touched it, for a while.
    Pinned {
        /// When the director goes on; `None` is when it is told to.
        until_secs: Option<f64>,
    },
}

/// The stage of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    pub run: RunId,
    pub why: Why,
    begun_at_secs: f64,
    /// Since when it is shown for a reason as good as this one.
    since_secs: f64,
    until_secs: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct Waiting {
    run: RunId,
    why: Why,
    at_secs: f64,
}

/// Decides which picture is shown. Whatever it is told costs the same, and what it keeps is bounded.
#[derive(Clone, Debug)]
pub struct Director {
    rates: Rates,
    /// The settings ask for it.
    stays_on: bool,
    mode: Mode,
    shot: Option<Shot>,
    wall_since_secs: f64,
    waiting: Vec<Waiting>,
    /// When runs failed last.
    failed_at_secs: VecDeque<f64>,
    live: bool,
}

impl Rates {
    /// How long a run is shown.
    pub fn hold_secs(&self, why: Why) -> f64 {
        match why {
            Why::Completed => self.hold_completed_secs,
            Why::Fix => self.hold_fix_secs,
            Why::Failed => self.hold_failed_secs,
        }
    }

    /// How long the wall is shown before a run.
    fn gap_secs(&self, why: Why) -> f64 {
        match why {
            Why::Failed => self.gap_secs.min(FAILURE_GAP_SECS),
            Why::Completed | Why::Fix => self.gap_secs,
        }
    }
}

impl Shot {
    /// When it may give way to something more important.
    fn interruptible_at(&self, rates: &Rates) -> f64 {
        self.since_secs + LEAST_HOLD_SECS.min(rates.hold_secs(self.why))
    }

    /// What there was to see has been seen, almost.
    fn end_soon(&mut self, rates: &Rates, now_secs: f64) {
        let end = (now_secs + LINGER_SECS).max(self.interruptible_at(rates));
        self.until_secs = self.until_secs.min(end);
    }
}

impl Waiting {
    fn is_stale(&self, now_secs: f64) -> bool {
        let keep = if self.why == Why::Failed { STALE_FAILURE_SECS } else { STALE_SECS };
        now_secs - self.at_secs > keep
    }

    /// The better reason is greater, then whoever waits longer.
    fn by_worth(a: &Self, b: &Self) -> Ordering {
        a.why.cmp(&b.why).then(b.at_secs.total_cmp(&a.at_secs))
    }
}

impl Director {
    /// Begins with the wall, or by doing nothing.
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
        }
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn is_auto(&self) -> bool {
        self.mode == Mode::Auto
    }

    /// The run to show; the wall without one. Of a mode that is not auto it says nothing.
    pub fn shot(&self) -> Option<&Shot> {
        self.shot.as_ref()
    }

    /// Whether what is told happens now. While it does not, no run is shown that is not already.
    pub fn set_live(&mut self, live: bool) {
        self.live = live;
        if !live {
            self.waiting.clear();
        }
    }

    /// Something worth seeing happened to a run, now.
    pub fn tell(&mut self, run: &RunId, why: Why, now_secs: f64) {
        let hold = self.rates.hold_secs(why);
        if hold <= 0.0 || !self.live || self.mode == Mode::Off {
            return;
        }
        if why == Why::Failed {
            self.failed_at_secs.push_back(now_secs);
            if self.failed_at_secs.len() > MANY_FAILURES + 1 {
                self.failed_at_secs.pop_front();
            }
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

    /// A fix pass has been validated.
    pub fn validated(&mut self, run: &RunId, now_secs: f64) {
        self.waiting.retain(|one| one.run != *run || one.why != Why::Fix);
        if let Some(shot) = self.shot.as_mut().filter(|shot| shot.run == *run)
            && shot.why == Why::Fix
        {
            shot.end_soon(&self.rates, now_secs);
        }
    }

    /// A run that was over began anew: what it was shown for is no more.
    pub fn restarted(&mut self, run: &RunId, now_secs: f64) {
        self.forget(run);
        if let Some(shot) = self.shot.as_mut().filter(|shot| shot.run == *run) {
            shot.end_soon(&self.rates, now_secs);
        }
    }

    /// A run is no longer known.
    pub fn gone(&mut self, run: &RunId, now_secs: f64) {
        self.forget(run);
        if self.shot.as_ref().is_some_and(|shot| shot.run == *run) {
            self.show_wall(now_secs);
        }
    }

    /// Somebody wants to look at what is shown.
    pub fn touch(&mut self, now_secs: f64) {
        if self.mode != Mode::Off {
            let ends = self.rates.pin_secs > 0.0;
            let until_secs = ends.then_some(now_secs + self.rates.pin_secs);
            self.mode = Mode::Pinned { until_secs };
            self.shot = None;
        }
    }

    /// Goes on at once, from the wall.
    pub fn take_over(&mut self, now_secs: f64) {
        if !self.is_auto() {
            self.mode = Mode::Auto;
            self.show_wall(now_secs);
        }
    }

    /// Takes over, or leaves it to whoever asks: for a while where the settings ask for a director.
    pub fn toggle(&mut self, now_secs: f64) {
        if !self.is_auto() {
            self.take_over(now_secs);
        } else if self.stays_on {
            self.touch(now_secs);
        } else {
            (self.mode, self.shot) = (Mode::Off, None);
            self.waiting.clear();
        }
    }

    /// Decides anew.
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
            if let Some(next) = next.filter(|next| now_secs >= self.free_at(next.why)) {
                self.show(next, now_secs);
            }
            return;
        };
        let interruptible = now_secs >= shot.interruptible_at(&self.rates);
        if now_secs >= shot.until_secs || (interruptible && self.is_crowded(now_secs)) {
            self.show_wall(now_secs);
        } else if let Some(next) = next.filter(|next| interruptible && next.why > shot.why) {
            self.show(next, now_secs);
        }
    }

    /// Seconds until it may decide otherwise without being told anything; `None` is never.
    pub fn due_in_secs(&self, now_secs: f64) -> Option<f64> {
        let next = self.next().map(|one| one.why);
        let at = match (self.mode, &self.shot) {
            (Mode::Off, _) => None,
            (Mode::Pinned { until_secs }, _) => until_secs,
            (Mode::Auto, Some(shot)) if next > Some(shot.why) => {
                Some(shot.interruptible_at(&self.rates).min(shot.until_secs))
            }
            (Mode::Auto, Some(shot)) => Some(shot.until_secs),
            (Mode::Auto, None) => next.map(|why| self.free_at(why)),
        };
        at.map(|at| (at - now_secs).max(0.0))
    }

    fn next(&self) -> Option<&Waiting> {
        self.waiting.iter().max_by(|a, b| Waiting::by_worth(a, b))
    }

    /// From when on the wall may give way.
    fn free_at(&self, why: Why) -> f64 {
        self.wall_since_secs + self.rates.gap_secs(why)
    }

    /// More runs fail than can be shown one after the other. The wall shows them together.
    fn is_crowded(&self, now_secs: f64) -> bool {
        let each = self.rates.hold_failed_secs + self.rates.gap_secs(Why::Failed);
        let span = each * MANY_FAILURES as f64;
        let oldest =
            self.failed_at_secs.front().filter(|_| self.failed_at_secs.len() > MANY_FAILURES);
        oldest.is_some_and(|at| now_secs - at < span)
    }

    fn show(&mut self, next: Waiting, now_secs: f64) {
        self.forget(&next.run);
        let until_secs = now_secs + self.rates.hold_secs(next.why);
        let Waiting { run, why, .. } = next;
        let (begun_at_secs, since_secs) = (now_secs, now_secs);
        self.shot = Some(Shot { run, why, begun_at_secs, since_secs, until_secs });
    }

    fn show_wall(&mut self, now_secs: f64) {
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
