//! Rows of the table, of which only those on screen are made.

use bevy_egui::egui::style::ScrollStyle;
use bevy_egui::egui::{
    Align2, Button, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, WidgetType, pos2,
    vec2,
};

use super::columns::{Columns, SCROLL_BAR};
use super::layout::Layout;
use super::row::RowView;
use super::row_ui::{RowLook, dropped_row_ui, row_ui};
use super::search::Needle;
use super::state::{Ids, RunsTableState, RunsTableView, Scroll};
use super::tools::{centred_label_ui, nothing_found_words};
use super::{focus, keys};
use crate::app::panel::run_words::run_tip_ui;
use crate::app::panel::style::{self, ink, space, text};
use crate::app::panel::widgets::{elided, keep_arrows, paint_line, tell_list_focus};
use crate::app::state::actions::Action;
use crate::bounded::bounded;
use crate::protocol::RunId;

/// Width of the scroll bar in points.
const BAR: f32 = 10.0;

/// Shows the rows; returns the requested actions.
pub(super) fn list_ui(
    ui: &mut Ui,
    ids: Ids,
    layout: &Layout,
    columns: &Columns,
    view: &RunsTableView,
    state: &mut RunsTableState,
) -> Vec<Action> {
    let rect = layout.rows_above_foot(misses_selected(view, state));
    let count = state.order.rows().len();
    if count == 0 {
        state.rows_rect = Rect::NOTHING;
        state.offset = 0.0;
        state.scroll = None;
        empty_ui(ui, ids, rect, view, state);
        return Vec::new();
    }
    let mut actions = Vec::new();
    let height = columns.row_height();
    let offset = state.scroll.take().map(|scroll| offset_of(scroll, state.offset, height, rect));
    let builder = UiBuilder::new().max_rect(rect).id_salt(ids.part("rows"));
    ui.scope_builder(builder, |ui| {
        ui.set_clip_rect(rect.intersect(ui.clip_rect()));
        ui.spacing_mut().scroll = ScrollStyle {
            bar_width: BAR,
            bar_inner_margin: SCROLL_BAR - BAR,
            ..ScrollStyle::solid()
        };
        let area = ScrollArea::vertical().id_salt("runs table rows").auto_shrink(false);
        let area = match offset {
            Some(offset) => area.vertical_scroll_offset(offset),
            None => area,
        };
        let shown = area.show_viewport(ui, |ui, viewport| {
            ui.set_height(height * count as f32);
            let top = ui.max_rect().top();
            let first = ((viewport.top() / height).floor().max(0.0) as usize).min(count);
            let last = ((viewport.bottom() / height).ceil().max(0.0) as usize).min(count);
            let size = vec2((rect.width() - SCROLL_BAR).max(0.0), height);
            let at = |row: usize| {
                Rect::from_min_size(pos2(rect.left(), top + height * row as f32), size)
            };
            actions = rows_ui(ui, ids, (first, last), &at, columns, view, state);
        });
        state.offset = shown.state.offset.y;
    });
    let bottom = rect.top() + height * count as f32 - state.offset;
    let right = rect.right() - SCROLL_BAR;
    state.rows_rect = Rect::from_min_max(rect.min, pos2(right, bottom.min(rect.bottom())));
    actions
}

/// Offset of the list after a movement.
fn offset_of(scroll: Scroll, offset: f32, height: f32, rect: Rect) -> f32 {
    let (row, centre) = match scroll {
        Scroll::Top => return 0.0,
        Scroll::Reveal(row) => (row, false),
        Scroll::Centre(row) => (row, true),
    };
    let top = height * row as f32;
    let (most, least) = (top, (top + height - rect.height()).max(0.0));
    match (least..=most).contains(&offset) {
        true => offset,
        false if centre => (top - (rect.height() - height) / 2.0).max(0.0),
        false => bounded(offset, least.min(most), most),
    }
}

/// Shows the rows from `first` to before `last`; `at` is the place of each.
fn rows_ui(
    ui: &mut Ui,
    ids: Ids,
    (first, last): (usize, usize),
    at: &dyn Fn(usize) -> Rect,
    columns: &Columns,
    view: &RunsTableView,
    state: &mut RunsTableState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let needle = Needle::new(&state.search);
    let shown: Vec<RunId> = state.order.rows().get(first..last).unwrap_or_default().to_vec();
    let has_focus = |run: &RunId| ui.memory(|memory| memory.has_focus(ids.row(run)));
    let focused = state.cursor.clone().filter(has_focus);
    // Tab reaches a row on screen.
    let current = focused.clone().or_else(|| {
        let wanted = [state.cursor.as_ref(), view.focus.run()];
        let on_screen = wanted.into_iter().flatten().find(|run| shown.contains(run));
        on_screen.or(shown.first()).cloned()
    });
    if let Some(run) = focused.filter(|run| !shown.contains(run))
        && let Some(row) = state.order.row_of(&run)
    {
        // A row out of view keeps the focus.
        ui.interact(at(row), ids.row(&run), Sense::click());
        keep_arrows(ui, ids.row(&run));
        tell_list_focus(ui.ctx(), ids.row(&run), false);
    }
    for (row, id) in (first..).zip(&shown) {
        let rect = at(row);
        let Some(run) = view.run_store.model.run(id) else {
            dropped_row_ui(ui, rect, columns);
            continue;
        };
        let response = ui.interact(rect, ids.row(id), focus::sense(current.as_ref() == Some(id)));
        let selected = view.focus.run() == Some(id);
        let look = RowLook { columns, needle: &needle, selected, striped: row % 2 == 1 };
        let contents = RowView::of(run, view, state.order.place_in_line(id));
        row_ui(ui, rect, &response, &contents, &look);
        if response.has_focus() {
            state.cursor = Some(id.clone());
            keep_arrows(ui, ids.row(id));
            tell_list_focus(ui.ctx(), ids.row(id), false);
        }
        // A click elsewhere shortly before makes a triple click of a double click.
        if response.double_clicked() || response.triple_clicked() {
            actions.push(Action::Open(id.clone()));
        } else if response.clicked() {
            state.cursor = Some(id.clone());
            response.request_focus();
            if !selected || view.focus.is_following() {
                actions.push(keys::choose(view, state, id.clone()));
            }
        }
        response.on_hover_ui(|ui| run_tip_ui(ui, view.run_store, run));
    }
    actions
}

/// True when the selected run has no row.
fn misses_selected(view: &RunsTableView, state: &RunsTableState) -> bool {
    let selected = view.focus.run();
    !view.run_store.model.is_empty() && selected.is_some_and(|run| !state.order.lists(run))
}

/// Says that the selected run is not listed, and offers to list it.
pub(super) fn foot_ui(
    ui: &mut Ui,
    ids: Ids,
    layout: &Layout,
    view: &RunsTableView,
    state: &mut RunsTableState,
) {
    if !misses_selected(view, state) {
        return;
    }
    let palette = style::palette(ui.ctx());
    let rect = layout.foot;
    ui.painter().rect_filled(rect, 0.0, ink(palette.ghost));
    let words = "selected run is not in this list";
    let response = ui.interact(rect, ids.part("foot"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    let left = rect.left() + 16.0;
    let room = (rect.width() - 16.0 - 90.0).max(0.0);
    let galley = elided(ui, words, style::body(15.0), palette.text, room);
    let end = left + galley.size().x + 10.0;
    paint_line(ui, left, rect.center().y, galley);
    let is_kept = view.focus.run().is_some_and(|run| view.run_store.model.run(run).is_some());
    if !is_kept {
        return;
    }
    let at = Rect::from_min_size(pos2(end, rect.top() + 3.0), vec2(74.0, rect.height() - 6.0));
    let builder = UiBuilder::new().max_rect(at).id_salt(ids.part("show selected"));
    ui.scope_builder(builder, |ui| {
        let button = Button::new(RichText::new("Show it").font(style::body(text::SMALL)));
        if ui.add(button.small().min_size(at.size())).clicked() {
            state.search.clear();
            state.status = None;
            state.let_in();
            state.wants_selected = true;
        }
    });
}

/// Says why there are no rows, and what helps.
fn empty_ui(ui: &mut Ui, ids: Ids, rect: Rect, view: &RunsTableView, state: &mut RunsTableState) {
    let place = |y: f32, height: f32, width: f32| {
        let size = vec2(width.min(rect.width()), height);
        Rect::from_center_size(pos2(rect.center().x, rect.top() + y), size)
    };
    let sentence = place(60.0, 30.0, (rect.width() - 24.0).max(0.0));
    if view.run_store.model.is_empty() {
        centred_label_ui(ui, ids, sentence, "No runs yet");
        return;
    }
    let has_search = !state.search.trim().is_empty();
    let words = nothing_found_words(&state.search, state.status);
    centred_label_ui(ui, ids, sentence, &words);
    let mut offers = Vec::new();
    if has_search {
        offers.push("Clear search");
    }
    if state.status.is_some() {
        offers.push("Show all statuses");
    }
    let width = 136.0 * offers.len() as f32 - space::GAP * 0.6;
    let line = place(104.0, space::ROW, width.max(0.0));
    let line = Align2::CENTER_CENTER.align_size_within_rect(line.size(), line);
    let builder = UiBuilder::new().max_rect(line).id_salt(ids.part("offers"));
    ui.scope_builder(builder, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for offer in offers {
                let button = Button::new(offer).min_size(vec2(127.0, space::ROW));
                if !ui.add(button).clicked() {
                    continue;
                }
                match offer {
                    "Clear search" => state.search.clear(),
                    _ => state.status = None,
                }
            }
        });
    });
}
