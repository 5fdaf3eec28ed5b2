//! Which run the stage shows.

use bevy::prelude::*;
use jiff::Timestamp;

use super::run_store::RunStore;
use crate::model::Run;
use crate::protocol::RunId;

/// The run in focus. While it follows, it takes the newest active run whenever the one it shows is
/// over and has been seen; a run that is under way is not cut off by a newer one.
#[derive(Resource, Clone, Debug, Default)]
pub struct Focus {
    pub(in crate::app) run: Option<RunId>,
    /// Chosen by the user: it stays until following is resumed.
    pub(in crate::app) pinned: bool,
    /// Chosen by the director.
    pub(in crate::app) directed: bool,
    /// When the run in focus was first seen to be over, by the playback clock.
    pub(in crate::app) over_since: Option<Timestamp>,
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

/// The runs in the order of the list: active ones newest first, then those that are over, newest
/// first.
pub fn listed_runs(run_store: &RunStore) -> Vec<&Run> {
    let mut runs: Vec<&Run> = run_store.model.runs().collect();
    runs.sort_by_cached_key(|run| {
        let since = run.ended_at.or(run.started_at).unwrap_or(run.first_event_at());
        (run.status.is_over(), std::cmp::Reverse(since), run.id().clone())
    });
    runs
}
