//! What there is to draw with, asked before the engine asks: it ends the program when there is
//! nothing.

use bevy::render::settings::{Backends, WgpuSettings};
use thiserror::Error;

/// There is nothing to draw with.
#[derive(Clone, Copy, Debug, Error)]
#[error(
    "there is no graphics adapter: install a Vulkan driver (on Debian and Ubuntu, \
     mesa-vulkan-drivers draws even without a GPU)"
)]
pub struct NoAdapter;

/// The engine's settings for the first kind of graphics that has an adapter. `WGPU_BACKEND` says
/// which kinds are tried.
///
/// OpenGL is only woken where nothing else is there: without a display its libraries complain on
/// standard error.
///
/// # Errors
///
/// When no adapter is there at all.
pub fn graphics_settings() -> Result<WgpuSettings, NoAdapter> {
    let allowed = Backends::from_env().unwrap_or(Backends::all());
    [Backends::PRIMARY, Backends::SECONDARY]
        .into_iter()
        .map(|kind| kind & allowed)
        .find(|kind| !kind.is_empty() && has_adapter(*kind))
        .map(|backends| WgpuSettings { backends: Some(backends), ..Default::default() })
        .ok_or(NoAdapter)
}

fn has_adapter(backends: Backends) -> bool {
    let mut description = wgpu::InstanceDescriptor::new_without_display_handle();
    description.backends = backends;
    let instance = wgpu::Instance::new(description);
    !bevy::tasks::block_on(instance.enumerate_adapters(backends)).is_empty()
}
