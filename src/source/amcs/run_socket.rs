//! The socket of one run: opened, read, and closed when its run is over. Nothing is sent on it but
//! pings, pongs and close frames.

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
use crate::source::websocket::{Heartbeat, gather, part};
use crate::source::{
    ConnectionPermit, ConnectionSettings, Credentials, Disconnect, HeldRuns, SourceUrl,
};

/// How long a server may take to answer the opening request: longer than it stands still.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(75);

/// How long after REST the end of a run may be published.
const LATE_END: Duration = Duration::from_secs(2);

/// Bytes that a message may have at least.
const LEAST_MESSAGE_BYTES: usize = 64 << 20;

/// How long a server may take to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a socket tells. `token` tells it from other sockets of the same run.
pub(super) struct SocketMessage {
    pub run: RunId,
    pub token: u64,
    pub event: SocketEvent,
}

pub(super) enum SocketEvent {
    Opened,
    /// Its time is whoever receives it to set.
    Batch(Batch),
    Ended(Disconnect),
}

/// The state that a socket is asked to be in. It only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SocketGoal {
    /// Report every event.
    Listen,
    /// Nobody listens any more: stay open until the run is over.
    Hold,
    /// The run is over: close.
    Close,
}

/// A socket that is at work, as its source sees it.
pub(super) struct Handle {
    pub token: u64,
    pub is_open: bool,
    pub goal: watch::Sender<SocketGoal>,
}

impl Handle {
    /// Stops listening: asks the socket to close if its run is over, and else to stay open.
    pub fn part(&self, is_over: bool) {
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
    /// Held as long as the socket is.
    pub _permit: ConnectionPermit,
    pub held: HeldRuns,
    /// The run has begun and is not over, by its events.
    pub goes_on: bool,
}

/// Why reading ends.
enum Parting {
    /// The connection ended, or has to.
    Ended(Disconnect),
    /// The run is over: closing the socket harms nothing.
    Over,
    /// Nobody wants it any more, and its run may go on.
    Unwanted,
}

impl<C: Connect + Send + Sync + 'static> RunSocket<C> {
    /// Runs until the connection ends or is not wanted any more. Returns the run.
    ///
    /// The socket of a run that goes on is then held, without being listened to, until that run is over:
    /// closing it could make the backend fail the run.
    pub async fn run(mut self) -> RunId {
        let limit = self.settings.connect_timeout;
        // From the first byte on, the server may count this socket as a watcher.
        let held = (!self.settings.api.safe_sockets).then(|| self.held.hold());
        // Error texts are unbounded, and a message that is too large would end the connection.
        self.settings.max_message_bytes = self.settings.max_message_bytes.max(LEAST_MESSAGE_BYTES);
        let (connector, url) = (self.connector.clone(), self.url.clone());
        let (credentials, most) = (self.credentials.clone(), self.settings.max_message_bytes);
        // An attempt is not given up half way: its socket may be open already at the other end.
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
            Err(disconnect) => self.tell(SocketEvent::Ended(disconnect)).await,
            Ok(mut socket) => {
                self.tell(SocketEvent::Opened).await;
                match self.read(&mut socket).await {
                    Parting::Ended(disconnect) => {
                        part(&mut socket, &disconnect).await;
                        self.tell(SocketEvent::Ended(disconnect)).await;
                    }
                    Parting::Over => {
                        // REST may know of the end before it is published.
                        if held.is_some() && self.goes_on {
                            let _ = timeout(LATE_END, self.hold(&mut socket)).await;
                        }
                        close(&mut socket).await;
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

    async fn tell(&self, event: SocketEvent) {
        // Nobody listens any more: whoever started it has gone.
        let _ = self
            .messages
            .send(SocketMessage { run: self.run.clone(), token: self.token, event })
            .await;
    }

    async fn read<S>(&mut self, socket: &mut Socket<S>) -> Parting
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // Silence ends no connection here: a backend that freezes goes on with its runs, and a socket
        // that is closed meanwhile fails them. REST says when a run is over.
        let settings = ConnectionSettings { idle_timeout: Duration::ZERO, ..self.settings.clone() };
        let opened = Instant::now();
        let mut heartbeat = Heartbeat::new(opened);
        let mut goals = self.goal.clone();
        loop {
            tokio::select! {
                biased;
                parting = parting(&mut goals) => return parting,
                first = socket.next() => {
                    let now = Instant::now();
                    let live = now.duration_since(opened) >= REPLAY_PERIOD;
                    let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, live);
                    let disconnect = gather(socket, first, &mut batch, settings.max_message_bytes);
                    self.note(&batch);
                    if !batch.is_empty() {
                        self.tell(SocketEvent::Batch(batch)).await;
                    }
                    if let Some(disconnect) = disconnect {
                        return Parting::Ended(disconnect);
                    }
                    // The time it took the application to take it is not the server's fault.
                    heartbeat.heard(Instant::now());
                }
                () = sleep_until(heartbeat.next_duty(&settings)) => {}
            }
            if heartbeat.ping_is_due(&settings) && socket.ping().is_err() {
                return Parting::Ended(Disconnect::Lost);
            }
        }
    }

    /// Remembers whether the run goes on, as far as its events tell.
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

    /// Holds the socket until its run is over, by its events or by REST, until the connection ends, or
    /// until nobody wants to wait.
    async fn hold<S>(&self, socket: &mut Socket<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let over = async {
            loop {
                let first = socket.next().await;
                let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, true);
                let most = self.settings.max_message_bytes;
                let disconnect = gather(socket, first, &mut batch, most);
                if disconnect.is_some() || batch.items.iter().any(|item| ends_run(item, &self.run))
                {
                    return;
                }
            }
        };
        let mut goal = self.goal.clone();
        let closed = async {
            if goal.wait_for(|goal| *goal == SocketGoal::Close).await.is_err() {
                // Nobody is left who could say so.
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

/// Waits until nobody listens to a socket any more.
async fn parting(goals: &mut watch::Receiver<SocketGoal>) -> Parting {
    let goal = goals.wait_for(|goal| *goal > SocketGoal::Listen).await;
    let is_over = goal.is_ok_and(|goal| *goal == SocketGoal::Close);
    if is_over { Parting::Over } else { Parting::Unwanted }
}

/// True for the event with which a run is over.
fn ends_run(item: &Item, run: &RunId) -> bool {
    matches!(item, Item::Event(event) if event.run_id == *run
        && event.node.is_none()
        && matches!(event.phase, Phase::End | Phase::Fail))
}

/// Says goodbye: the server frees the watcher's database connection when it hears of it.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>) {
    if socket.send_close(1000).is_err() {
        return;
    }
    // Its answer, and then the end of the connection: until then it counts us as a watcher.
    let parted = async { while socket.next().await.is_ok() {} };
    // A server that does not answer finds the connection closed all the same.
    let _ = timeout(CLOSE_TIMEOUT, parted).await;
}
