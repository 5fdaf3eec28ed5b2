//! A node of a run, and its attempts.

use std::sync::Arc;

use jiff::Timestamp;

use crate::protocol::{NodeName, Score};

/// Attempts kept of one node; the oldest go first, `attempts` goes on counting.
const KEPT_ATTEMPTS: usize = 32;

/// Where a node stands (protocol section 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NodeStatus {
    /// It has not been its turn yet.
    #[default]
    Pending,
    Running,
    Success,
    Failed,
    /// It never started, and something behind it did or the run is over.
    Skipped,
    /// Its story was missed: neither skipped nor done can be claimed.
    Unknown,
}

impl NodeStatus {
    /// The name as `inspect --json` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// One execution of a node within a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// `None` when the start was missed and no duration tells of it.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub duration_ms: Option<u64>,
    pub status: NodeStatus,
    pub error: Option<Arc<str>>,
    /// In order of name; empty when none came.
    pub scores: Arc<[Score]>,
}

/// A node of a run. Times, error and scores are those of the latest attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub name: NodeName,
    pub status: NodeStatus,
    /// How often it was tried, counting attempts of which only the end was seen.
    pub attempts: u32,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub duration_ms: Option<u64>,
    pub error: Option<Arc<str>>,
    /// How it ended is not known from its own event but from the run's end.
    pub inferred: bool,
    /// In order of name; empty when none came.
    pub scores: Arc<[Score]>,
    /// Percent done, 0 to 100, where the node tells.
    pub progress_percent: Option<f64>,
    /// Orders starts within the run: the node that started last has the greatest.
    pub(super) start_order: u32,
    /// Attempts before the latest. Most nodes are tried once and have none.
    earlier: Vec<Attempt>,
}

impl Node {
    pub(super) fn new(name: NodeName) -> Self {
        Self {
            name,
            status: NodeStatus::Pending,
            attempts: 0,
            started_at: None,
            ended_at: None,
            duration_ms: None,
            error: None,
            inferred: false,
            scores: Arc::default(),
            progress_percent: None,
            start_order: 0,
            earlier: Vec::new(),
        }
    }

    /// The attempts, oldest first, the latest included; the first of very many are dropped.
    pub fn history(&self) -> impl Iterator<Item = Attempt> {
        let latest = (self.attempts > 0).then(|| self.latest());
        self.earlier.iter().cloned().chain(latest)
    }

    fn latest(&self) -> Attempt {
        Attempt {
            started_at: self.started_at,
            ended_at: self.ended_at,
            duration_ms: self.duration_ms,
            status: self.status,
            error: self.error.clone(),
            scores: self.scores.clone(),
        }
    }

    /// Whether an event of this node was seen in this execution.
    pub fn was_seen(&self) -> bool {
        self.attempts > 0
    }

    /// Milliseconds the latest attempt took, or has taken by now on the server's clock; `None` when
    /// that is not known.
    pub fn elapsed_ms(&self, server_now: Timestamp) -> Option<u64> {
        match self.status {
            NodeStatus::Running => elapsed_ms(self.started_at?, server_now),
            _ => self.duration_ms,
        }
    }

    pub(super) fn start(&mut self, at: Option<Timestamp>, order: u32) {
        if self.attempts > 0 {
            let mut latest = self.latest();
            if latest.status == NodeStatus::Running {
                // Its end was missed.
                latest.status = NodeStatus::Unknown;
            }
            if self.earlier.len() + 1 == KEPT_ATTEMPTS {
                self.earlier.remove(0);
            }
            self.earlier.push(latest);
        }
        self.attempts = self.attempts.saturating_add(1);
        self.status = NodeStatus::Running;
        self.started_at = at;
        self.ended_at = None;
        self.duration_ms = None;
        self.error = None;
        self.inferred = false;
        self.scores = Arc::default();
        self.progress_percent = None;
        self.start_order = order;
    }

    /// Ends the latest attempt. Without a duration, the difference of the instants counts.
    pub(super) fn finish(&mut self, end: Finish) {
        let difference = || {
            let started_at = self.started_at?;
            u64::try_from(end.at?.duration_since(started_at).as_millis()).ok()
        };
        self.duration_ms = end.duration_ms.or_else(difference);
        self.status = end.status;
        self.ended_at = end.at;
        self.error = end.error;
        self.inferred = end.inferred;
        self.scores = end.scores;
    }
}

/// Milliseconds from `since` to `now`, none when that is negative: clocks are only estimated.
pub(super) fn elapsed_ms(since: Timestamp, now: Timestamp) -> Option<u64> {
    u64::try_from(now.duration_since(since).as_millis().max(0)).ok()
}

/// How an attempt ended.
pub(super) struct Finish {
    pub(super) at: Option<Timestamp>,
    pub(super) status: NodeStatus,
    pub(super) duration_ms: Option<u64>,
    pub(super) error: Option<Arc<str>>,
    pub(super) scores: Arc<[Score]>,
    pub(super) inferred: bool,
}
