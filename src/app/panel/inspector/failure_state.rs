//! Choice of the user among the failures of a song.

use jiff::Timestamp;

use crate::protocol::RunId;

/// Chosen failure of a song, and the count of its reason.
#[derive(Clone, Debug, Default)]
pub(super) struct FailureState {
    /// Run whose failures are listed.
    pub run: Option<RunId>,
    /// Number of failures further back than the latest.
    pub back: usize,
    /// Count of the shown failure's reason.
    pub counted: Option<Counted>,
}

/// Count of the failures for one reason.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Run that failed.
    pub run: RunId,
    /// Instant of its failure.
    pub at: Option<Timestamp>,
    /// Time of the count by egui's clock, in seconds.
    pub counted_at: f64,
    /// Failures for the reason.
    pub times: u64,
}
