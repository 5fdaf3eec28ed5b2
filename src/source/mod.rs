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
