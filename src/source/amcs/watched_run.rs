//! State of one watched run: its status, and what has to be requested. Performs no I/O; the caller
//! passes the time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;
use tokio::time::Instant;

use super::queries::Freshness;
use crate::protocol::rest::{ListedRun, ReportedStatus, RunSnapshot};
use crate::protocol::{NodeName, ORPHAN_AFTER, Phase, RunId, WorkflowEvent};

/// Silence on the open socket of a running run after which its detail is requested.
const SILENCE: Duration = Duration::from_secs(10);
/// Interval of requests for an orphan, which may still make progress.
const ORPHAN_INTERVAL: Duration = Duration::from_secs(60);
/// Time without progress after which a cancelled run without a running node counts as over.
const CANCEL_SETTLES: Duration = Duration::from_secs(30);
/// Time since the loss of the server after which a cancelled run counts as over: the server took its
/// running node with it.
const LOST_SETTLES: Duration = Duration::from_secs(5);
/// Time that a socket has to stand before it counts as a success. A shorter one counts as a failure, so
/// that a server that drops its sockets at once is tried less and less.
const SOCKET_STANDS: Duration = Duration::from_secs(30);
/// Number of runs that are polled at the full rate; with more, the interval of each grows in
/// proportion.
const RUNS_AT_FULL_PACE: usize = 16;
/// Interval of requests for a queued run after [`WAITING_SETTLES`], because it may never begin.
const WAITING_INTERVAL: Duration = Duration::from_secs(30);
const WAITING_SETTLES: Duration = Duration::from_secs(60);
/// Pause between a refused socket and the next attempt.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// Inputs of [`WatchedRun::freshness`] that are not part of the run.
pub(super) struct FreshnessInputs {
    /// True when the run's socket is open.
    pub socket_is_open: bool,
    pub poll_interval: Duration,
    /// Number of begun, unfinished runs, which are all polled.
    pub unfinished: usize,
    pub server_now: Option<Timestamp>,
    /// The time of the last answer with the run's detail.
    pub answered_at: Option<Instant>,
    pub now: Instant,
}

/// The time at which the server was found to be unreachable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub at: Instant,
    /// The same time by the server's clock, where it is known.
    pub server_at: Option<Timestamp>,
}

/// Requests that an event makes necessary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Invalidation {
    /// The run's detail is out of date and is to be requested at the normal rate.
    pub invalidates_run: bool,
    /// The run has ended or was cancelled: its detail is to be requested now.
    pub demands_run: bool,
    pub invalidates_song: bool,
}

#[derive(Debug)]
pub(super) struct WatchedRun {
    pub id: RunId,
    pub song_id: Option<SmolStr>,
    /// Start of the run, or its creation; orders runs, newest first.
    pub started_at: Option<Timestamp>,
    /// The user named the run: it is watched whether or not it is listed.
    pub is_named: bool,
    /// The run was created or operated on here, or was unfinished in the store: it is watched until it
    /// is over.
    pub is_ours: bool,
    /// The last list contained the run as running.
    pub is_listed: bool,
    /// The node that the last list named as the run's last completed one.
    listed_node: Option<NodeName>,
    pub snapshot: Option<Arc<RunSnapshot>>,
    status: Option<ReportedStatus>,
    /// Time of the run's last `start` event; `ended_at` is that of its last `end` or `fail` event.
    begun_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    is_over: bool,
    /// Latest time in any report about the run, by the server's clock.
    progress_at: Option<Timestamp>,
    /// The local time at which progress was last noticed.
    noticed_at: Instant,
    /// Progress was made since the run became known here.
    has_moved: bool,
    /// The local time at which the run became known here.
    known_since: Instant,
    /// The local time of the last socket message, or of the opening of the socket.
    heard_at: Instant,
    socket_failures: u32,
    socket_opened_at: Option<Instant>,
    socket_not_before: Option<Instant>,
    /// The run does not exist, or cannot be read.
    pub is_missing: bool,
}

impl WatchedRun {
    pub fn new(id: RunId, now: Instant) -> Self {
        Self {
            id,
            song_id: None,
            started_at: None,
            is_named: false,
            is_ours: false,
            is_listed: false,
            listed_node: None,
            snapshot: None,
            status: None,
            begun_at: None,
            ended_at: None,
            is_over: false,
            progress_at: None,
            noticed_at: now,
            has_moved: false,
            known_since: now,
            heard_at: now,
            socket_failures: 0,
            socket_opened_at: None,
            socket_not_before: None,
            is_missing: false,
        }
    }

    /// Creates the state of a run from the list of all runs.
    pub fn past(id: RunId, run: &ListedRun, now: Instant) -> Self {
        Self {
            song_id: run.song_id.clone(),
            started_at: run.started_at,
            status: run.status,
            ..Self::new(id, now)
        }
    }

    /// Records that a list contains the run as running. Returns true when its current node differs from
    /// that in the last list.
    pub fn listed(&mut self, run: &ListedRun) -> bool {
        self.is_listed = true;
        self.is_missing = false;
        if self.status.is_none() {
            self.status = run.status.or(Some(ReportedStatus::Running));
        }
        self.started_at = self.started_at.or(run.started_at);
        if self.song_id.is_none() {
            self.song_id.clone_from(&run.song_id);
        }
        let has_changed = self.listed_node != run.current_node;
        self.listed_node.clone_from(&run.current_node);
        has_changed
    }

    /// The local time at which the run became known here.
    pub fn known_since(&self) -> Instant {
        self.known_since
    }

    /// True when no further progress is expected.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// True for a run that was over when a list first contained it, and whose detail is still unknown.
    pub fn is_unread_past(&self) -> bool {
        let is_over =
            self.status.is_some_and(|it| it.is_final() || it == ReportedStatus::Cancelled);
        is_over && self.snapshot.is_none() && !self.is_listed && !self.is_named && !self.is_ours
    }

    pub fn is_running(&self) -> bool {
        !self.is_over && self.status == Some(ReportedStatus::Running)
    }

    /// True when the run has not begun, as far as is known.
    pub fn waits(&self) -> bool {
        matches!(self.status, None | Some(ReportedStatus::Pending))
    }

    /// True when the status is running and there was no progress for [`ORPHAN_AFTER`], by the server's
    /// clock where it is known, or by the local time since progress was last noticed.
    pub fn is_orphan(&self, server_now: Option<Timestamp>, now: Instant) -> bool {
        let quiet = server_now.zip(self.progress_at).map(|(now, at)| now.duration_since(at));
        let seen_quiet = now.saturating_duration_since(self.noticed_at);
        self.is_running() && (quiet.is_some_and(is_long) || seen_quiet >= ORPHAN_AFTER)
    }

    /// True when a socket is useful. Excludes runs without progress since the last loss of the server:
    /// they may be dead, and the socket of a dead run would never be closed.
    pub fn wants_socket(
        &self,
        server_now: Option<Timestamp>,
        loss: Option<&Loss>,
        now: Instant,
    ) -> bool {
        let waits = self.waits() && (self.is_named || self.is_ours);
        let goes_on = self.status == Some(ReportedStatus::Cancelled);
        // A run that began long ago may be an orphan: wait for its detail.
        let age = server_now.zip(self.started_at).map(|(now, at)| now.duration_since(at));
        let is_young = age.map_or(self.has_moved, |age| !is_long(age));
        let is_known = self.snapshot.is_some() && age.is_some();
        let is_alive = loss.is_none_or(|loss| self.has_moved_since(loss));
        !self.is_over
            && !self.is_missing
            && is_alive
            && (is_known || self.is_named || self.is_ours || is_young)
            && (self.is_running() || waits || goes_on)
            && !self.is_orphan(server_now, now)
    }

    /// True when progress was made after the server was lost.
    fn has_moved_since(&self, loss: &Loss) -> bool {
        match loss.server_at {
            Some(at) => self.progress_at > Some(at),
            None => self.noticed_at > loss.at,
        }
    }

    /// The ages at which the run's detail is to be requested again.
    pub fn freshness(&self, look: &FreshnessInputs) -> Freshness {
        let scale = |interval: Duration| {
            let crowd = look.unfinished.max(RUNS_AT_FULL_PACE) as f64 / RUNS_AT_FULL_PACE as f64;
            interval.mul_f64(crowd)
        };
        let waited = look.now.saturating_duration_since(self.known_since);
        let age = look.server_now.zip(self.started_at).map(|(now, at)| now.duration_since(at));
        let is_old = age.is_some_and(|age| age.unsigned_abs() > WAITING_SETTLES);
        let lasts = match () {
            () if self.is_missing || self.is_orphan(look.server_now, look.now) => {
                Some(scale(ORPHAN_INTERVAL))
            }
            // Listed as running although it is over: a second execution, or an outdated list.
            () if self.is_over => self.is_listed.then_some(look.poll_interval),
            // Silence counts from the last message, or from the last answer where that is later.
            () if look.socket_is_open => {
                let since = look
                    .answered_at
                    .map_or(Duration::ZERO, |at| self.heard_at.saturating_duration_since(at));
                Some(since + SILENCE)
            }
            () if self.waits() && !self.is_named && (waited > WAITING_SETTLES || is_old) => {
                Some(scale(WAITING_INTERVAL))
            }
            () => Some(scale(look.poll_interval)),
        };
        Freshness { lasts, stale_lasts: look.poll_interval }
    }

    /// Applies a snapshot from REST. `loss` is the last time the server was lost. Returns the snapshot
    /// to deliver, or `None` when it is unchanged.
    pub fn apply_snapshot(
        &mut self,
        mut snapshot: RunSnapshot,
        loss: Option<&Loss>,
        server_now: Option<Timestamp>,
        now: Instant,
    ) -> Option<Arc<RunSnapshot>> {
        self.is_missing = false;
        if self.song_id.is_none() {
            self.song_id.clone_from(&snapshot.song_id);
        }
        self.started_at = self.started_at.or(snapshot.created_at);
        let until = snapshot.reported_until();
        if until > self.progress_at {
            self.has_moved |= self.progress_at.is_some();
            self.progress_at = until;
            self.noticed_at = now;
        }
        // The snapshot may be older than an event that reported a new start or the end.
        let lacks = |at: Option<Timestamp>| at.is_some_and(|at| until.is_some_and(|it| it < at));
        let is_ended = self.ended_at.is_some() && self.ended_at >= self.begun_at;
        let says_running = snapshot.status == Some(ReportedStatus::Running);
        let is_outdated = lacks(self.begun_at) || is_ended && says_running && lacks(self.ended_at);
        if !is_outdated {
            self.status = snapshot.status.or(self.status);
        }
        let runs = snapshot.executions.iter().any(|row| row.status == ReportedStatus::Running);
        self.is_over = match self.status {
            Some(status) if status.is_final() => true,
            Some(ReportedStatus::Cancelled) if runs => {
                let age = server_now.zip(until).map(|(now, at)| now.duration_since(at));
                let is_lost = loss.is_some_and(|loss| {
                    let settled = now.saturating_duration_since(loss.at) >= LOST_SETTLES;
                    settled && !self.has_moved_since(loss)
                });
                is_lost || age.is_some_and(is_long)
            }
            Some(ReportedStatus::Cancelled) => {
                let age = server_now.zip(until).map(|(now, at)| now.duration_since(at));
                let is_old = |age: SignedDuration| age.unsigned_abs() >= CANCEL_SETTLES;
                let quiet = now.saturating_duration_since(self.noticed_at) >= CANCEL_SETTLES;
                snapshot.executions.is_empty() || quiet || age.is_some_and(is_old)
            }
            _ => false,
        };
        snapshot.is_settled = self.is_over && runs;
        let is_new = self.snapshot.as_ref().is_none_or(|known| **known != snapshot);
        let snapshot = Arc::new(snapshot);
        self.snapshot = Some(snapshot.clone());
        is_new.then_some(snapshot)
    }

    /// Applies an event from the run's socket. Returns the requests that it makes necessary.
    pub fn observe(&mut self, event: &WorkflowEvent, now: Instant) -> Invalidation {
        self.heard_at = now;
        if Some(event.at) > self.progress_at {
            self.has_moved |= self.progress_at.is_some();
            self.progress_at = Some(event.at);
            self.noticed_at = now;
        }
        let detail = event.detail.as_deref();
        if self.song_id.is_none() {
            self.song_id = detail.and_then(|detail| detail.song_id.clone());
        }
        if event.node.is_some() {
            let ended = matches!(event.phase, Phase::End | Phase::Fail);
            if event.phase == Phase::Start && self.status == Some(ReportedStatus::Cancelled) {
                self.is_over = false;
            }
            return Invalidation { invalidates_run: ended, ..Invalidation::default() };
        }
        match event.phase {
            Phase::Start if Some(event.at) > self.begun_at => {
                self.begun_at = Some(event.at);
                if self.ended_at.is_none_or(|ended| ended < event.at) {
                    let is_known = self.is_running();
                    self.status = Some(ReportedStatus::Running);
                    self.is_over = false;
                    return Invalidation { invalidates_run: !is_known, ..Invalidation::default() };
                }
            }
            Phase::End | Phase::Fail if Some(event.at) > self.ended_at => {
                self.ended_at = Some(event.at);
                if self.begun_at.is_none_or(|begun| begun <= event.at) {
                    let failed = event.phase == Phase::Fail;
                    self.status = Some(if failed {
                        ReportedStatus::Failed
                    } else {
                        ReportedStatus::Completed
                    });
                    return Invalidation {
                        demands_run: true,
                        invalidates_song: true,
                        ..Invalidation::default()
                    };
                }
            }
            Phase::Info if detail.is_some_and(|detail| detail.says_cancelled) => {
                return Invalidation { demands_run: true, ..Invalidation::default() };
            }
            _ => {}
        }
        Invalidation::default()
    }

    pub fn socket_opened(&mut self, now: Instant) {
        self.heard_at = now;
        self.socket_opened_at = Some(now);
        self.socket_not_before = None;
    }

    /// Records that the socket ended or failed to open. The next attempt is after `delay`, or after at
    /// least [`AFTER_REFUSAL`] where the server refused it.
    pub fn socket_failed(&mut self, refused: bool, delay: Duration, now: Instant) {
        let opened = self.socket_opened_at.take();
        if opened.is_some_and(|at| now.saturating_duration_since(at) >= SOCKET_STANDS) {
            self.socket_failures = 0;
        }
        self.socket_failures = self.socket_failures.saturating_add(1);
        self.socket_not_before = Some(now + if refused { delay.max(AFTER_REFUSAL) } else { delay });
    }

    /// Allows a socket attempt at once, because the server is back.
    pub fn end_pause(&mut self) {
        self.socket_not_before = None;
    }

    /// Number of failed socket attempts since the last open socket.
    pub fn socket_failures(&self) -> u32 {
        self.socket_failures
    }

    /// The time of the next socket attempt; not later than `now` when it is due.
    pub fn socket_due(&self, now: Instant) -> Instant {
        self.socket_not_before.unwrap_or(now)
    }
}

/// True when `span` is at least [`ORPHAN_AFTER`], longer than any live step takes.
fn is_long(span: SignedDuration) -> bool {
    Duration::try_from(span).is_ok_and(|span| span >= ORPHAN_AFTER)
}
