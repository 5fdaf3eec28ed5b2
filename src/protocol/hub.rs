//! Messages of a hub beside the events that it relays: objects whose only key is `hub`, which other
//! clients ignore.
//!
//! ```json
//! {"hub":{"hello":1,"stream":"1f0c…","seq":41,"api":"/api/v1","actions":false,"history":{"path":"/history","since":"2026-11-16T08:00:00Z"}}}
//! {"hub":{"upstream":{"state":"lost","since":"2026-11-23T21:03:04Z","reason":"refused: …"}}}
//! {"hub":{"run":{"run_id":"…","status":"running","executions":[],"song_title":"Neon Rain","gapless":false}}}
//! {"hub":{"seq":57}}
//! {"hub":{"live":true}}
//! {"hub":{"seen":["1f0c…"]}}
//! ```
//!
//! Frames of events and runs are numbered consecutively. A hello or a `seq` in between sets the number.
//! A client that reconnects sends the number up to which it has everything, and receives the frames
//! after it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use smol_str::SmolStr;

use super::RunId;
use super::parse_instant;
use super::rest::{Fields, RunSnapshot};
use crate::text;

/// Version of the hello that this program reads and writes. The stream of a hub with another version is
/// treated as plain events.
const VERSION: u64 = 1;

/// Maximum number of characters of a stream's name, which becomes part of URLs.
const LONGEST_STREAM: usize = 64;

/// Maximum number of characters of a displayed reason.
const LONGEST_REASON: usize = 400;

/// Position in a hub's stream: the numbered frame `seq` and all frames before it have been received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Name of the stream. Numbers of different streams are unrelated.
    pub stream: SmolStr,
    /// Number of the frame, from 1 in each stream.
    pub seq: u64,
}

/// A message of a hub about itself.
#[derive(Clone, Debug, PartialEq)]
pub enum HubFrame {
    /// First message on a connection, and again when the hub starts another stream.
    Hello(Hello),
    /// Number of the last numbered frame; the next one has this number plus one.
    Seq(u64),
    /// End of the replay: everything after this is live. Sent once after each hello.
    Live,
    /// State of the hub's connection to its backend. Sent after each hello and on each change.
    Upstream(Upstream),
    /// Failed runs that somebody marked as seen: after each [`Live`](Self::Live) all marks, later those
    /// that are added. A mark ends, without a frame, when its run is executed again or is dropped.
    Seen(Vec<RunId>),
}

/// Identity and capabilities of a hub, and the client's position in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Position before the next numbered frame.
    pub at: Position,
    /// Path prefix under which the hub relays the backend's REST API; `None` if it does not.
    pub api: Option<SmolStr>,
    /// True when the hub relays requests that change something on the backend.
    pub actions: bool,
    /// Path to which a screen posts the ids of failed runs that it marks as seen; `None` if the hub
    /// keeps no such marks.
    pub seen: Option<SmolStr>,
    /// Path to which a screen posts reports about itself; `None` if the hub takes none.
    pub screens: Option<SmolStr>,
    /// History that the hub keeps; `None` if it cannot be asked for that.
    pub history: Option<HistoryOffer>,
}

/// Frames of the past that a hub answers with when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryOffer {
    /// Path of the frames; what became of runs is at `/summary` below it.
    pub path: SmolStr,
    /// Arrival of the first frame that is kept, by the hub's clock; `None` while none is.
    pub since: Option<Timestamp>,
}

/// State of a hub's connection to its backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// State of the connection.
    pub state: UpstreamState,
    /// Time of the last change of state, by the hub's clock.
    pub since: Timestamp,
    /// Reason for display; empty if there is none.
    pub reason: String,
}

/// State of a hub's connection to its backend; see [`Upstream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    /// Events are received as they happen.
    Live,
    /// The backend is polled every few seconds.
    Polling,
    /// No connection; the hub keeps trying.
    Lost,
}

impl UpstreamState {
    /// Returns the state as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Polling => "polling",
            Self::Lost => "lost",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Live, Self::Polling, Self::Lost].into_iter().find(|state| state.as_str() == text)
    }
}

impl HubFrame {
    /// Returns the frame's text.
    pub fn to_json(&self) -> String {
        let body = match self {
            Self::Hello(hello) => {
                let Hello { at, api, actions, seen, screens, history } = hello;
                let Position { stream, seq } = at;
                let mut body = json!({
                    "hello": VERSION, "stream": stream.as_str(), "seq": seq, "actions": actions,
                });
                if let Some(api) = api {
                    body["api"] = api.as_str().into();
                }
                if let Some(seen) = seen {
                    body["seen"] = seen.as_str().into();
                }
                if let Some(screens) = screens {
                    body["screens"] = screens.as_str().into();
                }
                if let Some(HistoryOffer { path, since }) = history {
                    body["history"] = json!({ "path": path.as_str() });
                    if let Some(since) = since {
                        body["history"]["since"] = since.to_string().into();
                    }
                }
                body
            }
            Self::Seq(seq) => json!({"seq": seq}),
            Self::Live => json!({"live": true}),
            Self::Seen(runs) => {
                json!({"seen": runs.iter().map(RunId::as_str).collect::<Vec<_>>()})
            }
            Self::Upstream(Upstream { state, since, reason }) => {
                let since = since.to_string();
                json!({"upstream": {"state": state.as_str(), "since": since, "reason": reason}})
            }
        };
        json!({"hub": body}).to_string()
    }
}

/// Returns the text of a frame with a run's snapshot.
pub fn run_frame(run: &RunSnapshot) -> String {
    format!(r#"{{"hub":{{"run":{}}}}}"#, run.to_json())
}

/// A parsed hub frame.
pub(super) enum HubMessage {
    Run(Arc<RunSnapshot>),
    Frame(HubFrame),
}

/// Reads an object that is not an event. Returns `None` if it is not a hub's or contains nothing that
/// this version knows.
pub(super) fn read(text: &str) -> Option<HubMessage> {
    let frame: Fields = serde_json::from_str(text).ok()?;
    let body = frame.get("hub").filter(|_| frame.len() == 1)?;
    let body: Fields = serde_json::from_str(body.get()).ok()?;
    if let Some(run) = body.get("run") {
        let run = RunSnapshot::read(run.get().as_bytes()).ok()?;
        return Some(HubMessage::Run(Arc::new(run)));
    }
    let frame = if body.contains_key("hello") {
        HubFrame::Hello(read_hello(&body)?)
    } else if let Some(upstream) = body.get("upstream") {
        HubFrame::Upstream(read_upstream(&serde_json::from_str(upstream.get()).ok()?)?)
    } else if let Some(seen) = body.get("seen") {
        HubFrame::Seen(read_ids(seen.get())?)
    } else if field(&body, "live") == Some(true) {
        HubFrame::Live
    } else {
        HubFrame::Seq(field(&body, "seq")?)
    };
    Some(HubMessage::Frame(frame))
}

fn read_hello(body: &Fields) -> Option<Hello> {
    let version: u64 = field(body, "hello")?;
    let stream: String = field(body, "stream")?;
    let seq = field(body, "seq")?;
    let readable = version == VERSION && (1..=LONGEST_STREAM).contains(&stream.len());
    let path = |name| field::<String>(body, name).map(SmolStr::from);
    readable.then(|| Hello {
        at: Position { stream: stream.into(), seq },
        api: path("api"),
        actions: field(body, "actions") == Some(true),
        seen: path("seen"),
        screens: path("screens"),
        history: body.get("history").and_then(|history| read_history(history.get())),
    })
}

fn read_history(text: &str) -> Option<HistoryOffer> {
    let body: Fields = serde_json::from_str(text).ok()?;
    let path: String = field(&body, "path")?;
    let since = field::<String>(&body, "since").and_then(|since| parse_instant(&since));
    Some(HistoryOffer { path: path.into(), since })
}

fn read_upstream(body: &Fields) -> Option<Upstream> {
    let state: String = field(body, "state")?;
    let since: String = field(body, "since")?;
    Some(Upstream {
        state: UpstreamState::read(&state)?,
        since: parse_instant(&since)?,
        reason: text::excerpt(&field::<String>(body, "reason").unwrap_or_default(), LONGEST_REASON),
    })
}

/// Reads a JSON list of run ids; `None` if it is anything else, or one of the ids is empty.
pub fn read_ids(text: &str) -> Option<Vec<RunId>> {
    let ids: Vec<String> = serde_json::from_str(text).ok()?;
    let is_whole = ids.iter().all(|id| !id.is_empty());
    is_whole.then(|| ids.into_iter().map(RunId::new).collect())
}

fn field<'a, T: Deserialize<'a>>(fields: &Fields<'a>, name: &str) -> Option<T> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}
