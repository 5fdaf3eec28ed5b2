//! How often a frame is drawn: as often as something moves, and not more.

use std::time::Duration;

use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};

use super::AppSystems;
use super::bridge::FRESH_MS;
use super::clock::{PlaybackClock, millis_between};
use super::draw::Canvas;
use super::focus::Focus;
use super::ingest::{Link, Studio};
use super::stage::view::is_settled;
use super::view::View;
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

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn choose_rate(
    mut winit: ResMut<WinitSettings>,
    canvas: Res<Canvas>,
    focus: Res<Focus>,
    link: Res<Link>,
    studio: Res<Studio>,
    clock: Res<PlaybackClock>,
    view: Res<View>,
    mut next: ResMut<NextFrame>,
) {
    let shown = focus.run().and_then(|id| studio.model.run(id));
    let live = matches!(link.state, ConnectionState::Connected { .. });
    let heard = studio.model.last_received_at();
    let fresh = heard.is_some_and(|at| millis_between(at, clock.now) < FRESH_MS);
    let (runs, failed) = match *view {
        View::Stage { .. } => (
            shown.is_some_and(|run| run.status == RunStatus::Running),
            shown.is_some_and(|run| {
                run.status == RunStatus::Failed && !is_settled(run, clock.server_now)
            }),
        ),
        View::Wall => {
            let some = |status| studio.model.count(status) > 0;
            (some(RunStatus::Running), some(RunStatus::Failed))
        }
    };
    let wished = next.0.take();
    let rest = |views: Duration| UpdateMode::reactive(wished.map_or(views, |at| at.min(views)));
    let mode = if canvas.reduced_motion {
        rest(RESTING)
    } else if (runs && live) || canvas.is_changed() {
        UpdateMode::Continuous
    } else if failed || (live && fresh) {
        rest(BREATHING)
    } else {
        rest(RESTING)
    };
    if winit.focused_mode != mode {
        winit.focused_mode = mode;
        winit.unfocused_mode = mode;
    }
}
