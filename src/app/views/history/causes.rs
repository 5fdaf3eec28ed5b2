//! Draws why runs failed: the causes, their bars by day, and their change.

use super::causes_view::{CauseRow, CausesView};
use super::pen::{Align, Pen, Style};
use super::steps::draw_choice;
use crate::app::draw::{Face, Layer, Rect, Shape};
use crate::app::state::history::Chosen;

/// Distances of the rows from the panel's upper and lower edge, and their number.
const TOP: f32 = 66.0;
const BOTTOM: f32 = 16.0;
const ROWS: usize = 5;
/// Height from which on a row has a second line.
const TWO_LINES: f32 = 54.0;
/// Baselines of the two lines from the middle: of a high row, and of a lower one.
const LINES: [(f32, f32); 2] = [(-6.0, 27.0), (-6.0, 21.5)];
const HIGH: f32 = 70.0;
/// Right end of the number, and left end of the reason.
const COUNT: f32 = 94.0;
const REASON: f32 = 114.0;
/// Room of the bars, and of the change behind them.
const BARS: f32 = 98.0;
const CHANGE: f32 = 72.0;
/// Height of the bars.
const HEIGHT: f32 = 46.0;

/// Draws the panel; returns the areas of its rows.
pub fn draw(
    pen: &mut Pen,
    rect: Rect,
    view: &CausesView,
    chosen: Option<&Chosen>,
) -> Vec<(Chosen, Rect)> {
    let (k, palette) = (pen.k, pen.part.palette);
    let head = if view.rows.is_empty() { "" } else { &view.head };
    pen.panel(rect, "causes", "why runs failed", head);
    if view.rows.is_empty() {
        pen.note(rect, "causes", "no run failed");
        return Vec::new();
    }
    let pitch = (rect.h - (TOP + BOTTOM) * k).max(1.0) / ROWS as f32;
    let mut areas = Vec::new();
    let most = most_of(view);
    for (place, row) in view.rows.iter().take(ROWS).enumerate() {
        let at = Rect::new(
            rect.x + 24.0 * k,
            rect.y + TOP * k + place as f32 * pitch,
            rect.w - 48.0 * k,
            pitch,
        );
        if place > 0 {
            pen.rule((at.x, at.y), (at.right(), at.y), palette.hair);
        }
        draw_row(pen, (row, most), place, rect, at);
        if let Some(cause) = &row.chosen {
            let frame = Rect::new(rect.x + 10.0 * k, at.y + 2.0, rect.w - 20.0 * k, at.h - 4.0);
            if chosen == Some(cause) {
                draw_choice(pen, frame);
            }
            areas.push((cause.clone(), frame));
        }
    }
    areas
}

/// Returns the greatest number of failures that a bar stands for: all rows have one scale.
fn most_of(view: &CausesView) -> u64 {
    view.rows
        .iter()
        .take(ROWS)
        .flat_map(|row| &row.bars)
        .flatten()
        .copied()
        .max()
        .unwrap_or(0)
        .max(1)
}

fn draw_row(pen: &mut Pen, (row, most): (&CauseRow, u64), place: usize, rect: Rect, at: Rect) {
    let (k, palette) = (pen.k, pen.part.palette);
    let middle = at.centre_y();
    let style = Style { face: Face::Text700, size: 40.0, ink: palette.text, align: Align::Right };
    let number = (rect.x + COUNT * k, middle + 14.0 * k);
    pen.put(("cause count", place), &row.count, number, style, (COUNT - 22.0) * k);
    let wide = row.bars.len() > 10;
    let bars = if wide { BARS * 1.25 } else { BARS };
    let change = if row.change.is_empty() { 0.0 } else { CHANGE };
    let bars_right = at.right() - change * k;
    let bars_left = bars_right - bars * k;
    let x = rect.x + REASON * k;
    let room = (bars_left - 14.0 * k - x).max(0.0);
    let has_two = at.h >= TWO_LINES * k && !row.step.is_empty();
    let (first, second) = if at.h >= HIGH * k { LINES[0] } else { LINES[1] };
    let y = if has_two { middle + first * k } else { middle + 9.0 * k };
    let strong = if row.chosen.is_some() {
        pen.strong(26.0, Align::Left)
    } else {
        pen.quiet(26.0, Align::Left)
    };
    pen.put(("cause", place), &row.reason, (x, y), strong, room);
    if has_two {
        let style = pen.quiet(24.0, Align::Left);
        pen.put(("cause step", place), &row.step, (x, middle + second * k), style, room);
    }
    let height = (HEIGHT * k).min(at.h - 16.0 * k).max(1.0);
    draw_bars(pen, (row, most), Rect::new(bars_left, middle + 20.0 * k - height, bars * k, height));
    let ink = match row.is_worse {
        Some(true) => palette.failed_text,
        Some(false) => palette.success,
        None => palette.text_secondary,
    };
    let style = Style { face: Face::Text600, size: 28.0, ink, align: Align::Right };
    let room = (CHANGE - 8.0) * k;
    pen.put(("cause change", place), &row.change, (at.right(), middle + 10.0 * k), style, room);
}

/// Draws a bar for each day; where there was no failure, a line at the foot, and where nothing is known nothing.
fn draw_bars(pen: &mut Pen, (row, most): (&CauseRow, u64), area: Rect) {
    let palette = pen.part.palette;
    let pitch = area.w / row.bars.len().max(1) as f32;
    let width = (pitch * 0.79).min(11.0 * pen.k).max(1.0);
    // Few bars stand together at the right end.
    let pitch = pitch.min(width / 0.79);
    let left = area.right() - pitch * row.bars.len() as f32;
    for (place, count) in row.bars.iter().enumerate() {
        let Some(count) = count else { continue };
        let x = left + place as f32 * pitch;
        let (height, ink) = match count {
            0 => (2.0 * pen.k, palette.line),
            count => ((*count as f32 / most as f32 * area.h).max(2.0 * pen.k), palette.failed),
        };
        let bar = Rect::new(x, area.bottom() - height, width, height);
        let shape = Shape::rounded_box(bar).radius(1.5_f32.min(width / 2.0)).fill(ink).unsnapped();
        let shape = if *count > 0 { shape.keep_colour() } else { shape };
        pen.part.shape(Layer::Module, shape);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_of_all_causes_have_one_scale() {
        let row = |bars: &[Option<u64>]| CauseRow {
            chosen: None,
            count: String::new(),
            reason: String::new(),
            step: String::new(),
            bars: bars.to_vec(),
            change: String::new(),
            is_worse: None,
        };
        let rows = vec![row(&[Some(1), Some(2)]), row(&[None, Some(12)]), row(&[Some(0)])];
        assert_eq!(most_of(&CausesView { head: String::new(), rows }), 12);
        assert_eq!(most_of(&CausesView { head: String::new(), rows: Vec::new() }), 1);
    }
}
