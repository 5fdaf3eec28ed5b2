//! Places of the stage's parts after all moves, and which modules have a place of their own.

use super::lower;
use crate::app::state::folding::fold;
use crate::app::state::run_view::{StageView, waiting_modules};
use crate::layout::{CanvasSize, Rack, RackRequest, has_tall_stage, lay_out_rack, stage_lane};

/// Upper edge of the rack on a 16:9 screen.
const RACK_TOP: f32 = 312.0;
/// Upper edge of the title on a 16:9 screen, and its distance from the lane of a tall stage.
const TITLE_TOP: f32 = 96.0;
const TITLE_BELOW_LANE: f32 = 10.0;
/// Module scales tried on a portrait screen, where modules stand in two or more rows; the first that fits
/// is used.
const PORTRAIT_ENLARGED: [f32; 5] = [1.6, 1.45, 1.3, 1.15, 1.05];
/// Distance from the rack's lower edge to the lower zone.
const LOWER_BELOW_RACK: f32 = 36.0;
/// Room for the cables of an enlarged rack, where no loop hangs below it.
const CABLES: f32 = 72.0;
/// Room that the lanes of the FIX loop need in addition when one of their modules has focus.
const LOOP_UNDER_FOCUS: f32 = 28.0;

/// Places of the stage's parts after all moves.
pub(super) struct RestingLayout {
    pub rack: Rack,
    /// Distance of title and rack below their place on a 16:9 screen, in design pixels.
    pub down: f32,
    /// Upper edge of the lower zone, with the last events and the story.
    pub lower_top: f32,
}

/// True on a screen that is so tall that modules stand in two or more rows.
pub(super) fn is_portrait(canvas_size: CanvasSize) -> bool {
    has_tall_stage(&canvas_size)
}

/// Returns the room that the lane takes above the title.
fn lane_room(canvas_size: CanvasSize) -> f32 {
    let (lane, _) = stage_lane(&canvas_size);
    if is_portrait(canvas_size) { lane.bottom() + TITLE_BELOW_LANE - TITLE_TOP } else { 0.0 }
}

/// Folds the modules that have no room above the bridge.
pub(super) fn fold_modules(stage: &mut StageView, canvas_size: CanvasSize) {
    let failed = stage.failure.as_ref().and_then(|failure| failure.module);
    let fits = |focus: &[bool], roomy: bool| {
        let request = request(canvas_size, focus.to_vec(), roomy, Some((0, 0)));
        if is_portrait(canvas_size) {
            PORTRAIT_ENLARGED.into_iter().any(|enlarged| {
                let rack = lay_out_rack(&RackRequest { enlarged, ..request.clone() });
                room_below(&rack, canvas_size) >= LOOP_UNDER_FOCUS
            })
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
        top: RACK_TOP + lane_room(canvas_size),
        enlarged: 1.0,
        roomy,
        loop_between,
    }
}

/// Returns the top of the lower zone on a portrait screen, below the loop.
fn lower_top(rack: &Rack) -> f32 {
    let loop_bottom = rack.fix_loop.as_ref().map(|at| at.arc_y + at.radii[2] + 36.0);
    loop_bottom.unwrap_or(rack.bottom() + CABLES) + LOWER_BELOW_RACK
}

/// Returns the height between the lower zone and the bridge on a portrait screen.
fn room_below(rack: &Rack, canvas_size: CanvasSize) -> f32 {
    canvas_size.height - CanvasSize::BRIDGE_HEIGHT - lower_top(rack) - lower::HEIGHT
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
        if !is_portrait(canvas_size) {
            let down = canvas_size.extra_height() / 2.0;
            request.top += down;
            let rack = lay_out_rack(&request);
            return Self { lower_top: rack.bottom() + LOWER_BELOW_RACK, rack, down };
        }
        let mut room = 0.0;
        for enlarged in PORTRAIT_ENLARGED {
            request.enlarged = enlarged;
            room = room_below(&lay_out_rack(&request), canvas_size);
            if room >= 0.0 {
                break;
            }
        }
        let down = room.max(0.0) / 2.0;
        request.top += down;
        let rack = lay_out_rack(&request);
        Self { lower_top: lower_top(&rack), rack, down: lane_room(canvas_size) + down }
    }
}
