//! Free space for overlays. The current view publishes it, so that overlays need not know any view.

use bevy::prelude::*;

use crate::layout::{CanvasSize, Rect};

/// Width in design pixels of the connection light's part at the right end of the bridge.
pub const LIGHT_WIDTH: f32 = 372.0;

/// Areas where overlays may be placed, in design pixels.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct FreeSpace {
    /// Best first.
    pub rooms: Vec<Room>,
    /// Areas that overlays must never cover.
    pub keep: Vec<Rect>,
}

/// An area in which overlays stack upwards from its bottom edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    pub rect: Rect,
    /// Aligns overlays to the right edge.
    pub at_right: bool,
}

/// Returns the upper left corner of an overlay that covers the text of the bridge's connection
/// light; such an overlay is 38 design pixels high.
pub fn bridge_corner(canvas_size: &CanvasSize) -> (f32, f32) {
    (
        canvas_size.right() - LIGHT_WIDTH + 90.0,
        canvas_size.height - CanvasSize::BRIDGE_HEIGHT + 10.0,
    )
}
