//! Parts of the settings around the rows: head, complaints, groups, foot.

use bevy_egui::egui::{
    Align, Checkbox, ComboBox, Frame, Layout, Margin, Rect, RichText, ScrollArea, Sense, Stroke,
    StrokeKind, TextEdit, Ui, UiBuilder, WidgetInfo, WidgetType, pos2, vec2,
};

use super::row::{LEFT, ORIGIN, VALUE};
use super::state::{SettingsState, SettingsView, is_changed, search_id};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{
    Offer, button_ui, close_ui, elided, paint_line, paint_line_to, set_accessible_name,
};
use crate::app::state::actions::{Action, With};
use crate::app::words::one_line;
use crate::config::{Complaint, SettingEntry};

/// Heights of the head and of the foot with the description of the chosen setting.
pub(super) const TOP: f32 = 52.0;
pub(super) const FOOT: f32 = 46.0;
pub(super) const ABOUT: f32 = 54.0;
/// Height of the names of the columns.
pub(super) const COLUMNS: f32 = 30.0;
/// Height of an entry in the list of groups.
const GROUP: f32 = 36.0;
/// Most room for complaints.
const COMPLAINTS: f32 = 168.0;
/// Width of the search in a wide window.
const SEARCH: f32 = 420.0;
/// Name of the choice of all groups.
const ALL: &str = "All";
/// Height of a rank.
const RANK: f32 = 22.0;
/// Ranks of the places that a value comes from.
const RANKS: [&str; 5] =
    ["1  flag", "2  environment", "3  file, this profile", "4  file, all", "5  default"];
/// Words that tell how to start with a profile.
const STARTS_WITH: &str = "to start with it: --profile NAME";

/// Shows title, profile, search and the closing cross; returns what the user wants.
pub(super) fn top_ui(
    ui: &mut Ui,
    rect: Rect,
    view: &SettingsView,
    state: &mut SettingsState,
) -> Vec<Action> {
    let palette = style::palette(ui.ctx());
    let mut actions = Vec::new();
    ui.painter().rect_filled(rect, 0.0, ink(palette.bridge));
    ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, ink(palette.hair)));
    let inner = rect.shrink2(vec2(20.0, 8.0));
    let is_wide = rect.width() >= 900.0;
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        ui.horizontal_centered(|ui| {
            ui.label(RichText::new("Settings").font(style::semibold(text::HEAD)));
            ui.add_space(10.0);
            profile_ui(ui, view, is_wide, &mut actions);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if close_ui(ui, "Close the settings").clicked() {
                    actions.push(Action::ToggleSettings);
                }
                let changed = view.table.entries.iter().filter(|it| is_changed(it)).count();
                if is_wide {
                    ui.weak("Esc");
                }
                let words = format!("only changed, {changed}");
                ui.add(Checkbox::new(&mut state.only_changed, words));
                let width = ui.available_width().min(SEARCH);
                search_ui(ui, width, state);
            });
        });
    });
    actions
}

fn profile_ui(ui: &mut Ui, view: &SettingsView, is_wide: bool, actions: &mut Vec<Action>) {
    if view.table.profiles.is_empty() {
        return;
    }
    if is_wide {
        ui.weak("profile");
    }
    let now = view.table.profile.as_deref();
    let shown = ComboBox::from_id_salt("settings profile")
        .width(130.0)
        .selected_text(one_line(now.unwrap_or("none")))
        .truncate()
        .show_ui(ui, |ui| {
            let names = view.table.profiles.iter().map(|name| Some(name.as_str()));
            for profile in std::iter::once(None).chain(names) {
                let name = one_line(profile.unwrap_or("none"));
                if ui.selectable_label(profile == now, name).clicked() {
                    actions.push(Action::ChooseProfile(profile.map(str::to_owned)));
                }
            }
            ui.separator();
            ui.weak(STARTS_WITH);
        });
    set_accessible_name(&shown.response, "Profile");
    shown.response.on_hover_text(STARTS_WITH);
}

fn search_ui(ui: &mut Ui, width: f32, state: &mut SettingsState) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(width, 31.0), Sense::hover());
    let has_focus = ui.memory(|memory| memory.has_focus(search_id()));
    let (thick, tone) =
        if has_focus { (2.0, palette.violet_text) } else { (1.0, palette.line_strong) };
    let edge = Stroke::new(thick, ink(tone));
    ui.painter().rect(rect, 6.0, ink(palette.well), edge, StrokeKind::Inside);
    let lens = pos2(rect.left() + 17.0, rect.center().y - 1.0);
    let stroke = Stroke::new(1.8, ink(palette.text_secondary));
    ui.painter().circle_stroke(lens, 5.5, stroke);
    ui.painter().line_segment([lens + vec2(4.0, 4.0), lens + vec2(9.0, 9.0)], stroke);
    let mut inner = rect.shrink2(vec2(10.0, 2.0));
    inner.min.x = rect.left() + 34.0;
    if rect.width() > 260.0 {
        let keys = elided(ui, &ctrl("F"), style::body(text::SMALL), palette.text_tertiary, 60.0);
        inner.max.x -= keys.size().x + 8.0;
        paint_line_to(ui, rect.right() - 10.0, rect.center().y, keys);
    }
    let hint = "Find a setting";
    let field = TextEdit::singleline(&mut state.query)
        .id(search_id())
        .hint_text(RichText::new(hint).color(ink(palette.text_tertiary)))
        .font(style::body(15.5))
        .frame(Frame::NONE)
        .margin(Margin::ZERO)
        .vertical_align(Align::Center)
        .desired_width(inner.width());
    let response = ui.put(inner, field);
    set_accessible_name(&response, hint);
    if std::mem::take(&mut state.wants_search) {
        response.request_focus();
    }
    if response.changed() {
        (state.chosen, state.scroll_to_chosen) = (None, false);
    }
}

/// Shows the mistakes in the file, at most so high; returns what the user wants.
pub(super) fn complaints_ui(ui: &mut Ui, complaints: &[Complaint], most: f32) -> Option<Action> {
    if complaints.is_empty() {
        return None;
    }
    let mut wanted = None;
    Frame::new().inner_margin(Margin { left: 16, right: 16, top: 10, bottom: 4 }).show(ui, |ui| {
        ScrollArea::vertical().id_salt("complaints").max_height(COMPLAINTS.min(most)).show(
            ui,
            |ui| {
                for (place, complaint) in complaints.iter().enumerate() {
                    ui.push_id(place, |ui| {
                        if complaint_ui(ui, complaint, place == 0) {
                            wanted = Some(Action::ReadSettings);
                        }
                    });
                }
            },
        );
    });
    wanted
}

/// Shows a mistake; returns true when the file is to be read again.
fn complaint_ui(ui: &mut Ui, complaint: &Complaint, has_button: bool) -> bool {
    let palette = style::palette(ui.ctx());
    let mut reads = false;
    let frame = Frame::new()
        .fill(ink(palette.cancelled_band))
        .stroke(Stroke::new(1.5, ink(palette.cancelled)))
        .corner_radius(8)
        .inner_margin(Margin { left: 18, right: 14, top: 8, bottom: 8 });
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                if has_button {
                    reads = button_ui(ui, "Read again", Offer::Plain, 96.0).clicked();
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 4.0;
                    ui.label(RichText::new(complaint.title()).font(style::semibold(text::BODY)));
                    if let Some(line) = complaint.quoted() {
                        ui.label(RichText::new(line).font(style::mono(text::MONO)));
                    }
                    let used = RichText::new(&complaint.used).font(style::body(text::MONO));
                    ui.label(used.color(ink(palette.text_secondary)));
                });
            });
        });
    });
    let edge =
        Rect::from_min_size(shown.response.rect.min, vec2(6.0, shown.response.rect.height()));
    ui.painter().rect_filled(edge, 2.0, ink(palette.cancelled));
    reads
}

/// Returns the groups with the number of settings that the search finds in each.
fn groups<'a>(view: &'a SettingsView, state: &SettingsState) -> Vec<(&'a str, usize)> {
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for entry in &view.table.entries {
        if groups.last().is_none_or(|(name, _)| *name != entry.group) {
            groups.push((&entry.group, 0));
        }
    }
    for entry in state.found(view.table) {
        if let Some((_, count)) = groups.iter_mut().find(|(name, _)| *name == entry.group) {
            *count += 1;
        }
    }
    groups
}

/// Shows the groups in a column of their own.
pub(super) fn groups_ui(ui: &mut Ui, rect: Rect, view: &SettingsView, state: &mut SettingsState) {
    let palette = style::palette(ui.ctx());
    let all = state.found(view.table).len();
    let groups = groups(view, state);
    ui.painter().vline(rect.right(), rect.y_range(), Stroke::new(1.0, ink(palette.hair)));
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(10.0, 6.0))), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (name, count) in std::iter::once((ALL, all)).chain(groups) {
            let is_chosen = state.group.as_deref().unwrap_or(ALL) == name;
            let size = vec2(ui.available_width(), GROUP);
            let (row, response) = ui.allocate_exact_size(size, Sense::click());
            response.widget_info(|| {
                let label = format!("{name}, {count}");
                WidgetInfo::selected(WidgetType::SelectableLabel, true, is_chosen, label)
            });
            let back = row.shrink2(vec2(0.0, 1.0));
            if is_chosen {
                ui.painter().rect_filled(back, 6.0, ink(palette.selection));
            } else if response.hovered() {
                ui.painter().rect_filled(back, 6.0, ink(palette.hover));
            }
            let y = row.center().y;
            let number = elided(
                ui,
                &count.to_string(),
                style::body(text::MONO),
                palette.text_secondary,
                50.0,
            );
            let font = if is_chosen { style::semibold(15.5) } else { style::body(15.5) };
            let words = elided(ui, name, font, palette.text, row.width() - number.size().x - 32.0);
            paint_line(ui, row.left() + 12.0, y, words);
            paint_line_to(ui, row.right() - 12.0, y, number);
            crate::app::panel::widgets::focus_ring(ui, &response, back);
            if response.clicked() {
                state.group = (name != ALL).then(|| name.to_owned());
            }
        }
        ui.spacing_mut().interact_size.y = RANK;
        if ui.available_height() < RANK * (RANKS.len() + 2) as f32 {
            return;
        }
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            ui.add_space(12.0);
            ui.label(RichText::new("What wins").font(style::semibold(14.5)));
        });
        for rank in RANKS {
            ui.horizontal(|ui| {
                ui.add_space(12.0);
                let words = RichText::new(rank).font(style::body(14.5));
                ui.label(words.color(ink(palette.text_secondary)));
            });
        }
    });
}

/// Shows the groups as a list that opens, for a narrow window.
pub(super) fn group_choice_ui(ui: &mut Ui, view: &SettingsView, state: &mut SettingsState) {
    let all = state.found(view.table).len();
    let groups = groups(view, state);
    let now = state.group.clone();
    ui.horizontal(|ui| {
        ui.add_space(LEFT);
        let shown = ComboBox::from_id_salt("settings group")
            .width(220.0)
            .selected_text(now.as_deref().unwrap_or(ALL))
            .show_ui(ui, |ui| {
                for (name, count) in std::iter::once((ALL, all)).chain(groups) {
                    let is_chosen = now.as_deref().unwrap_or(ALL) == name;
                    if ui.selectable_label(is_chosen, format!("{name}, {count}")).clicked() {
                        state.group = (name != ALL).then(|| name.to_owned());
                    }
                }
            });
        set_accessible_name(&shown.response, "Group");
    });
}

/// Shows the names of the columns.
pub(super) fn columns_ui(ui: &mut Ui) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), COLUMNS), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, ink(palette.bridge));
    let starts = [LEFT, rect.width() * VALUE, rect.width() * ORIGIN];
    for (start, name) in starts.into_iter().zip(["setting", "value", "comes from"]) {
        let words = elided(ui, name, style::body(text::SMALL), palette.text_secondary, 160.0);
        paint_line(ui, rect.left() + start, rect.center().y, words);
    }
}

/// Shows what the chosen setting does, and when a change of it takes effect.
pub(super) fn about_ui(ui: &mut Ui, rect: Rect, entry: Option<&SettingEntry>) {
    let palette = style::palette(ui.ctx());
    ui.painter().hline(rect.x_range(), rect.top(), Stroke::new(1.0, ink(palette.hair)));
    let Some(entry) = entry else { return };
    let inner = rect.shrink2(vec2(20.0, 6.0));
    let effect = match () {
        () if entry.is_overridden() => {
            format!(
                "Set by {}: a change is saved and takes effect at the next start without it.",
                place(entry)
            )
        }
        () if entry.is_live() => "A change takes effect at once.".to_owned(),
        () => "A change takes effect at the next start.".to_owned(),
    };
    let key = format!("{}  ·  {effect}", entry.name);
    let help =
        elided(ui, &one_line(&entry.help), style::body(text::MONO), palette.text, inner.width());
    let key = elided(ui, &key, style::body(text::SMALL), palette.text_secondary, inner.width());
    let response = ui.interact(rect, ui.id().with("about"), Sense::hover());
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Label, true, format!("{}. {effect}", entry.help))
    });
    paint_line(ui, inner.left(), inner.top() + 10.0, help);
    paint_line(ui, inner.left(), inner.bottom() - 9.0, key);
    response.on_hover_text(&entry.help);
}

fn place(entry: &SettingEntry) -> String {
    match entry.origin.to_string().as_str() {
        "on the command line" => "the command line".to_owned(),
        place => one_line(place),
    }
}

/// Returns a key with Ctrl, as printed on this machine's keyboard.
fn ctrl(key: &str) -> String {
    format!("{} {key}", With::Control.words())
}

/// Shows the keys, and where changes are saved.
pub(super) fn foot_ui(ui: &mut Ui, rect: Rect, view: &SettingsView) {
    let palette = style::palette(ui.ctx());
    ui.painter().rect_filled(rect, 0.0, ink(palette.bridge));
    ui.painter().hline(rect.x_range(), rect.top(), Stroke::new(1.0, ink(palette.hair)));
    let y = rect.center().y;
    let (words, tone) = match (&view.refusal, &view.saved) {
        (Some(("", reason)), _) => (one_line(reason), palette.cancelled),
        _ if view.table.place.is_empty() => {
            ("no settings file is used".to_owned(), palette.text_secondary)
        }
        (_, Some(saved)) => (format!("{saved} in {}", view.table.place), palette.text_secondary),
        _ => (format!("saved in {}", view.table.place), palette.text_secondary),
    };
    let half = rect.width() * 0.5;
    let words = elided(ui, &words, style::body(text::MONO), tone, half);
    let response = ui.interact(rect, ui.id().with("foot"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words.text()));
    let end = rect.right() - 20.0 - words.size().x;
    paint_line_to(ui, rect.right() - 20.0, y, words.clone());
    let undo = ctrl("Z");
    let keys = format!("↑ ↓ choose    Enter change    Backspace reset    {undo} undo");
    let room = end - rect.left() - 44.0;
    let keys = elided(ui, &keys, style::body(text::MONO), palette.text_secondary, room);
    paint_line(ui, rect.left() + 20.0, y, keys);
}
