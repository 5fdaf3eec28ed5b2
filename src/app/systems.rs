//! The order of systems within a frame.

use bevy::prelude::*;

/// System sets that order a frame across plugins: each set finishes before the next begins. Systems in
/// one set that touch the same data are ordered where they are added.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppSystems {
    /// `PreUpdate`, first: changes the source.
    Open,
    /// `PreUpdate`: moves the clock and drains the source's channel into the model.
    Ingest,
    /// `Update`, first: turns keys and presses into actions.
    Press,
    /// `Update`: executes actions on the view and on the connection.
    Navigate,
    /// `Update`: confirms operations on runs and sends them to the source.
    Operate,
    /// `Update`: the director chooses view and run.
    Direct,
    /// `Update`: lets the focus follow.
    Follow,
    /// `Update`: the pointer zooms and pans the view.
    Zoom,
    /// `Update`: the pointer rests, and may get a hint.
    Hover,
    /// `Update`: brings entities and indexes in step with the model.
    Sync,
    /// `Update`: draws the chrome that every view has.
    DrawChrome,
    /// `Update`: draws the view.
    DrawView,
    /// `Update`: draws overlays above the view.
    DrawOverlay,
    /// `Update`: draws toasts above the views.
    Tell,
    /// `Update`, last: draws hints above everything, and tells the desktop.
    Hint,
}

/// Configures the order of a frame.
pub(super) fn plugin(app: &mut App) {
    use AppSystems::{
        Direct, DrawChrome, DrawOverlay, DrawView, Follow, Hint, Hover, Ingest, Navigate, Open,
        Operate, Press, Sync, Tell, Zoom,
    };
    let of_a_frame = (
        (Press, Navigate, Operate, Direct, Follow, Zoom, Hover, Sync).chain(),
        (DrawChrome, DrawView, DrawOverlay, Tell, Hint).chain(),
    );
    app.configure_sets(PreUpdate, (Open, Ingest).chain())
        .configure_sets(Update, of_a_frame.chain());
}
