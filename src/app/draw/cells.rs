//! A field of cells, drawn as one quad with a texture of one byte per cell. Only changed texture
//! rows are uploaded; animation is done in the shader.

use bevy::app::App;
use bevy::asset::{AssetServer, Handle, embedded_asset, load_embedded_asset};
use bevy::color::Color;
use bevy::core_pipeline::core_2d::Transparent2d;
use bevy::ecs::prelude::*;
use bevy::ecs::query::ROQueryItem;
use bevy::ecs::system::SystemParamItem;
use bevy::ecs::system::lifetimeless::SRes;
use bevy::math::{UVec4, Vec2, Vec4};
use bevy::render::camera::ExtractedCamera;
use bevy::render::render_phase::{
    AddRenderCommand, DrawFunctions, RenderCommand, RenderCommandResult, SetItemPipeline,
    TrackedRenderPass, ViewSortedRenderPhases,
};
use bevy::render::render_resource::binding_types::{texture_2d, uniform_buffer};
use bevy::render::render_resource::*;
use bevy::render::renderer::{RenderDevice, RenderQueue};
use bevy::render::view::{ExtractedView, Msaa};
use bevy::render::{
    Extract, ExtractSchedule, GpuResourceAppExt, Render, RenderApp, RenderStartup, RenderSystems,
};
use bevy::shader::Shader;

use super::canvas::{Canvas, Layer};
use super::pipeline::{PipelineKey, draw_item, quad_pipeline};
use super::{CanvasCamera, DrawClock};
use crate::bounded::bounded;
use crate::layout::CellGrid;

/// Bytes per run ("place"); must equal `BYTES` in `cells.wgsl`. [`PLACES_A_ROW`] has its
/// counterpart there as well.
pub const CELL_BYTES: usize = 16;
const PLACES_A_ROW: usize = 128;
const ROW_BYTES: usize = PLACES_A_ROW * CELL_BYTES;
/// The texture height grows in steps of this size, so that it is rarely reallocated.
const ROW_STEP: usize = 16;
/// Number of cell states, not counting 0, which means no cell.
const STATES: usize = 8;

/// The field in the main world. Without a grid nothing is drawn.
#[derive(Resource, Clone, Debug)]
pub struct CellField {
    grid: Option<CellGrid>,
    bytes: Vec<u8>,
    /// Generation in which each texture row was last written.
    written: Vec<u64>,
    generation: u64,
    /// Number of places drawn.
    places: usize,
    colours: [Color; STATES],
    ink: Color,
    /// True to stop all motion.
    pub frozen: bool,
    opacity: f32,
    /// Opacity at the start of the last cross-fade.
    faded_from: f32,
    /// True while fading out; the field is hidden at the end of the fade.
    leaving: bool,
}

impl Default for CellField {
    fn default() -> Self {
        Self {
            grid: None,
            bytes: Vec::new(),
            written: Vec::new(),
            generation: 0,
            places: 0,
            colours: [Color::WHITE; STATES],
            ink: Color::BLACK,
            frozen: false,
            opacity: 1.0,
            faded_from: 1.0,
            leaving: false,
        }
    }
}

impl CellField {
    /// Shows `places` places in a grid, with `colours` for the states from 1 on.
    pub fn show(&mut self, grid: CellGrid, places: usize, colours: [Color; STATES], ink: Color) {
        self.grid = Some(grid);
        self.leaving = false;
        self.places = places;
        self.colours = colours;
        self.ink = ink;
        let rows = places.div_ceil(PLACES_A_ROW).next_multiple_of(ROW_STEP);
        if rows > self.written.len() {
            self.bytes.resize(rows * ROW_BYTES, 0);
            self.written.resize(rows, self.generation);
        }
    }

    /// Hides the field. A field that is fading out hides itself at the end of the fade.
    pub fn hide(&mut self) {
        if !self.leaving {
            self.grid = None;
        }
    }

    /// Starts to fade out (`gives_way`) or in.
    pub fn begin_fade(&mut self, gives_way: bool) {
        self.faded_from = if self.is_shown() { self.opacity } else { 0.0 };
        self.leaving = gives_way && self.is_shown();
    }

    /// Sets the progress of the cross-fade, 0 to 1.
    pub fn advance_fade(&mut self, part: f32) {
        let to = if self.leaving { 0.0 } else { 1.0 };
        self.opacity = self.faded_from + (to - self.faded_from) * part;
        if part >= 1.0 {
            if self.leaving {
                self.grid = None;
            }
            (self.opacity, self.leaving) = (1.0, false);
        }
    }

    pub fn is_shown(&self) -> bool {
        self.grid.is_some()
    }

    /// True when cells may move; which ones do depends on their states.
    pub fn moves(&self) -> bool {
        self.is_shown() && !self.frozen
    }

    /// Sets the states of a place. No effect if nothing changed or the place does not exist.
    pub fn write(&mut self, place: usize, states: [u8; CELL_BYTES]) {
        let start = place * CELL_BYTES;
        let Some(bytes) = self.bytes.get_mut(start..start + CELL_BYTES) else {
            return;
        };
        if *bytes == states {
            return;
        }
        bytes.copy_from_slice(&states);
        self.generation += 1;
        self.written[place / PLACES_A_ROW] = self.generation;
    }
}

pub(super) fn plugin(app: &mut App) {
    embedded_asset!(app, "cells.wgsl");
    app.init_resource::<CellField>();
    let Some(render_app) = app.get_sub_app_mut(RenderApp) else {
        return;
    };
    render_app
        .init_gpu_resource::<SpecializedRenderPipelines<CellPipeline>>()
        .init_gpu_resource::<CellBuffers>()
        .init_resource::<ExtractedField>()
        .add_render_command::<Transparent2d, DrawCells>()
        .add_systems(RenderStartup, (init_pipeline, spawn_item))
        .add_systems(ExtractSchedule, extract)
        .add_systems(
            Render,
            (
                queue.in_set(RenderSystems::Queue),
                upload.in_set(RenderSystems::PrepareResources),
                bind.in_set(RenderSystems::PrepareBindGroups),
            ),
        );
}

/// Must match `FieldUniform` in the shader.
#[derive(Clone, Copy, Default, ShaderType)]
struct FieldUniform {
    viewport: Vec2,
    origin: Vec2,
    rect: Vec4,
    state: Vec4,
    grid: UVec4,
    colours: [Vec4; STATES],
    ink: Vec4,
}

#[derive(Resource, Default)]
struct ExtractedField {
    shown: bool,
    uniform: FieldUniform,
    rows: usize,
    /// Changed rows of the texture, with their bytes.
    changed: Vec<(usize, Vec<u8>)>,
    /// The main world's generation up to which changes are in `changed` or on the GPU.
    seen: u64,
    has_all: bool,
}

#[derive(Resource, Default)]
struct CellBuffers {
    uniform: UniformBuffer<FieldUniform>,
    texture: Option<(Texture, TextureView, usize)>,
    bind_group: Option<BindGroup>,
}

#[derive(Resource)]
struct CellItem(Entity);

fn spawn_item(
    mut commands: Commands,
    existing: Option<Res<CellItem>>,
    extracted: Option<ResMut<ExtractedField>>,
) {
    // This schedule runs again after a lost device was replaced; its texture is gone.
    if let Some(mut extracted) = extracted {
        extracted.has_all = false;
    }
    if existing.is_none() {
        let entity = commands.spawn_empty().id();
        commands.insert_resource(CellItem(entity));
    }
}

fn extract(
    field: Extract<Res<CellField>>,
    canvas: Extract<Res<Canvas>>,
    clock: Extract<Res<DrawClock>>,
    mut extracted: ResMut<ExtractedField>,
) {
    let Some(grid) = field.grid.filter(|_| field.places > 0) else {
        extracted.shown = false;
        return;
    };
    let extracted = &mut *extracted;
    extracted.shown = true;
    let still = canvas.reduced_motion || field.frozen;
    let vector = |colour: Color| {
        let srgb = colour.to_srgba();
        Vec4::new(srgb.red, srgb.green, srgb.blue, srgb.alpha)
    };
    // Failures are dimmed as well: their reasons are shown beside the field and stay bright.
    let by = bounded(canvas.brightness, 0.0, 1.0);
    let dim = Vec4::new(by, by, by, field.opacity);
    extracted.uniform = FieldUniform {
        viewport: extracted.uniform.viewport,
        origin: canvas.origin + canvas.shift,
        rect: Vec4::new(grid.rect.x, grid.rect.y, grid.rect.w, grid.rect.h),
        state: Vec4::new(
            canvas.scale,
            (clock.secs - clock.epoch_secs()) as f32,
            f32::from(u8::from(still)),
            bounded(canvas.desaturate, 0.0, 1.0),
        ),
        grid: UVec4::from_array(
            [grid.columns, grid.rows, grid.nodes, field.places].map(|n| n as u32),
        ),
        colours: field.colours.map(|colour| vector(colour) * dim),
        ink: vector(field.ink),
    };
    let all = !extracted.has_all || extracted.rows != field.written.len();
    if all || extracted.seen != field.generation {
        for (row, written) in field.written.iter().enumerate() {
            if all || *written > extracted.seen {
                let bytes = &field.bytes[row * ROW_BYTES..(row + 1) * ROW_BYTES];
                extracted.changed.push((row, bytes.to_vec()));
            }
        }
        extracted.rows = field.written.len();
        extracted.seen = field.generation;
        extracted.has_all = true;
    }
}

fn upload(
    mut extracted: ResMut<ExtractedField>,
    mut buffers: ResMut<CellBuffers>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
) {
    if !extracted.shown {
        return;
    }
    let buffers = &mut *buffers;
    buffers.uniform.set(extracted.uniform);
    buffers.uniform.write_buffer(&device, &queue);
    let size = |rows: usize| Extent3d {
        width: ROW_BYTES as u32,
        height: rows as u32,
        depth_or_array_layers: 1,
    };
    if buffers.texture.as_ref().is_none_or(|(.., rows)| *rows != extracted.rows) {
        let texture = device.create_texture(&TextureDescriptor {
            label: Some("cell_states"),
            size: size(extracted.rows.max(1)),
            mip_level_count: 1,
            sample_count: 1,
            dimension: TextureDimension::D2,
            format: TextureFormat::R8Uint,
            usage: TextureUsages::TEXTURE_BINDING | TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let view = texture.create_view(&TextureViewDescriptor::default());
        buffers.texture = Some((texture, view, extracted.rows));
        buffers.bind_group = None;
    }
    let Some((texture, ..)) = &buffers.texture else {
        return;
    };
    for (row, bytes) in extracted.changed.drain(..) {
        let mut place = texture.as_image_copy();
        place.origin = Origin3d { x: 0, y: row as u32, z: 0 };
        let layout = TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(ROW_BYTES as u32),
            rows_per_image: None,
        };
        queue.write_texture(place, &bytes, layout, size(1));
    }
}

fn bind(
    mut buffers: ResMut<CellBuffers>,
    pipeline: Res<CellPipeline>,
    cache: Res<PipelineCache>,
    device: Res<RenderDevice>,
) {
    if buffers.bind_group.is_some() {
        return;
    }
    let (Some(uniform), Some((_, view, _))) = (buffers.uniform.binding(), &buffers.texture) else {
        return;
    };
    let bind_group = device.create_bind_group(
        "cells_bind_group",
        &cache.get_bind_group_layout(&pipeline.layout),
        &BindGroupEntries::sequential((uniform, view)),
    );
    buffers.bind_group = Some(bind_group);
}

#[derive(Resource)]
struct CellPipeline {
    layout: BindGroupLayoutDescriptor,
    shader: Handle<Shader>,
}

fn init_pipeline(mut commands: Commands, assets: Res<AssetServer>) {
    let layout = BindGroupLayoutDescriptor::new(
        "cells_layout",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::VERTEX_FRAGMENT,
            (uniform_buffer::<FieldUniform>(false), texture_2d(TextureSampleType::Uint)),
        ),
    );
    let shader = load_embedded_asset!(assets.as_ref(), "cells.wgsl");
    commands.insert_resource(CellPipeline { layout, shader });
}

impl SpecializedRenderPipeline for CellPipeline {
    type Key = PipelineKey;

    fn specialize(&self, key: Self::Key) -> RenderPipelineDescriptor {
        quad_pipeline("canvas_cells", &self.layout, &self.shader, vec![], key)
    }
}

#[expect(clippy::too_many_arguments, reason = "a system takes what it needs")]
fn queue(
    draw_functions: Res<DrawFunctions<Transparent2d>>,
    pipeline: Res<CellPipeline>,
    mut pipelines: ResMut<SpecializedRenderPipelines<CellPipeline>>,
    cache: Res<PipelineCache>,
    item: Res<CellItem>,
    mut extracted: ResMut<ExtractedField>,
    mut phases: ResMut<ViewSortedRenderPhases<Transparent2d>>,
    views: Query<(&ExtractedView, &ExtractedCamera, &Msaa), With<CanvasCamera>>,
) {
    if !extracted.shown {
        return;
    }
    let draw_function = draw_functions.read().id::<DrawCells>();
    for (view, camera, msaa) in &views {
        let Some(phase) = phases.get_mut(&view.retained_view_entity) else {
            continue;
        };
        extracted.uniform.viewport = Vec2::new(view.viewport.z as f32, view.viewport.w as f32);
        let key = PipelineKey::of(view, camera, msaa);
        let pipeline = pipelines.specialize(&cache, &pipeline, key);
        // Above the shapes of its layer, below its texts.
        let z = Layer::Face.shape_z() + 0.5;
        phase.add_transient(draw_item(z, item.0, pipeline, draw_function, 0));
    }
}

type DrawCells = (SetItemPipeline, DrawField);

struct DrawField;

impl RenderCommand<Transparent2d> for DrawField {
    type Param = SRes<CellBuffers>;
    type ViewQuery = ();
    type ItemQuery = ();

    fn render<'w>(
        _item: &Transparent2d,
        _view: ROQueryItem<'w, '_, Self::ViewQuery>,
        _entity: Option<()>,
        buffers: SystemParamItem<'w, '_, Self::Param>,
        pass: &mut TrackedRenderPass<'w>,
    ) -> RenderCommandResult {
        let Some(bind_group) = &buffers.into_inner().bind_group else {
            return RenderCommandResult::Skip;
        };
        pass.set_bind_group(0, bind_group, &[]);
        pass.draw(0..4, 0..1);
        RenderCommandResult::Success
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Rect, lay_out_cells};

    fn field(places: usize) -> CellField {
        let mut field = CellField::default();
        let grid = lay_out_cells(Rect::new(0.0, 0.0, 1200.0, 220.0), places, 9);
        field.show(grid, places, [Color::WHITE; STATES], Color::BLACK);
        field
    }

    #[test]
    fn write_marks_only_its_row_as_changed() {
        let mut field = field(10_000);
        field.write(130, [3; CELL_BYTES]);
        let changed: Vec<usize> =
            (0..field.written.len()).filter(|row| field.written[*row] > 0).collect();
        assert_eq!(changed, [1]);
        let generation = field.generation;
        field.write(130, [3; CELL_BYTES]);
        assert_eq!(field.generation, generation);
    }

    #[test]
    fn hidden_field_still_fades_out() {
        let mut field = field(100);
        field.begin_fade(true);
        field.hide();
        field.advance_fade(0.25);
        assert!(field.is_shown() && field.opacity == 0.75);
        // Fades in again before it was gone.
        field.begin_fade(false);
        field.show(field.grid.unwrap(), 100, field.colours, field.ink);
        field.advance_fade(0.5);
        assert!(field.opacity == 0.875);
        field.begin_fade(true);
        field.advance_fade(1.0);
        assert!(!field.is_shown() && field.opacity == 1.0);
    }

    #[test]
    fn ten_thousand_places_fit_webgl_texture_limits() {
        let field = field(10_240);
        assert!(field.written.len() <= 2048 && ROW_BYTES <= 2048);
        let mut beyond = field.clone();
        beyond.write(1_000_000, [1; CELL_BYTES]);
        assert_eq!(beyond.generation, field.generation);
    }
}
