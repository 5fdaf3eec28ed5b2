//! A running studio and its viewers, without a listening socket: callers pass connections in.

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
    controls::DemoControls,
    endpoint::{Endpoint, Refusal},
    player::Player,
    subscribers::{ConnectionPermit, Subscribers},
    viewer,
};
use crate::server::flood_guard::{Flood, FloodGuard};

/// Maximum number of clients; more are refused with HTTP 503.
const MAX_VIEWERS: usize = 64;

/// Time for clients to confirm their close frame in [`DemoBroadcaster::close`].
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// A running studio and its viewers. Dropping it ends both at once; [`close`](Self::close) closes
/// the connections properly first.
#[derive(Debug)]
pub struct DemoBroadcaster {
    subscribers: Arc<Subscribers>,
    options: DemoOptions,
    controls: DemoControls,
    /// Tasks of the player and of the clients' connections. None of them owns the broadcaster.
    tasks: Mutex<JoinSet<()>>,
}

/// An admitted client, counted as a viewer although its handshake is not answered yet.
#[derive(Debug)]
pub struct PendingClient {
    permit: ConnectionPermit,
    endpoint: Endpoint,
    options: DemoOptions,
}

impl DemoBroadcaster {
    /// Opens a studio whose past has already happened, and plays it on the current runtime.
    pub fn open(options: DemoOptions) -> Self {
        let subscribers = Arc::new(Subscribers::new(MAX_VIEWERS, options.client_queue));
        let (controls, orders) = DemoControls::new();
        let mut player = Player::open(&options, session_salt(), Arc::clone(&subscribers), orders);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { player.play().await });
        Self { subscribers, options, controls, tasks: Mutex::new(tasks) }
    }

    /// Returns the controls of the studio.
    pub fn controls(&self) -> &DemoControls {
        &self.controls
    }

    /// Admits a client that requests `uri` and whose handshake is answered by the caller.
    ///
    /// # Errors
    ///
    /// Fails when the path is unknown, or there are too many clients.
    pub fn admit(&self, uri: &Uri) -> Result<PendingClient, Refusal> {
        let endpoint = Endpoint::at(uri, self.options.dialect).ok_or(Refusal::Unknown)?;
        let permit = self.subscribers.admit().ok_or(Refusal::Full)?;
        Ok(PendingClient { permit, endpoint, options: self.options.clone() })
    }

    /// Serves a new connection, including its handshake.
    pub(super) fn receive(&self, stream: TcpStream) {
        // The permit is taken first, so that connections in handshake are counted.
        let permit = self.subscribers.admit();
        self.spawn(viewer::serve(stream, permit, self.options.clone()));
    }

    /// Spawns the task of a client's connection, which runs until it ends or the studio is closed.
    pub fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        // Remove finished tasks, so that they do not accumulate.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(connection);
    }

    /// Closes every client with 1001, waits briefly for confirmation, and ends the studio.
    pub async fn close(&self) {
        self.subscribers.close_all();
        let emptied = async {
            while self.subscribers.viewers() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Clients that do not confirm in time are cut off.
        let _ = timeout(CLOSE_GRACE, emptied).await;
        self.tasks().abort_all();
    }

    /// Locks the tasks. A panic while the lock was held cannot have left them inconsistent.
    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingClient {
    /// Serves a client whose handshake was accepted, until either side ends the connection. `io`
    /// must be at the first byte after the handshake.
    pub async fn watch<S>(self, io: S)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Some(viewer::socket_config());
        let io = FloodGuard::new(io, Flood::default());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, config).await;
        viewer::serve_client(&mut socket, &self.endpoint, &self.permit, &self.options).await;
    }
}

/// Returns a salt that differs at every start; see
/// [`Session::salt`](super::super::dialect::Session::salt).
fn session_salt() -> u128 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut rng = fastrand::Rng::with_seed(since_epoch.as_nanos() as u64);
    rng.u128(..)
}
