//! Causes of failures, by which they are grouped.

use smol_str::SmolStr;

use crate::model::FailureCause;
use crate::text;

/// Most characters kept of a reason.
const LONGEST_REASON: usize = 200;

/// Cause of a failure: the step that failed, and the reason without numbers and ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The failed step; `None` where no step failed.
    pub step: Option<SmolStr>,
    /// The reason, in which `#` stands for numbers and ids.
    pub reason: SmolStr,
}

impl Cause {
    /// Returns the model's cause, cut to what is kept.
    pub fn of(cause: &FailureCause) -> Self {
        let step = cause.step().map(SmolStr::from);
        Self { step, reason: text::excerpt(cause.masked_reason(), LONGEST_REASON).into() }
    }
}
