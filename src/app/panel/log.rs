//! Section of the panel with the event log, newest line at the bottom.

use bevy_egui::egui::{
    Button, ComboBox, CornerRadius, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, pos2,
    scroll_area::ScrollAreaOutput, vec2,
};

use super::entry::OpenEntry;
use super::log_index::{LineKind, LogFilter, LogIndex, LogView, NodeFilter, line};
use super::log_line::line_ui;
use super::style::{self, ink, space};
use super::widgets::{self, Offer, button_ui, search_ui, section_ui};
use crate::app::words::count_words;
use crate::protocol::{NodeName, PIPELINE};

/// Filters, index and scroll position of the log.
#[derive(Clone, Debug)]
pub(super) struct LogState {
    all_runs: bool,
    node: NodeFilter,
    kind: Option<LineKind>,
    search: String,
    index: LogIndex,
    /// While paused, the number of the first line that is held back.
    paused_at: Option<u64>,
    at_end: bool,
    /// Number of the last line when the view was last at the end.
    seen: u64,
    offset: f32,
    jump: bool,
    /// Line on which the pointer went down; a growing log may show another one there at its release.
    pressed: Option<u64>,
    pub opened: Option<OpenEntry>,
}

impl Default for LogState {
    fn default() -> Self {
        Self {
            all_runs: true,
            node: NodeFilter::All,
            kind: None,
            search: String::new(),
            index: LogIndex::default(),
            paused_at: None,
            at_end: true,
            seen: 0,
            offset: 0.0,
            jump: false,
            pressed: None,
            opened: None,
        }
    }
}

pub(super) fn log_ui(ui: &mut Ui, view: &LogView, open: &mut bool, state: &mut LogState) {
    let palette = style::palette(ui.ctx());
    let log = view.run_store.model.log();
    section_ui(ui, open, "Event log", |ui| pause_ui(ui, log.written(), state));
    if !*open {
        return;
    }
    filters_ui(ui, view, state);
    let filter = LogFilter {
        run: view.run.filter(|_| !state.all_runs).cloned(),
        node: state.node.clone(),
        kind: state.kind,
        search: state.search.trim().to_ascii_lowercase(),
    };
    let until = state.paused_at.unwrap_or(log.written());
    let shift = state.index.update(log, &filter, until);
    let searching = state.index.is_searching(log);
    if searching {
        ui.ctx().request_repaint();
    }
    let height = ui.available_height().max(3.0 * space::LINE);
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    ui.painter().rect_filled(area, CornerRadius::same(space::RADIUS), ink(palette.well));
    let inner = area.shrink2(vec2(2.0, 4.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("log lines").max_rect(inner));
    if state.index.lines().is_empty() {
        let words = match (searching, log.written()) {
            (true, _) => "Searching …",
            (_, 0) => "Nothing received yet.",
            _ => "No line matches the filters.",
        };
        child.add_space(4.0);
        child.horizontal(|ui| {
            ui.add_space(8.0);
            ui.weak(words);
        });
        return;
    }
    let moved = shift.added as f32 - shift.dropped as f32;
    let output = lines_ui(&mut child, view, state, moved * space::LINE);
    let end = output.content_size.y - output.inner_rect.height();
    state.offset = output.state.offset.y;
    state.at_end = state.offset >= end - 2.0;
    if state.at_end {
        state.seen = state.index.lines().back().copied().unwrap_or(0);
    } else {
        jump_ui(ui, area, state);
    }
}

/// Shows the pause button, and while paused the number of lines held back.
fn pause_ui(ui: &mut Ui, written: u64, state: &mut LogState) {
    let palette = style::palette(ui.ctx());
    let label = if state.paused_at.is_some() { "Resume" } else { "Pause" };
    let offer = if state.paused_at.is_some() { Offer::Primary } else { Offer::Plain };
    if button_ui(ui, label, offer, 92.0).clicked() {
        state.paused_at = if state.paused_at.is_some() { None } else { Some(written) };
    }
    if let Some(paused_at) = state.paused_at {
        let waiting = count_words(written.saturating_sub(paused_at));
        ui.label(RichText::new(format!("{waiting} waiting")).color(ink(palette.cancelled)));
    }
}

fn filters_ui(ui: &mut Ui, view: &LogView, state: &mut LogState) {
    ui.horizontal(|ui| {
        let run_words = |all: bool| if all { "All runs" } else { "This run" };
        let response = ComboBox::from_id_salt("log run")
            .width(104.0)
            .selected_text(run_words(state.all_runs))
            .show_ui(ui, |ui| {
                for all in [true, false] {
                    ui.selectable_value(&mut state.all_runs, all, run_words(all));
                }
            })
            .response;
        widgets::set_accessible_name(&response, "Filter the log by run");

        let node_words = |node: &NodeFilter| match node {
            NodeFilter::All => "All steps".to_owned(),
            NodeFilter::Workflow => "workflow".to_owned(),
            NodeFilter::Node(name) => name.to_string(),
        };
        let response = ComboBox::from_id_salt("log node")
            .width(126.0)
            .height(420.0)
            .truncate()
            .selected_text(node_words(&state.node))
            .show_ui(ui, |ui| {
                for choice in node_choices(view) {
                    let words = node_words(&choice);
                    ui.selectable_value(&mut state.node, choice, words);
                }
            })
            .response;
        widgets::set_accessible_name(&response, "Filter the log by step");

        let kind_words = |kind: Option<LineKind>| kind.map_or("All phases", LineKind::words);
        let response = ComboBox::from_id_salt("log phase")
            .width(118.0)
            .height(420.0)
            .selected_text(kind_words(state.kind))
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut state.kind, None, kind_words(None));
                for kind in LineKind::ALL {
                    ui.selectable_value(&mut state.kind, Some(kind), kind_words(Some(kind)));
                }
            })
            .response;
        widgets::set_accessible_name(&response, "Filter the log by phase");
        let width = ui.available_width();
        let response = search_ui(ui, &mut state.search, "Search", width);
        widgets::set_accessible_name(&response, "Search the event log");
    });
}

/// Choices of the node filter: the pipeline's nodes, and further ones of the run in focus.
fn node_choices(view: &LogView) -> Vec<NodeFilter> {
    let mut choices = vec![NodeFilter::All, NodeFilter::Workflow];
    let known = PIPELINE.iter().map(|name| NodeFilter::Node(NodeName::new_static(name)));
    choices.extend(known);
    let run = view.run.and_then(|id| view.run_store.model.run(id));
    for node in run.into_iter().flat_map(|run| &run.nodes) {
        let choice = NodeFilter::Node(node.name.clone());
        if !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    choices
}

/// Shows the lines in view. When lines were added or dropped in front and the view is not at the end,
/// the scroll offset moves with them, so that the lines in view stay in place.
fn lines_ui(ui: &mut Ui, view: &LogView, state: &mut LogState, moved: f32) -> ScrollAreaOutput<()> {
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut area = ScrollArea::vertical()
        .id_salt("event log")
        .auto_shrink([false, false])
        .stick_to_bottom(true);
    let count = state.index.lines().len();
    if std::mem::take(&mut state.jump) {
        area = area.vertical_scroll_offset(count as f32 * space::LINE);
    } else if !state.at_end && moved != 0.0 {
        area = area.vertical_scroll_offset((state.offset + moved).max(0.0));
    }
    let mut clicked = None;
    let mut pressed = state.pressed.filter(|_| ui.input(|input| input.pointer.any_down()));
    let (index, all_runs) = (&state.index, state.all_runs);
    let log = view.run_store.model.log();
    let output = area.show_rows(ui, space::LINE, count, |ui, rows| {
        for (slot, seq) in index.lines().range(rows).enumerate() {
            let Some(entry) = line(log, *seq) else { continue };
            let response = line_ui(ui, view, entry, all_runs, slot);
            if response.clicked() {
                clicked = line(log, state.pressed.unwrap_or(*seq));
            } else if response.is_pointer_button_down_on() {
                pressed = pressed.or(Some(*seq));
            }
        }
    });
    state.pressed = pressed;
    if let Some(entry) = clicked {
        state.opened = Some(OpenEntry::new(log, entry, view.zone));
    }
    output
}

/// Shows the button that scrolls back to the end.
fn jump_ui(ui: &mut Ui, area: Rect, state: &mut LogState) {
    let palette = style::palette(ui.ctx());
    let words = match state.index.count_after(state.seen) {
        0 => "jump to newest".to_owned(),
        new => format!("jump to newest ({} new)", count_words(new as u64)),
    };
    let size = vec2(250.0, 30.0);
    let place = Rect::from_center_size(pos2(area.center().x, area.bottom() - 22.0), size);
    let label = RichText::new(words).color(ink(palette.on_violet));
    let pill =
        Button::new(label).fill(ink(palette.violet)).corner_radius(15).truncate().min_size(size);
    if ui.put(place, pill).clicked() {
        state.jump = true;
        state.at_end = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, harness, receive, run_store, zone};
    use crate::app::state::run_store::RunStore;
    use crate::protocol::RunId;
    use bevy_egui::egui::Event;
    use egui_kittest::{Harness, kittest::Queryable};

    struct Scene {
        run_store: RunStore,
        state: LogState,
        run: Option<RunId>,
    }

    impl Scene {
        fn new(events: u32) -> Self {
            let mut scene = Self {
                run_store: run_store(&[]),
                state: LogState::default(),
                run: Some("run-1".into()),
            };
            scene.write(0, events);
            scene
        }

        fn write(&mut self, from: u32, to: u32) {
            for n in from..to {
                let data = format!(r#"{{"message":"line {n}"}}"#);
                receive(&mut self.run_store, &[&frame(n, "run-1", Some("PLAN"), "info", &data)]);
            }
        }

        fn show(&mut self, ui: &mut Ui) {
            let zone = zone();
            let view = LogView { run_store: &self.run_store, run: self.run.as_ref(), zone: &zone };
            log_ui(ui, &view, &mut true, &mut self.state);
        }
    }

    fn shows(harness: &Harness<Scene>, line: &str) -> bool {
        harness.query_by_label_contains(line).is_some()
    }

    fn scroll(harness: &mut Harness<Scene>, by: f32) {
        harness.hover_at(pos2(250.0, 400.0));
        harness.event(Event::MouseWheel {
            unit: bevy_egui::egui::MouseWheelUnit::Point,
            delta: vec2(0.0, by),
            phase: bevy_egui::egui::TouchPhase::Move,
            modifiers: Default::default(),
        });
        harness.run_steps(20);
    }

    #[test]
    fn log_at_its_end_follows_new_lines() {
        let mut harness = harness(Scene::new(200), |ui, scene| scene.show(ui));
        assert!(shows(&harness, "line 199"));
        assert!(!shows(&harness, "line 100"));
        harness.state_mut().write(200, 300);
        harness.run_steps(3);
        assert!(shows(&harness, "line 299"));
        assert!(!shows(&harness, "jump to newest"));
    }

    #[test]
    fn scrolled_log_keeps_its_position() {
        let mut harness = harness(Scene::new(200), |ui, scene| scene.show(ui));
        scroll(&mut harness, 900.0);
        assert!(!shows(&harness, "line 199"));
        let offset = harness.state().state.offset;
        harness.state_mut().write(200, 215);
        harness.run_steps(3);
        assert_eq!(harness.state().state.offset, offset);
        harness.get_by_label("jump to newest (15 new)").click();
        harness.run_steps(6);
        assert!(shows(&harness, "line 214"));
        assert!(!shows(&harness, "jump to newest"));
    }

    #[test]
    fn paused_log_holds_back_new_lines() {
        let mut harness = harness(Scene::new(50), |ui, scene| scene.show(ui));
        harness.get_by_label("Pause").click();
        harness.run_steps(3);
        harness.state_mut().write(50, 60);
        harness.run_steps(3);
        assert!(!shows(&harness, "line 59"));
        assert!(shows(&harness, "10 waiting"));
        harness.get_by_label("Resume").click();
        harness.run_steps(6);
        assert!(shows(&harness, "line 59"));
    }

    #[test]
    fn unreadable_frame_has_a_line() {
        let mut scene = Scene::new(3);
        receive(&mut scene.run_store, &["{ not json"]);
        let mut harness = harness(scene, |ui, scene| scene.show(ui));
        harness.get_by_label_contains("unreadable").click();
        harness.run_steps(3);
        assert!(harness.state().state.opened.is_some());
    }

    #[test]
    fn click_opens_the_line_pressed_in_a_growing_log() {
        let mut harness = harness(Scene::new(100), |ui, scene| scene.show(ui));
        let place = harness.get_by_label_contains("line 90").rect().center();
        let button = |pressed| Event::PointerButton {
            pos: place,
            button: bevy_egui::egui::PointerButton::Primary,
            pressed,
            modifiers: Default::default(),
        };
        harness.hover_at(place);
        harness.step();
        harness.event(button(true));
        harness.step();
        harness.state_mut().write(100, 120);
        harness.step();
        harness.event(button(false));
        harness.run_steps(2);
        let opened = harness.state().state.opened.as_ref().map(|entry| entry.seq);
        assert_eq!(opened, Some(90));
    }
}
