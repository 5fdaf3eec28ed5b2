//! Keys as they are shown on buttons and in lists.

use bevy::color::Color;
use bevy_egui::egui::{Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use super::style::{self, ink, text};
use super::widgets::{elided, paint_line};

/// Height of a key, and its least width, in points.
const HEIGHT: f32 = 20.0;
const LEAST_WIDTH: f32 = 19.0;
/// Space beside the words of a key, and between two keys, in points.
const PAD: f32 = 5.0;
const GAP: f32 = 4.0;

/// Paints the keys of a combination, as in "Ctrl E", side by side; the last one ends at `right`. Returns their
/// left edge.
pub(super) fn paint_keys(ui: &Ui, right: f32, y: f32, keys: &str, tone: Color) -> f32 {
    let palette = style::palette(ui.ctx());
    let edge = if tone == palette.text_secondary { palette.line_strong } else { tone };
    let mut left = right + GAP;
    for key in keys.rsplit(' ') {
        let words = elided(ui, key, style::semibold(text::SMALL), tone, f32::INFINITY);
        let width = (words.size().x + 2.0 * PAD).max(LEAST_WIDTH);
        let at = pos2(left - GAP - width, y - HEIGHT / 2.0);
        let cap = Rect::from_min_size(at, vec2(width, HEIGHT));
        ui.painter().rect_stroke(cap, 4.0, Stroke::new(1.0, ink(edge)), StrokeKind::Inside);
        paint_line(ui, cap.center().x - words.size().x / 2.0, y, words);
        left = cap.left();
    }
    left
}

/// Returns the width of what [`paint_keys`] paints, in points.
pub(super) fn keys_width(ui: &Ui, keys: &str) -> f32 {
    let palette = style::palette(ui.ctx());
    let widths = keys.split(' ').map(|key| {
        let words =
            elided(ui, key, style::semibold(text::SMALL), palette.text_secondary, f32::INFINITY);
        (words.size().x + 2.0 * PAD).max(LEAST_WIDTH) + GAP
    });
    widths.sum::<f32>() - GAP
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::harness;

    #[test]
    fn keys_take_the_room_that_is_planned_for_them() {
        harness((), |ui, ()| {
            let tone = style::palette(ui.ctx()).text_secondary;
            for keys in ["E", "Ctrl E", "Home", "↑ ↓"] {
                let left = paint_keys(ui, 300.0, 20.0, keys, tone);
                assert!((300.0 - left - keys_width(ui, keys)).abs() < 0.01, "{keys}");
            }
        });
    }
}
