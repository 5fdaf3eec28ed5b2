//! Cause of a failure, by which failures are grouped.

pub use crate::model::FailureCause as Cause;
