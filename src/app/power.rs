//! How often a frame is drawn: as often as something moves, and not more.

use std::time::Duration;

use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};

use super::AppSystems;
use super::draw::{Canvas, CellField, DrawClock, Moving};
use super::ingest::{Link, Studio};
use crate::model::RunStatus;
use crate::source::ConnectionState;

/// Between frames while only halos breathe: they are slow, and 15 frames a second are smooth.
const BREATHING: Duration = Duration::from_millis(66);
/// The shortest rest: a wish for less is a wish for every frame.
const SHORTEST: Duration = Duration::from_millis(10);
/// Between frames while nothing moves but the clock.
const RESTING: Duration = Duration::from_secs(1);

/// `Update`, after all that draws: the rate of frames is chosen.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PowerSystems;

/// When somebody wants the next frame at the latest, whatever the views need. Forgotten with each
/// frame: whoever still wants one says so again.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct NextFrame(Option<Duration>);

impl NextFrame {
    pub(super) fn within_secs(&mut self, secs: f64) {
        let within = Duration::try_from_secs_f64(secs).unwrap_or_default().max(SHORTEST);
        self.0 = Some(self.0.map_or(within, |before| before.min(within)));
    }
}

pub(super) fn plugin(app: &mut App) {
    app.insert_resource(WinitSettings::continuous())
        .init_resource::<NextFrame>()
        .configure_sets(Update, PowerSystems.after(AppSystems::Draw))
        .add_systems(Update, choose_rate.in_set(PowerSystems));
}

/// What moves on the canvas, looked for only where it was drawn anew.
#[derive(Default)]
struct Seen {
    generation: Option<u64>,
    moving: Moving,
}

impl Seen {
    fn of(&mut self, canvas: &Canvas) -> Moving {
        if self.generation.replace(canvas.generation()) != Some(canvas.generation()) {
            self.moving = canvas.moving();
        }
        self.moving
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn choose_rate(
    mut winit: ResMut<WinitSettings>,
    canvas: Res<Canvas>,
    field: Res<CellField>,
    link: Res<Link>,
    studio: Res<Studio>,
    draw_clock: Res<DrawClock>,
    mut next: ResMut<NextFrame>,
    mut seen: Local<Seen>,
) {
    let moving = seen.of(&canvas);
    let live = matches!(link.state, ConnectionState::Connected { .. });
    // Cells of what runs breathe; the shader knows which.
    let cells_breathe = field.moves() && studio.model.count(RunStatus::Running) > 0;
    let views = if link.backlog > 0 {
        UpdateMode::Continuous
    } else if canvas.reduced_motion {
        UpdateMode::reactive(RESTING)
    } else if (moving.flows && live) || draw_clock.secs < moving.rests_at {
        UpdateMode::Continuous
    } else if moving.breathes || (cells_breathe && live) {
        UpdateMode::reactive(BREATHING)
    } else {
        UpdateMode::reactive(RESTING)
    };
    let mode = match (views, next.0.take()) {
        (UpdateMode::Reactive { wait, .. }, Some(wished)) => {
            UpdateMode::reactive(wait.min(wished))
        }
        (views, _) => views,
    };
    if winit.focused_mode != mode {
        winit.focused_mode = mode;
        winit.unfocused_mode = mode;
    }
}
