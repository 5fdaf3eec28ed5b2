//! Processes upstream signals: applies them to the model, writes them to the store, and only then
//! shows them to screens. Runs on a thread of its own, because the store may have to wait for a
//! disk.

#[cfg(feature = "cluster")]
mod cluster;
mod history;
mod marks;
mod pending;
mod upstream;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, select};
use foldhash::fast::FixedState;
use jiff::Timestamp;
use tokio_tungstenite::tungstenite::Utf8Bytes;

#[cfg(feature = "cluster")]
pub(super) use self::cluster::{Backend, ClusterSide};
pub(super) use self::marks::MarkRequest;
use self::pending::PendingCommit;
use self::upstream::upstream_of;
use super::dropped_runs::DroppedRuns;
use super::journal::{JournalEntry, JournalEntryKind, JournalRetention, OutdatedRun};
use super::step_detector::StepDetector;
use super::store::{DroppedRun, Store, StoreError};
use super::{News, Shared, State, fresh_id};
use crate::history::HistoryChanges;
use crate::hub::log_line;
use crate::model::{ClockOwner, Model, Outcome, Run, RunStatus};
use crate::protocol::hub::{HubFrame, Upstream, UpstreamState, run_frame};
use crate::protocol::{Batch, EventId, Item, RunId};
use crate::source::Signal;
use crate::text::length_words;

/// Maximum number of signals processed together and written in one commit.
const MOST_SIGNALS: usize = 64;

/// Minimum interval between commits while much arrives, because each commit is also sent to every
/// screen. A single signal is committed without delay.
const COMMIT_INTERVAL: Duration = Duration::from_millis(20);

/// Interval of checks for runs that exceed the retention limits.
const TIDY_INTERVAL: Duration = Duration::from_secs(10);

/// Limits the share of time spent on checks to one twentieth while the journal is over its limits
/// but little or nothing may be dropped.
const TIDY_SHARE: u32 = 20;

/// Number of remembered ids of events that belong to no known run.
const MOST_STRANGERS: usize = 4_096;

/// Age up to which failures that happened while the hub was away are still news after a restart.
const RESTART: Duration = Duration::from_secs(600);

/// Minimum interval between log lines about unreadable items.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

pub(super) struct IngestThread {
    shared: Arc<Shared>,
    store: Option<Store>,
    keep: JournalRetention,
    /// The last sequence number assigned.
    last: u64,
    dropped: DroppedRuns,
    /// Ids of events with an unknown phase of runs that are otherwise unknown.
    strangers: HashSet<EventId, FixedState>,
    was_connected: bool,
    /// True while the upstream is live or polled, by its latest signal.
    is_linked: bool,
    clock: StepDetector,
    tidied: Instant,
    /// Duration of the last check.
    tidying: Duration,
    complained: Option<Instant>,
    /// Instant before which ends of runs are no news to the studio's numbers, by this machine's clock:
    /// the start of a hub without a past. `None` where the store tells what is known.
    counts_since: Option<Timestamp>,
    /// Instant before which ends of runs are no news to anybody, by this machine's clock.
    news_since: Timestamp,
    /// News of what is being written.
    news: Vec<News>,
    /// The hub's part in a cluster, whose stream takes the place of the store.
    #[cfg(feature = "cluster")]
    pub(super) cluster: Option<ClusterSide>,
}

impl IngestThread {
    /// Fills the model and the journal from the store, and returns the state to continue from.
    pub(super) fn resume(
        shared: Arc<Shared>,
        store: Option<Store>,
        keep: JournalRetention,
    ) -> Result<Self, StoreError> {
        let mut ingest_thread = Self {
            shared,
            store: None,
            keep,
            last: 0,
            dropped: DroppedRuns::default(),
            strangers: HashSet::default(),
            was_connected: false,
            is_linked: false,
            clock: StepDetector::new(Timestamp::now(), Instant::now()),
            tidied: Instant::now(),
            tidying: Duration::ZERO,
            complained: None,
            counts_since: Some(Timestamp::now()),
            news_since: Timestamp::now(),
            news: Vec::new(),
            #[cfg(feature = "cluster")]
            cluster: None,
        };
        if let Some(mut store) = store {
            ingest_thread.load(&store)?;
            if ingest_thread.last > 0 {
                ingest_thread.counts_since = None;
                ingest_thread.news_since -= RESTART;
            }
            ingest_thread.load_history(&mut store)?;
            let marked = store.seen()?;
            ingest_thread.store = Some(store);
            ingest_thread.restore_marks(marked);
        }
        ingest_thread.tidy(Timestamp::now(), Instant::now());
        ingest_thread.update_gauges();
        Ok(ingest_thread)
    }

    fn load(&mut self, store: &Store) -> Result<(), StoreError> {
        self.last = store.last();
        for dropped in store.dropped()? {
            self.dropped.insert(dropped);
        }
        let shared = self.shared.clone();
        let (mut state, mut model) = (shared.state_mut(), shared.model());
        let mut unreadable: u64 = 0;
        store.entries(|entry| {
            if self.apply_stored(&mut model, &entry) {
                state.journal.push(entry);
            } else {
                unreadable += 1;
            }
        })?;
        if unreadable > 0 {
            warn(&format!("{unreadable} frames of the store cannot be read and are skipped"));
        }
        Ok(())
    }

    /// Applies a stored frame to the model; returns `false` if the frame cannot be decoded.
    fn apply_stored(&mut self, model: &mut Model, entry: &JournalEntry) -> bool {
        let mut batch = Batch::new(entry.at, false);
        batch.push_text(&entry.text);
        match (entry.kind, batch.items.pop()) {
            (JournalEntryKind::Event, Some(Item::Event(mut event))) => {
                if model.apply(&mut event, entry.at, false) == Outcome::Ignored {
                    self.strangers.insert(event.id);
                }
                true
            }
            (JournalEntryKind::Snapshot, Some(Item::Run(snapshot))) => {
                model.join(snapshot, entry.at);
                true
            }
            _ => false,
        }
    }

    /// Processes signals until `quit` receives a message or is dropped.
    pub(super) fn run(
        mut self,
        mut signals: Receiver<Signal>,
        marks: &Receiver<MarkRequest>,
        quit: &Receiver<()>,
    ) {
        #[cfg(feature = "cluster")]
        if self.cluster.is_some() {
            return self.run_in_cluster(marks, quit);
        }
        loop {
            let began = Instant::now();
            select! {
                recv(quit) -> _ => return,
                recv(signals) -> signal => match signal {
                    Ok(first) => {
                        let more = signals.try_iter().take(MOST_SIGNALS - 1);
                        let all: Vec<Signal> = std::iter::once(first).chain(more).collect();
                        self.take(all);
                        let rest = COMMIT_INTERVAL.saturating_sub(began.elapsed());
                        if quit.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
                            return;
                        }
                    }
                    // The source has ended; what was received is still shown.
                    Err(_) => signals = crossbeam_channel::never(),
                },
                recv(marks) -> request => if let Ok(MarkRequest { runs, answer }) = request {
                    // Sending fails when the client has left.
                    let _ = answer.send(self.mark_seen(runs));
                },
                default(TIDY_INTERVAL) => {}
            }
            let exceeds_limits = self.shared.state().journal.exceeds_limits(&self.keep);
            let rest = if exceeds_limits { self.tidying * TIDY_SHARE } else { TIDY_INTERVAL };
            if self.tidied.elapsed() >= rest.min(TIDY_INTERVAL) {
                self.tidy(Timestamp::now(), Instant::now());
            }
        }
    }

    fn take(&mut self, signals: Vec<Signal>) {
        self.follow_clock(Timestamp::now(), Instant::now());
        let mut staged = PendingCommit::default();
        for signal in signals {
            match signal {
                Signal::Batch(batch) => self.stage(batch, &mut staged),
                Signal::State(state) => {
                    let upstream = upstream_of(&state);
                    let is_linked = upstream.state != UpstreamState::Lost;
                    if is_linked && !std::mem::replace(&mut self.is_linked, is_linked) {
                        self.shared.model().connection_stands();
                    }
                    self.is_linked = is_linked;
                    staged.upstream = Some(upstream);
                }
                // The state says the same as the log entry, in fewer words. The offer of another
                // hub does not apply to this one, and no operations are sent through this source.
                Signal::Log(_)
                | Signal::Hub { .. }
                | Signal::OperationFinished(_)
                | Signal::History(_)
                | Signal::Summary(_) => {}
            }
        }
        self.commit(staged);
    }

    /// Applies the new items of a batch to the model and stages them.
    fn stage(&mut self, mut batch: Batch, staged: &mut PendingCommit) {
        let shared = self.shared.clone();
        let counters = &shared.counters;
        counters.frames_in.add(batch.frames);
        counters.dropped.add(batch.dropped);
        let (at, live) = (batch.received_at, batch.live);
        let items = std::mem::take(&mut batch.items);
        let mut texts = batch.event_texts();
        let mut model = shared.model();
        let state = shared.state();
        for item in items {
            let change = match item {
                Item::Event(mut event) => {
                    let text = texts.next().unwrap_or_default();
                    let now = model.clock().server_time(at);
                    let outcome =
                        if self.dropped.covers(&event.run_id, event.at, now, self.keep.age) {
                            Outcome::Duplicate
                        } else {
                            model.apply(&mut event, at, live)
                        };
                    let known = match &outcome {
                        Outcome::Duplicate => true,
                        Outcome::Ignored => !self.remember_ignored(event.id),
                        Outcome::Applied(_) => false,
                    };
                    if known {
                        counters.duplicates.add(1);
                        continue;
                    }
                    self.push(staged, event.run_id, JournalEntryKind::Event, at, text.into());
                    match outcome {
                        Outcome::Applied(change) => Some(change),
                        _ => None,
                    }
                }
                Item::Run(snapshot) => {
                    let now = model.clock().server_time(at);
                    let until = snapshot.reported_until().unwrap_or(at);
                    if self.dropped.covers(&snapshot.run_id, until, now, self.keep.age) {
                        continue;
                    }
                    let Some(change) = model.join(snapshot.clone(), at) else { continue };
                    staged.replace_snapshot(&snapshot, state.journal.snapshot_of(&snapshot.run_id));
                    // The model's snapshot includes data of earlier snapshots.
                    let known = model.run(&snapshot.run_id).and_then(Run::snapshot);
                    let text = run_frame(known.unwrap_or(&snapshot)).into();
                    self.push(
                        staged,
                        snapshot.run_id.clone(),
                        JournalEntryKind::Snapshot,
                        at,
                        text,
                    );
                    Some(change)
                }
                Item::Malformed(error) => {
                    counters.malformed.add(1);
                    self.complain(&error.reason);
                    None
                }
                // The upstream is a hub, whose marks apply here, too.
                Item::Hub(HubFrame::Seen(runs)) => {
                    staged.seen.extend(runs);
                    None
                }
                Item::Hub(_) | Item::Ignored => None,
            };
            if let Some(change) = change {
                staged.note(change, &state, &model);
            }
        }
        for step in model.take_clock_steps() {
            // A step of this machine's clock is noticed without events, and told by `follow_clock`.
            if step.owner != ClockOwner::ThisMachine {
                log_line(&step.to_string());
            }
        }
    }

    /// Remembers an event that changes nothing. Returns true when it was not seen before.
    fn remember_ignored(&mut self, id: EventId) -> bool {
        if self.strangers.len() >= MOST_STRANGERS {
            self.strangers.clear();
        }
        self.strangers.insert(id)
    }

    fn push(
        &mut self,
        staged: &mut PendingCommit,
        run: RunId,
        kind: JournalEntryKind,
        at: Timestamp,
        text: Utf8Bytes,
    ) {
        self.last += 1;
        staged.entries.push(JournalEntry { seq: self.last, run, kind, at, text });
    }

    /// Writes the staged changes, and then shows them.
    fn commit(&mut self, staged: PendingCommit) {
        let PendingCommit { entries, replaced, evicted, upstream, seen, unseen, touched } = staged;
        self.remove_marks(&unseen);
        if entries.is_empty() && upstream.is_none() {
            self.mark_seen(seen);
            return;
        }
        let changes = self.note_ended(touched);
        if !entries.is_empty() {
            self.write(|store| store.commit(&entries, &replaced, &changes));
        }
        let shared = self.shared.clone();
        let mut state = shared.state_mut();
        for entry in entries {
            state.journal.push(entry);
        }
        if let Some(upstream) = upstream {
            self.set_upstream(&mut state, upstream);
        }
        drop(state);
        shared.notify_clients();
        self.tell_news();
        self.mark_seen(seen);
        let to_make_room = |run| OutdatedRun { run, is_aged: false };
        self.drop_runs(evicted.into_iter().map(to_make_room).collect());
        self.update_gauges();
    }

    /// Writes to the store. After a failure the hub continues without the store, with a new stream:
    /// a later start would assign the same numbers to other frames.
    fn write(&mut self, write: impl FnOnce(&mut Store) -> Result<(), StoreError>) {
        let Some(Err(error)) = self.store.as_mut().map(write) else { return };
        self.store = None;
        self.shared.counters.store_errors.add(1);
        let error = error.to_string();
        warn(&format!("{error}. Nothing is stored until the next start"));
        let mut state = self.shared.state_mut();
        state.stream = fresh_id();
        state.stream_count += 1;
        state.store_trouble = Some(error);
    }

    /// Keeps the ages of runs when this machine's clock was set. A clock that is set right after the
    /// start, as on a machine without a battery for it, would otherwise make all runs too old.
    fn follow_clock(&mut self, now: Timestamp, monotonic: Instant) {
        let Some(by) = self.clock.step(now, monotonic) else { return };
        log_line(&format!(
            "this machine's clock was set {} by {}",
            if by.is_negative() { "back" } else { "forward" },
            length_words(u64::try_from(by.unsigned_abs().as_millis()).unwrap_or(u64::MAX)),
        ));
        let moved = |at: Timestamp| at.checked_add(by).unwrap_or(at);
        self.counts_since = self.counts_since.map(moved);
        self.news_since = moved(self.news_since);
        let mut state = self.shared.state_mut();
        state.journal.clock_stepped(by);
        state.upstream.since = state.upstream.since.checked_add(by).unwrap_or(now);
        state.upstream_count += 1;
        drop(state);
        self.shared.notify_clients();
        self.write(|store| store.clock_stepped(by));
    }

    /// Drops frames and runs that exceed the retention limits, and checks the store.
    fn tidy(&mut self, now: Timestamp, monotonic: Instant) {
        let began = Instant::now();
        self.follow_clock(now, monotonic);
        self.write(|store| store.check());
        let surplus = self.shared.state_mut().journal.surplus();
        self.remove_frames(surplus);
        #[cfg(feature = "cluster")]
        if self.cluster.is_some() {
            // Frames of runs are dropped when the stream says so.
            let excess = self.shared.state().journal.excess(&self.keep);
            self.remove_frames(excess);
            self.prune_history(now);
            self.tidied = Instant::now();
            return self.update_gauges();
        }
        let outdated = self.outdated(now);
        self.drop_runs(outdated);
        // Only running runs are left, of which the oldest frames can go.
        let excess = self.shared.state().journal.excess(&self.keep);
        self.remove_frames(excess);
        self.prune_history(now);
        self.update_gauges();
        if let Some(store) = &self.store {
            self.shared.counters.store_bytes.set(store.bytes());
        }
        self.tidied = Instant::now();
        self.tidying = self.tidied - began;
    }

    /// Returns the runs that are to be dropped now.
    fn outdated(&self, now: Timestamp) -> Vec<OutdatedRun> {
        let model = self.shared.model();
        let has_ended = |run: &RunId| {
            let status = model.run(run).map(|run| run.status);
            matches!(status, None | Some(RunStatus::Completed | RunStatus::Failed))
        };
        self.shared.state().journal.outdated(&self.keep, now, has_ended)
    }

    fn remove_frames(&mut self, frames: Vec<(RunId, Vec<u64>)>) {
        for (run, seqs) in frames {
            self.write(|store| store.commit(&[], &seqs, &HistoryChanges::default()));
            #[cfg(feature = "cluster")]
            self.remove_from_stream(&seqs);
            self.shared.state_mut().journal.remove(&run, &seqs);
        }
    }

    fn drop_runs(&mut self, runs: Vec<OutdatedRun>) {
        if runs.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        let mut model = shared.model();
        let now = Timestamp::now();
        let mut marked = Vec::new();
        let mut numbers = Vec::new();
        {
            let state = self.shared.state();
            for OutdatedRun { run, is_aged } in &runs {
                // The history knows the last end of a run that the model has dropped.
                let last_event = model.run(run).map(Run::last_event_at);
                let until = last_event.or_else(|| self.shared.history().last_end(run));
                let is_aged = *is_aged;
                marked.extend(until.map(|until| DroppedRun { run: run.clone(), until, is_aged }));
                numbers.extend_from_slice(state.journal.numbers_of(run));
            }
        }
        for OutdatedRun { run, .. } in &runs {
            model.forget(run, now);
        }
        drop(model);
        let mut forgotten = Vec::new();
        for dropped in &marked {
            forgotten.extend(self.dropped.insert(dropped.clone()));
        }
        let gone: Vec<RunId> = runs.iter().map(|outdated| outdated.run.clone()).collect();
        let changes = self.forget_contributions(&gone);
        self.write(|store| store.drop_runs(&marked, &numbers, &forgotten, &changes));
        self.remove_marks(&gone);
        let mut state = self.shared.state_mut();
        for OutdatedRun { run, .. } in &runs {
            state.journal.drop_run(run);
        }
        drop(state);
        self.shared.counters.runs_dropped.add(runs.len() as u64);
        self.shared.notify_clients();
    }

    /// Updates the upstream state if it changed.
    fn set_upstream(&mut self, state: &mut State, upstream: Upstream) {
        let before = &state.upstream;
        if (before.state, &before.reason) == (upstream.state, &upstream.reason) {
            return;
        }
        if before.state == UpstreamState::Lost && upstream.state != UpstreamState::Lost {
            let again = std::mem::replace(&mut self.was_connected, true);
            self.shared.counters.upstream_reconnects.add(u64::from(again));
        }
        let why = if upstream.reason.is_empty() { "" } else { ": " };
        log_line(&format!("upstream is {}{why}{}", upstream.state.as_str(), upstream.reason));
        let since = if before.state == upstream.state { before.since } else { upstream.since };
        state.upstream = Upstream { since, ..upstream };
        self.news.push(News::Upstream(state.upstream.clone()));
        state.upstream_count += 1;
    }

    fn complain(&mut self, reason: &str) {
        let lately = self.complained.is_some_and(|at| at.elapsed() < COMPLAINT_INTERVAL);
        if !lately {
            self.complained = Some(Instant::now());
            warn(&format!("unreadable message from upstream: {reason}"));
        }
    }

    /// Updates the gauges.
    fn update_gauges(&self) {
        let counters = &self.shared.counters;
        let state = self.shared.state();
        counters.journal_entries.set(state.journal.entries() as u64);
        counters.journal_bytes.set(state.journal.bytes() as u64);
        counters.runs.set(state.journal.runs() as u64);
    }
}

fn warn(words: &str) {
    log_line(&format!("warning: {words}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Hub;

    const DAY: Duration = Duration::from_secs(86_400);

    /// A machine without a battery for its clock starts in the past.
    #[test]
    fn clock_set_right_makes_no_run_older() {
        let keep = JournalRetention { age: 7 * DAY, bytes: 1 << 20, runs: 10 };
        let (mut ingest_thread, shared) = Hub::prepared(keep);
        let (now, began) = (Timestamp::now(), Instant::now());
        let mut batch = Batch::new(now, true);
        batch.push_text(r#"{"ts":"2026-11-23T10:00:00Z","run_id":"r","phase":"start"}"#);
        batch.push_text(r#"{"ts":"2026-11-23T10:00:09Z","run_id":"r","phase":"end"}"#);
        ingest_thread.take(vec![Signal::Batch(batch)]);
        let since = shared.state().upstream.since;
        // The clock jumps 400 days at once, and then a day at a time.
        let mut runs_after = |days: u32| {
            ingest_thread.tidy(now + (400 + days) * DAY, began + days * DAY);
            shared.state().journal.runs()
        };
        assert_eq!([0, 1, 6, 8].map(&mut runs_after), [1, 1, 1, 0]);
        // The step is measured with two clocks that are read a few microseconds apart.
        let moved = shared.state().upstream.since.duration_since(since).as_secs_f64();
        assert_eq!((moved / 3600.0).round(), 400.0 * 24.0);
    }
}
