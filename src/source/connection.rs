//! The connection's settings and states, as the guide's users know them.

use std::time::Duration;

use jiff::Timestamp;

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
            max_message_bytes: 4 << 20,
        }
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
