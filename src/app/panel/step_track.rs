//! The steps of a run as a row of small cells: height and form tell a step's state without its colour.

use bevy::color::Color;
use bevy_egui::egui::{Painter, Pos2, Rect, Stroke, pos2, vec2};

use super::style::{self, ink};
use crate::app::state::step_cells::StepCell;
use crate::protocol::{MAX_FIX_PASSES, PIPELINE};

/// Size of a cell, and the distance from one to the next, in points.
const CELL: (f32, f32) = (5.0, 13.0);
const PITCH: f32 = 6.6;
/// Height that is added to the cell of a step that runs, failed or was stopped.
const LIVE: f32 = 4.0;
const FAILED: f32 = 5.0;
/// Height of a step to come, and size of the dash of one that is not needed.
const FLOOR: f32 = 3.0;
const DASH: (f32, f32) = (3.0, 2.0);
/// Distance between the pips of FIX.
const PIP_GAP: f32 = 1.2;

/// Width of a track in points.
pub(super) const TRACK_WIDTH: f32 = PITCH * (PIPELINE.len() - 1) as f32 + CELL.0;

/// Emphasis of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrackLook {
    /// Run that goes on or failed.
    Strong,
    /// Run that is over without a failure.
    Quiet,
    /// Run of the selected row.
    Selected,
}

/// Paints the cells of a run to the right of `left`, which is in the middle of their height.
pub(super) fn paint_track(painter: &Painter, left: Pos2, cells: &[StepCell], look: TrackLook) {
    let palette = style::palette(painter.ctx());
    // The ground of the selected row hides the colour of what is to come.
    let ahead = if look == TrackLook::Selected { palette.violet_text } else { palette.tile_dot };
    let done = if look == TrackLook::Quiet { palette.success_floor } else { palette.success_dense };
    for (index, cell) in cells.iter().enumerate() {
        let x = left.x + PITCH * index as f32;
        let place = |extra: f32| {
            let top = left.y - (CELL.1 + extra) / 2.0;
            Rect::from_min_size(pos2(x, top), vec2(CELL.0, CELL.1 + extra))
        };
        let body = |rect: Rect, colour: Color| {
            painter.rect_filled(rect, 1.0, ink(colour));
        };
        let plain = place(0.0);
        let floor = Rect::from_min_max(pos2(x, plain.bottom() - FLOOR), plain.max);
        match *cell {
            StepCell::Ahead => body(floor, ahead),
            StepCell::Live => body(place(LIVE), palette.running),
            StepCell::Done => body(plain, done),
            StepCell::Failed => {
                body(place(FAILED), palette.failed);
                let cross = Stroke::new(1.2, ink(palette.failed_ink));
                for flip in [1.0, -1.0] {
                    let ends = [vec2(-1.5, -1.5 * flip), vec2(1.5, 1.5 * flip)];
                    painter.line_segment(ends.map(|by| plain.center() + by), cross);
                }
            }
            StepCell::Stopped => {
                body(place(LIVE), palette.cancelled);
                let bar = Rect::from_center_size(plain.center(), vec2(CELL.0, 2.0));
                body(bar, palette.cancelled_ink);
            }
            StepCell::PassedOver => {
                body(Rect::from_center_size(plain.center(), vec2(DASH.0, DASH.1)), ahead);
            }
            StepCell::Fixes { passes, live } => {
                let most = MAX_FIX_PASSES as f32;
                let height = (CELL.1 - PIP_GAP * (most - 1.0)) / most;
                for pip in 0..MAX_FIX_PASSES {
                    let bottom = plain.bottom() - (height + PIP_GAP) * pip as f32;
                    // An empty pip is thin: a flat palette has no shades.
                    let is_filled = pip < passes;
                    let top = bottom - if is_filled { height } else { 1.0 };
                    let colour = match is_filled {
                        true if live && pip + 1 == passes.min(MAX_FIX_PASSES) => palette.running,
                        true if look == TrackLook::Quiet => palette.success_line,
                        true => palette.success,
                        false => ahead,
                    };
                    body(Rect::from_min_max(pos2(x, top), pos2(plain.right(), bottom)), colour);
                }
            }
        }
    }
}
