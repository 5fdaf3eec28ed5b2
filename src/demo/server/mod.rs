//! The studio on a WebSocket: history first, then live events.
//!
//! | path | content |
//! | --- | --- |
//! | `/events` | all runs, for every client: the latest runs in full, then live events |
//! | `/api/v1/runs/events?run_id=…` | backend dialect only: one run, replayed like the backend does; invalid requests are closed with 1008 |
//!
//! Any other path is answered with HTTP 404. Messages from clients are read and ignored.
//! [`DemoBroadcaster`] is the studio without a listening socket; [`DemoServer`] opens one for it,
//! and `hub` serves it beside its page.

mod broadcaster;
mod clock;
mod controls;
mod endpoint;
mod known_runs;
mod operations;
mod player;
mod subscribers;
mod viewer;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};

pub use self::{
    broadcaster::{DemoBroadcaster, PendingClient},
    controls::{DemoAnswer, DemoCommand, DemoControls},
    endpoint::{ALL_RUNS, ONE_RUN, Refusal},
};
use super::{DemoError, Dialect, scenario::DemoScheduleOptions};
use crate::server::port::{bind, next_connection};

/// Options of a demo studio.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoOptions {
    /// Seed; the same seed gives the same songs, durations and failures.
    pub seed: u64,
    /// Runs at a time, 1 to [`MAX_RUNS`](super::scenario::MAX_RUNS).
    pub runs: usize,
    /// Speed as a multiple of real time; intervals and reported durations shrink alike. Values that
    /// are not above zero count as 1.
    pub speed: f64,
    pub dialect: Dialect,
    /// Number of frames that may wait for one client before it is closed with 1013.
    pub client_queue: usize,
    /// Interval of protocol pings.
    pub ping_interval: Duration,
    /// Time for a client that is closed to confirm its close frame.
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

/// An open demo studio. Dropping it ends it at once; [`stop`](Self::stop) closes connections
/// properly first.
#[derive(Debug)]
pub struct DemoServer {
    address: SocketAddr,
    broadcaster: Arc<DemoBroadcaster>,
    accept: JoinHandle<()>,
}

impl DemoServer {
    /// Opens a studio on `listen` (port 0 for any free port), on the current runtime.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened on.
    pub async fn start(listen: SocketAddr, options: DemoOptions) -> Result<Self, DemoError> {
        let (listener, address) =
            bind(listen, None).map_err(|source| DemoError::listen(listen, source))?;
        let broadcaster = Arc::new(DemoBroadcaster::open(options));
        let accept = tokio::spawn(accept(listener, Arc::clone(&broadcaster)));
        Ok(Self { address, broadcaster, accept })
    }

    /// Returns the address on which the studio listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL to connect to.
    pub fn url(&self) -> String {
        format!("ws://{}{ALL_RUNS}", self.address)
    }

    /// Returns the controls of the studio.
    pub fn controls(&self) -> &DemoControls {
        self.broadcaster.controls()
    }

    /// Closes every client with 1001, waits briefly for confirmation, and ends.
    pub async fn stop(mut self) {
        self.broadcaster.close().await;
        self.accept.abort();
        // The task was aborted; the port is free from here on.
        let _ = (&mut self.accept).await;
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

/// Passes connections to the broadcaster until aborted.
async fn accept(listener: TcpListener, broadcaster: Arc<DemoBroadcaster>) {
    loop {
        broadcaster.receive(next_connection(&listener).await);
    }
}
