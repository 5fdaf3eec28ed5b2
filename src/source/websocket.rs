//! WebSocket over a byte transport: batched reading, pings, closing. The life cycle across connections
//! is in [`super::session`].

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, error::ProtocolError};

use super::connector::Connect;
use super::disconnect::{NO_CODE, server_words, skipped_text};
use super::handshake::shake_hands;
use super::history::{self, AnswerFuture, HistoryClientFor, HubAnswer};
use super::http::HttpClient;
use super::oversize::{SKIPPED_FACTOR, is_skipped};
use super::run_operation::{ApiClientFor, ApiRequest, ResponseFuture};
use super::session::{
    Connection, MOST_BYTES_IN_A_BATCH, MOST_FRAMES_IN_A_BATCH, OpenConnection, REPLAY_PERIOD,
};
use super::socket::Socket;
use super::source_context::{LoopAction, STANDS_AFTER, SourceContext, unless_commanded};
use super::{ApiUrl, Command, ConnectionSettings, Disconnect, SourceUrl};
use crate::protocol::Batch;

/// Longest time spent on gathering a batch.
const LONGEST_GATHERING: Duration = Duration::from_millis(10);

/// Time that a server has to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);

/// Time that a hub has for the answer to a question about the past.
const HISTORY_PATIENCE: Duration = Duration::from_secs(30);

/// Opens WebSockets over byte transports.
pub(super) struct Network<C> {
    connector: Arc<C>,
}

impl<C> Network<C> {
    pub(super) fn new(connector: Arc<C>) -> Self {
        Self { connector }
    }
}

impl<C: Connect + Send + Sync + 'static> OpenConnection for Network<C> {
    type Connection = Socket<C::Transport>;

    async fn connect(
        &mut self,
        url: &SourceUrl,
        settings: ConnectionSettings,
    ) -> Result<Self::Connection, Disconnect> {
        let credentials = settings.access.credentials()?;
        let open = async {
            let transport = self.connector.connect(url).await?;
            shake_hands(transport, url, credentials.as_ref(), settings.max_message_bytes).await
        };
        let limit = settings.connect_timeout;
        timeout(limit, open).await.unwrap_or(Err(Disconnect::ConnectTimeout { after: limit }))
    }

    fn post_to(&self, url: &SourceUrl, settings: &ConnectionSettings) -> ApiClientFor {
        let (connector, url) = (self.connector.clone(), url.clone());
        // Without credentials, no connection can be made either.
        let credentials = settings.access.credentials().ok().flatten();
        let limit = settings.connect_timeout;
        Box::new(move |api| {
            let url = ApiUrl::beside(&url, api)?;
            let base = url.path().to_owned();
            let client = HttpClient::new(connector.clone(), url, credentials.clone(), limit);
            let client = Arc::new(client);
            let post = move |call: ApiRequest| -> ResponseFuture {
                let (client, target) = (client.clone(), format!("{base}{}", call.path));
                Box::pin(async move { Ok(client.post(&target, call.body, call.patience).await?) })
            };
            Some(Arc::new(post))
        })
    }

    fn ask_at(&self, url: &SourceUrl, settings: &ConnectionSettings) -> HistoryClientFor {
        let (connector, url) = (self.connector.clone(), url.clone());
        let credentials = settings.access.credentials().ok().flatten();
        let limit = settings.connect_timeout;
        Box::new(move |path| {
            let url = ApiUrl::beside(&url, path)?;
            let base = url.path().to_owned();
            let client = HttpClient::new(connector.clone(), url, credentials.clone(), limit)
                .over_one_connection(HISTORY_PATIENCE);
            let client = Arc::new(client);
            let ask = move |rest: String| -> AnswerFuture {
                let (client, target) = (client.clone(), format!("{base}{rest}"));
                Box::pin(async move {
                    let answer = client.fetch(&target).await?;
                    let header = |name| answer.header(name);
                    let (next, end) = (header(history::NEXT), header(history::END));
                    let frames = header(history::FRAMES);
                    Ok(HubAnswer { body: answer.body, next, end, frames })
                })
            };
            Some(Arc::new(ask))
        })
    }

    async fn wait(&mut self, delay: Duration) {
        sleep(delay).await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection for Socket<S> {
    async fn read(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
    ) -> Result<Disconnect, LoopAction> {
        read(self, commands, context).await
    }

    async fn close(
        self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
        action: LoopAction,
    ) -> LoopAction {
        close(self, commands, context, action).await
    }
}

/// Reads until the connection ends, or a command ends it.
async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> Result<Disconnect, LoopAction> {
    let opened = Instant::now();
    let mut heartbeat = Heartbeat::new(opened);
    loop {
        if !context.signal_sender.has_room() {
            // The application is behind. Frames stay in the socket, and silence while nothing is read
            // is not the server's fault.
            wait_for_room(socket, commands, context, &mut heartbeat).await?;
            heartbeat.heard(Instant::now());
        }
        tokio::select! {
            biased;
            command = commands.recv() => match context.handle_command(command) {
                LoopAction::Stay => {}
                action => return Err(action),
            },
            first = socket.next() => {
                let now = Instant::now();
                let told = context.stream.is_live();
                let live = told.unwrap_or(now.duration_since(opened) >= REPLAY_PERIOD);
                context.answered_in = socket.round_trip();
                let mut batch = context.new_batch(live);
                let gathered = gather(socket, first, &mut batch, context.settings.max_message_bytes);
                if !batch.is_empty() {
                    batch.received_at = context.now();
                    context.deliver_stream_batch(batch);
                }
                match gathered {
                    Gathered::Frames => {}
                    Gathered::Skipped => context.stream.skip(),
                    Gathered::End(disconnect) => {
                        if let Disconnect::MessageTooLarge { .. } = disconnect {
                            context.stream.skip();
                        }
                        part(socket, &disconnect).await;
                        return Ok(disconnect);
                    }
                }
                heartbeat.heard(now);
            }
            () = sleep_until(opened + STANDS_AFTER), if context.is_on_trial() => {
                context.note_stands();
            }
            () = sleep_until(heartbeat.next_duty(&context.settings)) => {
                if heartbeat.is_dead(&context.settings) {
                    return Ok(Disconnect::Silent { after: context.settings.idle_timeout });
                }
            }
        }
        if heartbeat.ping_is_due(&context.settings) && socket.ping().is_err() {
            return Ok(Disconnect::Lost);
        }
    }
}

/// Keeps the connection alive without reading until the application has room.
async fn wait_for_room<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
    heartbeat: &mut Heartbeat,
) -> Result<(), LoopAction> {
    while !context.signal_sender.has_room() {
        if heartbeat.ping_is_due(&context.settings) {
            // A dead connection is detected when it is read again.
            let _ = socket.ping();
        }
        let next_ping = heartbeat.next_ping(&context.settings);
        tokio::select! {
            biased;
            command = commands.recv() => match context.handle_command(command) {
                LoopAction::Stay => {}
                action => return Err(action),
            },
            () = context.signal_sender.wait_for_capacity() => {}
            () = sleep_until(next_ping) => {}
            Ok(()) = socket.flush(), if socket.is_unflushed() => {}
        }
    }
    Ok(())
}

/// Result of gathering a batch.
#[derive(Debug)]
pub(super) enum Gathered {
    /// The connection goes on.
    Frames,
    /// The connection goes on. The last frame of the batch was too large and was skipped.
    Skipped,
    /// The connection has ended.
    End(Disconnect),
}

/// Adds `first` and the frames already received to the batch.
pub(super) fn gather<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    first: Result<Message, WsError>,
    batch: &mut Batch,
    limit_bytes: usize,
) -> Gathered {
    let began = Instant::now();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Ok(Message::Text(text)) => {
                bytes += text.len();
                batch.push_text(&text);
            }
            Ok(Message::Binary(data)) => {
                bytes += data.len();
                batch.push_bytes(&data);
            }
            Ok(message) if is_skipped(&message) => {
                batch.push_unreadable(skipped_text(limit_bytes), "");
                return Gathered::Skipped;
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Ok(Message::Close(frame)) => {
                let (code, reason) = match frame {
                    Some(frame) => (frame.code.into(), server_words(frame.reason.as_bytes())),
                    None => (NO_CODE, String::new()),
                };
                return Gathered::End(Disconnect::Closed { code, reason });
            }
            Err(WsError::Utf8(detail)) => {
                batch.push_unreadable(format!("a text frame that is not UTF-8 ({detail})"), "");
            }
            Err(WsError::Capacity(_)) => {
                // A smaller one would have been skipped.
                let factor = usize::try_from(SKIPPED_FACTOR).unwrap_or(usize::MAX);
                let limit_bytes = limit_bytes.saturating_mul(factor);
                let disconnect = Disconnect::MessageTooLarge { limit_bytes };
                batch.push_unreadable(disconnect.to_string(), "");
                return Gathered::End(disconnect);
            }
            Err(WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake))
            | Err(WsError::Io(_) | WsError::ConnectionClosed | WsError::AlreadyClosed) => {
                return Gathered::End(Disconnect::Lost);
            }
            Err(WsError::Protocol(error)) => {
                return Gathered::End(Disconnect::Protocol { detail: error.to_string() });
            }
            Err(error) => {
                return Gathered::End(Disconnect::Protocol { detail: error.to_string() });
            }
        }
        let full = batch.frames >= MOST_FRAMES_IN_A_BATCH
            || bytes >= MOST_BYTES_IN_A_BATCH
            || began.elapsed() >= LONGEST_GATHERING
            || batch.ends_at_boundary();
        next = if full { None } else { socket.next_now() };
    }
    Gathered::Frames
}

/// Ends an open connection from our side, with a close frame if that is quick.
pub(super) async fn part<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    disconnect: &Disconnect,
) {
    match disconnect {
        // The answer to the server's close frame is already buffered.
        Disconnect::Closed { .. } => {}
        Disconnect::MessageTooLarge { .. } | Disconnect::Protocol { .. } => {
            // If the server does not take the close frame, the connection is closed all the same.
            let _ = socket.send_close(disconnect.code().unwrap_or(NO_CODE));
        }
        _ => return,
    }
    let _ = timeout(ANSWER_TIMEOUT, socket.flush()).await;
}

/// Closes the connection because of a command. A further command cuts the wait for the server's answer
/// short.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: Socket<S>,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
    action: LoopAction,
) -> LoopAction {
    if socket.send_close(1000).is_err() {
        return action;
    }
    let answered = async {
        loop {
            match socket.next().await {
                Ok(Message::Close(_)) => return,
                Ok(_) | Err(WsError::Utf8(_)) => {}
                Err(_) => return,
            }
        }
    };
    if action == LoopAction::Quit {
        let _ = timeout(ANSWER_TIMEOUT, answered).await;
        return action;
    }
    match unless_commanded(commands, context, timeout(CLOSE_TIMEOUT, answered)).await {
        Ok(_) => action,
        Err(action) => action,
    }
}

/// Timer for pings and for the detection of dead connections.
pub(super) struct Heartbeat {
    last_heard: Instant,
    last_ping: Instant,
}

/// Duration that stands for never.
const FAR: Duration = Duration::from_secs(86_400 * 365);

impl Heartbeat {
    pub(super) fn new(now: Instant) -> Self {
        Self { last_heard: now, last_ping: now }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    pub(super) fn next_ping(&self, settings: &ConnectionSettings) -> Instant {
        self.last_ping + unless_zero(settings.ping_interval)
    }

    pub(super) fn deadline(&self, settings: &ConnectionSettings) -> Instant {
        self.last_heard + unless_zero(settings.idle_timeout)
    }

    pub(super) fn next_duty(&self, settings: &ConnectionSettings) -> Instant {
        self.next_ping(settings).min(self.deadline(settings))
    }

    pub(super) fn is_dead(&self, settings: &ConnectionSettings) -> bool {
        Instant::now() >= self.deadline(settings)
    }

    /// True when a ping is due now; the next one is then due one interval from now.
    pub(super) fn ping_is_due(&mut self, settings: &ConnectionSettings) -> bool {
        let now = Instant::now();
        let due = now >= self.next_ping(settings);
        if due {
            self.last_ping = now;
        }
        due
    }
}

fn unless_zero(duration: Duration) -> Duration {
    if duration.is_zero() { FAR } else { duration.min(FAR) }
}
