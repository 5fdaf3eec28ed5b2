//! The resting pointer: after a moment it gets a hint on what is below it.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_egui::input::EguiWantsInput;

use super::user_input::{self, UserInput};
use crate::app::draw::{Canvas, DrawClock};
use crate::app::state::clock::PlaybackClock;
use crate::app::state::hint_words::HintContext;
use crate::app::state::hints::{Hint, HintAreas, HintSubject, ShownHint};
use crate::app::state::hit::{Buttons, Pickable, Scrub};
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::rewind::Unattended;
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::app::state::viewport::PanelArea;
use crate::app::systems::AppSystems;
use crate::layout::Rect;

/// Time for which the pointer rests before it gets a hint, in seconds.
const REST_SECS: f64 = 0.5;
/// Time for which a hint is shown, in seconds: a pointer that somebody left on a wall covers nothing for long.
const SHOWN_SECS: f64 = 20.0;
/// Time after the start in which the pointer may already lie in the window without anybody having put it there, in
/// seconds.
const START_SECS: f64 = 3.0;
/// Distance in design pixels by which a resting pointer may tremble.
const TREMBLE: f32 = 3.0;

pub(in crate::app) fn plugin(app: &mut App) {
    user_input::add_messages(app);
    app.init_resource::<HintAreas>()
        .init_resource::<ShownHint>()
        .init_resource::<Buttons>()
        .init_resource::<Pickable>()
        .init_resource::<Scrub>()
        .init_resource::<PanelArea>()
        .init_resource::<NextFrame>()
        .add_systems(
            Update,
            point.in_set(AppSystems::Hover).run_if(resource_exists::<Canvas>).run_if(
                |unattended: Option<Res<Unattended>>| {
                    unattended.is_none_or(|unattended| !unattended.is_on())
                },
            ),
        );
}

/// Parts of the screen that have hints.
#[derive(SystemParam)]
struct Subjects<'w> {
    areas: Res<'w, HintAreas>,
    buttons: Res<'w, Buttons>,
    pickable: Res<'w, Pickable>,
    scrub: Res<'w, Scrub>,
    view: Res<'w, View>,
}

impl Subjects<'_> {
    /// True when other things may be below the pointer than a moment ago.
    fn have_changed(&self) -> bool {
        self.areas.is_changed()
            || self.buttons.is_changed()
            || self.pickable.is_changed()
            || self.scrub.is_changed()
            || self.view.is_changed()
    }

    /// Returns the subject at a point, with its own area.
    fn at(&self, point: Vec2) -> Option<(HintSubject, Rect)> {
        let holds = |rect: &Rect| rect.holds(point.x, point.y);
        let button = |is_above: bool| {
            let mut buttons = self.buttons.by_overlay().flatten();
            let found = buttons.find(|it| it.holds_pointer == is_above && holds(&it.rect))?;
            Some((HintSubject::Button(found.action.clone()), found.rect))
        };
        let activity = || {
            let area = self.scrub.area.filter(|area| holds(&area.rect))?;
            Some((HintSubject::Activity, area.rect))
        };
        let run = || {
            let (run, rect) = self.pickable.small_at(point)?;
            Some((HintSubject::Run(run.clone()), rect))
        };
        button(true)
            .or_else(activity)
            .or_else(|| self.areas.at(point))
            .or_else(|| button(false))
            .or_else(run)
    }
}

/// Inputs of the words.
#[derive(SystemParam)]
struct Words<'w> {
    run_store: Res<'w, RunStore>,
    link: Res<'w, Link>,
    clock: Res<'w, PlaybackClock>,
}

impl Words<'_> {
    fn context(&self) -> HintContext<'_> {
        let PlaybackClock { now, server_now, live_now, .. } = *self.clock;
        let (run_store, link) = (&*self.run_store, &*self.link);
        HintContext { run_store, link, now, server_now, live_now }
    }

    /// Key of the words: when it is the same, so are they.
    fn key(&self) -> (u64, i64, i64) {
        let PlaybackClock { now, live_now, .. } = *self.clock;
        (self.run_store.generation, now.as_second(), live_now.as_second())
    }
}

/// The pointer over the view.
#[derive(SystemParam)]
struct Pointer<'w, 's> {
    windows: Query<'w, 's, &'static Window, With<PrimaryWindow>>,
    wanted: Option<Res<'w, EguiWantsInput>>,
    area: Res<'w, PanelArea>,
    canvas: Res<'w, Canvas>,
    view: Res<'w, View>,
}

impl Pointer<'_, '_> {
    /// Returns the place of the pointer over the view in design pixels; `None` where it is over the panel, a
    /// dialog or the desk, or outside of the window.
    fn place(&self) -> Option<Vec2> {
        let window = self.windows.single().ok()?;
        let at = window.cursor_position()?;
        let has_panel = self.area.holds(at, window.size());
        let is_wanted = self.wanted.as_ref().is_some_and(|wants| wants.wants_any_pointer_input());
        if has_panel || is_wanted || *self.view == View::Desk {
            return None;
        }
        Some(self.canvas.point_at(window.physical_cursor_position()?))
    }
}

/// The rest of the pointer.
#[derive(Clone, Debug, Default)]
struct Rest {
    /// Time of the draw clock at the start.
    began_at: Option<f64>,
    /// Place of the pointer, and the time of the draw clock at which it came there.
    at: Option<(Vec2, f64)>,
    /// True until the pointer moves, after it was looked up or a key or press took the hint away.
    is_answered: bool,
    /// Subject of the hint that is shown, its area, and the key of its words.
    subject: Option<(HintSubject, Rect, (u64, i64, i64))>,
}

impl Rest {
    /// Notes where the pointer is. Returns true when it has moved.
    fn note(&mut self, point: Vec2, now: f64) -> bool {
        let has_moved = self.at.is_none_or(|(at, _)| at.distance(point) > TREMBLE);
        if has_moved {
            let was_there = self.at.is_none()
                && self.began_at.is_none_or(|began_at| now - began_at < START_SECS);
            (self.at, self.is_answered) = (Some((point, now)), was_there);
        }
        has_moved
    }

    fn hide(&mut self, shown: &mut ResMut<ShownHint>) {
        self.subject = None;
        if shown.hint.is_some() {
            shown.hint = None;
        }
    }
}

/// Shows the hint on what is below the resting pointer, and hides it when the pointer leaves that, or a key or
/// button is pressed or the screen touched.
#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn point(
    pointer: Pointer,
    subjects: Subjects,
    words: Words,
    mut input: UserInput,
    mut shown: ResMut<ShownHint>,
    mut next: ResMut<NextFrame>,
    draw_clock: Res<DrawClock>,
    mut rest: Local<Rest>,
) {
    let (now, did_something) = (draw_clock.secs, input.did_something());
    rest.began_at.get_or_insert(now);
    let Some(point) = pointer.place() else {
        rest.at = None;
        rest.hide(&mut shown);
        return;
    };
    let has_moved = rest.note(point, now);
    if did_something {
        rest.is_answered = true;
        rest.hide(&mut shown);
        return;
    }
    let since = rest.at.map_or(now, |(_, since)| since);
    if let Some((subject, area, key)) = rest.subject.clone() {
        if now - since >= REST_SECS + SHOWN_SECS {
            rest.hide(&mut shown);
            return;
        }
        let has_left = has_moved && !area.holds(point.x, point.y)
            || shown.card.is_some_and(|card| card.holds(point.x, point.y));
        if has_left {
            rest.hide(&mut shown);
        } else if has_moved || subjects.have_changed() || key != words.key() {
            // Something else may stand here by now, and the words tell times.
            let found = subjects.at(point);
            let is_same = found.as_ref().is_some_and(|(found, _)| *found == subject);
            let said = found.filter(|_| is_same || !has_moved).and_then(|(subject, area)| {
                Some((words.context().words(&subject)?, subject, area))
            });
            match said {
                Some((said, subject, area)) => {
                    rest.subject = Some((subject, area, words.key()));
                    if shown.hint.as_ref().is_some_and(|hint| hint.words != said)
                        && let Some(hint) = &mut shown.hint
                    {
                        hint.words = said;
                    }
                    rest.is_answered = true;
                    return;
                }
                None => rest.hide(&mut shown),
            }
        } else {
            next.within_secs(REST_SECS + SHOWN_SECS - (now - since));
            return;
        }
    }
    if rest.is_answered {
        return;
    }
    if now - since < REST_SECS {
        next.within_secs(REST_SECS - (now - since));
        return;
    }
    rest.is_answered = true;
    let found = subjects.at(point);
    let said =
        found.and_then(|(subject, area)| Some((words.context().words(&subject)?, subject, area)));
    if let Some((said, subject, area)) = said {
        rest.subject = Some((subject, area, words.key()));
        shown.hint = Some(Hint { words: said, pointer: point });
    }
}

#[cfg(test)]
#[path = "hover_tests.rs"]
mod tests;
