//! Draws a race: two lanes, the gap over time, and the differences of the columns.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;
use jiff::Timestamp;

use super::bar::BarKind;
use super::foot::draw_fix;
use super::pen::{
    Labels, NowPlate, Placer, draw_axis, draw_choice, plated, usual_frame, wait_shape,
};
use super::race_place::{RacePlace, instant};
use super::race_table::draw_table;
use super::race_view::{RaceBar, RaceLane, RaceView};
use super::readout::Readout;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, Texture, measure, truncate};
use crate::app::state::status::DisplayStatus;
use crate::app::state::timeline::CellId;
use crate::app::theme::Palette;
use crate::app::words::clock_words;

/// Type sizes.
const LABEL: f32 = 28.0;
const ABOUT: f32 = 24.0;
const INSIDE: f32 = 24.0;
const HEAD: f32 = 26.0;
const AXIS: f32 = 22.0;
/// Distances of gaps between the lines of the gap, in milliseconds.
const STEPS: [i64; 13] = [
    1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
    14_400_000, 86_400_000,
];

/// Draws the race; returns its cells.
pub fn draw(
    part: &mut Part,
    view: &RaceView,
    at: &RacePlace,
    chosen: Option<&CellId>,
    readout: Option<&Readout>,
) -> Vec<(CellId, Rect)> {
    let k = at.layout.time.scale;
    let bottom = at.layout.gap.bottom();
    let now_shown = view.goes_on && at.scale.shows(instant(view.elapsed_ms));
    let plate = now_shown.then(|| {
        NowPlate::at(at.x(view.elapsed_ms).floor(), clock_words(view.elapsed_ms), &at.layout.time)
    });
    let labels = Labels::Since(Timestamp::UNIX_EPOCH);
    let taken = plate.as_ref().map(NowPlate::ends);
    draw_axis(part, &at.scale, &labels, (&at.layout.time, bottom), taken.as_slice());
    draw_joins(part, view, at);
    let mut cells = Vec::new();
    for (place, lane) in view.lanes.iter().enumerate() {
        draw_lane(part, place, lane, at, chosen, &mut cells);
    }
    draw_gap(part, view, at, readout);
    if let Some(plate) = plate {
        plate.draw(part, bottom);
    }
    draw_table(part, view, at, k);
    cells
}

/// Draws lines between the ends of the same column in both lanes, and a wedge for a column that only one has.
fn draw_joins(part: &mut Part, view: &RaceView, at: &RacePlace) {
    let palette = part.palette;
    let [upper, lower] = at.layout.lanes;
    let (top, foot) = (upper.bottom(), lower.y);
    let shown = |ms: u64| at.scale.shows(instant(ms));
    for ((from, to), other, is_mine) in &view.alone {
        let (near, far) = if *is_mine { (top, foot) } else { (foot, top) };
        let points = (
            Vec2::new(at.x(*from), near),
            Vec2::new(at.x(*to), near),
            Vec2::new(at.x(*other), far),
        );
        if !palette.flat {
            let wedge = Shape::triangle(points.0, points.1, points.2, 0.5);
            part.shape(Layer::Background, wedge.fill(palette.text.with_alpha(0.07)));
        }
        for (a, b) in [(points.0, points.2), (points.1, points.2)] {
            part.shape(Layer::Pool, Shape::capsule(a, b, 2.0).fill(palette.text_tertiary));
        }
    }
    for (this, other) in &view.joins {
        if shown(*this) && shown(*other) {
            let (a, b) = (Vec2::new(at.x(*this), top), Vec2::new(at.x(*other), foot));
            part.shape(Layer::Pool, Shape::capsule(a, b, 2.0).fill(palette.text_tertiary));
        }
    }
}

fn draw_lane(
    part: &mut Part,
    place: usize,
    lane: &RaceLane,
    at: &RacePlace,
    chosen: Option<&CellId>,
    cells: &mut Vec<(CellId, Rect)>,
) {
    let palette = part.palette;
    let k = at.layout.time.scale;
    let Some(rect) = at.layout.lanes.get(place).copied() else { return };
    let is_mine = place == 0;
    let room = at.layout.time.labels_right - at.layout.time.left;
    let mut put = |key: &'static str, words: &str, y: f32, face: Face, size: f32, ink: Color| {
        let words = truncate(face, size, words, room).into_owned();
        let text = Text::new((key, place), words, at.layout.time.left, y, face, size);
        part.text(Layer::Module, text.colour(ink));
    };
    let middle = rect.centre_y();
    put("lane", &lane.label, middle, Face::Text600, LABEL * k, palette.text);
    put("about", &lane.about, middle + 30.0 * k, Face::Text500, ABOUT * k, palette.text_secondary);

    let mut verdicts = Placer::new(at.layout.time.from - 60.0 * k, at.layout.time.right);
    let mut names = Placer::new(at.layout.time.from, at.layout.time.right);
    let mut end_x = rect.x;
    for bar in &lane.bars {
        let Some(ends) = at.ends(bar.from, bar.to) else { continue };
        let rect = Rect::new(ends.0, rect.y, (ends.1 - 1.8 - ends.0).max(2.0), rect.h);
        end_x = end_x.max(ends.1);
        draw_bar(part, bar, rect, (is_mine, place), k, &mut names);
        if let Some(cell) = &bar.cell {
            cells.push((cell.clone(), rect));
            if chosen == Some(cell) {
                draw_choice(part, rect);
            }
        }
        if is_mine {
            draw_verdict(part, bar, rect, &mut verdicts, k);
        }
    }
    if let Some(ends) = lane.unheard.and_then(|(from, to)| at.ends(from, to)) {
        let rect = Rect::new(ends.0, rect.y, (ends.1 - ends.0).max(2.0), rect.h);
        part.shape(Layer::Rack, wait_shape(palette, rect, k));
        end_x = end_x.max(ends.1);
    }
    let mut words_x = end_x;
    for (from, to) in &lane.to_come {
        if let Some(ends) = at.ends(*from, *to) {
            let rect = Rect::new(ends.0, rect.y, (ends.1 - 1.8 - ends.0).max(2.0), rect.h);
            part.shape(Layer::Pool, usual_frame(palette, rect));
            words_x = words_x.max(ends.1);
        }
    }
    let mut x = words_x + 10.0 * k;
    if let Some(glyph) = lane.end
        && x + 26.0 * k < at.layout.time.right
    {
        badge(part, Layer::Face, glyph, Vec2::new(x + 13.0 * k, middle), 13.0 * k, "end");
        x += 40.0 * k;
    }
    let size = LABEL * k;
    let y = middle + 10.0 * k;
    let ink = if lane.end.is_some() { palette.text } else { palette.text_secondary };
    // The first part says most.
    let short = lane.words.split(',').next().unwrap_or_default();
    let fitting = [lane.words.as_str(), short]
        .into_iter()
        .map(|words| (words, measure(Face::Text600, size, 0.0, words)))
        .find(|(_, width)| x + width <= at.layout.time.right);
    if let Some((words, width)) = fitting {
        let words = words.to_owned();
        let text = Text::new(("lane words", place), words, x, y, Face::Text600, size);
        plated(part, text.colour(ink), (x, width), y, size);
    }
}

fn draw_bar(
    part: &mut Part,
    bar: &RaceBar,
    rect: Rect,
    (is_mine, place): (bool, usize),
    k: f32,
    names: &mut Placer,
) {
    let palette = part.palette;
    if let Some(number) = bar.fix {
        let tall = Rect::new(rect.x, rect.y - 6.0 * k, rect.w.max(14.0 * k), rect.h + 12.0 * k);
        if !names.here(tall.x, tall.w) {
            draw_fix(part, tall, "", ("race", 0));
            return;
        }
        let words = format!("FIX {number}");
        let size = INSIDE * k;
        let fits = measure(Face::Text700, size, 0.0, &words) + 8.0 <= tall.w;
        let words = if fits { String::new() } else { number.to_string() };
        draw_fix(part, tall, &words, ("race", place * 64 + number as usize));
        if fits {
            let y = tall.centre_y() + size * 0.35;
            let key = ("race fix", place, number);
            let text =
                Text::new(key, format!("FIX {number}"), tall.centre_x(), y, Face::Text700, size);
            part.text(Layer::Face, text.middle().colour(palette.bg));
        }
        return;
    }
    let (fill, ink) = match bar.kind {
        BarKind::Done if is_mine => (palette.success, palette.ink),
        BarKind::Done => (palette.success_deep, palette.text),
        BarKind::AtWork => (palette.running, palette.ink),
        BarKind::Failed | BarKind::Refused => (palette.failed, palette.failed_ink),
        BarKind::Stopped => (palette.cancelled, palette.cancelled_ink),
        BarKind::Unsure => (palette.ghost, palette.text),
    };
    let mut shape = Shape::rounded_box(rect).radius(4.0_f32.min(rect.w / 2.0)).fill(fill);
    if !is_mine && bar.kind == BarKind::Done {
        shape = shape.border(1.5, palette.success_line);
    }
    shape = match bar.kind {
        BarKind::Failed => {
            shape.texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed_hatch)
        }
        BarKind::Stopped => {
            shape.texture(Texture::Bars { period: 10.0, width: 4.0 }, palette.cancelled_edge)
        }
        BarKind::Unsure => shape.border(2.0, palette.text_tertiary).dash(6.0, 5.0),
        _ => shape,
    };
    part.shape(Layer::Rack, shape);
    let size = INSIDE * k;
    let chevron = bar.kind == BarKind::AtWork && rect.w > 26.0 * k;
    let room = rect.w - 20.0 * k - if chevron { 18.0 * k } else { 0.0 };
    let width = measure(Face::Text600, size, 0.0, &bar.name);
    if width <= room && names.here(rect.x + 10.0 * k, width) {
        let y = rect.centre_y() + size * 0.36;
        let key = ("race bar", place, bar.name.clone(), bar.from);
        let text = Text::new(key, bar.name.clone(), rect.x + 10.0 * k, y, Face::Text600, size);
        part.text(Layer::Face, text.colour(ink));
    }
    if chevron {
        let tip = Vec2::new(rect.right() - 5.0 * k, rect.centre_y());
        let side = |dy: f32| tip + Vec2::new(-10.0, dy) * k;
        let shape = Shape::polyline3(side(-10.0), tip, side(10.0), 4.0 * k);
        part.shape(Layer::Face, shape.fill(palette.ink));
    }
}

/// Draws the score of a verdict above its bar.
fn draw_verdict(part: &mut Part, bar: &RaceBar, rect: Rect, line: &mut Placer, k: f32) {
    let Some((passed, score)) = &bar.verdict else { return };
    let palette = part.palette;
    let (glyph, ink) = match passed {
        Some(true) => (Some(DisplayStatus::Success), palette.success),
        Some(false) => (Some(DisplayStatus::Failed), palette.failed_text),
        None => (None, palette.text_secondary),
    };
    let size = INSIDE * k;
    let width = measure(Face::Text600, size, 0.0, score) + 36.0 * k;
    let Some(x) = line.left_of(rect.right() + 2.0 * k, width) else { return };
    let y = rect.y - 12.0 * k;
    let text = Text::new(("verdict", bar.from), score.clone(), x, y, Face::Text600, size);
    part.text(Layer::Face, text.colour(ink));
    if let Some(glyph) = glyph {
        let centre = Vec2::new(x + width - 14.0 * k, y - 8.0 * k);
        badge(part, Layer::Face, glyph, centre, 12.0 * k, "verdict");
    }
}

/// Draws the gap over time: behind above the line, ahead below it.
fn draw_gap(part: &mut Part, view: &RaceView, at: &RacePlace, readout: Option<&Readout>) {
    let palette = part.palette;
    let (k, rect) = (at.layout.time.scale, at.layout.gap);
    let left = at.layout.time.left;
    let most = view.curve.iter().map(|(_, gap)| *gap).max().unwrap_or(0).max(2_000);
    let least = view.curve.iter().map(|(_, gap)| *gap).min().unwrap_or(0).min(0);
    let wanted = most.saturating_sub(least) / 3;
    // Words stand above and below the curve.
    let (top, foot) = (rect.y + 34.0 * k, rect.bottom() - 36.0 * k);
    let px_per_ms = f64::from((foot - top).max(1.0)) / most.saturating_sub(least).max(1) as f64;
    let fits = |step: &i64| *step >= wanted && *step as f64 * px_per_ms >= f64::from(36.0 * k);
    let step = STEPS.into_iter().find(fits).unwrap_or(i64::MAX);
    let y = |gap: i64| foot - (gap.saturating_sub(least) as f64 * px_per_ms) as f32;
    let zero = y(0);
    let rule = |y: f32, ink: Color, width: f32| {
        Shape::rounded_box(Rect::new(rect.x, y - width / 2.0, rect.w, width)).fill(ink)
    };
    part.shape(Layer::Background, rule(zero, palette.line_strong, 2.0));
    let label_size = AXIS * k;
    let label_room = at.layout.time.labels_right;
    let mut axis_left = label_room;
    // Three lines or so on each side of the one of no gap.
    let lines =
        (1..=4).flat_map(|line: i64| [line.saturating_mul(step), -line.saturating_mul(step)]);
    for gap in lines.filter(|gap| (least..=most).contains(gap)) {
        part.shape(Layer::Background, rule(y(gap), palette.hair, 1.5));
        let words = clock_words(gap.unsigned_abs());
        axis_left = axis_left.min(label_room - measure(Face::Text500, label_size, 0.0, &words));
        let text =
            Text::new(("gap", gap), words, label_room, y(gap) + 8.0 * k, Face::Text500, label_size);
        part.text(Layer::Module, text.end().colour(palette.text_secondary));
    }
    let room = axis_left - 12.0 * k - left;
    let mut put = |key: &'static str, words: &str, y: f32, face: Face, size: f32, ink: Color| {
        let words = truncate(face, size, words, room).into_owned();
        part.text(Layer::Module, Text::new(key, words, left, y, face, size).colour(ink));
    };
    put("gap", "gap", top + 4.0 * k, Face::Text600, LABEL * k, palette.text);
    let behind_y = top + 34.0 * k;
    put("behind", "this run behind", behind_y, Face::Text500, ABOUT * k, palette.text_secondary);
    let ahead_y = (zero + 30.0 * k).max(behind_y + 28.0 * k).min(rect.bottom() - 4.0 * k);
    if ahead_y >= behind_y + 28.0 * k {
        put("ahead", "ahead", ahead_y, Face::Text500, ABOUT * k, palette.text_secondary);
    }

    let point = |(ms, gap): (u64, i64)| Vec2::new(at.x(ms), y(gap));
    for pair in view.curve.windows(2) {
        let (a, b) = (point(pair[0]), point(pair[1]));
        if b.x - a.x < 0.01 && (b.y - a.y).abs() < 0.01 {
            continue;
        }
        draw_area(part, a, b, zero, palette);
        part.shape(Layer::Rack, Shape::capsule(a, b, 4.0).fill(palette.running));
    }
    if let Some(last) = view.curve.last().copied() {
        let end = if view.goes_on { view.elapsed_ms } else { last.0 };
        let (a, b) = (point(last), point((end.max(last.0), last.1)));
        draw_area(part, a, b, zero, palette);
        part.shape(Layer::Rack, Shape::capsule(a, b, 4.0).fill(palette.running));
        part.shape(Layer::Module, Shape::disc(b, 8.0).fill(palette.running));
        if let Some(likely) = view.likely_ms {
            let c = point((likely, last.1));
            let ahead = Shape::capsule(b, c, 2.5).dash(4.0, 5.0);
            part.shape(Layer::Rack, ahead.fill(palette.running));
        }
    }
    draw_gap_words(part, view, at, readout, palette);
}

/// Draws the area between the curve and the line of no gap.
fn draw_area(part: &mut Part, a: Vec2, b: Vec2, zero: f32, palette: &Palette) {
    if palette.flat || b.x - a.x < 0.5 {
        return;
    }
    let fill = palette.running.with_alpha(0.2);
    let crosses = (a.y - zero) * (b.y - zero) < 0.0;
    if crosses {
        let t = (zero - a.y) / (b.y - a.y);
        let middle = Vec2::new(a.x + (b.x - a.x) * t, zero);
        draw_area(part, a, middle, zero, palette);
        draw_area(part, middle, b, zero, palette);
        return;
    }
    let (near, far) = match (a.y - zero).abs() <= (b.y - zero).abs() {
        true => (a, b),
        false => (b, a),
    };
    let base = Rect::new(a.x, near.y.min(zero), b.x - a.x, (near.y - zero).abs());
    if base.h > 0.1 {
        part.shape(Layer::Pool, Shape::rounded_box(base).fill(fill).unsnapped());
    }
    let corner = Vec2::new(far.x, near.y);
    if (far.y - near.y).abs() > 0.1 {
        part.shape(Layer::Pool, Shape::triangle(near, far, corner, 0.0).fill(fill));
    }
}

fn draw_gap_words(
    part: &mut Part,
    view: &RaceView,
    at: &RacePlace,
    readout: Option<&Readout>,
    palette: &Palette,
) {
    let (k, rect) = (at.layout.time.scale, at.layout.gap);
    let size = HEAD * k;
    let (top, foot) = (rect.y + 22.0 * k, rect.bottom() - 8.0 * k);
    if let Some(readout) = readout {
        let words = format!("{}: {}", readout.title, readout.words);
        let words = truncate(Face::Text600, size, &words, rect.w - 20.0 * k).into_owned();
        let width = measure(Face::Text600, size, 0.0, &words);
        let x = rect.x + 12.0 * k;
        let text = Text::new("readout", words, x, top, Face::Text600, size);
        plated(part, text.colour(palette.violet_text), (x, width), top, size);
    } else if !view.note.is_empty() {
        let words = truncate(Face::Text500, size, &view.note, rect.w - 20.0 * k).into_owned();
        let width = measure(Face::Text500, size, 0.0, &words);
        let x = rect.x + 12.0 * k;
        let text = Text::new("note", words, x, top, Face::Text500, size);
        plated(part, text.colour(palette.text_secondary), (x, width), top, size);
    } else if let Some((words, end)) = &view.lost {
        put_middle(part, ("lost", words), (at.x(*end), top), rect, palette.text, k);
    }
    if let Some((words, end)) = &view.won {
        put_middle(part, ("won", words), (at.x(*end), foot), rect, palette.text_secondary, k);
    }
}

/// Puts words with their end at a place, within the gap's area.
fn put_middle(
    part: &mut Part,
    (key, words): (&'static str, &str),
    (x, y): (f32, f32),
    rect: Rect,
    ink: Color,
    k: f32,
) {
    let size = HEAD * k;
    let words = truncate(Face::Text600, size, words, rect.w - 8.0).into_owned();
    let width = measure(Face::Text600, size, 0.0, &words);
    let left = crate::bounded::bounded(x - width - 14.0 * k, rect.x + 6.0, rect.right() - width);
    let text = Text::new(key, words, left, y, Face::Text600, size).colour(ink);
    plated(part, text, (left, width), y, size);
}
