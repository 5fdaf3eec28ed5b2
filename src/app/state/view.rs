//! The current view.

use bevy::prelude::*;

use crate::config::ViewName;

/// The view that is shown.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// One run.
    Stage {
        /// True when the stage was opened from the wall; closing it then returns there.
        from_wall: bool,
    },
    /// All runs.
    Wall,
}

impl View {
    pub fn named(name: ViewName) -> Self {
        match name {
            ViewName::Stage => Self::Stage { from_wall: false },
            ViewName::Wall => Self::Wall,
        }
    }

    /// Returns the other view. A stage reached this way returns to the wall when closed.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Stage { .. } => Self::Wall,
            Self::Wall => Self::Stage { from_wall: true },
        }
    }
}

/// Run condition: true while the stage is shown.
pub fn on_stage(view: Res<View>) -> bool {
    matches!(*view, View::Stage { .. })
}

/// Run condition: true while the wall is shown.
pub fn on_wall(view: Res<View>) -> bool {
    *view == View::Wall
}
