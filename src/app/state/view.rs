//! Which of the views is shown.

use bevy::prelude::*;

use crate::config::ViewName;

/// The view that is shown.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// One run.
    Stage {
        /// It was opened from the wall, and closing it goes back there.
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

    /// The other one; what was the stage can be gone back to from the wall, and the other way.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Stage { .. } => Self::Wall,
            Self::Wall => Self::Stage { from_wall: true },
        }
    }
}

/// A run condition: one run is shown.
pub fn on_stage(view: Res<View>) -> bool {
    matches!(*view, View::Stage { .. })
}

/// A run condition: all runs are shown.
pub fn on_wall(view: Res<View>) -> bool {
    *view == View::Wall
}
