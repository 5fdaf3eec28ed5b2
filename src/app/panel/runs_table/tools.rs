//! Title of the table with its numbers, the search field, and the buttons beside it.

use bevy_egui::egui::containers::menu::{MenuButton, MenuConfig};
use bevy_egui::egui::{
    Align, Align2, Button, Event, EventFilter, Frame, Margin, Popup, PopupCloseBehavior, Rect,
    RichText, Sense, Stroke, StrokeKind, TextEdit, Ui, UiBuilder, WidgetInfo, WidgetType, pos2,
    vec2,
};

use super::columns::{Column, Columns};
use super::heads::headless_ui;
use super::layout::Layout;
use super::order::Waiting;
use super::state::{Ids, RunsTableState, RunsTableView};
use crate::app::panel::key_caps::paint_keys;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{self, close_ui, elided, paint_line, paint_line_to};
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::words::count_words;
use crate::export::TableForm;
use crate::model::RunStatus;

/// Room of the magnifier in the search field, and of the button that clears it.
const MAGNIFIER: f32 = 32.0;
const CLEAR: f32 = 30.0;
/// Fields that the search covers, and the width of the search field from which on they are named.
const COVERED: &str = "song, id, seed, step, error";
const WITH_COVERED: f32 = 330.0;
/// Room of the chip of new runs beside a title that has a line of its own.
const CHIP_BESIDE: f32 = 136.0;

/// Shows the search field.
pub(super) fn search_field_ui(ui: &mut Ui, ids: Ids, layout: &Layout, state: &mut RunsTableState) {
    let palette = style::palette(ui.ctx());
    let rect = layout.search;
    let id = ids.search();
    // After the field was shown, so that it does not get the letter that asked for it.
    let wants_search = std::mem::take(&mut state.wants_search);
    let has_focus = ui.memory(|memory| memory.has_focus(id));
    let (width, colour) =
        if has_focus { (2.0, palette.violet_text) } else { (1.0, palette.line_strong) };
    ui.painter().rect(
        rect,
        6.0,
        ink(palette.well),
        Stroke::new(width, ink(colour)),
        StrokeKind::Inside,
    );
    paint_magnifier(ui, rect);
    let is_empty = state.search.is_empty();
    let has_covered = rect.width() >= WITH_COVERED;
    let font = style::body(text::SMALL);
    let mut right = rect.right() - if is_empty { 10.0 } else { CLEAR };
    if has_covered {
        let galley = elided(ui, COVERED, font.clone(), palette.text_tertiary, 200.0);
        let covered = galley.size().x;
        paint_line_to(ui, right, rect.center().y, galley);
        right -= covered + 8.0;
    }
    let inner =
        Rect::from_min_max(pos2(rect.left() + MAGNIFIER, rect.top()), pos2(right, rect.bottom()));
    let hint = RichText::new("Search runs").color(ink(palette.text_tertiary));
    let keys = EventFilter {
        escape: true,
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    };
    let field = TextEdit::singleline(&mut state.search)
        .id(id)
        .hint_text(hint)
        .font(style::body(text::BODY))
        .frame(Frame::NONE)
        .margin(Margin::ZERO)
        .vertical_align(Align::Center)
        .desired_width(inner.width())
        .min_size(inner.size())
        .event_filter(keys);
    let builder = UiBuilder::new().max_rect(inner).id_salt(ids.part("search field"));
    ui.scope_builder(builder, |ui| {
        ui.set_clip_rect(inner.intersect(ui.clip_rect()));
        let response = ui.add(field);
        widgets::set_accessible_name(&response, "Search runs by song, id, seed, step or error");
        if wants_search {
            response.request_focus();
        }
    });
    if !is_empty {
        let size = CLEAR.min(rect.height());
        let at = Rect::from_center_size(
            pos2(rect.right() - size / 2.0 - 1.0, rect.center().y),
            vec2(26.0, 26.0),
        );
        let builder = UiBuilder::new().max_rect(at).id_salt(ids.part("clear"));
        let clear = ui.scope_builder(builder, |ui| close_ui(ui, "Clear the search")).inner;
        if clear.clicked() {
            state.search.clear();
            ui.memory_mut(|memory| memory.request_focus(id));
        }
    }
}

fn paint_magnifier(ui: &Ui, rect: Rect) {
    let palette = style::palette(ui.ctx());
    let stroke = Stroke::new(1.8, ink(palette.text_secondary));
    let centre = pos2(rect.left() + 15.5, rect.center().y - 1.0);
    ui.painter().circle_stroke(centre, 5.0, stroke);
    ui.painter().line_segment([centre + vec2(4.0, 4.0), centre + vec2(8.0, 8.0)], stroke);
}

/// Shows the name of the pane with the number of listed runs, and the buttons; returns where its words end.
pub(super) fn title_ui(
    ui: &mut Ui,
    ids: Ids,
    (layout, columns): (&Layout, &Columns),
    view: &RunsTableView,
    state: &mut RunsTableState,
) -> f32 {
    let palette = style::palette(ui.ctx());
    let rect = layout.title;
    let y = rect.center().y;
    let font = style::semibold(text::SECTION);
    let title = elided(ui, "Runs", font, palette.text, rect.width());
    let left = rect.left() + title.size().x + 10.0;
    let name = ui.interact(rect, ids.part("title"), Sense::hover());
    name.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, "Runs"));
    paint_line(ui, rect.left(), y, title);

    let count = count_of(view, state);
    let whole = if state.order.is_held() { format!("{count}, order held") } else { count.clone() };
    let has_chip = layout.is_stacked && state.order.waiting() != Waiting::default();
    let right = if has_chip { rect.right() - CHIP_BESIDE } else { rect.right() };
    let room = (right - left).max(0.0);
    let laid_out =
        |words: &str, room: f32| elided(ui, words, style::body(15.0), palette.text_secondary, room);
    let galley = laid_out(&whole, f32::INFINITY);
    let galley = if galley.size().x <= room { galley } else { laid_out(&count, room) };
    let at = Rect::from_min_max(pos2(left, rect.top()), rect.max);
    let label = ui.interact(at, ids.part("count"), Sense::hover());
    label.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &whole));
    let end = left + galley.size().x;
    paint_line(ui, left, y, galley);
    if state.order.is_held() {
        label.on_hover_text(
            "Rows stay where they are while you point at one, choose one or scroll.",
        );
    }

    if let Some(rect) = layout.export {
        export_ui(ui, ids, rect, state);
    }
    if let Some(rect) = layout.columns {
        columns_ui(ui, ids, rect, &columns.headless(), state);
    }
    end
}

/// Number of listed runs: "2,494", "87 of 2,494".
fn count_of(view: &RunsTableView, state: &RunsTableState) -> String {
    let all = view.run_store.model.len().saturating_sub(state.order.waiting().new);
    let all = count_words(all as u64);
    match state.is_filtered() {
        true => format!("{} of {all}", count_words(state.order.rows().len() as u64)),
        false => all,
    }
}

fn export_ui(ui: &mut Ui, ids: Ids, rect: Rect, state: &mut RunsTableState) {
    let palette = style::palette(ui.ctx());
    let response = ui.interact(rect, ids.part("export"), Sense::click());
    widgets::describe_button(&response, "Export");
    let is_raised = response.hovered() || response.has_focus();
    let fill = if is_raised { palette.hover } else { palette.bezel_top };
    let edge = Stroke::new(1.0, ink(palette.line_strong));
    ui.painter().rect(rect, 6.0, ink(fill), edge, StrokeKind::Inside);
    let words = elided(ui, "Export", style::body(15.0), palette.text, 60.0);
    paint_line(ui, rect.left() + 10.0, rect.center().y, words);
    if let Some(keys) = ActionEntry::keys_of(&Action::ExportRuns(TableForm::Csv)) {
        let tone = palette.text_secondary;
        paint_keys(ui, rect.right() - 9.0, rect.center().y, &keys, tone);
    }
    widgets::focus_ring(ui, &response, rect);
    Popup::menu(&response).show(|ui| {
        for form in [TableForm::Csv, TableForm::Ndjson] {
            if ui.button(format!("Save the listed runs as {}", form.words())).clicked() {
                state.wants_export = Some(form);
            }
        }
    });
}

/// Shows the menu of the columns that may be hidden, and of those to sort by that have no head.
fn columns_ui(ui: &mut Ui, ids: Ids, rect: Rect, headless: &[Column], state: &mut RunsTableState) {
    let builder = UiBuilder::new().max_rect(rect).id_salt(ids.part("columns"));
    ui.scope_builder(builder, |ui| {
        let button = Button::new(RichText::new("Columns").font(style::body(15.0)));
        let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        MenuButton::from_button(button.min_size(rect.size())).config(config).ui(ui, |ui| {
            for column in Column::ALL {
                if !Column::LEAVING.contains(&column) {
                    continue;
                }
                let words = match column {
                    Column::Status => "status word",
                    column => column.words(),
                };
                let hidden = &mut state.prefs.hidden;
                let mut is_shown = !hidden.contains(&column);
                if ui.checkbox(&mut is_shown, words).changed() {
                    hidden.retain(|other| *other != column);
                    if !is_shown {
                        hidden.push(column);
                    }
                }
            }
            if !headless.is_empty() {
                ui.separator();
                headless_ui(ui, headless, state);
            }
        });
    });
}

/// Sentence of a list without rows.
pub(super) fn nothing_found_words(search: &str, status: Option<RunStatus>) -> String {
    let status = status.map_or(String::new(), |status| format!("{} ", status.words()));
    match search.trim() {
        "" => format!("No {status}run"),
        search => format!("No {status}run matches {}", crate::text::excerpt(search, 60)),
    }
}

/// Shows a line of text in the middle of a rectangle, as a label.
pub(super) fn centred_label_ui(ui: &Ui, ids: Ids, rect: Rect, words: &str) {
    let palette = style::palette(ui.ctx());
    let response = ui.interact(rect, ids.part(words), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    let font = style::semibold(text::SECTION);
    let galley = elided(ui, words, font, palette.text, rect.width());
    let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect);
    paint_line(ui, at.left(), at.center().y, galley);
}

/// True when a key of the keyboard was pressed in this frame.
pub(super) fn is_key_pressed(ui: &Ui) -> bool {
    let is_key = |event: &Event| matches!(event, Event::Key { pressed: true, .. });
    ui.input(|input| input.events.iter().any(is_key))
}
