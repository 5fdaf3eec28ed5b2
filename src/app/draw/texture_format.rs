//! The canvas's texture where the graphics cannot see one texture in two formats (WebGL2).

use bevy::app::App;
use bevy::ecs::prelude::*;
use bevy::render::render_resource::TextureFormat;
use bevy::render::renderer::RenderAdapter;
use bevy::render::view::ExtractedView;
use bevy::render::{Render, RenderApp, RenderSystems};
use wgpu::DownlevelFlags;

use super::CanvasCamera;

/// A format that the engine asks no second view of: it blends, takes no more room than the usual
/// one, and its shades are finer. Nothing needs its coarse alpha, as the canvas is opaque.
const WITHOUT_VIEWS: TextureFormat = TextureFormat::Rgb10a2Unorm;

pub(super) fn plugin(app: &mut App) {
    if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
        // Before pipelines are made for the format.
        render_app.add_systems(Render, choose_format.in_set(RenderSystems::CreateViews));
    }
}

/// Bevy 0.19 wants an sRGB view of every texture that is composited in sRGB, whether or not
/// anything looks at it.
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
