//! Health of the connection, and its diagnostics to copy.

use bevy::color::Color;
use bevy_egui::egui::{Align, Label, Layout, RichText, Sense, Ui, WidgetInfo, WidgetType, vec2};

use super::diagnostics;
use super::numbers::{Row, UNKNOWN, rows};
use super::view::ConnectionView;
use crate::app::panel::connection_log::fold_ui;
use crate::app::panel::style::{self, ink, space};
use crate::app::panel::widgets::{copy_words_ui, elided, paint_line, paint_line_to};

/// Height of a row in points.
const ROW: f32 = 21.0;
/// Size of type in points.
const TYPE: f32 = 15.0;

/// State of this part.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HealthState {
    pub is_open: bool,
}

/// Shows a line with the losses, or with the rate where there are none, which unfolds into all numbers; at
/// its end the button that copies them for a ticket.
pub(super) fn health_ui(ui: &mut Ui, view: &ConnectionView, state: &mut HealthState) {
    let palette = style::palette(ui.ctx());
    let rows = rows(view);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 24.0;
        fold_ui(ui, "Health", &mut state.is_open);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            copy_words_ui(ui, "copy diagnostics", "Copy diagnostics", || diagnostics::text(view));
            let (words, is_loss) = summary(&rows);
            let tone = if is_loss { palette.failed_text } else { palette.text_secondary };
            let words = RichText::new(words).size(TYPE).color(ink(tone));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(words).truncate());
            });
        });
    });
    if !state.is_open {
        return;
    }
    let width = (ui.available_width() - 2.0 * space::GAP) / 2.0;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(2.0 * space::GAP, 0.0);
        for pair in rows.chunks(2) {
            ui.horizontal(|ui| {
                for row in pair {
                    let tone = if row.is_loss { palette.failed_text } else { palette.text };
                    row_ui(ui, row, width, tone);
                }
            });
        }
    });
}

/// Returns the losses in words, and true; without a loss the rate, the latency if it is known, and false.
fn summary(rows: &[Row]) -> (String, bool) {
    let losses = rows.iter().filter(|row| row.is_loss);
    let losses: Vec<String> = losses.map(|row| format!("{} {}", row.value, row.name)).collect();
    if !losses.is_empty() {
        return (losses.join(", "), true);
    }
    let value = |name| rows.iter().find(|row| row.name == name).map(|row| row.value.as_str());
    let latency = value("latency").filter(|value| *value != UNKNOWN);
    let latency = latency.map_or(String::new(), |latency| format!(", latency {latency}"));
    (format!("{} events/s{latency}", value("events/s").unwrap_or_default()), false)
}

fn row_ui(ui: &mut Ui, row: &Row, width: f32, tone: Color) {
    let palette = style::palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::hover());
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Label, true, format!("{} {}", row.name, row.value))
    });
    let value = elided(ui, &row.value, style::mono(TYPE), tone, width * 0.6);
    let name = elided(ui, row.name, style::body(TYPE), palette.text_secondary, width * 0.6);
    paint_line(ui, rect.left(), rect.center().y, name);
    paint_line_to(ui, rect.right(), rect.center().y, value);
    response.on_hover_text(row.why);
}
