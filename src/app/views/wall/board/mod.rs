//! The board: the form of the wall for more runs than rows.

mod now;
mod pace;
mod why;

use std::borrow::Cow;
use std::hash::Hash;

use bevy::color::Color;
use jiff::Timestamp;

use super::board_view::BoardView;
use super::fit::line_for;
use super::wall_index::WallIndex;
use crate::app::draw::{Canvas, Face, Layer, Part, Rect, Shape, Text};
use crate::app::state::hit::Pickable;
use crate::app::state::run_store::RunStore;
use crate::app::views::counts::RunCounts;
use crate::layout::{CanvasSize, lay_out_board};
use crate::protocol::RunId;

/// Least time between two changes of the board, in seconds: faster ones cannot be read.
const WORDS_SECS: f64 = 0.25;
/// Longest time for which the board waits for the header to count the same runs, in seconds.
const COUNTS_SECS: f64 = 1.0;
const PART: &str = "board";
const LAYER: Layer = Layer::Face;
/// Type sizes of a column's head, and of what is said beside it.
const HEAD: f32 = 28.0;
const ASIDE: f32 = 24.0;

/// State of the board as last drawn.
#[derive(Default)]
pub struct BoardMemory {
    drawn: Option<(BoardView, CanvasSize)>,
    counts: RunCounts,
    picks: Picks,
    drawn_at: f64,
    revision: Option<u64>,
}

/// Places of runs that can be picked: those that are named, and the cells.
#[derive(Default)]
struct Picks {
    names: Vec<(RunId, Rect)>,
    cells: Vec<(RunId, Rect)>,
}

/// Inputs of the board.
pub struct BoardContext<'a> {
    pub wall_index: &'a WallIndex,
    pub run_store: &'a RunStore,
    pub counts: RunCounts,
    pub canvas_size: CanvasSize,
    pub now: f64,
    pub server_now: Timestamp,
}

impl BoardMemory {
    /// Seconds until held-back changes must be drawn; `None` when there are none.
    pub fn due_in(&self, now: f64) -> Option<f64> {
        let held_back = self.revision.is_none() && self.drawn.is_some();
        held_back.then(|| (self.drawn_at + WORDS_SECS - now).max(0.0))
    }

    /// Draws changes, at most four times a second, or with the numbers that other displays show, too.
    pub fn draw(&mut self, canvas: &mut Canvas, pickable: &mut Pickable, context: BoardContext) {
        let BoardContext { wall_index, run_store, counts, canvas_size, now, server_now } = context;
        let resized = self.drawn.as_ref().is_none_or(|(_, before)| *before != canvas_size);
        let revision = wall_index.revision();
        if resized || self.revision != Some(revision) {
            self.revision = None;
        }
        let elapsed = |secs| now < self.drawn_at || now - self.drawn_at >= secs;
        // The steps add up to the header's number, which may lag behind the index for a moment.
        let same_runs = counts.active == wall_index.active();
        let may = self.counts != counts || elapsed(WORDS_SECS);
        if !resized && !(may && (same_runs || elapsed(COUNTS_SECS))) {
            return;
        }
        let view = BoardView::of(&counts, wall_index, run_store, server_now);
        if resized || self.drawn.as_ref().is_none_or(|(before, _)| *before != view) {
            self.picks.names.clear();
            self.picks.cells.clear();
            draw_board(canvas.redraw(PART), &view, &canvas_size, &mut self.picks);
            pickable.show_board(&self.picks.names, &self.picks.cells);
            self.drawn = Some((view, canvas_size));
        }
        self.drawn_at = now;
        self.counts = counts;
        self.revision = Some(revision);
    }

    /// The board as last drawn.
    #[cfg(test)]
    pub fn view(&self) -> Option<&BoardView> {
        self.drawn.as_ref().map(|(view, _)| view)
    }

    /// Marks all of the board to be drawn again.
    pub fn forget_looks(&mut self) {
        self.drawn = None;
    }

    /// Removes the board from the canvas.
    pub fn leave(&mut self, canvas: &mut Canvas) {
        if self.drawn.take().is_some() {
            canvas.remove(PART);
            *self = Self::default();
        }
    }
}

fn draw_board(part: &mut Part, view: &BoardView, canvas_size: &CanvasSize, picks: &mut Picks) {
    let places = lay_out_board(canvas_size);
    why::draw(part, view, &places, picks);
    now::draw(part, view, &places, picks);
    pace::draw(part, view, &places, picks);
}

/// A line of text that is cut where it does not fit.
struct Line<'a> {
    words: Cow<'a, str>,
    face: Face,
    /// Wanted and least type size.
    sizes: (f32, f32),
    ink: Color,
    room: f32,
}

impl<'a> Line<'a> {
    fn new(words: impl Into<Cow<'a, str>>, face: Face, size: f32, ink: Color, room: f32) -> Self {
        Self { words: words.into(), face, sizes: (size, size), ink, room: room.max(0.0) }
    }

    /// Allows a smaller type size before the words are cut.
    fn least(mut self, size: f32) -> Self {
        self.sizes.1 = size.min(self.sizes.0);
        self
    }

    fn text(&self, key: impl Hash, x: f32, y: f32) -> Text {
        let (words, size) = line_for(self.face, self.sizes, &self.words, self.room);
        Text::new(key, words, x, y, self.face, size).colour(self.ink)
    }

    fn draw(&self, part: &mut Part, key: impl Hash, x: f32, y: f32) {
        part.text(LAYER, self.text(key, x, y));
    }

    fn draw_end(&self, part: &mut Part, key: impl Hash, x: f32, y: f32) {
        part.text(LAYER, self.text(key, x, y).end());
    }
}

/// Draws the head of a column.
fn draw_head(part: &mut Part, words: &'static str, at: Rect, k: f32) {
    let ink = part.palette.text;
    let head = Line::new(words, Face::Text600, HEAD * k, ink, at.w).least(22.0 * k);
    head.draw(part, ("head", words), at.x, at.y + 26.0 * k);
}

/// Draws a thin line across.
fn draw_rule(part: &mut Part, x: f32, y: f32, w: f32) {
    let rule = Shape::rounded_box(Rect::new(x, y - 0.75, w, 1.5)).fill(part.palette.hair);
    part.shape(LAYER, rule);
}
