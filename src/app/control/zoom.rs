//! The pointer on the view: the wheel looks closer, dragging moves the view, `F` fits it again. A
//! click on the wall opens the run there.

use bevy::ecs::system::SystemParam;
use bevy::input::mouse::{AccumulatedMouseMotion, AccumulatedMouseScroll, MouseScrollUnit};
use bevy::input::touch::{TouchInput, TouchPhase};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;

use super::keys::pointer_on_controls;
use crate::app::draw::Canvas;
use crate::app::state::actions::{self, Action};
use crate::app::state::hit::Pickable;
use crate::app::state::view::on_wall;
use crate::app::state::viewport::{Viewport, Zoom};
use crate::app::systems::AppSystems;
use crate::app::views::wall::Counted;

/// One notch of the wheel.
const STEP: f32 = 1.1;
/// Pixels of a touchpad that make a notch.
const PIXELS_A_NOTCH: f32 = 40.0;
/// A press that moves no further than this is a click.
const CLICK_PX: f32 = 6.0;

pub(in crate::app) fn plugin(app: &mut App) {
    // After the keys: F fits the stage, and the wheel may go on from there.
    let look = look.in_set(AppSystems::Act).after(actions::carry_out);
    app.add_systems(Update, look.run_if(not(pointer_on_controls)));
    let pick = pick.in_set(AppSystems::Act).before(actions::carry_out);
    app.add_systems(Update, pick.run_if(not(pointer_on_controls)).run_if(on_wall));
}

/// Where the view is pressed, by a button or by a finger. It is what counts for buttons on the view:
/// when they are let go, what is touched elsewhere has been acted on.
#[derive(SystemParam)]
pub struct Presses<'w, 's> {
    buttons: Res<'w, ButtonInput<MouseButton>>,
    touches: MessageReader<'w, 's, TouchInput>,
    windows: Query<'w, 's, &'static Window, With<PrimaryWindow>>,
    canvas: Res<'w, Canvas>,
}

impl Presses<'_, '_> {
    /// Those since the last look, in design pixels.
    pub fn take(&mut self) -> impl Iterator<Item = Vec2> {
        let window = self.windows.single().ok();
        let clicked = self.buttons.just_pressed(MouseButton::Left);
        let pointer =
            window.and_then(Window::physical_cursor_position).filter(|_| clicked).into_iter();
        let fingers = self.touches.read().filter(|touch| touch.phase == TouchPhase::Started);
        let fingers =
            fingers.filter_map(move |touch| Some(touch.position * window?.scale_factor()));
        let canvas = &self.canvas;
        fingers.chain(pointer).map(|px| canvas.point_at(px))
    }
}

/// Opens the run on the wall that was clicked, and not dragged.
pub(in crate::app) fn pick(
    buttons: Res<ButtonInput<MouseButton>>,
    windows: Query<&Window, With<PrimaryWindow>>,
    (pickable, counted): (Res<Pickable>, Res<Counted>),
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
        let point = canvas.point_at(pointer);
        let run_at = |place: usize| counted.census.run_at(place).cloned();
        actions.write_batch(pickable.at(point, run_at).map(Action::Open));
    }
}

pub(in crate::app) fn look(
    scroll: Res<AccumulatedMouseScroll>,
    moved: Res<AccumulatedMouseMotion>,
    buttons: Res<ButtonInput<MouseButton>>,
    windows: Query<&Window, With<PrimaryWindow>>,
    viewport: Res<Viewport>,
    mut zoom: ResMut<Zoom>,
) {
    let Ok(window) = windows.single() else {
        return;
    };
    let notches = match scroll.unit {
        MouseScrollUnit::Line => scroll.delta.y,
        MouseScrollUnit::Pixel => scroll.delta.y / PIXELS_A_NOTCH,
    };
    if notches != 0.0
        && let Some(pointer) = window.physical_cursor_position()
    {
        let closer = zoom.about(pointer, STEP.powf(notches), viewport.views_px());
        zoom.set_if_neq(closer);
    }
    if buttons.pressed(MouseButton::Left) && moved.delta != Vec2::ZERO {
        let by = moved.delta * window.scale_factor();
        let panned = zoom.moved(by, viewport.views_px());
        zoom.set_if_neq(panned);
    }
}
