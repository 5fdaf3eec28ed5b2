//! Kinds of runs in the studio, with their frequencies.

use std::{borrow::Cow, time::Duration};

use super::Node;

/// Failure of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// LYRICS waits for its language model until the skill times out.
    LlmTimeout,
    /// COMPOSE requests more memory than is available.
    OutOfMemory,
    /// The render engine rejects the job.
    QuotaExceeded,
    /// STYLE does not know the genre: invalid input, so there is no stack trace.
    UnknownGenre,
}

impl Failure {
    pub const fn node(self) -> Node {
        match self {
            Self::LlmTimeout => Node::Lyrics,
            Self::OutOfMemory => Node::Compose,
            Self::QuotaExceeded => Node::Render,
            Self::UnknownGenre => Node::Style,
        }
    }

    /// Returns the error text of a node that failed `after` this time, as the viewer's clock ran. The
    /// text must agree with the reported duration, which depends on the studio's speed.
    pub fn message(self, after: Duration) -> Cow<'static, str> {
        match self {
            Self::LlmTimeout => {
                format!("LLM call timed out in LYRICS after {}", seconds(after)).into()
            }
            Self::OutOfMemory => {
                "Out of memory in COMPOSE: 23.1 of 24.0 GiB in use, 1.6 GiB asked".into()
            }
            Self::QuotaExceeded => "Engine queue rejected the job: quota exceeded".into(),
            Self::UnknownGenre => "Genre not found in blueprint".into(),
        }
    }

    /// Returns the backend's `error_type`.
    pub const fn error_type(self) -> &'static str {
        match self {
            Self::LlmTimeout => "LLMTimeout",
            Self::OutOfMemory => "OutOfMemoryError",
            Self::QuotaExceeded => "RenderQueueError",
            Self::UnknownGenre => "validation",
        }
    }

    /// Returns how long the node runs before it fails: typical seconds, and the spread of the
    /// log-normal distribution.
    pub(super) const fn after_secs(self) -> (f64, f64) {
        match self {
            Self::LlmTimeout => (30.0, 0.002),
            Self::OutOfMemory => (21.0, 0.25),
            Self::QuotaExceeded => (3.1, 0.2),
            Self::UnknownGenre => (1.3, 0.2),
        }
    }
}

/// Formats a time as the backend does: whole seconds from 10 s on, otherwise with one decimal.
fn seconds(time: Duration) -> String {
    let secs = time.as_secs_f64();
    if secs < 9.95 { format!("{secs:.1}s") } else { format!("{secs:.0}s") }
}

/// Course of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scenario {
    /// Completes without a fix pass.
    Plain,
    /// VALIDATE passes after this many fix passes, 1 to 3.
    Fix(u8),
    /// VALIDATE never passes: RENDER is skipped, and the run completes nevertheless.
    FixExhausted,
    LyricsTimeout,
    ComposeOutOfMemory,
    RenderQuota,
    StyleGenre,
    /// A skill is not registered: the run fails without events of the node.
    SkillMissing,
    /// Cancelled, but the execution continues to its end, as in the backend.
    CancelledGoesOn,
    /// Cancelled, with no further events.
    CancelledStops,
    /// One long node takes three times as long as usual.
    SlowNode,
    /// Fails, and is executed again under the same id.
    ExecutedTwice,
}

impl Scenario {
    /// All kinds with their weights, out of 1000 runs.
    pub const WEIGHTED: [(Self, u32); 14] = [
        (Self::Plain, 610),
        (Self::Fix(1), 130),
        (Self::Fix(2), 50),
        (Self::Fix(3), 20),
        (Self::FixExhausted, 18),
        (Self::LyricsTimeout, 18),
        (Self::ComposeOutOfMemory, 12),
        (Self::RenderQuota, 16),
        (Self::StyleGenre, 12),
        (Self::SkillMissing, 8),
        (Self::CancelledGoesOn, 26),
        (Self::CancelledStops, 12),
        (Self::SlowNode, 56),
        (Self::ExecutedTwice, 12),
    ];

    pub(super) fn draw(rng: &mut fastrand::Rng) -> Self {
        let total: u32 = Self::WEIGHTED.iter().map(|(_, weight)| weight).sum();
        let mut left = rng.u32(..total);
        for (scenario, weight) in Self::WEIGHTED {
            if left < weight {
                return scenario;
            }
            left -= weight;
        }
        Self::Plain
    }

    /// Returns the failure of the first execution, if any.
    pub const fn failure(self) -> Option<Failure> {
        match self {
            Self::LyricsTimeout => Some(Failure::LlmTimeout),
            Self::ComposeOutOfMemory => Some(Failure::OutOfMemory),
            Self::RenderQuota | Self::ExecutedTwice => Some(Failure::QuotaExceeded),
            Self::StyleGenre => Some(Failure::UnknownGenre),
            _ => None,
        }
    }

    /// True when the run's final state is failed.
    pub const fn ends_failed(self) -> bool {
        matches!(
            self,
            Self::LyricsTimeout
                | Self::ComposeOutOfMemory
                | Self::RenderQuota
                | Self::StyleGenre
                | Self::SkillMissing
        )
    }
}
