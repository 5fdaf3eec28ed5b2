//! Free space for overlays. The current view publishes it, so that overlays need not know any view.

use bevy::prelude::*;

use crate::layout::Rect;

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
