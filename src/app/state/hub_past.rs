//! The past that the hub kept from before this screen's own: what is asked for, what has come, and how far
//! it was folded. Asks for one page at a time, and lets one wait beside the one that is being folded.

use std::collections::VecDeque;
use std::time::Duration;

use bevy::platform::time::Instant;
use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

use crate::model::Retention;
use crate::model::past::FetchedPast;
use crate::protocol::Batch;
use crate::source::{
    Command, HistoryAnswer, HistoryError, HistoryPage, HistoryQuestion, OfferedHistory, PAGE_FRAMES,
};

/// Time of the hub's past that is there before it is shown, while it plays.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);

/// Instant of the hub's past that is to be shown once it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Landing {
    /// The instant itself.
    At,
    /// The last event up to the instant.
    EventBefore,
    /// The last failure up to the instant, or the instant where there is none.
    FailureBefore,
}

/// An instant of the hub's past that is to be shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Goal {
    pub at: Timestamp,
    /// True when it plays on from there.
    pub is_playing: bool,
    pub landing: Landing,
}

/// A question to the hub in progress, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// First and last instant that is asked for.
    pub from: Timestamp,
    /// The instant that is to be shown.
    pub to: Timestamp,
    /// Number of pages that have come.
    pub pages: u64,
    /// Number of pages in all, where it is known.
    pub of: Option<u64>,
}

/// The page that is being folded.
#[derive(Debug)]
struct Fold {
    batches: VecDeque<Batch>,
    /// Instant up to which everything is there after this page; `None` where another page follows.
    end: Option<Timestamp>,
}

/// The hub's past; see the module's documentation.
#[derive(Debug, Default)]
pub(super) struct HubPast {
    offer: Option<OfferedHistory>,
    /// Stream that `fetched` is of.
    stream: Option<SmolStr>,
    fetched: Option<FetchedPast>,
    goal: Option<Goal>,
    /// Place after the last page that was begun to be folded.
    after: Option<String>,
    /// Number of the question that waits for its answer, and its last instant.
    asked: Option<(u64, Timestamp)>,
    fold: Option<Fold>,
    /// A page that waits until another one is folded, and the last instant that was asked for.
    waiting: Option<(HistoryPage, Timestamp)>,
    /// Instant up to which everything was there when it began to be asked.
    from: Option<Timestamp>,
    pages: u64,
    of: Option<u64>,
    last_id: u64,
    commands: Vec<Command>,
    failure: Option<HistoryError>,
    /// True from a failure on until something is asked for again.
    has_failed: bool,
    was_restarted: bool,
    /// True while an instant is shown whose past was dropped meanwhile.
    is_shown_lost: bool,
    changes: u64,
}

impl HubPast {
    /// Creates the past of another source. Answers to questions of before are no answers to its own.
    pub fn after(before: &Self) -> Self {
        Self { last_id: before.last_id, changes: before.changes + 1, ..Self::default() }
    }

    /// Takes what a hub offers; `None` while no hub with a history is connected. Returns true when what was
    /// fetched is gone, because the hub has begun another stream.
    pub fn take_offer(&mut self, offer: Option<OfferedHistory>) -> bool {
        let mut is_gone = false;
        if let Some(offer) = &offer {
            if self.stream.as_ref() != Some(&offer.stream) {
                is_gone = self.fetched.is_some();
                self.restart();
                self.stream = Some(offer.stream.clone());
            }
            (self.has_failed, self.was_restarted) = (false, false);
        }
        self.changes += u64::from(self.offer != offer);
        self.offer = offer;
        is_gone
    }

    /// Past that was fetched and folded.
    pub fn fetched(&self) -> Option<&FetchedPast> {
        self.fetched.as_ref()
    }

    /// First instant that the hub kept, as it says; `None` where it cannot be asked.
    pub fn offered_since(&self) -> Option<Timestamp> {
        self.offer.as_ref()?.since
    }

    /// Returns the oldest instant in reach before `own`, the oldest of this screen's own past.
    pub fn reach(&self, own: Timestamp) -> Option<Timestamp> {
        let offered = self.offered_since().filter(|_| !self.has_failed);
        let joined = self.fetched.as_ref().filter(|it| it.covered_to().is_some_and(|to| to >= own));
        let held = joined.and_then(|it| it.since().or(it.past().reach().kept.map(|kept| kept.0)));
        offered.into_iter().chain(held).min().filter(|oldest| *oldest < own)
    }

    /// The instant that is to be shown as soon as it is there.
    pub fn goal(&self) -> Option<&Goal> {
        self.goal.as_ref()
    }

    pub fn goal_mut(&mut self) -> Option<&mut Goal> {
        self.goal.as_mut()
    }

    /// Has an instant fetched. What is longest ago is fetched again where it had been dropped.
    pub fn seek(&mut self, goal: Goal) {
        let is_dropped = |fetched: &FetchedPast| fetched.since().is_some_and(|it| it > goal.at);
        if self.fetched.as_ref().is_some_and(is_dropped) {
            self.restart();
        }
        self.from = self.fetched.as_ref().and_then(FetchedPast::covered_to);
        if self.from.is_some() {
            (self.pages, self.of) = (0, None);
        }
        self.goal = Some(goal);
        self.has_failed = false;
        self.changes += 1;
    }

    /// Waits for no instant any longer. What was asked for may still come.
    pub fn drop_goal(&mut self) {
        self.changes += u64::from(self.goal.take().is_some());
    }

    /// Gives up what is asked for. What was fetched stays.
    pub fn cancel(&mut self) {
        self.drop_goal();
        self.waiting = None;
        if self.asked.take().is_some() {
            self.commands.push(Command::CancelHistory);
        }
    }

    /// Drops what was fetched, and begins with the first page when something is asked for.
    fn restart(&mut self) {
        let goal = self.goal;
        self.cancel();
        self.goal = goal;
        self.is_shown_lost |= self.fetched.is_some();
        (self.fetched, self.after, self.fold) = (None, None, None);
        (self.from, self.pages, self.of) = (None, 0, None);
        self.changes += 1;
    }

    /// True while an instant is shown whose past was dropped meanwhile: it cannot play on.
    pub fn is_shown_lost(&self) -> bool {
        self.is_shown_lost
    }

    /// Notes that an instant of what was fetched is shown.
    pub fn note_shown(&mut self) {
        self.is_shown_lost = false;
    }

    /// True when no more of the past will come by itself.
    pub fn is_stuck(&self) -> bool {
        self.has_failed || self.offer.is_none()
    }

    /// Takes an answer of the hub.
    pub fn take(&mut self, answer: HistoryAnswer) {
        let Some((_, to)) = self.asked.take_if(|(id, _)| *id == answer.id) else { return };
        self.changes += 1;
        match answer.result {
            Ok(page) => self.waiting = Some((page, to)),
            Err(HistoryError::Restarted) if !self.was_restarted => {
                self.was_restarted = true;
                self.restart();
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: HistoryError) {
        self.cancel();
        if error.is_final() {
            self.offer = None;
        }
        self.failure = Some(error);
        self.has_failed = true;
        self.changes += 1;
    }

    /// Takes the reason why the hub did not answer.
    pub fn take_failure(&mut self) -> Option<HistoryError> {
        self.failure.take()
    }

    /// Takes what is to be sent to the source.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Folds what has come, for as long as the budget lasts. Returns true when there is more to fold.
    pub fn fold(&mut self, budget: Duration, retention: Retention) -> bool {
        let begun = Instant::now();
        loop {
            let Some(fold) = &mut self.fold else {
                if !self.begin_fold() {
                    return false;
                }
                continue;
            };
            let fetched = self.fetched.get_or_insert_with(|| FetchedPast::new(retention));
            while let Some(batch) = fold.batches.pop_front() {
                fetched.receive(batch);
                if begun.elapsed() > budget {
                    return true;
                }
            }
            if let Some(end) = fold.end {
                fetched.cover(end);
            }
            self.fold = None;
            self.changes += 1;
        }
    }

    fn begin_fold(&mut self) -> bool {
        let Some((page, to)) = self.waiting.take() else { return false };
        self.pages += 1;
        if let Some(frames) = page.frames_in_all {
            self.of = Some(frames.div_ceil(PAGE_FRAMES as u64).max(1));
        }
        self.after = page.end.or(self.after.take());
        let end = (!page.has_next).then_some(to);
        self.fold = Some(Fold { batches: page.batches.into(), end });
        true
    }

    /// Asks for the next page, where one is needed: for the instant that is to be shown, else for what
    /// follows `shown`, an instant of the hub's past, up to `own`, the oldest of this screen's own.
    pub fn ask_on(&mut self, shown: Option<Timestamp>, own: Timestamp) {
        if self.asked.is_some() || self.waiting.is_some() {
            return;
        }
        let covered = self.fetched.as_ref().and_then(FetchedPast::covered_to);
        // A part that is being folded counts as present.
        let covered = covered.max(self.fold.as_ref().and_then(|fold| fold.end));
        let is_there = |at: Timestamp| covered.is_some_and(|covered| at <= covered);
        let to = match (self.goal, shown) {
            (Some(goal), _) => goal.at,
            (None, Some(shown)) => {
                let is_soon = !is_there(shown.checked_add(AHEAD).unwrap_or(shown).min(own));
                let has_room = self.fetched.as_ref().is_some_and(FetchedPast::has_room);
                if !is_soon && !has_room || self.has_failed {
                    return;
                }
                own
            }
            (None, None) => return,
        };
        if is_there(to) {
            return;
        }
        if self.offer.is_none() {
            if self.goal.is_some() {
                self.fail(HistoryError::NoHub);
            }
            return;
        }
        self.last_id += 1;
        self.asked = Some((self.last_id, to));
        let question = HistoryQuestion { id: self.last_id, to, after: self.after.clone() };
        self.commands.push(Command::AskHistory(question));
    }

    /// True while there is something to do in each frame.
    pub fn is_at_work(&self) -> bool {
        let is_folding = self.fold.is_some() || self.waiting.is_some();
        is_folding || self.goal.is_some() || !self.commands.is_empty()
    }

    /// Returns what is being asked for; `None` while nothing is to be shown as soon as it is there.
    pub fn asking(&self) -> Option<Asking> {
        let goal = self.goal?;
        let from = self.from.or(self.offered_since()).unwrap_or(goal.at).min(goal.at);
        // A page may end early, so there may be more of them.
        let of = self.of.map(|of| of.max(self.pages));
        Some(Asking { from, to: goal.at, pages: self.pages, of })
    }

    /// Takes the goal if it can be shown now.
    pub fn take_reached(&mut self) -> Option<Goal> {
        let mut goal = self.goal?;
        let fetched = self.fetched.as_ref()?;
        fetched.covered_to().filter(|to| goal.at <= *to)?;
        // The oldest part may have been dropped to make room.
        goal.at = goal.at.max(fetched.since().unwrap_or(goal.at));
        self.goal = None;
        // A page on its way is one that is not needed.
        self.changes += 1;
        Some(goal)
    }

    /// Number of changes of what is fetched, asked for, or in reach; views compare it with the value they
    /// last drew.
    pub fn changes(&self) -> u64 {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn offer(stream: &str) -> Option<OfferedHistory> {
        Some(OfferedHistory { stream: stream.into(), since: Some(at(0)) })
    }

    fn goal(second: i64) -> Goal {
        Goal { at: at(second), is_playing: true, landing: Landing::At }
    }

    fn page(seconds: std::ops::Range<i64>, has_next: bool, in_all: Option<u64>) -> HistoryPage {
        let end = Some(format!("s.{}", seconds.end));
        let batches = seconds.map(|second| {
            let mut batch = Batch::new(at(second), true);
            let at = at(second);
            batch.push_text(&format!(r#"{{"ts":"{at}","run_id":"r{second}","phase":"start"}}"#));
            batch
        });
        HistoryPage { batches: batches.collect(), has_next, end, frames_in_all: in_all }
    }

    /// The question that was sent; `None` where none was.
    fn asked(hub: &mut HubPast) -> Option<(u64, Timestamp, Option<String>)> {
        let mut questions = hub.take_commands().into_iter().filter_map(|command| match command {
            Command::AskHistory(HistoryQuestion { id, to, after }) => Some((id, to, after)),
            _ => None,
        });
        let question = questions.next();
        assert!(questions.next().is_none(), "one at a time");
        question
    }

    fn answer(hub: &mut HubPast, id: u64, page: HistoryPage) {
        hub.take(HistoryAnswer { id, result: Ok(page) });
    }

    fn fold(hub: &mut HubPast) {
        assert!(!hub.fold(Duration::MAX, Retention::default()));
    }

    fn connected() -> HubPast {
        let mut hub = HubPast::default();
        hub.take_offer(offer("s"));
        hub
    }

    #[test]
    fn pages_are_asked_one_at_a_time_until_the_instant_is_there() {
        let mut hub = connected();
        assert_eq!(hub.reach(at(1_000)), Some(at(0)));
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), None, "nobody wants anything");
        hub.seek(goal(50));
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), Some((1, at(50), None)));
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), None);
        answer(&mut hub, 1, page(0..30, true, Some(5_000)));
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), None, "one page waits");
        fold(&mut hub);
        let asking = hub.asking().unwrap();
        assert_eq!((asking.from, asking.to), (at(0), at(50)));
        assert_eq!((asking.pages, asking.of), (1, Some(3)));
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), Some((2, at(50), Some("s.30".to_owned()))));
        assert_eq!(hub.take_reached(), None);
        answer(&mut hub, 2, page(30..51, false, None));
        fold(&mut hub);
        assert_eq!(hub.take_reached(), Some(goal(50)));
        assert_eq!(hub.asking(), None);
        assert!(hub.fetched().unwrap().covers(at(50)));
        // Fetching continues from there while the hub's past is shown, and only then.
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), None);
        hub.ask_on(Some(at(50)), at(1_000));
        assert_eq!(asked(&mut hub), Some((3, at(1_000), Some("s.51".to_owned()))));
        answer(&mut hub, 3, page(51..60, false, None));
        fold(&mut hub);
        assert_eq!(hub.reach(at(1_000)), Some(at(0)));
        hub.ask_on(Some(at(50)), at(1_000));
        assert_eq!(asked(&mut hub), None, "everything is there");
        // The screen's own past has lost its oldest part since.
        hub.ask_on(Some(at(950)), at(1_100));
        assert_eq!(asked(&mut hub), Some((4, at(1_100), Some("s.60".to_owned()))));
    }

    #[test]
    fn given_up_question_keeps_what_was_fetched_and_misses_nothing_later() {
        let mut hub = connected();
        hub.seek(goal(50));
        hub.ask_on(None, at(1_000));
        asked(&mut hub);
        answer(&mut hub, 1, page(0..30, true, None));
        fold(&mut hub);
        hub.ask_on(None, at(1_000));
        asked(&mut hub);
        hub.cancel();
        assert!(matches!(hub.take_commands()[..], [Command::CancelHistory]));
        assert_eq!((hub.asking(), hub.is_at_work()), (None, false));
        answer(&mut hub, 2, page(30..51, false, None));
        fold(&mut hub);
        assert!(!hub.fetched().unwrap().covers(at(40)), "an answer that came too late");
        hub.seek(goal(40));
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), Some((3, at(40), Some("s.30".to_owned()))));
    }

    #[test]
    fn failure_ends_the_question_and_a_hub_that_cannot_answer_is_not_asked_again() {
        for (error, may_ask) in
            [(HistoryError::Failed("gone".to_owned()), true), (HistoryError::Unknown, false)]
        {
            let mut hub = connected();
            hub.seek(goal(50));
            hub.ask_on(None, at(1_000));
            asked(&mut hub);
            hub.take(HistoryAnswer { id: 1, result: Err(error.clone()) });
            assert_eq!((hub.take_failure(), hub.goal()), (Some(error), None));
            assert_eq!(hub.reach(at(1_000)), None, "the bar says how far back it can go");
            assert_eq!(hub.offered_since().is_some(), may_ask);
            hub.take_offer(offer("s"));
            assert_eq!(hub.reach(at(1_000)), Some(at(0)), "the hub was connected again");
        }
        let mut hub = connected();
        hub.take_offer(None);
        hub.seek(goal(50));
        hub.ask_on(None, at(1_000));
        assert_eq!(hub.take_failure(), Some(HistoryError::NoHub));
    }

    #[test]
    fn hub_that_began_anew_is_asked_from_the_beginning_once() {
        let mut hub = connected();
        hub.seek(goal(50));
        hub.ask_on(None, at(1_000));
        answer(&mut hub, 1, page(0..30, true, None));
        fold(&mut hub);
        hub.ask_on(None, at(1_000));
        hub.take_commands();
        hub.take(HistoryAnswer { id: 2, result: Err(HistoryError::Restarted) });
        assert!(hub.fetched().is_none());
        hub.ask_on(None, at(1_000));
        assert_eq!(asked(&mut hub), Some((3, at(50), None)));
        hub.take(HistoryAnswer { id: 3, result: Err(HistoryError::Restarted) });
        assert_eq!(hub.take_failure(), Some(HistoryError::Restarted));
        // Its hello tells the same.
        hub.seek(goal(50));
        hub.ask_on(None, at(1_000));
        answer(&mut hub, 4, page(0..60, false, None));
        fold(&mut hub);
        assert!(!hub.take_offer(offer("s")));
        assert!(hub.fetched().is_some(), "the same stream");
        assert!(hub.take_offer(offer("t")));
        assert!(hub.fetched().is_none());
    }
}
