//! Layout of the wall: one tile per run, on one of two grids. Nothing scrolls; the caller counts the
//! runs that do not fit.

use super::header::content_top;
use super::{CanvasSize, Rect};

const GAP: f32 = 16.0;
/// Gap between the tiles and the bridge.
const FOOT: f32 = 16.0;
/// Size of the reference tile.
const TILE: (f32, f32) = (348.8, 240.0);
/// Most columns and rows of a grid.
const MOST: usize = 12;
/// Largest number of failures shown as separate tiles; more are grouped by cause.
pub const MOST_FAILED_TILES: usize = 3;

/// Form of a run on the wall, in descending order of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Density {
    /// Full width: the chain with names and times.
    Strip,
    /// A tile of a grid.
    Tile,
    /// A row of the timing board.
    Row,
}

/// Input of [`lay_out_wall`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WallRequest {
    pub area: Rect,
    /// Number of failure tiles, which come first and are larger.
    pub failed: usize,
    /// Least number of cells of the grid, of which a single failure takes four and each of several two.
    pub cells: usize,
}

/// Places in order: `failed`, then `others`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Wall {
    pub failed: Vec<Rect>,
    /// All other cells of the grid.
    pub others: Vec<Rect>,
}

/// Returns the area of the tiles, between the header and the bridge.
pub fn wall_area(canvas_size: &CanvasSize) -> Rect {
    let top = content_top(canvas_size);
    let height = canvas_size.bridge_top() - top - FOOT;
    Rect::new(
        CanvasSize::MARGIN,
        top,
        canvas_size.width - 2.0 * CanvasSize::MARGIN,
        height.max(1.0),
    )
}

/// Returns the width of failures beside tiles.
fn failures_width(area: Rect) -> f32 {
    if area.h > area.w { area.w } else { (area.w * 0.325).min(760.0) }
}

/// Splits an area into one for many failures, grouped by cause, and one for the tiles of all other
/// runs: to the right of the failures, or below them on a portrait screen.
pub fn beside_failures(area: Rect) -> (Rect, Rect) {
    let Rect { x, y, w, h } = area;
    let width = failures_width(area);
    if h > w {
        let high = h * 0.24;
        return (Rect::new(x, y, w, high), Rect::new(x, y + high + GAP, w, h - high - GAP));
    }
    (Rect::new(x, y, width, h), Rect::new(x + width + GAP, y, w - width - GAP, h))
}

/// Number of cells that failures take: one takes 2×2, each of several 2×1.
pub fn failed_cells(failed: usize) -> usize {
    match failed {
        0 => 0,
        1 => 4,
        several => 2 * several,
    }
}

/// Lays out a wall on the grid of at least `cells` cells that makes tiles largest; `None` if the
/// failures do not fit into it. Its places do not depend on the number of runs.
pub fn lay_out_wall(request: &WallRequest) -> Option<Wall> {
    if request.failed > MOST_FAILED_TILES {
        return None;
    }
    let (columns, rows) = grid_of(request.area, request.cells);
    let grid = Grid::filled(columns, rows, request.failed)?;
    let slots = |failed: bool| {
        let of_kind = grid.slots.iter().filter(|slot| slot.failed == failed);
        of_kind.map(|slot| cell(request.area, (columns, rows), slot.at, slot.span)).collect()
    };
    Some(Wall { failed: slots(true), others: slots(false) })
}

/// Lays out strips of the full width, one below the other.
pub fn lay_out_strips(area: Rect, strips: usize) -> Vec<Rect> {
    (0..strips).map(|row| cell(area, (1, strips.max(1)), (0, row), (1, 1))).collect()
}

/// Returns the numbers of columns and rows.
fn grid_of(area: Rect, cells: usize) -> (usize, usize) {
    let scale = |columns: usize, rows: usize| {
        let tile = cell(area, (columns, rows), (0, 0), (1, 1));
        (tile.w / TILE.0).min(tile.h / TILE.1)
    };
    let grids = (2..=MOST).map(|columns| (columns, cells.div_ceil(columns).max(2)));
    // The first of equal ones: the fewest columns leave names the most room.
    grids.fold((2, cells.div_ceil(2).max(2)), |best, grid| {
        if scale(grid.0, grid.1) > scale(best.0, best.1) + 0.001 { grid } else { best }
    })
}

/// Returns the rectangle of a span of grid cells.
fn cell(
    area: Rect,
    (columns, rows): (usize, usize),
    (column, row): (usize, usize),
    span: (usize, usize),
) -> Rect {
    let w = (area.w - GAP * (columns - 1) as f32) / columns as f32;
    let h = (area.h - GAP * (rows - 1) as f32) / rows as f32;
    Rect::new(
        area.x + column as f32 * (w + GAP),
        area.y + row as f32 * (h + GAP),
        w * span.0 as f32 + GAP * (span.0 - 1) as f32,
        h * span.1 as f32 + GAP * (span.1 - 1) as f32,
    )
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    failed: bool,
    at: (usize, usize),
    span: (usize, usize),
}

/// A grid during placement: cells taken, and tiles placed.
struct Grid {
    columns: usize,
    rows: usize,
    taken: Vec<bool>,
    slots: Vec<Slot>,
}

impl Grid {
    /// Places the failures in a grid, then one tile in each free cell; `None` if failures do not fit.
    fn filled(columns: usize, rows: usize, failed: usize) -> Option<Self> {
        let taken = vec![false; columns * rows];
        let mut grid = Self { columns, rows, taken, slots: Vec::new() };
        let span = if failed == 1 { (2, 2) } else { (2, 1) };
        for _ in 0..failed {
            let down_first =
                (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row)));
            let at = down_first.into_iter().find(|at| grid.is_free(*at, span))?;
            grid.take(Slot { failed: true, at, span });
        }
        for cell in 0..columns * rows {
            let at = (cell % columns, cell / columns);
            if grid.is_free(at, (1, 1)) {
                grid.take(Slot { failed: false, at, span: (1, 1) });
            }
        }
        Some(grid)
    }

    fn is_free(&self, (column, row): (usize, usize), (w, h): (usize, usize)) -> bool {
        column + w <= self.columns
            && row + h <= self.rows
            && (row..row + h).all(|row| {
                (column..column + w).all(|column| !self.taken[row * self.columns + column])
            })
    }

    fn take(&mut self, slot: Slot) {
        let ((column, row), (w, h)) = (slot.at, slot.span);
        for row in row..row + h {
            for column in column..column + w {
                self.taken[row * self.columns + column] = true;
            }
        }
        self.slots.push(slot);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wall(pixels: (f32, f32), failed: usize, cells: usize) -> Option<Wall> {
        let area = wall_area(&CanvasSize::of_pixels(pixels.0, pixels.1));
        lay_out_wall(&WallRequest { area, failed, cells })
    }

    const HD: (f32, f32) = (1920.0, 1080.0);

    fn rounded(rect: Rect) -> [f32; 4] {
        [rect.x, rect.y, rect.w, rect.h].map(|v| (v * 10.0).round())
    }

    #[test]
    fn twelve_runs_with_a_failure_match_the_drawing() {
        let wall = wall(HD, 1, 15).unwrap();
        assert_eq!(rounded(wall.failed[0]), [560.0, 1280.0, 7136.0, 4960.0]);
        assert_eq!(rounded(wall.others[0]), [7856.0, 1280.0, 3488.0, 2400.0]);
        assert_eq!(rounded(wall.others[10]), [15152.0, 6400.0, 3488.0, 2400.0]);
        assert_eq!(wall.others.len(), 11);
    }

    #[test]
    fn grids_are_3_by_2_and_5_by_3_and_in_portrait_2_by_3_and_3_by_5() {
        let columns = |pixels, cells| {
            let places = wall(pixels, 0, cells).unwrap().others;
            let first = places[0];
            let columns = places.iter().filter(|place| (place.y - first.y).abs() < 0.1).count();
            (columns, places.len() / columns)
        };
        assert_eq!((columns(HD, 6), columns(HD, 15)), ((3, 2), (5, 3)));
        let portrait = (1080.0, 1920.0);
        assert_eq!((columns(portrait, 6), columns(portrait, 15)), ((2, 3), (3, 5)));
        assert_eq!(columns((1280.0, 1024.0), 15), (4, 4));
    }

    #[test]
    fn several_failures_get_lower_tiles_and_four_get_none() {
        let two = wall(HD, 2, 15).unwrap();
        assert!(two.failed[0].w > 1.9 * two.others[0].w, "{two:?}");
        assert_eq!(two.failed[0].h, two.others[0].h);
        assert_eq!((two.others.len(), wall(HD, 3, 15).unwrap().others.len()), (11, 9));
        assert_eq!(wall(HD, 4, 15), None);
    }

    #[test]
    fn area_beside_failures_holds_eight_other_runs() {
        for pixels in [HD, (1080.0, 1920.0), (1280.0, 1024.0)] {
            let area = wall_area(&CanvasSize::of_pixels(pixels.0, pixels.1));
            let (block, rest) = beside_failures(area);
            assert!(!overlap(&block, &rest));
            let wall = lay_out_wall(&WallRequest { area: rest, failed: 0, cells: 8 }).unwrap();
            let tile = wall.others[0];
            assert!(wall.others.len() >= 8 && tile.w > 280.0 && tile.h > 200.0, "{wall:?}");
        }
    }

    fn overlap(a: &Rect, b: &Rect) -> bool {
        a.x < b.right() - 0.1
            && b.x < a.right() - 0.1
            && a.y < b.bottom() - 0.1
            && b.y < a.bottom() - 0.1
    }

    proptest! {
        #[test]
        fn tiles_do_not_overlap_or_leave_the_wall(
            width in 400.0_f32..8000.0,
            height in 400.0_f32..4500.0,
            failed in 0_usize..=3,
            many in any::<bool>(),
        ) {
            let area = wall_area(&CanvasSize::of_pixels(width, height));
            let cells = if many { 15 } else { 6 };
            let Some(wall) = lay_out_wall(&WallRequest { area, failed, cells }) else {
                prop_assert!(!many && failed == 3);
                return Ok(());
            };
            prop_assert!(wall.failed.len() == failed);
            prop_assert!(wall.others.len() + failed_cells(failed) >= cells);
            let all: Vec<Rect> = wall.failed.iter().chain(&wall.others).copied().collect();
            for (slot, tile) in all.iter().enumerate() {
                prop_assert!(tile.x >= area.x - 0.1 && tile.right() <= area.right() + 0.1);
                prop_assert!(tile.y >= area.y - 0.1 && tile.bottom() <= area.bottom() + 0.1);
                prop_assert!(tile.w > 280.0 && tile.h > 190.0, "{tile:?}");
                for other in &all[..slot] {
                    prop_assert!(!overlap(tile, other), "{tile:?} {other:?}");
                }
            }
        }
    }
}
