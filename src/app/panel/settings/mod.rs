//! The settings: each option with its value, where the value comes from, and what it does. Changes are saved at
//! once.

mod editor;
mod parts;
mod row;
mod state;
#[cfg(test)]
mod tests;

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    self, Align2, Area, Color32, Context, Id, Key, LayerId, Modifiers, Order, Rect, ScrollArea,
    Sense, Stroke, Ui, UiBuilder, pos2, vec2,
};

use self::parts::{
    ABOUT, FOOT, TOP, about_ui, columns_ui, complaints_ui, foot_ui, group_choice_ui, groups_ui,
    top_ui,
};
use self::row::{group_ui, row_ui};
pub(super) use self::state::SettingsState;
use self::state::{SettingsView, search_id};
use super::style::{self, ink, text};
use crate::app::control::run_operations::RunOperations;
use crate::app::draw::DrawClock;
use crate::app::state::actions::Action;
use crate::app::state::chrome::Chrome;
use crate::app::state::presence::Presence;
use crate::app::state::settings::SettingsBook;
use crate::app::theme::Theme;
use crate::app::words::ago_words;

/// Largest size of the window.
const SIZE: egui::Vec2 = vec2(1200.0, 800.0);
/// Least size.
const LEAST: egui::Vec2 = vec2(320.0, 300.0);
/// Margin around it.
const AROUND: f32 = 24.0;
/// Width of the groups, and the width of the window from which on they stand beside the rows.
const GROUPS: f32 = 210.0;
const LEAST_FOR_GROUPS: f32 = 800.0;

/// Shows the settings while they are open.
pub(super) fn show(
    mut contexts: EguiContexts,
    mut state: ResMut<SettingsState>,
    (chrome, operations, theme): (Res<Chrome>, Res<RunOperations>, Res<Theme>),
    presence: Res<Presence>,
    clock: Res<DrawClock>,
    mut book: ResMut<SettingsBook>,
    mut actions: MessageWriter<Action>,
) -> Result {
    if !chrome.settings || presence.hides_panel() {
        state.close();
        return Ok(());
    }
    let ctx = contexts.ctx_mut()?.clone();
    if !style::install_style(&ctx, *theme) {
        return Ok(());
    }
    if book.wanted.is_some()
        && let Some(name) = book.wanted.take()
    {
        state.show(name);
    }
    let Some(table) = book.table() else {
        actions.write(Action::ToggleSettings);
        return Ok(());
    };
    let last = book.last.as_ref();
    let saved = last.filter(|last| last.refusal.is_none()).map(|last| {
        let millis = ((clock.secs - last.at_secs).max(0.0) * 1_000.0) as u64;
        format!("saved {}", ago_words(millis))
    });
    let refusal = last.and_then(|last| Some((last.name.as_str(), last.refusal.as_deref()?)));
    let view = SettingsView { table, refusal, saved };
    let has_keys = !chrome.palette && !chrome.help && operations.dialog.is_none();
    let wanted = settings_ui(&ctx, &view, &mut state, has_keys);
    if !wanted.is_empty() {
        ctx.request_repaint();
    }
    actions.write_batch(wanted);
    Ok(())
}

/// Shows the settings above everything but the palette; returns what the user wants. `has_keys` is false while
/// the palette, the help or a question takes the keys.
pub(super) fn settings_ui(
    ctx: &Context,
    view: &SettingsView,
    state: &mut SettingsState,
    has_keys: bool,
) -> Vec<Action> {
    let mut actions = Vec::new();
    if !std::mem::replace(&mut state.was_open, true) {
        state.wants_search = true;
    }
    if has_keys {
        actions.extend(keys(ctx, view, state));
    }
    let screen = ctx.viewport_rect();
    let shade = LayerId::new(Order::Middle, Id::new("settings shade"));
    let dim = Color32::from_rgba_unmultiplied(6, 7, 9, 168);
    ctx.layer_painter(shade).rect_filled(screen, 0.0, dim);
    // The shade takes presses, so that nothing below is pressed.
    let pressed = Area::new(Id::new("settings shade area"))
        .order(Order::Middle)
        .fixed_pos(screen.min)
        .show(ctx, |ui| ui.allocate_response(screen.size(), Sense::click()).clicked());
    if pressed.inner {
        actions.push(Action::ToggleSettings);
    }
    let around = if screen.width() < LEAST_FOR_GROUPS { 8.0 } else { AROUND };
    // A window that is too small for it cuts it off.
    let size = (screen.size() - vec2(2.0 * around, 2.0 * around)).min(SIZE).max(LEAST);
    Area::new(Id::new("settings"))
        .order(Order::Foreground)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .constrain_to(screen)
        .show(ctx, |ui| {
            let (rect, _) = ui.allocate_exact_size(size, Sense::click());
            ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
                actions.extend(window_ui(ui, rect, view, state));
            });
        });
    actions
}

/// Takes the keys that move, change, reset and undo, before the fields see them.
fn keys(ctx: &Context, view: &SettingsView, state: &mut SettingsState) -> Vec<Action> {
    let mut actions = Vec::new();
    let pressed =
        |modifiers: Modifiers, key: Key| ctx.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Modifiers::COMMAND, Key::F) {
        state.wants_search = true;
    }
    let focused = ctx.memory(|memory| memory.focused());
    let is_search = focused == Some(search_id());
    let is_typing = ctx.text_edit_focused() && !is_search;
    // Esc in a field gives up what is typed there, and does no more.
    let had_field = std::mem::replace(&mut state.has_field, is_typing);
    let leaves = had_field && ctx.input(|input| input.key_pressed(Key::Escape));
    if is_typing || leaves || ctx.any_popup_open() {
        return actions;
    }
    // With Shift these keys are those for the opposite in other programs.
    if !ctx.input(|input| input.modifiers.shift) && pressed(Modifiers::COMMAND, Key::Z) {
        actions.push(Action::UndoSetting);
    }
    for (key, by) in
        [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, 10), (Key::PageUp, -10)]
    {
        if pressed(Modifiers::NONE, key) {
            state.step(view.table, by);
            // Enter is then for the row, and not for a button that was used before.
            if let Some(id) = focused.filter(|_| !is_search) {
                ctx.memory_mut(|memory| memory.surrender_focus(id));
            }
        }
    }
    // A button or a list that has the focus takes Enter itself.
    let is_row = focused.is_none() || is_search;
    if is_row && state.chosen.is_some() && pressed(Modifiers::NONE, Key::Enter) {
        (state.enters, state.scroll_to_chosen) = (true, true);
    }
    if (!is_search || state.query.is_empty())
        && pressed(Modifiers::NONE, Key::Backspace)
        && let Some(entry) = state.chosen(view.table).filter(|entry| entry.is_in_file())
    {
        actions.push(Action::ChangeSetting(entry.name.clone(), None));
    }
    if pressed(Modifiers::NONE, Key::Escape) {
        if state.query.is_empty() {
            actions.push(Action::ToggleSettings);
        } else {
            state.query.clear();
        }
    }
    actions
}

fn window_ui(
    ui: &mut Ui,
    rect: Rect,
    view: &SettingsView,
    state: &mut SettingsState,
) -> Vec<Action> {
    let palette = style::palette(ui.ctx());
    ui.painter().rect(
        rect,
        6.0,
        ink(palette.card),
        Stroke::new(1.5, ink(palette.line_strong)),
        egui::StrokeKind::Outside,
    );
    let top = Rect::from_min_size(rect.min, vec2(rect.width(), TOP));
    let foot = Rect::from_min_max(pos2(rect.left(), rect.bottom() - FOOT), rect.max);
    let about =
        Rect::from_min_max(pos2(rect.left(), foot.top() - ABOUT), pos2(rect.right(), foot.top()));
    let mut actions = top_ui(ui, top, view, state);
    let body = Rect::from_min_max(top.left_bottom(), about.right_top());
    ui.scope_builder(UiBuilder::new().max_rect(body), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        actions.extend(complaints_ui(ui, &view.table.complaints, body.height() * 0.4));
        let mut rest = ui.available_rect_before_wrap();
        if rect.width() < LEAST_FOR_GROUPS {
            group_choice_ui(ui, view, state);
            rest = ui.available_rect_before_wrap();
        } else {
            let groups = Rect::from_min_max(rest.min, pos2(rest.left() + GROUPS, rest.bottom()));
            groups_ui(ui, groups, view, state);
            rest.min.x += GROUPS + 1.0;
        }
        ui.scope_builder(UiBuilder::new().max_rect(rest), |ui| {
            columns_ui(ui);
            actions.extend(rows_ui(ui, view, state));
        });
    });
    about_ui(ui, about, state.chosen(view.table));
    foot_ui(ui, foot, view);
    actions
}

fn rows_ui(ui: &mut Ui, view: &SettingsView, state: &mut SettingsState) -> Vec<Action> {
    let palette = style::palette(ui.ctx());
    let mut actions = Vec::new();
    let listed = state.listed(view.table);
    if listed.is_empty() {
        ui.add_space(24.0);
        ui.vertical_centered(|ui| {
            let words = match state.query.trim() {
                "" => "Every setting has its default".to_owned(),
                query => format!("No setting matches {}", crate::app::words::one_line(query)),
            };
            let words = egui::RichText::new(words).font(style::body(text::BODY));
            ui.label(words.color(ink(palette.text_secondary)));
            ui.add_space(8.0);
            if ui.button("Show all settings").clicked() {
                (state.query, state.group, state.only_changed) = (String::new(), None, false);
            }
        });
        return actions;
    }
    ScrollArea::vertical().id_salt("settings rows").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        let mut group = "";
        for (place, entry) in listed.iter().enumerate() {
            if entry.group != group {
                group = &entry.group;
                group_ui(ui, group);
            }
            actions.extend(row_ui(ui, view, entry, state, place % 2 == 1));
        }
    });
    actions
}
