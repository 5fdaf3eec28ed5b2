//! Layout of the timing board: one row for each run in aligned columns, from 13 to 60 runs.

use super::{CanvasSize, Rect, wall_area};
use crate::bounded::bounded;

/// Height of a row on a landscape screen, and on a portrait one of 1080 px width.
const PITCH: f32 = 35.2;
const PORTRAIT_PITCH: f32 = 36.4;
/// Width below which a further column of rows is not begun.
const LEAST_COLUMN: f32 = 790.0;
const MOST_COLUMNS: usize = 8;
/// Gap between two columns of rows, and the distance of the content from the row's ends.
const COLUMN_GAP: f32 = 24.0;
const PAD: f32 = 10.0;
/// Rows of a single column on a landscape screen: 16 runs and a line in words.
const SINGLE_ROWS: usize = 17;
/// Greatest scale of a single column's type.
const MOST_SINGLE_SCALE: f32 = 1.25;
/// Room of the column heads, above the first row.
const HEADS: f32 = 40.0;
/// Distance of the column heads' baseline from the first row.
const HEADS_ABOVE: f32 = 10.0;
/// Height of the slab of failures, landscape and portrait, and its distance from the first row.
const SLAB: f32 = 112.0;
const PORTRAIT_SLAB: f32 = 214.0;
const SLAB_TO_ROWS: f32 = 44.0;
/// Distance of the slab's upper edge above the wall's area.
const SLAB_RISE: f32 = 4.0;
/// Rows that a portrait screen should hold, and below a slab; type shrinks towards landscape's for it.
const WANTED_ROWS: f32 = 40.0;
const WANTED_BELOW_SLAB: f32 = 34.0;
/// Content widths of the two drawings, between which places are interpolated.
const LANDSCAPE_CONTENT: f32 = 872.0;
const PORTRAIT_CONTENT: f32 = 976.0;
/// Width of the song below which the bar of the usual time gives way.
const LEAST_SONG: f32 = 150.0;
/// Number of further runs that must fit before a column is given up.
const SLACK: usize = 2;
/// Number of cells: the pipeline's steps.
pub const ROW_CELLS: usize = 9;
/// Gap between two cells.
const CELL_GAP: f32 = 3.0;

/// Input of [`lay_out_rows`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowsRequest {
    pub canvas_size: CanvasSize,
    /// True for few runs, which stand in one column.
    pub single: bool,
    /// True when failures stand above the rows.
    pub slab: bool,
    /// Number of runs that must have a row. Columns that they do not need are left out, so that songs
    /// have the room.
    pub runs: usize,
    /// Columns so far, of which one is given up only when a few more runs would still fit.
    pub columns: usize,
}

/// Places of the parts of a row, from the row's left edge, in design pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RowColumns {
    /// Centre of the status glyph.
    pub status: f32,
    /// Left edge and width of the song.
    pub song: (f32, f32),
    /// Left edge of the cells, their width, and the distance from one to the next.
    pub steps: f32,
    pub cell: f32,
    pub cell_pitch: f32,
    /// Left edge of the number of fixes.
    pub fix: f32,
    /// Left edge of the step now.
    pub now: f32,
    /// Right edge of the step's time.
    pub time: f32,
    /// Left edge and width of the bar of the usual time; `None` where there is no room.
    pub usual: Option<(f32, f32)>,
    /// Right edges of the times.
    pub elapsed: f32,
    pub to_go: f32,
}

impl RowColumns {
    /// Returns the right end of the cells.
    pub fn steps_end(&self) -> f32 {
        self.steps + self.cell_pitch * (ROW_CELLS - 1) as f32 + self.cell
    }

    /// Returns the room of a time that ends at `elapsed` or `to_go`, left of which another part ends.
    pub fn elapsed_room(&self) -> f32 {
        let before = self.usual.map_or(self.time, |(x, w)| x + w);
        self.elapsed - before - self.gap()
    }

    /// Returns the room of the time to go.
    pub fn to_go_room(&self) -> f32 {
        self.to_go - self.elapsed - self.gap()
    }

    /// Returns the least distance between two parts.
    pub fn gap(&self) -> f32 {
        (self.now - self.fix) / 38.0 * 6.0
    }

    /// Returns the places for a content `width` at this scale, both in design pixels.
    fn of(width: f32, scale: f32) -> Self {
        let w = width / scale;
        let t = bounded((w - LANDSCAPE_CONTENT) / (PORTRAIT_CONTENT - LANDSCAPE_CONTENT), 0.0, 1.0);
        let mix = |landscape: f32, portrait: f32| landscape + (portrait - landscape) * t;
        let extra = (w - PORTRAIT_CONTENT).max(0.0);
        let cell = mix(10.0, 12.0) + (extra * 0.012).min(10.0);
        let bar = mix(46.0, 80.0) + (extra * 0.25).min(200.0);
        let cells = cell * ROW_CELLS as f32 + CELL_GAP * (ROW_CELLS - 1) as f32;
        let song_x = mix(33.0, 36.0);
        let elapsed = w - mix(82.0, 86.0);
        let with_bar = |bar: Option<f32>| {
            let usual = bar.map(|bar| (elapsed - mix(72.0, 66.0) - bar, bar));
            let time = usual.map_or(elapsed - 82.0, |(x, _)| x - 10.0);
            let now = time - mix(192.0, 196.0);
            let fix = now - 38.0;
            let steps = fix - mix(14.0, 18.0) - cells;
            (usual, time, now, fix, steps, steps - mix(7.0, 10.0) - song_x)
        };
        let mut places = with_bar(Some(bar));
        if places.5 < LEAST_SONG {
            places = with_bar(None);
        }
        let (usual, time, now, fix, steps, song_w) = places;
        let at = |x: f32| (PAD + x) * scale;
        Self {
            status: at(13.0),
            song: (at(song_x), song_w.max(1.0) * scale),
            steps: at(steps),
            cell: cell * scale,
            cell_pitch: (cell + CELL_GAP) * scale,
            fix: at(fix),
            now: at(now),
            time: at(time),
            usual: usual.map(|(x, w)| (at(x), w * scale)),
            elapsed: at(elapsed),
            to_go: at(w),
        }
    }
}

/// A timing board. Rows fill a column from top to bottom, then the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowsLayout {
    /// Scale of type and glyphs; 1 on a landscape screen.
    pub scale: f32,
    /// First row.
    pub first: Rect,
    /// Distance from one column to the next.
    pub step: f32,
    pub columns: usize,
    /// Rows in each column.
    pub rows: usize,
    /// Baseline of the column heads.
    pub heads: f32,
    pub places: RowColumns,
    /// Place of the failures.
    pub slab: Option<Rect>,
}

impl RowsLayout {
    /// Returns the number of rows.
    pub fn capacity(&self) -> usize {
        self.columns * self.rows
    }

    /// Returns the place of a row.
    pub fn row(&self, index: usize) -> Rect {
        let (column, row) = (index / self.rows.max(1), index % self.rows.max(1));
        self.first.translated(self.step * column as f32, self.first.h * row as f32)
    }

    /// Returns the left edge of a column.
    pub fn column(&self, column: usize) -> f32 {
        self.first.x + self.step * column as f32
    }
}

/// Lays out a timing board.
pub fn lay_out_rows(request: &RowsRequest) -> RowsLayout {
    let area = wall_area(&request.canvas_size);
    let portrait = request.canvas_size.is_tall();
    // Room above the first row, in units of the scale.
    let above = match (request.slab, portrait) {
        (false, _) => HEADS,
        (true, false) => SLAB + SLAB_TO_ROWS - SLAB_RISE,
        (true, true) => PORTRAIT_SLAB + SLAB_TO_ROWS - SLAB_RISE,
    };
    let (scale, pitch, most_columns, most_rows) = if portrait {
        let wanted = if request.slab { WANTED_BELOW_SLAB } else { WANTED_ROWS };
        let fitting = area.h / (wanted * PORTRAIT_PITCH + above);
        let scale = bounded(fitting, 1.0, request.canvas_size.portrait_scale().max(1.0));
        (scale, PORTRAIT_PITCH * scale, 1, usize::MAX)
    } else if request.single {
        let pitch = (area.h - above) / SINGLE_ROWS as f32;
        let scale = bounded(pitch / PITCH, 1.0, MOST_SINGLE_SCALE);
        (scale, PITCH * scale, 1, SINGLE_ROWS)
    } else {
        let columns = (area.w / LEAST_COLUMN) as usize;
        (1.0, PITCH, bounded(columns, 2, MOST_COLUMNS), usize::MAX)
    };
    // Few runs have one column where two would be narrow.
    let least_columns = if area.w < 2.0 * LEAST_COLUMN { 1 } else { 2 };
    // The slab keeps its height where only the type of a single column grows.
    let above = if portrait { above * scale } else { above };
    let top = area.y + above;
    let rows = ((area.bottom() - top + 0.5) / pitch).floor().max(1.0) as usize;
    let rows = rows.min(most_rows);
    // On a screen that is nearly square, one column below the failures may be too low.
    let is_too_low = request.single && !portrait && rows < SINGLE_ROWS && rows <= request.runs;
    let most_columns = if is_too_low { 2 } else { most_columns };
    // One row counts the others in words.
    let needed = |runs: usize| {
        let columns = (runs + 1).div_ceil(rows);
        bounded(columns, least_columns.min(most_columns), most_columns)
    };
    let columns = bounded(request.columns, needed(request.runs), needed(request.runs + SLACK));
    let gap = COLUMN_GAP * scale;
    let width = (area.w - gap * (columns - 1) as f32) / columns as f32;
    let slab_h = if portrait { PORTRAIT_SLAB * scale } else { SLAB };
    RowsLayout {
        scale,
        first: Rect::new(area.x, top, width, pitch),
        step: width + gap,
        columns,
        rows,
        heads: top - HEADS_ABOVE * scale,
        places: RowColumns::of(width - 2.0 * PAD * scale, scale),
        slab: request.slab.then(|| Rect::new(area.x, area.y - SLAB_RISE, area.w, slab_h)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows_of(pixels: (f32, f32), single: bool, slab: bool, runs: usize) -> RowsLayout {
        let canvas_size = CanvasSize::of_pixels(pixels.0, pixels.1);
        lay_out_rows(&RowsRequest { canvas_size, single, slab, runs, columns: 0 })
    }

    fn rows(pixels: (f32, f32), single: bool, slab: bool) -> RowsLayout {
        rows_of(pixels, single, slab, 60)
    }

    #[test]
    fn landscape_has_the_places_of_the_drawing() {
        let board = rows((1920.0, 1080.0), false, true);
        assert_eq!((board.columns, board.rows, board.capacity()), (2, 17, 34));
        assert_eq!((board.heads, board.first.y, board.first.h), (270.0, 280.0, 35.2));
        let RowColumns { song, steps, cell, fix, now, time, usual, elapsed, to_go, .. } =
            board.places;
        let drawn = |x: f32| x - PAD;
        assert_eq!([drawn(song.0), song.1, drawn(steps), cell], [33.0, 264.0, 304.0, 10.0]);
        assert_eq!(
            [fix, now, time, elapsed, to_go].map(drawn),
            [432.0, 470.0, 662.0, 790.0, 872.0]
        );
        assert_eq!(usual.map(|(x, w)| (drawn(x), w)), Some((672.0, 46.0)));
        assert_eq!(rows((1920.0, 1080.0), false, false).capacity(), 40);
        assert_eq!(rows((3840.0, 2160.0), false, true), board);
    }

    #[test]
    fn portrait_has_one_column_and_keeps_the_size_of_its_type_in_pixels() {
        let board = rows((1080.0, 1920.0), false, true);
        let pixels = CanvasSize::of_pixels(1080.0, 1920.0).scale;
        assert_eq!(board.columns, 1);
        assert!(board.rows >= 34, "{board:?}");
        assert!((board.scale * pixels - 1.0).abs() < 0.01, "{board:?}");
        assert!(rows((1080.0, 1920.0), false, false).rows >= 40);
    }

    #[test]
    fn few_runs_stand_in_one_column_with_larger_type() {
        let board = rows((1920.0, 1080.0), true, false);
        assert_eq!((board.columns, board.rows), (1, 17));
        assert!(board.scale > 1.1, "{board:?}");
        assert_eq!(rows((1920.0, 1080.0), true, true).rows, 17);
    }

    #[test]
    fn a_third_column_comes_at_21_to_9() {
        assert_eq!(rows((2560.0, 1080.0), false, false).columns, 3);
        assert_eq!(rows((2200.0, 1080.0), false, false).columns, 2);
        assert_eq!(rows((1280.0, 1024.0), false, false).columns, 2);
    }

    #[test]
    fn columns_that_no_run_needs_are_left_out() {
        let columns = |pixels, runs| rows_of(pixels, false, false, runs).columns;
        assert_eq!([17, 39, 40].map(|runs| columns((2560.0, 1080.0), runs)), [2, 2, 3]);
        assert_eq!([17, 25, 26].map(|runs| columns((1280.0, 1024.0), runs)), [1, 1, 2]);
        assert_eq!([17, 39, 60].map(|runs| columns((1920.0, 1080.0), runs)), [2; 3]);
        // A column is given up with two runs to spare.
        let canvas_size = CanvasSize::of_pixels(2560.0, 1080.0);
        let again = |runs| {
            let request = RowsRequest { canvas_size, single: false, slab: false, runs, columns: 3 };
            lay_out_rows(&request).columns
        };
        assert_eq!([40, 39, 38, 37].map(again), [3, 3, 3, 2]);
    }

    proptest! {
        #[test]
        fn rows_and_their_columns_do_not_overlap_or_leave_the_wall(
            width in 400.0_f32..8000.0,
            height in 400.0_f32..4500.0,
            single in any::<bool>(),
            slab in any::<bool>(),
            runs in 13_usize..=60,
        ) {
            let board = rows_of((width, height), single, slab, runs);
            let area = wall_area(&CanvasSize::of_pixels(width, height));
            prop_assert!(board.capacity() > runs.min(15), "{board:?}");
            let last = board.row(board.capacity() - 1);
            prop_assert!(last.right() <= area.right() + 0.1 && last.bottom() <= area.bottom() + 0.6);
            prop_assert!(board.first.x >= area.x - 0.1 && board.heads < board.first.y);
            if let Some(slab) = board.slab {
                prop_assert!(slab.bottom() < board.heads - 22.0 * board.scale, "{board:?}");
            }
            for index in 1..board.capacity() {
                let (before, row) = (board.row(index - 1), board.row(index));
                let apart = row.y >= before.bottom() - 0.1 || row.x >= before.right() - 0.1;
                prop_assert!(apart, "{before:?} {row:?}");
            }
            let places = board.places;
            let mut ends = vec![
                (0.0, places.status + 12.5 * board.scale),
                (places.song.0, places.song.0 + places.song.1),
                (places.steps, places.steps_end()),
                (places.fix, places.fix + 30.0 * board.scale),
                (places.now, places.time),
            ];
            ends.extend(places.usual.map(|(x, w)| (x, x + w)));
            let room = places.elapsed_room();
            ends.push((places.elapsed - room, places.elapsed));
            ends.push((places.to_go - places.to_go_room(), places.to_go));
            for pair in ends.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0, "{ends:?}");
            }
            prop_assert!(places.to_go <= board.first.w, "{board:?}");
            prop_assert!(places.song.1 >= 150.0 * board.scale, "{board:?}");
            prop_assert!(room > 56.0 * board.scale && places.to_go_room() > 60.0 * board.scale);
        }
    }
}
