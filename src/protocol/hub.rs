//! What a hub says beside the events that it passes on: objects whose only key is `hub`, which other
//! clients take for nothing.
//!
//! ```json
//! {"hub":{"hello":1,"stream":"1f0c…","seq":41,"api":"/api/v1","actions":false}}
//! {"hub":{"upstream":{"state":"lost","since":"2026-11-23T21:03:04Z","reason":"refused: …"}}}
//! {"hub":{"run":{"run_id":"…","status":"running","executions":[],"song_title":"Neon Rain","gapless":false}}}
//! {"hub":{"seq":57}}
//! {"hub":{"live":true}}
//! ```
//!
//! Events and runs are counted: each has the number of the one before it and one more, unless a hello or
//! a `seq` in between says otherwise. Whoever comes back says up to which number it knows everything, and
//! is told what came since.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use smol_str::SmolStr;

use super::parse_instant;
use super::rest::{Fields, RunSnapshot};
use crate::text;

/// The version of the hello that is spoken here. A hub of another version is a plain stream of events.
const VERSION: u64 = 1;

/// Characters of a stream's name; it goes into addresses.
const LONGEST_STREAM: usize = 64;

/// Characters of a reason that are shown.
const LONGEST_REASON: usize = 400;

/// A place in a hub's stream: the counted frame of that number and all before it are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Names the stream. In another one the same number stands for something else.
    pub stream: SmolStr,
    /// Number of the frame, from 1 in each stream.
    pub seq: u64,
}

/// What a hub says of itself.
#[derive(Clone, Debug, PartialEq)]
pub enum HubFrame {
    /// Comes first on a connection, and again where the stream becomes another one.
    Hello(Hello),
    /// The next counted frame has the number after this one.
    Seq(u64),
    /// What came before was a replay; what follows happens now. Once after each hello.
    Live,
    /// How the hub stands with its backend. After each hello, and where it changes.
    Upstream(Upstream),
}

/// Who a hub is, and where the client stands in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The next counted frame has the number after this one.
    pub at: Position,
    /// The path below which the hub passes the backend's REST on; `None` where it does not.
    pub api: Option<SmolStr>,
    /// Whether it passes on what would change something there.
    pub actions: bool,
}

/// How a hub stands with its backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Whether the hub is connected to it.
    pub state: UpstreamState,
    /// Since when, by the hub's clock.
    pub since: Timestamp,
    /// Why, for a person; empty where there is nothing to say.
    pub reason: String,
}

/// See [`Upstream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    /// Events come as they happen.
    Live,
    /// The backend is asked every few seconds.
    Polling,
    /// There is no connection; it is tried again.
    Lost,
}

impl UpstreamState {
    /// As it stands on the wire.
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
    /// The frame's text.
    pub fn to_json(&self) -> String {
        let body = match self {
            Self::Hello(Hello { at: Position { stream, seq }, api, actions }) => {
                let mut body = json!({
                    "hello": VERSION, "stream": stream.as_str(), "seq": seq, "actions": actions,
                });
                if let Some(api) = api {
                    body["api"] = api.as_str().into();
                }
                body
            }
            Self::Seq(seq) => json!({"seq": seq}),
            Self::Live => json!({"live": true}),
            Self::Upstream(Upstream { state, since, reason }) => {
                let since = since.to_string();
                json!({"upstream": {"state": state.as_str(), "since": since, "reason": reason}})
            }
        };
        json!({"hub": body}).to_string()
    }
}

/// The text of a frame that tells of a run.
pub fn run_frame(run: &RunSnapshot) -> String {
    format!(r#"{{"hub":{{"run":{}}}}}"#, run.to_json())
}

/// What a hub says beside the events.
pub(super) enum Told {
    Run(Arc<RunSnapshot>),
    Frame(HubFrame),
}

/// Reads an object that is no event. `None` where it is not a hub's, or says nothing that is known here.
pub(super) fn read(text: &str) -> Option<Told> {
    let frame: Fields = serde_json::from_str(text).ok()?;
    let body = frame.get("hub").filter(|_| frame.len() == 1)?;
    let body: Fields = serde_json::from_str(body.get()).ok()?;
    if let Some(run) = body.get("run") {
        let run = RunSnapshot::read(run.get().as_bytes()).ok()?;
        return Some(Told::Run(Arc::new(run)));
    }
    let frame = if body.contains_key("hello") {
        HubFrame::Hello(read_hello(&body)?)
    } else if let Some(upstream) = body.get("upstream") {
        HubFrame::Upstream(read_upstream(&serde_json::from_str(upstream.get()).ok()?)?)
    } else if field(&body, "live") == Some(true) {
        HubFrame::Live
    } else {
        HubFrame::Seq(field(&body, "seq")?)
    };
    Some(Told::Frame(frame))
}

fn read_hello(body: &Fields) -> Option<Hello> {
    let version: u64 = field(body, "hello")?;
    let stream: String = field(body, "stream")?;
    let seq = field(body, "seq")?;
    let readable = version == VERSION && (1..=LONGEST_STREAM).contains(&stream.len());
    let api: Option<String> = field(body, "api");
    readable.then(|| Hello {
        at: Position { stream: stream.into(), seq },
        api: api.map(SmolStr::from),
        actions: field(body, "actions") == Some(true),
    })
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

fn field<'a, T: Deserialize<'a>>(fields: &Fields<'a>, name: &str) -> Option<T> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}
