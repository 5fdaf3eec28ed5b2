//! The palette (Ctrl K): finds runs, actions, steps and settings by some of their letters.

mod fuzzy;
mod results;
mod row;
#[cfg(test)]
mod tests;
mod view;

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    self, Align, Align2, Area, Color32, Context, Event, Id, Key, LayerId, Modifiers, Order,
    RichText, ScrollArea, Sense, Stroke, TextEdit, Ui, pos2, vec2,
};

use self::results::{Found, Group, GroupResults, Item, parts_of, search};
use self::row::row_ui;
use self::view::{PAD, PaletteView, ROW};
use super::key_caps::{keys_width, paint_keys};
use super::state::PanelState;
use super::style::{self, ink, text};
use super::widgets::{elided, paint_line, paint_line_to, set_accessible_name};
use crate::app::control::situation::SituationInput;
use crate::app::state::actions::{ACTIONS, Action};
use crate::app::state::chrome::Chrome;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::desk::Desk;
use crate::app::state::run_store::RunStore;
use crate::app::state::settings::SettingsBook;
use crate::app::state::view::View;
use crate::app::theme::Theme;
use crate::protocol::{NodeName, RunId};

/// Width of the palette, its distance from the upper edge, and the heights of its parts.
const WIDTH: f32 = 900.0;
const TOP: f32 = 96.0;
const FIELD: f32 = 64.0;
const HEAD: f32 = 32.0;
const FOOT: f32 = 46.0;
/// Text of the field.
const QUERY: f32 = 19.0;
/// Number of actions that are remembered as used last.
const MOST_USED: usize = 8;

/// Shows the palette while it is open, and performs what is chosen.
#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
pub(super) fn show(
    mut contexts: EguiContexts,
    mut state: ResMut<PaletteState>,
    (chrome, theme, book): (Res<Chrome>, Res<Theme>, Res<SettingsBook>),
    input: SituationInput,
    run_store: Res<RunStore>,
    clock: Res<PlaybackClock>,
    (mut panel, mut desk): (ResMut<PanelState>, ResMut<Desk>),
    mut actions: MessageWriter<Action>,
) -> Result {
    if !chrome.palette {
        state.close();
        return Ok(());
    }
    let ctx = contexts.ctx_mut()?.clone();
    if !style::install_style(&ctx, *theme) {
        return Ok(());
    }
    let situation = input.situation();
    let view = PaletteView {
        run_store: &run_store,
        situation: &situation,
        server_now: clock.server_now,
        settings: book.table(),
    };
    let Some(choice) = palette_ui(&ctx, &view, &mut state) else { return Ok(()) };
    actions.write(Action::TogglePalette);
    match choice {
        PaletteChoice::Close | PaletteChoice::Action(Action::TogglePalette) => {}
        PaletteChoice::Action(action) => {
            actions.write(action);
        }
        PaletteChoice::Step(run, node) => {
            panel.show_step(&run, &node);
            desk.is_comparing = false;
            if situation.view != View::Desk {
                actions.write(Action::ToggleDesk);
            }
            actions.write(Action::SelectRun(run));
        }
    }
    Ok(())
}

/// Query, choice and what was used last.
#[derive(Resource, Clone, Debug, Default)]
pub(super) struct PaletteState {
    query: String,
    /// Group that is shown alone.
    only: Option<Group>,
    /// Results of the query; `None` until it was searched.
    results: Option<Vec<GroupResults>>,
    /// Place of the chosen row among all rows.
    chosen: usize,
    /// Places of the actions used last, the newest first.
    used: Vec<usize>,
    was_open: bool,
    scroll_to_chosen: bool,
    /// True when Enter was pressed in a frame with letters.
    enters: bool,
}

impl PaletteState {
    /// Notes that the palette is closed; it opens empty again.
    pub(super) fn close(&mut self) {
        if self.was_open {
            *self = Self { used: std::mem::take(&mut self.used), ..Self::default() };
        }
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.results.iter().flatten().flat_map(|results| &results.items)
    }
}

/// Choice of the user in the palette.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PaletteChoice {
    /// Perform this action.
    Action(Action),
    /// Show this step of a run.
    Step(RunId, NodeName),
    /// Close the palette.
    Close,
}

/// Shows the palette above everything; returns what the user chose.
pub(super) fn palette_ui(
    ctx: &Context,
    view: &PaletteView,
    state: &mut PaletteState,
) -> Option<PaletteChoice> {
    let is_new = !std::mem::replace(&mut state.was_open, true);
    search_again(view, state);
    let mut choice = match keys(ctx, state) {
        Some(Typed::Escape) => Some(PaletteChoice::Close),
        Some(Typed::Enter) => {
            let chosen = state.items().nth(state.chosen);
            chosen.and_then(|item| choice_of(item, view))
        }
        None => None,
    };
    let screen = ctx.viewport_rect();
    let dim = Color32::from_rgba_unmultiplied(6, 7, 9, 168);
    let shade = LayerId::new(Order::Foreground, Id::new("palette shade"));
    ctx.layer_painter(shade).rect_filled(screen, 0.0, dim);
    // The shade takes presses, so that nothing below is pressed.
    let shade = Area::new(Id::new("palette shade area"))
        .order(Order::Foreground)
        .fixed_pos(screen.min)
        .show(ctx, |ui| ui.allocate_response(screen.size(), Sense::click()));
    if shade.inner.clicked() {
        choice = Some(PaletteChoice::Close);
    }
    let width = WIDTH.min(screen.width() - 32.0);
    let top = TOP.min(screen.height() * 0.09);
    Area::new(Id::new("palette"))
        .order(Order::Tooltip)
        .anchor(Align2::CENTER_TOP, vec2(0.0, top))
        .constrain_to(screen)
        .show(ctx, |ui| {
            let palette = style::palette(ui.ctx());
            egui::Frame::new()
                .fill(ink(palette.card))
                .stroke(Stroke::new(1.5, ink(palette.line_strong)))
                .corner_radius(12)
                .show(ui, |ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
                    field_ui(ui, state, is_new);
                    search_again(view, state);
                    let room = (screen.height() - top - FIELD - FOOT - 32.0).max(3.0 * ROW);
                    if let Some(pressed) = rows_ui(ui, view, state, room) {
                        choice = Some(pressed);
                    }
                    foot_ui(ui);
                });
        });
    let done = choice?;
    match &done {
        PaletteChoice::Close => {}
        PaletteChoice::Action(action) => {
            let place = ACTIONS.iter().position(|entry| (entry.action)() == *action);
            if let Some(place) = place {
                state.used.retain(|known| *known != place);
                state.used.insert(0, place);
                state.used.truncate(MOST_USED);
            }
        }
        PaletteChoice::Step(..) => {}
    }
    Some(done)
}

/// Searches where the query or the group has changed.
fn search_again(view: &PaletteView, state: &mut PaletteState) {
    if state.results.is_none() {
        let run = view.situation.run;
        let found =
            search(&state.query, state.only, view.run_store, run, &state.used, view.settings);
        (state.results, state.chosen) = (Some(found), 0);
    }
}

/// Takes the keys that move and choose, before the text field sees them.
fn keys(ctx: &Context, state: &mut PaletteState) -> Option<Typed> {
    let count = state.items().count();
    let presses =
        |key: Key| ctx.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
    let pressed = |key: Key| presses(key) > 0;
    let before = state.chosen;
    let down = presses(Key::ArrowDown);
    state.chosen = (state.chosen + down).min(count.saturating_sub(1));
    state.chosen = state.chosen.saturating_sub(presses(Key::ArrowUp));
    if pressed(Key::PageDown) {
        state.chosen = (state.chosen + 8).min(count.saturating_sub(1));
    }
    if pressed(Key::PageUp) {
        state.chosen = state.chosen.saturating_sub(8);
    }
    state.scroll_to_chosen |= before != state.chosen;
    if pressed(Key::Tab) {
        let mut group = None;
        let mut place = 0;
        for results in state.results.iter().flatten() {
            place += results.items.len();
            if group.is_none() && state.chosen < place {
                group = Some(results.group);
            }
        }
        state.only = if state.only.is_some() { None } else { group };
        state.results = None;
        ctx.request_repaint();
    }
    if pressed(Key::Escape) {
        return Some(Typed::Escape);
    }
    // Letters of the same frame come first: what they find is chosen in the next one.
    let is_typing = ctx.input(|input| input.events.iter().any(|it| matches!(it, Event::Text(_))));
    state.enters |= pressed(Key::Enter);
    if is_typing {
        ctx.request_repaint();
        return None;
    }
    std::mem::take(&mut state.enters).then_some(Typed::Enter)
}

/// Keys that end the search.
enum Typed {
    Escape,
    Enter,
}

fn field_ui(ui: &mut Ui, state: &mut PaletteState, is_new: bool) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), FIELD), Sense::hover());
    let inner = rect.shrink2(vec2(PAD, 10.0));
    paint_lens(ui, pos2(inner.left() + 11.0, inner.center().y));
    let matches: usize = state.results.iter().flatten().map(|results| results.matches).sum();
    let count = elided(
        ui,
        &format!("{matches} found"),
        style::body(text::BODY),
        palette.text_secondary,
        140.0,
    );
    let count_width = count.size().x;
    paint_line_to(ui, inner.right(), inner.center().y, count);
    let mut room = inner;
    room.min.x += 36.0;
    room.max.x -= count_width + 16.0;
    let hint = match state.only {
        None => "Find a run, a step, an action, a setting",
        Some(Group::Runs) => "Find a run",
        Some(Group::Actions) => "Find an action",
        Some(Group::Steps) => "Find a step of the selected run",
        Some(Group::Settings) => "Find a setting",
    };
    let before = state.query.clone();
    let field = TextEdit::singleline(&mut state.query)
        .id(Id::new("palette query"))
        .hint_text(RichText::new(hint).color(ink(palette.text_tertiary)))
        .font(style::body(QUERY))
        .frame(egui::Frame::NONE)
        .vertical_align(Align::Center)
        .desired_width(room.width());
    let response = ui.put(room, field);
    set_accessible_name(&response, "Find a run, a step, an action, a setting");
    if is_new || !response.has_focus() {
        response.request_focus();
    }
    if state.query != before {
        state.results = None;
        state.scroll_to_chosen = true;
        ui.ctx().request_repaint();
    }
    ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, ink(palette.hair)));
}

fn paint_lens(ui: &Ui, centre: egui::Pos2) {
    let palette = style::palette(ui.ctx());
    let stroke = Stroke::new(2.0, ink(palette.text_secondary));
    ui.painter().circle_stroke(centre - vec2(2.0, 2.0), 7.0, stroke);
    ui.painter().line_segment([centre + vec2(3.0, 3.0), centre + vec2(9.0, 9.0)], stroke);
}

fn rows_ui(
    ui: &mut Ui,
    view: &PaletteView,
    state: &mut PaletteState,
    room: f32,
) -> Option<PaletteChoice> {
    let palette = style::palette(ui.ctx());
    let mut chosen = None;
    let results = state.results.take().unwrap_or_default();
    if results.is_empty() {
        state.results = Some(results);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 64.0), Sense::hover());
        let (_, letters) = parts_of(&state.query);
        let words = format!("Nothing matches {letters}");
        let words = elided(ui, &words, style::body(text::BODY), palette.text_secondary, 600.0);
        paint_line(ui, rect.left() + PAD, rect.center().y, words);
        return None;
    }
    let mut place = 0;
    let mut pointed = None;
    ScrollArea::vertical().id_salt("palette rows").max_height(room).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.add_space(4.0);
        for group in &results {
            head_ui(ui, view, group);
            for item in &group.items {
                let is_chosen = place == state.chosen;
                let response = row_ui(ui, view, item, is_chosen);
                if is_chosen && std::mem::take(&mut state.scroll_to_chosen) {
                    response.scroll_to_me(None);
                }
                if response.clicked() {
                    chosen = choice_of(item, view);
                }
                // A resting pointer chooses nothing: the keys may have gone elsewhere.
                if response.hovered() && ui.input(|input| input.pointer.is_moving()) {
                    pointed = Some(place);
                }
                place += 1;
            }
        }
        ui.add_space(6.0);
    });
    state.results = Some(results);
    if let Some(pointed) = pointed {
        state.chosen = pointed;
    }
    chosen
}

fn head_ui(ui: &mut Ui, view: &PaletteView, results: &GroupResults) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEAD), Sense::hover());
    let title = match results.group {
        Group::Runs => "Runs".to_owned(),
        Group::Actions => "Actions".to_owned(),
        Group::Settings => "Settings".to_owned(),
        Group::Steps => match view.situation.run {
            Some(run) => format!("Steps of {}", view.run_store.name(run)),
            None => "Steps".to_owned(),
        },
    };
    let shown = results.items.len();
    let count = match (shown < results.matches, results.group) {
        (true, Group::Runs) => format!("{shown} of {}, in {}", results.matches, results.searched),
        (true, _) => format!("{shown} of {}", results.matches),
        (false, _) => shown.to_string(),
    };
    let y = rect.center().y;
    let title = elided(ui, &title, style::semibold(text::SMALL), palette.text_secondary, 560.0);
    let width = title.size().x;
    paint_line(ui, rect.left() + PAD, y, title);
    let count = elided(ui, &count, style::body(text::SMALL), palette.text_tertiary, 240.0);
    paint_line(ui, rect.left() + PAD + width + 10.0, y, count);
}

/// Returns the choice that a row stands for; `None` where its action has no effect now.
fn choice_of(item: &Item, view: &PaletteView) -> Option<PaletteChoice> {
    match &item.found {
        Found::Run(id) => {
            let action = match view.situation.view {
                View::Desk => Action::SelectRun(id.clone()),
                _ => Action::Open(id.clone()),
            };
            Some(PaletteChoice::Action(action))
        }
        Found::Step(run, name) => Some(PaletteChoice::Step(run.clone(), name.clone())),
        Found::Setting(name) => Some(PaletteChoice::Action(Action::ShowSetting(name.clone()))),
        Found::Action(_) => {
            let entry = item.found.entry()?;
            let possible = view.situation.obstacle(entry).is_none();
            possible.then(|| PaletteChoice::Action((entry.action)()))
        }
    }
}

fn foot_ui(ui: &mut Ui) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), FOOT), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.top(), Stroke::new(1.0, ink(palette.hair)));
    let y = rect.center().y;
    let mut right = rect.right() - PAD;
    for group in Group::ALL.into_iter().rev() {
        let words =
            elided(ui, group.name(), style::body(text::SMALL), palette.text_secondary, 90.0);
        let left = right - words.size().x;
        paint_line(ui, left, y, words);
        let tone = palette.text_secondary;
        right = paint_keys(ui, left - 6.0, y, &group.sign().to_string(), tone) - 16.0;
    }
    let mut left = rect.left() + PAD;
    for (keys, words) in
        [("↑ ↓", "choose"), ("Enter", "do it"), ("Tab", "this group only"), ("Esc", "close")]
    {
        let words = elided(ui, words, style::body(text::SMALL), palette.text_secondary, 140.0);
        let keys_end = left + keys_width(ui, keys);
        let end = keys_end + 6.0 + words.size().x;
        if end > right - 24.0 {
            break;
        }
        paint_keys(ui, keys_end, y, keys, palette.text_secondary);
        paint_line(ui, keys_end + 6.0, y, words);
        left = end + 20.0;
    }
}
