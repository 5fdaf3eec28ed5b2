//! How many runs finish in a minute, and below that the latest of them, or how long they took.

use bevy::color::Alpha;
use bevy::math::Vec2;

use super::super::board_view::{BoardView, RunTimes};
use super::{ASIDE, LAYER, Line, Picks, draw_head, draw_rule};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Cap, Face, Part, Rect, Shape, Text, Texture, measure};
use crate::app::state::status::DisplayStatus;
use crate::app::words::{count_words, span_words};
use crate::bounded::bounded;
use crate::layout::Board;

/// Type size of the pace, and of captions.
const VALUE: f32 = 88.0;
const CAPTION: f32 = 22.0;
/// Pitch of the list of finished runs, and number of them in full strength.
const ROW: f32 = 50.0;
const STRONG: usize = 3;
/// Heights below the list that the line about cancelled runs takes.
const FOOT: f32 = 46.0;
/// Steps of the axis of run times in seconds.
const TICK_SECS: [u64; 12] = [5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 86_400];

pub fn draw(part: &mut Part, view: &BoardView, places: &Board, picks: &mut Picks) {
    let k = places.scale;
    draw_head(part, "finished a minute", places.pace, k);
    draw_value(part, view, places.pace, k);
    draw_ended(part, view, places.pace, k);
    if !places.stacked {
        draw_rule(part, places.below.x, places.below.y, places.below.w);
    }
    // Below the rule in a column, beside the pace otherwise.
    let lift = if places.stacked { 0.0 } else { 10.0 * k };
    let below = places.below;
    let at = Rect { y: below.y + lift, h: below.h - lift, ..below };
    match &view.times {
        Some(times) => draw_times(part, times, at, k),
        None => draw_latest(part, view, at, k, picks),
    }
    draw_cancelled(part, view, at, k, picks);
}

/// Draws the pace, an arrow if it is unusual, and words about it.
fn draw_value(part: &mut Part, view: &BoardView, at: Rect, k: f32) {
    let palette = part.palette;
    let pace = &view.pace;
    let y = |down: f32| at.y + down * k;
    let width = measure(Face::Display700, VALUE * k, -0.02, &pace.value);
    part.text(
        LAYER,
        Text::new("pace", pace.value.clone(), at.x, y(112.0), Face::Display700, VALUE * k)
            .tracking(-0.02)
            .colour(palette.text),
    );
    let mut x = at.x + width + 22.0 * k;
    if let Some(rises) = pace.rises {
        let point = |right: f32, down: f32| {
            let down = if rises { 34.0 - down } else { down };
            Vec2::new(x + right * k, y(60.0 + down))
        };
        let stem = Shape::capsule(point(0.0, 0.0), point(34.0, 34.0), 6.0 * k);
        part.shape(LAYER, stem.fill(palette.text));
        let tip = Shape::polyline3(point(34.0, 8.0), point(34.0, 34.0), point(8.0, 34.0), 6.0 * k);
        part.shape(LAYER, tip.fill(palette.text));
        x += 56.0 * k;
    }
    let room = at.right() - x;
    let words = |words: &str, face, ink| {
        Line::new(words.to_owned(), face, 26.0 * k, ink, room).least(22.0 * k)
    };
    let ink = if pace.usual.is_some() { palette.text } else { palette.text_secondary };
    words(&pace.words, Face::Text600, ink).draw(part, "trend", x, y(74.0));
    let usual = words(&pace.usual_words, Face::Text500, palette.text_secondary);
    usual.draw(part, "usual pace", x, y(108.0));
}

/// Returns the first of as many bars beside each other as `needed` that all stay below a limit; 0 where
/// there are none.
fn free_place(heights: impl Iterator<Item = f32>, limit: f32, needed: usize) -> usize {
    let mut free = 0;
    for (place, height) in heights.enumerate() {
        free = if height <= limit { free + 1 } else { 0 };
        if free >= needed {
            return place + 1 - free;
        }
    }
    0
}

/// Draws the runs that ended, as bars of finished, cancelled and failed ones above each other.
fn draw_ended(part: &mut Part, view: &BoardView, at: Rect, k: f32) {
    let palette = part.palette;
    let bars = {
        let top = at.y + 168.0 * k;
        Rect::new(at.x, top, at.w, (at.bottom() - 51.0 * k - top).max(20.0 * k))
    };
    let usual = view.pace.usual.map(|usual| usual as f32 * view.part_secs as f32 / 60.0);
    let stacks = view.ended.iter().map(|ended| ended.iter().sum::<u32>());
    let most = (stacks.max().unwrap_or(0).max(1) as f32).max(usual.unwrap_or(0.0));
    let pitch = bars.w / view.ended.len().max(1) as f32;
    let width = (pitch * 0.76).max(1.0);
    for (place, ended) in view.ended.iter().enumerate() {
        let mut bottom = bars.bottom();
        let inks = [palette.success, palette.cancelled, palette.failed];
        for (count, ink) in ended.iter().zip(inks).filter(|(count, _)| **count > 0) {
            let height = (bars.h * *count as f32 / most).max(1.5);
            let top = (bottom - height).max(bars.y - 6.0);
            let bar = Rect::new(bars.x + pitch * place as f32, top, width, bottom - top);
            part.shape(LAYER, Shape::rounded_box(bar).radius(1.0).fill(ink));
            bottom = top - if height > 4.0 { 1.0 } else { 0.0 };
        }
    }
    let floor = Rect::new(bars.x, bars.bottom() + 1.0, bars.w, 1.5);
    part.shape(LAYER, Shape::rounded_box(floor).fill(palette.line_strong));
    if let Some(usual) = usual {
        let y = bars.bottom() - bars.h * usual / most;
        let (from, to) = (Vec2::new(bars.x, y), Vec2::new(bars.right(), y));
        let line = Shape::capsule(from, to, 2.0 * k).cap(Cap::Butt).dash(5.0 * k, 4.0 * k);
        part.shape(LAYER, line.fill(palette.text));
        // Its value stands above the bars.
        let words = "usual";
        let words_w = measure(Face::Text600, CAPTION * k, 0.0, words) + 12.0 * k;
        let heights = view.ended.iter().map(|ended| ended.iter().sum::<u32>() as f32);
        let x =
            bars.x + pitch * free_place(heights, usual, (words_w / pitch).ceil() as usize) as f32;
        let ground = Rect::new(x - 2.0 * k, y - 29.0 * k, words_w, 26.0 * k);
        let ground = Shape::rounded_box(ground).radius(4.0 * k).fill(palette.bg.with_alpha(0.85));
        part.shape(LAYER, ground);
        let line = Line::new(words, Face::Text600, CAPTION * k, palette.text, bars.w);
        line.draw(part, "usual line", x + 4.0 * k, y - 9.0 * k);
    }
    let y = at.bottom() - 24.0 * k;
    let ink = palette.text_secondary;
    let width = |words: &str| measure(Face::Text500, CAPTION * k, 0.0, words);
    let caption =
        |words: &str| Line::new(words.to_owned(), Face::Text500, CAPTION * k, ink, bars.w * 0.5);
    caption(&view.since).draw(part, "ended since", bars.x, y);
    caption("now").draw_end(part, "ended now", bars.right(), y);
    // Legend of the colours, in the room between the two ends of the axis.
    let legend = [("failed", palette.failed), ("cancelled", palette.cancelled)];
    let needed: f32 =
        legend.iter().map(|(words, _)| width(words) + 24.0 * k).sum::<f32>() + 30.0 * k;
    let (from, to) = (bars.x + width(&view.since), bars.right() - width("now"));
    if needed + 32.0 * k > to - from {
        return;
    }
    let mut x = from + (to - from - needed) / 2.0;
    for (words, colour) in legend {
        let mark = Rect::new(x, y - 16.0 * k, 16.0 * k, 18.0 * k);
        part.shape(LAYER, Shape::rounded_box(mark).radius(2.0 * k).fill(colour));
        caption(words).draw(part, ("legend", words), x + 24.0 * k, y);
        x += width(words) + 54.0 * k;
    }
}

/// Height of the line about cancelled runs; 0 where there are none.
fn foot(view: &BoardView, k: f32) -> f32 {
    if view.cancelled > 0 { FOOT * k } else { 0.0 }
}

/// Draws the latest finished runs, newest first.
fn draw_latest(part: &mut Part, view: &BoardView, at: Rect, k: f32, picks: &mut Picks) {
    let palette = part.palette;
    draw_head(part, "just finished", at, k);
    if view.latest.is_empty() {
        let ink = palette.text_secondary;
        let none = Line::new("none yet", Face::Text500, ASIDE * k, ink, at.w * 0.45);
        none.draw_end(part, "none yet", at.right(), at.y + 26.0 * k);
        return;
    }
    let ink = palette.text_secondary;
    let head = Line::new("score, took", Face::Text500, ASIDE * k, ink, at.w * 0.45);
    head.least(22.0 * k).draw_end(part, "score, took", at.right(), at.y + 26.0 * k);
    let top = at.y + 43.0 * k;
    let room = at.bottom() - foot(view, k) - top;
    let rows = ((room / (ROW * k) + 0.1).floor().max(0.0) as usize).max(1);
    let pitch = (room / rows as f32).min(ROW * 1.1 * k);
    // Columns as wide as their widest value.
    let shown = || view.latest.iter().take(rows);
    let widest = |face, text: &dyn Fn(usize) -> String| {
        let all = (0..shown().count()).map(|row| measure(face, 26.0 * k, 0.0, &text(row)));
        all.fold(0.0, f32::max)
    };
    let took_w = widest(Face::Text500, &|row| view.latest[row].took.clone());
    let score_w = widest(Face::Text600, &|row| view.latest[row].score.clone());
    let score_x = at.right() - took_w - 34.0 * k;
    for (row, run) in shown().enumerate() {
        let middle = top + pitch * (row as f32 + 0.5);
        let y = middle + 9.0 * k;
        let ink = if row < STRONG { palette.text } else { palette.text_secondary };
        let centre = Vec2::new(at.x + 14.0 * k, middle);
        badge(part, LAYER, DisplayStatus::Success, centre, 12.0 * k, "finished");
        let x = at.x + 40.0 * k;
        let room = score_x - score_w - 20.0 * k - x;
        Line::new(&*run.title, Face::Text600, 28.0 * k, ink, room).least(24.0 * k).draw(
            part,
            ("finished", row),
            x,
            y,
        );
        let score = Line::new(&*run.score, Face::Text600, 26.0 * k, palette.success, at.w);
        score.draw_end(part, ("score", row), score_x, y);
        let took = Line::new(&*run.took, Face::Text500, 26.0 * k, ink, at.w);
        took.draw_end(part, ("took", row), at.right(), y);
        let place = Rect::new(at.x, middle - pitch / 2.0, at.w, pitch);
        picks.names.push((run.id.clone(), place));
    }
}

/// Draws how long recent runs took.
fn draw_times(part: &mut Part, times: &RunTimes, at: Rect, k: f32) {
    let palette = part.palette;
    draw_head(part, "how long they took", at, k);
    let ink = palette.text_secondary;
    let words = format!("last {} runs", count_words(times.runs as u64));
    let head_w = measure(Face::Text600, 28.0 * k, 0.0, "how long they took");
    let room = at.w - head_w - 20.0 * k;
    if measure(Face::Text500, CAPTION * k, 0.0, &words) <= room {
        let line = Line::new(words, Face::Text500, ASIDE * k, ink, room).least(CAPTION * k);
        line.draw_end(part, "last runs", at.right(), at.y + 26.0 * k);
    }
    // Above the highest bar there is room for two lines of words.
    let top = at.y + 118.0 * k;
    let floor = at.bottom() - FOOT * k - 28.0 * k;
    let bars = Rect::new(at.x, top, at.w, (floor - top).max(20.0 * k));
    let most = times.bins.iter().copied().max().unwrap_or(0).max(1);
    let pitch = bars.w / times.bins.len().max(1) as f32;
    let gap = bounded(pitch * 0.17, 1.0, 6.0 * k);
    let place_of = |millis: u64| {
        let secs = millis as f32 / 1_000.0 - times.first_secs as f32;
        bars.x + bounded(secs / times.bin_secs as f32 * pitch, 0.0, bars.w)
    };
    let slow_x = place_of(times.slow_ms);
    for (bin, count) in times.bins.iter().enumerate() {
        let height = (bars.h * *count as f32 / most as f32).max(2.0 * k);
        let x = bars.x + pitch * bin as f32;
        let bar = Rect::new(x, bars.bottom() - height, (pitch - gap).max(1.0), height);
        let shape = Shape::rounded_box(bar).radius(2.0 * k).fill(palette.success);
        let shape = if x + pitch * 0.5 > slow_x {
            let hatch = Texture::Hatch { period: 7.0 * k, width: 3.0 * k };
            shape.texture(hatch, palette.bg.with_alpha(0.55))
        } else {
            shape
        };
        part.shape(LAYER, shape);
    }
    let rule = Rect::new(bars.x, bars.bottom() + 1.0, bars.w, 1.5);
    part.shape(LAYER, Shape::rounded_box(rule).fill(palette.line_strong));
    draw_ticks(part, times, bars, k);
    let usual_x = place_of(times.usual_ms);
    let line =
        |x: f32, top: f32| Shape::capsule(Vec2::new(x, top), Vec2::new(x, bars.bottom()), 2.5 * k);
    part.shape(LAYER, line(usual_x, bars.y - 58.0 * k).cap(Cap::Butt).fill(palette.text));
    // To the left of its line where the right has no room.
    let place = |words: &str, x: f32| {
        let width = measure(Face::Text600, ASIDE * k, 0.0, words);
        let at_right = x + 10.0 * k + width <= bars.right();
        (if at_right { x + 10.0 * k } else { x - 10.0 * k - width }, width)
    };
    let draw = |part: &mut Part, key: &'static str, words: String, x: f32, y: f32| {
        Line::new(words, Face::Text600, ASIDE * k, palette.text, bars.w).draw(part, key, x, y);
    };
    let usual = format!("usual {}", span_words(times.usual_ms));
    let (x, _) = place(&usual, usual_x);
    draw(part, "usual time", usual, x, bars.y - 40.0 * k);
    let slow = "slowest 5 %";
    let (x, width) = place(slow, slow_x);
    // Above the bars that are behind it.
    let behind = times.bins.iter().enumerate().filter(|(bin, _)| {
        let left = bars.x + pitch * *bin as f32;
        left < x + width + 4.0 * k && left + pitch > x.min(slow_x) - 4.0 * k
    });
    let highest = behind.map(|(_, count)| *count).max().unwrap_or(0) as f32 / most as f32;
    let crosses = usual_x > x - 8.0 * k && usual_x < x + width + 8.0 * k;
    let lowest = if crosses { -8.0 * k } else { bars.h * 0.5 };
    let y = bars.y + bounded(bars.h * (1.0 - highest) - 10.0 * k, -8.0 * k, lowest);
    let stem = line(slow_x, y - 18.0 * k).cap(Cap::Butt).dash(4.0 * k, 3.0 * k);
    part.shape(LAYER, stem.fill(palette.text));
    draw(part, "slow time", slow.to_owned(), x, y);
}

/// Draws times below the bars, at round ones.
fn draw_ticks(part: &mut Part, times: &RunTimes, bars: Rect, k: f32) {
    let last = times.first_secs + times.bin_secs * times.bins.len() as u64;
    let pitch = bars.w / times.bins.len().max(1) as f32;
    let widest = measure(Face::Text500, CAPTION * k, 0.0, &span_words(last * 1_000));
    let apart = |step: u64| step as f32 / times.bin_secs as f32 * pitch;
    let fits = |step: &u64| apart(*step) >= 1.5 * widest + 12.0 * k;
    let step = TICK_SECS.iter().copied().find(fits);
    let step = step.unwrap_or(times.bin_secs * times.bins.len().max(1) as u64);
    let ink = part.palette.text_secondary;
    let mut end = f32::MIN;
    for tick in times.first_secs.div_ceil(step)..=last / step {
        let secs = tick * step;
        let words = span_words(secs * 1_000);
        let width = measure(Face::Text500, CAPTION * k, 0.0, &words);
        let x = bars.x + (secs - times.first_secs) as f32 / times.bin_secs as f32 * pitch;
        let left = bounded(x - width / 2.0, bars.x, bars.right() - width);
        if left < end + 12.0 * k {
            continue;
        }
        end = left + width;
        let line = Line::new(words, Face::Text500, CAPTION * k, ink, width + 1.0);
        line.draw(part, ("tick", tick), left, bars.bottom() + 27.0 * k);
    }
}

/// Draws the latest cancelled runs by name, or how often runs are cancelled.
fn draw_cancelled(part: &mut Part, view: &BoardView, at: Rect, k: f32, picks: &mut Picks) {
    if view.cancelled == 0 {
        return;
    }
    let palette = part.palette;
    let y = at.bottom() - 8.0 * k;
    badge(
        part,
        LAYER,
        DisplayStatus::Cancelled,
        Vec2::new(at.x + 14.0 * k, y - 9.0 * k),
        12.0 * k,
        "cancelled",
    );
    let x = at.x + 40.0 * k;
    let room = at.right() - x;
    let named = view.cancelled_latest.first().filter(|_| view.times.is_none());
    let Some((id, title)) = named else {
        let words = match view.cancelled_pace.as_str() {
            "" => format!("{} cancelled", count_words(view.cancelled as u64)),
            pace => format!("cancelled: {pace}"),
        };
        let line = Line::new(words, Face::Text500, ASIDE * k, palette.text_secondary, room);
        return line.least(22.0 * k).draw(part, "cancelled", x, y);
    };
    let when = format!("cancelled {}", view.cancelled_ago);
    let when_w = measure(Face::Text500, ASIDE * k, 0.0, &when);
    let name_room = room - when_w - 14.0 * k;
    let name = Line::new(&**title, Face::Text600, 28.0 * k, palette.text, name_room);
    let text = name.least(22.0 * k).text("cancelled", x, y);
    let (words, size) = super::line_for(Face::Text600, (28.0 * k, 22.0 * k), title, name_room);
    let name_w = measure(Face::Text600, size, 0.0, &words);
    part.text(LAYER, text);
    let ink = palette.text_secondary;
    let line = Line::new(when, Face::Text500, ASIDE * k, ink, when_w + 1.0);
    line.draw(part, "cancelled when", x + name_w + 14.0 * k, y);
    picks.names.push((id.clone(), Rect::new(at.x, y - 30.0 * k, at.w, 38.0 * k)));
}
