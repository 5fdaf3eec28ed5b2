//! Zooming with the wheel and panning by dragging; `F` fits the view again (see `navigation`).

use bevy::input::mouse::{AccumulatedMouseMotion, AccumulatedMouseScroll, MouseScrollUnit};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;

use super::presses::pointer_on_controls;
use crate::app::state::view::on_timeline;
use crate::app::state::viewport::{Viewport, Zoom};
use crate::app::systems::AppSystems;

/// Magnification per wheel notch.
const STEP: f32 = 1.1;
/// Touchpad pixels that count as one notch.
const PIXELS_A_NOTCH: f32 = 40.0;

pub(in crate::app) fn plugin(app: &mut App) {
    // Runs after key handling: F fits the view, and the wheel can zoom on from there.
    app.add_systems(
        Update,
        zoom_and_pan
            .in_set(AppSystems::Zoom)
            .run_if(not(pointer_on_controls))
            .run_if(not(on_timeline)),
    );
}

fn zoom_and_pan(
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
        let pointer = pointer - viewport.views_origin_px();
        let closer = zoom.about(pointer, STEP.powf(notches), viewport.views_px());
        zoom.set_if_neq(closer);
    }
    if buttons.pressed(MouseButton::Left) && moved.delta != Vec2::ZERO {
        let by = moved.delta * window.scale_factor();
        let panned = zoom.moved(by, viewport.views_px());
        zoom.set_if_neq(panned);
    }
}
