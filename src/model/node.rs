//! A node of a run, and its attempts.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::fact::SKEW;
use crate::protocol::{NodeName, Score, score_bytes};
use crate::text::head_of;

/// FIX's index in the [`PIPELINE`](crate::protocol::PIPELINE).
pub(super) const FIX: usize = 6;

/// Maximum number of nodes per run, to bound memory. Events of further nodes are counted and logged but
/// change nothing.
pub(super) const MOST_NODES: usize = 256;

/// Longest plausible duration. If two instants are further apart, one of them is wrong.
const LONGEST_SPAN: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Maximum number of attempts kept per node. Older ones are dropped; `attempts` still counts them.
const KEPT_ATTEMPTS: usize = 32;

/// Number of bytes kept of an error in a run whose texts take too much memory.
const KEPT_OF_A_CUT_ERROR: usize = 1 << 10;

/// Status of a node (protocol section 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NodeStatus {
    /// Not started yet.
    #[default]
    Pending,
    /// Started and not ended.
    Running,
    /// Ended without an error.
    Success,
    /// Ended with an error.
    Failed,
    /// Never started, although a later node did or the run is over.
    Skipped,
    /// Events were missed, so it is unknown whether the node ran.
    Unknown,
}

impl NodeStatus {
    /// Returns the status as `inspect --json` writes it.
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
    /// `None` when the start was missed and cannot be computed from a duration.
    pub started_at: Option<Timestamp>,
    /// End by the server's clock; `None` while the attempt is running, or when unknown.
    pub ended_at: Option<Timestamp>,
    /// Duration in milliseconds, as reported by the server.
    pub duration_ms: Option<u64>,
    /// Status of the attempt.
    pub status: NodeStatus,
    /// Reason of the failure.
    pub error: Option<Arc<str>>,
    /// Sorted by name; empty when there are none.
    pub scores: Arc<[Score]>,
    /// True when the attempt or its outcome is known from REST and not from an event.
    pub from_rest: bool,
}

/// A node of a run. Times, error and scores are those of the latest attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name, such as `STYLE`.
    pub name: NodeName,
    /// Status of the latest attempt.
    pub status: NodeStatus,
    /// Number of attempts, including those of which only the end was seen.
    pub attempts: u32,
    /// Start of the latest attempt, by the server's clock.
    pub started_at: Option<Timestamp>,
    /// End of the latest attempt, by the server's clock.
    pub ended_at: Option<Timestamp>,
    /// Duration of the latest attempt in milliseconds.
    pub duration_ms: Option<u64>,
    /// Reason why the latest attempt failed.
    pub error: Option<Arc<str>>,
    /// True when the outcome was inferred from the run's end, because the node's own end was not seen.
    pub inferred: bool,
    /// True when the latest attempt or its outcome is known from REST and not from an event.
    pub from_rest: bool,
    /// Sorted by name; empty when there are none.
    pub scores: Arc<[Score]>,
    /// Progress in percent, 0 to 100; `None` when the node reports none.
    pub progress_percent: Option<f64>,
    /// Number that orders starts within the run; largest for the node that started last.
    pub(super) start_order: u32,
    history: Attempts,
}

/// Attempts, oldest first. Most nodes have one, which needs no vector.
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

    fn as_mut_slice(&mut self) -> &mut [Attempt] {
        match self {
            Self::AtMostOne(attempt) => attempt.as_mut_slice(),
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

    /// Returns the attempts, oldest first, including the latest. Only the last 32 are kept.
    pub fn history(&self) -> &[Attempt] {
        self.history.as_slice()
    }

    /// True when the node has an attempt in this execution.
    pub fn was_seen(&self) -> bool {
        self.attempts > 0
    }

    /// Returns the duration of the latest attempt in milliseconds; while it runs, the time elapsed
    /// until `server_now`. `None` when unknown.
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
            // The end of that attempt was missed.
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

    /// Replaces the kept attempts by `attempts`, oldest first, of which `added` are new.
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

    /// Returns the approximate size of the texts in bytes. What two attempts share is counted twice.
    pub(super) fn text_bytes(&self) -> usize {
        let of = |error: &Option<Arc<str>>, scores: &[Score]| {
            error.as_ref().map_or(0, |error| error.len()) + score_bytes(scores)
        };
        let attempts = self.history().iter().map(|it| of(&it.error, &it.scores));
        self.name.len() + of(&self.error, &self.scores) + attempts.sum::<usize>()
    }

    /// Drops the attempts before the latest. They are still counted.
    pub(super) fn drop_earlier_attempts(&mut self) {
        if let Attempts::Several(attempts) = &mut self.history {
            self.history = Attempts::AtMostOne(attempts.pop());
        }
    }

    /// Drops the scores and cuts the error of each attempt.
    pub(super) fn cut_texts(&mut self) {
        let (error, scores) = (&mut self.error, &mut self.scores);
        let attempts = self.history.as_mut_slice().iter_mut();
        let texts = attempts.map(|it| (&mut it.error, &mut it.scores)).chain([(error, scores)]);
        for (error, scores) in texts {
            *scores = Arc::default();
            cut_error(error);
        }
    }

    /// Moves all instants, after the server's clock was set.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let shift = |at: &mut Option<Timestamp>| {
            *at = at.map(|at| at.checked_add(by).unwrap_or(at));
        };
        shift(&mut self.started_at);
        shift(&mut self.ended_at);
        for attempt in self.history.as_mut_slice() {
            shift(&mut attempt.started_at);
            shift(&mut attempt.ended_at);
        }
    }

    /// Ends the latest attempt. Without a reported duration, uses the difference of the instants.
    pub(super) fn finish(&mut self, end: Finish) {
        let difference = || span_ms(self.started_at?, end.at?);
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

/// Returns the failed node that started last.
pub(super) fn failed_node(nodes: &[Node]) -> Option<&Node> {
    let failed = nodes.iter().filter(|node| node.status == NodeStatus::Failed);
    failed.max_by_key(|node| node.start_order)
}

/// Cuts an error to its beginning.
pub(super) fn cut_error(error: &mut Option<Arc<str>>) {
    if let Some(text) = error.as_mut().filter(|text| text.len() > KEPT_OF_A_CUT_ERROR) {
        *text = format!("{}…", head_of(text, KEPT_OF_A_CUT_ERROR)).into();
    }
}

/// Returns the milliseconds from start to end. Two clocks may have written the instants, so an end up
/// to [`SKEW`] before its start counts as 0 ms. Returns `None` when the difference is not plausible.
pub(super) fn span_ms(began: Timestamp, ended: Timestamp) -> Option<u64> {
    let span = ended.duration_since(began);
    if span < -SKEW || span > LONGEST_SPAN {
        return None;
    }
    u64::try_from(span.as_millis().max(0)).ok()
}

/// Returns the milliseconds from `since` to `now`, at least 0: `now` is an estimate.
pub(super) fn elapsed_ms(since: Timestamp, now: Timestamp) -> Option<u64> {
    u64::try_from(now.duration_since(since).as_millis().max(0)).ok()
}

/// Outcome of an attempt.
pub(super) struct Finish {
    pub(super) at: Option<Timestamp>,
    pub(super) status: NodeStatus,
    pub(super) duration_ms: Option<u64>,
    pub(super) error: Option<Arc<str>>,
    pub(super) scores: Arc<[Score]>,
    pub(super) inferred: bool,
}
