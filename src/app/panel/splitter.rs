//! Bar between two areas, moved by the pointer, or by arrow keys while it has the focus.

use bevy_egui::egui::{
    CornerRadius, CursorIcon, EventFilter, Id, Key, Rect, Sense, Ui, WidgetInfo, WidgetType, vec2,
};

use super::style::{self, ink};

/// Thickness of the bar, in points.
pub(super) const SPLITTER: f32 = 6.0;
/// Way of the bar at a press of an arrow key, in points.
const STEP: f32 = 24.0;
/// Length of the grip, in points.
const GRIP: f32 = 44.0;

/// Direction in which a bar moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moves {
    /// To the left and right.
    Across,
    /// Up and down.
    UpAndDown,
}

/// Shows the bar in `rect`; `label` is its accessible name, and unique among those of the window. Returns how far
/// it was moved, in points.
pub(super) fn splitter_ui(ui: &mut Ui, rect: Rect, label: &str, moves: Moves) -> f32 {
    let palette = style::palette(ui.ctx());
    let response = ui.interact(rect, Id::new(("splitter", label)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Slider, true, label));
    let is_used = response.dragged() || response.has_focus();
    let tone = match is_used {
        true => palette.violet_text,
        false if response.hovered() => palette.text_tertiary,
        false => palette.line,
    };
    let is_across = moves == Moves::Across;
    let (grip, cursor, keys) = match moves {
        Moves::Across => {
            (vec2(2.0, GRIP), CursorIcon::ResizeHorizontal, [Key::ArrowLeft, Key::ArrowRight])
        }
        Moves::UpAndDown => {
            (vec2(GRIP, 2.0), CursorIcon::ResizeVertical, [Key::ArrowUp, Key::ArrowDown])
        }
    };
    ui.painter().rect_filled(rect, 0.0, ink(palette.bg));
    let grip = Rect::from_center_size(rect.center(), grip);
    ui.painter().rect_filled(grip, CornerRadius::same(1), ink(tone));
    let response = response.on_hover_cursor(cursor);
    let drag = response.drag_delta();
    let mut moved = if is_across { drag.x } else { drag.y };
    if response.has_focus() {
        let filter = EventFilter {
            horizontal_arrows: is_across,
            vertical_arrows: !is_across,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        ui.input(|input| {
            for (key, by) in keys.into_iter().zip([-STEP, STEP]) {
                moved += by * input.num_presses(key) as f32;
            }
        });
    }
    moved
}
