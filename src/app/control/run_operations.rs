//! Run operations, where they are allowed: requested by key or panel, confirmed in a dialog, sent
//! to the source, and pending until the source reports the outcome.

use bevy::prelude::*;

use super::confirmation::ConfirmDialog;
use crate::app::state::actions::{Action, OperationKind};
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::presence::Presence;
use crate::app::state::run_store::{OperationFinished, RunStore};
use crate::app::state::selection::Selection;
use crate::app::state::view::View;
use crate::app::systems::AppSystems;
use crate::model::Run;
use crate::protocol::RunId;
use crate::source::RunOperation;

/// The open confirmation dialog and the pending operations.
#[derive(Resource, Clone, Debug, Default)]
pub struct RunOperations {
    /// True when the settings allow run operations, or the runs are those of the demo studio;
    /// otherwise the UI offers none.
    pub allowed: bool,
    allowed_by_settings: bool,
    /// The open confirmation dialog.
    pub dialog: Option<ConfirmDialog>,
    under_way: Vec<RunOperation>,
    /// Id of a run created here, to be shown as soon as the model has it.
    made: Option<RunId>,
}

impl RunOperations {
    pub fn new(allowed: bool) -> Self {
        Self { allowed, allowed_by_settings: allowed, ..Self::default() }
    }

    /// Forgets what was asked of a source, because another one begins.
    pub(super) fn forget(&mut self) {
        let (allowed, allowed_by_settings) = (self.allowed, self.allowed_by_settings);
        *self = Self { allowed, allowed_by_settings, ..Self::default() };
    }

    /// Returns the operations whose outcome is not known yet.
    pub fn under_way(&self) -> &[RunOperation] {
        &self.under_way
    }

    /// True when an operation of this kind is pending for the run (`None`: for no existing run).
    pub fn is_under_way(&self, kind: OperationKind, run: Option<&RunId>) -> bool {
        self.under_way
            .iter()
            .any(|operation| OperationKind::of(operation) == kind && operation.run() == run)
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<RunOperations>().add_systems(
        Update,
        (handle_operations, show_created_run).chain().in_set(AppSystems::Operate),
    );
}

/// Returns the run that the user looks at.
pub(super) fn shown(view: View, focus: &Focus, selection: &Selection) -> Option<RunId> {
    match view {
        view if view.is_of_all_runs() => selection.0.clone(),
        View::History => None,
        _ => focus.run().cloned(),
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn handle_operations(
    mut asked: MessageReader<Action>,
    mut finished: MessageReader<OperationFinished>,
    mut operations: ResMut<RunOperations>,
    link: Res<Link>,
    run_store: Res<RunStore>,
    focus: Res<Focus>,
    selection: Res<Selection>,
    view: Res<View>,
    presence: Option<Res<Presence>>,
) {
    let allowed = operations.allowed_by_settings || link.is_harmless();
    if operations.allowed != allowed {
        operations.allowed = allowed;
        operations.dialog = None;
    }
    for OperationFinished(outcome) in finished.read() {
        operations.under_way.retain(|operation| *operation != outcome.operation);
        if let (RunOperation::Start { .. } | RunOperation::Retry(_), Ok(done)) =
            (&outcome.operation, &outcome.result)
        {
            operations.made.clone_from(&done.run);
        }
    }
    for action in asked.read() {
        if !operations.allowed {
            continue;
        }
        match action {
            // Refused where `transport` says so: what is shown may no longer be so.
            Action::Ask(..) | Action::Answer(Some(_)) if run_store.is_rewound() => {
                operations.dialog = None;
            }
            Action::Ask(kind, run) if operations.dialog.is_none() && link.acting().is_ok() => {
                let run = run.clone().or_else(|| shown(*view, &focus, &selection));
                operations.dialog = ask(*kind, run.as_ref().and_then(|id| run_store.model.run(id)));
                let under_way = operations.dialog.as_ref().is_some_and(|dialog| {
                    operations.is_under_way(dialog.kind, dialog.run.as_ref())
                });
                if under_way {
                    operations.dialog = None;
                }
            }
            Action::Answer(None) => operations.dialog = None,
            Action::Answer(Some(operation)) => {
                let asked_for = operations.dialog.take().is_some();
                if asked_for && !operations.under_way.contains(operation) {
                    operations.under_way.push(operation.clone());
                    link.operate(operation.clone());
                }
            }
            _ => {}
        }
    }
    // Nobody is present to answer, and the dialog must not stay over the wall.
    if presence.is_some_and(|presence| presence.away) && operations.dialog.is_some() {
        operations.dialog = None;
    }
}

/// Returns the confirmation dialog, or `None` when the operation does not apply to the run.
fn ask(kind: OperationKind, run: Option<&Run>) -> Option<ConfirmDialog> {
    let dialog = |run: Option<RunId>, song_id: String| {
        Some(ConfirmDialog { kind, run, song_id, seed: None })
    };
    match (kind, run) {
        (OperationKind::Start, run) => {
            let song_id = run.and_then(|run| run.song_id.as_deref()).unwrap_or_default();
            dialog(None, song_id.to_owned())
        }
        (kind, Some(run)) if kind.fits(run) => dialog(Some(run.id().clone()), String::new()),
        _ => None,
    }
}

/// Shows a run created by the user as soon as it is known, except while the wall is shown.
fn show_created_run(
    mut operations: ResMut<RunOperations>,
    run_store: Res<RunStore>,
    view: Res<View>,
    mut focus: ResMut<Focus>,
) {
    let known = operations.made.as_ref().is_some_and(|run| run_store.model.run(run).is_some());
    if !known {
        return;
    }
    if let Some(run) = operations.made.take()
        && !view.is_about_all()
    {
        focus.pin(run);
    }
}
