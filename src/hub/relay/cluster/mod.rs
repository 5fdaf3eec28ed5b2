//! Several hubs as one, over NATS JetStream: one watches the backend, and all serve what the stream has.
//!
//! | part | what it does |
//! | --- | --- |
//! | `connection` | the connection to NATS; the stream and the bucket that are kept there |
//! | `options` | settings |
//! | `record` | messages of the stream |
//! | `lease` | which hub watches the backend |
//! | `publisher` | what the watching hub publishes |
//! | `reader` | what all hubs read |
//!
//! The hub's ingest thread uses a [`ClusterLink`]: it takes [`ClusterEvent`]s and gives [`Order`]s. NATS
//! has a thread of its own.
//!
//! Fencing: the hub that gets the lease first publishes a message of its own, and begins to watch when it
//! has read that. Every message names the number before its own, so that from then on the server refuses
//! the messages of every other hub. Readers also ignore messages of an earlier epoch. The backend is used
//! only while the lease is valid by the holder's own clock ([`Warrant`]), which ends before another hub
//! can take it.

mod connection;
mod lease;
mod options;
mod publisher;
mod reader;
mod record;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_nats::Request;
use crossbeam_channel::{Receiver, Sender, unbounded};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc::{
    UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_tungstenite::tungstenite::Bytes;
use uuid::Uuid;

use self::connection::Connection;
use self::lease::{Lease, Turn};
pub use self::options::ClusterOptions;
use self::publisher::Publisher;
pub(super) use self::reader::ReadBatch;
use self::reader::{Reader, Reading};
pub(super) use self::record::{Content, Record};
use super::{JournalRetention, fresh_id};
use crate::hub::log_line;
use crate::protocol::RunId;
use crate::protocol::hub::read_ids;
use crate::source::Warrant;

/// Number of batches that are read before the first is processed.
const MOST_BATCHES: usize = 16;

/// Time without reading after which the hub says that NATS cannot be reached.
const AWAY_AFTER: Duration = Duration::from_secs(3);

/// Pause before reading or beginning again after a failure.
const PAUSE: Duration = Duration::from_millis(250);

/// Time for the hub that watches to answer a REST call.
const CALL_PATIENCE: Duration = Duration::from_secs(70);

/// Answer to a request to mark failures.
const DONE: &str = "done";

/// Part of a hub in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterRole {
    /// Watches the backend for all hubs.
    Watching,
    /// Serves what another hub sees.
    Following,
    /// Cannot reach NATS, and shows what it has.
    Away,
}

impl ClusterRole {
    /// Returns the name used in the answer of `/healthz`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watching => "watching",
            Self::Following => "following",
            Self::Away => "away",
        }
    }
}

/// State of a hub in its cluster.
#[derive(Clone, Debug)]
pub struct ClusterStatus {
    /// Name of this hub, which is another one after each start.
    pub name: String,
    pub role: ClusterRole,
    /// Name of the hub that watches the backend, as far as known.
    pub holder: Option<String>,
    /// Time for which this hub may watch the backend without renewing its lease.
    pub lease_left: Duration,
    /// Epoch of the last message that was read.
    pub epoch: u64,
    /// Number of the last message that was read.
    pub last: u64,
    /// Number of messages of the stream that are not read yet.
    pub lag: u64,
    /// Reason why NATS cannot be reached, and since when.
    pub away: Option<(String, Timestamp)>,
    /// Reason why the lease cannot be read or written; `None` while it can.
    pub lease_trouble: Option<String>,
    /// Events that were received and could not be published.
    pub unpublished: u64,
    /// Messages of earlier epochs that were ignored.
    pub outdated: u64,
    /// True once everything was read that the stream had at the start.
    pub has_caught_up: bool,
}

/// Event of the cluster, for the ingest thread.
#[derive(Debug)]
pub(super) enum ClusterEvent {
    /// The stream with this id is read from its begin.
    Begun(Uuid),
    /// NATS is reached; the stream has this many messages to read.
    Reached { behind: u64 },
    /// Messages of the stream, and the place that they take until they are processed.
    Read(ReadBatch, OwnedSemaphorePermit),
    /// NATS cannot be reached, for this reason.
    Away(String),
    /// This hub may not watch any more.
    Lost,
    /// An order to publish was carried out, or failed after which this hub begins its epoch again.
    Published { unpublished: u64, failed: Option<String> },
    /// Another hub asks to mark failures as seen.
    Mark { runs: Vec<RunId>, done: oneshot::Sender<()> },
}

/// Order of the ingest thread, or of the lease.
#[derive(Debug)]
pub(super) enum Order {
    Begin(u64),
    End,
    Publish(Vec<Record>),
    /// Removes messages with these numbers.
    Remove(Vec<u64>),
    /// Asks the hub that watches to mark failures as seen.
    Mark(Vec<RunId>, oneshot::Sender<()>),
    /// Asks the hub that watches to make a REST call.
    Call(Bytes, oneshot::Sender<Bytes>),
}

/// A REST call of another hub, to be made by this one.
#[derive(Debug)]
pub struct ForwardedCall {
    pub call: Bytes,
    pub answer: oneshot::Sender<Bytes>,
}

/// Connection of a hub to its cluster. Dropping it gives the lease back.
#[derive(Debug)]
pub(super) struct ClusterLink {
    pub events: Receiver<ClusterEvent>,
    pub warrant: Warrant,
    /// REST calls of other hubs, until they are taken.
    pub calls: Option<UnboundedReceiver<ForwardedCall>>,
    orders: Option<UnboundedSender<Order>>,
    shared: Arc<LinkShared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct LinkShared {
    status: Arc<Mutex<ClusterStatus>>,
    /// Epoch of this hub; 0 while it has no lease.
    epoch: AtomicU64,
    name: String,
    /// Address of the backend, without secrets.
    backend: String,
}

impl LinkShared {
    fn status(&self) -> MutexGuard<'_, ClusterStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClusterStatus {
    fn new(name: String) -> Self {
        Self {
            name,
            role: ClusterRole::Away,
            holder: None,
            lease_left: Duration::ZERO,
            epoch: 0,
            last: 0,
            lag: 0,
            away: Some(("connecting".to_owned(), Timestamp::now())),
            lease_trouble: None,
            unpublished: 0,
            outdated: 0,
            has_caught_up: false,
        }
    }
}

impl ClusterLink {
    /// Connects to a cluster, on a thread of its own.
    ///
    /// # Errors
    ///
    /// Fails when the thread cannot be started.
    pub(super) fn open(
        options: ClusterOptions,
        keep: JournalRetention,
        backend: String,
    ) -> std::io::Result<Self> {
        let name = fresh_id().simple().to_string();
        let name: String = name.chars().take(8).collect();
        let shared = Arc::new(LinkShared {
            status: Arc::new(Mutex::new(ClusterStatus::new(name.clone()))),
            epoch: AtomicU64::new(0),
            name,
            backend,
        });
        let (event_sender, events) = unbounded();
        let (orders, order_receiver) = unbounded_channel();
        let (call_sender, calls) = unbounded_channel();
        let warrant = Warrant::default();
        let worker = Worker {
            shared: shared.clone(),
            warrant: warrant.clone(),
            events: event_sender,
            orders: orders.downgrade(),
            calls: call_sender,
        };
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(worker.work(options, keep, order_receiver)),
                Err(error) => worker.tell(ClusterEvent::Away(error.to_string())),
            }
        };
        let thread = std::thread::Builder::new().name("meterbridge-nats".to_owned()).spawn(body)?;
        let (calls, orders, thread) = (Some(calls), Some(orders), Some(thread));
        Ok(Self { events, warrant, calls, orders, shared, thread })
    }

    pub(super) fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // Fails only when the thread has ended.
            let _ = orders.send(order);
        }
    }

    /// Returns the epoch of this hub, while it has the lease.
    pub(super) fn own_epoch(&self) -> Option<u64> {
        let epoch = self.shared.epoch.load(Ordering::Acquire);
        (epoch != 0 && self.warrant.is_valid()).then_some(epoch)
    }

    /// Returns the state of this hub, to be read or updated.
    pub(super) fn status(&self) -> MutexGuard<'_, ClusterStatus> {
        self.shared.status()
    }

    /// Returns the state of this hub for others.
    pub(super) fn shared_status(&self) -> SharedStatus {
        SharedStatus {
            status: self.shared.status.clone(),
            warrant: self.warrant.clone(),
            orders: self.orders.as_ref().map(UnboundedSender::downgrade),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.shared.name
    }
}

impl Drop for ClusterLink {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // The thread does not panic.
            let _ = thread.join();
        }
    }
}

/// State of a hub in its cluster, readable at any time.
#[derive(Clone, Debug)]
pub(super) struct SharedStatus {
    status: Arc<Mutex<ClusterStatus>>,
    warrant: Warrant,
    orders: Option<WeakUnboundedSender<Order>>,
}

impl SharedStatus {
    /// True while another hub may watch the backend.
    pub(super) fn is_follower(&self) -> bool {
        !self.warrant.is_valid()
    }

    /// Has a REST call made by the hub that watches; `None` when none answers.
    pub(super) async fn call(&self, call: Bytes) -> Option<Bytes> {
        let orders = self.orders.as_ref()?.upgrade()?;
        let (answer, answered) = oneshot::channel();
        orders.send(Order::Call(call, answer)).ok()?;
        drop(orders);
        answered.await.ok()
    }

    pub(super) fn read(&self) -> ClusterStatus {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.lease_left = self.warrant.left();
        status
    }
}

/// The side of NATS.
struct Worker {
    shared: Arc<LinkShared>,
    warrant: Warrant,
    events: Sender<ClusterEvent>,
    orders: WeakUnboundedSender<Order>,
    calls: UnboundedSender<ForwardedCall>,
}

impl Worker {
    fn tell(&self, event: ClusterEvent) {
        // Fails when the hub has ended.
        let _ = self.events.send(event);
    }

    async fn work(
        &self,
        options: ClusterOptions,
        keep: JournalRetention,
        orders: UnboundedReceiver<Order>,
    ) {
        let connection = match Connection::open(&options, keep).await {
            Ok(connection) => connection,
            Err(words) => return self.tell(ClusterEvent::Away(words)),
        };
        let mut lease = Lease::new(self.shared.name.clone(), self.warrant.clone());
        let (removals, to_remove) = unbounded_channel();
        tokio::select! {
            () = self.carry_out(&connection, orders, removals) => {}
            () = self.remove(&connection, to_remove) => {}
            () = self.read(&connection) => {}
            () = self.keep_lease(&connection, &mut lease) => {}
            () = self.hear_marks(&connection) => {}
            () = self.hear_calls(&connection) => {}
        }
        lease.release(&connection).await;
    }

    async fn read(&self, connection: &Connection) {
        let mut reader = Reader::default();
        let places = Arc::new(Semaphore::new(MOST_BATCHES));
        let failing = Mutex::new(None::<Instant>);
        loop {
            let each = |reading| {
                if let Reading::Continued { .. } = &reading {
                    *failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                let places = places.clone();
                async move {
                    self.tell(match reading {
                        Reading::Begun(stream) => ClusterEvent::Begun(stream),
                        Reading::Continued { behind } => ClusterEvent::Reached { behind },
                        Reading::Batch(batch) => {
                            // The semaphore is never closed.
                            let Ok(place) = places.acquire_owned().await else { return };
                            ClusterEvent::Read(batch, place)
                        }
                    });
                }
            };
            let words = reader.read(connection, each).await;
            let since = {
                let mut failing = failing.lock().unwrap_or_else(PoisonError::into_inner);
                *failing.get_or_insert_with(Instant::now)
            };
            if since.elapsed() >= AWAY_AFTER {
                self.tell(ClusterEvent::Away(words));
            }
            sleep(PAUSE).await;
        }
    }

    async fn keep_lease(&self, connection: &Connection, lease: &mut Lease) {
        let mut ticks = interval(lease::INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (turn, done) = lease.turn(connection).await;
            {
                let mut status = self.shared.status();
                status.holder.clone_from(&lease.holder);
                let trouble = done.err();
                if let Some(words) = trouble.as_ref().filter(|_| status.lease_trouble.is_none()) {
                    log_line(&format!("warning: the lease of the cluster: {words}"));
                }
                status.lease_trouble = trouble;
            }
            let Some(orders) = self.orders.upgrade() else { return };
            match turn {
                Some(Turn::Granted(epoch)) => {
                    self.shared.epoch.store(epoch, Ordering::Release);
                    let _ = orders.send(Order::Begin(epoch));
                }
                Some(Turn::Lost) => {
                    self.shared.epoch.store(0, Ordering::Release);
                    self.tell(ClusterEvent::Lost);
                    let _ = orders.send(Order::End);
                }
                None => {}
            }
        }
    }

    /// Removes messages, beside everything else. What is not removed goes when it is as old as the stream
    /// keeps; readers have replaced or dropped it all the same.
    async fn remove(&self, connection: &Connection, mut removals: UnboundedReceiver<Vec<u64>>) {
        while let Some(mut numbers) = removals.recv().await {
            while let Ok(more) = removals.try_recv() {
                numbers.extend(more);
            }
            Publisher::remove(connection, numbers).await;
        }
    }

    async fn carry_out(
        &self,
        connection: &Connection,
        mut orders: UnboundedReceiver<Order>,
        removals: UnboundedSender<Vec<u64>>,
    ) {
        let mut publisher = Publisher::default();
        while let Some(order) = orders.recv().await {
            match order {
                Order::Begin(epoch) => self.begin(connection, &mut publisher, epoch).await,
                Order::End => publisher.end(),
                Order::Publish(records) => {
                    let published = publisher.publish(connection, &records).await;
                    let (failed, rest) = published.failed.unzip();
                    let is_again = failed.is_some();
                    let unpublished = published.too_large + rest.unwrap_or(0);
                    self.tell(ClusterEvent::Published { unpublished, failed });
                    let epoch = self.shared.epoch.load(Ordering::Acquire);
                    if is_again && epoch != 0 {
                        self.begin(connection, &mut publisher, epoch).await;
                    }
                }
                Order::Remove(numbers) => {
                    // Fails only when this hub ends.
                    let _ = removals.send(numbers);
                }
                Order::Call(call, answer) => {
                    let (client, subject) = (connection.client.clone(), calls_subject(connection));
                    tokio::spawn(async move {
                        let request = Request::new().payload(call).timeout(Some(CALL_PATIENCE));
                        if let Ok(message) = client.send_request(subject, request).await {
                            let _ = answer.send(message.payload);
                        }
                    });
                }
                Order::Mark(runs, done) => {
                    let (client, subject) = (connection.client.clone(), marks_subject(connection));
                    tokio::spawn(async move {
                        let answer = client.request(subject, ids_json(&runs).into()).await;
                        if answer.is_ok_and(|answer| &*answer.payload == DONE.as_bytes()) {
                            let _ = done.send(());
                        }
                    });
                }
            }
        }
    }

    /// Begins an epoch, while this hub has the lease.
    async fn begin(&self, connection: &Connection, publisher: &mut Publisher, epoch: u64) {
        let is_own =
            || self.shared.epoch.load(Ordering::Acquire) == epoch && self.warrant.is_valid();
        while is_own() {
            let (name, backend) = (&self.shared.name, &self.shared.backend);
            if publisher.begin(connection, epoch, name, backend).await.is_ok() {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// Hears REST calls of other hubs, and answers while this hub watches.
    async fn hear_calls(&self, connection: &Connection) {
        loop {
            if let Ok(mut asked) = connection.client.subscribe(calls_subject(connection)).await {
                while let Some(message) = asked.next().await {
                    let Some(reply) = message.reply.filter(|_| self.warrant.is_valid()) else {
                        continue;
                    };
                    let (answer, answered) = oneshot::channel();
                    let _ = self.calls.send(ForwardedCall { call: message.payload, answer });
                    let client = connection.client.clone();
                    tokio::spawn(async move {
                        // Without an answer the other hub says that none came.
                        if let Ok(answer) = answered.await {
                            let _ = client.publish(reply, answer).await;
                        }
                    });
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Hears marks of other hubs, and answers while this hub watches.
    async fn hear_marks(&self, connection: &Connection) {
        loop {
            if let Ok(mut asked) = connection.client.subscribe(marks_subject(connection)).await {
                while let Some(message) = asked.next().await {
                    let runs = std::str::from_utf8(&message.payload).ok().and_then(read_ids);
                    let (Some(runs), Some(reply)) = (runs, message.reply) else { continue };
                    if !self.warrant.is_valid() {
                        continue;
                    }
                    let (done, marked) = oneshot::channel();
                    self.tell(ClusterEvent::Mark { runs, done });
                    let client = connection.client.clone();
                    tokio::spawn(async move {
                        if marked.await.is_ok() {
                            let _ = client.publish(reply, DONE.into()).await;
                        }
                    });
                }
            }
            sleep(PAUSE).await;
        }
    }
}

fn calls_subject(connection: &Connection) -> String {
    format!("{}.api", connection.prefix)
}

fn ids_json(runs: &[RunId]) -> String {
    serde_json::json!(runs.iter().map(RunId::as_str).collect::<Vec<_>>()).to_string()
}

fn marks_subject(connection: &Connection) -> String {
    format!("{}.marks", connection.prefix)
}
