//! Index of all runs by status and node, updated from changes only: a wall of 10,000 runs cannot look
//! at each of them in every frame.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;

use bevy::prelude::*;
use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};

use crate::app::state::clock::PlaybackClock;
use crate::app::state::clock::millis_between;
use crate::app::state::rewind::{Changed, ShownChanges};
use crate::app::state::run_store::{RunStore, touched};
use crate::app::state::run_view::STALE_AFTER_MS;
use crate::model::{FailureCause, Model, Run, RunStatus};
use crate::protocol::{NodeName, PIPELINE, RunId, pipeline_index};

/// Greatest number of distinct nodes: the pipeline's and a few others. Runs at further nodes have no load.
pub const MOST_NODES: usize = 14;
/// Time within which a run counts as ended lately.
pub const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// Numbers of running runs at a node: there, on the way to it, and those of both without news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub running: usize,
    pub silent: usize,
    /// Between two steps.
    pub ahead: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct IndexedRun {
    id: RunId,
    status: RunStatus,
    /// Start of an active run, end of one that is over: the key of its list.
    since: Timestamp,
    heard_at: Timestamp,
    /// Key of its entry in `WallIndex::heard`.
    heard_listed: Timestamp,
    silent: bool,
    /// Node that the run is at or on the way to, and true when it is there.
    stands: Option<(usize, bool)>,
    /// Number that failures of one cause have in common: of one step, and of one reason but for numbers and
    /// ids in it; 0 of a run that did not fail.
    cause: u64,
}

impl IndexedRun {
    /// True when both entries are running and not silent, with the same start: they are in the same
    /// lists.
    fn is_listed_as(&self, other: &Self) -> bool {
        let running = self.status == RunStatus::Running && other.status == RunStatus::Running;
        running && !self.silent && !other.silent && self.since == other.since
    }
}

/// Ended runs of one status, by their end.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ended {
    all: BTreeSet<(Timestamp, usize)>,
    /// Number of them that ended at or after `WallIndex::horizon`.
    lately: usize,
}

/// Index of all runs. Each run has a slot (`place`), which is reused after it.
#[derive(Clone, Debug, Default)]
pub struct WallIndex {
    places: HashMap<RunId, usize>,
    entries: Vec<Option<IndexedRun>>,
    free: Vec<usize>,
    /// Model's count of changes at the last update.
    events: u64,
    nodes: Vec<NodeName>,
    loads: Vec<Load>,
    running: BTreeSet<(Timestamp, usize)>,
    queued: BTreeSet<(Timestamp, usize)>,
    silent: BTreeSet<(Timestamp, usize)>,
    /// Running runs by time of reception; a time may be outdated, which `apply_passed_time` corrects.
    heard: BTreeSet<(Timestamp, usize)>,
    completed: Ended,
    failed: Ended,
    cancelled: Ended,
    /// End of the earliest run that counts as ended lately.
    horizon: Option<Timestamp>,
    /// Number of changes.
    revision: u64,
}

/// Number that failures of one cause have in common.
fn cause_of(run: &Run) -> u64 {
    FailureCause::of(run).map_or(0, |cause| FixedState::default().hash_one(cause))
}

impl WallIndex {
    /// Brings the index in step with the model. `touched` are the runs that changed or were evicted
    /// since the last update, and `applied` is the number of applied events. Rebuilds the index if
    /// these do not account for all changes of the model.
    pub fn update(
        &mut self,
        model: &Model,
        touched: &[&RunId],
        applied: u64,
        now: Timestamp,
        server_now: Timestamp,
    ) {
        let events = model.changes();
        if self.events + applied != events || self.nodes.is_empty() {
            self.rebuild(model, now, server_now);
        } else {
            for id in touched {
                self.recount_run(model, id, now);
            }
        }
        self.events = events;
        self.apply_passed_time(now, server_now);
    }

    /// Makes the next update count everything anew.
    fn forget(&mut self) {
        self.nodes.clear();
    }

    fn rebuild(&mut self, model: &Model, now: Timestamp, server_now: Timestamp) {
        let revision = self.revision;
        *self = Self::default();
        self.revision = revision + 1;
        self.nodes = PIPELINE.iter().map(|name| NodeName::new_static(name)).collect();
        self.loads = vec![Load::default(); MOST_NODES];
        self.horizon = server_now.checked_sub(LATELY).ok();
        // In order of arrival, so that slots are as if each run had been counted when it arrived.
        for run in model.runs_in_order() {
            self.recount_run(model, run.id(), now);
        }
    }

    /// Counts one run anew, or removes it if the model has dropped it.
    fn recount_run(&mut self, model: &Model, id: &RunId, now: Timestamp) {
        let known = self.places.get(id).copied();
        let Some(run) = model.run(id) else {
            if let Some(place) = known {
                self.remove_from_lists(place);
                self.places.remove(id);
                self.free.push(place);
            }
            return;
        };
        let place = known.unwrap_or_else(|| {
            let place = self.free.pop().unwrap_or_else(|| {
                self.entries.push(None);
                self.entries.len() - 1
            });
            self.places.insert(run.id().clone(), place);
            place
        });
        let entry = self.entry(run, now);
        let before = self.entries[place].take();
        match before {
            Some(before) if before.is_listed_as(&entry) => {
                self.update_in_lists(place, before, entry)
            }
            before => {
                self.entries[place] = before;
                self.remove_from_lists(place);
                self.insert_in_lists(place, entry);
            }
        }
    }

    /// Updates a run that stays in its lists, as nearly every event leaves it.
    fn update_in_lists(&mut self, place: usize, before: IndexedRun, entry: IndexedRun) {
        let heard_listed = before.heard_listed;
        let entry = IndexedRun { heard_listed, ..entry };
        if entry.stands != before.stands {
            self.remove_from_loads(&before);
            self.add_to_loads(&entry);
        }
        self.revision += u64::from(entry != before);
        self.entries[place] = Some(entry);
    }

    fn entry(&mut self, run: &Run, now: Timestamp) -> IndexedRun {
        let heard_at = run.last_received_at();
        let runs = run.status == RunStatus::Running;
        let silent = runs && millis_between(heard_at, now) > STALE_AFTER_MS;
        let since = if run.status.is_over() { run.counted_end() } else { run.started_at };
        let stands = self.stands(run);
        IndexedRun {
            id: run.id().clone(),
            status: run.status,
            since: since.unwrap_or(run.first_event_at()),
            heard_at,
            heard_listed: heard_at,
            silent,
            stands,
            cause: cause_of(run),
        }
    }

    /// Index of a node's name; `None` beyond [`MOST_NODES`].
    fn node(&mut self, name: &NodeName) -> Option<usize> {
        if let Some(place) = pipeline_index(name) {
            return Some(place);
        }
        let known = self.nodes.iter().position(|node| node == name);
        known.or_else(|| {
            (self.nodes.len() < MOST_NODES).then(|| {
                self.nodes.push(name.clone());
                self.nodes.len() - 1
            })
        })
    }

    /// Index of the step that a run is at or on the way to, and true when it is there.
    fn stands(&mut self, run: &Run) -> Option<(usize, bool)> {
        let (name, is_there) = run.state().stands()?;
        self.node(name).map(|node| (node, is_there))
    }

    fn ended_mut(&mut self, status: RunStatus) -> Option<&mut Ended> {
        match status {
            RunStatus::Completed => Some(&mut self.completed),
            RunStatus::Failed => Some(&mut self.failed),
            RunStatus::Cancelled => Some(&mut self.cancelled),
            RunStatus::Pending | RunStatus::Running => None,
        }
    }

    fn insert_in_lists(&mut self, place: usize, entry: IndexedRun) {
        self.revision += 1;
        let key = (entry.since, place);
        match entry.status {
            RunStatus::Pending => drop(self.queued.insert(key)),
            RunStatus::Running if entry.silent => drop(self.silent.insert(key)),
            RunStatus::Running => {
                self.running.insert(key);
                self.heard.insert((entry.heard_listed, place));
            }
            over => {
                let late = self.horizon.is_none_or(|horizon| entry.since >= horizon);
                if let Some(ended) = self.ended_mut(over) {
                    ended.all.insert(key);
                    ended.lately += usize::from(late);
                }
            }
        }
        self.add_to_loads(&entry);
        self.entries[place] = Some(entry);
    }

    fn add_to_loads(&mut self, entry: &IndexedRun) {
        if let Some((node, there)) = entry.stands {
            let load = &mut self.loads[node];
            load.running += usize::from(there);
            load.silent += usize::from(entry.silent);
            load.ahead += usize::from(!there);
        }
    }

    fn remove_from_loads(&mut self, entry: &IndexedRun) {
        if let Some((node, there)) = entry.stands {
            let load = &mut self.loads[node];
            load.running -= usize::from(there);
            load.silent -= usize::from(entry.silent);
            load.ahead -= usize::from(!there);
        }
    }

    fn remove_from_lists(&mut self, place: usize) {
        let Some(entry) = self.entries[place].take() else {
            return;
        };
        self.revision += 1;
        let key = (entry.since, place);
        match entry.status {
            RunStatus::Pending => drop(self.queued.remove(&key)),
            RunStatus::Running if entry.silent => drop(self.silent.remove(&key)),
            RunStatus::Running => {
                self.running.remove(&key);
                self.heard.remove(&(entry.heard_listed, place));
            }
            over => {
                let late = self.horizon.is_none_or(|horizon| entry.since >= horizon);
                if let Some(ended) = self.ended_mut(over) {
                    ended.all.remove(&key);
                    ended.lately -= usize::from(late);
                }
            }
        }
        self.remove_from_loads(&entry);
    }

    /// Applies the passing of time: runs become silent, ends are no longer lately.
    fn apply_passed_time(&mut self, now: Timestamp, server_now: Timestamp) {
        let stale = i64::try_from(STALE_AFTER_MS).unwrap_or(i64::MAX);
        let limit = now.checked_sub(SignedDuration::from_millis(stale)).unwrap_or(Timestamp::MIN);
        while let Some(&(listed, place)) = self.heard.first()
            && listed < limit
        {
            let Some(entry) = self.entries[place].as_mut().filter(|e| e.heard_at < limit) else {
                self.heard.pop_first();
                // Received an event since. A listed run always has an entry.
                if let Some(entry) = &mut self.entries[place] {
                    entry.heard_listed = entry.heard_at;
                    self.heard.insert((entry.heard_at, place));
                }
                continue;
            };
            let mut entry = entry.clone();
            self.remove_from_lists(place);
            entry.silent = true;
            self.insert_in_lists(place, entry);
        }
        let horizon = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let before = self.horizon.replace(horizon).unwrap_or(Timestamp::MIN);
        let mut moved = false;
        for ended in [&mut self.completed, &mut self.failed, &mut self.cancelled] {
            if before < horizon {
                let left = ended.all.range((before, 0)..(horizon, 0)).count();
                ended.lately -= left;
                moved |= left > 0;
            } else if horizon < before {
                // The server's clock was set back.
                ended.lately += ended.all.range((horizon, 0)..(before, 0)).count();
                moved = true;
            }
        }
        self.revision += u64::from(moved);
    }

    /// Number that changes with every change of the index.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Number of running runs, with or without news.
    pub fn active(&self) -> usize {
        self.running.len() + self.silent.len()
    }

    /// Number of running runs without news.
    pub fn silent_count(&self) -> usize {
        self.silent.len()
    }

    pub fn queued_count(&self) -> usize {
        self.queued.len()
    }

    /// Number of runs that ended with this status within the last hour.
    pub fn lately(&self, status: RunStatus) -> usize {
        self.ended(status).map_or(0, |ended| ended.lately)
    }

    fn ended(&self, status: RunStatus) -> Option<&Ended> {
        match status {
            RunStatus::Completed => Some(&self.completed),
            RunStatus::Failed => Some(&self.failed),
            RunStatus::Cancelled => Some(&self.cancelled),
            RunStatus::Pending | RunStatus::Running => None,
        }
    }

    fn ids<'a>(
        &'a self,
        keys: impl DoubleEndedIterator<Item = &'a (Timestamp, usize)>,
    ) -> impl DoubleEndedIterator<Item = (Timestamp, &'a RunId)> {
        keys.filter_map(|(at, place)| Some((*at, &self.entries[*place].as_ref()?.id)))
    }

    /// Running runs with news, by start, with that time.
    pub fn running(&self) -> impl DoubleEndedIterator<Item = (Timestamp, &RunId)> {
        self.ids(self.running.iter())
    }

    pub fn queued(&self) -> impl DoubleEndedIterator<Item = (Timestamp, &RunId)> {
        self.ids(self.queued.iter())
    }

    pub fn silent(&self) -> impl DoubleEndedIterator<Item = (Timestamp, &RunId)> {
        self.ids(self.silent.iter())
    }

    /// Runs that ended with this status, latest first, with the time of their end.
    pub fn newest(&self, status: RunStatus) -> impl Iterator<Item = (Timestamp, &RunId)> {
        let keys = self.ended(status).map(|ended| ended.all.iter()).into_iter().flatten().rev();
        keys.filter_map(|(at, place)| Some((*at, &self.entries[*place].as_ref()?.id)))
    }

    /// Loads of the nodes, the pipeline's first.
    pub fn loads(&self) -> impl Iterator<Item = (&NodeName, Load)> {
        self.nodes.iter().zip(self.loads.iter().copied())
    }

    /// Failed runs that ended at or after `since`, latest first: the time, the run, and a number that runs
    /// of one cause have in common.
    pub fn failures(&self, since: Timestamp) -> impl Iterator<Item = (Timestamp, &RunId, u64)> {
        let keys = self.failed.all.range((since, 0)..).rev();
        keys.filter_map(|(at, place)| {
            let entry = self.entries[*place].as_ref()?;
            Some((*at, &entry.id, entry.cause))
        })
    }

    /// All running runs: those with news by start, then those without. The step is the one that the run is
    /// at or on the way to, as its place among [`WallIndex::loads`]; the last part is true without news.
    pub fn at_steps(&self) -> impl Iterator<Item = (Option<usize>, &RunId, bool)> {
        self.running.iter().chain(&self.silent).filter_map(|(_, place)| {
            let entry = self.entries[*place].as_ref()?;
            Some((entry.stands.map(|(step, _)| step), &entry.id, entry.silent))
        })
    }
}

/// The index, kept on every view: header and meters count from it, too.
#[derive(Resource, Default)]
pub struct WallIndexState {
    pub wall_index: WallIndex,
    pub(super) seconds: Option<(i64, i64)>,
    /// True when the last events included replayed ones, from before the connection.
    pub(super) replayed: bool,
}

/// Keeps the index in step with the model.
pub(super) fn sync_wall_index(
    mut counted: ResMut<WallIndexState>,
    run_store: Res<RunStore>,
    clock: Res<PlaybackClock>,
    mut shown: ShownChanges,
) {
    let seconds = Some((clock.now.as_second(), clock.server_now.as_second()));
    let changed = match shown.take(&run_store) {
        Changed::Runs(changed) => changed,
        Changed::Everything => {
            counted.wall_index.forget();
            Vec::new()
        }
    };
    let is_known = !counted.wall_index.nodes.is_empty();
    if is_known && changed.is_empty() && counted.seconds == seconds && !run_store.is_changed() {
        return;
    }
    let applied = changed.len() as u64;
    let replayed = changed.iter().any(|(_, is_replayed)| *is_replayed);
    let touched = touched(changed.into_iter().map(|(change, _)| change));
    let counted = &mut *counted;
    (counted.seconds, counted.replayed) = (seconds, replayed);
    counted.wall_index.update(&run_store.model, &touched, applied, clock.now, clock.server_now);
}

#[cfg(test)]
#[path = "wall_index_tests.rs"]
mod tests;
