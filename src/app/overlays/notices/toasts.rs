//! Rules over time for the toasts on screen, without places or colours.
//!
//! A wall is watched from across a room and must stay calm. At most [`MOST`] toasts are on screen; each
//! keeps its place, and further ones wait and are counted. Notices of the same kind share a toast, and
//! completed runs get at most three toasts a minute.

use super::notice::{News, Notice};
use crate::app::words::count_words;
use crate::bounded::bounded;

/// Greatest number of toasts on screen.
pub const MOST: usize = 3;
/// Seconds that a toast stays; [`BAD_NEWS_STAY_SECS`] is that of failures and refusals.
const STAYS_SECS: f64 = 6.0;
const BAD_NEWS_STAY_SECS: f64 = 15.0;
/// Factor on the time a toast stays, up to which additions prolong it.
const MOST_STAYS: f64 = 3.0;
/// Seconds between the starts of two toasts about completed runs.
const COMPLETED_GAP_SECS: f64 = 20.0;
/// Seconds after which a waiting notice is dropped, unless it is about completed runs; the panel keeps
/// it.
const WAITS_SECS: f64 = 30.0;
/// Seconds between two changes of a toast's words.
const RECOUNT_SECS: f64 = 1.0;
/// Number of causes of failure with a toast each; failures of further causes join the latest one.
const MOST_CAUSES: usize = 3;
/// Seconds of the fade-in; [`FADE_OUT_SECS`] are those of the fade-out.
const FADE_IN_SECS: f64 = 0.25;
const FADE_OUT_SECS: f64 = 0.4;
/// Titles that a toast about several runs names.
const NAMED: usize = 2;

/// One toast; all its times are seconds of the draw clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// Number that identifies the toast.
    pub number: u64,
    /// Latest notice of the toast.
    notice: Notice,
    /// Titles of the latest runs, newest first.
    titles: Vec<String>,
    /// Number of notices in the toast; `counted` of them are in its words.
    count: usize,
    counted: usize,
    /// Heading; it and `words` change only when the notices are counted.
    head: String,
    words: String,
    /// True when the runs failed for different reasons.
    mixed: bool,
    told_at: f64,
    counted_at: f64,
    shown_at: f64,
    until: f64,
}

impl Toast {
    fn new(number: u64, notice: Notice, now: f64) -> Self {
        let titles = vec![notice.title.clone()];
        Self {
            number,
            notice,
            titles,
            count: 1,
            counted: 0,
            head: String::new(),
            words: String::new(),
            mixed: false,
            told_at: now,
            counted_at: now,
            shown_at: now,
            until: f64::INFINITY,
        }
    }

    /// Kind of the latest notice.
    pub fn news(&self) -> &News {
        &self.notice.news
    }

    pub fn head(&self) -> &str {
        &self.head
    }

    pub fn words(&self) -> &str {
        &self.words
    }

    fn opacity(&self, now: f64) -> f32 {
        let come = (now - self.shown_at) / FADE_IN_SECS;
        let left = (self.until - now) / FADE_OUT_SECS;
        bounded(come.min(left), 0.0, 1.0) as f32
    }

    fn is_going(&self, now: f64) -> bool {
        now >= self.until - FADE_OUT_SECS
    }

    fn stays_secs(&self) -> f64 {
        if self.notice.news.is_bad() { BAD_NEWS_STAY_SECS } else { STAYS_SECS }
    }

    fn show(&mut self, now: f64) {
        self.shown_at = now;
        self.until = now + self.stays_secs();
        self.recount(now);
    }

    fn recount(&mut self, now: f64) {
        self.counted = self.count;
        self.counted_at = now;
        let many = count_words(self.count as u64);
        (self.head, self.words) = match &self.notice.news {
            _ if self.count == 1 => (self.notice.head(), self.notice.words()),
            News::Failed { node, reason } if !self.mixed => {
                let place = node.as_ref().map_or_else(String::new, |node| format!(" at {node}"));
                (format!("{many} workflows failed{place}"), reason.clone())
            }
            News::Failed { .. } => {
                let last = format!("The latest: {}", self.notice.words());
                (format!("{many} workflows failed"), last)
            }
            _ => {
                let named = self.titles.join(", ");
                let words = match self.count.saturating_sub(self.titles.len()) {
                    0 => named,
                    more => format!("{named} and {} more", count_words(more as u64)),
                };
                (format!("{many} workflows completed"), words)
            }
        };
    }

    /// Adds a notice to the toast.
    fn add(&mut self, notice: Notice, now: f64) {
        self.mixed |= !self.notice.news.has_cause_of(&notice.news);
        self.titles.insert(0, notice.title.clone());
        self.titles.truncate(NAMED);
        self.notice = notice;
        self.count += 1;
        if self.until.is_finite() {
            let stays = self.stays_secs();
            self.until = (now + stays).min(self.shown_at + MOST_STAYS * stays);
        }
    }

    fn leave(&mut self, by: f64) {
        self.until = self.until.min(by);
    }
}

/// Toasts on screen, each in its place, and those that wait for one.
#[derive(Clone, Debug)]
pub struct Toasts {
    standing: [Option<Toast>; MOST],
    waiting: Vec<Toast>,
    /// Number of places for which the screen has room.
    places: usize,
    /// True with reduced motion: toasts appear and vanish at once.
    calm: bool,
    numbers: u64,
    /// Draw-clock time of the last toast about completed runs.
    completed_at: f64,
}

impl Default for Toasts {
    fn default() -> Self {
        Self {
            standing: [const { None }; MOST],
            waiting: Vec::new(),
            places: MOST,
            calm: false,
            numbers: 0,
            completed_at: f64::NEG_INFINITY,
        }
    }
}

impl Toasts {
    /// Adds a notice, at `now` in seconds of the draw clock.
    pub fn add_notice(&mut self, notice: Notice, now: f64) {
        match &notice.news {
            News::Completed { .. } => {
                let alike = |toast: &Toast| matches!(toast.news(), News::Completed { .. });
                self.tell_with(notice, now, alike);
            }
            News::Failed { .. } => {
                let causes = self.all().filter(|toast| is_failure(toast)).count();
                let same = |toast: &Toast| toast.news().has_cause_of(&notice.news);
                if causes >= MOST_CAUSES && !self.all().any(same) {
                    self.tell_with(notice, now, is_failure);
                } else {
                    let news = notice.news.clone();
                    self.tell_with(notice, now, |toast| toast.news().has_cause_of(&news));
                }
            }
            // A later answer to a presenter's key replaces an earlier one.
            News::Presented { .. } => {
                let answers = |toast: &Toast| matches!(toast.news(), News::Presented { .. });
                let earlier: Vec<u64> =
                    self.all().filter(|toast| answers(toast)).map(|toast| toast.number).collect();
                for number in earlier {
                    self.dismiss(number, now);
                }
                self.tell_with(notice, now, |_| false);
            }
            News::Done { .. } | News::Refused { .. } => self.tell_with(notice, now, |_| false),
        }
        self.step(now);
    }

    /// Adds the notice to the latest toast that is `alike`, or makes a new one.
    fn tell_with(&mut self, notice: Notice, now: f64, alike: impl Fn(&Toast) -> bool) {
        let all = self.waiting.iter_mut().chain(self.standing.iter_mut().flatten());
        let alike = all.filter(|toast| alike(toast) && !toast.is_going(now));
        match alike.max_by_key(|toast| toast.number) {
            Some(toast) => toast.add(notice, now),
            None => {
                self.numbers += 1;
                self.waiting.push(Toast::new(self.numbers, notice, now));
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Toast> {
        self.waiting.iter().chain(self.standing.iter().flatten())
    }

    /// Sets the number of places on screen, at most [`MOST`].
    pub fn set_places(&mut self, places: usize) {
        self.places = places.min(MOST);
    }

    /// Sets whether toasts appear at once (`true`) or fade.
    pub fn set_calm(&mut self, calm: bool) {
        self.calm = calm;
    }

    /// Opacity of a toast at `now`, 0 to 1.
    pub fn opacity(&self, toast: &Toast, now: f64) -> f32 {
        if self.calm { 1.0 } else { toast.opacity(now) }
    }

    /// Removes toasts whose time is over, and shows waiting ones.
    pub fn step(&mut self, now: f64) {
        for (place, slot) in self.standing.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|toast| now >= toast.until || place >= self.places) {
                *slot = None;
            }
        }
        for toast in self.standing.iter_mut().flatten() {
            if toast.counted < toast.count && now - toast.counted_at >= RECOUNT_SECS {
                toast.recount(now);
            }
        }
        self.waiting.retain(|toast| {
            let completed = matches!(toast.news(), News::Completed { .. });
            completed || now - toast.told_at < WAITS_SECS
        });
        while let Some(next) = self.next_waiting(now) {
            let Some(place) = self.place_for(&self.waiting[next]) else { break };
            let mut toast = self.waiting.remove(next);
            toast.show(now);
            if matches!(toast.news(), News::Completed { .. }) {
                self.completed_at = now;
            }
            self.standing[place] = Some(toast);
        }
    }

    /// Index of the next waiting toast: the one of highest weight that may be shown now, then the
    /// oldest.
    fn next_waiting(&self, now: f64) -> Option<usize> {
        let may_come = |toast: &Toast| {
            let completed = matches!(toast.news(), News::Completed { .. });
            !completed || now - self.completed_at >= COMPLETED_GAP_SECS
        };
        let waiting = self.waiting.iter().enumerate().filter(|(_, toast)| may_come(toast));
        waiting
            .max_by_key(|(at, toast)| (toast.news().weight(), std::cmp::Reverse(*at)))
            .map(|(at, _)| at)
    }

    /// A free place; for an outcome of an operation also that of a toast of less weight.
    fn place_for(&self, toast: &Toast) -> Option<usize> {
        let places = self.standing[..self.places].iter().enumerate();
        let free = places.clone().find(|(_, slot)| slot.is_none());
        let weight = toast.news().weight();
        let lesser = places
            .filter_map(|(place, slot)| Some((place, slot.as_ref()?)))
            .filter(|(_, standing)| {
                toast.news().is_an_answer() && standing.news().weight() < weight
            })
            .min_by(|(_, a), (_, b)| {
                let (lesser, older) = (a.news().weight(), a.shown_at);
                lesser.cmp(&b.news().weight()).then(older.total_cmp(&b.shown_at))
            });
        free.map(|(place, _)| place).or(lesser.map(|(place, _)| place))
    }

    /// Fades out a toast.
    pub fn dismiss(&mut self, number: u64, now: f64) {
        let fades_secs = self.fades_secs();
        for toast in self.standing.iter_mut().flatten().filter(|toast| toast.number == number) {
            toast.leave(now + fades_secs);
        }
    }

    /// Fades out all toasts, and drops the waiting ones.
    pub fn dismiss_all(&mut self, now: f64) {
        let fades_secs = self.fades_secs();
        self.standing.iter_mut().flatten().for_each(|toast| toast.leave(now + fades_secs));
        self.waiting.clear();
    }

    fn fades_secs(&self) -> f64 {
        if self.calm { 0.0 } else { FADE_OUT_SECS }
    }

    /// True when no toast is on screen or waits.
    pub fn is_idle(&self) -> bool {
        self.all().next().is_none()
    }

    /// True when a toast is on screen that is not fading out.
    pub fn any(&self, now: f64) -> bool {
        self.standing.iter().flatten().any(|toast| !toast.is_going(now))
    }

    /// Toasts on screen, each with its place, from 0.
    pub fn standing(&self) -> impl Iterator<Item = (usize, &Toast)> {
        self.standing.iter().enumerate().filter_map(|(place, slot)| Some((place, slot.as_ref()?)))
    }

    /// Number of toasts that wait for a place; one about completed runs counts for 30 s only.
    pub fn waiting(&self, now: f64) -> usize {
        let waits = |toast: &&Toast| {
            !matches!(toast.news(), News::Completed { .. }) || now - toast.told_at < WAITS_SECS
        };
        self.waiting.iter().filter(waits).count()
    }

    /// Seconds until a toast changes by itself, 0 during a fade; `None` when there are none.
    pub fn due_in_secs(&self, now: f64) -> Option<f64> {
        let standing = self.standing.iter().flatten().map(|toast| {
            let goes_in = match self.opacity(toast, now) < 1.0 {
                true => 0.0,
                false if self.calm => toast.until - now,
                false => toast.until - FADE_OUT_SECS - now,
            };
            let recounts = toast.counted < toast.count;
            let counts_in = if recounts { toast.counted_at + RECOUNT_SECS - now } else { goes_in };
            goes_in.min(counts_in).max(0.0)
        });
        let waiting = self.waiting.iter().map(|toast| match toast.news() {
            News::Completed { .. } => (self.completed_at + COMPLETED_GAP_SECS - now).max(0.1),
            _ => (toast.told_at + WAITS_SECS - now).max(0.1),
        });
        standing.chain(waiting).min_by(f64::total_cmp)
    }
}

fn is_failure(toast: &Toast) -> bool {
    matches!(toast.news(), News::Failed { .. })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::source::{OperationOutcome, OperationSuccess, RunOperation};

    fn completed(title: &str) -> Notice {
        let news = News::Completed { took_ms: Some(125_000) };
        Notice { at: Timestamp::UNIX_EPOCH, run: Some(title.into()), title: title.into(), news }
    }

    fn failed(title: &str, node: &str, reason: &str) -> Notice {
        let news = News::Failed { node: Some(node.into()), reason: reason.into() };
        Notice { news, ..completed(title) }
    }

    fn cancelled(title: &str) -> Notice {
        let done =
            OperationSuccess { run: Some(title.into()), words: "Cancel requested".to_owned() };
        let outcome =
            OperationOutcome { operation: RunOperation::Cancel(title.into()), result: Ok(done) };
        Notice::of_operation(outcome, title.to_owned(), Timestamp::UNIX_EPOCH)
    }

    fn heads(toasts: &Toasts) -> Vec<String> {
        toasts.standing().map(|(_, toast)| toast.head().to_owned()).collect()
    }

    #[test]
    fn failure_toasts_stay_longer_than_success_toasts() {
        let mut toasts = Toasts::default();
        toasts.add_notice(completed("Neon Rain"), 100.0);
        toasts.add_notice(failed("Blue Hour", "RENDER", "quota exceeded"), 100.0);
        let (_, first) = toasts.standing().next().unwrap();
        assert_eq!(first.head(), "Workflow completed successfully");
        assert_eq!(first.words(), "Neon Rain, took 2 min 5 s");
        assert_eq!((first.opacity(100.0), first.opacity(101.0)), (0.0, 1.0));
        let (_, second) = toasts.standing().nth(1).unwrap();
        assert_eq!(second.head(), "Workflow failed at RENDER");
        assert_eq!(second.words(), "Blue Hour: quota exceeded");
        toasts.step(105.9);
        assert_eq!(heads(&toasts).len(), 2);
        toasts.step(106.0);
        assert_eq!(heads(&toasts), ["Workflow failed at RENDER"]);
        toasts.step(115.0);
        assert!(toasts.is_idle());
    }

    #[test]
    fn completed_runs_get_at_most_three_toasts_a_minute() {
        let mut toasts = Toasts::default();
        let mut said = Vec::new();
        let mut counted = 0;
        // 500 runs a minute for three minutes, with a step twice a second.
        for tick in 0..360 {
            let now = f64::from(tick) * 0.5;
            while counted < (now * 500.0 / 60.0) as usize {
                toasts.add_notice(completed(&format!("Song {counted}")), now);
                counted += 1;
            }
            toasts.step(now);
            assert!(toasts.standing().count() <= 1);
            said.extend(
                toasts.standing().map(|(_, toast)| (toast.number, toast.words().to_owned())),
            );
        }
        let mut numbers: Vec<u64> = said.iter().map(|(number, _)| *number).collect();
        numbers.dedup();
        assert!((5..=10).contains(&numbers.len()), "{numbers:?}");
        // Words of a toast change at most once a second.
        said.dedup();
        assert!(said.len() <= 180, "{}", said.len());
    }

    #[test]
    fn runs_completed_together_share_a_toast() {
        let mut toasts = Toasts::default();
        for title in ["A", "B", "C", "D"] {
            toasts.add_notice(completed(title), 50.0);
        }
        assert_eq!(heads(&toasts), ["Workflow completed successfully"], "words do not run");
        toasts.step(51.0);
        assert_eq!(heads(&toasts), ["4 workflows completed"]);
        let (_, toast) = toasts.standing().next().unwrap();
        assert_eq!(toast.words(), "D, C and 2 more");
    }

    #[test]
    fn failures_share_a_toast_per_cause_up_to_three() {
        let mut toasts = Toasts::default();
        for title in ["A", "B", "C"] {
            toasts.add_notice(failed(title, "RENDER", "quota exceeded"), 10.0);
        }
        toasts.step(11.0);
        assert_eq!(heads(&toasts), ["3 workflows failed at RENDER"]);
        assert_eq!(toasts.standing().next().unwrap().1.words(), "quota exceeded");
        toasts.add_notice(failed("D", "STYLE", "no such genre"), 11.0);
        toasts.add_notice(failed("E", "LYRICS", "timed out"), 11.0);
        toasts.add_notice(failed("F", "PLAN", "no sections"), 11.0);
        toasts.step(12.0);
        let heads = heads(&toasts);
        assert_eq!(heads.len(), 3);
        assert!(heads.contains(&"2 workflows failed".to_owned()), "{heads:?}");
    }

    #[test]
    fn operation_outcome_replaces_the_least_important_toast() {
        let mut toasts = Toasts::default();
        toasts.set_places(2);
        toasts.add_notice(failed("A", "RENDER", "quota exceeded"), 10.0);
        toasts.add_notice(completed("B"), 10.0);
        toasts.add_notice(failed("C", "STYLE", "no such genre"), 11.0);
        assert_eq!(toasts.waiting(11.0), 1, "counted");
        toasts.add_notice(cancelled("D"), 12.0);
        assert_eq!(heads(&toasts), ["Workflow failed at RENDER", "Cancel requested"]);
        // The answer takes the place of the toast with the least weight.
        toasts.step(18.0);
        let expected = ["Workflow failed at RENDER", "Workflow failed at STYLE"];
        assert_eq!(heads(&toasts), expected);
    }

    #[test]
    fn dismissed_toasts_fade_and_old_waiting_ones_are_dropped() {
        let mut toasts = Toasts::default();
        toasts.set_places(1);
        toasts.add_notice(failed("A", "RENDER", "quota exceeded"), 10.0);
        toasts.add_notice(failed("B", "STYLE", "no such genre"), 10.0);
        let number = toasts.standing().next().unwrap().1.number;
        toasts.dismiss(number, 11.0);
        assert!(!toasts.any(11.0));
        let opacity = toasts.standing().next().unwrap().1.opacity(11.2);
        assert!((0.4..0.6).contains(&opacity), "{opacity}");
        toasts.step(11.5);
        assert_eq!(heads(&toasts), ["Workflow failed at STYLE"]);
        toasts.add_notice(failed("C", "PLAN", "no sections"), 12.0);
        toasts.dismiss_all(12.0);
        toasts.step(12.5);
        assert!(toasts.is_idle());
        toasts.set_places(0);
        toasts.add_notice(failed("D", "PLAN", "no sections"), 20.0);
        toasts.set_places(3);
        toasts.step(51.0);
        assert!(toasts.is_idle(), "that is no news any more");
    }
}
