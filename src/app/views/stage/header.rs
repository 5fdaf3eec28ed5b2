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

/// Width kept free for the clock.
const CLOCK_WIDTH: f32 = 190.0;

/// Draws the line above the title, with the product's mark; it ends before the lane and the clock.
pub fn draw_meta(part: &mut Part, meta: &[String], canvas_size: &CanvasSize) {
    let palette = part.palette;
    let y = 74.0;
    draw_mark(part, 56.0, y, 1.0);
    let (lane, _) = stage_lane(canvas_size);
    let end = if lane.holds(lane.x, y) { lane.x } else { canvas_size.right() - CLOCK_WIDTH };
    let product = measure(Face::Text600, size::META, 0.0, "Meterbridge")
        + measure(Face::Text600, size::META, 0.0, "/")
        + 28.0;
    let room = end - 24.0 - 92.0 - product;
    let meta = truncate(Face::Text500, size::META, &meta.join("     "), room).into_owned();
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
    let palette = part.palette;
    let failed = view.failure.is_some();
    let right = layout.canvas_size.right();
    // On a tall screen the header moves down with the rack.
    let down = layout.down;
    let (title_size, title_y) =
        if failed { (size::HERO_FAILED, 168.0 + down) } else { (size::HERO, 180.0 + down) };
    let time_size = title_size * 0.8;
    let time_width = measure(Face::Display700, time_size, -0.018, &view.time);
    let word_width = measure(Face::Text500, size::META, 0.0, view.time_word);
    part.text(
        Layer::Face,
        Text::new("time", view.time.clone(), right + 2.0, title_y, Face::Display700, time_size)
            .end()
            .tracking(-0.018)
            .colour(palette.text),
    );
    let word_x = right - time_width - 18.0;
    // Moves up to make room for the queued time below.
    let word_y = if view.queued.is_empty() { title_y } else { title_y - 34.0 };
    part.text(
        Layer::Face,
        Text::new("time word", view.time_word, word_x, word_y, Face::Text500, size::META)
            .end()
            .colour(palette.text_secondary),
    );

    let queued_width = measure(Face::Text500, size::ESSENTIAL_MIN, 0.0, &view.queued);
    part.text(
        Layer::Face,
        Text::new(
            "queued",
            view.queued.clone(),
            word_x,
            title_y,
            Face::Text500,
            size::ESSENTIAL_MIN,
        )
        .end()
        .colour(palette.text_tertiary),
    );
    let room = word_x - word_width.max(queued_width) - 56.0 - 40.0;
    let title_size = title_size.min(fitting_size(&view.title, title_size, room));
    let title = truncate(Face::Display700, title_size, &view.title, room).into_owned();
    part.text(
        Layer::Face,
        Text::new("title", title, 53.0, title_y, Face::Display700, title_size)
            .tracking(-0.022)
            .colour(palette.text),
    );
    if failed {
        return;
    }

    let y = 246.0 + down;
    let glyph = DisplayStatus::from(view.status);
    badge(part, Layer::Face, glyph, Vec2::new(76.0, y - 13.0), 19.0, "status");
    let mut notes = Vec::new();
    if view.nothing_rendered {
        notes.push("nothing rendered");
    }
    if view.cancel_requested {
        notes.push("cancel requested");
    }
    let width = |face: Face, words: &str| measure(face, size::STATUS_LINE, 0.0, words);
    let notes_width: f32 = notes.iter().map(|note| 22.0 + width(Face::Text500, note)).sum();
    let room = right
        - width(Face::Text500, &view.time_detail)
        - 40.0
        - (112.0 + width(Face::Text600, view.status_word) + 18.0 + notes_width);
    let detail = truncate(Face::Text500, size::STATUS_LINE, &view.status_detail, room);
    let mut line =
        Text::new("status", view.status_word, 112.0, y, Face::Text600, size::STATUS_LINE)
            .colour(if view.status == RunStatus::Pending {
                palette.text_secondary
            } else {
                part.palette.tone(glyph.tone())
            })
            .then(18.0, detail.into_owned())
            .face(Face::Text500)
            .colour(palette.text);
    for note in notes {
        line = line.then(22.0, note).colour(palette.cancelled);
    }
    part.text(Layer::Face, line);
    part.text(
        Layer::Face,
        Text::new(
            "time detail",
            view.time_detail.clone(),
            right,
            y,
            Face::Text500,
            size::STATUS_LINE,
        )
        .end()
        .colour(palette.text_secondary),
    );
}

/// Type size that fits `room`: at least 60 % of `wanted`, below which a title is truncated instead.
fn fitting_size(title: &str, wanted: f32, room: f32) -> f32 {
    let width = measure(Face::Display700, wanted, -0.022, title);
    if width <= room { wanted } else { (wanted * room / width).max(wanted * 0.6) }
}
