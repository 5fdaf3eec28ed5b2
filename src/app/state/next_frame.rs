//! When the next frame is wanted.

use std::time::Duration;

use bevy::prelude::*;

/// The shortest rest: a wish for less is a wish for every frame.
const SHORTEST: Duration = Duration::from_millis(10);

/// When somebody wants the next frame at the latest, whatever the views need. Forgotten with each
/// frame: whoever still wants one says so again.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::app) struct NextFrame(pub Option<Duration>);

impl NextFrame {
    pub(in crate::app) fn within_secs(&mut self, secs: f64) {
        let within = Duration::try_from_secs_f64(secs).unwrap_or_default().max(SHORTEST);
        self.0 = Some(self.0.map_or(within, |before| before.min(within)));
    }
}
