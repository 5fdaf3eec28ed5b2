//! Widgets that several sections of the inspector and of the comparison use.

use bevy::color::Color;
use bevy_egui::egui::{
    FontId, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2,
    vec2,
};

use crate::app::panel::copied::{copy_for, says_copied};
use crate::app::panel::glyph::paint_fold;
use crate::app::panel::key_caps::{keys_width, paint_keys};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{self, describe_button, elided, paint_line, paint_line_to};

/// Height of a row, in points.
pub(in crate::app::panel) const ROW: f32 = 26.0;

/// Height of a section's title, in points.
const HEAD: f32 = 32.0;

/// Height of a button, in points.
pub(in crate::app::panel) const BUTTON: f32 = 30.0;

/// Title of a section.
pub(in crate::app::panel) struct Head<'a> {
    /// Title.
    pub title: &'a str,
    /// Begin of the contents, shown while the section is folded.
    pub preview: &'a str,
    /// Sum of the contents, at the right.
    pub sum: &'a str,
    /// Colour of the sum.
    pub tone: Color,
}

/// Shows the title of a section, which folds it on a click.
pub(in crate::app::panel) fn head_ui(ui: &mut Ui, open: &mut bool, head: &Head) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEAD), Sense::click());
    let shown = *open;
    response.widget_info(|| {
        let label = match head.sum {
            "" => head.title.to_owned(),
            sum => format!("{}: {sum}", head.title),
        };
        WidgetInfo::selected(WidgetType::CollapsingHeader, true, shown, label)
    });
    let y = rect.center().y;
    paint_fold(ui.painter(), pos2(rect.left() + 6.0, y), shown);
    let title = elided(ui, head.title, style::semibold(16.0), palette.text, width - 20.0);
    let title_width = title.size().x;
    paint_line(ui, rect.left() + 18.0, y, title);
    let room = width - 18.0 - title_width - 16.0;
    let sum = elided(ui, head.sum, style::body(text::SMALL), head.tone, room);
    let sum_width = sum.size().x;
    paint_line_to(ui, rect.right(), y, sum);
    if !shown && !head.preview.is_empty() {
        let x = rect.left() + 18.0 + title_width + 14.0;
        let room = rect.right() - sum_width - 14.0 - x;
        if room > 60.0 {
            let tone = palette.text_tertiary;
            paint_line(ui, x, y, elided(ui, head.preview, style::mono(text::SMALL), tone, room));
        }
    }
    widgets::focus_ring(ui, &response, rect.expand2(vec2(5.0, 0.0)));
    if response.clicked() {
        *open = !*open;
    }
}

/// Emphasis of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app::panel) enum Mark {
    /// No emphasis.
    None,
    /// The row whose values are shown below.
    Shown,
    /// Chosen, and framed.
    Framed,
    /// The selected run.
    Selected,
}

/// Allocates a row and paints its ground; `label` is its accessible name.
pub(in crate::app::panel) fn row_ui(
    ui: &mut Ui,
    id: impl std::hash::Hash + std::fmt::Debug,
    mark: Mark,
    label: &str,
) -> (Rect, Response) {
    let palette = style::palette(ui.ctx());
    let size = vec2(ui.available_width(), ROW);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let response = ui.interact(rect, ui.id().with(id), Sense::click());
    let is_on = matches!(mark, Mark::Framed | Mark::Selected);
    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, is_on, label));
    let back = rect.expand2(vec2(6.0, 0.0));
    let fill = match mark {
        Mark::Selected => Some(palette.selection),
        _ if response.hovered() => Some(palette.hover),
        Mark::Shown | Mark::Framed => Some(palette.bezel_top),
        Mark::None => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(back, 4.0, ink(fill));
    }
    if mark == Mark::Framed {
        paint_frame(ui, back.shrink(2.5));
    }
    widgets::focus_ring(ui, &response, back);
    (rect, response)
}

/// Place of a text in a row.
#[derive(Clone, Copy, Debug)]
pub(in crate::app::panel) enum Side {
    /// To the right of this x, in points.
    From(f32),
    /// To the left of this x, in points.
    To(f32),
}

/// Paints a text on one line, at most `room` points wide. Returns its width.
pub(in crate::app::panel) fn paint_cell(
    ui: &Ui,
    side: Side,
    (y, room): (f32, f32),
    words: &str,
    font: FontId,
    tone: Color,
) -> f32 {
    let galley = elided(ui, words, font, tone, room);
    let width = galley.size().x;
    match side {
        Side::From(x) => paint_line(ui, x, y, galley),
        Side::To(x) => paint_line_to(ui, x, y, galley),
    }
    width
}

/// Shows a line of quiet text that wraps.
pub(in crate::app::panel) fn quiet_ui(ui: &mut Ui, words: &str) {
    let palette = style::palette(ui.ctx());
    let words = bevy_egui::egui::RichText::new(words).font(style::body(15.0));
    ui.add(bevy_egui::egui::Label::new(words.color(ink(palette.text_secondary))).wrap());
}

/// Shows a name and its value on one line; the whole value is in the tooltip.
pub(in crate::app::panel) fn value_ui(ui: &mut Ui, name: &str, value: &str, mono: bool) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
    response
        .widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, format!("{name}: {value}")));
    let column = if width < 480.0 { 130.0 } else { 170.0 };
    let y = rect.center().y;
    let small = style::body(text::SMALL);
    let side = Side::From(rect.left());
    paint_cell(ui, side, (y, column - 10.0), name, small, palette.text_secondary);
    let font = if mono { style::mono(text::SMALL) } else { style::body(15.0) };
    let side = Side::From(rect.left() + column);
    paint_cell(ui, side, (y, width - column), value, font, palette.text);
    response.on_hover_text(value);
}

/// A button of the inspector.
pub(in crate::app::panel) struct InspectorButton<'a> {
    /// Words on it.
    pub words: &'a str,
    /// Key that does the same, shown where there is room.
    pub key: Option<String>,
    /// Colour of the words.
    pub tone: Color,
    /// Tooltip; why the button does nothing where it is not enabled.
    pub tip: &'a str,
    /// False where it does nothing now.
    pub is_enabled: bool,
    /// Width in points.
    pub width: f32,
}

/// Shows a button with its key.
pub(in crate::app::panel) fn inspector_button_ui(
    ui: &mut Ui,
    button: &InspectorButton,
) -> Response {
    let palette = style::palette(ui.ctx());
    let size = vec2(button.width, BUTTON);
    // A scope of its own would not wrap with the others.
    let sense = if button.is_enabled { Sense::click() } else { Sense::hover() };
    let response = ui.allocate_response(size, sense);
    response
        .widget_info(|| WidgetInfo::labeled(WidgetType::Button, button.is_enabled, button.words));
    let rect = response.rect;
    let is_hot = button.is_enabled && response.hovered();
    let fill = if is_hot { palette.hover } else { palette.bezel_top };
    let edge = if button.is_enabled { palette.line_strong } else { palette.hair };
    ui.painter().rect(
        rect,
        6.0,
        ink(if button.is_enabled { fill } else { palette.bridge }),
        Stroke::new(1.0, ink(edge)),
        StrokeKind::Inside,
    );
    let tone = if button.is_enabled { button.tone } else { palette.text_tertiary };
    let words = elided(ui, button.words, style::body(15.0), tone, button.width - 8.0);
    let key = button.key.as_deref().filter(|_| button.is_enabled);
    let key = key.map(|key| (keys_width(ui, key), key));
    let key = key.filter(|(width, _)| words.size().x + width + 8.0 <= button.width - 12.0);
    let key_width = key.map_or(0.0, |(width, _)| width + 8.0);
    let x = rect.center().x - (words.size().x + key_width) / 2.0;
    let words_width = words.size().x;
    paint_line(ui, x, rect.center().y, words);
    if let Some((width, key)) = key {
        let right = x + words_width + 8.0 + width;
        paint_keys(ui, right, rect.center().y, key, palette.text_secondary);
    }
    widgets::focus_ring(ui, &response, rect);
    if button.tip.is_empty() { response } else { response.on_hover_text(button.tip) }
}

/// Shows the button that shows the events of a step; true when it was pressed.
pub(super) fn log_button_ui(ui: &mut Ui) -> bool {
    let button = InspectorButton {
        words: "Log",
        key: None,
        tone: style::palette(ui.ctx()).text,
        tip: "Show the events of this step",
        is_enabled: true,
        width: 60.0,
    };
    inspector_button_ui(ui, &button).clicked()
}

/// Shows a button that copies a text, and says "copied" for a moment; `label` says what it copies.
pub(in crate::app::panel) fn copy_button_ui(
    ui: &mut Ui,
    words: &str,
    label: &str,
    width: f32,
    text: impl FnOnce() -> String,
) {
    let palette = style::palette(ui.ctx());
    let id = ui.id().with(("copied", label));
    let words = if says_copied(ui, id) { "copied" } else { words };
    let button = InspectorButton {
        words,
        key: None,
        tone: palette.text,
        tip: label,
        is_enabled: true,
        width,
    };
    let response = inspector_button_ui(ui, &button);
    if words != "copied" {
        describe_button(&response, label);
    }
    if response.clicked() {
        copy_for(ui, id, text());
    }
}

/// Paints the violet frame of what is chosen around `rect`.
pub(in crate::app::panel) fn paint_frame(ui: &Ui, rect: Rect) {
    let palette = style::palette(ui.ctx());
    let stroke = Stroke::new(2.5, ink(palette.violet_text));
    ui.painter().rect_stroke(rect, 3.0, stroke, StrokeKind::Outside);
}

/// Paints a dashed frame, as of what has not happened.
pub(in crate::app::panel) fn paint_dashed(ui: &Ui, rect: Rect) {
    let palette = style::palette(ui.ctx());
    let stroke = Stroke::new(1.2, ink(palette.skipped_hatch));
    if rect.width() < 6.0 {
        ui.painter().rect_stroke(rect, 0.0, stroke, StrokeKind::Inside);
        return;
    }
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    ui.painter().extend(Shape::dashed_line(&corners, stroke, 4.0, 3.0));
}

/// Paints the line between two sections, and its room.
pub(in crate::app::panel) fn rule_ui(ui: &mut Ui) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover());
    let stroke = Stroke::new(1.0, ink(palette.hair));
    ui.painter().hline(rect.x_range().expand(16.0), rect.center().y, stroke);
}
