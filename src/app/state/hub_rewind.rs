//! The hub's past on the display: how far it reaches, steps between it and this screen's own past, and the
//! wait until what is asked for is there.

use std::time::Duration;

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};

use super::clock::{PlaybackClock, local_zone};
use super::hub_past::{Asking, Goal, Landing};
use super::link::Link;
use super::next_frame::NextFrame;
use super::run_store::RunStore;
use crate::model::RunStatus;
use crate::model::past::{EndMark, FetchedPast, Past};
use crate::source::{HistoryAnswer, OfferedHistory};

/// Time that one frame may spend on folding what the hub sent: while the picture waits for it, and otherwise.
const FOLD_BUDGET: Duration = Duration::from_millis(12);
const BACKGROUND_BUDGET: Duration = Duration::from_millis(3);

/// Smallest step in time.
const MOMENT: SignedDuration = SignedDuration::from_nanos(1);

/// Target of a step in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Step {
    /// To an instant that is kept here.
    To(Timestamp),
    /// The hub has to be asked, and is.
    Asked,
    /// Nowhere: there is nothing.
    Nowhere,
}

impl RunStore {
    /// Takes what a hub offers; `None` while no hub with a history is connected.
    pub(super) fn take_offer(&mut self, offer: Option<OfferedHistory>, live_now: Timestamp) {
        let is_gone = self.hub.take_offer(offer);
        if is_gone
            && self.rewound.as_ref().is_some_and(|rewound| rewound.is_of_hub)
            && let Some(oldest) = self.oldest()
        {
            self.rewind_to(oldest, live_now, false);
        }
    }

    /// Takes a hub's answer.
    pub(super) fn take_answer(&mut self, answer: HistoryAnswer) {
        self.hub.take(answer);
    }

    /// Returns the oldest instant that can be shown, here or by asking the hub; `None` when nothing was
    /// received.
    pub fn oldest_in_reach(&self) -> Option<Timestamp> {
        let own = self.oldest()?;
        Some(self.hub.reach(own).unwrap_or(own))
    }

    /// Returns what the hub is asked for; `None` while no instant is waited for.
    pub fn asking(&self) -> Option<Asking> {
        self.hub.asking()
    }

    /// Number of changes of what the hub's past has, and how far it reaches.
    pub(in crate::app) fn hub_changes(&self) -> u64 {
        self.hub.changes()
    }

    /// Returns the instant that is to be shown as soon as it is there, and whether it plays on from there.
    pub(in crate::app) fn aimed_at(&self) -> Option<(Timestamp, bool)> {
        self.hub.goal().map(|goal| (goal.at, goal.is_playing))
    }

    /// Waits no longer for what the hub is asked for. What is shown stays.
    pub(in crate::app) fn cancel_asking(&mut self) {
        self.hub.cancel();
    }

    /// Returns why the hub could not be asked, as a sentence that says how far back it goes all the same.
    pub(in crate::app) fn take_hub_failure(&mut self) -> Option<String> {
        let error = self.hub.take_failure()?;
        let reach = self.oldest().map(|oldest| {
            let oldest = oldest.to_zoned(local_zone());
            oldest.strftime("; without it, this screen goes back to %-d %b %H:%M:%S").to_string()
        });
        Some(format!(
            "the past cannot be loaded from the hub: {error}{}",
            reach.unwrap_or_default()
        ))
    }

    /// Shows an instant before `own`, the oldest of this screen's own past, or has the hub asked for it.
    /// Returns false where the hub's past does not reach back behind `own`.
    pub(super) fn rewind_before(
        &mut self,
        at: Timestamp,
        own: Timestamp,
        is_playing: bool,
        landing: Landing,
    ) -> bool {
        if self.hub.fetched().is_some_and(|fetched| fetched.covers(at)) {
            self.hub.drop_goal();
            return self.show_of_hub(at, is_playing);
        }
        let Some(since) = self.hub.offered_since().filter(|since| *since < own) else {
            return false;
        };
        if self.rewound.is_none() {
            // Meanwhile the oldest instant that is here.
            self.show_own(own, false);
        }
        self.hub.seek(Goal { at: at.max(since), is_playing, landing });
        true
    }

    /// Shows an instant of what was fetched.
    fn show_of_hub(&mut self, at: Timestamp, is_playing: bool) -> bool {
        let Some(Ok(cursor)) = self.hub.fetched().map(|fetched| fetched.past().cursor(at)) else {
            return false;
        };
        self.show_cursor(cursor, at, is_playing, true);
        true
    }

    /// True while an instant of the hub's past is shown that was dropped meanwhile.
    pub(super) fn is_shown_lost(&self) -> bool {
        let is_of_hub = self.rewound.as_ref().is_some_and(|rewound| rewound.is_of_hub);
        is_of_hub && self.hub.is_shown_lost()
    }

    /// Shows the oldest instant of this screen's own past in place of one that was dropped, unless another one is
    /// on its way.
    fn leave_lost(&mut self) -> bool {
        if !self.is_shown_lost() || self.hub.goal().is_some() {
            return false;
        }
        self.oldest().is_some_and(|oldest| self.show_own(oldest, false))
    }

    /// Shows what was waited for, if it is there.
    fn land(&mut self) -> bool {
        let Some(goal) = self.hub.take_reached() else { return false };
        let Some(past) = self.hub.fetched().map(FetchedPast::past) else { return false };
        let after = goal.at.checked_add(MOMENT).unwrap_or(goal.at);
        let at = match goal.landing {
            Landing::At => None,
            Landing::EventBefore => past.previous_event(after),
            Landing::FailureBefore => past.previous_failure(after).map(|mark| mark.at),
        };
        self.show_of_hub(at.unwrap_or(goal.at), goal.is_playing)
    }

    /// Finds the event or failure before `at`, in this screen's own past or that of the hub.
    pub(in crate::app) fn step_back(&mut self, at: Timestamp, landing: Landing) -> Step {
        let find = |past: &Past, at: Timestamp| match landing {
            Landing::FailureBefore => past.previous_failure(at).map(|mark| mark.at),
            Landing::At | Landing::EventBefore => past.previous_event(at),
        };
        let Some(own) = self.oldest() else { return Step::Nowhere };
        let found = match landing {
            Landing::FailureBefore => {
                let is_failure = |mark: &&EndMark| mark.at < at && mark.status == RunStatus::Failed;
                self.own_ends(own, at).rev().find(is_failure).map(|mark| mark.at)
            }
            Landing::At | Landing::EventBefore => find(&self.past, at),
        };
        if let Some(found) = found.filter(|found| *found >= own) {
            return Step::To(found);
        }
        let before = at.min(own).checked_sub(MOMENT).unwrap_or(at);
        let mut begin = before;
        if let Some(fetched) = self.hub.fetched().filter(|fetched| fetched.covers(before)) {
            if let Some(found) = find(fetched.past(), at.min(own)) {
                return Step::To(found);
            }
            let Some(since) = fetched.since() else { return Step::Nowhere };
            begin = since.checked_sub(MOMENT).unwrap_or(since);
        }
        let is_playing = self.shown_past().is_some_and(|past| past.is_playing);
        let is_playing = is_playing && landing == Landing::FailureBefore;
        let is_in_reach = self.hub.offered_since().is_some_and(|since| since <= begin);
        match is_in_reach && self.rewind_before(begin, own, is_playing, landing) {
            true => Step::Asked,
            false => Step::Nowhere,
        }
    }

    /// Finds the next event or failure after `at`, in the hub's past or this screen's own.
    pub(in crate::app) fn step_forward(&self, at: Timestamp, is_failure: bool) -> Step {
        let find = |past: &Past, at: Timestamp| match is_failure {
            true => past.next_failure(at).map(|mark| mark.at),
            false => past.next_event(at),
        };
        let own = self.oldest().unwrap_or(at);
        if at < own
            && let Some(fetched) = self.hub.fetched()
        {
            if let Some(found) = find(fetched.past(), at).filter(|found| *found < own) {
                return Step::To(found);
            }
            if fetched.covered_to().is_none_or(|to| to < own) && !self.hub.is_stuck() {
                return Step::Asked;
            }
        }
        let at = at.max(own.checked_sub(MOMENT).unwrap_or(own));
        let found = match is_failure {
            true => {
                let is_next = |mark: &&EndMark| mark.at > at && mark.status == RunStatus::Failed;
                self.own_ends(at, Timestamp::MAX).find(is_next).map(|mark| mark.at)
            }
            false => find(&self.past, at),
        };
        found.map_or(Step::Nowhere, Step::To)
    }

    /// Returns the number of changes in each of `parts` equal parts of the time from `from` to `until`, of
    /// the hub's past and this screen's own.
    pub fn activity(&self, from: Timestamp, until: Timestamp, parts: usize) -> Vec<u32> {
        let mut counts = self.past.activity(from, until, parts);
        let own = self.oldest().unwrap_or(until);
        if let Some(fetched) = self.hub.fetched().filter(|_| from < own) {
            let of_hub = fetched.past().activity(from, until, parts);
            counts
                .iter_mut()
                .zip(of_hub)
                .for_each(|(count, more)| *count = count.saturating_add(more));
        }
        counts
    }

    /// Returns the ends of runs in this screen's own past. Those that a hub repeated when it was connected
    /// are left out where its past, in which they happened, is in reach.
    fn own_ends(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl DoubleEndedIterator<Item = &EndMark> {
        let has_hub = self.oldest().is_some_and(|own| self.hub.reach(own).is_some());
        self.past.ends(from, until).filter(move |mark| mark.live || !has_hub)
    }

    /// Returns the ends of runs from `from` to `until`, in order, of the hub's past and this screen's own.
    pub fn ends(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = &EndMark> {
        let own = self.oldest().unwrap_or(from);
        let fetched = self.hub.fetched().filter(|_| from < own);
        let of_hub = fetched.map(|fetched| fetched.past().ends(from, until.min(own)));
        of_hub.into_iter().flatten().chain(self.own_ends(from, until))
    }
}

/// Folds what the hub sent, shows what was waited for once it is there, and asks for more.
pub(super) fn pursue(
    mut run_store: ResMut<RunStore>,
    link: Res<Link>,
    clock: Res<PlaybackClock>,
    mut next: ResMut<NextFrame>,
) {
    // Nothing of this is seen before it is shown.
    let unseen = run_store.bypass_change_detection();
    let shown = unseen.rewound.as_ref().filter(|rewound| rewound.is_of_hub).map(|it| it.at);
    if shown.is_none() && !unseen.hub.is_at_work() {
        return;
    }
    let budget = match unseen.hub.goal() {
        _ if clock.is_fixed() => Duration::MAX,
        Some(_) => FOLD_BUDGET,
        None => BACKGROUND_BUDGET,
    };
    let retention = *unseen.live().retention();
    if unseen.hub.fold(budget, retention) {
        next.within_secs(0.0);
    }
    let is_left = unseen.land() || unseen.leave_lost();
    if is_left {
        run_store.set_changed();
    }
    let unseen = run_store.bypass_change_detection();
    if let Some(own) = unseen.oldest() {
        let shown = unseen.rewound.as_ref().filter(|rewound| rewound.is_of_hub).map(|it| it.at);
        unseen.hub.ask_on(shown, own);
    }
    for command in unseen.hub.take_commands() {
        link.ask(command);
    }
}
