//! The application: Bevy plugins around the model.
//!
//! Every frame goes one way: [`state::run_store`] drains the source into the model, [`control`]
//! carries out what the user asked for, [`state::entities`] brings the world in step with the model,
//! and the views draw. Only the run store changes the model; a snapshot of a recording brings a
//! finished one along.
//!
//! Layers: each imports only what stands above it, which `tests/checks/layers.sh` checks.
//!
//! | layer | what it is |
//! | --- | --- |
//! | `systems` | the order of a frame |
//! | `words` | values as people read them |
//! | `state` | what is so: vocabulary, model, what is chosen of it; nothing here draws |
//! | `theme` | colours, sizes of type, durations of motion |
//! | `draw` | the renderer; knows no run |
//! | `views` | what is seen of runs |
//! | `overlays` | what lies over the views; knows no view |
//! | `control` | who decides: actions are carried out |
//! | `panel` | egui |
//! | `plugins` | what an app is made of |
//! | `platform` | what the app is in: window, page, picture, machine |

#[doc(hidden)]
pub mod control;
#[doc(hidden)]
pub mod draw;
#[doc(hidden)]
pub mod overlays;
#[doc(hidden)]
pub mod panel;
#[doc(hidden)]
pub mod platform;
mod plugins;
#[cfg(test)]
mod repaint_tests;
pub mod state;
pub mod systems;
#[doc(hidden)]
pub mod theme;
#[doc(hidden)]
pub mod views;
#[doc(hidden)]
pub mod words;

#[cfg(not(target_arch = "wasm32"))]
pub use platform::{SnapshotError, WindowError, run, snapshot};
pub use plugins::{ControlsPlugin, MeterbridgePlugin, ViewPlugin, spawn_cameras};
pub use systems::AppSystems;
