//! Columns of the event log.

use bevy_egui::egui::{Rect, Sense, Ui, vec2};

use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{elided, paint_line};
use crate::bounded::bounded;

/// Widths of the columns, in points.
const TIME: f32 = 72.0;
const OFFSET: f32 = 56.0;
const STEP: f32 = 88.0;
const PHASE: f32 = 82.0;

/// Least and largest width of the column with the run's name.
const RUN: (f32, f32) = (96.0, 200.0);

/// Space at the end of a column, in points.
pub(super) const GAP: f32 = 5.0;

/// Width from which on the run's name and the offset both have a column.
const WIDE: f32 = 560.0;

/// Height of the row of heads, in points.
const HEAD: f32 = 24.0;

/// Places of the columns from the left edge, each with its width, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Columns {
    pub time: (f32, f32),
    /// Time since the run's start.
    pub offset: Option<(f32, f32)>,
    /// Name of the run, where rows are of several.
    pub run: Option<(f32, f32)>,
    pub step: (f32, f32),
    pub phase: (f32, f32),
    pub text: (f32, f32),
}

impl Columns {
    /// Divides a width. `pad` is free at the left; at the right is the scroll bar.
    pub(super) fn new(width: f32, pad: f32, with_run: bool) -> Self {
        let mut x = pad;
        let mut next = |width: f32| {
            x += width;
            (x - width, width)
        };
        let time = next(TIME);
        let offset = (!with_run || width >= WIDE).then(|| next(OFFSET));
        let run = with_run.then(|| next(bounded(width * 0.24, RUN.0, RUN.1)));
        let (step, phase) = (next(STEP), next(PHASE));
        let text = (x, (width - x).max(0.0));
        Self { time, offset, run, step, phase, text }
    }

    /// Shows the heads of the columns.
    pub(super) fn heads_ui(&self, ui: &mut Ui) {
        let palette = style::palette(ui.ctx());
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEAD), Sense::hover());
        ui.painter().rect_filled(rect, 0.0, ink(palette.bridge_bottom));
        let heads = [
            (Some(self.time), "time"),
            (self.offset, "at"),
            (self.run, "run"),
            (Some(self.step), "step"),
            (Some(self.phase), "phase"),
            (Some(self.text), "text"),
        ];
        for (span, words) in heads {
            if let Some((x, width)) = span {
                head(ui, rect, x, width, words);
            }
        }
    }
}

fn head(ui: &Ui, rect: Rect, x: f32, width: f32, words: &str) {
    let palette = style::palette(ui.ctx());
    let font = style::body(text::SMALL);
    paint_line(
        ui,
        rect.left() + x,
        rect.center().y,
        elided(ui, words, font, palette.text_secondary, width),
    );
}
