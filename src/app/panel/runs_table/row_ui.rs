//! A row as a widget: its ground, its cells and its signs.

use bevy::color::Color;
use bevy_egui::egui::{
    Align2, Color32, FontId, Rect, Response, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2,
};

use super::columns::{Column, Columns, GAP, Place};
use super::fit::{Cut, LineStyle, line};
use super::row::{RowView, UNKNOWN};
use super::search::Needle;
use crate::app::panel::glyph::Sign;
use crate::app::panel::step_track::{TRACK_WIDTH, paint_track};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{self, paint_line, paint_line_to};
use crate::app::state::status::{DisplayStatus, Tone, run_status_words};
use crate::app::theme::Palette;
use crate::model::RunStatus;

/// Type sizes beside those of the panel.
const VALUE: f32 = 15.0;
/// Radius of the sign of the status, and of the signs of attempts with the distance between these.
const SIGN: f32 = 8.0;
const ATTEMPT: f32 = 5.0;
const ATTEMPT_PITCH: f32 = 13.0;
/// Distance of the status word from the left edge of its sign.
const WORD_AFTER_SIGN: f32 = 24.0;
/// Width of the column of the song from which on names have the mark that tells them apart.
const MARKED_NAME: f32 = 190.0;
/// Opacity of the ground of every other row, and of the row under the pointer.
const STRIPE: f32 = 0.03;
const HOVERED: f32 = 0.08;

/// State of a row on screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowLook<'a> {
    pub columns: &'a Columns,
    pub needle: &'a Needle,
    pub selected: bool,
    /// True for every other row.
    pub striped: bool,
}

/// Shows the row of a run in a rectangle. `response` is that of the rectangle.
pub(super) fn row_ui(ui: &Ui, rect: Rect, response: &Response, row: &RowView, look: &RowLook) {
    let selected = look.selected;
    response.widget_info(|| {
        WidgetInfo::selected(WidgetType::SelectableLabel, true, selected, row.label())
    });
    paint_ground(ui, rect, response, look);
    let pen = Pen { ui, rect, row, look, palette: style::palette(ui.ctx()) };
    for place in &look.columns.places {
        pen.paint(place);
    }
    widgets::focus_ring(ui, response, rect);
}

/// Shows the row of a run that is no longer kept.
pub(super) fn dropped_row_ui(ui: &Ui, rect: Rect, columns: &Columns) {
    let response = ui.interact(rect, ui.id().with(("dropped", rect.top() as i32)), Sense::hover());
    let words = "no longer kept";
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
    if let Some(place) = columns.place(Column::Song) {
        let palette = style::palette(ui.ctx());
        let at = pos2(rect.left() + place.left, rect.center().y);
        let font = style::body(text::SMALL);
        ui.painter().text(at, Align2::LEFT_CENTER, words, font, ink(palette.text_tertiary));
    }
}

fn paint_ground(ui: &Ui, rect: Rect, response: &Response, look: &RowLook) {
    let palette = style::palette(ui.ctx());
    if look.selected {
        ui.painter().rect_filled(rect, 0.0, ink(palette.selection));
        let edge = Rect::from_min_size(rect.min, vec2(4.0, rect.height()));
        ui.painter().rect_filled(edge, 0.0, ink(palette.violet_text));
    } else if response.hovered() {
        let hover = ink(palette.text).gamma_multiply(HOVERED);
        let hover = if palette.flat { ink(palette.hover) } else { hover };
        ui.painter().rect_filled(rect, 0.0, hover);
    } else if look.striped && !palette.flat {
        // A flat palette has no shades.
        ui.painter().rect_filled(rect, 0.0, ink(palette.text).gamma_multiply(STRIPE));
    }
}

struct Pen<'a> {
    ui: &'a Ui,
    rect: Rect,
    row: &'a RowView,
    look: &'a RowLook<'a>,
    palette: &'static Palette,
}

impl Pen<'_> {
    /// Middle of the line in which a column stands.
    fn y(&self, column: Column) -> f32 {
        if !self.look.columns.has_two_lines {
            return self.rect.center().y;
        }
        let is_upper = matches!(column, Column::Status | Column::Song);
        self.rect.top() + self.rect.height() * if is_upper { 0.28 } else { 0.72 }
    }

    /// Colour of a strong value, and of a quiet one.
    fn strong(&self) -> Color {
        match self.row.is_quiet() {
            true if !self.look.selected => self.palette.text_secondary,
            _ => self.palette.text,
        }
    }

    fn quiet(&self) -> Color {
        if self.look.selected { self.palette.text } else { self.palette.text_secondary }
    }

    /// Colour of a word about a status. On the ground of the selected row only full text is read well.
    fn tone(&self, tone: Tone) -> Color {
        match tone {
            _ if self.look.selected => self.palette.text,
            Tone::Quiet | Tone::Muted => self.palette.text_secondary,
            tone => self.palette.tone_words(tone),
        }
    }

    fn paint(&self, place: &Place) {
        let Self { row, .. } = self;
        let (left, right) = (self.rect.left() + place.left, self.rect.left() + place.right);
        let room = right - left - GAP;
        let y = self.y(place.column);
        match place.column {
            Column::Status => self.status(left, y, room),
            Column::Song => {
                let size = if row.is_quiet() { style::body(16.0) } else { style::semibold(16.0) };
                let name = self.name(room);
                self.text(name, size, self.strong(), Cut::Middle, (left, y, room));
            }
            Column::RunId => {
                let font = style::mono(text::SMALL);
                self.text(&row.short_id, font, self.quiet(), Cut::Middle, (left, y, room));
            }
            Column::Step => {
                // Most times are shorter than their column.
                let elapsed = self.look.columns.place(Column::Elapsed).map(|place| {
                    let style = LineStyle { font: style::body(VALUE), colour: self.strong() };
                    let needle = Needle::default();
                    let room = place.right - place.left;
                    let galley = line(self.ui, &row.elapsed, &needle, &style, Cut::End, room - GAP);
                    (room - galley.size().x).max(0.0)
                });
                self.step(left, y, room + elapsed.unwrap_or(0.0));
            }
            Column::Elapsed => self.value(&row.elapsed, false, self.strong(), (right, y, room)),
            Column::ToGo => {
                let is_known = row.to_go != UNKNOWN;
                let colour = if is_known { self.palette.text } else { self.quiet() };
                self.value(&row.to_go, is_known, colour, (right, y, room));
            }
            Column::Started => self.value(&row.started, false, self.quiet(), (right, y, room)),
            Column::Ended => self.value(&row.ended, false, self.quiet(), (right, y, room)),
            Column::Attempts => self.attempts(right, y, room),
            Column::Score => match &row.score {
                Some((score, true)) => {
                    self.value(score, true, self.tone(Tone::Failed), (right, y, room));
                }
                Some((score, false)) => self.value(score, true, self.strong(), (right, y, room)),
                None => self.value(UNKNOWN, false, self.quiet(), (right, y, room)),
            },
        }
    }

    /// Name of the song. Where no column tells the runs of one song apart, the name does, if there is
    /// room for more than the song.
    fn name(&self, room: f32) -> &str {
        let columns = self.look.columns;
        let has_start = columns.place(Column::Started).is_some();
        let has_room = columns.has_two_lines || room >= MARKED_NAME;
        if has_start || !has_room { &self.row.song } else { &self.row.name }
    }

    fn text(&self, words: &str, font: FontId, colour: Color, cut: Cut, at: (f32, f32, f32)) {
        let (left, y, room) = at;
        let style = LineStyle { font, colour };
        let galley = line(self.ui, words, self.look.needle, &style, cut, room);
        paint_line(self.ui, left, y, galley);
    }

    /// Paints a value that ends at a right edge.
    fn value(&self, words: &str, bold: bool, colour: Color, (right, y, room): (f32, f32, f32)) {
        let font = if bold { style::semibold(VALUE) } else { style::body(VALUE) };
        let style = LineStyle { font, colour };
        // The gap to the column before is already taken from the room.
        let galley = line(self.ui, words, &Needle::default(), &style, Cut::End, room);
        paint_line_to(self.ui, right, y, galley);
    }

    fn status(&self, left: f32, y: f32, room: f32) {
        let sign = Sign::from(self.row.sign);
        sign.paint(self.ui.painter(), pos2(left + SIGN, y), SIGN);
        if self.look.columns.has_status_word {
            let colour = self.tone(DisplayStatus::from(self.row.status).tone());
            let style = LineStyle { font: style::body(VALUE), colour };
            let words = run_status_words(self.row.status);
            let room = room - WORD_AFTER_SIGN;
            let galley = line(self.ui, words, &Needle::default(), &style, Cut::End, room);
            paint_line(self.ui, left + WORD_AFTER_SIGN, y, galley);
        }
    }

    fn step(&self, left: f32, y: f32, room: f32) {
        let row = self.row;
        let look = row.track_look(self.look.selected);
        paint_track(self.ui.painter(), pos2(left, y), &row.cells, look);
        let mut left = left + TRACK_WIDTH + GAP;
        let mut room = room - TRACK_WIDTH - GAP;
        if !row.step.is_empty() {
            let is_quiet = row.step_tone == Tone::Quiet;
            let font = if is_quiet { style::body(VALUE) } else { style::semibold(VALUE) };
            let style = LineStyle { font, colour: self.tone(row.step_tone) };
            let galley = line(self.ui, &row.step, self.look.needle, &style, Cut::End, room);
            let width = galley.size().x;
            paint_line(self.ui, left, y, galley);
            left += width + 6.0;
            room -= width + 6.0;
        }
        let style = LineStyle { font: style::body(text::SMALL), colour: self.quiet() };
        let needle = Needle::default();
        let galley = line(self.ui, &row.fixes, &needle, &style, Cut::End, f32::INFINITY);
        // A number without its word, or the word without its number, would say nothing.
        if galley.size().x <= room {
            paint_line(self.ui, left, y, galley);
        }
    }

    /// Paints a sign for each of the song's runs, oldest first; where they have no room, the number of
    /// the run and the latest signs.
    fn attempts(&self, right: f32, y: f32, room: f32) {
        let row = self.row;
        let fitting = (room / ATTEMPT_PITCH).floor().max(1.0) as usize;
        let is_whole = row.attempt == row.attempts.len() && row.attempt <= fitting;
        let shown = if is_whole { row.attempt } else { fitting.saturating_sub(2).max(1) };
        let from = row.attempts.len().saturating_sub(shown);
        let signs = &row.attempts[from..];
        let mut x = right - ATTEMPT;
        for status in signs.iter().rev() {
            self.attempt(*status, x, y);
            x -= ATTEMPT_PITCH;
        }
        if !is_whole {
            let style = LineStyle { font: style::body(text::SMALL), colour: self.quiet() };
            let words = row.attempt.to_string();
            let room = room - signs.len() as f32 * ATTEMPT_PITCH;
            let galley = line(self.ui, &words, &Needle::default(), &style, Cut::End, room);
            paint_line_to(self.ui, x + ATTEMPT - 1.0, y, galley);
        }
    }

    fn attempt(&self, status: RunStatus, x: f32, y: f32) {
        let at = pos2(x, y);
        let painter = self.ui.painter();
        let palette = self.palette;
        match status {
            // A check would be too small to be seen.
            RunStatus::Completed => {
                painter.circle_filled(at, ATTEMPT, ink(palette.success));
            }
            RunStatus::Running => {
                let ring = (2.0, ink(palette.running));
                let fill: Color32 = ink(palette.running_deep);
                painter.circle(at, ATTEMPT - 0.6, fill, ring);
            }
            status => Sign::from(status).paint(painter, at, ATTEMPT + 0.3),
        }
    }
}
