//! State of the UI around the views: panel, help, full screen.

use bevy::prelude::*;

/// Parts of the UI that are open around the views.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chrome {
    pub panel: bool,
    pub help: bool,
    pub palette: bool,
    pub settings: bool,
    pub fullscreen: bool,
}

/// True while the panel has a window of its own open, which Esc closes first.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct PanelDialog(pub bool);

/// Element that has the keyboard's focus.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyboardFocus {
    /// The view, which has no elements.
    #[default]
    View,
    /// A control of the panel that takes no text, or an open menu.
    Control,
    /// A list of rows, which moves by keys; time has the others.
    List {
        /// True when the list has moves to failures of its own, by `[` and `]`.
        has_failures: bool,
    },
    /// A text field.
    Text,
}
