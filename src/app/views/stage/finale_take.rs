//! The take of a finished run: bars, sections and verdicts, and the ghost of a usual run below.

use bevy::color::{Color, Mix, Srgba};
use bevy::math::Vec2;

use super::finale_moment::Moment;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::state::finale::FinaleView;
use crate::app::state::status::DisplayStatus;
use crate::app::state::take::{BARS, Take};
use crate::app::theme::Palette;
use crate::app::words::{clock_words, number_words};
use crate::bounded::bounded;
use crate::layout::FinaleLayout;

/// Part of a bar's pitch that the bar fills.
const BAR_PART: f32 = 0.675;
/// Distance from the upper bars to the lower ones.
const LINE_GAP: f32 = 3.0;
const MIRROR_OPACITY: f32 = 0.42;
/// Number of neighbouring bars with one glow.
const GLOW_BARS: usize = 6;
/// Part of the take's width over which bars are growing at one time.
const FRONT: f32 = 0.08;
/// Places of the colours of [`Palette::take`].
const STOPS: [f32; 4] = [0.0, 0.45, 0.8, 1.0];
/// Type size of names and verdicts.
const LABEL: f32 = 24.0;
const GAP: f32 = 10.0;

fn colour_at(palette: &Palette, place: f32) -> Color {
    let after = STOPS.iter().position(|stop| place <= *stop).unwrap_or(3).max(1);
    let (from, to) = (STOPS[after - 1], STOPS[after]);
    let mix = ((place - from) / (to - from)).max(0.0);
    let [from, to] = [palette.take[after - 1], palette.take[after]].map(|colour| colour.to_srgba());
    Srgba::mix(&from, &to, mix).into()
}

/// Draws the take as far as it has grown.
pub(super) fn draw(part: &mut Part, take: &Take, moment: &Moment, at: &FinaleLayout) {
    let palette = part.palette;
    let width = at.right - at.left;
    let pitch = width / BARS as f32;
    let grown = |bar: usize| {
        let place = bar as f32 / BARS as f32;
        bounded((moment.take * (1.0 + FRONT) - place) / FRONT, 0.0, 1.0)
    };
    // A glow needs a dark ground.
    if palette.pool >= 1.0 {
        for (group, bars) in take.bars.chunks(GLOW_BARS).enumerate() {
            let first = group * GLOW_BARS;
            let mean = bars.iter().sum::<f32>() / bars.len().max(1) as f32;
            let height = mean * at.up * grown(first + bars.len() - 1);
            if height < 1.0 {
                continue;
            }
            let place = first as f32 / BARS as f32;
            let area = Rect::new(
                at.left + first as f32 * pitch,
                at.line - height,
                pitch * bars.len() as f32,
                height,
            );
            part.shape(
                Layer::Rack,
                Shape::rounded_box(area)
                    .fill(colour_at(palette, place))
                    .opacity(0.3)
                    .soft(10.0)
                    .unsnapped(),
            );
        }
    }
    for (bar, height) in take.bars.iter().enumerate() {
        let grown = grown(bar);
        if grown <= 0.0 {
            break;
        }
        let ink = colour_at(palette, bar as f32 / BARS as f32);
        let x = at.left + bar as f32 * pitch;
        let (up, down) = (height * at.up * grown, height * at.down * grown);
        let w = pitch * BAR_PART;
        let upper = Rect::new(x, at.line - up, w, up);
        let lower = Rect::new(x, at.line + LINE_GAP, w, down);
        for (rect, opacity) in [(upper, 1.0), (lower, MIRROR_OPACITY)] {
            let shape = Shape::rounded_box(rect).radius(w * 0.44).fill(ink).opacity(opacity);
            part.shape(Layer::Module, shape.unsnapped());
        }
    }
}

/// Draws the line that the take stands on.
pub(super) fn draw_line(part: &mut Part, moment: &Moment, at: &FinaleLayout) {
    let line = Rect::new(at.left, at.line + 0.5, at.right - at.left, 2.0);
    let ink = part.palette.take[2];
    part.shape(Layer::Module, Shape::rounded_box(line).fill(ink).opacity(0.5 * moment.straight));
}

/// A horizontal extent that a text has.
type Extent = (f32, f32);

fn meets((left, right): Extent, others: &[Extent]) -> bool {
    others.iter().any(|(from, to)| left < to + GAP && *from < right + GAP)
}

/// Draws names and borders of sections, and the verdicts.
pub(super) fn draw_sections(part: &mut Part, take: &Take, at: &FinaleLayout) {
    let palette = part.palette;
    let (unit, width) = (at.unit, at.right - at.left);
    let x_of = |place: f32| at.left + width * place;
    let text_size = LABEL * unit;
    let mut taken: Vec<Extent> = Vec::new();
    for (number, verdict) in take.verdicts.iter().enumerate() {
        let radius = 15.0 * unit;
        let x = (x_of(verdict.at) - 21.0 * unit).max(at.left + radius);
        let words = verdict.score.map_or_else(String::new, number_words);
        let text_width = measure(Face::Text700, text_size, 0.0, &words);
        let with_score = (x - 22.0 * unit - text_width, x + radius);
        let alone = (x - radius, x + radius);
        let shows_score = with_score.0 >= at.left && !meets(with_score, &taken);
        if !shows_score && meets(alone, &taken) {
            continue;
        }
        taken.push(if shows_score { with_score } else { alone });
        let (glyph, ink) = if verdict.passed {
            (DisplayStatus::Success, palette.success)
        } else {
            (DisplayStatus::Failed, palette.failed_text)
        };
        let y = at.labels + 6.0 * unit;
        badge(part, Layer::Face, glyph, Vec2::new(x, y), radius, &format!("take verdict {number}"));
        if shows_score {
            part.text(
                Layer::Face,
                Text::new(
                    ("take score", number),
                    words,
                    x - 22.0 * unit,
                    y + 9.0 * unit,
                    Face::Text700,
                    text_size,
                )
                .end()
                .colour(ink),
            );
        }
    }
    let mut last_border = f32::MIN;
    for (number, section) in take.sections.iter().enumerate() {
        let (from, to) = (x_of(section.from), x_of(section.to));
        let left = from + 11.0 * unit;
        let extent = (left, left + measure(Face::Text600, text_size, 0.0, &section.name));
        let has_name = extent.1 <= to && extent.1 <= at.right && !meets(extent, &taken);
        if has_name {
            taken.push(extent);
            part.text(
                Layer::Face,
                Text::new(
                    ("take section", number),
                    section.name.clone(),
                    left,
                    at.labels,
                    Face::Text600,
                    text_size,
                )
                .colour(palette.text),
            );
        }
        if section.from <= 0.0 || from - last_border < 6.0 {
            continue;
        }
        last_border = from;
        let top = at.labels + if has_name { -24.0 } else { 30.0 } * unit;
        let (a, b) = (Vec2::new(from, top), Vec2::new(from, at.line + at.down + 18.0 * unit));
        let line = Shape::capsule(a, b, 1.5).fill(palette.text).opacity(0.28).dash(3.0, 4.0);
        part.shape(Layer::Rack, line);
    }
}

/// Draws a usual run on the same scale of time, as a ghost below the take.
pub(super) fn draw_usual(part: &mut Part, view: &FinaleView, at: &FinaleLayout) {
    let Some(usual_ms) = view.usual_ms else { return };
    let palette = part.palette;
    let (unit, width) = (at.unit, at.right - at.left);
    let share = usual_ms as f64 / view.take.total_ms.max(1) as f64;
    let time = clock_words(usual_ms.saturating_add(500));
    let goes_on = share > 1.0;
    let words = if goes_on {
        format!("a usual run goes on to {time}")
    } else {
        format!("a usual run ends here, {time}")
    };
    let text_size = LABEL * unit;
    let text_width = measure(Face::Text500, text_size, 0.0, &words);
    let end = at.left + width * share.min(1.0) as f32;
    let fits_right = end + 12.0 + text_width <= at.right;
    let (bar_end, text_left) = if fits_right {
        (end, end + 12.0)
    } else {
        let left = if goes_on { at.right - text_width } else { end - 12.0 - text_width };
        (left - 12.0, left)
    };
    let ghost = Rect::new(at.left, at.ghost + 3.0 * unit, (bar_end - at.left).max(1.0), 8.0);
    let ghost = if palette.flat {
        // Outlines are too thick for so low a frame.
        let (a, b) =
            (Vec2::new(ghost.x, ghost.centre_y()), Vec2::new(ghost.right(), ghost.centre_y()));
        Shape::capsule(a, b, 3.0).fill(palette.text_secondary).dash(6.0, 9.0)
    } else {
        let frame = Shape::rounded_box(ghost).radius(4.0).fill(Color::NONE);
        frame.border(1.5, palette.text_secondary).dash(4.0, 3.0)
    };
    part.shape(Layer::Module, ghost);
    if !goes_on {
        let tick = Rect::new(end - 1.25, at.ghost - 7.0 * unit, 2.5, 28.0 * unit);
        part.shape(Layer::Module, Shape::rounded_box(tick).fill(palette.text));
    }
    part.text(
        Layer::Face,
        Text::new("take usual", words, text_left, at.ghost + 16.0 * unit, Face::Text500, text_size)
            .colour(palette.text_secondary),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::theme::Theme;

    #[test]
    fn colours_run_from_the_first_to_the_last() {
        for theme in Theme::ALL {
            let palette = theme.palette();
            let near = |place: f32, expected: Color| {
                let (a, b) = (colour_at(palette, place).to_srgba(), expected.to_srgba());
                let far =
                    (a.red - b.red).abs() + (a.green - b.green).abs() + (a.blue - b.blue).abs();
                assert!(far < 0.02, "{theme:?} at {place}: {a:?} and {b:?}");
            };
            near(0.0, palette.take[0]);
            near(0.45, palette.take[1]);
            near(0.8, palette.take[2]);
            near(1.0, palette.take[3]);
        }
    }
}
