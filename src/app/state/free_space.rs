//! Room that views leave to what lies over them. The view that is shown says where; an overlay asks
//! here and knows no view.

use bevy::prelude::*;

use crate::layout::{CanvasSize, Rect};

/// Width of the part of the bridge, at its right end, with the connection light.
pub const LIGHT_WIDTH: f32 = 372.0;

/// Where overlays may stand, in design pixels.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct FreeSpace {
    /// The best first.
    pub rooms: Vec<Room>,
    /// What has to stay in sight wherever it is.
    pub keep: Vec<Rect>,
}

/// A room for overlays, which stand at its foot, one above the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    pub rect: Rect,
    /// They stand at its right edge.
    pub at_right: bool,
}

/// Upper left corner of what stands over the light's words on the bridge, 38 high.
pub fn bridge_corner(canvas_size: &CanvasSize) -> (f32, f32) {
    (
        canvas_size.right() - LIGHT_WIDTH + 90.0,
        canvas_size.height - CanvasSize::BRIDGE_HEIGHT + 10.0,
    )
}
