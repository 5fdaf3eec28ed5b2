//! Choices of the user on the timeline, and the items that can be chosen there.

use bevy::prelude::*;

use super::focus::listed_runs;
use super::run_store::RunStore;
use crate::layout::Rect;
use crate::model::Run;
use crate::protocol::{NodeName, RunId};

/// Most steps of zoom in each direction.
pub const MOST_ZOOM: i32 = 6;

/// An attempt of a step, which the timeline shows as a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellId {
    pub run: RunId,
    pub node: NodeName,
    /// Index among the step's kept attempts, oldest first.
    pub attempt: usize,
}

/// Run that a race is against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Against {
    /// The last success of the song before this run, else the usual run.
    #[default]
    LastSuccess,
    /// The song's run before this one, however it ended.
    AttemptBefore,
    /// A chosen run, of this song or another one.
    Run(RunId),
}

impl Against {
    /// Returns the run that a race of `run` is against; `None` where it is against the usual run.
    pub fn opponent<'a>(&self, run: &Run, run_store: &'a RunStore) -> Option<&'a Run> {
        match self {
            Self::LastSuccess => run_store.last_success(run),
            Self::AttemptBefore => run_store.attempt_before(run),
            Self::Run(id) => run_store.model.run(id).filter(|other| other.id() != run.id()),
        }
    }

    /// Returns a race of `run` against the run so many places further down the list of all runs than the
    /// opponent, or than the run itself where that has none.
    pub fn moved_on(&self, run: &Run, run_store: &RunStore, by: isize) -> Self {
        let runs = listed_runs(run_store);
        let opponent = self.opponent(run, run_store).unwrap_or(run).id();
        let here = runs.iter().position(|listed| listed.id() == opponent).unwrap_or(0);
        let ahead: &mut dyn Iterator<Item = &&Run> = match by < 0 {
            true => &mut runs[..here].iter().rev(),
            false => &mut runs[here..].iter().skip(1),
        };
        let mut others = ahead.filter(|other| other.id() != run.id());
        let next = others.nth(by.unsigned_abs().saturating_sub(1));
        next.map_or_else(|| self.clone(), |next| Self::Run(next.id().clone()))
    }
}

/// Choices of the user on the timeline.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct TimelineState {
    /// Steps by which the view is closer than what fits by itself; negative when it is wider. `None` as
    /// long as nobody zoomed.
    pub zoom: Option<i32>,
    /// Milliseconds by which the view was moved into the past.
    pub back_ms: f64,
    /// Place of the pointer over the view, in design pixels.
    pub pointed: Option<Vec2>,
    /// The selected cell.
    pub selected: Option<CellId>,
    pub against: Against,
}

impl TimelineState {
    /// Shows everything that fits, up to now.
    pub fn fit(&mut self) {
        (self.zoom, self.back_ms) = (None, 0.0);
    }

    /// Zooms by a number of steps; positive ones are closer.
    pub fn zoom_by(&mut self, steps: i32) {
        let zoom = self.zoom.unwrap_or(0).saturating_add(steps);
        self.zoom = Some(crate::bounded::bounded(zoom, -MOST_ZOOM, MOST_ZOOM));
    }
}

/// Clickable cells of the timeline, and the scale of its time.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Cells {
    pub cells: Vec<(CellId, Rect)>,
    /// Milliseconds of time for each design pixel; 0 where time cannot be moved.
    pub ms_per_px: f64,
    /// Greatest distance into the past that the view can be moved by, in milliseconds.
    pub most_back_ms: f64,
}

impl Cells {
    /// Returns the cell at a point, of several the one that was drawn last.
    pub fn at(&self, point: Vec2) -> Option<&CellId> {
        let found = self.cells.iter().rev().find(|(_, rect)| rect.holds(point.x, point.y));
        found.map(|(cell, _)| cell)
    }
}
