//! When the hub was started.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// When the hub was started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started {
    pub at: Timestamp,
    clock: Instant,
}

impl Started {
    pub fn now() -> Self {
        Self { at: Timestamp::now(), clock: Instant::now() }
    }

    /// How long that is ago.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}
