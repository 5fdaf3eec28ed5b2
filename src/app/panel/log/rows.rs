//! Rows of the event log: scrolling, choosing, keys.

use bevy_egui::egui::{
    Event, FontId, Id, Key, Modifiers, Rect, Response, ScrollArea, Sense, Stroke, Ui, UiBuilder,
    WidgetInfo, WidgetType, accesskit::Role, pos2, scroll_area::ScrollBarVisibility,
    style::ScrollStyle, vec2,
};
use jiff::Timestamp;

use super::choice::LogMove;
use super::columns::{Columns, GAP};
use super::filter::{Level, LineKind, NodeFilter};
use super::line::{LineWords, run_words};
use super::state::{LogState, TopRow};
use super::view::LogView;
use crate::app::panel::style::{self, ink, space, text};
use crate::app::panel::widgets::{self, elided, paint_line, tell_list_focus};
use crate::app::state::actions::{Action, Transport};
use crate::app::words::{count_words, instant_words};
use crate::bounded::bounded;
use crate::model::{LogEntry, LogItem};
use crate::protocol::{NodeName, RunId};

/// Width of the button that shows a row's raw event, in points.
const RAW_WIDTH: f32 = 40.0;

/// Width of the scroll bar, in points.
const BAR_WIDTH: f32 = 10.0;

/// Most rows beyond an edge to which the view slides instead of showing the row in its middle.
const SLIDES_FOR_ROWS: f32 = 3.0;

/// Something that the user did to a row.
enum Deed {
    /// Chose it; with true, extended the choice to it.
    Choose(u64, bool),
    /// Opened the raw text of the chosen row, or of the one with this number, or double-clicked that.
    OpenChosen,
    Open(u64),
    DoubleClick(u64),
    Copy,
    OnlyRun(RunId),
    OnlyNode(Option<NodeName>),
    Rewind(Timestamp),
}

/// Reads the keys of the rows, if they have the focus, and makes the moves.
pub(super) fn keys_ui(ui: &mut Ui, id: Id, view: &LogView, state: &mut LogState) {
    if !ui.memory(|memory| memory.has_focus(id)) {
        return;
    }
    widgets::keep_arrows(ui, id);
    tell_list_focus(ui.ctx(), id, true);
    // Space means time everywhere; egui would take it for a click.
    ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space));
    let pressed = |modifiers, key| {
        let count = ui.input_mut(|input| input.count_and_consume_key(modifiers, key));
        isize::try_from(count).unwrap_or(1)
    };
    let types = |sign: &str| {
        let is_typed = |event: &Event| matches!(event, Event::Text(typed) if typed == sign);
        ui.input(|input| input.events.iter().any(is_typed))
    };
    // Keys with Shift come first: without it, Shift is not looked at.
    for (modifiers, extends) in [(Modifiers::SHIFT, true), (Modifiers::NONE, false)] {
        let by = pressed(modifiers, Key::ArrowDown) - pressed(modifiers, Key::ArrowUp);
        if by != 0 {
            state.go(LogMove::Rows(by, extends));
        }
        let by = pressed(modifiers, Key::PageDown) - pressed(modifiers, Key::PageUp);
        if by != 0 {
            state.go(LogMove::Pages(by, extends));
        }
    }
    for (key, sign, to) in [
        (Key::Home, None, LogMove::First),
        (Key::End, None, LogMove::Now),
        (Key::OpenBracket, Some("["), LogMove::FailureBefore),
        (Key::CloseBracket, Some("]"), LogMove::NextFailure),
    ] {
        let is_key = pressed(Modifiers::NONE, key) > 0;
        if is_key || sign.is_some_and(types) {
            state.go(to);
        }
    }
    if pressed(Modifiers::NONE, Key::Enter) > 0 {
        state.open_chosen(view);
    }
    if pressed(Modifiers::COMMAND, Key::A) > 0 {
        state.choose_all(view);
    }
    if ui.input(|input| input.events.contains(&Event::Copy)) {
        copy(ui, view, state);
    }
}

/// Copies the chosen rows.
pub(super) fn copy(ui: &Ui, view: &LogView, state: &mut LogState) {
    let now_secs = ui.input(|input| input.time);
    if let Some(copied) = state.copy_chosen(view, now_secs) {
        ui.ctx().copy_text(copied);
    }
}

/// Shows the rows in the rest of `ui`.
pub(super) fn rows_ui(
    ui: &mut Ui,
    id: Id,
    view: &LogView,
    state: &mut LogState,
    (row_height, pad): (f32, f32),
) -> Vec<Action> {
    let area = ui.available_rect_before_wrap();
    let list = ui.interact(area, id, Sense::click());
    let count = state.index().lines().len();
    list.widget_info(|| {
        let words = format!("Events, {} rows", count_words(count as u64));
        WidgetInfo::labeled(WidgetType::Other, true, words)
    });
    ui.ctx().accesskit_node_builder(id, |node| node.set_role(Role::ListBox));
    if list.clicked() {
        list.request_focus();
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt("event rows").max_rect(area));
    child.spacing_mut().item_spacing.y = 0.0;
    child.spacing_mut().scroll = ScrollStyle { bar_width: BAR_WIDTH, ..ScrollStyle::solid() };

    let first_row = state.first_row(view);
    let before = usize::from(first_row.is_some());
    let rows = count + before;
    let most = (rows as f32 * row_height - area.height()).max(0.0);
    // Positions in a long list are rounded.
    let slack = (most * 4e-7).max(0.05);
    let wanted = wanted_offset(state, before, row_height, area.height(), most);
    let mut scroll = ScrollArea::vertical()
        .id_salt("event log")
        .auto_shrink([false, false])
        .scroll_bar_visibility(ScrollBarVisibility::AlwaysVisible);
    let is_set = (wanted - state.offset).abs() > slack;
    if is_set {
        scroll = scroll.vertical_scroll_offset(wanted);
    }
    let from = if is_set { wanted } else { state.offset };

    let mut pressed = state.pressed.filter(|_| child.input(|input| input.pointer.any_down()));
    let (index, log, choice) = (state.index(), state.shown(view), state.choice());
    let with_run = !state.is_of_one_run();
    let mut deed = None;
    let output = scroll.show_rows(&mut child, row_height, rows, |ui, shown| {
        let columns = Columns::new(ui.available_width(), pad, with_run);
        for (slot, place) in shown.enumerate() {
            let (rect, _) =
                ui.allocate_exact_size(vec2(ui.available_width(), row_height), Sense::empty());
            let Some(place) = place.checked_sub(before) else {
                if let Some(first_row) = &first_row {
                    let at = first_row.rewind_to;
                    if first_row_ui(ui, id, rect, pad, &first_row.words, at.is_some()) {
                        deed = at.map(Deed::Rewind);
                    }
                }
                continue;
            };
            let entry = index.lines().get(place).and_then(|seq| log.line(*seq));
            let Some(entry) = entry else { continue };
            let row = Row {
                entry,
                view,
                columns: &columns,
                is_odd: index.is_odd(place),
                is_chosen: choice.is_some_and(|choice| choice.has(entry.seq)),
                is_head: choice.is_some_and(|choice| choice.head == entry.seq),
                pressed: state.pressed,
            };
            let response = row.show(ui, rect, id.with(("row", slot)), &mut deed);
            if response.is_pointer_button_down_on() {
                pressed = pressed.or(Some(entry.seq));
            }
        }
    });
    widgets::focus_ring(ui, &list, area);
    state.pressed = pressed;
    follow_scroll(state, view, (from, output.state.offset.y), (most, slack));
    note_top(state, before, row_height);
    state.page_rows = ((area.height() / row_height) as usize).saturating_sub(1).max(1);
    ui.advance_cursor_after_rect(area);
    let Some(deed) = deed else { return Vec::new() };
    apply(ui, deed, id, view, state)
}

/// Returns the scroll position at which the rows stay where they are, or at which the row to be revealed
/// is in view.
fn wanted_offset(
    state: &mut LogState,
    before: usize,
    row_height: f32,
    height: f32,
    most: f32,
) -> f32 {
    let y_of =
        |state: &LogState, seq: u64| (state.index().place_of(seq) + before) as f32 * row_height;
    let mut wanted = match state.top {
        Some(top) if !state.is_following() => y_of(state, top.seq) + top.below,
        _ => most,
    };
    if let Some(seq) = state.reveal.take() {
        // The row about what is missing belongs to the oldest one.
        let y = if state.index().place_of(seq) == 0 { 0.0 } else { y_of(state, seq) };
        let (above, below) = (wanted - y, y + row_height - wanted - height);
        let slides = SLIDES_FOR_ROWS * row_height;
        if above > 0.0 || below > 0.0 {
            wanted = match (above, below) {
                (above, _) if above > 0.0 && above < slides => y,
                (_, below) if below > 0.0 && below < slides => y + row_height - height,
                _ => y - (height - row_height) / 2.0,
            };
        }
    }
    bounded(wanted, 0.0, most)
}

/// Pauses when the user scrolled up, and follows again when a log that was paused in that way was scrolled
/// to its end.
fn follow_scroll(
    state: &mut LogState,
    view: &LogView,
    (from, to): (f32, f32),
    (most, slack): (f32, f32),
) {
    state.offset = to;
    if state.is_following() {
        if from - to > slack && most - to > slack {
            state.pause(view, true);
        }
    } else if to - from > slack
        && to >= most - 1.0 - slack
        && state.hold().is_some_and(|hold| hold.is_by_scroll)
    {
        state.follow();
    }
}

/// Notes which row is at the upper edge.
fn note_top(state: &mut LogState, before: usize, row_height: f32) {
    let lines = state.index().lines();
    let place = ((state.offset / row_height) as usize).saturating_sub(before);
    let place = place.min(lines.len().saturating_sub(1));
    state.top = lines.get(place).map(|seq| TopRow {
        seq: *seq,
        below: state.offset - (place + before) as f32 * row_height,
    });
}

fn apply(ui: &Ui, deed: Deed, id: Id, view: &LogView, state: &mut LogState) -> Vec<Action> {
    // A press on a row takes the focus from the rows as a whole.
    ui.memory_mut(|memory| memory.request_focus(id));
    let now_secs = ui.input(|input| input.time);
    match deed {
        Deed::Choose(seq, extends) => {
            let run = state.click(view, seq, extends, now_secs);
            return run.map(Action::SelectRun).into_iter().collect();
        }
        Deed::DoubleClick(seq) => state.double_click(view, seq, now_secs),
        Deed::OpenChosen => state.open_chosen(view),
        Deed::Open(seq) => {
            state.choose(view, seq, false);
            state.open_chosen(view);
        }
        Deed::Copy => copy(ui, view, state),
        Deed::OnlyRun(run) => {
            state.all_runs = false;
            return vec![Action::SelectRun(run)];
        }
        Deed::OnlyNode(node) => {
            state.node = node.map_or(NodeFilter::Workflow, NodeFilter::Node);
        }
        Deed::Rewind(at) => return vec![Action::Time(Transport::Show(at))],
    }
    Vec::new()
}

/// Shows the row about events that are no longer kept; returns true when the user wants to see them.
fn first_row_ui(ui: &Ui, id: Id, rect: Rect, pad: f32, words: &str, is_button: bool) -> bool {
    let palette = style::palette(ui.ctx());
    let sense = if is_button { Sense::click() } else { Sense::HOVER };
    let response = ui.interact(rect, id.with("first row"), sense);
    response.widget_info(|| {
        let kind = if is_button { WidgetType::Button } else { WidgetType::Label };
        WidgetInfo::labeled(kind, true, words)
    });
    let tone = if is_button { palette.violet_text } else { palette.text_secondary };
    let font = style::body(text::SMALL);
    let line = elided(ui, words, font, tone, rect.width() - 2.0 * pad);
    paint_line(ui, rect.left() + pad, rect.center().y, line);
    widgets::focus_ring(ui, &response, rect);
    response.on_hover_text(words).clicked()
}

/// One row.
struct Row<'a> {
    entry: &'a LogEntry,
    view: &'a LogView<'a>,
    columns: &'a Columns,
    is_odd: bool,
    is_chosen: bool,
    is_head: bool,
    /// Line on which the pointer went down.
    pressed: Option<u64>,
}

impl Row<'_> {
    /// Shows the row. Its widget id is its place on screen, so that a click counts although the log scrolls
    /// under the pointer.
    fn show(&self, ui: &Ui, rect: Rect, id: Id, deed: &mut Option<Deed>) -> Response {
        let response = ui.interact(rect, id, Sense::CLICK);
        let words = LineWords::new(self.entry, self.view);
        let is_chosen = self.is_chosen;
        response.widget_info(|| {
            let parts = [&words.time, &words.offset, &words.run, &words.node, &words.phase];
            let parts = parts.into_iter().chain([&words.text]).filter(|part| !part.is_empty());
            let label = parts.map(String::as_str).collect::<Vec<_>>().join(" ");
            WidgetInfo::selected(WidgetType::SelectableLabel, true, is_chosen, label)
        });
        ui.ctx().accesskit_node_builder(id, |node| node.set_role(Role::ListBoxOption));
        let is_under_pointer = response.contains_pointer();
        self.paint(ui, rect, &words, is_under_pointer);
        let shift = ui.input(|input| input.modifiers.shift);
        if response.double_clicked() {
            *deed = Some(Deed::DoubleClick(self.pressed.unwrap_or(self.entry.seq)));
        } else if response.clicked() {
            *deed = Some(Deed::Choose(self.pressed.unwrap_or(self.entry.seq), shift));
        } else if response.secondary_clicked() && !is_chosen {
            *deed = Some(Deed::Choose(self.pressed.unwrap_or(self.entry.seq), false));
        }
        response.context_menu(|ui| self.menu_ui(ui, deed));
        if (is_under_pointer || self.is_head) && self.raw_ui(ui, rect, id.with("raw")) {
            *deed = Some(Deed::Open(self.entry.seq));
        }
        response.on_hover_ui(|ui| self.hover_ui(ui, &words.text))
    }

    fn paint(&self, ui: &Ui, rect: Rect, words: &LineWords, is_under_pointer: bool) {
        let palette = style::palette(ui.ctx());
        let kind = LineKind::of(&self.entry.item);
        let is_failure = matches!(kind, LineKind::Failed | LineKind::Unreadable);
        let painter = ui.painter();
        if self.is_chosen {
            painter.rect_filled(rect, 0.0, ink(palette.selection));
            let edge = Rect::from_min_size(rect.min, vec2(4.0, rect.height()));
            painter.rect_filled(edge, 0.0, ink(palette.violet_text));
        } else if is_under_pointer {
            painter.rect_filled(rect, 0.0, ink(palette.hover));
        } else if is_failure {
            painter.rect_filled(rect, 0.0, ink(palette.failed_tint).gamma_multiply(0.5));
        } else if self.is_odd {
            painter.rect_filled(rect, 0.0, ink(palette.text).gamma_multiply(0.03));
        }
        if self.is_head && palette.flat {
            // Without other colours than black and white the chosen row has a frame.
            let stroke = Stroke::new(2.0, ink(palette.violet_text));
            painter.rect_stroke(rect, 0.0, stroke, bevy_egui::egui::StrokeKind::Inside);
        }
        let tone = match kind {
            _ if self.is_chosen => palette.text,
            LineKind::Started => palette.running,
            LineKind::Ended => palette.success,
            LineKind::Failed | LineKind::Unreadable => palette.failed_text,
            _ if Level::of(&self.entry.item) == Level::Warning => palette.cancelled,
            LineKind::Progress | LineKind::Info | LineKind::Other => palette.text_secondary,
        };
        let quiet = if self.is_chosen { palette.text } else { palette.text_secondary };
        let end = if is_under_pointer || self.is_head { RAW_WIDTH } else { 0.0 };
        let (body, bold) = (style::body(text::SMALL), style::semibold(text::SMALL));
        let put = |span: (f32, f32), words: &str, font: &FontId, tone| {
            let width = span.1.min(rect.width() - end - span.0) - GAP;
            let line = elided(ui, words, font.clone(), tone, width);
            paint_line(ui, rect.left() + span.0, rect.center().y, line);
        };
        put(self.columns.time, &words.time, &body, quiet);
        if let Some(span) = self.columns.offset {
            put(span, &words.offset, &body, quiet);
        }
        if let Some(span) = self.columns.run {
            put(span, &words.run, &body, quiet);
        }
        put(self.columns.step, &words.node, &bold, palette.text);
        put(self.columns.phase, &words.phase, &body, tone);
        put(self.columns.text, &words.text, &body, palette.text);
    }

    /// Shows the button that opens the raw event; returns true when it was clicked.
    fn raw_ui(&self, ui: &Ui, row: Rect, id: Id) -> bool {
        let palette = style::palette(ui.ctx());
        let rect = Rect::from_min_max(pos2(row.right() - RAW_WIDTH, row.top()), row.max);
        let response = ui.interact(rect, id, Sense::CLICK);
        widgets::describe_button(&response, "Show the raw event");
        let tone = match response.hovered() {
            true => palette.text,
            false if self.is_chosen => palette.text,
            false => palette.violet_text,
        };
        let line = elided(ui, "raw", style::body(text::SMALL), tone, RAW_WIDTH);
        paint_line(ui, rect.left() + 6.0, rect.center().y, line);
        response.on_hover_text("Click to see the raw event").clicked()
    }

    fn menu_ui(&self, ui: &mut Ui, deed: &mut Option<Deed>) {
        let mut item = |ui: &mut Ui, words: &str, makes: Deed| {
            if ui.button(words).clicked() {
                *deed = Some(makes);
            }
        };
        item(ui, "Copy", Deed::Copy);
        item(ui, "Show the raw event", Deed::OpenChosen);
        if let LogItem::Event(event) = &self.entry.item {
            item(ui, "Only this run", Deed::OnlyRun(event.run_id.clone()));
            item(ui, "Only this step", Deed::OnlyNode(event.node.clone()));
        }
    }

    fn hover_ui(&self, ui: &mut Ui, words: &str) {
        match &self.entry.item {
            LogItem::Event(event) => {
                ui.label(instant_words(event.at, self.view.zone));
                ui.weak(format!("run {}", crate::text::name(&event.run_id)));
                let name = run_words(event, self.view);
                if name != event.run_id {
                    ui.weak(name);
                }
                if !words.is_empty() {
                    ui.label(words);
                }
            }
            LogItem::ParseError(error) => {
                let arrived = instant_words(self.entry.received_at, self.view.zone);
                ui.label(format!("line {}, arrived {arrived}", count_words(self.entry.seq + 1)));
                ui.label(&error.reason);
                ui.label(crate::text::excerpt(&error.text, MOST_SHOWN));
            }
        }
        ui.weak("Double-click, or Enter, to see the raw event");
    }
}

/// Characters shown of a text that could not be read.
const MOST_SHOWN: usize = 400;

/// Shows what is said where there is no row.
pub(super) fn empty_ui(ui: &mut Ui, view: &LogView, state: &mut LogState, pad: f32) {
    let log = state.shown(view);
    let (is_searching, written) = (state.index().is_searching(log), log.written());
    let words = match (is_searching, written) {
        (true, _) => "Searching …",
        (_, 0) => "Nothing received yet.",
        _ => "No matching events",
    };
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        ui.add_space(pad - space::GAP);
        ui.weak(words);
        if !is_searching && state.is_filtered() && ui.button("Clear the filters").clicked() {
            state.clear_filters();
        }
    });
    if let Some(first_row) = state.first_row(view) {
        ui.horizontal(|ui| {
            ui.add_space(pad - space::GAP);
            ui.weak(first_row.words);
        });
    }
}
