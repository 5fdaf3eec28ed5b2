//! Tile of a recent failure: the failed step and the reason on a large red area.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::chain::{self, ChainLayout};
use super::fit::{fit, line_for, size_for, title_line};
use super::tile::{TileLayout, draw_selection};
use super::tile_view::TileView;
use crate::app::draw::{Entrance, Face, Layer, Part, Rect, Shape, Text, Texture, measure, wrap};
use crate::app::state::hints::HintArea;
use crate::app::theme::{motion, size};
use crate::app::words::count_words;
use crate::bounded::bounded;
use crate::protocol::RunId;

/// Width of the reference tile: 2×2 places of 5×3.
const WIDTH: f32 = 713.6;
const HEIGHT: f32 = 496.0;
const RADIUS: f32 = 18.0;
/// Least height with room for the chain.
const LEAST_FOR_CHAIN: f32 = 280.0;

/// Type size, margin and most lines of the reason on a low tile.
const LOW_REASON: f32 = 22.0;
const LOW_PAD: f32 = 18.0;
const MOST_LOW_LINES: usize = 3;

/// Songs that a tile lists when several share it.
const MOST_SONGS: usize = 2;

/// Draws the tile of a failure, or of several for the same cause. Returns where its steps stand, if it has room
/// for them.
pub fn draw(part: &mut Part, view: &TileView, at: &TileLayout) -> Option<HintArea> {
    let rect = at.rect;
    let k = scale_of(rect);
    let low = is_low(rect);
    let head_h = match low {
        true => (rect.h * 0.56 - extra_reason(view, rect)).max(78.0),
        false => 176.0 * k,
    };
    let hatch_h = if low { 8.0 } else { 16.0 * k };
    draw_body(part, at, head_h, hatch_h);
    draw_selection(part, at);
    draw_head(part, view, at, head_h);
    draw_foot(part, view, at, (head_h + hatch_h, low), k)
}

/// Height of the lines of a low tile's reason beyond two, which the head gives up.
fn extra_reason(view: &TileView, rect: Rect) -> f32 {
    let reason = view.failure.as_ref().map_or("", |failure| failure.reason.as_str());
    let lines =
        wrap(Face::Text600, LOW_REASON, reason, rect.w - 2.0 * LOW_PAD, MOST_LOW_LINES).len();
    lines.saturating_sub(2) as f32 * LOW_REASON * 1.22
}

fn scale_of(rect: Rect) -> f32 {
    bounded((rect.w / WIDTH).min(rect.h / HEIGHT), 0.36, 1.6)
}

/// True for a tile that has room for little more than the head.
fn is_low(rect: Rect) -> bool {
    rect.h < LEAST_FOR_CHAIN
}

/// Places of the songs that share a tile, newest first: one line for each, and one for the number of
/// those that have none.
pub fn song_places(rect: Rect, view: &TileView) -> Vec<(RunId, Rect)> {
    let lines = song_lines(rect, view.songs.len());
    let listed = view.songs.iter().zip(lines.iter().copied());
    // The last of several lines counts the others.
    let rest = usize::from(view.songs.len() > lines.len() && lines.len() > 1);
    listed.take(lines.len() - rest).map(|(song, line)| (song.id.clone(), line)).collect()
}

/// Lines at the foot of a tile that `songs` share.
fn song_lines(rect: Rect, songs: usize) -> Vec<Rect> {
    let k = scale_of(rect);
    let (most, pitch, pad) = match is_low(rect) {
        true => (1, 32.0, 12.0),
        false => (MOST_SONGS, (50.0 * k).max(34.0), 18.0 * k),
    };
    let lines = songs.min(most);
    let top = rect.bottom() - pad - pitch * lines as f32;
    let line = |line: usize| Rect::new(rect.x, top + pitch * line as f32, rect.w, pitch);
    (0..lines).map(line).collect()
}

fn draw_body(part: &mut Part, at: &TileLayout, head_h: f32, hatch_h: f32) {
    let palette = part.palette;
    let rect = at.rect;
    let layer = Layer::Rack;
    let body = Shape::rounded_box(rect).radius(RADIUS).unsnapped();
    let body = body
        .fill_diagonal(palette.failed_tint_from, palette.failed_tint_to)
        .glow(9.0, 12.0, palette.failed.with_alpha(0.42))
        .breathing(motion::BREATHE_LOW)
        .keep_colour();
    part.shape(layer, body);
    let head = Rect::new(rect.x, rect.y, rect.w, head_h);
    let head = Shape::rounded_box(head).radii([RADIUS, RADIUS, 0.0, 0.0]).unsnapped();
    let head = head.fill_vertical(palette.failed_solid_from, palette.failed_solid_to).keep_colour();
    part.shape(layer, head.enter(Entrance::RevealUp, at.failed_at, motion::FAIL_FILL));
    let hatch = Rect::new(rect.x, rect.y + head_h, rect.w, hatch_h);
    part.shape(
        layer,
        Shape::rounded_box(hatch)
            .unsnapped()
            .fill(Color::NONE)
            .texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed)
            .keep_colour(),
    );
    let outline = Shape::rounded_box(rect).radius(RADIUS).unsnapped();
    part.shape(layer, outline.fill(Color::NONE).border(4.0, palette.failed).keep_colour());
}

fn draw_head(part: &mut Part, view: &TileView, at: &TileLayout, head_h: f32) {
    let palette = part.palette;
    let rect = at.rect;
    let octagon = (head_h * 0.27).min(rect.w * 0.11);
    let pad = bounded(head_h * 0.18, 12.0, 32.0);
    let centre = Vec2::new(rect.x + pad + octagon, rect.y + head_h / 2.0);
    let layer = Layer::Face;
    part.shape(layer, Shape::octagon(centre, octagon).fill(palette.failed_ink).keep_colour());
    part.shape(
        layer,
        Shape::cross(centre, octagon * 0.37, octagon * 0.23).fill(palette.failed).keep_colour(),
    );
    let x = centre.x + octagon + (head_h * 0.15).max(10.0);
    let room = rect.right() - pad - x;
    let headline = view.failure.as_ref().map_or("Run failed", |failure| failure.headline.as_str());
    let wanted = (head_h * 0.34).min(size::FAIL_TITLE * 1.5);
    let steps = [
        (wanted, 1),
        ((wanted * 0.8).max(26.0), 1),
        ((wanted * 0.62).max(24.0), 2),
        ((wanted * 0.5).max(22.0), 2),
    ];
    let (title, headline) = match view.songs.len() {
        0 | 1 => (view.title.as_str(), headline.to_owned()),
        songs => (headline, format!("{} songs", count_words(songs as u64))),
    };
    let title = fit(Face::Display700, &steps, (room, room), title);
    let headline_sizes = (bounded(head_h * 0.25, 22.0, size::FAIL_BAND * 1.5), 22.0);
    let (headline, headline_size) = line_for(Face::Display700, headline_sizes, &headline, room);
    // Both lines together are centred in the head.
    let gap = headline_size * 0.42;
    let block = title.size * 0.74 + title.depth() + gap + headline_size * 0.74;
    let first = rect.y + (head_h - block) / 2.0 + title.size * 0.74;
    for (line, words) in title.lines.iter().enumerate() {
        let y = first + title.pitch() * line as f32;
        part.text(
            layer,
            Text::new(("title", line), words.clone(), x, y, Face::Display700, title.size)
                .tracking(-0.015)
                .colour(palette.failed_ink)
                .keep_colour(),
        );
    }
    let y = first + title.depth() + gap + headline_size * 0.74;
    part.text(
        layer,
        Text::new("headline", headline, x, y, Face::Display700, headline_size)
            .colour(palette.failed_ink)
            .keep_colour(),
    );
}

/// Draws the songs that share the tile, each with its age and what became of it.
fn draw_songs(part: &mut Part, view: &TileView, rect: Rect, (left, right): (f32, f32)) {
    let palette = part.palette;
    let layer = Layer::Face;
    let lines = song_lines(rect, view.songs.len());
    let hidden = view.songs.len() - lines.len();
    for (number, (song, line)) in view.songs.iter().zip(&lines).enumerate() {
        let size = bounded(line.h * 0.62, 22.0, 44.0);
        let baseline = line.centre_y() + size * 0.36;
        let is_last = number + 1 == lines.len();
        if is_last && hidden > 0 && lines.len() > 1 {
            let rest = &view.songs[number..];
            let fate = if rest.iter().all(|song| song.is_answered) { ", retried" } else { "" };
            let words = format!("and {} more{fate}", count_words(rest.len() as u64));
            let (words, size) = line_for(Face::Text500, (size, 22.0), &words, right - left);
            part.text(
                layer,
                Text::new("others", words, left, baseline, Face::Text500, size)
                    .colour(palette.failed_on_tint)
                    .keep_colour(),
            );
            break;
        }
        // The last of several lines counts the others.
        let more = match hidden {
            0 => String::new(),
            _ if lines.len() > 1 => String::new(),
            hidden => format!(", and {} more", count_words(hidden as u64)),
        };
        let small = bounded(size * 0.84, 22.0, 40.0);
        // The fate of the song gives way where the title would have too little room; the time to go of its
        // retry goes first.
        let became = song.became.as_str();
        let short = became.strip_suffix(" to go").and_then(|words| words.rsplit_once(", "));
        let fates = [became, short.map_or(became, |(fate, _)| fate)];
        let told = fates.map(|fate| format!("{}{more}, {fate}", song.ago));
        let width = |words: &str| measure(Face::Text500, small, 0.0, words);
        let has_room = |told: &&String| !became.is_empty() && width(told) <= (right - left) * 0.62;
        let without = format!("{}{more}", song.ago);
        let told = told.iter().find(has_room).unwrap_or(&without);
        let room = right - left - width(told) - 20.0;
        let title = title_line(Face::Text600, size, &song.title, &song.variant, room);
        part.text(
            layer,
            Text::new(("song", number), title, left, baseline, Face::Text600, size)
                .colour(palette.text)
                .keep_colour(),
        );
        part.text(
            layer,
            Text::new(("told", number), told.clone(), right, baseline, Face::Text500, small)
                .end()
                .colour(palette.failed_on_tint)
                .keep_colour(),
        );
    }
}

/// Draws the reason, the chain and the time of the failure.
fn draw_foot(
    part: &mut Part,
    view: &TileView,
    at: &TileLayout,
    (top, low): (f32, bool),
    k: f32,
) -> Option<HintArea> {
    let palette = part.palette;
    let rect = at.rect;
    let layer = Layer::Face;
    let pad = if low { LOW_PAD } else { (34.0 * k).max(20.0) };
    let (left, right) = (rect.x + pad, rect.right() - pad);
    let room = right - left;
    let reason = view.failure.as_ref().map_or("", |failure| failure.reason.as_str());
    let wanted = size::FAIL_MESSAGE * k;
    let steps: &[(f32, usize)] = if low {
        &[(28.0, 1), (24.0, 1), (LOW_REASON, 2), (LOW_REASON, MOST_LOW_LINES)]
    } else {
        &[(wanted.max(26.0), 2), ((wanted * 0.8).max(24.0), 2), ((wanted * 0.66).max(22.0), 3)]
    };
    let reason = fit(Face::Text600, steps, (room, room), reason);
    let first = rect.y + top + if low { 10.0 } else { 26.0 * k } + reason.size * 0.9;
    for (line, words) in reason.lines.iter().enumerate() {
        let y = first + reason.size * 1.22 * line as f32;
        if y > rect.bottom() - 8.0 {
            break;
        }
        part.text(
            layer,
            Text::new(("reason", line), words.clone(), left, y, Face::Text600, reason.size)
                .colour(palette.text)
                .keep_colour(),
        );
    }
    let reason_end = first + reason.size * 1.22 * reason.lines.len().saturating_sub(1) as f32;
    if view.songs.len() > 1 {
        draw_songs(part, view, rect, (left, right));
        if low {
            return None;
        }
        let bottom = song_lines(rect, view.songs.len()).first().map_or(rect.y, |line| line.y);
        return draw_chain(part, view, at, (reason_end, bottom), (left, right));
    }
    if low {
        // The time stands in the last line if that is free.
        let y = rect.bottom() - 16.0;
        if y - reason_end >= 24.0 {
            let ago = format!("failed {}", view.other_time.1);
            let both = format!("{ago}, {} {}", view.time.0, view.time.1);
            let both_fit = measure(Face::Text500, size::ESSENTIAL_MIN, 0.0, &both) <= room;
            let words = if both_fit { both } else { ago };
            let words_size = size_for(Face::Text500, (24.0, size::ESSENTIAL_MIN), &words, room);
            part.text(
                layer,
                Text::new("ago", words, left, y, Face::Text500, words_size)
                    .colour(palette.failed_on_tint)
                    .keep_colour(),
            );
        }
        return None;
    }
    let baseline = rect.bottom() - 30.0 * k;
    let (word, time) = &view.time;
    let time_size = (44.0 * k).max(30.0);
    let meta = (30.0 * k).max(size::ESSENTIAL_MIN);
    let words = format!("{word} {time}");
    let ago = &view.other_time.1;
    let width = measure(Face::Text500, meta, 0.0, &words) + 20.0 * k;
    let ago = format!("failed {ago}");
    // The time gives way to what became of the song.
    let became = &view.became;
    let ago_width = measure(Face::Display700, time_size, 0.0, &ago);
    let pill_width = measure(Face::Text600, meta, 0.0, became) + 44.0 * k;
    let has_pill = !became.is_empty() && ago_width + 24.0 * k + pill_width <= room;
    let free = room - ago_width - if has_pill { pill_width + 24.0 * k } else { 0.0 };
    let both = width <= free;
    if has_pill {
        let pill = Rect::new(right - pill_width, baseline - 36.0 * k, pill_width, 50.0 * k);
        let outline = Shape::rounded_box(pill).radius(25.0 * k).unsnapped();
        let ink = palette.failed_on_tint;
        part.shape(layer, outline.fill(Color::NONE).border(2.0, ink).keep_colour());
        let y = pill.centre_y() + meta * 0.36;
        part.text(
            layer,
            Text::new("became", became.clone(), pill.centre_x(), y, Face::Text600, meta)
                .middle()
                .colour(ink)
                .keep_colour(),
        );
    }
    let mut line = Text::new("ago", ago, left, baseline, Face::Display700, time_size)
        .colour(palette.text)
        .keep_colour();
    if both {
        line = line
            .then(20.0 * k, words)
            .face(Face::Text500)
            .size(meta)
            .colour(palette.failed_on_tint);
    }
    part.text(layer, line);
    let chain_bottom = baseline - time_size * 0.74 - 10.0 * k;
    draw_chain(part, view, at, (reason_end, chain_bottom), (left, right))
}

/// Draws the chain between the reason and what stands below it, if there is room.
fn draw_chain(
    part: &mut Part,
    view: &TileView,
    at: &TileLayout,
    (reason_end, chain_bottom): (f32, f32),
    (left, right): (f32, f32),
) -> Option<HintArea> {
    let k = scale_of(at.rect);
    let chain_top = reason_end + 14.0 * k;
    let scale = (1.35 * k).max(0.8);
    let drop = if view.fix.passes > 0 { 42.0 * k } else { 0.0 };
    if chain_bottom - chain_top < 40.0 * scale {
        return None;
    }
    let y = (chain_top + chain_bottom - drop * 0.8) / 2.0;
    let steps = chain::draw(
        part,
        view,
        &ChainLayout {
            left: left + 24.0 * k,
            right: right - 24.0 * k,
            y,
            scale,
            drop,
            loop_inset: 0.0,
            clock_secs: at.clock_secs,
            frozen: at.frozen,
            ground: part.palette.failed_tint_to,
        },
    );
    Some(steps)
}
