//! Where events come from. A source runs on its own thread, decodes what arrives and hands
//! batches over a bounded channel; commands go the other way. Nothing behind the channel can tell
//! a socket from a recording.

mod connection;

pub use connection::{
    Backoff, ConnectionEvent, ConnectionLogEntry, ConnectionSettings, ConnectionState,
};

use std::sync::Arc;

use crate::protocol::Batch;

/// Called by a source after it put something into its channel: wakes a sleeping event loop.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// What a source tells the application.
#[derive(Clone, Debug)]
pub enum Signal {
    Batch(Batch),
    /// The connection is in another state now.
    State(ConnectionState),
    /// Something for the connection log.
    Log(ConnectionLogEntry),
}

/// What the application tells a source. Valid at any time, also while connecting or waiting.
#[derive(Clone, Debug)]
pub enum Command {
    /// Connect to this URL, dropping whatever there was.
    Connect { url: String },
    /// Close and stay closed.
    Disconnect,
    /// Start again with the same URL and a fresh count of attempts.
    Reconnect,
    /// New settings: they hold from the next attempt on; `enabled: false` disconnects.
    Configure(ConnectionSettings),
}

/// STUB: replaced by the real one at merge.
#[derive(Clone)]
pub struct SourceHandle {
    pub signals: crossbeam_channel::Receiver<Signal>,
}

impl SourceHandle {
    pub fn connect(&self, _url: String) {}
    pub fn disconnect(&self) {}
    pub fn reconnect(&self) {}
    pub fn configure(&self, _settings: ConnectionSettings) {}
}

/// STUB: why a URL is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("a URL begins with ws:// or wss://")]
pub struct UrlError;

/// STUB: reads a source's URL.
pub fn parse_source_url(text: &str) -> Result<(), UrlError> {
    if text.starts_with("ws://") || text.starts_with("wss://") { Ok(()) } else { Err(UrlError) }
}
