//! Lower zone of the stage: the run's last events, its story, the scores.

use bevy::color::Alpha;
use bevy::math::Vec2;

use super::stage_layout::StageLayout;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate, wrap};
use crate::app::state::clock::local_zone;
use crate::app::state::run_view::ScoresView;
use crate::app::theme::size;
use crate::app::words::{duration_words, number_words, time_words};
use crate::bounded::bounded;
use crate::model::{FactKind, Run, RunEvent};

const TICKER_PITCH: f32 = 30.0;
const TICKER_LINES: usize = 7;
const TICKER_RIGHT: f32 = 600.0;
const TICKER_FAR_RIGHT: f32 = 960.0;
const STORY_WIDTH: f32 = 380.0;
/// Distance from the zone's upper edge to the first baseline.
const FIRST_LINE: f32 = 46.0;
/// Height of the lower zone, down to the last line.
pub const HEIGHT: f32 = FIRST_LINE + TICKER_PITCH * TICKER_LINES as f32;
const METER_LEDS: usize = 20;
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

/// Draws the run's last events, newest first, older ones fainter.
///
/// `alone` is true when no story is drawn beside the events, which then use the room up to the FIX
/// loop.
pub fn draw_ticker(part: &mut Part, run: &Run, alone: bool, layout: &StageLayout) {
    let palette = part.palette;
    let right = match layout.loop_in_the_way() {
        _ if !alone => TICKER_RIGHT,
        Some((left, _)) => bounded(left, TICKER_RIGHT, TICKER_FAR_RIGHT),
        None if layout.rack.fix_loop.is_some() => TICKER_FAR_RIGHT,
        None => TICKER_RIGHT,
    };
    let top = layout.lower_top + FIRST_LINE;
    let zone = local_zone();
    let mut before_fix = false;
    for (line, event) in run.recent_events().take(TICKER_LINES).enumerate() {
        // No event says that VALIDATE refused; a FIX that starts after it does.
        let refused = event.kind == FactKind::End && event.node == Some("VALIDATE") && before_fix;
        if event.node.is_some() {
            before_fix = event.kind == FactKind::Start && event.node == Some("FIX");
        }
        let y = top + line as f32 * TICKER_PITCH;
        // Full opacity for the newest four, then fading.
        let opacity = 1.0 - (1.0 - palette.faded) / 3.0 * bounded(line as f32 - 3.0, 0.0, 3.0);
        let text = |key: &'static str, words: String, x: f32, face: Face| {
            Text::new((key, line), words, x, y, face, size::TICKER).opacity(opacity)
        };
        let time = event.at.map_or_else(|| "–".to_owned(), |at| time_words(at, &zone));
        part.text(
            Layer::Face,
            text("ticker time", time, 58.0, Face::Text500).colour(palette.text_tertiary),
        );
        let node = event.node.unwrap_or("run");
        let node = truncate(Face::Text600, size::TICKER, node, 150.0).into_owned();
        part.text(
            Layer::Face,
            text("ticker node", node, 182.0, Face::Text600).colour(palette.text),
        );
        let failed = refused || event.kind == FactKind::Fail;
        let kind = if failed { FactKind::Fail } else { event.kind };
        mark(part, kind, Vec2::new(350.0, y - 8.0), opacity);
        let words = if refused { "refused".to_owned() } else { event_words(&event) };
        let words = truncate(Face::Text500, size::TICKER, &words, right - 372.0).into_owned();
        let ink = if failed { palette.failed_text } else { palette.text_secondary };
        part.text(Layer::Face, text("ticker words", words, 372.0, Face::Text500).colour(ink));
    }
}

fn mark(part: &mut Part, kind: FactKind, at: Vec2, opacity: f32) {
    let palette = part.palette;
    let shape = match kind {
        FactKind::Start | FactKind::Progress => {
            Shape::levels(at, Vec2::new(7.0, 7.0)).fill(palette.running)
        }
        FactKind::End => Shape::check(at, 13.0).fill(palette.success),
        FactKind::Fail => Shape::cross(at, 5.5, 3.6).fill(palette.failed).keep_colour(),
        FactKind::Cancelled => Shape::rounded_box(Rect::new(at.x - 6.0, at.y - 6.0, 12.0, 12.0))
            .radius(2.0)
            .fill(palette.cancelled),
        FactKind::Created | FactKind::Info => Shape::disc(at, 3.5).fill(palette.text_decorative),
    };
    part.shape(Layer::Face, shape.opacity(opacity));
}

fn event_words(event: &RunEvent) -> String {
    let detail = event.detail;
    match event.kind {
        FactKind::Created => "created".to_owned(),
        FactKind::Cancelled => "cancel requested".to_owned(),
        FactKind::Start => "started".to_owned(),
        FactKind::Progress => match detail.and_then(|d| d.progress_percent) {
            Some(percent) => format!("{percent:.0} %"),
            None => message_of(event).unwrap_or_else(|| "progress".to_owned()),
        },
        FactKind::End => match event.duration_ms {
            Some(millis) => format!("done, {}", duration_words(millis)),
            None => "done".to_owned(),
        },
        FactKind::Fail => "failed".to_owned(),
        FactKind::Info => message_of(event).unwrap_or_else(|| "info".to_owned()),
    }
}

fn message_of(event: &RunEvent) -> Option<String> {
    Some(event.detail?.message.as_deref()?.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Draws the run's story between the events and the FIX loop.
pub fn draw_story(part: &mut Part, story: &[String], layout: &StageLayout) {
    let left = TICKER_RIGHT + 30.0;
    let right = layout.loop_in_the_way().map_or(left + STORY_WIDTH, |(left, _)| left);
    let width = (right - left).min(STORY_WIDTH);
    if width < 180.0 {
        return;
    }
    let text = story.join(" ");
    let lines = wrap(Face::Text500, size::META, &text, width, 6);
    for (line, words) in lines.into_iter().enumerate() {
        let y = layout.lower_top + FIRST_LINE + line as f32 * 36.0;
        part.text(
            Layer::Face,
            Text::new(("story", line), words, left, y, Face::Text500, size::META)
                .colour(part.palette.text),
        );
    }
}

/// Draws the last scores as LED meters.
pub fn draw_scores(part: &mut Part, scores: &ScoresView, layout: &StageLayout) {
    let palette = part.palette;
    let right = layout.canvas_size.right();
    let loop_right = layout.rack.fix_loop.map_or(0.0, |at| at.centre_x + at.radii[2] + 36.0);
    let left = (right - 564.0).max(loop_right);
    let room = right - left;
    if room < 330.0 {
        return;
    }
    let shown = &scores.parts[..scores.parts.len().min(MOST_SCORES)];
    let values = shown.iter().map(|(_, value)| (*value, 26.0));
    let values = values.chain(scores.total.map(|total| (total, 38.0)));
    let value_width = values
        .map(|(value, size)| (number_words(value), size))
        .filter(|(words, _)| words.chars().count() > VALUE_CHARS)
        .map(|(words, size)| measure(Face::Text600, size, 0.0, &words) + VALUE_GAP)
        .fold(VALUE_WIDTH, f32::max);
    let total_label = measure(Face::Text600, 32.0, 0.0, "Score");
    let longest = shown
        .iter()
        .map(|(name, _)| measure(Face::Text500, 24.0, 0.0, name))
        .fold(total_label, f32::max);
    // Names take precedence over the meters where both do not fit.
    let with_meters = room - value_width - longest - 22.0 >= LEAST_METER_WIDTH;
    let label_width = if with_meters { longest } else { room - value_width };
    let meter_left = left + if with_meters { longest } else { total_label } + 22.0;
    let meter = (meter_left, right - value_width);
    // Beside the FIX loop, even where the rest of the zone is below it.
    let mut y = layout.rack.bottom() + SCORES_BELOW_RACK;

    if let Some(total) = scores.total {
        let ink = match scores.passed {
            Some(false) => palette.failed,
            Some(true) => palette.success,
            None => palette.led_neutral,
        };
        part.text(
            Layer::Face,
            Text::new("score", "Score", left, y, Face::Text600, 32.0).colour(palette.text),
        );
        leds(part, meter, y - 25.0, 28.0, total, ink);
        part.text(
            Layer::Face,
            Text::new("total", number_words(total), right, y, Face::Text600, 38.0)
                .end()
                .colour(palette.text),
        );
        y += 48.0;
    }
    for (row, (name, value)) in shown.iter().enumerate() {
        let name = truncate(Face::Text500, 24.0, name, label_width).into_owned();
        part.text(
            Layer::Face,
            Text::new(("part", row), name, left, y, Face::Text500, 24.0)
                .colour(palette.text_secondary),
        );
        if with_meters {
            leds(part, meter, y - 17.0, 18.0, *value, palette.led_neutral);
        }
        part.text(
            Layer::Face,
            Text::new(("part value", row), number_words(*value), right, y, Face::Text600, 26.0)
                .end()
                .colour(palette.text),
        );
        y += 36.0;
    }
    let more = scores.parts.len() - shown.len();
    let bottom = layout.canvas_size.bridge_top();
    if more > 0 && y + 12.0 < bottom {
        let words = format!("{more} more in the panel");
        part.text(
            Layer::Face,
            Text::new("more scores", words, left, y, Face::Text500, 24.0)
                .colour(palette.text_tertiary),
        );
    }
}

fn leds(
    part: &mut Part,
    (left, right): (f32, f32),
    y: f32,
    height: f32,
    value: f64,
    lit: bevy::color::Color,
) {
    let pitch = (right - left - 18.0) / METER_LEDS as f32;
    for led in 0..METER_LEDS {
        let on = value >= (led as f64 + 0.5) / METER_LEDS as f64;
        let rect = Rect::new(left + led as f32 * pitch, y, pitch * 0.7, height);
        let ink = if on { lit } else { part.palette.led_off.with_alpha(1.0) };
        part.shape(Layer::Face, Shape::rounded_box(rect).radius(2.0).fill(ink).unsnapped());
    }
}
