//! Lower zone of the stage: the run's last events, its story, the scores.

use bevy::color::Alpha;
use bevy::math::Vec2;

use super::spread;
use super::stage_layout::{LOOP_GAP, StageLayout};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate, wrap};
use crate::app::state::clock::local_zone;
use crate::app::state::run_view::{FixView, ScoresView};
use crate::app::state::spread::Spread;
use crate::app::theme::size;
use crate::app::words::{duration_words, number_words, time_words};
use crate::bounded::bounded;
use crate::layout::CanvasSize;
use crate::model::{FactKind, Run, RunEvent};

const TICKER_PITCH: f32 = 32.0;
const TICKER_LINES: usize = 7;
/// Greatest number of events on a tall screen.
const MOST_TICKER_LINES: usize = 14;
/// Distance from the last line to the bridge.
const ABOVE_BRIDGE: f32 = 9.0;
const TICKER_RIGHT: f32 = 640.0;
const LEAST_TICKER_WIDTH: f32 = 440.0;
const TICKER_FAR_RIGHT: f32 = 960.0;
/// Distance from the events to the story, and from there to the divider between them.
const STORY_AFTER_TICKER: f32 = 56.0;
const DIVIDER: f32 = 32.0;
/// Greatest height of the spread of a step's times.
const MOST_SPREAD_HEIGHT: f32 = 250.0;
const STORY_WIDTH: f32 = 400.0;
const LEAST_STORY_WIDTH: f32 = 180.0;
/// Distance from the zone's upper edge to the first baseline.
const FIRST_LINE: f32 = 46.0;
/// Height of the lower zone, down to the last line.
pub const HEIGHT: f32 = FIRST_LINE + TICKER_PITCH * (TICKER_LINES as f32 - 0.4);
const METER_LEDS: usize = 20;
/// Distance from the meters to the room of the values.
const METER_GAP: f32 = 18.0;
/// Number of scores shown besides the total.
const MOST_SCORES: usize = 4;
/// Characters of a score from 0 to 9.99.
const VALUE_CHARS: usize = 4;
/// Room for such a score, in design pixels.
const VALUE_WIDTH: f32 = 86.0;
/// Distance between a score's meter and a wider number, in design pixels.
const VALUE_GAP: f32 = 16.0;
/// Distance from the rack to the scores' first baseline.
const SCORES_BELOW_RACK: f32 = 92.0;
const LEAST_METER_WIDTH: f32 = 108.0;
/// Widest column at the right, for scores and for the spread of a step's times.
const SCORES_WIDTH: f32 = 564.0;
const SPREAD_WIDTH: f32 = 434.0;

/// Columns of the zone, from left to right.
pub struct Columns {
    /// Ends of the events.
    ticker: (f32, f32),
    /// Ends of the story; `None` where it has no room.
    story: Option<(f32, f32)>,
    /// Left end and foot of what stands at the right, beside the FIX loop; `None` where it has no room.
    aside: Option<(f32, f32)>,
}

impl Columns {
    pub fn of(layout: &StageLayout, fix: &FixView) -> Self {
        let (width, right) = (layout.canvas_size.width, layout.canvas_size.right());
        let ends = layout.loop_ends(fix);
        let left = CanvasSize::MARGIN;
        if layout.is_tall() {
            // The zone begins below the loop, and without one directly below the rack.
            let ticker_right = width * 0.57;
            let foot = layout.rack.fix_loop.as_ref().map(|at| at.module.bottom());
            let aside = ends.zip(foot).map(|((_, right), foot)| (right, foot));
            let story = Some((ticker_right + STORY_AFTER_TICKER, right));
            return Self { ticker: (left, ticker_right), story, aside };
        }
        let ticker_right = bounded(width * 0.36, 520.0, TICKER_RIGHT);
        let foot = layout.foot();
        let Some((loop_left, loop_right)) = ends else {
            let aside = right - SCORES_WIDTH;
            let story = Self::story(ticker_right, aside - LOOP_GAP);
            return Self { ticker: (left, ticker_right), story, aside: Some((aside, foot)) };
        };
        if loop_left < left + LEAST_TICKER_WIDTH {
            // The loop hangs at the left, where the events stand otherwise.
            let ticker_right = (loop_right + ticker_right - left).min(right);
            let aside = Some((ticker_right + LOOP_GAP, foot));
            return Self { ticker: (loop_right, ticker_right), story: None, aside };
        }
        let story = Self::story(ticker_right, loop_left);
        let ticker_right = match story {
            Some(_) => ticker_right,
            None => loop_left.min(TICKER_FAR_RIGHT),
        };
        Self { ticker: (left, ticker_right), story, aside: Some((loop_right, foot)) }
    }

    /// Returns the ends of a story between the events and `end`.
    fn story(ticker_right: f32, end: f32) -> Option<(f32, f32)> {
        let left = ticker_right + STORY_AFTER_TICKER;
        let right = end.min(left + STORY_WIDTH);
        (right - left >= LEAST_STORY_WIDTH).then_some((left, right))
    }
}

/// Draws the run's last events, newest first, older ones fainter.
pub fn draw_ticker(part: &mut Part, run: &Run, columns: &Columns, layout: &StageLayout) {
    let palette = part.palette;
    let unit = layout.unit;
    let (top, pitch) = (layout.lower_top + FIRST_LINE * unit, TICKER_PITCH * unit);
    let lines = ((layout.foot() - above_bridge(layout) - top) / pitch).max(0.0) as usize + 1;
    let lines = bounded(lines, 1, MOST_TICKER_LINES);
    let zone = local_zone();
    let mut before_fix = false;
    let (left, right) = columns.ticker;
    let at = |x: f32| left + x * unit;
    for (line, event) in run.recent_events().take(lines).enumerate() {
        // No event says that VALIDATE refused; a FIX that starts after it does.
        let refused = event.kind == FactKind::End && event.node == Some("VALIDATE") && before_fix;
        if event.node.is_some() {
            before_fix = event.kind == FactKind::Start && event.node == Some("FIX");
        }
        let y = top + line as f32 * pitch;
        // Full opacity for the newest four, then fading.
        let fading = (lines as f32 - 4.0).max(1.0);
        let opacity = 1.0 - (1.0 - palette.faded) * bounded((line as f32 - 3.0) / fading, 0.0, 1.0);
        let text_size = size::TICKER * unit;
        let text = |key: &'static str, words: String, x: f32, face: Face| {
            Text::new((key, line), words, x, y, face, text_size).opacity(opacity)
        };
        let time = event.at.map_or_else(|| "–".to_owned(), |at| time_words(at, &zone));
        part.text(
            Layer::Face,
            text("ticker time", time, at(0.0), Face::Text500).colour(palette.text_secondary),
        );
        let node = event.node.unwrap_or("run");
        let node = truncate(Face::Text600, text_size, node, 140.0 * unit).into_owned();
        part.text(
            Layer::Face,
            text("ticker node", node, at(122.0), Face::Text600).colour(palette.text),
        );
        let failed = refused || event.kind == FactKind::Fail;
        let kind = if failed { FactKind::Fail } else { event.kind };
        mark(part, kind, Vec2::new(at(282.0), y - 8.0 * unit), unit, opacity);
        let words = if refused { "refused".to_owned() } else { event_words(&event) };
        let left = at(306.0);
        let words = truncate(Face::Text500, text_size, &words, right - left).into_owned();
        let ink = if failed { palette.failed_text } else { palette.text };
        part.text(Layer::Face, text("ticker words", words, left, Face::Text500).colour(ink));
    }
}

fn mark(part: &mut Part, kind: FactKind, at: Vec2, k: f32, opacity: f32) {
    let palette = part.palette;
    let shape = match kind {
        FactKind::Start | FactKind::Progress => {
            Shape::levels(at, Vec2::new(8.0, 8.0) * k).fill(palette.running)
        }
        FactKind::End => Shape::check(at, 15.0 * k).fill(palette.success),
        FactKind::Fail => Shape::cross(at, 5.5 * k, 3.6 * k).fill(palette.failed).keep_colour(),
        FactKind::Cancelled => Shape::rounded_box(Rect::centred(at, 12.0 * k, 12.0 * k))
            .radius(2.0)
            .fill(palette.cancelled),
        FactKind::Created | FactKind::Info => {
            Shape::disc(at, 3.5 * k).fill(palette.text_decorative)
        }
    };
    part.shape(Layer::Face, shape.opacity(opacity));
}

fn event_words(event: &RunEvent) -> String {
    let detail = event.detail;
    match event.kind {
        FactKind::Created => "created".to_owned(),
        FactKind::Cancelled => "cancel requested".to_owned(),
        FactKind::Start => "started".to_owned(),
        FactKind::Progress => {
            let percent = detail.and_then(|d| d.progress_percent);
            match (message_of(event), percent.map(|percent| format!("{percent:.0} %"))) {
                (Some(message), Some(percent)) => format!("{message}, {percent}"),
                (Some(words), None) | (None, Some(words)) => words,
                (None, None) => "progress".to_owned(),
            }
        }
        FactKind::End => {
            let ended = if event.node.is_some() { "done" } else { "finished" };
            match event.duration_ms {
                Some(millis) => format!("{ended}, {}", duration_words(millis)),
                None => ended.to_owned(),
            }
        }
        FactKind::Fail => "failed".to_owned(),
        FactKind::Info => message_of(event).unwrap_or_else(|| "info".to_owned()),
    }
}

fn message_of(event: &RunEvent) -> Option<String> {
    Some(event.detail?.message.as_deref()?.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Draws the run's story between the events and the FIX loop: what the rack does not show, and quietly
/// what came before.
pub fn draw_story(part: &mut Part, story: &[String], columns: &Columns, layout: &StageLayout) {
    let palette = part.palette;
    let (unit, Some((left, right))) = (layout.unit, columns.story) else { return };
    let [told @ .., past] = story else { return };
    let top = layout.lower_top + FIRST_LINE * unit;
    let (pitch, text_size) = (36.0 * unit, size::META * unit);
    let lines = ((layout.foot() - above_bridge(layout) - top) / pitch).max(0.0) as usize + 1;
    let bold = wrap(Face::Text600, text_size, &told.join(" "), right - left, lines);
    // A paragraph that would be cut off is left out.
    let room = lines.saturating_sub(bold.len() + 1);
    let quiet = wrap(Face::Text500, text_size, past, right - left, room + 1);
    let quiet = if quiet.len() <= room { quiet } else { Vec::new() };
    let mut y = top + 2.0;
    let strong = bold.into_iter().map(|words| (words, Face::Text600, palette.text));
    let quiet = quiet.into_iter().map(|words| (words, Face::Text500, palette.text_secondary));
    let mut face_before = Face::Text600;
    for (line, (words, face, ink)) in strong.chain(quiet).enumerate() {
        if face != face_before && line > 0 {
            y += 14.0 * unit;
        }
        face_before = face;
        part.text(
            Layer::Face,
            Text::new(("story", line), words, left, y, face, text_size).colour(ink),
        );
        y += pitch;
    }
    let divider = Rect::new(
        left - DIVIDER,
        layout.lower_top + 20.0 * unit,
        1.5,
        layout.foot() - layout.lower_top - 40.0 * unit,
    );
    if divider.h > 0.0 {
        part.shape(Layer::Rack, Shape::rounded_box(divider).fill(palette.hair));
    }
}

/// Draws how long a step took in earlier runs, in the place of the scores.
pub fn draw_spread(part: &mut Part, spread: &Spread, columns: &Columns, layout: &StageLayout) {
    let Some((aside, foot)) = columns.aside else { return };
    let (right, unit) = (layout.canvas_size.right(), layout.unit);
    let widest = right - SPREAD_WIDTH * unit;
    let left = if layout.is_tall() { aside } else { aside.max(widest) };
    let top = layout.rack.bottom() + (SCORES_BELOW_RACK - 10.0) * unit;
    let foot = if layout.is_tall() { foot } else { foot - 30.0 };
    let height = (foot - top).min(MOST_SPREAD_HEIGHT * unit);
    spread::draw(part, spread, Rect::new(left, top, right - left, height), unit);
}

/// Draws the last scores as LED meters.
pub fn draw_scores(part: &mut Part, scores: &ScoresView, columns: &Columns, layout: &StageLayout) {
    let palette = part.palette;
    let unit = layout.unit;
    let right = layout.canvas_size.right();
    let Some((aside, bottom)) = columns.aside else { return };
    let left = (right - SCORES_WIDTH * unit).max(aside);
    let room = right - left;
    if room < 330.0 * unit {
        return;
    }
    let shown = &scores.parts[..scores.parts.len().min(MOST_SCORES)];
    let sizes = [24.0, 26.0, 32.0, 38.0].map(|points: f32| points * unit);
    let [name_size, value_size, label_size, total_size] = sizes;
    let values = shown.iter().map(|(_, value)| (*value, value_size));
    let values = values.chain(scores.total.map(|total| (total, total_size)));
    let value_width = values
        .map(|(value, size)| (number_words(value), size))
        .filter(|(words, _)| words.chars().count() > VALUE_CHARS)
        .map(|(words, size)| measure(Face::Text600, size, 0.0, &words) + VALUE_GAP)
        .fold(VALUE_WIDTH * unit, f32::max);
    let total_label = measure(Face::Text600, label_size, 0.0, "Score");
    let longest = shown
        .iter()
        .map(|(name, _)| measure(Face::Text500, name_size, 0.0, name))
        .fold(total_label, f32::max);
    // Names take precedence over the meters where both do not fit.
    let with_meters = room - value_width - longest - 22.0 >= LEAST_METER_WIDTH;
    let label_width = if with_meters { longest } else { room - value_width };
    let meter_left = left + if with_meters { longest } else { total_label } + 22.0;
    let meter = (meter_left, right - value_width - METER_GAP);
    // Beside the FIX loop, even where the rest of the zone is below it.
    let mut y = layout.rack.bottom() + SCORES_BELOW_RACK * unit;

    if let Some(total) = scores.total {
        let ink = match scores.passed {
            Some(false) => palette.failed,
            Some(true) => palette.success,
            None => palette.led_neutral,
        };
        part.text(
            Layer::Face,
            Text::new("score", "Score", left, y, Face::Text600, label_size).colour(palette.text),
        );
        leds(part, meter, y - 25.0 * unit, 28.0 * unit, total, ink);
        part.text(
            Layer::Face,
            Text::new("total", number_words(total), right, y, Face::Text600, total_size)
                .end()
                .colour(palette.text),
        );
        y += 48.0 * unit;
    }
    for (row, (name, value)) in shown.iter().enumerate() {
        let name = truncate(Face::Text500, name_size, name, label_width).into_owned();
        part.text(
            Layer::Face,
            Text::new(("part", row), name, left, y, Face::Text500, name_size)
                .colour(palette.text_secondary),
        );
        if with_meters {
            leds(part, meter, y - 17.0 * unit, 18.0 * unit, *value, palette.led_neutral);
        }
        part.text(
            Layer::Face,
            Text::new(
                ("part value", row),
                number_words(*value),
                right,
                y,
                Face::Text600,
                value_size,
            )
            .end()
            .colour(palette.text),
        );
        y += 36.0 * unit;
    }
    let more = scores.parts.len() - shown.len();
    let bottom = if layout.is_tall() { layout.lower_top } else { bottom };
    if more > 0 && y + 12.0 < bottom {
        let words = format!("{more} more in the panel");
        part.text(
            Layer::Face,
            Text::new("more scores", words, left, y, Face::Text500, name_size)
                .colour(palette.text_tertiary),
        );
    }
}

/// Draws a meter of LEDs between two ends; they are lit up to a value from 0 to 1.
pub(super) fn leds(
    part: &mut Part,
    (left, right): (f32, f32),
    y: f32,
    height: f32,
    value: f64,
    lit: bevy::color::Color,
) {
    let pitch = (right - left) / METER_LEDS as f32;
    for led in 0..METER_LEDS {
        let on = value >= (led as f64 + 0.5) / METER_LEDS as f64;
        let rect = Rect::new(left + led as f32 * pitch, y, pitch * 0.7, height);
        let ink = if on { lit } else { part.palette.led_off.with_alpha(1.0) };
        part.shape(Layer::Face, Shape::rounded_box(rect).radius(2.0).fill(ink).unsnapped());
    }
}

/// Distance from the last line's baseline to the bridge; larger type reaches deeper.
fn above_bridge(layout: &StageLayout) -> f32 {
    ABOVE_BRIDGE * layout.unit.max(1.0)
}
