//! Settings with their places, and what became of the last change.

use bevy::prelude::*;

use crate::config::{SettingsStore, SettingsTable};

/// Settings of the display, and the place where they are saved. Empty in an embedding app, which has settings of
/// its own.
#[derive(Resource, Default)]
pub struct SettingsBook {
    /// Storage of the settings; `None` in an embedding app.
    pub store: Option<Box<dyn SettingsStore>>,
    /// Outcome of the last change.
    pub last: Option<LastChange>,
    /// Name of the setting that the window is to show next.
    pub wanted: Option<String>,
}

/// Outcome of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct LastChange {
    /// Name of the setting; empty for none.
    pub name: String,
    /// Reason why it was not saved.
    pub refusal: Option<String>,
    /// Time by the drawing's clock, in seconds.
    pub at_secs: f64,
}

impl SettingsBook {
    /// Returns all settings; `None` in an embedding app.
    pub fn table(&self) -> Option<&SettingsTable> {
        self.store.as_ref().map(|store| store.table())
    }
}
