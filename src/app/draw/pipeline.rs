//! The pipeline of quads blended by their alpha, in the order of the canvas's layers.

use bevy::asset::Handle;
use bevy::camera::CompositingSpace;
use bevy::core_pipeline::core_2d::{CORE_2D_DEPTH_FORMAT, Transparent2d};
use bevy::ecs::entity::Entity;
use bevy::math::FloatOrd;
use bevy::mesh::VertexBufferLayout;
use bevy::render::camera::ExtractedCamera;
use bevy::render::render_phase::{DrawFunctionId, PhaseItemExtraIndex};
use bevy::render::render_resource::*;
use bevy::render::sync_world::MainEntity;
use bevy::render::view::{ExtractedView, Msaa};
use bevy::shader::Shader;
use bevy::utils::default;

/// The properties of a camera that a pipeline depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PipelineKey {
    format: TextureFormat,
    samples: u32,
    /// True when the camera's texture holds sRGB values, so that blending works as in SVG.
    srgb: bool,
}

impl PipelineKey {
    pub fn of(view: &ExtractedView, camera: &ExtractedCamera, msaa: &Msaa) -> Self {
        Self {
            format: view.target_format,
            samples: msaa.samples(),
            srgb: camera.compositing_space == Some(CompositingSpace::Srgb),
        }
    }
}

/// Describes a pipeline for quads (triangle strips of four vertices). The same `shader` has the vertex
/// and the fragment entry point; it writes linear values where `LINEAR_OUTPUT` is defined.
pub fn quad_pipeline(
    label: &'static str,
    layout: &BindGroupLayoutDescriptor,
    shader: &Handle<Shader>,
    buffers: Vec<VertexBufferLayout>,
    key: PipelineKey,
) -> RenderPipelineDescriptor {
    let shader_defs = if key.srgb { vec![] } else { vec!["LINEAR_OUTPUT".into()] };
    RenderPipelineDescriptor {
        label: Some(label.into()),
        layout: vec![layout.clone()],
        vertex: VertexState {
            shader: shader.clone(),
            shader_defs: shader_defs.clone(),
            buffers,
            ..default()
        },
        fragment: Some(FragmentState {
            shader: shader.clone(),
            shader_defs,
            targets: vec![Some(ColorTargetState {
                format: key.format,
                blend: Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: ColorWrites::ALL,
            })],
            ..default()
        }),
        primitive: PrimitiveState { topology: PrimitiveTopology::TriangleStrip, ..default() },
        // The pass has a depth buffer, so the pipeline must declare one; the order comes from sorting.
        depth_stencil: Some(DepthStencilState {
            format: CORE_2D_DEPTH_FORMAT,
            depth_write_enabled: Some(false),
            depth_compare: Some(CompareFunction::Always),
            stencil: default(),
            bias: default(),
        }),
        multisample: MultisampleState { count: key.samples, ..default() },
        ..default()
    }
}

/// Returns an item of one draw call that is sorted by `z` with sprites and texts. `index` is for the
/// draw function.
pub fn draw_item(
    z: f32,
    entity: Entity,
    pipeline: CachedRenderPipelineId,
    draw_function: DrawFunctionId,
    index: usize,
) -> Transparent2d {
    Transparent2d {
        sort_key: FloatOrd(z),
        entity: (entity, MainEntity::from(Entity::PLACEHOLDER)),
        pipeline,
        draw_function,
        // The phase advances by the length of this range: one item, one draw.
        batch_range: 0..1,
        extracted_index: index,
        extra_index: PhaseItemExtraIndex::None,
        indexed: false,
    }
}
