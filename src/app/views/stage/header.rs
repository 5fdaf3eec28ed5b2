//! Header of the stage: title, status and elapsed time of the run.

use bevy::math::Vec2;

use super::stage_layout::StageLayout;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Text, measure, truncate};
use crate::app::state::run_view::StageView;
use crate::app::state::status::DisplayStatus;
use crate::app::theme::size;
use crate::app::views::chrome::draw_mark;
use crate::layout::{CanvasSize, stage_lane};
use crate::model::RunStatus;

/// Gap between two parts of the line above the title.
const META_GAP: &str = "     ";

/// Greatest part of the width that the number beside the title takes.
const MOST_OF_A_NUMBER: f32 = 0.3;

/// Draws the line above the title, with the product's mark; it ends before the lane and the clock. Of `meta`
/// the last parts are left out where there is no room.
pub fn draw_meta(part: &mut Part, meta: &[String], canvas_size: &CanvasSize) {
    let palette = part.palette;
    let y = 74.0;
    draw_mark(part, 56.0, y, 1.0);
    let (lane, _) = stage_lane(canvas_size);
    let end =
        if lane.holds(lane.x, y) { lane.x } else { canvas_size.right() - CanvasSize::CLOCK_WIDTH };
    let product = measure(Face::Text600, size::META, 0.0, "Meterbridge")
        + measure(Face::Text600, size::META, 0.0, "/")
        + 28.0;
    let room = end - 24.0 - 92.0 - product;
    let joined = |parts: usize| meta[..parts].join(META_GAP);
    let fits = |parts: &usize| measure(Face::Text500, size::META, 0.0, &joined(*parts)) <= room;
    let parts = (1..=meta.len()).rev().find(fits).unwrap_or(meta.len().min(1));
    let meta = truncate(Face::Text500, size::META, &joined(parts), room).into_owned();
    part.text(
        Layer::Face,
        Text::new("product", "Meterbridge", 92.0, y, Face::Text600, size::META)
            .colour(palette.text_secondary)
            .then(14.0, "/")
            .colour(palette.text_decorative)
            .then(14.0, meta)
            .face(Face::Text500)
            .colour(palette.text_secondary),
    );
}

/// Draws title, status line and times of a run.
pub fn draw_run(part: &mut Part, view: &StageView, layout: &StageLayout) {
    let failed = view.failure.is_some();
    let notes = [view.time_word, &view.queued];
    draw_title(part, (&view.title, failed), (&view.time, notes), layout);
    if failed {
        return;
    }
    let mut notes = Vec::new();
    if view.nothing_rendered {
        notes.push("nothing rendered");
    }
    if view.cancel_requested {
        notes.push("cancel requested");
    }
    let words = (view.status, view.status_word, view.status_detail.as_str());
    draw_status(part, words, &notes, &view.time_detail, layout);
}

/// Baselines of title and status on this screen; they stand on the rack.
fn baselines(failed: bool, layout: &StageLayout) -> (f32, f32) {
    let (top, unit) = (layout.rack_top(), layout.unit);
    let title = if failed { top - 144.0 } else { top - 122.0 * unit };
    (title, top - 62.0 * unit)
}

/// Baseline of the status line.
pub(super) fn status_baseline(layout: &StageLayout) -> f32 {
    baselines(false, layout).1
}

/// Draws the title, and at the right end a number with two notes before it, one below the other.
pub(super) fn draw_title(
    part: &mut Part,
    (title, failed): (&str, bool),
    (number, notes): (&str, [&str; 2]),
    layout: &StageLayout,
) {
    let palette = part.palette;
    let (right, unit) = (layout.canvas_size.right(), layout.unit);
    let (y, _) = baselines(failed, layout);
    let hero = if failed { size::HERO_FAILED } else { size::HERO } * unit;
    // A count of days is long.
    let longest = (layout.canvas_size.width - 2.0 * CanvasSize::MARGIN) * MOST_OF_A_NUMBER;
    // Above the failure bar it stands close to the clock.
    let number_size = fitting_size(number, if failed { hero * 0.86 } else { hero }, longest);
    let number_width = measure(Face::Display700, number_size, -0.018, number);
    part.text(
        Layer::Face,
        Text::new("time", number.to_owned(), right + 2.0, y, Face::Display700, number_size)
            .end()
            .tracking(-0.018)
            .colour(palette.text),
    );
    let [word, below] = notes;
    let note_x = right - number_width - 24.0;
    let sizes = (28.0 * unit, size::META * unit);
    let word_y = if below.is_empty() { y - 10.0 * unit } else { y - 46.0 * unit };
    part.text(
        Layer::Face,
        Text::new("time word", word.to_owned(), note_x, word_y, Face::Text600, sizes.0)
            .end()
            .colour(palette.text),
    );
    part.text(
        Layer::Face,
        Text::new("queued", below.to_owned(), note_x, y - 10.0 * unit, Face::Text500, sizes.1)
            .end()
            .colour(palette.text_secondary),
    );
    let widest =
        measure(Face::Text600, sizes.0, 0.0, word).max(measure(Face::Text500, sizes.1, 0.0, below));
    let room = note_x - widest - 56.0 - 40.0;
    let title_size = fitting_size(title, hero, room);
    let title = truncate(Face::Display700, title_size, title, room).into_owned();
    part.text(
        Layer::Face,
        Text::new("title", title, 53.0, y, Face::Display700, title_size)
            .tracking(-0.022)
            .colour(palette.text),
    );
}

/// Draws the status line, and a detail at its right end. Returns the left and right end of what is free
/// between them, and its baseline.
pub(super) fn draw_status(
    part: &mut Part,
    (status, word, detail): (RunStatus, &'static str, &str),
    notes: &[&'static str],
    at_right: &str,
    layout: &StageLayout,
) -> (f32, f32, f32) {
    let palette = part.palette;
    let (right, unit) = (layout.canvas_size.right(), layout.unit);
    let line_size = size::STATUS_LINE * unit;
    let (_, y) = baselines(false, layout);
    let glyph = DisplayStatus::from(status);
    badge(
        part,
        Layer::Face,
        glyph,
        Vec2::new(76.0, y - 14.0 * unit),
        20.0 * unit.min(1.2),
        "status",
    );
    let left = 76.0 + 36.0 * unit;
    let gap = 18.0 * unit;
    let width = |face: Face, words: &str| measure(face, line_size, 0.0, words);
    let notes_width: f32 = notes.iter().map(|note| 22.0 + width(Face::Text500, note)).sum();
    let right_width = width(Face::Text500, at_right);
    let word_end = left + width(Face::Text700, word);
    let room = right - right_width - 40.0 - (word_end + gap + notes_width);
    let detail = truncate(Face::Text500, line_size, detail, room).into_owned();
    let end = word_end + gap + notes_width + width(Face::Text500, &detail);
    let mut line = Text::new("status", word, left, y, Face::Text700, line_size)
        .colour(if status == RunStatus::Pending {
            palette.text_secondary
        } else {
            palette.tone(glyph.tone())
        })
        .then(gap, detail)
        .face(Face::Text500)
        .colour(palette.text);
    for note in notes {
        line = line.then(22.0, *note).colour(palette.cancelled);
    }
    part.text(Layer::Face, line);
    part.text(
        Layer::Face,
        Text::new("time detail", at_right.to_owned(), right, y, Face::Text500, line_size)
            .end()
            .colour(if status.is_over() { palette.text_secondary } else { palette.text }),
    );
    (end, right - right_width, y)
}

/// Type size that fits `room`: at least 60 % of `wanted`, below which a title is truncated instead.
fn fitting_size(title: &str, wanted: f32, room: f32) -> f32 {
    let width = measure(Face::Display700, wanted, -0.022, title);
    if width <= room { wanted } else { (wanted * room / width).max(wanted * 0.6) }
}
