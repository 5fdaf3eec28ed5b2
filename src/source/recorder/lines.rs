//! Lines of a recording. Each is one JSON object with the time of arrival in `recv_ms`.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::protocol::TapeEntry;

/// Version of the format in the header. Readers ignore fields that they do not know.
const FORMAT: u32 = 1;

/// First line of each file.
#[derive(Serialize)]
struct HeaderLine<'a> {
    recv_ms: f64,
    meterbridge: Header<'a>,
}

#[derive(Serialize)]
struct Header<'a> {
    recording: u32,
    version: &'static str,
    source: &'a str,
    started_at: String,
    part: u32,
}

#[derive(Serialize)]
struct FrameLine<'a> {
    recv_ms: f64,
    text: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
}

#[derive(Serialize)]
struct ConnectionLine<'a> {
    recv_ms: f64,
    connection: &'static str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[cfg(not(target_arch = "wasm32"))]
#[derive(Serialize)]
struct LostLine {
    recv_ms: f64,
    lost: u64,
}

/// A change of the connection, without secrets.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionChange<'a> {
    /// Time of the change.
    pub at: Timestamp,
    /// Address of the source.
    pub url: &'a str,
    /// Kind of change: `connecting`, `connected`, `disconnected`, `error`, `note`.
    pub what: &'static str,
    /// Close code of a WebSocket.
    pub code: Option<u16>,
    /// Reason for people.
    pub reason: Option<&'a str>,
}

/// Returns the header of a file.
pub(crate) fn header(source: &str, started_at: Timestamp, recv_ms: f64, part: u32) -> Vec<u8> {
    let mut lines = Vec::new();
    let meterbridge = Header {
        recording: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        source,
        started_at: started_at.to_string(),
        part,
    };
    push(&mut lines, &HeaderLine { recv_ms, meterbridge });
    lines
}

/// Appends a frame or an answer.
pub(crate) fn push_frame(
    lines: &mut Vec<u8>,
    recv_ms: f64,
    kind: TapeEntry,
    text: &str,
    live: bool,
) {
    let rest = kind == TapeEntry::Answer;
    push(lines, &FrameLine { recv_ms, text, rest, replayed: !live });
}

/// Appends a change of the connection.
pub(super) fn push_connection(lines: &mut Vec<u8>, recv_ms: f64, change: ConnectionChange<'_>) {
    let ConnectionChange { url, what, code, reason, .. } = change;
    push(lines, &ConnectionLine { recv_ms, connection: what, url, code, reason });
}

/// Appends a gap: a number of frames that could not be recorded.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn push_lost(lines: &mut Vec<u8>, recv_ms: f64, lost: u64) {
    push(lines, &LostLine { recv_ms, lost });
}

fn push(lines: &mut Vec<u8>, line: &impl Serialize) {
    let whole = lines.len();
    // Neither can fail: all keys are texts, and the writer is memory.
    if serde_json::to_writer(&mut *lines, line).is_err() || lines.write_all(b"\n").is_err() {
        lines.truncate(whole);
    }
}
