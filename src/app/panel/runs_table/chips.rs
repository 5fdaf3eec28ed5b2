//! Chips: filters by status with their numbers, and the runs that wait outside a held list.

use std::sync::Arc;

use bevy_egui::egui::epaint::PathShape;
use bevy_egui::egui::{
    Color32, EventFilter, Galley, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo,
    WidgetType, pos2, vec2,
};

use super::focus;
use super::layout::Layout;
use super::order::{STATUSES, Waiting};
use super::state::{Ids, RunsTableState};
use super::tools::is_key_pressed;
use crate::app::panel::glyph::Sign;
use crate::app::panel::key_caps::{keys_width, paint_keys};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{elided, keep_arrows, paint_line};
use crate::app::words::count_words;
use crate::model::RunStatus;

/// Distances in points: at the ends of a chip, between its parts, between chips.
const PAD: f32 = 10.0;
const PART_GAP: f32 = 6.0;
const CHIP_GAP: f32 = 7.0;
const SIGN: f32 = 7.0;
/// Room that is always left for the chip of new runs, so that its coming moves nothing.
const NEW_WITH_KEY: f32 = 236.0;
const NEW: f32 = 150.0;
/// Key of the rows that goes to the top and lets new runs in.
const TO_THE_TOP: &str = "Home";
/// Width of that chip without its words and its key.
const WITHOUT_WORDS: f32 = 36.0;

/// Contents of a chip, by the room that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Words,
    Numbers,
    Signs,
}

struct Chip {
    status: Option<RunStatus>,
    count: String,
    words: Arc<Galley>,
    number: Arc<Galley>,
}

impl Chip {
    fn has_words(&self, detail: Detail) -> bool {
        detail == Detail::Words || self.status.is_none()
    }

    fn width(&self, detail: Detail) -> f32 {
        let mut parts = Vec::new();
        if self.status.is_some() {
            parts.push(2.0 * SIGN);
        }
        if self.has_words(detail) {
            parts.push(self.words.size().x);
        }
        if detail != Detail::Signs {
            parts.push(self.number.size().x);
        }
        parts.iter().sum::<f32>() + PART_GAP * (parts.len() - 1) as f32 + 2.0 * PAD
    }
}

/// Shows a chip for all runs and one for each status, with their numbers among the runs that the search
/// matches. Returns where they end.
pub(super) fn chips_ui(ui: &mut Ui, ids: Ids, layout: &Layout, state: &mut RunsTableState) -> f32 {
    let palette = style::palette(ui.ctx());
    let counts = *state.order.counts();
    let all: usize = counts.iter().sum();
    let statuses = STATUSES.into_iter().map(Some).zip(counts);
    let chips: Vec<Chip> = std::iter::once((None, all))
        .chain(statuses)
        .map(|(status, count)| {
            let is_chosen = state.status == status;
            let colour = if is_chosen { palette.text } else { palette.text_secondary };
            let count = count_words(count as u64);
            let words = status.map_or("all", RunStatus::words);
            Chip {
                status,
                words: elided(ui, words, style::body(text::SMALL), colour, 120.0),
                number: elided(ui, &count, style::semibold(text::SMALL), palette.text, 90.0),
                count,
            }
        })
        .collect();
    let width = |detail: Detail| {
        chips.iter().map(|chip| chip.width(detail) + CHIP_GAP).sum::<f32>() - CHIP_GAP
    };
    let room = layout.chips.width();
    let detail = match room {
        _ if width(Detail::Words) + NEW_WITH_KEY <= room => Detail::Words,
        _ if width(Detail::Numbers) + NEW <= room => Detail::Numbers,
        // The chip of new runs stands beside the title.
        _ if layout.is_stacked && width(Detail::Numbers) <= room => Detail::Numbers,
        _ => Detail::Signs,
    };
    let mut left = layout.chips.left();
    for (index, chip) in chips.iter().enumerate() {
        let size = vec2(chip.width(detail), layout.chips.height());
        let rect = Rect::from_min_size(pos2(left, layout.chips.top()), size);
        left = rect.right() + CHIP_GAP;
        chip_ui(ui, ids, rect, (index, chip, detail), state);
    }
    left - CHIP_GAP
}

fn chip_ui(
    ui: &mut Ui,
    ids: Ids,
    rect: Rect,
    (index, chip, detail): (usize, &Chip, Detail),
    state: &mut RunsTableState,
) {
    let palette = style::palette(ui.ctx());
    let id = ids.chip(index);
    let response = ui.interact(rect, id, focus::sense(index == state.chip));
    let is_chosen = state.status == chip.status;
    response.widget_info(|| {
        let label = format!("{} {}", chip.words.text(), chip.count);
        WidgetInfo::selected(WidgetType::SelectableLabel, true, is_chosen, label)
    });
    let fill = match is_chosen {
        true => palette.selection,
        false if response.hovered() => palette.hover,
        false => palette.bezel_top,
    };
    let edge = if is_chosen { palette.violet_led } else { palette.line_strong };
    let edge = Stroke::new(1.0, ink(edge));
    ui.painter().rect(rect, 13.5, ink(fill), edge, StrokeKind::Inside);
    let y = rect.center().y;
    let mut x = rect.left() + PAD;
    if let Some(status) = chip.status {
        Sign::from(status).paint(ui.painter(), pos2(x + SIGN, y), SIGN);
        x += 2.0 * SIGN + PART_GAP;
    }
    if chip.has_words(detail) {
        let width = chip.words.size().x;
        paint_line(ui, x, y, chip.words.clone());
        x += width + PART_GAP;
    }
    if detail != Detail::Signs {
        paint_line(ui, x, y, chip.number.clone());
    }
    if response.has_focus() {
        let ring = Stroke::new(2.0, ink(palette.violet_text));
        ui.painter().rect_stroke(rect, 13.5, ring, StrokeKind::Inside);
        keep_arrows(ui, id);
    }
    if response.clicked() {
        state.status = if is_chosen { None } else { chip.status };
        state.chip = index;
    }
    if detail != Detail::Words && index > 0 {
        response.on_hover_text(chip.words.text());
    }
}

/// Shows how many runs wait outside the held list; a press lets them in. `free_from` is where the words of
/// the title end, and where the other chips do.
pub(super) fn new_chip_ui(
    ui: &mut Ui,
    ids: Ids,
    layout: &Layout,
    free_from: (f32, f32),
    state: &mut RunsTableState,
) {
    let waiting = state.order.waiting();
    let Some(words) = waiting_words(waiting, state.is_filtered()) else { return };
    let palette = style::palette(ui.ctx());
    // A narrow pane has its room beside the title, which has a line of its own there.
    let (line, from) = match layout.is_stacked {
        true => (layout.title, free_from.0),
        false => (layout.chips, free_from.1),
    };
    let room = (line.right() - from - 2.0 * CHIP_GAP).max(0.0);
    let font = style::semibold(text::SMALL);
    let laid_out = |words: &str, room: f32| elided(ui, words, font.clone(), palette.text, room);
    let key = keys_width(ui, TO_THE_TOP) + 8.0;
    let whole = laid_out(&words, f32::INFINITY).size().x + WITHOUT_WORDS;
    let has_key = whole + key <= room;
    let extra = WITHOUT_WORDS + if has_key { key } else { 0.0 };
    let galley = laid_out(&words, (room - extra).max(0.0));
    let size = vec2(galley.size().x + extra, 27.0);
    let rect =
        Rect::from_min_size(pos2(line.right() - size.x, line.center().y - size.y / 2.0), size);
    let id = ids.new_runs();
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &words));
    let fill = if response.hovered() { ink(palette.hover) } else { Color32::TRANSPARENT };
    let width = if response.has_focus() { 2.5 } else { 1.5 };
    let edge = Stroke::new(width, ink(palette.violet_text));
    ui.painter().rect(rect, 13.5, fill, edge, StrokeKind::Inside);
    let y = rect.center().y;
    let foot = pos2(rect.left() + 12.0, y + 3.5);
    let triangle = vec![foot, foot + vec2(5.0, -7.0), foot + vec2(10.0, 0.0)];
    let fill = ink(palette.violet_text);
    ui.painter().add(Shape::Path(PathShape::convex_polygon(triangle, fill, Stroke::NONE)));
    paint_line(ui, rect.left() + 26.0, y, galley);
    if has_key {
        paint_keys(ui, rect.right() - 10.0, y, TO_THE_TOP, palette.text_secondary);
    }
    if response.has_focus() {
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, EventFilter::default()));
    }
    let by_key = response.has_focus() && is_key_pressed(ui);
    if response.on_hover_text("List them, and go to the top").clicked() {
        state.let_in();
        if by_key {
            // The chip goes: the keyboard moves on to the rows.
            state.cursor = None;
            ui.memory_mut(|memory| memory.request_focus(ids.chip(state.chip)));
        }
    }
}

/// "12 new, 1 matches"; `None` where nothing waits.
fn waiting_words(waiting: Waiting, is_filtered: bool) -> Option<String> {
    let Waiting { new, matching } = waiting;
    let verb = if matching == 1 { "matches" } else { "match" };
    let [new_words, matching_words] = [new, matching].map(|count| count_words(count as u64));
    match (new, matching) {
        (0, 0) => None,
        (0, _) => Some(format!("{matching_words} more {verb}")),
        _ if is_filtered => Some(format!("{new_words} new, {matching_words} {verb}")),
        _ => Some(format!("{new_words} new")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_runs_are_told_in_words() {
        let words = |new, matching, filtered| waiting_words(Waiting { new, matching }, filtered);
        assert_eq!(words(0, 0, true), None);
        assert_eq!(words(12, 12, false).unwrap(), "12 new");
        assert_eq!(words(12, 1, true).unwrap(), "12 new, 1 matches");
        assert_eq!(words(1_200, 0, true).unwrap(), "1,200 new, 0 match");
        assert_eq!(words(0, 2, true).unwrap(), "2 more match");
    }
}
