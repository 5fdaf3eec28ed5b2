//! Stack traces: told apart from what an error says, and folded.

use bevy_egui::egui::{Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::part::{Side, paint_cell};
use crate::app::panel::glyph::paint_fold;
use crate::app::panel::node::long_text_ui;
use crate::app::panel::style::{self, text};
use crate::app::panel::widgets::{self, copy_ui};

/// Begins of stack traces within an error's text.
const MARKS: [&str; 3] = ["Traceback (most recent call last)", "\n    at ", "\nstack backtrace:"];

/// Splits an error's text into what it says and its stack trace. What is nothing but a stack trace says its
/// last line.
pub(super) fn split_trace(error: &str) -> (&str, Option<&str>) {
    let found = MARKS.iter().filter_map(|mark| error.find(mark)).min();
    let Some(at) = found else { return (error, None) };
    let (said, trace) = error.split_at(at);
    if said.trim().is_empty() {
        let last = trace.trim_end().lines().next_back().unwrap_or(trace);
        return (last.trim(), Some(trace));
    }
    (said.trim_end(), Some(trace.trim_start_matches('\n')))
}

/// Shows a stack trace, which a click on its title unfolds; `salt` tells it from other ones.
pub(super) fn trace_ui(ui: &mut Ui, salt: &str, trace: &str, open: &mut bool) {
    let palette = style::palette(ui.ctx());
    ui.push_id(("trace", salt), |ui| {
        let size = vec2(ui.available_width(), 26.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let is_open = *open;
        let lines = trace.trim_end().lines().count();
        let title = match lines {
            1 => "Stack trace, 1 line".to_owned(),
            lines => format!("Stack trace, {lines} lines"),
        };
        response.widget_info(|| {
            WidgetInfo::selected(WidgetType::CollapsingHeader, true, is_open, &title)
        });
        let y = rect.center().y;
        paint_fold(ui.painter(), pos2(rect.left() + 6.0, y), is_open);
        let tone = palette.text_secondary;
        let side = Side::From(rect.left() + 18.0);
        paint_cell(ui, side, (y, size.x - 18.0), &title, style::body(text::SMALL), tone);
        widgets::focus_ring(ui, &response, rect);
        if response.clicked() {
            *open = !*open;
        }
        if is_open {
            copy_ui(ui, "Copy the stack trace", || trace.to_owned());
            style::well_frame(palette).show(ui, |ui| long_text_ui(ui, "trace", trace, 10.0));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_trace_is_told_apart_from_the_error() {
        let check = |error, said, has_trace: bool| {
            let (found, trace) = split_trace(error);
            assert_eq!((found, trace.is_some()), (said, has_trace));
        };
        check("timed out", "timed out", false);
        check("timed out\nTraceback (most recent call last):\n  File", "timed out", true);
        check("Traceback (most recent call last):\n  File\nKeyError: 'x'\n", "KeyError: 'x'", true);
        check("TypeError: x\n    at f (a.js:1)\n    at g", "TypeError: x", true);
        check("", "", false);
    }
}
