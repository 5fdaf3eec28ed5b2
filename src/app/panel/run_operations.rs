//! Section of the panel with the operations: on the run in focus, and starting a new one.

use bevy_egui::egui::{Label, RichText, Ui};

use super::style::{self, ink};
use super::widgets::{Offer, button_ui, section_ui};
use crate::app::control::run_operations::RunOperations;
use crate::app::state::actions::{Action, Obstacle, OperationKind};
use crate::app::state::status::run_status_words;
use crate::model::Run;
use crate::source::OperationRefusal;
use crate::text::sentence;

/// Inputs of the section.
pub(super) struct RunOperationsView<'a> {
    pub operations: &'a RunOperations,
    /// Run in focus.
    pub run: Option<&'a Run>,
    /// `Err` with the reason when no operation is possible now.
    pub acting: Result<(), OperationRefusal>,
}

/// Label of an operation's button: at rest, and while the operation is in progress.
fn words(kind: OperationKind) -> (&'static str, &'static str) {
    match kind {
        OperationKind::Start => ("Start a workflow…", "Starting…"),
        OperationKind::Cancel => ("Cancel…", "Cancelling…"),
        OperationKind::Retry => ("Retry…", "Retrying…"),
        OperationKind::Execute => ("Execute…", "Executing…"),
    }
}

pub(super) fn run_operations_ui(
    ui: &mut Ui,
    view: &RunOperationsView,
    open: &mut bool,
) -> Vec<Action> {
    let mut actions = Vec::new();
    section_ui(ui, open, "Actions", |_| {});
    if !*open {
        return actions;
    }
    ui.horizontal_wrapped(|ui| {
        if let Some(run) = view.run {
            let fitting = OperationKind::ON_A_RUN.into_iter().filter(|kind| {
                kind.fits(run) || view.operations.is_under_way(*kind, Some(run.id()))
            });
            for kind in fitting {
                operation_ui(ui, view, kind, Some(run), &mut actions);
            }
        }
        operation_ui(ui, view, OperationKind::Start, None, &mut actions);
    });
    let palette = style::palette(ui.ctx());
    let quiet = |ui: &mut Ui, words: &str| {
        let words = RichText::new(words).color(ink(palette.text_secondary));
        ui.add(Label::new(words).wrap());
    };
    match (view.acting, view.run) {
        (Err(reason), _) => quiet(ui, &sentence(&reason.to_string())),
        (Ok(()), Some(run)) if run.cancel_requested && !run.status.is_over() => {
            quiet(ui, &sentence(&Obstacle::BeingCancelled.to_string()));
        }
        (Ok(()), Some(run)) if !OperationKind::ON_A_RUN.into_iter().any(|kind| kind.fits(run)) => {
            let status = run_status_words(run.status);
            quiet(ui, &format!("There is no operation for a run that is {status}."));
        }
        _ => {}
    }
    actions
}

fn operation_ui(
    ui: &mut Ui,
    view: &RunOperationsView,
    kind: OperationKind,
    run: Option<&Run>,
    actions: &mut Vec<Action>,
) {
    let run = run.map(Run::id);
    let under_way = view.operations.is_under_way(kind, run);
    let (says, doing) = words(kind);
    let is_open = view.acting.is_ok() && !under_way;
    let offer = if is_open { Offer::Plain } else { Offer::Disabled };
    let response = button_ui(ui, if under_way { doing } else { says }, offer, 112.0);
    if response.clicked() {
        actions.push(Action::Ask(kind, run.cloned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, harness, run_store};
    use crate::app::state::run_store::RunStore;
    use egui_kittest::kittest::{NodeT, Queryable};

    struct Scene {
        run_store: RunStore,
        operations: RunOperations,
        acting: Result<(), OperationRefusal>,
        actions: Vec<Action>,
    }

    impl Scene {
        fn new(phases: &[&str]) -> Self {
            let frames: Vec<String> =
                (0..).zip(phases).map(|(at, phase)| frame(at, "r", None, phase, "{}")).collect();
            let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
            let (operations, actions) = (RunOperations::new(true), Vec::new());
            Self { run_store: run_store(&frames), operations, acting: Ok(()), actions }
        }

        fn show(&mut self, ui: &mut Ui) {
            let run = self.run_store.model.run("r");
            let view = RunOperationsView { operations: &self.operations, run, acting: self.acting };
            self.actions.extend(run_operations_ui(ui, &view, &mut true));
        }
    }

    #[test]
    fn only_operations_that_fit_the_run_are_offered() {
        for (phases, offered) in [
            (&["info"][..], &["Execute…", "Cancel…"][..]),
            (&["start"], &["Cancel…"]),
            (&["start", "end"], &[]),
            (&["start", "fail"], &["Retry…"]),
        ] {
            let harness = harness(Scene::new(phases), |ui, scene| scene.show(ui));
            for words in ["Execute…", "Retry…", "Cancel…"] {
                let there = harness.query_by_label(words).is_some();
                assert_eq!(there, offered.contains(&words), "{phases:?}: {words}");
            }
            assert!(harness.query_by_label("Start a workflow…").is_some());
        }
    }

    #[test]
    fn click_on_an_operation_asks_for_confirmation() {
        let mut harness = harness(Scene::new(&["start"]), |ui, scene| scene.show(ui));
        harness.get_by_label("Cancel…").click();
        harness.run();
        harness.get_by_label("Start a workflow…").click();
        harness.run();
        let expected = [
            Action::Ask(OperationKind::Cancel, Some("r".into())),
            Action::Ask(OperationKind::Start, None),
        ];
        assert_eq!(harness.state().actions, expected);
    }

    #[test]
    fn disabled_operations_show_the_reason() {
        let mut scene = Scene::new(&["start"]);
        scene.acting = Err(OperationRefusal::HubForbids);
        let mut harness = harness(scene, |ui, scene| scene.show(ui));
        assert!(harness.query_by_label("This hub does not allow actions on runs.").is_some());
        for words in ["Cancel…", "Start a workflow…"] {
            assert!(harness.get_by_label(words).accesskit_node().is_disabled(), "{words}");
            harness.get_by_label(words).click();
            harness.run();
        }
        assert!(harness.state().actions.is_empty());
    }
}
