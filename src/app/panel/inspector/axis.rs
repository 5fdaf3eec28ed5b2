//! Axis of time from the start of a run, with its ticks.

use bevy_egui::egui::{Rangef, Stroke, Ui};
use jiff::Timestamp;

use super::part::{Side, paint_cell};
use crate::app::panel::style::{self, ink, text};
use crate::app::state::clock::millis_between;
use crate::app::words::clock_words;
use crate::bounded::bounded;

/// Distances of ticks, in seconds.
const STEPS: [u64; 17] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];

/// Part of the pane that shows time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::app::panel) struct TimeAxis {
    /// Instant at its left end, for runs of which it shows instants.
    pub from: Timestamp,
    /// Left end, in points.
    pub left: f32,
    /// Right end, in points.
    pub right: f32,
    /// Milliseconds from the left end to the right end, at least 1.
    pub length_ms: u64,
    /// Milliseconds between two ticks.
    pub tick_ms: u64,
}

impl TimeAxis {
    /// Returns an axis that ends at the first tick from `shown_ms` on. It has at most `most` ticks after the
    /// first, so that it changes only when a tick is passed.
    pub(in crate::app::panel) fn new(from: Timestamp, x: Rangef, shown_ms: u64, most: u64) -> Self {
        let seconds = shown_ms.div_ceil(1000).max(1);
        let fits = |step: &&u64| seconds.div_ceil(**step) <= most;
        let day = 86_400;
        let step = STEPS.iter().find(fits).copied();
        let step = step.unwrap_or_else(|| seconds.div_ceil(most.max(1)).div_ceil(day) * day);
        let length_ms = seconds.div_ceil(step).saturating_mul(step).saturating_mul(1000);
        let tick_ms = step.saturating_mul(1000);
        Self { from, left: x.min, right: x.max.max(x.min + 1.0), length_ms, tick_ms }
    }

    /// Returns the x of so many milliseconds after the left end, within the axis.
    pub(in crate::app::panel) fn x(&self, ms: u64) -> f32 {
        let part = bounded(ms as f64 / self.length_ms.max(1) as f64, 0.0, 1.0);
        self.left + (self.right - self.left) * part as f32
    }

    /// Returns the x of an instant, within the axis.
    pub(in crate::app::panel) fn at(&self, at: Timestamp) -> f32 {
        self.x(millis_between(self.from, at))
    }

    /// Paints the ticks' labels at `label_y` and their lines over `lines`.
    pub(in crate::app::panel) fn paint(&self, ui: &Ui, label_y: f32, lines: Rangef) {
        let palette = style::palette(ui.ctx());
        let count = self.length_ms / self.tick_ms.max(1);
        let mut free_from = f32::NEG_INFINITY;
        for tick in 0..=count.min(64) {
            let ms = tick * self.tick_ms;
            let x = self.x(ms);
            ui.painter().vline(x, lines, Stroke::new(1.0, ink(palette.hair)));
            let words = clock_words(ms);
            let width = words.chars().count() as f32 * 8.5;
            let side = match tick {
                0 => Side::From(x),
                tick if tick == count => Side::To(x),
                _ => Side::From(x - width / 2.0),
            };
            let left = match side {
                Side::From(x) => x,
                Side::To(x) => x - width,
            };
            if left < free_from {
                continue;
            }
            let tone = palette.text_tertiary;
            paint_cell(ui, side, (label_y, 90.0), &words, style::body(text::SMALL), tone);
            free_from = left + width + 6.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_ends_at_a_tick_and_has_few() {
        let check = |shown_ms, tick_ms, length_ms| {
            let axis = TimeAxis::new(Timestamp::UNIX_EPOCH, Rangef::new(10.0, 110.0), shown_ms, 4);
            assert_eq!((axis.tick_ms, axis.length_ms), (tick_ms, length_ms), "{shown_ms}");
            assert!(axis.x(0) == 10.0 && axis.x(length_ms) == 110.0 && axis.x(u64::MAX) == 110.0);
        };
        check(0, 1_000, 1_000);
        check(216_000, 60_000, 240_000);
        check(240_000, 60_000, 240_000);
        check(240_001, 120_000, 360_000);
        check(4 * 86_400_000, 86_400_000, 4 * 86_400_000);
        check(40 * 86_400_000, 10 * 86_400_000, 40 * 86_400_000);
    }
}
