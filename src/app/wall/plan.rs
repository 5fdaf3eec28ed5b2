//! Which runs have a tile, in which order, and where; or that there are too many for tiles.

use jiff::{SignedDuration, Timestamp};

use super::census::{Census, LATELY};
use crate::layout::{
    Density, MOST_FAILED_TILES, Rect, Screen, Wall, WallRequest, lay_out_wall, wall_area,
};
use crate::model::RunStatus;
use crate::protocol::RunId;

/// A failure is news for this long: then its tile is no larger than others.
const NEWS: SignedDuration = SignedDuration::from_mins(10);
/// More tiles than any screen holds.
const MOST_TILES: usize = 200;
/// So many tiles more must fit before a wall gets looser.
const SLACK: usize = 2;
/// Runs of the past that join those of the present at most.
const MOST_FILL: usize = 60;

/// What the wall shows.
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
    pub runs: Vec<(RunId, Rect)>,
    /// What ended lately and has no tile, in the last place.
    pub more: Option<(More, Rect)>,
}

/// Runs without a tile, by how they ended.
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

/// Runs in the order of what needs eyes.
struct Order {
    /// Failed just now.
    failed: Vec<RunId>,
    /// Running by their start, queued, without news, ended just now.
    must: Vec<RunId>,
    /// How many of these are not over.
    active: usize,
    /// Ended earlier: failures of the last hour, then the latest first, with their status and
    /// whether it was lately.
    may: Vec<(RunId, RunStatus, bool)>,
    /// What of the last hour is in neither list, since no screen has room for it.
    beyond: More,
}

impl Order {
    fn of(census: &Census, server_now: Timestamp) -> Self {
        let news = server_now.checked_sub(NEWS).unwrap_or(Timestamp::MIN);
        let lately = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let is_news = |(at, _): &(Timestamp, &RunId)| *at >= news;
        let id = |(_, id): (Timestamp, &RunId)| id.clone();
        let failed = census.newest(RunStatus::Failed).take_while(is_news).map(id);
        let active = census.running().chain(census.queued()).chain(census.silent()).map(id);
        let over = |status| census.newest(status).take_while(is_news).map(id);
        let just_over = over(RunStatus::Cancelled).chain(over(RunStatus::Completed));
        let mut order = Self {
            failed: failed.take(MOST_FAILED_TILES + 1).collect(),
            must: active.chain(just_over).take(MOST_TILES).collect(),
            active: census.active() + census.queued_count(),
            may: Vec::new(),
            beyond: More::default(),
        };
        let statuses = [RunStatus::Failed, RunStatus::Cancelled, RunStatus::Completed];
        let mut earlier: Vec<(Timestamp, RunId, RunStatus)> = Vec::new();
        for status in statuses {
            let older = census.newest(status).skip_while(is_news).take(MOST_TILES);
            earlier.extend(older.map(|(at, id)| (at, id.clone(), status)));
        }
        earlier.sort_by_key(|(at, _, status)| {
            (*at < lately, *status != RunStatus::Failed, std::cmp::Reverse(*at))
        });
        // What is older is shown only where else there would be nothing.
        let any = !order.must.is_empty()
            || !order.failed.is_empty()
            || earlier.iter().any(|(at, ..)| *at >= lately);
        let earlier = earlier.into_iter().filter(|(at, ..)| !any || *at >= lately);
        order.may = earlier.map(|(at, id, status)| (id, status, at >= lately)).collect();
        // Counted, not walked: only what is listed is taken off.
        let listed = |status| {
            let may = order.may.iter().filter(|(_, of, late)| *of == status && *late).count();
            let must = census.newest(status).take_while(is_news).take(MOST_TILES).count();
            census.lately(status).saturating_sub(may + must)
        };
        order.beyond = More {
            completed: listed(RunStatus::Completed),
            failed: listed(RunStatus::Failed),
            cancelled: listed(RunStatus::Cancelled),
        };
        order
    }
}

/// Plans the wall for a screen. `before` is what it shows now: it gets looser only when that has
/// room to last.
pub fn plan(
    census: &Census,
    screen: &Screen,
    server_now: Timestamp,
    before: Option<&Plan>,
) -> Plan {
    if census.is_empty() {
        return Plan::Nothing;
    }
    let order = Order::of(census, server_now);
    let area = wall_area(screen);
    let failed = order.failed.len();
    let lay_out = |others: usize, at_least: Density| {
        lay_out_wall(&WallRequest { area, failed, others, at_least })
    };
    let wanted = order.must.len();
    let Some(loosest) = lay_out(wanted, Density::Strip) else {
        return Plan::Board;
    };
    let lasting = || lay_out(wanted + SLACK, Density::Strip).map(|wall| wall.density);
    let at_least = match before {
        Some(Plan::Board) => match lasting() {
            Some(_) => Density::Strip,
            None => return Plan::Board,
        },
        Some(Plan::Tiles(tiles)) if loosest.density < tiles.density => {
            lasting().unwrap_or(tiles.density).min(tiles.density)
        }
        _ => Density::Strip,
    };
    let Some(wall) = lay_out(wanted, at_least) else {
        return Plan::Board;
    };
    Plan::Tiles(fill(order, wall, at_least, lay_out))
}

/// Gives the places that are left to what ended earlier; what then still has none is counted.
fn fill(
    mut order: Order,
    wall: Wall,
    at_least: Density,
    lay_out: impl Fn(usize, Density) -> Option<Wall>,
) -> Tiles {
    let wanted = order.must.len();
    // The past may make the present a little smaller, no more.
    let loosest = wall.density;
    let most = if loosest <= Density::Strip { Density::Large } else { Density::Medium };
    let past = order.may.len() + usize::from(order.beyond.sum() > 0);
    let fuller = (1..=past.min(MOST_FILL)).rev();
    let mut fuller = fuller.filter_map(|past| lay_out(wanted + past, at_least));
    let wall = fuller.find(|wall| wall.density <= most.max(loosest)).unwrap_or(wall);
    let places = wall.others.len() + wall.free;
    let free = places.saturating_sub(wanted);
    let mut more = order.beyond;
    let lately = order.may.iter().filter(|(.., late)| *late).count();
    let all_fit = more.sum() == 0 && lately <= free;
    let shown = if all_fit { free } else { free.saturating_sub(1) };
    let kept = shown.min(order.may.len());
    for (_, status, late) in order.may.drain(kept..) {
        if late {
            more.count(status);
        }
    }
    let has_more = more.sum() > 0 && free > 0;
    let count = wanted + kept + usize::from(has_more);
    let density = wall.density;
    // Never looser than what has just been found to hold them.
    let wall = lay_out(count, density).unwrap_or(wall);
    let mut others = wall.others.iter().copied();
    let failed = order.failed.into_iter().zip(wall.failed.iter().copied());
    // Failures stand before all else that is over.
    let failed_before =
        order.may.iter().filter(|(_, status, late)| *late && *status == RunStatus::Failed).count();
    let mut ids = order.must;
    let over = ids.split_off(order.active.min(ids.len()));
    let mut may = order.may.into_iter().map(|(id, ..)| id);
    ids.extend(may.by_ref().take(failed_before));
    let ids = ids.into_iter().chain(over).chain(may);
    let mut runs: Vec<(RunId, Rect)> = failed.collect();
    runs.extend(ids.take(wanted + kept).zip(&mut others));
    let more = if has_more { others.next().map(|rect| (more, rect)) } else { None };
    Tiles { density: wall.density, runs, more }
}
