//! Free space for overlays, published by the chrome, so that overlays need not know any view.

use bevy::prelude::*;

use crate::layout::{CanvasSize, Rect};

/// Width in design pixels of the connection light's part at the right end of the bridge.
pub const LIGHT_WIDTH: f32 = 372.0;

/// Area for toasts, in design pixels; the views leave it empty.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct FreeSpace {
    /// The lane, less the part that the band on the connection takes. Without width until the chrome
    /// was drawn.
    pub lane: Rect,
    /// Factor of the sizes of type in the lane.
    pub scale: f32,
}

/// Returns the upper left corner of an overlay that covers the text of the bridge's connection
/// light; such an overlay is 38 design pixels high.
pub fn bridge_corner(canvas_size: &CanvasSize) -> (f32, f32) {
    (
        canvas_size.right() - LIGHT_WIDTH + 90.0,
        canvas_size.height - CanvasSize::BRIDGE_HEIGHT + 10.0,
    )
}
