//! The time at which the next frame is needed.

use std::time::Duration;

use bevy::prelude::*;

/// Shortest wait; a shorter request means drawing every frame.
const SHORTEST: Duration = Duration::from_millis(10);

/// Latest time until the next frame that any system requested, in addition to the views' own needs.
/// Reset each frame, so systems must repeat their request.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::app) struct NextFrame(pub Option<Duration>);

impl NextFrame {
    pub(in crate::app) fn within_secs(&mut self, secs: f64) {
        let within = Duration::try_from_secs_f64(secs).unwrap_or_default().max(SHORTEST);
        self.0 = Some(self.0.map_or(within, |before| before.min(within)));
    }
}
