//! Messages of the cluster's stream: what the watching hub has found, as all hubs read it.
//!
//! | subject | content | kept |
//! | --- | --- | --- |
//! | `PREFIX.log.event.RUN` | a workflow event, byte for byte | with its run |
//! | `PREFIX.log.run.RUN` | what REST says about a run, as a hub frame | the last one of a run |
//! | `PREFIX.log.seen.RUN` | a failure was marked as seen | as long as the stream keeps |
//! | `PREFIX.log.dropped.RUN` | the run is no longer kept | as long as the stream keeps |
//! | `PREFIX.log.upstream` | state of the connection to the backend | the last one |
//! | `PREFIX.log.watch` | a hub begins to watch | the last one |
//!
//! The hub that watches removes what is not kept, message by message: servers of 2.9 skip messages of other
//! subjects for a reader that is behind when a subject is purged or rolled up.
//!
//! A payload is one line of JSON about the message, and for frames the text after it.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use crate::hub::relay::journal::JournalEntryKind;
use crate::hub::relay::store::DroppedRun;
use crate::protocol::hub::{HubFrame, Upstream};
use crate::protocol::{Batch, Item, RunId};

/// Maximum length of a run id that is part of a subject as it is.
const LONGEST_TOKEN: usize = 64;

/// One message of the stream.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::hub::relay) struct Record {
    /// Time of reception, by the clock of the hub that watched.
    pub at: Timestamp,
    pub content: Content,
}

/// Content of a message.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::hub::relay) enum Content {
    /// A numbered frame.
    Frame {
        run: RunId,
        kind: JournalEntryKind,
        /// True when it was received as it happened.
        live: bool,
        /// Identity, by which the server recognises a second copy.
        id: Option<String>,
        text: Utf8Bytes,
    },
    /// A failure was marked as seen.
    Seen(RunId),
    /// A run is no longer kept.
    Dropped(DroppedRun),
    /// The connection to the backend changed.
    Upstream(Upstream),
    /// A hub, by its name, begins to watch the backend at this address.
    Watch { hub: String, backend: String },
}

/// First line of a payload.
#[derive(Serialize, Deserialize)]
struct Head {
    /// Epoch of the hub that published.
    epoch: u64,
    /// Microseconds since 1970.
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    live: bool,
    /// Microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    aged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
}

impl Record {
    /// Returns the subject below `PREFIX.log.`.
    pub(super) fn subject(&self) -> String {
        match &self.content {
            Content::Frame { run, kind: JournalEntryKind::Event, .. } => {
                format!("event.{}", token(run))
            }
            Content::Frame { run, kind: JournalEntryKind::Snapshot, .. } => {
                format!("run.{}", token(run))
            }
            Content::Seen(run) => format!("seen.{}", token(run)),
            Content::Dropped(DroppedRun { run, .. }) => format!("dropped.{}", token(run)),
            Content::Upstream(_) => "upstream".to_owned(),
            Content::Watch { .. } => "watch".to_owned(),
        }
    }

    /// Returns the headers, without those of the stream's numbers.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Content::Frame { id: Some(id), .. } = &self.content {
            headers.insert(NATS_MESSAGE_ID, id.as_str());
        }
        headers
    }

    /// Returns the payload.
    pub(super) fn payload(&self, epoch: u64) -> Bytes {
        let mut head = Head {
            epoch,
            at: self.at.as_microsecond(),
            run: None,
            live: false,
            until: None,
            aged: false,
            hub: None,
            backend: None,
        };
        let mut text: &str = "";
        let told;
        match &self.content {
            Content::Frame { run, live, text: frame, .. } => {
                head.run = Some(run.to_string());
                head.live = *live;
                text = frame.as_str();
            }
            Content::Seen(run) => head.run = Some(run.to_string()),
            Content::Dropped(DroppedRun { run, until, is_aged }) => {
                // Rounded up, so that it covers the run's last event.
                let rest = i64::from(until.subsec_nanosecond() % 1_000 != 0);
                head.run = Some(run.to_string());
                head.until = Some(until.as_microsecond() + rest);
                head.aged = *is_aged;
            }
            Content::Upstream(upstream) => {
                told = HubFrame::Upstream(upstream.clone()).to_json();
                text = &told;
            }
            Content::Watch { hub, backend } => {
                head.hub = Some(hub.clone());
                head.backend = Some(backend.clone());
            }
        }
        // A head of numbers and texts is always JSON.
        let mut payload = serde_json::to_string(&head).unwrap_or_default();
        payload.push('\n');
        payload.push_str(text);
        payload.into()
    }

    /// Reads a message; `kind` is the subject's first part below `PREFIX.log.`. Returns the record and its
    /// epoch, or `None` for a message that this version cannot read.
    pub(super) fn read(kind: &str, payload: &[u8]) -> Option<(Self, u64)> {
        let payload = std::str::from_utf8(payload).ok()?;
        let (head, text) = payload.split_once('\n')?;
        let Head { epoch, at, run, live, until, aged, hub, backend } =
            serde_json::from_str(head).ok()?;
        let run = run.map(RunId::from);
        let frame = |run, kind| Content::Frame { run, kind, live, id: None, text: text.into() };
        let content = match kind {
            "event" => frame(run?, JournalEntryKind::Event),
            "run" => frame(run?, JournalEntryKind::Snapshot),
            "seen" => Content::Seen(run?),
            "dropped" => {
                let until = Timestamp::from_microsecond(until?).ok()?;
                Content::Dropped(DroppedRun { run: run?, until, is_aged: aged })
            }
            "upstream" => {
                let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
                batch.push_text(text);
                match batch.items.pop()? {
                    Item::Hub(HubFrame::Upstream(upstream)) => Content::Upstream(upstream),
                    _ => return None,
                }
            }
            "watch" => Content::Watch { hub: hub?, backend: backend.unwrap_or_default() },
            _ => return None,
        };
        Some((Self { at: Timestamp::from_microsecond(at).ok()?, content }, epoch))
    }
}

/// Returns the part of a subject that stands for a run.
fn token(run: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !run.is_empty() && run.len() <= LONGEST_TOKEN && run.chars().all(is_plain) {
        return run.to_owned();
    }
    let hash = digest(&SHA256, run.as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("~{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::hub::UpstreamState;

    #[test]
    fn records_are_read_as_they_were_written() {
        let at = Timestamp::from_microsecond(1_700_000_000_123_456).unwrap();
        let run: RunId = "Ünïcode run\nwith a line.and>dots*".into();
        let frame = |kind, text: &str| Content::Frame {
            run: run.clone(),
            kind,
            live: true,
            id: None,
            text: text.into(),
        };
        let upstream = Upstream {
            state: UpstreamState::Polling,
            since: Timestamp::from_second(1_700_000_000).unwrap(),
            reason: "every 2 s".to_owned(),
        };
        for (kind, content) in [
            ("event", frame(JournalEntryKind::Event, "{\"a\":\n \"b\"}\n")),
            ("run", frame(JournalEntryKind::Snapshot, "{}")),
            ("seen", Content::Seen(run.clone())),
            (
                "dropped",
                Content::Dropped(DroppedRun { run: run.clone(), until: at, is_aged: true }),
            ),
            ("upstream", Content::Upstream(upstream)),
            ("watch", Content::Watch { hub: "a".to_owned(), backend: "http://b".to_owned() }),
        ] {
            let record = Record { at, content };
            assert_eq!(record.subject().split('.').next(), Some(kind));
            let read = Record::read(kind, &record.payload(7));
            assert_eq!(read, Some((record, 7)));
        }
        for (kind, payload) in
            [("event", "{}\n"), ("event", ""), ("other", "{\"epoch\":1,\"at\":1}\n")]
        {
            assert_eq!(Record::read(kind, payload.as_bytes()), None, "{kind} {payload}");
        }
        assert_eq!(Record::read("event", &[0xff, b'\n']), None);
    }

    #[test]
    fn every_run_has_a_token_of_its_own_that_a_subject_may_contain() {
        assert_eq!(token("1f0c7a5e-run_1"), "1f0c7a5e-run_1");
        let odd = ["", "a.b", "a b", "*", ">", "Ä", &"x".repeat(65)].map(token);
        for (nth, token) in odd.iter().enumerate() {
            assert!(token.starts_with('~') && token.len() == 33, "{token}");
            assert!(!odd[..nth].contains(token));
        }
    }
}
