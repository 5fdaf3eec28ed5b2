//! Overlays, drawn above the views: toasts, the director's pill, and hints: beside the pointer, at the keys, and
//! at a drop.

#[cfg(not(target_arch = "wasm32"))]
pub mod drop_hint;
mod first_hint;
mod hint;
pub mod notices;
pub mod pill;

use bevy::prelude::*;

use crate::app::systems::AppSystems;

/// Adds the hints at the keys and beside the pointer.
pub(super) fn hints_plugin(app: &mut App) {
    app.add_plugins((first_hint::plugin, hint::plugin)).add_systems(
        Update,
        (first_hint::systems(), hint::systems()).chain().in_set(AppSystems::Hint),
    );
}
