//! Draws the timeline of all runs on one clock.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;
use jiff::tz::TimeZone;

use super::foot::draw_fix;
use super::pen::{
    Labels, NowPlate, Placer, TimeScale, draw_axis, draw_choice, plated, usual_frame, wait_shape,
};
use super::runs_view::{CellKind, RowEnd, RunCell, RunRow, RunsView};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, Texture, measure, truncate};
use crate::app::state::status::DisplayStatus;
use crate::app::state::timeline::CellId;
use crate::app::views::wall::fit::{size_for, title_line};
use crate::app::words::count_words;
use crate::layout::TimeRows;
use crate::protocol::RunId;

/// Heights of a bar, of the frame of the usual run, of a wait, and of a fix.
const BAR: f32 = 26.0;
const USUAL: f32 = 34.0;
const WAIT: f32 = 18.0;
const FIX: (f32, f32) = (18.0, 40.0);
/// Type sizes.
const NAME: (f32, f32) = (28.0, 24.0);
const VALUE: (f32, f32) = (30.0, 26.0);
const WORDS: f32 = 22.0;
const STEP: f32 = 24.0;
/// Distance of a name from the left end.
const INDENT: f32 = 40.0;
/// Gap between two cells.
const CELL_GAP: f32 = 1.6;

/// Runs that can be chosen, and cells, with their places.
#[derive(Default)]
pub struct Places {
    pub runs: Vec<(RunId, Rect)>,
    pub cells: Vec<(CellId, Rect)>,
}

/// Pen of the view.
struct Pen<'a> {
    rows: &'a TimeRows,
    scale: &'a TimeScale,
    now_x: Option<f32>,
}

/// Draws all rows with the axis; `chosen` is a cell, `selected` a run.
pub fn draw(
    part: &mut Part,
    view: &RunsView,
    (rows, scale): (&TimeRows, &TimeScale),
    zone: &TimeZone,
    chosen: Option<&CellId>,
    selected: Option<&RunId>,
) -> Places {
    let bottom = rows.bottom(rows.rows);
    let now_x = scale.shows(view.now).then(|| scale.x(view.now).round());
    let plate = now_x.map(|x| NowPlate::at(x, view.now_words.clone(), rows));
    let pen = Pen { rows, scale, now_x };
    pen.draw_ground(part, view, selected);
    let ends = plate.as_ref().map(NowPlate::ends);
    let head = pen.draw_heads(part, view, ends);
    let taken: Vec<(f32, f32)> = ends.into_iter().chain(head).collect();
    draw_axis(part, scale, &Labels::OfDay(zone.clone()), (rows, bottom), &taken);
    pen.draw_retries(part, view);
    let mut places = Places::default();
    for (place, row) in view.rows.iter().enumerate().take(rows.rows) {
        pen.draw_row(part, place, row, chosen, &mut places);
        places.runs.push((row.id.clone(), rows.row(place)));
    }
    if let Some(plate) = plate {
        plate.draw(part, bottom);
    }
    places
}

impl Pen<'_> {
    fn bar(&self, place: usize, (from, to): (f32, f32), height: f32) -> Rect {
        let height = (height * self.rows.scale).min(self.rows.pitch - 4.0).max(1.0);
        let middle = self.rows.row(place).centre_y();
        Rect::new(from, middle - height / 2.0, (to - from).max(1.5), height)
    }

    fn draw_ground(&self, part: &mut Part, view: &RunsView, selected: Option<&RunId>) {
        let palette = part.palette;
        let bottom = self.rows.bottom(self.rows.rows);
        for (place, row) in view.rows.iter().enumerate().take(self.rows.rows) {
            let rect = self.rows.row(place);
            let rect = Rect::new(rect.x - 12.0, rect.y, rect.w + 24.0, rect.h);
            if selected == Some(&row.id) {
                let shape = Shape::rounded_box(rect).radius(6.0).fill(palette.selection);
                part.shape(Layer::Background, shape);
                let edge = Rect { w: 4.0, ..rect };
                part.shape(Layer::Rack, Shape::rounded_box(edge).fill(palette.violet_text));
            } else if place % 2 == 0 && !palette.flat {
                let shape = Shape::rounded_box(rect).radius(6.0);
                part.shape(Layer::Background, shape.fill(palette.text.with_alpha(0.025)));
            }
        }
        if let Some(x) = self.now_x.filter(|_| !palette.flat) {
            let rect = Rect::new(x, self.rows.top, self.rows.to - x, bottom - self.rows.top);
            let shape = Shape::rounded_box(rect).fill(palette.text.with_alpha(0.02));
            part.shape(Layer::Background, shape);
        }
    }

    /// Draws the heads of the columns beside the axis; returns the ends of the right one.
    fn draw_heads(
        &self,
        part: &mut Part,
        view: &RunsView,
        plate: Option<(f32, f32)>,
    ) -> Option<(f32, f32)> {
        let palette = part.palette;
        let (k, y) = (self.rows.scale, self.rows.head);
        let size = 24.0 * k;
        let words = "to go, took";
        let x = self.rows.right - measure(Face::Text500, size, 0.0, words);
        let has_room = plate.is_none_or(|(_, end)| end + 12.0 < x) && x > self.rows.to - 40.0 * k;
        if has_room {
            let text = Text::new("head", words, x, y, Face::Text500, size);
            part.text(Layer::Module, text.colour(palette.text_secondary));
        }
        let shown = view.rows.len().min(self.rows.rows);
        if shown < view.in_time {
            let (shown, all) = (count_words(shown as u64), count_words(view.in_time as u64));
            let words = format!("{shown} of {all} runs");
            let room = self.rows.labels_right - self.rows.left - 40.0 * k;
            // The header counts all runs, the timeline those of its time.
            let long = format!("{words} in {} min", view.minutes);
            let has_room = measure(Face::Text500, size, 0.0, &long) <= room;
            let words = if has_room { long } else { words };
            let words = truncate(Face::Text500, size, &words, room).into_owned();
            let text = Text::new("shown", words, self.rows.left, y, Face::Text500, size);
            part.text(Layer::Module, text.colour(palette.text_secondary));
        }
        has_room.then_some((x, self.rows.right))
    }

    /// Draws a dotted line from each failure to the start of its retry.
    fn draw_retries(&self, part: &mut Part, view: &RunsView) {
        let palette = part.palette;
        let rows = || view.rows.iter().enumerate().take(self.rows.rows);
        for (place, row) in rows() {
            let Some(failed) = &row.retry_of else { continue };
            let before = rows().find(|(_, before)| before.id == *failed);
            let (Some((above, before)), Some(started_at)) = (before, row.started_at) else {
                continue;
            };
            let RowEnd::Over { at, .. } = before.end else { continue };
            if above >= place || !self.scale.shows(at) || !self.scale.shows(started_at) {
                continue;
            }
            let k = self.rows.scale;
            let (x, to) = (self.scale.x(at) + 1.0, self.scale.x(started_at) - 4.0 * k);
            let (from_y, to_y) =
                (self.rows.row(above).centre_y() + 18.0 * k, self.rows.row(place).centre_y());
            let mut line = |a: Vec2, b: Vec2| {
                let shape = Shape::capsule(a, b, 2.5).dash(3.0, 5.0);
                part.shape(Layer::Pool, shape.fill(palette.failed).keep_colour());
            };
            line(Vec2::new(x, from_y), Vec2::new(x, to_y));
            if to > x {
                line(Vec2::new(x, to_y), Vec2::new(to, to_y));
            }
            let tip = Vec2::new(to, to_y);
            let side = |dy: f32| tip + Vec2::new(-9.0, dy) * k;
            let arrow = Shape::polyline3(side(-7.0), tip, side(7.0), 2.5);
            part.shape(Layer::Pool, arrow.fill(palette.failed).keep_colour());
        }
    }

    fn draw_row(
        &self,
        part: &mut Part,
        place: usize,
        row: &RunRow,
        chosen: Option<&CellId>,
        places: &mut Places,
    ) {
        let palette = part.palette;
        let k = self.rows.scale;
        self.draw_name(part, place, row);
        let mut line = Placer::new(self.rows.from, self.draw_value(part, place, row));
        if let Some(ends) = row.queued.and_then(|span| self.scale.ends(span)) {
            let rect = self.bar(place, ends, WAIT);
            part.shape(Layer::Rack, wait_shape(palette, rect, k));
            line.take(rect.x, rect.right());
        }
        if let Some(ends) = row.usual.and_then(|span| self.scale.ends(span)) {
            part.shape(Layer::Pool, usual_frame(palette, self.bar(place, ends, USUAL)));
        }
        let mut fixes = Placer::new(self.rows.from - 40.0 * k, self.rows.to + 40.0 * k);
        if let Some(ends) = row.unseen.and_then(|span| self.scale.ends(span)) {
            let rect = self.bar(place, ends, BAR);
            let shape = Shape::rounded_box(rect).radius(3.0).fill(palette.ghost);
            part.shape(Layer::Rack, shape.border(1.5, palette.text_tertiary));
            line.take(rect.x, rect.right());
        }
        if let Some(ends) = row.unheard.and_then(|span| self.scale.ends(span)) {
            let rect = self.bar(place, ends, WAIT);
            part.shape(Layer::Rack, wait_shape(palette, rect, k));
            line.take(rect.x, rect.right());
        }
        for cell in &row.cells {
            let Some(rect) = self.draw_cell(part, place, row, cell, &mut fixes) else { continue };
            let wider = (9.0 - rect.w / 2.0).max(0.0);
            let hit = Rect::new(rect.x - wider, rect.y - 6.0, rect.w + 2.0 * wider, rect.h + 12.0);
            places.cells.push((cell.cell.clone(), hit));
            line.take(rect.x, rect.right());
            if chosen == Some(&cell.cell) {
                draw_choice(part, rect);
            }
        }
        self.draw_end(part, place, row, &mut line);
    }

    fn draw_name(&self, part: &mut Part, place: usize, row: &RunRow) {
        let palette = part.palette;
        let k = self.rows.scale;
        let middle = self.rows.row(place).centre_y();
        let centre = Vec2::new(self.rows.left + 14.0 * k, middle);
        badge(part, Layer::Face, row.glyph, centre, 14.0 * k, &format!("run {place}"));
        let face = if row.is_strong { Face::Text700 } else { Face::Text500 };
        let x = self.rows.left + INDENT * k;
        let room = self.rows.labels_right - x;
        let size = size_for(face, (NAME.0 * k, NAME.1 * k), &row.name, room);
        let name = title_line(face, size, &row.name, &row.variant, room);
        let ink = if row.is_strong { palette.text } else { palette.text_secondary };
        let text = Text::new(("name", place), name, x, middle + 10.0 * k, face, size);
        part.text(Layer::Face, text.colour(ink));
    }

    /// Draws the value at the right end, and the tag of the run that finishes next; returns where the words
    /// of the row have to end.
    fn draw_value(&self, part: &mut Part, place: usize, row: &RunRow) -> f32 {
        let palette = part.palette;
        let k = self.rows.scale;
        let middle = self.rows.row(place).centre_y();
        let (face, size, ink) = match row.is_strong {
            true => (Face::Text700, VALUE.0, palette.text),
            false => (Face::Text500, VALUE.1, palette.text_secondary),
        };
        let room = self.rows.right - self.rows.to - 12.0 * k;
        let size = size_for(face, (size * k, 16.0 * k), &row.value, room);
        let words = truncate(face, size, &row.value, room).into_owned();
        let left = self.rows.right - measure(face, size, 0.0, &words);
        let text =
            Text::new(("value", place), words, self.rows.right, middle + 10.0 * k, face, size);
        part.text(Layer::Face, text.end().colour(ink));
        if !row.is_next {
            return left - 12.0 * k;
        }
        let width = measure(Face::Text600, WORDS * k, 0.0, "next") + 20.0 * k;
        let rect = Rect::new(left - 14.0 * k - width, middle - 14.0 * k, width, 28.0 * k);
        part.shape(Layer::Face, Shape::rounded_box(rect).radius(7.0 * k).fill(palette.text));
        let (x, y) = (rect.centre_x(), middle + 8.0 * k);
        let text = Text::new(("next", place), "next", x, y, Face::Text600, WORDS * k);
        part.text(Layer::Face, text.middle().colour(palette.bg));
        rect.x - 10.0 * k
    }

    fn draw_cell(
        &self,
        part: &mut Part,
        place: usize,
        row: &RunRow,
        cell: &RunCell,
        fixes: &mut Placer,
    ) -> Option<Rect> {
        let palette = part.palette;
        let k = self.rows.scale;
        let (from, to) = self.scale.ends(cell.span)?;
        if let CellKind::Fix(number) = cell.kind {
            let rect = self.bar(place, (from, to.max(from + FIX.0 * k)), FIX.1);
            let key = ("row", place * 16 + number as usize);
            // Fixes that follow closely have no room for their numbers.
            if fixes.here(rect.x, rect.w) {
                draw_fix(part, rect, &number.to_string(), key);
            } else {
                draw_fix(part, self.bar(place, (from, to), FIX.1), "", key);
            }
            return Some(rect);
        }
        let rect = self.bar(place, (from, (to - CELL_GAP).max(from + 1.5)), BAR);
        let is_live = row.is_strong;
        let shape = Shape::rounded_box(rect).radius(2.5_f32.min(rect.w / 2.0));
        let shape = match cell.kind {
            CellKind::Done if is_live => shape.fill(palette.success),
            CellKind::Done | CellKind::Fix(_) => shape.fill(palette.success_dense),
            CellKind::AtWork => shape.fill(palette.running),
            CellKind::Failed => shape
                .fill(palette.failed)
                .texture(Texture::Hatch { period: 10.0, width: 4.0 }, palette.failed_hatch)
                .keep_colour(),
            CellKind::Stopped => shape
                .fill(palette.cancelled)
                .texture(Texture::Bars { period: 8.0, width: 3.0 }, palette.cancelled_edge),
            CellKind::Unsure => shape.fill(palette.ghost).border(1.5, palette.text_tertiary),
        };
        part.shape(Layer::Rack, shape);
        if cell.kind == CellKind::AtWork && rect.w > 16.0 * k {
            let tip = Vec2::new(rect.right() - 4.0 * k, rect.centre_y());
            let side = |dy: f32| tip + Vec2::new(-7.0, dy) * k;
            let chevron = Shape::polyline3(side(-7.0), tip, side(7.0), 3.0 * k);
            part.shape(Layer::Rack, chevron.fill(palette.ink));
        }
        Some(rect)
    }

    fn draw_end(&self, part: &mut Part, place: usize, row: &RunRow, line: &mut Placer) {
        let palette = part.palette;
        let k = self.rows.scale;
        let middle = self.rows.row(place).centre_y();
        match &row.end {
            RowEnd::Over { glyph, at, words } => {
                if !self.scale.shows(*at) {
                    return;
                }
                let x = self.scale.x(*at);
                let radius = if *glyph == DisplayStatus::Failed { 17.0 } else { 12.0 } * k;
                let left =
                    if *glyph == DisplayStatus::Failed { x - radius * 0.6 } else { x + 4.0 * k };
                let left = left.min(self.rows.to - 2.0 * radius);
                let centre = Vec2::new(left + radius, middle);
                line.take(left, left + 2.0 * radius);
                badge(part, Layer::Face, *glyph, centre, radius, &format!("end {place}"));
                let ink = match glyph {
                    DisplayStatus::Failed => palette.failed_text,
                    DisplayStatus::Cancelled => palette.cancelled,
                    _ => palette.text_secondary,
                };
                let at = (left + 2.0 * radius + 9.0 * k, place);
                self.put(part, at, words, (Face::Text600, WORDS * k), ink, line);
            }
            RowEnd::AtWork(step) => {
                let Some(from) = self.now_x else { return };
                let at = (from + 16.0 * k, place);
                let ink = match row.glyph {
                    DisplayStatus::Silent => palette.text_secondary,
                    _ => palette.running,
                };
                self.put(part, at, step, (Face::Text600, STEP * k), ink, line);
            }
            RowEnd::Queued(words) => {
                if let Some(from) = self.now_x {
                    let at = (from + 16.0 * k, place);
                    let ink = palette.text_secondary;
                    self.put(part, at, words, (Face::Text600, STEP * k), ink, line);
                }
            }
        }
    }

    /// Puts words at a place or, when there is no room, before what stands there; what does not fit is cut.
    fn put(
        &self,
        part: &mut Part,
        (x, place): (f32, usize),
        words: &str,
        (face, size): (Face, f32),
        ink: Color,
        line: &mut Placer,
    ) {
        if words.is_empty() {
            return;
        }
        let y = self.rows.row(place).centre_y() + size * 0.36;
        let whole = measure(face, size, 0.0, words);
        let room = line.room_from(x);
        let least = 150.0 * self.rows.scale;
        let fits_behind = room >= whole.min(least);
        let room = if fits_behind { room } else { (x - self.rows.from) * 0.6 };
        let words = truncate(face, size, words, room).into_owned();
        let width = measure(face, size, 0.0, &words);
        let found = match fits_behind {
            true => line.right_of(x, width),
            false => line.left_of(x - 60.0 * self.rows.scale, width),
        };
        if let Some(x) = found {
            let text = Text::new(("end", place), words, x, y, face, size).colour(ink);
            plated(part, text, (x, width), y, size);
        }
    }
}

/// Time shown as places.
pub fn scale_of(view: &RunsView, rows: &TimeRows) -> TimeScale {
    TimeScale::new(view.axis.clone(), (rows.from, rows.to), view.shown_ms)
}
