//! A strip: one run across the whole wall, with name and time of every node.

use bevy::color::Color;
use bevy::math::Vec2;

use super::chain::{self, ChainLayout};
use super::fit::{fit, line_for, size_for};
use super::tile::{TileLayout, desaturated_if, draw_body, draw_selection, draw_title, ground};
use super::tile_view::{Look, TileView};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Text, measure, truncate};
use crate::app::state::hints::HintArea;
use crate::app::state::run_view::ModuleView;
use crate::app::state::status::{DisplayStatus, Progress};
use crate::app::theme::size;
use crate::app::words::{clock_words, duration_words};
use crate::bounded::bounded;
use crate::model::NodeStatus;

const PAD: f32 = 36.0;
/// Least distance between nodes with names.
const LEAST_NAME_ROOM: f32 = 112.0;
/// Heights of the lowest and the highest strip, between which sizes are interpolated.
const LOW: f32 = 240.0;
const HIGH: f32 = 752.0;

/// Type sizes and baselines of a strip of some height.
struct Lines {
    title: f32,
    status: f32,
    time: f32,
    name: f32,
    value: f32,
    title_y: f32,
    status_y: f32,
    chain_y: f32,
    ring: f32,
}

impl Lines {
    fn of(at: &TileLayout) -> Self {
        let (top, height) = (at.rect.y, at.rect.h);
        let t = bounded((height - LOW) / (HIGH - LOW), 0.0, 1.0);
        let mix = |low: f32, high: f32| low + (high - low) * t;
        let title = mix(46.0, size::HERO);
        let title_y = top + mix(30.0, 56.0) + title * 0.72;
        let status_y = title_y + mix(42.0, 82.0);
        let foot = top + height;
        let ring = mix(1.15, 3.4);
        // Names stand above the chain and times below it.
        let chain_y = (status_y + foot) / 2.0 + mix(9.0, 10.0);
        Self {
            title,
            status: mix(30.0, 48.0),
            time: mix(46.0, 96.0),
            name: mix(24.0, 36.0),
            value: mix(24.0, 36.0),
            title_y,
            status_y,
            chain_y,
            ring,
        }
    }
}

/// Draws a strip. Returns where its steps stand.
pub fn draw(part: &mut Part, view: &TileView, at: &TileLayout) -> HintArea {
    draw_body(part, view.look, at);
    draw_selection(part, at);
    let lines = Lines::of(at);
    let silent = view.look == Look::Silent;
    let steps = desaturated_if(silent, part, |part| draw_content(part, view, at, &lines));
    // Outside of the desaturated part: the time without news keeps its colour.
    part.text(
        Layer::Face,
        Text::new(
            "other time",
            view.other_words.clone(),
            at.rect.right() - PAD,
            lines.status_y,
            Face::Text500,
            lines.status,
        )
        .end()
        .colour(part.palette.text),
    );
    steps
}

fn draw_content(part: &mut Part, view: &TileView, at: &TileLayout, lines: &Lines) -> HintArea {
    let palette = part.palette;
    let (left, right) = (at.rect.x + PAD, at.rect.right() - PAD);
    let (word, time) = &view.time;
    let time_width = measure(Face::Display700, lines.time, -0.018, time);
    let word_size = (lines.status * 0.8).min(size::STATUS_LINE);
    part.text(
        Layer::Face,
        Text::new("time", time.clone(), right, lines.title_y, Face::Display700, lines.time)
            .end()
            .tracking(-0.018)
            .colour(palette.text),
    );
    part.text(
        Layer::Face,
        Text::new(
            "time word",
            word.clone(),
            right - time_width - 16.0,
            lines.title_y,
            Face::Text500,
            word_size,
        )
        .end()
        .colour(palette.text_secondary),
    );
    let word_width = measure(Face::Text500, word_size, 0.0, word);
    let room = right - time_width - word_width - 76.0 - left;
    let steps = [(lines.title, 1), (lines.title * 0.8, 1), (lines.title * 0.6, 1)];
    let steps_low = [(lines.title * 0.55, 2), (24.0, 2)];
    let steps: Vec<(f32, usize)> = steps.into_iter().chain(steps_low).collect();
    let title = fit(Face::Display700, &steps, (room, room), &view.title);
    let ink = if view.look == Look::Queued { palette.text_secondary } else { palette.text };
    // The last line of a title stands on `title_y`.
    draw_title(part, &title, left, lines.title_y - title.depth(), ink);

    let glyph = chain::glyph(view.look);
    let radius = lines.status * 0.5;
    let badge_at = Vec2::new(left + radius, lines.status_y - lines.status * 0.35);
    badge(part, Layer::Face, glyph, badge_at, radius, "status");
    draw_status(
        part,
        view,
        (left + 2.0 * radius + 16.0, right),
        lines,
        part.palette.tone(glyph.tone()),
    );

    let inset = (at.rect.w / 17.0).max(70.0);
    let place = ChainLayout {
        left: at.rect.x + inset,
        right: at.rect.right() - inset,
        y: lines.chain_y,
        scale: lines.ring,
        drop: 34.0 * lines.ring,
        loop_inset: 0.34,
        clock_secs: at.clock_secs,
        frozen: at.frozen || view.look == Look::Silent,
        ground: ground(view.look, part.palette),
    };
    let pitch = LEAST_NAME_ROOM * (lines.name / 24.0).min(1.2);
    let view = &*chain::fold_to(view, chain::most_nodes(place.right - place.left, pitch));
    let steps = chain::draw(part, view, &place);
    let count = view.chain.len();
    for (index, module) in view.chain.iter().enumerate() {
        let centre = place.node(index, count);
        draw_node_words(part, module, (index, centre, place.pitch(count)), lines);
    }
    steps
}

fn draw_status(
    part: &mut Part,
    view: &TileView,
    (x, right): (f32, f32),
    lines: &Lines,
    ink: Color,
) {
    let palette = part.palette;
    let ink = if view.look == Look::Queued { palette.text_secondary } else { ink };
    let room = (right - x) * 0.62;
    let (place, place_size) = line_for(Face::Text700, (lines.status, 24.0), &view.place, room);
    let mut line =
        Text::new("place", place, x, lines.status_y, Face::Text700, place_size).colour(ink);
    for (words, ink) in [(&view.detail, palette.text), (&view.note, palette.text)] {
        if !words.is_empty() {
            line = line.then(lines.status * 0.45, words.clone()).face(Face::Text500).colour(ink);
        }
    }
    if view.cancel_requested {
        line = line
            .then(lines.status * 0.45, "cancel requested")
            .face(Face::Text500)
            .colour(palette.cancelled);
    }
    part.text(Layer::Face, line);
}

fn draw_node_words(
    part: &mut Part,
    module: &ModuleView,
    (index, centre, pitch): (usize, Vec2, f32),
    lines: &Lines,
) {
    let palette = part.palette;
    let room = pitch - 10.0;
    let quiet = !module.has_focus() && module.status != NodeStatus::Success && !module.stopped;
    let ink = if quiet { palette.text_tertiary } else { palette.text };
    let name_size = size_for(Face::Text600, (lines.name, 22.0), &module.name, room);
    let name = truncate(Face::Text600, name_size, &module.name, room).into_owned();
    let above = 21.0 * lines.ring + lines.name * 0.55;
    part.text(
        Layer::Face,
        Text::new(("node", index), name, centre.x, centre.y - above, Face::Text600, name_size)
            .middle()
            .tracking(0.01)
            .colour(ink),
    );
    let value = match DisplayStatus::from(module.status).progress() {
        _ if module.folded.is_some() => module.folded.as_ref().map_or_else(String::new, |folded| {
            // The most important status; the others are on the stage.
            let first = folded.counts.first();
            first.map_or_else(String::new, |(status, count)| format!("{count} {}", status.words()))
        }),
        Progress::AtWork => module.duration_ms.map_or_else(String::new, clock_words),
        Progress::Over => module.duration_ms.map_or_else(String::new, duration_words),
        Progress::PassedOver if module.status == NodeStatus::Unknown => "not seen".to_owned(),
        Progress::PassedOver => "not run".to_owned(),
        Progress::Ahead => module.baseline.map_or_else(String::new, |baseline| {
            format!("usual {}", duration_words(baseline.p50_ms))
        }),
    };
    let wanted = if quiet { lines.value * 0.8 } else { lines.value };
    let value_size = size_for(Face::Text600, (wanted, 20.0), &value, room);
    let below = 21.0 * lines.ring + lines.value * 1.05;
    part.text(
        Layer::Face,
        Text::new(
            ("node time", index),
            value,
            centre.x,
            centre.y + below,
            Face::Text600,
            value_size,
        )
        .middle()
        .colour(ink),
    );
}
