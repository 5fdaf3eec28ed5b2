//! Log of the connection: attempts, connections, disconnections, errors.

use std::collections::VecDeque;

use bevy_egui::egui::{
    Align, Label, Layout, RichText, ScrollArea, Sense, Ui, WidgetInfo, WidgetType, vec2,
};
use jiff::tz::TimeZone;

use super::glyph::paint_fold;
use super::style::{self, ink, space, text};
use super::widgets::{self, copy_ui, elided, paint_line};
use crate::app::words::time_words;
use crate::source::{ConnectionEvent, ConnectionLogEntry};
use crate::text::capitalised;

/// Shows a line that unfolds into the log.
pub(super) fn connection_log_ui(
    ui: &mut Ui,
    log: &VecDeque<ConnectionLogEntry>,
    zone: &TimeZone,
    open: &mut bool,
) {
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 24.0;
        fold_ui(ui, &format!("Connection log ({})", log.len()), open);
        if *open && !log.is_empty() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                copy_ui(ui, "Copy the connection log", || {
                    let line = |entry: &ConnectionLogEntry| {
                        format!("{} {} {}\n", entry.at, entry.url, log_words(&entry.event))
                    };
                    log.iter().map(line).collect()
                });
            });
        }
    });
    if !*open {
        return;
    }
    style::well_frame(style::palette(ui.ctx())).show(ui, |ui| {
        if log.is_empty() {
            ui.weak("No entries yet.");
            ui.take_available_width();
            return;
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical()
            .id_salt("connection log")
            .max_height(5.0 * space::LINE)
            .auto_shrink([false, true])
            .stick_to_bottom(true)
            .show_rows(ui, space::LINE, log.len(), |ui, rows| {
                for entry in log.range(rows) {
                    log_row_ui(ui, entry, zone);
                }
            });
    });
}

/// Shows a small title that folds a part of the section on a click. A number in parentheses is not part of
/// its accessible name.
pub(super) fn fold_ui(ui: &mut Ui, title: &str, open: &mut bool) {
    let palette = style::palette(ui.ctx());
    let words = elided(ui, title, style::body(15.0), palette.text_secondary, 180.0);
    let size = vec2(words.size().x + 24.0, 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let shown = *open;
    let name = title.split(" (").next().unwrap_or(title);
    response.widget_info(|| WidgetInfo::selected(WidgetType::CollapsingHeader, true, shown, name));
    paint_fold(ui.painter(), rect.left_center() + vec2(6.0, 0.0), shown);
    paint_line(ui, rect.left() + 20.0, rect.center().y, words);
    widgets::focus_ring(ui, &response, rect);
    if response.clicked() {
        *open = !*open;
    }
}

/// Words of an entry: what happened, and why.
pub(super) fn log_words(event: &ConnectionEvent) -> String {
    match event {
        ConnectionEvent::Connecting => "Connecting".to_owned(),
        ConnectionEvent::Connected => "Connected".to_owned(),
        ConnectionEvent::Disconnected { code: Some(code), reason } if !reason.is_empty() => {
            format!("Disconnected ({code}): {reason}")
        }
        ConnectionEvent::Disconnected { code: Some(code), .. } => format!("Disconnected ({code})"),
        ConnectionEvent::Disconnected { code: None, reason } if reason.is_empty() => {
            "Disconnected".to_owned()
        }
        ConnectionEvent::Disconnected { code: None, reason } => format!("Disconnected: {reason}"),
        ConnectionEvent::Error { message } => format!("Error: {message}"),
        ConnectionEvent::Note { message } => capitalised(message),
    }
}

fn log_row_ui(ui: &mut Ui, entry: &ConnectionLogEntry, zone: &TimeZone) {
    let palette = style::palette(ui.ctx());
    let tone = match entry.event {
        ConnectionEvent::Connected => palette.success,
        ConnectionEvent::Connecting | ConnectionEvent::Note { .. } => palette.text_secondary,
        ConnectionEvent::Disconnected { .. } => palette.cancelled,
        ConnectionEvent::Error { .. } => palette.failed_text,
    };
    let words = log_words(&entry.event);
    ui.horizontal(|ui| {
        ui.set_height(space::LINE);
        let time = RichText::new(time_words(entry.at, zone)).font(style::mono(text::SMALL));
        ui.label(time.color(ink(palette.text_tertiary)));
        let line = RichText::new(&words).font(style::mono(text::SMALL)).color(ink(tone));
        ui.add(Label::new(line).truncate()).on_hover_text(format!("{}\n{words}", entry.url));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disconnection_shows_code_and_reason() {
        let check = |code, reason: &str, expected: &str| {
            let event = ConnectionEvent::Disconnected { code, reason: reason.to_owned() };
            assert_eq!(log_words(&event), expected);
        };
        check(Some(1006), "closed by server", "Disconnected (1006): closed by server");
        check(Some(1000), "", "Disconnected (1000)");
        check(None, "timed out", "Disconnected: timed out");
        check(None, "", "Disconnected");
    }
}
