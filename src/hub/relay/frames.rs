//! What the hub says of itself, as it is written.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use crate::protocol::RunSnapshot;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub state: UpstreamState,
    pub since: Timestamp,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    Live,
    Polling,
    Lost,
}

pub(super) fn hello(stream: Uuid, seq: u64, api: Option<&str>, actions: bool) -> Utf8Bytes {
    let mut body =
        json!({"hello": 1, "stream": stream.to_string(), "seq": seq, "actions": actions});
    if let Some(api) = api {
        body["api"] = api.into();
    }
    frame(body)
}

pub(super) fn seq(seq: u64) -> Utf8Bytes {
    frame(json!({"seq": seq}))
}

pub(super) fn live() -> Utf8Bytes {
    frame(json!({"live": true}))
}

pub(super) fn upstream(upstream: &Upstream) -> Utf8Bytes {
    let state = match upstream.state {
        UpstreamState::Live => "live",
        UpstreamState::Polling => "polling",
        UpstreamState::Lost => "lost",
    };
    let since = upstream.since.to_string();
    frame(json!({"upstream": {"state": state, "since": since, "reason": upstream.reason}}))
}

pub(super) fn run(run: &RunSnapshot) -> Utf8Bytes {
    frame(json!({"run": {"run_id": run.run_id.as_str()}}))
}

pub(super) fn read_run(text: &str) -> Option<RunSnapshot> {
    let value: Value = serde_json::from_str(text).ok()?;
    RunSnapshot::read(value["hub"]["run"].to_string().as_bytes()).ok()
}

fn frame(body: Value) -> Utf8Bytes {
    json!({"hub": body}).to_string().into()
}
