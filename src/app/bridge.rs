//! The meter bridge along the foot of every view: four meters with their history, the connection
//! light, and how old the picture is.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;
use jiff::{SignedDuration, Timestamp};

use super::clock::{local_zone, millis_between};
use super::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use super::ingest::Link;
use super::theme::{motion, size};
use super::words::{clock_words, duration_words, time_words};
use crate::layout::Screen;
use crate::model::{Model, RunStatus};
use crate::source::ConnectionState;

/// Height of the bridge.
const HEIGHT: f32 = Screen::BRIDGE_HEIGHT;
/// The part on the right with the light.
const LIGHT_WIDTH: f32 = 372.0;
const METER_HEIGHT: f32 = 138.0;
const GAP: f32 = 14.0;
const DIAL_RADIUS: f32 = 190.0;
/// Half of the dial's sweep.
const DIAL_HALF_DEG: f32 = 34.0;
const EVENTS_WINDOW_SECS: u32 = 5;
const PEAK_WINDOW_SECS: u32 = 60;
/// The light breathes for this long after something was heard, in milliseconds; then the wall may
/// sleep.
const FRESH_MS: u64 = 10_000;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A meter's reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    label: &'static str,
    value: String,
    /// Where the needle stands, 0 to 1; `None` when there is nothing to show.
    needle: Option<f32>,
    /// The highest of the last minute, 0 to 1.
    peak: Option<f32>,
    /// What is bad, as a part of the scale.
    danger: Option<(f32, f32)>,
    /// Numbers at the left, middle and right of the scale.
    scale: [String; 3],
}

/// What the bridge shows.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeView {
    pub readings: [Reading; 4],
    pub light: LightView,
}

/// The connection, in a light and words.
#[derive(Clone, Debug, PartialEq)]
pub struct LightView {
    pub state: Light,
    /// "LIVE", "RETRY 2/5".
    pub word: String,
    /// "0 s ago", "in 3 s".
    pub beside: String,
    /// "as of 21:14:07".
    pub below: String,
    /// Something was heard within the last seconds: the light breathes.
    pub fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    Live,
    Recording,
    Connecting,
    Retrying,
    Off,
}

impl Light {
    /// What is on screen is not being kept up to date.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Retrying | Self::Off)
    }
}

impl BridgeView {
    pub fn of(model: &Model, link: &Link, now: Timestamp, server_now: Timestamp) -> Self {
        let light = light_view(model, link, now);
        let stats = model.stats();
        let rate = stats.events_per_second(server_now, EVENTS_WINDOW_SECS);
        let peak = stats.peak_events_per_second(server_now, PEAK_WINDOW_SECS);
        let rate_scale =
            scale_for(rate.max(f64::from(peak)), &[10.0, 30.0, 100.0, 300.0, 1e3, 1e4, 1e5]);
        let active = model.count(RunStatus::Running);
        let active_scale = scale_for(active as f64, &[10.0, 20.0, 50.0, 100.0, 500.0, 1e3, 1e4]);
        let (completed, failed) = stats.outcomes(server_now, HOUR);
        let ended = completed + failed;
        let success = (ended > 0).then(|| f64::from(completed) / f64::from(ended));
        let p95 = stats.usual_run().map(|usual| usual.p95_ms);
        let p50 = stats.usual_run().map(|usual| usual.p50_ms);
        // Without any run yet the scale is the one that songs as a rule need.
        let minutes = p95.map_or(5.0, |ms| ms as f64 / 60_000.0);
        let time_scale = scale_for(minutes, &[0.1, 1.0, 5.0, 10.0, 30.0, 60.0, 600.0]);
        let part = |value: f64, scale: f64| Some((value / scale).clamp(0.0, 1.0) as f32);
        let events = Reading {
            label: "events/s",
            value: if light.state.is_lost() { "–".to_owned() } else { rate_words(rate) },
            needle: if light.state.is_lost() { Some(0.0) } else { part(rate, rate_scale) },
            peak: part(f64::from(peak), rate_scale).filter(|_| peak > 0),
            danger: None,
            scale: numbers(0.0, rate_scale, ""),
        };
        let runs = Reading {
            label: "active runs",
            value: active.to_string(),
            needle: part(active as f64, active_scale),
            peak: None,
            danger: None,
            scale: numbers(0.0, active_scale, ""),
        };
        let success = Reading {
            label: "success, 1 h",
            value: success.map_or_else(|| "–".to_owned(), |part| format!("{:.0} %", part * 100.0)),
            needle: success.map(|part| ((part - 0.5) * 2.0).clamp(0.0, 1.0) as f32),
            peak: None,
            danger: Some((0.0, 0.5)),
            scale: numbers(50.0, 100.0, " %"),
        };
        let run_time = Reading {
            label: "usual run",
            value: p50.map_or_else(|| "–".to_owned(), clock_words),
            needle: p50.and_then(|ms| part(ms as f64 / 60_000.0, time_scale)),
            peak: p95.and_then(|ms| part(ms as f64 / 60_000.0, time_scale)),
            danger: None,
            scale: numbers(0.0, time_scale, " min"),
        };
        Self { readings: [events, runs, success, run_time], light }
    }
}

fn scale_for(value: f64, scales: &[f64]) -> f64 {
    scales.iter().copied().find(|scale| value <= *scale).unwrap_or(1e6)
}

fn rate_words(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

fn numbers(from: f64, to: f64, unit: &str) -> [String; 3] {
    let number = |value: f64| match value {
        value if value >= 10_000.0 => format!("{:.0}k", value / 1000.0),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value}"),
    };
    // In the middle there is room for the unit; at the end it would run over the scale.
    [number(from), format!("{}{unit}", number((from + to) / 2.0)), number(to)]
}

fn light_view(model: &Model, link: &Link, now: Timestamp) -> LightView {
    let zone = local_zone();
    let heard = model.last_received_at();
    let ago = heard.map_or_else(String::new, |at| {
        let seconds = millis_between(at, now) / 1000;
        let age = if seconds < 60 {
            format!("{seconds} s")
        } else {
            duration_words(seconds / 60 * 60_000)
        };
        format!("{age} ago")
    });
    let as_of = heard.map_or_else(
        || "nothing heard yet".to_owned(),
        |at| format!("as of {}", time_words(at, &zone)),
    );
    let view = |state, word: &str, beside: String, below: String| LightView {
        state,
        word: word.to_owned(),
        beside,
        below,
        fresh: heard.is_some_and(|at| millis_between(at, now) < FRESH_MS),
    };
    if link.is_recording() {
        let beside = match link.state {
            ConnectionState::Connected { .. } => "not live",
            _ => "over",
        };
        let at = time_words(heard.unwrap_or(now), &zone);
        return view(Light::Recording, "REPLAY", beside.to_owned(), format!("at {at}"));
    }
    match &link.state {
        ConnectionState::Connected { .. } => view(Light::Live, "LIVE", ago, as_of),
        ConnectionState::Connecting { .. } => {
            view(Light::Connecting, "connecting", String::new(), as_of)
        }
        ConnectionState::Reconnecting { attempt, max_attempts, next_attempt_at, .. } => {
            let word = match max_attempts {
                0 => format!("RETRY {attempt}"),
                most => format!("RETRY {attempt}/{most}"),
            };
            let beside = match next_attempt_at {
                Some(at) => format!("in {} s", millis_between(now, *at).div_ceil(1000)),
                None => "now".to_owned(),
            };
            view(Light::Retrying, &word, beside, as_of)
        }
        ConnectionState::Failed { .. } => view(Light::Off, "OFFLINE", ago, as_of),
        ConnectionState::Disconnected => view(Light::Off, "OFF", ago, as_of),
    }
}

/// Draws the bridge at the foot of the screen.
pub fn draw(
    part: &mut Part,
    view: &BridgeView,
    before: Option<&BridgeView>,
    screen: &Screen,
    clock_secs: f64,
) {
    let palette = part.palette;
    let top = screen.height - HEIGHT;
    let full = Rect::new(-32.0, top, screen.width + 64.0, HEIGHT + 32.0);
    part.shape(
        Layer::Bridge,
        Shape::rounded_box(Rect::new(-32.0, top - 10.0, screen.width + 64.0, 10.0))
            .fill(palette.shadow)
            .opacity(0.25),
    );
    part.shape(
        Layer::Bridge,
        Shape::rounded_box(full).fill_vertical(palette.bridge_top, palette.bridge_bottom),
    );
    part.shape(
        Layer::Bridge,
        Shape::rounded_box(Rect::new(-32.0, top, screen.width + 64.0, 1.5))
            .fill(palette.cable_core_idle),
    );
    let room = screen.right() - LIGHT_WIDTH - Screen::MARGIN;
    let count = view.readings.len();
    let width = (room - GAP * (count - 1) as f32) / count as f32;
    for (index, reading) in view.readings.iter().enumerate() {
        let x = Screen::MARGIN + index as f32 * (width + GAP);
        let rect = Rect::new(x, top + 20.0, width, METER_HEIGHT);
        let previous = before.and_then(|before| before.readings[index].needle);
        draw_meter(part, reading, previous, rect, index, clock_secs);
    }
    draw_light(part, &view.light, screen.right() - LIGHT_WIDTH + 40.0, top);
}

fn draw_meter(
    part: &mut Part,
    reading: &Reading,
    previous: Option<f32>,
    rect: Rect,
    index: usize,
    clock_secs: f64,
) {
    let palette = part.palette;
    let layer = Layer::Bridge;
    let face = Rect::new(rect.x + 2.0, rect.y + 2.0, rect.w - 4.0, 88.0);
    let lit = reading.needle.is_some();
    part.shape(layer, Shape::rounded_box(rect).radius(10.0).fill(palette.meter_well));
    part.shape(layer, Shape::rounded_box(face).radius(9.0).fill(palette.meter_face));
    let cx = rect.x + rect.w / 2.0;
    if lit {
        let lamp = Vec2::new(cx, face.y + face.h * 1.12);
        part.shape(
            layer,
            Shape::pool_ellipse(
                lamp,
                Vec2::new(face.w * 0.62, face.h * 0.98),
                palette.lamp.with_alpha(0.34),
                palette.lamp.with_alpha(0.10),
            )
            .clip(face, 9.0),
        );
    }
    // A wider meter shows more of the same circle.
    let half = DIAL_HALF_DEG * (rect.w / 286.0).clamp(0.8, 1.35);
    let pivot = Vec2::new(cx, rect.y + 228.0);
    let deg = |value: f32| -half + 2.0 * half * value;
    let ink = palette.scale;
    part.shape(
        layer,
        Shape::arc(pivot, DIAL_RADIUS, 2.0, -half, half).fill(ink.with_alpha(0.6)).clip(face, 9.0),
    );
    if let Some((from, to)) = reading.danger {
        let hot = reading.needle.is_some_and(|needle| needle >= from && needle <= to);
        let danger = if hot { palette.failed } else { palette.danger_idle };
        part.shape(
            layer,
            Shape::arc(pivot, DIAL_RADIUS - 5.0, 8.0, deg(from), deg(to))
                .fill(danger)
                .cap(super::draw::Cap::Butt)
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
        part.shape(layer, tick.fill(ink.with_alpha(alpha)).clip(face, 9.0));
    }
    for (place, text) in reading.scale.iter().enumerate() {
        let angle = deg(place as f32 / 2.0).to_radians();
        let radius = DIAL_RADIUS + 22.0;
        let at = pivot + Vec2::new(angle.sin(), -angle.cos()) * radius;
        let half_width = measure(Face::Text600, 20.0, 0.0, text) / 2.0;
        let x = at.x.clamp(face.x + half_width + 8.0, face.right() - half_width - 8.0);
        let key = ("scale", index, place);
        let text = Text::new(key, text.clone(), x, at.y + 7.0, Face::Text600, 20.0)
            .middle()
            .colour(ink)
            .opacity(0.75);
        part.text(layer, text);
    }
    if let Some(peak) = reading.peak {
        let angle = deg(peak).to_radians();
        let at = pivot + Vec2::new(angle.sin(), -angle.cos()) * (DIAL_RADIUS - 12.0);
        part.shape(layer, Shape::disc(at, 4.0).fill(palette.violet_text).clip(face, 9.0));
    }
    if let Some(needle) = reading.needle {
        let from = previous.unwrap_or(0.0);
        let hand = |dx: f32, dy: f32, width: f32, ink: Color| {
            Shape::needle(pivot + Vec2::new(dx, dy), deg(needle), 60.0, DIAL_RADIUS + 2.0, width)
                .swinging(deg(from), clock_secs)
                .fill(ink)
                .clip(face, 9.0)
        };
        part.shape(layer, hand(4.0, 4.0, 4.0, palette.shadow.with_alpha(0.55)));
        part.shape(layer, hand(0.0, 0.0, 3.5, palette.needle));
    }
    let bezel = Rect::new(rect.x, rect.y + 88.0, rect.w, 50.0);
    part.shape(
        layer,
        Shape::rounded_box(bezel)
            .radii([0.0, 0.0, 10.0, 10.0])
            .fill_vertical(palette.bezel_top, palette.bezel_bottom),
    );
    part.shape(
        layer,
        Shape::rounded_box(Rect::new(rect.x, rect.y + 88.0, rect.w, 1.5))
            .fill(palette.highlight.with_alpha(0.09)),
    );
    part.shape(
        layer,
        Shape::rounded_box(rect).radius(10.0).fill(Color::NONE).border(1.5, palette.meter_edge),
    );
    part.text(
        layer,
        Text::new(
            ("label", index),
            reading.label,
            rect.x + 16.0,
            rect.y + 122.0,
            Face::Text500,
            size::METER_LABEL,
        )
        .colour(palette.text_secondary),
    );
    part.text(
        layer,
        Text::new(
            ("value", index),
            reading.value.clone(),
            rect.right() - 16.0,
            rect.y + 124.0,
            Face::Display700,
            size::METER_VALUE,
        )
        .end()
        .colour(palette.text),
    );
}

fn draw_light(part: &mut Part, light: &LightView, x: f32, top: f32) {
    let palette = part.palette;
    let layer = Layer::Bridge;
    let centre = Vec2::new(x, top + 66.0);
    let ink = match light.state {
        Light::Live => palette.success,
        Light::Recording => palette.violet_text,
        Light::Connecting => palette.text_tertiary,
        Light::Retrying | Light::Off => palette.cancelled,
    };
    match light.state {
        Light::Live => {
            let pool = Shape::pool(centre, 46.0, ink.with_alpha(0.55), ink.with_alpha(0.2));
            let pool = if light.fresh { pool.breathing_whole(motion::BREATHE_LOW) } else { pool };
            part.shape(layer, pool);
            part.shape(layer, Shape::disc(centre, 13.0).fill(ink));
            for (radius, alpha) in [(22.0, 0.9), (31.0, 0.55)] {
                for side in [90.0, 270.0] {
                    part.shape(
                        layer,
                        Shape::arc(centre, radius, 4.0, side - 42.0, side + 42.0)
                            .fill(ink)
                            .opacity(alpha),
                    );
                }
            }
        }
        Light::Recording => {
            let at = |dx: f32, dy: f32| centre + Vec2::new(dx, dy);
            part.shape(
                layer,
                Shape::triangle(at(-10.0, -14.0), at(16.0, 0.0), at(-10.0, 14.0), 2.0).fill(ink),
            );
        }
        Light::Connecting | Light::Retrying => {
            part.shape(layer, Shape::ring(centre, 22.0, 5.0).fill(ink).dash(9.0, 8.0));
            part.shape(layer, Shape::disc(centre, 6.0).fill(ink));
        }
        Light::Off => {
            part.shape(layer, Shape::ring(centre, 22.0, 5.0).fill(ink));
            let slash = Shape::capsule(
                centre + Vec2::new(-15.0, 15.0),
                centre + Vec2::new(15.0, -15.0),
                5.0,
            );
            part.shape(layer, slash.fill(ink));
        }
    }
    let text_x = x + 50.0;
    let word_size = if light.word.len() > 8 { 36.0 } else { size::LIVE };
    let word_width = measure(Face::Display700, word_size, 0.02, &light.word);
    part.text(
        layer,
        Text::new("light", light.word.clone(), text_x, top + 82.0, Face::Display700, word_size)
            .tracking(0.02)
            .colour(if light.state == Light::Connecting {
                palette.text_tertiary
            } else {
                palette.text
            }),
    );
    part.text(
        layer,
        Text::new(
            "beside",
            light.beside.clone(),
            text_x + word_width + 16.0,
            top + 82.0,
            Face::Text500,
            size::META,
        )
        .colour(palette.text_secondary),
    );
    part.text(
        layer,
        Text::new("as of", light.below.clone(), text_x, top + 142.0, Face::Text500, size::AS_OF)
            .colour(palette.text_secondary),
    );
}
