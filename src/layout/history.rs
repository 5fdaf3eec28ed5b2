//! Layout of the history: the header with its periods, five panels, and the line at the foot. There is no meter
//! bridge below it.

use super::{CanvasSize, Rect, wall_header};
use crate::bounded::bounded;

/// Places of the history, in design pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryPlaces {
    /// Factor of lengths and sizes of type in the header.
    pub header_scale: f32,
    /// The same in the panels and at the foot.
    pub scale: f32,
    /// Left and right end of the content.
    pub left: f32,
    pub right: f32,
    /// Baselines of the product's name and of the line below it; on a portrait screen both are on one line.
    pub name: f32,
    pub subtitle: f32,
    /// Right end of the subtitle.
    pub subtitle_right: f32,
    /// Place of the first pill: left end, upper edge and height.
    pub pills: (f32, f32, f32),
    /// Baseline of the numbers; they stand behind the pills, or on a line of their own from this place on.
    pub numbers: f32,
    pub numbers_left: Option<f32>,
    pub numbers_right: f32,
    /// Runs by time, how long a run takes, time in each step, causes, and fixes.
    pub runs: Rect,
    pub durations: Rect,
    pub steps: Rect,
    pub causes: Rect,
    pub fixes: Rect,
    /// Baseline of the foot, and of a second line above it on a tall screen.
    pub foot: f32,
    pub second_foot: Option<f32>,
    /// Area of the toasts.
    pub lane: Rect,
}

/// Gap between two panels.
const GAP: f32 = 16.0;
/// Upper edge of the panels on a landscape screen, and on a portrait one.
const TOP: f32 = 124.0;
const PORTRAIT_TOP: f32 = 258.0;
/// Distance of the foot's baseline from the lower edge, of the panels from it, and of a second line.
const FOOT: f32 = 22.0;
const FOOT_HEIGHT: f32 = 62.0;
const SECOND_FOOT: f32 = 36.0;
/// Height of the upper panels as part of both rows, and widths as parts of a row.
const UPPER: f32 = 392.0 / 878.0;
const RUNS: f32 = 1194.0 / 1792.0;
const LOWER: [f32; 3] = [760.0 / 1776.0, 584.0 / 1776.0, 432.0 / 1776.0];
/// Heights of the rows of a tall screen as parts of all: four, or three where there is less height.
const TALL: [f32; 4] = [0.225, 0.25, 0.28, 0.245];
const LESS_TALL: [f32; 3] = [0.265, 0.265, 0.47];
/// Ratio of height to width from which there are four.
const FOUR_ROWS: f32 = 1.5;
/// Widths of two panels beside each other.
const TWO: [f32; 2] = [0.54, 0.46];
/// Left end of the pills on a screen of 16:9, and the least one.
const PILLS: (f32, f32) = (500.0, 400.0);
/// Room for the success and its change, beside which the toasts end.
const SUCCESS: f32 = 336.0;

/// Places the history on a screen.
pub fn lay_out_history(canvas_size: &CanvasSize) -> HistoryPlaces {
    let header = wall_header(canvas_size);
    let k = header.scale;
    let (left, right) = (header.left, header.right);
    let is_tall = canvas_size.is_tall();
    let scale = if is_tall { k } else { 1.0 };
    let foot = canvas_size.height - FOOT * scale;
    let second_foot = is_tall.then_some(foot - SECOND_FOOT * scale);
    let height_of_foot = if is_tall { FOOT_HEIGHT + SECOND_FOOT } else { FOOT_HEIGHT };
    let bottom = canvas_size.height - height_of_foot * scale;
    let top = if canvas_size.is_portrait() { PORTRAIT_TOP * k } else { TOP };
    let (gap, width) = (GAP * scale, right - left);
    let columns = |y: f32, h: f32, parts: &[f32]| {
        let room = width - gap * parts.len().saturating_sub(1) as f32;
        let mut x = left;
        let places = parts.iter().map(|part| {
            let rect = Rect::new(x, y, room * part, h);
            x = rect.right() + gap;
            rect
        });
        places.collect::<Vec<_>>()
    };
    let whole = |(y, h): (f32, f32)| Rect::new(left, y, width, h);
    let two = |(y, h): (f32, f32)| columns(y, h, &TWO);
    let panels = if is_tall && canvas_size.height >= FOUR_ROWS * canvas_size.width {
        let [a, b, c, d] = rows((top, bottom), gap, TALL);
        let beside = two(b);
        [whole(a), beside[0], whole(c), whole(d), beside[1]]
    } else if is_tall {
        let [a, b, c] = rows((top, bottom), gap, LESS_TALL);
        let (upper, lower) = (two(b), two(c));
        [whole(a), upper[0], lower[0], lower[1], upper[1]]
    } else {
        let room = (bottom - top - gap).max(2.0);
        let upper = columns(top, room * UPPER, &[RUNS, 1.0 - RUNS]);
        let lower = columns(top + room * UPPER + gap, room * (1.0 - UPPER), &LOWER);
        [upper[0], upper[1], lower[0], lower[1], lower[2]]
    };
    let [runs, durations, steps, causes, fixes] = panels;
    let places = HistoryPlaces {
        header_scale: k,
        scale,
        left,
        right,
        name: header.name_y,
        subtitle: header.name_y,
        subtitle_right: right - CanvasSize::CLOCK_WIDTH * k,
        pills: (left, 98.0 * k, 44.0 * k),
        numbers: 236.0 * k,
        numbers_left: Some(left),
        numbers_right: right,
        runs,
        durations,
        steps,
        causes,
        fixes,
        foot,
        second_foot,
        lane: header.lane,
    };
    if canvas_size.is_portrait() {
        return places;
    }
    let pills = bounded(PILLS.0 - (1_920.0 - canvas_size.width), PILLS.1, PILLS.0);
    let numbers_right = right - CanvasSize::CLOCK_WIDTH;
    HistoryPlaces {
        subtitle: 102.0,
        subtitle_right: pills - 20.0,
        pills: (pills, 40.0, 46.0),
        numbers: 76.0,
        numbers_left: None,
        numbers_right,
        lane: Rect::new(pills, 90.0, (right - SUCCESS - pills).max(0.0), 32.0),
        ..places
    }
}

/// Divides a height into rows; returns the upper edge and the height of each.
fn rows<const N: usize>((top, bottom): (f32, f32), gap: f32, parts: [f32; N]) -> [(f32, f32); N] {
    let room = (bottom - top - N.saturating_sub(1) as f32 * gap).max(N as f32);
    let mut y = top;
    parts.map(|part| {
        let row = (y, room * part);
        y += room * part + gap;
        row
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_stand_where_the_design_has_them() {
        let at = lay_out_history(&CanvasSize::of_pixels(1920.0, 1080.0));
        let drawn = [
            (at.runs, [56.0, 124.0, 1_194.0, 392.0]),
            (at.durations, [1_266.0, 124.0, 598.0, 392.0]),
            (at.steps, [56.0, 532.0, 760.0, 486.0]),
            (at.causes, [832.0, 532.0, 584.0, 486.0]),
            (at.fixes, [1_432.0, 532.0, 432.0, 486.0]),
        ];
        for (found, expected) in drawn {
            let found = [found.x, found.y, found.w, found.h];
            for (a, b) in found.into_iter().zip(expected) {
                assert!((a - b).abs() < 0.1, "{found:?} {expected:?}");
            }
        }
        assert_eq!((at.foot, at.second_foot, at.pills), (1_058.0, None, (500.0, 40.0, 46.0)));
    }

    #[test]
    fn panels_stay_apart_and_above_the_foot_on_every_screen() {
        for width in [1.0, 320.0, 1080.0, 1349.0, 1620.0, 1920.0, 7680.0] {
            for height in [1.0, 240.0, 1080.0, 1350.0, 1920.0, 4320.0] {
                let canvas_size = CanvasSize::of_pixels(width, height);
                let at = lay_out_history(&canvas_size);
                let panels = [at.runs, at.durations, at.steps, at.causes, at.fixes];
                for (place, panel) in panels.iter().enumerate() {
                    assert!(panel.w > 0.0 && panel.h > 0.0, "{canvas_size:?} {panel:?}");
                    assert!(panel.y > at.pills.1 + at.pills.2 && panel.y > at.lane.bottom());
                    assert!(panel.bottom() < at.second_foot.unwrap_or(at.foot));
                    assert!(panel.x >= at.left - 0.1 && panel.right() <= at.right + 0.5);
                    for other in &panels[..place] {
                        let apart_x = panel.right() <= other.x || other.right() <= panel.x;
                        let apart_y = panel.bottom() <= other.y || other.bottom() <= panel.y;
                        assert!(apart_x || apart_y, "{canvas_size:?} {panel:?} {other:?}");
                    }
                }
                assert!(at.foot < canvas_size.height && at.lane.w > 0.0);
            }
        }
    }
}
