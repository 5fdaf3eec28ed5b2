//! Position in an address's stream up to which everything was delivered, over all connections to it.
//! Pure.
//!
//! A hub numbers the frames that it sends. A reconnect asks for the frames after the last delivered
//! one, so that none is missed and none comes twice. Servers that are not hubs send no hello and are
//! asked for nothing.

use super::disconnect::server_words;
use super::{Polling, PollingReason, SourceUrl, Updates};
use crate::protocol::hub::{Hello, HubFrame, Position, Upstream, UpstreamState};
use crate::protocol::{Batch, Item};

/// Phase of a connection to a hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum StreamPhase {
    /// No hello was received.
    #[default]
    Ungreeted,
    /// Frames from before the connection.
    Replay,
    /// Frames as they happen.
    Live,
}

/// State of a stream of events, over all connections to one address.
#[derive(Debug, Default)]
pub(super) struct Stream {
    part: StreamPhase,
    /// Position of the last delivered frame.
    position: Option<Position>,
    /// Updates as the hub last reported them for its backend.
    updates: Updates,
}

impl Stream {
    /// Starts a new connection: its hello is pending.
    pub fn begin(&mut self) {
        self.part = StreamPhase::Ungreeted;
    }

    /// Returns the address to connect to. For a known hub it asks for the frames not delivered yet.
    pub fn address(&self, url: &SourceUrl) -> SourceUrl {
        self.position.as_ref().map_or_else(|| url.clone(), |position| url.after(position))
    }

    /// True when the next frames are live; `None` where no hub has said so.
    pub fn is_live(&self) -> Option<bool> {
        (self.part != StreamPhase::Ungreeted).then_some(self.part == StreamPhase::Live)
    }

    /// Returns how updates arrive, as the hub last reported.
    pub fn updates(&self) -> &Updates {
        &self.updates
    }

    /// Updates the position for a delivered batch. Returns the hello in it, if any.
    pub fn note(&mut self, batch: &Batch) -> Option<Hello> {
        let mut hello = None;
        for item in &batch.items {
            match item {
                Item::Event(_) | Item::Run(_) => self.count(),
                Item::Hub(frame) => {
                    self.apply_frame(frame);
                    if let HubFrame::Hello(said) = frame {
                        hello = Some(said.clone());
                    }
                }
                Item::Malformed(_) | Item::Ignored => {}
            }
        }
        hello
    }

    /// Counts a frame that was too large: requested again it would be too large as well.
    pub fn skip(&mut self) {
        self.count();
    }

    fn count(&mut self) {
        match &mut self.position {
            // A server without a hello has replaced the hub: forget the hub's position.
            Some(_) if self.part == StreamPhase::Ungreeted => *self = Self::default(),
            Some(position) => position.seq = position.seq.saturating_add(1),
            None => {}
        }
    }

    fn apply_frame(&mut self, frame: &HubFrame) {
        match frame {
            HubFrame::Hello(hello) => {
                self.part = StreamPhase::Replay;
                self.position = Some(hello.at.clone());
            }
            HubFrame::Live if self.part == StreamPhase::Replay => self.part = StreamPhase::Live,
            HubFrame::Seq(seq) if self.part != StreamPhase::Ungreeted => {
                if let Some(position) = &mut self.position {
                    position.seq = *seq;
                }
            }
            HubFrame::Upstream(upstream) => self.updates = updates(upstream),
            HubFrame::Live | HubFrame::Seq(_) | HubFrame::Seen(_) => {}
        }
    }
}

/// Parses [`Polling::words`] as sent by a hub.
fn polling(words: &str) -> Polling {
    if words == Updates::POLLING_WORDS {
        return Polling { every_secs: 0, reason: PollingReason::NoSockets };
    }
    let pace = words.split_once(" every ").and_then(|(_, rest)| rest.split(' ').next());
    let every_secs = pace.and_then(|pace| pace.parse().ok()).unwrap_or(0);
    Polling { every_secs, reason: PollingReason::Safety }
}

/// Returns how updates arrive, from a hub's report about its backend.
fn updates(upstream: &Upstream) -> Updates {
    match upstream.state {
        UpstreamState::Live => Updates::Live,
        UpstreamState::Polling => Updates::Polling(polling(&upstream.reason)),
        UpstreamState::Lost => {
            Updates::Cut { since: upstream.since, reason: server_words(upstream.reason.as_bytes()) }
        }
    }
}
