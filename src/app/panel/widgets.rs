//! Widgets shared by the panel's sections.

use bevy::color::Color;
use bevy_egui::egui::{
    Align, Button, Color32, Context, EventFilter, FontId, Galley, Id, Layout, Pos2, Rect, Response,
    RichText, Sense, Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, WidgetType, pos2,
    text::LayoutJob, vec2,
};
use std::sync::Arc;

use super::copied::{copy_for, says_copied};
use super::glyph;
use super::style::{self, ink, space, text};
use crate::bounded::bounded;

/// Emphasis of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// Recommended action.
    Primary,
    Plain,
    /// Action that is not possible now.
    Disabled,
}

/// Shows a button of at least this width.
pub(super) fn button_ui(ui: &mut Ui, text: &str, offer: Offer, width: f32) -> Response {
    let palette = style::palette(ui.ctx());
    ui.scope(|ui| {
        let mut label = RichText::new(text);
        if offer == Offer::Primary {
            let widgets = &mut ui.visuals_mut().widgets;
            widgets.inactive.weak_bg_fill = ink(palette.violet);
            widgets.inactive.bg_stroke.color = ink(palette.violet_led);
            widgets.hovered.weak_bg_fill = ink(palette.violet_led);
            widgets.active.weak_bg_fill = ink(palette.violet);
            widgets.active.bg_stroke.color = ink(palette.on_violet);
            label = label.color(ink(palette.on_violet));
        }
        let button = Button::new(label).min_size(vec2(width, space::ROW));
        ui.add_enabled(offer != Offer::Disabled, button)
    })
    .inner
}

/// Shows a button without a frame; `label` is its accessible name.
pub(super) fn text_button_ui(ui: &mut Ui, text: &str, label: &str) -> Response {
    let palette = style::palette(ui.ctx());
    let words = RichText::new(text).color(ink(palette.violet_text));
    let response = ui.add(Button::new(words).frame_when_inactive(false).small());
    describe_button(&response, label);
    response
}

/// Shows a closing cross; `label` is its accessible name.
pub(super) fn close_ui(ui: &mut Ui, label: &str) -> Response {
    let palette = style::palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(26.0), Sense::click());
    describe_button(&response, label);
    let tone = if response.hovered() { palette.text } else { palette.text_secondary };
    for flip in [1.0, -1.0] {
        let ends = [rect.center() + vec2(-5.0, -5.0 * flip), rect.center() + vec2(5.0, 5.0 * flip)];
        ui.painter().line_segment(ends, Stroke::new(2.5, ink(tone)));
    }
    if response.has_focus() {
        let ring = Stroke::new(2.0, ink(palette.violet_text));
        ui.painter().rect_stroke(rect, 4.0, ring, StrokeKind::Inside);
    }
    response.on_hover_text(label)
}

/// Shows a button that copies a text, and says "copied" for a moment; `label` says what it copies, and is
/// unique among the buttons of `ui`.
pub(super) fn copy_ui(ui: &mut Ui, label: &str, text: impl FnOnce() -> String) {
    copy_words_ui(ui, "copy", label, text);
}

/// Shows a button as [`copy_ui`], with these words.
pub(super) fn copy_words_ui(ui: &mut Ui, words: &str, label: &str, text: impl FnOnce() -> String) {
    let id = ui.id().with(("copied", label));
    let (words, name) = if says_copied(ui, id) { ("copied", "copied") } else { (words, label) };
    if text_button_ui(ui, words, name).on_hover_text(label).clicked() {
        copy_for(ui, id, text());
    }
}

/// Shows a text field; `hint` is also its accessible name.
pub(super) fn search_ui(ui: &mut Ui, value: &mut String, hint: &str, width: f32) -> Response {
    let palette = style::palette(ui.ctx());
    let field = TextEdit::singleline(value)
        .hint_text(RichText::new(hint).color(ink(palette.text_tertiary)))
        .desired_width(width - 20.0)
        .min_size(vec2(width, space::ROW))
        .margin(vec2(10.0, 4.0))
        .vertical_align(Align::Center);
    let response = ui.add(field);
    set_accessible_name(&response, hint);
    response
}

/// Sets the accessible name of a widget.
pub(super) fn set_accessible_name(response: &Response, label: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(label));
}

/// Sets the accessible description of a painted button.
pub(super) fn describe_button(response: &Response, label: &str) {
    let enabled = response.enabled();
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, label));
}

/// Shows the title of a section, which folds it on a click, with `trailing` at the right.
pub(super) fn section_ui(
    ui: &mut Ui,
    open: &mut bool,
    title: &str,
    trailing: impl FnOnce(&mut Ui),
) {
    let palette = style::palette(ui.ctx());
    ui.horizontal(|ui| {
        ui.set_min_height(space::ROW);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            trailing(ui);
            let width = ui.available_width();
            let galley =
                elided(ui, title, style::semibold(text::SECTION), palette.text, width - 24.0);
            let size = vec2(width, space::ROW);
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            let shown = *open;
            response.widget_info(|| {
                WidgetInfo::selected(WidgetType::CollapsingHeader, true, shown, title)
            });
            glyph::paint_fold(ui.painter(), pos2(rect.left() + 6.0, rect.center().y), *open);
            paint_line(ui, rect.left() + 20.0, rect.center().y, galley);
            focus_ring(ui, &response, rect.expand2(vec2(5.0, 0.0)));
            if response.clicked() {
                *open = !*open;
            }
        });
    });
}

/// Shows the line between two sections.
pub(super) fn rule_ui(ui: &mut Ui) {
    let palette = style::palette(ui.ctx());
    ui.add_space(1.0);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.5), Sense::hover());
    let x = rect.x_range().expand(8.0);
    ui.painter().hline(x, rect.center().y, Stroke::new(1.5, ink(palette.hair)));
}

/// Lays out one line of text, truncated with an ellipsis at `max_width`.
pub(super) fn elided(
    ui: &Ui,
    text: &str,
    font: FontId,
    colour: Color,
    max_width: f32,
) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, ink(colour));
    job.wrap.max_width = max_width.max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    ui.painter().layout_job(job)
}

/// Paints a laid-out line to the right of `x`, centred on `y`.
pub(super) fn paint_line(ui: &Ui, x: f32, y: f32, galley: Arc<Galley>) {
    let at = pos2(x, y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, Color32::PLACEHOLDER);
}

/// Paints a laid-out line that ends at `x`.
pub(super) fn paint_line_to(ui: &Ui, x: f32, y: f32, galley: Arc<Galley>) {
    paint_line(ui, x - galley.size().x, y, galley);
}

/// Tells that a focused widget is a list, which leaves keys of time to the display; `has_failures` when `[` and
/// `]` are for the list.
pub(super) fn tell_list_focus(ctx: &Context, id: Id, has_failures: bool) {
    ctx.data_mut(|data| data.insert_temp(list_focus_key(), (id, has_failures)));
}

/// Returns what [`tell_list_focus`] told of the widget that has the focus; `None` where it is no list.
pub(super) fn list_focus(ctx: &Context, focused: Id) -> Option<bool> {
    let told: Option<(Id, bool)> = ctx.data(|data| data.get_temp(list_focus_key()));
    told.filter(|(id, _)| *id == focused).map(|(_, has_failures)| has_failures)
}

fn list_focus_key() -> Id {
    Id::new("list with the keyboard's focus")
}

/// Keeps egui from moving the focus by arrows while a widget has it.
pub(super) fn keep_arrows(ui: &Ui, id: Id) {
    let filter =
        EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
}

/// Paints the focus ring of a widget that egui does not paint.
pub(super) fn focus_ring(ui: &Ui, response: &Response, rect: Rect) {
    let palette = style::palette(ui.ctx());
    if response.has_focus() {
        let ring = Stroke::new(2.0, ink(palette.violet_text));
        ui.painter().rect_stroke(rect, 5.0, ring, StrokeKind::Inside);
    }
}

/// Shows a bar filled from the left; `part` is 0 to 1.
pub(super) fn bar_ui(ui: &mut Ui, width: f32, part: f32, fill: Color, label: &str) {
    let palette = style::palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(width, 12.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, true, label));
    ui.painter().rect_filled(rect, 6.0, ink(palette.well));
    let filled = Rect::from_min_size(rect.min, Vec2::new(width * bounded(part, 0.0, 1.0), 12.0));
    if filled.width() >= 12.0 {
        ui.painter().rect_filled(filled, 6.0, ink(fill));
    }
}

/// Paints a row of LEDs; `part`, 0 to 1, of them are lit.
pub(super) fn paint_leds(ui: &Ui, from: Pos2, width: f32, part: f32, lit: Color) {
    let palette = style::palette(ui.ctx());
    const PITCH: f32 = 7.56;
    let count = (width / PITCH).floor().max(1.0);
    let on = (bounded(part, 0.0, 1.0) * count).round();
    for led in 0..count as usize {
        let at = from + vec2(led as f32 * PITCH, -6.5);
        let tone = if (led as f32) < on { lit } else { palette.led_off };
        ui.painter().rect_filled(Rect::from_min_size(at, vec2(5.6, 13.0)), 1.5, ink(tone));
    }
}
