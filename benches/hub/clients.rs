//! Screens of the hub: the program's own source on real sockets, each with its own model. As in the
//! program, sources and models have a thread each, shared here by all screens.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use jiff::Timestamp;
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::{Batch, Item};
use meterbridge::source::connector::NetConnector;
use meterbridge::source::signal_sender::{CHANNEL_CAPACITY, SignalSender};
use meterbridge::source::source_context::Environment;
use meterbridge::source::{Command, ConnectionSettings, ConnectionState, Signal, net};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::LocalSet;

use crate::delays::Delays;

/// Longest delay of an event that marks its screen as up to date.
const UP_TO_DATE: Duration = Duration::from_millis(250);

/// Returns a retention that bounds the memory of hundreds of screens: twice the simultaneous runs, and
/// no log.
pub fn retention(runs_at_once: usize) -> Retention {
    Retention { runs: 2 * runs_at_once, log_events: 0, ..Retention::default() }
}

/// Phases of the session; measurements are counted per phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is measured.
    Between,
    AllRead,
    SomeStalled,
}

const PHASES: usize = 3;

/// Connected screens.
pub struct Clients {
    shared: Arc<Shared>,
    stalled: watch::Sender<bool>,
    end: watch::Sender<bool>,
    /// Command senders; dropping them ends the sources.
    commands: Vec<mpsc::Sender<Command>>,
    models: JoinHandle<Seen>,
}

struct Shared {
    phase: AtomicUsize,
    connections: AtomicUsize,
    /// Number of events that each screen has applied.
    applied: Vec<AtomicU64>,
}

/// Results of all screens.
pub struct Seen {
    pub clients: Vec<Client>,
    /// Delays of the screens that always read, by phase.
    pub readers: [Times; PHASES],
    /// Delays of the screens that stop reading for a while, by phase.
    pub stallers: [Times; PHASES],
}

/// Delays of events from the backend.
#[derive(Default)]
pub struct Times {
    /// Delays until a screen's source had read the event.
    pub arrived: Delays,
    /// Delays until the screen's model had applied the event.
    pub applied: Delays,
    /// Bytes of the events.
    pub bytes: u64,
}

pub struct Client {
    pub model: Model,
    /// Number of connections.
    pub connections: u32,
    /// Time at which the screen was up to date again after its connection was lost.
    pub recovered_at: Option<Instant>,
    stalls: bool,
    connected_since: Option<Timestamp>,
    is_behind: bool,
}

/// Signals of a source for its model.
struct Inbox {
    signals: Receiver<Signal>,
    news: Arc<Notify>,
}

impl Clients {
    /// Opens `count` screens of `url`, of which the first `stallers` stop reading on request.
    pub fn open(url: &str, count: usize, stallers: usize, retention: Retention) -> Self {
        let shared = Arc::new(Shared {
            phase: AtomicUsize::new(Phase::Between as usize),
            connections: AtomicUsize::new(0),
            applied: (0..count).map(|_| AtomicU64::new(0)).collect(),
        });
        let (inboxes, commands) = connect_all(url, count);
        let (stalled, is_stalled) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let client = |number| Client {
            model: Model::new(retention),
            connections: 0,
            recovered_at: None,
            stalls: number < stallers,
            connected_since: None,
            is_behind: false,
        };
        let seen = Seen {
            clients: (0..count).map(client).collect(),
            readers: Default::default(),
            stallers: Default::default(),
        };
        let theirs = shared.clone();
        let models = on_thread("models", || watch_all(seen, inboxes, theirs, is_stalled, ended));
        Self { shared, stalled, end, commands, models }
    }

    pub fn enter(&self, phase: Phase) {
        self.shared.phase.store(phase as usize, Ordering::Relaxed);
    }

    /// Makes the first screens stop reading, or continue.
    pub fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// Returns the number of connections made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Returns the number of events that each screen has applied.
    pub fn applied(&self) -> impl Iterator<Item = u64> {
        self.shared.applied.iter().map(|count| count.load(Ordering::Relaxed))
    }

    pub fn end(self) -> Seen {
        self.end.send_replace(true);
        let seen = self.models.join().expect("nobody panics");
        drop(self.commands);
        seen
    }
}

/// Runs a future that need not be `Send` on its own thread.
fn on_thread<T: Send + 'static, F: Future<Output = T>>(
    name: &str,
    work: impl FnOnce() -> F + Send + 'static,
) -> JoinHandle<T> {
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        LocalSet::new().block_on(&runtime.expect("a runtime"), work())
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(body).expect("a thread")
}

fn connect_all(url: &str, count: usize) -> (Vec<Inbox>, Vec<mpsc::Sender<Command>>) {
    let settings = ConnectionSettings {
        reconnect_delay: Duration::from_millis(250),
        max_reconnect_attempts: 0,
        insist: true,
        ..ConnectionSettings::default()
    };
    let (mut inboxes, mut senders, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let (sender, signals) = crossbeam_channel::bounded(CHANNEL_CAPACITY);
        let news = Arc::new(Notify::new());
        let bell = news.clone();
        inboxes.push(Inbox { signals, news });
        let signal_sender = SignalSender::new(sender, Arc::new(move || bell.notify_one()));
        let (command, commands) = mpsc::channel(1);
        senders.push(command);
        let connector = NetConnector::new().expect("TLS");
        let (url, settings) = (Some(url.to_owned()), settings.clone());
        let environment = Environment::system();
        sources.push(net::run(connector, url, settings, commands, signal_sender, environment));
    }
    on_thread("sources", || async {
        let running: Vec<_> = sources.into_iter().map(tokio::task::spawn_local).collect();
        for source in running {
            source.await.expect("no source panics");
        }
    });
    (inboxes, senders)
}

async fn watch_all(
    seen: Seen,
    inboxes: Vec<Inbox>,
    shared: Arc<Shared>,
    stalled: watch::Receiver<bool>,
    mut ended: watch::Receiver<bool>,
) -> Seen {
    let seen = Rc::new(RefCell::new(Some(seen)));
    for (number, Inbox { signals, news }) in inboxes.into_iter().enumerate() {
        let (seen, shared, mut stalled) = (seen.clone(), shared.clone(), stalled.clone());
        let stalls = seen.borrow().as_ref().is_some_and(|seen| seen.clients[number].stalls);
        tokio::task::spawn_local(async move {
            loop {
                news.notified().await;
                if stalls {
                    // The sender outlives this task.
                    let _ = stalled.wait_for(|stalled| !stalled).await;
                }
                for signal in signals.try_iter() {
                    let Some(seen) = &mut *seen.borrow_mut() else { return };
                    seen.take(number, signal, &shared);
                }
            }
        });
    }
    let _ = ended.wait_for(|ended| *ended).await;
    seen.take().expect("it is taken once")
}

impl Seen {
    fn take(&mut self, number: usize, signal: Signal, shared: &Shared) {
        match signal {
            Signal::Batch(batch) => self.receive(number, batch, shared),
            Signal::State(ConnectionState::Connected { since, .. }) => {
                let client = &mut self.clients[number];
                // The same state is sent again when the hub's own connection changes.
                if client.connected_since.replace(since) != Some(since) {
                    client.connections += 1;
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                }
            }
            Signal::State(ConnectionState::Reconnecting { .. }) => {
                self.clients[number].is_behind = true;
            }
            // Other signals change no run.
            _ => {}
        }
    }

    fn receive(&mut self, number: usize, batch: Batch, shared: &Shared) {
        let phase = shared.phase.load(Ordering::Relaxed);
        let client = &mut self.clients[number];
        let times = if client.stalls { &mut self.stallers } else { &mut self.readers };
        let times = &mut times[phase];
        let instants: Vec<Timestamp> = batch.items.iter().filter_map(instant).collect();
        let since = |at: &Timestamp, until: Timestamp| {
            // A clock that was set back gives a negative duration, which counts as zero.
            Duration::try_from(until.duration_since(*at)).unwrap_or_default()
        };
        for at in &instants {
            times.arrived.add(since(at, batch.received_at));
        }
        times.bytes += batch.event_texts().map(|text| text.len() as u64).sum::<u64>();
        client.model.receive(batch, |_, _| ());
        let now = Timestamp::now();
        for at in &instants {
            times.applied.add(since(at, now));
        }
        if client.is_behind && instants.last().is_some_and(|at| since(at, now) <= UP_TO_DATE) {
            client.is_behind = false;
            client.recovered_at = Some(Instant::now());
        }
        let events = client.model.counters().events;
        shared.applied[number].store(events, Ordering::Relaxed);
    }
}

fn instant(item: &Item) -> Option<Timestamp> {
    match item {
        Item::Event(event) => Some(event.at),
        _ => None,
    }
}
