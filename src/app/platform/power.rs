//! Frame rate: as high as the current motion needs, and no higher.
//!
//! | rate | condition |
//! | --- | --- |
//! | every frame | beads or levels move on a live connection or in a recording; an entrance, fade or needle is moving; batches wait; the first two seconds |
//! | every 66 ms | only halos or cells of the board pulse |
//! | every second | nothing moves, and always under reduced motion |
//!
//! Each shape on the canvas states whether it moves by itself, and until when. Between frames the
//! window sleeps; data from the source, keys and the pointer wake it.

use std::time::Duration;

use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};

use crate::app::draw::{Canvas, DrawClock, Moving};
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::systems::AppSystems;
use crate::app::theme::motion;

/// Frame interval while only halos pulse: at their speed, 15 frames per second look smooth.
const BREATHING: Duration = Duration::from_millis(66);
/// Frame interval while only the clock changes.
const RESTING: Duration = Duration::from_secs(1);

/// `Update`, after all drawing: the set in which the frame rate is chosen.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::app) struct PowerSystems;

/// Longest time from the start of a frame to the start of the next; zero for continuous drawing.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::app) struct MaxFrameInterval(pub Duration);

/// True while measuring: draws as many frames as the screen can show.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::app) struct DrawAlways(pub bool);

pub(in crate::app) fn plugin(app: &mut App) {
    app.insert_resource(WinitSettings::continuous())
        .init_resource::<NextFrame>()
        .init_resource::<DrawAlways>()
        .init_resource::<MaxFrameInterval>()
        .configure_sets(Update, PowerSystems.after(AppSystems::Hint))
        .add_systems(Update, choose_rate.in_set(PowerSystems));
}

/// Cached result of what moves on the canvas, recomputed when the canvas was redrawn.
#[derive(Default)]
struct MotionCache {
    generation: Option<u64>,
    moving: Moving,
}

impl MotionCache {
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
    link: Res<Link>,
    draw_clock: Res<DrawClock>,
    always: Res<DrawAlways>,
    mut next: ResMut<NextFrame>,
    mut rest: ResMut<MaxFrameInterval>,
    mut seen: Local<MotionCache>,
) {
    let moving = seen.of(&canvas);
    let live = link.state.brings_news();
    // Fonts, pipelines and the window size become available during the first frames.
    let begins = draw_clock.secs < motion::SETTLE_WINDOW_SECS;
    let views = if always.0 || begins || link.backlog > 0 {
        Duration::ZERO
    } else if canvas.reduced_motion {
        RESTING
    } else if (moving.flows && live) || draw_clock.secs < moving.rests_at {
        Duration::ZERO
    } else if moving.breathes {
        BREATHING
    } else {
        RESTING
    };
    let wait = next.0.take().map_or(views, |wished| views.min(wished));
    if rest.0 != wait {
        rest.0 = wait;
        let mode = if wait.is_zero() { UpdateMode::Continuous } else { UpdateMode::reactive(wait) };
        winit.focused_mode = mode;
        winit.unfocused_mode = mode;
    }
}

#[cfg(test)]
mod tests {
    use bevy::color::Color;
    use bevy::math::Vec2;

    use super::*;
    use crate::app::draw::{Entrance, Layer, Shape};
    use crate::config::Settings;
    use crate::source::ConnectionState;

    const LONG: f64 = 100.0;

    fn app(state: ConnectionState) -> App {
        let mut app = App::new();
        let mut link = Link::new(&Settings::default(), None);
        link.state = state;
        app.add_plugins(plugin)
            .insert_resource(link)
            .insert_resource(DrawClock { secs: LONG, follow_real_time: false })
            .init_resource::<Canvas>();
        app
    }

    fn live() -> App {
        app(ConnectionState::Connected {
            url: String::new(),
            since: jiff::Timestamp::UNIX_EPOCH,
            updates: crate::source::Updates::Live,
        })
    }

    /// Returns the rest after a frame at `secs` in which `shape` is drawn, or nothing is redrawn.
    fn rest(app: &mut App, secs: f64, shape: Option<Shape>) -> Duration {
        app.world_mut().resource_mut::<DrawClock>().secs = secs;
        if let Some(shape) = shape {
            app.world_mut().resource_mut::<Canvas>().redraw("wall").shape(Layer::Face, shape);
        }
        app.update();
        app.world().resource::<MaxFrameInterval>().0
    }

    fn ring() -> Shape {
        Shape::ring(Vec2::ZERO, 10.0, 2.0)
    }

    #[test]
    fn clock_tick_costs_one_frame_per_second() {
        let mut app = live();
        assert_eq!(rest(&mut app, LONG, Some(ring())), RESTING);
        assert_eq!(rest(&mut app, LONG + 1.0, Some(ring())), RESTING);
        assert_eq!(rest(&mut app, LONG + 2.0, None), RESTING);
    }

    #[test]
    fn motion_raises_the_frame_rate_until_it_ends() {
        let mut app = live();
        let entering = ring().enter(Entrance::DrawOn, LONG, 0.4);
        assert_eq!(rest(&mut app, LONG, Some(entering)), Duration::ZERO);
        assert_eq!(rest(&mut app, LONG + 0.3, None), Duration::ZERO);
        assert_eq!(rest(&mut app, LONG + 0.41, None), RESTING);
        assert_eq!(rest(&mut app, LONG + 1.0, Some(ring().breathing(0.7))), BREATHING);
        assert_eq!(rest(&mut app, LONG + 2.0, Some(ring())), RESTING);
        app.world_mut().resource_mut::<NextFrame>().within_secs(0.02);
        assert_eq!(rest(&mut app, LONG + 3.0, None), Duration::from_millis(20));
        assert_eq!(rest(&mut app, LONG + 3.1, None), RESTING);
    }

    #[test]
    fn beads_need_every_frame_only_while_connected() {
        let beads = || ring().beads(4.0, Color::WHITE);
        assert_eq!(rest(&mut live(), LONG, Some(beads())), Duration::ZERO);
        let mut over = app(ConnectionState::Disconnected);
        assert_eq!(rest(&mut over, LONG, Some(beads())), RESTING);
        over.insert_resource(DrawAlways(true));
        assert_eq!(rest(&mut over, LONG + 1.0, None), Duration::ZERO);
    }
}
