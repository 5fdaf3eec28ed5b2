//! The socket of one run: opened, read, and closed when nobody wants it any more. Nothing is sent
//! on it but pings, pongs and close frames.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::protocol::{Batch, RunId};
use crate::source::connector::Connect;
use crate::source::handshake::shake_hands;
use crate::source::session::REPLAY_PERIOD;
use crate::source::socket::Socket;
use crate::source::websocket::{Pulse, gather, part};
use crate::source::{ConnectionSettings, Credentials, Ending, SourceUrl};

/// The backend may freeze for 45 s, and before that it may have been silent for the 20 s between two
/// of its pings.
const LEAST_IDLE_TIMEOUT: Duration = Duration::from_secs(90);

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
    /// Its sender is dropped, or sends, when the line is not wanted any more.
    pub stop: oneshot::Receiver<()>,
}

impl<C: Connect + Send + Sync + 'static> Line<C> {
    /// Runs until the connection ends or is not wanted any more. Returns the run.
    pub async fn run(mut self) -> RunId {
        let limit = self.settings.connect_timeout;
        let (connector, url) = (self.connector.clone(), self.url.clone());
        let (credentials, most) = (self.credentials.clone(), self.settings.max_message_bytes);
        let open = async {
            let transport = connector.connect(&url).await?;
            shake_hands(transport, &url, credentials.as_ref(), most).await
        };
        let opened = tokio::select! {
            biased;
            _ = &mut self.stop => return self.run,
            opened = timeout(limit, open) => opened,
        };
        match opened.unwrap_or(Err(Ending::ConnectTimeout { after: limit })) {
            Err(ending) => self.tell(What::Ended(ending)).await,
            Ok(mut socket) => {
                self.tell(What::Opened).await;
                match self.read(&mut socket).await {
                    Some(ending) => {
                        part(&mut socket, &ending).await;
                        self.tell(What::Ended(ending)).await;
                    }
                    None => hang_up(&mut socket).await,
                }
            }
        }
        self.run
    }

    async fn tell(&self, what: What) {
        // Nobody listens any more: whoever started it has gone.
        let _ = self.news.send(News { run: self.run.clone(), token: self.token, what }).await;
    }

    /// `None` when it is not wanted any more.
    async fn read<S>(&mut self, socket: &mut Socket<S>) -> Option<Ending>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let idle_timeout = self.settings.idle_timeout.max(LEAST_IDLE_TIMEOUT);
        let settings = ConnectionSettings { idle_timeout, ..self.settings.clone() };
        let opened = Instant::now();
        let mut pulse = Pulse::new(opened);
        loop {
            tokio::select! {
                biased;
                _ = &mut self.stop => return None,
                first = socket.next() => {
                    let now = Instant::now();
                    let live = now.duration_since(opened) >= REPLAY_PERIOD;
                    let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, live);
                    let ending = gather(socket, first, &mut batch, settings.max_message_bytes);
                    if !batch.is_empty() {
                        self.tell(What::Batch(batch)).await;
                    }
                    if let Some(ending) = ending {
                        return Some(ending);
                    }
                    // The time it took the application to take it is not the server's fault.
                    pulse.heard(Instant::now());
                }
                () = sleep_until(pulse.next_duty(&settings)) => {
                    if pulse.is_dead(&settings) {
                        return Some(Ending::Silent { after: settings.idle_timeout });
                    }
                }
            }
            if pulse.ping_is_due(&settings) && socket.ping().is_err() {
                return Some(Ending::Lost);
            }
        }
    }
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
