//! Rows of the comparison, whose differences are marked three ways: ground, edge and weight.

use bevy::color::Color;
use bevy_egui::egui::{
    FontId, Rect, Response, RichText, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2,
};

use crate::app::panel::inspector::part::{Side, paint_cell};
use crate::app::panel::style::{self, ink, text};

/// Height of a row, in points.
pub(super) const ROW: f32 = 32.0;

/// Part of white in the ground of a difference.
const GROUND: f32 = 0.10;

/// Width of the edge of a difference, in points.
const EDGE: f32 = 4.0;

/// Shows title and sum of a pane.
pub(super) fn pane_head_ui(ui: &mut Ui, title: &str, sum: &str) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
    response
        .widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, format!("{title}: {sum}")));
    let y = rect.center().y;
    let font = style::semibold(text::SECTION);
    let side = Side::From(rect.left());
    let used = paint_cell(ui, side, (y, width), title, font, palette.text);
    let room = width - used - 12.0;
    let side = Side::To(rect.right());
    paint_cell(ui, side, (y, room), sum, style::body(15.0), palette.text_secondary);
}

/// Allocates a row and paints its ground; `label` is its accessible name.
pub(super) fn row_ui(ui: &mut Ui, is_marked: bool, is_odd: bool, label: &str) -> (Rect, Response) {
    let palette = style::palette(ui.ctx());
    let size = vec2(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, label));
    let white = ink(palette.text);
    if is_marked {
        ui.painter().rect_filled(rect, 4.0, white.gamma_multiply(GROUND));
        let edge = Rect::from_min_size(rect.min, vec2(EDGE, rect.height()));
        ui.painter().rect_filled(edge, 1.0, white);
    } else if is_odd {
        ui.painter().rect_filled(rect, 0.0, white.gamma_multiply(0.03));
    }
    (rect, response)
}

/// Font of a value: bold in a row that is marked.
pub(super) fn value_font(is_marked: bool) -> FontId {
    if is_marked { style::semibold(15.5) } else { style::body(15.5) }
}

/// Paints the heads of columns, each at its place.
pub(super) fn column_heads(ui: &mut Ui, heads: &[(Side, &str)]) {
    let palette = style::palette(ui.ctx());
    let size = vec2(ui.available_width(), 22.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    for (side, words) in heads {
        let side = match side {
            Side::From(x) => Side::From(rect.left() + x),
            Side::To(x) => Side::To(rect.left() + x),
        };
        let font = style::body(text::SMALL);
        let y = rect.center().y;
        paint_cell(ui, side, (y, 120.0), words, font, palette.text_secondary);
    }
}

/// Paints the letter of a side on a light square around `x`.
pub(super) fn paint_letter(ui: &Ui, centre: bevy_egui::egui::Pos2, letter: &str) {
    let palette = style::palette(ui.ctx());
    let square = Rect::from_center_size(centre, vec2(22.0, 22.0));
    ui.painter().rect_filled(square, 5.0, ink(palette.text));
    let galley =
        crate::app::panel::widgets::elided(ui, letter, style::semibold(15.0), palette.bg, 20.0);
    let x = centre.x - galley.size().x / 2.0;
    crate::app::panel::widgets::paint_line(ui, x, centre.y, galley);
}

/// Says how many equal rows are hidden.
pub(super) fn hidden_ui(ui: &mut Ui, hidden: usize) {
    if hidden > 0 {
        let words = match hidden {
            1 => "1 equal row is hidden.".to_owned(),
            hidden => format!("{hidden} equal rows are hidden."),
        };
        let palette = style::palette(ui.ctx());
        let words = RichText::new(words).font(style::body(15.0));
        ui.label(words.color(ink(palette.text_secondary)));
    }
}

/// Paints a difference as a bar from the middle of `area`: less to the left, more to the right and hatched.
pub(super) fn paint_difference(ui: &Ui, area: Rect, part: f32, less: Color, more: Color) {
    let palette = style::palette(ui.ctx());
    let middle = area.center().x;
    let stroke = bevy_egui::egui::Stroke::new(1.5, ink(palette.line_strong));
    ui.painter().vline(middle, area.y_range(), stroke);
    if part == 0.0 {
        return;
    }
    let length = (part.abs().min(1.0) * area.width() / 2.0).max(2.0);
    let (from, to) = if part < 0.0 { (middle - length, middle) } else { (middle, middle + length) };
    let bar = Rect::from_min_max(pos2(from, area.top() + 5.0), pos2(to, area.bottom() - 5.0));
    ui.painter().rect_filled(bar, 2.0, ink(if part < 0.0 { less } else { more }));
    if part > 0.0 {
        let hatch = bevy_egui::egui::Stroke::new(2.0, ink(palette.bg));
        let painter = ui.painter().with_clip_rect(bar.intersect(ui.clip_rect()));
        let mut x = bar.left() - bar.height();
        while x < bar.right() {
            painter.line_segment([pos2(x, bar.bottom()), pos2(x + bar.height(), bar.top())], hatch);
            x += 7.0;
        }
    }
}
