//! Where the stage's parts stand this frame, and what time it is for its motion.

use crate::layout::{CanvasSize, Rack};

/// Places and times for one drawing of the stage.
pub struct StageLayout {
    pub canvas_size: CanvasSize,
    /// The rack as it is drawn now: in the middle of a move, in the middle of it.
    pub rack: Rack,
    /// Which modules of it are in the middle of a move.
    pub moving: Vec<bool>,
    /// How much lower title and rack stand than on a 16:9 screen.
    pub down: f32,
    /// Upper edge of the failure bar.
    pub failure_top: f32,
    /// Where the last events and the story begin.
    pub lower_top: f32,
    /// Seconds of the draw clock.
    pub clock_secs: f64,
    /// When the failure was first drawn, in seconds of the draw clock; long ago when the run was
    /// found failed.
    pub failed_at: f64,
    /// Time stands still: rings do not grow.
    pub frozen: bool,
}

impl StageLayout {
    /// Whether a module is in the middle of a move.
    pub fn is_moving(&self, module: usize) -> bool {
        self.moving.get(module).is_some_and(|moving| *moving)
    }

    /// Where the loop stands in the way of what is beside it in the lower zone: its left and right
    /// end.
    pub fn loop_in_the_way(&self) -> Option<(f32, f32)> {
        let at = self.rack.fix_loop.as_ref().filter(|at| self.lower_top < at.arc_y)?;
        Some((at.centre_x - at.radii[2] - 36.0, at.centre_x + at.radii[2] + 36.0))
    }
}
