//! The run that the stage shows.

use bevy::prelude::*;
use jiff::Timestamp;

use super::run_store::RunStore;
use crate::model::Run;
use crate::protocol::RunId;

/// The run in focus. While following, the focus moves to the newest active run once the focused run
/// is over and has been shown long enough; a newer run does not interrupt one that is still in
/// progress.
#[derive(Resource, Clone, Debug, Default)]
pub struct Focus {
    pub(in crate::app) run: Option<RunId>,
    /// True when the user chose the run; it stays in focus until following is resumed.
    pub(in crate::app) pinned: bool,
    /// True when the director chose the run.
    pub(in crate::app) directed: bool,
    /// The beginning of the hold of a run that is over.
    pub(in crate::app) over_since: Option<OverSince>,
}

/// The moment at which the focused run was first seen to be over, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::app) struct OverSince {
    /// By the playback clock.
    pub playback: Timestamp,
    /// By the draw clock, in seconds.
    pub draw_secs: f64,
}

impl Focus {
    /// Returns a focus pinned to `run`, or a following focus if `None`.
    pub fn new(run: Option<RunId>) -> Self {
        Self { pinned: run.is_some(), run, ..Self::default() }
    }

    pub fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    pub fn is_following(&self) -> bool {
        !self.pinned
    }

    /// Pins the run that the user chose.
    pub fn pin(&mut self, run: RunId) {
        *self = Self::new(Some(run));
    }

    /// Toggles between pinned and following; a run chosen by the director becomes pinned.
    pub fn toggle_following(&mut self) {
        self.pinned = self.directed || !self.pinned;
        self.directed = false;
        self.over_since = None;
    }

    /// Pins the current run.
    pub fn stay(&mut self) {
        self.pinned = true;
        self.directed = false;
    }

    /// Resumes following, starting with the newest active run.
    pub fn follow(&mut self) {
        *self = Self::default();
    }

    /// Focuses on a run chosen by the director.
    pub(in crate::app) fn direct(&mut self, run: RunId) {
        *self = Self { run: Some(run), directed: true, ..Self::default() };
    }

    pub(in crate::app) fn is_directed(&self) -> bool {
        self.directed
    }

    /// Returns the run in focus if the director chose it.
    pub(in crate::app) fn directed_run(&self) -> Option<&RunId> {
        self.run.as_ref().filter(|_| self.directed)
    }
}

/// Returns the runs in list order: active runs newest first, then finished runs newest first.
pub fn listed_runs(run_store: &RunStore) -> Vec<&Run> {
    let mut runs: Vec<&Run> = run_store.model.runs().collect();
    runs.sort_by_cached_key(|run| {
        let since = run.ended_at.or(run.started_at).unwrap_or(run.first_event_at());
        (run.status.is_over(), std::cmp::Reverse(since), run.id().clone())
    });
    runs
}
