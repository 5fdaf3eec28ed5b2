//! Performs the actions that change the view, the shown run, and the panels around them.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use super::history::OnHistory;
use super::run_operations::shown;
use super::transport;
use crate::app::draw::DrawClock;
use crate::app::state::actions::Action;
use crate::app::state::chrome::Chrome;
use crate::app::state::desk::{ControlsScale, Desk};
use crate::app::state::dock::PanelDock;
use crate::app::state::focus::{Focus, listed_runs};
use crate::app::state::hit::Pickable;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::presence::Presence;
use crate::app::state::run_store::RunStore;
use crate::app::state::selection::Selection;
use crate::app::state::timeline::{Against, TimelineState};
use crate::app::state::view::{TimelineMode, View};
use crate::app::state::viewport::Zoom;
use crate::app::systems::AppSystems;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;

/// Time without a user after which the desk gives way to the view before, in seconds.
const DESK_STAYS_SECS: f64 = 120.0;

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_message::<Action>()
        .init_resource::<Chrome>()
        .init_resource::<Zoom>()
        .init_resource::<Selection>()
        .init_resource::<Pickable>()
        .init_resource::<TimelineState>()
        .init_resource::<Desk>()
        .init_resource::<ControlsScale>()
        .init_resource::<PanelDock>()
        .add_systems(
            Update,
            (
                apply_navigation_actions,
                leave_desk_unattended,
                transport::apply,
                transport::return_to_live,
            )
                .chain()
                .in_set(AppSystems::Navigate),
        );
    transport::add_inputs(app);
}

/// State of the wall that actions change.
#[derive(SystemParam)]
struct OnWall<'w> {
    view: ResMut<'w, View>,
    selection: ResMut<'w, Selection>,
    pickable: Res<'w, Pickable>,
    timeline: ResMut<'w, TimelineState>,
}

impl OnWall<'_> {
    fn select(&mut self, by: isize) {
        self.selection.0 = self.pickable.step(self.selection.0.as_ref(), by);
    }

    /// Returns the run that the user chose: selected on the wall, or kept on the stage.
    fn selected<'a>(&'a self, focus: &'a Focus) -> Option<&'a RunId> {
        match *self.view {
            view if view.is_of_all_runs() => self.selection.0.as_ref(),
            _ => focus.run().filter(|_| !focus.is_following()),
        }
    }

    /// True when a cell of the timeline is selected, or a run among all runs on it.
    fn has_choice(&self) -> bool {
        let of_all = self.view.is_of_all_runs() && self.selection.0.is_some();
        self.timeline.selected.is_some() || of_all
    }

    fn open(&mut self, run: RunId, focus: &mut Focus, zoom: &mut Zoom) {
        self.selection.0 = Some(run.clone());
        focus.pin(run);
        *self.view = match *self.view {
            View::Timeline { mode: TimelineMode::AllRuns, .. } => {
                View::Timeline { mode: TimelineMode::Run, from_wall: true }
            }
            View::Timeline { from_wall, .. } => View::Stage { from_wall },
            view => {
                View::Stage { from_wall: matches!(view, View::Wall | View::History | View::Desk) }
            }
        };
        *zoom = Zoom::default();
    }

    /// Compares the run in focus, or of all runs the selected one, with another one.
    fn race(&mut self, focus: &mut Focus, run_store: &RunStore) {
        use TimelineMode::{AllRuns, Race, Run};
        let View::Timeline { mode, from_wall } = *self.view else {
            let from_wall = self.view.is_about_all();
            if let Some(run) = self.selection.0.clone().filter(|_| self.view.is_of_all_runs()) {
                focus.pin(run);
            }
            self.timeline.against = Against::default();
            *self.view = View::Timeline { mode: Race, from_wall };
            self.timeline.fit();
            return;
        };
        let timeline = |mode, from_wall| View::Timeline { mode, from_wall };
        *self.view = match mode {
            AllRuns => {
                if let Some(run) = self.selection.0.clone() {
                    focus.pin(run);
                }
                self.timeline.against = Against::default();
                timeline(Race, true)
            }
            Run => {
                self.timeline.against = Against::default();
                timeline(Race, from_wall)
            }
            Race => {
                let run = focus.run().and_then(|id| run_store.model.run(id));
                let before = run.and_then(|run| run_store.attempt_before(run));
                let success = run.and_then(|run| run_store.last_success(run));
                let is_other =
                    before.is_some() && before.map(|run| run.id()) != success.map(|run| run.id());
                if self.timeline.against == Against::LastSuccess && is_other {
                    self.timeline.against = Against::AttemptBefore;
                    return;
                }
                timeline(Run, from_wall)
            }
        };
        self.timeline.fit();
    }

    /// Races against the run so many places further down the list.
    fn choose_opponent(&mut self, focus: &Focus, run_store: &RunStore, by: isize) {
        let is_race = matches!(*self.view, View::Timeline { mode: TimelineMode::Race, .. });
        let run = focus.run().and_then(|id| run_store.model.run(id)).filter(|_| is_race);
        if let Some(run) = run {
            self.timeline.against = self.timeline.against.moved_on(run, run_store, by);
            self.timeline.fit();
        }
    }
}

/// Goes back from a desk that was opened by hand when nobody has been present for long.
fn leave_desk_unattended(
    presence: Option<Res<Presence>>,
    clock: Option<Res<DrawClock>>,
    mut view: ResMut<View>,
    (mut desk, mut focus): (ResMut<Desk>, ResMut<Focus>),
    mut next: ResMut<NextFrame>,
    mut since: Local<Option<f64>>,
) {
    let is_away = presence.is_some_and(|presence| presence.hides_panel());
    let Some(now) = clock.filter(|_| is_away && *view == View::Desk && desk.is_opened_by_hand())
    else {
        *since = None;
        return;
    };
    let left_secs = DESK_STAYS_SECS + *since.get_or_insert(now.secs) - now.secs;
    if left_secs > 0.0 {
        next.within_secs(left_secs);
    } else {
        desk.toggle(&mut view, &mut focus);
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it changes")]
fn apply_navigation_actions(
    mut actions: MessageReader<Action>,
    mut run_store: ResMut<RunStore>,
    mut focus: ResMut<Focus>,
    mut chrome: ResMut<Chrome>,
    mut zoom: ResMut<Zoom>,
    mut wall: OnWall,
    mut history: OnHistory,
    (mut desk, mut scale, mut dock): (ResMut<Desk>, ResMut<ControlsScale>, ResMut<PanelDock>),
) {
    for action in actions.read() {
        let on_wall = wall.view.is_of_all_runs();
        let on_timeline = matches!(*wall.view, View::Timeline { .. });
        let on_history = *wall.view == View::History;
        let on_desk = *wall.view == View::Desk;
        match action {
            Action::ToggleHistory => {
                history.toggle(&mut wall.view);
                *zoom = Zoom::default();
            }
            Action::ShowPeriod(period) => {
                if !on_history {
                    history.toggle(&mut wall.view);
                    *zoom = Zoom::default();
                }
                history.show_period(*period);
            }
            Action::ToggleDesk => {
                desk.toggle(&mut wall.view, &mut focus);
                *zoom = Zoom::default();
            }
            Action::SearchRuns => {
                if !on_desk {
                    desk.toggle(&mut wall.view, &mut focus);
                }
                desk.wants_search = true;
            }
            Action::TogglePalette => chrome.palette = !chrome.palette,
            Action::ToggleSettings => chrome.settings = !chrome.settings,
            Action::ShowSetting(_) => chrome.settings = true,
            Action::ExportRuns(form) => {
                if !on_desk {
                    desk.toggle(&mut wall.view, &mut focus);
                }
                desk.wants_export = Some(*form);
            }
            Action::CopyRun => {
                desk.wants_copy = shown(*wall.view, &focus, &wall.selection);
            }
            Action::SelectLastSuccess => {
                let run = shown(*wall.view, &focus, &wall.selection);
                let run = run.and_then(|id| run_store.model.run(&id));
                if let Some(success) = run.and_then(|run| run_store.last_success(run)) {
                    let success = success.id().clone();
                    match on_wall || on_history {
                        true => wall.open(success, &mut focus, &mut zoom),
                        false => {
                            focus.pin(success);
                            desk.chose();
                        }
                    }
                }
            }
            Action::ScaleControls(steps) => scale.step(*steps),
            Action::ResetControlsScale => *scale = ControlsScale::default(),
            Action::ShowStage => {
                let from_wall = wall.view.is_about_all();
                if let Some(run) = wall.selection.0.clone().filter(|_| on_wall) {
                    focus.pin(run);
                }
                *wall.view = View::Stage { from_wall };
                *zoom = Zoom::default();
            }
            Action::ZoomTime(steps) if on_history => history.change_period(*steps),
            Action::ChoosePart(by) if on_history => history.choose_part(*by),
            Action::ChooseRow(by) if on_history => history.choose_row(*by),
            Action::ChoosePart(_) | Action::ChooseRow(_) => {}
            Action::NextRun if on_history => history.choose_row(1),
            Action::PreviousRun if on_history => history.choose_row(-1),
            Action::ToggleFollowing if on_history => {}
            Action::OpenSelected if on_history => {
                if let Some(run) = history.open(&run_store) {
                    wall.open(run, &mut focus, &mut zoom);
                }
            }
            Action::Back if run_store.asking().is_some() => run_store.cancel_asking(),
            Action::Back if chrome.palette => chrome.palette = false,
            Action::Back if chrome.settings => chrome.settings = false,
            Action::Back if on_desk && !chrome.help => desk.toggle(&mut wall.view, &mut focus),
            Action::Back if on_history && !chrome.help && !chrome.panel => {
                if !history.unchoose() {
                    history.toggle(&mut wall.view);
                    *zoom = Zoom::default();
                }
            }
            Action::NextRun if on_wall => wall.select(1),
            Action::PreviousRun if on_wall => wall.select(-1),
            Action::NextOpponent => wall.choose_opponent(&focus, &run_store, 1),
            Action::PreviousOpponent => wall.choose_opponent(&focus, &run_store, -1),
            // The wall does not follow a run.
            Action::ToggleFollowing if on_wall => {}
            Action::ToggleFollowing => {
                focus.toggle_following();
                desk.chose();
            }
            Action::NextRun if on_desk => desk.wants_step += 1,
            Action::PreviousRun if on_desk => desk.wants_step -= 1,
            Action::NextRun | Action::PreviousRun => {
                step(&mut focus, &run_store, if *action == Action::NextRun { 1 } else { -1 });
            }
            Action::ToggleWall | Action::ToggleTimeline => {
                *wall.view = match action {
                    Action::ToggleWall => wall.view.toggled(),
                    _ => wall.view.with_timeline_toggled(),
                };
                wall.timeline.fit();
                *zoom = Zoom::default();
            }
            Action::OpenSelected => {
                let chosen = match on_wall {
                    true => wall.selection.0.clone(),
                    // From its timeline, and from the desk, a run is opened on the stage.
                    false => focus.run().cloned().filter(|_| on_timeline || on_desk),
                };
                if let Some(run) = chosen {
                    wall.open(run, &mut focus, &mut zoom);
                }
            }
            Action::Open(run) => wall.open(run.clone(), &mut focus, &mut zoom),
            Action::SelectRun(run) if on_wall || on_history => {
                wall.open(run.clone(), &mut focus, &mut zoom)
            }
            Action::SelectRun(run) => {
                focus.pin(run.clone());
                desk.chose();
            }
            Action::Fit if on_timeline => wall.timeline.fit(),
            Action::Fit => *zoom = Zoom::default(),
            // Refused where `transport` says so.
            Action::MarkSeen(_) if run_store.is_rewound() => {}
            Action::Race if on_desk => desk.is_comparing ^= true,
            Action::Race => wall.race(&mut focus, &run_store),
            Action::ZoomTime(steps) if on_timeline => wall.timeline.zoom_by(*steps),
            Action::ZoomTime(_) => {}
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
            Action::TogglePanel if on_desk => {
                desk.toggle(&mut wall.view, &mut focus);
                chrome.panel = true;
            }
            Action::MovePanel | Action::DockPanel(_) => {
                dock.side = match action {
                    Action::DockPanel(side) => *side,
                    _ => dock.side.next(),
                };
                if on_desk {
                    desk.toggle(&mut wall.view, &mut focus);
                }
                chrome.panel = true;
            }
            Action::TogglePanel => chrome.panel = !chrome.panel,
            Action::ToggleFullscreen => chrome.fullscreen = !chrome.fullscreen,
            Action::ToggleHelp => chrome.help = !chrome.help,
            Action::Back if chrome.help => chrome.help = false,
            Action::Back if chrome.panel => chrome.panel = false,
            Action::Back if on_timeline && wall.has_choice() => {
                wall.timeline.selected = None;
                wall.selection.0 = None;
            }
            Action::Back if on_timeline => {
                use TimelineMode::{AllRuns, Race, Run};
                *wall.view = match *wall.view {
                    View::Timeline { mode: Race, from_wall } => {
                        View::Timeline { mode: Run, from_wall }
                    }
                    View::Timeline { mode: Run, from_wall: true } => {
                        View::Timeline { mode: AllRuns, from_wall: false }
                    }
                    view => view.with_timeline_toggled(),
                };
                wall.timeline.fit();
            }
            Action::Back if *wall.view == (View::Stage { from_wall: true }) => {
                *wall.view = View::Wall;
                *zoom = Zoom::default();
                focus.follow();
            }
            Action::Back if on_wall && wall.selection.0.is_some() => wall.selection.0 = None,
            Action::Back if chrome.fullscreen => chrome.fullscreen = false,
            Action::Back if on_wall => {}
            Action::Follow | Action::Back => focus.follow(),
            // Performed elsewhere: by settings, the director, run operations, theme, toasts, connection, presenting
            // and transport.
            Action::Time(_) => {}
            Action::ToggleAuto | Action::Auto => {}
            Action::Ask(..) | Action::Answer(_) => {}
            Action::NextTheme | Action::ChooseTheme(_) => {}
            Action::Dismiss(_) | Action::Present(_) => {}
            Action::Connect(_) | Action::Disconnect | Action::Reconnect => {}
            Action::OpenSource(_) | Action::ChooseFiles | Action::CancelOpening => {}
            Action::TellOpeningFailed(_) | Action::BackToStream | Action::ToggleRecording => {}
            Action::Configure(_) | Action::SkipPause | Action::SaveFile { .. } => {}
            Action::ChangeSetting(..) | Action::UndoSetting => {}
            Action::ReadSettings | Action::ChooseProfile(_) => {}
            Action::NameSource(..) | Action::ForgetSource(_) | Action::TestAddress(_) => {}
        }
        if on_desk && *wall.view != View::Desk {
            let is_opened = matches!(action, Action::Open(_) | Action::OpenSelected);
            desk.left(&mut focus, !is_opened);
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
