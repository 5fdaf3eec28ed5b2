//! *Fixes*: the verdicts on one scale with the pass mark, and the scores of each pass beside each other.

use bevy::color::Color;
use bevy_egui::egui::{
    Rangef, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2,
};

use super::choice::Choice;
use super::part::{Head, Side, head_ui, paint_cell, paint_frame, quiet_ui};
use super::state::InspectorState;
use super::verdicts::{FixColumn, Fixes, fix_of};
use super::view::InspectorView;
use super::words::score_change_words;
use crate::app::panel::glyph::Sign;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets;
use crate::app::theme::Palette;
use crate::app::words::{number_words, score_words};
use crate::bounded::bounded;
use crate::model::Run;
use crate::timeline::RunBars;

/// Height of the scale with its labels, in points.
const SCALE: f32 = 66.0;

/// Height of a row of the table, in points.
const ROW: f32 = 23.0;

/// Distances of the table's columns, in points.
const PITCH: f32 = 68.0;
const LEAST_PITCH: f32 = 48.0;

/// Least room for the names of scores, in points.
const NAMES: f32 = 96.0;

/// Rows of scores that are shown at most.
const MOST_SCORES: usize = 24;

/// Shows the section.
pub(super) fn fixes_ui(
    ui: &mut Ui,
    view: &InspectorView,
    (run, bars): (&Run, &RunBars),
    state: &mut InspectorState,
) {
    let palette = style::palette(ui.ctx());
    let mark = state.lines.pass_mark(view.run_store.model.log());
    let fixes = Fixes::of(run, bars, mark);
    let (sum, tone) = match fixes.passed {
        Some(true) => (fixes.sum_words(), palette.success),
        Some(false) => (fixes.sum_words(), palette.failed_text),
        None => (fixes.sum_words(), palette.text_secondary),
    };
    head_ui(ui, &mut state.open.fixes, &Head { title: "Fixes", preview: "", sum: &sum, tone });
    if !state.open.fixes {
        return;
    }
    if fixes.columns.is_empty() {
        quiet_ui(ui, "VALIDATE has not given a verdict yet.");
        return;
    }
    if fixes.columns.iter().any(|column| column.total.is_some()) {
        scale_ui(ui, &fixes);
    }
    let choice = state.choice().and_then(|choice| {
        let fix = fix_of(run, bars, choice.node.as_deref().unwrap_or_default(), choice.attempt);
        Some((choice, fix)).filter(|(choice, _)| choice.run == *run.id())
    });
    if let Some(choice) = table_ui(ui, run, &fixes, choice) {
        state.choose(Some(choice));
    }
}

/// Colour of a verdict's number.
fn verdict_tone(column: &FixColumn, palette: &Palette) -> Color {
    match column.passed {
        Some(true) => palette.success,
        Some(false) => palette.failed_text,
        None => palette.text,
    }
}

/// Paints the totals on one scale.
fn scale_ui(ui: &mut Ui, fixes: &Fixes) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, SCALE), Sense::hover());
    let (low, high) = fixes.scale();
    let x = |score: f64| {
        let part = bounded((score - low) / (high - low), 0.0, 1.0);
        rect.left() + width * part as f32
    };
    let y = rect.top() + 31.0;
    let bar = Rect::from_x_y_ranges(rect.x_range(), Rangef::new(y - 5.0, y + 5.0));
    let stroke = Stroke::new(1.0, ink(palette.hair));
    ui.painter().rect(bar, 2.0, ink(palette.well), stroke, StrokeKind::Inside);
    let small = || style::body(text::SMALL);
    let foot = rect.bottom() - 10.0;
    let mut free = Rangef::new(rect.left() + 34.0, rect.right() - 34.0);
    if let Some(mark) = fixes.pass_mark {
        let at = x(mark);
        let zone = Rect::from_x_y_ranges(Rangef::new(at, rect.right() - 1.0), bar.y_range())
            .shrink2(vec2(0.0, 1.0));
        if zone.width() > 0.0 {
            ui.painter().rect_filled(zone, 0.0, ink(palette.success_deep));
        }
        let line = Stroke::new(2.5, ink(palette.text));
        ui.painter().vline(at, Rangef::new(y - 12.0, y + 12.0), line);
        let words = format!("pass mark {}", number_words(mark));
        let font = style::semibold(text::SMALL);
        let galley = widgets::elided(ui, &words, font, palette.text, 160.0);
        let half = galley.size().x / 2.0;
        let centre = bounded(at, rect.left() + half, rect.right() - half);
        free = Rangef::new(centre - half - 8.0, centre + half + 8.0);
        widgets::paint_line(ui, centre - half, foot, galley);
    }
    let tone = palette.text_tertiary;
    if free.min >= rect.left() + 34.0 || fixes.pass_mark.is_none() {
        paint_cell(ui, Side::From(rect.left()), (foot, 60.0), &number_words(low), small(), tone);
    }
    if free.max <= rect.right() - 34.0 || fixes.pass_mark.is_none() {
        paint_cell(ui, Side::To(rect.right()), (foot, 60.0), &number_words(high), small(), tone);
    }
    let scored: Vec<(&FixColumn, f32)> =
        fixes.columns.iter().filter_map(|it| Some((it, x(it.total?)))).collect();
    for pair in scored.windows(2) {
        let ((_, from), (_, to)) = (pair[0], pair[1]);
        paint_arrow(ui, from, to, y, palette);
    }
    let mut free_to = rect.right();
    for (column, at) in scored.iter().rev() {
        let centre = pos2(bounded(*at, rect.left() + 8.0, rect.right() - 8.0), y);
        let sign = match column.passed {
            Some(true) => Sign::SUCCESS,
            Some(false) => Sign::FAILED,
            None => Sign::RUNNING,
        };
        sign.paint(ui.painter(), centre, 8.0);
        // The latest ones have their names; an earlier one where there is room.
        let words = column.name();
        let galley = widgets::elided(ui, &words, style::semibold(text::SMALL), palette.text, 80.0);
        let half = galley.size().x / 2.0;
        let middle = bounded(centre.x, rect.left() + half, rect.right() - half);
        if middle + half <= free_to {
            free_to = middle - half - 6.0;
            widgets::paint_line(ui, middle - half, rect.top() + 9.0, galley);
        }
    }
    let said: Vec<String> = fixes.columns.iter().map(FixColumn::words).collect();
    let said = said.join("; ");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &said));
    response.on_hover_text(said);
}

fn paint_arrow(ui: &Ui, from: f32, to: f32, y: f32, palette: &Palette) {
    let way = if to < from { -1.0 } else { 1.0 };
    let (from, to) = (from + 11.0 * way, to - 11.0 * way);
    if (to - from) * way < 6.0 {
        return;
    }
    let stroke = Stroke::new(1.5, ink(palette.text));
    ui.painter().line_segment([pos2(from, y), pos2(to, y)], stroke);
    let tip = pos2(to, y);
    let wings = [tip + vec2(-5.0 * way, -4.0), tip, tip + vec2(-5.0 * way, 4.0)];
    ui.painter().add(Shape::line(wings.to_vec(), stroke));
}

/// Shows the scores of each pass; returns what was chosen.
fn table_ui(
    ui: &mut Ui,
    run: &Run,
    fixes: &Fixes,
    choice: Option<(&Choice, u32)>,
) -> Option<Choice> {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let fitting = ((width - NAMES) / LEAST_PITCH).floor() as usize;
    let (shown, left_out) = fixes.fitting(fitting.saturating_sub(1).max(1));
    let pitch = bounded((width - NAMES) / (shown.len() + 1) as f32, LEAST_PITCH, PITCH);
    let parts = fixes.part_names();
    let rows = parts.len().min(MOST_SCORES);
    let height = (rows + 2) as f32 * ROW + 6.0;
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let change_to = rect.right();
    let column_to = |place: usize| change_to - pitch * (shown.len() - place) as f32;
    let row_y = |row: usize| rect.top() + (row as f32 + 0.5) * ROW;
    let small = || style::body(text::SMALL);
    let head = Side::To(change_to);
    paint_cell(ui, head, (row_y(0), pitch), "change", small(), palette.text_tertiary);
    for (row, name) in parts.iter().take(rows).enumerate() {
        let side = Side::From(rect.left());
        let room = column_to(0) - pitch + 8.0 - rect.left();
        let tone = palette.text_secondary;
        paint_cell(ui, side, (row_y(row + 1), room), &score_words(name), small(), tone);
        let change = fixes.change_of(name).map_or_else(|| "–".to_owned(), score_change_words);
        let side = Side::To(change_to);
        paint_cell(ui, side, (row_y(row + 1), pitch), &change, style::body(15.0), palette.text);
    }
    let total_y = row_y(rows + 1) + 4.0;
    let line = Stroke::new(1.0, ink(palette.hair));
    ui.painter().hline(rect.x_range(), total_y - ROW / 2.0 - 1.0, line);
    let total = match fixes.pass_mark {
        Some(mark) => format!("total, needs {}", number_words(mark)),
        None => "total".to_owned(),
    };
    let side = Side::From(rect.left());
    let room = column_to(0) - pitch + 8.0 - rect.left();
    paint_cell(ui, side, (total_y, room), &total, style::semibold(text::SMALL), palette.text);
    if let Some(change) = fixes.change() {
        let tone = if change < -0.005 { palette.failed_text } else { palette.text };
        let words = score_change_words(change);
        paint_cell(ui, Side::To(change_to), (total_y, pitch), &words, style::semibold(15.0), tone);
    }
    let mut chosen = None;
    for (place, column) in shown.iter().enumerate() {
        let to = column_to(place);
        let area = Rect::from_x_y_ranges(Rangef::new(to - pitch + 10.0, to + 8.0), rect.y_range());
        let response = ui.interact(area, ui.id().with(("fix", column.attempt)), Sense::click());
        let said = column.words();
        let is_chosen = choice.is_some_and(|(choice, fix)| column.is_chosen(run, choice, fix));
        response.widget_info(|| {
            WidgetInfo::selected(WidgetType::SelectableLabel, true, is_chosen, &said)
        });
        if response.hovered() && !is_chosen {
            ui.painter().rect_filled(area, 5.0, ink(palette.hover).gamma_multiply(0.5));
        }
        let side = Side::To(to);
        let font = style::semibold(text::SMALL);
        paint_cell(ui, side, (row_y(0), pitch), &column.name(), font, palette.text_secondary);
        for (row, name) in parts.iter().take(rows).enumerate() {
            let score = column.score(name);
            let is_low = fixes.pass_mark.zip(score).is_none_or(|(mark, score)| score < mark);
            let tone = if is_low { palette.text_secondary } else { palette.text };
            let words = score.map_or_else(|| "–".to_owned(), number_words);
            paint_cell(ui, side, (row_y(row + 1), pitch), &words, style::body(15.0), tone);
        }
        let words = match (column.total, column.is_open) {
            (Some(total), _) => number_words(total),
            (None, true) => "at work".to_owned(),
            (None, false) => "–".to_owned(),
        };
        let tone = verdict_tone(column, palette);
        paint_cell(ui, side, (total_y, pitch - 4.0), &words, style::semibold(text::BODY), tone);
        if is_chosen {
            paint_frame(ui, area.shrink(1.0));
        }
        widgets::focus_ring(ui, &response, area);
        if response.clicked() {
            chosen = Some(column.choice(run));
        }
        response.on_hover_text(said);
    }
    if left_out > 0 {
        let words = match left_out {
            1 => "1 pass after the first is left out.".to_owned(),
            passes => format!("{passes} passes after the first are left out."),
        };
        quiet_ui(ui, &words);
    }
    if parts.len() > rows {
        quiet_ui(ui, &format!("{} more scores are in the raw events.", parts.len() - rows));
    }
    chosen
}
