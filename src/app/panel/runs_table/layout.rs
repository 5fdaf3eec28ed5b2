//! Places of the table's parts in its pane.

use bevy_egui::egui::{Rect, pos2, vec2};

use super::columns::{Columns, SCROLL_BAR};
use crate::app::panel::style::space;

/// Widths of the pane from which on the title has both buttons beside it, that of the columns, and the search field.
const WITH_BUTTONS: f32 = 760.0;
const WITH_COLUMNS: f32 = 560.0;
const WITH_SEARCH: f32 = 440.0;
/// Distances in points: above the title, between the lines of tools, around the chips.
const TOP: f32 = 9.0;
const LINE_GAP: f32 = 13.0;
const CHIP: f32 = 27.0;
const HEADS: f32 = 26.0;
const FOOT: f32 = 30.0;
const BUTTON_GAP: f32 = 8.0;
/// Widths of the buttons.
const EXPORT: f32 = 132.0;
const COLUMNS: f32 = 84.0;

/// Places of the parts, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    /// Name of the pane and the number of runs.
    pub title: Rect,
    /// True when the search field stands below the title and not beside it.
    pub is_stacked: bool,
    pub search: Rect,
    /// `None` where there is no room; the key still works.
    pub export: Option<Rect>,
    pub columns: Option<Rect>,
    pub chips: Rect,
    pub heads: Rect,
    pub rows: Rect,
    /// Lower part of `rows`, for a sentence.
    pub foot: Rect,
}

impl Layout {
    /// Returns the places in a pane.
    pub(super) fn of(pane: Rect, columns: &Columns) -> Self {
        let (left, right) = (pane.left() + columns.margin, pane.right() - columns.margin);
        let mut y = pane.top() + TOP;
        let line = |y: f32, left: f32, right: f32, height: f32| {
            Rect::from_min_max(pos2(left, y), pos2(right.max(left), y + height))
        };
        let width = pane.width();
        let is_stacked = width < WITH_SEARCH;
        let (title, search, (export, columns)) = if width >= WITH_BUTTONS {
            let columns = line(y, right - COLUMNS, right, space::ROW);
            let export_right = columns.left() - BUTTON_GAP;
            let export = line(y, export_right - EXPORT, export_right, space::ROW);
            let search_left = pane.left() + if width >= 900.0 { 284.0 } else { 264.0 };
            let search = line(y, search_left, export.left() - BUTTON_GAP, space::ROW);
            let title = line(y, left, search_left - BUTTON_GAP, space::ROW);
            (title, search, (Some(export), Some(columns)))
        } else if !is_stacked {
            let search_left = pane.left() + 176.0;
            let columns =
                (width >= WITH_COLUMNS).then(|| line(y, right - COLUMNS, right, space::ROW));
            let search_right = columns.map_or(right, |columns| columns.left() - BUTTON_GAP);
            let search = line(y, search_left, search_right, space::ROW);
            (line(y, left, search_left - BUTTON_GAP, space::ROW), search, (None, columns))
        } else {
            let title = line(y, left, right, space::ROW);
            y += space::ROW + 4.0;
            (title, line(y, left, right, space::ROW), (None, None))
        };
        y += space::ROW + LINE_GAP;
        let chips = line(y, left, right, CHIP);
        y += CHIP + BUTTON_GAP;
        let heads = line(y, pane.left(), pane.right(), HEADS);
        let rows_top = (y + HEADS + 1.0).min(pane.bottom());
        let rows = Rect::from_min_max(pos2(pane.left(), rows_top), pane.max);
        let foot_size = vec2((rows.width() - SCROLL_BAR).max(0.0), FOOT.min(rows.height()));
        let foot = Rect::from_min_size(pos2(rows.left(), rows.bottom() - foot_size.y), foot_size);
        Self { title, is_stacked, search, export, columns, chips, heads, rows, foot }
    }

    /// Takes the foot's place from the rows.
    pub(super) fn rows_above_foot(&self, has_foot: bool) -> Rect {
        let bottom = if has_foot { self.foot.top() } else { self.rows.bottom() };
        Rect::from_min_max(self.rows.min, pos2(self.rows.right(), bottom))
    }
}
