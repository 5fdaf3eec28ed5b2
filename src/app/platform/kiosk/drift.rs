//! The picture moves a little once a minute, against burn-in. Also where less motion was asked
//! for: it is slow, and a picture that never moves stays on the screen for good.

use bevy::prelude::*;

use super::KioskSystems;
use crate::app::draw::{Canvas, DrawClock};
use crate::app::state::next_frame::NextFrame;
use crate::app::state::viewport::Viewport;
use crate::app::theme::motion;
use crate::kiosk::drift::{is_moving, offset};

/// Where the path begins; another one at each start.
#[derive(Resource, Clone, Copy, Debug)]
struct Path {
    seed: u64,
}

pub(super) fn plugin(app: &mut App) {
    app.insert_resource(Path { seed: fastrand::u64(..) })
        .add_systems(Update, drift.in_set(KioskSystems::Drift));
}

/// Between moves the next frame of the second finds that one has begun: nobody sees when.
fn drift(
    path: Res<Path>,
    clock: Res<DrawClock>,
    viewport: Res<Viewport>,
    mut canvas: ResMut<Canvas>,
    mut next: ResMut<NextFrame>,
) {
    let (x, y) = offset(clock.secs, path.seed);
    // Whole pixels, or every letter would go soft.
    let shift = (Vec2::new(x, y) * viewport.canvas_size().scale).round();
    // Nothing is drawn anew, and nothing need be drawn at full rate.
    canvas.bypass_change_detection().shift = shift;
    if is_moving(clock.secs) {
        next.within_secs(motion::SLOW_FRAME_SECS);
    }
}
