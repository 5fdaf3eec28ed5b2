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
use crate::model::RunStatus;
use crate::source::ConnectionState;

/// Between frames while only halos breathe: they are slow, and 15 frames a second are smooth.
const BREATHING: Duration = Duration::from_millis(66);
/// Between frames while nothing moves but the clock.
const RESTING: Duration = Duration::from_secs(1);

pub(super) fn plugin(app: &mut App) {
    app.insert_resource(WinitSettings::continuous())
        .add_systems(Update, choose_rate.after(AppSystems::Draw));
}

fn choose_rate(
    mut winit: ResMut<WinitSettings>,
    canvas: Res<Canvas>,
    focus: Res<Focus>,
    link: Res<Link>,
    studio: Res<Studio>,
    clock: Res<PlaybackClock>,
) {
    let shown = focus.run().and_then(|id| studio.model.run(id));
    let live = matches!(link.state, ConnectionState::Connected { .. });
    let heard = studio.model.last_received_at();
    let fresh = heard.is_some_and(|at| millis_between(at, clock.now) < FRESH_MS);
    let runs = shown.is_some_and(|run| run.status == RunStatus::Running);
    let failed = shown.is_some_and(|run| {
        run.status == RunStatus::Failed && !is_settled(run, clock.server_now)
    });
    let mode = if canvas.reduced_motion {
        UpdateMode::reactive(RESTING)
    } else if (runs && live) || canvas.is_changed() {
        UpdateMode::Continuous
    } else if failed || (live && fresh) {
        UpdateMode::reactive(BREATHING)
    } else {
        UpdateMode::reactive(RESTING)
    };
    if winit.focused_mode != mode {
        winit.focused_mode = mode;
        winit.unfocused_mode = mode;
    }
}
