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

use jiff::Timestamp;

pub use self::light::{Light, LightView, is_polled};
pub use self::readings::{History, Mark, MarkKind, Reading};
pub use self::scale::Scale;

use self::meter::Look;
use self::readings::Reception;
use crate::app::draw::{Layer, Part, Rect, Shape};
use crate::app::state::link::Link;
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
        Self { readings, light }
    }
}

/// Draws the bridge at the foot of the screen; needles swing from their places in `before`.
pub fn draw(
    part: &mut Part,
    view: &BridgeView,
    before: Option<&BridgeView>,
    canvas_size: &CanvasSize,
    clock_secs: f64,
) {
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
    for (index, (reading, rect)) in view.readings.iter().zip(bridge.meters).enumerate() {
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
        connection::draw(part, &view.light, bridge.connection);
    }
}
