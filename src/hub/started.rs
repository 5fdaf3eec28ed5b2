//! Start time of the hub.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Start time of the hub.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started {
    pub at: Timestamp,
    clock: Instant,
}

impl Started {
    pub fn now() -> Self {
        Self { at: Timestamp::now(), clock: Instant::now() }
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}
