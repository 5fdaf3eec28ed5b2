//! Lines in Meterbridge's own format: frames, and what a recorder notes between them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::parse_instant;
use crate::text;

/// Most characters of a reason in a note.
const MOST_SHOWN: usize = 400;

/// A frame. Other fields are allowed, and other kinds of values in the optional ones.
#[derive(Deserialize)]
struct FrameLine<'a> {
    recv_ms: f64,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    rest: Option<&'a RawValue>,
    #[serde(borrow)]
    replayed: Option<&'a RawValue>,
}

/// A note of a recorder.
#[derive(Deserialize)]
struct NoteLine {
    meterbridge: Option<HeaderFields>,
    connection: Option<String>,
    url: Option<String>,
    code: Option<u16>,
    reason: Option<String>,
    lost: Option<u64>,
}

/// First line of a recorded file.
pub(super) struct Header {
    /// Time at which `recv_ms` is 0.
    pub(super) started_at: Timestamp,
    /// Number of the file within its recording.
    part: u32,
}

#[derive(Deserialize)]
struct HeaderFields {
    started_at: String,
    #[serde(default)]
    part: u32,
}

/// A line in Meterbridge's own format.
pub(super) enum Line {
    Frame {
        recv_ms: f64,
        text: String,
        is_rest: bool,
        is_replayed: bool,
    },
    Header {
        header: Header,
    },
    /// Something to tell the reader; empty where it is not worth it.
    Note {
        words: String,
    },
}

/// Reads a line; `None` where it is something else.
pub(super) fn read(line: &str) -> Option<Line> {
    if let Ok(FrameLine { recv_ms, text, rest, replayed }) = serde_json::from_str(line) {
        let is_set = |value: Option<&RawValue>| value.is_some_and(|value| value.get() == "true");
        let (is_rest, is_replayed) = (is_set(rest), is_set(replayed));
        return Some(Line::Frame { recv_ms, text: text.into_owned(), is_rest, is_replayed });
    }
    let note: NoteLine = serde_json::from_str(line).ok()?;
    if let Some(HeaderFields { started_at, part }) = note.meterbridge {
        let started_at = parse_instant(&started_at)?;
        return Some(Line::Header { header: Header { started_at, part } });
    }
    if let Some(lost) = note.lost {
        let words = format!("{lost} frames are missing here: they could not be recorded in time");
        return Some(Line::Note { words });
    }
    let reason = text::excerpt(&note.reason.unwrap_or_default(), MOST_SHOWN);
    let url = text::excerpt(&note.url.unwrap_or_default(), MOST_SHOWN);
    let words = match note.connection?.as_str() {
        "connected" => format!("recorded: connected to {url}"),
        "disconnected" => match note.code {
            Some(code) => format!("recorded: disconnected ({code}), {reason}"),
            None => format!("recorded: disconnected, {reason}"),
        },
        "error" | "note" => format!("recorded: {reason}"),
        _ => String::new(),
    };
    Some(Line::Note { words })
}

impl Header {
    /// True when this is the continuation of the file before.
    pub(super) fn continues(&self, first: &Self) -> bool {
        self.started_at == first.started_at && self.part > first.part
    }

    /// Milliseconds from the beginning of `first` to that of this recording.
    pub(super) fn millis_after(&self, first: &Self) -> f64 {
        self.started_at.duration_since(first.started_at).as_secs_f64() * 1_000.0
    }
}
