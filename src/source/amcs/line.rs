//! The socket of one run: opened, read, and closed when its run is over. Nothing is sent on it but
//! pings, pongs and close frames.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::protocol::{Batch, Item, Phase, RunId};
use crate::source::connector::Connect;
use crate::source::handshake::shake_hands;
use crate::source::session::REPLAY_PERIOD;
use crate::source::socket::Socket;
use crate::source::websocket::{Pulse, gather, part};
use crate::source::{
    ConnectionPermit, ConnectionSettings, Credentials, Ending, HeldRuns, SourceUrl,
};

/// How long a server may take to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a line tells. `token` tells it from other lines of the same run.
pub(super) struct News {
    pub run: RunId,
    pub token: u64,
    pub what: What,
}

pub(super) enum What {
    Opened,
    /// Its time is whoever receives it to set.
    Batch(Batch),
    Ended(Ending),
}

/// What a line is made of.
pub(super) struct Line<C> {
    pub connector: Arc<C>,
    pub url: SourceUrl,
    pub credentials: Option<Credentials>,
    pub settings: ConnectionSettings,
    pub run: RunId,
    pub token: u64,
    pub news: mpsc::Sender<News>,
    /// Its sender is dropped when the line is not wanted any more, and sends when its run is over.
    pub stop: oneshot::Receiver<()>,
    /// Held as long as the socket is.
    pub _permit: ConnectionPermit,
    pub held: HeldRuns,
}

/// Why reading ends.
enum Parting {
    /// The connection ended, or has to.
    Ended(Ending),
    /// The run is over: closing the socket harms nothing.
    Over,
    /// Nobody wants it any more, and its run may go on.
    Unwanted,
}

impl<C: Connect + Send + Sync + 'static> Line<C> {
    /// Runs until the connection ends or is not wanted any more. Returns the run.
    ///
    /// The socket of a run that goes on is then held, without being listened to, until that run is over:
    /// closing it could make the backend fail the run.
    pub async fn run(mut self) -> RunId {
        let limit = self.settings.connect_timeout;
        let (connector, url) = (self.connector.clone(), self.url.clone());
        let (credentials, most) = (self.credentials.clone(), self.settings.max_message_bytes);
        let open = async {
            let transport = connector.connect(&url).await?;
            shake_hands(transport, &url, credentials.as_ref(), most).await
        };
        // An attempt is not given up half way: its socket may be open already at the other end.
        let opened = timeout(limit, open).await;
        match opened.unwrap_or(Err(Ending::ConnectTimeout { after: limit })) {
            Err(ending) => self.tell(What::Ended(ending)).await,
            Ok(mut socket) => {
                let held = (!self.settings.api.safe_sockets).then(|| self.held.hold());
                self.tell(What::Opened).await;
                match self.read(&mut socket).await {
                    Parting::Ended(ending) => {
                        part(&mut socket, &ending).await;
                        self.tell(What::Ended(ending)).await;
                    }
                    Parting::Over => hang_up(&mut socket).await,
                    Parting::Unwanted => {
                        if held.is_some() {
                            self.hold(&mut socket).await;
                        }
                        hang_up(&mut socket).await;
                    }
                }
                drop(held);
            }
        }
        self.run
    }

    async fn tell(&self, what: What) {
        // Nobody listens any more: whoever started it has gone.
        let _ = self.news.send(News { run: self.run.clone(), token: self.token, what }).await;
    }

    async fn read<S>(&mut self, socket: &mut Socket<S>) -> Parting
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // Silence ends no connection here: a backend that freezes goes on with its runs, and a socket
        // that is closed meanwhile fails them. REST says when a run is over.
        let settings = ConnectionSettings { idle_timeout: Duration::ZERO, ..self.settings.clone() };
        let opened = Instant::now();
        let mut pulse = Pulse::new(opened);
        loop {
            tokio::select! {
                biased;
                stop = &mut self.stop => {
                    return if stop.is_ok() { Parting::Over } else { Parting::Unwanted };
                }
                first = socket.next() => {
                    let now = Instant::now();
                    let live = now.duration_since(opened) >= REPLAY_PERIOD;
                    let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, live);
                    let ending = gather(socket, first, &mut batch, settings.max_message_bytes);
                    if !batch.is_empty() {
                        self.tell(What::Batch(batch)).await;
                    }
                    if let Some(ending) = ending {
                        return Parting::Ended(ending);
                    }
                    // The time it took the application to take it is not the server's fault.
                    pulse.heard(Instant::now());
                }
                () = sleep_until(pulse.next_duty(&settings)) => {}
            }
            if pulse.ping_is_due(&settings) && socket.ping().is_err() {
                return Parting::Ended(Ending::Lost);
            }
        }
    }

    /// Holds the socket until its run is over, the connection ends, or nobody wants to wait.
    async fn hold<S>(&self, socket: &mut Socket<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let over = async {
            loop {
                let first = socket.next().await;
                let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, true);
                let most = self.settings.max_message_bytes;
                let ending = gather(socket, first, &mut batch, most);
                if ending.is_some() || batch.items.iter().any(|item| ends_run(item, &self.run)) {
                    return;
                }
            }
        };
        tokio::select! {
            () = over => {}
            () = self.held.released() => {}
            () = sleep(self.settings.api.drain) => {}
        }
    }
}

/// True for the event with which a run is over.
fn ends_run(item: &Item, run: &RunId) -> bool {
    matches!(item, Item::Event(event) if event.run_id == *run
        && event.node.is_none()
        && matches!(event.phase, Phase::End | Phase::Fail))
}

/// Says goodbye: the server frees the watcher's database connection when it hears of it.
async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>) {
    if socket.close(1000).is_err() {
        return;
    }
    // Its answer, and then the end of the connection: until then it counts us as a watcher.
    let parted = async { while socket.next().await.is_ok() {} };
    // A server that does not answer finds the connection closed all the same.
    let _ = timeout(CLOSE_TIMEOUT, parted).await;
}
