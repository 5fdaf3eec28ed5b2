//! Draws how long runs take over the period.

use bevy::math::Vec2;

use super::durations_view::{DurationsView, Point, duration_ticks};
use super::pen::{Align, LEAST, Pen, Style};
use super::runs::{Scale, draw_unknown};
use super::runs_view::RunsView;
use crate::app::draw::{Face, Layer, Rect, Shape, measure};
use crate::app::words::{clock_words, duration_words};
use crate::bounded::bounded;

/// Distances of the plot from the panel's edges: left, top, right, bottom.
const PLOT: (f32, f32, f32, f32) = (84.0, 94.0, 172.0, 62.0);
/// Baseline of the labels from the lower edge.
const LABEL: f32 = 28.0;
/// Sizes of the values at the right end, and least distance of two of them.
const VALUE: f32 = 30.0;
const APART: f32 = 66.0;
/// Distance of the values from the plot.
const VALUES: f32 = 18.0;
/// Opacity of the area between the lines.
const BAND: f32 = 0.16;

/// Draws the panel.
pub fn draw(pen: &mut Pen, rect: Rect, view: &DurationsView, runs: &RunsView) {
    let (k, palette) = (pen.k, pen.part.palette);
    pen.panel(rect, "durations", "how long a run takes", "");
    let Some(range) = view.range() else {
        pen.note(rect, "durations", "no run finished");
        return;
    };
    let (left, top) = (rect.x + PLOT.0 * k, rect.y + PLOT.1 * k);
    let right = (rect.right() - PLOT.2 * k).max(left + 1.0);
    let plot = Rect::new(left, top, right - left, (rect.bottom() - PLOT.3 * k - top).max(1.0));
    let most = ((plot.h / (44.0 * k)).floor().max(1.0) as usize).min(4);
    let ticks = duration_ticks(range, most);
    let (low, high) = match (ticks.first(), ticks.last()) {
        (Some(low), Some(high)) if high > low => (*low, *high),
        _ => return,
    };
    let y = |ms: f64| plot.bottom() - bounded((ms - low) / (high - low), 0.0, 1.0) as f32 * plot.h;
    for (place, tick) in ticks.iter().enumerate() {
        let at = y(*tick);
        pen.grid((plot.x, at), (plot.right(), at), palette.hair);
        let words = match *tick {
            tick if high < 10_000.0 => duration_words(tick as u64),
            tick => clock_words(tick as u64),
        };
        let style = pen.quiet(22.0, Align::Right);
        let room = plot.x - rect.x - 22.0 * k;
        pen.put(("duration scale", place), &words, (plot.x - 12.0 * k, at + 8.0 * k), style, room);
    }
    let scale = Scale::new(runs, plot.x, plot.right());
    draw_labels(pen, runs, &scale, plot, rect);
    if let Some(until) = runs.unknown_until {
        draw_unknown(pen, plot, scale.x(until), false);
    }
    for line in &view.lines {
        let points = |of: fn(&Point) -> f64| -> Vec<Vec2> {
            line.iter().map(|point| Vec2::new(scale.x(point.at), y(of(point)))).collect()
        };
        let (usual, slow) = (points(|point| point.usual_ms), points(|point| point.slow_ms));
        let (Some(first), Some(last)) = (usual.first(), usual.last()) else { continue };
        let ends = (first.x, last.x);
        if !palette.flat {
            pen.fill_between(Layer::Module, ends, palette.running, BAND, |x| {
                Some((height_of(&slow, x)?, height_of(&usual, x)?))
            });
        }
        pen.dashes(Layer::Face, ends, (7.0, 5.0), (3.0, palette.violet_text), |x| {
            height_of(&slow, x)
        });
        pen.line(Layer::Face, &usual, 4.0, palette.text);
        if line.len() == 1
            && let Some(point) = slow.first()
        {
            pen.part.shape(Layer::Face, Shape::disc(*point, 4.0 * k).fill(palette.violet_text));
        }
    }
    // The values of the whole period; the lines end where its last part does.
    if let Some((usual, slow)) = view.whole_ms {
        let (usual, slow) = (y(usual), y(slow));
        let x = plot.right() + VALUES * k / 2.0;
        let dot = |at: f32, ink| Shape::disc(Vec2::new(x, at), 6.0 * k).fill(ink);
        pen.part.shape(Layer::Face, dot(slow, palette.violet_text));
        pen.part.shape(Layer::Face, dot(usual, palette.text));
        draw_values(pen, view, (usual, slow), plot, rect);
    }
}

/// Height of a line at a place between its ends.
fn height_of(line: &[Vec2], x: f32) -> Option<f32> {
    let next = line.partition_point(|point| point.x < x);
    let b = line.get(next)?;
    let Some(a) = next.checked_sub(1).and_then(|before| line.get(before)) else {
        return Some(b.y);
    };
    let part = if b.x > a.x { (x - a.x) / (b.x - a.x) } else { 0.0 };
    Some(a.y + (b.y - a.y) * part)
}

fn draw_labels(pen: &mut Pen, runs: &RunsView, scale: &Scale, plot: Rect, rect: Rect) {
    let k = pen.k;
    let mut end = plot.x - 60.0 * k;
    for (place, column) in runs.columns.iter().enumerate() {
        let width = measure(Face::Text500, LEAST * k, 0.0, &column.label);
        let middle = (scale.x(column.from) + scale.x(column.to)) / 2.0;
        let (left, right) = (middle - width / 2.0, middle + width / 2.0);
        if left < end + 18.0 * k || left < rect.x + 16.0 * k || right > rect.right() - 24.0 * k {
            continue;
        }
        end = right;
        let style = pen.quiet(22.0, Align::Middle);
        let at = (middle, rect.bottom() - LABEL * k);
        pen.put(("duration label", place), &column.label, at, style, width + 1.0);
    }
}

/// Draws the values of the period beside their dots, one above the other.
fn draw_values(
    pen: &mut Pen,
    view: &DurationsView,
    (usual, slow): (f32, f32),
    plot: Rect,
    rect: Rect,
) {
    let (k, palette) = (pen.k, pen.part.palette);
    let apart = APART * k;
    let last = plot.bottom() - 26.0 * k;
    let lower = (usual + 2.0 * k).max(plot.y + apart).min(last.max(plot.y + apart));
    let upper = (slow + 2.0 * k).min(lower - apart);
    let x = plot.right() + VALUES * k;
    let room = rect.right() - 12.0 * k - x;
    let values = [
        (upper, &view.slow, &view.slow_note, palette.violet_text),
        (lower, &view.usual, &view.usual_note, palette.text),
    ];
    for (place, (y, value, note, ink)) in values.into_iter().enumerate() {
        let style = Style { face: Face::Text600, size: VALUE, ink, align: Align::Left };
        pen.put(("duration", place), value, (x, y), style, room);
        let style = pen.quiet(22.0, Align::Left);
        pen.put(("duration note", place), note, (x, y + 28.0 * k), style, room);
    }
}
