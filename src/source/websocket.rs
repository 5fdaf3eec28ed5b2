//! The life of a connection: attempts, reading, losing, trying again; commands at any time.

use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, error::ProtocolError};

use super::connector::Connect;
use super::desk::{Ambient, Desk, Turn, rest, unless_commanded};
use super::ending::{NO_CODE, server_words};
use super::handshake::shake_hands;
use super::outlet::Outlet;
use super::schedule::{Next, Schedule};
use super::socket::Socket;
use super::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, Ending, SourceUrl,
    parse_source_url,
};
use crate::protocol::Batch;

/// A backend replays what it has stored when a viewer connects: frames this early are not live.
pub const REPLAY_PERIOD: Duration = Duration::from_secs(2);

/// Bounds of a batch: frames, their bytes (the frame that crosses the bound is still in), and the
/// time spent on gathering it.
pub const MOST_FRAMES_IN_A_BATCH: u64 = 256;
const MOST_BYTES_IN_A_BATCH: usize = 256 << 10;
const LONGEST_GATHERING: Duration = Duration::from_millis(10);

/// How long a server may take to answer our close frame, and to take our answer to its own.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);

/// Runs until the sender of `commands` is dropped. Connects at once where there is a URL.
///
/// Nothing is ever sent but pings, pongs and close frames: one data frame silences the backend for
/// good (protocol, section 3).
pub async fn run<C: Connect>(
    connector: C,
    url: Option<String>,
    settings: ConnectionSettings,
    mut commands: mpsc::Receiver<Command>,
    outlet: Outlet,
    ambient: Ambient,
) {
    let mut desk = Desk::new(url, settings, outlet, ambient);
    let mut turn =
        if desk.url.is_some() && desk.settings.enabled { Turn::Restart } else { Turn::Stay };
    loop {
        turn = match turn {
            Turn::Restart => session(&connector, &mut commands, &mut desk).await,
            Turn::Stop | Turn::Stay => rest(turn, &mut commands, &mut desk).await,
            Turn::Quit => return,
        };
    }
}

/// From the first attempt until a command, or until trying again cannot help.
async fn session<C: Connect>(
    connector: &C,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
) -> Turn {
    let shown = desk.shown_url();
    let url = match parse_source_url(desk.url.as_deref().unwrap_or_default()) {
        Ok(url) => url,
        Err(error) => {
            desk.log_error(error.to_string());
            desk.enter(ConnectionState::Failed { url: shown, reason: error.to_string() });
            return Turn::Stay;
        }
    };
    let mut schedule = Schedule::default();
    desk.enter(ConnectionState::Connecting { url: shown.clone() });
    loop {
        desk.log(ConnectionEvent::Connecting);
        let attempt = attempt(connector, &url, desk.settings.clone());
        let ending = match unless_commanded(commands, desk, attempt).await {
            Err(turn) => {
                desk.log(ConnectionEvent::Disconnected { code: None, reason: stopped(turn) });
                return turn;
            }
            Ok(Err(ending)) => {
                desk.log_error(ending.to_string());
                ending
            }
            Ok(Ok(mut socket)) => {
                schedule.reset();
                let since = desk.now();
                desk.enter(ConnectionState::Connected { url: shown.clone(), since });
                desk.log(ConnectionEvent::Connected);
                match read(&mut socket, commands, desk).await {
                    Ok(ending) => {
                        desk.log(ConnectionEvent::Disconnected {
                            code: ending.code(),
                            reason: ending.to_string(),
                        });
                        ending
                    }
                    Err(turn) => return hang_up(socket, commands, desk, turn).await,
                }
            }
        };
        let next = schedule.after(&ending, &desk.settings, &mut *desk.ambient.random);
        let Next::Retry { attempt, delay } = next else {
            if next == Next::GiveUp {
                let attempts = desk.settings.max_reconnect_attempts;
                desk.log_error(format!("given up after {attempts} attempts: {ending}"));
            }
            desk.enter(ConnectionState::Failed { url: shown, reason: ending.to_string() });
            return Turn::Stay;
        };
        let next_attempt_at = Some(later(desk.now(), delay));
        let reconnecting = |next_attempt_at, max_attempts| ConnectionState::Reconnecting {
            url: shown.clone(),
            attempt,
            max_attempts,
            next_attempt_at,
            reason: ending.to_string(),
        };
        desk.enter(reconnecting(next_attempt_at, desk.settings.max_reconnect_attempts));
        if let Err(turn) = unless_commanded(commands, desk, sleep(delay)).await {
            desk.log(ConnectionEvent::Disconnected { code: None, reason: stopped(turn) });
            return turn;
        }
        desk.enter(reconnecting(None, desk.settings.max_reconnect_attempts));
    }
}

async fn attempt<C: Connect>(
    connector: &C,
    url: &SourceUrl,
    settings: ConnectionSettings,
) -> Result<Socket<C::Transport>, Ending> {
    let open = async {
        let transport = connector.connect(url).await?;
        shake_hands(transport, url, settings.max_message_bytes).await
    };
    let limit = settings.connect_timeout;
    timeout(limit, open).await.unwrap_or(Err(Ending::ConnectTimeout { after: limit }))
}

/// Reads until the connection ends, or a command asks for something else.
async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
) -> Result<Ending, Turn> {
    let opened = Instant::now();
    let mut pulse = Pulse::new(opened);
    loop {
        if !desk.outlet.has_room() {
            // The application is behind. What it does not take stays in the socket, and silence
            // is not the server's fault while nobody listens.
            wait_for_room(socket, commands, desk, &mut pulse).await?;
            pulse.heard(Instant::now());
        }
        tokio::select! {
            biased;
            command = commands.recv() => match desk.take(command) {
                Turn::Stay => {}
                turn => return Err(turn),
            },
            first = socket.next() => {
                let now = Instant::now();
                let live = now.duration_since(opened) >= REPLAY_PERIOD;
                let mut batch = Batch::new(desk.now(), live);
                let ending = gather(socket, first, &mut batch, desk.settings.max_message_bytes);
                if !batch.is_empty() {
                    batch.received_at = desk.now();
                    desk.deliver(batch);
                }
                if let Some(ending) = ending {
                    part(socket, &ending).await;
                    return Ok(ending);
                }
                pulse.heard(now);
            }
            () = sleep_until(pulse.next_duty(&desk.settings)) => {
                if pulse.is_dead(&desk.settings) {
                    return Ok(Ending::Silent { after: desk.settings.idle_timeout });
                }
            }
        }
        if pulse.ping_is_due(&desk.settings) && socket.ping().is_err() {
            return Ok(Ending::Lost);
        }
    }
}

/// Keeps the connection alive without reading it until the application has room.
async fn wait_for_room<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
    pulse: &mut Pulse,
) -> Result<(), Turn> {
    while !desk.outlet.has_room() {
        if pulse.ping_is_due(&desk.settings) {
            // Whether the connection still stands shows when it is read again.
            let _ = socket.ping();
        }
        let next_ping = pulse.next_ping(&desk.settings);
        tokio::select! {
            biased;
            command = commands.recv() => match desk.take(command) {
                Turn::Stay => {}
                turn => return Err(turn),
            },
            () = desk.outlet.room() => {}
            () = sleep_until(next_ping) => {}
            Ok(()) = socket.flush(), if socket.is_unflushed() => {}
        }
    }
    Ok(())
}

/// Puts `first` and what else is already here into the batch. Returns how the connection ended,
/// if it did.
fn gather<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    first: Result<Message, WsError>,
    batch: &mut Batch,
    limit_bytes: usize,
) -> Option<Ending> {
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
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Ok(Message::Close(frame)) => {
                let (code, reason) = match frame {
                    Some(frame) => (frame.code.into(), server_words(frame.reason.as_bytes())),
                    None => (NO_CODE, String::new()),
                };
                return Some(Ending::Closed { code, reason });
            }
            Err(WsError::Utf8(detail)) => {
                batch.push_unreadable(format!("a text frame that is not UTF-8 ({detail})"), "");
            }
            Err(WsError::Capacity(_)) => {
                let ending = Ending::MessageTooLarge { limit_bytes };
                batch.push_unreadable(ending.to_string(), "");
                return Some(ending);
            }
            Err(WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake))
            | Err(WsError::Io(_) | WsError::ConnectionClosed | WsError::AlreadyClosed) => {
                return Some(Ending::Lost);
            }
            Err(WsError::Protocol(error)) => {
                return Some(Ending::Protocol { detail: error.to_string() });
            }
            Err(error) => return Some(Ending::Protocol { detail: error.to_string() }),
        }
        let full = batch.frames >= MOST_FRAMES_IN_A_BATCH
            || bytes >= MOST_BYTES_IN_A_BATCH
            || began.elapsed() >= LONGEST_GATHERING;
        next = if full { None } else { socket.next_now() };
    }
    None
}

/// Ends an open connection from our side as politely as is quick.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>, ending: &Ending) {
    match ending {
        // The answer to the server's close frame already waits to be sent.
        Ending::Closed { .. } => {}
        Ending::MessageTooLarge { .. } | Ending::Protocol { .. } => {
            // A server that does not take it finds the connection closed all the same.
            let _ = socket.close(ending.code().unwrap_or(NO_CODE));
        }
        _ => return,
    }
    let _ = timeout(ANSWER_TIMEOUT, socket.flush()).await;
}

/// Closes because of a command. Another command cuts the wait for the server's answer short.
async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: Socket<S>,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
    turn: Turn,
) -> Turn {
    desk.log(ConnectionEvent::Disconnected { code: Some(1000), reason: stopped(turn) });
    if turn != Turn::Restart {
        desk.enter(ConnectionState::Disconnected);
    }
    if socket.close(1000).is_err() {
        return turn;
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
    if turn == Turn::Quit {
        let _ = timeout(ANSWER_TIMEOUT, answered).await;
        return turn;
    }
    match unless_commanded(commands, desk, timeout(CLOSE_TIMEOUT, answered)).await {
        Ok(_) => turn,
        Err(turn) => turn,
    }
}

fn stopped(turn: Turn) -> String {
    match turn {
        Turn::Restart => "closed by us, to connect anew".to_owned(),
        _ => "closed by us".to_owned(),
    }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}

/// When to ping, and when a silent connection is dead.
struct Pulse {
    last_heard: Instant,
    last_ping: Instant,
}

/// Stands for never.
const FAR: Duration = Duration::from_secs(86_400 * 365);

impl Pulse {
    fn new(now: Instant) -> Self {
        Self { last_heard: now, last_ping: now }
    }

    fn heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    fn next_ping(&self, settings: &ConnectionSettings) -> Instant {
        self.last_ping + unless_zero(settings.ping_interval)
    }

    fn deadline(&self, settings: &ConnectionSettings) -> Instant {
        self.last_heard + unless_zero(settings.idle_timeout)
    }

    fn next_duty(&self, settings: &ConnectionSettings) -> Instant {
        self.next_ping(settings).min(self.deadline(settings))
    }

    fn is_dead(&self, settings: &ConnectionSettings) -> bool {
        Instant::now() >= self.deadline(settings)
    }

    /// Whether to ping now; if so, the next one is due an interval from now.
    fn ping_is_due(&mut self, settings: &ConnectionSettings) -> bool {
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
