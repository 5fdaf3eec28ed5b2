//! The renderer: draws everything on the canvas.
//!
//! | file | content |
//! | --- | --- |
//! | `canvas` | layers of shapes and texts, as plain data |
//! | `fade` | cross-fades between views |
//! | `shape`, `motion` | appearance and motion of shapes |
//! | `instance`, `instances`, `shapes.wgsl`, `sdf.wgsl` | shapes on the GPU |
//! | `pipeline` | what both have in common |
//! | `labels` | texts, as a pool of `Text2d` entities |
//! | `atlases` | eviction of unused glyph atlases |
//! | `fonts`, `metrics` | embedded faces and their widths |
//! | `system_fonts` | system fonts, for characters missing from the embedded faces |
//! | `texture_format` | format of the canvas texture |
//! | `graphics` | selection of a graphics backend |
//! | `guard` | a panic while drawing costs one view, not the program |
//! | `offscreen` | the same picture without a window, as a PNG |
//!
//! Nothing in this module knows what a run is.
//!
//! # Design
//!
//! The picture is a `Canvas` of parts; each part is a list of shapes and texts in one of ten
//! layers. A contributor empties and redraws its part only when its content differs from what it
//! drew last. While no part is redrawn, only one uniform is uploaded to the GPU: motion is computed
//! in the shaders.
//!
//! Coordinates are design pixels, 1080 for the height of the screen, y down. A screen narrower than
//! 3:2 has 1620 design pixels of width and more height.
//!
//! * Times are uploaded in single precision, relative to an epoch that advances every hour by a
//!   whole number of bead and pulse periods; all shapes are then encoded again.
//! * A text's key identifies its position and not its words, so its entity is reused and only
//!   changed spans are laid out.
//! * A cross-fade renames the leaving parts and lets contributors draw the next view on an empty
//!   canvas; its progress is two numbers in the uniform and an opacity of labels. Labels of the
//!   entering view are created six per frame while they are invisible, because laying out a whole
//!   view takes longer than a frame.
//! * The engine keeps a texture of one megabyte for each size of each face. `atlases` keeps the 64
//!   most recently used sizes among those that no label shows, so animated type sizes must change
//!   in steps.
//! * Shaders have no branch that depends on uniforms alone: Mesa's software renderer (22.3,
//!   lavapipe) compiles such a shader again in each frame and keeps the result, 0.7 MiB per frame.
//! * The canvas camera blends in sRGB, like the design. Bevy needs a second view of such a texture,
//!   which WebGL2 lacks; `texture_format` avoids it there. egui cannot draw into such a texture, so
//!   the panel has a separate camera above it, which composites in linear light and clears nothing.

mod atlases;
mod canvas;
mod colour;
mod fade;
mod fonts;
pub mod glyphs;
#[cfg(not(target_arch = "wasm32"))]
mod graphics;
mod guard;
#[cfg(test)]
mod inspection;
mod instance;
mod instances;
mod labels;
mod metrics;
mod motion;
#[cfg(not(target_arch = "wasm32"))]
mod offscreen;
mod pipeline;
mod shape;
#[cfg(not(target_arch = "wasm32"))]
mod system_fonts;
mod texture_format;

use bevy::app::{App, Plugin, PostUpdate, PreUpdate};
use bevy::camera::visibility::RenderLayers;
use bevy::camera::{Camera, Camera2d, CameraOutputMode, ClearColorConfig, CompositingSpace};
use bevy::color::Color;
use bevy::ecs::prelude::*;
use bevy::render::extract_component::ExtractComponent;
use bevy::render::render_resource::BlendState;
use bevy::render::view::Msaa;
use bevy::time::{Real, Time};

pub use canvas::{Anchor, Canvas, Layer, Mark, Part, PartId, Span, Text};
pub use fonts::{Face, Fonts};
#[cfg(not(target_arch = "wasm32"))]
pub use graphics::{NoAdapter, graphics_settings};
#[cfg(not(target_arch = "wasm32"))]
pub(super) use guard::panic_message;
pub use guard::{Faults, end_fault, guarded, guarded_without_card};
pub use metrics::{measure, truncate, wrap};
pub(super) use motion::Moving;
pub use motion::{BEAD_LENGTH, BEAD_PERIOD, BEAD_SPEED, BREATH_PERIOD_SECS, Entrance};
#[cfg(not(target_arch = "wasm32"))]
pub use offscreen::{
    OffscreenError, OffscreenPictures, aim_cameras, make_ready, offscreen_plugins, render_to_png,
};
#[cfg(test)]
pub use shape::Traits;
pub use shape::{Cap, Rect, Shape, Texture};
#[cfg(not(target_arch = "wasm32"))]
pub use system_fonts::{SystemFont, system_fonts};

/// System sets that transfer the canvas from the main world to the renderer.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DrawSystems {
    /// `PreUpdate`: sets the clock. An app that sets the clock itself must do so after this set.
    Clock,
    /// `PostUpdate`: synchronizes label entities with the canvas's texts.
    Labels,
    /// `PostUpdate`: positions the laid-out labels on their baselines.
    Place,
    /// `PostUpdate`: evicts glyph atlases that no label needs.
    LetGo,
}

/// Time for everything that moves, in seconds from an arbitrary start. Start times of shapes refer
/// to this clock. By default it follows real time since start-up; an app that sets it itself must
/// turn [`DrawClock::follow_real_time`] off.
#[derive(Resource, Clone, Copy, Debug)]
pub struct DrawClock {
    /// Current time in seconds.
    pub secs: f64,
    /// True when the plugin sets `secs` each frame.
    pub follow_real_time: bool,
}

impl Default for DrawClock {
    fn default() -> Self {
        Self { secs: 0.0, follow_real_time: true }
    }
}

impl DrawClock {
    /// Returns the origin of times on the GPU. Single precision becomes too coarse after a day, so
    /// the origin advances every hour, which is a whole number of bead and pulse periods.
    pub(crate) fn epoch_secs(&self) -> f64 {
        (self.secs / 3_600.0).floor() * 3_600.0
    }
}

/// Marks the camera that shows the canvas. It blends in sRGB, like the design.
///
/// Code that draws into a camera's texture without support for sRGB compositing (bevy_egui 0.42)
/// needs a separate camera: see [`overlay_camera`].
#[derive(Component, ExtractComponent, Clone, Copy, Debug, Default)]
#[require(Camera2d, Msaa::Off, CompositingSpace::Srgb)]
pub struct CanvasCamera;

/// Returns a camera for content above the canvas (egui). It composites in linear light, sees no
/// entities, and is blended over the output of cameras with a lower order.
pub fn overlay_camera(order: isize) -> impl Bundle {
    (
        Camera2d,
        Camera {
            order,
            clear_color: ClearColorConfig::Custom(Color::NONE),
            output_mode: CameraOutputMode::Write {
                // egui leaves premultiplied colours in the texture.
                blend_state: Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                clear_color: ClearColorConfig::None,
            },
            ..Default::default()
        },
        RenderLayers::none(),
        Msaa::Off,
    )
}

/// Draws the [`Canvas`] on the [`CanvasCamera`].
#[derive(Clone, Copy, Debug, Default)]
pub struct DrawPlugin;

impl Plugin for DrawPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Canvas>()
            .init_resource::<DrawClock>()
            .configure_sets(
                PostUpdate,
                (DrawSystems::Labels, DrawSystems::Place, DrawSystems::LetGo).chain(),
            )
            .add_systems(PreUpdate, follow_real_time.in_set(DrawSystems::Clock))
            .add_plugins((
                fonts::plugin,
                labels::plugin,
                atlases::plugin,
                instances::plugin,
                texture_format::plugin,
            ));
    }
}

fn follow_real_time(time: Res<Time<Real>>, mut clock: ResMut<DrawClock>) {
    if clock.follow_real_time {
        clock.secs = time.elapsed_secs_f64();
    }
}
