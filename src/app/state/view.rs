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
    /// Runs as bars over time.
    Timeline {
        /// Form of the timeline.
        mode: TimelineMode,
        /// True when it was reached from all runs; closing it then returns there.
        from_wall: bool,
    },
    /// Outcomes of runs by hours and days.
    History,
    /// Runs, details and events side by side, as controls.
    Desk,
}

/// Forms of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineMode {
    /// Steps of the run in focus.
    Run,
    /// All runs on one clock.
    AllRuns,
    /// The run in focus beside another one, from the start of each.
    Race,
}

impl View {
    /// Returns the view that a name means; `has_run` is true when a run was named, too.
    pub fn named(name: ViewName, has_run: bool) -> Self {
        let timeline = |mode| Self::Timeline { mode, from_wall: false };
        match name {
            ViewName::Stage => Self::Stage { from_wall: false },
            ViewName::Wall => Self::Wall,
            ViewName::Timeline if has_run => timeline(TimelineMode::Run),
            ViewName::Timeline => timeline(TimelineMode::AllRuns),
            ViewName::Race => timeline(TimelineMode::Race),
            ViewName::History => Self::History,
            ViewName::Desk => Self::Desk,
        }
    }

    /// Returns the name of the view.
    pub fn name(self) -> ViewName {
        match self {
            Self::Stage { .. } => ViewName::Stage,
            Self::Wall => ViewName::Wall,
            Self::Timeline { mode: TimelineMode::Race, .. } => ViewName::Race,
            Self::Timeline { .. } => ViewName::Timeline,
            Self::History => ViewName::History,
            Self::Desk => ViewName::Desk,
        }
    }

    /// Switches between one run and all runs. One run reached this way returns to all runs when closed.
    #[must_use]
    pub fn toggled(self) -> Self {
        use TimelineMode::{AllRuns, Run};
        match self {
            Self::Stage { .. } | Self::History | Self::Desk => Self::Wall,
            Self::Wall => Self::Stage { from_wall: true },
            Self::Timeline { mode: AllRuns, .. } => Self::Timeline { mode: Run, from_wall: true },
            Self::Timeline { .. } => Self::Timeline { mode: AllRuns, from_wall: false },
        }
    }

    /// Switches between the timeline and the view of the same runs.
    #[must_use]
    pub fn with_timeline_toggled(self) -> Self {
        match self {
            Self::Wall | Self::History | Self::Desk => {
                Self::Timeline { mode: TimelineMode::AllRuns, from_wall: false }
            }
            Self::Stage { from_wall } => Self::Timeline { mode: TimelineMode::Run, from_wall },
            Self::Timeline { mode: TimelineMode::AllRuns, .. } => Self::Wall,
            Self::Timeline { from_wall, .. } => Self::Stage { from_wall },
        }
    }

    /// True when the view shows all runs, not one.
    pub fn is_of_all_runs(self) -> bool {
        matches!(self, Self::Wall | Self::Timeline { mode: TimelineMode::AllRuns, .. })
    }

    /// True when the view is about no single run.
    pub fn is_about_all(self) -> bool {
        self.is_of_all_runs() || self == Self::History
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

/// Run condition: true while the history is shown.
pub fn on_history(view: Res<View>) -> bool {
    *view == View::History
}

/// Run condition: true while the timeline is shown.
pub fn on_timeline(view: Res<View>) -> bool {
    matches!(*view, View::Timeline { .. })
}
