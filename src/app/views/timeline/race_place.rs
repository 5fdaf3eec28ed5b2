//! Places of a race, and the time that it shows.

use jiff::{SignedDuration, Timestamp};

use super::pen::TimeScale;
use super::race_view::{ColumnView, RaceView, merged};
use crate::layout::{CanvasSize, RaceLayout, lay_out_race};
use crate::timeline::{Axis, Span};

/// Places of the parts of a race.
#[derive(Clone, Debug, PartialEq)]
pub struct RacePlace {
    pub layout: RaceLayout,
    pub scale: TimeScale,
    pub columns: Vec<ColumnView>,
    /// Milliseconds by which the view can be moved back, up to the start.
    pub most_back_ms: f64,
}

/// Instant that stands for a time since the start.
pub fn instant(ms: u64) -> Timestamp {
    let by = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    Timestamp::UNIX_EPOCH.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl RacePlace {
    /// Places a race on the canvas, zoomed by steps and moved back by milliseconds.
    pub fn of(view: &RaceView, zoom: i32, back_ms: f64, canvas_size: &CanvasSize) -> Self {
        let layout = lay_out_race(canvas_size, view.columns.len());
        let whole = view.shown_ms.max(5_000) as f64;
        let length = whole / 2f64.powi(zoom);
        let to =
            if zoom > 0 { (view.elapsed_ms as f64 + length * 0.25).min(whole) } else { length };
        let most_back_ms = (to - length).max(0.0);
        let from = (most_back_ms - back_ms).max(0.0);
        let span = Span::new(instant(from as u64), instant((from + length) as u64));
        let ends = (layout.time.from, layout.time.to);
        let columns = merged(&view.columns, layout.columns.len());
        let scale = TimeScale::new(Axis::folded(span, &[], 1.0), ends, length);
        Self { scale, layout, columns, most_back_ms }
    }

    pub fn x(&self, ms: u64) -> f32 {
        self.scale.x(instant(ms))
    }

    pub fn ends(&self, from: u64, to: u64) -> Option<(f32, f32)> {
        self.scale.ends(Span::new(instant(from), instant(to)))
    }
}
