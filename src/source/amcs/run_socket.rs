//! Task that opens the socket of one run, reads its events, and closes it when the run is over. Sends
//! only pings, pongs and close frames.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::protocol::{Batch, Item, Phase, RunId};
use crate::source::connector::Connect;
use crate::source::handshake::shake_hands;
use crate::source::session::REPLAY_PERIOD;
use crate::source::socket::Socket;
use crate::source::websocket::{Gathered, Heartbeat, gather, part};
use crate::source::{
    ConnectionPermit, ConnectionSettings, Credentials, Disconnect, HeldRuns, SourceUrl,
};

/// Time allowed for the answer to the opening request: longer than the freeze of a backend that ran out
/// of database connections.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(75);

/// Time allowed for the event that ends a run after REST has reported the end.
const LATE_END: Duration = Duration::from_secs(2);

/// Smallest limit on the size of a message, in bytes, whatever the settings say.
const LEAST_MESSAGE_BYTES: usize = 64 << 20;

/// Time allowed for the server to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Message of a socket to the watcher. `token` distinguishes the socket from others of the same run.
pub(super) struct SocketMessage {
    pub run: RunId,
    pub token: u64,
    pub event: SocketEvent,
}

pub(super) enum SocketEvent {
    Opened,
    /// Events of the run. The receiver sets `received_at`.
    Batch(Batch),
    Ended(Disconnect),
}

/// State that the watcher demands of a socket. Changes only in the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SocketGoal {
    /// Stay open and report every event.
    Listen,
    /// Stay open until the run is over, without reporting events.
    Hold,
    /// Close, because the run is over.
    Close,
}

/// The watcher's handle on a socket task.
pub(super) struct SocketHandle {
    pub token: u64,
    pub is_open: bool,
    pub goal: watch::Sender<SocketGoal>,
}

impl SocketHandle {
    /// Stops listening: the socket is to close if its run is over, and to stay open otherwise.
    pub fn stop_listening(&self, is_over: bool) {
        let next = if is_over { SocketGoal::Close } else { SocketGoal::Hold };
        self.goal.send_if_modified(|goal| {
            let is_new = *goal < next;
            *goal = next.max(*goal);
            is_new
        });
    }
}

/// The socket of one run, and the parts it needs to connect.
pub(super) struct RunSocket<C> {
    pub connector: Arc<C>,
    pub url: SourceUrl,
    pub credentials: Option<Credentials>,
    pub settings: ConnectionSettings,
    pub run: RunId,
    pub token: u64,
    pub messages: mpsc::Sender<SocketMessage>,
    /// A dropped sender counts as [`SocketGoal::Hold`].
    pub goal: watch::Receiver<SocketGoal>,
    /// Connection permit, kept until the socket is closed.
    pub _permit: ConnectionPermit,
    pub held: HeldRuns,
    /// True when REST or the events say that the run has begun and is not over.
    pub goes_on: bool,
}

/// Reason for which reading ends.
enum Parting {
    /// The connection ended or failed.
    Ended(Disconnect),
    /// Nobody listens any more, because the run is over or for another reason.
    Unwanted,
}

impl<C: Connect + Send + Sync + 'static> RunSocket<C> {
    /// Connects and reads until the connection ends or is not wanted any more. Returns the run's id.
    ///
    /// The unwanted socket of an unfinished run stays open without reporting events until the run is
    /// over, because closing it could make the backend fail the run.
    pub async fn run(mut self) -> RunId {
        let limit = self.settings.connect_timeout;
        // From the first byte on, the server may count this socket as a watcher.
        let held = (!self.settings.api.safe_sockets).then(|| self.held.hold());
        // Error texts are unbounded, and a message that is too large would be lost.
        self.settings.max_message_bytes = self.settings.max_message_bytes.max(LEAST_MESSAGE_BYTES);
        let (connector, url) = (self.connector.clone(), self.url.clone());
        let (credentials, most) = (self.credentials.clone(), self.settings.max_message_bytes);
        // The goal is not checked before the handshake ends: the server may have opened the socket
        // already, and closing it could fail the run.
        let opened = match timeout(limit, connector.connect(&url)).await {
            Err(_) => Err(Disconnect::ConnectTimeout { after: limit }),
            Ok(Err(disconnect)) => Err(disconnect),
            Ok(Ok(transport)) => {
                let shaken = shake_hands(transport, &url, credentials.as_ref(), most);
                let none = Err(Disconnect::ConnectTimeout { after: HANDSHAKE_PATIENCE });
                timeout(HANDSHAKE_PATIENCE, shaken).await.unwrap_or(none)
            }
        };
        match opened {
            Err(disconnect) => self.send_event(SocketEvent::Ended(disconnect)).await,
            Ok(mut socket) => {
                self.send_event(SocketEvent::Opened).await;
                match self.read(&mut socket).await {
                    Parting::Ended(disconnect) => {
                        part(&mut socket, &disconnect).await;
                        self.send_event(SocketEvent::Ended(disconnect)).await;
                    }
                    Parting::Unwanted => {
                        if held.is_some() && self.goes_on {
                            self.hold(&mut socket).await;
                        }
                        close(&mut socket).await;
                    }
                }
            }
        }
        drop(held);
        self.run
    }

    async fn send_event(&self, event: SocketEvent) {
        // The send fails when the watcher has stopped and needs no messages any more.
        let _ = self
            .messages
            .send(SocketMessage { run: self.run.clone(), token: self.token, event })
            .await;
    }

    async fn read<S>(&mut self, socket: &mut Socket<S>) -> Parting
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // No idle timeout: a frozen backend continues its runs, and closing a socket meanwhile would
        // fail them. REST tells when a run is over.
        let settings = ConnectionSettings { idle_timeout: Duration::ZERO, ..self.settings.clone() };
        let opened = Instant::now();
        let mut heartbeat = Heartbeat::new(opened);
        let mut goals = self.goal.clone();
        loop {
            tokio::select! {
                biased;
                () = wait_until_unwanted(&mut goals) => return Parting::Unwanted,
                first = socket.next() => {
                    let now = Instant::now();
                    let live = now.duration_since(opened) >= REPLAY_PERIOD;
                    let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, live);
                    if settings.recorder.is_some() {
                        batch.keep_frames();
                    }
                    let gathered = gather(socket, first, &mut batch, settings.max_message_bytes);
                    self.note(&batch);
                    if !batch.is_empty() {
                        self.send_event(SocketEvent::Batch(batch)).await;
                    }
                    if let Gathered::End(disconnect) = gathered {
                        return Parting::Ended(disconnect);
                    }
                    // Read the clock again: the time spent waiting for the watcher is no silence of the
                    // server.
                    heartbeat.heard(Instant::now());
                }
                () = sleep_until(heartbeat.next_duty(&settings)) => {}
            }
            if heartbeat.ping_is_due(&settings) && socket.ping().is_err() {
                return Parting::Ended(Disconnect::Lost);
            }
        }
    }

    /// Updates `goes_on` from the run's events in `batch`.
    fn note(&mut self, batch: &Batch) {
        for item in &batch.items {
            if ends_run(item, &self.run) {
                self.goes_on = false;
            } else if let Item::Event(event) = item
                && event.run_id == self.run
                && (event.node.is_some() || event.phase == Phase::Start)
            {
                self.goes_on = true;
            }
        }
    }

    /// Keeps the socket open until the run is over by its events or by REST, the connection ends, the
    /// held runs are released, or the drain time is over.
    async fn hold<S>(&self, socket: &mut Socket<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let over = async {
            loop {
                let first = socket.next().await;
                let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, true);
                let most = self.settings.max_message_bytes;
                let gathered = gather(socket, first, &mut batch, most);
                if matches!(gathered, Gathered::End(_))
                    || batch.items.iter().any(|item| ends_run(item, &self.run))
                {
                    return;
                }
            }
        };
        let mut goal = self.goal.clone();
        let closed = async {
            if goal.wait_for(|goal| *goal == SocketGoal::Close).await.is_err() {
                // The sender is gone, so the goal never changes: wait for the other conditions.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = over => {}
            () = closed => sleep(LATE_END).await,
            () = self.held.released() => {}
            () = sleep(self.settings.api.drain) => {}
        }
    }
}

/// Waits until nobody listens any more.
async fn wait_until_unwanted(goals: &mut watch::Receiver<SocketGoal>) {
    // A sender that is gone has no listener either.
    let _ = goals.wait_for(|goal| *goal > SocketGoal::Listen).await;
}

/// True for the event that ends the run.
fn ends_run(item: &Item, run: &RunId) -> bool {
    matches!(item, Item::Event(event) if event.run_id == *run
        && event.node.is_none()
        && matches!(event.phase, Phase::End | Phase::Fail))
}

/// Closes the connection with a close frame, on which the server frees the socket's database
/// connection.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>) {
    if socket.send_close(1000).is_err() {
        return;
    }
    // Wait for the server's close frame and the end of the connection: until then the server counts
    // this socket as a watcher.
    let parted = async { while socket.next().await.is_ok() {} };
    // When the server does not answer, the caller closes the connection by dropping it.
    let _ = timeout(CLOSE_TIMEOUT, parted).await;
}
