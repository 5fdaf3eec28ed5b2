//! Help window: all keys, and the meaning of the signs.

use bevy_egui::egui::{
    Align, Align2, Context, Grid, Layout, RichText, ScrollArea, Ui, Window, vec2,
};

use super::style::{self, ink, text};
use super::widgets::close_ui;
use super::{legend, widgets};
use crate::app::state::actions::{ACTIONS, Action, ActionEntry, ActionGroup};

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
                ui.label(
                    RichText::new("Keyboard shortcuts and signs").font(style::semibold(TITLE)),
                );
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if close_ui(ui, "Close the help").clicked() {
                        actions.push(Action::ToggleHelp);
                    }
                    if let Some(keys) = ActionEntry::keys_of(&Action::Back) {
                        ui.weak(format!("{keys} to close"));
                    }
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

/// Lists the keys of every action under the headings of their groups, in as many columns as fit.
fn keys_ui(ui: &mut Ui, may_operate: bool, is_demo: bool) {
    let groups: Vec<(ActionGroup, Vec<&ActionEntry>)> = ActionGroup::ALL
        .into_iter()
        .map(|group| (group, listed(group, may_operate, is_demo).collect()))
        .filter(|(_, entries): &(_, Vec<_>)| !entries.is_empty())
        .collect();
    if ui.available_width() < LEAST_FOR_TWO {
        groups.iter().for_each(|(group, entries)| group_ui(ui, *group, entries));
        return;
    }
    // The column that is shorter so far gets the next group.
    let (mut left, mut right, mut heights) = (Vec::new(), Vec::new(), (0, 0));
    for (group, entries) in &groups {
        let height = entries.len() + 2;
        if heights.0 <= heights.1 {
            left.push((*group, entries));
            heights.0 += height;
        } else {
            right.push((*group, entries));
            heights.1 += height;
        }
    }
    ui.columns_const(|[first, second]| {
        left.iter().for_each(|(group, entries)| group_ui(first, *group, entries));
        right.iter().for_each(|(group, entries)| group_ui(second, *group, entries));
    });
}

/// Entries of a group that have keys in this display.
fn listed(
    group: ActionGroup,
    may_operate: bool,
    is_demo: bool,
) -> impl Iterator<Item = &'static ActionEntry> {
    ACTIONS.iter().filter(move |entry| {
        entry.group == group
            && entry.exists()
            && !entry.keys.is_empty()
            && (may_operate || !entry.operates())
            && (is_demo || !entry.presents())
    })
}

fn group_ui(ui: &mut Ui, group: ActionGroup, entries: &[&ActionEntry]) {
    let palette = style::palette(ui.ctx());
    ui.add_space(8.0);
    ui.label(RichText::new(group.words()).font(style::semibold(text::SECTION)));
    Grid::new(("keys", group.words())).num_columns(2).spacing([20.0, 6.0]).show(ui, |ui| {
        for entry in entries {
            let keys = RichText::new(entry.key_words()).font(style::mono(text::MONO));
            ui.label(keys.color(ink(palette.violet_text)));
            ui.label(entry.name);
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
        for entry in ACTIONS.iter().filter(|entry| !entry.keys.is_empty()) {
            assert!(harness.query_by_label(entry.name).is_some(), "{}", entry.name);
            let keys = harness.query_all_by_label_contains(&entry.key_words()).count();
            assert!(keys > 0, "{}", entry.key_words());
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
        let asks = ACTIONS.iter().filter(|entry| entry.operates());
        assert_eq!(asks.clone().count(), 4);
        assert!(asks.clone().all(|entry| harness.query_by_label(entry.name).is_none()));
    }

    #[test]
    fn help_omits_the_presenters_keys_outside_the_demo() {
        let harness = harness((), |ui, ()| {
            help_ui(ui.ctx(), true, false);
        });
        let presents = ACTIONS.iter().filter(|entry| entry.presents());
        assert_eq!(presents.clone().count(), 7);
        assert!(presents.clone().all(|entry| harness.query_by_label(entry.name).is_none()));
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
