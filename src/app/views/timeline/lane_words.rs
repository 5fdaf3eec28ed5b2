//! Words of a lane of one run's timeline: before, behind and in place of its bars.

use bevy::color::Color;
use bevy::math::Vec2;

use super::bar::BarKind;
use super::lanes_place::{LanesPlace, WORDS};
use super::lanes_view::{BarView, Lane};
use super::pen::{Placer, plated};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Text, measure, truncate};
use crate::app::state::status::DisplayStatus;

/// Type size of a reason.
const REASON: f32 = 26.0;
/// Least room of a reason beside its bar.
const LEAST_REASON: f32 = 170.0;

/// Draws the words of a lane beside its bars.
pub fn draw_words(part: &mut Part, place: usize, lane: &Lane, at: &LanesPlace, line: &mut Placer) {
    let palette = part.palette;
    let k = at.rows.scale;
    let (size, y) = (WORDS * k, at.middle(place) + 10.0 * k);
    let shown = |bar: &&BarView| at.scale.ends(bar.span).is_some();
    let Some(first) = lane.bars.iter().find(shown) else {
        let is_elsewhere = !lane.bars.is_empty();
        if !is_elsewhere && !lane.note.is_empty() {
            let width = measure(Face::Text500, size, 0.0, lane.note);
            if let Some(x) = line.right_of(at.rows.from + 2.0, width) {
                let text = Text::new(("note", place), lane.note, x, y, Face::Text500, size);
                plated(part, text.colour(palette.text_tertiary), (x, width), y, size);
            }
        }
        return;
    };
    let begin = at.scale.x(first.span.from);
    if !lane.before.is_empty() {
        let width = measure(Face::Text600, size, 0.0, &lane.before);
        if let Some(x) = line.left_of(begin - 12.0 * k, width) {
            let text = Text::new(("before", place), lane.before.clone(), x, y, Face::Text600, size);
            plated(part, text.colour(palette.text), (x, width), y, size);
        }
    }
    if lane.bars.iter().any(|bar| bar.kind == BarKind::AtWork) {
        return;
    }
    let slow = |bar: &BarView| bar.usual.map_or(bar.span.to, |(_, slow)| slow.max(bar.span.to));
    let end = lane.bars.iter().map(slow).max().map_or(begin, |end| at.scale.x(end));
    let bars_end = lane.bars.iter().map(|bar| bar.span.to).max();
    let bars_end = bars_end.map_or(begin, |end| at.scale.x(end));
    let mut words = Words { line, x: end + 14.0 * k, fallback: bars_end + 10.0 * k, place, y, k };
    if let Some(reason) = &lane.failure {
        words.put_failure(part, reason);
        return;
    }
    if lane.bars.iter().any(|bar| bar.kind == BarKind::Stopped) {
        words.put_glyph(part, DisplayStatus::Cancelled);
        words.put(part, "stopped here", (Face::Text600, WORDS), palette.cancelled);
        return;
    }
    if let Some((passed, score)) = &lane.verdict {
        let (glyph, ink) = match passed {
            Some(true) => (Some(DisplayStatus::Success), palette.success),
            Some(false) => (Some(DisplayStatus::Failed), palette.failed_text),
            None => (None, palette.text),
        };
        if let Some(glyph) = glyph {
            words.put_glyph(part, glyph);
        }
        words.put(part, score, (Face::Text700, 30.0), ink);
        let told = match passed {
            Some(true) => "VALIDATE, passed",
            Some(false) => "VALIDATE, refused",
            None => "VALIDATE",
        };
        words.put(part, told, (Face::Text500, WORDS), palette.text_secondary);
    }
    words.put(part, &lane.took, (Face::Text600, WORDS), palette.text);
    words.put(part, &lane.share, (Face::Text500, WORDS), palette.text_secondary);
    words.put(part, lane.note, (Face::Text500, WORDS), palette.text_secondary);
}

/// Words behind the bars of a lane, one after the other.
struct Words<'a> {
    line: &'a mut Placer,
    x: f32,
    /// Begin of the words if there is no room behind the frame of the usual time.
    fallback: f32,
    place: usize,
    y: f32,
    k: f32,
}

impl Words<'_> {
    fn find(&mut self, width: f32) -> Option<f32> {
        let found = self.line.right_of(self.x, width);
        found.or_else(|| self.line.right_of(self.fallback, width))
    }

    fn put(&mut self, part: &mut Part, words: &str, (face, size): (Face, f32), ink: Color) {
        if words.is_empty() {
            return;
        }
        let size = size * self.k;
        let width = measure(face, size, 0.0, words);
        let Some(x) = self.find(width) else { return };
        let key = ("words", self.place, words.to_owned());
        let text = Text::new(key, words.to_owned(), x, self.y, face, size).colour(ink);
        plated(part, text, (x, width), self.y, size);
        (self.x, self.fallback) = (x + width + 14.0 * self.k, x + width + 14.0 * self.k);
    }

    fn put_glyph(&mut self, part: &mut Part, glyph: DisplayStatus) {
        let radius = 15.0 * self.k;
        let Some(x) = self.find(2.0 * radius) else { return };
        let centre = Vec2::new(x + radius, self.y - 10.0 * self.k);
        badge(part, Layer::Face, glyph, centre, radius, "outcome");
        self.x = x + 2.0 * radius + 10.0 * self.k;
        self.fallback = self.x;
    }

    fn put_failure(&mut self, part: &mut Part, reason: &str) {
        let size = REASON * self.k;
        let palette = part.palette;
        let whole = measure(Face::Text600, size, 0.0, reason) + 4.0;
        let glyph = 40.0 * self.k;
        let room = |words: &Self, x: f32| words.line.room_from(x) - glyph;
        if room(self, self.x) < whole.min(LEAST_REASON * 2.0 * self.k) {
            self.x = self.fallback;
        }
        let room = room(self, self.x);
        if room >= whole.min(LEAST_REASON * self.k) {
            self.put_glyph(part, DisplayStatus::Failed);
            let words = truncate(Face::Text600, size, reason, room).into_owned();
            self.put(part, &words, (Face::Text600, REASON), palette.failed_text);
            return;
        }
        // Behind a bar that ends at the edge there is room before it only.
        let before = self.line.begin();
        let words =
            truncate(Face::Text600, size, reason, (self.fallback - before) * 0.5).into_owned();
        let width = measure(Face::Text600, size, 0.0, &words);
        if let Some(x) = self.line.left_of(self.fallback, width) {
            let text = Text::new(("reason", self.place), words, x, self.y, Face::Text600, size);
            plated(part, text.colour(palette.failed_text), (x, width), self.y, size);
        }
    }
}
