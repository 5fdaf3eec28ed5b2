//! The order of a frame.

use bevy::prelude::*;

/// The order of a frame, for systems of every plugin: each of these runs to its end before the next
/// begins. Systems of one of them that meet in the same data are ordered where they are added.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppSystems {
    /// `PreUpdate`: the clock moves, the source's channel is drained into the model.
    Ingest,
    /// `Update`, first: keys and presses become actions.
    Press,
    /// `Update`: actions on what is shown, and on the connection, are carried out.
    Navigate,
    /// `Update`: what is to be done to runs is asked for, confirmed and handed to the source.
    Operate,
    /// `Update`: the director decides what is shown.
    Direct,
    /// `Update`: the focus follows.
    Follow,
    /// `Update`: the pointer zooms and moves the view.
    Zoom,
    /// `Update`: everything that is made from the model is brought in step with it.
    Sync,
    /// `Update`: what is around every view is drawn.
    DrawChrome,
    /// `Update`: the view is drawn.
    DrawView,
    /// `Update`: what lies over the view is drawn.
    DrawOverlay,
    /// `Update`, last: what happened is told over all of it.
    Tell,
}

/// Sets the order of a frame.
pub(super) fn plugin(app: &mut App) {
    use AppSystems::{
        Direct, DrawChrome, DrawOverlay, DrawView, Follow, Ingest, Navigate, Operate, Press, Sync,
        Tell, Zoom,
    };
    let of_a_frame = (
        (Press, Navigate, Operate, Direct, Follow, Zoom, Sync).chain(),
        (DrawChrome, DrawView, DrawOverlay, Tell).chain(),
    );
    app.configure_sets(PreUpdate, Ingest).configure_sets(Update, of_a_frame.chain());
}
