//! Draws the canvas on the GPU: one instanced draw per layer, sorted by depth with sprites and
//! texts.

use std::ops::Range;

use bevy::app::App;
use bevy::asset::{AssetServer, Handle, embedded_asset, load_embedded_asset};
use bevy::core_pipeline::core_2d::Transparent2d;
use bevy::ecs::prelude::*;
use bevy::ecs::query::ROQueryItem;
use bevy::ecs::system::SystemParamItem;
use bevy::ecs::system::lifetimeless::SRes;
use bevy::math::Vec2;
use bevy::mesh::VertexBufferLayout;
use bevy::render::camera::ExtractedCamera;
use bevy::render::extract_component::ExtractComponentPlugin;
use bevy::render::render_phase::{
    AddRenderCommand, DrawFunctions, RenderCommand, RenderCommandResult, SetItemPipeline,
    TrackedRenderPass, ViewSortedRenderPhases,
};
use bevy::render::render_resource::binding_types::uniform_buffer;
use bevy::render::render_resource::*;
use bevy::render::renderer::{RenderDevice, RenderQueue};
use bevy::render::view::{ExtractedView, Msaa};
use bevy::render::{
    Extract, ExtractSchedule, GpuResourceAppExt, Render, RenderApp, RenderStartup, RenderSystems,
};
use bevy::shader::{Shader, load_shader_library};

use super::canvas::{Canvas, Layer};
use super::instance::Instance;
use super::pipeline::{PipelineKey, draw_item, quad_pipeline};
use super::{CanvasCamera, DrawClock};
use crate::bounded::bounded;

pub(super) fn plugin(app: &mut App) {
    load_shader_library!(app, "sdf.wgsl");
    embedded_asset!(app, "shapes.wgsl");
    app.add_plugins(ExtractComponentPlugin::<CanvasCamera>::default());
    let Some(render_app) = app.get_sub_app_mut(RenderApp) else {
        return;
    };
    render_app
        .init_gpu_resource::<SpecializedRenderPipelines<ShapePipeline>>()
        .init_gpu_resource::<ShapeBuffers>()
        .init_resource::<ExtractedCanvas>()
        .add_render_command::<Transparent2d, DrawShapes>()
        .add_systems(RenderStartup, (init_pipeline, spawn_layers))
        .add_systems(ExtractSchedule, extract_canvas)
        .add_systems(
            Render,
            (
                queue_layers.in_set(RenderSystems::Queue),
                upload.in_set(RenderSystems::PrepareResources),
                bind.in_set(RenderSystems::PrepareBindGroups),
            ),
        );
}

/// Uniform for all shapes; must match `CanvasUniform` in the shader.
#[derive(Clone, Copy, Default, ShaderType)]
struct CanvasUniform {
    viewport: Vec2,
    origin: Vec2,
    scale: f32,
    time: f32,
    reduced_motion: f32,
    desaturate: f32,
    brightness: f32,
    brightness_kept: f32,
    /// Opacity of leaving and of entering parts.
    fade: Vec2,
}

/// The canvas as instances, kept between frames.
#[derive(Resource, Default)]
struct ExtractedCanvas {
    instances: Vec<Instance>,
    layers: [Range<usize>; Layer::ALL.len()],
    uniform: CanvasUniform,
    /// Generation of the canvas that `instances` were made from, and the epoch of their times.
    source: (u64, f64),
    /// Incremented when `source` changes; 0 before the first extraction.
    version: u64,
}

#[derive(Resource)]
struct ShapeBuffers {
    instances: RawBufferVec<Instance>,
    uniform: UniformBuffer<CanvasUniform>,
    version: u64,
    bind_group: Option<BindGroup>,
}

impl Default for ShapeBuffers {
    fn default() -> Self {
        let mut instances = RawBufferVec::new(BufferUsages::VERTEX);
        instances.set_label(Some("canvas_shapes"));
        Self { instances, uniform: UniformBuffer::default(), version: 0, bind_group: None }
    }
}

/// Phase items are keyed by entity, so each layer needs an entity.
#[derive(Resource)]
struct LayerEntities([Entity; Layer::ALL.len()]);

fn spawn_layers(mut commands: Commands, existing: Option<Res<LayerEntities>>) {
    // This schedule runs again after a lost device was replaced.
    if existing.is_none() {
        let entities = Layer::ALL.map(|_| commands.spawn_empty().id());
        commands.insert_resource(LayerEntities(entities));
    }
}

fn extract_canvas(
    canvas: Extract<Res<Canvas>>,
    clock: Extract<Res<DrawClock>>,
    mut extracted: ResMut<ExtractedCanvas>,
) {
    let epoch = clock.epoch_secs();
    let extracted = &mut *extracted;
    extracted.uniform = CanvasUniform {
        viewport: extracted.uniform.viewport,
        origin: canvas.origin + canvas.shift,
        scale: canvas.scale,
        time: (clock.secs - epoch) as f32,
        reduced_motion: f32::from(u8::from(canvas.reduced_motion)),
        desaturate: bounded(canvas.desaturate, 0.0, 1.0),
        brightness: bounded(canvas.brightness, 0.0, 1.0),
        brightness_kept: bounded(canvas.brightness_kept, 0.0, 1.0),
        fade: Vec2::new(canvas.fade.leaving.shapes, canvas.fade.entering.shapes),
    };
    let source = (canvas.generation(), epoch);
    if extracted.version != 0 && extracted.source == source {
        return;
    }
    extracted.source = source;
    extracted.version += 1;
    extracted.instances.clear();
    for (range, layer) in extracted.layers.iter_mut().zip(Layer::ALL) {
        let start = extracted.instances.len();
        extracted.instances.extend(
            canvas
                .parts()
                .iter()
                .flat_map(|part| part.shapes.iter().map(move |(of, shape)| (part, of, shape)))
                .filter(|(_, of, _)| **of == layer)
                .map(|(part, _, shape)| shape.encode(epoch).in_role(part.role())),
        );
        *range = start..extracted.instances.len();
    }
}

fn upload(
    extracted: Res<ExtractedCanvas>,
    mut buffers: ResMut<ShapeBuffers>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
) {
    let buffers = &mut *buffers;
    buffers.uniform.set(extracted.uniform);
    buffers.uniform.write_buffer(&device, &queue);
    if buffers.version == extracted.version {
        return;
    }
    buffers.version = extracted.version;
    buffers.instances.clear();
    buffers.instances.extend(extracted.instances.iter().copied());
    buffers.instances.write_buffer(&device, &queue);
}

fn bind(
    mut buffers: ResMut<ShapeBuffers>,
    pipeline: Res<ShapePipeline>,
    cache: Res<PipelineCache>,
    device: Res<RenderDevice>,
) {
    if buffers.bind_group.is_some() {
        return;
    }
    let Some(binding) = buffers.uniform.binding() else {
        return;
    };
    let bind_group = device.create_bind_group(
        "canvas_bind_group",
        &cache.get_bind_group_layout(&pipeline.layout),
        &BindGroupEntries::single(binding),
    );
    buffers.bind_group = Some(bind_group);
}

#[derive(Resource)]
struct ShapePipeline {
    layout: BindGroupLayoutDescriptor,
    vertices: VertexBufferLayout,
    shader: Handle<Shader>,
}

fn init_pipeline(mut commands: Commands, assets: Res<AssetServer>) {
    let layout = BindGroupLayoutDescriptor::new(
        "canvas_layout",
        &BindGroupLayoutEntries::single(
            ShaderStages::VERTEX_FRAGMENT,
            uniform_buffer::<CanvasUniform>(false),
        ),
    );
    commands.insert_resource(ShapePipeline {
        layout,
        vertices: Instance::layout(),
        shader: load_embedded_asset!(assets.as_ref(), "shapes.wgsl"),
    });
}

impl SpecializedRenderPipeline for ShapePipeline {
    type Key = PipelineKey;

    fn specialize(&self, key: Self::Key) -> RenderPipelineDescriptor {
        quad_pipeline("canvas_shapes", &self.layout, &self.shader, vec![self.vertices.clone()], key)
    }
}

#[expect(clippy::too_many_arguments, reason = "a system takes what it needs")]
fn queue_layers(
    draw_functions: Res<DrawFunctions<Transparent2d>>,
    pipeline: Res<ShapePipeline>,
    mut pipelines: ResMut<SpecializedRenderPipelines<ShapePipeline>>,
    cache: Res<PipelineCache>,
    layers: Res<LayerEntities>,
    mut extracted: ResMut<ExtractedCanvas>,
    mut phases: ResMut<ViewSortedRenderPhases<Transparent2d>>,
    views: Query<(&ExtractedView, &ExtractedCamera, &Msaa), With<CanvasCamera>>,
) {
    let draw_function = draw_functions.read().id::<DrawShapes>();
    for (view, camera, msaa) in &views {
        let Some(phase) = phases.get_mut(&view.retained_view_entity) else {
            continue;
        };
        extracted.uniform.viewport = Vec2::new(view.viewport.z as f32, view.viewport.w as f32);
        let key = PipelineKey::of(view, camera, msaa);
        let pipeline = pipelines.specialize(&cache, &pipeline, key);
        for (index, layer) in Layer::ALL.into_iter().enumerate() {
            if extracted.layers[index].is_empty() {
                continue;
            }
            let (z, entity) = (layer.shape_z(), layers.0[index]);
            phase.add_transient(draw_item(z, entity, pipeline, draw_function, index));
        }
    }
}

type DrawShapes = (SetItemPipeline, DrawLayer);

struct DrawLayer;

impl RenderCommand<Transparent2d> for DrawLayer {
    type Param = (SRes<ExtractedCanvas>, SRes<ShapeBuffers>);
    type ViewQuery = ();
    type ItemQuery = ();

    fn render<'w>(
        item: &Transparent2d,
        _view: ROQueryItem<'w, '_, Self::ViewQuery>,
        _entity: Option<()>,
        (extracted, buffers): SystemParamItem<'w, '_, Self::Param>,
        pass: &mut TrackedRenderPass<'w>,
    ) -> RenderCommandResult {
        let buffers = buffers.into_inner();
        let (Some(range), Some(bind_group), Some(instances)) = (
            extracted.layers.get(item.extracted_index),
            &buffers.bind_group,
            buffers.instances.buffer(),
        ) else {
            return RenderCommandResult::Skip;
        };
        // The slice starts at the layer's first instance, because WebGL2 has no `firstInstance`.
        let stride = size_of::<Instance>() as u64;
        let bytes = range.start as u64 * stride..range.end as u64 * stride;
        pass.set_bind_group(0, bind_group, &[]);
        pass.set_vertex_buffer(0, instances.slice(bytes));
        pass.draw(0..4, 0..range.len() as u32);
        RenderCommandResult::Success
    }
}
