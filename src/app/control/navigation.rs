//! Performs the actions that change the view, the shown run, and the panels around them.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use crate::app::state::actions::Action;
use crate::app::state::chrome::Chrome;
use crate::app::state::focus::{Focus, listed_runs};
use crate::app::state::hit::Pickable;
use crate::app::state::run_store::RunStore;
use crate::app::state::selection::Selection;
use crate::app::state::view::View;
use crate::app::state::viewport::Zoom;
use crate::app::systems::AppSystems;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_message::<Action>()
        .init_resource::<Chrome>()
        .init_resource::<Zoom>()
        .init_resource::<Selection>()
        .init_resource::<Pickable>()
        .add_systems(Update, apply_navigation_actions.in_set(AppSystems::Navigate));
}

/// State of the wall that actions change.
#[derive(SystemParam)]
struct OnWall<'w> {
    view: ResMut<'w, View>,
    selection: ResMut<'w, Selection>,
    pickable: Res<'w, Pickable>,
}

impl OnWall<'_> {
    fn select(&mut self, by: isize) {
        self.selection.0 = self.pickable.step(self.selection.0.as_ref(), by);
    }

    /// Returns the run that the user chose: selected on the wall, or kept on the stage.
    fn selected<'a>(&'a self, focus: &'a Focus) -> Option<&'a RunId> {
        match *self.view {
            View::Wall => self.selection.0.as_ref(),
            View::Stage { .. } => focus.run().filter(|_| !focus.is_following()),
        }
    }

    fn open(&mut self, run: RunId, focus: &mut Focus, zoom: &mut Zoom) {
        self.selection.0 = Some(run.clone());
        focus.pin(run);
        *self.view = View::Stage { from_wall: *self.view == View::Wall };
        *zoom = Zoom::default();
    }
}

fn apply_navigation_actions(
    mut actions: MessageReader<Action>,
    mut run_store: ResMut<RunStore>,
    mut focus: ResMut<Focus>,
    mut chrome: ResMut<Chrome>,
    mut zoom: ResMut<Zoom>,
    mut wall: OnWall,
) {
    for action in actions.read() {
        let on_wall = *wall.view == View::Wall;
        match action {
            Action::NextRun if on_wall => wall.select(1),
            Action::PreviousRun if on_wall => wall.select(-1),
            // The wall does not follow a run.
            Action::ToggleFollowing if on_wall => {}
            Action::ToggleFollowing => focus.toggle_following(),
            Action::NextRun => step(&mut focus, &run_store, 1),
            Action::PreviousRun => step(&mut focus, &run_store, -1),
            Action::ToggleWall => {
                *wall.view = wall.view.toggled();
                *zoom = Zoom::default();
            }
            Action::OpenSelected => {
                if let Some(run) = wall.selection.0.clone().filter(|_| on_wall) {
                    wall.open(run, &mut focus, &mut zoom);
                }
            }
            Action::Open(run) => wall.open(run.clone(), &mut focus, &mut zoom),
            Action::SelectRun(run) if on_wall => wall.open(run.clone(), &mut focus, &mut zoom),
            Action::SelectRun(run) => focus.pin(run.clone()),
            Action::Fit => *zoom = Zoom::default(),
            Action::MarkSeen(run) => {
                let is_failed = |run: &&Run| run.status == RunStatus::Failed;
                let chosen = run.clone().or_else(|| {
                    let selected = wall.selected(&focus)?;
                    let failed = run_store.model.run(selected).filter(is_failed)?;
                    Some(failed.id().clone())
                });
                let failed = match chosen {
                    Some(run) => vec![run],
                    None => {
                        let failed = run_store.model.runs().filter(is_failed);
                        failed.map(|run| run.id().clone()).collect()
                    }
                };
                failed.iter().for_each(|run| run_store.mark_seen(run));
            }
            Action::TogglePanel => chrome.panel = !chrome.panel,
            Action::ToggleFullscreen => chrome.fullscreen = !chrome.fullscreen,
            Action::ToggleHelp => chrome.help = !chrome.help,
            Action::Back if chrome.help => chrome.help = false,
            Action::Back if chrome.panel => chrome.panel = false,
            Action::Back if *wall.view == (View::Stage { from_wall: true }) => {
                *wall.view = View::Wall;
                *zoom = Zoom::default();
                focus.follow();
            }
            Action::Back if on_wall && wall.selection.0.is_some() => wall.selection.0 = None,
            Action::Back if chrome.fullscreen => chrome.fullscreen = false,
            Action::Back if on_wall => {}
            Action::Follow | Action::Back => focus.follow(),
            // Performed elsewhere: by the director, run operations, theme, toasts, connection and presenting.
            Action::ToggleAuto | Action::Auto => {}
            Action::Ask(..) | Action::Answer(_) => {}
            Action::NextTheme | Action::ChooseTheme(_) => {}
            Action::Dismiss(_) | Action::Present(_) => {}
            Action::Connect(_) | Action::Disconnect | Action::Reconnect => {}
            Action::OpenSource(_) | Action::ChooseFiles | Action::CancelOpening => {}
            Action::TellOpeningFailed(_) | Action::BackToStream | Action::ToggleRecording => {}
            Action::Configure(_) | Action::SkipPause => {}
        }
    }
}

/// Pins the run `by` places further down the list, without wrapping around.
fn step(focus: &mut Focus, run_store: &RunStore, by: isize) {
    let runs = listed_runs(run_store);
    let here = focus.run().and_then(|id| runs.iter().position(|run| run.id() == id));
    let there = match here {
        Some(here) => here.saturating_add_signed(by).min(runs.len().saturating_sub(1)),
        None => 0,
    };
    if let Some(run) = runs.get(there) {
        focus.pin(run.id().clone());
    }
}
