//! Event log: a section of the panel, and a pane of the desk. Newest line at the bottom.
//!
//! | part | what it does |
//! | --- | --- |
//! | `filter`, `index` | which lines pass, in steps of one frame |
//! | `hold` | lines that a paused log keeps, although the model drops them |
//! | `choice`, `state` | chosen rows, moves to others, and everything that is kept between frames |
//! | `columns`, `line`, `rows`, `notice` | one row, all of them, and the first about what is missing |
//! | `controls` | what stands above the rows |
//! | `entry` | window with the raw text of a line |
//! | `copy`, `export` | text for a ticket; files |

mod choice;
mod columns;
mod controls;
mod copy;
mod entry;
mod export;
mod filter;
mod hold;
mod index;
mod line;
mod notice;
mod rows;
mod state;
mod view;

use bevy_egui::egui::{
    Align, CornerRadius, Id, Layout, Margin, RichText, Sense, Ui, UiBuilder, vec2,
};

use self::columns::Columns;
pub(super) use self::entry::entry_ui;
pub(super) use self::line::attempt_at;
pub(super) use self::state::LogState;
pub(super) use self::view::LogView;
use super::style::{self, ink, space};
use super::widgets::section_ui;
use crate::app::state::actions::Action;

/// Height of a row of the desk, in points.
const DESK_ROW: f32 = 24.0;

/// Space at both sides of the rows, in points: on the desk, and in the panel.
const DESK_PAD: f32 = 16.0;
const PANEL_PAD: f32 = 8.0;

/// Height of the section from which on it has a row of buttons, in points.
const TALL: f32 = 320.0;

/// Shows the section of the panel; returns the requested actions.
pub(super) fn log_ui(
    ui: &mut Ui,
    view: &LogView,
    open: &mut bool,
    state: &mut LogState,
) -> Vec<Action> {
    let palette = style::palette(ui.ctx());
    section_ui(ui, open, "Event log", |ui| {
        controls::pill_ui(ui, view, state);
        controls::count_ui(ui, view, state);
    });
    if !*open {
        return Vec::new();
    }
    let id = controls::rows_id(ui);
    let mut actions = update(ui, id, view, state);
    let is_tall = ui.available_height() >= TALL;
    ui.scope(|ui| {
        controls::set_style(ui);
        controls::filters_ui(ui, view, state, |ui, state| {
            if !is_tall {
                controls::more_ui(ui, view, state);
            }
        });
        if is_tall {
            controls::moves_ui(ui, view, state);
        }
    });
    let height = ui.available_height().max(3.0 * space::LINE);
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    ui.painter().rect_filled(area, CornerRadius::same(space::RADIUS), ink(palette.well));
    let mut inner = ui.new_child(UiBuilder::new().max_rect(area.shrink2(vec2(2.0, 4.0))));
    actions.extend(lines_ui(&mut inner, id, view, state, (space::LINE, PANEL_PAD)));
    actions.extend(saved(view, state));
    actions
}

/// Takes what is to be saved, as a file with the events that pass the filters.
fn saved(view: &LogView, state: &mut LogState) -> Option<Action> {
    let form = state.wants_export.take()?;
    let name = format!("events.{}", form.extension());
    Some(Action::SaveFile { name, text: state.exported(view, form) })
}

/// Fills the rest of `ui` with the desk's pane of events; returns the requested actions.
pub(super) fn events_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) -> Vec<Action> {
    let id = controls::rows_id(ui);
    let mut actions = update(ui, id, view, state);
    let margin = Margin { left: 16, right: 16, top: 10, bottom: 8 };
    bevy_egui::egui::Frame::new().inner_margin(margin).show(ui, |ui| {
        controls::set_style(ui);
        ui.spacing_mut().item_spacing.y = 9.0;
        ui.horizontal(|ui| {
            let title = RichText::new("Events").font(style::semibold(style::text::SECTION));
            ui.label(title);
            controls::count_ui(ui, view, state);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                controls::pill_ui(ui, view, state);
            });
        });
        controls::filters_ui(ui, view, state, |_, _| ());
        controls::moves_ui(ui, view, state);
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    let width = ui.available_width();
    Columns::new(width, DESK_PAD, !state.is_of_one_run()).heads_ui(ui);
    actions.extend(lines_ui(ui, id, view, state, (DESK_ROW, DESK_PAD)));
    actions.extend(saved(view, state));
    actions
}

/// Reads the keys, and brings the rows in step with the log.
fn update(ui: &mut Ui, id: Id, view: &LogView, state: &mut LogState) -> Vec<Action> {
    rows::keys_ui(ui, id, view, state);
    let selected = state.update(view, ui.input(|input| input.time));
    selected.map(Action::SelectRun).into_iter().collect()
}

/// Shows the rows, or that there is none.
fn lines_ui(
    ui: &mut Ui,
    id: Id,
    view: &LogView,
    state: &mut LogState,
    size: (f32, f32),
) -> Vec<Action> {
    if state.is_busy(view) {
        ui.ctx().request_repaint();
    }
    if state.index().lines().is_empty() {
        rows::empty_ui(ui, view, state, size.1);
        return Vec::new();
    }
    rows::rows_ui(ui, id, view, state, size)
}

#[cfg(test)]
mod tests;
