//! The part of the window or picture that the views have.

use bevy::prelude::*;

use crate::layout::Screen;

/// Size of the drawing in device pixels, and what the panel takes of it.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Device pixels.
    pub size_px: Vec2,
    /// Device pixels taken from the right edge.
    pub taken_right_px: f32,
    /// Where the views begin, from the upper left corner, in device pixels.
    pub offset_px: Vec2,
}

impl Default for Viewport {
    fn default() -> Self {
        Self { size_px: Vec2::new(1920.0, 1080.0), taken_right_px: 0.0, offset_px: Vec2::ZERO }
    }
}

impl Viewport {
    /// What the views have, in design pixels.
    pub fn screen(&self) -> Screen {
        Screen::of_pixels(self.size_px.x - self.taken_right_px, self.size_px.y)
    }
}
