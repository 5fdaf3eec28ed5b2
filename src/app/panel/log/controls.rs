//! Controls above the rows of the event log: state, filters, moves.

use bevy_egui::egui::{
    Align, Button, ComboBox, Id, Layout, Pos2, Rect, Response, RichText, Sense, Stroke, StrokeKind,
    TextEdit, TextStyle, Ui, UiBuilder, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};

use super::choice::LogMove;
use super::filter::{KindFilter, LineKind, NodeFilter};
use super::rows;
use super::state::LogState;
use super::view::LogView;
use crate::app::panel::key_caps::{keys_width, paint_keys};
use crate::app::panel::style::{self, ink, space};
use crate::app::panel::widgets::{close_ui, elided, focus_ring, paint_line, set_accessible_name};
use crate::app::state::actions::COPY_KEYS;
use crate::app::words::{count_words, time_words};
use crate::export::TableForm;
use crate::protocol::{NodeName, PIPELINE};

/// Size of type of the controls, in points.
const TYPE: f32 = 14.5;

/// Key of the rows that follows new events again.
const TO_THE_END: &str = "End";

/// Height of a control, in points.
const HEIGHT: f32 = 28.0;

/// Sets type and height of the controls.
pub(super) fn set_style(ui: &mut Ui) {
    let style = ui.style_mut();
    for text_style in [TextStyle::Button, TextStyle::Body] {
        style.text_styles.insert(text_style, style::body(TYPE));
    }
    style.spacing.interact_size.y = HEIGHT;
    style.spacing.button_padding = vec2(9.0, 4.0);
    style.spacing.item_spacing = vec2(6.0, 6.0);
}

/// Says whether new events are followed, or since when the rows stand still and how many came since. A
/// click changes it.
pub(super) fn pill_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    let palette = style::palette(ui.ctx());
    let words = state_words(view, state);
    let is_following = state.is_following();
    let tone = if is_following { palette.on_violet } else { palette.violet_text };
    let line = elided(ui, &words, style::semibold(TYPE), tone, ui.available_width() - 84.0);
    let key_width = keys_width(ui, TO_THE_END);
    let size = vec2(28.0 + line.size().x + 8.0 + key_width + 8.0, HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &words));
    let (radius, edge) = (HEIGHT / 2.0, Stroke::new(1.5, ink(palette.violet_text)));
    let painter = ui.painter();
    if is_following {
        let lit = if response.hovered() { palette.violet_led } else { palette.violet };
        painter.rect_filled(rect, radius, ink(lit));
        painter.circle_filled(pos2(rect.left() + 16.0, rect.center().y), 5.0, ink(tone));
    } else {
        if response.hovered() {
            painter.rect_filled(rect, radius, ink(palette.hover));
        }
        painter.rect_stroke(rect, radius, edge, StrokeKind::Inside);
        for x in [12.0, 17.0] {
            let bar = Rect::from_center_size(
                pos2(rect.left() + x + 1.5, rect.center().y),
                vec2(3.0, 11.0),
            );
            painter.rect_filled(bar, 0.0, ink(tone));
        }
    }
    paint_line(ui, rect.left() + 28.0, rect.center().y, line);
    paint_keys(ui, rect.right() - 10.0, rect.center().y, TO_THE_END, tone);
    if response.has_focus() {
        let ring = Stroke::new(2.0, ink(palette.text));
        ui.painter().rect_stroke(rect.expand(1.0), radius, ring, StrokeKind::Inside);
    }
    let tip = match is_following {
        true => "Click to pause: the rows stay, whatever comes",
        false => "Click, or press End, to follow new events",
    };
    if response.on_hover_text(tip).clicked() {
        if is_following { state.pause(view, false) } else { state.follow() }
    }
}

/// State of the log in words: `following`, `paused at 21:12:47, 31 newer`.
pub(super) fn state_words(view: &LogView, state: &LogState) -> String {
    let Some(hold) = state.hold() else { return "following".to_owned() };
    let mut words = match hold.at() {
        Some(at) => format!("paused at {}", time_words(at, view.zone)),
        None => "paused".to_owned(),
    };
    let (newer, is_least) = (hold.newer.passed(), hold.newer.is_least(view.log()));
    if newer > 0 || is_least {
        let more = if is_least { "+" } else { "" };
        words.push_str(&format!(", {}{more} newer", count_words(newer)));
    }
    words
}

/// Shows how many events pass the filters, or what was just done.
pub(super) fn count_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    let now_secs = ui.input(|input| input.time);
    if let Some(note) = state.note(now_secs) {
        ui.label(note);
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(250));
        return;
    }
    let log = state.shown(view);
    let (shown, all) = (state.index().lines().len(), log.entries().len());
    let all_words = count_words(all as u64);
    ui.weak(match shown == all {
        true => all_words,
        false => format!("{} of {all_words}", count_words(shown as u64)),
    });
}

/// Shows the filters in one row. `menu` is what stands at its end.
pub(super) fn filters_ui(
    ui: &mut Ui,
    view: &LogView,
    state: &mut LogState,
    menu: impl FnOnce(&mut Ui, &mut LogState),
) {
    ui.horizontal(|ui| {
        run_chip_ui(ui, view, state);
        node_ui(ui, view, state);
        kind_ui(ui, state);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            menu(ui, state);
            let width = ui.available_width();
            let response = search_ui(ui, &mut state.search, width);
            if !state.search.is_empty() {
                let rect = response.rect;
                let place = pos2(rect.right() - 15.0, rect.center().y);
                let place = Rect::from_center_size(place, Vec2::splat(26.0));
                ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
                    if close_ui(ui, "Clear the search").clicked() {
                        state.search.clear();
                        response.request_focus();
                    }
                });
            }
        });
    });
}

fn search_ui(ui: &mut Ui, search: &mut String, width: f32) -> Response {
    let palette = style::palette(ui.ctx());
    let hint = RichText::new("search events").color(ink(palette.text_tertiary));
    let field = TextEdit::singleline(search)
        .font(style::body(TYPE))
        .hint_text(hint)
        .desired_width(width - 18.0)
        .min_size(vec2(width, HEIGHT))
        .margin(vec2(9.0, 4.0))
        .vertical_align(Align::Center);
    let response = ui.add(field);
    set_accessible_name(&response, "Search the event log");
    response
}

/// Shows the filter by run: a chip with a cross while rows are of one run.
fn run_chip_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    let palette = style::palette(ui.ctx());
    if state.all_runs {
        let button = Button::new("all runs").min_size(vec2(88.0, HEIGHT));
        let response = ui.add_enabled(view.run.is_some(), button);
        set_accessible_name(&response, "Showing all runs. Show this run only");
        state.all_runs = !response.on_hover_text("Show this run only").clicked();
        return;
    }
    let line = elided(ui, "this run", style::body(TYPE), palette.text, 200.0);
    let size = vec2(line.size().x + 38.0, HEIGHT).max(vec2(88.0, HEIGHT));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let label = "Showing this run only. Show all runs";
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, label));
    let painter = ui.painter();
    painter.rect_filled(rect, space::RADIUS, ink(palette.selection));
    let edge = Stroke::new(1.0, ink(palette.violet_led));
    painter.rect_stroke(rect, space::RADIUS, edge, StrokeKind::Inside);
    paint_line(ui, rect.left() + 9.0, rect.center().y, line);
    paint_cross(ui, pos2(rect.right() - 16.0, rect.center().y));
    focus_ring(ui, &response, rect);
    state.all_runs = response.on_hover_text("Show all runs").clicked();
}

fn paint_cross(ui: &Ui, centre: Pos2) {
    let stroke = Stroke::new(1.6, ink(style::palette(ui.ctx()).text));
    for flip in [1.0, -1.0] {
        let ends = [centre + vec2(-4.0, -4.0 * flip), centre + vec2(4.0, 4.0 * flip)];
        ui.painter().line_segment(ends, stroke);
    }
}

fn node_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    let words = |node: &NodeFilter| match node {
        NodeFilter::All => "all steps".to_owned(),
        NodeFilter::Workflow => "workflow".to_owned(),
        NodeFilter::Node(name) => name.to_string(),
    };
    let response = ComboBox::from_id_salt("log node")
        .width(92.0)
        .height(420.0)
        .truncate()
        .selected_text(words(&state.node))
        .show_ui(ui, |ui| {
            for choice in node_choices(view) {
                let words = words(&choice);
                ui.selectable_value(&mut state.node, choice, words);
            }
        })
        .response;
    set_accessible_name(&response, "Filter the log by step");
}

fn kind_ui(ui: &mut Ui, state: &mut LogState) {
    let response = ComboBox::from_id_salt("log phase")
        .width(102.0)
        .height(420.0)
        .truncate()
        .selected_text(state.kind.words())
        .show_ui(ui, |ui| {
            let mut choice = |ui: &mut Ui, kind: KindFilter| {
                ui.selectable_value(&mut state.kind, kind, kind.words());
            };
            choice(ui, KindFilter::All);
            KindFilter::LEVELS.into_iter().for_each(|level| choice(ui, level));
            ui.separator();
            LineKind::ALL.into_iter().for_each(|kind| choice(ui, KindFilter::Kind(kind)));
        })
        .response;
    set_accessible_name(&response, "Filter the log by phase or level");
}

/// Choices of the node filter: the pipeline's nodes, and further ones of the run in focus.
fn node_choices(view: &LogView) -> Vec<NodeFilter> {
    let mut choices = vec![NodeFilter::All, NodeFilter::Workflow];
    let known = PIPELINE.iter().map(|name| NodeFilter::Node(NodeName::new_static(name)));
    choices.extend(known);
    let run = view.run.and_then(|id| view.run_of(id));
    for node in run.into_iter().flat_map(|run| &run.nodes) {
        let choice = NodeFilter::Node(node.name.clone());
        if !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    choices
}

/// Width of the buttons that move to other rows and of both menus, in points.
const MOVES: f32 = 400.0;

/// Shows the buttons that move to other rows, and the menus, of which there is one where two have no room.
pub(super) fn moves_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    ui.horizontal(|ui| {
        let has_room = ui.available_width() >= MOVES;
        for (words, key, to) in [
            ("Previous failure", "[", LogMove::FailureBefore),
            ("Next failure", "]", LogMove::NextFailure),
        ] {
            if move_button_ui(ui, words, key).clicked() {
                state.go(to);
            }
        }
        if !has_room {
            more_ui(ui, view, state);
            return;
        }
        ui.menu_button("Go to", |ui| go_items_ui(ui, state));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.menu_button("Export", |ui| export_items_ui(ui, view, state));
        });
    });
}

fn move_button_ui(ui: &mut Ui, words: &str, key: &str) -> Response {
    let palette = style::palette(ui.ctx());
    let key = RichText::new(key).color(ink(palette.text_secondary));
    let response = ui.add(Button::new(words).shortcut_text(key).min_size(vec2(0.0, HEIGHT)));
    set_accessible_name(&response, words);
    response
}

fn go_items_ui(ui: &mut Ui, state: &mut LogState) {
    for (words, key, to) in [
        ("Now, and follow", TO_THE_END, LogMove::Now),
        ("Oldest event", "Home", LogMove::First),
        ("First failure", "", LogMove::FirstFailure),
        ("Previous failure", "[", LogMove::FailureBefore),
        ("Next failure", "]", LogMove::NextFailure),
        ("Next event of this run", "", LogMove::NextOfRun),
        ("Previous event of this run", "", LogMove::BeforeOfRun),
    ] {
        let response = ui.add(Button::new(words).shortcut_text(key));
        set_accessible_name(&response, words);
        if response.clicked() {
            state.go(to);
        }
    }
}

fn export_items_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    for form in TableForm::ALL {
        let words = format!("Save the listed events as {}", form.words());
        if ui.button(words).clicked() {
            state.wants_export = Some(form);
        }
    }
    ui.separator();
    let has_rows = state.chosen_rows().len() > 0;
    let button = Button::new("Copy the selected events").shortcut_text(COPY_KEYS.to_string());
    let response = ui.add_enabled(has_rows, button);
    set_accessible_name(&response, "Copy the selected events");
    if response.clicked() {
        rows::copy(ui, view, state);
    }
}

/// Shows everything of [`moves_ui`] in one menu, for a low log.
pub(super) fn more_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    ui.menu_button("More", |ui| {
        go_items_ui(ui, state);
        ui.separator();
        export_items_ui(ui, view, state);
    });
}

/// Id of the rows, which have the focus as a whole.
pub(super) fn rows_id(ui: &Ui) -> Id {
    ui.id().with("event rows")
}
