//! Selection of a graphics backend, before the engine starts: the engine aborts when there is no
//! adapter.

use bevy::render::settings::{Backends, WgpuSettings};
use thiserror::Error;

/// Error: no graphics adapter was found.
#[derive(Clone, Copy, Debug, Error)]
#[error(
    "there is no graphics adapter: install a Vulkan driver (on Debian and Ubuntu, \
     mesa-vulkan-drivers draws even without a GPU)"
)]
pub struct NoAdapter;

/// Returns the engine's settings for the first class of backends that has an adapter.
/// `WGPU_BACKEND` restricts the backends that are tried.
///
/// OpenGL is tried only when no other backend has an adapter, because without a display its
/// libraries print errors to stderr.
///
/// # Errors
///
/// Fails when no allowed backend has an adapter.
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
