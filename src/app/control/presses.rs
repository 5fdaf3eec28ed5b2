//! Clicks and touches on overlays and on the view.

use bevy::ecs::system::SystemParam;
use bevy::input::touch::{TouchInput, TouchPhase};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_egui::input::EguiWantsInput;

use super::user_input::PointerPresses;
use crate::app::draw::Canvas;
use crate::app::state::actions::{Action, Transport};
use crate::app::state::hit::{Buttons, Pickable, Scrub};
use crate::app::state::view::View;
use crate::app::state::viewport::PanelArea;

/// Largest pointer movement in physical pixels for a press to count as a click.
pub(super) const CLICK_PX: f32 = 6.0;

/// Resources to find out whether the pointer belongs to controls or to the view.
#[derive(SystemParam)]
pub struct PointerOwner<'w, 's> {
    wanted: Res<'w, EguiWantsInput>,
    area: Res<'w, PanelArea>,
    buttons: Option<Res<'w, Buttons>>,
    scrub: Option<Res<'w, Scrub>>,
    canvas: Option<Res<'w, Canvas>>,
    windows: Query<'w, 's, &'static Window, With<PrimaryWindow>>,
    view: Option<Res<'w, View>>,
}

impl PointerOwner<'_, '_> {
    /// True while the desk covers the view and its buttons.
    fn is_desk(&self) -> bool {
        self.view.as_deref() == Some(&View::Desk)
    }

    /// True when a point of the window, in logical pixels, lies on the panel.
    fn is_on_panel(&self, at: Vec2) -> bool {
        self.windows.iter().any(|window| self.area.holds(at, window.size()))
    }

    /// True when the pointer is over the panel, the help, one of their windows or a toast, not over
    /// the view. bevy_egui's own condition does not cover the side panel: the panel's pass has no
    /// root `Ui`, so egui considers its background free.
    fn is_controls(&self) -> bool {
        let over_panel =
            |window: &Window| window.cursor_position().is_some_and(|at| self.is_on_panel(at));
        let over_button = |window: &Window| {
            let (buttons, canvas) = (self.buttons.as_ref()?, self.canvas.as_ref()?);
            let point = canvas.point_at(window.physical_cursor_position()?);
            let scrubs = self.scrub.as_ref().is_some_and(|scrub| scrub.holds_pointer_at(point));
            Some(buttons.hold_pointer_at(point) || scrubs)
        };
        self.wanted.wants_any_pointer_input()
            || self.is_desk()
            || self
                .windows
                .iter()
                .any(|window| over_panel(window) || over_button(window) == Some(true))
    }
}

/// Run condition: true while the pointer belongs to controls, not to the view.
pub fn pointer_on_controls(owner: PointerOwner) -> bool {
    owner.is_controls()
}

/// Sends the action of an overlay button that is pressed. Acts on press, not on release, because a
/// press elsewhere may by then have been handled as touching the view.
pub(super) fn press(
    buttons: Res<Buttons>,
    owner: PointerOwner,
    mut presses: PointerPresses,
    mut actions: MessageWriter<Action>,
) {
    // Consumed in any case, so that an old press cannot hit a button that appears later.
    let presses = presses.take();
    // The panel may cover a part of the view.
    let presses = presses.into_iter().filter(|press| !owner.is_on_panel(press.at_px));
    let presses: Vec<Vec2> = presses.map(|press| press.point).collect();
    // The desk covers all of them.
    if presses.is_empty() || owner.is_desk() {
        return;
    }
    let on_controls = owner.is_controls();
    for shown in buttons.by_overlay() {
        let mut shown = shown.iter().filter(|button| button.holds_pointer || !on_controls);
        let pressed = shown.find(|button| presses.iter().any(|at| button.rect.holds(at.x, at.y)));
        actions.write_batch(pressed.map(|button| button.action.clone()));
    }
}

/// Pointer and fingers, and what they did before.
#[derive(SystemParam)]
pub(super) struct Drags<'w, 's> {
    held: Res<'w, ButtonInput<MouseButton>>,
    touches: MessageReader<'w, 's, TouchInput>,
    windows: Query<'w, 's, &'static Window, With<PrimaryWindow>>,
    wanted: Res<'w, EguiWantsInput>,
    area: Res<'w, PanelArea>,
    /// The finger that drags.
    finger: Local<'s, Option<u64>>,
    /// Last position of the pointer.
    last: Local<'s, Option<Vec2>>,
}

/// Moves in time while the pointer or a finger is dragged over the transport, and where it is pressed.
pub(super) fn scrub(
    drags: Drags,
    canvas: Res<Canvas>,
    buttons: Res<Buttons>,
    mut scrub: ResMut<Scrub>,
    mut actions: MessageWriter<Action>,
) {
    let Drags { held, mut touches, windows, wanted, area, mut finger, mut last } = drags;
    let Ok(window) = windows.single() else { return };
    // The help and dialogs may lie over the transport.
    let is_on_controls = wanted.wants_any_pointer_input();
    let begins = |scrub: &Scrub, at_px: Vec2, point: Vec2| {
        let is_on_controls = is_on_controls || area.holds(at_px, window.size());
        let area = scrub.area.filter(|area| area.rect.holds(point.x, point.y));
        area.filter(|_| !is_on_controls && !buttons.hold_pointer_at(point))
    };
    let mut place = None;
    for touch in touches.read() {
        let point = canvas.point_at(touch.position * window.scale_factor());
        match touch.phase {
            TouchPhase::Started if scrub.dragged.is_none() => {
                if let Some(area) = begins(&scrub, touch.position, point) {
                    scrub.dragged = Some(area);
                    *finger = Some(touch.id);
                    place = Some(point);
                }
            }
            TouchPhase::Moved if *finger == Some(touch.id) => place = Some(point),
            TouchPhase::Ended | TouchPhase::Canceled if *finger == Some(touch.id) => {
                scrub.dragged = None;
                *finger = None;
            }
            _ => {}
        }
    }
    let pointer = window.physical_cursor_position().map(|px| canvas.point_at(px));
    let pointer_px = window.cursor_position().unwrap_or_default();
    if finger.is_none() {
        if held.just_pressed(MouseButton::Left)
            && let Some(area) = pointer.and_then(|point| begins(&scrub, pointer_px, point))
        {
            scrub.dragged = Some(area);
            *last = None;
        }
        if scrub.dragged.is_some() {
            // Each place is shown once, also while the pointer rests.
            place = pointer.filter(|point| last.replace(*point) != Some(*point));
            if !held.pressed(MouseButton::Left) {
                scrub.dragged = None;
            }
        }
    }
    if let Some((area, point)) = scrub.dragged.or(scrub.area).zip(place) {
        let transport = area.instant_at(point.x).map_or(Transport::Live, Transport::Show);
        actions.write(Action::Time(transport));
    }
}

/// Opens the run on the wall that was clicked without dragging; the right button marks its failure as
/// seen.
pub(super) fn pick(
    buttons: Res<ButtonInput<MouseButton>>,
    windows: Query<&Window, With<PrimaryWindow>>,
    pickable: Res<Pickable>,
    canvas: Res<Canvas>,
    mut pressed_at: Local<Option<Vec2>>,
    mut actions: MessageWriter<Action>,
) {
    let Some(pointer) = windows.single().ok().and_then(Window::physical_cursor_position) else {
        return;
    };
    if buttons.just_pressed(MouseButton::Left) {
        *pressed_at = Some(pointer);
    }
    if buttons.just_released(MouseButton::Left)
        && pressed_at.take().is_some_and(|at| at.distance(pointer) <= CLICK_PX)
    {
        actions.write_batch(pickable.at(canvas.point_at(pointer)).map(Action::Open));
    }
    if buttons.just_pressed(MouseButton::Right) {
        let run = pickable.at(canvas.point_at(pointer));
        actions.write_batch(run.map(|run| Action::MarkSeen(Some(run))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Rect;
    use crate::protocol::RunId;

    /// Returns the actions of a press with this button on the tile of run `b`, and beside it.
    fn actions_of(button: MouseButton) -> [Vec<Action>; 2] {
        let (run, rect) = (RunId::new("b"), Rect::new(100.0, 100.0, 400.0, 300.0));
        [Vec2::new(150.0, 150.0), Vec2::new(900.0, 900.0)].map(|point| {
            let mut pickable = Pickable::default();
            pickable.show_tiles([(&run, rect)].into_iter());
            let mut window = Window { resolution: (1920, 1080).into(), ..default() };
            window.set_cursor_position(Some(point));
            let mut app = App::new();
            app.add_message::<Action>()
                .init_resource::<ButtonInput<MouseButton>>()
                .init_resource::<Canvas>()
                .insert_resource(pickable)
                .add_systems(Update, pick);
            app.world_mut().spawn((window, PrimaryWindow));
            app.world_mut().resource_mut::<ButtonInput<MouseButton>>().press(button);
            app.update();
            let mut buttons = app.world_mut().resource_mut::<ButtonInput<MouseButton>>();
            buttons.clear();
            buttons.release(button);
            app.update();
            app.world_mut().resource_mut::<Messages<Action>>().drain().collect()
        })
    }

    #[test]
    fn left_click_opens_a_run_and_right_click_marks_its_failure() {
        let run = RunId::new("b");
        assert_eq!(actions_of(MouseButton::Left), [vec![Action::Open(run.clone())], vec![]]);
        assert_eq!(actions_of(MouseButton::Right), [vec![Action::MarkSeen(Some(run))], vec![]]);
        assert_eq!(actions_of(MouseButton::Middle), [vec![], vec![]]);
    }
}
