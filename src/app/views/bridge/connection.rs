//! The panel of the connection: light, word, the last arrivals, the source's name and the age of its news.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::fit::{first_fitting, shrunk};
use super::light::{Light, LightView};
use super::{FACE_HEIGHT, LOWER_LINE, UPPER_LINE};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::theme::{motion, size};

const LAYER: Layer = Layer::Bridge;
const PAD: f32 = 16.0;
/// Distance between the word and the text beside it.
const WORD_GAP: f32 = 16.0;
/// Width of a panel that the places of sign and word are drawn for, and those places.
const DRAWN_WIDTH: f32 = 350.4;
const SIGN_X: f32 = 56.0;
const WORD_X: f32 = 108.0;
const SIGN_Y: f32 = 47.0;
/// Tallest tick, tick of a second without an arrival, and shortest tick of one with arrivals.
const TICK_MOST: f32 = 10.0;
const TICK_NONE: f32 = 2.0;
const TICK_LEAST: f32 = 4.0;
/// Number of arrivals in a second that always make a tall tick.
const MANY: u32 = 12;

/// Paint of the panel, and whether it keeps its colours while the picture is drained.
#[derive(Clone, Copy, Debug)]
struct Paint {
    ink: Color,
    keeps: bool,
}

impl Paint {
    fn of(part: &Part, light: &LightView) -> Self {
        let palette = part.palette;
        let ink = match light.state {
            Light::Recording | Light::Ended | Light::Rewound | Light::Paused => palette.violet_text,
            Light::Live | Light::Polling if light.is_demo => palette.violet_text,
            Light::Live | Light::Polling => palette.success,
            Light::Connecting => palette.text_tertiary,
            Light::NoNews => palette.text_secondary,
            Light::PollingInstead | Light::Cut | Light::Retrying | Light::Off => palette.cancelled,
        };
        Self { ink, keeps: light.state.is_lost() || light.state.is_past() }
    }

    fn shape(&self, part: &mut Part, shape: Shape) {
        part.shape(LAYER, if self.keeps { shape.keep_colour() } else { shape });
    }

    fn text(&self, part: &mut Part, text: Text) {
        part.text(LAYER, if self.keeps { text.keep_colour() } else { text });
    }
}

/// Draws the panel of a landscape screen.
pub(super) fn draw(part: &mut Part, light: &LightView, rect: Rect) {
    let palette = part.palette;
    let paint = Paint::of(part, light);
    draw_body(part, light, &paint, rect, 1.0);
    // A narrower panel has less room around the sign.
    let narrow = (rect.w / DRAWN_WIDTH).min(1.0);
    draw_sign(part, light, &paint, Vec2::new(rect.x + SIGN_X * narrow, rect.y + SIGN_Y), 1.0);
    let x = rect.x + WORD_X * narrow;
    let right = rect.right() - PAD;
    let room = right - x;
    // The age stays readable; the word has the rest of the room.
    let beside_width = |size: f32| measure(Face::Text500, size, 0.0, &light.beside);
    let gap = if light.beside.is_empty() { 0.0 } else { WORD_GAP };
    let is_wide = word_width(&light.word, size::LIVE) + gap + beside_width(size::META) > room;
    let beside_size = if is_wide { size::ESSENTIAL_MIN } else { size::META };
    let word_room = (room - gap - beside_width(beside_size)).max(1.0);
    let word_size = size::LIVE * (word_room / word_width(&light.word, size::LIVE)).min(1.0);
    let baseline = rect.y + if word_size < 44.0 { 58.0 } else { 60.0 };
    paint.text(part, word(light, x, baseline, word_size).colour(word_ink(part, light)));
    let beside = light.beside.clone();
    let beside = Text::new("beside", beside, right, baseline, Face::Text500, beside_size).end();
    paint.text(part, beside.colour(palette.text_secondary));
    let ticks = Rect::new(x, rect.y + FACE_HEIGHT - 2.0 - TICK_MOST, room, TICK_MOST);
    draw_ticks(part, light, &paint, ticks);
    part.shape(
        LAYER,
        Shape::rounded_box(Rect::new(rect.x, rect.y + FACE_HEIGHT, rect.w, 1.5))
            .fill(palette.highlight.with_alpha(0.09)),
    );
    let (x, room) = (rect.x + PAD, rect.w - 2.0 * PAD);
    let name_size = size::METER_CAPTION;
    if light.state.is_past() {
        draw_live(part, light, Vec2::new(x, rect.y + UPPER_LINE), room);
    } else {
        let name = truncate(Face::Text600, name_size, &light.source, room).into_owned();
        let name = Text::new("source", name, x, rect.y + UPPER_LINE, Face::Text600, name_size);
        paint.text(part, name.colour(palette.text));
    }
    let (below, below_size) = below(light, size::METER_NOTE, room);
    let below = Text::new("as of", below, x, rect.y + LOWER_LINE, Face::Text500, below_size);
    paint.text(part, below.colour(below_ink(part, light)));
}

/// Draws what is newer in live time, behind a lamp, from a place on the baseline on.
fn draw_live(part: &mut Part, light: &LightView, at: Vec2, room: f32) {
    const LAMP: f32 = 24.0;
    const AFTER_WORD: f32 = 8.0;
    let palette = part.palette;
    let ink = if light.live_is_lost { palette.cancelled } else { palette.success };
    let lamp = Shape::disc(at + Vec2::new(8.0, -8.0), 6.5).fill(ink);
    part.shape(LAYER, lamp.keep_colour());
    let word = format!("{}:", light.present.head().to_lowercase());
    let word_width = measure(Face::Text600, size::METER_CAPTION, 0.0, &word);
    let rest_room = room - LAMP - word_width - AFTER_WORD;
    let rest_size = shrunk(Face::Text500, size::METER_CAPTION, &light.source, rest_room);
    let text = Text::new("source", word, at.x + LAMP, at.y, Face::Text600, size::METER_CAPTION)
        .colour(palette.text)
        .then(AFTER_WORD, light.source.clone())
        .face(Face::Text500)
        .size(rest_size);
    part.text(LAYER, text.keep_colour());
}

/// Draws the line of a portrait screen.
pub(super) fn draw_line(part: &mut Part, light: &LightView, rect: Rect, scale: f32) {
    let palette = part.palette;
    let paint = Paint::of(part, light);
    draw_body(part, light, &paint, rect, scale);
    let centre = Vec2::new(rect.x + 40.0 * scale, rect.centre_y());
    draw_sign(part, light, &paint, centre, 0.64 * scale);
    let right = rect.right() - PAD * scale;
    let gap = WORD_GAP * scale;
    let word_x = rect.x + 80.0 * scale;
    let word_size = size::LIVE_SMALL * scale;
    let word = word(light, word_x, rect.y + 42.0 * scale, word_size);
    paint.text(part, word.colour(word_ink(part, light)));
    let text_size = size::METER_CAPTION * scale;
    let y = rect.y + 40.0 * scale;
    let mut x = word_x + word_width(&light.word, word_size) + gap;
    if !light.beside.is_empty() {
        let beside = Text::new("beside", light.beside.clone(), x, y, Face::Text500, text_size);
        paint.text(part, beside.colour(palette.text_secondary));
        x += measure(Face::Text500, text_size, 0.0, &light.beside) + gap;
    }
    // The name leaves room for the shortest text at least.
    let width = |text: &str| measure(Face::Text500, text_size, 0.0, text);
    let shortest = light.below.last().map_or(0.0, |text| width(text));
    let x = x + gap;
    let name_room = (right - x - gap - shortest).max(0.0);
    let source = if light.state.is_past() {
        format!("{}: {}", light.present.head().to_lowercase(), light.source)
    } else {
        light.source.clone()
    };
    let name = truncate(Face::Text600, text_size, &source, name_room).into_owned();
    let name_width = measure(Face::Text600, text_size, 0.0, &name);
    let name = Text::new("source", name, x, y, Face::Text600, text_size);
    paint.text(part, name.colour(palette.text));
    let (below, below_size) = below(light, text_size, right - x - name_width - gap);
    let below = Text::new("as of", below, right, y, Face::Text500, below_size).end();
    paint.text(part, below.colour(below_ink(part, light)));
}

/// Returns the longest text below the name that fits, and its size.
fn below(light: &LightView, wanted: f32, room: f32) -> (String, f32) {
    let shortest = light.below.last().map_or("", String::as_str);
    let text = first_fitting(Face::Text500, wanted, &light.below, room).unwrap_or(shortest);
    (text.to_owned(), shrunk(Face::Text500, wanted, text, room))
}

fn word_ink(part: &Part, light: &LightView) -> Color {
    if light.state == Light::Connecting { part.palette.text_tertiary } else { part.palette.text }
}

fn below_ink(part: &Part, light: &LightView) -> Color {
    match light.state {
        state if state.is_lost() => part.palette.cancelled,
        Light::Live if !light.fresh => part.palette.text,
        _ => part.palette.text_secondary,
    }
}

fn word(light: &LightView, x: f32, baseline: f32, size: f32) -> Text {
    Text::new("light", light.word.clone(), x, baseline, Face::Display700, size).tracking(0.02)
}

fn word_width(word: &str, size: f32) -> f32 {
    measure(Face::Display700, size, 0.02, word)
}

/// Draws the sign with word and age alone, from a place on the foot of a view without a bridge.
pub(super) fn draw_foot(part: &mut Part, light: &LightView, (x, y): (f32, f32), scale: f32) {
    let palette = part.palette;
    let paint = Paint::of(part, light);
    let size = size::METER_CAPTION * scale;
    draw_sign(part, light, &paint, Vec2::new(x + 18.0 * scale, y - 8.0 * scale), 0.45 * scale);
    let x = x + 44.0 * scale;
    let word = Text::new("word", light.word.clone(), x, y, Face::Text700, size);
    paint.text(part, word.colour(word_ink(part, light)));
    let x = x + measure(Face::Text700, size, 0.0, &light.word) + 10.0 * scale;
    let beside = Text::new("beside", light.beside.clone(), x, y, Face::Text500, size);
    paint.text(part, beside.colour(palette.text_secondary));
}

fn draw_body(part: &mut Part, light: &LightView, paint: &Paint, rect: Rect, scale: f32) {
    let palette = part.palette;
    let (ground, edge, width) = match light.state {
        state if state.is_lost() => (palette.cancelled_band, palette.cancelled, 2.0),
        Light::NoNews => (palette.connection_silent, palette.stale_outline, 2.0),
        Light::Rewound | Light::Paused => (palette.connection_panel, palette.violet_led, 2.0),
        _ => (palette.connection_panel, palette.meter_edge, 1.5),
    };
    let body =
        Shape::rounded_box(rect).radius(10.0 * scale).fill(ground).border(width * scale, edge);
    paint.shape(part, body);
}

/// Draws one tick for each of the last seconds, oldest at the left.
fn draw_ticks(part: &mut Part, light: &LightView, paint: &Paint, area: Rect) {
    let palette = part.palette;
    let count = light.ticks.len().max(1) as f32;
    let pitch = area.w / count;
    let most = light.ticks.iter().copied().max().unwrap_or(0).max(MANY) as f32;
    let is_waiting = light.state.is_lost() || light.state == Light::NoNews;
    for (place, arrivals) in light.ticks.iter().enumerate() {
        let height = if *arrivals == 0 {
            TICK_NONE
        } else {
            TICK_LEAST + (TICK_MOST - TICK_LEAST) * (*arrivals as f32 / most)
        };
        let x = area.x + place as f32 * pitch;
        let tick = Rect::new(x, area.bottom() - height, pitch * 0.575, height);
        let tick = Shape::rounded_box(tick).unsnapped();
        // Older ticks are fainter, but what came before a silence stays as it was.
        let age = 0.3 + 0.65 * (place as f32 + 1.0) / count;
        match (is_waiting, *arrivals) {
            (true, 0) => paint.shape(part, tick.fill(paint.ink)),
            (true, _) => {
                part.shape(LAYER, tick.fill(palette.success).opacity(0.5));
            }
            (false, _) => paint.shape(part, tick.fill(paint.ink).opacity(age)),
        }
    }
}

/// Draws the sign of the state, at a factor of the size on a landscape screen.
fn draw_sign(part: &mut Part, light: &LightView, paint: &Paint, centre: Vec2, k: f32) {
    let palette = part.palette;
    let ink = paint.ink;
    let at = |dx: f32, dy: f32| centre + Vec2::new(dx, dy) * k;
    let ring = |radius: f32, width: f32| Shape::ring(centre, radius * k, width * k).fill(ink);
    let disc = |radius: f32| Shape::disc(centre, radius * k).fill(ink);
    match light.state {
        Light::Live => {
            if light.fresh {
                let (inner, outer) = (ink.with_alpha(0.5), ink.with_alpha(0.16));
                let pool = Shape::pool(centre, 43.2 * k, inner, outer);
                paint.shape(part, pool.breathing_whole(motion::BREATHE_LOW));
            }
            paint.shape(part, disc(12.2));
            // Without events for a while only the disc is left: nothing is being received.
            let arcs = if light.fresh { [(20.7, 0.9), (29.1, 0.55)].as_slice() } else { &[] };
            for (radius, alpha) in arcs.iter().copied() {
                for side in [90.0, 270.0] {
                    let arc = Shape::arc(centre, radius * k, 3.8 * k, side - 42.0, side + 42.0);
                    paint.shape(part, arc.fill(ink).opacity(alpha));
                }
            }
        }
        Light::NoNews => {
            let hand = palette.text;
            paint.shape(part, ring(26.0, 5.0).dash(6.0 * k, 6.0 * k));
            let clock = Shape::ring(centre, 15.5 * k, 2.9 * k);
            paint.shape(part, clock.fill(hand));
            let hands = Shape::polyline3(at(0.0, -8.3), centre, at(5.8, 4.5), 2.9 * k);
            paint.shape(part, hands.fill(hand));
        }
        Light::Rewound => {
            paint.shape(part, ring(14.0, 4.0));
            for (radius, alpha) in [(24.0, 0.9), (33.0, 0.55)] {
                for side in [90.0, 270.0] {
                    let arc = Shape::arc(centre, radius * k, 4.0 * k, side - 42.0, side + 42.0);
                    paint.shape(part, arc.fill(ink).opacity(alpha).dash(5.0 * k, 4.0 * k));
                }
            }
        }
        Light::Paused => {
            paint.shape(part, ring(29.0, 4.0).dash(7.0 * k, 6.0 * k));
            for left in [-9.0, 3.0] {
                let bar = Rect::new(centre.x + left * k, centre.y - 12.0 * k, 6.5 * k, 24.0 * k);
                paint.shape(part, Shape::rounded_box(bar).fill(ink));
            }
        }
        Light::Polling | Light::PollingInstead => {
            paint.shape(part, ring(22.0, 5.0));
            paint.shape(part, disc(9.0));
        }
        Light::Cut => {
            // A disc for the hub, a gap, and a dashed ring for the missing backend.
            paint.shape(part, Shape::disc(at(-18.0, 0.0), 11.0 * k).fill(ink));
            paint.shape(part, Shape::capsule(at(-6.0, 0.0), at(-1.0, 0.0), 5.0 * k).fill(ink));
            let backend = Shape::ring(at(19.0, 0.0), 11.0 * k, 4.0 * k);
            paint.shape(part, backend.fill(ink).dash(6.0 * k, 5.0 * k));
        }
        Light::Recording | Light::Ended => {
            let body = Rect::centred(centre, 48.0 * k, 48.0 * k);
            paint.shape(part, Shape::rounded_box(body).radius(9.0 * k).fill(palette.violet));
            let sign = if light.state == Light::Recording {
                Shape::triangle(at(-8.0, -12.0), at(13.0, 0.0), at(-8.0, 12.0), 1.5 * k)
            } else {
                Shape::rounded_box(Rect::centred(centre, 20.0 * k, 20.0 * k)).radius(2.0 * k)
            };
            paint.shape(part, sign.fill(palette.on_violet));
        }
        Light::Connecting => {
            paint.shape(part, ring(22.0, 5.0).dash(9.0 * k, 8.0 * k));
            paint.shape(part, disc(6.0));
        }
        Light::Retrying => {
            let pool = Shape::pool(centre, 44.0 * k, ink.with_alpha(0.45), ink.with_alpha(0.14));
            paint.shape(part, pool);
            paint.shape(part, ring(24.0, 7.0).opacity(0.35));
            let arc = Shape::arc(centre, 24.0 * k, 7.0 * k, 209.0, 360.0).fill(ink);
            paint.shape(part, arc);
        }
        Light::Off => {
            paint.shape(part, ring(22.0, 5.0));
            let slash = Shape::capsule(at(-15.0, 15.0), at(15.0, -15.0), 5.0 * k);
            paint.shape(part, slash.fill(ink));
        }
    }
}
