//! Tests of the table as a whole, through labels, keyboard and mouse.

mod held;
mod keyboard;
mod shown;
mod sorted;
mod speed;

use bevy_egui::egui::{Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use jiff::Timestamp;

use super::order::{Hold, Request, RunOrder, Sorting};
use super::search::Needle;
use super::state::Scroll;
use super::*;
use crate::app::panel::style::install_style;
use crate::app::panel::testing::{frame, receive, run_store, zone};
use crate::app::state::focus::Focus;
use crate::app::state::run_store::RunStore;
use crate::app::theme::Theme;
use crate::model::RunStatus;

/// Table over a run store, with what it asked for.
struct Scene {
    run_store: RunStore,
    focus: Focus,
    state: RunsTableState,
    actions: Vec<Action>,
    now: Timestamp,
    is_offline: bool,
    is_narrow: bool,
    /// True when a selection changes the focus, as the application does.
    selects: bool,
    theme: Theme,
}

impl Scene {
    fn new(frames: &[String]) -> Self {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        Self {
            run_store: run_store(&frames),
            focus: Focus::default(),
            state: RunsTableState::default(),
            actions: Vec::new(),
            now: "2025-11-13T10:30:00Z".parse().unwrap(),
            is_offline: false,
            is_narrow: false,
            selects: true,
            theme: Theme::default(),
        }
    }

    fn receive(&mut self, frames: &[String]) {
        receive(&mut self.run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn show(&mut self, ui: &mut Ui) {
        let view = RunsTableView {
            run_store: &self.run_store,
            focus: &self.focus,
            now: self.now,
            server_now: self.now,
            zone: &zone(),
            is_offline: self.is_offline,
            is_narrow: self.is_narrow,
        };
        let actions = runs_table_ui(ui, &view, &mut self.state);
        for action in &actions {
            if let Action::SelectRun(run) = action
                && self.selects
            {
                self.focus.pin(run.clone());
            }
        }
        self.actions.extend(actions);
    }

    /// Shows the table in a window; each step takes a quarter of a second.
    fn harness<'a>(self, width: f32, height: f32) -> Harness<'a, Self> {
        self.harness_with(width, height, 0.25)
    }

    /// Shows the table in a window, with steps of so many seconds.
    fn harness_with<'a>(self, width: f32, height: f32, step_secs: f32) -> Harness<'a, Self> {
        let mut harness = Harness::builder()
            .with_size(vec2(width, height))
            .with_step_dt(step_secs)
            .with_max_steps(40)
            .build_ui_state(
                |ui, scene: &mut Self| {
                    if install_style(ui.ctx(), scene.theme) {
                        scene.show(ui);
                    }
                },
                self,
            );
        harness.run_steps(3);
        harness
    }
}

/// Start of a run of a song, `second` seconds after 10:00.
fn start(second: u32, run: &str, title: &str) -> String {
    let data = format!(r#"{{"song_title":"{title}","song_id":"song {title}"}}"#);
    frame(second, run, None, "start", &data)
}

fn end(second: u32, run: &str, phase: &str) -> String {
    frame(second, run, None, phase, r#"{"error":"quota exceeded"}"#)
}

fn node(second: u32, run: &str, name: &str, phase: &str) -> String {
    frame(second, run, Some(name), phase, "{}")
}

/// Message of a run, such as that it was created or cancelled.
fn said(second: u32, run: &str, message: &str) -> String {
    frame(second, run, None, "info", &format!(r#"{{"message":"{message}"}}"#))
}

/// Creation of a run that waits for its start.
fn created(second: u32, run: &str, title: &str) -> String {
    let data = format!(r#"{{"message":"Workflow run created","song_title":"{title}"}}"#);
    frame(second, run, None, "info", &data)
}

/// Runs of four songs in every state: Amber (failed, then running), Birch (finished), Cedar (cancelled),
/// Dune (queued).
fn four_songs() -> Vec<String> {
    vec![
        start(0, "run-a1", "Amber"),
        node(1, "run-a1", "PLAN", "start"),
        node(5, "run-a1", "PLAN", "fail"),
        end(6, "run-a1", "fail"),
        start(10, "run-b", "Birch"),
        end(130, "run-b", "end"),
        start(20, "run-c", "Cedar"),
        node(21, "run-c", "LYRICS", "start"),
        said(40, "run-c", "Workflow run cancelled"),
        start(60, "run-a2", "Amber"),
        node(61, "run-a2", "COMPOSE", "start"),
        created(70, "run-d", "Dune"),
    ]
}

/// Ids of the listed runs.
fn listed(harness: &Harness<Scene>) -> Vec<String> {
    harness.state().state.listed().iter().map(ToString::to_string).collect()
}

/// True when the label of a row begins with these words.
fn has_row(harness: &Harness<Scene>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// Label of the widget that has the keyboard focus.
fn focused_label(harness: &Harness<Scene>) -> Option<String> {
    let node = harness.root().children_recursive().find(|node| node.is_focused())?;
    node.accesskit_node().label()
}
