//! The hub itself: few upstream connections, any number of screens, one stream of all events.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | `journal` | numbered frames for screens; retention limits | where frames come from, files |
//! | `store` | the same in a file | the content of frames |
//! | `ingest_thread` | upstream → model → store → journal, on a thread of its own | screens |
//! | `dropped_runs` | runs that are no longer kept | why |
//! | `news` | failures, recoveries, slow runs | who is told |
//! | `recorded` | kept frames between two instants, as pages | HTTP |
//! | `seen_marks` | failures that somebody marked as seen | who marked them |
//! | `studio` | totals of runs that ended, and durations, for `/metrics` | when they are read |
//! | `step_detector` | notices that this machine's clock was set | what depends on it |
//! | `cluster` | several hubs as one: a stream of NATS takes the place of the store (feature `cluster`) | screens |
//! | `client` | one screen's connection: a position in the journal | other screens, upstream |
//! | `stall_detector` | detects connections that take no data | the data |
//! | [`counters`] | metrics of the hub | everything else |
//!
//! Nothing is queued for a screen: it reads from the journal when its socket can take more. A slow
//! screen therefore lags, costs nothing, and delays no other screen. Frames are written before they
//! are shown, so that no screen has seen anything that the hub would not know after being killed.

mod client;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod counters;
mod dropped_runs;
mod ingest_thread;
mod journal;
mod news;
mod recorded;
mod seen_marks;
mod stall_detector;
mod step_detector;
mod store;
pub mod studio;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(feature = "cluster")]
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
#[cfg(feature = "cluster")]
use tokio_tungstenite::tungstenite::Bytes;
use uuid::Uuid;

pub use self::counters::Counters;
use self::ingest_thread::IngestThread;
use self::ingest_thread::MarkRequest;
use self::journal::Journal;
pub use self::journal::JournalRetention;
pub use self::news::{News, RunNews};
pub use self::recorded::{Page, PageReader, PageRequest};
use self::seen_marks::SeenMarks;
use self::store::Store;
pub use self::store::StoreError;
use self::studio::StudioNumbers;
use super::{HubError, gate::ClientSlot};
use crate::history::History;
use crate::model::{LEAST_SAMPLES, Model, Retention, Run, RunStatus};
use crate::protocol::RunId;
use crate::protocol::hub::{Upstream, UpstreamState};
use crate::source::{
    self, Address, Command, CommandSender, ConnectionSettings, Signal, SourceHandle,
};

/// Minimum number of runs in the model, however few are kept, because running ones are never
/// dropped.
const LEAST_MODEL_RUNS: usize = 100_000;

/// Path to which screens post the failures that they mark as seen.
pub const SEEN_PATH: &str = "/seen";

/// Path to which screens post reports about themselves, and of the list of screens.
pub const SCREENS_PATH: &str = "/screens";

/// Path of the frames that are kept.
pub const HISTORY_PATH: &str = "/history";

/// Maximum number of requests to mark failures that wait to be written.
const MOST_MARK_REQUESTS: usize = 64;

/// Longest time for which a hub of a cluster reads before it serves screens.
#[cfg(feature = "cluster")]
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(10);

/// Options of a hub.
#[derive(Clone, Debug, PartialEq)]
pub struct HubOptions {
    /// Source of events: `ws://`, `wss://`, `http://` or `https://`.
    pub upstream: Address,
    pub connection: ConnectionSettings,
    /// The store's file; `None` keeps everything in memory only.
    pub store: Option<PathBuf>,
    pub keep: JournalRetention,
    /// Time for which the history of ended runs is kept.
    pub keep_history: Duration,
    /// Path below which the REST API is forwarded; `None` when it is not.
    pub api: Option<&'static str>,
    /// True when forwarded requests may change something.
    pub actions: bool,
    /// The cluster that the hub belongs to, instead of a store.
    #[cfg(feature = "cluster")]
    pub cluster: Option<cluster::ClusterOptions>,
}

/// State of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// Everything is written to the store.
    Written,
    /// Writing failed; the hub continues in memory only.
    Failed,
    /// No store, as configured.
    None,
}

impl StoreState {
    /// Returns the name used in the answer of `/healthz`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Failed => "failed",
            Self::None => "none",
        }
    }
}

/// A running hub. Dropping it ends it at once; [`close`](Self::close) closes the screens properly
/// first.
#[derive(Debug)]
pub struct Hub {
    shared: Arc<Shared>,
    clients: Mutex<JoinSet<()>>,
    stopping: watch::Sender<bool>,
    marks: Sender<MarkRequest>,
    thread: Mutex<Option<Thread>>,
    #[cfg(feature = "cluster")]
    cluster: Option<cluster::SharedStatus>,
    /// REST calls of other hubs, until they are taken.
    #[cfg(feature = "cluster")]
    calls: Mutex<Option<UnboundedReceiver<cluster::ForwardedCall>>>,
}

/// The ingest thread.
#[derive(Debug)]
struct Thread {
    /// Dropping the sender ends the thread.
    quit: Sender<()>,
    handle: JoinHandle<()>,
}

/// Data shared by the ingest thread, the screens and the monitoring endpoints. Lock order: `model`,
/// `state`, `history`, `studio`.
#[derive(Debug)]
struct Shared {
    model: Mutex<Model>,
    state: RwLock<State>,
    /// History of ended runs, also of those that are no longer kept.
    history: Mutex<History>,
    studio: Mutex<StudioNumbers>,
    /// News of the studio, and where they are taken.
    news_sender: mpsc::Sender<News>,
    untaken_news: Mutex<Option<mpsc::Receiver<News>>>,
    keep_history: Duration,
    /// Address of the upstream, without secrets.
    upstream: String,
    /// Commands to the source that watches the upstream, if this hub has one.
    commands: Mutex<CommandSender>,
    /// True when screens may come from another hub that has read more of the same stream.
    is_in_cluster: bool,
    /// Notifies screens of changes in `state`.
    news: watch::Sender<()>,
    counters: Counters,
    has_store: bool,
    api: Option<&'static str>,
    actions: bool,
}

#[derive(Debug)]
struct State {
    /// Id of the stream that the journal's numbers belong to.
    stream: Uuid,
    /// Number of changes of `stream`.
    stream_count: u32,
    /// Number of changes of `stream` until its numbers last began anew.
    numbers_since: u32,
    journal: Journal,
    upstream: Upstream,
    /// Number of changes of `upstream`.
    upstream_count: u64,
    store_trouble: Option<String>,
    /// Failures that somebody marked as seen.
    seen: SeenMarks,
}

/// Outcome of marking failures as seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Runs that have the mark now.
    pub seen: Vec<RunId>,
    /// Runs that have not failed, or are executed again.
    pub not_failed: Vec<RunId>,
    /// Runs that the hub does not know.
    pub unknown: Vec<RunId>,
}

impl Shared {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        // A panic while the lock was held cannot have left the state inconsistent.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn studio(&self) -> MutexGuard<'_, StudioNumbers> {
        self.studio.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commands(&self) -> MutexGuard<'_, CommandSender> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notifies the screens of changes.
    fn notify_clients(&self) {
        self.news.send_replace(());
    }
}

impl Hub {
    /// Opens the store, fills the hub from it, and connects upstream.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be used; the message says what to do.
    pub fn open(options: HubOptions) -> Result<Self, HubError> {
        #[cfg(feature = "cluster")]
        if options.cluster.is_some() {
            return Self::join_cluster(&options, None);
        }
        let (ingest_thread, shared) = Self::prepare(&options)?;
        let mut connection = options.connection;
        (connection.api.unfinished, connection.api.seen_until) = unfinished(&shared.model());
        let source =
            source::spawn(Some(options.upstream.as_str().to_owned()), connection, Arc::new(|| {}));
        let signals = source.signals.clone();
        Self::begin(ingest_thread, shared, signals, Some(source))
    }

    /// Opens a hub that receives upstream signals from `signals` instead of a source of its own.
    ///
    /// # Errors
    ///
    /// Same as [`open`](Self::open).
    pub fn fed_by(signals: Receiver<Signal>, options: &HubOptions) -> Result<Self, HubError> {
        #[cfg(feature = "cluster")]
        if options.cluster.is_some() {
            return Self::join_cluster(options, Some(signals));
        }
        let (ingest_thread, shared) = Self::prepare(options)?;
        Self::begin(ingest_thread, shared, signals, None)
    }

    fn prepare(options: &HubOptions) -> Result<(IngestThread, Arc<Shared>), StoreError> {
        let fresh = fresh_id();
        let store = options.store.as_deref().map(|path| Store::open(path, fresh)).transpose()?;
        let (stream, last) =
            store.as_ref().map_or((fresh, 0), |store| (store.stream(), store.last()));
        let state = State {
            stream,
            stream_count: 0,
            numbers_since: 0,
            journal: Journal::after(last),
            upstream: Upstream {
                state: UpstreamState::Lost,
                since: Timestamp::now(),
                reason: "connecting".to_owned(),
            },
            upstream_count: 0,
            store_trouble: None,
            seen: SeenMarks::default(),
        };
        let (news_sender, untaken_news) = mpsc::channel(news::MOST_WAITING);
        let shared = Arc::new(Shared {
            model: Mutex::new(model_of(&options.keep)),
            state: RwLock::new(state),
            history: Mutex::default(),
            studio: Mutex::default(),
            news_sender,
            untaken_news: Mutex::new(Some(untaken_news)),
            keep_history: options.keep_history,
            upstream: options.upstream.to_string(),
            commands: Mutex::default(),
            #[cfg(feature = "cluster")]
            is_in_cluster: options.cluster.is_some(),
            #[cfg(not(feature = "cluster"))]
            is_in_cluster: false,
            news: watch::Sender::new(()),
            counters: Counters::default(),
            has_store: store.is_some(),
            api: options.api,
            actions: options.actions,
        });
        Ok((IngestThread::resume(shared.clone(), store, options.keep)?, shared))
    }

    /// Prepares a hub without a store, whose ingest thread is driven by a test.
    #[cfg(test)]
    fn prepared(keep: JournalRetention) -> (IngestThread, Arc<Shared>) {
        let options = HubOptions {
            upstream: "ws://127.0.0.1:9/events".into(),
            connection: ConnectionSettings::default(),
            store: None,
            keep,
            keep_history: Duration::from_secs(400 * 86_400),
            api: None,
            actions: false,
            #[cfg(feature = "cluster")]
            cluster: None,
        };
        Self::prepare(&options).unwrap()
    }

    /// Opens a hub of a cluster, and waits a while until it has read what the cluster's stream has, so that
    /// its first screens are not sent a part of it.
    #[cfg(feature = "cluster")]
    fn join_cluster(options: &HubOptions, fed: Option<Receiver<Signal>>) -> Result<Self, HubError> {
        let Some(cluster) = options.cluster.clone() else {
            return Err(HubError::Cluster { detail: "no server is named".to_owned() });
        };
        let options = HubOptions { store: None, ..options.clone() };
        let (mut ingest_thread, shared) = Self::prepare(&options)?;
        let backend = options.upstream.to_string();
        let mut link =
            cluster::ClusterLink::open(cluster, options.keep, backend).map_err(HubError::Thread)?;
        // Requests that are passed on use the same connections.
        options.connection.api.budget.require(link.warrant.clone());
        let (status, calls) = (link.shared_status(), link.calls.take());
        let backend = match fed {
            Some(signals) => ingest_thread::Backend::Fed(signals),
            None => ingest_thread::Backend::Address(options.upstream, Box::new(options.connection)),
        };
        ingest_thread.cluster = Some(ingest_thread::ClusterSide::new(link, backend));
        let mut hub = Self::begin(ingest_thread, shared, crossbeam_channel::never(), None)?;
        let began = std::time::Instant::now();
        while !status.read().has_caught_up && began.elapsed() < CATCH_UP_PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        hub.cluster = Some(status);
        hub.calls = Mutex::new(calls);
        Ok(hub)
    }

    /// Returns the state of the hub in its cluster; `None` for a hub by itself.
    #[cfg(feature = "cluster")]
    pub fn cluster(&self) -> Option<cluster::ClusterStatus> {
        self.cluster.as_ref().map(cluster::SharedStatus::read)
    }

    /// True where this hub tells webhooks; of several hubs of a cluster only the one that watches the backend does.
    pub fn tells_webhooks(&self) -> bool {
        #[cfg(feature = "cluster")]
        return !self.is_follower();
        #[cfg(not(feature = "cluster"))]
        true
    }

    /// True while another hub of the cluster may watch the backend.
    #[cfg(feature = "cluster")]
    pub fn is_follower(&self) -> bool {
        self.cluster.as_ref().is_some_and(cluster::SharedStatus::is_follower)
    }

    /// Has a REST call made by the hub that watches the backend; `None` when none answers.
    #[cfg(feature = "cluster")]
    pub(super) async fn ask_watching_hub(&self, call: Bytes) -> Option<Bytes> {
        self.cluster.as_ref()?.call(call).await
    }

    /// Returns the REST calls of other hubs, once.
    #[cfg(feature = "cluster")]
    pub(super) fn take_calls(&self) -> Option<UnboundedReceiver<cluster::ForwardedCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn begin(
        ingest_thread: IngestThread,
        shared: Arc<Shared>,
        signals: Receiver<Signal>,
        source: Option<SourceHandle>,
    ) -> Result<Self, HubError> {
        let (quit, quitting) = bounded(0);
        let (marks, mark_requests) = bounded(MOST_MARK_REQUESTS);
        *shared.commands() = source.as_ref().map(SourceHandle::commander).unwrap_or_default();
        let body = move || {
            // Owned by the thread, so that the upstream connection is released when the hub ends.
            let _source = source;
            ingest_thread.run(signals, &mark_requests, &quitting);
        };
        let thread = std::thread::Builder::new().name("meterbridge-hub".to_owned());
        let handle = thread.spawn(body).map_err(HubError::Thread)?;
        Ok(Self {
            shared,
            clients: Mutex::default(),
            stopping: watch::Sender::new(false),
            marks,
            thread: Mutex::new(Some(Thread { quit, handle })),
            #[cfg(feature = "cluster")]
            cluster: None,
            #[cfg(feature = "cluster")]
            calls: Mutex::default(),
        })
    }

    /// Returns the state of the upstream connection.
    pub fn upstream_state(&self) -> Upstream {
        self.shared.state().upstream.clone()
    }

    /// Returns the state of the store.
    pub fn store_state(&self) -> StoreState {
        match self.shared.has_store {
            false => StoreState::None,
            true if self.shared.state().store_trouble.is_some() => StoreState::Failed,
            true => StoreState::Written,
        }
    }

    /// Returns the reason why the store is no longer written; `None` if it is or if there is none.
    pub fn store_trouble(&self) -> Option<String> {
        self.shared.state().store_trouble.clone()
    }

    /// Returns the metrics.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Locks the model. The hub processes no upstream signals while the guard is held.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.model()
    }

    /// Locks the history. Ends of runs wait while the guard is held.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.shared.history()
    }

    /// Locks the studio's numbers. Ends of runs wait while the guard is held.
    pub fn studio(&self) -> MutexGuard<'_, StudioNumbers> {
        self.shared.studio()
    }

    /// Returns the news of the studio from the start of the hub on; `None` the second time.
    pub fn take_news(&self) -> Option<mpsc::Receiver<News>> {
        self.shared.untaken_news.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns the runs that became slow since `since`, by this machine's clock.
    pub fn slow_runs(&self, since: Timestamp) -> Vec<RunNews> {
        let model = self.model();
        let [now, since] = [Timestamp::now(), since].map(|at| model.clock().server_time(at));
        news::slow_runs(&model, now, since, LEAST_SAMPLES)
    }

    /// Returns the address of the upstream, without secrets.
    pub fn upstream(&self) -> &str {
        &self.shared.upstream
    }

    /// Watches a run that was just created; a backend's lists do not contain queued runs.
    pub fn watch(&self, run: RunId) {
        self.shared.commands().send(Command::Watch(run));
    }

    /// Marks failures as seen, for every screen, now and after a restart. The backend is told nothing.
    /// Returns `None` if the hub is ending, or too many marks wait to be written.
    pub async fn mark_seen(&self, runs: Vec<RunId>) -> Option<Marked> {
        let (answer, marked) = oneshot::channel();
        self.marks.try_send(MarkRequest { runs, answer }).ok()?;
        marked.await.ok()
    }

    /// True while screens may connect.
    pub fn is_open(&self) -> bool {
        !*self.stopping.borrow()
    }

    /// True while upstream signals are processed.
    pub fn is_at_work(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.handle.is_finished())
    }

    /// Serves a screen until either side ends the connection. `upgrade` yields the connection after
    /// the handshake, `query` is the query of its URL, and `slot` is held as long as the screen
    /// stays.
    pub fn accept_client<S>(
        &self,
        query: Option<&str>,
        slot: Option<ClientSlot>,
        upgrade: impl Future<Output = Option<S>> + Send + 'static,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = self.shared.clone();
        let (resume, stop) = (client::ResumeRequest::read(query), self.stopping.subscribe());
        let guard = client::ConnectedGuard::new(shared);
        let mut clients = self.clients();
        // Remove finished tasks, so that they do not accumulate.
        while clients.try_join_next().is_some() {}
        clients.spawn(async move {
            let _slot = slot;
            // The client may leave before it receives the answer.
            if let Some(io) = upgrade.await {
                client::serve(guard, io, resume, stop).await;
            }
        });
    }

    /// Closes every screen with 1001 and waits briefly for confirmation.
    pub async fn close(&self) {
        self.stopping.send_replace(true);
        let mut clients = std::mem::take(&mut *self.clients());
        let all = async { while clients.join_next().await.is_some() {} };
        // Screens that do not confirm in time are cut off.
        let _ = timeout(client::CLOSE_GRACE, all).await;
    }

    /// Stops processing and releases upstream and store, so that another hub can use them.
    pub(super) fn end(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Thread { quit, handle }) = thread {
            drop(quit);
            // The thread does not panic.
            let _ = handle.join();
        }
    }

    fn clients(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns an empty model for what is kept.
fn model_of(keep: &JournalRetention) -> Model {
    Model::new(Retention {
        runs: keep.runs.max(LEAST_MODEL_RUNS),
        log_events: 0,
        // Usually the journal drops runs first, because a frame is longer than the texts kept of it.
        // Journal and store also drop the runs that the model drops.
        text_bytes: usize::try_from(keep.bytes)
            .unwrap_or(usize::MAX)
            .max(Retention::default().text_bytes),
        ..Retention::default()
    })
}

/// Returns the stored runs that had not ended, and the time of the last known event of any run. The
/// source asks for the outcome of these runs first, regardless of their number or age.
fn unfinished(model: &Model) -> (Vec<RunId>, Option<Timestamp>) {
    let goes_on = |run: &&Run| !matches!(run.status, RunStatus::Completed | RunStatus::Failed);
    let runs = model.runs().filter(goes_on).map(|run| run.id().clone()).collect();
    (runs, model.runs().map(Run::last_event_at).max())
}

/// Returns a new unique stream id.
fn fresh_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid()
}
