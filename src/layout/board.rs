//! Layout of the board, the form of the wall for more runs than tiles: failures, running runs by
//! node, finished runs, and a field with one cell for each node of each run.

use super::Rect;

const GAP: f32 = 36.0;
/// Largest cell pitch in design pixels, so that a few runs do not get huge cells.
const WIDEST_CELL: f32 = 15.0;
const TALLEST_CELL: f32 = 26.0;
/// Preferred ratio of cell height to width.
const CELL_RATIO: f32 = 1.5;

/// Areas of a board.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Board {
    /// Area of the failures; `None` when there are none.
    pub failed: Option<Rect>,
    pub running: Rect,
    pub finished: Rect,
    pub cells: Rect,
}

/// Returns the width of the failures on a board.
pub fn failures_width(area: Rect) -> f32 {
    if area.h > area.w { area.w } else { (area.w * 0.325).min(760.0) }
}

/// Lays out a board in the wall's area. `failures` is the height that the failures need at their
/// full width; `None` reserves no area for them.
pub fn lay_out_board(area: Rect, failures: Option<f32>) -> Board {
    if area.h > area.w {
        return stacked(area, failures);
    }
    let failed_w = if failures.is_some() { failures_width(area) } else { 0.0 };
    let left = if failures.is_some() { area.x + failed_w + GAP } else { area.x };
    let width = area.right() - left;
    let running_w = (width - GAP) * 0.565;
    // If the failures leave enough height, the cells extend below them over the full width; to make
    // that possible the cells may become somewhat lower.
    let needed = failures.unwrap_or(0.0);
    let upper = |cells_h: f32| area.h - cells_h - GAP;
    let (high, low) = (area.h * 0.29, area.h * 0.2);
    let (cells_h, is_low) = match needed {
        needed if needed <= upper(high) => (high, true),
        needed if needed <= upper(low) => (low, true),
        _ => (high, false),
    };
    let upper_h = upper(cells_h);
    let (cells_x, failed_h) = if is_low { (area.x, upper_h) } else { (left, area.h) };
    let cells_y = area.bottom() - cells_h;
    Board {
        failed: failures.map(|_| Rect::new(area.x, area.y, failed_w, failed_h)),
        running: Rect::new(left, area.y, running_w, upper_h),
        finished: Rect::new(left + running_w + GAP, area.y, width - GAP - running_w, upper_h),
        cells: Rect::new(cells_x, cells_y, area.right() - cells_x, cells_h),
    }
}

fn stacked(area: Rect, failures: Option<f32>) -> Board {
    let failed_h = failures.map_or(0.0, |needed| needed.min(area.h * 0.32));
    let top = if failures.is_some() { area.y + failed_h + GAP } else { area.y };
    let height = area.bottom() - top;
    let upper_h = (height * 0.5).min(900.0);
    let running_w = (area.w - GAP) * 0.57;
    Board {
        failed: failures.map(|_| Rect::new(area.x, area.y, area.w, failed_h)),
        running: Rect::new(area.x, top, running_w, upper_h),
        finished: Rect::new(area.x + running_w + GAP, top, area.w - GAP - running_w, upper_h),
        cells: Rect::new(area.x, top + upper_h + GAP, area.w, height - upper_h - GAP),
    }
}

/// A field of runs in columns. Each run is one row of cells; runs fill a column from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellGrid {
    /// Area filled by the runs.
    pub rect: Rect,
    pub columns: usize,
    pub rows: usize,
    /// Number of cells per run.
    pub nodes: usize,
}

impl CellGrid {
    /// Returns the pitch of a cell. The gap between two columns is one cell wide.
    pub fn cell_w(&self) -> f32 {
        self.rect.w / (self.columns * (self.nodes + 1)) as f32
    }

    pub fn row_h(&self) -> f32 {
        self.rect.h / self.rows as f32
    }

    /// Returns the place of the run whose row contains the point.
    pub fn place_at(&self, x: f32, y: f32) -> Option<usize> {
        let (dx, dy) = (x - self.rect.x, y - self.rect.y);
        if dx < 0.0 || dy < 0.0 || dx >= self.rect.w || dy >= self.rect.h {
            return None;
        }
        let column = (dx / self.rect.w * self.columns as f32) as usize;
        let row = (dy / self.rect.h * self.rows as f32) as usize;
        Some(column * self.rows + row)
    }
}

/// Returns the grid for the given numbers of runs and nodes that fills the rectangle best.
pub fn lay_out_cells(rect: Rect, runs: usize, nodes: usize) -> CellGrid {
    let runs = stable_capacity(runs);
    let nodes = nodes.max(1);
    let grid = |columns: usize| {
        let rows = runs.div_ceil(columns).max(1);
        let w = (rect.w / (columns * (nodes + 1)) as f32).min(WIDEST_CELL);
        let h = (rect.h / rows as f32).min(TALLEST_CELL);
        let filled = Rect::new(rect.x, rect.y, w * (columns * (nodes + 1)) as f32, h * rows as f32);
        CellGrid { rect: filled, columns, rows, nodes }
    };
    // A cell's ratio of height to width grows monotonically with the number of columns.
    let (mut low, mut high) = (1, runs.max(1));
    while low < high {
        let middle = (low + high) / 2;
        let candidate = grid(middle);
        if candidate.row_h() < CELL_RATIO * candidate.cell_w() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    grid(low)
}

/// Rounds the number of runs up to a capacity that changes rarely, so that runs keep their places.
fn stable_capacity(runs: usize) -> usize {
    let step = (runs.max(1).next_power_of_two() / 16).max(8);
    runs.max(1).next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layout::{CanvasSize, wall_area};

    fn inside(inner: &Rect, outer: &Rect) -> bool {
        inner.x >= outer.x - 0.1
            && inner.y >= outer.y - 0.1
            && inner.right() <= outer.right() + 0.1
            && inner.bottom() <= outer.bottom() + 0.1
    }

    proptest! {
        #[test]
        fn parts_of_a_board_do_not_overlap(
            width in 400.0_f32..8000.0,
            height in 400.0_f32..4500.0,
            failures in prop::option::of(160.0_f32..900.0),
        ) {
            let area = wall_area(&CanvasSize::of_pixels(width, height));
            let board = lay_out_board(area, failures);
            let mut parts = vec![board.running, board.finished, board.cells];
            parts.extend(board.failed);
            for (slot, part) in parts.iter().enumerate() {
                prop_assert!(inside(part, &area) && part.w > 300.0 && part.h > 100.0, "{part:?}");
                for other in &parts[..slot] {
                    let apart = part.right() <= other.x || other.right() <= part.x
                        || part.bottom() <= other.y || other.bottom() <= part.y;
                    prop_assert!(apart, "{part:?} {other:?}");
                }
            }
        }

        #[test]
        fn grid_has_a_row_for_every_run(runs in 1_usize..12_000, nodes in 1_usize..16) {
            let rect = Rect::new(56.0, 600.0, 1200.0, 220.0);
            let grid = lay_out_cells(rect, runs, nodes);
            prop_assert!(grid.columns * grid.rows >= runs);
            prop_assert!(inside(&grid.rect, &rect), "{grid:?}");
        }
    }

    #[test]
    fn cells_fill_the_field_and_points_map_to_places() {
        let rect = Rect::new(56.0, 600.0, 1200.0, 220.0);
        for runs in [400, 10_000] {
            let grid = lay_out_cells(rect, runs, 9);
            let filled = grid.rect.w * grid.rect.h / (rect.w * rect.h);
            assert!(filled > 0.9, "{runs}: {grid:?}");
            let (column, row) = (grid.columns - 1, grid.rows / 2);
            let x = grid.rect.x + (column as f32 + 0.5) * grid.rect.w / grid.columns as f32;
            let y = grid.rect.y + (row as f32 + 0.5) * grid.row_h();
            assert_eq!(grid.place_at(x, y), Some(column * grid.rows + row));
        }
        assert_eq!(lay_out_cells(rect, 400, 9), lay_out_cells(rect, 403, 9));
        assert_eq!(lay_out_cells(rect, 400, 9).place_at(0.0, 0.0), None);
    }
}
