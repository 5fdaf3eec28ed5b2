//! Places of the stage's parts in this frame, and the times of its motion.

use crate::app::state::run_view::FixView;
use crate::bounded::bounded;
use crate::layout::{CanvasSize, Rack};

/// Width by which FIX grows on each side while it runs.
pub(super) const FIX_GROWS: f32 = 62.0;
/// Distance from the FIX loop to what stands beside it.
pub(super) const LOOP_GAP: f32 = 30.0;

/// Places and times for one drawing of the stage.
pub struct StageLayout {
    pub canvas_size: CanvasSize,
    /// Rack in this frame; during a move its modules are between their places.
    pub rack: Rack,
    /// True for each module that is moving.
    pub moving: Vec<bool>,
    /// Upper edge of the failure bar.
    pub failure_top: f32,
    /// Upper edge of the lower zone, with the last events and the story.
    pub lower_top: f32,
    /// Factor by which type around the rack is larger than on a landscape wall.
    pub unit: f32,
    /// Time of the draw clock, in seconds.
    pub clock_secs: f64,
    /// Draw-clock time at which the failure's entrance began, in seconds; long ago for a run that had
    /// failed before it was shown.
    pub failed_at: f64,
    /// True when the clock is fixed or the connection lost: rings do not grow.
    pub frozen: bool,
}

impl StageLayout {
    /// True when a module is moving.
    pub fn is_moving(&self, module: usize) -> bool {
        self.moving.get(module).is_some_and(|moving| *moving)
    }

    /// Left and right ends of the FIX loop with its lanes; `None` where there is none.
    pub fn loop_ends(&self, fix: &FixView) -> Option<(f32, f32)> {
        let at = self.rack.fix_loop.as_ref()?;
        let lane = bounded(fix.passes as usize, 1, at.radii.len()) - 1;
        // FIX becomes wider while it runs; nothing else moves for that.
        let module = at.module.w / 2.0 + if fix.passes > 0 { FIX_GROWS * at.scale } else { 0.0 };
        let reach = at.radius(lane).max(module) + LOOP_GAP * at.scale;
        Some((at.centre_x - reach, at.centre_x + reach))
    }

    /// True on a tall screen, whose lower zone begins below the loop.
    pub fn is_tall(&self) -> bool {
        self.canvas_size.is_tall()
    }

    /// Lower edge of what stands above the bridge.
    pub fn foot(&self) -> f32 {
        self.canvas_size.bridge_top()
    }

    /// Upper edge of the rack.
    pub fn rack_top(&self) -> f32 {
        self.rack.row_tops.first().copied().unwrap_or(0.0)
    }
}
