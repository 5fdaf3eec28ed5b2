//! A studio at play and its viewers, without a door: whoever has a connection hands it in.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{http::Uri, protocol::Role},
};

use super::{
    DemoOptions,
    endpoint::{Endpoint, Refusal},
    player::Player,
    subscribers::{ConnectionPermit, Subscribers},
    viewer,
};

/// Clients at a time; more are refused with HTTP 503.
const MAX_VIEWERS: usize = 64;

/// How long [`DemoBroadcaster::close`] waits for clients to take their close frame.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// A studio at play and its viewers. Dropping it ends both at once; [`close`](Self::close) says
/// goodbye first.
#[derive(Debug)]
pub struct DemoBroadcaster {
    subscribers: Arc<Subscribers>,
    options: DemoOptions,
    /// The play, and the clients' connections. None of them holds the house.
    tasks: Mutex<JoinSet<()>>,
}

/// A client that was let in and counts as a viewer from now on, although its handshake is still to
/// be answered.
#[derive(Debug)]
pub struct PendingClient {
    permit: ConnectionPermit,
    endpoint: Endpoint,
    options: DemoOptions,
}

impl DemoBroadcaster {
    /// Opens a studio whose past has happened already, and plays it on the runtime this is called
    /// on.
    pub fn open(options: DemoOptions) -> Self {
        let subscribers = Arc::new(Subscribers::new(MAX_VIEWERS, options.client_queue));
        let mut player = Player::open(&options, session_salt(), Arc::clone(&subscribers));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { player.play().await });
        Self { subscribers, options, tasks: Mutex::new(tasks) }
    }

    /// Lets a client in that asks for `uri` and whose handshake somebody else answers.
    ///
    /// # Errors
    ///
    /// When nothing is there, or no more clients can be taken.
    pub fn admit(&self, uri: &Uri) -> Result<PendingClient, Refusal> {
        let endpoint = Endpoint::at(uri, self.options.dialect).ok_or(Refusal::Unknown)?;
        let permit = self.subscribers.admit().ok_or(Refusal::Full)?;
        Ok(PendingClient { permit, endpoint, options: self.options.clone() })
    }

    /// Serves a connection that has said nothing yet, handshake included.
    pub(super) fn receive(&self, stream: TcpStream) {
        // The ticket first: who is in handshake counts, too.
        let permit = self.subscribers.admit();
        self.spawn(viewer::serve(stream, permit, self.options.clone()));
    }

    /// Has a client's connection served, until it ends or the house is closed.
    pub fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        // Those that have ended, so that they do not pile up.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(connection);
    }

    /// Closes every client with 1001, waits a moment for them to take it, and ends the play.
    pub async fn close(&self) {
        self.subscribers.close_all();
        let emptied = async {
            while self.subscribers.viewers() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Who has not gone by then is cut off.
        let _ = timeout(CLOSE_GRACE, emptied).await;
        self.tasks().abort_all();
    }

    /// Nothing that is done under the lock leaves the tasks half changed.
    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingClient {
    /// Serves a client whose handshake was accepted, until either side ends it. `io` is at the
    /// first byte after the handshake.
    pub async fn watch<S>(self, io: S)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Some(viewer::socket_config());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, config).await;
        viewer::attend(&mut socket, &self.endpoint, &self.permit, &self.options).await;
    }
}

/// Different at every start; see [`Session::salt`](super::super::dialect::Session::salt).
fn session_salt() -> u128 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut rng = fastrand::Rng::with_seed(since_epoch.as_nanos() as u64);
    rng.u128(..)
}
