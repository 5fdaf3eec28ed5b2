//! News that may be told, and notifications that tell them.

/// News of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A run failed.
    Failed {
        /// Name of the run.
        title: String,
        /// The failed step; `None` where no step failed.
        step: Option<String>,
        /// Reason, on one line.
        reason: String,
        /// Key of the cause: failures of the same step for the same cause are told together.
        cause: u64,
    },
    /// A song finished whose run before failed.
    Recovered {
        /// Name of the run.
        title: String,
    },
}

/// State of the display, as far as it decides whether news are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// The present of a live source.
    Live,
    /// The past of a live source.
    Past,
    /// A recording.
    Recording,
}

/// A message to the user of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Number of the notification. One with the number of an earlier one takes its place.
    pub number: u64,
    /// First line: "3 songs failed at COMPOSE".
    pub title: String,
    /// Text below it; may be empty.
    pub body: String,
    /// True when something went wrong.
    pub is_bad: bool,
    /// True when it is told with a sound.
    pub has_sound: bool,
}
