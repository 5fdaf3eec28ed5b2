//! The connection's settings and states, as the guide's users know them.

use std::time::Duration;

use jiff::Timestamp;

use super::Access;

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
    /// Off: no connection is made, an open one is closed.
    pub enabled: bool,
    pub reconnect_delay: Duration,
    /// 0 = never give up.
    pub max_reconnect_attempts: u32,
    pub backoff: Backoff,
    /// Whoever refuses is asked again, too, for there is nobody to press a button.
    pub insist: bool,
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

/// How a backend's REST is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiSettings {
    /// Sockets at the same time, one for each running run. The backend freezes at the 16th of all
    /// its watchers.
    pub max_sockets: usize,
    /// How often a run is asked for that has no socket.
    pub poll_interval: Duration,
    /// Runs that are watched whether or not the backend lists them.
    pub runs: Vec<String>,
    /// Whose calls are made to act on runs.
    pub calls: ApiCalls,
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
            max_sockets: 8,
            poll_interval: Duration::from_secs(5),
            runs: Vec::new(),
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
    /// A run that goes on has no socket, since none can be had: it is asked for every few seconds.
    Polling,
    /// Not at all: a hub is there, and its backend is not. The hub tries again.
    Cut {
        /// Since when, by the hub's clock.
        since: Timestamp,
        /// Why, in the hub's words, on one line; may be empty.
        reason: String,
    },
}

impl Updates {
    /// What is said while there are no live updates (guide, "Graceful Degradation").
    pub const POLLING_WORDS: &str = "Real-time updates unavailable. Polling API instead.";

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
    #[default]
    Disconnected,
    /// The first attempt is under way.
    Connecting {
        url: String,
    },
    Connected {
        url: String,
        since: Timestamp,
        updates: Updates,
    },
    /// Lost or never had; attempt `attempt` of `max_attempts` (0 = without end) starts at
    /// `next_attempt_at`, or is under way when that is `None`.
    Reconnecting {
        url: String,
        attempt: u32,
        max_attempts: u32,
        next_attempt_at: Option<Timestamp>,
        /// Why the last attempt or connection ended.
        reason: String,
    },
    /// Given up, or refused for good. Stays until `connect` or `reconnect`.
    Failed {
        url: String,
        reason: String,
    },
}

impl ConnectionState {
    /// Whether news come, as they happen or a little later.
    pub fn brings_news(&self) -> bool {
        matches!(self, Self::Connected { updates: Updates::Live | Updates::Polling, .. })
    }
}

/// What the connection log tells.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionEvent {
    Connecting,
    Connected,
    /// Closed by us, by the server, or lost: why.
    Disconnected {
        code: Option<u16>,
        reason: String,
    },
    Error {
        message: String,
    },
}

/// A line of the connection log.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionLogEntry {
    pub at: Timestamp,
    pub url: String,
    pub event: ConnectionEvent,
}
