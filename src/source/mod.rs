//! Where events come from. A source runs on its own thread, decodes what arrives and hands
//! batches over a bounded channel; commands go the other way. Batches do not tell a socket from a
//! recording.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | `connection`, `url`, `ending`, [`schedule`] | settings, states, addresses, words, retries | I/O, clocks |
//! | `handshake`, `socket` | one WebSocket over any transport | retries, the application |
//! | [`websocket`] | the life of a connection | TCP, TLS, threads |
//! | [`connector`] | TCP and TLS | what they carry |
//! | [`desk`] | settings, address, state and commands of a source at work | what the work is |
//! | [`outlet`] | the bounded channel to the application | who sends |
//! | [`recording`], [`playback`] | reading recordings; playing them in real time | sockets |
//! | `thread` | named threads, and handles that command them | everything else |

mod connection;
mod ending;
pub mod recording;
pub mod schedule;
mod url;

#[cfg(not(target_arch = "wasm32"))]
pub mod connector;
#[cfg(not(target_arch = "wasm32"))]
pub mod desk;
#[cfg(not(target_arch = "wasm32"))]
mod handshake;
#[cfg(not(target_arch = "wasm32"))]
pub mod outlet;
#[cfg(not(target_arch = "wasm32"))]
pub mod playback;
#[cfg(not(target_arch = "wasm32"))]
mod socket;
#[cfg(not(target_arch = "wasm32"))]
mod thread;
#[cfg(not(target_arch = "wasm32"))]
pub mod websocket;

pub use connection::{
    Backoff, ConnectionEvent, ConnectionLogEntry, ConnectionSettings, ConnectionState,
};
pub use ending::Ending;
use std::sync::Arc;
#[cfg(not(target_arch = "wasm32"))]
pub use thread::{SourceHandle, spawn, spawn_recording};
pub use url::{SourceUrl, UrlError, parse_source_url, redact};

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
