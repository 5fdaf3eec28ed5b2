//! Places of the stage's parts after all moves, and which modules have a place of their own.

use super::lower;
use crate::app::state::folding::fold;
use crate::app::state::run_view::{StageView, waiting_modules};
use crate::layout::{CanvasSize, Rack, RackRequest, lay_out_rack, stage_lane};

/// Upper edge of the rack on a 16:9 screen.
const RACK_TOP: f32 = 312.0;
/// Module scales tried on a tall screen, where modules stand in two or more rows; the first that fits
/// is used.
const TALL_ENLARGED: [f32; 8] = [1.8, 1.7, 1.6, 1.45, 1.3, 1.15, 1.05, 1.0 + f32::EPSILON];
/// Part of the full type scale tried on a tall screen, before modules are made smaller than the first.
const TALL_TYPE: [f32; 3] = [1.0, 0.84, 0.67];
/// Distance from the lane for toasts to the rack on a tall screen, with the title and the status between.
const TALL_HEADER: f32 = 222.0;
/// Least room for such a header at the smallest type.
const TALL_HEADER_LEAST: f32 = 222.0;
/// Distance from the rack's lower edge to the lower zone.
const LOWER_BELOW_RACK: f32 = 36.0;
/// Room for the cables of an enlarged rack, where no loop hangs below it.
const CABLES: f32 = 72.0;
/// Room that the lanes of the FIX loop need in addition when one of their modules has focus.
const LOOP_UNDER_FOCUS: f32 = 60.0;
/// Part of the height beyond 16:9 that stands above the rack; the rest goes to the lower zone.
const EXTRA_ABOVE: f32 = 0.42;

/// Places of the stage's parts after all moves.
pub(super) struct RestingLayout {
    pub rack: Rack,
    /// Upper edge of the lower zone, with the last events and the story.
    pub lower_top: f32,
    /// Factor by which type around the rack is larger than on a landscape wall.
    pub unit: f32,
}

/// Folds the modules that have no room above the bridge.
pub(super) fn fold_modules(stage: &mut StageView, canvas_size: CanvasSize) {
    let failed = stage.failure.as_ref().and_then(|failure| failure.module);
    let fits = |focus: &[bool], roomy: bool| {
        let request = request(canvas_size, focus.to_vec(), roomy, Some((0, 0)));
        if canvas_size.is_tall() {
            let (rack, unit) = lay_out_tall(&request, canvas_size);
            room_below(&rack, unit, canvas_size) >= LOOP_UNDER_FOCUS
        } else {
            lay_out_rack(&request).row_tops.len() <= 1
        }
    };
    let Some(fold) = fold(&stage.modules, failed, fits) else {
        return;
    };
    stage.modules = fold.modules;
    if let Some(failure) = &mut stage.failure {
        failure.module = fold.failed;
    }
}

fn request(
    canvas_size: CanvasSize,
    focus: Vec<bool>,
    roomy: bool,
    loop_between: Option<(usize, usize)>,
) -> RackRequest {
    RackRequest {
        focus,
        left: CanvasSize::MARGIN,
        right: canvas_size.right(),
        top: RACK_TOP,
        enlarged: 1.0,
        roomy,
        loop_between,
        loop_scale: 1.0,
    }
}

/// Returns the largest rack that fits a tall screen, and the type scale around it; the smallest one if
/// none fits.
fn lay_out_tall(request: &RackRequest, canvas_size: CanvasSize) -> (Rack, f32) {
    let full = canvas_size.portrait_scale();
    let (lane, _) = stage_lane(&canvas_size);
    let mut last = None;
    for part in TALL_TYPE {
        let unit = full * part;
        let header = TALL_HEADER_LEAST.max(TALL_HEADER * unit);
        for enlarged in TALL_ENLARGED {
            let top = lane.bottom() + header;
            let rack =
                lay_out_rack(&RackRequest { enlarged, top, loop_scale: unit, ..request.clone() });
            if room_below(&rack, unit, canvas_size) >= LOOP_UNDER_FOCUS {
                return (rack, unit);
            }
            last = Some((rack, unit));
        }
    }
    last.unwrap_or_else(|| (lay_out_rack(request), 1.0))
}

/// Returns the top of the lower zone on a tall screen, below the loop.
fn lower_top(rack: &Rack, unit: f32) -> f32 {
    let loop_bottom = rack.fix_loop.as_ref().map(|at| at.arc_y + at.radii[2] + 36.0 * unit);
    loop_bottom.unwrap_or(rack.bottom() + CABLES) + LOWER_BELOW_RACK
}

/// Returns the height between the lower zone and the bridge on a tall screen.
fn room_below(rack: &Rack, unit: f32, canvas_size: CanvasSize) -> f32 {
    canvas_size.bridge_top() - lower_top(rack, unit) - lower::HEIGHT * unit
}

impl RestingLayout {
    /// Lays out a run's stage, or the one before the first run.
    pub fn of(canvas_size: CanvasSize, stage: Option<&StageView>) -> Self {
        let waiting = waiting_modules();
        let modules = stage.map_or(&waiting[..], |stage| &stage.modules);
        let position = |name: &str| modules.iter().position(|module| module.name == name);
        let failed = stage.and_then(|stage| stage.failure.as_ref()?.module);
        let has_focus = modules
            .iter()
            .enumerate()
            .map(|(index, module)| module.has_focus() || failed == Some(index));
        let roomy = modules.iter().any(|module| module.folded.is_some());
        let loop_between = position("COMPOSE").zip(position("VALIDATE"));
        let mut request = request(canvas_size, has_focus.collect(), roomy, loop_between);
        if !canvas_size.is_tall() {
            let down = (canvas_size.extra_height() * EXTRA_ABOVE).floor();
            request.top += down;
            let rack = lay_out_rack(&request);
            return Self { lower_top: rack.bottom() + LOWER_BELOW_RACK, rack, unit: 1.0 };
        }
        let (rack, unit) = lay_out_tall(&request, canvas_size);
        // The remaining height is put above the title and below the loop.
        let room = room_below(&rack, unit, canvas_size) - LOOP_UNDER_FOCUS;
        let top =
            rack.row_tops.first().copied().unwrap_or(RACK_TOP) + (room.max(0.0) / 2.0).floor();
        let enlarged = rack.module_height / lay_out_rack(&request).module_height;
        let rack = lay_out_rack(&RackRequest { top, enlarged, loop_scale: unit, ..request });
        Self { lower_top: lower_top(&rack, unit), rack, unit }
    }
}
