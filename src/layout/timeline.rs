//! Layout of the timeline: rows below an axis of time, for the steps of one run, for all runs, and for a race.

use super::header::content_top;
use super::{CanvasSize, Rect};
use crate::bounded::bounded;

/// Rows with time from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRows {
    /// Factor of all lengths and sizes of type.
    pub scale: f32,
    /// Left and right end of the content.
    pub left: f32,
    pub right: f32,
    /// Right end of the rows' labels.
    pub labels_right: f32,
    /// Left and right end of the time.
    pub from: f32,
    pub to: f32,
    /// Baseline of the axis' labels.
    pub head: f32,
    /// Upper edge of the first row, and the height of each.
    pub top: f32,
    pub pitch: f32,
    /// Number of rows that fit.
    pub rows: usize,
    /// Baseline of the line below the rows.
    pub foot: f32,
    /// Baseline of a second line above it, on a narrow screen.
    pub second_foot: Option<f32>,
}

impl TimeRows {
    /// Returns a row's place, from the left to the right end of the content.
    pub fn row(&self, index: usize) -> Rect {
        Rect::new(
            self.left,
            self.top + index as f32 * self.pitch,
            self.right - self.left,
            self.pitch,
        )
    }

    /// Lower edge of the last of so many rows.
    pub fn bottom(&self, rows: usize) -> f32 {
        self.top + rows as f32 * self.pitch
    }

    /// Width of the time.
    pub fn width(&self) -> f32 {
        (self.to - self.from).max(1.0)
    }

    /// Fits up to `wanted` rows between `top` and the foot; `pitches` are their greatest and least height.
    fn with_rows(mut self, wanted: usize, (most, least): (f32, f32)) -> Self {
        let foot = self.second_foot.unwrap_or(self.foot);
        let height = (foot - FOOT_RISE * self.scale - self.top).max(0.0);
        let (most, least) = (most * self.scale, least * self.scale);
        let fitting = ((height / least).floor() as usize).max(1);
        self.rows = wanted.min(fitting).max(1);
        self.pitch = bounded(height / self.rows as f32, 1.0, most);
        self
    }
}

/// Distance of the foot's baseline from the bridge, and of the rows from that baseline.
const FOOT: f32 = 15.0;
const FOOT_RISE: f32 = 34.0;
/// Distance of a second line above it.
const SECOND_FOOT: f32 = 36.0;
/// Greatest and least height of a lane, and of a run's row; the greatest one on a portrait screen.
const LANE: (f32, f32) = (68.0, 46.0);
const RUN: (f32, f32) = (50.29, 44.0);
const PORTRAIT_LANE: f32 = 100.0;
const PORTRAIT_RUN: f32 = 64.0;

/// Places of the header above one run's timeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunHeader {
    pub scale: f32,
    /// Baseline of the line above the title, and where it ends.
    pub meta: f32,
    pub meta_right: f32,
    /// Baselines of title and status; on a tall screen the status stands below the lane for toasts.
    pub title: f32,
    pub status: f32,
    /// True where status and title stand on one line.
    pub one_line: bool,
}

/// Returns the places of the header above one run's timeline.
pub fn timeline_header(canvas_size: &CanvasSize) -> RunHeader {
    let scale = canvas_size.portrait_scale();
    let (lane, _) = super::stage_lane(canvas_size);
    if canvas_size.is_tall() {
        return RunHeader {
            scale,
            meta: 74.0,
            meta_right: canvas_size.right() - CanvasSize::CLOCK_WIDTH,
            title: 132.0 * scale,
            status: 228.0 * scale,
            one_line: false,
        };
    }
    let one_line = !canvas_size.is_portrait();
    RunHeader {
        scale,
        meta: 74.0,
        meta_right: lane.x - 24.0,
        title: if one_line { 160.0 } else { 140.0 * scale },
        status: if one_line { 154.0 } else { 198.0 * scale },
        one_line,
    }
}

/// Lays out the lanes of one run.
pub fn lay_out_lanes(canvas_size: &CanvasSize, lanes: usize) -> TimeRows {
    let scale = canvas_size.portrait_scale();
    let header = timeline_header(canvas_size);
    let top = if header.one_line { 234.0 } else { header.status + 64.0 * scale };
    let (left, right) = (CanvasSize::MARGIN, canvas_size.right());
    TimeRows {
        scale,
        left,
        right,
        labels_right: left + 224.0 * scale,
        from: left + 236.0 * scale,
        to: right,
        head: top - 20.0 * scale,
        top,
        pitch: 0.0,
        rows: 0,
        foot: canvas_size.bridge_top() - FOOT * scale,
        second_foot: (!header.one_line)
            .then(|| canvas_size.bridge_top() - (FOOT + SECOND_FOOT) * scale),
    }
    .with_rows(lanes, (if header.one_line { LANE.0 } else { PORTRAIT_LANE }, LANE.1))
}

/// Lays out the rows of up to `runs` runs.
pub fn lay_out_timeline(canvas_size: &CanvasSize, runs: usize) -> TimeRows {
    let scale = canvas_size.portrait_scale();
    let is_portrait = canvas_size.is_portrait();
    let left = if is_portrait { CanvasSize::PORTRAIT_MARGIN * scale } else { CanvasSize::MARGIN };
    let right = canvas_size.width - left;
    let labels = if is_portrait { 258.0 } else { 358.0 };
    let top = content_top(canvas_size) + 48.0 * scale;
    TimeRows {
        scale,
        left,
        right,
        labels_right: left + labels * scale,
        from: left + (labels + 16.0) * scale,
        to: right - if is_portrait { 104.0 } else { 144.0 } * scale,
        head: top - 20.0 * scale,
        top,
        pitch: 0.0,
        rows: 0,
        foot: canvas_size.bridge_top() - FOOT * scale,
        second_foot: None,
    }
    .with_rows(runs.max(1), (if is_portrait { PORTRAIT_RUN } else { RUN.0 }, RUN.1))
}

/// Greatest number of runs that have a row.
pub fn timeline_room(canvas_size: &CanvasSize) -> usize {
    lay_out_timeline(canvas_size, usize::MAX).rows
}

/// Places of a race.
#[derive(Clone, Debug, PartialEq)]
pub struct RaceLayout {
    /// Time, and the baselines of its labels.
    pub time: TimeRows,
    /// The two lanes.
    pub lanes: [Rect; 2],
    /// The gap over time.
    pub gap: Rect,
    /// Cells of the table, one for each column that has room.
    pub columns: Vec<Rect>,
    /// Room of the table's row labels.
    pub heads: Rect,
    /// True where columns of the table are rows, because the screen is narrow.
    pub is_portrait: bool,
}

/// Height of a lane of a race.
const RACE_LANE: f32 = 52.0;
/// Least width of a column, and greatest.
const COLUMN: (f32, f32) = (138.0, 220.0);
/// Height of a row of the table on a portrait screen.
const TABLE_ROW: (f32, f32) = (58.0, 44.0);

/// Lays out a race with so many columns in its table.
pub fn lay_out_race(canvas_size: &CanvasSize, columns: usize) -> RaceLayout {
    let mut time = lay_out_lanes(canvas_size, 1);
    let scale = time.scale;
    let is_portrait = canvas_size.is_portrait();
    time.top -= if timeline_header(canvas_size).one_line { 22.0 } else { 0.0 } * scale;
    time.head = time.top - 8.0 * scale;
    time.from = time.left + 274.0 * scale;
    time.labels_right = time.from - 12.0 * scale;
    let bottom = canvas_size.bridge_top() - 14.0 * scale;
    let top = time.top;
    // Lengths of the drawing, in which the time takes 420 of 668.
    let upper =
        if is_portrait { bounded((bottom - top) * 0.42, 0.0, 640.0 * scale) } else { 420.0 };
    // Scores stand above the first lane.
    let first = top + 40.0 * scale;
    let body = (upper - 40.0 * scale).max(1.0);
    let height = (RACE_LANE * scale).min(body * 0.2);
    let width = time.to - time.from;
    let lanes = [0.0, 0.32].map(|part| Rect::new(time.from, first + body * part, width, height));
    let gap = Rect::new(time.from, first + body * 0.537, width, body * 0.442);
    let table = top + upper + 10.0 * scale;
    let heads;
    let places = if is_portrait {
        let rows = bottom - table - 56.0 * scale;
        let fitting =
            ((rows / (TABLE_ROW.1 * scale)).floor().max(1.0) as usize).min(columns.max(1));
        let pitch = bounded(rows / fitting as f32, 1.0, TABLE_ROW.0 * scale);
        heads = Rect::new(time.left, table, time.right - time.left, 56.0 * scale);
        let row = |index: usize| {
            Rect::new(time.left, heads.bottom() + index as f32 * pitch, heads.w, pitch)
        };
        (0..fitting).map(row).collect()
    } else {
        let labels = 140.0;
        heads = Rect::new(time.left, table, labels, bottom - table);
        let room = time.right - time.left - labels;
        let fitting = ((room / COLUMN.0).floor().max(1.0) as usize).min(columns.max(1));
        let pitch = bounded(room / fitting as f32, 1.0, COLUMN.1);
        let first = time.right - fitting as f32 * pitch;
        let column =
            |index: usize| Rect::new(first + index as f32 * pitch, table, pitch, bottom - table);
        (0..fitting).map(column).collect()
    };
    RaceLayout { time, lanes, gap, columns: places, heads, is_portrait }
}

/// Returns the distance of the axis' labels in milliseconds: a round time that takes at least `least_px`.
pub fn tick_millis(ms_per_px: f64, least_px: f32) -> u64 {
    const STEPS: [u64; 22] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
        86_400, 172_800, 604_800, 2_592_000, 31_536_000,
    ];
    let least = ms_per_px * f64::from(least_px);
    let found = STEPS.iter().map(|secs| secs * 1_000).find(|millis| *millis as f64 >= least);
    found.unwrap_or_else(|| bounded(least.ceil(), 1.0, 9.0e15) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_lanes_stand_where_the_design_has_them() {
        let hd = CanvasSize::of_pixels(1920.0, 1080.0);
        let runs = lay_out_timeline(&hd, 14);
        assert_eq!((runs.labels_right, runs.from, runs.to), (414.0, 430.0, 1720.0));
        assert_eq!((runs.top, runs.head, runs.rows), (176.0, 156.0, 14));
        assert_eq!(timeline_room(&hd), 15);
        let lanes = lay_out_lanes(&hd, 9);
        assert_eq!((lanes.from, lanes.to, lanes.top), (292.0, 1864.0, 234.0));
        assert!((lanes.pitch - 68.0).abs() < 1.0, "{}", lanes.pitch);
    }

    #[test]
    fn rows_stay_above_the_foot_on_every_screen() {
        for width in [1.0, 320.0, 1080.0, 1349.0, 1620.0, 1920.0, 7680.0] {
            for height in [1.0, 240.0, 1080.0, 1920.0, 4320.0] {
                let canvas_size = CanvasSize::of_pixels(width, height);
                for rows in [0, 1, 9, 14, 400] {
                    for at in
                        [lay_out_timeline(&canvas_size, rows), lay_out_lanes(&canvas_size, rows)]
                    {
                        assert!(at.rows >= 1 && at.pitch > 0.0);
                        assert!(at.bottom(at.rows) < at.foot, "{canvas_size:?} {rows} {at:?}");
                        assert!(at.foot < canvas_size.bridge_top());
                        assert!(at.labels_right < at.from && at.from < at.to);
                    }
                    let race = lay_out_race(&canvas_size, rows);
                    assert!(race.columns.len() <= rows.max(1));
                    assert!(race.lanes[0].bottom() < race.lanes[1].y);
                    assert!(race.lanes[1].bottom() < race.gap.y);
                    let places = race.columns.iter().chain([&race.gap, &race.heads]);
                    for place in places {
                        assert!(place.bottom() < canvas_size.bridge_top() && place.w > 0.0);
                    }
                }
            }
        }
    }

    #[test]
    fn labels_of_the_axis_are_round_times_apart() {
        assert_eq!(tick_millis(160.0, 150.0), 30_000);
        assert_eq!(tick_millis(27_900.0 / 16.6, 150.0), 300_000);
        assert_eq!(tick_millis(1.0, 110.0), 1_000);
        assert_eq!(tick_millis(1e9, 100.0), 100_000_000_000);
    }
}
