//! The status of a run.

/// Status of a run (protocol section 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunStatus {
    /// Created and not started.
    #[default]
    Pending,
    /// Started and not ended.
    Running,
    /// Ended without an error.
    Completed,
    /// Ended with an error.
    Failed,
    /// Cancelled by a user.
    Cancelled,
}

impl RunStatus {
    /// Every status, in the order of a run's life.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// Returns the status as `inspect --json` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the status as people read it, on every screen and in tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pending => "queued",
            Self::Completed => "finished",
            status => status.as_str(),
        }
    }

    /// True when no more events are expected.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}
