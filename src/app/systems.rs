//! The order of systems within a frame.

use bevy::prelude::*;

/// System sets in the order of a frame; each set finishes before the next begins. Systems of one
/// set that access the same data are ordered where they are added.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppSystems {
    /// `PreUpdate`: ticks the clock and drains the source's channel into the model.
    Ingest,
    /// `Update`, first: turns keys and clicks into actions.
    Press,
    /// `Update`: performs actions on navigation and on the connection.
    Navigate,
    /// `Update`: asks for run operations, confirms them and sends them to the source.
    Operate,
    /// `Update`: lets the director decide what is shown.
    Direct,
    /// `Update`: lets the focus follow.
    Follow,
    /// `Update`: zooms and moves the view by pointer.
    Zoom,
    /// `Update`: synchronizes everything derived from the model.
    Sync,
    /// `Update`: draws the elements around every view.
    DrawChrome,
    /// `Update`: draws the current view.
    DrawView,
    /// `Update`: draws overlays.
    DrawOverlay,
    /// `Update`, last: shows notices above everything else.
    Tell,
}

/// Configures the order of the sets.
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
