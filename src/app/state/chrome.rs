//! What is open around the views: panel, help, full screen.

use bevy::prelude::*;

/// What is open beside the stage.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chrome {
    pub panel: bool,
    pub help: bool,
    pub fullscreen: bool,
}

/// Whether the panel has a window of its own open, which Esc closes first.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct PanelDialog(pub bool);
