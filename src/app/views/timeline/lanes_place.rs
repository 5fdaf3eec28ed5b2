//! Places of one run's lanes, and the time that they show.

use jiff::{SignedDuration, Timestamp};

use super::lanes_view::LanesView;
use super::pen::TimeScale;
use crate::app::state::clock::millis_between;
use crate::app::state::timeline::TimelineState;
use crate::bounded::bounded;
use crate::layout::{CanvasSize, Rect, TimeRows, lay_out_lanes};
use crate::timeline::{Axis, Span};

/// Type size of the lanes' words.
pub const WORDS: f32 = 28.0;
/// Length of a folded stretch, as a part of what is shown.
const BREAK: f64 = 0.04;
/// Part of the view behind now when the time is zoomed.
const AHEAD: f64 = 0.25;

/// Places of lanes, axis and words.
#[derive(Clone, Debug, PartialEq)]
pub struct LanesPlace {
    pub rows: TimeRows,
    pub scale: TimeScale,
    /// Milliseconds by which the view can be moved into the past, up to the run's beginning.
    pub most_back_ms: f64,
}

impl LanesPlace {
    /// Places a view's lanes on the canvas. The time shown is that of the run, or what was zoomed and
    /// moved to.
    pub fn of(
        view: &LanesView,
        state: &TimelineState,
        canvas_size: &CanvasSize,
        server_now: Timestamp,
    ) -> Self {
        let rows = lay_out_lanes(canvas_size, view.lanes.len().max(1));
        let ends = (rows.from, rows.to);
        let steps = state.zoom.unwrap_or(0);
        if steps == 0 {
            let hidden: u64 = view.folded.iter().map(Span::millis).sum();
            let length = view.shown.millis().saturating_sub(hidden) as f64;
            let axis = Axis::folded(view.shown, &view.folded, length * BREAK);
            let shown_ms = axis.length();
            let scale = TimeScale::new(axis, ends, shown_ms);
            return Self { rows, scale, most_back_ms: 0.0 };
        }
        let whole = view.shown.millis() as f64;
        let length = bounded(whole / 2f64.powi(steps), 500.0, 1e15);
        let end = match view.goes_on {
            true if steps > 0 => moved(server_now, length * AHEAD).min(view.shown.to),
            _ => view.shown.to,
        };
        let most_back_ms = millis_between(view.shown.from, moved(end, -length)) as f64;
        let from = moved(end, -length - state.back_ms).max(view.shown.from);
        let axis = Axis::folded(Span::new(from, moved(from, length)), &[], 1.0);
        Self { rows, scale: TimeScale::new(axis, ends, length), most_back_ms }
    }

    /// Lower edge of the lanes.
    pub fn bottom(&self) -> f32 {
        self.rows.bottom(self.rows.rows)
    }

    pub fn middle(&self, lane: usize) -> f32 {
        self.rows.row(lane).centre_y()
    }

    pub fn bar(&self, lane: usize, (from, to): (f32, f32), height: f32) -> Rect {
        let height = (height * self.rows.scale).min(self.rows.pitch - 4.0).max(1.0);
        Rect::new(from, self.middle(lane) - height / 2.0, (to - from).max(2.0), height)
    }
}

fn moved(at: Timestamp, millis: f64) -> Timestamp {
    let by = SignedDuration::try_from_secs_f64(millis / 1000.0).unwrap_or_default();
    at.checked_add(by).unwrap_or(at)
}
