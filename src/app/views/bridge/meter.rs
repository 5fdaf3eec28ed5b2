//! One meter: a lit dial, a tape of its history below, and the readout at the foot.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::readings::{Bar, Reading};
use crate::app::draw::{Cap, Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::theme::size;
use crate::bounded::bounded;

/// Height of a whole meter, in design pixels.
pub(super) const HEIGHT: f32 = 152.0;
const FACE_HEIGHT: f32 = 80.0;
const TAPE_HEIGHT: f32 = 20.0;
const PAD: f32 = 16.0;
const DIAL_RADIUS: f32 = 190.0;
/// Distance from the meter's upper edge to the needle's pivot.
const PIVOT: f32 = 225.0;
/// Half of the dial's sweep, in degrees.
const DIAL_HALF_DEG: f32 = 31.0;
const LAYER: Layer = Layer::Bridge;

/// Draws a meter; the needle swings from its position `before`.
pub(super) fn draw(
    part: &mut Part,
    reading: &Reading,
    before: Option<f32>,
    rect: Rect,
    index: usize,
    clock_secs: f64,
) {
    let palette = part.palette;
    part.shape(LAYER, Shape::rounded_box(rect).radius(10.0).fill(palette.meter_well));
    let face = Rect::new(rect.x + 2.0, rect.y + 2.0, rect.w - 4.0, FACE_HEIGHT - 2.0);
    draw_dial(part, reading, before, face, index, clock_secs);
    let tape = Rect::new(rect.x + 2.0, rect.y + FACE_HEIGHT, rect.w - 4.0, TAPE_HEIGHT);
    draw_tape(part, &reading.bars, tape);
    let top = rect.y + FACE_HEIGHT + TAPE_HEIGHT;
    draw_readout(part, reading, Rect::new(rect.x, top, rect.w, rect.bottom() - top), index);
    part.shape(
        LAYER,
        Shape::rounded_box(rect).radius(10.0).fill(Color::NONE).border(1.5, palette.meter_edge),
    );
}

fn draw_dial(
    part: &mut Part,
    reading: &Reading,
    before: Option<f32>,
    face: Rect,
    index: usize,
    clock_secs: f64,
) {
    let palette = part.palette;
    part.shape(
        LAYER,
        Shape::rounded_box(face).radii([9.0, 9.0, 0.0, 0.0]).fill(palette.meter_face),
    );
    let cx = face.x + face.w / 2.0;
    if reading.needle.is_some() {
        let lamp = Vec2::new(cx, face.y + face.h * 1.12);
        part.shape(
            LAYER,
            Shape::pool_ellipse(
                lamp,
                Vec2::new(face.w * 0.62, face.h * 0.98),
                palette.lamp.with_alpha(0.34),
                palette.lamp.with_alpha(0.10),
            )
            .clip(face, 9.0),
        );
    }
    // A wider meter shows a longer arc of the same circle.
    let half = DIAL_HALF_DEG * bounded(face.w / 282.0, 0.8, 1.35);
    let pivot = Vec2::new(cx, face.y - 2.0 + PIVOT);
    let deg = |value: f32| -half + 2.0 * half * value;
    let ink = palette.scale;
    part.shape(
        LAYER,
        Shape::arc(pivot, DIAL_RADIUS, 2.0, -half, half).fill(ink.with_alpha(0.6)).clip(face, 9.0),
    );
    if let Some((from, to)) = reading.danger {
        let hot = reading.needle.is_some_and(|needle| needle >= from && needle <= to);
        let danger = if hot { palette.failed } else { palette.danger_idle };
        part.shape(
            LAYER,
            Shape::arc(pivot, DIAL_RADIUS - 5.0, 8.0, deg(from), deg(to))
                .fill(danger)
                .cap(Cap::Butt)
                .clip(face, 9.0),
        );
    }
    for mark in 0..=20 {
        let major = mark % 10 == 0;
        let tick = Shape::tick(
            pivot,
            deg(mark as f32 / 20.0),
            DIAL_RADIUS,
            DIAL_RADIUS + if major { 9.0 } else { 4.0 },
            if major { 2.5 } else { 1.5 },
        );
        let alpha = if major { 0.95 } else { 0.5 };
        part.shape(LAYER, tick.fill(ink.with_alpha(alpha)).clip(face, 9.0));
    }
    for (place, text) in reading.scale.iter().enumerate() {
        let angle = deg(place as f32 / 2.0).to_radians();
        let radius = DIAL_RADIUS + 22.0;
        let at = pivot + Vec2::new(angle.sin(), -angle.cos()) * radius;
        let half_width = measure(Face::Text600, size::METER_SCALE, 0.0, text) / 2.0;
        let x = bounded(at.x, face.x + half_width + 8.0, face.right() - half_width - 8.0);
        let key = ("scale", index, place);
        let text = Text::new(key, text.clone(), x, at.y + 7.0, Face::Text600, size::METER_SCALE)
            .middle()
            .colour(ink)
            .opacity(0.75);
        part.text(LAYER, text);
    }
    if let Some(peak) = reading.peak {
        let angle = deg(peak).to_radians();
        let at = pivot + Vec2::new(angle.sin(), -angle.cos()) * (DIAL_RADIUS - 12.0);
        part.shape(LAYER, Shape::disc(at, 4.0).fill(palette.violet_text).clip(face, 9.0));
    }
    if let Some(needle) = reading.needle {
        let from = before.unwrap_or(0.0);
        let hand = |dx: f32, dy: f32, width: f32, ink: Color| {
            Shape::needle(pivot + Vec2::new(dx, dy), deg(needle), 60.0, DIAL_RADIUS + 2.0, width)
                .swinging(deg(from), clock_secs)
                .fill(ink)
                .clip(face, 9.0)
        };
        part.shape(LAYER, hand(4.0, 4.0, 4.0, palette.shadow).opacity(0.55));
        part.shape(LAYER, hand(0.0, 0.0, 3.5, palette.needle));
    }
}

/// Draws the history, oldest at the left.
fn draw_tape(part: &mut Part, bars: &[Bar], tape: Rect) {
    let palette = part.palette;
    let pitch = (tape.w - 2.0 * PAD + 4.0) / bars.len().max(1) as f32;
    let full = tape.h - 4.0;
    for (place, bar) in bars.iter().enumerate() {
        let x = tape.x + PAD - 2.0 + place as f32 * pitch;
        let foot = tape.bottom() - 1.0;
        let mut column = |from: f32, to: f32, ink: Color| {
            let (top, height) = (foot - to, to - from);
            let rect = Rect::new(x, top, pitch * 0.68, height);
            part.shape(LAYER, Shape::rounded_box(rect).fill(ink).unsnapped());
        };
        // A thin base line marks empty bars.
        column(0.0, 1.5, palette.scale.with_alpha(0.22));
        if bar.height <= 0.0 {
            continue;
        }
        let height = (bar.height * full).max(3.0);
        let failed = if bar.failed > 0.0 { bounded(bar.failed * full, 3.0, height) } else { 0.0 };
        if height > failed {
            column(0.0, height - failed, palette.scale.with_alpha(0.55));
        }
        if failed > 0.0 {
            column(height - failed, height, palette.failed);
        }
    }
}

/// Draws label, note and value.
fn draw_readout(part: &mut Part, reading: &Reading, bezel: Rect, index: usize) {
    let palette = part.palette;
    part.shape(
        LAYER,
        Shape::rounded_box(bezel)
            .radii([0.0, 0.0, 10.0, 10.0])
            .fill_vertical(palette.bezel_top, palette.bezel_bottom),
    );
    part.shape(
        LAYER,
        Shape::rounded_box(Rect::new(bezel.x, bezel.y, bezel.w, 1.5))
            .fill(palette.highlight.with_alpha(0.09)),
    );
    let value_size = size::METER_VALUE;
    let room = bezel.w - 3.0 * PAD - measure(Face::Display700, value_size, 0.0, &reading.value);
    let fits = |text: &&String| measure(Face::Text500, size::METER_NOTE, 0.0, text) <= room;
    let note = reading.note.iter().find(fits).filter(|note| !note.is_empty());
    let label_at = if note.is_some() { 22.0 } else { 34.0 };
    part.text(
        LAYER,
        Text::new(
            ("label", index),
            reading.label,
            bezel.x + PAD,
            bezel.y + label_at,
            Face::Text500,
            size::METER_NOTE,
        )
        .colour(palette.text_secondary),
    );
    if let Some(note) = note {
        let ink = if reading.alarming { palette.failed_text } else { palette.text_secondary };
        let text = Text::new(
            ("note", index),
            note.clone(),
            bezel.x + PAD,
            bezel.y + 45.0,
            Face::Text500,
            size::METER_NOTE,
        );
        part.text(LAYER, text.colour(ink));
    }
    part.text(
        LAYER,
        Text::new(
            ("value", index),
            reading.value.clone(),
            bezel.right() - PAD,
            bezel.y + 39.0,
            Face::Display700,
            value_size,
        )
        .end()
        .colour(palette.text),
    );
}
