//! The history: its period, what is chosen in it by key and pointer, and the runs behind that.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use jiff::Timestamp;

use super::presses::{CLICK_PX, pointer_on_controls};
use super::transport::Refusals;
use crate::app::draw::Canvas;
use crate::app::state::auto::Auto;
use crate::app::state::history::{Chosen, HistoryAreas, HistoryData, HistoryState, PERIODS};
use crate::app::state::run_store::RunStore;
use crate::app::state::view::{View, on_history};
use crate::app::systems::AppSystems;
use crate::history::{Cause, Last, Summary};
use crate::model::{FailureCause, Run, RunStatus};
use crate::protocol::RunId;

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<HistoryState>().init_resource::<HistoryAreas>().add_systems(
        Update,
        (begin_unattended, (point, choose).chain().run_if(not(pointer_on_controls)))
            .chain()
            .in_set(AppSystems::Zoom)
            .run_if(on_history),
    );
}

/// State of the history that actions change.
#[derive(SystemParam)]
pub(super) struct OnHistory<'w> {
    state: ResMut<'w, HistoryState>,
    data: ResMut<'w, HistoryData>,
    areas: Res<'w, HistoryAreas>,
    refusals: ResMut<'w, Refusals>,
}

impl OnHistory<'_> {
    /// Opens the history, or goes back to the view that it was opened from.
    pub(super) fn toggle(&mut self, view: &mut View) {
        match *view {
            View::History => *view = self.state.opened_from.take().unwrap_or(View::Wall),
            before => {
                self.state.opened_from = Some(before);
                *view = View::History;
            }
        }
    }

    pub(super) fn show_period(&mut self, period: Last) {
        if self.data.asked != period {
            self.data.ask(period);
            (self.state.chosen, self.state.pointed) = (None, None);
        }
    }

    /// Shows a period so many places shorter; longer, if negative.
    pub(super) fn change_period(&mut self, shorter_by: i32) {
        let here = PERIODS.iter().position(|period| *period == self.data.asked).unwrap_or(1);
        let by = isize::try_from(shorter_by.saturating_neg()).unwrap_or(0);
        let there = here.saturating_add_signed(by).min(PERIODS.len() - 1);
        self.show_period(PERIODS[there]);
    }

    pub(super) fn choose_part(&mut self, by: i32) {
        if let Some(part) = self.areas.part(self.shown().as_ref(), by) {
            (self.state.chosen, self.state.pointed) = (Some(part), None);
        }
    }

    pub(super) fn choose_row(&mut self, by: i32) {
        if let Some(row) = self.areas.row(self.shown().as_ref(), by) {
            (self.state.chosen, self.state.pointed) = (Some(row), None);
        }
    }

    /// Returns the choice that the view reads out: under the pointer, else by key or click.
    fn shown(&self) -> Option<Chosen> {
        self.state.shown(&self.areas).cloned()
    }

    /// Ends the choice; returns false where none was to be seen.
    pub(super) fn unchoose(&mut self) -> bool {
        let was_shown = self.shown().is_some();
        (self.state.chosen, self.state.pointed) = (None, None);
        was_shown
    }

    /// Returns the newest run behind what is chosen; tells where it is no longer kept.
    pub(super) fn open(&mut self, run_store: &RunStore) -> Option<RunId> {
        let (chosen, summary) = (self.shown()?, self.data.summary.as_ref()?);
        let found = newest_behind(&chosen, summary, run_store);
        if found.is_none() {
            self.refusals.push("the selection has no runs, or they are no longer kept");
        }
        found
    }
}

/// Newest of the kept runs that ended in the period and belong to what is chosen; of a part the newest failed
/// one, if any.
fn newest_behind(chosen: &Chosen, summary: &Summary, run_store: &RunStore) -> Option<RunId> {
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let (mut from, mut to) = (at(&summary.from)?, at(&summary.to)?);
    if let Chosen::Part(begin) = chosen {
        let part = summary.buckets.iter().find(|part| at(&part.ended.from) == Some(*begin))?;
        (from, to) = (*begin, at(&part.ended.to)?);
    }
    let belongs = |run: &Run| match chosen {
        Chosen::Part(_) => true,
        Chosen::Step(name) => run.nodes.iter().any(|node| node.name == name.as_str()),
        Chosen::Cause { step, reason } => FailureCause::of(run).is_some_and(|cause| {
            let cause = Cause::of(&cause);
            cause.step.as_deref() == step.as_deref() && cause.reason == *reason
        }),
    };
    let ended = run_store.model.runs().filter_map(|run| {
        let end = run.counted_end().filter(|_| run.status.is_over())?;
        // A part in which runs failed is looked at for them.
        let is_failed = matches!(chosen, Chosen::Part(_)) && run.status == RunStatus::Failed;
        (from <= end && end <= to && belongs(run)).then_some((is_failed, end, run.id()))
    });
    ended.max().map(|(.., run)| run.clone())
}

/// Begins anew where the director shows the history: choices of somebody who left are not for the wall.
fn begin_unattended(
    view: Res<View>,
    auto: Option<Res<Auto>>,
    mut state: ResMut<HistoryState>,
    mut data: ResMut<HistoryData>,
) {
    if view.is_changed() && auto.is_some_and(|auto| auto.0.is_auto()) {
        *state = HistoryState { opened_from: Some(View::Wall), ..HistoryState::default() };
        data.ask(HistoryData::default().asked);
    }
}

/// Notes where the pointer was moved to. Where it rests counts for nothing once a key has chosen something.
fn point(
    windows: Query<&Window, With<PrimaryWindow>>,
    canvas: Res<Canvas>,
    mut state: ResMut<HistoryState>,
    mut before: Local<Option<Vec2>>,
) {
    let pointer = windows.single().ok().and_then(Window::physical_cursor_position);
    if *before != pointer {
        *before = pointer;
        state.pointed = pointer.map(|px| canvas.point_at(px));
    }
}

/// Chooses what was clicked; beside it, ends the choice.
fn choose(
    windows: Query<&Window, With<PrimaryWindow>>,
    buttons: Res<ButtonInput<MouseButton>>,
    areas: Res<HistoryAreas>,
    canvas: Res<Canvas>,
    mut state: ResMut<HistoryState>,
    mut pressed_at: Local<Option<Vec2>>,
) {
    let pointer = windows.single().ok().and_then(Window::physical_cursor_position);
    let Some(pointer) = pointer.map(|px| canvas.point_at(px)) else { return };
    if buttons.just_pressed(MouseButton::Left) {
        *pressed_at = Some(pointer);
    }
    let released = buttons.just_released(MouseButton::Left);
    let most = CLICK_PX / canvas.scale.max(1e-3);
    if !released || pressed_at.take().is_none_or(|at| at.distance(pointer) > most) {
        return;
    }
    state.chosen = areas.at(pointer).cloned();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::director::{Director, Rates};

    #[test]
    fn director_shows_the_history_without_the_choices_of_somebody_who_left() {
        let chosen = |app: &App| {
            let (state, data) =
                (app.world().resource::<HistoryState>(), app.world().resource::<HistoryData>());
            (state.chosen.clone(), data.asked)
        };
        for is_on in [true, false] {
            let mut app = App::new();
            let step = Chosen::Step("PLAN".to_owned());
            app.insert_resource(View::History)
                .insert_resource(HistoryState { chosen: Some(step.clone()), ..default() })
                .insert_resource(HistoryData { asked: Last::Hours(24), ..default() })
                .insert_resource(Auto(Director::new(Rates::default(), is_on, 0.0)))
                .add_systems(Update, begin_unattended);
            app.update();
            let expected = match is_on {
                true => (None, Last::Days(7)),
                false => (Some(step.clone()), Last::Hours(24)),
            };
            assert_eq!(chosen(&app), expected, "director on: {is_on}");
        }
    }
}
