//! Which run the stage shows.

use bevy::prelude::*;
use jiff::Timestamp;

use super::actions;
use super::clock::{PlaybackClock, millis_between};
use super::run_store::Studio;
use crate::app::systems::AppSystems;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;

/// How long a run that is over keeps the stage while nobody chose it, in milliseconds.
const HOLD_FAILED_MS: u64 = 12_000;
const HOLD_OTHER_MS: u64 = 6_000;

/// The run in focus. While it follows, it takes the newest active run whenever the one it shows is
/// over and has been seen; a run that is under way is not cut off by a newer one.
#[derive(Resource, Clone, Debug, Default)]
pub struct Focus {
    run: Option<RunId>,
    /// Chosen by the user: it stays until following is resumed.
    pinned: bool,
    /// Chosen by the director.
    directed: bool,
    /// When the run in focus was first seen to be over, by the playback clock.
    over_since: Option<Timestamp>,
}

impl Focus {
    /// Focused on `run` from the beginning, or following.
    pub fn new(run: Option<RunId>) -> Self {
        Self { pinned: run.is_some(), run, ..Self::default() }
    }

    pub fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    pub fn is_following(&self) -> bool {
        !self.pinned
    }

    /// The user chose a run.
    pub fn pin(&mut self, run: RunId) {
        *self = Self::new(Some(run));
    }

    /// Stays where it is, or follows again.
    pub fn toggle_following(&mut self) {
        self.pinned = self.directed || !self.pinned;
        self.directed = false;
        self.over_since = None;
    }

    /// Stays where it is.
    pub fn stay(&mut self) {
        self.pinned = true;
        self.directed = false;
    }

    /// Follows again, from the newest active run.
    pub fn follow(&mut self) {
        *self = Self::default();
    }

    /// The director chose a run.
    pub(in crate::app) fn direct(&mut self, run: RunId) {
        *self = Self { run: Some(run), directed: true, ..Self::default() };
    }

    pub(in crate::app) fn is_directed(&self) -> bool {
        self.directed
    }

    /// The run that the director chose.
    pub(in crate::app) fn directed_run(&self) -> Option<&RunId> {
        self.run.as_ref().filter(|_| self.directed)
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_systems(Update, follow_newest_active.in_set(AppSystems::Act).after(actions::carry_out));
}

/// The runs in the order of the list: active ones newest first, then those that are over, newest
/// first.
pub fn listed_runs(studio: &Studio) -> Vec<&Run> {
    let mut runs: Vec<&Run> = studio.model.runs().collect();
    runs.sort_by_cached_key(|run| {
        let since = run.ended_at.or(run.started_at).unwrap_or(run.first_event_at());
        (run.status.is_over(), std::cmp::Reverse(since), run.id().clone())
    });
    runs
}

pub(in crate::app) fn follow_newest_active(
    mut focus: ResMut<Focus>,
    studio: Res<Studio>,
    clock: Res<PlaybackClock>,
) {
    if focus.pinned || focus.directed {
        return;
    }
    let shown = focus.run.as_ref().and_then(|id| studio.model.run(id));
    let mut is_history = false;
    let keep = match shown {
        Some(run) if !run.status.is_over() => {
            if focus.over_since.is_some() {
                focus.over_since = None;
            }
            run.status == RunStatus::Running || studio.model.newest_active().is_none()
        }
        Some(run) => {
            let hold = if run.status == RunStatus::Failed { HOLD_FAILED_MS } else { HOLD_OTHER_MS };
            // What ended long ago is history that was replayed, not news.
            let news = run.ended_at.is_none_or(|at| millis_between(at, clock.server_now) < hold);
            is_history = !news;
            match focus.over_since {
                _ if !news => false,
                Some(since) => millis_between(since, clock.now) < hold,
                None => {
                    focus.over_since = Some(clock.now);
                    true
                }
            }
        }
        None => false,
    };
    if keep {
        return;
    }
    let next = studio
        .model
        .newest_active()
        .or_else(|| {
            // A replay can come in parts: of history, too, the newest is shown.
            let any = shown.is_none() || is_history;
            any.then(|| listed_runs(&studio).first().copied()).flatten()
        })
        .map(|run| run.id().clone());
    if let Some(next) = next
        && focus.run.as_ref() != Some(&next)
    {
        focus.run = Some(next);
        focus.over_since = None;
    }
}
