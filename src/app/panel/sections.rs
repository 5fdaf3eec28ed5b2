//! Contents of the panel: its head and its sections, one below the other or in columns.

use bevy_egui::egui::{
    Align, Layout, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2,
    WidgetInfo, WidgetType, pos2, vec2,
};

use super::connection::{ConnectionView, connection_ui};
use super::log::{LogView, log_ui};
use super::node::{NodeView, node_ui};
use super::notices::{notices_ui, unread_words};
use super::run_operations::{RunOperationsView, run_operations_ui};
use super::runs::runs_ui;
use super::sources::SourcesView;
use super::state::{PanelState, PanelView, Unfolded};
use super::style::{self, ink, space};
use super::widgets;
use crate::app::overlays::notices::Notices;
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::state::dock::PanelSide;
use crate::bounded::bounded;
use crate::config::ThemeName;

/// Room beside the sections for their scroll bar, in points, so that it covers nothing.
const BAR_ROOM: f32 = 10.0;

/// Height reserved for the event log in a low window, in points.
const LOG_HEIGHT: f32 = 210.0;
/// Height of the event log's title when folded, in points.
const FOLDED: f32 = 44.0;
/// Least width of a column, the width of one whose sections are all folded, and the gap of two, in points.
const COLUMN: f32 = 440.0;
const FOLDED_COLUMN: f32 = 190.0;
const COLUMN_GAP: f32 = 24.0;
/// Width of the panel from which the choice of themes stands in the head's line, in points.
const WIDE_HEAD: f32 = 1100.0;

/// Section of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Connection,
    Runs,
    Operations,
    Step,
    Notices,
    Log,
}

/// Sections that are one below the other in each column.
const COLUMNS: [&[Section]; 4] = [
    &[Section::Connection],
    &[Section::Runs, Section::Operations],
    &[Section::Step, Section::Notices],
    &[Section::Log],
];

impl Section {
    fn is_unfolded(self, unfolded: &Unfolded) -> bool {
        match self {
            Self::Connection => unfolded.connection,
            Self::Runs => unfolded.runs,
            Self::Operations => unfolded.operations,
            Self::Step => unfolded.node,
            Self::Notices => unfolded.notices,
            Self::Log => unfolded.log,
        }
    }
}

/// Shows the panel's contents, the sections one below the other; returns the requested actions.
pub(super) fn stacked_ui(
    ui: &mut Ui,
    view: &PanelView,
    notices: &mut Notices,
    state: &mut PanelState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let wants_notices = top_ui(ui, view, notices, state, &mut actions);
    let height = ui.available_height();
    let kept = if state.unfolded.log { LOG_HEIGHT.min(height * 0.45) } else { FOLDED };
    let rows = bounded((height * 0.15 / space::ROW) as usize, 3, 12);
    ScrollArea::vertical()
        .id_salt("sections")
        .max_height(height - kept)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            use Section::{Connection, Notices, Operations, Runs, Step};
            ui.set_max_width(ui.available_width() - BAR_ROOM);
            for section in [Connection, Runs, Operations, Step, Notices] {
                if section != Connection && exists(section, view) {
                    widgets::rule_ui(ui);
                }
                actions.extend(section_ui(ui, section, view, rows, notices, state));
            }
            if wants_notices {
                ui.scroll_to_cursor(Some(Align::BOTTOM));
            }
        });
    widgets::rule_ui(ui);
    actions.extend(section_ui(ui, Section::Log, view, rows, notices, state));
    actions
}

/// Shows the panel's contents, the sections in columns; returns the requested actions.
pub(super) fn columns_ui(
    ui: &mut Ui,
    view: &PanelView,
    notices: &mut Notices,
    state: &mut PanelState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let wants_notices = top_ui(ui, view, notices, state, &mut actions);
    let room = ui.available_size();
    let is_open = |column: &[Section]| {
        let mut shown = column.iter().filter(|section| exists(**section, view));
        shown.any(|section| section.is_unfolded(&state.unfolded))
    };
    let open = COLUMNS.map(is_open);
    let count = open.iter().filter(|is_open| **is_open).count();
    let folded = (COLUMNS.len() - count) as f32 * FOLDED_COLUMN;
    let gaps = (COLUMNS.len() - 1) as f32 * COLUMN_GAP;
    let wide = ((room.x - folded - gaps) / count.max(1) as f32).max(COLUMN);
    // What the search and the filters of the list of runs take.
    let rows = bounded(((room.y - 4.0 * space::ROW) / space::ROW) as usize, 3, 12);
    ScrollArea::horizontal().id_salt("columns").auto_shrink([false, false]).show(ui, |ui| {
        let top_left = ui.cursor().min;
        let height = ui.available_height();
        let mut x = top_left.x;
        for (place, column) in COLUMNS.into_iter().enumerate() {
            let width = if open[place] { wide } else { FOLDED_COLUMN };
            let rect = Rect::from_min_size(pos2(x, top_left.y), vec2(width, height));
            let builder = UiBuilder::new().id_salt(("column", place)).max_rect(rect);
            let mut inner = ui.new_child(builder);
            inner.set_clip_rect(rect.expand2(vec2(8.0, 0.0)).intersect(ui.clip_rect()));
            if column == [Section::Log] {
                // Its rows have a scroll bar of their own.
                actions.extend(section_ui(&mut inner, Section::Log, view, rows, notices, state));
            } else {
                ScrollArea::vertical().auto_shrink([false, false]).show(&mut inner, |ui| {
                    ui.set_max_width(ui.available_width() - BAR_ROOM);
                    for section in column {
                        if *section != column[0] && exists(*section, view) {
                            widgets::rule_ui(ui);
                        }
                        actions.extend(section_ui(ui, *section, view, rows, notices, state));
                        if wants_notices && *section == Section::Notices {
                            ui.scroll_to_cursor(Some(Align::BOTTOM));
                        }
                    }
                });
            }
            x += width + COLUMN_GAP;
        }
        ui.allocate_rect(
            Rect::from_min_max(top_left, pos2(x - COLUMN_GAP, top_left.y + height)),
            Sense::hover(),
        );
    });
    actions
}

/// False for a section that is left out of the panel.
fn exists(section: Section, view: &PanelView) -> bool {
    section != Section::Operations || view.operations.allowed
}

/// Shows a section, with so many rows of runs; returns the requested actions.
fn section_ui(
    ui: &mut Ui,
    section: Section,
    view: &PanelView,
    rows: usize,
    notices: &mut Notices,
    state: &mut PanelState,
) -> Vec<Action> {
    let PanelState { unfolded, connection, runs, node, log, .. } = state;
    let (run_store, focus, now) = (view.run_store, view.focus, view.server_now);
    let run = focus.run().and_then(|id| run_store.model.run(id));
    match section {
        _ if !exists(section, view) => Vec::new(),
        Section::Connection => {
            let counters = run_store.live().counters();
            let sources = SourcesView {
                source: view.link.source.as_ref(),
                stream: view.stream,
                recent: Some(view.recent),
                being_opened: Some(view.being_opened),
                recording: view.recording.as_ref(),
            };
            let link = ConnectionView::new(view.link, sources, counters, view.live_now, view.zone);
            connection_ui(ui, &link, &mut unfolded.connection, connection)
        }
        Section::Runs => runs_ui(ui, run_store, focus, now, rows, &mut unfolded.runs, runs),
        Section::Operations => {
            let acting = view.link.acting();
            let shown = RunOperationsView { operations: view.operations, run, acting };
            run_operations_ui(ui, &shown, &mut unfolded.operations)
        }
        Section::Step => {
            let shown = NodeView { run, run_store, server_now: now, zone: view.zone };
            node_ui(ui, &shown, &mut unfolded.node, node)
        }
        Section::Notices => notices_ui(ui, notices, view.zone, &mut unfolded.notices),
        Section::Log => {
            let lines = LogView { run_store, run: focus.run(), zone: view.zone };
            log_ui(ui, &lines, &mut unfolded.log, log)
        }
    }
}

/// Shows what stands above the sections; returns true when the user asks for the notices.
fn top_ui(
    ui: &mut Ui,
    view: &PanelView,
    notices: &Notices,
    state: &mut PanelState,
    actions: &mut Vec<Action>,
) -> bool {
    let is_wide = ui.available_width() >= WIDE_HEAD;
    let mut wants_notices = false;
    ui.horizontal(|ui| {
        ui.label(RichText::new("Panel").font(style::semibold(style::text::HEAD)));
        if is_wide {
            ui.add_space(COLUMN_GAP);
            theme_ui(ui, view.theme, actions);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            wants_notices = head_ui(ui, view, notices.unread(), actions);
        });
    });
    widgets::rule_ui(ui);
    state.unfolded.notices |= wants_notices;
    if !is_wide {
        ui.horizontal(|ui| theme_ui(ui, view.theme, actions));
        widgets::rule_ui(ui);
    }
    if let Some(sleep_warning) = view.sleep_warning {
        ui.weak(sleep_warning);
        widgets::rule_ui(ui);
    }
    wants_notices
}

/// Shows the choice of themes.
fn theme_ui(ui: &mut Ui, chosen: ThemeName, actions: &mut Vec<Action>) {
    ui.weak("Colours");
    for theme in ThemeName::ALL {
        let name = match theme {
            ThemeName::Auto => "system",
            ThemeName::Dark => "dark",
            ThemeName::Light => "light",
            ThemeName::HighContrast => "high contrast",
        };
        if ui.selectable_label(theme == chosen, name).clicked() {
            actions.push(Action::ChooseTheme(theme));
        }
    }
}

/// Shows the buttons of the head, from the right; returns true when the user asks for the notices.
fn head_ui(ui: &mut Ui, view: &PanelView, unread: usize, actions: &mut Vec<Action>) -> bool {
    if widgets::close_ui(ui, "Hide the panel").clicked() {
        actions.push(Action::TogglePanel);
    }
    if let Some(keys) = ActionEntry::keys_of(&Action::TogglePanel) {
        ui.weak(format!("{keys} to hide"));
    }
    for side in [PanelSide::Right, PanelSide::Bottom, PanelSide::Left] {
        if side_ui(ui, side, view.side == side) {
            actions.push(Action::DockPanel(side));
        }
    }
    if let Some(link) = view.share {
        let hint = "Copy the address of a page with this view";
        if widgets::text_button_ui(ui, "copy link", hint).on_hover_text(link).clicked() {
            ui.ctx().copy_text(link.to_owned());
        }
    }
    if unread == 0 {
        return false;
    }
    let words = unread_words(unread);
    widgets::text_button_ui(ui, &words, &format!("Show the notices, {words}")).clicked()
}

/// Shows the button that moves the panel to a side of the window; returns true when it was pressed.
fn side_ui(ui: &mut Ui, side: PanelSide, is_here: bool) -> bool {
    let palette = style::palette(ui.ctx());
    let words = match side {
        PanelSide::Left => "Panel on the left",
        PanelSide::Bottom => "Panel at the bottom",
        PanelSide::Right => "Panel on the right",
    };
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(26.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(WidgetType::RadioButton, true, is_here, words));
    let tone = match (is_here, response.hovered()) {
        (true, _) => palette.violet_text,
        (false, true) => palette.text,
        (false, false) => palette.text_secondary,
    };
    let window = Rect::from_center_size(rect.center(), vec2(18.0, 14.0));
    let mut filled = window;
    match side {
        PanelSide::Left => filled.set_right(window.left() + 7.0),
        PanelSide::Right => filled.set_left(window.right() - 7.0),
        PanelSide::Bottom => filled.set_top(window.bottom() - 6.0),
    }
    ui.painter().rect_stroke(window, 2.0, Stroke::new(1.5, ink(tone)), StrokeKind::Inside);
    ui.painter().rect_filled(filled, 1.0, ink(tone));
    widgets::focus_ring(ui, &response, rect);
    response.on_hover_text(format!("{words} (Shift P moves it on)")).clicked() && !is_here
}
