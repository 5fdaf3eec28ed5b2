//! A small tile: title, step, status, and the chain as a line of cells.

use bevy::math::Vec2;

use super::chain;
use super::fit::{Fitted, fit, line_for};
use super::tile::{TileLayout, desaturated_if, draw_body, draw_reason, draw_selection, draw_title};
use super::tile_view::{Look, TileView};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Text, measure};
use crate::app::theme::size;

const PAD: f32 = 16.0;
const BADGE: f32 = 13.0;

/// Draws a small tile.
pub fn draw(part: &mut Part, view: &TileView, at: &TileLayout) {
    draw_body(part, view.look, at);
    draw_selection(part, at);
    desaturated_if(view.look == Look::Silent, part, |part| draw_content(part, view, at));
    draw_last_line(part, view, at);
}

fn cells(at: &TileLayout) -> Rect {
    let rect = at.rect;
    Rect::new(rect.x + PAD, rect.bottom() - 24.0, rect.w - 2.0 * PAD, 12.0)
}

fn title(view: &TileView, at: &TileLayout) -> Fitted {
    let room = at.rect.w - 2.0 * PAD;
    let several = [(size::NAME_MIN, 1), (size::NAME_MIN, 2), (24.0, 2), (22.0, 3)];
    // A failure also has to fit its reason.
    let few = [(size::NAME_MIN, 1), (24.0, 1), (22.0, 1), (22.0, 2)];
    let steps = if view.failure.is_some() { &few } else { &several };
    fit(Face::Text700, steps, (room, room), &view.title)
}

/// Baseline of the line with the status.
fn status_line(view: &TileView, at: &TileLayout) -> f32 {
    match view.failure {
        // The reason stands below the status line.
        Some(_) if title(view, at).lines.len() > 1 => at.rect.y + at.rect.h * 0.57,
        Some(_) => at.rect.y + at.rect.h * 0.44,
        None => cells(at).y - 14.0,
    }
}

fn draw_content(part: &mut Part, view: &TileView, at: &TileLayout) {
    let palette = part.palette;
    let rect = at.rect;
    let (left, right) = (rect.x + PAD, rect.right() - PAD);
    let title = title(view, at);
    // Just below the middle between the upper edge and the status line.
    let foot = status_line(view, at) - 24.0;
    let block = title.depth() + title.size * 0.74;
    let top = rect.y + ((foot - rect.y - block) * 0.55).max(8.0);
    let ink = if view.look == Look::Queued { palette.text_secondary } else { palette.text };
    draw_title(part, &title, left, top + title.size * 0.74, ink);
    match &view.failure {
        Some(failure) => {
            let top = status_line(view, at) + 8.0;
            let foot = rect.bottom() - 8.0;
            draw_reason(part, &failure.reason, (left, right), (top, foot), 0.85);
        }
        None => chain::draw_cells(part, view, cells(at)),
    }
}

/// Draws the status line: glyph and step, or the time without news.
fn draw_last_line(part: &mut Part, view: &TileView, at: &TileLayout) {
    let palette = part.palette;
    let rect = at.rect;
    let (left, right) = (rect.x + PAD, rect.right() - PAD);
    let baseline = status_line(view, at);
    let glyph = chain::glyph(view.look);
    badge(part, Layer::Face, glyph, Vec2::new(left + BADGE, baseline - 9.0), BADGE, "status");
    let (words, ink) = match view.look {
        Look::Silent => (format!("no news, {}", view.other_time.1), palette.text),
        Look::Queued => (view.place.clone(), palette.text_secondary),
        _ => (view.place.clone(), part.palette.tone(glyph.tone())),
    };
    let x = left + 2.0 * BADGE + 10.0;
    let (words, words_size) = line_for(Face::Text600, (26.0, 20.0), &words, right - x);
    let end = x + measure(Face::Text600, words_size, 0.0, &words);
    part.text(
        Layer::Face,
        Text::new("place", words, x, baseline, Face::Text600, words_size).colour(ink),
    );
    // A wide tile also shows its note or its second time.
    let other = match view.look {
        Look::Running if !view.note.is_empty() => view.note.clone(),
        Look::Running => view.other_words.clone(),
        Look::Queued | Look::Silent => String::new(),
        _ => view.other_time.1.clone(),
    };
    if end + 20.0 + measure(Face::Text500, 24.0, 0.0, &other) <= right {
        part.text(
            Layer::Face,
            Text::new("other time", other, right, baseline, Face::Text500, 24.0)
                .end()
                .colour(palette.text_secondary),
        );
    }
}
