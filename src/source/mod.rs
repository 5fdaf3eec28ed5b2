//! Where events come from. A source runs on its own thread, decodes what arrives and hands
//! batches over a bounded channel; commands go the other way. Batches do not tell a socket from a
//! recording.
//!
//! A batch holds at most 256 frames, 256 KiB, or what arrived within 10 ms. A source never blocks on the
//! application: while the channel is full it keeps the batch and reads nothing more, so that further frames wait
//! in the server, and it goes on sending pings and does not count the silence against the server.
//!
//! Operations on runs are commands that leave the connection as it is. Each is a task of its own that outlives
//! the session and is answered once, by a signal; no call is sent twice.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | `connection`, `url`, `disconnect`, [`schedule`] | settings, states, addresses, words, retries | I/O, clocks |
//! | `spec` | which kind of source a text names | what it does |
//! | `api_url`, `access` | the address of a REST; credentials and authorities | connections |
//! | `handshake`, `socket` | one WebSocket over any transport | retries, the application |
//! | `session`, `websocket` | the life of a connection | TCP, TLS, threads |
//! | `stream` | how far a hub's stream has been handed on | I/O, clocks |
//! | [`http`] | questions to one origin | what is asked |
//! | `run_operation` | what is done to runs, call by call | what carries a call |
//! | `refetch` | what an application wants to have fetched again | how |
//! | `budget` | how many connections there may be to a backend | what they carry |
//! | `api_base` | below which path a REST is | what is there |
//! | `amcs` | a backend with REST and a socket for each run | TCP, TLS, threads |
//! | [`net`] | which of the two an address means | either |
//! | [`connector`] | TCP and TLS | what they carry |
//! | [`source_context`] | settings, address, state and commands of a source at work | what the work is |
//! | [`signal_sender`] | the bounded channel to the application | who sends |
//! | [`recording`], [`playback`] | reading recordings; playing them in real time | sockets |
//! | `thread` | named threads, and handles that command them | everything else |

mod access;
#[cfg(not(target_arch = "wasm32"))]
mod amcs;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod api_base;
mod api_url;
#[cfg(target_arch = "wasm32")]
mod browser;
mod budget;
mod connection;
mod disconnect;
#[cfg(target_arch = "wasm32")]
mod fetch;
mod held;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod recording;
mod refetch;
mod run_operation;
#[doc(hidden)]
pub mod schedule;
mod secrets;
mod url;

#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod connector;
#[cfg(not(target_arch = "wasm32"))]
mod handshake;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod net;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod playback;
mod session;
#[doc(hidden)]
pub mod signal_sender;
#[cfg(not(target_arch = "wasm32"))]
mod socket;
#[doc(hidden)]
pub mod source_context;
mod spec;
mod stream;
#[cfg(not(target_arch = "wasm32"))]
mod thread;
mod timer;
#[cfg(not(target_arch = "wasm32"))]
mod websocket;

pub use access::{Access, AccessError, Credentials, Secret};
pub use api_url::{ApiUrl, check_address, parse_api_url};
#[cfg(target_arch = "wasm32")]
pub use browser::{SourceHandle, spawn};
pub use budget::{ConnectionBudget, ConnectionPermit};
pub use connection::{
    ApiCalls, ApiSettings, Backoff, ConnectionEvent, ConnectionLogEntry, ConnectionSettings,
    ConnectionState, Polling, PollingReason, Updates,
};
pub use disconnect::{Disconnect, server_words};
pub use held::HeldRuns;
pub use refetch::RefetchTarget;
pub use run_operation::{OperationOutcome, OperationRefusal, OperationSuccess, RunOperation};
pub use spec::{SourceError, SourceSpec};
#[cfg(not(target_arch = "wasm32"))]
pub use thread::{CommandSender, SourceHandle, spawn, spawn_recording};
pub use url::{Address, SourceUrl, UrlError, parse_source_url, redact};

use std::sync::Arc;

use crate::protocol::{Batch, RunId};

/// Called by a source after it put something into its channel: wakes a sleeping event loop.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// What a source tells the application.
#[derive(Clone, Debug)]
pub enum Signal {
    /// What arrived, decoded.
    Batch(Batch),
    /// The connection is in another state now.
    State(ConnectionState),
    /// Something for the connection log.
    Log(ConnectionLogEntry),
    /// What became of a [`Command::Operate`]: each is answered once.
    OperationFinished(OperationOutcome),
    /// What answers is a hub, which has said hello; on every connection anew.
    Hub {
        /// The path on its origin below which it passes the backend's REST on; `None` where it does not.
        api: Option<String>,
        /// Whether it passes on what would change something there.
        actions: bool,
    },
}

/// What the application tells a source. Valid at any time, also while connecting or waiting.
#[derive(Clone, Debug)]
pub enum Command {
    /// Connect to this URL, dropping whatever there was.
    Connect {
        /// Where to.
        url: Address,
    },
    /// Close and stay closed.
    Disconnect,
    /// Start again with the same URL and a fresh count of attempts.
    Reconnect,
    /// New settings: they hold from the next attempt on; `enabled: false` disconnects at once.
    Configure(Box<ConnectionSettings>),
    /// Do something to a run. The connection stays as it is.
    Operate(RunOperation),
    /// Fetch this again from a backend's REST. Other sources have nothing to fetch and ignore it.
    Refetch(RefetchTarget),
    /// Somebody did something to this run: a backend is asked for it now, and it is watched until it is
    /// over, though it may be in no list.
    Watch(RunId),
}

impl SourceHandle {
    /// Connects to `url`, dropping whatever there was.
    pub fn connect(&self, url: impl Into<Address>) {
        self.send(Command::Connect { url: url.into() });
    }

    /// Closes and stays closed.
    pub fn disconnect(&self) {
        self.send(Command::Disconnect);
    }

    /// Starts again with the same URL and a fresh count of attempts; a recording from its start.
    pub fn reconnect(&self) {
        self.send(Command::Reconnect);
    }

    /// New settings, from the next attempt on; `enabled` counts at once.
    pub fn configure(&self, settings: ConnectionSettings) {
        self.send(Command::Configure(Box::new(settings)));
    }
}
