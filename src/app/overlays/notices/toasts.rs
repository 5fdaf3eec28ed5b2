//! Rules over time for the toasts in the lane, without places or colours.
//!
//! One toast stands in the lane; newer ones wait. Three and more that wait become one: "3 songs
//! finished". An outcome of an operation does not wait for news of runs, because somebody waits for it.

use super::notice::{News, Notice, Subject};
use crate::app::words::{ago_words, count_words};
use crate::bounded::bounded;
use crate::protocol::RunId;

/// Seconds that a toast stays; [`FAILURE_STAYS_SECS`] is that of a failed run.
const STAYS_SECS: f64 = 6.0;
const FAILURE_STAYS_SECS: f64 = 30.0;
/// Seconds after which a waiting toast is dropped, longer than a failure stays; [`FAILURE_WAITS_SECS`] is
/// that of a failed run. The panel keeps both.
const WAITS_SECS: f64 = 60.0;
const FAILURE_WAITS_SECS: f64 = 90.0;
/// Number of waiting notices that share one toast.
const SHARED_FROM: usize = 3;
/// Seconds of the fade-in, and of the fade-out.
const FADE_SECS: f64 = 0.2;
/// Seconds left of a toast below which it does not return after an interruption.
const WORTH_RETURNING_SECS: f64 = 2.0;

/// Numbers of notices of each kind in a toast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers {
    failed: usize,
    finished: usize,
    refused: usize,
    done: usize,
}

impl Numbers {
    fn of(news: &News) -> Self {
        let mut numbers = Self::default();
        match news {
            News::Failed { .. } => numbers.failed = 1,
            News::Completed { .. } => numbers.finished = 1,
            News::Refused { .. } => numbers.refused = 1,
            News::Done { .. } => numbers.done = 1,
            News::Reconnected { .. } | News::Presented { .. } => {}
        }
        numbers
    }

    fn plus(self, other: Self) -> Self {
        Self {
            failed: self.failed + other.failed,
            finished: self.finished + other.finished,
            refused: self.refused + other.refused,
            done: self.done + other.done,
        }
    }

    fn sum(self) -> usize {
        self.failed + self.finished + self.refused + self.done
    }

    /// Noun with the number of all, and the verb of each kind: "3 songs" and "finished", "5 songs" and
    /// "2 failed, 3 finished".
    fn words(self) -> (String, String) {
        let noun = if self.refused + self.done > 0 { "requests" } else { "songs" };
        let kinds = [
            (self.failed, "failed"),
            (self.finished, "finished"),
            (self.refused, "refused"),
            (self.done, "accepted"),
        ];
        let told: Vec<_> = kinds.into_iter().filter(|(number, _)| *number > 0).collect();
        let verbs = match told[..] {
            [(_, verb)] => verb.to_owned(),
            _ => {
                let verbs =
                    told.iter().map(|(number, verb)| format!("{} {verb}", words_of(*number)));
                verbs.collect::<Vec<_>>().join(", ")
            }
        };
        (format!("{} {noun}", words_of(self.sum())), verbs)
    }
}

fn words_of(number: usize) -> String {
    count_words(number as u64)
}

/// One toast; all its times are seconds of the draw clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// Number that identifies the toast.
    pub number: u64,
    /// Latest notice of the toast.
    notice: Notice,
    numbers: Numbers,
    /// Time of the latest notice.
    told_at: f64,
    shown_at: f64,
    until: f64,
    stays_secs: f64,
}

impl Toast {
    fn new(number: u64, notice: Notice, now: f64) -> Self {
        let numbers = Numbers::of(&notice.news);
        let stays_secs = if numbers.failed > 0 { FAILURE_STAYS_SECS } else { STAYS_SECS };
        let (shown_at, until) = (now, f64::INFINITY);
        Self { number, notice, numbers, told_at: now, shown_at, until, stays_secs }
    }

    /// Joins another toast into this one.
    fn join(self, other: Self) -> Self {
        let (numbers, stays_secs) =
            (self.numbers.plus(other.numbers), self.stays_secs.max(other.stays_secs));
        let latest = if other.told_at >= self.told_at { other } else { self };
        Self { numbers, stays_secs, ..latest }
    }

    /// True when something went wrong.
    pub fn is_bad(&self) -> bool {
        self.numbers.failed + self.numbers.refused > 0
    }

    /// Title of the run, or the number of songs that the toast is about.
    pub fn title(&self) -> String {
        match self.numbers.sum() {
            0 | 1 => self.notice.title.clone(),
            _ => self.numbers.words().0,
        }
    }

    /// Rest of the sentence: what happened, the score or reason, and the time.
    pub fn words(&self, now: f64) -> String {
        match self.numbers.sum() {
            0 | 1 => {
                let millis = bounded((now - self.told_at) * 1000.0, 0.0, 1e15) as u64;
                self.notice.sentence(&ago_words(millis))
            }
            _ => self.numbers.words().1,
        }
    }

    fn subject(&self) -> Subject {
        self.notice.news.subject()
    }

    /// True for the outcome of an operation.
    fn is_an_answer(&self) -> bool {
        matches!(self.subject(), Subject::Operation | Subject::Presenter)
    }

    /// True when the toast says only what the run's own card or the wall says.
    fn is_news_of(&self, shown: Shown) -> bool {
        let run = self.notice.run.as_ref().filter(|_| self.numbers.sum() == 1);
        self.subject() == Subject::Run
            && match shown {
                Shown::AllRuns => true,
                Shown::Run(shown) => run.is_some_and(|run| run == shown),
            }
    }

    fn waits_secs(&self) -> f64 {
        if self.numbers.failed > 0 { FAILURE_WAITS_SECS } else { WAITS_SECS }
    }

    fn opacity(&self, now: f64) -> f32 {
        let come = (now - self.shown_at) / FADE_SECS;
        let left = (self.until - now) / FADE_SECS;
        bounded(come.min(left), 0.0, 1.0) as f32
    }

    fn is_going(&self, now: f64) -> bool {
        now >= self.until - FADE_SECS
    }

    fn show(&mut self, now: f64) {
        self.shown_at = now;
        self.until = now + self.stays_secs;
    }

    fn leave(&mut self, by: f64) {
        self.until = self.until.min(by);
    }

    /// Seconds until the words change by themselves; only the age of a failure does.
    fn ages_in_secs(&self, now: f64) -> f64 {
        let age = now - self.told_at;
        match self.notice.news {
            News::Failed { .. } if self.numbers.sum() == 1 => age.floor() + 1.0 - age,
            _ => f64::INFINITY,
        }
    }
}

/// Runs that the current view shows, each with its outcome.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// The wall.
    AllRuns,
    /// The stage of a run.
    Run(&'a RunId),
}

/// The toast in the lane, and those that wait.
#[derive(Clone, Debug)]
pub struct Toasts {
    standing: Option<Toast>,
    /// Oldest first.
    waiting: Vec<Toast>,
    /// True when the screen has room for a toast.
    has_lane: bool,
    /// True with reduced motion: toasts appear and vanish at once.
    calm: bool,
    numbers: u64,
}

impl Default for Toasts {
    fn default() -> Self {
        Self { standing: None, waiting: Vec::new(), has_lane: true, calm: false, numbers: 0 }
    }
}

impl Toasts {
    /// Adds a notice, at `now` in seconds of the draw clock.
    pub fn add_notice(&mut self, notice: Notice, now: f64) {
        self.numbers += 1;
        let toast = Toast::new(self.numbers, notice, now);
        // The latest of these is all that counts.
        let subject = toast.subject();
        if matches!(subject, Subject::Connection | Subject::Presenter) {
            self.waiting.retain(|waiting| waiting.subject() != subject);
        }
        if subject == Subject::Presenter {
            let by = now + self.fade_secs();
            let earlier = self.standing.as_mut().filter(|toast| toast.subject() == subject);
            earlier.into_iter().for_each(|toast| toast.leave(by));
        }
        self.waiting.push(toast);
        self.share(Subject::Operation);
        self.share(Subject::Run);
        self.step(now);
    }

    /// Joins waiting toasts about operations, or about runs, into one when they are many.
    fn share(&mut self, subject: Subject) {
        let alike = |toast: &Toast| toast.subject() == subject;
        let count: usize =
            self.waiting.iter().filter(|toast| alike(toast)).map(|toast| toast.numbers.sum()).sum();
        if count < SHARED_FROM {
            return;
        }
        let (many, others) = self.waiting.drain(..).partition(alike);
        self.waiting = others;
        self.waiting.extend(Vec::into_iter(many).reduce(Toast::join));
    }

    /// Sets whether the screen has room for a toast.
    pub fn set_has_lane(&mut self, has_lane: bool) {
        self.has_lane = has_lane;
    }

    /// Sets whether toasts appear at once (`true`) or fade.
    pub fn set_calm(&mut self, calm: bool) {
        self.calm = calm;
    }

    /// Opacity of a toast at `now`, 0 to 1.
    pub fn opacity(&self, toast: &Toast, now: f64) -> f32 {
        if self.calm { 1.0 } else { toast.opacity(now) }
    }

    /// Removes the toast whose time is over, and shows the next one.
    pub fn step(&mut self, now: f64) {
        let is_over = |toast: &Toast| now >= toast.until || !self.has_lane;
        if self.standing.as_ref().is_some_and(is_over) {
            self.standing = None;
        }
        self.waiting.retain(|toast| now - toast.told_at < toast.waits_secs());
        self.make_way_for_answers(now);
        if self.standing.is_some() || !self.has_lane || self.waiting.is_empty() {
            return;
        }
        let answer = self.waiting.iter().position(Toast::is_an_answer);
        let mut next = self.waiting.remove(answer.unwrap_or(0));
        next.show(now);
        self.standing = Some(next);
    }

    /// Lets news of runs leave for the outcome of an operation; a failure returns after it.
    fn make_way_for_answers(&mut self, now: f64) {
        let by = now + self.fade_secs();
        let Some(standing) = self.standing.as_mut() else { return };
        let is_in_the_way = !standing.is_an_answer() && standing.until > by;
        if !is_in_the_way || !self.waiting.iter().any(Toast::is_an_answer) {
            return;
        }
        let rest = standing.until - now;
        if standing.numbers.failed > 0 && rest >= WORTH_RETURNING_SECS {
            let until = f64::INFINITY;
            self.waiting.insert(0, Toast { stays_secs: rest, until, ..standing.clone() });
        }
        standing.leave(by);
        if by <= now {
            self.standing = None;
        }
    }

    /// Fades out a toast.
    pub fn dismiss(&mut self, number: u64, now: f64) {
        let by = now + self.fade_secs();
        if let Some(toast) = self.standing.as_mut().filter(|toast| toast.number == number) {
            toast.leave(by);
        }
    }

    /// Fades out the toast, and drops the waiting ones, if the current view says the same.
    pub fn dismiss_shown(&mut self, shown: Shown, now: f64) {
        let by = now + self.fade_secs();
        if let Some(toast) = self.standing.as_mut().filter(|toast| toast.is_news_of(shown)) {
            toast.leave(by);
        }
        self.waiting.retain(|toast| !toast.is_news_of(shown));
    }

    fn fade_secs(&self) -> f64 {
        if self.calm { 0.0 } else { FADE_SECS }
    }

    /// True when no toast stands in the lane or waits.
    pub fn is_idle(&self) -> bool {
        self.standing.is_none() && self.waiting.is_empty()
    }

    /// The toast in the lane.
    pub fn standing(&self) -> Option<&Toast> {
        self.standing.as_ref()
    }

    /// True when a toast stands in the lane that is not fading out.
    pub fn any(&self, now: f64) -> bool {
        self.standing.as_ref().is_some_and(|toast| !toast.is_going(now))
    }

    /// Seconds until the lane changes by itself, 0 during a fade; `None` when it is empty and nothing
    /// waits.
    pub fn due_in_secs(&self, now: f64) -> Option<f64> {
        let standing = self.standing.as_ref().map(|toast| {
            let goes_in = match self.opacity(toast, now) < 1.0 {
                true => 0.0,
                false => toast.until - self.fade_secs() - now,
            };
            goes_in.min(toast.ages_in_secs(now)).max(0.0)
        });
        let waiting = self.waiting.iter().map(|toast| toast.told_at + toast.waits_secs() - now);
        standing.into_iter().chain(waiting.map(|secs| secs.max(0.1))).min_by(f64::total_cmp)
    }
}

#[cfg(test)]
#[path = "toasts_tests.rs"]
mod tests;
