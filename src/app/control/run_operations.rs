//! What a user may do to runs, where that is allowed: asked for by a key or in the panel, confirmed
//! in a dialog, handed to the source, and under way until it says what became of it.

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

/// What is asked, and what is under way.
#[derive(Resource, Clone, Debug, Default)]
pub struct RunOperations {
    /// Whoever started the program let runs be acted on. Else nothing of it can be seen.
    pub allowed: bool,
    /// The question that stands.
    pub dialog: Option<ConfirmDialog>,
    under_way: Vec<RunOperation>,
    /// A run that was made here, to be shown as soon as it is known.
    made: Option<RunId>,
}

impl RunOperations {
    pub fn new(allowed: bool) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// What the source has not answered yet.
    pub fn under_way(&self) -> &[RunOperation] {
        &self.under_way
    }

    /// Whether it is being done to this run already.
    pub fn is_under_way(&self, kind: OperationKind, run: Option<&RunId>) -> bool {
        self.under_way
            .iter()
            .any(|operation| OperationKind::of(operation) == kind && operation.run() == run)
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<RunOperations>()
        .add_systems(Update, (carry_out, show_created_run).chain().in_set(AppSystems::Operate));
}

/// What the user looks at.
fn shown(view: View, focus: &Focus, selection: &Selection) -> Option<RunId> {
    match view {
        View::Wall => selection.0.clone(),
        View::Stage { .. } => focus.run().cloned(),
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn carry_out(
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
    // Nobody is there to answer, and the wall is a wall again.
    if presence.is_some_and(|presence| presence.away) && operations.dialog.is_some() {
        operations.dialog = None;
    }
}

/// The question, where it makes sense to ask it.
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

/// Whoever makes a run wants to see it, unless he looks at all of them.
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
        && *view != View::Wall
    {
        focus.pin(run);
    }
}
