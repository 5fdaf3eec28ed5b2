//! The help: every key, and what the signs mean.

use bevy_egui::egui::{
    Align, Align2, Context, Grid, Layout, RichText, ScrollArea, Ui, Window, vec2,
};

use super::glyph::{Sign, close_ui, sign_ui};
use super::style::{self, ink, text};
use crate::app::actions::{Action, SHORTCUTS};

/// The signs with what they say.
const LEGEND: [(Sign, &str, &str); 8] = [
    (Sign::Running, "running", "under way; the ring grows towards its usual time"),
    (Sign::Success, "done", "it succeeded"),
    (Sign::Failed, "failed", "it failed; a later pass may still succeed"),
    (Sign::Cancelled, "cancelled", "someone stopped the run"),
    (Sign::Skipped, "skipped", "it was not needed and never started"),
    (Sign::Unknown, "unknown", "its story was missed: it may have run or not"),
    (Sign::Silent, "no news", "it runs, and nothing was heard of it for 30 s"),
    (Sign::Pending, "pending", "it has not been its turn yet"),
];

/// The heading, and what is left free above and below the window.
const AROUND: f32 = 96.0;

/// Shows the help, and returns what was asked for in it.
pub(super) fn help_ui(ctx: &Context) -> Vec<Action> {
    let mut actions = Vec::new();
    Window::new("Keys and signs")
        .title_bar(false)
        .resizable(false)
        .collapsible(false)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .default_width(560.0)
        .show(ctx, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Keys and signs").font(style::semibold(text::HEAD)));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if close_ui(ui, "Close the help").clicked() {
                        actions.push(Action::ToggleHelp);
                    }
                    ui.weak("Esc to close");
                });
            });
            ui.add_space(4.0);
            // On a small screen the cross stays in sight.
            let room = ctx.content_rect().height() - AROUND;
            ScrollArea::vertical().max_height(room).show(ui, told_ui);
        });
    actions
}

fn told_ui(ui: &mut Ui) {
    keys_ui(ui);
    ui.add_space(8.0);
    ui.label(RichText::new("Signs").font(style::semibold(text::SECTION)));
    legend_ui(ui);
    ui.add_space(8.0);
    ui.weak(
        "On a dial the tick is the usual time (half take longer), and the end of the scale \
         is what 19 of 20 stay under. On a meter the dot is the highest of the last \
         minute; of the run time, what 19 of 20 stay under. The tape below has the \
         history, the newest at the right.",
    );
}

fn keys_ui(ui: &mut Ui) {
    let palette = style::palette(ui.ctx());
    Grid::new("keys").num_columns(2).spacing([20.0, 6.0]).show(ui, |ui| {
        let mut told: Vec<&str> = Vec::new();
        for shortcut in SHORTCUTS {
            if told.contains(&shortcut.text) {
                continue;
            }
            told.push(shortcut.text);
            let same = SHORTCUTS.iter().filter(|other| other.text == shortcut.text);
            let keys: Vec<&str> = same.map(|other| other.key_text).collect();
            let keys = RichText::new(keys.join("  ")).font(style::mono(text::MONO));
            ui.label(keys.color(ink(palette.violet_text)));
            ui.label(shortcut.text);
            ui.end_row();
        }
    });
}

fn legend_ui(ui: &mut Ui) {
    Grid::new("signs").num_columns(3).spacing([12.0, 6.0]).show(ui, |ui| {
        for (sign, name, words) in LEGEND {
            sign_ui(ui, sign, 9.5);
            let name = RichText::new(name).font(style::semibold(text::BODY));
            ui.label(name.color(ink(sign.text_colour(style::palette(ui.ctx())))));
            ui.weak(words);
            ui.end_row();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::harness;
    use egui_kittest::kittest::Queryable;

    #[test]
    fn every_key_and_sign_is_told() {
        let harness = harness((), |ui, ()| {
            help_ui(ui.ctx());
        });
        for shortcut in SHORTCUTS {
            assert!(harness.query_by_label(shortcut.text).is_some(), "{}", shortcut.text);
            let keys = harness.query_all_by_label_contains(shortcut.key_text).count();
            assert!(keys > 0, "{}", shortcut.key_text);
        }
        for (_, name, _) in LEGEND {
            assert!(harness.query_by_label(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_cross_closes_it() {
        let mut harness = harness(Vec::new(), |ui, actions: &mut Vec<Action>| {
            actions.extend(help_ui(ui.ctx()));
        });
        harness.get_by_label("Close the help").click();
        harness.run();
        assert_eq!(*harness.state(), [Action::ToggleHelp]);
    }
}
