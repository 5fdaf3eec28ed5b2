//! The board: the form of the wall for more runs than tiles.

use bevy::math::Vec2;
use jiff::Timestamp;

use super::board_failures::{FailuresText, draw_failures, lay_out_failures};
use super::board_view::{BoardView, NodeLoad};
use super::cells;
use super::fit::size_for;
use super::wall_index::WallIndex;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Canvas, CellField, Face, Layer, Part, Rect, Shape, Text, Texture, measure};
use crate::app::state::hit::Pickable;
use crate::app::state::run_store::RunStore;
use crate::app::state::status::DisplayStatus;
use crate::app::theme::size;
use crate::app::views::counts::RunCounts;
use crate::app::words::count_words;
use crate::bounded::bounded;
use crate::layout::{Board, CanvasSize, CellGrid, failures_width, lay_out_board, wall_area};
use crate::protocol::RunId;

const CANCELLED: &str = "cancelled";
const CANCELLED_LAST: &str = "cancelled, last:";
/// Type size of the names of cancelled runs, and the gap between them.
const NAMES: f32 = 24.0;
/// Least time between two changes of the board's words, in seconds: faster ones cannot be read.
const WORDS_SECS: f64 = 0.25;
const PART: &str = "board";
/// Height of a block's head with its number.
const HEAD: f32 = 92.0;
const LAYER: Layer = Layer::Face;

/// State of the board as last drawn.
#[derive(Default)]
pub struct BoardMemory {
    drawn: Option<(BoardView, CanvasSize)>,
    counts: RunCounts,
    names: Vec<(RunId, Rect)>,
    drawn_at: f64,
    revision: Option<u64>,
    grid: Option<CellGrid>,
}

/// Inputs of the board.
pub struct BoardContext<'a> {
    pub wall_index: &'a mut WallIndex,
    pub run_store: &'a RunStore,
    pub counts: RunCounts,
    pub canvas_size: CanvasSize,
    pub now: f64,
    pub server_now: Timestamp,
    pub frozen: bool,
}

impl BoardMemory {
    /// Seconds until held-back changes of words must be drawn; `None` when there are none.
    pub fn due_in(&self, now: f64) -> Option<f64> {
        let held_back = self.revision.is_none() && self.drawn.is_some();
        held_back.then(|| (self.drawn_at + WORDS_SECS - now).max(0.0))
    }

    /// Draws changes: cells at once, words at most four times a second, or with the numbers that other
    /// displays show, too.
    pub fn draw(
        &mut self,
        canvas: &mut Canvas,
        field: &mut CellField,
        pickable: &mut Pickable,
        context: BoardContext,
    ) {
        let BoardContext { wall_index, run_store, counts, canvas_size, now, server_now, frozen } =
            context;
        let resized = self.drawn.as_ref().is_none_or(|(_, before)| *before != canvas_size);
        let area = wall_area(&canvas_size);
        let palette = canvas.theme.palette();
        let revision = wall_index.revision();
        if resized || self.revision != Some(revision) {
            self.revision = None;
        }
        let elapsed = now < self.drawn_at || now - self.drawn_at >= WORDS_SECS;
        if resized || elapsed || self.counts != counts {
            let view = BoardView::of(&counts, wall_index, run_store, server_now);
            let failures_w = failures_width(area);
            let tell_in =
                |height: f32| lay_out_failures(&view.failures, failures_w, height, palette);
            let any = view.failures.count > 0;
            let places = lay_out_board(area, any.then(|| tell_in(area.h).needs));
            if resized || self.drawn.as_ref().is_none_or(|(before, _)| *before != view) {
                self.names.clear();
                let told = places.failed.map(|rect| tell_in(rect.h));
                let part = canvas.redraw(PART);
                draw_board(part, &view, &places, told.as_ref(), &mut self.names);
                self.drawn = Some((view, canvas_size));
            }
            self.drawn_at = now;
            self.counts = counts;
            self.revision = Some(revision);
            self.grid = Some(cells::grid(wall_index, places.cells));
        }
        if let Some(grid) = self.grid {
            cells::write(wall_index, field, grid, palette);
            field.frozen = frozen;
            pickable.show_board(self.names.clone(), grid);
        }
    }

    /// The board as last drawn.
    #[cfg(test)]
    pub fn view(&self) -> Option<&BoardView> {
        self.drawn.as_ref().map(|(view, _)| view)
    }

    /// Marks all of the board to be drawn again.
    pub fn forget_looks(&mut self) {
        self.drawn = None;
    }

    /// Removes the board from the canvas.
    pub fn leave(&mut self, canvas: &mut Canvas, field: &mut CellField) {
        if self.drawn.take().is_some() {
            canvas.remove(PART);
            field.hide();
            *self = Self::default();
        }
    }
}

fn draw_board(
    part: &mut Part,
    view: &BoardView,
    places: &Board,
    told: Option<&FailuresText>,
    names: &mut Vec<(RunId, Rect)>,
) {
    if let (Some(rect), Some(told)) = (places.failed, told) {
        draw_failures(part, &view.failures, told, rect, names);
    }
    draw_running(part, view, places.running);
    draw_finished(part, view, places.finished, names);
    cells::draw_caption(part, places.cells);
}

/// Draws the head of a block: glyph, number and words, with an aside at the right.
fn draw_head(
    part: &mut Part,
    (glyph, count, words): (DisplayStatus, usize, &str),
    rect: Rect,
    aside: &str,
) {
    let palette = part.palette;
    let y = rect.y + 66.0;
    let centre = Vec2::new(rect.x + 24.0, y - 23.0);
    badge(part, LAYER, glyph, centre, 24.0, words);
    let number = count_words(count as u64);
    let number_w = measure(Face::Display700, size::COUNT_XL, -0.015, &number);
    let head = Text::new(
        ("head", words.to_owned()),
        number,
        rect.x + 62.0,
        y,
        Face::Display700,
        size::COUNT_XL,
    );
    part.text(
        LAYER,
        head.tracking(-0.015)
            .colour(palette.text)
            .then(16.0, words.to_owned())
            .face(Face::Display700)
            .size(40.0)
            .tracking(0.0)
            .colour(palette.text_secondary),
    );
    let end = rect.x + 62.0 + number_w + 16.0 + measure(Face::Display700, 40.0, 0.0, words);
    let room = rect.right() - end - 20.0;
    let aside_size = size_for(Face::Text500, (size::META, 22.0), aside, room);
    if measure(Face::Text500, aside_size, 0.0, aside) <= room {
        part.text(
            LAYER,
            Text::new(
                ("aside", words.to_owned()),
                aside.to_owned(),
                rect.right(),
                y,
                Face::Text500,
                aside_size,
            )
            .end()
            .colour(palette.text_secondary),
        );
    }
}

/// Draws a bar for each node: a block for each run that runs there, then a hollow part for the runs
/// waiting for it, with their number.
fn draw_running(part: &mut Part, view: &BoardView, rect: Rect) {
    let palette = part.palette;
    let aside = if view.silent > 0 {
        format!("no news from {}", count_words(view.silent as u64))
    } else {
        String::new()
    };
    let glyph =
        if view.silent == view.active { DisplayStatus::Idle } else { DisplayStatus::Running };
    draw_head(part, (glyph, view.active, "running"), rect, &aside);
    let top = rect.y + HEAD;
    let pitch = ((rect.bottom() - top) / view.nodes.len().max(1) as f32).min(66.0);
    let name_size = bounded(pitch * 0.6, size::ESSENTIAL_MIN, size::NAME_MIN);
    let widest = |text: &dyn Fn(&NodeLoad) -> f32| view.nodes.iter().map(text).fold(0.0, f32::max);
    let names_w = widest(&|node| measure(Face::Text600, name_size, 0.0, &node.name));
    let names_w = bounded(names_w, 120.0, rect.w * 0.34);
    let number_size = bounded(pitch * 0.72, 26.0, 36.0);
    let numbers_w = widest(&|node| {
        measure(Face::Display700, number_size, 0.0, &count_words(node.load.running as u64))
    });
    let ahead_w = if view.nodes.iter().any(|node| node.load.ahead > 0) {
        widest(&|node| measure(Face::Text500, name_size, 0.0, &ahead_words(node))) + 14.0
    } else {
        0.0
    };
    let bars = rect.x + names_w + 18.0 + numbers_w + 18.0;
    let most = view.nodes.iter().map(|node| node.load.running + node.load.ahead).max();
    let unit = ((rect.right() - ahead_w - bars) / most.unwrap_or(0).max(1) as f32).min(26.0);
    for (row, node) in view.nodes.iter().enumerate() {
        let middle = top + pitch * (row as f32 + 0.5);
        let baseline = middle + name_size * 0.36;
        let empty = node.load.running + node.load.ahead == 0;
        let ink = if empty { palette.text_tertiary } else { palette.text };
        let fitted = size_for(Face::Text600, (name_size, 18.0), &node.name, names_w);
        let name = crate::app::draw::truncate(Face::Text600, fitted, &node.name, names_w);
        part.text(
            LAYER,
            Text::new(("node", row), name.into_owned(), rect.x, baseline, Face::Text600, fitted)
                .colour(ink),
        );
        let number = count_words(node.load.running as u64);
        let number_x = bars - 18.0;
        let number_y = middle + number_size * 0.36;
        part.text(
            LAYER,
            Text::new(("load", row), number, number_x, number_y, Face::Display700, number_size)
                .end()
                .colour(ink),
        );
        let height = (pitch * 0.66).min(40.0);
        let bar = Rect::new(bars, middle - height / 2.0, 0.0, height);
        let end = draw_bar(part, node, bar, unit);
        if node.load.ahead > 0 {
            let words = ahead_words(node);
            part.text(
                LAYER,
                Text::new(("ahead", row), words, end + 12.0, baseline, Face::Text500, name_size)
                    .colour(palette.text_secondary),
            );
        }
    }
}

fn ahead_words(node: &NodeLoad) -> String {
    if node.load.ahead == 0 {
        return String::new();
    }
    format!("+{} to come", count_words(node.load.ahead as u64))
}

/// Draws the bar of a node and returns its right end.
fn draw_bar(part: &mut Part, node: &NodeLoad, at: Rect, unit: f32) -> f32 {
    let palette = part.palette;
    let floor = Rect::new(at.x, at.bottom() - 2.5, 10.0, 2.5);
    if node.load.running + node.load.ahead == 0 {
        part.shape(LAYER, Shape::rounded_box(floor).radius(1.0).fill(palette.line_strong));
        return floor.right();
    }
    let heard = node.load.running - node.load.silent;
    // Blocks stay apart while each is at least 5 px wide.
    let blocks = |rect: Rect, ink, gap_ink| {
        let bar = Shape::rounded_box(rect).radius(3.0).fill(ink).unsnapped();
        let gap = (unit * 0.2).min(3.0);
        (unit, bar, gap, gap_ink)
    };
    let mut x = at.x;
    for (count, ink) in [(heard, palette.running), (node.load.silent, palette.stale_outline)] {
        if count == 0 {
            continue;
        }
        let rect = Rect::new(x, at.y, (unit * count as f32).max(3.0), at.h);
        let (unit, bar, gap, gap_ink) = blocks(rect, ink, palette.bg);
        let bar = if ink == palette.stale_outline {
            bar.texture(Texture::Scanlines { period: 6.0, width: 2.0 }, palette.bg)
        } else {
            bar
        };
        part.shape(LAYER, bar);
        if unit >= 5.0 {
            for block in 1..count {
                let gap_at = Rect::new(x + unit * block as f32 - gap, at.y - 1.0, gap, at.h + 2.0);
                part.shape(LAYER, Shape::rounded_box(gap_at).unsnapped().fill(gap_ink));
            }
        }
        x = rect.right();
    }
    if node.load.ahead > 0 {
        let gap = if node.load.running > 0 { 3.0 } else { 0.0 };
        let width = (unit * node.load.ahead as f32 - gap).max(6.0);
        let hollow = Rect::new(x + gap, at.y, width, at.h);
        part.shape(
            LAYER,
            Shape::rounded_box(hollow)
                .radius(3.0)
                .unsnapped()
                .fill(palette.running_deep)
                .opacity(0.9)
                .border(2.0, palette.running),
        );
        x = hollow.right();
    }
    x
}

/// Draws the number of finished runs, the last hour as bars, and the latest runs by name.
fn draw_finished(part: &mut Part, view: &BoardView, rect: Rect, names: &mut Vec<(RunId, Rect)>) {
    let palette = part.palette;
    draw_head(part, (DisplayStatus::Success, view.finished, "finished"), rect, "");
    let sparks =
        Rect::new(rect.x, rect.y + HEAD + 4.0, rect.w, bounded(rect.h * 0.16, 54.0, 120.0));
    draw_sparks(part, view, sparks);
    let caption_y = sparks.bottom() + 26.0;
    let caption = |key: &'static str, words: &'static str, x: f32| {
        Text::new(key, words, x, caption_y, Face::Text500, size::ESSENTIAL_MIN)
            .colour(palette.text_tertiary)
    };
    part.text(LAYER, caption("hour", "1 h ago", rect.x));
    part.text(LAYER, caption("now", "now", rect.right()).end());

    let has_cancelled = view.cancelled > 0;
    let foot = if has_cancelled { rect.bottom() - 56.0 } else { rect.bottom() };
    let top = caption_y + 14.0;
    let pitch = 38.0;
    let rows = ((foot - top) / pitch).floor().max(0.0) as usize;
    for (row, run) in view.latest.iter().take(rows).enumerate() {
        let y = top + pitch * (row as f32 + 0.72);
        // The duration is dropped before a name is truncated.
        let name_w = measure(Face::Text600, size::META, 0.0, &run.title);
        let both = format!("took {}, {}", run.took, run.ago);
        let both_fit = name_w + 20.0 + measure(Face::Text500, 24.0, 0.0, &both) <= rect.w;
        let when = if run.took.is_empty() || !both_fit { run.ago.clone() } else { both };
        let when_w = measure(Face::Text500, 24.0, 0.0, &when);
        let room = rect.w - when_w - 20.0;
        let title_size = size_for(Face::Text600, (size::META, 22.0), &run.title, room);
        let title = crate::app::draw::truncate(Face::Text600, title_size, &run.title, room);
        part.text(
            LAYER,
            Text::new(("latest", row), title.into_owned(), rect.x, y, Face::Text600, title_size)
                .colour(palette.text),
        );
        part.text(
            LAYER,
            Text::new(("when", row), when, rect.right(), y, Face::Text500, 24.0)
                .end()
                .colour(palette.text_secondary),
        );
        names.push((run.id.clone(), Rect::new(rect.x, y - pitch * 0.72, rect.w, pitch)));
    }
    if has_cancelled {
        draw_cancelled(part, view, Rect::new(rect.x, foot, rect.w, 56.0), names);
    }
}

fn draw_sparks(part: &mut Part, view: &BoardView, rect: Rect) {
    let palette = part.palette;
    let most = view.sparks.iter().map(|(done, failed)| done + failed).max().unwrap_or(0).max(1);
    let pitch = rect.w / view.sparks.len().max(1) as f32;
    let floor = Rect::new(rect.x, rect.bottom() - 1.5, rect.w, 1.5);
    part.shape(LAYER, Shape::rounded_box(floor).fill(palette.line_strong));
    for (place, (done, failed)) in view.sparks.iter().enumerate() {
        let height = |count: u32| rect.h * count as f32 / most as f32;
        let x = rect.x + pitch * place as f32;
        let mut bottom = rect.bottom();
        for (count, ink) in [(*done, palette.success), (*failed, palette.failed)] {
            if count > 0 {
                let tall = height(count).max(2.0);
                let bar = Rect::new(x, bottom - tall, pitch * 0.76, tall);
                part.shape(LAYER, Shape::rounded_box(bar).radius(1.5).fill(ink));
                bottom -= tall;
            }
        }
    }
}

fn draw_cancelled(part: &mut Part, view: &BoardView, rect: Rect, names: &mut Vec<(RunId, Rect)>) {
    let palette = part.palette;
    let y = rect.bottom() - 10.0;
    badge(
        part,
        LAYER,
        DisplayStatus::Cancelled,
        Vec2::new(rect.x + 16.0, y - 11.0),
        15.0,
        "cancelled",
    );
    let count = count_words(view.cancelled as u64);
    let begin = rect.x + 42.0 + measure(Face::Display700, size::COUNT, 0.0, &count) + 10.0;
    let width = |title: &str| measure(Face::Text500, NAMES, 0.0, title);
    let first = begin + measure(Face::Text500, size::META, 0.0, CANCELLED_LAST) + NAMES;
    // Shows the latest names that fit untruncated.
    let mut x = first;
    let shown = view.cancelled_latest.iter().take_while(|(_, title)| {
        x += width(title) + NAMES;
        x - NAMES <= rect.right()
    });
    let shown = shown.count();
    let word = if shown > 0 { CANCELLED_LAST } else { CANCELLED };
    part.text(
        LAYER,
        Text::new("cancelled", count, rect.x + 42.0, y, Face::Display700, size::COUNT)
            .colour(palette.text)
            .then(10.0, word)
            .face(Face::Text500)
            .size(size::META)
            .colour(palette.text_secondary),
    );
    let mut x = first;
    for (place, (id, title)) in view.cancelled_latest.iter().take(shown).enumerate() {
        part.text(
            LAYER,
            Text::new(("cancelled", place), title.clone(), x, y, Face::Text500, NAMES)
                .colour(palette.text),
        );
        names.push((id.clone(), Rect::new(x, rect.y, width(title), rect.h)));
        x += width(title) + NAMES;
    }
}
