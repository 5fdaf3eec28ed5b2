//! Times of a step in earlier runs, as dots on an axis, with the usual time, the slow limit and this run.

use bevy::math::Vec2;

use crate::app::draw::glyphs::diamond;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::state::spread::Spread;
use crate::app::theme::size;
use crate::app::words::{clock_words, duration_words};
use crate::bounded::bounded;

/// Distance from one column of dots to the next, and from one dot to the next above.
const COLUMN: f32 = 9.04;
const DOT_PITCH: f32 = 12.0;
const DOT_RADIUS: f32 = 4.6;
/// Distance from the axis to the middle of the lowest dot.
const LOWEST_DOT: f32 = 9.0;
/// Least size of a spread that can be read.
const LEAST_WIDTH: f32 = 240.0;
const LEAST_HEIGHT: f32 = 130.0;
/// Distance from the heading's baseline to that of the first label, and from there to the second.
const FIRST_LABEL: f32 = 44.0;
const LABEL_LINE: f32 = 30.0;
/// Height of the axis above the foot, with its numerals below it.
const AXIS_ABOVE_FOOT: f32 = 44.0;
const GAP: f32 = 10.0;

/// Places of the axis and of the dots above it.
struct Chart<'a> {
    spread: &'a Spread,
    left: f32,
    right: f32,
    axis: f32,
    /// Baseline of the first label.
    first_line: f32,
    /// Factor by which type and dots are larger than on a landscape wall.
    k: f32,
    /// Tops of the columns of dots.
    tops: Vec<f32>,
}

/// Draws a spread into `area`, whose upper edge is the heading's baseline.
pub(super) fn draw(part: &mut Part, spread: &Spread, area: Rect, k: f32) {
    if area.w < LEAST_WIDTH * k || area.h < LEAST_HEIGHT * k {
        return;
    }
    let palette = part.palette;
    let heading = truncate(Face::Text600, size::META * k, &spread.heading, area.w).into_owned();
    part.text(
        Layer::Face,
        Text::new("spread", heading, area.x, area.y, Face::Text600, size::META * k)
            .colour(palette.text),
    );
    let mut chart = Chart {
        spread,
        left: area.x,
        right: area.right(),
        axis: area.bottom() - AXIS_ABOVE_FOOT * k,
        first_line: area.y + FIRST_LABEL * k,
        k,
        tops: Vec::new(),
    };
    let line = Rect::new(chart.left, chart.axis - 1.0, area.w, 2.0);
    part.shape(Layer::Rack, Shape::rounded_box(line).fill(palette.line_strong));
    chart.draw_dots(part);
    chart.draw_usual_and_slow(part);
    let under_axis = chart.draw_this(part);
    chart.draw_numerals(part, under_axis);
}

impl Chart<'_> {
    fn x_of(&self, millis: u64) -> f32 {
        self.left + (self.right - self.left) * self.spread.place(millis)
    }

    fn draw_dots(&mut self, part: &mut Part) {
        let width = self.right - self.left;
        let count = (width / (COLUMN * self.k)).max(1.0) as usize;
        let step = width / count as f32;
        let counts = self.spread.counts(count);
        let most = counts.iter().copied().max().unwrap_or(0).max(1) as f32;
        let lowest = self.axis - LOWEST_DOT * self.k;
        let pitch = ((lowest - self.first_line - GAP) / most).min(DOT_PITCH * self.k);
        let radius = (DOT_RADIUS * self.k).min(pitch * 0.45).max(1.0);
        for (column, dots) in counts.into_iter().enumerate() {
            let x = self.left + (column as f32 + 0.5) * step;
            for dot in 0..dots {
                let centre = Vec2::new(x, lowest - dot as f32 * pitch);
                part.shape(Layer::Face, Shape::disc(centre, radius).fill(part.palette.past_run));
            }
            self.tops.push(if dots == 0 { self.axis } else { lowest - dots as f32 * pitch });
        }
    }

    /// Returns the top of the highest dot between two places.
    fn top_between(&self, from: f32, to: f32) -> f32 {
        let step = (self.right - self.left) / self.tops.len().max(1) as f32;
        let tops = self.tops.iter().enumerate().filter(|(column, _)| {
            let x = self.left + *column as f32 * step;
            x + step > from - GAP && x < to + GAP
        });
        tops.map(|(_, top)| *top).fold(self.axis, f32::min)
    }

    fn width(&self, words: &str) -> f32 {
        measure(Face::Text600, size::ESSENTIAL_MIN * self.k, 0.0, words)
    }

    fn label(&self, key: &'static str, words: String, x: f32, y: f32) -> Text {
        Text::new(key, words, x, y, Face::Text600, size::ESSENTIAL_MIN * self.k)
    }

    fn draw_usual_and_slow(&self, part: &mut Part) {
        let palette = part.palette;
        let (k, axis) = (self.k, self.axis);
        let Some((words, baseline)) = self.spread.usual_words().zip(self.spread.baseline) else {
            return;
        };
        let x = self.x_of(baseline.p50_ms);
        let top = self.first_line - 16.0 * k;
        let line = Rect::new(x - 1.5, top, 3.0, axis + 8.0 * k - top);
        part.shape(Layer::Face, Shape::rounded_box(line).fill(palette.text).unsnapped());
        let width = self.width(&words);
        let to_right = x + GAP + width <= self.right;
        let from = if to_right { x + GAP } else { x - GAP - width };
        let label = self.label("spread usual", words, from, self.first_line);
        part.text(Layer::Face, label.colour(palette.text));

        let slow = self.x_of(baseline.p95_ms);
        let ink = palette.violet_text;
        for half in diamond(Vec2::new(slow, axis), Vec2::splat(9.0 * k)) {
            part.shape(Layer::Face, half.fill(ink));
        }
        // Below the usual time's label, and beside its line.
        let y = self.first_line + LABEL_LINE * k;
        let place = |words: &str| {
            let width = self.width(words);
            let from = bounded(slow - width / 2.0, self.left, self.right - width);
            let crosses = x > from - GAP && x < from + width + GAP;
            let from = if crosses { x + GAP } else { from };
            let is_free = self.top_between(from, from + width) >= y + 4.0 * k;
            (from + width <= self.right && is_free).then_some((from, width))
        };
        let known = ["slowest 5 %", "slow"].into_iter();
        let Some((words, (from, width))) =
            known.filter_map(|words| Some((words, place(words)?))).next()
        else {
            return;
        };
        let label = self.label("spread slow", words.to_owned(), from, y);
        part.text(Layer::Face, label.colour(ink));
        let lead = Rect::new(slow - 1.0, y + 8.0 * k, 2.0, axis - 12.0 * k - y - 8.0 * k);
        if lead.h > 8.0 && (from..from + width).contains(&slow) {
            let (a, b) = (Vec2::new(slow, lead.y), Vec2::new(slow, lead.bottom()));
            part.shape(Layer::Rack, Shape::capsule(a, b, 2.0).fill(ink).dash(3.0, 4.0));
        }
    }

    /// Draws this run's time along the axis. Returns the ends of its label where that stands below the axis.
    fn draw_this(&self, part: &mut Part) -> Option<(f32, f32)> {
        let palette = part.palette;
        let (k, axis) = (self.k, self.axis);
        let this = self.spread.this?;
        let x = self.x_of(this);
        let bar = Rect::new(self.left, axis - 5.0 * k, (x - self.left).max(1.0), 10.0 * k);
        part.shape(
            Layer::Face,
            Shape::rounded_box(bar).radius(4.0 * k).fill(palette.running).unsnapped(),
        );
        let mark = |y: f32| Vec2::new(x, axis + y * k);
        part.shape(
            Layer::Face,
            Shape::capsule(mark(-14.0), mark(14.0), 5.0 * k).fill(palette.running),
        );
        let time = if self.spread.is_running { clock_words(this) } else { duration_words(this) };
        let words = format!("this run, {time}");
        let width = self.width(&words);
        let from = bounded(x - GAP - width, self.left, self.right - width);
        let above = axis - 24.0 * k;
        let label_top = above - 20.0 * k;
        let usual = self.spread.baseline.map(|baseline| self.x_of(baseline.p50_ms));
        let crosses_usual = usual.is_some_and(|x| x > from - GAP && x < from + width + GAP);
        let is_clear = !crosses_usual && self.top_between(from, from + width) >= axis;
        let (from, y) = if is_clear && label_top > self.first_line + LABEL_LINE * k {
            (from, above)
        } else {
            (bounded(x - width / 2.0, self.left, self.right - width), axis + 38.0 * k)
        };
        let label = self.label("spread this", words, from, y);
        part.text(Layer::Face, label.colour(palette.running));
        (y > axis).then_some((from, from + width))
    }

    fn draw_numerals(&self, part: &mut Part, taken: Option<(f32, f32)>) {
        let end_ms = self.spread.end_ms;
        for (index, share) in [0.0_f32, 0.5, 1.0].into_iter().enumerate() {
            let words = clock_words((end_ms as f64 * f64::from(share)) as u64);
            let text_size = size::ESSENTIAL_MIN * self.k;
            let width = measure(Face::Text500, text_size, 0.0, &words);
            let from = self.left + (self.right - self.left - width) * share;
            if taken.is_some_and(|(left, right)| from < right + GAP && from + width > left - GAP) {
                continue;
            }
            let y = self.axis + 34.0 * self.k;
            part.text(
                Layer::Face,
                Text::new(("spread axis", index), words, from, y, Face::Text500, text_size)
                    .colour(part.palette.text_secondary),
            );
        }
    }
}
