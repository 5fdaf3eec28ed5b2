//! The application: Bevy plugins around the model.
//!
//! Data flows one way in every frame: [`state::run_store`] drains the source into the model,
//! [`control`] executes the user's actions, [`state::entities`] updates the entities from the model,
//! and the views draw. Only the run store changes the model; a snapshot of a recording inserts a
//! finished model at the start.
//!
//! Layers: each imports only from the layers above it in this table, which `tests/domain/layers.rs`
//! checks.
//!
//! | layer | contents |
//! | --- | --- |
//! | `systems` | the order of a frame |
//! | `words` | values as text for people |
//! | `state` | vocabulary, model, focus and selection; draws nothing |
//! | `theme` | colours, type sizes, durations of motion |
//! | `draw` | the renderer; knows no run |
//! | `views` | stage, wall, meter bridge |
//! | `overlays` | toasts and pill above the views; knows no view |
//! | `control` | executes actions |
//! | `panel` | the egui side panel |
//! | `plugins` | the plugins that make up an app |
//! | `platform` | window, page, snapshot, machine |

#[doc(hidden)]
pub mod control;
#[doc(hidden)]
pub mod draw;
#[cfg(test)]
mod lane_tests;
#[doc(hidden)]
pub mod overlays;
pub(crate) mod panel;
#[cfg(test)]
mod past_tests;
#[doc(hidden)]
pub mod platform;
mod plugins;
pub mod state;
pub mod systems;
#[cfg(test)]
mod test_display;
#[cfg(test)]
mod text_layout_tests;
#[doc(hidden)]
pub mod theme;
#[cfg(test)]
mod theme_change_tests;
#[cfg(test)]
mod totality_tests;
#[doc(hidden)]
pub mod views;
#[doc(hidden)]
pub mod words;

#[cfg(not(target_arch = "wasm32"))]
pub use platform::{ClipError, SnapshotError, WindowError, clip, run, snapshot};
pub use plugins::{ControlsPlugin, MeterbridgePlugin, ViewPlugin, spawn_cameras};
pub use systems::AppSystems;
