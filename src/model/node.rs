//! A node of a run, and its attempts.

use std::sync::Arc;

use jiff::Timestamp;

use crate::protocol::{NodeName, Score};

/// FIX's place in the [pipeline](crate::protocol::PIPELINE).
pub(super) const FIX: usize = 6;
/// Nodes of one run. Events of more are counted and logged, and change nothing: no pipeline has so
/// many, and what is kept of a run has a bound.
pub(super) const MOST_NODES: usize = 256;

/// Attempts kept of one node; the oldest go first, `attempts` goes on counting.
const KEPT_ATTEMPTS: usize = 32;

/// Where a node stands (protocol section 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NodeStatus {
    /// It has not been its turn yet.
    #[default]
    Pending,
    /// It started and has not ended.
    Running,
    /// It ended without an error.
    Success,
    /// It ended with an error.
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
    /// When it ended, by the server's clock; `None` while it runs, or where that is not known.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds that it took, as the server says.
    pub duration_ms: Option<u64>,
    /// How it stands, or how it ended.
    pub status: NodeStatus,
    /// Why it failed.
    pub error: Option<Arc<str>>,
    /// In order of name; empty when none came.
    pub scores: Arc<[Score]>,
    /// How it ended, or that it was at all, is known from REST and not from an event.
    pub from_rest: bool,
}

/// A node of a run. Times, error and scores are those of the latest attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name, as `STYLE`.
    pub name: NodeName,
    /// Where it stands.
    pub status: NodeStatus,
    /// How often it was tried, counting attempts of which only the end was seen.
    pub attempts: u32,
    /// When the latest attempt started, by the server's clock.
    pub started_at: Option<Timestamp>,
    /// When the latest attempt ended, by the server's clock.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds that the latest attempt took.
    pub duration_ms: Option<u64>,
    /// Why the latest attempt failed.
    pub error: Option<Arc<str>>,
    /// How it ended is not known from its own event but from the run's end.
    pub inferred: bool,
    /// How the latest attempt ended, or that it was at all, is known from REST and not from an
    /// event.
    pub from_rest: bool,
    /// In order of name; empty when none came.
    pub scores: Arc<[Score]>,
    /// Percent done, 0 to 100, where the node tells.
    pub progress_percent: Option<f64>,
    /// Orders starts within the run: the node that started last has the greatest.
    pub(super) start_order: u32,
    history: Attempts,
}

/// Attempts, oldest first. Most nodes are tried once, and need no vector for that.
#[derive(Clone, Debug, PartialEq)]
enum Attempts {
    AtMostOne(Option<Attempt>),
    Several(Vec<Attempt>),
}

impl Attempts {
    fn as_slice(&self) -> &[Attempt] {
        match self {
            Self::AtMostOne(attempt) => attempt.as_slice(),
            Self::Several(attempts) => attempts,
        }
    }

    fn latest_mut(&mut self) -> Option<&mut Attempt> {
        match self {
            Self::AtMostOne(attempt) => attempt.as_mut(),
            Self::Several(attempts) => attempts.last_mut(),
        }
    }

    fn push(&mut self, next: Attempt) {
        match self {
            Self::AtMostOne(attempt) => match attempt.take() {
                None => *attempt = Some(next),
                Some(first) => *self = Self::Several(vec![first, next]),
            },
            Self::Several(attempts) => {
                if attempts.len() == KEPT_ATTEMPTS {
                    attempts.remove(0);
                }
                attempts.push(next);
            }
        }
    }
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
            from_rest: false,
            scores: Arc::default(),
            progress_percent: None,
            start_order: 0,
            history: Attempts::AtMostOne(None),
        }
    }

    /// The attempts, oldest first, the latest included; the first of very many are dropped.
    pub fn history(&self) -> &[Attempt] {
        self.history.as_slice()
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
        if let Some(attempt) = self.history.latest_mut()
            && attempt.status == NodeStatus::Running
        {
            // Its end was missed.
            attempt.status = NodeStatus::Unknown;
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
        self.history.push(Attempt {
            started_at: at,
            ended_at: None,
            duration_ms: None,
            status: NodeStatus::Running,
            error: None,
            scores: Arc::default(),
            from_rest: false,
        });
    }

    /// Puts `attempts`, oldest first, in the place of those that are kept; `added` of them are new.
    pub(super) fn replace_attempts(&mut self, mut attempts: Vec<Attempt>, added: u32) {
        let Some(latest) = attempts.last_mut() else { return };
        self.attempts = self.attempts.saturating_add(added);
        self.inferred &= latest.status == NodeStatus::Unknown;
        if self.inferred {
            latest.status = self.status;
        } else {
            self.status = latest.status;
            self.ended_at = latest.ended_at;
            self.duration_ms = latest.duration_ms;
            self.error = latest.error.clone();
            self.from_rest = latest.from_rest;
        }
        self.started_at = latest.started_at;
        self.scores = latest.scores.clone();
        attempts.drain(..attempts.len().saturating_sub(KEPT_ATTEMPTS));
        self.history = match attempts.len() {
            1 => Attempts::AtMostOne(attempts.pop()),
            _ => Attempts::Several(attempts),
        };
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
        if let Some(attempt) = self.history.latest_mut() {
            attempt.started_at = self.started_at;
            attempt.ended_at = self.ended_at;
            attempt.duration_ms = self.duration_ms;
            attempt.status = self.status;
            attempt.error = self.error.clone();
            attempt.scores = self.scores.clone();
        }
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
