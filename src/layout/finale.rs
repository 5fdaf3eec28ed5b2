//! Layout of the finale: the take, the row of steps and three blocks below it.

use super::{CanvasSize, Rect};

/// Height of the take above its line on a 16:9 screen, and the most it grows to.
const TAKE_UP: f32 = 128.5;
const MOST_TAKE_UP: f32 = 2.6 * TAKE_UP;
/// Height of the take on a tall screen for which type gives way.
const LEAST_TAKE: f32 = 90.0;
/// Height below the line, as a part of that above.
const MIRROR: f32 = 0.5;
/// Distances on a 16:9 screen: from the status line's baseline to the labels', from there to the highest
/// bar, from the lowest one to the usual run, from there to the steps.
const LABELS: f32 = 68.0;
const BARS_BELOW_LABELS: f32 = 5.5;
const GHOST_BELOW_BARS: f32 = 22.75;
const STEPS_BELOW_GHOST: f32 = 22.0;
const STEP_ROW: f32 = 112.0;
const BLOCKS_BELOW_STEPS: f32 = 20.0;
/// Height of a block: its heading and four rows.
const BLOCK: f32 = 180.0;
const ROW_PITCH: f32 = 33.0;
const FOOT: f32 = 10.0;
/// Ends of the blocks beside each other, as parts of the width.
const BLOCKS: [(f32, f32); 3] = [(0.0, 0.268), (0.323, 0.611), (0.666, 1.0)];
/// Part of a wider pitch that the rows of a block take.
const ROWS: f32 = 5.0;

/// Places of the finale's parts, in design pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct FinaleLayout {
    /// Left and right edge.
    pub left: f32,
    pub right: f32,
    /// Factor by which type is larger than on a landscape wall.
    pub unit: f32,
    /// Baseline of the sections' names.
    pub labels: f32,
    /// The line that the take stands on, and the heights of its highest bar above and below.
    pub line: f32,
    pub up: f32,
    pub down: f32,
    /// Upper edge of the usual run's ghost.
    pub ghost: f32,
    /// Upper edges of the rows of steps.
    pub step_rows: Vec<f32>,
    /// Rules above and below the steps.
    pub rules: [f32; 2],
    pub blocks: [Rect; 3],
    /// Distance from one row of a block to the next.
    pub row_pitch: f32,
    /// True where the blocks stand beside each other.
    pub beside: bool,
}

/// Lays out the finale between the status line's baseline and the bridge. A tall screen has two rows of
/// steps, and the blocks one below the other.
pub fn lay_out_finale(canvas_size: CanvasSize, status_baseline: f32, unit: f32) -> FinaleLayout {
    let is_tall = canvas_size.is_tall();
    let (left, right) = (CanvasSize::MARGIN, canvas_size.right());
    let width = (right - left).max(1.0);
    let foot = canvas_size.bridge_top() - FOOT;
    let (rows, stacked) = if is_tall { (2, 3) } else { (1, 1) };
    let lines = LABELS + BARS_BELOW_LABELS + GHOST_BELOW_BARS + STEPS_BELOW_GHOST;
    let others = lines + STEP_ROW * rows as f32 + BLOCKS_BELOW_STEPS + BLOCK * stacked as f32;
    // On a screen that is hardly taller than wide, type gives way to the take.
    let available = (foot - status_baseline).max(1.0);
    let unit = if is_tall { unit.min(available / (others + LEAST_TAKE)) } else { unit };
    let room = (available - others * unit).max(0.0);
    // Most of the room goes to the take; what is left widens the rows of the blocks.
    let up = (room * 0.85 / (1.0 + MIRROR)).min(MOST_TAKE_UP * unit).max(room.min(1.0));
    let up = if is_tall { up } else { up.max((room / (1.0 + MIRROR)).min(TAKE_UP * unit)) };
    let left_over = (room - up * (1.0 + MIRROR)).max(0.0);
    let wider = (left_over / (ROWS * stacked as f32)).min(14.0 * unit);
    let labels = status_baseline + LABELS * unit;
    let line = labels + BARS_BELOW_LABELS * unit + up;
    let down = up * MIRROR;
    let ghost = line + down + GHOST_BELOW_BARS * unit;
    let rule = ghost + STEPS_BELOW_GHOST * unit;
    let step_rows: Vec<f32> =
        (0..rows).map(|row| rule + STEP_ROW * unit * row as f32 + 10.0 * unit).collect();
    let rule_below = rule + STEP_ROW * unit * rows as f32 + 10.0 * unit;
    let blocks_top = rule + STEP_ROW * unit * rows as f32 + BLOCKS_BELOW_STEPS * unit;
    let height = BLOCK * unit + wider * ROWS;
    let blocks = std::array::from_fn(|index| {
        if is_tall {
            Rect::new(left, blocks_top + height * index as f32, width, height)
        } else {
            let (from, to) = BLOCKS[index];
            Rect::new(left + width * from, blocks_top, width * (to - from), height)
        }
    });
    FinaleLayout {
        left,
        right,
        unit,
        labels,
        line,
        up,
        down,
        ghost,
        step_rows,
        rules: [rule, rule_below],
        blocks,
        row_pitch: ROW_PITCH * unit + wider,
        beside: !is_tall,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finale_matches_the_drawing_on_a_16_9_screen() {
        let layout = lay_out_finale(CanvasSize::of_pixels(1920.0, 1080.0), 250.0, 1.0);
        assert_eq!((layout.labels, layout.line, layout.up), (318.0, 452.0, 128.5));
        assert!((layout.ghost - 539.0).abs() < 4.0, "{layout:#?}");
        assert!((layout.rules[0] - 564.0).abs() < 4.0, "{layout:#?}");
        assert!(layout.blocks[0].bottom() <= 896.0, "{layout:#?}");
    }

    #[test]
    fn parts_stand_below_each_other_and_above_the_bridge_at_any_size() {
        for (width, height) in [
            (1920.0, 1080.0),
            (1280.0, 1024.0),
            (1200.0, 1200.0),
            (1080.0, 1349.0),
            (2560.0, 1080.0),
            (1080.0, 1920.0),
            (1080.0, 1350.0),
            (1.0, 1.0),
        ] {
            let canvas_size = CanvasSize::of_pixels(width, height);
            let unit = if canvas_size.is_tall() { canvas_size.portrait_scale() } else { 1.0 };
            let layout = lay_out_finale(canvas_size, 250.0 * unit, unit);
            let foot = canvas_size.bridge_top();
            let order = [
                layout.labels,
                layout.line - layout.up,
                layout.line,
                layout.line + layout.down,
                layout.ghost,
                layout.rules[0],
                layout.step_rows[0],
                layout.rules[1],
                layout.blocks[0].y,
                layout.blocks[2].bottom(),
                foot,
            ];
            for pair in order.windows(2) {
                assert!(pair[0] <= pair[1] + 0.01, "{width}×{height}: {order:?}");
            }
            assert!(layout.blocks[2].bottom() <= foot, "{width}×{height}: {layout:#?}");
            for pair in layout.blocks.windows(2) {
                assert!(pair[0].right() < pair[1].x || pair[0].bottom() <= pair[1].y + 0.1);
            }
        }
    }
}
