//! Comparison of two runs of a song, side by side, with their differences marked.

mod copy_text;
mod panes;
mod rows;
mod strip;
#[cfg(test)]
mod tests;
mod times;
mod values;
mod view;

use bevy_egui::egui::{
    Frame, Key, Margin, Modifiers, Rect, RichText, ScrollArea, Sense, Stroke, Ui, UiBuilder, pos2,
    vec2,
};

use self::copy_text::comparison_text;
use self::times::Times;
use self::values::{Scores, parameter_rows};
use self::view::MOST_NUMBERS;
pub(super) use self::view::{Against, CompareState, CompareView, Tab};
use super::glyph::Sign;
use super::inspector::part::{InspectorButton, copy_button_ui, inspector_button_ui};
use super::style::{self, ink, text};
use super::widgets;
use crate::app::state::actions::{Action, ActionEntry, With};
use crate::app::theme::Palette;
use crate::app::words::{run_title, time_words};
use crate::model::Run;

/// Width from which the three panes stand beside each other, in points.
const WIDE: f32 = 1_100.0;

/// Gap between panes, in points.
const GAP: f32 = 14.0;

/// Shows the comparison in the whole room of `ui`; returns the requested actions.
pub(super) fn compare_ui(ui: &mut Ui, view: &CompareView, state: &mut CompareState) -> Vec<Action> {
    let log = view.run_store.model.log();
    let mut is_reading = state.a.update(log, view.a.id());
    if let Some(b) = view.b {
        is_reading |= state.b.update(log, b.id());
    }
    if is_reading {
        ui.ctx().request_repaint();
    }
    let stats = view.run_store.model.stats();
    let times = Times::of(view.a, view.b, stats, view.server_now);
    let mark =
        state.a.pass_mark(log).or_else(|| state.b.pass_mark(log).filter(|_| view.b.is_some()));
    let scores = Scores::of(view.a, view.b, mark, view.server_now);
    let read = [Some((view.a, &state.a)), view.b.map(|b| (b, &state.b))];
    let read = read.into_iter().flatten().map(|(run, lines)| lines.read_state(run)).collect();
    if state.parameters.0 != read {
        let b = view.b.map(|b| (b, &mut state.b));
        state.parameters = (read, parameter_rows((view.a, &mut state.a), b, log).into());
    }
    let parameters = state.parameters.1.clone();
    let names = [Some(view.a), view.b].map(|run| side_name(view, run));
    let mut actions = Vec::new();
    let copy = || comparison_text(view, &names, &times, &scores, &parameters);
    Frame::new().inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        keys(ui, view, state);
        head_ui(ui, view, state, &names, copy, &mut actions);
        let height = ui.available_height();
        let panes = |ui: &mut Ui, state: &mut CompareState, tab: Tab| {
            let only = state.only_differences;
            ui.push_id(tab as u8, |ui| match tab {
                Tab::Times => panes::times_ui(ui, &times, only),
                Tab::Scores => panes::scores_ui(ui, view, &scores, only),
                Tab::Parameters => panes::parameters_ui(ui, &parameters, view.b.is_some(), only),
            });
        };
        if ui.available_width() < WIDE {
            ScrollArea::vertical().id_salt("compare").auto_shrink([false, false]).show(ui, |ui| {
                strip::strip_ui(ui, view, &times, &names);
                tabs_ui(ui, state);
                panes(ui, state, state.tab);
            });
            return;
        }
        strip::strip_ui(ui, view, &times, &names);
        let top = ui.cursor().top();
        let bottom = (ui.max_rect().top() + height).max(ui.max_rect().bottom());
        let left = ui.max_rect().left();
        let width = ui.available_width() - 2.0 * GAP;
        let mut x = left;
        for (tab, part) in [(Tab::Times, 0.35), (Tab::Scores, 0.32), (Tab::Parameters, 0.33)] {
            let area = Rect::from_min_max(pos2(x, top), pos2(x + width * part, bottom));
            x = area.right() + GAP;
            let stroke = Stroke::new(1.5, ink(style::palette(ui.ctx()).hair));
            if tab != Tab::Parameters {
                ui.painter().vline(x - GAP / 2.0, area.y_range(), stroke);
            }
            let mut child = ui.new_child(UiBuilder::new().id_salt(tab as u8).max_rect(area));
            ScrollArea::vertical()
                .id_salt("pane")
                .auto_shrink([false, false])
                .show(&mut child, |ui| panes(ui, state, tab));
        }
        ui.allocate_rect(
            Rect::from_min_max(pos2(left, top), pos2(x - GAP, bottom)),
            Sense::hover(),
        );
    });
    actions
}

/// Name of a side: "attempt 3", else the run's; "usual run".
fn side_name(view: &CompareView, run: Option<&Run>) -> String {
    let Some(run) = run else { return "usual run".to_owned() };
    let is_same = view.b.is_none_or(|b| b.song_id.is_some() && b.song_id == view.a.song_id);
    if !is_same || run.song_id.is_none() {
        return view.run_store.name(run);
    }
    let attempt = view.run_store.song_story(run).map_or(1, |story| story.attempt);
    format!("attempt {attempt}")
}

/// Returns the runs of A's song with their numbers, without A and B, the latest first.
fn others<'a>(view: &CompareView<'a>) -> Vec<(usize, &'a Run)> {
    let numbered = view.run_store.numbered_song_runs(view.a).into_iter();
    let is_shown =
        |run: &Run| run.id() == view.a.id() || view.b.is_some_and(|b| b.id() == run.id());
    let mut others: Vec<_> = numbered.filter(|(_, run)| !is_shown(run)).collect();
    others.reverse();
    others
}

/// Does what a key asks for.
fn keys(ui: &Ui, view: &CompareView, state: &mut CompareState) {
    if ui.ctx().egui_wants_keyboard_input() {
        return;
    }
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    let digits = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
    ];
    for (number, key) in (1..=MOST_NUMBERS).zip(digits) {
        if pressed(Modifiers::NONE, key)
            && let Some((_, run)) = others(view).into_iter().find(|(other, _)| *other == number)
        {
            state.against = Against::Run(run.id().clone());
        }
    }
    if pressed(Modifiers::NONE, Key::U) {
        state.against = Against::Usual;
    }
    if pressed(Modifiers::SHIFT, Key::C)
        && let Some(b) = view.b
    {
        state.swap(view.a, b);
    }
}

/// Shows what is compared, and what can be done.
fn head_ui(
    ui: &mut Ui,
    view: &CompareView,
    state: &mut CompareState,
    names: &[String; 2],
    copy: impl FnOnce() -> String,
    actions: &mut Vec<Action>,
) {
    let palette = style::palette(ui.ctx());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        let title = RichText::new("Compare").font(style::semibold(text::SECTION));
        ui.label(title.color(ink(palette.text)));
        let song = run_title(view.a);
        let room = ui.available_width().min(260.0);
        let song = widgets::elided(ui, &song, style::body(text::SECTION), palette.text, room);
        let (rect, _) = ui.allocate_exact_size(vec2(song.size().x, 30.0), Sense::hover());
        widgets::paint_line(ui, rect.left(), rect.center().y, song);
        side_ui(ui, view, ("A", Some(view.a)), &names[0], actions);
        side_ui(ui, view, ("B", view.b), &names[1], actions);
        let has_b = view.b.is_some();
        let tip = if has_b { "A becomes B, and B becomes A" } else { "The usual run stays B" };
        // The key of the comparison, with Shift.
        let keys =
            ActionEntry::keys_of(&Action::Race).map(|key| format!("{} {key}", With::Shift.words()));
        if inspector_button_ui(ui, &button(palette, "Swap", keys, tip, has_b, 132.0)).clicked()
            && let Some(b) = view.b
        {
            state.swap(view.a, b);
        }
        for (number, run) in others(view).into_iter().take(MOST_NUMBERS) {
            let words = format!("B: attempt {number}");
            let key = (number <= MOST_NUMBERS).then(|| number.to_string());
            let tip = "Compare with this attempt";
            let shown = button(palette, &words, key, tip, true, 138.0);
            if inspector_button_ui(ui, &shown).clicked() {
                state.against = Against::Run(run.id().clone());
            }
        }
        if has_b {
            let tip = "Compare with the median of each step";
            let usual = button(palette, "B: usual run", Some("U".to_owned()), tip, true, 138.0);
            if inspector_button_ui(ui, &usual).clicked() {
                state.against = Against::Usual;
            }
        }
        ui.checkbox(&mut state.only_differences, "only differences");
        copy_button_ui(ui, "Copy", "Copy the comparison as text", 76.0, copy);
        let keys = ActionEntry::keys_of(&Action::Back);
        let close = button(palette, "Close", keys, "Close the comparison", true, 104.0);
        if inspector_button_ui(ui, &close).clicked() {
            actions.push(Action::Race);
        }
    });
}

/// Describes a button of the head.
fn button<'a>(
    palette: &Palette,
    words: &'a str,
    key: Option<String>,
    tip: &'a str,
    is_enabled: bool,
    width: f32,
) -> InspectorButton<'a> {
    InspectorButton { words, key, tone: palette.text, tip, is_enabled, width }
}

/// Shows one of the runs; a click selects it.
fn side_ui(
    ui: &mut Ui,
    view: &CompareView,
    (letter, run): (&str, Option<&Run>),
    name: &str,
    actions: &mut Vec<Action>,
) {
    let palette = style::palette(ui.ctx());
    let about = run.map_or_else(String::new, |run| {
        let begun =
            run.started_at.or(run.created_at).map(|_| time_words(run.begun_at(), view.zone));
        let seed = run.seed.map(|seed| format!("seed {seed}"));
        [begun, seed].into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    let room = (ui.available_width() - 80.0).max(120.0);
    let name_galley =
        widgets::elided(ui, name, style::semibold(15.5), palette.text, room.min(240.0));
    let rest = (room - name_galley.size().x - 16.0).max(0.0);
    let about_galley =
        widgets::elided(ui, &about, style::body(15.0), palette.text_secondary, rest.min(240.0));
    let sign_width = if run.is_some() { 22.0 } else { 0.0 };
    let width = 38.0 + sign_width + name_galley.size().x + 10.0 + about_galley.size().x + 10.0;
    let sense = if run.is_some() { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(width, 32.0), sense);
    let label = format!("{letter}: {name} {about}");
    widgets::describe_button(&response, label.trim());
    let stroke = Stroke::new(1.0, ink(palette.line_strong));
    let fill = if response.hovered() && run.is_some() { palette.hover } else { palette.bezel_top };
    let kind = bevy_egui::egui::StrokeKind::Inside;
    ui.painter().rect(rect, 8.0, ink(fill), stroke, kind);
    let y = rect.center().y;
    rows::paint_letter(ui, pos2(rect.left() + 17.0, y), letter);
    let mut x = rect.left() + 38.0;
    if let Some(run) = run {
        Sign::from(run.status).paint(ui.painter(), pos2(x + 7.0, y), 7.0);
        x += sign_width;
    }
    let name_width = name_galley.size().x;
    widgets::paint_line(ui, x, y, name_galley);
    widgets::paint_line(ui, x + name_width + 10.0, y, about_galley);
    widgets::focus_ring(ui, &response, rect);
    if let Some(run) = run.filter(|_| response.clicked()) {
        actions.push(Action::SelectRun(run.id().clone()));
    }
}

/// Shows the tabs of a narrow comparison.
fn tabs_ui(ui: &mut Ui, state: &mut CompareState) {
    ui.horizontal_wrapped(|ui| {
        for (tab, words) in Tab::ALL {
            if ui.selectable_label(state.tab == tab, words).clicked() {
                state.tab = tab;
            }
        }
    });
}
