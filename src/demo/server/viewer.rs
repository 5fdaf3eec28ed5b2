//! Connection of one client, from handshake to close.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Bytes, Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    DemoOptions,
    endpoint::{Endpoint, Refusal},
    subscribers::{CloseReason, ConnectionPermit, Subscription},
};
use crate::server::flood_guard::{Flood, FloodGuard};
use crate::server::websocket::close;

/// Timeout of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum size of messages from clients, which have nothing to send.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// Number of ping intervals without any message, including pongs, after which a client is
/// considered gone.
const SILENT_PINGS: u32 = 3;

/// Serves one connection until either side ends it. Without a permit, the client is refused.
pub(super) async fn serve(
    stream: TcpStream,
    permit: Option<ConnectionPermit>,
    options: DemoOptions,
) {
    // Send small frames at once; a failure only delays them.
    let _ = stream.set_nodelay(true);
    let mut endpoint = None;
    #[expect(clippy::result_large_err, reason = "the handshake's callback is typed like this")]
    let callback = |request: &Request, response| {
        endpoint = Endpoint::at(request.uri(), options.dialect);
        answer(endpoint.as_ref(), permit.is_none(), response)
    };
    let stream = FloodGuard::new(stream, Flood::default());
    let handshake = accept_hdr_async_with_config(stream, callback, Some(socket_config()));
    // Refused, not a WebSocket client, or too slow: in each case the client was informed or has
    // left.
    let Ok(Ok(mut socket)) = timeout(HANDSHAKE_TIMEOUT, handshake).await else { return };
    if let (Some(endpoint), Some(permit)) = (endpoint, permit) {
        serve_client(&mut socket, &endpoint, &permit, &options).await;
    }
}

#[expect(clippy::result_large_err, reason = "the handshake's callback is typed like this")]
fn answer(
    endpoint: Option<&Endpoint>,
    full: bool,
    response: Response,
) -> Result<Response, ErrorResponse> {
    let refusal = match endpoint {
        _ if full => Refusal::Full,
        None => Refusal::Unknown,
        Some(_) => return Ok(response),
    };
    let mut refused = ErrorResponse::new(Some(refusal.text().to_owned()));
    *refused.status_mut() = refusal.status();
    Err(refused)
}

/// Returns the configuration of every client's socket.
pub(super) fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// Serves a client whose handshake is complete, until either side ends the connection.
pub(super) async fn serve_client<S>(
    socket: &mut WebSocketStream<S>,
    endpoint: &Endpoint,
    permit: &ConnectionPermit,
    options: &DemoOptions,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let subscribers = permit.subscribers();
    let frame = match endpoint {
        Endpoint::Refused(reason) => Some(close_frame(CloseCode::Policy, reason)),
        Endpoint::Everything => stream_events(socket, subscribers.subscribe(None), options).await,
        Endpoint::Run(run_id) => {
            stream_events(socket, subscribers.subscribe(Some(*run_id)), options).await
        }
    };
    if let Some(frame) = frame {
        // Clients that do not confirm in time are cut off.
        let _ = timeout(options.close_grace, close(socket, frame)).await;
    }
}

/// Sends replay and live events until the client is gone (`None`) or must be closed.
async fn stream_events<S>(
    socket: &mut WebSocketStream<S>,
    subscription: Subscription,
    options: &DemoOptions,
) -> Option<CloseFrame>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Subscription { replay, mut live, close_reason } = subscription;
    let talk = async {
        for text in replay {
            socket.feed(Message::Text(text)).await?;
        }
        socket.flush().await?;
        let start = Instant::now() + options.ping_interval;
        let mut ping = interval_at(start, options.ping_interval);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_heard = Instant::now();
        loop {
            tokio::select! {
                incoming = socket.next() => match incoming {
                    // Messages are ignored; tungstenite answers pings and closes.
                    Some(Ok(_)) => last_heard = Instant::now(),
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
                Some(text) = live.recv() => {
                    socket.feed(Message::Text(text)).await?;
                    while let Ok(text) = live.try_recv() {
                        socket.feed(Message::Text(text)).await?;
                    }
                    socket.flush().await?;
                }
                _ = ping.tick() => {
                    if last_heard.elapsed() > options.ping_interval * SILENT_PINGS {
                        return Ok(());
                    }
                    socket.send(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    };
    tokio::select! {
        biased;
        told = close_reason => match told {
            Ok(CloseReason::FellBehind) => {
                Some(close_frame(CloseCode::Again, "Too slow: reconnect for a fresh start"))
            }
            Ok(CloseReason::Closing) | Err(_) => {
                Some(close_frame(CloseCode::Away, "The demo studio is shutting down"))
            }
        },
        // The client is gone, with or without a close frame; no close frame is needed.
        _ended = talk => None,
    }
}

fn close_frame(code: CloseCode, reason: &'static str) -> CloseFrame {
    CloseFrame { code, reason: reason.into() }
}
