//! Parts shared by the forms of the timeline: the axis of time, the line of now, and words that find a free
//! place.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::draw::{Cap, Face, Layer, Part, Rect, Shape, Text, Texture, measure};
use crate::app::theme::Palette;
use crate::app::words::{clock_words, time_words};
use crate::bounded::bounded;
use crate::layout::{TimeRows, tick_millis};
use crate::text::length_words;
use crate::timeline::{Axis, Span};

/// Least distance of two labels of the axis.
const LABEL_GAP: f32 = 26.0;
/// Least distance of two ticks.
const TICK_GAP: f32 = 118.0;
/// Most ticks that are drawn.
const MOST_TICKS: u64 = 400;

/// Free places of a line: texts are put beside each other, never over one another.
#[derive(Clone, Debug)]
pub struct Placer {
    taken: Vec<(f32, f32)>,
    from: f32,
    to: f32,
}

impl Placer {
    /// Line between two ends.
    pub fn new(from: f32, to: f32) -> Self {
        Self { taken: Vec::new(), from, to }
    }

    /// Left end of the line.
    pub fn begin(&self) -> f32 {
        self.from
    }

    /// Marks a stretch as taken.
    pub fn take(&mut self, from: f32, to: f32) {
        if to > from {
            self.taken.push((from, to));
        }
    }

    fn hit(&self, from: f32, to: f32) -> Option<(f32, f32)> {
        self.taken.iter().find(|(a, b)| *a < to && from < *b).copied()
    }

    /// Takes the first free place of a width from `x` on; returns its left end.
    pub fn right_of(&mut self, x: f32, width: f32) -> Option<f32> {
        let mut x = x.max(self.from);
        while let Some((_, end)) = self.hit(x, x + width) {
            x = end + 10.0;
        }
        (x + width <= self.to).then(|| {
            self.take(x, x + width);
            x
        })
    }

    /// Takes the last free place of a width up to `x`; returns its left end.
    pub fn left_of(&mut self, x: f32, width: f32) -> Option<f32> {
        let mut x = x.min(self.to);
        while let Some((begin, _)) = self.hit(x - width, x) {
            x = begin - 10.0;
        }
        (x - width >= self.from).then(|| {
            self.take(x - width, x);
            x - width
        })
    }

    /// Takes exactly this place if it is free.
    pub fn here(&mut self, x: f32, width: f32) -> bool {
        let free = x >= self.from && x + width <= self.to && self.hit(x, x + width).is_none();
        if free {
            self.take(x, x + width);
        }
        free
    }

    /// Width that is free from `x` on, up to what is taken there.
    pub fn room_from(&self, x: f32) -> f32 {
        let next = self.taken.iter().map(|(from, _)| *from).filter(|from| *from >= x);
        (next.fold(self.to, f32::min) - x).max(0.0)
    }
}

/// Time as places from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeScale {
    pub axis: Axis,
    pub from: f32,
    pub to: f32,
    pub ms_per_px: f64,
}

impl TimeScale {
    /// Puts an axis between two places; what comes after its end goes on in the same scale.
    pub fn new(axis: Axis, (from, to): (f32, f32), shown_ms: f64) -> Self {
        let ms_per_px = shown_ms.max(1.0) / f64::from((to - from).max(1.0));
        Self { axis, from, to, ms_per_px }
    }

    /// Place of an instant; outside of the time shown it is at its end.
    pub fn x(&self, at: Timestamp) -> f32 {
        bounded(self.free_x(at), self.from, self.to)
    }

    /// Place of an instant, wherever it is.
    pub fn free_x(&self, at: Timestamp) -> f32 {
        let x = f64::from(self.from) + self.axis.place(at) / self.ms_per_px;
        bounded(x, -1e6, 1e6) as f32
    }

    /// True when an instant is shown.
    pub fn shows(&self, at: Timestamp) -> bool {
        let x = self.free_x(at);
        self.from - 0.01 <= x && x <= self.to + 0.01
    }

    /// Left and right end of a span; `None` when none of it is shown.
    pub fn ends(&self, span: Span) -> Option<(f32, f32)> {
        let (from, to) = (self.free_x(span.from), self.free_x(span.to));
        (to >= self.from && from <= self.to)
            .then(|| (bounded(from, self.from, self.to), bounded(to, self.from, self.to)))
    }
}

/// Quantity on the axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Time since this instant: "0:30".
    Since(Timestamp),
    /// Time of day: "20:45".
    OfDay(TimeZone),
}

impl Labels {
    fn words(&self, at: Timestamp, tick_ms: u64) -> String {
        match self {
            Self::Since(origin) => {
                let millis = at.duration_since(*origin).as_millis();
                let words = clock_words(u64::try_from(millis.unsigned_abs()).unwrap_or(u64::MAX));
                if millis < 0 { format!("−{words}") } else { words }
            }
            Self::OfDay(zone) => {
                let words = time_words(at, zone);
                match tick_ms {
                    60_000.. => words.get(..5).unwrap_or(&words).to_owned(),
                    _ => words,
                }
            }
        }
    }

    /// First tick at or after an instant.
    fn first(&self, from: Timestamp, tick_ms: u64) -> Option<Timestamp> {
        let origin = match self {
            Self::Since(origin) => origin.as_millisecond(),
            // Full hours are those of the day that is shown.
            Self::OfDay(zone) => -i64::from(zone.to_offset(from).seconds()) * 1_000,
        };
        let tick = i64::try_from(tick_ms.max(1)).ok()?;
        let since = from.as_millisecond().saturating_sub(origin);
        let first = since.div_euclid(tick) + i64::from(since.rem_euclid(tick) != 0);
        Timestamp::from_millisecond(first.checked_mul(tick)?.checked_add(origin)?).ok()
    }
}

/// Draws grid and labels of the axis; `taken` are the places of other words on its line.
pub fn draw_axis(
    part: &mut Part,
    scale: &TimeScale,
    labels: &Labels,
    (rows, bottom): (&TimeRows, f32),
    taken: &[(f32, f32)],
) {
    let palette = part.palette;
    let size = 24.0 * rows.scale;
    let mut line = Placer::new(rows.from - 40.0 * rows.scale, rows.right);
    for (from, to) in taken {
        line.take(from - LABEL_GAP / 2.0, to + LABEL_GAP / 2.0);
    }
    let mut key = 0;
    let mut label = |part: &mut Part, x: f32, words: String, ink: Color| {
        let width = measure(Face::Text500, size, 0.0, &words);
        let left = bounded(x - width / 2.0, rows.from - 20.0, rows.right - width);
        if line.here(left - LABEL_GAP / 2.0, width + LABEL_GAP) || {
            left <= rows.from && line.here(left, width + LABEL_GAP / 2.0)
        } {
            key += 1;
            let text =
                Text::new(("time", key), words, left, rows.head, Face::Text500, size).colour(ink);
            part.text(Layer::Module, text);
        }
    };
    for piece in scale.axis.pieces().iter().filter(|piece| piece.folded) {
        let Some((from, to)) = scale.ends(piece.span) else { continue };
        draw_break(part, Rect::new(from, rows.top, to - from, bottom - rows.top), rows.scale);
        // Seconds would say nothing of a long stretch.
        let millis = piece.span.millis();
        let round = if millis >= 600_000 { (millis + 30_000) / 60_000 * 60_000 } else { millis };
        let idle = format!("{} idle", length_words(round));
        label(part, (from + to) / 2.0, idle, palette.text_secondary);
    }
    let tick_ms = tick_millis(scale.ms_per_px, TICK_GAP * rows.scale);
    let end = scale.axis.time_at(f64::from(scale.to - scale.from) * scale.ms_per_px);
    let mut drawn = 0;
    let mut at = labels.first(scale.axis.time_at(0.0), tick_ms);
    while let Some(tick) = at.filter(|tick| *tick <= end && drawn < MOST_TICKS) {
        let after = tick.checked_add(jiff::SignedDuration::from_millis(1)).ok();
        at = after.and_then(|after| labels.first(after, tick_ms));
        let mut folded = scale.axis.pieces().iter().filter(|piece| piece.folded);
        if let Some(fold) = folded.find(|piece| piece.span.holds(tick)) {
            // Ticks of a folded stretch would stand on top of each other.
            at = labels.first(fold.span.to, tick_ms);
            continue;
        }
        drawn += 1;
        let x = scale.x(tick);
        draw_grid_line(part, x, (rows.top, bottom));
        label(part, x, labels.words(tick, tick_ms), palette.text_secondary);
    }
}

/// Draws a line of the grid; where all lines are equally strong, it is dotted.
fn draw_grid_line(part: &mut Part, x: f32, (top, bottom): (f32, f32)) {
    let palette = part.palette;
    let shape = if palette.flat {
        let ends = (Vec2::new(x, top), Vec2::new(x, bottom));
        Shape::capsule(ends.0, ends.1, 1.5).dash(2.0, 10.0).fill(palette.text_decorative)
    } else {
        let rect = Rect::new(x - 0.75, top, 1.5, bottom - top);
        Shape::rounded_box(rect).fill(palette.hair)
    };
    part.shape(Layer::Background, shape);
}

/// Draws a folded stretch: a band between two broken lines.
fn draw_break(part: &mut Part, rect: Rect, scale: f32) {
    let palette = part.palette;
    let hatch = Texture::Hatch { period: 14.0 * scale, width: 2.0 * scale };
    part.shape(
        Layer::Rack,
        Shape::rounded_box(rect).fill(palette.card).texture(hatch, palette.line_strong),
    );
    for x in [rect.x, rect.right()] {
        let ends = (Vec2::new(x, rect.y), Vec2::new(x, rect.bottom()));
        let line = Shape::capsule(ends.0, ends.1, 2.0).dash(8.0, 7.0).cap(Cap::Butt);
        part.shape(Layer::Rack, line.fill(palette.text_tertiary));
    }
}

/// Label of now, above its line.
#[derive(Clone, Debug, PartialEq)]
pub struct NowPlate {
    pub x: f32,
    pub words: String,
    pub rect: Rect,
    size: f32,
}

impl NowPlate {
    /// Plate at a place; at the ends of the time it stays within the content.
    pub fn at(x: f32, words: String, rows: &TimeRows) -> Self {
        let size = 27.0 * rows.scale;
        let width = measure(Face::Text700, size, 0.0, &words) + 22.0 * rows.scale;
        let left = bounded(x - width / 2.0, rows.left, rows.right - width);
        let rect = Rect::new(left, rows.head - 28.0 * rows.scale, width, 40.0 * rows.scale);
        Self { x, words, rect, size }
    }

    /// Left and right end.
    pub fn ends(&self) -> (f32, f32) {
        (self.rect.x, self.rect.right())
    }

    /// Draws the plate, and the line down to `bottom`.
    pub fn draw(&self, part: &mut Part, bottom: f32) {
        let palette = part.palette;
        let rect = self.rect;
        let line = Rect::new(self.x - 1.75, rect.bottom(), 3.5, (bottom - rect.bottom()).max(0.0));
        part.shape(Layer::Module, Shape::rounded_box(line).fill(palette.text).unsnapped());
        part.shape(Layer::Module, Shape::rounded_box(rect).radius(7.0).fill(palette.text));
        let tip = |dx: f32, dy: f32| Vec2::new(self.x + dx, rect.bottom() + dy);
        let arrow = Shape::triangle(tip(-9.0, -1.0), tip(9.0, -1.0), tip(0.0, 9.0), 0.5);
        part.shape(Layer::Module, arrow.fill(palette.text));
        let baseline = rect.y + rect.h * 0.725;
        let words = Text::new(
            "now",
            self.words.clone(),
            rect.centre_x(),
            baseline,
            Face::Text700,
            self.size,
        );
        part.text(Layer::Module, words.middle().colour(palette.bg));
    }
}

/// Draws words on a plate in the colour of the ground, so that no line runs through them.
pub fn plated(part: &mut Part, text: Text, (x, width): (f32, f32), baseline: f32, size: f32) {
    let ground = part.palette.bg;
    let plate = Rect::new(x - 4.0, baseline - size * 0.86, width + 8.0, size * 1.16);
    part.shape(Layer::Face, Shape::rounded_box(plate).radius(4.0).fill(ground.with_alpha(0.94)));
    part.text(Layer::Face, text);
}

/// Hatched box of a wait.
pub fn wait_shape(palette: &Palette, rect: Rect, scale: f32) -> Shape {
    let hatch = Texture::Hatch { period: 8.0 * scale, width: 2.4 * scale };
    Shape::rounded_box(rect)
        .radius(3.0)
        .fill(palette.ghost)
        .texture(hatch, palette.text_tertiary)
        .border(1.5, palette.text_tertiary)
}

/// Dashed frame of a usual time.
pub fn usual_frame(palette: &Palette, rect: Rect) -> Shape {
    Shape::rounded_box(rect)
        .radius(6.0_f32.min(rect.w / 2.0))
        .fill(Color::NONE)
        .border(1.5, palette.text_tertiary)
        .dash(4.0, 4.0)
        .cap(Cap::Butt)
}

/// Violet frame of what is selected or pointed at.
pub fn draw_choice(part: &mut Part, rect: Rect) {
    let palette = part.palette;
    let frame = Shape::rounded_box(rect.inset(-4.0)).radius(8.0).fill(Color::NONE);
    part.shape(Layer::Cable, frame.border(3.0, palette.violet_text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_beside_each_other() {
        let mut line = Placer::new(0.0, 400.0);
        assert_eq!(line.right_of(100.0, 50.0), Some(100.0));
        assert_eq!(line.right_of(90.0, 50.0), Some(160.0), "behind what stands there");
        assert_eq!(line.left_of(120.0, 80.0), Some(10.0));
        assert_eq!(line.left_of(120.0, 80.0), None);
        assert_eq!(line.right_of(0.0, 300.0), None);
        assert!(!line.here(205.0, 10.0) && line.here(215.0, 10.0));
        assert_eq!(line.room_from(226.0), 174.0);
    }

    #[test]
    fn ticks_stand_at_full_times() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let day = Labels::OfDay(TimeZone::fixed(jiff::tz::offset(1)));
        let first = day.first(at("2026-11-23T12:03:20Z"), 300_000).unwrap();
        assert_eq!(first, at("2026-11-23T12:05:00Z"));
        assert_eq!(day.words(first, 300_000), "13:05");
        let since = Labels::Since(at("2026-11-23T12:03:20Z"));
        let first = since.first(at("2026-11-23T12:03:21Z"), 30_000).unwrap();
        assert_eq!(since.words(first, 30_000), "0:30");
    }
}
