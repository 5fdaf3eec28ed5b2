//! Counters and gauges of the hub, readable at any time.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number changed by several tasks.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// Totals since the start, and current values.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames received from upstream.
    pub frames_in: Counter,
    /// Counted frames sent, summed over all screens.
    pub frames_out: Counter,
    /// Events that had been received before.
    pub duplicates: Counter,
    /// Items that could not be decoded.
    pub malformed: Counter,
    /// Frames dropped unread by a source.
    pub dropped: Counter,
    /// Reconnections to upstream.
    pub upstream_reconnects: Counter,

    /// Screens connected now.
    pub clients: Counter,
    /// Connected screens that have not been sent everything yet.
    pub clients_behind: Counter,
    /// Total number of screens that have connected.
    pub clients_total: Counter,
    /// Connections that resumed where an earlier one ended.
    pub resumes: Counter,
    /// Connections with a full replay.
    pub replays: Counter,
    /// Screens closed because they took no data.
    pub lag_closes: Counter,
    /// Screens closed because they sent too much.
    pub flood_closes: Counter,

    /// Counted frames kept now.
    pub journal_entries: Counter,
    /// Size of the kept frames in bytes, as counted for `--keep-mib`.
    pub journal_bytes: Counter,
    /// Runs kept now.
    pub runs: Counter,
    /// Runs dropped from the journal.
    pub runs_dropped: Counter,
    /// Size of the store on disk in bytes.
    pub store_bytes: Counter,
    /// News that were lost because too many waited to be taken.
    pub news_lost: Counter,

    /// Failures to write the store.
    pub store_errors: Counter,
}
