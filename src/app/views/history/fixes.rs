//! Draws the fixes that songs needed, with a mark for the period before.

use bevy::math::Vec2;

use super::fixes_view::FixesView;
use super::pen::{Align, Pen};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Layer, Rect, Shape, Texture};
use crate::app::state::status::DisplayStatus;

/// Distances of the first row from the panel's upper edge, and of the last one from its lower edge.
const FIRST: f32 = 106.8;
const LAST: f32 = 107.8;
/// Left end of the bars, and room of the shares behind them.
const BARS: f32 = 144.0;
const SHARE: f32 = 112.0;
/// Height of a bar.
const HEIGHT: f32 = 30.0;
/// Least distance of two rows that leaves room for the note below them.
const LEAST_PITCH: f32 = 38.0;

/// Draws the panel.
pub fn draw(pen: &mut Pen, rect: Rect, view: &FixesView) {
    let (k, palette) = (pen.k, pen.part.palette);
    pen.panel(rect, "fixes", "fixes a song needed", "");
    if view.rows.is_empty() {
        pen.note(rect, "fixes", "no song was judged");
        return;
    }
    let gaps = view.rows.len().saturating_sub(1).max(1) as f32;
    let with_note = (rect.h - (FIRST + LAST) * k) / gaps;
    let has_note = with_note >= LEAST_PITCH * k;
    let pitch = match has_note {
        true => with_note,
        false => ((rect.h - (88.0 + 22.0) * k) / gaps).max(1.0),
    };
    let first = rect.y + if has_note { FIRST } else { 88.0 } * k;
    let left = rect.x + BARS * k;
    let room = (rect.right() - (24.0 + SHARE) * k - left).max(1.0);
    let shares = view.rows.iter().flat_map(|row| [row.share, row.before.unwrap_or(0.0)]);
    let most = shares.fold(0.0, f64::max).max(0.01);
    let width = |share: f64| (share / most) as f32 * room;
    let height = (HEIGHT * k).min(pitch * 0.7);
    for (place, row) in view.rows.iter().enumerate() {
        let y = first + place as f32 * pitch;
        let middle = y - 9.0 * k;
        let mut x = rect.x + 24.0 * k;
        if row.is_failed {
            let radius = (14.0 * k).min(pitch * 0.4);
            let centre = Vec2::new(x + radius, middle);
            badge(pen.part, Layer::Face, DisplayStatus::Failed, centre, radius, "fixes failed");
            x += 2.0 * radius + 8.0 * k;
        }
        let style = pen.strong(26.0, Align::Left);
        pen.put(("fix", place), row.name, (x, y), style, left - x - 6.0 * k);
        let bar = Rect::new(left, middle - height / 2.0, width(row.share).max(4.0 * k), height);
        let shape = Shape::rounded_box(bar).radius((4.0 * k).min(bar.w / 2.0));
        let shape = match row.is_failed {
            true => shape
                .fill(palette.failed)
                .texture(Texture::Hatch { period: 7.0 * k, width: 3.0 * k }, palette.failed_hatch)
                .keep_colour(),
            false => shape.fill(palette.success),
        };
        if row.share > 0.0 {
            pen.part.shape(Layer::Module, shape);
        }
        if let Some(before) = row.before {
            let x = left + width(before);
            let over = (6.0 * k).min((pitch - height) * 0.4);
            let mark = Rect::new(x - 1.5 * k, bar.y - over, 3.0 * k, bar.h + 2.0 * over);
            pen.part.shape(Layer::Face, Shape::rounded_box(mark).fill(palette.text));
        }
        let style = pen.strong(28.0, Align::Right);
        let at = (rect.right() - 24.0 * k, y + 1.0 * k);
        pen.put(("fix share", place), &row.words, at, style, (SHARE - 12.0) * k);
    }
    if !has_note {
        return;
    }
    let (x, right) = (rect.x + 24.0 * k, rect.right() - 24.0 * k);
    pen.rule((x, rect.bottom() - 84.0 * k), (right, rect.bottom() - 84.0 * k), palette.hair);
    if !view.before.is_empty() {
        let mark = Rect::new(x + 4.0 * k, rect.bottom() - 64.0 * k, 3.0 * k, 22.0 * k);
        pen.part.shape(Layer::Face, Shape::rounded_box(mark).fill(palette.text));
        let style = pen.quiet(22.0, Align::Left);
        let at = (x + 20.0 * k, rect.bottom() - 46.0 * k);
        pen.put(("fix before", 0), &view.before, at, style, right - x - 20.0 * k);
    }
    let style = pen.strong(24.0, Align::Left);
    let at = (x, rect.bottom() - 16.0 * k);
    pen.put(("fix sentence", 0), &view.sentence, at, style, right - x);
}
