//! The hub itself: few connections upstream, any number of screens, one stream of all that was seen.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | `journal` | what screens are told, by number; what goes when there is too much | where it comes from, files |
//! | `store` | the same in a file | what a frame says |
//! | `ingest_thread` | upstream → model → store → journal, on a thread of its own | screens |
//! | `client` | one screen's connection: a place in the journal | other screens, upstream |
//! | `stall_detector` | since when a connection takes nothing | what it carries |
//! | [`counters`] | numbers for whoever watches the hub | everything else |
//!
//! Nothing is queued for a screen: it pulls from the journal when its socket can take more. So a
//! slow one lags, costs nothing, and delays nobody. And what is shown has been written before, so that no screen
//! has seen what a hub that was killed does not know any more.

mod client;
pub mod counters;
mod ingest_thread;
mod journal;
mod stall_detector;
mod store;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

pub use self::counters::Counters;
use self::ingest_thread::IngestThread;
use self::journal::Journal;
pub use self::journal::JournalRetention;
use self::store::Store;
pub use self::store::StoreError;
use super::{HubError, gate::ClientSlot};
use crate::model::{Model, Retention, Run, RunStatus};
use crate::protocol::RunId;
use crate::protocol::hub::{Upstream, UpstreamState};
use crate::source::{
    self, Address, Command, CommandSender, ConnectionSettings, Signal, SourceHandle,
};

/// Runs that the model holds at least, however few are kept: those that go on are never dropped.
const LEAST_MODEL_RUNS: usize = 100_000;

/// What a hub is like.
#[derive(Clone, Debug, PartialEq)]
pub struct HubOptions {
    /// Where events come from: `ws://`, `wss://`, `http://` or `https://`.
    pub upstream: Address,
    pub connection: ConnectionSettings,
    /// The file that keeps what was seen; `None` keeps it in memory only.
    pub store: Option<PathBuf>,
    pub keep: JournalRetention,
    /// Below which path REST is passed through, where it is.
    pub api: Option<&'static str>,
    /// Whether what is passed through may change something.
    pub actions: bool,
}

/// How the hub stands with its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// All that is seen is written.
    Written,
    /// It could not be written: the hub goes on in memory.
    Failed,
    /// There is none, as asked.
    None,
}

impl StoreState {
    /// As it stands in the answer to `/healthz`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Failed => "failed",
            Self::None => "none",
        }
    }
}

/// A hub at work. Dropping it ends it at once; [`close`](Self::close) says goodbye first.
#[derive(Debug)]
pub struct Hub {
    shared: Arc<Shared>,
    clients: Mutex<JoinSet<()>>,
    stopping: watch::Sender<bool>,
    upstream: CommandSender,
    thread: Mutex<Option<Thread>>,
}

/// The thread of the intake.
#[derive(Debug)]
struct Thread {
    /// Dropped, it ends the thread.
    quit: Sender<()>,
    handle: JoinHandle<()>,
}

/// What the hub's thread, its screens and whoever watches it share. Where two of its locks are held,
/// the model's was taken first.
#[derive(Debug)]
struct Shared {
    model: Mutex<Model>,
    state: RwLock<State>,
    /// Changes when there is something new to read in the state.
    news: watch::Sender<()>,
    counters: Counters,
    has_store: bool,
    api: Option<&'static str>,
    actions: bool,
}

#[derive(Debug)]
struct State {
    /// Which stream the journal's numbers belong to.
    stream: Uuid,
    /// Counts streams.
    stream_count: u32,
    journal: Journal,
    upstream: Upstream,
    /// Counts changes of `upstream`.
    upstream_count: u64,
    store_trouble: Option<String>,
}

impl Shared {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        // Nothing that is done under the lock leaves the state half changed.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the screens that there is something new.
    fn tell(&self) {
        self.news.send_replace(());
    }
}

impl Hub {
    /// Opens the store, fills the hub from it, and connects upstream.
    ///
    /// # Errors
    ///
    /// When the store cannot be used, in words that say what to do.
    pub fn open(options: HubOptions) -> Result<Self, HubError> {
        let (ingest_thread, shared) = Self::prepare(&options)?;
        let mut connection = options.connection;
        (connection.api.unfinished, connection.api.seen_until) = unfinished(&shared.model());
        let source =
            source::spawn(Some(options.upstream.as_str().to_owned()), connection, Arc::new(|| {}));
        let signals = source.signals.clone();
        Self::begin(ingest_thread, shared, signals, Some(source))
    }

    /// The same, with `signals` for what comes from upstream.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn fed_by(signals: Receiver<Signal>, options: &HubOptions) -> Result<Self, HubError> {
        let (ingest_thread, shared) = Self::prepare(options)?;
        Self::begin(ingest_thread, shared, signals, None)
    }

    fn prepare(options: &HubOptions) -> Result<(IngestThread, Arc<Shared>), StoreError> {
        let fresh = fresh_id();
        let store = options.store.as_deref().map(|path| Store::open(path, fresh)).transpose()?;
        let (stream, last) =
            store.as_ref().map_or((fresh, 0), |store| (store.stream(), store.last()));
        let model = Model::new(Retention {
            runs: options.keep.runs.max(LEAST_MODEL_RUNS),
            log_events: 0,
            ..Retention::default()
        });
        let state = State {
            stream,
            stream_count: 0,
            journal: Journal::after(last),
            upstream: Upstream {
                state: UpstreamState::Lost,
                since: Timestamp::now(),
                reason: "connecting".to_owned(),
            },
            upstream_count: 0,
            store_trouble: None,
        };
        let shared = Arc::new(Shared {
            model: Mutex::new(model),
            state: RwLock::new(state),
            news: watch::Sender::new(()),
            counters: Counters::default(),
            has_store: store.is_some(),
            api: options.api,
            actions: options.actions,
        });
        Ok((IngestThread::resume(shared.clone(), store, options.keep)?, shared))
    }

    fn begin(
        ingest_thread: IngestThread,
        shared: Arc<Shared>,
        signals: Receiver<Signal>,
        source: Option<SourceHandle>,
    ) -> Result<Self, HubError> {
        let (quit, quitting) = bounded(0);
        let upstream = source.as_ref().map(SourceHandle::commander).unwrap_or_default();
        let body = move || {
            // Owned here, so that upstream is let go of when the hub ends.
            let _source = source;
            ingest_thread.run(signals, &quitting);
        };
        let thread = std::thread::Builder::new().name("meterbridge-hub".to_owned());
        let handle = thread.spawn(body).map_err(HubError::Thread)?;
        Ok(Self {
            shared,
            clients: Mutex::default(),
            stopping: watch::Sender::new(false),
            upstream,
            thread: Mutex::new(Some(Thread { quit, handle })),
        })
    }

    /// How the hub stands with upstream.
    pub fn upstream_state(&self) -> Upstream {
        self.shared.state().upstream.clone()
    }

    /// Whether what is seen survives the hub.
    pub fn store_state(&self) -> StoreState {
        match self.shared.has_store {
            false => StoreState::None,
            true if self.shared.state().store_trouble.is_some() => StoreState::Failed,
            true => StoreState::Written,
        }
    }

    /// Why nothing is written any more, where that is so.
    pub fn store_trouble(&self) -> Option<String> {
        self.shared.state().store_trouble.clone()
    }

    /// Numbers of what it has done and has.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// All that it knows of runs. The hub takes nothing in while this is held.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.model()
    }

    /// Has a run watched from now on that was made just now: a backend lists none that waits.
    pub fn watch(&self, run: RunId) {
        self.upstream.send(Command::Watch(run));
    }

    /// Whether screens may come.
    pub fn is_open(&self) -> bool {
        !*self.stopping.borrow()
    }

    /// Whether what comes from upstream is taken in.
    pub fn is_at_work(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.handle.is_finished())
    }

    /// Serves a screen, once `upgrade` gives its connection behind the answered handshake, until
    /// either side ends it. `query` is that of its address; `slot` is kept as long as it stays.
    pub fn welcome<S>(
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
        // Those that have ended, so that they do not pile up.
        while clients.try_join_next().is_some() {}
        clients.spawn(async move {
            let _slot = slot;
            // Where the client left before it had its answer, there is nobody to serve.
            if let Some(io) = upgrade.await {
                client::serve(guard, io, resume, stop).await;
            }
        });
    }

    /// Closes every screen with 1001 and waits a moment for them to take it.
    pub async fn close(&self) {
        self.stopping.send_replace(true);
        let mut clients = std::mem::take(&mut *self.clients());
        let all = async { while clients.join_next().await.is_some() {} };
        // Who has not gone by then is cut off.
        let _ = timeout(client::CLOSE_GRACE, all).await;
    }

    /// Takes in nothing more and lets upstream and the store go, so that another hub may have them.
    pub(super) fn end(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Thread { quit, handle }) = thread {
            drop(quit);
            // It does not panic.
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

/// The runs of the store that were not over, and the instant until which it knows of any run. Whatever
/// their number or age, what became of them is asked for first.
fn unfinished(model: &Model) -> (Vec<RunId>, Option<Timestamp>) {
    let goes_on = |run: &&Run| !matches!(run.status, RunStatus::Completed | RunStatus::Failed);
    let runs = model.runs().filter(goes_on).map(|run| run.id().clone()).collect();
    (runs, model.runs().map(Run::last_event_at).max())
}

/// A name that no other stream has.
fn fresh_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid()
}
