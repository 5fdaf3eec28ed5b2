//! Event sources: live streams, backends and recordings. A source runs on its own thread, decodes what
//! it receives and sends batches to the application over a bounded channel; commands go the other way.
//! A batch does not say whether it came from a socket or a recording.
//!
//! A batch ends at 256 frames, at 256 KiB, or 10 ms after gathering began. A source never blocks on the
//! application: while the channel is full it keeps its current batch and reads nothing more, so further
//! frames wait in the server. Meanwhile it goes on sending pings and suspends the idle timeout.
//!
//! Run operations are commands that leave the connection as it is. Each operation is a task of its own,
//! outlives the session and is answered by exactly one signal; no call is sent twice.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | `connection`, `url`, `disconnect`, [`schedule`] | settings, states, addresses, retries | I/O, clocks |
//! | `spec` | kind of source that a text names | how a source works |
//! | `api_url`, `access` | REST addresses; credentials and certificate authorities | connections |
//! | `handshake`, `socket` | one WebSocket over any transport | retries, the application |
//! | `oversize` | skipping messages that are too large | sockets, the application |
//! | `session`, `websocket` | life cycle of a connection | TCP, TLS, threads |
//! | `stream` | position up to which a hub's stream has been delivered | I/O, clocks |
//! | [`http`] | HTTP requests to one origin | meaning of the requests |
//! | `one_get` | a single request | its meaning |
//! | `run_operation` | run operations as REST calls | transport of a call |
//! | `local_api` | run operations on a server in this process | that server |
//! | `refetch` | refetches that an application asked for | how they are fetched |
//! | `budget` | limit of connections to a backend | use of a connection |
//! | `warrant` | permission to use a backend, which one of several hubs has | who gives it |
//! | `history` | questions to a hub about the past | transport of a question |
//! | `api_base` | path prefix of a backend's REST | the endpoints below it |
//! | `amcs` | backend with REST and one socket per run | TCP, TLS, threads |
//! | [`net`] | choice between stream and backend, by address | how either works |
//! | [`connector`] | TCP and TLS | what is sent over them |
//! | `race` | the first address of a host that answers | TLS |
//! | `trust` | server certificates that are accepted | sockets |
//! | [`source_context`] | settings, address, state and commands of a running source | the work itself |
//! | [`signal_sender`] | the bounded channel to the application | its senders |
//! | [`recorder`] | writing recordings | what they are played with |
//! | [`recording`], `frame_times`, [`playback`] | reading recordings; their times; playing them | sockets |
//! | [`merge`] | several recordings as one | how they are played |
//! | [`opening`] | checking and opening recordings | how they are played |
//! | `task` | tasks beside the work of a source | what they do |
//! | `thread` | named threads, and handles that command them | everything else |

mod access;
#[cfg(not(target_arch = "wasm32"))]
mod amcs;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod api_base;
mod api_url;
#[cfg(target_arch = "wasm32")]
mod browser;
mod budget;
mod connection;
mod disconnect;
#[cfg(target_arch = "wasm32")]
mod fetch;
mod frame_times;
mod held;
mod history;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod http;
#[cfg(not(target_arch = "wasm32"))]
mod local_api;
#[doc(hidden)]
pub mod merge;
#[cfg(not(target_arch = "wasm32"))]
mod one_get;
#[doc(hidden)]
pub mod opening;
pub mod recorder;
#[doc(hidden)]
pub mod recording;
mod refetch;
mod run_operation;
pub(crate) mod schedule;
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
mod oversize;
#[doc(hidden)]
pub mod playback;
#[cfg(not(target_arch = "wasm32"))]
mod race;
mod session;
#[doc(hidden)]
pub mod signal_sender;
#[cfg(not(target_arch = "wasm32"))]
mod socket;
#[doc(hidden)]
pub mod source_context;
mod spec;
mod stream;
mod task;
#[cfg(not(target_arch = "wasm32"))]
mod thread;
mod timer;
#[cfg(not(target_arch = "wasm32"))]
mod trust;
#[cfg(not(target_arch = "wasm32"))]
mod warrant;
#[cfg(not(target_arch = "wasm32"))]
mod websocket;

pub use access::{Access, AccessError, Credentials, Secret};
pub use api_url::{ApiUrl, check_address, parse_api_url};
#[cfg(target_arch = "wasm32")]
pub use browser::{SourceHandle, spawn, spawn_recording};
pub use budget::{ConnectionBudget, ConnectionPermit};
pub use connection::{
    ApiCalls, ApiSettings, Backoff, ConnectionEvent, ConnectionLogEntry, ConnectionSettings,
    ConnectionState, Polling, PollingReason, Updates,
};
pub use disconnect::{Disconnect, server_words};
pub use held::HeldRuns;
pub use history::{
    HistoryAnswer, HistoryError, HistoryPage, HistoryQuestion, OfferedHistory, PAGE_FRAMES,
    SummaryAnswer,
};
#[cfg(not(target_arch = "wasm32"))]
pub use local_api::LocalApi;
#[cfg(not(target_arch = "wasm32"))]
pub use one_get::{GetError, get_once, test_address};
pub use refetch::RefetchTarget;
pub use run_operation::{OperationOutcome, OperationRefusal, OperationSuccess, RunOperation};
pub use spec::{RecordingFiles, SourceError, SourceSpec};
#[cfg(not(target_arch = "wasm32"))]
pub use thread::{CommandSender, SourceHandle, spawn, spawn_recording};
pub use url::{Address, SourceUrl, UrlError, is_secret, parse_source_url, redact};
#[cfg(not(target_arch = "wasm32"))]
pub use warrant::Warrant;

use std::sync::Arc;

use crate::protocol::screen::ScreenReport;
use crate::protocol::{Batch, RunId};

/// Callback that a source calls after it put something into its channel; wakes a sleeping event loop.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Message from a source to the application.
#[derive(Clone, Debug)]
pub enum Signal {
    /// Decoded elements that arrived.
    Batch(Batch),
    /// The connection entered this state.
    State(ConnectionState),
    /// Entry for the connection log.
    Log(ConnectionLogEntry),
    /// Result of a [`Command::Operate`]; sent exactly once for each.
    OperationFinished(OperationOutcome),
    /// The server is a hub: its hello was received. Sent again on every connection.
    Hub {
        /// Path on the hub's origin below which it forwards the backend's REST; `None` where it does
        /// not.
        api: Option<String>,
        /// True when the hub also forwards requests that change something.
        actions: bool,
        /// True when the hub keeps which failures were marked as seen.
        seen: bool,
        /// History that the hub keeps; `None` where it cannot be asked for that.
        history: Option<OfferedHistory>,
    },
    /// Answer to a [`Command::AskHistory`]; none comes to a question that was given up.
    History(HistoryAnswer),
    /// Answer to a [`Command::AskSummary`]; sent exactly once for each.
    Summary(SummaryAnswer),
}

/// Message from the application to a source. Valid at any time, also while connecting or waiting.
#[derive(Clone, Debug)]
pub enum Command {
    /// Connect to this URL and drop the current connection, if any.
    Connect {
        /// URL to connect to.
        url: Address,
    },
    /// Close the connection and stay disconnected.
    Disconnect,
    /// Connect again to the same URL, with the attempt counter reset.
    Reconnect,
    /// Apply new settings from the next attempt on. `enabled: false` disconnects at once.
    Configure(Box<ConnectionSettings>),
    /// Carry out a run operation. The connection stays as it is.
    Operate(RunOperation),
    /// Fetch this again from a backend's REST. Other sources ignore this command.
    Refetch(RefetchTarget),
    /// A user acted on this run: ask a backend for it now and watch it until it is over, even if the
    /// backend lists it nowhere.
    Watch(RunId),
    /// Tell a hub that somebody marked the failures of these runs as seen. Other sources, and hubs that
    /// keep no such marks, are told nothing.
    MarkSeen(Vec<RunId>),
    /// Report about this screen to its hub, now and again after each hello. Other sources, and hubs that
    /// take no reports, are told nothing. The application sends one every
    /// [`REPORT_INTERVAL`](crate::protocol::screen::REPORT_INTERVAL), and when what it shows changes.
    ReportScreen(Box<ScreenReport>),
    /// Ask the hub for a page of the frames that it kept, and give up the question before. Without a hub
    /// that has a history, the answer says so.
    AskHistory(HistoryQuestion),
    /// Give up the question for frames that is being answered.
    CancelHistory,
    /// Ask the hub for the summary of what became of runs.
    AskSummary {
        /// Query of `/history/summary`, such as `last=7d&zone=UTC`; empty for the usual period.
        query: String,
    },
    /// Skip the current pause of a recording.
    SkipPause,
    /// Carry out run operations on the server of this API without a network.
    #[cfg(not(target_arch = "wasm32"))]
    UseLocalApi(LocalApi),
}

impl SourceHandle {
    /// Connects to `url` and drops the current connection, if any.
    pub fn connect(&self, url: impl Into<Address>) {
        self.send(Command::Connect { url: url.into() });
    }

    /// Closes the connection and stays disconnected.
    pub fn disconnect(&self) {
        self.send(Command::Disconnect);
    }

    /// Connects again to the same URL, with the attempt counter reset. A recording restarts at its
    /// beginning.
    pub fn reconnect(&self) {
        self.send(Command::Reconnect);
    }

    /// Skips the current pause of a recording.
    pub fn skip_pause(&self) {
        self.send(Command::SkipPause);
    }

    /// Applies new settings from the next attempt on; `enabled` takes effect at once.
    pub fn configure(&self, settings: ConnectionSettings) {
        self.send(Command::Configure(Box::new(settings)));
    }
}
