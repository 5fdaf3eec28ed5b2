//! Statuses as users see them, shared by canvas and panel.

use crate::model::{NodeStatus, RunStatus};

/// Display status of a node or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayStatus {
    Pending,
    Running,
    /// Running, but shown without motion, because all running runs are silent.
    Idle,
    /// Running, but without events for a while.
    Silent,
    Success,
    Failed,
    Cancelled,
    Skipped,
    Unknown,
}

/// Meaning of a status colour; themes map it to a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Quiet,
    /// Less quiet than `Quiet`.
    Muted,
    Running,
    Success,
    Failed,
    Cancelled,
}

/// Outline of a status glyph. Each status has its own, so that colour is never the only
/// distinction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outline {
    Ring,
    /// An open ring around level bars, which may move.
    Levels {
        moving: bool,
    },
    Clock,
    /// A disc with a check mark.
    Check,
    /// An octagon with a cross.
    Octagon,
    Square,
    /// A broken ring around two arrow heads.
    Arrows,
    /// A dotted ring around a question mark.
    QuestionMark,
}

/// Coarse progress of a node, for displays without room for the full status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Ahead,
    AtWork,
    Over,
    /// The run has passed the node, which did nothing as far as is known.
    PassedOver,
}

impl DisplayStatus {
    /// Statuses in the order of the legend, with the legend's explanations.
    pub const LEGEND: [(Self, &str); 8] = [
        (Self::Running, "Beads move along the cable to it, and its ring fills."),
        (Self::Success, "Succeeded. A run in this state is called finished."),
        (Self::Failed, "Large and solid, with the reason beside it."),
        (Self::Cancelled, "A user stopped the run."),
        (Self::Skipped, "Not needed, so it never started."),
        (Self::Unknown, "No data: its events were not received."),
        (Self::Silent, "Faded: it was running, but nothing was received for 30 s."),
        (Self::Pending, "Not started yet. A run in this state is called queued."),
    ];

    /// Returns the display name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running | Self::Idle => "running",
            Self::Silent => "no news",
            Self::Success => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }

    pub fn tone(self) -> Tone {
        match self {
            Self::Pending | Self::Skipped | Self::Unknown => Tone::Quiet,
            Self::Silent => Tone::Muted,
            Self::Running | Self::Idle => Tone::Running,
            Self::Success => Tone::Success,
            Self::Failed => Tone::Failed,
            Self::Cancelled => Tone::Cancelled,
        }
    }

    pub fn outline(self) -> Outline {
        match self {
            Self::Pending => Outline::Ring,
            Self::Running => Outline::Levels { moving: true },
            Self::Idle => Outline::Levels { moving: false },
            Self::Silent => Outline::Clock,
            Self::Success => Outline::Check,
            Self::Failed => Outline::Octagon,
            Self::Cancelled => Outline::Square,
            Self::Skipped => Outline::Arrows,
            Self::Unknown => Outline::QuestionMark,
        }
    }

    pub fn progress(self) -> Progress {
        match self {
            Self::Pending => Progress::Ahead,
            Self::Running | Self::Idle | Self::Silent => Progress::AtWork,
            Self::Success | Self::Failed | Self::Cancelled => Progress::Over,
            Self::Skipped | Self::Unknown => Progress::PassedOver,
        }
    }
}

impl From<NodeStatus> for DisplayStatus {
    fn from(status: NodeStatus) -> Self {
        match status {
            NodeStatus::Pending => Self::Pending,
            NodeStatus::Running => Self::Running,
            NodeStatus::Success => Self::Success,
            NodeStatus::Failed => Self::Failed,
            NodeStatus::Skipped => Self::Skipped,
            NodeStatus::Unknown => Self::Unknown,
        }
    }
}

impl From<RunStatus> for DisplayStatus {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Pending => Self::Pending,
            RunStatus::Running => Self::Running,
            RunStatus::Completed => Self::Success,
            RunStatus::Failed => Self::Failed,
            RunStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// Returns the display name of a node's status.
pub fn node_status_words(status: NodeStatus) -> &'static str {
    DisplayStatus::from(status).words()
}

/// Returns the display name of a run's status.
pub fn run_status_words(status: RunStatus) -> &'static str {
    status.words()
}
