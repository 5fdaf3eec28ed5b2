//! Layout of the wall: one tile per run, as large as their number allows. Nothing scrolls; the
//! caller counts the runs that do not fit.

use super::board::failures_width;
use super::header::content_top;
use super::{CanvasSize, Rect};
use crate::bounded::bounded;

const GAP: f32 = 16.0;
/// Gap between the tiles and the bridge.
const FOOT: f32 = 24.0;
/// Largest number of runs that are shown as full-width strips.
const MOST_STRIPS: usize = 3;
/// Largest number of failures shown as separate tiles; more are grouped by cause.
pub const MOST_FAILED_TILES: usize = 3;

/// Amount of detail on a tile, in descending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Density {
    /// Full width: the chain with names and times.
    Strip,
    /// 3×2 tiles on a 16:9 screen.
    Large,
    /// 5×3 tiles.
    Medium,
    /// 8 columns by 5 rows: title, node, status.
    Small,
}

impl Density {
    const ALL: [Self; 4] = [Self::Strip, Self::Large, Self::Medium, Self::Small];

    /// Returns the minimum width and height of a tile.
    fn least(self) -> (f32, f32) {
        match self {
            Self::Strip => (1400.0, 220.0),
            Self::Large => (592.0, 368.0),
            Self::Medium => (348.8, 240.0),
            Self::Small => (212.0, 137.6),
        }
    }
}

/// Input of [`lay_out_wall`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WallRequest {
    pub area: Rect,
    /// Number of failure tiles, which come first and are larger.
    pub failed: usize,
    /// Number of all other tiles.
    pub others: usize,
    /// Minimum density, so that the wall does not change with every run that comes and goes.
    pub at_least: Density,
}

/// Tiles in order: `failed`, then `others`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Wall {
    pub density: Density,
    pub failed: Vec<Rect>,
    pub others: Vec<Rect>,
    /// Number of unused cells in the rows of the grid.
    pub free: usize,
}

/// Returns the area of the tiles, between the header and the bridge.
pub fn wall_area(canvas_size: &CanvasSize) -> Rect {
    let top = content_top(canvas_size);
    let height = canvas_size.height - top - FOOT - CanvasSize::BRIDGE_HEIGHT;
    Rect::new(
        CanvasSize::MARGIN,
        top,
        canvas_size.width - 2.0 * CanvasSize::MARGIN,
        height.max(1.0),
    )
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

/// Lays out a wall with the lowest density that fits all tiles; `None` if none does, and the caller
/// shows a board instead. Uses the fewest columns that fit, which leaves names the most room.
pub fn lay_out_wall(request: &WallRequest) -> Option<Wall> {
    if request.failed > MOST_FAILED_TILES {
        return None;
    }
    Density::ALL
        .into_iter()
        .filter(|density| *density >= request.at_least)
        .find_map(|density| lay_out_at(request, density))
}

fn lay_out_at(request: &WallRequest, density: Density) -> Option<Wall> {
    let tiles = request.failed + request.others;
    let (most_columns, most_rows) = most(request.area, density);
    if density == Density::Strip {
        // Failures stand out by size, and strips all have the same size.
        let fits = tiles == 1 || (request.failed == 0 && tiles <= MOST_STRIPS);
        let rows = bounded(tiles, 1, most_rows);
        let rect = |row: usize| cell(request.area, (1, rows), (0, row), (1, 1));
        return (fits && tiles <= most_rows).then(|| Wall {
            density,
            failed: (0..request.failed).map(rect).collect(),
            others: (request.failed..tiles).map(rect).collect(),
            free: 0,
        });
    }
    (1..=most_columns).find_map(|columns| {
        let grid = Grid::filled(columns, most_rows, request.failed, request.others)?;
        let rows = grid.rows_used();
        let slots = |wanted: fn(&Slot) -> bool| {
            let of_kind = grid.slots.iter().filter(move |slot| wanted(slot));
            of_kind
                .map(|slot| cell(request.area, (columns, rows), slot.at, slot.span))
                .collect::<Vec<_>>()
        };
        let taken: usize = grid.slots.iter().map(|slot| slot.span.0 * slot.span.1).sum();
        Some(Wall {
            density,
            failed: slots(|slot| slot.failed),
            others: slots(|slot| !slot.failed),
            free: columns * rows - taken,
        })
    })
}

/// Returns the number of columns and rows that fit at this density.
fn most(area: Rect, density: Density) -> (usize, usize) {
    let (least_w, least_h) = density.least();
    let count = |room: f32, least: f32| {
        // Tolerates a rounding error of one pixel.
        (((room + GAP + 1.0) / (least + GAP)).floor() as usize).max(1)
    };
    (count(area.w, least_w), count(area.h, least_h))
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
    /// Places all tiles in a grid; `None` if they do not fit.
    fn filled(columns: usize, rows: usize, failed: usize, others: usize) -> Option<Self> {
        let taken = vec![false; columns * rows];
        let mut grid = Self { columns, rows, taken, slots: Vec::new() };
        // A single failure takes 2×2 cells; several take 2×1 each, below one another.
        let span = if failed == 1 { (2, 2) } else { (2, 1) };
        for _ in 0..failed {
            let down_first =
                (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row)));
            let at = down_first.into_iter().find(|at| grid.is_free(*at, span))?;
            grid.take(Slot { failed: true, at, span });
        }
        for _ in 0..others {
            let along_first = (0..columns * rows).map(|cell| (cell % columns, cell / columns));
            let at = along_first.into_iter().find(|at| grid.is_free(*at, (1, 1)))?;
            grid.take(Slot { failed: false, at, span: (1, 1) });
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

    fn rows_used(&self) -> usize {
        self.slots.iter().map(|slot| slot.at.1 + slot.span.1).max().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wall(canvas_size: (f32, f32), failed: usize, others: usize) -> Option<Wall> {
        let area = wall_area(&CanvasSize::of_pixels(canvas_size.0, canvas_size.1));
        lay_out_wall(&WallRequest { area, failed, others, at_least: Density::Strip })
    }

    const HD: (f32, f32) = (1920.0, 1080.0);

    #[test]
    fn twelve_runs_with_a_failure_match_the_mock_up() {
        let wall = wall(HD, 1, 11).unwrap();
        let rounded = |rect: Rect| [rect.x, rect.y, rect.w, rect.h].map(|v| (v * 10.0).round());
        assert_eq!(wall.density, Density::Medium);
        assert_eq!(rounded(wall.failed[0]), [560.0, 1200.0, 7136.0, 4960.0]);
        assert_eq!(rounded(wall.others[0]), [7856.0, 1200.0, 3488.0, 2400.0]);
        assert_eq!(rounded(wall.others[10]), [15152.0, 6320.0, 3488.0, 2400.0]);
        assert_eq!(wall.free, 0);
    }

    #[test]
    fn density_follows_the_number_of_runs() {
        let density = |others| wall(HD, 0, others).map(|wall| wall.density);
        for (runs, expected) in [
            (1, Some(Density::Strip)),
            (3, Some(Density::Strip)),
            (4, Some(Density::Large)),
            (6, Some(Density::Large)),
            (7, Some(Density::Medium)),
            (15, Some(Density::Medium)),
            (16, Some(Density::Small)),
            (40, Some(Density::Small)),
            (41, None),
        ] {
            assert_eq!(density(runs), expected, "{runs} runs");
        }
    }

    #[test]
    fn two_failures_get_smaller_tiles_and_four_get_none() {
        assert_eq!(wall(HD, 1, 0).map(|wall| wall.density), Some(Density::Strip));
        assert_eq!(wall(HD, 1, 2).map(|wall| wall.density), Some(Density::Large));
        let two = wall(HD, 2, 3).unwrap();
        assert!(two.failed[0].w > 1.9 * two.others[0].w, "{two:?}");
        assert_eq!(two.failed[0].h, two.others[0].h);
        assert_eq!(wall(HD, 4, 0), None);
    }

    #[test]
    fn minimum_density_is_respected() {
        let area = wall_area(&CanvasSize::of_pixels(1920.0, 1080.0));
        let request = WallRequest { area, failed: 0, others: 5, at_least: Density::Medium };
        assert_eq!(lay_out_wall(&request).map(|wall| wall.density), Some(Density::Medium));
    }

    #[test]
    fn area_beside_failures_fits_other_runs() {
        for (canvas_size, most) in [(HD, 25), ((1080.0, 1920.0), 40)] {
            let area = wall_area(&CanvasSize::of_pixels(canvas_size.0, canvas_size.1));
            let (block, rest) = beside_failures(area);
            assert!(!overlap(&block, &rest));
            let tiles = |others| {
                let at_least = Density::Strip;
                lay_out_wall(&WallRequest { area: rest, failed: 0, others, at_least })
            };
            assert!(
                tiles(9).is_some_and(|wall| wall.density <= Density::Medium),
                "{canvas_size:?}"
            );
            assert!(tiles(most).is_some(), "{canvas_size:?}");
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
            failed in 0_usize..=4,
            others in 0_usize..=120,
        ) {
            let area = wall_area(&CanvasSize::of_pixels(width, height));
            let request = WallRequest { area, failed, others, at_least: Density::Strip };
            let Some(wall) = lay_out_wall(&request) else {
                // Every screen fits at least what any 16:9 screen fits.
                prop_assert!(failed > MOST_FAILED_TILES || 2 * failed + others > 24);
                return Ok(());
            };
            prop_assert_eq!((wall.failed.len(), wall.others.len()), (failed, others));
            let all: Vec<Rect> = wall.failed.iter().chain(&wall.others).copied().collect();
            let (least_w, least_h) = wall.density.least();
            for (slot, tile) in all.iter().enumerate() {
                prop_assert!(tile.x >= area.x - 0.1 && tile.right() <= area.right() + 0.1);
                prop_assert!(tile.y >= area.y - 0.1 && tile.bottom() <= area.bottom() + 0.1);
                prop_assert!(tile.w >= least_w - 1.1 && tile.h >= least_h - 1.1, "{:?}", tile);
                for other in &all[..slot] {
                    prop_assert!(!overlap(tile, other), "{:?} {:?}", tile, other);
                }
            }
        }
    }
}
