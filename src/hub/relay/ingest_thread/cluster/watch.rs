//! Watching the backend, by the hub that has the lease: what is new is published.

use std::collections::HashSet;
use std::sync::Arc;

use crossbeam_channel::Receiver;
use foldhash::fast::FixedState;
use jiff::Timestamp;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::hub::log_line;
use crate::hub::relay::cluster::{ClusterRole, Content, Order, Record};
use crate::hub::relay::ingest_thread::marks::has_failed;
use crate::hub::relay::ingest_thread::{IngestThread, MOST_STRANGERS, upstream_of, warn};
use crate::hub::relay::journal::{Journal, JournalEntryKind, OutdatedRun};
use crate::hub::relay::store::DroppedRun;
use crate::hub::relay::{model_of, unfinished};
use crate::model::{ClockOwner, Model, Outcome, Run};
use crate::protocol::hub::{HubFrame, run_frame};
use crate::protocol::{Batch, EventId, Item, RunId};
use crate::source::{self, Address, ConnectionSettings, ConnectionState, Signal, SourceHandle};

/// Source of signals for a hub that watches.
pub(in crate::hub::relay) enum Backend {
    /// A source is begun with each watch.
    Address(Address, Box<ConnectionSettings>),
    /// Signals of a test.
    Fed(Receiver<Signal>),
}

/// Watching the backend, for the whole cluster.
pub(super) struct Watch {
    epoch: u64,
    /// Everything that was read and published.
    pub model: Model,
    strangers: HashSet<EventId, FixedState>,
    pub signals: Receiver<Signal>,
    /// Dropping it closes the connections.
    _source: Option<SourceHandle>,
    /// True once the source had anything to tell but that it connects.
    has_connected: bool,
}

impl IngestThread {
    /// A hub begins to watch: begins to do so if it is this one.
    pub(super) fn hear_watch(&mut self, hub: &str, backend: &str, epoch: u64) {
        let Some(side) = &mut self.cluster else { return };
        let is_own = hub == side.link.name() && side.link.own_epoch() == Some(epoch);
        side.link.status().holder = Some(hub.to_owned());
        if backend != self.shared.upstream {
            warn(&format!(
                "hub {hub} of this cluster watches {backend}, and this one is for {}: give each \
                 backend its own --cluster-prefix",
                self.shared.upstream
            ));
        }
        if !is_own {
            return log_line(&format!("hub {hub} watches the backend, epoch {epoch}"));
        }
        log_line(&format!("this hub, {hub}, watches the backend, epoch {epoch}"));
        // Everything that other hubs have published has been read.
        let mut model = model_of(&self.keep);
        {
            let state = self.shared.state();
            for (_, frame) in state.journal.frames(0, state.journal.last()) {
                apply(&mut model, frame.at, &frame.text);
            }
        }
        let saved = std::mem::take(&mut side.saved);
        for Record { at, content } in &saved {
            if let Content::Frame { text, .. } = content {
                apply(&mut model, *at, text);
            }
        }
        side.publish(saved);
        // A source of before closes its connection first.
        side.watch = None;
        let (signals, source) = match &side.backend {
            Backend::Fed(signals) => (signals.clone(), None),
            Backend::Address(address, connection) => {
                let mut connection = (**connection).clone();
                (connection.api.unfinished, connection.api.seen_until) = unfinished(&model);
                let waker = Arc::new(|| {});
                let source = source::spawn(Some(address.as_str().to_owned()), connection, waker);
                *self.shared.commands() = source.commander();
                (source.signals.clone(), Some(source))
            }
        };
        let strangers = self.strangers.clone();
        side.watch =
            Some(Watch { epoch, model, strangers, signals, _source: source, has_connected: false });
        side.link.status().role = ClusterRole::Watching;
        let replaced = side.replaced.drain(..).collect();
        side.link.order(Order::Remove(replaced));
    }

    /// Leaves the backend, if this hub watches it.
    pub(super) fn stop_watching(&mut self, why: &str) {
        let Some(side) = &mut self.cluster else { return };
        if side.watch.take().is_none() {
            return;
        }
        *self.shared.commands() = source::CommandSender::default();
        let mut status = side.link.status();
        if status.role == ClusterRole::Watching {
            status.role = ClusterRole::Following;
        }
        drop(status);
        log_line(&format!("this hub no longer watches the backend: {why}"));
    }

    /// Publishes what signals of the source tell.
    pub(super) fn find(&mut self, signals: Vec<Signal>) {
        let mut records = Vec::new();
        for signal in signals {
            match signal {
                Signal::Batch(batch) => self.find_new(batch, &mut records),
                Signal::State(state) => {
                    let watch = self.cluster.as_mut().and_then(|side| side.watch.as_mut());
                    let Some(watch) = watch else { return };
                    let connects = matches!(
                        state,
                        ConnectionState::Connecting { .. } | ConnectionState::Disconnected
                    );
                    // A takeover is no loss of the backend.
                    watch.has_connected |= !connects;
                    if watch.has_connected {
                        let content = Content::Upstream(upstream_of(&state));
                        records.push(Record { at: Timestamp::now(), content });
                    }
                }
                _ => {}
            }
        }
        let Some(side) = &mut self.cluster else { return };
        if side.watch.as_ref().is_some_and(|watch| side.link.own_epoch() == Some(watch.epoch)) {
            side.publish(records);
        } else {
            let events = records.iter().filter(|it| matches!(it.content, Content::Frame { .. }));
            side.link.status().unpublished += events.count() as u64;
            self.stop_watching("its lease is over");
        }
    }

    fn find_new(&mut self, mut batch: Batch, records: &mut Vec<Record>) {
        let shared = self.shared.clone();
        let counters = &shared.counters;
        counters.frames_in.add(batch.frames);
        counters.dropped.add(batch.dropped);
        let (at, live) = (batch.received_at, batch.live);
        let items = std::mem::take(&mut batch.items);
        let mut texts = batch.event_texts();
        let mut malformed = Vec::new();
        let Some(watch) = self.cluster.as_mut().and_then(|side| side.watch.as_mut()) else {
            return;
        };
        let model = &mut watch.model;
        for item in items {
            match item {
                Item::Event(mut event) => {
                    let text = texts.next().unwrap_or_default();
                    let now = model.clock().server_time(at);
                    let is_new = !self.dropped.covers(&event.run_id, event.at, now, self.keep.age)
                        && match model.apply(&mut event, at, live) {
                            Outcome::Applied(_) => true,
                            Outcome::Duplicate => false,
                            Outcome::Ignored => {
                                if watch.strangers.len() >= MOST_STRANGERS {
                                    watch.strangers.clear();
                                }
                                watch.strangers.insert(event.id)
                            }
                        };
                    if !is_new {
                        counters.duplicates.add(1);
                        continue;
                    }
                    let (run, kind) = (event.run_id, JournalEntryKind::Event);
                    let (id, text) = (Some(format!("{:032x}", event.id.0)), text.into());
                    let content = Content::Frame { run, kind, live, id, text };
                    records.push(Record { at, content });
                }
                Item::Run(snapshot) => {
                    let now = model.clock().server_time(at);
                    let until = snapshot.reported_until().unwrap_or(at);
                    if self.dropped.covers(&snapshot.run_id, until, now, self.keep.age) {
                        continue;
                    }
                    if model.join(snapshot.clone(), at).is_none() {
                        continue;
                    }
                    let run = snapshot.run_id.clone();
                    // The model's snapshot includes data of earlier snapshots.
                    let known = model.run(&run).and_then(Run::snapshot);
                    let text = run_frame(known.unwrap_or(&snapshot)).into();
                    let kind = JournalEntryKind::Snapshot;
                    let is_same_run = |it: &Record| {
                        matches!(&it.content, Content::Frame { run: of, kind, .. }
                            if *kind == JournalEntryKind::Snapshot && *of == run)
                    };
                    records.retain(|it| !is_same_run(it));
                    let content = Content::Frame { run, kind, live, id: None, text };
                    records.push(Record { at, content });
                }
                Item::Malformed(error) => malformed.push(error.reason),
                // The backend is a hub, whose marks apply here, too.
                Item::Hub(HubFrame::Seen(runs)) => {
                    let failed = runs.into_iter().filter(|run| has_failed(model, run));
                    records.extend(marks_of(failed.collect()));
                }
                Item::Hub(_) | Item::Ignored => {}
            }
        }
        let steps = model.take_clock_steps();
        for step in steps {
            if step.owner != ClockOwner::ThisMachine {
                log_line(&step.to_string());
            }
        }
        counters.malformed.add(malformed.len() as u64);
        malformed.iter().for_each(|reason| self.complain(reason));
    }

    /// Proposes to drop runs that exceed the limits, while this hub watches.
    pub(super) fn propose_drops(&mut self) {
        if !self.cluster.as_ref().is_some_and(|side| side.watch.is_some() && side.publishing == 0) {
            return;
        }
        let at = Timestamp::now();
        let outdated = self.outdated(at);
        let records = {
            let (model, history) = (self.shared.model(), self.shared.history());
            let record = |OutdatedRun { run, is_aged }| {
                let last_event = model.run(&run).map(Run::last_event_at);
                let until = last_event.or_else(|| history.last_end(&run)).unwrap_or(at);
                Record { at, content: Content::Dropped(DroppedRun { run, until, is_aged }) }
            };
            outdated.into_iter().map(record).collect()
        };
        if let Some(side) = &mut self.cluster {
            side.publish(records);
        }
    }
}

/// Returns messages that mark failures as seen.
pub(super) fn marks_of(runs: Vec<RunId>) -> Vec<Record> {
    let at = Timestamp::now();
    runs.into_iter().map(|run| Record { at, content: Content::Seen(run) }).collect()
}

/// Applies a frame of the journal to a model.
fn apply(model: &mut Model, at: Timestamp, text: &str) {
    let mut batch = Batch::new(at, false);
    batch.push_text(text);
    match batch.items.pop() {
        Some(Item::Event(mut event)) => drop(model.apply(&mut event, at, false)),
        Some(Item::Run(snapshot)) => drop(model.join(snapshot, at)),
        _ => {}
    }
}

/// Returns messages with the frames of a journal.
pub(super) fn records_of(journal: &Journal) -> Vec<Record> {
    let record = |at: Timestamp, text: &Utf8Bytes| {
        let mut batch = Batch::new(at, false);
        batch.push_text(text);
        let (run, kind, id) = match batch.items.pop()? {
            Item::Event(event) => {
                (event.run_id, JournalEntryKind::Event, Some(format!("{:032x}", event.id.0)))
            }
            Item::Run(snapshot) => (snapshot.run_id.clone(), JournalEntryKind::Snapshot, None),
            _ => return None,
        };
        let content = Content::Frame { run, kind, live: false, id, text: text.clone() };
        Some(Record { at, content })
    };
    journal
        .frames(0, journal.last())
        .filter_map(|(_, frame)| record(frame.at, &frame.text))
        .collect()
}
