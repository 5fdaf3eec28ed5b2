//! Performs movements in time: shows the past, plays it, and goes back to live. Says why where one is
//! impossible, and refuses what must not be done while the past is shown.

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};

use super::user_input::{self, UserInput};
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::{Notice, Notices};
use crate::app::state::actions::{Action, Obstacle, Transport};
use crate::app::state::chrome::Chrome;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::hit::Scrub;
use crate::app::state::hub_past::Landing;
use crate::app::state::hub_rewind::Step;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::rewind::{self, SPEEDS, Unattended};
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;

/// Time back from the shown instant within which "the failure before" skips one while playing, so that a
/// second press goes on to an earlier one.
const JUST_PASSED: SignedDuration = SignedDuration::from_secs(2);

/// Said where what comes next has to come from the hub first.
const STILL_ASKING: &str = "later events are still loading from the hub; try again in a moment";

/// Reasons why something was not done, until they are told.
#[derive(Resource, Debug, Default)]
pub(super) struct Refusals(Vec<String>);

impl Refusals {
    /// Adds a reason, to be told in a toast.
    pub(super) fn push(&mut self, words: &str) {
        self.0.push(words.to_owned());
    }

    /// Returns the reasons that were not told yet.
    #[cfg(test)]
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}

/// Adds what the systems read.
pub(super) fn add_inputs(app: &mut App) {
    user_input::add_messages(app);
    app.init_resource::<NextFrame>().init_resource::<DrawClock>().init_resource::<Refusals>();
}

/// Performs the movements in time.
pub(super) fn apply(
    mut actions: MessageReader<Action>,
    mut run_store: ResMut<RunStore>,
    mut clock: ResMut<PlaybackClock>,
    (chrome, view): (Res<Chrome>, Option<Res<View>>),
    scrub: Option<Res<Scrub>>,
    mut refusals: ResMut<Refusals>,
) {
    for action in actions.read() {
        match action {
            Action::Time(transport) => {
                refusals.0.extend(perform(*transport, &mut run_store, clock.live_now).err());
                rewind::show_on(&mut clock, &run_store);
            }
            Action::Ask(..) | Action::Answer(Some(_)) | Action::MarkSeen(_)
                if run_store.is_rewound() =>
            {
                refusals.push(&Obstacle::Past.to_string());
            }
            _ => {}
        }
    }
    refusals.0.extend(run_store.bypass_change_detection().take_hub_failure());
    // Older lines are read when the pointer comes to rest: that takes longer than a frame.
    let is_dragged = scrub.is_some_and(|scrub| scrub.dragged.is_some());
    let has_log = chrome.panel || view.is_some_and(|view| *view == View::Desk);
    if has_log && !is_dragged && run_store.lacks_log() {
        run_store.fill_log();
    }
}

/// Performs one movement.
///
/// # Errors
///
/// Returns the reason where there is nothing to show.
fn perform(
    transport: Transport,
    run_store: &mut RunStore,
    live_now: Timestamp,
) -> Result<(), String> {
    let live_now = run_store.latest(live_now);
    let past = run_store.shown_past();
    let aimed_at = run_store.aimed_at();
    let at = aimed_at.map_or(past.map_or(live_now, |past| past.at), |(at, _)| at);
    let is_playing = past.is_none_or(|past| past.is_playing);
    let is_playing = aimed_at.map_or(is_playing, |(_, is_playing)| is_playing);
    let nothing = || "no earlier events are kept".to_owned();
    let show = |run_store: &mut RunStore, at: Timestamp, is_playing: bool| {
        run_store.rewind_to(at, live_now, is_playing).then_some(()).ok_or_else(nothing)
    };
    match transport {
        Transport::TogglePlaying if past.is_none() => show(run_store, live_now, false),
        Transport::Play(false) if past.is_none() => show(run_store, live_now, false),
        Transport::TogglePlaying => {
            run_store.set_playing(!is_playing);
            Ok(())
        }
        Transport::Play(plays) => {
            run_store.set_playing(plays);
            Ok(())
        }
        // The future is not known.
        Transport::Skip(1..) | Transport::NextEvent if past.is_none() => {
            Err(Obstacle::Live.to_string())
        }
        Transport::Skip(secs) => {
            let by = SignedDuration::from_secs(i64::from(secs));
            show(run_store, at.checked_add(by).unwrap_or(at), is_playing)
        }
        Transport::Show(at) => show(run_store, at, is_playing),
        Transport::NextEvent => match run_store.step_forward(at, false) {
            Step::To(next) if next <= live_now => show_still(run_store, next, live_now),
            Step::Asked => Err(STILL_ASKING.to_owned()),
            _ => Err(Obstacle::LatestEvent.to_string()),
        },
        Transport::PreviousEvent => match run_store.step_back(at, Landing::EventBefore) {
            Step::To(before) => show_still(run_store, before, live_now),
            Step::Asked => Ok(()),
            Step::Nowhere => Err("this is the earliest event that is kept".to_owned()),
        },
        Transport::NextFailure => match run_store.step_forward(at, true) {
            Step::To(next) if past.is_some() => show(run_store, next, is_playing),
            Step::Asked if past.is_some() => Err(STILL_ASKING.to_owned()),
            _ => Err("no later failure".to_owned()),
        },
        Transport::PreviousFailure => {
            let passed = past.is_some_and(|past| past.is_playing);
            let from = if passed { at.checked_sub(JUST_PASSED).unwrap_or(at) } else { at };
            match run_store.step_back(from, Landing::FailureBefore) {
                Step::To(before) => show(run_store, before, is_playing),
                Step::Asked => Ok(()),
                Step::Nowhere => Err("no earlier failure is kept".to_owned()),
            }
        }
        Transport::Oldest => match run_store.oldest_in_reach() {
            Some(oldest) => show(run_store, oldest, is_playing),
            None => Err(nothing()),
        },
        Transport::Live => {
            run_store.go_live();
            Ok(())
        }
        Transport::Speed(place) => {
            if let Some(speed) = SPEEDS.get(place) {
                run_store.set_speed(*speed);
            }
            Ok(())
        }
    }
}

/// Shows an instant and stops there.
fn show_still(run_store: &mut RunStore, at: Timestamp, live_now: Timestamp) -> Result<(), String> {
    run_store.rewind_to(at, live_now, false);
    run_store.set_playing(false);
    Ok(())
}

/// Tells the reasons why something was not done, in toasts.
pub(super) fn tell(
    mut refusals: ResMut<Refusals>,
    mut notices: ResMut<Notices>,
    (clock, draw_clock): (Res<PlaybackClock>, Res<DrawClock>),
) {
    for words in refusals.bypass_change_detection().0.drain(..) {
        let notice = Notice::of_rewinding(words, clock.live_now);
        notices.toasts.add_notice(notice, draw_clock.secs);
    }
}

/// Goes back to live when nobody touched an unattended display for [`Unattended::RETURNS_SECS`].
pub(super) fn return_to_live(
    mut input: UserInput,
    mut actions: MessageReader<Action>,
    mut run_store: ResMut<RunStore>,
    mut clock: ResMut<PlaybackClock>,
    mut unattended: ResMut<Unattended>,
    draw_clock: Res<DrawClock>,
    mut next: ResMut<NextFrame>,
) {
    let now = draw_clock.secs;
    let acted = actions.read().count() > 0;
    if input.did_something() || acted || !run_store.is_rewound() {
        unattended.touched(now);
    }
    if !run_store.is_rewound() {
        return;
    }
    match unattended.left_secs(now) {
        Some(left) if left > 0.0 => next.within_secs(left.min(1.0)),
        Some(_) => {
            run_store.go_live();
            rewind::show_on(&mut clock, &run_store);
        }
        None => {}
    }
}
