//! Dims the picture by the time of day.

use bevy::prelude::*;
use jiff::Timestamp;

use super::KioskSystems;
use crate::app::draw::Canvas;
use crate::app::state::clock::local_zone;
use crate::app::state::next_frame::NextFrame;
use crate::app::theme::motion;
use crate::kiosk::dim::{Hours, LEAST_OF_A_FAILURE, brightness};

/// Number of brightness levels; each change of level recolours everything.
const STEPS: f32 = 128.0;

/// The real time of day, even while a recording plays with its own time.
#[derive(Resource, Clone, Copy, Debug)]
pub struct DayClock {
    pub now: Timestamp,
    /// True when `now` is set to the local time each frame.
    pub follow_real_time: bool,
}

impl Default for DayClock {
    fn default() -> Self {
        Self { now: Timestamp::now(), follow_real_time: true }
    }
}

#[derive(Resource, Clone, Copy, Debug)]
pub(super) struct Dimming {
    pub hours: Hours,
    pub level: f32,
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<DayClock>().add_systems(Update, dim.in_set(KioskSystems::Dim));
}

fn dim(
    dimming: Res<Dimming>,
    mut day: ResMut<DayClock>,
    mut canvas: ResMut<Canvas>,
    mut next: ResMut<NextFrame>,
) {
    if day.follow_real_time {
        day.now = Timestamp::now();
    }
    let time = day.now.to_zoned(local_zone()).time();
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let whole_secs = i32::from(hour) * 3600 + i32::from(minute) * 60 + i32::from(second);
    let secs = f64::from(whole_secs) + f64::from(time.subsec_nanosecond()) / 1e9;
    let now = brightness(secs, dimming.hours, dimming.level);
    let canvas = canvas.bypass_change_detection();
    canvas.brightness = (now.level * STEPS).round() / STEPS;
    canvas.brightness_kept = canvas.brightness.max(LEAST_OF_A_FAILURE);
    if now.fading {
        next.within_secs(motion::SLOW_FRAME_SECS);
    }
}
