//! The field of cells on the board: every run, a cell for each node.

use super::census::{Cell, Census};
use crate::app::draw::{CellField, Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::theme::{colour, size};
use crate::layout::{CellGrid, lay_out_cells};
use crate::protocol::PIPELINE;

/// Above the cells: what they are.
const CAPTION: f32 = 34.0;

/// The grid of all places in a rectangle, below its caption.
pub fn grid(census: &Census, rect: Rect) -> CellGrid {
    let field = Rect::new(rect.x, rect.y + CAPTION, rect.w, rect.h - CAPTION);
    lay_out_cells(field, census.places(), census.nodes().max(PIPELINE.len()))
}

/// Writes what changed into the field.
pub fn write(census: &mut Census, field: &mut CellField, grid: CellGrid) {
    let begins = !field.is_shown();
    let colours = [
        colour::LINE_STRONG,
        colour::RUNNING,
        colour::SUCCESS_DENSE,
        colour::FAILED,
        colour::SUCCESS_FLOOR,
        colour::TILE_DOT_SKIPPED,
        colour::CANCELLED,
        colour::TEXT_TERTIARY,
    ];
    field.show(grid, census.places(), colours, colour::FAILED_INK);
    match census.take_changed() {
        Some(changed) if !begins => {
            for place in changed {
                field.write(place, census.cells_at(place));
            }
        }
        _ => {
            for place in 0..census.places() {
                field.write(place, census.cells_at(place));
            }
        }
    }
}

/// The caption, with what the colours are.
pub fn draw_caption(part: &mut Part, rect: Rect) {
    let y = rect.y + 20.0;
    let words = "every run, a cell for each step";
    part.text(
        Layer::Face,
        Text::new("cells", words, rect.x, y, Face::Text500, size::ESSENTIAL_MIN)
            .colour(colour::TEXT_SECONDARY),
    );
    let legend = [
        (Cell::Done, "done", colour::SUCCESS_DENSE),
        (Cell::Running, "at work", colour::RUNNING),
        (Cell::Failed, "failed", colour::FAILED),
        (Cell::Stopped, "cancelled", colour::CANCELLED),
        (Cell::Pending, "to come", colour::LINE_STRONG),
    ];
    let mut x = rect.right();
    for (cell, words, ink) in legend.into_iter().rev() {
        x -= measure(Face::Text500, size::ESSENTIAL_MIN, 0.0, words);
        part.text(
            Layer::Face,
            Text::new(("legend", cell as u8), words, x, y, Face::Text500, size::ESSENTIAL_MIN)
                .colour(colour::TEXT_SECONDARY),
        );
        x -= 22.0;
        let height = if cell == Cell::Pending { 5.0 } else { 18.0 };
        let mark = Rect::new(x, y + 1.0 - height, 13.0, height);
        part.shape(Layer::Face, Shape::rounded_box(mark).radius(2.0).fill(ink));
        x -= 24.0;
    }
}
