//! Common drawing of the history's panels: bodies, lines of text that fit, and curves.

use bevy::color::Color;
use bevy::math::Vec2;

use crate::app::draw::{Cap, Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::views::wall::fit::size_for;

/// Size of a panel's title, and the least size of a text.
pub const TITLE: f32 = 28.0;
pub const LEAST: f32 = 22.0;
/// Most pieces of a curve.
const MOST_PIECES: usize = 240;

/// End of a text that stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Middle,
    Right,
}

/// Style of a line of text, in lengths of the design.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub face: Face,
    pub size: f32,
    pub ink: Color,
    pub align: Align,
}

/// Draws texts and panels in one scale.
pub struct Pen<'a> {
    pub part: &'a mut Part,
    pub k: f32,
}

impl Pen<'_> {
    /// Draws a line of text within a room: smaller, down to the least size, and then cut. Returns its width.
    pub fn put(
        &mut self,
        key: (&'static str, usize),
        words: &str,
        (x, y): (f32, f32),
        style: Style,
        room: f32,
    ) -> f32 {
        let Style { face, size, ink, align } = style;
        let size = size_for(face, (size * self.k, LEAST.min(size) * self.k), words, room);
        if words.is_empty() || room < size * 0.8 {
            return 0.0;
        }
        let words = truncate(face, size, words, room).into_owned();
        let width = measure(face, size, 0.0, &words);
        let text = Text::new(key, words, x, y, face, size).colour(ink);
        let text = match align {
            Align::Left => text,
            Align::Middle => text.middle(),
            Align::Right => text.end(),
        };
        self.part.text(Layer::Face, text);
        width
    }

    /// Style of a text in the second colour.
    pub fn quiet(&self, size: f32, align: Align) -> Style {
        Style { face: Face::Text500, size, ink: self.part.palette.text_secondary, align }
    }

    /// Style of a text in the first colour.
    pub fn strong(&self, size: f32, align: Align) -> Style {
        Style { face: Face::Text600, size, ink: self.part.palette.text, align }
    }

    /// Draws the body of a panel with its title, and words at its right end. Returns the right end of the title.
    pub fn panel(&mut self, rect: Rect, key: &'static str, title: &str, right: &str) -> f32 {
        let (k, palette) = (self.k, self.part.palette);
        let body = Shape::rounded_box(rect)
            .radius((14.0 * k).min(rect.h / 2.0))
            .fill_vertical(palette.panel_top, palette.panel_bottom)
            .border(1.5 * k, palette.line);
        self.part.shape(Layer::Rack, body);
        let (x, y) = (rect.x + 24.0 * k, rect.y + 40.0 * k);
        let room = rect.w - 48.0 * k;
        let width = measure(Face::Text600, TITLE * k, 0.0, title).min(room);
        let style = self.strong(TITLE, Align::Left);
        self.put((key, 0), title, (x, y), style, room);
        if width + 40.0 * k < room {
            let style = self.quiet(24.0, Align::Right);
            let room = room - width - 24.0 * k;
            let whole = measure(Face::Text500, LEAST * k, 0.0, right);
            if whole <= room {
                self.put((key, 1), right, (rect.right() - 24.0 * k, y), style, room);
            }
        }
        x + width
    }

    /// Draws a quiet note in the middle of a panel.
    pub fn note(&mut self, rect: Rect, key: &'static str, words: &str) {
        let style = self.quiet(26.0, Align::Middle);
        let at = (rect.centre_x(), rect.centre_y() + 9.0 * self.k);
        self.put((key, 2), words, at, style, rect.w - 48.0 * self.k);
    }

    /// Draws a line of a grid; where all lines are equally strong, it is dotted.
    pub fn grid(&mut self, from: (f32, f32), to: (f32, f32), ink: Color) {
        if !self.part.palette.flat {
            return self.rule(from, to, ink);
        }
        let ends = (Vec2::new(from.0, from.1), Vec2::new(to.0, to.1));
        let ink = self.part.palette.text_decorative;
        let line = Shape::capsule(ends.0, ends.1, 1.5 * self.k).dash(2.0 * self.k, 8.0 * self.k);
        self.part.shape(Layer::Module, line.fill(ink));
    }

    /// Draws a line between two things.
    pub fn rule(&mut self, from: (f32, f32), to: (f32, f32), ink: Color) {
        let rect = match from.1 == to.1 {
            true => Rect::new(from.0, from.1 - 0.75, (to.0 - from.0).max(0.0), 1.5),
            false => Rect::new(from.0 - 0.75, from.1, 1.5, (to.1 - from.1).max(0.0)),
        };
        self.part.shape(Layer::Module, Shape::rounded_box(rect).fill(ink));
    }

    /// Fills the area between two lines over the same range, in narrow boxes.
    pub fn fill_between(
        &mut self,
        layer: Layer,
        (from, to): (f32, f32),
        ink: Color,
        opacity: f32,
        edges: impl Fn(f32) -> Option<(f32, f32)>,
    ) {
        let width = (to - from).max(0.0);
        let step = (2.0 * self.k).max(width / MOST_PIECES as f32);
        let pieces = (width / step).floor() as usize;
        for piece in 0..pieces.min(MOST_PIECES) {
            let x = from + piece as f32 * step;
            let Some((top, bottom)) = edges(x + step / 2.0) else { continue };
            if bottom - top < 0.3 {
                continue;
            }
            let shape = Shape::rounded_box(Rect::new(x, top, step, bottom - top));
            self.part.shape(layer, shape.fill(ink).opacity(opacity));
        }
    }

    /// Draws a line through points.
    pub fn line(&mut self, layer: Layer, points: &[Vec2], width: f32, ink: Color) {
        for ends in points.windows(2) {
            let shape = Shape::capsule(ends[0], ends[1], width * self.k).fill(ink);
            self.part.shape(layer, shape);
        }
        if let [point] = points {
            self.part.shape(layer, Shape::disc(*point, width * self.k * 0.8).fill(ink));
        }
    }

    /// Draws a dashed line over a range; places without a height are left out.
    pub fn dashes(
        &mut self,
        layer: Layer,
        (from, to): (f32, f32),
        (dash, gap): (f32, f32),
        (width, ink): (f32, Color),
        height: impl Fn(f32) -> Option<f32>,
    ) {
        let all = (to - from).max(0.0);
        let step = ((dash + gap) * self.k).max(all / MOST_PIECES as f32);
        let length = step * dash / (dash + gap);
        let pieces = (all / step).ceil() as usize;
        for piece in 0..pieces.min(MOST_PIECES) {
            let x = from + piece as f32 * step;
            let end = (x + length).min(to);
            let (Some(a), Some(b)) = (height(x), height(end)) else { continue };
            let bend = height((x + end) / 2.0).map_or(0.0, |middle| (middle - (a + b) / 2.0).abs());
            // A dash follows the line around its corners.
            let parts = if bend > 0.5 { 4 } else { 1 };
            let at = |part: usize| x + (end - x) * part as f32 / parts as f32;
            for part in 0..parts {
                let (from, to) = (at(part), at(part + 1));
                let (Some(a), Some(b)) = (height(from), height(to)) else { continue };
                let ends = (Vec2::new(from, a), Vec2::new(to, b));
                let shape = Shape::capsule(ends.0, ends.1, width * self.k).fill(ink);
                self.part.shape(layer, shape.cap(if parts > 1 { Cap::Round } else { Cap::Butt }));
            }
        }
    }
}

/// Height of a curve at a place from 0 to 1; its values stand in the middle of equal parts.
pub fn height_at(curve: &[f32], place: f32) -> f32 {
    if curve.is_empty() {
        return 0.0;
    }
    let at = place * curve.len() as f32 - 0.5;
    let value = |index: f32| {
        let index = index as isize;
        usize::try_from(index).ok().and_then(|index| curve.get(index)).copied().unwrap_or(0.0)
    };
    let low = at.floor();
    let part = at - low;
    value(low) * (1.0 - part) + value(low + 1.0) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curve_goes_through_the_middles_of_its_parts_and_ends_with_nothing() {
        let curve = [0.0, 1.0, 0.5, 0.0];
        assert_eq!(height_at(&curve, 0.375), 1.0);
        assert_eq!(height_at(&curve, 0.5), 0.75);
        assert_eq!(height_at(&curve, -1.0), 0.0);
        assert_eq!(height_at(&curve, 2.0), 0.0);
        assert_eq!(height_at(&[], 0.5), 0.0);
    }
}
