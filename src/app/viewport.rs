//! The part of the window or picture that the views have.

use bevy::prelude::*;

use bevy_egui::PrimaryEguiContext;

use super::AppSystems;
use super::draw::{CanvasCamera, overlay_camera};
use super::panel::PanelArea;
use crate::layout::Screen;

/// Size of the drawing in device pixels, and what the panel takes of it.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Device pixels.
    pub size_px: Vec2,
    /// Device pixels to a logical pixel.
    pub scale_factor: f32,
    /// Device pixels taken from the right edge.
    pub taken_right_px: f32,
    /// Where the views begin, from the upper left corner, in device pixels.
    pub offset_px: Vec2,
}

impl Default for Viewport {
    fn default() -> Self {
        Self {
            size_px: Vec2::new(1920.0, 1080.0),
            scale_factor: 1.0,
            taken_right_px: 0.0,
            offset_px: Vec2::ZERO,
        }
    }
}

impl Viewport {
    /// What the views have, in design pixels.
    pub fn screen(&self) -> Screen {
        Screen::of_pixels(self.size_px.x - self.taken_right_px, self.size_px.y)
    }
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Viewport>()
        .add_systems(Update, make_room_for_panel.before(AppSystems::Draw));
}

/// The canvas, and the panel above it: egui cannot draw with the canvas's camera.
pub fn spawn_cameras(mut commands: Commands) {
    commands.spawn(CanvasCamera);
    commands.spawn((overlay_camera(1), PrimaryEguiContext));
}

fn make_room_for_panel(mut viewport: ResMut<Viewport>, panel: Option<Res<PanelArea>>) {
    let logical_px = panel.map_or(0.0, |panel| panel.width_px);
    let taken_right_px = (logical_px * viewport.scale_factor).round();
    let fitted = Viewport { taken_right_px, ..*viewport };
    viewport.set_if_neq(fitted);
}
