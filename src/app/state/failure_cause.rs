//! Cause of a failure, by which failures are grouped.

use super::run_view::failure_words;
use crate::model::Run;
use crate::text;

/// Cause of a failure: the step that failed and the reason, in which numbers and ids do not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// The failed step; `None` where no step failed.
    step: Option<String>,
    masked_reason: String,
}

impl Cause {
    /// Returns the cause of the failure of `run`; `None` unless it failed.
    pub fn of(run: &Run) -> Option<Self> {
        let (step, reason) = failure_words(run)?;
        Some(Self { step, masked_reason: text::masked(&reason) })
    }
}
