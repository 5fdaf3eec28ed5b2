//! The order of a frame.

use bevy::prelude::*;

/// The order of a frame, for systems of every plugin.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppSystems {
    /// `PreUpdate`: the clock moves, the source's channel is drained into the model.
    Ingest,
    /// `Update`, first: what the user asked for is carried out, the focus follows.
    Act,
    /// `Update`: entities are brought in step with the model.
    Sync,
    /// `Update`: views write what is drawn.
    Draw,
    /// `Update`, last: what happened is told over them.
    Tell,
}
