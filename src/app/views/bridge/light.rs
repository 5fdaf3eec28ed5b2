//! The connection light: the state of the connection and the age of the data.

use bevy::color::Alpha;
use bevy::math::Vec2;
use jiff::Timestamp;

use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::state::clock::{local_zone, millis_between};
use crate::app::state::free_space::LIGHT_WIDTH;
use crate::app::state::link::Link;
use crate::app::theme::{motion, size};
use crate::app::words::{ago_words, time_words, whole_seconds};
use crate::model::Model;
use crate::source::{ConnectionState, PollingReason, Updates};

/// Time after the last reception in which the light breathes, in milliseconds. After it the wall may
/// stop redrawing.
const FRESH_MS: u64 = 10_000;
/// Distance of the sign's centre from the left edge of the light's area, in design pixels.
pub(super) const LIGHT_INSET: f32 = 40.0;
/// Distance between the word and the text beside it, in design pixels.
const WORD_GAP: f32 = 16.0;

/// Connection light with its words.
#[derive(Clone, Debug, PartialEq)]
pub struct LightView {
    pub state: Light,
    /// State in a word: "LIVE", "RETRY 2/5".
    pub word: String,
    /// Text beside the word: "0 s ago", "in 3 s".
    pub beside: String,
    /// Text below the word: "as of 21:14:07".
    pub below: String,
    /// True for 10 s after the last reception; the light then breathes.
    pub fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    Live,
    /// Polls the backend every few seconds, by choice.
    Polling,
    /// Polls because live updates were asked for and are unavailable.
    PollingInstead,
    /// The hub lost its backend, or the backend does not answer.
    Cut,
    /// A recording is playing.
    Recording,
    /// The recording has reached its end.
    Ended,
    Connecting,
    Retrying,
    Off,
}

impl Light {
    /// True when the data on screen is no longer updated.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Cut | Self::Retrying | Self::Off)
    }

    /// True when states are polled, by choice or because live updates are unavailable.
    pub fn is_polling(self) -> bool {
        matches!(self, Self::Polling | Self::PollingInstead)
    }
}

pub(super) fn light_view(model: &Model, link: &Link, now: Timestamp) -> LightView {
    let zone = local_zone();
    let heard = model.last_received_at();
    let ago = heard.map_or_else(String::new, |at| {
        // Minutes are enough for an age that stands beside the time.
        let millis = millis_between(at, now);
        let whole = if millis < 60_000 { millis } else { millis / 60_000 * 60_000 };
        ago_words(whole)
    });
    let as_of = heard
        .map_or_else(|| "no data yet".to_owned(), |at| format!("as of {}", time_words(at, &zone)));
    let view = |state, word: &str, beside: String, below: String| LightView {
        state,
        word: word.to_owned(),
        beside,
        below,
        fresh: heard.is_some_and(|at| millis_between(at, now) < FRESH_MS),
    };
    if link.is_recording() {
        let (light, beside) = match link.state {
            ConnectionState::Connected { .. } => (Light::Recording, "not live"),
            _ => (Light::Ended, "ended"),
        };
        let at = heard.unwrap_or(now).to_zoned(zone).strftime("%-d %b %H:%M:%S");
        return view(light, "REPLAY", beside.to_owned(), format!("of {at}"));
    }
    match &link.state {
        ConnectionState::Connected { updates: Updates::Polling(polling), .. } => {
            let light = match polling.reason {
                PollingReason::Safety => Light::Polling,
                PollingReason::NoSockets => Light::PollingInstead,
            };
            let pace = polling.pace_words();
            view(light, "POLLING", if pace.is_empty() { ago } else { pace }, as_of)
        }
        ConnectionState::Connected { updates: Updates::Unanswered { since }, .. } => {
            let silent = format!("for {}", whole_seconds(millis_between(*since, now)));
            let as_of = format!("as of {}", time_words(*since, &zone));
            view(Light::Cut, "NO ANSWER", silent, as_of)
        }
        ConnectionState::Connected { updates: Updates::Cut { since, .. }, .. } => {
            // The hub still sends frames, but its data is as old as the loss of its backend.
            let as_of = format!("as of {}", time_words(*since, &zone));
            view(Light::Cut, "NO BACKEND", String::new(), as_of)
        }
        ConnectionState::Connected { updates: Updates::Live, .. } => {
            view(Light::Live, "LIVE", ago, as_of)
        }
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

pub(super) fn draw_light(part: &mut Part, light: &LightView, x: f32, top: f32) {
    let palette = part.palette;
    let layer = Layer::Bridge;
    let centre = Vec2::new(x, top + 66.0);
    let ink = match light.state {
        Light::Live | Light::Polling => palette.success,
        Light::Recording | Light::Ended => palette.violet_text,
        Light::Connecting => palette.text_tertiary,
        Light::PollingInstead | Light::Cut | Light::Retrying | Light::Off => palette.cancelled,
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
        Light::Polling | Light::PollingInstead => {
            part.shape(layer, Shape::ring(centre, 22.0, 5.0).fill(ink));
            part.shape(layer, Shape::disc(centre, 9.0).fill(ink));
        }
        Light::Cut => {
            // A disc for the hub, a gap, and a dashed ring for the missing backend.
            let at = |dx: f32| centre + Vec2::new(dx, 0.0);
            part.shape(layer, Shape::disc(at(-18.0), 11.0).fill(ink));
            part.shape(layer, Shape::capsule(at(-6.0), at(-1.0), 5.0).fill(ink));
            part.shape(layer, Shape::ring(at(19.0), 11.0, 4.0).fill(ink).dash(6.0, 5.0));
        }
        Light::Ended => {
            let stop = Rect::centred(centre, 26.0, 26.0);
            part.shape(layer, Shape::rounded_box(stop).radius(3.0).fill(ink));
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
    // Both texts shrink together where they would reach beyond the margin.
    let room = LIGHT_WIDTH - (text_x - x) - LIGHT_INSET;
    let wanted = measure(Face::Display700, word_size, 0.02, &light.word)
        + WORD_GAP
        + measure(Face::Text500, size::META, 0.0, &light.beside);
    let scale = (room / wanted).min(1.0);
    let (word_size, beside_size) = (word_size * scale, size::META * scale);
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
            text_x + word_width + WORD_GAP * scale,
            top + 82.0,
            Face::Text500,
            beside_size,
        )
        .colour(palette.text_secondary),
    );
    part.text(
        layer,
        Text::new("as of", light.below.clone(), text_x, top + 142.0, Face::Text500, size::AS_OF)
            .colour(palette.text_secondary),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::protocol::Batch;
    use crate::source::{Polling, SourceSpec};

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(second)
    }

    /// Light at 60 s, on a connection made at 0 s whose last frame came at 10 s.
    fn light(updates: Updates) -> LightView {
        let source = SourceSpec::WebSocket("ws://studio/events".into());
        let mut link = Link::new(&Settings::default(), Some(source));
        link.state = ConnectionState::Connected { url: String::new(), since: at(0), updates };
        let mut model = Model::default();
        let mut batch = Batch::new(at(10), true);
        batch.push_text("{}");
        model.receive(batch, |_, _| ());
        light_view(&model, &link, at(60))
    }

    #[test]
    fn light_is_live_only_while_the_backend_answers() {
        let live = light(Updates::Live);
        assert_eq!((live.word.as_str(), live.beside.as_str()), ("LIVE", "50 s ago"));
        assert!(!live.state.is_lost());
        let polling = Polling { every_secs: 2, reason: PollingReason::Safety };
        let polled = light(Updates::Polling(polling));
        assert_eq!((polled.word.as_str(), polled.beside.as_str()), ("POLLING", "every 2 s"));
        assert!(!polled.state.is_lost());
        let silent = light(Updates::Unanswered { since: at(48) });
        assert_eq!((silent.word.as_str(), silent.beside.as_str()), ("NO ANSWER", "for 12 s"));
        assert!(silent.state.is_lost());
        // The hub still answers; its backend does not.
        let cut = light(Updates::Cut { since: at(5), reason: "refused".to_owned() });
        assert_eq!((cut.state, cut.word.as_str()), (Light::Cut, "NO BACKEND"));
        assert_eq!(cut.below, format!("as of {}", time_words(at(5), &local_zone())));
        assert!(cut.state.is_lost());
    }
}
