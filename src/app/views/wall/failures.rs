//! Block of failures that are too many for tiles of their own, beside the tiles.

use jiff::Timestamp;

use super::board_failures::{draw_failures, lay_out_failures};
use super::board_view::Failures;
use super::wall_index::WallIndex;
use crate::app::draw::Canvas;
use crate::app::state::run_store::RunStore;
use crate::app::views::counts::RunCounts;
use crate::layout::Rect;
use crate::protocol::RunId;

const PART: &str = "wall failures";

/// Failures as last drawn.
#[derive(Default)]
pub struct FailuresBlock {
    drawn: Option<(Failures, Rect)>,
    names: Vec<(RunId, Rect)>,
}

impl FailuresBlock {
    /// Draws the failures in `rect`, or removes them when there is none.
    pub fn draw(
        &mut self,
        canvas: &mut Canvas,
        rect: Option<Rect>,
        (counts, wall_index): (&RunCounts, &WallIndex),
        run_store: &RunStore,
        server_now: Timestamp,
    ) {
        let Some(rect) = rect else {
            self.leave(canvas);
            return;
        };
        let failures = Failures::of(counts, wall_index, run_store, server_now);
        if self.drawn.as_ref().is_some_and(|(before, at)| *before == failures && *at == rect) {
            return;
        }
        let told = lay_out_failures(&failures, rect.w, rect.h, canvas.theme.palette());
        self.names.clear();
        draw_failures(canvas.redraw(PART), &failures, &told, rect, &mut self.names);
        self.drawn = Some((failures, rect));
    }

    /// Runs named in the block, and their places.
    pub fn names(&self) -> &[(RunId, Rect)] {
        &self.names
    }

    /// Number of failures in the block as last drawn.
    #[cfg(test)]
    pub fn count(&self) -> Option<usize> {
        self.drawn.as_ref().map(|(failures, _)| failures.count)
    }

    /// Marks all of the block to be drawn again.
    pub fn forget_looks(&mut self) {
        self.drawn = None;
    }

    /// Removes the block from the canvas.
    pub fn leave(&mut self, canvas: &mut Canvas) {
        if self.drawn.take().is_some() {
            self.names.clear();
            canvas.remove(PART);
        }
    }
}
