//! A block of the wall that lists runs by name: drawn again when its content changes, and removed with
//! its clickable areas.

use crate::app::draw::{Canvas, Part};
use crate::layout::Rect;
use crate::protocol::RunId;

/// Content of a block; it is drawn again when it is no longer equal to what was drawn.
pub trait BlockView: PartialEq {
    /// Name of the block's part of the canvas.
    const PART: &'static str;

    /// Draws the block, and adds the places of runs to `names`.
    fn draw(&self, part: &mut Part, names: &mut Vec<(RunId, Rect)>);
}

/// A block as last drawn.
pub struct Block<V> {
    drawn: Option<V>,
    /// True when it must be drawn again although its content is the same, as after a change of theme.
    is_stale: bool,
    names: Vec<(RunId, Rect)>,
}

impl<V> Default for Block<V> {
    fn default() -> Self {
        Self { drawn: None, is_stale: false, names: Vec::new() }
    }
}

impl<V: BlockView> Block<V> {
    /// Draws a view, or removes the block where there is none.
    pub fn show(&mut self, canvas: &mut Canvas, view: Option<V>) {
        let Some(view) = view else {
            self.leave(canvas);
            return;
        };
        if !self.is_stale && self.drawn.as_ref() == Some(&view) {
            return;
        }
        self.names.clear();
        view.draw(canvas.redraw(V::PART), &mut self.names);
        (self.drawn, self.is_stale) = (Some(view), false);
    }

    /// Runs named in the block, and their places.
    pub fn names(&self) -> &[(RunId, Rect)] {
        &self.names
    }

    /// The content as last drawn.
    #[cfg(test)]
    pub fn drawn(&self) -> Option<&V> {
        self.drawn.as_ref()
    }

    /// Marks the block to be drawn again.
    pub fn forget_looks(&mut self) {
        self.is_stale = true;
    }

    /// Removes the block from the canvas.
    pub fn leave(&mut self, canvas: &mut Canvas) {
        if self.drawn.take().is_some() {
            self.names.clear();
            canvas.remove(V::PART);
        }
    }
}
