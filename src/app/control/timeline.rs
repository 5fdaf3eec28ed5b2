//! The pointer on the timeline: choosing cells and runs, zooming and moving the time.

use bevy::input::mouse::{AccumulatedMouseMotion, AccumulatedMouseScroll, MouseScrollUnit};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;

use super::presses::{CLICK_PX, pointer_on_controls};
use crate::app::draw::Canvas;
use crate::app::state::hit::Pickable;
use crate::app::state::selection::Selection;
use crate::app::state::timeline::{Cells, TimelineState};
use crate::app::state::view::on_timeline;
use crate::app::systems::AppSystems;
use crate::bounded::bounded;

/// Touchpad pixels that count as one notch of the wheel.
const PIXELS_A_NOTCH: f32 = 40.0;
/// Part of the time shown by which a notch with Shift moves.
const NOTCH_PX: f64 = 120.0;

pub(in crate::app) fn plugin(app: &mut App) {
    let of_the_view = not(pointer_on_controls);
    app.init_resource::<TimelineState>()
        .init_resource::<Cells>()
        .init_resource::<Selection>()
        .init_resource::<Pickable>()
        .add_systems(
            Update,
            (point, choose, move_time)
                .chain()
                .in_set(AppSystems::Zoom)
                .run_if(on_timeline)
                .run_if(of_the_view),
        );
}

/// Notes where the pointer is.
fn point(
    windows: Query<&Window, With<PrimaryWindow>>,
    canvas: Res<Canvas>,
    mut state: ResMut<TimelineState>,
) {
    let pointer = windows.single().ok().and_then(Window::physical_cursor_position);
    let pointed = pointer.map(|px| canvas.point_at(px));
    if state.pointed != pointed {
        state.pointed = pointed;
    }
}

/// Selects the cell or the run that was clicked without dragging.
fn choose(
    buttons: Res<ButtonInput<MouseButton>>,
    (cells, pickable): (Res<Cells>, Res<Pickable>),
    mut state: ResMut<TimelineState>,
    mut selection: ResMut<Selection>,
    mut pressed_at: Local<Option<Vec2>>,
    canvas: Res<Canvas>,
) {
    let Some(pointer) = state.pointed else { return };
    if buttons.just_pressed(MouseButton::Left) {
        *pressed_at = Some(pointer);
    }
    let released = buttons.just_released(MouseButton::Left);
    let most = CLICK_PX / canvas.scale.max(1e-3);
    if !released || pressed_at.take().is_none_or(|at| at.distance(pointer) > most) {
        return;
    }
    let cell = cells.at(pointer).cloned();
    if let Some(run) = cell.as_ref().map(|cell| cell.run.clone()).or_else(|| pickable.at(pointer)) {
        selection.0 = Some(run);
    }
    state.selected = cell;
}

/// Zooms with the wheel; moves the time with Shift and the wheel, and by dragging.
fn move_time(
    scroll: Res<AccumulatedMouseScroll>,
    moved: Res<AccumulatedMouseMotion>,
    (buttons, keys): (Res<ButtonInput<MouseButton>>, Res<ButtonInput<KeyCode>>),
    windows: Query<&Window, With<PrimaryWindow>>,
    (canvas, cells): (Res<Canvas>, Res<Cells>),
    mut state: ResMut<TimelineState>,
    mut turned: Local<f32>,
) {
    let Ok(window) = windows.single() else { return };
    let notches = match scroll.unit {
        MouseScrollUnit::Line => scroll.delta,
        MouseScrollUnit::Pixel => scroll.delta / PIXELS_A_NOTCH,
    };
    let mut by_px = 0.0;
    if keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]) {
        // Some systems turn a wheel with Shift sideways.
        by_px += f64::from(notches.x + notches.y) * NOTCH_PX;
    } else {
        // A touchpad sends small parts of a notch.
        *turned += notches.y;
        let steps = turned.trunc();
        if steps != 0.0 {
            *turned -= steps;
            state.zoom_by(steps as i32);
        }
        by_px += f64::from(notches.x) * NOTCH_PX;
    }
    if buttons.pressed(MouseButton::Left) {
        by_px += f64::from(moved.delta.x * window.scale_factor() / canvas.scale.max(1e-3));
    }
    if by_px != 0.0 {
        let back_ms = state.back_ms + by_px * cells.ms_per_px;
        let back_ms = bounded(back_ms, 0.0, cells.most_back_ms.max(0.0));
        if state.back_ms != back_ms {
            state.back_ms = back_ms;
        }
    }
}
