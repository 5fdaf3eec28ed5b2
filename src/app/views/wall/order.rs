//! Order of the runs on the wall, by kind and within each kind.

use jiff::Timestamp;

use super::level::{MOST_ROWS, NEWS};
use super::wall_index::{LATELY, WallIndex};
use crate::app::state::failure_life::{FailureLife, FailureStage};
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::millis_to_finish;
use crate::layout::Rect;
use crate::model::{FailureCause, Model, Remaining, RunStatus};
use crate::protocol::RunId;

/// Greatest number of older failures that have a place; the others are counted.
const MOST_OLD_FAILURES: usize = 12;
/// Greatest number of failures, the newest ones, of which it is looked up what became of them.
const MOST_FOLLOWED: usize = 200;
/// More ended runs of a kind than any screen has places for.
const MOST_ENDED: usize = 160;

/// Kind of a run on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Failed, and still news.
    Fresh,
    /// Failed, and no longer news: known, being retried, or just recovered.
    Failed,
    /// Running, by time to go; those without an estimate last.
    Running,
    /// By place in line.
    Queued,
    /// Running, without news.
    Silent,
    /// Cancelled within [`NEWS`].
    Cancelled,
    Finished,
}

impl Kind {
    /// Order of tiles. The rows have the same order, in which failures stand with the ended runs.
    pub const TILES: [Self; 7] = [
        Self::Fresh,
        Self::Failed,
        Self::Running,
        Self::Queued,
        Self::Silent,
        Self::Cancelled,
        Self::Finished,
    ];
    pub const ROWS: [Self; 7] = [
        Self::Fresh,
        Self::Running,
        Self::Queued,
        Self::Silent,
        Self::Failed,
        Self::Cancelled,
        Self::Finished,
    ];
    /// Order in which places are given away.
    pub const PRIORITY: [Self; 7] = [
        Self::Fresh,
        Self::Running,
        Self::Silent,
        Self::Queued,
        Self::Cancelled,
        Self::Failed,
        Self::Finished,
    ];

    /// True for a run that is over.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Fresh | Self::Failed | Self::Cancelled | Self::Finished)
    }
}

/// Run with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub id: RunId,
    /// Kind that gave it the place; the run may have ended since.
    pub kind: Kind,
    pub rect: Rect,
}

/// Runs by kind, each kind in its order.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    lists: [Vec<RunId>; 7],
    /// Running run that should finish next, if there are several.
    pub next: Option<RunId>,
    /// Runs that retry a failed one, with that run and the time of its failure.
    pub retries: Vec<Retry>,
    /// Failures that share one card.
    pub groups: Vec<FailureGroup>,
}

/// Failures for the same cause, of which at least one is news: they share one card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// The first of them, which has the place: so the card stays when more come.
    pub leader: RunId,
    /// All of them, newest first.
    pub runs: Vec<RunId>,
}

/// Run that retries a failed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    pub id: RunId,
    pub failed: RunId,
}

impl Lists {
    pub fn of(wall_index: &WallIndex, run_store: &RunStore, server_now: Timestamp) -> Self {
        let mut lists = Self::default();
        let model = &run_store.model;
        let before = |age| server_now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let (news, lately) = (before(NEWS), before(LATELY));
        let newest = |status, from: Timestamp| {
            wall_index.newest(status).take_while(move |(at, _)| *at >= from).map(|(_, id)| id)
        };
        let mut told: Vec<(FailureStage, RunId)> = Vec::new();
        for id in newest(RunStatus::Failed, lately).take(MOST_FOLLOWED) {
            let life = model.run(id).and_then(|run| FailureLife::of(run, run_store, server_now));
            let (stage, most) = match life.map(|life| life.stage) {
                Some(FailureStage::Fresh) => (FailureStage::Fresh, MOST_ROWS + 1),
                Some(stage @ (FailureStage::Quiet | FailureStage::Recovered)) => {
                    (stage, MOST_OLD_FAILURES)
                }
                Some(FailureStage::Counted) | None => continue,
            };
            let is_news = |stage: FailureStage| stage == FailureStage::Fresh;
            let alike = told.iter().filter(|(other, _)| is_news(*other) == is_news(stage));
            if alike.count() < most {
                told.push((stage, id.clone()));
            }
        }
        lists.list_failures(told, model);
        let ended = |status, from| newest(status, from).take(MOST_ENDED).cloned().collect();
        lists.lists[Kind::Cancelled as usize] = ended(RunStatus::Cancelled, news);
        lists.lists[Kind::Finished as usize] = ended(RunStatus::Completed, lately);
        let ids = |runs: &mut dyn Iterator<Item = (Timestamp, &RunId)>| {
            runs.map(|(_, id)| id.clone()).collect::<Vec<_>>()
        };
        let queued = ids(&mut wall_index.queued());
        let silent = ids(&mut wall_index.silent());
        let (running, next) = by_time_to_go(wall_index, model, server_now);
        let several = running.len() + silent.len() > 1;
        lists.next = next.filter(|_| several);
        lists.lists[Kind::Running as usize] = running;
        lists.lists[Kind::Queued as usize] = queued;
        lists.lists[Kind::Silent as usize] = silent;
        if lists.total() == 0 {
            // Runs that ended before are shown only when there is nothing else.
            for (kind, status) in [
                (Kind::Failed, RunStatus::Failed),
                (Kind::Cancelled, RunStatus::Cancelled),
                (Kind::Finished, RunStatus::Completed),
            ] {
                let newest = wall_index.newest(status).take(MOST_OLD_FAILURES);
                lists.lists[kind as usize] = newest.map(|(_, id)| id.clone()).collect();
            }
        }
        lists.retries = lists.find_retries(run_store, lately);
        lists
    }

    /// Lists failures, newest first, and groups those for the same cause as one that is news.
    fn list_failures(&mut self, told: Vec<(FailureStage, RunId)>, model: &Model) {
        let mut news: Vec<(FailureCause, Vec<RunId>)> = Vec::new();
        let cause_of = |id: &RunId| model.run(id).and_then(FailureCause::of);
        let fresh = told.iter().filter(|(stage, _)| *stage == FailureStage::Fresh);
        for cause in fresh.filter_map(|(_, id)| cause_of(id)) {
            if news.iter().all(|(known, _)| *known != cause) {
                news.push((cause, Vec::new()));
            }
        }
        let mut quiet = Vec::new();
        for (stage, id) in told {
            let cause = cause_of(&id).filter(|_| stage != FailureStage::Recovered);
            match news.iter_mut().find(|(known, _)| cause.as_ref() == Some(known)) {
                Some((_, runs)) => runs.push(id),
                None => quiet.push(id),
            }
        }
        let mut leaders = Vec::new();
        for (_, runs) in news {
            let Some(leader) = runs.last().cloned() else { continue };
            leaders.push(leader.clone());
            if runs.len() > 1 {
                self.groups.push(FailureGroup { leader, runs });
            }
        }
        self.lists[Kind::Fresh as usize] = leaders;
        self.lists[Kind::Failed as usize] = quiet;
    }

    pub fn list(&self, kind: Kind) -> &[RunId] {
        &self.lists[kind as usize]
    }

    /// Number of runs in all lists.
    pub fn total(&self) -> usize {
        self.lists.iter().map(Vec::len).sum()
    }

    /// Number of runs of some kinds.
    pub fn count(&self, kinds: impl IntoIterator<Item = Kind>) -> usize {
        kinds.into_iter().map(|kind| self.list(kind).len()).sum()
    }

    /// Finds the runs that retry a run which failed since `lately`.
    fn find_retries(&self, run_store: &RunStore, lately: Timestamp) -> Vec<Retry> {
        let alive = [Kind::Running, Kind::Queued, Kind::Silent].map(|kind| self.list(kind));
        let retry = |id: &RunId| {
            let failed = run_store.retried_by(run_store.model.run(id)?)?;
            failed.counted_end().filter(|at| *at >= lately)?;
            Some(Retry { id: id.clone(), failed: failed.id().clone() })
        };
        alive.into_iter().flatten().filter_map(retry).collect()
    }

    /// Returns the runs in the order of tiles, with their kinds; a retry follows its failure.
    pub fn in_tile_order(&self) -> Vec<(Kind, RunId)> {
        let all = Kind::TILES.into_iter();
        let all = all.flat_map(|kind| self.list(kind).iter().map(move |id| (kind, id)));
        let all: Vec<(Kind, &RunId)> = all.collect();
        let has_failure_shown = |retry: &&Retry| self.list(Kind::Failed).contains(&retry.failed);
        let moved: Vec<&Retry> = self.retries.iter().filter(has_failure_shown).collect();
        let mut ordered = Vec::with_capacity(all.len());
        for (kind, id) in &all {
            if moved.iter().any(|retry| retry.id == **id) {
                continue;
            }
            ordered.push((*kind, (*id).clone()));
            let retries = moved.iter().filter(|retry| retry.failed == **id);
            ordered.extend(retries.filter_map(|retry| {
                let (kind, id) = all.iter().find(|(_, id)| **id == retry.id)?;
                Some((*kind, (*id).clone()))
            }));
        }
        ordered
    }

    /// Removes the failures, which a block of their own shows.
    pub fn leave_out_failures(&mut self) {
        self.groups.clear();
        self.lists[Kind::Fresh as usize].clear();
        self.lists[Kind::Failed as usize].clear();
    }

    /// Keeps as many runs of these kinds as there are places, the first kinds first.
    pub fn keep_most(&mut self, kinds: impl IntoIterator<Item = Kind>, places: usize) {
        let mut free = places;
        for kind in kinds {
            let list = &mut self.lists[kind as usize];
            list.truncate(free);
            free -= list.len();
        }
    }

    /// Returns the lists in the order that runs had before; new ones come last in their kind. With
    /// `keep_ended` a run that ends keeps its kind, so that it stays where it is until the wall may be
    /// reordered.
    pub fn hold(mut self, before: &[Placed], keep_ended: bool) -> Self {
        let place = |id: &RunId| before.iter().position(|placed| placed.id == *id);
        let mut held: [Vec<(usize, RunId)>; 7] = Default::default();
        for kind in Kind::PRIORITY {
            for id in std::mem::take(&mut self.lists[kind as usize]) {
                let (at, kind) = match place(&id) {
                    // A failure becomes news, and stops being news, at once.
                    Some(at) if Kind::Fresh == kind || Kind::Fresh == before[at].kind => (at, kind),
                    Some(at) if kind.is_over() && !keep_ended => (at, kind),
                    Some(at) => (at, before[at].kind),
                    None => (usize::MAX, kind),
                };
                held[kind as usize].push((at, id));
            }
        }
        for (list, mut held) in self.lists.iter_mut().zip(held) {
            // A stable sort: new runs stay in their own order.
            held.sort_by_key(|(at, _)| *at);
            *list = held.into_iter().map(|(_, id)| id).collect();
        }
        self
    }
}

/// Running runs with news by time to go, then those without an estimate by their start; and the one
/// that should finish next.
fn by_time_to_go(
    wall_index: &WallIndex,
    model: &Model,
    server_now: Timestamp,
) -> (Vec<RunId>, Option<RunId>) {
    let mut running: Vec<((bool, i64), &RunId)> = wall_index
        .running()
        .filter_map(|(start, id)| {
            let run = model.run(id)?;
            let key = match model.remaining(run, server_now) {
                Remaining::AnyMoment => (false, 0),
                Remaining::Left { millis, .. } => {
                    (false, i64::try_from(millis).unwrap_or(i64::MAX))
                }
                Remaining::Late { .. } | Remaining::Unknown => (true, start.as_millisecond()),
            };
            Some((key, id))
        })
        .collect();
    running.sort_by_key(|(key, _)| *key);
    let is_next = |id: &RunId| {
        model.run(id).is_some_and(|run| millis_to_finish(model, run, server_now).is_some())
    };
    let next = running.iter().map(|(_, id)| *id).find(|id| is_next(id)).cloned();
    (running.into_iter().map(|(_, id)| id.clone()).collect(), next)
}
