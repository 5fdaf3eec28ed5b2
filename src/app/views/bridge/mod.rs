//! The meter bridge at the foot of every view: four meters, and the panel of the connection with the age
//! of the data.

mod connection;
mod fit;
mod light;
mod meter;
mod readings;
mod scale;
#[cfg(test)]
mod tests;
mod transport;

use jiff::Timestamp;

pub use self::light::{Light, LightView, is_polled};
pub use self::readings::{History, Mark, MarkKind, Reading};
pub use self::scale::Scale;

use self::meter::Look;
use self::readings::Reception;
pub use self::transport::TransportView;
use crate::app::draw::{Layer, Part, Rect, Shape};
use crate::app::state::actions::{Action, Transport};
use crate::app::state::hints::{HintArea, HintSubject};
use crate::app::state::hit::{Button, ScrubArea};
use crate::app::state::link::Link;
use crate::app::state::rewind::PastView;
use crate::app::state::run_store::RunStore;
use crate::app::views::counts::RunCounts;
use crate::layout::{Bridge, CanvasSize};
use crate::model::Model;

/// Height of a landscape panel's face, and baselines of the two lines below it, from the panel's upper edge.
const FACE_HEIGHT: f32 = 89.7;
const UPPER_LINE: f32 = 118.9;
const LOWER_LINE: f32 = 144.1;

/// Contents of the bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeView {
    pub readings: [Reading; 4],
    pub light: LightView,
    /// Stands in place of the meters while the past is shown.
    pub transport: Option<TransportView>,
}

impl BridgeView {
    /// Contents of the bridge at `now`, with a history that may be up to a second old.
    pub fn of(
        model: &Model,
        history: &History,
        counts: &RunCounts,
        link: &Link,
        now: Timestamp,
        server_now: Timestamp,
    ) -> Self {
        let light = light::light_view(model, link, now);
        // Polling reports states and no events, unless some runs have sockets.
        let has_no_events = is_polled(link) && !history.reports_events;
        let reception = Reception {
            is_rate_known: !light.state.is_lost() && !has_no_events,
            is_polled: has_no_events,
            is_silent: light.state == Light::NoNews,
            is_live: !link.is_recording(),
        };
        let readings = readings::readings(model, history, counts, reception, server_now);
        Self { readings, light, transport: None }
    }

    /// Contents of the bridge while the past is shown; the meters are those of before.
    pub fn of_past(
        self,
        run_store: &RunStore,
        shown: &PastView,
        link: &Link,
        live_now: Timestamp,
    ) -> Self {
        Self {
            readings: self.readings,
            light: light::past_light_view(run_store, shown, link, live_now),
            transport: Some(TransportView::of(run_store, shown, link.present(), live_now)),
        }
    }
}

/// Draws the light of the connection alone with its words, from a place at the foot of the screen on.
pub fn draw_light(part: &mut Part, light: &LightView, at: (f32, f32), scale: f32) {
    connection::draw_foot(part, light, at, scale);
}

/// Draws the bridge at the foot of the screen; needles swing from their places in `before`. Returns what
/// can be pressed on it.
pub fn draw(
    part: &mut Part,
    view: &BridgeView,
    before: Option<&BridgeView>,
    canvas_size: &CanvasSize,
    clock_secs: f64,
) -> (Vec<Button>, Option<ScrubArea>) {
    let palette = part.palette;
    let bridge = Bridge::of(canvas_size);
    let top = bridge.rect.y;
    let full = Rect::new(-32.0, top, canvas_size.width + 64.0, bridge.rect.h + 32.0);
    part.shape(
        Layer::Bridge,
        Shape::rounded_box(Rect::new(-32.0, top - 10.0, canvas_size.width + 64.0, 10.0))
            .fill(palette.shadow)
            .opacity(0.25),
    );
    part.shape(
        Layer::Bridge,
        Shape::rounded_box(full).fill_vertical(palette.bridge_top, palette.bridge_bottom),
    );
    part.shape(
        Layer::Bridge,
        Shape::rounded_box(Rect::new(-32.0, top, canvas_size.width + 64.0, 1.5))
            .fill(palette.cable_core_idle),
    );
    let is_lit = !view.light.state.is_lost();
    let pressable = view.transport.as_ref().map(|it| transport::draw(part, it, &bridge));
    let meters = if pressable.is_some() { &[][..] } else { &view.readings[..] };
    for (index, (reading, rect)) in meters.iter().zip(bridge.meters).enumerate() {
        let before = before.and_then(|before| before.readings[index].needle);
        let look = Look { index, is_lit, before, clock_secs, scale: bridge.scale };
        if bridge.is_portrait {
            meter::draw_small(part, reading, &look, rect);
        } else {
            meter::draw(part, reading, &look, rect);
        }
    }
    if bridge.is_portrait {
        connection::draw_line(part, &view.light, bridge.connection, bridge.scale);
    } else {
        let mut panel = bridge.connection;
        if view.light.state.is_past() {
            // As high as the transport beside it.
            panel = Rect::new(panel.x, panel.y - 4.0, panel.w, panel.h + 8.0);
        }
        connection::draw(part, &view.light, panel);
    }
    match pressable {
        Some(transport::Pressable { buttons, scrub }) => (buttons, Some(scrub)),
        None => (vec![live_button(&bridge)], None),
    }
}

/// Returns the areas of the bridge that have hints.
pub fn hint_areas(view: &BridgeView, canvas_size: &CanvasSize) -> Vec<HintArea> {
    let bridge = Bridge::of(canvas_size);
    let meters = bridge.meters.into_iter().enumerate().filter(|_| view.transport.is_none());
    let meters = meters.map(|(place, rect)| HintArea::of(rect, HintSubject::Meter(place)));
    let connection = HintArea::of(bridge.connection, HintSubject::Connection);
    meters.chain([connection]).collect()
}

/// The live light as a button: a press stops the picture, from where it can be taken back.
fn live_button(bridge: &Bridge) -> Button {
    let action = Action::Time(Transport::TogglePlaying);
    Button { rect: bridge.connection, action, holds_pointer: false }
}
