//! Field of cells on the board: a group for each run, with a cell for each node.

use super::wall_index::{Cell, WallIndex};
use crate::app::draw::{CellField, Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::theme::{Palette, size};
use crate::layout::{CellGrid, lay_out_cells};
use crate::protocol::PIPELINE;

/// Height of the caption above the cells.
const CAPTION: f32 = 34.0;

/// Grid of all slots in a rectangle, below the caption.
pub fn grid(wall_index: &WallIndex, rect: Rect) -> CellGrid {
    let field = Rect::new(rect.x, rect.y + CAPTION, rect.w, rect.h - CAPTION);
    lay_out_cells(field, wall_index.places(), wall_index.nodes().max(PIPELINE.len()))
}

/// Writes the changed slots into the field, or all of them when it has just been shown.
pub fn write(wall_index: &mut WallIndex, field: &mut CellField, grid: CellGrid, palette: &Palette) {
    let begins = !field.is_shown();
    let colours = [
        palette.line_strong,
        palette.running,
        palette.success_dense,
        palette.failed,
        palette.success_floor,
        palette.tile_dot_skipped,
        palette.cancelled,
        palette.text_tertiary,
    ];
    field.show(grid, wall_index.places(), colours, palette.failed_ink);
    match wall_index.take_changed() {
        Some(changed) if !begins => {
            for place in changed {
                field.write(place, wall_index.cells_at(place));
            }
        }
        _ => {
            for place in 0..wall_index.places() {
                field.write(place, wall_index.cells_at(place));
            }
        }
    }
}

/// Draws the caption and the legend of colours.
pub fn draw_caption(part: &mut Part, rect: Rect) {
    let palette = part.palette;
    let y = rect.y + 20.0;
    let words = "every run, the oldest first; a cell for each step";
    part.text(
        Layer::Face,
        Text::new("cells", words, rect.x, y, Face::Text500, size::ESSENTIAL_MIN)
            .colour(palette.text_secondary),
    );
    let legend = [
        (Cell::Done, "done", palette.success_dense),
        (Cell::Running, "running", palette.running),
        (Cell::Failed, "failed", palette.failed),
        (Cell::Stopped, "cancelled", palette.cancelled),
        (Cell::Pending, "pending", palette.line_strong),
    ];
    let mut x = rect.right();
    for (cell, words, ink) in legend.into_iter().rev() {
        x -= measure(Face::Text500, size::ESSENTIAL_MIN, 0.0, words);
        part.text(
            Layer::Face,
            Text::new(("legend", cell as u8), words, x, y, Face::Text500, size::ESSENTIAL_MIN)
                .colour(palette.text_secondary),
        );
        x -= 22.0;
        let height = if cell == Cell::Pending { 5.0 } else { 18.0 };
        let mark = Rect::new(x, y + 1.0 - height, 13.0, height);
        part.shape(Layer::Face, Shape::rounded_box(mark).radius(2.0).fill(ink));
        x -= 24.0;
    }
}
