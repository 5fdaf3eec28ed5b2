//! Changes that are gathered for one commit.

use super::marks::has_failed;
use crate::hub::relay::State;
use crate::hub::relay::journal::{JournalEntry, JournalEntryKind};
use crate::model::{Change, Model};
use crate::protocol::hub::Upstream;
use crate::protocol::{RunId, RunSnapshot};

/// Changes that are written and shown together.
#[derive(Default)]
pub(super) struct PendingCommit {
    pub(super) entries: Vec<JournalEntry>,
    /// Numbers of snapshots that are replaced.
    pub(super) replaced: Vec<u64>,
    /// Runs evicted from the model.
    pub(super) evicted: Vec<RunId>,
    pub(super) upstream: Option<Upstream>,
    /// Failures that the upstream, a hub, has marked as seen.
    pub(super) seen: Vec<RunId>,
    /// Runs that are no longer failed, and lose the mark that they were seen.
    pub(super) unseen: Vec<RunId>,
    /// Runs that changed; one may occur more than once.
    pub(super) touched: Vec<RunId>,
}

impl PendingCommit {
    /// Notes what a change of a run does to marks, history and other runs.
    pub(super) fn note(&mut self, change: Change, state: &State, model: &Model) {
        let run = &change.run_id;
        let is_marked = state.seen.contains(run);
        if (is_marked || self.seen.contains(run)) && !has_failed(model, run) {
            // A failure to come is another one than that which was seen.
            self.seen.retain(|seen| seen != run);
            self.unseen.extend(is_marked.then(|| run.clone()));
        }
        self.evicted.extend(change.evicted);
        self.touched.push(change.run_id);
    }

    /// Replaces the staged snapshot of the same run, and marks the `kept` one as replaced.
    pub(super) fn replace_snapshot(&mut self, snapshot: &RunSnapshot, kept: Option<u64>) {
        self.entries.retain(|entry| {
            entry.kind != JournalEntryKind::Snapshot || entry.run != snapshot.run_id
        });
        self.replaced.extend(kept.filter(|seq| !self.replaced.contains(seq)));
    }
}
