//! Places of the stage's parts in this frame, and the times of its motion.

use crate::layout::{CanvasSize, Rack};

/// Places and times for one drawing of the stage.
pub struct StageLayout {
    pub canvas_size: CanvasSize,
    /// Rack in this frame; during a move its modules are between their places.
    pub rack: Rack,
    /// True for each module that is moving.
    pub moving: Vec<bool>,
    /// Distance of title and rack below their place on a 16:9 screen, in design pixels.
    pub down: f32,
    /// Upper edge of the failure bar.
    pub failure_top: f32,
    /// Upper edge of the lower zone, with the last events and the story.
    pub lower_top: f32,
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

    /// Left and right ends of the FIX loop where it reaches into the lower zone; `None` where the zone
    /// begins below the loop's arc.
    pub fn loop_in_the_way(&self) -> Option<(f32, f32)> {
        let at = self.rack.fix_loop.as_ref().filter(|at| self.lower_top < at.arc_y)?;
        Some((at.centre_x - at.radii[2] - 36.0, at.centre_x + at.radii[2] + 36.0))
    }
}
