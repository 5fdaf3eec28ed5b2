//! Performs what [`crate::director`] decides, and informs it of events. While the director is on,
//! nothing else chooses the view or the run; any user input ends that.

use std::time::Duration;

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use jiff::Timestamp;

use super::user_input::{self, UserInput};
use crate::app::draw::DrawClock;
use crate::app::overlays::pill;
use crate::app::state::actions::Action;
use crate::app::state::auto::Auto;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::focus::Focus;
use crate::app::state::history::{HistoryData, HistoryOrigin};
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::{EventReceived, RunStore};
use crate::app::state::selection::Selection;
use crate::app::state::view::View;
use crate::app::state::viewport::Zoom;
use crate::app::systems::AppSystems;
use crate::director::{Director, DirectorSettings, ShowReason};
use crate::history::LEAST_TO_COMPARE;
use crate::model::{NodeStatus, RunStatus};
use crate::protocol::RunId;

/// Period that the history shows unless another one is asked for.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Adds the director, initially on or off; key A turns it on in any view. Requires a
/// [`crate::app::MeterbridgePlugin`].
pub struct DirectorPlugin {
    pub settings: DirectorSettings,
}

impl Plugin for DirectorPlugin {
    fn build(&self, app: &mut App) {
        let DirectorSettings { on, rates } = self.settings;
        user_input::add_messages(app);
        app.init_resource::<NextFrame>()
            .init_resource::<DrawClock>()
            .insert_resource(Auto(Director::new(rates, on, 0.0)))
            .add_systems(Update, direct.in_set(AppSystems::Direct))
            .add_plugins(pill::plugin);
    }
}

/// Inputs of the director.
#[derive(SystemParam)]
struct DirectorInput<'w, 's> {
    events: MessageReader<'w, 's, EventReceived>,
    actions: MessageReader<'w, 's, Action>,
    input: UserInput<'w, 's>,
    link: Res<'w, Link>,
    run_store: Res<'w, RunStore>,
    history: Option<Res<'w, HistoryData>>,
}

/// Resources that determine what is on screen.
#[derive(SystemParam)]
struct ViewState<'w> {
    view: ResMut<'w, View>,
    focus: ResMut<'w, Focus>,
    zoom: ResMut<'w, Zoom>,
    selection: ResMut<'w, Selection>,
}

fn direct(
    mut auto: ResMut<Auto>,
    mut heard: DirectorInput,
    mut picture: ViewState,
    clock: Res<DrawClock>,
    playback: Res<PlaybackClock>,
    mut next: ResMut<NextFrame>,
) {
    let director = &mut auto.bypass_change_detection().0;
    let (before, was_auto) = (director.mode(), director.is_auto());
    let now = clock.secs;
    if heard.run_store.is_rewound() {
        // Live events are not on screen, so the director shows nothing of them.
        heard.events.clear();
        heard.apply_actions(director, now);
        if !director.is_auto() && picture.focus.is_directed() {
            picture.focus.stay();
        }
        if before != director.mode() {
            auto.set_changed();
        }
        return;
    }
    director.set_live(heard.is_live());
    director.set_history_known(heard.knows_history(playback.server_now));
    heard.report_events(director, now, playback.server_now);
    heard.apply_actions(director, now);
    director.step(now);
    if let Some(secs) = director.due_in_secs(now) {
        next.within_secs(secs);
    }
    if director.is_auto() {
        if !was_auto {
            picture.selection.0 = None;
        }
        picture.show(director);
    } else if picture.focus.is_directed() {
        picture.focus.stay();
    }
    if before != director.mode() {
        auto.set_changed();
    }
}

impl DirectorInput<'_, '_> {
    fn is_live(&self) -> bool {
        // Embedding apps that feed the model themselves have no connection.
        self.link.state.brings_news() || self.link.source.is_none()
    }

    /// True when enough runs are known to have ended in the last week, which the history shows first.
    fn knows_history(&self, server_now: Timestamp) -> bool {
        let summary = self.history.as_ref().filter(|it| it.from == HistoryOrigin::Hub);
        let of_hub = summary.and_then(|it| it.summary.as_ref()).map_or(0, |it| it.now.runs);
        let from = server_now.checked_sub(WEEK).unwrap_or(Timestamp::MIN);
        of_hub >= LEAST_TO_COMPARE || self.run_store.history().has_enough_since(from)
    }

    /// Informs the director of events that are news.
    fn report_events(&mut self, director: &mut Director, now: f64, server_now: Timestamp) {
        for event in self.events.read() {
            let change = &event.change;
            for gone in &change.evicted {
                director.gone(gone, now);
            }
            if !event.is_news(server_now) {
                continue;
            }
            let run = &change.run_id;
            if let Some(node) = &change.node {
                match (node.name.as_str(), node.to) {
                    ("FIX", NodeStatus::Running) => director.propose_run(run, ShowReason::Fix, now),
                    ("VALIDATE", NodeStatus::Success | NodeStatus::Failed) => {
                        director.validated(run, now);
                    }
                    _ => {}
                }
            }
            match change.run_status {
                Some((_, RunStatus::Failed)) => director.propose_run(run, ShowReason::Failed, now),
                Some((_, RunStatus::Completed)) => {
                    director.propose_run(run, ShowReason::Completed, now)
                }
                Some((from, to)) if from.is_over() && !to.is_over() => director.restarted(run, now),
                Some((_, RunStatus::Running)) => report_retry(director, &self.run_store, run),
                _ => {}
            }
        }
    }

    fn apply_actions(&mut self, director: &mut Director, now: f64) {
        let mut told = false;
        // Turning the director on is itself user input, but must not turn it off again.
        let mut touched = self.input.did_something();
        for action in self.actions.read() {
            match action {
                Action::ToggleAuto => director.toggle(now),
                Action::Auto => director.take_over(now),
                // A presenter lets the director show what happens.
                Action::Present(_) => {}
                // Connection actions do not change what is shown.
                Action::Connect(_)
                | Action::Disconnect
                | Action::Reconnect
                | Action::SkipPause
                | Action::OpenSource(_)
                | Action::ChooseFiles
                | Action::CancelOpening
                | Action::TellOpeningFailed(_)
                | Action::BackToStream
                | Action::ToggleRecording
                | Action::SaveFile { .. }
                | Action::NameSource(..)
                | Action::ForgetSource(_)
                | Action::TestAddress(_)
                | Action::Configure(_) => continue,
                // Actions may come from a page's scripts and then have no user input.
                _ => {
                    touched = true;
                    continue;
                }
            }
            told = true;
        }
        if touched && !told {
            director.touch(now);
        }
    }
}

/// Informs the director when a run that started retries one that failed.
fn report_retry(director: &mut Director, run_store: &RunStore, started: &RunId) {
    let started_run = run_store.model.run(started);
    if let Some(failed) = started_run.and_then(|run| run_store.retried_by(run)) {
        director.retried(failed.id(), started);
    }
}

impl ViewState<'_> {
    fn show(&mut self, director: &Director) {
        match director.shot() {
            Some(shot) => {
                if self.focus.directed_run() != Some(&shot.run) {
                    self.focus.direct(shot.run.clone());
                    self.zoom.set_if_neq(Zoom::default());
                }
                self.view.set_if_neq(View::Stage { from_wall: true });
            }
            None => {
                if self.focus.is_directed() || !self.focus.is_following() {
                    self.focus.follow();
                }
                let view = if director.shows_history() { View::History } else { View::Wall };
                if *self.view != view {
                    *self.view = view;
                    self.zoom.set_if_neq(Zoom::default());
                }
            }
        }
    }
}
