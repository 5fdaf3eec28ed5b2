//! The line below the rows: what is pointed at, else the legend, and at its right end a summary.

use bevy::math::Vec2;

use super::pen::{usual_frame, wait_shape};
use super::readout::Readout;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::state::status::DisplayStatus;
use crate::layout::TimeRows;

const WORDS: f32 = 24.0;
/// Distance between the legend, what is told of failures without a row, and the summary.
const BETWEEN: f32 = 44.0;
/// Least room for a summary that is cut.
const LEAST_SUMMARY: f32 = 240.0;

/// Signs of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Filled box of the usual time.
    Usual,
    /// Dashed frame, of the slowest 5 % or of the usual run.
    Frame,
    Wait,
    Fix,
    /// Thin bar beside the critical path.
    Aside,
}

/// Draws the line below the rows.
pub fn draw(
    part: &mut Part,
    rows: &TimeRows,
    readout: Option<&Readout>,
    legend: &[(Sign, &'static str)],
    (summary, untold): (&str, &[String]),
) {
    let palette = part.palette;
    let (k, y) = (rows.scale, rows.foot);
    let size = WORDS * k;
    let end = match readout {
        Some(readout) => {
            let room = rows.right - rows.left;
            let title = truncate(Face::Text600, size, &readout.title, room * 0.5).into_owned();
            let title_width = measure(Face::Text600, size, 0.0, &title);
            let gap = 14.0 * k;
            let words = truncate(Face::Text500, size, &readout.words, room - title_width - gap);
            let end = rows.left + title_width + gap + measure(Face::Text500, size, 0.0, &words);
            part.text(
                Layer::Face,
                Text::new("readout", title, rows.left, y, Face::Text600, size)
                    .colour(palette.violet_text)
                    .then(gap, words.into_owned())
                    .face(Face::Text500)
                    .colour(palette.text),
            );
            end
        }
        None => draw_legend(part, rows, legend),
    };
    let width = measure(Face::Text500, size, 0.0, summary);
    let untold = if readout.is_some() { &[] } else { untold };
    if let Some(y) = rows.second_foot {
        let words = truncate(Face::Text500, size, summary, rows.right - rows.left).into_owned();
        let text = Text::new("summary", words, rows.left, y, Face::Text500, size);
        part.text(Layer::Face, text.colour(palette.text_secondary));
        draw_untold(part, untold, (rows.left + width + BETWEEN * k, rows.right, y), k);
        return;
    }
    let end =
        draw_untold(part, untold, (end + BETWEEN * k, rows.right - width - BETWEEN * k, y), k)
            .unwrap_or(end);
    let room = rows.right - end - 48.0 * k;
    if room >= width.min(LEAST_SUMMARY * k) {
        let words = truncate(Face::Text500, size, summary, room).into_owned();
        let text = Text::new("summary", words, rows.right, y, Face::Text500, size).end();
        part.text(Layer::Face, text.colour(palette.text_secondary));
    }
}

/// Draws the longest of these words about failures without a row that fits between two ends, with the sign of a
/// failure; returns their right end, if any fits.
fn draw_untold(
    part: &mut Part,
    words: &[String],
    (left, right, y): (f32, f32, f32),
    k: f32,
) -> Option<f32> {
    let size = WORDS * k;
    let x = left + 30.0 * k;
    let fits = |words: &&String| x + measure(Face::Text600, size, 0.0, words) <= right;
    let words = words.iter().find(fits)?;
    let centre = Vec2::new(left + 10.0 * k, y - 8.0 * k);
    badge(part, Layer::Face, DisplayStatus::Failed, centre, 10.5 * k, "untold");
    let text = Text::new("untold", words.clone(), x, y, Face::Text600, size);
    part.text(Layer::Face, text.colour(part.palette.failed_text).keep_colour());
    Some(x + measure(Face::Text600, size, 0.0, words))
}

/// Draws the legend from the left; returns its right end.
fn draw_legend(part: &mut Part, rows: &TimeRows, legend: &[(Sign, &'static str)]) -> f32 {
    let palette = part.palette;
    let (k, y) = (rows.scale, rows.foot);
    let size = WORDS * k;
    let mut x = rows.left;
    for (sign, words) in legend {
        let width = measure(Face::Text500, size, 0.0, words);
        if x + 48.0 * k + width > rows.right {
            break;
        }
        let middle = y - 8.0 * k;
        let rect = Rect::new(x, middle - 11.0 * k, 36.0 * k, 22.0 * k);
        match sign {
            Sign::Usual => {
                let fill = if palette.flat { bevy::color::Color::NONE } else { palette.hover };
                let shape = Shape::rounded_box(rect).radius(5.0).fill(fill);
                part.shape(Layer::Module, shape.border(1.5, palette.text_tertiary));
            }
            Sign::Frame => {
                part.shape(Layer::Module, usual_frame(palette, rect));
            }
            Sign::Wait => {
                part.shape(Layer::Module, wait_shape(palette, rect, k));
            }
            Sign::Aside => {
                let rect = Rect::new(x, middle - 5.0 * k, 36.0 * k, 10.0 * k);
                let shape = Shape::rounded_box(rect).radius(4.0).fill(palette.success);
                part.shape(Layer::Module, shape);
            }
            Sign::Fix => {
                let rect = Rect::new(x + 12.0 * k, middle - 15.0 * k, 20.0 * k, 30.0 * k);
                draw_fix(part, rect, "1", ("legend", 0));
            }
        }
        let text = Text::new(("legend", *words), *words, x + 46.0 * k, y, Face::Text500, size);
        part.text(Layer::Face, text.colour(palette.text_secondary));
        x += 46.0 * k + width + 28.0 * k;
    }
    x - 28.0 * k
}

/// Draws the cell of a fix pass: its number, and an edge for the verdict before it.
pub fn draw_fix(part: &mut Part, rect: Rect, number: &str, key: (&str, usize)) {
    let palette = part.palette;
    let edge = (rect.w * 0.25).min(4.5);
    let before = Rect::new(rect.x - edge, rect.y, edge, rect.h);
    part.shape(Layer::Face, Shape::rounded_box(before).fill(palette.failed).keep_colour());
    part.shape(Layer::Face, Shape::rounded_box(rect).radius(4.0).fill(palette.text));
    let size = (rect.h * 0.55).min(24.0 * rect.h / 40.0);
    if measure(Face::Text700, size, 0.0, number) <= rect.w {
        let at = Vec2::new(rect.centre_x(), rect.centre_y() + size * 0.36);
        let text = Text::new(
            ("fix", key.0.to_owned(), key.1),
            number.to_owned(),
            at.x,
            at.y,
            Face::Text700,
            size,
        );
        part.text(Layer::Face, text.middle().colour(palette.bg));
    }
}
