//! Draws the time in each step: the curve of this period over the dashed one of the period before.

use bevy::math::Vec2;

use super::pen::{Align, Pen, Style, height_at};
use super::steps_view::{StepRow, StepsView, usual_place};
use crate::app::draw::{Cap, Face, Layer, Rect, Shape};
use crate::app::state::history::Chosen;
use crate::bounded::bounded;
use crate::layout::HistoryPlaces;

/// Distance of the first baseline from the panel's upper edge, and of the last one from its lower edge.
const FIRST: f32 = 121.9;
const LAST: f32 = 31.6;
/// Baseline of the columns' heads.
const HEAD: f32 = 74.0;
/// Greatest and least distance of two rows.
const PITCH: (f32, f32) = (54.0, 32.0);
/// Distance of rows that the lengths are drawn for, height of a curve, and of a row's frame.
const DRAWN: f32 = 41.56;
const CURVE: f32 = 36.0;
const FRAME: (f32, f32) = (33.0, 11.0);
/// Distances from the right edge to the usual time and to the change, and room of the usual time.
const USUAL: f32 = 168.0;
const CHANGE: f32 = 24.0;
const USUAL_ROOM: f32 = 104.0;

/// Number of rows that there is room for.
pub fn room(at: &HistoryPlaces) -> usize {
    let height = at.steps.h - (FIRST + LAST) * at.scale;
    ((height / (PITCH.1 * at.scale)).floor().max(0.0) as usize).saturating_add(1)
}

/// Draws the panel; returns the areas of its rows.
pub fn draw(
    pen: &mut Pen,
    rect: Rect,
    view: &StepsView,
    against: &str,
    chosen: Option<&Chosen>,
) -> Vec<(Chosen, Rect)> {
    let (k, palette) = (pen.k, pen.part.palette);
    pen.panel(rect, "steps", "time in each step", against);
    if view.rows.is_empty() {
        pen.note(rect, "steps", "no step ended");
        return Vec::new();
    }
    let rows = view.rows.len();
    let height = (rect.h - (FIRST + LAST) * k).max(1.0);
    let pitch = height / rows.saturating_sub(1).max(1) as f32;
    let pitch = bounded(pitch, 1.0, PITCH.0 * k);
    let unit = pitch / DRAWN;
    let first = rect.y + FIRST * k;
    let from = rect.x + (rect.w * 0.258).min(196.0 * k);
    let to = (rect.right() - (USUAL + USUAL_ROOM) * k).max(from + 1.0);
    let (usual_x, change_x) = (rect.right() - USUAL * k, rect.right() - CHANGE * k);
    let guide = from + (to - from) * usual_place();
    let ends = (Vec2::new(guide, rect.y + 58.0 * k), Vec2::new(guide, rect.bottom() - 26.0 * k));
    let line = Shape::capsule(ends.0, ends.1, 1.5 * k).dash(3.0 * k, 4.0 * k).cap(Cap::Butt);
    pen.part.shape(Layer::Module, line.fill(palette.text_decorative));
    let head = pen.quiet(22.0, Align::Right);
    pen.put(("step head", 0), "usual", (usual_x, rect.y + HEAD * k), head, USUAL_ROOM * k);
    pen.put(("step head", 1), "change", (change_x, rect.y + HEAD * k), head, 130.0 * k);
    let mut areas = Vec::new();
    for (place, row) in view.rows.iter().enumerate() {
        let y = first + place as f32 * pitch;
        let up = (FRAME.0 * unit).min(FRAME.0 * k).max(26.0 * k);
        let frame = Rect::new(rect.x + 10.0 * k, y - up, rect.w - 20.0 * k, up + FRAME.1 * k);
        if row.is_most {
            let shape = Shape::rounded_box(frame).radius(10.0 * k).fill(palette.running_deep);
            pen.part.shape(Layer::Module, shape.border(2.0 * k, palette.running));
        }
        draw_curves(pen, row, (from, to), y, CURVE * unit);
        let style = pen.strong(26.0, Align::Left);
        let room = from - rect.x - 34.0 * k;
        pen.put(("step", place), &row.name, (rect.x + 24.0 * k, y), style, room);
        let style = pen.strong(26.0, Align::Right);
        pen.put(("step usual", place), &row.usual, (usual_x, y), style, USUAL_ROOM * k);
        let (face, ink) = match row.is_most {
            true => (Face::Text700, palette.text),
            false if row.is_changed => (Face::Text600, palette.text),
            false => (Face::Text500, palette.text_secondary),
        };
        let style = Style { face, size: 26.0, ink, align: Align::Right };
        pen.put(("step change", place), &row.change, (change_x, y), style, 132.0 * k);
        let chosen_row = Chosen::Step(row.step.clone());
        if chosen == Some(&chosen_row) {
            draw_choice(pen, frame);
        }
        areas.push((chosen_row, frame));
    }
    if view.more > 0 {
        let words = match view.more {
            1 => "+1 more step".to_owned(),
            more => format!("+{more} more steps"),
        };
        let style = pen.quiet(22.0, Align::Left);
        let at = (rect.x + 24.0 * k, rect.y + HEAD * k);
        pen.put(("step more", 0), &words, at, style, guide - rect.x - 48.0 * k);
    }
    areas
}

/// Draws a violet frame around what is chosen.
pub fn draw_choice(pen: &mut Pen, frame: Rect) {
    let palette = pen.part.palette;
    let shape = Shape::rounded_box(frame).radius(10.0 * pen.k).fill(bevy::color::Color::NONE);
    pen.part.shape(Layer::Cable, shape.border(3.0 * pen.k, palette.violet_text));
}

fn draw_curves(pen: &mut Pen, row: &StepRow, (from, to): (f32, f32), base: f32, height: f32) {
    let (k, palette) = (pen.k, pen.part.palette);
    let place = |x: f32| (x - from) / (to - from).max(1.0);
    pen.rule((from, base), (to, base), palette.line_strong);
    let (ink, edge) = match row.is_most {
        true => (palette.running, palette.running),
        false => (palette.running_scale_off, palette.past_run),
    };
    if !row.now.is_empty() {
        pen.fill_between(Layer::Module, (from, to), ink, 1.0, |x| {
            Some((base - height * height_at(&row.now, place(x)), base))
        });
        // A line on its edge makes steps smooth.
        let step = (to - from) / 60.0;
        let points = (0..=60).map(|nth| {
            let x = from + nth as f32 * step;
            Vec2::new(x, base - height * height_at(&row.now, place(x)))
        });
        let points: Vec<Vec2> = points.collect();
        // Only where there is something.
        for ends in points.windows(2).filter(|ends| ends.iter().any(|at| base - at.y > 0.4)) {
            let line = Shape::capsule(ends[0], ends[1], 1.8 * k).fill(edge);
            pen.part.shape(Layer::Module, line);
        }
    }
    if !row.before.is_empty() {
        pen.dashes(Layer::Face, (from, to), (4.0, 3.0), (2.0, palette.text), |x| {
            Some(base - height * height_at(&row.before, place(x)))
        });
    }
}
