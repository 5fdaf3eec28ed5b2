//! Places of the stage's parts in this frame, and the times of its motion.

use crate::bounded::bounded;
use crate::layout::{CanvasSize, Rack};

/// Distance from the FIX loop to what stands beside it.
const LOOP_GAP: f32 = 36.0;

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

    /// Left and right ends of the FIX loop and its lanes, of which `passes` are drawn, where it reaches into
    /// the lower zone; `None` where the zone begins below the loop's arc.
    pub fn loop_in_the_way(&self, passes: u32) -> Option<(f32, f32)> {
        let at = self.rack.fix_loop.as_ref().filter(|at| self.lower_top < at.arc_y)?;
        let lane = bounded(passes as usize, 1, at.radii.len()) - 1;
        let reach = at.radius(lane).max(at.module.w / 2.0) + LOOP_GAP;
        Some((at.centre_x - reach, at.centre_x + reach))
    }

    /// Lower edge of what stands above the bridge.
    pub fn foot(&self) -> f32 {
        self.canvas_size.height - CanvasSize::BRIDGE_HEIGHT
    }

    /// Upper edge of the rack.
    pub fn rack_top(&self) -> f32 {
        self.rack.row_tops.first().copied().unwrap_or(0.0)
    }
}
