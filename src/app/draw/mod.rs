//! Drawing: one renderer for everything on the canvas.
//!
//! | file | what it is |
//! | --- | --- |
//! | `canvas` | layers of shapes and texts, plain data |
//! | `fade` | how one picture gives way to the next |
//! | `shape`, `motion` | what a shape looks like and how it moves |
//! | `instance`, `instances`, `shapes.wgsl`, `sdf.wgsl` | the shapes on the GPU |
//! | `cells`, `cells.wgsl` | a field of very many cells, as one quad |
//! | `labels` | the texts as a pool of `Text2d` entities |
//! | `atlases` | glyphs of sizes that are not needed are let go |
//! | `fonts`, `metrics` | the embedded faces and their widths |
//! | `system_fonts` | the system's fonts, for what those lack |
//! | `texture_format` | what the canvas is drawn into |
//! | `graphics` | what there is to draw with |
//! | `offscreen` | the same picture without a window, as a PNG |
//!
//! Nothing here knows what a run is.
//!
//! # How it works
//!
//! The picture is a `Canvas` of parts, each a list of shapes and texts with one of ten layers. A contributor
//! empties its part and draws it again only when what it shows differs from what it drew last. While no part is
//! redrawn, nothing goes to the GPU but one uniform: motion is in the shaders.
//!
//! Coordinates are design pixels, 1080 to the height of the screen, y down. A screen narrower than 3:2 keeps 1620
//! design pixels of width and has more height.
//!
//! * Times go to the GPU in single precision, relative to an epoch that advances every hour by a whole number of
//!   bead and breath periods; all shapes are then encoded again.
//! * A text's key names its position and not its words, so its entity stays and only changed spans are laid out.
//! * A cross-fade renames the parts that leave and lets contributors draw the next view as if nothing were there;
//!   its progress is two numbers of the uniform and an opacity of labels. Labels that it brings are made six a
//!   frame while they cannot be seen, because laying out a whole view takes longer than a frame.
//! * The engine keeps a texture of a megabyte for each size of each face. `atlases` keeps the 64 used last among
//!   those that no label shows, so type that grows does so in steps.
//! * Shaders have no branch that depends on uniforms alone: Mesa's software renderer (22.3, lavapipe) compiles such
//!   a shader again in each frame and keeps the result, 0.7 MiB a frame.
//! * The canvas camera blends in sRGB, as the design was drawn. Bevy needs a second view of such a texture, which
//!   WebGL2 lacks; `texture_format` avoids it there. egui cannot draw into such a texture, so the panel has a camera
//!   of its own above it, which composites in linear light and clears nothing.

mod atlases;
mod canvas;
mod cells;
mod colour;
mod fade;
mod fonts;
pub mod glyphs;
#[cfg(not(target_arch = "wasm32"))]
mod graphics;
mod instance;
mod instances;
mod labels;
mod metrics;
mod motion;
#[cfg(not(target_arch = "wasm32"))]
mod offscreen;
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
pub use cells::{CELL_BYTES, CellField};
pub use fonts::{Face, Fonts};
#[cfg(not(target_arch = "wasm32"))]
pub use graphics::{NoAdapter, graphics_settings};
pub use metrics::{measure, truncate, wrap};
pub(super) use motion::Moving;
pub use motion::{BEAD_LENGTH, BEAD_PERIOD, BEAD_SPEED, BREATH_PERIOD_SECS, Entrance};
#[cfg(not(target_arch = "wasm32"))]
pub use offscreen::{OffscreenError, aim_cameras, make_ready, offscreen_plugins, render_to_png};
#[cfg(test)]
pub use shape::Traits;
pub use shape::{Cap, Rect, Shape, Texture};
#[cfg(not(target_arch = "wasm32"))]
pub use system_fonts::{SystemFont, system_fonts};

/// When the canvas is taken over from the main world's data.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DrawSystems {
    /// `PreUpdate`: the clock is set. An app with a clock of its own orders after this.
    Clock,
    /// `PostUpdate`: label entities are brought into step with the canvas's texts.
    Labels,
    /// `PostUpdate`: labels, now laid out, are put on their baselines.
    Place,
    /// `PostUpdate`: glyphs that no label needs any more are let go.
    LetGo,
}

/// Time for everything that moves, in seconds from an arbitrary start. Start times of shapes are
/// on this clock. By default it follows real time since start-up; an app that sets it itself
/// turns [`DrawClock::follow_real_time`] off.
#[derive(Resource, Clone, Copy, Debug)]
pub struct DrawClock {
    /// Now.
    pub secs: f64,
    /// Whether the plugin sets `secs` each frame.
    pub follow_real_time: bool,
}

impl Default for DrawClock {
    fn default() -> Self {
        Self { secs: 0.0, follow_real_time: true }
    }
}

impl DrawClock {
    /// The instant that times on the GPU count from. Single precision loses whole frames after
    /// a day, so it moves on every hour: a whole number of bead and breath periods.
    pub(crate) fn epoch_secs(&self) -> f64 {
        (self.secs / 3_600.0).floor() * 3_600.0
    }
}

/// Marks the one camera that shows the canvas. It blends in sRGB, as the design was drawn.
///
/// What draws into the camera's texture without knowing of sRGB compositing (bevy_egui 0.42)
/// needs a camera of its own: see [`overlay_camera`].
#[derive(Component, ExtractComponent, Clone, Copy, Debug, Default)]
#[require(Camera2d, Msaa::Off, CompositingSpace::Srgb)]
pub struct CanvasCamera;

/// A camera for what lies over the canvas (egui): it composites in linear light, sees no
/// entities, and is blended over what cameras of a lower order have drawn.
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
                cells::plugin,
                texture_format::plugin,
            ));
    }
}

fn follow_real_time(time: Res<Time<Real>>, mut clock: ResMut<DrawClock>) {
    if clock.follow_real_time {
        clock.secs = time.elapsed_secs_f64();
    }
}
