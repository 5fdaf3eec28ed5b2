//! Tests of the whole panel.

mod docking;

use super::sections::stacked_ui;
use super::testing::{frame, harness, receive, run_store, zone};
use super::*;
use crate::app::overlays::notices::Notice;
use crate::config::{Settings, ThemeName};
use crate::source::{OperationOutcome, RunOperation, SourceSpec};
use bevy_egui::egui::Ui;
use egui_kittest::kittest::{NodeT, Queryable};
use jiff::Timestamp;

struct Scene {
    run_store: RunStore,
    link: Link,
    focus: Focus,
    state: PanelState,
    actions: Vec<Action>,
    share: Option<String>,
    operations: RunOperations,
    notices: Notices,
    dock: PanelDock,
}

impl Scene {
    fn new() -> Self {
        Self {
            run_store: run_store(&[]),
            link: Link::new(&Settings::default(), Some(SourceSpec::Demo)),
            focus: Focus::default(),
            state: PanelState::default(),
            actions: Vec::new(),
            share: None,
            operations: RunOperations::default(),
            notices: Notices::default(),
            dock: PanelDock::default(),
        }
    }

    fn show(&mut self, ui: &mut Ui) {
        self.show_with(|view, notices, state| stacked_ui(ui, view, notices, state));
    }

    /// Calls a function that shows the panel or a part of it, and takes the actions that it returns.
    fn show_with(
        &mut self,
        show: impl FnOnce(&PanelView, &mut Notices, &mut PanelState) -> Vec<Action>,
    ) {
        let now = "2025-11-13T10:01:00Z".parse().unwrap();
        let view = PanelView {
            run_store: &self.run_store,
            link: &self.link,
            stream: None,
            recent: &RecentSources::default(),
            being_opened: &BeingOpened::default(),
            recording: None,
            focus: &self.focus,
            live_now: now,
            now,
            server_now: now,
            zone: &zone(),
            share: self.share.as_deref(),
            theme: ThemeName::Dark,
            side: self.dock.side,
            operations: &self.operations,
            sleep_warning: None,
        };
        self.actions.extend(show(&view, &mut self.notices, &mut self.state));
    }
}

#[test]
fn panel_without_runs_says_what_it_waits_for() {
    let mut harness = harness(Scene::new(), |ui, scene| scene.show(ui));
    for words in ["Disconnected", "No runs yet.", "Waiting for the first run."] {
        assert!(harness.query_by_label(words).is_some(), "{words}");
    }
    assert!(harness.query_by_label("Nothing received yet.").is_some());
    harness.get_by_label("Hide the panel").click();
    harness.run();
    assert_eq!(harness.state().actions, [Action::TogglePanel]);
}

#[test]
fn click_on_a_theme_chooses_it() {
    let mut harness = harness(Scene::new(), |ui, scene| scene.show(ui));
    harness.get_by_label("light").click();
    harness.run();
    assert_eq!(harness.state().actions, [Action::ChooseTheme(ThemeName::Light)]);
}

#[test]
fn copy_link_button_needs_a_share_link() {
    let label = "Copy the address of a page with this view";
    let mut scene = Scene::new();
    let harness_without = harness(Scene::new(), |ui, scene| scene.show(ui));
    assert!(harness_without.query_by_label(label).is_none());
    scene.share = Some("http://studio/?panel=yes".to_owned());
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    harness.get_by_label(label).click();
    harness.step();
    let copied = harness.output().platform_output.commands.iter().any(|command| {
        matches!(command, egui::OutputCommand::CopyText(text) if text == "http://studio/?panel=yes")
    });
    assert!(copied);
}

#[test]
fn click_on_a_title_folds_the_section() {
    let mut harness = harness(Scene::new(), |ui, scene| scene.show(ui));
    harness.get_by_label("Runs").click();
    harness.run();
    assert!(harness.query_by_label("No runs yet.").is_none());
    assert!(!harness.state().state.unfolded.runs);
}

#[test]
fn many_runs_create_only_the_visible_widgets() {
    let mut scene = Scene::new();
    for block in 0..100 {
        let frames: Vec<String> = (0..100)
            .map(|n| frame(block, &format!("run-{block}-{n}"), None, "start", "{}"))
            .collect();
        receive(&mut scene.run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    harness.run_steps(2);
    let widgets = harness.root().children_recursive().count();
    assert!(widgets < 300, "{widgets} widgets");
}

#[test]
fn unread_notices_are_counted_until_the_section_opens() {
    let mut scene = Scene::new();
    let refusal = |run: &str| {
        let outcome = OperationOutcome {
            operation: RunOperation::Cancel(run.into()),
            result: Err("Run not found".to_owned()),
        };
        Notice::of_operation(outcome, format!("Song {run}"), Timestamp::UNIX_EPOCH)
    };
    scene.notices.keep(refusal("a"));
    scene.notices.keep(refusal("b"));
    let mut harness = harness(scene, |ui, scene| scene.show(ui));
    assert!(harness.query_by_label_contains("Run not found").is_none(), "folded");
    harness.get_by_label("Show the notices, 2 new").click();
    harness.run();
    assert_eq!(harness.state().notices.unread(), 0);
    assert!(harness.query_by_label_contains("2 new").is_none());
    // The newest notice is first, and opens its run.
    let rows: Vec<_> = harness.query_all_by_label_contains("Run not found").collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].accesskit_node().label().unwrap().contains("Song b"));
    rows[0].click();
    harness.run();
    assert_eq!(harness.state().actions, [Action::SelectRun("b".into())]);
}
