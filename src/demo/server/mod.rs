//! The studio on a WebSocket: history first, then what happens as it happens.
//!
//! | path | what it gives |
//! | --- | --- |
//! | `/events` | all runs, to every client: the last runs whole, then live |
//! | `/api/v1/runs/events?run_id=…` | backend dialect only: one run, replayed as the backend does, which refuses with 1008 |
//!
//! Any other path is answered with HTTP 404. What clients send is read and ignored. [`DemoBroadcaster`] is the
//! studio without a door; [`DemoServer`] opens one for it, and `hub` one beside its page.

mod broadcaster;
mod endpoint;
mod player;
mod subscribers;
mod viewer;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};

pub use self::{
    broadcaster::{DemoBroadcaster, PendingClient},
    endpoint::{ALL_RUNS, ONE_RUN, Refusal},
};
use super::{DemoError, Dialect, scenario::DemoScheduleOptions};
use crate::server::port::{bind, next_connection};

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
            runs: DemoScheduleOptions::default().runs,
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
    broadcaster: Arc<DemoBroadcaster>,
    accept: JoinHandle<()>,
}

impl DemoServer {
    /// Opens a studio on `listen` (port 0: any free one), on the runtime this is called on.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn start(listen: SocketAddr, options: DemoOptions) -> Result<Self, DemoError> {
        let (listener, address) =
            bind(listen, None).map_err(|source| DemoError::listen(listen, source))?;
        let broadcaster = Arc::new(DemoBroadcaster::open(options));
        let accept = tokio::spawn(accept(listener, Arc::clone(&broadcaster)));
        Ok(Self { address, broadcaster, accept })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a viewer connects to.
    pub fn url(&self) -> String {
        format!("ws://{}{ALL_RUNS}", self.address)
    }

    /// Closes every client with 1001, waits a moment for them to take it, and ends.
    pub async fn stop(mut self) {
        self.broadcaster.close().await;
        self.accept.abort();
        // Aborted, as asked: the port is free from here on.
        let _ = (&mut self.accept).await;
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

/// Hands clients to the house until it is aborted.
async fn accept(listener: TcpListener, broadcaster: Arc<DemoBroadcaster>) {
    loop {
        broadcaster.receive(next_connection(&listener).await);
    }
}
