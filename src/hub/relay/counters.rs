//! What the hub has done and has, as numbers that anybody may read at any time.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that several tasks change.
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

/// Numbers since the start, and some of now.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames that came from upstream.
    pub frames_in: Counter,
    /// Counted frames that went out, to all screens together.
    pub frames_out: Counter,
    /// Events that had come before.
    pub duplicates: Counter,
    /// What came and could not be read.
    pub malformed: Counter,
    /// Frames that a source dropped unread.
    pub dropped: Counter,
    /// Connections to upstream after the first.
    pub upstream_reconnects: Counter,

    /// Screens connected now.
    pub clients: Counter,
    /// Of them, those that have not been sent everything yet.
    pub clients_behind: Counter,
    /// Screens that ever connected.
    pub clients_total: Counter,
    /// Connections that went on where the one before had ended.
    pub resumes: Counter,
    /// Connections that were sent everything.
    pub replays: Counter,
    /// Screens closed because they took nothing.
    pub lag_closes: Counter,

    /// Counted frames kept now.
    pub journal_entries: Counter,
    /// Bytes of them, as `--keep-mib` counts.
    pub journal_bytes: Counter,
    /// Runs kept now.
    pub runs: Counter,
    /// Runs that had to go.
    pub runs_dropped: Counter,
    /// Bytes of the store on disk.
    pub store_bytes: Counter,
    /// Times that the store could not be written.
    pub store_errors: Counter,
}
