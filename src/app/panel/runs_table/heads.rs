//! Heads of the columns: a press sorts by the column, a second one turns the order round.

use bevy_egui::egui::epaint::PathShape;
use bevy_egui::egui::{Rect, Shape, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::columns::{Column, Columns, GAP};
use super::focus;
use super::layout::Layout;
use super::order::Sorting;
use super::state::{Ids, RunsTableState};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{self, elided, paint_line};

/// Width of the arrow with its distance from the word.
const ARROW: f32 = 14.0;
/// Distance of the word from the edges of what can be pressed.
const PAD: f32 = 4.0;

/// Shows the heads.
pub(super) fn heads_ui(
    ui: &mut Ui,
    ids: Ids,
    layout: &Layout,
    columns: &Columns,
    state: &mut RunsTableState,
) {
    let palette = style::palette(ui.ctx());
    let band = layout.heads;
    ui.painter().rect_filled(band, 0.0, ink(palette.ghost));
    ui.painter().hline(band.x_range(), band.bottom(), Stroke::new(1.0, ink(palette.hair)));
    let (shown, headless) = (columns.heads(), columns.headless());
    if !shown.contains(&state.head) {
        state.head = if shown.contains(&state.prefs.sort) { state.prefs.sort } else { shown[0] };
    }
    let mut x = band.left() + columns.margin;
    for column in shown {
        let (left, right, is_left) = match columns.place(column) {
            Some(place) if !columns.has_two_lines => {
                (band.left() + place.left, band.left() + place.right, column.is_left())
            }
            _ => {
                let font = style::semibold(text::SMALL);
                let words = elided(ui, column.words(), font, palette.text, f32::INFINITY);
                let arrow = if column == state.prefs.sort { ARROW } else { 0.0 };
                let left = x;
                x += words.size().x + arrow + 2.0 * PAD + 2.0;
                (left, x + GAP - PAD, true)
            }
        };
        let left = match column {
            _ if is_left => left - PAD,
            // The head of the steps leaves room beside it.
            Column::Elapsed => left - ARROW,
            _ => left,
        };
        let right = if is_left { right - GAP + PAD } else { right + PAD };
        let rect = Rect::from_x_y_ranges(left..=right, band.y_range());
        head_ui(ui, ids, rect, (column, is_left), &headless, state);
    }
}

/// Shows the choice of columns to sort by that have no head.
pub(super) fn headless_ui(ui: &mut Ui, headless: &[Column], state: &mut RunsTableState) {
    for column in headless {
        let is_sorted = state.prefs.sort == *column;
        if ui.selectable_label(is_sorted, format!("Sort by {}", column.words())).clicked() {
            state.sort_by(*column);
            ui.close();
        }
    }
}

fn head_ui(
    ui: &mut Ui,
    ids: Ids,
    rect: Rect,
    (column, is_left): (Column, bool),
    headless: &[Column],
    state: &mut RunsTableState,
) {
    let palette = style::palette(ui.ctx());
    let id = ids.head(column);
    let response = ui.interact(rect, id, focus::sense(column == state.head));
    let sorting = Sorting { column: state.prefs.sort, descending: state.prefs.descending };
    let is_sorted = sorting.column == column;
    let words = column.words();
    response.widget_info(|| {
        let label = match (is_sorted, sorting.descending) {
            (false, _) => format!("Sort by {words}"),
            (true, false) => format!("Sort by {words}, sorted upwards"),
            (true, true) => format!("Sort by {words}, sorted downwards"),
        };
        WidgetInfo::selected(WidgetType::Button, true, is_sorted, label)
    });
    let font = if is_sorted { style::semibold(text::SMALL) } else { style::body(text::SMALL) };
    let is_strong = is_sorted || response.hovered();
    let colour = if is_strong { palette.text } else { palette.text_secondary };
    let arrow_width = if is_sorted { ARROW } else { 0.0 };
    let pads = if is_left { 2.0 * PAD } else { PAD };
    let room = rect.width() - pads - arrow_width;
    // The column of the signs is narrower than its word.
    let shown = if room < 24.0 { "" } else { words };
    let galley = elided(ui, shown, font, colour, room);
    let width = galley.size().x;
    let y = rect.center().y;
    let (at, arrow) = match is_left {
        true => {
            let left = rect.left() + PAD;
            (left, left + width + if width > 0.0 { 4.0 } else { 0.0 })
        }
        false => (rect.right() - PAD - width, rect.right() - PAD - width - ARROW),
    };
    paint_line(ui, at, y, galley);
    if is_sorted {
        paint_arrow(ui, arrow, y, sorting.descending);
    }
    widgets::focus_ring(ui, &response, rect);
    if response.has_focus() {
        widgets::keep_arrows(ui, id);
    }
    response.context_menu(|ui| headless_ui(ui, headless, state));
    if response.clicked() {
        state.sort_by(column);
        state.head = column;
    }
}

/// Paints the arrow of the sorted column to the right of `left`.
fn paint_arrow(ui: &Ui, left: f32, y: f32, descending: bool) {
    let palette = style::palette(ui.ctx());
    let flip = if descending { 1.0 } else { -1.0 };
    let base = pos2(left, y - 3.5 * flip);
    let points = vec![base, base + vec2(10.0, 0.0), base + vec2(5.0, 7.0 * flip)];
    let fill = ink(palette.violet_text);
    ui.painter().add(Shape::Path(PathShape::convex_polygon(points, fill, Stroke::NONE)));
}
