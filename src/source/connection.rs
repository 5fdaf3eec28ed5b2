//! Settings, states and log of a connection, in the terms of the user guide.

use std::time::Duration;

use jiff::Timestamp;

use super::Access;
use super::budget::ConnectionBudget;
use super::recorder::{ConnectionChange, Recorder};
use crate::protocol::RunId;

/// Delay between attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backoff {
    /// Waits `reconnect_delay` before every attempt.
    #[default]
    Constant,
    /// Waits 1, 2, 4 … 30 s, of which the upper half is random (jitter). Ignores `reconnect_delay`.
    Exponential,
}

/// Settings of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSettings {
    /// When true, the source connects to its address from the start. When false, it starts disconnected;
    /// setting it to false later closes an open connection.
    /// [`Command::Connect`](super::Command::Connect) and
    /// [`Command::Reconnect`](super::Command::Reconnect) set it to true.
    pub enabled: bool,
    /// Time between a failed attempt and the next, with [`Backoff::Constant`].
    pub reconnect_delay: Duration,
    /// Number of attempts before giving up; 0 = never give up.
    pub max_reconnect_attempts: u32,
    /// Interval of quiet attempts after all attempts failed; zero for none. The failed state is shown
    /// until one of them succeeds.
    pub probe_interval: Duration,
    /// Growth of the delay between attempts.
    pub backoff: Backoff,
    /// Also retry after 401, 403, 404 and 1008: nobody can press Reconnect on a kiosk.
    pub insist: bool,
    /// Time for one attempt: network, TLS and handshake together.
    pub connect_timeout: Duration,
    /// Interval between pings; zero for none.
    pub ping_interval: Duration,
    /// Time without any frame, pongs included, after which a connection is dead; zero for never.
    pub idle_timeout: Duration,
    /// Credentials to send and certificate authorities to trust.
    pub access: Access,
    /// Settings for watching a backend's REST.
    pub api: ApiSettings,
    /// Largest message, in bytes. A larger one is skipped with an error; one of more than 16 times the
    /// size ends the connection, which is then retried.
    pub max_message_bytes: usize,
    /// Records everything that arrives. Clones of these settings share it.
    pub recorder: Option<Recorder>,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            reconnect_delay: Duration::from_secs(3),
            max_reconnect_attempts: 5,
            probe_interval: Duration::from_secs(30),
            backoff: Backoff::Constant,
            insist: false,
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(45),
            access: Access::default(),
            api: ApiSettings::default(),
            max_message_bytes: 4 << 20,
            recorder: None,
        }
    }
}

/// Settings for watching a backend with REST (protocol, section 6: watching must not harm).
#[derive(Clone, Debug, PartialEq)]
pub struct ApiSettings {
    /// Sockets at the same time, one for each running run; 0 polls only. The backend fails a run when a
    /// socket that watches it closes before the run is over, so a socket stays open until then.
    pub max_sockets: usize,
    /// Limit of simultaneous connections, sockets and REST requests together. Clones of these settings
    /// share the budget.
    pub budget: ConnectionBudget,
    /// True when the backend tolerates watchers that disconnect during a run: sockets are closed at
    /// once.
    pub safe_sockets: bool,
    /// Time for which sockets stay open after the program was told to end, so that no run fails.
    pub drain: Duration,
    /// Interval of requests for the detail of each running run; active runs are listed twice as often.
    pub poll_interval: Duration,
    /// Runs that are watched even if the backend does not list them.
    pub runs: Vec<String>,
    /// Runs that were not over when they were last seen: each is requested at the start.
    pub unfinished: Vec<RunId>,
    /// Runs that ended after this time are requested, however long ago that was.
    pub seen_until: Option<Timestamp>,
    /// Dialect of the REST calls for run operations.
    pub calls: ApiCalls,
}

impl ApiSettings {
    /// Connections without sockets: one REST request at a time.
    pub const CONNECTIONS: usize = 1;
    /// Connections with sockets.
    pub const CONNECTIONS_WITH_SOCKETS: usize = 3;
    /// Connections for REST requests beside sockets that are safe to close.
    pub const QUESTIONS_BESIDE_SAFE_SOCKETS: usize = 4;

    /// Returns the number of sockets that fit into the budget beside one REST request.
    pub fn sockets(&self) -> usize {
        self.max_sockets.min(self.budget.most().saturating_sub(1))
    }

    /// Opens no socket whose closing could make the backend fail a run.
    pub fn poll_only(&mut self) {
        if !self.safe_sockets {
            self.max_sockets = 0;
            self.budget = ConnectionBudget::new(Self::CONNECTIONS);
        }
    }
}

/// Dialect of the REST calls for run operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiCalls {
    /// The backend's own calls.
    #[default]
    Backend,
    /// The product guide's calls; the backend's where the server does not know one of them.
    Guide,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            max_sockets: 0,
            budget: ConnectionBudget::new(Self::CONNECTIONS),
            safe_sockets: false,
            drain: Duration::from_secs(600),
            poll_interval: Duration::from_secs(2),
            runs: Vec::new(),
            unfinished: Vec::new(),
            seen_until: None,
            calls: ApiCalls::default(),
        }
    }
}

/// Way in which events arrive while connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Updates {
    /// Events arrive as they happen.
    #[default]
    Live,
    /// The backend's REST is polled.
    Polling(Polling),
    /// None at present: a REST request has been unanswered for long.
    Unanswered {
        /// Time of the request, by this machine's clock.
        since: Timestamp,
    },
    /// None: the hub is connected, but has lost its backend. The hub retries.
    Cut {
        /// Time of the loss, by the hub's clock.
        since: Timestamp,
        /// Reason in the hub's words, on one line; may be empty.
        reason: String,
    },
}

/// Polling of a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polling {
    /// Approximate seconds between two requests for a running run; 0 where unknown.
    pub every_secs: u16,
    /// Reason for polling.
    pub reason: PollingReason,
}

/// Reason why a backend is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollingReason {
    /// By choice: closing a socket can fail the run that it watches.
    #[default]
    Safety,
    /// Sockets were requested and are not available.
    NoSockets,
}

impl Polling {
    /// Returns the pace, as in `every 2 s`; empty where unknown.
    pub fn pace_words(self) -> String {
        match self.every_secs {
            0 => String::new(),
            secs => format!("every {secs} s"),
        }
    }

    /// Returns one sentence that says that the backend is polled, and why.
    pub fn words(self) -> String {
        match self.reason {
            PollingReason::Safety => {
                let pace = self.pace_words();
                let space = if pace.is_empty() { "" } else { " " };
                format!("Polling the backend{space}{pace}: sockets can make its runs fail.")
            }
            PollingReason::NoSockets => Updates::POLLING_WORDS.to_owned(),
        }
    }
}

impl Updates {
    /// Message while live updates were requested and are not available (guide, "Graceful Degradation").
    pub const POLLING_WORDS: &str = "Real-time updates unavailable. Polling API instead.";

    /// Returns the message for a backend that does not answer; `when` is the time of day of the
    /// request.
    pub fn unanswered_words(when: Option<&str>) -> String {
        let when = when.map(|when| format!(" since {when}")).unwrap_or_default();
        format!("No answer from the backend{when}. What is shown is as of then.")
    }

    /// Returns the message for a hub that has lost its backend; `when` is the time of day of the loss.
    pub fn cut_words(when: Option<&str>, reason: &str) -> String {
        let when = when.map(|when| format!(" at {when}")).unwrap_or_default();
        let reason = reason.trim_end_matches('.');
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        format!("The hub lost its backend{when} and tries again{why}")
    }
}

/// State of a connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ConnectionState {
    /// Not connected, and not trying to connect.
    #[default]
    Disconnected,
    /// The first attempt is in progress.
    Connecting {
        /// Address, without its secrets.
        url: String,
    },
    /// Connected.
    Connected {
        /// Address, without its secrets.
        url: String,
        /// Time at which the connection was established, by this machine's clock.
        since: Timestamp,
        /// How updates arrive.
        updates: Updates,
    },
    /// Lost or never established. Attempt `attempt` of `max_attempts` (0 = unlimited) starts at
    /// `next_attempt_at`, or is in progress when that is `None`.
    Reconnecting {
        /// Address, without its secrets.
        url: String,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Number of attempts before giving up; 0 for no limit.
        max_attempts: u32,
        /// Start of the attempt, by this machine's clock; `None` while it is in progress.
        next_attempt_at: Option<Timestamp>,
        /// Reason why the last attempt or connection ended.
        reason: String,
    },
    /// Given up, or refused for good. Stays until `connect` or `reconnect`, or until a quiet attempt
    /// succeeds.
    Failed {
        /// Address, without its secrets.
        url: String,
        /// Reason, as a sentence.
        reason: String,
        /// True while a quiet attempt is made at every
        /// [`probe_interval`](ConnectionSettings::probe_interval).
        is_probed: bool,
    },
}

impl ConnectionState {
    /// Returns the reason of a state that reports a problem.
    pub(super) fn reason_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Reconnecting { reason, .. }
            | Self::Failed { reason, .. }
            | Self::Connected { updates: Updates::Cut { reason, .. }, .. } => Some(reason),
            Self::Disconnected | Self::Connecting { .. } | Self::Connected { .. } => None,
        }
    }

    /// Returns the address, without its secrets; `None` while not connected and not trying to connect.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Disconnected => None,
            Self::Connecting { url }
            | Self::Connected { url, .. }
            | Self::Reconnecting { url, .. }
            | Self::Failed { url, .. } => Some(url),
        }
    }

    /// True when events arrive, live or by polling.
    pub fn brings_news(&self) -> bool {
        matches!(self, Self::Connected { updates: Updates::Live | Updates::Polling(_), .. })
    }
}

/// Event in the connection log.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionEvent {
    /// An attempt to connect began.
    Connecting,
    /// A connection was established.
    Connected,
    /// Closed by us or the server, or lost.
    Disconnected {
        /// Code of the close frame; `None` if there was none.
        code: Option<u16>,
        /// Reason, as a sentence.
        reason: String,
    },
    /// An error, which need not end the connection.
    Error {
        /// Description of the error, as a sentence.
        message: String,
    },
    /// Information that is not an error, such as a detected clock step.
    Note {
        /// Text of the note.
        message: String,
    },
}

/// Entry of the connection log.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionLogEntry {
    /// Time of the event, by this machine's clock.
    pub at: Timestamp,
    /// Address, without its secrets.
    pub url: String,
    /// The event.
    pub event: ConnectionEvent,
}

impl ConnectionLogEntry {
    /// Returns the entry for a recorder.
    pub(super) fn change(&self) -> ConnectionChange<'_> {
        let (what, code, reason) = match &self.event {
            ConnectionEvent::Connecting => ("connecting", None, None),
            ConnectionEvent::Connected => ("connected", None, None),
            ConnectionEvent::Disconnected { code, reason } => ("disconnected", *code, Some(reason)),
            ConnectionEvent::Error { message } => ("error", None, Some(message)),
            ConnectionEvent::Note { message } => ("note", None, Some(message)),
        };
        let reason = reason.map(String::as_str);
        ConnectionChange { at: self.at, url: &self.url, what, code, reason }
    }
}
