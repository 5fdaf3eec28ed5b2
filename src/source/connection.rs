//! The connection's settings and states, as the guide's users know them.

use std::time::Duration;

use jiff::Timestamp;

use super::Access;
use super::budget::ConnectionBudget;
use crate::protocol::RunId;

/// How long to wait before attempt n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backoff {
    /// `reconnect_delay` before every attempt.
    #[default]
    Constant,
    /// 1, 2, 4 … 30 s, each with full jitter above its half. `reconnect_delay` is not used.
    Exponential,
}

/// Settings of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSettings {
    /// True connects to the address from the start. False starts disconnected, and closes an open
    /// connection when it is set later; [`Command::Connect`](super::Command::Connect) and
    /// [`Command::Reconnect`](super::Command::Reconnect) connect all the same and set it to true.
    pub enabled: bool,
    /// Time between a failed attempt and the next, with [`Backoff::Constant`].
    pub reconnect_delay: Duration,
    /// 0 = never give up.
    pub max_reconnect_attempts: u32,
    /// How waits between attempts grow.
    pub backoff: Backoff,
    /// Whoever refuses is asked again, too, for there is nobody to press a button.
    pub insist: bool,
    /// Time for one attempt: network, TLS and handshake together.
    pub connect_timeout: Duration,
    /// A ping is sent this often; zero for never.
    pub ping_interval: Duration,
    /// Dead after this long without a single frame, pongs included; zero for never.
    pub idle_timeout: Duration,
    /// Who we say we are, and whom we believe.
    pub access: Access,
    /// How a backend's REST is watched.
    pub api: ApiSettings,
    /// Bytes; a larger message ends the connection with an error and is retried.
    pub max_message_bytes: usize,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            reconnect_delay: Duration::from_secs(3),
            max_reconnect_attempts: 5,
            backoff: Backoff::Constant,
            insist: false,
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(45),
            access: Access::default(),
            api: ApiSettings::default(),
            max_message_bytes: 4 << 20,
        }
    }
}

/// How a backend with REST is watched (protocol, section 6: watching must not harm).
#[derive(Clone, Debug, PartialEq)]
pub struct ApiSettings {
    /// Sockets at the same time, one for each running run; 0 only polls. The backend fails a run when
    /// a socket that watches it goes away in mid-run, so a socket stays until its run is over.
    pub max_sockets: usize,
    /// Connections at the same time, those of sockets and of REST questions together. Clones of these
    /// settings share it.
    pub budget: ConnectionBudget,
    /// The backend is known to bear watchers that come and go: sockets are closed at once.
    pub safe_sockets: bool,
    /// How long sockets are held after the program was told to end, so that it fails no run.
    pub drain: Duration,
    /// A running run's detail is asked for this often, and the list of active runs twice as often.
    pub poll_interval: Duration,
    /// Runs that are watched whether or not the backend lists them.
    pub runs: Vec<String>,
    /// Runs that were not over when they were last heard of: each is asked for at the start.
    pub unfinished: Vec<RunId>,
    /// Runs that ended since then are asked for, however many hours ago that was.
    pub seen_until: Option<Timestamp>,
    /// Whose calls are made to act on runs.
    pub calls: ApiCalls,
}

impl ApiSettings {
    /// Connections without sockets: one REST question at a time.
    pub const CONNECTIONS: usize = 1;
    /// Connections with sockets.
    pub const CONNECTIONS_WITH_SOCKETS: usize = 3;
    /// Connections beside the sockets where these do no harm.
    pub const QUESTIONS_BESIDE_SAFE_SOCKETS: usize = 4;

    /// Sockets that fit into the budget beside one REST question.
    pub fn sockets(&self) -> usize {
        self.max_sockets.min(self.budget.most().saturating_sub(1))
    }
}

/// Whose calls are made to act on runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiCalls {
    /// The backend's own.
    #[default]
    Backend,
    /// The product guide's, and where the server does not know one of them, the backend's.
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

/// How news come while connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Updates {
    /// As they happen.
    #[default]
    Live,
    /// The backend's REST is asked again and again.
    Polling(Polling),
    /// Not now: a question has been in flight for long.
    Unanswered {
        /// When it was asked, by this machine's clock.
        since: Timestamp,
    },
    /// Not at all: a hub is there, and its backend is not. The hub tries again.
    Cut {
        /// Since when, by the hub's clock.
        since: Timestamp,
        /// Why, in the hub's words, on one line; may be empty.
        reason: String,
    },
}

/// How a backend is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polling {
    /// Seconds between two looks at a running run, about; 0 where that is not known.
    pub every_secs: u16,
    /// Why it is polled.
    pub reason: PollingReason,
}

/// Why a backend is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollingReason {
    /// By choice: a socket that goes away can fail the run that it watches.
    #[default]
    Safety,
    /// Sockets were asked for and cannot be had.
    NoSockets,
}

impl Polling {
    /// The pace: `every 2 s`; empty where it is not known.
    pub fn pace_words(self) -> String {
        match self.every_secs {
            0 => String::new(),
            secs => format!("every {secs} s"),
        }
    }

    /// What it is and why, in one sentence.
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
    /// What is said while live updates were asked for and there are none (guide, "Graceful
    /// Degradation").
    pub const POLLING_WORDS: &str = "Real-time updates unavailable. Polling API instead.";

    /// What is said while a backend does not answer; `when` is the time of day since when.
    pub fn unanswered_words(when: Option<&str>) -> String {
        let when = when.map(|when| format!(" since {when}")).unwrap_or_default();
        format!("No answer from the backend{when}. What is shown is as of then.")
    }

    /// What is said while a hub is there and its backend is not; `when` is the time of day.
    pub fn cut_words(when: Option<&str>, reason: &str) -> String {
        let when = when.map(|when| format!(" at {when}")).unwrap_or_default();
        let reason = reason.trim_end_matches('.');
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        format!("The hub lost its backend{when} and tries again{why}")
    }
}

/// Where a connection stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ConnectionState {
    /// There is no connection, and none is sought.
    #[default]
    Disconnected,
    /// The first attempt is under way.
    Connecting {
        /// The address, without its secrets.
        url: String,
    },
    /// There is a connection.
    Connected {
        /// The address, without its secrets.
        url: String,
        /// When it was made, by this machine's clock.
        since: Timestamp,
        /// How news come over it.
        updates: Updates,
    },
    /// Lost or never had; attempt `attempt` of `max_attempts` (0 = without end) starts at
    /// `next_attempt_at`, or is under way when that is `None`.
    Reconnecting {
        /// The address, without its secrets.
        url: String,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Attempts before it is given up; 0 for no limit.
        max_attempts: u32,
        /// When the attempt starts; `None` while it is under way.
        next_attempt_at: Option<Timestamp>,
        /// Why the last attempt or connection ended.
        reason: String,
    },
    /// Given up, or refused for good. Stays until `connect` or `reconnect`.
    Failed {
        /// The address, without its secrets.
        url: String,
        /// Why, in a sentence.
        reason: String,
    },
}

impl ConnectionState {
    /// Why it is not as it should be.
    pub(super) fn reason_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Reconnecting { reason, .. }
            | Self::Failed { reason, .. }
            | Self::Connected { updates: Updates::Cut { reason, .. }, .. } => Some(reason),
            Self::Disconnected | Self::Connecting { .. } | Self::Connected { .. } => None,
        }
    }

    /// Whether news come, as they happen or a little later.
    pub fn brings_news(&self) -> bool {
        matches!(self, Self::Connected { updates: Updates::Live | Updates::Polling(_), .. })
    }
}

/// What the connection log tells.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionEvent {
    /// An attempt begins.
    Connecting,
    /// A connection was made.
    Connected,
    /// Closed by us, by the server, or lost: why.
    Disconnected {
        /// Code of the close frame; `None` if there was none.
        code: Option<u16>,
        /// Why, in a sentence.
        reason: String,
    },
    /// Something failed; the connection may stand nevertheless.
    Error {
        /// What failed, in a sentence.
        message: String,
    },
}

/// A line of the connection log.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionLogEntry {
    /// By this machine's clock.
    pub at: Timestamp,
    /// The address, without its secrets.
    pub url: String,
    /// What happened.
    pub event: ConnectionEvent,
}
