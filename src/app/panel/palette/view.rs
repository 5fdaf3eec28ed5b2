//! Inputs of the palette, and lengths of its parts.

use jiff::Timestamp;

use crate::app::state::actions::Situation;
use crate::app::state::run_store::RunStore;
use crate::config::SettingsTable;

/// Height of a row, and distance of its contents from its ends.
pub(super) const ROW: f32 = 38.0;
pub(super) const PAD: f32 = 18.0;

/// Inputs of the palette.
pub(in crate::app::panel) struct PaletteView<'a> {
    pub run_store: &'a RunStore,
    pub situation: &'a Situation<'a>,
    pub server_now: Timestamp,
    /// Settings of this display; `None` in an embedding app.
    pub settings: Option<&'a SettingsTable>,
}
