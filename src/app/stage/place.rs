//! Where the stage's parts stand this frame, and what time it is for its motion.

use crate::layout::{Rack, Screen};

/// Places and times for one drawing of the stage.
pub struct Place {
    pub screen: Screen,
    /// The rack as it is drawn now: in the middle of a move, in the middle of it.
    pub rack: Rack,
    /// Upper edge of the failure bar.
    pub failure_top: f32,
    /// Seconds of the draw clock.
    pub clock_secs: f64,
    /// When the failure was first drawn, in seconds of the draw clock; long ago when the run was
    /// found failed.
    pub failed_at: f64,
    /// Time stands still: rings do not grow.
    pub frozen: bool,
}
