//! The connection light: the state of the connection, the age of the data, and the last arrivals.

use jiff::Timestamp;

use crate::app::state::clock::{local_zone, millis_between};
use crate::app::state::link::{Link, Present};
use crate::app::state::rewind::PastView;
use crate::app::state::run_store::RunStore;
use crate::app::words::{ago_words, clock_words, count_words, time_words, whole_seconds};
use crate::model::Model;
use crate::source::{ConnectionState, PollingReason, Updates};

/// Time after the last reception in which the light breathes, in milliseconds. After it the light is
/// smaller, and the age of the news stands in words: that the source is well is no longer known.
const FRESH_MS: u64 = 5_000;
/// Time without anything received after which a source that answers has no news, in milliseconds.
const SILENT_MS: u64 = 30_000;
/// Age from which on a time of day needs its date, in milliseconds.
const DAY_MS: u64 = 86_400_000;
/// Number of ticks, one for each of the last seconds.
pub(super) const TICKS: usize = 32;

/// Connection light with its words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LightView {
    pub state: Light,
    /// True when the source is the demo studio inside this program.
    pub is_demo: bool,
    /// State in a word: "LIVE", "RETRY 2 of 5".
    pub word: String,
    /// Text beside the word: "0 s ago".
    pub beside: String,
    /// Name of the source.
    pub source: String,
    /// Text below the name, from long to short: "news as of 21:14:07".
    pub below: Vec<String>,
    /// Frames and answers of each of the last seconds, oldest first.
    pub ticks: Vec<u32>,
    /// True for 5 s after the last reception; the light then breathes.
    pub fresh: bool,
    /// Name of the newest moment.
    pub present: Present,
    /// True while the past is shown and the connection is lost.
    pub live_is_lost: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Light {
    Live,
    /// Connected, but nothing arrived for 30 s.
    NoNews,
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
    /// The past is shown, and plays on.
    Rewound,
    /// The past is shown, and stands still.
    Paused,
    #[default]
    Off,
}

impl Light {
    /// True when the data on screen is no longer updated.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Cut | Self::Retrying | Self::Off)
    }

    /// True when the past is shown.
    pub fn is_past(self) -> bool {
        matches!(self, Self::Rewound | Self::Paused)
    }
}

/// True when the source's states are polled, by choice or because live updates are unavailable.
pub fn is_polled(link: &Link) -> bool {
    let updates = match &link.state {
        ConnectionState::Connected { updates, .. } => Some(updates),
        _ => None,
    };
    !link.is_recording() && matches!(updates, Some(Updates::Polling(_)))
}

pub(super) fn light_view(model: &Model, link: &Link, now: Timestamp) -> LightView {
    let heard = model.last_received_at();
    let age_ms = heard.map(|at| millis_between(at, now));
    let (state, word, beside, below) = if link.is_recording() {
        of_recording(link, heard, now)
    } else {
        of_connection(link, heard, now)
    };
    LightView {
        state,
        is_demo: link.is_demo(),
        word,
        beside,
        source: link.source_name(),
        below,
        ticks: model.stats().arrivals_by_second(now, TICKS),
        fresh: age_ms.is_some_and(|age| age < FRESH_MS),
        present: link.present(),
        live_is_lost: false,
    }
}

/// Light while the past is shown: what is newer in live time.
pub(super) fn past_light_view(
    run_store: &RunStore,
    shown: &PastView,
    link: &Link,
    live_now: Timestamp,
) -> LightView {
    let live = light_view(run_store.live(), link, live_now);
    let (state, word) = match shown.is_playing {
        true => (Light::Rewound, "REWOUND"),
        false => (Light::Paused, "PAUSED"),
    };
    let live_is_lost = live.state.is_lost();
    let source = if live_is_lost {
        live.word.to_lowercase()
    } else {
        let newer = run_store.newer_events();
        let events = if newer == 1 { "event" } else { "events" };
        format!("{} newer {events}", count_words(newer))
    };
    let below = match run_store.live().last_received_at() {
        Some(at) => {
            let time = as_of(at, live_now).pop().unwrap_or_default();
            vec![format!("last data {time}"), format!("last {time}"), time]
        }
        None => vec!["no data yet".to_owned()],
    };
    LightView {
        state,
        word: word.to_owned(),
        source,
        below,
        live_is_lost,
        ticks: Vec::new(),
        beside: String::new(),
        ..live
    }
}

/// State, word, text beside it, and text below the name from long to short.
type Said = (Light, String, String, Vec<String>);

fn of_recording(link: &Link, heard: Option<Timestamp>, now: Timestamp) -> Said {
    let is_playing = matches!(link.state, ConnectionState::Connected { .. });
    let (light, beside) = if is_playing { (Light::Recording, "") } else { (Light::Ended, "ended") };
    let at = heard.unwrap_or(now).to_zoned(local_zone());
    let below = vec![at.strftime("of %-d %b %H:%M:%S").to_string()];
    (light, "REPLAY".to_owned(), beside.to_owned(), below)
}

fn of_connection(link: &Link, heard: Option<Timestamp>, now: Timestamp) -> Said {
    let silent_ms = |since: Option<Timestamp>| {
        [heard, since].into_iter().flatten().max().map(|at| millis_between(at, now))
    };
    let news = || heard.map_or_else(|| vec!["no data yet".to_owned()], |at| as_of(at, now));
    let gone = || heard.map_or_else(|| vec!["no data yet".to_owned()], |at| last_data(at, now));
    let silent = |since| silent_ms(since).map(|ms| format!("silent for {}", steady(ms)));
    match &link.state {
        ConnectionState::Connected { updates, since, .. } => match updates {
            Updates::Polling(polling) => {
                let light = match polling.reason {
                    PollingReason::Safety => Light::Polling,
                    PollingReason::NoSockets => Light::PollingInstead,
                };
                let word = if link.is_demo() { "DEMO" } else { "POLLING" };
                (light, word.to_owned(), String::new(), joined(&polling.pace_words(), news()))
            }
            Updates::Unanswered { since } => {
                let silent = format!("for {}", whole_seconds(millis_between(*since, now)));
                let below = joined(&silent, as_of(*since, now));
                (Light::Cut, "NO ANSWER".to_owned(), String::new(), below)
            }
            // The hub still sends frames, but its data is as old as the loss of its backend.
            Updates::Cut { since, .. } => {
                (Light::Cut, "NO BACKEND".to_owned(), String::new(), as_of(*since, now))
            }
            Updates::Live if silent_ms(Some(*since)).is_some_and(|ms| ms >= SILENT_MS) => {
                let below = silent(Some(*since))
                    .map_or_else(Vec::new, |silent| vec![format!("connected, {silent}"), silent]);
                (Light::NoNews, "NO NEWS".to_owned(), String::new(), below)
            }
            Updates::Live => {
                let word = if link.is_demo() { "DEMO" } else { "LIVE" };
                let age_ms = heard.map(|at| millis_between(at, now));
                let (ago, below) = match (age_ms, heard) {
                    // An age that grows is said once, in words that cannot be read as well-being.
                    (Some(ms), Some(at)) if ms >= FRESH_MS => {
                        let stalled = format!("no events for {}", clock_words(ms));
                        let mut below = vec![format!("{stalled}, {}", as_of(at, now)[1])];
                        below.push(stalled);
                        (String::new(), below)
                    }
                    (Some(ms), _) => (format!("{} ago", steady(ms)), news()),
                    (None, _) => (String::new(), news()),
                };
                (Light::Live, word.to_owned(), ago, below)
            }
        },
        ConnectionState::Connecting { .. } => {
            (Light::Connecting, "connecting".to_owned(), String::new(), news())
        }
        ConnectionState::Reconnecting { attempt, max_attempts, next_attempt_at, .. } => {
            let word = match max_attempts {
                0 => format!("RETRY {attempt}"),
                most => format!("RETRY {attempt} of {most}"),
            };
            let next = match next_attempt_at {
                Some(at) => format!("next try in {} s", millis_between(now, *at).div_ceil(1000)),
                None => "trying now".to_owned(),
            };
            let below = match silent(None) {
                Some(silent) => vec![format!("{next}, {silent}"), next],
                None => vec![next],
            };
            (Light::Retrying, word, String::new(), below)
        }
        ConnectionState::Failed { .. } => (Light::Off, "OFFLINE".to_owned(), String::new(), gone()),
        ConnectionState::Disconnected => (Light::Off, "OFF".to_owned(), String::new(), gone()),
    }
}

/// Age of the last data in words, from long to short; from a day on its date and time.
fn last_data(at: Timestamp, now: Timestamp) -> Vec<String> {
    let age_ms = millis_between(at, now);
    let when = if age_ms < DAY_MS {
        ago_words(age_ms)
    } else {
        at.to_zoned(local_zone()).strftime("%-d %b %H:%M:%S").to_string()
    };
    vec![format!("last data {when}"), when]
}

/// Time of the news in words, from long to short; with the date when it is not of the last 24 hours.
fn as_of(at: Timestamp, now: Timestamp) -> Vec<String> {
    let zone = local_zone();
    let time = if millis_between(at, now) < DAY_MS {
        time_words(at, &zone)
    } else {
        at.to_zoned(zone).strftime("%-d %b %H:%M:%S").to_string()
    };
    vec![format!("news as of {time}"), format!("as of {time}"), time]
}

/// Puts a text before each of others.
fn joined(first: &str, others: Vec<String>) -> Vec<String> {
    if first.is_empty() {
        return others;
    }
    let mut joined: Vec<String> = others.iter().map(|other| format!("{first}, {other}")).collect();
    joined.push(first.to_owned());
    joined
}

/// Formats a time since something in whole seconds, from a minute on in whole minutes, which is enough
/// beside the time of day.
fn steady(millis: u64) -> String {
    whole_seconds(if millis < 60_000 { millis } else { millis / 60_000 * 60_000 })
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

    fn link(source: SourceSpec, state: ConnectionState) -> Link {
        let mut link = Link::new(&Settings::default(), Some(source));
        link.state = state;
        link
    }

    fn studio() -> SourceSpec {
        SourceSpec::WebSocket("wss://user:secret@studio-engine.local/events?token=secret".into())
    }

    fn connected(updates: Updates) -> ConnectionState {
        ConnectionState::Connected {
            url: "wss://studio-engine.local/events".into(),
            since: at(0),
            updates,
        }
    }

    /// Model whose last frame came at 10 s.
    fn model() -> Model {
        let mut model = Model::default();
        let mut batch = Batch::new(at(10), true);
        batch.push_text("{}");
        model.receive(batch, |_, _| ());
        model
    }

    /// State, word, and what is said beside and below, at `second`.
    fn said(link: &Link, second: i64) -> (Light, String, String) {
        let LightView { state, word, beside, below, .. } = light_view(&model(), link, at(second));
        (state, format!("{word} {beside}").trim_end().to_owned(), below[0].clone())
    }

    #[test]
    fn light_is_live_only_while_the_backend_answers() {
        let news = |second: i64| format!("news as of {}", time_words(at(second), &local_zone()));
        let check = |updates: Updates, light: Light, word: &str, below: &str| {
            let expected = (light, word.to_owned(), below.to_owned());
            assert_eq!(said(&link(studio(), connected(updates)), 35), expected);
        };
        let stalled = format!("no events for 0:25, {}", &news(10)["news ".len()..]);
        check(Updates::Live, Light::Live, "LIVE", &stalled);
        let polling = |reason| Updates::Polling(Polling { every_secs: 2, reason });
        let paced = format!("every 2 s, {}", news(10));
        check(polling(PollingReason::Safety), Light::Polling, "POLLING", &paced);
        check(polling(PollingReason::NoSockets), Light::PollingInstead, "POLLING", &paced);
        let silent = Updates::Unanswered { since: at(23) };
        check(silent, Light::Cut, "NO ANSWER", &format!("for 12 s, {}", news(23)));
        // The hub still answers; its backend does not.
        let cut = Updates::Cut { since: at(5), reason: "refused".to_owned() };
        check(cut, Light::Cut, "NO BACKEND", &news(5));
        for (light, is_lost) in [
            (Light::Live, false),
            (Light::NoNews, false),
            (Light::Polling, false),
            (Light::Cut, true),
        ] {
            assert_eq!(light.is_lost(), is_lost, "{light:?}");
        }
    }

    #[test]
    fn live_light_says_the_age_in_words_from_5_s_without_events() {
        let live = link(studio(), connected(Updates::Live));
        let at_second = |second| light_view(&model(), &live, at(second));
        let fresh = at_second(14);
        assert_eq!((fresh.word.as_str(), fresh.beside.as_str()), ("LIVE", "4 s ago"));
        assert!(fresh.fresh && fresh.below.iter().all(|text| !text.contains("no events")));
        for (second, stalled) in [(15, "no events for 0:05"), (39, "no events for 0:29")] {
            let view = at_second(second);
            assert_eq!((view.state, view.word.as_str()), (Light::Live, "LIVE"));
            assert!(!view.fresh && view.beside.is_empty(), "{view:?}");
            assert!(view.below.iter().all(|text| text.starts_with(stalled)), "{view:?}");
        }
        assert_eq!(at_second(40).state, Light::NoNews);
    }

    #[test]
    fn source_that_answers_and_sends_nothing_for_30_s_has_no_news() {
        let live = link(studio(), connected(Updates::Live));
        assert_eq!(said(&live, 39).0, Light::Live);
        let below = "connected, silent for 30 s".to_owned();
        assert_eq!(said(&live, 40), (Light::NoNews, "NO NEWS".to_owned(), below));
        assert_eq!(said(&live, 200).2, "connected, silent for 3:00");
        // The silence of a new connection begins with it.
        let since = at(190);
        let anew = ConnectionState::Connected { url: String::new(), since, updates: Updates::Live };
        assert_eq!(said(&link(studio(), anew), 200).0, Light::Live);
    }

    #[test]
    fn retry_says_which_attempt_when_and_how_long_it_has_been_silent() {
        let retry = |max_attempts, next_attempt_at| {
            let state = ConnectionState::Reconnecting {
                url: String::new(),
                attempt: 2,
                max_attempts,
                next_attempt_at,
                reason: String::new(),
            };
            said(&link(studio(), state), 22)
        };
        let below = "next try in 3 s, silent for 12 s".to_owned();
        assert_eq!(retry(5, Some(at(25))), (Light::Retrying, "RETRY 2 of 5".to_owned(), below));
        let (_, word, below) = retry(0, None);
        assert_eq!((word.as_str(), below.as_str()), ("RETRY 2", "trying now, silent for 12 s"));
    }

    #[test]
    fn demo_and_recording_are_named_as_such() {
        let demo = link(SourceSpec::Demo, connected(Updates::Live));
        let view = light_view(&model(), &demo, at(12));
        assert_eq!((view.word.as_str(), view.source.as_str()), ("DEMO", "demo studio"));
        assert!(view.is_demo);
        let recording = SourceSpec::Recording("/tapes/monday.ndjson".into());
        let recording = link(recording, connected(Updates::Live));
        let view = light_view(&model(), &recording, at(500));
        let time = at(10).to_zoned(local_zone()).strftime("%H:%M:%S").to_string();
        assert_eq!((view.word.as_str(), view.source.as_str()), ("REPLAY", "monday.ndjson"));
        let date = at(10).to_zoned(local_zone()).strftime("%-d %b");
        assert_eq!(view.below, [format!("of {date} {time}")]);
        assert!(!view.is_demo && view.state == Light::Recording);
    }

    #[test]
    fn source_is_named_by_its_host_without_secrets() {
        for state in [ConnectionState::Disconnected, connected(Updates::Live)] {
            let view = light_view(&model(), &link(studio(), state), at(12));
            assert_eq!(view.source, "studio-engine.local");
        }
        let api = SourceSpec::Api("http://10.0.0.7:8000/api".into());
        let view = light_view(&model(), &link(api, ConnectionState::Disconnected), at(12));
        assert_eq!(view.source, "10.0.0.7:8000");
    }

    #[test]
    fn offline_light_says_how_old_the_last_data_is() {
        let (url, reason) = (String::new(), String::new());
        let failed = ConnectionState::Failed { url, reason, is_probed: true };
        let (light, word, below) = said(&link(studio(), failed), 53);
        let expected = (Light::Off, "OFFLINE", "last data 43 s ago");
        assert_eq!((light, word.as_str(), below.as_str()), expected);
    }

    #[test]
    fn old_news_have_their_date() {
        let view =
            light_view(&model(), &link(studio(), ConnectionState::Disconnected), at(3 * 86_400));
        let date = at(10).to_zoned(local_zone()).strftime("%-d %b").to_string();
        assert!(view.below[0].contains(&date), "{:?}", view.below);
    }

    #[test]
    fn ticks_count_the_frames_of_the_last_full_seconds() {
        let ticks = |second| {
            light_view(&model(), &link(studio(), connected(Updates::Live)), at(second)).ticks
        };
        let sum = |ticks: Vec<u32>| (ticks.len(), ticks.iter().sum::<u32>());
        assert_eq!(sum(ticks(10)), (TICKS, 0), "the second is not over");
        assert_eq!(ticks(11).last(), Some(&1));
        assert_eq!(ticks(42).first(), Some(&1));
        assert_eq!(sum(ticks(43)), (TICKS, 0));
    }
}
