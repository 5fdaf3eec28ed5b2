//! Draws the timeline of one run: its lanes, and above them what grows.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;
use jiff::Timestamp;

use super::bar::BarKind;
use super::header::HeaderView;
use super::lane_words::draw_words;
use super::lanes_place::{LanesPlace, WORDS};
use super::lanes_view::{BarView, Lane, LaneKind, LanesView, Link, Wait};
use super::pen::{
    Labels, NowPlate, Placer, draw_axis, draw_choice, plated, usual_frame, wait_shape,
};
use crate::app::draw::{Cap, Face, Layer, Part, Rect, Shape, Text, Texture, measure, truncate};
use crate::app::state::clock::millis_between;
use crate::app::state::timeline::CellId;
use crate::app::theme::Palette;
use crate::app::words::{clock_words, duration_words};
use crate::timeline::Span;

/// Heights of a bar, of one beside the critical path, of the frame of the usual time, and of a wait.
const BAR: f32 = 32.0;
const ASIDE: f32 = 18.0;
const USUAL: f32 = 48.0;
const WAIT: f32 = 16.0;
/// Type sizes of the lanes' words.
const LABEL: f32 = 28.0;
const INSIDE: f32 = 26.0;

/// Places of words in each lane, made once for what stands still and what grows.
pub struct Lines(Vec<Placer>);

/// Draws what stands still. Returns the cells with their places, and what is free in each lane.
pub fn draw(
    part: &mut Part,
    view: &LanesView,
    at: &LanesPlace,
    now: Timestamp,
    chosen: Option<&CellId>,
) -> (Vec<(CellId, Rect)>, Lines) {
    let palette = part.palette;
    let plate = view.goes_on.then(|| NowPlate::at(at.scale.x(now), now_words(view, now), &at.rows));
    draw_ground(part, view, at, now);
    let labels = Labels::Since(view.origin);
    let plate = plate.filter(|_| at.scale.shows(now)).map(|plate| plate.ends());
    draw_axis(part, &at.scale, &labels, (&at.rows, at.bottom()), plate.as_slice());
    let mut lines: Vec<Placer> =
        (0..view.lanes.len()).map(|_| Placer::new(at.rows.from, at.rows.right)).collect();
    let mut cells = Vec::new();
    for wait in &view.waits {
        if let (Some(ends), Some(line)) = (at.scale.ends(wait.span), lines.get_mut(wait.lane)) {
            draw_wait(part, wait, ends, at, line);
        }
    }
    for (place, lane) in view.lanes.iter().enumerate() {
        let Some(line) = lines.get_mut(place) else { break };
        draw_label(part, place, lane, at);
        for bar in &lane.bars {
            draw_usual(part, place, bar, at);
        }
        draw_to_come(part, place, lane, at, line);
        let mut names = Placer::new(at.rows.from, at.rows.right);
        for bar in lane.bars.iter().filter(|bar| bar.kind != BarKind::AtWork) {
            let Some(ends) = at.scale.ends(bar.span) else { continue };
            let height = if bar.on_path { BAR } else { ASIDE };
            let rect = at.bar(place, ends, height);
            draw_bar(part, bar, rect, at.rows.scale, &mut names);
            cells.push((bar.cell.clone(), grown(rect)));
            line.take(rect.x, rect.right());
            if chosen == Some(&bar.cell) {
                draw_choice(part, rect);
            }
        }
        for bar in lane.bars.iter().filter(|bar| bar.kind == BarKind::AtWork) {
            line.take(at.scale.x(bar.span.from), at.scale.x(now).max(at.scale.x(bar.span.from)));
        }
        draw_words(part, place, lane, at, line);
    }
    for link in &view.links {
        draw_link(part, view, link, at, palette);
    }
    if let Some(end) = view.likely_end.filter(|end| at.scale.shows(*end)) {
        draw_likely_end(part, end, view, at, lines.first_mut());
    }
    (cells, Lines(lines))
}

/// Area in which a bar is hit: narrow ones are hard to point at.
fn grown(rect: Rect) -> Rect {
    let by = (10.0 - rect.w / 2.0).max(0.0);
    Rect::new(rect.x - by, rect.y - 6.0, rect.w + 2.0 * by, rect.h + 12.0)
}

fn now_words(view: &LanesView, now: Timestamp) -> String {
    clock_words(millis_between(view.origin, now))
}

fn faint(palette: &Palette, alpha: f32) -> Color {
    if palette.flat { Color::NONE } else { palette.text.with_alpha(alpha) }
}

fn draw_ground(part: &mut Part, view: &LanesView, at: &LanesPlace, now: Timestamp) {
    let palette = part.palette;
    let (rows, bottom) = (&at.rows, at.bottom());
    let in_loop = |lane: &Lane| matches!(lane.kind, LaneKind::Loop(_));
    if let (Some(first), Some(last)) =
        (view.lanes.iter().position(in_loop), view.lanes.iter().rposition(in_loop))
    {
        let (from, to) = (rows.row(first), rows.row(last));
        let rect = Rect::new(from.x, from.y + 2.0, from.w, to.bottom() - from.y - 4.0);
        let mut ground = Shape::rounded_box(rect).radius(12.0).fill(faint(palette, 0.035));
        if palette.flat {
            ground = ground.border(1.5, palette.line);
        }
        part.shape(Layer::Background, ground);
    }
    if view.goes_on && !palette.flat {
        let x = at.scale.x(now);
        let rect = Rect::new(x, rows.top, (rows.right - x).max(0.0), bottom - rows.top);
        part.shape(Layer::Background, Shape::rounded_box(rect).fill(faint(palette, 0.022)));
    }
    for lane in 0..=view.lanes.len() {
        let rect = Rect::new(rows.left, rows.bottom(lane) - 0.75, rows.right - rows.left, 1.5);
        let ink = if palette.flat { palette.line } else { palette.hair.with_alpha(0.7) };
        part.shape(Layer::Background, Shape::rounded_box(rect).fill(ink));
    }
}

fn draw_label(part: &mut Part, place: usize, lane: &Lane, at: &LanesPlace) {
    let palette = part.palette;
    let k = at.rows.scale;
    let y = at.middle(place) + 10.0 * k;
    let ink = if lane.is_quiet { palette.text_secondary } else { palette.text };
    let mut x = at.rows.left;
    if let LaneKind::Loop(_) = lane.kind {
        let centre = Vec2::new(x + 28.0 * k, at.middle(place));
        let arc = Shape::arc(centre, 10.4 * k, 3.6 * k, 60.0, 335.0).fill(ink);
        let tip = centre + Vec2::new(4.0, -10.0) * k;
        let back = |dx: f32, dy: f32| tip + Vec2::new(dx, dy) * k;
        let head = Shape::polyline3(back(-7.0, -6.0), tip, back(-8.0, 5.0), 3.6 * k);
        part.shape(Layer::Module, arc).shape(Layer::Module, head.fill(ink));
        x += 58.0 * k;
    }
    let room = at.rows.labels_right - x;
    let label = truncate(Face::Text600, LABEL * k, &lane.label, room).into_owned();
    let text = Text::new(("lane", place), label, x, y, Face::Text600, LABEL * k);
    part.text(Layer::Module, text.colour(ink));
}

/// Draws the usual time behind a bar: up to the median, and framed up to the slowest 5 %.
fn draw_usual(part: &mut Part, place: usize, bar: &BarView, at: &LanesPlace) {
    let Some((usual, slow)) = bar.usual else { return };
    let span = |to| at.scale.ends(Span::new(bar.span.from, to));
    if let (Some(usual), Some(slow)) = (span(usual), span(slow)) {
        draw_ghost(part, at.bar(place, usual, USUAL), at.bar(place, slow, USUAL));
    }
}

fn draw_ghost(part: &mut Part, usual: Rect, slow: Rect) {
    let palette = part.palette;
    part.shape(Layer::Pool, usual_frame(palette, slow));
    let mut ghost = Shape::rounded_box(usual).radius(7.0_f32.min(usual.w / 2.0));
    ghost = ghost.fill(faint(palette, 0.13));
    if palette.flat {
        ghost = ghost.border(1.5, palette.text_tertiary);
    }
    part.shape(Layer::Pool, ghost);
}

fn draw_to_come(part: &mut Part, place: usize, lane: &Lane, at: &LanesPlace, line: &mut Placer) {
    let palette = part.palette;
    let k = at.rows.scale;
    for usual in &lane.to_come {
        let ends = at.scale.ends(usual.span);
        let slow = at.scale.ends(Span::new(usual.span.from, usual.slow_to));
        let (Some(ends), Some(slow)) = (ends, slow) else { continue };
        let rect = at.bar(place, ends, USUAL);
        draw_ghost(part, rect, at.bar(place, slow, USUAL));
        if lane.usual.is_empty() || !lane.bars.is_empty() {
            line.take(rect.x, rect.right());
            continue;
        }
        let width = measure(Face::Text500, WORDS * k, 0.0, &lane.usual);
        let inside = width + 32.0 * k <= rect.w;
        let x = if inside {
            let x = rect.x + 16.0 * k;
            line.take(rect.x, rect.right());
            Some(x)
        } else {
            line.take(rect.x, slow.1);
            let left = line.left_of(rect.x - 14.0 * k, width);
            left.or_else(|| line.right_of(slow.1 + 14.0 * k, width))
        };
        if let Some(x) = x {
            let y = at.middle(place) + 10.0 * k;
            let text =
                Text::new(("usual", place), lane.usual.clone(), x, y, Face::Text500, WORDS * k);
            let text = text.colour(palette.text_secondary);
            if inside {
                part.text(Layer::Face, text);
            } else {
                plated(part, text, (x, width), y, WORDS * k);
            }
        }
    }
}

fn bar_inks(palette: &Palette, kind: BarKind) -> (Color, Color) {
    match kind {
        BarKind::Done => (palette.success, palette.ink),
        BarKind::AtWork => (palette.running, palette.ink),
        BarKind::Failed | BarKind::Refused => (palette.failed, palette.failed_ink),
        BarKind::Stopped => (palette.cancelled, palette.cancelled_ink),
        BarKind::Unsure => (palette.ghost, palette.text),
    }
}

/// Draws an attempt: each outcome with a texture of its own, and open at an end that is not known.
fn draw_bar(part: &mut Part, bar: &BarView, rect: Rect, k: f32, names: &mut Placer) {
    let palette = part.palette;
    let (fill, ink) = bar_inks(palette, bar.kind);
    let radius = 6.0_f32.min(rect.w / 2.0);
    let square = |known: bool| if known { radius } else { 0.0 };
    let (left, right) = (square(bar.from_known), square(bar.to_known));
    let mut shape = Shape::rounded_box(rect).radii([left, right, right, left]).fill(fill);
    shape = match bar.kind {
        BarKind::Failed | BarKind::Refused => {
            shape.texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed_hatch)
        }
        BarKind::Stopped => {
            shape.texture(Texture::Bars { period: 10.0, width: 4.0 }, palette.cancelled_edge)
        }
        BarKind::Unsure => shape.border(2.0, palette.text_tertiary).dash(6.0, 5.0),
        BarKind::Done | BarKind::AtWork => shape,
    };
    let keep = matches!(bar.kind, BarKind::Failed | BarKind::Refused);
    part.shape(Layer::Rack, if keep { shape.keep_colour() } else { shape });
    for (known, x) in [(bar.from_known, rect.x), (bar.to_known, rect.right())] {
        if !known {
            let (top, foot) = (rect.y - 8.0 * k, rect.bottom() + 8.0 * k);
            let edge = Shape::capsule(Vec2::new(x, top), Vec2::new(x, foot), 3.0 * k);
            let edge = edge.dash(5.0 * k, 5.0 * k).cap(Cap::Butt);
            part.shape(Layer::Module, edge.fill(palette.text_secondary));
        }
    }
    let size = INSIDE * k;
    let width = measure(Face::Text700, size, 0.0, &bar.name);
    let x = rect.x + 12.0 * k;
    if width + 16.0 * k <= rect.w && rect.h >= size && names.here(x, width) {
        let y = rect.centre_y() + size * 0.35;
        let key = ("in bar", bar.cell.node.to_string(), bar.cell.attempt);
        let text = Text::new(key, bar.name.clone(), x, y, Face::Text700, size).colour(ink);
        part.text(Layer::Face, text);
    }
}

fn draw_wait(part: &mut Part, wait: &Wait, ends: (f32, f32), at: &LanesPlace, line: &mut Placer) {
    if ends.1 - ends.0 < 1.5 {
        return;
    }
    let palette = part.palette;
    let k = at.rows.scale;
    let (place, how) = (wait.lane, if wait.is_queue { "queued" } else { "waiting" });
    let words = format!("{how} {}", duration_words(wait.span.millis()));
    let width = measure(Face::Text500, INSIDE * k, 0.0, &words);
    let has_words = width + 24.0 * k <= ends.1 - ends.0;
    let rect = at.bar(place, ends, if has_words { BAR } else { WAIT });
    part.shape(Layer::Rack, wait_shape(palette, rect, k));
    line.take(rect.x, rect.right());
    if has_words {
        let (x, y) = (rect.x + 14.0 * k, rect.centre_y() + INSIDE * k * 0.35);
        let key = ("wait", place, rect.x as i32);
        let text = Text::new(key, words, x, y, Face::Text500, INSIDE * k);
        plated(part, text.colour(palette.text_secondary), (x, width), y, INSIDE * k);
    }
}

fn draw_link(part: &mut Part, view: &LanesView, link: &Link, at: &LanesPlace, palette: &Palette) {
    let bar = |(lane, index): (usize, usize)| view.lanes.get(lane)?.bars.get(index);
    let (Some(from), Some(to)) = (bar(link.from), bar(link.to)) else { return };
    let (from_x, to_x) = (at.scale.free_x(from.span.to), at.scale.free_x(to.span.from));
    let shown = |x: f32| at.rows.from - 1.0 <= x && x <= at.rows.to + 1.0;
    if !shown(from_x) || !shown(to_x) || from.kind == BarKind::AtWork {
        return;
    }
    let half = BAR / 2.0 * at.rows.scale;
    let down = link.to.0 > link.from.0;
    let (from_y, to_y) = match down {
        true => (at.middle(link.from.0) + half, at.middle(link.to.0) - half),
        false => (at.middle(link.from.0) - half, at.middle(link.to.0) + half),
    };
    let ink = if link.refused { palette.failed } else { palette.text_tertiary };
    let mut line = |a: Vec2, b: Vec2| {
        let mut shape = Shape::capsule(a, b, 3.0).fill(ink);
        if link.refused {
            shape = shape.dash(6.0, 5.0).cap(Cap::Butt);
        }
        part.shape(Layer::Pool, shape);
    };
    line(Vec2::new(from_x, from_y), Vec2::new(from_x, to_y));
    if (to_x - from_x).abs() > 2.0 {
        line(Vec2::new(from_x, to_y), Vec2::new(to_x, to_y));
    }
}

fn draw_likely_end(
    part: &mut Part,
    end: Timestamp,
    view: &LanesView,
    at: &LanesPlace,
    line: Option<&mut Placer>,
) {
    let palette = part.palette;
    let k = at.rows.scale;
    let x = at.scale.x(end);
    let ends = (Vec2::new(x, at.rows.top), Vec2::new(x, at.bottom()));
    let rule = Shape::capsule(ends.0, ends.1, 2.0).dash(2.0, 8.0);
    part.shape(Layer::Rack, rule.fill(palette.text_secondary));
    let words = format!("likely end {}", clock_words(millis_between(view.origin, end)));
    let width = measure(Face::Text600, WORDS * k, 0.0, &words);
    let Some(line) = line else { return };
    let found = line.right_of(x + 14.0 * k, width);
    if let Some(left) = found.or_else(|| line.left_of(x - 14.0 * k, width)) {
        let y = at.middle(0) + 10.0 * k;
        let text = Text::new("likely end", words, left, y, Face::Text600, WORDS * k);
        plated(part, text.colour(palette.text_secondary), (left, width), y, WORDS * k);
    }
}

/// Growing part of the picture: steps at work, the line of now, and their words.
#[derive(Clone, Debug, PartialEq)]
pub struct Growing {
    pub header: HeaderView,
    /// Words of each step at work: its time so far, and the usual time.
    words: Vec<(String, String)>,
    now_words: String,
}

impl Growing {
    pub fn of(view: &LanesView, header: HeaderView, now: Timestamp) -> Self {
        let words = view.open_bars().map(|(_, bar)| {
            let ms = millis_between(bar.span.from, view.silent_since.unwrap_or(now));
            let so_far = if bar.from_known { clock_words(ms) } else { "start not seen".to_owned() };
            let beside = match bar.usual_ms {
                _ if view.silent_since.is_some() => "no news since".to_owned(),
                Some((usual, slow)) if ms / 1000 > slow / 1000 => {
                    format!("slow, usual {}", duration_words(usual))
                }
                Some((usual, _)) => format!("of {}", duration_words(usual)),
                None => String::new(),
            };
            (so_far, beside)
        });
        Self { header, words: words.collect(), now_words: now_words(view, now) }
    }
}

/// Draws what grows; returns the cells of the steps at work.
pub fn draw_growing(
    part: &mut Part,
    (view, growing): (&LanesView, &Growing),
    at: &LanesPlace,
    lines: &Lines,
    now: Timestamp,
    chosen: Option<&CellId>,
) -> Vec<(CellId, Rect)> {
    let palette = part.palette;
    let k = at.rows.scale;
    let now_x = at.scale.x(now).floor();
    let mut lines = lines.0.clone();
    if view.goes_on && at.scale.shows(now) {
        NowPlate::at(now_x, growing.now_words.clone(), &at.rows).draw(part, at.bottom());
    }
    let mut cells = Vec::new();
    for ((place, bar), (so_far, beside)) in view.open_bars().zip(&growing.words) {
        let Some((from, _)) = at.scale.ends(Span::new(bar.span.from, now)) else { continue };
        let heard_x = view.silent_since.map_or(now_x, |heard_at| at.scale.x(heard_at).min(now_x));
        if heard_x < now_x {
            let rect = at.bar(place, (heard_x.max(from), now_x.max(from)), BAR);
            part.shape(Layer::Rack, wait_shape(palette, rect, k));
        }
        let rect = at.bar(place, (from, heard_x.max(from)), BAR);
        // Of two bars on top of each other, the names would be, too.
        let mut names = Placer::new(at.rows.from, at.rows.right);
        if let Some(lane) = view.lanes.get(place) {
            let others = lane.bars.iter().filter(|other| other.cell != bar.cell);
            others
                .filter_map(|other| at.scale.ends(other.span))
                .for_each(|(a, b)| names.take(a, b));
        }
        draw_bar(part, bar, rect, k, &mut names);
        if rect.w > 26.0 * k {
            let tip = Vec2::new(rect.right() - 7.0 * k, rect.centre_y());
            let side = |dy: f32| tip + Vec2::new(-8.0, dy) * k;
            let chevron = Shape::polyline3(side(-8.0), tip, side(8.0), 4.0 * k);
            part.shape(Layer::Face, chevron.fill(palette.ink));
        }
        cells.push((bar.cell.clone(), grown(rect)));
        if chosen == Some(&bar.cell) {
            draw_choice(part, rect);
        }
        let Some(line) = lines.get_mut(place) else { continue };
        let slow = bar.usual.map_or(bar.span.from, |(_, slow)| slow);
        let end = at.scale.x(slow).max(now_x);
        let (y, size) = (at.middle(place) + 11.0 * k, WORDS * k);
        let so_far_size = if bar.from_known { 34.0 * k } else { size };
        let widths = (
            measure(Face::Display700, so_far_size, 0.0, so_far),
            measure(Face::Text500, size, 0.0, beside),
        );
        let width = widths.0 + widths.1 + 10.0 * k;
        let found = line.right_of(end + 14.0 * k, width);
        let found = found.or_else(|| line.right_of(now_x + 14.0 * k, width));
        if let Some(x) = found.or_else(|| line.left_of(from - 12.0 * k, width)) {
            let key = ("so far", bar.cell.node.to_string());
            let text = Text::new(key, so_far.clone(), x, y, Face::Display700, so_far_size)
                .colour(palette.running)
                .then(10.0 * k, beside.clone())
                .face(Face::Text500)
                .size(size)
                .colour(palette.text_secondary);
            plated(part, text, (x, width), y, so_far_size);
        }
    }
    cells
}
