//! Sockets that are still open when their source ends. Closing one could make the backend fail its run
//! (protocol, section 6.1), and the end of a run is not always published as an event. So the runs are
//! polled over REST until they are over.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::api::Api;
use super::pacing::Pacer;
use super::run_socket::SocketGoal;
use super::watched_run::{Loss, WatchedRun};
use crate::source::connector::Connect;

/// Pause between two rounds of requests.
const INTERVAL: Duration = Duration::from_secs(2);

/// A run whose socket is held, and the channel that tells the socket to close.
pub(super) struct DrainedSocket {
    run: WatchedRun,
    goal: watch::Sender<SocketGoal>,
}

impl DrainedSocket {
    pub fn new(run: WatchedRun, goal: watch::Sender<SocketGoal>) -> Self {
        Self { run, goal }
    }

    fn is_open(&self) -> bool {
        !self.goal.is_closed() && *self.goal.borrow() != SocketGoal::Close
    }
}

/// Requests each run in turn, one at a time and at the backend's pace, and closes a run's socket once
/// the run is over. Returns when no socket is left.
///
/// `server_clock` is the server's time paired with the local instant at which it was told; `loss` is
/// the last time the backend was lost.
pub(super) async fn close_when_over<C: Connect + Send + Sync + 'static>(
    api: Arc<Api<C>>,
    mut pacer: Pacer,
    server_clock: Option<(Timestamp, Instant)>,
    loss: Option<Loss>,
    mut sockets: Vec<DrainedSocket>,
) {
    loop {
        for socket in sockets.iter_mut().filter(|socket| socket.is_open()) {
            sleep_until(pacer.next_at(Instant::now())).await;
            let permit = api.permit().await;
            let asked = Instant::now();
            let answer = api.run(&socket.run.id).await;
            drop(permit);
            let now = Instant::now();
            pacer.answered(now - asked, now);
            let Ok(snapshot) = answer else { continue };
            let server_now =
                server_clock.and_then(|(told, at)| told.checked_add(at.elapsed()).ok());
            socket.run.apply_snapshot(snapshot, loss.as_ref(), server_now, now);
            if socket.run.is_over() {
                socket.goal.send_replace(SocketGoal::Close);
            }
        }
        sockets.retain(DrainedSocket::is_open);
        if sockets.is_empty() {
            return;
        }
        sleep(INTERVAL).await;
    }
}
