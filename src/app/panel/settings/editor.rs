//! The editor of a value: a switch, a list, or a field for numbers and texts.

use bevy_egui::egui::{
    self, Align, ComboBox, Key, Rect, RichText, Sense, Stroke, StrokeKind, TextEdit, Ui, UiBuilder,
    WidgetInfo, WidgetType, pos2, vec2,
};

use super::state::{SettingsState, SettingsView, field_id};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{elided, focus_ring, paint_line, set_accessible_name};
use crate::app::state::actions::Action;
use crate::config::{SettingEntry, SettingKind};

/// Widths of the editors.
const NUMBER: f32 = 92.0;
const CHOICE: f32 = 160.0;
/// Height of an editor.
const HEIGHT: f32 = 31.0;
/// Size of a switch.
const SWITCH: egui::Vec2 = vec2(42.0, 22.0);

/// Shows the editor of a setting at the left of `room`; returns the change that the user wants.
pub(super) fn editor_ui(
    ui: &mut Ui,
    room: Rect,
    view: &SettingsView,
    entry: &SettingEntry,
    state: &mut SettingsState,
    enters: bool,
) -> Option<Action> {
    let y = room.center().y;
    let at = |width: f32, height: f32| {
        Rect::from_min_size(pos2(room.left(), y - height / 2.0), vec2(width, height))
    };
    match &entry.kind {
        SettingKind::Switch => {
            let rect = Rect::from_min_size(
                pos2(room.left(), y - SWITCH.y / 2.0),
                vec2(SWITCH.x + 46.0, SWITCH.y),
            );
            switch_ui(ui, rect, entry, enters)
        }
        SettingKind::Choice(choices) => {
            choice_ui(ui, at(CHOICE.min(room.width()), HEIGHT), entry, choices, enters)
        }
        SettingKind::Number => {
            field_ui(ui, at(NUMBER.min(room.width()), HEIGHT), view, entry, state, enters)
        }
        SettingKind::Text | SettingKind::List => {
            field_ui(ui, at(room.width(), HEIGHT), view, entry, state, enters)
        }
    }
}

/// Returns the default without the cases in which it is another one.
fn short_default(entry: &SettingEntry) -> &str {
    entry.default.split(';').next().unwrap_or_default()
}

/// Returns the change of a setting to one value.
fn change(entry: &SettingEntry, value: &str) -> Action {
    Action::ChangeSetting(entry.name.clone(), Some(vec![value.to_owned()]))
}

fn switch_ui(ui: &mut Ui, rect: Rect, entry: &SettingEntry, enters: bool) -> Option<Action> {
    let palette = style::palette(ui.ctx());
    let response = ui.interact(rect, field_id(&entry.name), Sense::click());
    let is_on = entry.is_on();
    response.widget_info(|| WidgetInfo::selected(WidgetType::Checkbox, true, is_on, entry.title()));
    let track = Rect::from_min_size(rect.min, SWITCH);
    let (fill, edge) = match is_on {
        true => (palette.violet, palette.violet_led),
        false => (palette.bezel_top, palette.line_strong),
    };
    let stroke = Stroke::new(1.2, ink(edge));
    ui.painter().rect(track, 11.0, ink(fill), stroke, StrokeKind::Inside);
    let knob = if is_on { track.right() - 11.0 } else { track.left() + 11.0 };
    let tone = if is_on { palette.on_violet } else { palette.text_secondary };
    ui.painter().circle_filled(pos2(knob, track.center().y), 7.5, ink(tone));
    let words = if is_on { "on" } else { "off" };
    let words = elided(ui, words, style::body(text::MONO), palette.text, 40.0);
    paint_line(ui, track.right() + 10.0, track.center().y, words);
    focus_ring(ui, &response, rect.expand(3.0));
    let is_asked = response.clicked() || enters;
    is_asked.then(|| change(entry, if is_on { "no" } else { "yes" }))
}

fn choice_ui(
    ui: &mut Ui,
    rect: Rect,
    entry: &SettingEntry,
    choices: &[String],
    enters: bool,
) -> Option<Action> {
    let now = match entry.values.first() {
        Some(value) => value.clone(),
        None => short_default(entry).to_owned(),
    };
    let mut wanted = None;
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect));
    child.spacing_mut().interact_size.y = HEIGHT;
    let shown = ComboBox::from_id_salt(field_id(&entry.name))
        .width(rect.width())
        .selected_text(crate::text::one_line(&now))
        .truncate()
        .show_ui(&mut child, |ui| {
            for choice in choices {
                if ui.selectable_label(*choice == now, choice).clicked() {
                    wanted = Some(change(entry, choice));
                }
            }
        });
    set_accessible_name(&shown.response, &entry.title());
    if enters {
        shown.response.request_focus();
    }
    wanted
}

fn field_ui(
    ui: &mut Ui,
    rect: Rect,
    view: &SettingsView,
    entry: &SettingEntry,
    state: &mut SettingsState,
    enters: bool,
) -> Option<Action> {
    let palette = style::palette(ui.ctx());
    let id = field_id(&entry.name);
    let value = entry.value();
    let draft = state.draft.as_ref().filter(|(name, _)| *name == entry.name);
    let mut typed = draft.map_or_else(|| value.clone(), |(_, typed)| typed.clone());
    let is_refused = view.refusal.is_some_and(|(name, _)| name == entry.name);
    let edge = match (is_refused || entry.wrong_line.is_some(), ui.memory(|it| it.has_focus(id))) {
        (_, true) => Stroke::new(2.0, ink(palette.violet_text)),
        (true, false) => Stroke::new(1.5, ink(palette.cancelled)),
        (false, false) => Stroke::new(1.0, ink(palette.line_strong)),
    };
    ui.painter().rect(rect, 5.0, ink(palette.well), edge, StrokeKind::Inside);
    let mut inner = rect.shrink2(vec2(10.0, 2.0));
    if !entry.unit.is_empty() && entry.kind == SettingKind::Number {
        let unit = elided(ui, entry.unit, style::body(text::MONO), palette.text_secondary, 20.0);
        inner.max.x -= unit.size().x + 6.0;
        paint_line(ui, inner.right() + 6.0, rect.center().y, unit);
    }
    let hint = match short_default(entry) {
        "" => "not set",
        default => default,
    };
    let field = TextEdit::singleline(&mut typed)
        .id(id)
        .hint_text(RichText::new(crate::text::one_line(hint)).color(ink(palette.text_tertiary)))
        .font(style::body(text::MONO))
        .frame(egui::Frame::NONE)
        .margin(egui::Margin::ZERO)
        .vertical_align(Align::Center)
        .min_size(inner.size())
        .desired_width(inner.width());
    // A child, so that the field takes no room from the rows.
    let response = ui.new_child(UiBuilder::new().max_rect(inner)).add(field);
    set_accessible_name(&response, &entry.title());
    if enters {
        response.request_focus();
    }
    if response.changed() {
        state.draft = Some((entry.name.clone(), typed.clone()));
    }
    if response.gained_focus() {
        state.chosen = Some(entry.name.clone());
    }
    if !response.lost_focus() {
        return None;
    }
    let (_, typed) = state.draft.take().filter(|(name, _)| *name == entry.name)?;
    let is_given_up = ui.input(|input| input.key_pressed(Key::Escape));
    let typed = typed.trim();
    if is_given_up || typed == value {
        return None;
    }
    let values = match (&entry.kind, typed) {
        (_, "") => None,
        (SettingKind::List, typed) => {
            Some(typed.split(", ").map(|part| part.trim().to_owned()).collect())
        }
        (_, typed) => Some(vec![typed.to_owned()]),
    };
    // An empty field means the default, which a file that sets nothing has already.
    let changes = values.is_some() || entry.is_in_file();
    changes.then(|| Action::ChangeSetting(entry.name.clone(), values))
}
