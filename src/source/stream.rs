//! How far the stream of an address has been handed on, over all connections to it. Pure.
//!
//! A hub counts what it sends. What of that has been handed on is known here, so that a connection after
//! a loss is asked for the rest, and nothing is missed and nothing comes twice. A server that is no hub
//! says no hello, and is asked for nothing.

use super::disconnect::server_words;
use super::{Disconnect, Polling, PollingReason, SourceUrl, Updates};
use crate::protocol::hub::{Hello, HubFrame, Position, Upstream, UpstreamState};
use crate::protocol::{Batch, Item};

/// Where a connection is in what a hub tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum StreamPhase {
    /// No hub has said hello.
    #[default]
    Ungreeted,
    /// What was before the connection.
    Replay,
    /// What happens now.
    Live,
}

/// A stream of events, over all connections to one address.
#[derive(Debug, Default)]
pub(super) struct Stream {
    part: StreamPhase,
    /// All up to there has been handed on.
    position: Option<Position>,
    /// How the hub last said that it stands with its backend.
    updates: Updates,
}

impl Stream {
    /// A new connection stands: nobody has said hello on it.
    pub fn begin(&mut self) {
        self.part = StreamPhase::Ungreeted;
    }

    /// Where to connect to `url`: for what has not been handed on yet, where a hub is known to be there.
    pub fn address(&self, url: &SourceUrl) -> SourceUrl {
        self.position.as_ref().map_or_else(|| url.clone(), |position| url.after(position))
    }

    /// Whether what comes next happens now; `None` where no hub has said so.
    pub fn is_live(&self) -> Option<bool> {
        (self.part != StreamPhase::Ungreeted).then_some(self.part == StreamPhase::Live)
    }

    /// How news come, as far as a hub has said.
    pub fn updates(&self) -> &Updates {
        &self.updates
    }

    /// Takes note of what is handed on. Returns the hello in it.
    pub fn note(&mut self, batch: &Batch) -> Option<Hello> {
        let mut hello = None;
        for item in &batch.items {
            match item {
                Item::Event(_) | Item::Run(_) => self.count(),
                Item::Hub(frame) => {
                    self.heed(frame);
                    if let HubFrame::Hello(said) = frame {
                        hello = Some(said.clone());
                    }
                }
                Item::Malformed(_) | Item::Ignored => {}
            }
        }
        hello
    }

    /// A connection ended. A frame that is too large is given up: asked for again it would end the next
    /// connection as well.
    pub fn give_up(&mut self, disconnect: &Disconnect) {
        if let Disconnect::MessageTooLarge { .. } = disconnect {
            self.count();
        }
    }

    fn count(&mut self) {
        match &mut self.position {
            // Whoever answers there now does not count: what was known of the hub is of no use.
            Some(_) if self.part == StreamPhase::Ungreeted => *self = Self::default(),
            Some(position) => position.seq = position.seq.saturating_add(1),
            None => {}
        }
    }

    fn heed(&mut self, frame: &HubFrame) {
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
            HubFrame::Live | HubFrame::Seq(_) => {}
        }
    }
}

/// Reads [`Polling::words`] as a hub tells them.
fn polling(words: &str) -> Polling {
    if words == Updates::POLLING_WORDS {
        return Polling { every_secs: 0, reason: PollingReason::NoSockets };
    }
    let pace = words.split_once(" every ").and_then(|(_, rest)| rest.split(' ').next());
    let every_secs = pace.and_then(|pace| pace.parse().ok()).unwrap_or(0);
    Polling { every_secs, reason: PollingReason::Safety }
}

/// How a hub's news come.
fn updates(upstream: &Upstream) -> Updates {
    match upstream.state {
        UpstreamState::Live => Updates::Live,
        UpstreamState::Polling => Updates::Polling(polling(&upstream.reason)),
        UpstreamState::Lost => {
            Updates::Cut { since: upstream.since, reason: server_words(upstream.reason.as_bytes()) }
        }
    }
}
