//! Present place of runs: the queue and the steps, as cells of one run each or as bars, against the usual load.

use bevy::color::Color;

use super::super::board_view::{BoardView, MOST_CELLS, NextToFinish, NodeLoad};
use super::super::fit::{line_for, without_time};
use super::{ASIDE, HEAD, LAYER, Line, Picks, draw_head, draw_rule};
use crate::app::draw::{Face, Part, Rect, Shape, Text, Texture, measure};
use crate::app::words::count_words;
use crate::bounded::bounded;
use crate::layout::Board;

/// Height above the first row, and the pitch of the rows of the drawing.
const TOP: f32 = 52.0;
const PITCH: f32 = 70.0;
/// Heights of a bar, of the frame around it, and of the bar of the queue.
const BAR: f32 = 26.0;
const FRAME: f32 = 36.0;
const QUEUE: f32 = 20.0;
/// Widths of a run in a bar: at most, and from which on it has a cell of its own.
const WIDEST: f32 = 14.0;
const NARROWEST: f32 = 3.6;
/// Height of the line about the run that finishes next, and the least pitch of rows above it.
const NEXT: f32 = 44.0;
const LEAST_PITCH: f32 = 46.0;
/// Type size of a number, and of words on a row.
const NUMBER: f32 = 36.0;
const WORDS: f32 = 24.0;

/// Measures that all rows have in common.
struct Bars {
    /// Left and right edge.
    x: f32,
    right: f32,
    /// Width of a run.
    unit: f32,
    /// True where each run has a cell.
    cells: bool,
    /// Factor of lengths along x, and of those along y.
    k: f32,
    f: f32,
    /// Factor of type sizes.
    t: f32,
    pitch: f32,
}

pub fn draw(part: &mut Part, view: &BoardView, places: &Board, picks: &mut Picks) {
    let (k, at) = (places.scale, places.now);
    draw_head(part, "where runs are now", at, k);
    draw_legend(part, view, at, k);
    let rows = view.nodes.len() + 1;
    let top = at.y + TOP * k;
    // A line below the rows names the run that finishes next, if the rows stay readable.
    let with_next = (at.bottom() - NEXT * k - top) / rows as f32;
    let next = view.next.as_ref().filter(|_| with_next >= LEAST_PITCH * k);
    let pitch = if next.is_some() { with_next } else { (at.bottom() - top) / rows as f32 };
    if let Some(next) = next {
        draw_next(part, next, at, k, picks);
    }
    let widest =
        |words: &dyn Fn(&NodeLoad) -> f32| view.nodes.iter().map(words).fold(0.0, f32::max);
    // Many rows have smaller type.
    let t = k * (pitch / (44.0 * k)).min(1.0);
    let numbers_w = widest(&|node| measure(Face::Display700, NUMBER * t, 0.0, &number(node)));
    let names_w = widest(&|node| measure(Face::Text600, HEAD * t, 0.0, &node.name));
    // Names and numbers of different rows may share the room between them.
    let least = (names_w.min(200.0 * k)).max(numbers_w);
    let number_x = at.x + bounded(numbers_w + names_w + 10.0 * k, least, 236.0 * k);
    let x = number_x + 20.0 * k;
    let right = at.right() - 6.0 * k;
    let most = view.nodes.iter().map(|node| node.count().max(node.usual.unwrap_or(0))).max();
    let unit = ((right - x) / most.unwrap_or(0).max(1) as f32).min(WIDEST * k);
    let cells = view.active <= MOST_CELLS && unit >= NARROWEST * k;
    let bars = Bars { x, right, unit, cells, k, f: (pitch / PITCH).min(k), t, pitch };
    draw_waiting(part, view, &bars, (at.x, top + pitch / 2.0), picks);
    for (row, node) in view.nodes.iter().enumerate() {
        let y = top + pitch * (row + 1) as f32;
        let was_jammed = row > 0 && !view.nodes[row - 1].jam.is_empty();
        if node.jam.is_empty() && !was_jammed {
            draw_rule(part, at.x, y, at.w);
        }
        let row_at = Rect::new(at.x, y, at.w, pitch);
        draw_step(part, node, &bars, (row, row_at, number_x), picks);
    }
}

/// Draws which run should finish next, and when.
fn draw_next(part: &mut Part, next: &NextToFinish, at: Rect, k: f32, picks: &mut Picks) {
    let palette = part.palette;
    let y = at.bottom() - 8.0 * k;
    draw_rule(part, at.x, at.bottom() - (NEXT - 2.0) * k, at.w);
    let say = |part: &mut Part, key: &'static str, words: &str, face, ink, x: f32| {
        let line = Line::new(words.to_owned(), face, WORDS * k, ink, at.right() - x);
        line.least(22.0 * k).draw(part, key, x, y);
        x + measure(face, WORDS * k, 0.0, words)
    };
    let Some(id) = &next.id else {
        let words = "next to finish: not known yet";
        say(part, "next", words, Face::Text500, palette.text_secondary, at.x);
        return;
    };
    let ink = palette.text_secondary;
    let x = say(part, "next", "next to finish:", Face::Text500, ink, at.x) + 10.0 * k;
    let left = format!(", {}", next.left);
    let room = at.right() - x - measure(Face::Text500, WORDS * k, 0.0, &left) - 2.0;
    let fits = measure(Face::Text600, 24.0 * k, 0.0, &next.title) <= room;
    let title = if fits { next.title.as_str() } else { without_time(&next.title) };
    let (title, size) = line_for(Face::Text600, (HEAD * k, 24.0 * k), title, room);
    let end = x + measure(Face::Text600, size, 0.0, &title);
    part.text(LAYER, Text::new("next song", title, x, y, Face::Text600, size).colour(palette.text));
    say(part, "next left", &left, Face::Text500, palette.text, end);
    picks.names.push((id.clone(), Rect::new(at.x, at.bottom() - NEXT * k, at.w, NEXT * k)));
}

fn number(node: &NodeLoad) -> String {
    count_words(node.count() as u64)
}

/// Draws what the dashed frame means, and how many runs are without news.
fn draw_legend(part: &mut Part, view: &BoardView, at: Rect, k: f32) {
    let palette = part.palette;
    let known = view.nodes.iter().any(|node| node.usual.is_some());
    let words = if known { "usual load" } else { "usual load not known yet" };
    let y = at.y + 26.0 * k;
    let head_w = measure(Face::Text600, HEAD * k, 0.0, "where runs are now") + 28.0 * k;
    let mark_w = if known { 36.0 * k } else { 0.0 };
    let room = at.w - head_w - mark_w;
    let width = measure(Face::Text500, ASIDE * k, 0.0, words).min(room);
    let ink = palette.text_secondary;
    Line::new(words, Face::Text500, ASIDE * k, ink, room).least(22.0 * k).draw_end(
        part,
        "usual load",
        at.right(),
        y,
    );
    if known {
        let mark = Rect::new(at.right() - width - mark_w, y - 18.0 * k, 24.0 * k, 20.0 * k);
        part.shape(LAYER, frame(mark, ink, k));
    }
    // Totals stand in the header only; that some of these runs say nothing is said nowhere else.
    if view.silent > 0 {
        let words = format!("{} no news", count_words(view.silent as u64));
        let silent_w = measure(Face::Text500, ASIDE * k, 0.0, &words);
        let end = at.right() - width - mark_w - 28.0 * k;
        if at.x + head_w + silent_w + 22.0 * k <= end {
            let line = Line::new(words, Face::Text500, ASIDE * k, ink, silent_w + 1.0);
            line.draw_end(part, "no news", end, y);
            let mark = Rect::new(end - silent_w - 18.0 * k, y - 19.0 * k, 8.0 * k, 22.0 * k);
            part.shape(LAYER, Shape::rounded_box(mark).radius(2.0 * k).fill(palette.stale_outline));
        }
    }
}

fn frame(rect: Rect, ink: Color, k: f32) -> Shape {
    let shape = Shape::rounded_box(rect).radius(4.0 * k).fill(Color::NONE);
    shape.border(2.0 * k, ink).dash(4.0 * k, 3.0 * k)
}

/// Draws the queue, and how long the first of it has waited.
fn draw_waiting(
    part: &mut Part,
    view: &BoardView,
    bars: &Bars,
    (left, middle): (f32, f32),
    picks: &mut Picks,
) {
    let palette = part.palette;
    let (k, t, waiting) = (bars.k, bars.t, &view.waiting);
    let ink = palette.text_secondary;
    let name = Line::new("waiting", Face::Text600, HEAD * t, palette.text, bars.x - left - 8.0 * k);
    name.least(22.0 * t).draw(part, "waiting", left, middle + 10.0 * t);
    let say = |part: &mut Part, words: String, x: f32| {
        let line = Line::new(words, Face::Text500, WORDS * t, ink, bars.right - x);
        line.least(22.0 * t).draw(part, "longest wait", x, middle + 8.5 * t);
    };
    if waiting.count == 0 {
        return say(part, "no run is queued".to_owned(), bars.x);
    }
    let longest = format!("longest wait {}", waiting.longest);
    let room = bars.right - bars.x - measure(Face::Text500, WORDS * t, 0.0, &longest) - 16.0 * k;
    let wanted = bars.unit * waiting.count as f32;
    // A queue beyond the scale of the steps is a number.
    let (width, words) = if wanted <= room {
        (wanted, longest)
    } else {
        let words = format!("{} queued, {longest}", count_words(waiting.count as u64));
        let room = bars.right - bars.x - measure(Face::Text500, WORDS * t, 0.0, &words);
        // A narrow column leaves the number to the header.
        let words = if room >= 0.0 { words } else { longest };
        ((room - 16.0 * k).max(0.0), words)
    };
    let height = QUEUE * bars.f;
    let bar = Rect::new(bars.x, middle - height / 2.0, width, height);
    if bars.cells && wanted <= room && waiting.runs.len() == waiting.count {
        for (place, id) in waiting.runs.iter().enumerate() {
            let cell = cell(bar, bars, place);
            part.shape(LAYER, hollow(cell, palette.text_tertiary, bars));
            picks.cells.push((id.clone(), reach(cell, bars)));
        }
    } else if width > 4.0 * k {
        let shape = Shape::rounded_box(bar).radius(3.0 * k).fill(Color::NONE);
        let hatch = Texture::Hatch { period: 8.0 * k, width: 2.4 * k };
        part.shape(LAYER, shape.texture(hatch, palette.text_tertiary).border(1.5 * k, ink));
    }
    let gap = if width > 4.0 * k { 14.0 * k } else { 0.0 };
    say(part, words, bars.x + width + gap);
}

/// Place of a run in its bar.
fn cell(bar: Rect, bars: &Bars, place: usize) -> Rect {
    let gap = bounded(bars.unit * 0.33, 1.0, 3.0 * bars.k);
    Rect::new(bar.x + bars.unit * place as f32, bar.y, bars.unit - gap, bar.h)
}

/// Area in which a press finds a cell: over its gap, and a little above and below.
fn reach(cell: Rect, bars: &Bars) -> Rect {
    Rect::new(cell.x, cell.y - 6.0 * bars.f, bars.unit, cell.h + 12.0 * bars.f)
}

fn hollow(cell: Rect, ink: Color, bars: &Bars) -> Shape {
    let shape = Shape::rounded_box(cell).radius(2.0 * bars.k).unsnapped().fill(Color::NONE);
    shape.border(1.5 * bars.k, ink)
}

/// Draws a step: its name, its number, and its runs against the usual load.
fn draw_step(
    part: &mut Part,
    node: &NodeLoad,
    bars: &Bars,
    (row, at, number_x): (usize, Rect, f32),
    picks: &mut Picks,
) {
    let palette = part.palette;
    let (k, f, t) = (bars.k, bars.f, bars.t);
    let is_jammed = !node.jam.is_empty();
    let middle = at.centre_y();
    if is_jammed {
        let ground =
            Rect::new(at.x - 14.0 * k, at.y + 3.0 * f, at.w + 22.0 * k, bars.pitch - 6.0 * f);
        let ground = Shape::rounded_box(ground).radius(10.0 * k).fill(palette.running_deep);
        part.shape(LAYER, ground.border(2.0 * k, palette.running));
    }
    let number = number(node);
    let number_w = measure(Face::Display700, NUMBER * t, 0.0, &number);
    let ink = if node.count() == 0 { palette.text_secondary } else { palette.text };
    let room = number_x - number_w - 10.0 * k - at.x;
    let name = Line::new(node.name.as_str(), Face::Text600, HEAD * t, ink, room);
    name.least(22.0 * t).draw(part, ("step", row), at.x, middle + 10.0 * t);
    let count = Line::new(number, Face::Display700, NUMBER * t, ink, number_w + 1.0);
    count.draw_end(part, ("runs", row), number_x, middle + 12.0 * t);
    let bar_y = if is_jammed { middle - 27.0 * f } else { middle - BAR * f / 2.0 };
    // Low rows have lower bars above the words.
    let h = if is_jammed && f < k { 0.8 * f } else { f };
    let bar = Rect::new(bars.x, bar_y, bars.unit * node.count() as f32, BAR * h);
    let usual = node.usual.unwrap_or(0);
    if bars.cells && node.runs.len() == node.count() {
        for (place, (id, silent)) in node.runs.iter().enumerate() {
            let at = cell(bar, bars, place);
            let shape = Shape::rounded_box(at).radius(2.0 * k).unsnapped();
            let ink = match silent {
                true => palette.stale_outline,
                false if is_jammed && place >= usual => palette.excess,
                false => palette.running,
            };
            part.shape(LAYER, shape.fill(ink));
            picks.cells.push((id.clone(), reach(at, bars)));
        }
    } else {
        draw_bar(part, node, bars, bar);
    }
    if usual > 0 {
        let gap = bar.x - cell(bar, bars, 0).right() + bars.unit;
        let width = bars.unit * usual as f32 - gap + 6.0 * k;
        let inset = (FRAME - BAR) * h / 2.0;
        let rect = Rect::new(bar.x - 3.0 * k, bar.y - inset, width.max(8.0 * k), FRAME * h);
        part.shape(LAYER, frame(rect, palette.text_secondary, k));
    }
    if is_jammed {
        let words =
            Line::new(&*node.jam, Face::Text600, WORDS * t, palette.text, bars.right - bars.x);
        words.least(22.0 * t).draw(part, ("jam", row), bars.x, middle + 26.0 * f);
    }
}

/// Draws the runs of a step as one bar: those with news, those beyond the usual load, those without news.
fn draw_bar(part: &mut Part, node: &NodeLoad, bars: &Bars, bar: Rect) {
    let palette = part.palette;
    if node.count() == 0 {
        return;
    }
    let heard = node.count() - node.load.silent.min(node.count());
    let usual = match node.usual {
        Some(usual) if !node.jam.is_empty() => usual.min(heard),
        _ => heard,
    };
    let pieces = [
        (usual, palette.running),
        (heard - usual, palette.excess),
        (node.load.silent, palette.stale_outline),
    ];
    let mut x = bar.x;
    for (count, ink) in pieces {
        if count == 0 {
            continue;
        }
        let piece = Rect { x, w: (bars.unit * count as f32).max(2.0), ..bar };
        let shape = Shape::rounded_box(piece).radius(3.0 * bars.k).unsnapped().fill(ink);
        let shape = if ink == palette.stale_outline {
            shape.texture(Texture::Scanlines { period: 6.0, width: 2.0 }, palette.bg)
        } else {
            shape
        };
        part.shape(LAYER, shape);
        x = piece.right();
    }
}
