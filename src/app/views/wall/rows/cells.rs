//! The steps of a run as a line of cells: height and form tell a step's status without its colour.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::super::chain::{fold_to, passed_over, progress};
use super::super::tile_view::{Look, TileView};
use crate::app::draw::{Layer, Part, Rect, Shape, Texture};
use crate::app::state::hints::{HintArea, Meaning};
use crate::app::state::run_view::ModuleView;
use crate::app::state::status::Progress;
use crate::layout::{ROW_CELLS, RowColumns};
use crate::model::NodeStatus;
use crate::protocol::MAX_FIX_PASSES;

const LAYER: Layer = Layer::Face;
/// Height of a cell at scale 1, and what is added to it for other statuses.
const HEIGHT: f32 = 18.0;
const LIVE: f32 = 8.0;
const FAILED: f32 = 10.0;
const STOPPED: f32 = 6.0;
/// Height of the floor of a step to come, and size of the dash of one that is not needed.
const FLOOR: f32 = 4.0;
const DASH: (f32, f32) = (5.0, 3.0);
/// Height of one of the pips of FIX.
const PIP: f32 = 4.67;

/// Place of the cells: the row's left edge and middle, its columns, and its scale.
pub struct CellsPlace<'a> {
    pub left: f32,
    pub middle: f32,
    pub columns: &'a RowColumns,
    pub scale: f32,
}

impl CellsPlace<'_> {
    fn cell(&self, index: usize, extra: f32) -> Rect {
        let x = self.left + self.columns.steps + self.columns.cell_pitch * index as f32;
        let height = (HEIGHT + extra) * self.scale;
        Rect::new(x, self.middle - height / 2.0, self.columns.cell, height)
    }
}

/// Draws the cells of a run: the pipeline's steps with FIX behind VALIDATE. Returns where they stand.
pub fn draw_cells(part: &mut Part, view: &TileView, place: &CellsPlace) -> HintArea {
    let view = &*fold_to(view, ROW_CELLS - 1);
    let validate = view.chain.iter().position(|module| module.name == "VALIDATE");
    let fix_at = validate.map_or(view.chain.len(), |at| at + 1);
    let has_fix = validate.is_some() || view.fix.passes > 0;
    for (index, module) in view.chain.iter().enumerate() {
        let behind = usize::from(has_fix && index >= fix_at);
        draw_cell(part, view, module, place, index + behind);
    }
    if has_fix && fix_at < ROW_CELLS {
        let passed = view.chain[fix_at.min(view.chain.len())..]
            .iter()
            .any(|module| progress(module) != Progress::Ahead || module.stopped);
        draw_fix(part, view, place, fix_at, passed);
    }
    let mut steps: Vec<_> = view.chain.iter().map(|module| module.name.as_str().into()).collect();
    if has_fix && fix_at < ROW_CELLS {
        steps.insert(fix_at.min(steps.len()), "FIX".into());
    }
    let (first, pitch) = (place.cell(0, FAILED), place.columns.cell_pitch);
    let left = first.x - (pitch - first.w) / 2.0;
    let rect = Rect::new(left, first.y, pitch * steps.len() as f32, first.h);
    HintArea { rect, meaning: Meaning::Steps { run: view.id.clone(), steps } }
}

/// True for a run that is over: its cells are quiet.
fn is_quiet(look: Look) -> bool {
    matches!(look, Look::Finished | Look::Cancelled)
}

fn draw_cell(part: &mut Part, view: &TileView, module: &ModuleView, at: &CellsPlace, index: usize) {
    let palette = part.palette;
    let (k, plain) = (at.scale, at.cell(index, 0.0));
    let body =
        |rect: Rect, ink: Color| Shape::rounded_box(rect).radius(2.0 * k).fill(ink).unsnapped();
    match module.status {
        _ if module.stopped => {
            let bars = Texture::Bars { period: 5.0 * k, width: 2.0 * k };
            let cell = body(at.cell(index, STOPPED), palette.cancelled);
            let shade = palette.cancelled_ink.with_alpha(0.4);
            part.shape(LAYER, cell.texture(bars, shade));
        }
        NodeStatus::Running if view.look == Look::Silent => {
            let hollow = body(at.cell(index, LIVE).inset(0.5), Color::NONE);
            part.shape(LAYER, hollow.border(2.5 * k, palette.text_secondary));
        }
        NodeStatus::Running => {
            part.shape(LAYER, body(at.cell(index, LIVE), palette.running));
        }
        // A failure is drawn quietly once the song has finished in a later run.
        NodeStatus::Failed if view.look == Look::Recovered => {
            let hollow = body(plain.inset(0.5), Color::NONE);
            part.shape(LAYER, hollow.border(2.0 * k, palette.text_secondary));
            let cross = Shape::cross(plain.centre(), plain.w * 0.2, 1.8 * k);
            part.shape(LAYER, cross.fill(palette.text_secondary));
        }
        NodeStatus::Failed => {
            let cell = at.cell(index, FAILED);
            part.shape(LAYER, body(cell, palette.failed).keep_colour());
            let cross = Shape::cross(cell.centre(), cell.w * 0.24, 2.4 * k);
            part.shape(LAYER, cross.fill(palette.failed_ink).keep_colour());
        }
        NodeStatus::Success => {
            let ink =
                if is_quiet(view.look) { palette.success_floor } else { palette.success_dense };
            part.shape(LAYER, body(plain, ink));
        }
        _ if passed_over(module) => draw_dash(part, plain, k),
        _ => draw_floor(part, plain, k),
    }
}

fn draw_floor(part: &mut Part, cell: Rect, k: f32) {
    let floor = Rect::new(cell.x, cell.bottom() - FLOOR * k, cell.w, FLOOR * k);
    let ink = part.palette.tile_dot;
    part.shape(LAYER, Shape::rounded_box(floor).radius(k).fill(ink).unsnapped());
}

fn draw_dash(part: &mut Part, cell: Rect, k: f32) {
    let dash = Rect::centred(cell.centre(), DASH.0 * k, DASH.1 * k);
    let ink = part.palette.tile_dot_skipped;
    part.shape(LAYER, Shape::rounded_box(dash).radius(k).fill(ink).unsnapped());
}

/// Draws FIX: a dash once the run has `passed` it, or a pip for each pass, filled from below.
fn draw_fix(part: &mut Part, view: &TileView, at: &CellsPlace, index: usize, passed: bool) {
    let palette = part.palette;
    let (cell, k, passes) = (at.cell(index, 0.0), at.scale, view.fix.passes);
    if passes == 0 {
        return if passed { draw_dash(part, cell, k) } else { draw_floor(part, cell, k) };
    }
    let over = is_quiet(view.look) || view.failure.is_some();
    for pip in 0..MAX_FIX_PASSES {
        let bottom = cell.bottom() - (PIP + 2.0) * k * pip as f32;
        // A flat palette has no shades: there an empty pip is a thin line.
        let height = if palette.flat && pip >= passes { 1.5 } else { PIP };
        let rect = Rect::new(cell.x, bottom - height * k, cell.w, height * k);
        let ink = if pip >= passes {
            palette.pending_outline
        } else if view.fix.live && pip + 1 == passes.min(MAX_FIX_PASSES) && !over {
            palette.running
        } else if is_quiet(view.look) {
            palette.success_line
        } else {
            palette.success
        };
        part.shape(LAYER, Shape::rounded_box(rect).radius(k).fill(ink).unsnapped());
    }
}

/// Draws the sign of a fix loop with its number.
pub fn draw_loop(part: &mut Part, at: Vec2, k: f32) {
    let ink = part.palette.text;
    let (radius, width) = (7.5 * k, 2.6 * k);
    part.shape(LAYER, Shape::arc(at, radius, width, 40.0, 320.0).fill(ink));
    // The head stands at the upper left end and points along the circle.
    let tip = at + Vec2::new(1.5, -9.0) * k;
    part.shape(LAYER, Shape::arrowhead(tip, 75.0, 6.5 * k, 8.0 * k).fill(ink));
}
