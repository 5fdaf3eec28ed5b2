//! The meter bridge at the foot of every view: four meters with their history, the connection light,
//! and the age of the data.

mod light;
mod meter;
mod readings;

use jiff::Timestamp;

pub use self::light::LightView;
pub use self::readings::{History, Reading};

use crate::app::draw::{Layer, Part, Rect, Shape};
use crate::app::state::free_space::LIGHT_WIDTH;
use crate::app::state::link::Link;
use crate::app::views::counts::RunCounts;
use crate::layout::CanvasSize;
use crate::model::Model;

/// Height of the bridge, in design pixels.
const HEIGHT: f32 = CanvasSize::BRIDGE_HEIGHT;
const GAP: f32 = 14.0;
/// Distance by which the pill moves the connection light down, in design pixels.
const PILL_LOWERS: f32 = 14.0;

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
        let has_no_events = light.state.is_polling() && history.busiest == 0;
        let is_rate_known = !light.state.is_lost() && !has_no_events;
        let readings = readings::readings(model, history, counts, is_rate_known, server_now);
        Self { readings, light }
    }
}

/// Draws the bridge at the foot of the screen; needles swing from their places in `before`. `has_pill`
/// leaves room for the pill above the light's words.
pub fn draw(
    part: &mut Part,
    view: &BridgeView,
    has_pill: bool,
    before: Option<&BridgeView>,
    canvas_size: &CanvasSize,
    clock_secs: f64,
) {
    let palette = part.palette;
    let top = canvas_size.height - HEIGHT;
    let full = Rect::new(-32.0, top, canvas_size.width + 64.0, HEIGHT + 32.0);
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
    let room = canvas_size.right() - LIGHT_WIDTH - CanvasSize::MARGIN;
    let count = view.readings.len();
    let width = (room - GAP * (count - 1) as f32) / count as f32;
    for (index, reading) in view.readings.iter().enumerate() {
        let x = CanvasSize::MARGIN + index as f32 * (width + GAP);
        let rect = Rect::new(x, top + 8.0, width, meter::HEIGHT);
        let previous = before.and_then(|before| before.readings[index].needle);
        meter::draw(part, reading, previous, rect, index, clock_secs);
    }
    let lower = if has_pill { PILL_LOWERS } else { 0.0 };
    let sign_x = canvas_size.right() - LIGHT_WIDTH + light::LIGHT_INSET;
    light::draw_light(part, &view.light, sign_x, top + lower);
}
