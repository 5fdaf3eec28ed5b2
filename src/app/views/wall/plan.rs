//! Plan of the wall: the runs that have a place, their order and places; or the board when there are too
//! many.

use jiff::Timestamp;

use super::level::{LARGE_BESIDE, LARGE_CELLS, Level};
use super::order::{FailureGroup, Kind, Lists, Placed, Retry};
use super::wall_index::WallIndex;
use crate::app::state::run_store::RunStore;
use crate::app::views::counts::RunCounts;
use crate::layout::{
    CanvasSize, Density, MOST_FAILED_TILES, Rect, RowsLayout, RowsRequest, WallRequest,
    beside_failures, lay_out_rows, lay_out_strips, lay_out_wall, wall_area,
};
use crate::protocol::RunId;

/// Cells of the grid of 5×3, and of that beside a block of failures.
const MEDIUM_CELLS: usize = 15;
const MEDIUM_BESIDE: usize = 9;
/// Largest number of runs shown as full-width strips.
const MOST_STRIPS: usize = 3;

/// Contents of the wall.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// No run is known.
    Nothing,
    Runs(Box<Places>),
    Board,
}

/// Runs in their order, each with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    pub level: Level,
    pub density: Density,
    pub runs: Vec<Placed>,
    /// Place of the failures block: beside tiles when failures are too many for tiles, above rows
    /// always.
    pub failures: Option<Rect>,
    /// The timing board, and its rows in words.
    pub rows: Option<RowsLayout>,
    pub lines: Vec<(Line, Rect)>,
    /// Running run that should finish next.
    pub next: Option<RunId>,
    /// Runs that retry a failed one.
    pub retries: Vec<Retry>,
    /// Failures that share the tile of the first of them.
    pub groups: Vec<FailureGroup>,
}

/// Row that counts runs without a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Running,
    Queued,
    Ended,
}

impl Places {
    /// Returns the failures that share the tile of this run, newest first; none if it stands alone.
    pub fn group(&self, id: &RunId) -> &[RunId] {
        let group = self.groups.iter().find(|group| group.leader == *id);
        group.map_or(&[], |group| &group.runs)
    }

    /// True when running runs have no place, and are counted in words.
    pub fn overflows(&self) -> bool {
        self.lines.iter().any(|(line, _)| *line == Line::Running)
    }
}

impl Plan {
    pub fn places(&self) -> Option<&Places> {
        match self {
            Self::Runs(places) => Some(places.as_ref()),
            Self::Nothing | Self::Board => None,
        }
    }

    /// Returns the density; `None` without runs.
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::Nothing => None,
            Self::Runs(places) => Some(places.level),
            Self::Board => Some(Level::Board),
        }
    }

    /// True when a running run has no place although it can have one: none is full, or a run that ended
    /// or an empty line holds it.
    pub fn hides_running(&self, wall_index: &WallIndex) -> bool {
        let Self::Runs(places) = self else {
            return *self == Self::Nothing && wall_index.active() > 0;
        };
        let has_place = |id: &RunId| places.runs.iter().any(|placed| placed.id == *id);
        let running: Vec<&RunId> =
            wall_index.running().chain(wall_index.silent()).map(|(_, id)| id).collect();
        if running.iter().all(|id| has_place(id)) {
            return false;
        }
        let holds_place = |placed: &Placed| {
            matches!(placed.kind, Kind::Running | Kind::Silent) && !running.contains(&&placed.id)
        };
        let is_empty = |line| line == Line::Queued && wall_index.queued_count() == 0;
        !places.overflows()
            || places.runs.iter().any(holds_place)
            || places.lines.iter().any(|(line, _)| is_empty(*line))
    }
}

/// Input of [`plan`].
#[derive(Clone, Copy)]
pub struct PlanRequest<'a> {
    pub wall_index: &'a WallIndex,
    pub run_store: &'a RunStore,
    /// Numbers of runs that the header shows.
    pub counts: RunCounts,
    pub canvas_size: CanvasSize,
    pub server_now: Timestamp,
    pub level: Level,
    /// Columns of the timing board so far.
    pub columns: usize,
    /// Plan whose order is kept, because it changed a moment ago.
    pub held: Option<&'a Plan>,
}

/// Plans the wall for a screen.
pub fn plan(request: &PlanRequest) -> Plan {
    if request.wall_index.is_empty() {
        return Plan::Nothing;
    }
    if request.level == Level::Board {
        return Plan::Board;
    }
    let lists = Lists::of(request.wall_index, request.run_store, request.server_now);
    let Some(before) = request.held.and_then(Plan::places) else {
        return Plan::Runs(Box::new(place(request, lists)));
    };
    let hold = |keep_ended| {
        // The order waits, the mark of the run that finishes next does not.
        place(request, lists.clone().hold(&before.runs, keep_ended))
    };
    let held = Plan::Runs(Box::new(hold(true)));
    // A run that ended does not hold the place of a running one.
    if held.hides_running(request.wall_index) { Plan::Runs(Box::new(hold(false))) } else { held }
}

/// Gives the runs tiles, or rows where tiles have no room for the failures.
fn place(request: &PlanRequest, lists: Lists) -> Places {
    let as_tiles = matches!(request.level, Level::Large | Level::Medium);
    let tiles = if as_tiles { place_tiles(request, lists.clone()) } else { None };
    tiles.unwrap_or_else(|| place_rows(request, lists))
}

/// Gives the runs tiles; `None` if the failures do not fit.
fn place_tiles(request: &PlanRequest, mut lists: Lists) -> Option<Places> {
    let mut area = wall_area(&request.canvas_size);
    let mut failures = None;
    if lists.list(Kind::Fresh).len() > MOST_FAILED_TILES {
        let (block, rest) = beside_failures(area);
        (failures, area) = (Some(block), rest);
        lists.leave_out_failures();
    }
    let failed = lists.list(Kind::Fresh).len();
    let alone = failures.is_none()
        && (lists.total() == 1 || (failed == 0 && (1..=MOST_STRIPS).contains(&lists.total())));
    let (density, failed, others) = if alone {
        (Density::Strip, Vec::new(), lay_out_strips(area, lists.total()))
    } else {
        let cells = match (request.level, failures.is_some()) {
            (Level::Large, false) => LARGE_CELLS,
            (Level::Large, true) => LARGE_BESIDE,
            (_, false) => MEDIUM_CELLS,
            (_, true) => MEDIUM_BESIDE,
        };
        let wall = lay_out_wall(&WallRequest { area, failed, cells })?;
        (Density::Tile, wall.failed, wall.others)
    };
    lists.keep_most(Kind::PRIORITY, failed.len() + others.len());
    let runs = lists.in_tile_order().into_iter().zip(failed.into_iter().chain(others));
    let runs = runs.map(|((kind, id), rect)| Placed { id, kind, rect }).collect();
    let Lists { next, retries, groups, .. } = lists;
    Some(Places {
        level: request.level,
        density,
        runs,
        failures,
        rows: None,
        lines: Vec::new(),
        next,
        retries,
        groups,
    })
}

/// Numbers of rows by what they show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shares {
    running: usize,
    queued: usize,
    ended: usize,
    /// True where a row in words counts the others.
    running_line: bool,
    queued_line: bool,
    ended_line: bool,
}

/// Shares rows among running, queued and ended runs: ended ones leave first, then queued ones become few and
/// a line. No line takes a row that a running run needs: the header counts the runs of each status.
fn share(rows: usize, running: usize, queued: usize, ended: usize) -> Shares {
    let fit = |wanted: usize, room: usize| {
        if wanted <= room { (wanted, false) } else { (room.saturating_sub(1), true) }
    };
    let (running, running_line) = fit(running, rows);
    let shares = Shares { running, running_line, ..Shares::default() };
    let free = if running_line { 0 } else { rows.saturating_sub(running) };
    if free == 0 {
        return shares;
    }
    // A row for the ended ones, or for their number, where the queued ones have one.
    let least_ended = ended.min(1).min(free - queued.min(1));
    let (queued, queued_line) = fit(queued, free - least_ended);
    let free = free.saturating_sub(queued + usize::from(queued_line));
    let (ended, ended_line) = match (free, queued_line) {
        (0, _) => (0, false),
        (_, true) => (0, ended > 0),
        (free, false) => fit(ended, free),
    };
    Shares { queued, queued_line, ended, ended_line, ..shares }
}

fn place_rows(request: &PlanRequest, mut lists: Lists) -> Places {
    let slab = !lists.list(Kind::Fresh).is_empty();
    let layout = lay_out_rows(&RowsRequest {
        canvas_size: request.canvas_size,
        single: request.level == Level::OneColumn,
        slab,
        runs: lists.count([Kind::Running, Kind::Silent, Kind::Queued, Kind::Cancelled]),
        columns: request.columns,
    });
    let counts = &request.counts;
    let failed = if slab { 0 } else { counts.failed };
    if slab {
        // The slab tells of all failures of the hour.
        lists.leave_out_failures();
    }
    let running = lists.count([Kind::Running, Kind::Silent]);
    let queued = lists.list(Kind::Queued).len();
    let over = [Kind::Cancelled, Kind::Failed, Kind::Finished];
    // Runs that ended and hold the place of a running one have a row already.
    let alive = [Kind::Running, Kind::Silent, Kind::Queued];
    let ids = alive.into_iter().flat_map(|kind| lists.list(kind));
    let is_over =
        |id: &&RunId| request.run_store.model.run(id).is_some_and(|run| run.status.is_over());
    let held = ids.filter(is_over).count();
    let ended = counts.completed + counts.cancelled + failed;
    let ended = ended.saturating_sub(held).max(lists.count(over));
    let mut shares = share(layout.capacity(), running, queued, ended);
    if lists.count(over) < shares.ended {
        // Some are only counted, such as those that were dropped.
        (shares.ended, shares.ended_line) = (lists.count(over), true);
    }
    lists.keep_most([Kind::Running, Kind::Silent], shares.running);
    lists.keep_most([Kind::Queued], shares.queued);
    lists.keep_most(over, shares.ended);
    let mut rows = (0..layout.capacity()).map(|row| layout.row(row));
    let mut runs = Vec::new();
    let mut lines = Vec::new();
    for kind in Kind::ROWS {
        let ids = lists.list(kind).iter();
        runs.extend(ids.zip(&mut rows).map(|(id, rect)| Placed { id: id.clone(), kind, rect }));
        if kind == Kind::Queued && shares.queued_line {
            lines.extend(rows.next().map(|rect| (Line::Queued, rect)));
        }
    }
    for (line, shown) in [(Line::Ended, shares.ended_line), (Line::Running, shares.running_line)] {
        if shown {
            lines.extend(rows.next().map(|rect| (line, rect)));
        }
    }
    let Lists { next, retries, groups, .. } = lists;
    Places {
        level: request.level,
        density: Density::Row,
        runs,
        failures: layout.slab,
        rows: Some(layout),
        lines,
        next,
        retries,
        groups,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ended_runs_leave_first_then_queued_ones_become_a_line() {
        let check = |running, queued, ended, expected: (usize, usize, usize), lines: [bool; 3]| {
            let shares = share(40, running, queued, ended);
            let found = [shares.running_line, shares.queued_line, shares.ended_line];
            assert_eq!((shares.running, shares.queued, shares.ended), expected);
            assert_eq!(found, lines, "{running}, {queued}, {ended}");
        };
        check(26, 3, 5, (26, 3, 5), [false; 3]);
        check(26, 3, 30, (26, 3, 10), [false, false, true]);
        check(36, 3, 30, (36, 3, 0), [false, false, true]);
        check(36, 9, 30, (36, 2, 0), [false, true, true]);
        check(38, 9, 30, (38, 0, 0), [false, true, true]);
        check(39, 9, 30, (39, 0, 0), [false, true, false]);
        check(40, 9, 30, (40, 0, 0), [false; 3]);
        check(41, 9, 30, (39, 0, 0), [true, false, false]);
        check(60, 0, 0, (39, 0, 0), [true, false, false]);
    }

    proptest! {
        #[test]
        fn rows_are_never_too_few_for_their_shares(
            rows in 3_usize..80,
            running in 0_usize..70,
            queued in 0_usize..70,
            ended in 0_usize..200,
        ) {
            let shares = share(rows, running, queued, ended);
            let lines = [shares.running_line, shares.queued_line, shares.ended_line];
            let taken = shares.running + shares.queued + shares.ended;
            prop_assert!(taken + lines.iter().filter(|line| **line).count() <= rows);
            prop_assert!(shares.running_line || shares.running == running);
            // A finished run has a row only if each running run has one.
            prop_assert!(shares.ended == 0 || shares.running == running);
            prop_assert!(shares.ended == 0 || shares.queued == queued);
        }
    }
}
