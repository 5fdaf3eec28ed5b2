//! A row of the settings: name, value, where it comes from, reset.

use bevy_egui::egui::{
    Color32, Rect, Sense, Shape, Stroke, StrokeKind, TextFormat, Ui, WidgetInfo, WidgetType, pos2,
    text::LayoutJob, vec2,
};

use super::editor::editor_ui;
use super::state::{SettingsState, SettingsView, is_changed};
use crate::app::panel::style::{self, ink};
use crate::app::panel::widgets::{describe_button, elided, focus_ring, paint_line};
use crate::app::state::actions::Action;
use crate::app::words::one_line;
use crate::config::{Origin, SettingEntry};

/// Heights of a row, and of the head of a group.
pub(super) const ROW: f32 = 37.0;
pub(super) const HEAD: f32 = 28.0;
/// Distance of the names from the left edge.
pub(super) const LEFT: f32 = 15.0;
/// Room of the word "reset" at the right edge.
const RESET: f32 = 68.0;
/// Size of small words, in points.
const WORDS: f32 = 14.5;

/// Left edges of the columns, as parts of the width.
pub(super) const VALUE: f32 = 0.345;
pub(super) const ORIGIN: f32 = 0.585;

/// Shows a row; returns what the user wants.
pub(super) fn row_ui(
    ui: &mut Ui,
    view: &SettingsView,
    entry: &SettingEntry,
    state: &mut SettingsState,
    is_odd: bool,
) -> Option<Action> {
    let palette = style::palette(ui.ctx());
    let is_chosen = state.chosen.as_deref() == Some(entry.name.as_str());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| {
        let origin = match entry.origin.to_string().as_str() {
            "" => entry.origin.word().to_owned(),
            place => format!("{} {place}", entry.origin.word()),
        };
        let label = format!("{}: {origin}", entry.title());
        WidgetInfo::selected(WidgetType::SelectableLabel, true, is_chosen, label)
    });
    if is_chosen {
        ui.painter().rect_filled(rect, 0.0, ink(palette.selection));
        let edge = Rect::from_min_size(rect.min, vec2(4.0, rect.height()));
        ui.painter().rect_filled(edge, 0.0, ink(palette.violet_text));
        if std::mem::take(&mut state.scroll_to_chosen) {
            response.scroll_to_me(None);
        }
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 0.0, ink(palette.hover));
    } else if is_odd {
        ui.painter().rect_filled(rect, 0.0, ink(palette.text).gamma_multiply(0.03));
    }
    focus_ring(ui, &response, rect);
    if response.clicked() {
        state.chosen = Some(entry.name.clone());
    }
    if response.gained_focus() {
        state.chosen = Some(entry.name.clone());
    }
    let x = |part: f32| rect.left() + rect.width() * part;
    let y = rect.center().y;
    let title = title_galley(ui, entry, &state.query, x(VALUE) - rect.left() - LEFT - 10.0);
    paint_line(ui, rect.left() + LEFT, y, title);
    let room =
        Rect::from_min_max(pos2(x(VALUE), rect.top()), pos2(x(ORIGIN) - 14.0, rect.bottom()));
    let enters = is_chosen && std::mem::take(&mut state.enters);
    let mut wanted = editor_ui(ui, room, view, entry, state, enters);
    let mut right = rect.right() - 20.0;
    if entry.is_in_file() {
        let button = Rect::from_min_max(
            pos2(right - RESET + 16.0, rect.top() + 4.0),
            pos2(right, rect.bottom() - 4.0),
        );
        let id = ui.id().with(("reset", &entry.name));
        let response = ui.interact(button, id, Sense::click());
        describe_button(&response, &format!("Reset {}", entry.title()));
        let tone = if is_chosen { palette.text } else { palette.violet_text };
        let words = elided(ui, "reset", style::semibold(WORDS), tone, RESET);
        paint_line(ui, button.center().x - words.size().x / 2.0, y, words);
        focus_ring(ui, &response, button);
        if response.clicked() {
            wanted = Some(Action::ChangeSetting(entry.name.clone(), None));
        }
    }
    if entry.is_in_file() {
        right -= RESET;
    }
    origin_ui(
        ui,
        view,
        entry,
        Rect::from_min_max(pos2(x(ORIGIN), rect.top()), pos2(right, rect.bottom())),
        is_chosen,
    );
    wanted
}

/// Paints where the value comes from: a pill and words.
fn origin_ui(ui: &Ui, view: &SettingsView, entry: &SettingEntry, room: Rect, is_chosen: bool) {
    let palette = style::palette(ui.ctx());
    let quiet = if is_chosen { palette.text } else { palette.text_secondary };
    let y = room.center().y;
    let is_default = entry.origin == Origin::Default;
    let (font, tone) = match is_default {
        true => (style::body(WORDS), quiet),
        false => (style::semibold(WORDS), palette.text),
    };
    let word = elided(ui, entry.origin.word(), font, tone, room.width() - 18.0);
    let pill = Rect::from_min_size(pos2(room.left(), y - 12.5), vec2(word.size().x + 18.0, 25.0));
    if is_default {
        // Dashed, as everything that is not set.
        let stroke = Stroke::new(1.2, ink(palette.line_strong));
        let points = outline(pill);
        ui.painter().extend(Shape::dashed_line(&points, stroke, 3.0, 3.0));
    } else {
        let stroke = Stroke::new(1.2, ink(palette.text_secondary));
        ui.painter().rect(pill, 12.5, Color32::TRANSPARENT, stroke, StrokeKind::Inside);
    }
    paint_line(ui, pill.left() + 9.0, y, word);
    let (words, is_warning) = origin_words(view, entry);
    let left = pill.right() + 9.0;
    let tone = if is_warning { palette.cancelled } else { quiet };
    let font = if is_warning { style::semibold(WORDS) } else { style::body(WORDS) };
    let words = elided(ui, &words, font, tone, room.right() - left);
    paint_line(ui, left, y, words);
}

/// Returns the outline of a pill.
fn outline(pill: Rect) -> Vec<bevy_egui::egui::Pos2> {
    let radius = pill.height() / 2.0;
    let ends = [(pill.right() - radius, -90.0_f32), (pill.left() + radius, 90.0)];
    let mut points = Vec::new();
    for (x, from) in ends {
        for step in 0..=8 {
            let angle = (from + 22.5 * step as f32).to_radians();
            points.push(pos2(x, pill.center().y) + radius * vec2(angle.cos(), angle.sin()));
        }
    }
    points.extend(points.first().copied());
    points
}

/// Returns the words beside the pill, and true for a warning.
fn origin_words(view: &SettingsView, entry: &SettingEntry) -> (String, bool) {
    if let Some((_, reason)) = view.refusal.filter(|(name, _)| *name == entry.name) {
        return (format!("not saved: {}", one_line(reason)), true);
    }
    if let Some(line) = entry.wrong_line {
        let words = format!("line {line} was not understood");
        return match &entry.origin {
            Origin::Default => (words, true),
            origin => (format!("{}; {words}", one_line(&origin.to_string())), true),
        };
    }
    let place = match &entry.origin {
        // A default that depends on other settings.
        Origin::Default if entry.default.contains(';') => entry.default.clone(),
        origin => origin.to_string(),
    };
    let words = match &entry.loses {
        Some((origin, values)) => format!("{place}, over {origin}: \"{}\"", values.join(", ")),
        None => place,
    };
    (one_line(&words), false)
}

/// Lays out the name with the parts that the search found on their own ground.
fn title_galley(
    ui: &Ui,
    entry: &SettingEntry,
    query: &str,
    room: f32,
) -> std::sync::Arc<bevy_egui::egui::Galley> {
    let palette = style::palette(ui.ctx());
    let font = match is_changed(entry) {
        true => style::semibold(15.5),
        false => style::body(15.5),
    };
    let title = entry.title();
    let plain = TextFormat::simple(font, ink(palette.text));
    let hit = TextFormat {
        color: ink(palette.on_search_hit),
        background: ink(palette.search_hit),
        ..plain.clone()
    };
    let lower = title.to_lowercase();
    let mut is_hit = vec![false; title.len()];
    for word in query.to_lowercase().split_whitespace() {
        for (at, _) in lower.match_indices(word) {
            is_hit.iter_mut().skip(at).take(word.len()).for_each(|it| *it = true);
        }
    }
    let mut job = LayoutJob::default();
    for (at, sign) in title.char_indices() {
        let format = if is_hit.get(at) == Some(&true) { &hit } else { &plain };
        job.append(sign.encode_utf8(&mut [0; 4]), 0.0, format.clone());
    }
    job.wrap.max_width = room.max(40.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    ui.painter().layout_job(job)
}

/// Shows the head of a group.
pub(super) fn group_ui(ui: &mut Ui, name: &str) {
    let palette = style::palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEAD), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, name));
    ui.painter().rect_filled(rect, 0.0, ink(palette.bridge));
    let words = elided(ui, name, style::semibold(WORDS), palette.violet_text, rect.width());
    paint_line(ui, rect.left() + LEFT, rect.center().y, words);
}
