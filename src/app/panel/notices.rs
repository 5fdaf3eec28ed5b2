//! Section of the panel with the kept notices.

use bevy_egui::egui::{RichText, ScrollArea, Sense, Ui, WidgetInfo, WidgetType, vec2};
use jiff::tz::TimeZone;

use super::glyph::Sign;
use super::style::{self, ink, text};
use super::widgets::{self, elided, paint_line, section_ui};
use crate::app::overlays::notices::{Notice, Notices};
use crate::app::state::actions::Action;
use crate::app::words::{count_words, time_words};

/// Height of a notice: two lines.
const ROW: f32 = 44.0;
const ROWS: f32 = 5.0;

/// Shows the notices, newest first, and marks them as read. Returns the requested actions.
pub(super) fn notices_ui(
    ui: &mut Ui,
    notices: &mut Notices,
    zone: &TimeZone,
    open: &mut bool,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let unread = notices.unread();
    section_ui(ui, open, "Notices", |ui| {
        ui.weak(count_words(notices.newest_first().len() as u64));
        if unread > 0 {
            let palette = style::palette(ui.ctx());
            let words = RichText::new(unread_words(unread)).color(ink(palette.violet_text));
            if !words.is_empty() {
                ui.label(words);
            }
        }
    });
    if !*open {
        return actions;
    }
    actions.extend(list_ui(ui, notices, zone));
    actions
}

/// Shows the list of notices, newest first, and marks them as read. Returns the requested actions.
pub(super) fn list_ui(ui: &mut Ui, notices: &mut Notices, zone: &TimeZone) -> Vec<Action> {
    let mut actions = Vec::new();
    if notices.unread() > 0 {
        notices.read();
    }
    let count = notices.newest_first().len();
    if count == 0 {
        ui.weak("No notices yet.");
        return actions;
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical()
            .id_salt("notices")
            .max_height(ROWS * ROW)
            // Without a minimum the area takes what the panel has left, which may be one line.
            .min_scrolled_height(ROWS * ROW)
            .auto_shrink([false, true])
            .show_rows(ui, ROW, count, |ui, rows| {
                let shown = notices.newest_first().enumerate().skip(rows.start).take(rows.len());
                for (row, notice) in shown {
                    if notice_ui(ui, notice, row, zone)
                        && let Some(run) = &notice.run
                    {
                        actions.push(Action::SelectRun(run.clone()));
                    }
                }
            });
    });
    actions
}

/// Words on the number of unread notices: "3 new".
pub(super) fn unread_words(unread: usize) -> String {
    format!("{} new", count_words(unread as u64))
}

/// Shows one notice; returns true when it was clicked.
fn notice_ui(ui: &mut Ui, notice: &Notice, row: usize, zone: &TimeZone) -> bool {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let id = ui.id().with(("notice", row));
    let sense = if notice.run.is_some() { Sense::click() } else { Sense::hover() };
    let response = ui.interact(rect, id, sense);
    let (head, words, time) = (notice.head(), notice.detail(), time_words(notice.at, zone));
    response.widget_info(|| {
        let mark = if words.is_empty() { "" } else { ": " };
        let label = format!("{time} {head}{mark}{words}");
        WidgetInfo::labeled(WidgetType::Button, notice.run.is_some(), label)
    });
    let back = rect.shrink2(vec2(0.0, 1.0));
    if response.hovered() && notice.run.is_some() {
        ui.painter().rect_filled(back, 5.0, ink(palette.hover));
    } else if row % 2 == 1 {
        ui.painter().rect_filled(back, 5.0, ink(palette.card));
    }
    widgets::focus_ring(ui, &response, back);
    let sign = if notice.news.is_bad() { Sign::FAILED } else { Sign::SUCCESS };
    let (upper, lower) = (rect.top() + 13.0, rect.top() + 32.0);
    sign.paint(ui.painter(), rect.left_top() + vec2(16.0, 13.0), 8.0);
    let time = elided(ui, &time, style::mono(text::SMALL), palette.text_secondary, 90.0);
    let time_width = time.size().x;
    widgets::paint_line_to(ui, rect.right() - 8.0, upper, time);
    let tone = if notice.news.is_bad() { palette.failed_text } else { palette.text };
    let room = rect.width() - 34.0 - time_width - 20.0;
    paint_line(ui, rect.left() + 34.0, upper, elided(ui, &head, style::semibold(15.0), tone, room));
    let room = rect.width() - 42.0;
    let line = elided(ui, &words, style::body(text::SMALL), palette.text, room);
    paint_line(ui, rect.left() + 34.0, lower, line);
    let clicked = response.clicked();
    response.on_hover_ui(|ui| {
        ui.label(RichText::new(head).font(style::semibold(text::BODY)));
        if !words.is_empty() {
            ui.label(words);
        }
        if let Some(run) = &notice.run {
            ui.label(RichText::new(run.as_str()).monospace());
        }
    });
    clicked
}
