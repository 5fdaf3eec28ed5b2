//! The studio on a WebSocket: history first, then what happens as it happens.
//!
//! | path | what it gives |
//! | --- | --- |
//! | `/events` | all runs, to every client: the last runs whole, then live |
//! | `/api/v1/runs/events?run_id=…` | backend dialect only: one run, replayed as the backend does, which refuses with 1008 |
//!
//! Any other path is answered with HTTP 404. What clients send is read and ignored.

mod audience;
mod endpoint;
mod player;
mod viewer;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use self::{audience::Audience, player::Player};
use super::{DemoError, Dialect, scenario::StudioOptions};

/// Clients at a time; more are refused with HTTP 503.
const MAX_VIEWERS: usize = 64;

/// How long [`DemoServer::stop`] waits for clients to take their close frame.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// After a failed `accept` (no file handles left, say) the next try comes this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a demo studio is like.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoOptions {
    /// The same seed gives the same songs, durations and failures.
    pub seed: u64,
    /// Runs at a time, 1 to [`MAX_RUNS`](super::scenario::MAX_RUNS).
    pub runs: usize,
    /// How many times as fast as a real studio; intervals and reported durations shrink alike.
    /// What is not above zero counts as 1.
    pub speed: f64,
    pub dialect: Dialect,
    /// Frames that may wait for one client before it is closed with 1013.
    pub client_queue: usize,
    /// A protocol PING goes out this often.
    pub ping_interval: Duration,
    /// How long a client that fell behind has to take its close frame.
    pub close_grace: Duration,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            seed: 7,
            runs: StudioOptions::default().runs,
            speed: 1.0,
            dialect: Dialect::default(),
            client_queue: 4096,
            ping_interval: Duration::from_secs(20),
            close_grace: Duration::from_secs(5),
        }
    }
}

/// An open demo studio. Dropping it ends it at once; [`stop`](Self::stop) says goodbye first.
#[derive(Debug)]
pub struct DemoServer {
    address: SocketAddr,
    audience: Arc<Audience>,
    /// Plays the studio and accepts clients; owns the clients' tasks.
    tasks: JoinHandle<()>,
}

impl DemoServer {
    /// Opens a studio on `listen` (port 0: any free one), on the runtime this is called on.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn start(listen: SocketAddr, options: DemoOptions) -> Result<Self, DemoError> {
        let at_address = |source| DemoError::listen(listen, source);
        let listener = TcpListener::bind(listen).await.map_err(at_address)?;
        let address = listener.local_addr().map_err(at_address)?;
        let audience = Arc::new(Audience::new(MAX_VIEWERS, options.client_queue));
        let player = Player::open(&options, session_salt(), Arc::clone(&audience));
        let tasks = tokio::spawn(serve(listener, player, Arc::clone(&audience), options));
        Ok(Self { address, audience, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a viewer connects to.
    pub fn url(&self) -> String {
        format!("ws://{}/events", self.address)
    }

    /// Closes every client with 1001, waits a moment for them to take it, and ends.
    pub async fn stop(mut self) {
        self.audience.dismiss();
        let emptied = async {
            while self.audience.viewers() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Who has not gone by then is cut off.
        let _ = tokio::time::timeout(STOP_GRACE, emptied).await;
        self.tasks.abort();
        // Aborted, as asked: the port is free from here on.
        let _ = (&mut self.tasks).await;
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

/// Plays and accepts until it is aborted, which ends the clients' tasks, too.
async fn serve(
    listener: TcpListener,
    mut player: Player,
    audience: Arc<Audience>,
    options: DemoOptions,
) {
    let mut viewers = JoinSet::new();
    let accept = async {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let audience = Arc::clone(&audience);
                        viewers.spawn(viewer::serve(stream, audience, options.clone()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = viewers.join_next() => {}
            }
        }
    };
    tokio::join!(player.play(), accept);
}

/// Different at every start; see [`Session::salt`](super::dialect::Session::salt).
fn session_salt() -> u128 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut rng = fastrand::Rng::with_seed(since_epoch.as_nanos() as u64);
    rng.u128(..)
}
