//! Module that stands for several steps: their number, and how many are in each status.

use bevy::math::Vec2;

use super::module_parts::{draw_jacks, fitting_name};
use super::stage_layout::StageLayout;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::state::run_view::{Folded, ModuleView};
use crate::app::state::status::{DisplayStatus, Progress};
use crate::app::theme::size;
use crate::app::words::count_words;
use crate::bounded::bounded;
use crate::layout::ModuleBox;

/// Distance of the sheets behind a folded module from one to the next.
const SHEET: f32 = 5.0;
/// Room of the counts, from the module's upper edge at its normal height.
const COUNTS_TOP: f32 = 74.0;
const COUNTS_BOTTOM: f32 = 244.0;
const WIDEST_PITCH: f32 = 44.0;
const LEAST_TEXT: f32 = 18.0;
/// Distance from a glyph to its words.
const INDENT: f32 = 8.0;

/// Draws a module for several steps.
pub(super) fn draw(
    part: &mut Part,
    (module, folded): (&ModuleView, &Folded),
    at: &ModuleBox,
    index: usize,
    layout: &StageLayout,
) {
    let palette = part.palette;
    let rect = at.rect;
    let (tall, wide) = (rect.h / 296.0, at.scale);
    for sheet in [2.0, 1.0] {
        let by = SHEET * sheet;
        let behind = Rect::new(rect.x + by, rect.y - by, rect.w - 2.0 * by, rect.h);
        let body = Shape::rounded_box(behind).radius(12.0).fill(palette.ghost);
        part.shape(Layer::Module, body.border(1.5, palette.line));
    }
    let body = Shape::rounded_box(rect)
        .radius(12.0)
        .fill_vertical(palette.panel_top, palette.panel_bottom)
        .border(1.5, palette.line);
    part.shape(Layer::Module, body);
    let sizes = (size::MODULE_NAME * wide, size::ESSENTIAL_MIN);
    let name_room = rect.w - 16.0 * wide;
    let is_short = measure(Face::Text600, size::ESSENTIAL_MIN, 0.015, &module.name) > name_room;
    let name = if is_short { module.name.trim_end_matches(" more") } else { &module.name };
    let (name, name_size) = fitting_name(name, Face::Text600, sizes, name_room);
    part.text(
        Layer::Face,
        Text::new(
            ("name", index),
            name,
            rect.centre_x(),
            rect.y + 46.0 * tall,
            Face::Text600,
            name_size,
        )
        .middle()
        .colour(palette.text),
    );

    let rows = folded.counts.len().max(1) as f32;
    let room = (COUNTS_BOTTOM - COUNTS_TOP) * tall;
    let pitch = (room / rows).min(WIDEST_PITCH * tall);
    let wanted = bounded(pitch * 0.6, LEAST_TEXT, size::BASELINE_GHOST * wide.max(1.0));
    let long = |(status, count): &(DisplayStatus, usize)| {
        format!("{} {}", count_words(*count as u64), status.words())
    };
    let short = |(_, count): &(DisplayStatus, usize)| count_words(*count as u64);
    let widest = |words: &dyn Fn(&(DisplayStatus, usize)) -> String| {
        let width = |count| measure(Face::Text600, 1.0, 0.0, &words(count));
        // Beside the glyph, which is as wide as the text is high.
        folded.counts.iter().map(width).fold(0.0, f32::max) + 1.0
    };
    let room_w = rect.w - 16.0 - INDENT;
    let fitted = (room_w / widest(&long)).floor().min(wanted);
    // In a narrow module the glyph alone names the status.
    let with_words = fitted >= LEAST_TEXT;
    let words: &dyn Fn(&(DisplayStatus, usize)) -> String = if with_words { &long } else { &short };
    let text_size = if with_words { fitted } else { wanted };
    let radius = text_size * 0.5;
    let indent = 2.0 * radius + INDENT;
    let left = rect.centre_x() - (widest(words) * text_size + INDENT) / 2.0;
    let top = rect.y + COUNTS_TOP * tall + (room - pitch * rows) / 2.0;
    for (row, count) in folded.counts.iter().enumerate() {
        let middle = top + pitch * (row as f32 + 0.5);
        let key = format!("folded {index} {row}");
        badge(part, Layer::Face, count.0, Vec2::new(left + radius, middle), radius, &key);
        let quiet = matches!(count.0.progress(), Progress::Ahead | Progress::PassedOver);
        let ink = match count.0 {
            DisplayStatus::Failed => palette.failed_text,
            _ if quiet => palette.text_tertiary,
            _ => palette.text,
        };
        let baseline = middle + text_size * 0.36;
        part.text(
            Layer::Face,
            Text::new(
                ("folded", index, row),
                words(count),
                left + indent,
                baseline,
                Face::Text600,
                text_size,
            )
            .colour(ink),
        );
    }
    let over = DisplayStatus::from(module.status).progress() == Progress::Over;
    draw_jacks(part, at, if over { palette.success } else { palette.jack_rim }, layout);
}
