//! State of the UI around the views: panel, help, full screen.

use bevy::prelude::*;

/// Parts of the UI that are open around the views.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chrome {
    pub panel: bool,
    pub help: bool,
    pub fullscreen: bool,
}

/// True while the panel has a window of its own open, which Esc closes first.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct PanelDialog(pub bool);
