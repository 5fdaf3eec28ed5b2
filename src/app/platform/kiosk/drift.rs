//! Moves the picture slightly once a minute, against burn-in. Also under reduced motion, because
//! the movement is slow and a still picture would damage the screen.

use bevy::prelude::*;

use super::KioskSystems;
use crate::app::draw::{Canvas, DrawClock};
use crate::app::state::next_frame::NextFrame;
use crate::app::state::viewport::Viewport;
use crate::app::theme::motion;
use crate::kiosk::drift::{is_moving, offset};

/// The drift path; its seed differs at each start.
#[derive(Resource, Clone, Copy, Debug)]
struct Path {
    seed: u64,
}

pub(super) fn plugin(app: &mut App) {
    app.insert_resource(Path { seed: fastrand::u64(..) })
        .add_systems(Update, drift.in_set(KioskSystems::Drift));
}

/// Updates the shift. Between moves it requests no frames; the regular frame each second notices
/// the start of the next move.
fn drift(
    path: Res<Path>,
    clock: Res<DrawClock>,
    viewport: Res<Viewport>,
    mut canvas: ResMut<Canvas>,
    mut next: ResMut<NextFrame>,
) {
    let (x, y) = offset(clock.secs, path.seed);
    // Whole pixels keep text sharp.
    let shift = (Vec2::new(x, y) * viewport.canvas_size().scale).round();
    // The change is not flagged: nothing needs to be redrawn, and the frame rate must not rise.
    canvas.bypass_change_detection().shift = shift;
    if is_moving(clock.secs) {
        next.within_secs(motion::SLOW_FRAME_SECS);
    }
}
