//! Rendering without a window: for snapshots, documentation and tests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bevy::DefaultPlugins;
use bevy::app::{App, PluginGroup, PluginGroupBuilder, PluginsState};
use bevy::asset::{Assets, Handle, RenderAssetUsages};
use bevy::camera::{Camera, RenderTarget};
use bevy::ecs::prelude::*;
use bevy::image::Image;
use bevy::math::UVec2;
use bevy::render::RenderPlugin;
use bevy::render::pipelined_rendering::PipelinedRenderingPlugin;
use bevy::render::render_resource::{TextureFormat, TextureUsages};
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use bevy::window::{ExitCondition, WindowPlugin};
use bevy::winit::WinitPlugin;
use image::RgbImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use thiserror::Error;

use super::{CanvasCamera, NoAdapter, graphics_settings};

/// Updates before the picture is taken: fonts, atlases and pipelines need a few to settle.
const WARM_UP_UPDATES: usize = 6;
/// Maximum number of updates to wait for the picture, which is read back asynchronously.
const PATIENCE_UPDATES: usize = 200;

/// Error while rendering off-screen.
#[derive(Debug, Error)]
pub enum OffscreenError {
    /// The app has no graphics adapter or no render plugin.
    #[error("nothing can be drawn here: the app has no image assets or no graphics adapter")]
    NoGraphics,
    /// The GPU did not return the picture in time.
    #[error("the picture was not read back from the GPU after {PATIENCE_UPDATES} updates")]
    NotReadBack,
    /// The picture's pixel format cannot be converted for PNG.
    #[error("the picture cannot be converted for a PNG: {0}")]
    Convert(String),
    /// The file could not be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// Error message of the system.
        reason: String,
    },
}

/// Returns Bevy's default plugins for an app without a window, which is updated by
/// [`render_to_png`].
///
/// # Errors
///
/// Fails when there is no graphics adapter.
pub fn offscreen_plugins() -> Result<PluginGroupBuilder, NoAdapter> {
    let graphics = graphics_settings()?;
    Ok(DefaultPlugins
        .build()
        .set(WindowPlugin {
            primary_window: None,
            exit_condition: ExitCondition::DontExit,
            ..Default::default()
        })
        .set(RenderPlugin {
            // A pipeline that is still compiling draws nothing, and there is no later frame.
            synchronous_pipeline_compilation: true,
            render_creation: graphics.into(),
            ..Default::default()
        })
        .disable::<WinitPlugin>()
        .disable::<PipelinedRenderingPlugin>())
}

/// Finishes an app's plugins once, as the event loop of a window would.
pub fn make_ready(app: &mut App) {
    if app.plugins_state() != PluginsState::Cleaned {
        while app.plugins_state() == PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.cleanup();
    }
}

/// Points all cameras at a new image of this size in device pixels.
///
/// An app that is updated before [`render_to_png`] must call this first: layout code keeps what it
/// derived from the first size it saw, and a camera without a target has no size.
///
/// # Errors
///
/// Returns [`OffscreenError::NoGraphics`] when the app has no image assets.
pub fn aim_cameras(app: &mut App, size: UVec2) -> Result<Handle<Image>, OffscreenError> {
    let mut image = Image::new_target_texture(size.x, size.y, TextureFormat::Rgba8UnormSrgb, None);
    image.texture_descriptor.usage |= TextureUsages::COPY_SRC;
    image.asset_usage = RenderAssetUsages::default();
    let target = app
        .world_mut()
        .get_resource_mut::<Assets<Image>>()
        .ok_or(OffscreenError::NoGraphics)?
        .add(image);
    aim_at(app.world_mut(), &target);
    Ok(target)
}

fn aim_at(world: &mut World, target: &Handle<Image>) {
    let cameras: Vec<_> = world.query_filtered::<Entity, With<Camera>>().iter(world).collect();
    for camera in cameras {
        world.entity_mut(camera).insert(RenderTarget::Image(target.clone().into()));
    }
}

/// Pictures of an app, one for each of its updates, which are read back while the next ones are drawn.
pub struct OffscreenPictures {
    target: Handle<Image>,
    /// Pictures that were read back, by their number.
    read: Arc<Mutex<BTreeMap<u64, Image>>>,
    taken: u64,
    returned: u64,
}

impl OffscreenPictures {
    /// Points all cameras at a new image of this size in device pixels, and lets fonts and pipelines settle.
    ///
    /// # Errors
    ///
    /// Returns [`OffscreenError::NoGraphics`] when the app has no image assets.
    pub fn new(app: &mut App, size: UVec2) -> Result<Self, OffscreenError> {
        let target = aim_cameras(app, size)?;
        for _ in 0..WARM_UP_UPDATES {
            app.update();
        }
        Ok(Self { target, read: Arc::default(), taken: 0, returned: 0 })
    }

    /// Updates the app once, and takes the picture that this update draws.
    pub fn take(&mut self, app: &mut App) {
        let (read, number) = (Arc::clone(&self.read), self.taken);
        self.taken += 1;
        app.world_mut().spawn(Screenshot::image(self.target.clone())).observe(
            move |event: On<ScreenshotCaptured>| {
                if let Ok(mut read) = read.lock() {
                    read.insert(number, event.image.clone());
                }
            },
        );
        app.update();
    }

    /// Returns the next picture in order, if it was read back already.
    ///
    /// # Errors
    ///
    /// Fails when its pixels cannot be converted.
    pub fn next_taken(&mut self) -> Option<Result<RgbImage, OffscreenError>> {
        let image = self.read.lock().ok()?.remove(&self.returned)?;
        self.returned += 1;
        let picture = image.try_into_dynamic().map(|picture| picture.to_rgb8());
        Some(picture.map_err(|error| OffscreenError::Convert(error.to_string())))
    }

    /// Returns the pictures that were taken and not returned yet.
    ///
    /// # Errors
    ///
    /// Fails when the GPU does not return one in time, or its pixels cannot be converted.
    pub fn finish(mut self, app: &mut App) -> Result<Vec<RgbImage>, OffscreenError> {
        let mut pictures = Vec::new();
        for _ in 0..PATIENCE_UPDATES {
            while let Some(picture) = self.next_taken() {
                pictures.push(picture?);
            }
            if self.returned == self.taken {
                return Ok(pictures);
            }
            app.update();
        }
        Err(OffscreenError::NotReadBack)
    }
}

/// Points all cameras (and a new [`CanvasCamera`] if there is none) at an image of this size in
/// device pixels, updates the app a few times, and writes the picture as a PNG.
///
/// The app needs [`offscreen_plugins`] and [`super::DrawPlugin`], and fits its canvas to the
/// camera's viewport as it would in a window. Can be called again on the same app.
///
/// # Errors
///
/// Fails when the app has no graphics, the GPU does not return the picture, or the file cannot be
/// written.
pub fn render_to_png(app: &mut App, size: UVec2, path: &Path) -> Result<(), OffscreenError> {
    make_ready(app);
    let target = aim_cameras(app, size)?;

    // Start-up systems may spawn the cameras.
    app.update();
    let world = app.world_mut();
    if world.query_filtered::<(), With<CanvasCamera>>().iter(world).next().is_none() {
        world.spawn(CanvasCamera);
    }
    aim_at(world, &target);
    for _ in 0..WARM_UP_UPDATES {
        app.update();
    }

    let captured: Arc<Mutex<Option<Image>>> = Arc::default();
    let slot = Arc::clone(&captured);
    app.world_mut().spawn(Screenshot::image(target)).observe(
        move |event: On<ScreenshotCaptured>| {
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(event.image.clone());
            }
        },
    );
    for _ in 0..PATIENCE_UPDATES {
        app.update();
        let image = captured.lock().ok().and_then(|mut slot| slot.take());
        if let Some(image) = image {
            return write_png(image, path);
        }
    }
    Err(OffscreenError::NotReadBack)
}

fn write_png(image: Image, path: &Path) -> Result<(), OffscreenError> {
    let picture =
        image.try_into_dynamic().map_err(|error| OffscreenError::Convert(error.to_string()))?;
    let failed = |reason: String| OffscreenError::Write { path: path.to_owned(), reason };
    let file = File::create(path).map_err(|error| failed(error.to_string()))?;
    let mut file = BufWriter::new(file);
    // Best compression, because pictures are stored and shown far more often than taken.
    let encoder =
        PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive);
    picture.to_rgb8().write_with_encoder(encoder).map_err(|error| failed(error.to_string()))?;
    file.flush().map_err(|error| failed(error.to_string()))
}
