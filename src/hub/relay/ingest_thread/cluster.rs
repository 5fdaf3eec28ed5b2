//! The ingest thread of a hub in a cluster. Everything that it shows comes from the cluster's stream. While
//! it has the lease it also watches the backend, and publishes what is new to a model of its own: that one
//! is made from the journal when watching begins, and dropped when it ends, so that nothing is known that
//! the stream does not have.

mod watch;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select};
use jiff::Timestamp;

pub(in crate::hub::relay) use self::watch::Backend;
use self::watch::{Watch, marks_of, records_of};
use super::marks::sorted;
use super::{IngestThread, MOST_SIGNALS, MarkRequest, PendingCommit, TIDY_INTERVAL, warn};
use crate::hub::log_line;
use crate::hub::relay::cluster::{
    ClusterEvent, ClusterLink, ClusterRole, Content, Order, ReadBatch, Record,
};
use crate::hub::relay::journal::{Journal, JournalEntry, JournalEntryKind, OutdatedRun};
use crate::hub::relay::model_of;
use crate::hub::relay::store::DroppedRun;
use crate::model::Outcome;
use crate::protocol::hub::{Upstream, UpstreamState};
use crate::protocol::{Batch, Item};
use crate::source::Signal;

/// Interval of checks while nothing happens.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// Number of replaced messages that a hub remembers until it watches.
const MOST_REPLACED: usize = 1_000;

/// The hub's part in a cluster.
pub(in crate::hub::relay) struct ClusterSide {
    pub link: ClusterLink,
    backend: Backend,
    /// Latest epoch that was read.
    epoch: u64,
    /// Number of the last message that was read.
    last: u64,
    watch: Option<Watch>,
    /// Number of orders to publish that are not carried out yet.
    publishing: usize,
    /// State of the connection to the backend, as the stream has it.
    upstream: Option<Upstream>,
    /// Numbers of the last messages about the connection and about who watches.
    told: [u64; 2],
    /// Numbers of messages that others have replaced and that the hub that watched may not have removed.
    replaced: VecDeque<u64>,
    is_away: bool,
    /// Frames of a stream that was deleted while this hub watched, to be published in the next one.
    saved: Vec<Record>,
}

impl ClusterSide {
    pub(in crate::hub::relay) fn new(link: ClusterLink, backend: Backend) -> Self {
        Self {
            link,
            backend,
            epoch: 0,
            last: 0,
            watch: None,
            publishing: 0,
            upstream: None,
            told: [0; 2],
            replaced: VecDeque::new(),
            is_away: true,
            saved: Vec::new(),
        }
    }

    /// Notes that messages are not needed any more: the hub that watches removes them.
    fn outlive(&mut self, numbers: Vec<u64>) {
        if self.watch.is_some() {
            self.link.order(Order::Remove(numbers));
            return;
        }
        self.replaced.extend(numbers);
        let surplus = self.replaced.len().saturating_sub(MOST_REPLACED);
        self.replaced.drain(..surplus);
    }

    fn publish(&mut self, records: Vec<Record>) {
        if !records.is_empty() {
            self.publishing += 1;
            self.link.order(Order::Publish(records));
        }
    }

    /// Returns the signals of the watch, unless what they told before is still being published.
    fn signals(&self) -> Receiver<Signal> {
        match &self.watch {
            Some(watch) if self.publishing == 0 => watch.signals.clone(),
            _ => never(),
        }
    }
}

impl IngestThread {
    /// Serves what the stream has, until `quit` receives a message or is dropped.
    pub(super) fn run_in_cluster(mut self, marks: &Receiver<MarkRequest>, quit: &Receiver<()>) {
        loop {
            let Some(side) = &self.cluster else { return };
            let (events, signals) = (side.link.events.clone(), side.signals());
            select! {
                recv(quit) -> _ => break,
                recv(events) -> event => if let Ok(event) = event { self.hear(event) },
                recv(signals) -> signal => match signal {
                    Ok(first) => {
                        let more = signals.try_iter().take(MOST_SIGNALS - 1);
                        let all: Vec<Signal> = std::iter::once(first).chain(more).collect();
                        self.find(all);
                    }
                    // The source has ended.
                    Err(_) => self.forget_signals(),
                },
                recv(marks) -> request => if let Ok(request) = request { self.mark_in_cluster(request) },
                default(IDLE_INTERVAL) => {}
            }
            if self.tidied.elapsed() >= TIDY_INTERVAL {
                self.tidy(Timestamp::now(), Instant::now());
                self.propose_drops();
            }
        }
        // The backend is left before another hub can get the lease.
        if let Some(side) = &mut self.cluster {
            side.watch = None;
        }
    }

    fn forget_signals(&mut self) {
        if let Some(watch) = self.cluster.as_mut().and_then(|side| side.watch.as_mut()) {
            watch.signals = never();
        }
    }

    fn hear(&mut self, event: ClusterEvent) {
        self.follow_clock(Timestamp::now(), Instant::now());
        match event {
            ClusterEvent::Begun(stream) => self.begin_stream(stream),
            ClusterEvent::Reached { behind } => self.reached(behind),
            ClusterEvent::Read(batch, _place) => self.read(batch),
            ClusterEvent::Away(words) => self.away(&words),
            ClusterEvent::Lost => self.stop_watching("another hub may watch the backend now"),
            ClusterEvent::Published { unpublished, failed } => {
                let Some(side) = &mut self.cluster else { return };
                side.publishing = side.publishing.saturating_sub(1);
                side.link.status().unpublished += unpublished;
                if let Some(words) = failed {
                    self.stop_watching(&format!("it cannot publish: {words}"));
                } else if unpublished > 0 {
                    warn("an event is larger than NATS allows (max_payload), and is not shown");
                }
            }
            ClusterEvent::Mark { runs, done } => {
                let Some(side) = &mut self.cluster else { return };
                if side.watch.is_some() {
                    side.publish(marks_of(runs));
                    let _ = done.send(());
                }
            }
        }
    }

    /// Begins with another stream, or with the first.
    fn begin_stream(&mut self, stream: uuid::Uuid) {
        let was_watching = self.cluster.as_ref().is_some_and(|side| side.watch.is_some());
        self.stop_watching("the stream was replaced");
        let Some(side) = &mut self.cluster else { return };
        if let Some(epoch) = side.link.own_epoch().filter(|_| was_watching) {
            side.saved = records_of(&self.shared.state().journal);
            side.link.order(Order::Begin(epoch));
        }
        (side.epoch, side.last, side.upstream) = (0, 0, None);
        side.told = [0; 2];
        side.replaced.clear();
        let shared = self.shared.clone();
        *shared.model() = model_of(&self.keep);
        *shared.history() = crate::history::History::default();
        self.strangers.clear();
        self.dropped = super::DroppedRuns::default();
        if shared.state().stream_count > 0 {
            // What the new stream repeats has been counted and told.
            (self.counts_since, self.news_since) = (Some(Timestamp::now()), Timestamp::now());
        }
        let mut state = shared.state_mut();
        state.journal = Journal::default();
        state.seen = crate::hub::relay::SeenMarks::default();
        state.stream = stream;
        state.stream_count += 1;
        state.numbers_since = state.stream_count;
        drop(state);
        shared.notify_clients();
    }

    /// NATS is reached, for the first time or again.
    fn reached(&mut self, behind: u64) {
        let Some(side) = &mut self.cluster else { return };
        let was_away = std::mem::replace(&mut side.is_away, false);
        {
            let mut status = side.link.status();
            status.away = None;
            status.lag = behind;
            status.has_caught_up |= behind == 0;
            if status.role == ClusterRole::Away {
                status.role = ClusterRole::Following;
            }
        }
        let upstream = side.upstream.clone();
        if was_away {
            log_line("NATS is reached");
            self.show_upstream(upstream.unwrap_or_else(|| {
                lost("no hub of the cluster watches the backend yet".to_owned())
            }));
        }
    }

    /// NATS cannot be reached: says so once.
    fn away(&mut self, words: &str) {
        let Some(side) = &mut self.cluster else { return };
        let was_away = std::mem::replace(&mut side.is_away, true);
        {
            let mut status = side.link.status();
            status.role = ClusterRole::Away;
            let since = status.away.as_ref().filter(|_| was_away).map(|(_, since)| *since);
            status.away = Some((words.to_owned(), since.unwrap_or_else(Timestamp::now)));
        }
        self.show_upstream(lost(format!("NATS cannot be reached: {words}")));
    }

    fn show_upstream(&mut self, upstream: Upstream) {
        let shared = self.shared.clone();
        self.set_upstream(&mut shared.state_mut(), upstream);
        self.tell_news();
        shared.notify_clients();
    }

    /// Applies messages of the stream, and shows them.
    fn read(&mut self, batch: ReadBatch) {
        let ReadBatch { records, behind, is_live } = batch;
        let mut staged = PendingCommit::default();
        let mut outdated = 0;
        for read in records {
            let Some(side) = &mut self.cluster else { return };
            side.last = read.number;
            let Some(record) = read.record else { continue };
            if read.epoch < side.epoch {
                outdated += 1;
                continue;
            }
            side.epoch = read.epoch;
            match record.content {
                Content::Frame { run, kind, live, text, .. } => {
                    // The clock of this hub may differ from that of the hub that watches.
                    let (heard, live) =
                        if is_live { (Timestamp::now(), live) } else { (record.at, false) };
                    let entry = JournalEntry { seq: read.number, run, kind, at: record.at, text };
                    let replaced = self.take_frame(entry, heard, live, &mut staged);
                    if let (Some(side), Some(number)) = (&mut self.cluster, replaced) {
                        side.outlive(vec![number]);
                    }
                }
                Content::Seen(run) => staged.seen.push(run),
                Content::Dropped(dropped) => {
                    self.commit(std::mem::take(&mut staged));
                    self.drop_run(dropped);
                }
                Content::Upstream(upstream) => {
                    self.hear_upstream(upstream, &mut staged);
                    self.replace_told(0, read.number);
                }
                Content::Watch { hub, backend } => {
                    self.replace_told(1, read.number);
                    self.commit(std::mem::take(&mut staged));
                    self.hear_watch(&hub, &backend, read.epoch);
                }
            }
        }
        self.commit(staged);
        let Some(side) = &mut self.cluster else { return };
        {
            let mut status = side.link.status();
            (status.epoch, status.last, status.lag) = (side.epoch, side.last, behind);
            status.outdated += outdated;
            status.has_caught_up |= behind == 0;
        }
        self.shared.state_mut().journal.skip_to(side.last);
        self.shared.notify_clients();
    }

    fn replace_told(&mut self, kind: usize, number: u64) {
        let Some(side) = &mut self.cluster else { return };
        let before = std::mem::replace(&mut side.told[kind], number);
        if before != 0 {
            side.outlive(vec![before]);
        }
    }

    /// Applies a frame. Returns the number of the frame that it replaces.
    fn take_frame(
        &mut self,
        entry: JournalEntry,
        heard: Timestamp,
        live: bool,
        staged: &mut PendingCommit,
    ) -> Option<u64> {
        let shared = self.shared.clone();
        let mut model = shared.model();
        let state = shared.state();
        let now = model.clock().server_time(heard);
        let mut batch = Batch::new(heard, live);
        batch.push_text(&entry.text);
        let change = match (entry.kind, batch.items.pop()) {
            (JournalEntryKind::Event, Some(Item::Event(mut event))) => {
                if self.dropped.covers(&event.run_id, event.at, now, self.keep.age) {
                    return None;
                }
                match model.apply(&mut event, heard, live) {
                    Outcome::Applied(change) => Some(change),
                    Outcome::Ignored if self.remember_ignored(event.id) => None,
                    Outcome::Ignored | Outcome::Duplicate => return None,
                }
            }
            (JournalEntryKind::Snapshot, Some(Item::Run(snapshot))) => {
                let until = snapshot.reported_until().unwrap_or(heard);
                if self.dropped.covers(&entry.run, until, now, self.keep.age) {
                    return None;
                }
                model.join(snapshot, heard)
            }
            // Another version of the program can read it.
            _ => return None,
        };
        if let Some(change) = change {
            staged.note(change, &state, &model);
        }
        let is_snapshot = entry.kind == JournalEntryKind::Snapshot;
        let is_same =
            |it: &&JournalEntry| it.kind == JournalEntryKind::Snapshot && it.run == entry.run;
        let before = staged.entries.iter().rfind(is_same).map(|it| it.seq);
        let replaced = before.or_else(|| state.journal.snapshot_of(&entry.run));
        drop(state);
        // Those of other machines are told by the hub that watches.
        let _ = model.take_clock_steps();
        staged.entries.push(entry);
        replaced.filter(|_| is_snapshot)
    }

    fn hear_upstream(&mut self, upstream: Upstream, staged: &mut PendingCommit) {
        let Some(side) = &mut self.cluster else { return };
        side.upstream = Some(upstream.clone());
        let is_linked = upstream.state != UpstreamState::Lost;
        if is_linked && !std::mem::replace(&mut self.is_linked, is_linked) {
            self.shared.model().connection_stands();
        }
        self.is_linked = is_linked;
        staged.upstream = Some(upstream);
    }

    fn drop_run(&mut self, dropped: DroppedRun) {
        let DroppedRun { run, is_aged, .. } = dropped.clone();
        let numbers = self.shared.state().journal.numbers_of(&run).to_vec();
        self.drop_runs(vec![OutdatedRun { run: run.clone(), is_aged }]);
        // A hub that came later knows nothing else of the run.
        self.dropped.insert(dropped);
        let Some(side) = &mut self.cluster else { return };
        if let Some(watch) = &mut side.watch {
            watch.model.forget(&run, Timestamp::now());
        }
        side.outlive(numbers);
    }

    /// Marks failures for all hubs: the hub that watches publishes the marks.
    fn mark_in_cluster(&mut self, request: MarkRequest) {
        let MarkRequest { runs, answer } = request;
        let marked = sorted(runs, &self.shared.model());
        let Some(side) = &mut self.cluster else { return };
        if marked.seen.is_empty() {
            let _ = answer.send(marked);
        } else if side.watch.is_some() {
            side.publish(marks_of(marked.seen.clone()));
            let _ = answer.send(marked);
        } else {
            let (done, marks_done) = tokio::sync::oneshot::channel();
            side.link.order(Order::Mark(marked.seen.clone(), done));
            // Without an answer of the hub that watches, the screen is told to try again.
            let wait = move || {
                if marks_done.blocking_recv().is_ok() {
                    let _ = answer.send(marked);
                }
            };
            let _ = std::thread::Builder::new().name("meterbridge-mark".to_owned()).spawn(wait);
        }
    }

    /// Removes frames from the stream that the journal no longer keeps, while this hub watches.
    pub(super) fn remove_from_stream(&self, numbers: &[u64]) {
        if let Some(side) = self.cluster.as_ref().filter(|side| side.watch.is_some()) {
            side.link.order(Order::Remove(numbers.to_vec()));
        }
    }
}

fn lost(reason: String) -> Upstream {
    Upstream { state: UpstreamState::Lost, since: Timestamp::now(), reason }
}
