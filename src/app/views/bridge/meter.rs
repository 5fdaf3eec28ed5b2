//! One meter: a lit dial, and caption, note and value at the foot. On a portrait screen the dial is small
//! and has no numerals.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::fit::{first_fitting, shrunk};
use super::readings::{MarkKind, Reading};
use super::{FACE_HEIGHT, LOWER_LINE, UPPER_LINE};
use crate::app::draw::glyphs::diamond;
use crate::app::draw::{Cap, Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::theme::size;
use crate::bounded::bounded;

const PAD: f32 = 16.0;
/// Distance from the panel's upper edge to the top of the dial's arc.
const ARC_TOP: f32 = 36.0;
/// Largest radius of the dial; beyond it, its ends would leave the face.
const MOST_RADIUS: f32 = 205.0;
/// Half of the dial's sweep, in degrees.
const HALF_DEG: f32 = 35.0;
/// Distance from an end of the arc to its numeral, and from the numeral to the edge of the face.
const NUMERAL_GAP: f32 = 9.0;
const FACE_MARGIN: f32 = 5.0;
/// Room in the note for the sign of a mark.
const SIGN_WIDTH: f32 = 23.0;
/// Least distance between caption or note and the value.
const TEXT_GAP: f32 = 8.0;
/// Number of characters from which on a value is written smaller.
const LONG_VALUE: usize = 5;
const LAYER: Layer = Layer::Bridge;

/// How a meter is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Number of the meter, from the left.
    pub index: usize,
    /// False when data is no longer updated: the lamps are off.
    pub is_lit: bool,
    /// Needle position from which it swings.
    pub before: Option<f32>,
    /// Time of the draw clock at which it begins to swing.
    pub clock_secs: f64,
    /// Factor of all lengths.
    pub scale: f32,
}

/// Draws a meter with a wide dial.
pub(super) fn draw(part: &mut Part, reading: &Reading, look: &Look, rect: Rect) {
    let palette = part.palette;
    part.shape(LAYER, Shape::rounded_box(rect).radius(10.0).fill(palette.meter_well));
    let face = Rect::new(rect.x + 2.0, rect.y + 2.0, rect.w - 4.0, FACE_HEIGHT - 2.0);
    draw_face(part, reading, look, face, [9.0, 9.0, 0.0, 0.0]);
    draw_dial(part, reading, look, rect, face);
    let foot = Rect::new(rect.x, rect.y + FACE_HEIGHT, rect.w, rect.h - FACE_HEIGHT);
    part.shape(
        LAYER,
        Shape::rounded_box(foot)
            .radii([0.0, 0.0, 10.0, 10.0])
            .fill_vertical(palette.bezel_top, palette.bezel_bottom),
    );
    part.shape(
        LAYER,
        Shape::rounded_box(Rect::new(foot.x, foot.y, foot.w, 1.5))
            .fill(palette.highlight.with_alpha(0.09)),
    );
    draw_readout(part, reading, look, rect);
    part.shape(
        LAYER,
        Shape::rounded_box(rect).radius(10.0).fill(Color::NONE).border(1.5, palette.meter_edge),
    );
}

/// Draws the face of a dial with the light of its lamp.
fn draw_face(part: &mut Part, reading: &Reading, look: &Look, face: Rect, radii: [f32; 4]) {
    let palette = part.palette;
    part.shape(LAYER, Shape::rounded_box(face).radii(radii).fill(palette.meter_face));
    if look.is_lit && reading.needle.is_some() {
        let lamp = Vec2::new(face.centre_x(), face.y + face.h * 1.12);
        part.shape(
            LAYER,
            Shape::pool_ellipse(
                lamp,
                Vec2::new(face.w * 0.62, face.h * 0.98),
                palette.lamp.with_alpha(0.34),
                palette.lamp.with_alpha(0.10),
            )
            .clip(face, radii[0]),
        );
    }
}

/// A circle that a scale stands on.
#[derive(Clone, Copy, Debug)]
struct Dial {
    pivot: Vec2,
    radius: f32,
    half_deg: f32,
}

impl Dial {
    /// Angle of a place on the scale, 0 to 1.
    fn deg(&self, place: f32) -> f32 {
        self.half_deg * (2.0 * place - 1.0)
    }

    /// Point at a place on the scale, at a distance from the pivot.
    fn at(&self, place: f32, radius: f32) -> Vec2 {
        let angle = self.deg(place).to_radians();
        self.pivot + Vec2::new(angle.sin(), -angle.cos()) * radius
    }
}

fn draw_dial(part: &mut Part, reading: &Reading, look: &Look, rect: Rect, face: Rect) {
    let palette = part.palette;
    let numeral = |place: usize| {
        measure(Face::Text600, size::METER_SCALE, 0.0, &reading.scale.numerals[place])
    };
    // The numerals beside the ends stay on the face.
    let room = face.w / 2.0 - FACE_MARGIN - NUMERAL_GAP - numeral(0).max(numeral(2));
    let most = room / HALF_DEG.to_radians().sin();
    let radius = (rect.w * 0.565).min(MOST_RADIUS).min(most).max(40.0);
    let pivot = Vec2::new(face.centre_x(), rect.y + ARC_TOP + radius);
    let dial = Dial { pivot, radius, half_deg: HALF_DEG };
    let ink = palette.scale;
    let [arc, major, minor] = if look.is_lit { [0.6, 0.95, 0.52] } else { [0.35, 0.45, 0.25] };
    part.shape(
        LAYER,
        Shape::arc(pivot, radius, 2.0, -HALF_DEG, HALF_DEG)
            .fill(ink.with_alpha(arc))
            .clip(face, 9.0),
    );
    draw_danger(part, reading, look, &dial, (radius - 6.0, 8.0), face);
    for mark in 0..=20 {
        let is_major = mark % 10 == 0;
        let (length, width, alpha) = if is_major { (8.0, 2.5, major) } else { (4.0, 1.5, minor) };
        let deg = dial.deg(mark as f32 / 20.0);
        let tick = Shape::tick(pivot, deg, radius, radius + length, width);
        part.shape(LAYER, tick.fill(ink.with_alpha(alpha)).clip(face, 9.0));
    }
    let ink = if look.is_lit { palette.scale } else { palette.scale_off };
    for (place, words) in reading.scale.numerals.iter().enumerate() {
        let key = ("scale", look.index, place);
        let end = dial.at(place as f32 / 2.0, radius);
        let (x, y) = match place {
            0 => (end.x - NUMERAL_GAP, end.y + 8.0),
            1 => (end.x, rect.y + ARC_TOP - 12.0),
            _ => (end.x + NUMERAL_GAP, end.y + 8.0),
        };
        let text =
            Text::new(key, words.clone(), x, y, Face::Text600, size::METER_SCALE).colour(ink);
        part.text(
            LAYER,
            match place {
                0 => text.end(),
                1 => text.middle(),
                _ => text,
            },
        );
    }
    draw_needle(part, reading, look, &dial, [0.3 * radius, radius + 3.0, 3.5], face);
    if let Some(mark) = reading.mark {
        let at = dial.at(mark.place, radius - 13.0);
        draw_mark(part, mark.kind, at, [6.0, 7.0, 8.0], Some(face));
    }
}

fn draw_danger(
    part: &mut Part,
    reading: &Reading,
    look: &Look,
    dial: &Dial,
    (radius, width): (f32, f32),
    face: Rect,
) {
    let palette = part.palette;
    let Some(end) = reading.danger else { return };
    let is_hot = reading.is_hot && look.is_lit;
    let ink = if is_hot { palette.failed } else { palette.danger_idle };
    // A flat palette has no second colour that is dull enough.
    let is_dull = !look.is_lit || palette.flat && !is_hot;
    part.shape(
        LAYER,
        Shape::arc(dial.pivot, radius, width, dial.deg(0.0), dial.deg(end))
            .fill(ink)
            .opacity(if is_dull { 0.6 } else { 1.0 })
            .cap(Cap::Butt)
            .clip(face, 9.0),
    );
}

/// Draws the needle from an inner to an outer radius, in a width, with its shadow.
fn draw_needle(
    part: &mut Part,
    reading: &Reading,
    look: &Look,
    dial: &Dial,
    [inner, outer, width]: [f32; 3],
    face: Rect,
) {
    let palette = part.palette;
    let Some(needle) = reading.needle else { return };
    let from = look.before.unwrap_or(0.0);
    let hand = |offset: f32, width: f32, ink: Color| {
        Shape::needle(dial.pivot + Vec2::splat(offset), dial.deg(needle), inner, outer, width)
            .swinging(dial.deg(from), look.clock_secs)
            .fill(ink)
            .clip(face, 9.0)
    };
    // A short needle is near its face.
    let shadow = (outer * 0.02).min(4.0);
    part.shape(LAYER, hand(shadow, width + 0.5, palette.shadow).opacity(0.55));
    let ink = if look.is_lit { palette.needle } else { palette.scale_off };
    part.shape(LAYER, hand(0.0, width, ink));
}

/// Draws the sign of a mark: a disc of a radius, or a diamond of half a width and half a height.
fn draw_mark(
    part: &mut Part,
    kind: MarkKind,
    at: Vec2,
    [radius, half_width, half_height]: [f32; 3],
    clip: Option<Rect>,
) {
    let ink = part.palette.violet_text;
    let within = |shape: Shape| match clip {
        Some(face) => shape.clip(face, 9.0),
        None => shape,
    };
    match kind {
        MarkKind::Peak => {
            part.shape(LAYER, within(Shape::disc(at, radius).fill(ink)));
        }
        MarkKind::Limit => {
            for half in diamond(at, Vec2::new(half_width, half_height)) {
                part.shape(LAYER, within(half.fill(ink)));
            }
        }
    }
}

/// Draws caption, note and value.
fn draw_readout(part: &mut Part, reading: &Reading, look: &Look, rect: Rect) {
    let palette = part.palette;
    let index = look.index;
    let inner = rect.w - 2.0 * PAD;
    let [caption_size, note_size] = [size::METER_CAPTION, size::METER_NOTE];
    let wanted = value_size(&reading.value, [size::METER_VALUE, size::METER_VALUE_LONG]);
    let value_width = |size: f32| measure(Face::Display700, size, 0.0, &reading.value);
    let caption_room = inner - TEXT_GAP - value_width(wanted);
    let label = first_fitting(Face::Text600, caption_size, &reading.label, caption_room)
        .or(reading.label.last().map(String::as_str))
        .unwrap_or_default();
    let label_width = measure(Face::Text600, caption_size, 0.0, label);
    let value_size =
        shrunk(Face::Display700, wanted, &reading.value, inner - TEXT_GAP - label_width);
    let sign = if reading.is_mark_named { SIGN_WIDTH } else { 0.0 };
    let note_room = inner - TEXT_GAP - value_width(value_size) - sign;
    let note = first_fitting(Face::Text500, note_size, &reading.note, note_room)
        .filter(|note| !note.is_empty());
    let (strong, quiet) = if look.is_lit {
        (palette.text, palette.text_secondary)
    } else {
        (palette.text_secondary, palette.text_secondary)
    };
    let x = rect.x + PAD;
    let baseline = rect.y + if note.is_some() { UPPER_LINE } else { 131.0 };
    part.text(
        LAYER,
        Text::new(("label", index), label.to_owned(), x, baseline, Face::Text600, caption_size)
            .colour(strong),
    );
    if let Some(note) = note {
        let baseline = rect.y + LOWER_LINE;
        let mark = reading.mark.filter(|_| reading.is_mark_named);
        if let Some(mark) = mark {
            let at = Vec2::new(x + 7.0, baseline - 7.6);
            draw_mark(part, mark.kind, at, [6.5, 7.5, 9.0], None);
        }
        let ink = match mark {
            Some(_) => palette.violet_text,
            None if reading.alarming => palette.failed_text,
            None => quiet,
        };
        let key = ("note", index);
        let text = Text::new(key, note.to_owned(), x + sign, baseline, Face::Text500, note_size);
        let text = text.colour(ink);
        part.text(LAYER, if reading.alarming { text.keep_colour() } else { text });
    }
    let (x, y) = (rect.right() - PAD, rect.y + 137.4);
    let key = ("value", index);
    let text = Text::new(key, reading.value.clone(), x, y, Face::Display700, value_size);
    part.text(LAYER, text.end().colour(strong));
}

/// Returns the size of a value's type: the first, or the second where it is long.
fn value_size(value: &str, [short, long]: [f32; 2]) -> f32 {
    if value.chars().count() < LONG_VALUE { short } else { long }
}

/// Draws a meter with a small dial in its lower right corner, for a portrait screen.
pub(super) fn draw_small(part: &mut Part, reading: &Reading, look: &Look, rect: Rect) {
    let palette = part.palette;
    let scale = look.scale;
    part.shape(
        LAYER,
        Shape::rounded_box(rect)
            .radius(10.0 * scale)
            .fill_vertical(palette.bezel_top, palette.bezel_bottom)
            .border(1.5 * scale, palette.meter_edge),
    );
    let face =
        Rect::new(rect.right() - 116.0 * scale, rect.y + 38.0 * scale, 108.0 * scale, 58.0 * scale);
    let corner = 6.0 * scale;
    draw_face(part, reading, look, face, [corner; 4]);
    let pivot = Vec2::new(face.centre_x(), face.y + 54.0 * scale);
    let dial = Dial { pivot, radius: 46.0 * scale, half_deg: 54.0 };
    let alpha = if look.is_lit { 0.8 } else { 0.45 };
    part.shape(
        LAYER,
        Shape::arc(pivot, dial.radius, 2.5 * scale, -dial.half_deg, dial.half_deg)
            .fill(palette.scale.with_alpha(alpha))
            .clip(face, corner),
    );
    draw_danger(part, reading, look, &dial, (41.0 * scale, 6.0 * scale), face);
    draw_needle(part, reading, look, &dial, [0.0, 50.0, 3.0].map(|length| length * scale), face);
    if let Some(mark) = reading.mark {
        let at = dial.at(mark.place, 39.0 * scale);
        draw_mark(part, mark.kind, at, [4.5, 5.0, 6.0].map(|length| length * scale), Some(face));
    }
    let ink = if look.is_lit { palette.text } else { palette.text_secondary };
    let pad = 14.0 * scale;
    let x = rect.x + pad;
    let caption_size = size::METER_NOTE * scale;
    let label = first_fitting(Face::Text600, caption_size, &reading.label, rect.w - 2.0 * pad)
        .unwrap_or("");
    let key = ("label", look.index);
    let y = rect.y + 32.0 * scale;
    part.text(
        LAYER,
        Text::new(key, label.to_owned(), x, y, Face::Text600, caption_size).colour(ink),
    );
    let sizes = [size::METER_VALUE_SMALL, size::METER_VALUE_SMALL_LONG].map(|size| size * scale);
    let room = bounded(face.x - x - 6.0 * scale, 1.0, rect.w);
    let value_size =
        shrunk(Face::Display700, value_size(&reading.value, sizes), &reading.value, room);
    let key = ("value", look.index);
    let y = rect.y + 82.0 * scale;
    let text = Text::new(key, reading.value.clone(), x, y, Face::Display700, value_size);
    part.text(LAYER, text.colour(ink));
}
