//! Format of the canvas texture on graphics without support for texture view formats (WebGL2).

use bevy::app::App;
use bevy::ecs::prelude::*;
use bevy::render::render_resource::TextureFormat;
use bevy::render::renderer::RenderAdapter;
use bevy::render::view::ExtractedView;
use bevy::render::{Render, RenderApp, RenderSystems};
use wgpu::DownlevelFlags;

use super::CanvasCamera;

/// A format for which the engine creates no second view. It supports blending, takes no more memory
/// than the usual format, and has finer colour steps. Its coarse alpha does no harm, because the
/// canvas is opaque.
const WITHOUT_VIEWS: TextureFormat = TextureFormat::Rgb10a2Unorm;

pub(super) fn plugin(app: &mut App) {
    if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
        // Runs before pipelines are created for the format.
        render_app.add_systems(Render, choose_format.in_set(RenderSystems::CreateViews));
    }
}

/// Replaces the format where view formats are not supported. Bevy 0.19 creates an sRGB view of
/// every texture composited in sRGB, even if nothing uses it.
fn choose_format(
    adapter: Res<RenderAdapter>,
    mut views: Query<&mut ExtractedView, With<CanvasCamera>>,
) {
    if adapter.get_downlevel_capabilities().flags.contains(DownlevelFlags::VIEW_FORMATS) {
        return;
    }
    for mut view in &mut views {
        view.target_format = WITHOUT_VIEWS;
    }
}
