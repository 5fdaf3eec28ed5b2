//! WebSocket of one run, as described in protocol sections 2, 3 and 6.1.

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use super::harm::Parting;
use super::http::Request;
use super::parrot::{self, Parrot};
use super::pool::Holder;
use super::{Backend, Phase};

/// Delay of the replay where live events are sent first.
const LATE_REPLAY: Duration = Duration::from_millis(40);

pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    backend: &Backend,
    mut stream: S,
    request: &Request,
) -> Option<()> {
    let key = request.headers.get("sec-websocket-key")?;
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let repeats = backend.repeats(request);
    if let Some((Parrot::Closes(code), said)) = &repeats {
        // Maximum length of a close reason.
        let reason = said[..said.len().min(123)].to_owned();
        return close(&mut socket, *code, &reason).await;
    }
    if let (Some((Parrot::Tells, said)), Some(run)) = (&repeats, request.query.get("run_id")) {
        for text in [format!("{said} is what you said"), parrot::event(run, said)] {
            socket.send(Message::text(text)).await.ok()?;
        }
    }
    if let (Some((Parrot::Escapes, said)), Some(run)) = (&repeats, request.query.get("run_id")) {
        for is_cut in [true, false] {
            let text = parrot::escaped_event(run, said, is_cut);
            socket.send(Message::text(text)).await.ok()?;
        }
    }
    let refusal = match request.query.get("run_id").map(|text| Uuid::try_parse(text)) {
        Some(Ok(run)) => {
            let _permit = backend.admit_watcher();
            let Some(_held) = backend.connection(Holder::Socket).await else {
                return close(&mut socket, 1011, "").await;
            };
            let parting = watch(backend, socket, run).await;
            backend.remove_watcher(run, parting);
            return Some(());
        }
        Some(Err(_)) => "Invalid run_id format",
        None => "Missing run_id query parameter",
    };
    close(&mut socket, 1008, refusal).await
}

async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    code: u16,
    reason: &str,
) -> Option<()> {
    let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
    socket.close(Some(frame)).await.ok()
}

/// Sends the events of a run until its viewer leaves. Returns how the socket ended.
async fn watch<S: AsyncRead + AsyncWrite + Unpin>(
    backend: &Backend,
    mut socket: WebSocketStream<S>,
    run: Uuid,
) -> Parting {
    match tell(backend, &mut socket, run).await {
        Ok(parting) => parting,
        Err(Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset => Parting::Reset,
        Err(_) => Parting::Cut,
    }
}

async fn tell<S: AsyncRead + AsyncWrite + Unpin>(
    backend: &Backend,
    socket: &mut WebSocketStream<S>,
    run: Uuid,
) -> Result<Parting, Error> {
    let (sender, mut live) = mpsc::unbounded_channel();
    let stored: Vec<String> = match backend.lock().runs.get_mut(&run) {
        Some(run) => {
            run.watchers.push(sender.clone());
            run.stored.iter().map(|(frame, _)| frame.clone()).collect()
        }
        // An unknown run has an open socket that stays silent.
        None => Vec::new(),
    };
    let mut replayed = false;
    let late = if backend.live_comes_first() { LATE_REPLAY } else { Duration::ZERO };
    let replay_at = Instant::now() + late;
    let mut next_ping = Instant::now() + backend.ping_interval();
    let mut silenced = false;
    let mut phase = backend.phase();
    loop {
        backend.thawed().await;
        tokio::select! {
            biased;
            Ok(()) = phase.changed() => {
                let now = *phase.borrow_and_update();
                if now == Phase::Restarting {
                    let _ = close(socket, 1012, "").await;
                }
                if now != Phase::Up {
                    return Ok(Parting::ByServer);
                }
            }
            () = sleep_until(replay_at), if !replayed => {
                replayed = true;
                for frame in &stored {
                    socket.send(Message::text(frame.clone())).await?;
                }
            }
            Some(frame) = live.recv(), if replayed || !late.is_zero() => if !silenced {
                backend.thawed().await;
                socket.send(Message::text(frame)).await?;
            },
            () = sleep_until(next_ping) => {
                next_ping = Instant::now() + backend.ping_interval();
                socket.send(Message::Ping(Default::default())).await?;
            }
            message = socket.next() => match message.ok_or(Error::ConnectionClosed)?? {
                Message::Binary(_) => {
                    backend.count_data();
                    silenced = true;
                }
                Message::Text(_) => backend.count_data(),
                Message::Close(_) => {
                    // Send the answer to the close frame.
                    let _ = socket.flush().await;
                    sleep(Duration::from_millis(1)).await;
                    return Ok(Parting::Polite);
                }
                _ => {}
            },
        }
    }
}
