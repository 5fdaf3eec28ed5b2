//! Free space for overlays, published by the chrome, so that overlays need not know any view.

use bevy::prelude::*;

use crate::layout::Rect;

/// Area for toasts, in design pixels; the views leave it empty.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct FreeSpace {
    /// The lane, less the part that the band on the connection takes. Without width until the chrome
    /// was drawn.
    pub lane: Rect,
    /// Factor of the sizes of type in the lane.
    pub scale: f32,
}
