//! Plan of the wall: the runs that have a tile, their order and places; or the board when there are too
//! many.

use jiff::{SignedDuration, Timestamp};

use super::wall_index::{LATELY, WallIndex};
use crate::bounded::bounded;
use crate::layout::{
    CanvasSize, Density, MOST_FAILED_TILES, Rect, Wall, WallRequest, beside_failures, lay_out_wall,
    wall_area,
};
use crate::model::RunStatus;
use crate::protocol::RunId;

/// Age up to which a failure is news; an older one has a tile like any other.
const NEWS: SignedDuration = SignedDuration::from_mins(10);
/// Greatest number of older failures that have a tile; the others are counted.
const MOST_OLD_FAILURES: usize = 5;
/// More tiles than any screen holds.
const MOST_TILES: usize = 200;
/// Number of further tiles that must fit before a wall becomes less dense.
const SLACK: usize = 2;
/// Greatest number of ended runs for which places are tried.
const MOST_FILL: usize = 60;

/// Contents of the wall.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// No run is known.
    Nothing,
    Tiles(Tiles),
    Board,
}

/// Tiles in their order, each with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiles {
    pub density: Density,
    /// Density that the active runs alone would have.
    pub present: Density,
    pub runs: Vec<(RunId, Rect)>,
    /// Place of the failures block, when failures are too many for tiles.
    pub failures: Option<Rect>,
    /// Counts of runs that ended lately and have no tile, in the last place.
    pub more: Option<(More, Rect)>,
}

/// Numbers of runs without a tile, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct More {
    pub completed: usize,
    pub failed: usize,
    pub cancelled: usize,
}

impl More {
    fn sum(&self) -> usize {
        self.completed + self.failed + self.cancelled
    }

    fn count(&mut self, status: RunStatus) {
        match status {
            RunStatus::Failed => self.failed += 1,
            RunStatus::Cancelled => self.cancelled += 1,
            _ => self.completed += 1,
        }
    }
}

/// Runs in order of urgency.
struct Order {
    /// Failed within [`NEWS`].
    failed: Vec<RunId>,
    /// Running by start, queued, without news: these have a tile whatever its size.
    active: Vec<RunId>,
    /// Ended: older failures first, then the latest first. They fill the remaining places.
    over: Vec<(RunId, RunStatus)>,
    /// Runs that ended in the last hour and are in no list.
    beyond: More,
}

impl Order {
    fn of(wall_index: &WallIndex, server_now: Timestamp) -> Self {
        let news = server_now.checked_sub(NEWS).unwrap_or(Timestamp::MIN);
        let lately = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let is_news = |(at, _): &(Timestamp, &RunId)| *at >= news;
        let id = |(_, id): (Timestamp, &RunId)| id.clone();
        let failed = wall_index.newest(RunStatus::Failed).take_while(is_news).map(id);
        let active =
            wall_index.running().chain(wall_index.queued()).chain(wall_index.silent()).map(id);
        let mut over: Vec<(Timestamp, RunId, RunStatus)> = Vec::new();
        for status in [RunStatus::Failed, RunStatus::Cancelled, RunStatus::Completed] {
            // Recent failures have their own tiles.
            let is_listed = |run: &(Timestamp, &RunId)| status == RunStatus::Failed && is_news(run);
            let most = if status == RunStatus::Failed { MOST_OLD_FAILURES } else { MOST_TILES };
            let others = wall_index.newest(status).skip_while(is_listed).take(most);
            over.extend(others.map(|(at, id)| (at, id.clone(), status)));
        }
        let mut order = Self {
            failed: failed.take(MOST_FAILED_TILES + 1).collect(),
            active: active.take(MOST_TILES).collect(),
            over: Vec::new(),
            beyond: More::default(),
        };
        // Runs that ended before [`LATELY`] are shown only when there is nothing else.
        let any = !order.active.is_empty()
            || !order.failed.is_empty()
            || over.iter().any(|(at, ..)| *at >= lately);
        over.retain(|(at, ..)| !any || *at >= lately);
        over.sort_by_key(|(at, _, status)| (*status != RunStatus::Failed, std::cmp::Reverse(*at)));
        if any {
            // Subtracts the listed runs from the index's counts instead of walking all runs.
            let unlisted = |status, apart: usize| {
                let listed = over.iter().filter(|(.., of)| *of == status).count();
                wall_index.lately(status).saturating_sub(listed + apart)
            };
            order.beyond = More {
                completed: unlisted(RunStatus::Completed, 0),
                failed: unlisted(RunStatus::Failed, order.failed.len()),
                cancelled: unlisted(RunStatus::Cancelled, 0),
            };
        }
        order.over = over.into_iter().map(|(_, id, status)| (id, status)).collect();
        order
    }

    /// Removes the failures, which the failures block shows.
    fn leave_out_failures(&mut self) {
        self.failed.clear();
        self.over.retain(|(_, status)| *status != RunStatus::Failed);
        self.beyond.failed = 0;
    }
}

/// Plans the wall for a screen. `before` is the current plan: the wall becomes less dense only if
/// `SLACK` more tiles would still fit.
pub fn plan(
    wall_index: &WallIndex,
    canvas_size: &CanvasSize,
    server_now: Timestamp,
    before: Option<&Plan>,
) -> Plan {
    if wall_index.is_empty() {
        return Plan::Nothing;
    }
    let mut order = Order::of(wall_index, server_now);
    let mut area = wall_area(canvas_size);
    let mut failures = None;
    if order.failed.len() > MOST_FAILED_TILES {
        let (block, rest) = beside_failures(area);
        (failures, area) = (Some(block), rest);
        order.leave_out_failures();
    }
    let failed = order.failed.len();
    let lay_out = |others: usize, at_least: Density| {
        lay_out_wall(&WallRequest { area, failed, others, at_least })
    };
    let wanted = order.active.len();
    let Some(loosest) = lay_out(wanted, Density::Strip) else {
        return Plan::Board;
    };
    let lasting = || lay_out(wanted + SLACK, Density::Strip).map(|wall| wall.density);
    let present = match before {
        Some(Plan::Board) if lasting().is_none() => return Plan::Board,
        Some(Plan::Tiles(tiles)) if loosest.density < tiles.present => {
            bounded(lasting().unwrap_or(tiles.present), loosest.density, tiles.present)
        }
        _ => loosest.density,
    };
    match fill(order, present, lay_out) {
        Some(tiles) => Plan::Tiles(Tiles { failures, ..tiles }),
        None => Plan::Board,
    }
}

/// Fills the remaining places with ended runs; counts those without a place.
fn fill(
    mut order: Order,
    present: Density,
    lay_out: impl Fn(usize, Density) -> Option<Wall>,
) -> Option<Tiles> {
    let wanted = order.active.len();
    // Ended runs may make the tiles of active ones smaller by one step at most.
    let most = match present {
        Density::Strip => Density::Large,
        Density::Large | Density::Medium => Density::Medium,
        Density::Small => Density::Small,
    };
    let past = order.over.len() + usize::from(order.beyond.sum() > 0);
    let fuller = (1..=past.min(MOST_FILL)).rev();
    let mut fuller = fuller.filter_map(|past| lay_out(wanted + past, present));
    let wall = fuller.find(|wall| wall.density <= most).or_else(|| lay_out(wanted, present))?;
    let places = wall.others.len() + wall.free;
    let free = places.saturating_sub(wanted);
    let mut more = order.beyond;
    let all_fit = more.sum() == 0 && order.over.len() <= free;
    let shown = if all_fit { free } else { free.saturating_sub(1) };
    for (_, status) in order.over.drain(shown.min(order.over.len())..) {
        more.count(status);
    }
    // Order of the ended runs that have a place: failed, cancelled, completed.
    order.over.sort_by_key(|(_, status)| match status {
        RunStatus::Failed => 0,
        RunStatus::Cancelled => 1,
        _ => 2,
    });
    let has_more = more.sum() > 0 && free > 0;
    let count = wanted + order.over.len() + usize::from(has_more);
    // Never less dense than the wall found above.
    let wall = lay_out(count, wall.density).unwrap_or(wall);
    let mut others = wall.others.iter().copied();
    let failed = order.failed.into_iter().zip(wall.failed.iter().copied());
    let ids = order.active.into_iter().chain(order.over.into_iter().map(|(id, _)| id));
    let mut runs: Vec<(RunId, Rect)> = failed.collect();
    runs.extend(ids.take(count - usize::from(has_more)).zip(&mut others));
    let more = if has_more { others.next().map(|rect| (more, rect)) } else { None };
    Some(Tiles { density: wall.density, present, runs, failures: None, more })
}
