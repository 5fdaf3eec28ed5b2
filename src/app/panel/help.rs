//! Help window: all keys, and the meaning of the signs.

use std::collections::HashSet;

use bevy_egui::egui::{
    Align, Align2, Context, Grid, Layout, RichText, ScrollArea, Ui, Window, vec2,
};

use super::style::{self, ink, text};
use super::widgets::close_ui;
use super::{legend, widgets};
use crate::app::state::actions::{Action, CHORDS, SHORTCUTS};

/// Preferred width, with two columns.
const WIDTH: f32 = 1360.0;
/// Least width for two columns.
const LEAST_FOR_TWO: f32 = 940.0;
const TITLE: f32 = 26.0;
/// Margin around the window.
const AROUND: f32 = 28.0;

/// Shows the help and returns the actions requested in it. Keys for operations on runs are listed when
/// `may_operate` is true, a presenter's keys when `is_demo` is true.
pub(super) fn help_ui(ctx: &Context, may_operate: bool, is_demo: bool) -> Vec<Action> {
    let mut actions = Vec::new();
    let room = ctx.viewport_rect().size() - vec2(2.0 * AROUND, 2.0 * AROUND);
    Window::new("Keys and signs")
        .title_bar(false)
        .resizable(false)
        .collapsible(false)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .fixed_size(vec2((room.x - 32.0).min(WIDTH), room.y - 32.0))
        .show(ctx, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Signs and keys").font(style::semibold(TITLE)));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if close_ui(ui, "Close the help").clicked() {
                        actions.push(Action::ToggleHelp);
                    }
                    ui.weak("Esc to close");
                });
            });
            ui.add_space(10.0);
            ScrollArea::vertical().auto_shrink([false, true]).show(ui, |ui| {
                if ui.available_width() < LEAST_FOR_TWO {
                    legend::signs_ui(ui);
                    legend::drawings_ui(ui);
                } else {
                    ui.columns_const(|[left, right]| {
                        legend::signs_ui(left);
                        legend::drawings_ui(right);
                    });
                }
                ui.add_space(6.0);
                widgets::rule_ui(ui);
                ui.add_space(6.0);
                keys_ui(ui, may_operate, is_demo);
            });
        });
    actions
}

/// Lists every key once, in as many columns as fit.
fn keys_ui(ui: &mut Ui, may_operate: bool, is_demo: bool) {
    let palette = style::palette(ui.ctx());
    let known = SHORTCUTS.iter().filter(|shortcut| {
        (may_operate || !shortcut.needs_leave()) && (is_demo || !shortcut.needs_demo())
    });
    let mut told: Vec<&str> = known.map(|shortcut| shortcut.text).collect();
    if cfg!(not(target_arch = "wasm32")) {
        told.extend(CHORDS.iter().map(|chord| chord.text));
    }
    let mut seen = HashSet::new();
    told.retain(|text| seen.insert(*text));
    let columns = if ui.available_width() < LEAST_FOR_TWO { 1 } else { 2 };
    let rows = told.len().div_ceil(columns);
    Grid::new("keys").num_columns(2 * columns).spacing([20.0, 6.0]).show(ui, |ui| {
        for row in 0..rows {
            for words in told.iter().skip(row).step_by(rows) {
                let same = SHORTCUTS.iter().filter(|shortcut| shortcut.text == *words);
                let chords = CHORDS.iter().filter(|chord| chord.text == *words);
                let keys = same.map(|shortcut| shortcut.key_text);
                let keys: Vec<&str> = keys.chain(chords.map(|chord| chord.keys)).collect();
                let keys = RichText::new(keys.join("  ")).font(style::mono(text::MONO));
                ui.label(keys.color(ink(palette.violet_text)));
                ui.label(*words);
            }
            ui.end_row();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::harness;
    use crate::app::state::status::DisplayStatus;
    use egui_kittest::kittest::Queryable;

    #[test]
    fn help_lists_every_key_and_sign() {
        let harness = harness((), |ui, ()| {
            help_ui(ui.ctx(), true, true);
        });
        for shortcut in SHORTCUTS {
            assert!(harness.query_by_label(shortcut.text).is_some(), "{}", shortcut.text);
            let keys = harness.query_all_by_label_contains(shortcut.key_text).count();
            assert!(keys > 0, "{}", shortcut.key_text);
        }
        let signs = DisplayStatus::LEGEND.map(|(status, _)| status.words());
        for name in signs.into_iter().chain(legend::DRAWINGS.map(|(_, name, _)| name)) {
            assert!(harness.query_by_label(name).is_some(), "{name}");
        }
    }

    #[test]
    fn help_omits_operation_keys_without_permission() {
        let harness = harness((), |ui, ()| {
            help_ui(ui.ctx(), false, true);
        });
        let asks = SHORTCUTS.iter().filter(|shortcut| shortcut.needs_leave());
        assert_eq!(asks.clone().count(), 4);
        assert!(asks.clone().all(|shortcut| harness.query_by_label(shortcut.text).is_none()));
    }

    #[test]
    fn help_omits_the_presenters_keys_outside_the_demo() {
        let harness = harness((), |ui, ()| {
            help_ui(ui.ctx(), true, false);
        });
        let presents = SHORTCUTS.iter().filter(|shortcut| shortcut.needs_demo());
        assert_eq!(presents.clone().count(), 7);
        assert!(presents.clone().all(|key| harness.query_by_label(key.text).is_none()));
    }

    #[test]
    fn close_button_closes_the_help() {
        let mut harness = harness(Vec::new(), |ui, actions: &mut Vec<Action>| {
            actions.extend(help_ui(ui.ctx(), true, false));
        });
        harness.get_by_label("Close the help").click();
        harness.run();
        assert_eq!(*harness.state(), [Action::ToggleHelp]);
    }
}
