//! Open WebSocket over any transport. Receives frames; sends pings, pongs and closes, never data.
//!
//! Drives tungstenite's blocking socket from polls. The stream of `tokio_tungstenite` would end at the
//! first text frame that is not UTF-8; this socket reads on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{
    Error as WsError, Message,
    protocol::{CloseFrame, Role, WebSocket, WebSocketConfig, frame::coding::CloseCode},
};

use super::oversize::{OversizeFilter, is_cut, skipped};

/// Most bytes of pings and pongs that wait for a server that reads nothing.
const MOST_UNSENT_BYTES: usize = 64 << 10;

/// Client end of an open WebSocket.
pub(super) struct Socket<S> {
    inner: WebSocket<Polled<S>>,
    /// True when the write buffer may hold data.
    unflushed: bool,
    /// True when the next message is the beginning of one that was too large.
    next_is_cut: bool,
    /// Time of the ping that is not answered yet.
    pinged_at: Option<Instant>,
    /// Time between the last answered ping and its answer.
    round_trip: Option<Duration>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Takes over after the handshake; `already_read` holds the bytes received after the server's
    /// response. Messages of more than `max_message_bytes` are skipped, see [`oversize`](super::oversize).
    pub(super) fn after_handshake(
        transport: S,
        already_read: Vec<u8>,
        max_message_bytes: usize,
    ) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes))
            .write_buffer_size(0)
            .max_write_buffer_size(MOST_UNSENT_BYTES);
        let mut filter = OversizeFilter::new(max_message_bytes);
        let mut sifted = Vec::new();
        filter.sift(&already_read, &mut sifted);
        let (sifted, waker) = (VecDeque::from(sifted), Waker::noop().clone());
        let polled = Polled { transport, waker, filter, sifted };
        let inner = WebSocket::from_raw_socket(polled, Role::Client, Some(config));
        Self { inner, unflushed: false, next_is_cut: false, pinged_at: None, round_trip: None }
    }

    /// Returns the next message, control frames included. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Message, WsError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Returns the next message if it is already here.
    ///
    /// Does not register the task to be woken for later messages: call `next` afterwards.
    pub(super) fn next_now(&mut self) -> Option<Result<Message, WsError>> {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(message) => Some(message),
            Poll::Pending => None,
        }
    }

    /// Sends what is buffered: pings, pongs and close frames.
    pub(super) async fn flush(&mut self) -> Result<(), WsError> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Sends a ping as soon as the transport takes it.
    pub(super) fn ping(&mut self) -> Result<(), WsError> {
        self.pinged_at.get_or_insert_with(Instant::now);
        self.send(Message::Ping(Default::default()))
    }

    /// Returns the time between the last answered ping and its answer; `None` before the first.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Sends a close frame as soon as the transport takes it.
    pub(super) fn send_close(&mut self, code: u16) -> Result<(), WsError> {
        self.send(Message::Close(Some(CloseFrame {
            code: CloseCode::from(code),
            reason: Default::default(),
        })))
    }

    fn send(&mut self, message: Message) -> Result<(), WsError> {
        debug_assert!(
            matches!(message, Message::Ping(_) | Message::Close(_)),
            "the backend goes silent for ever on data (protocol, section 3)"
        );
        self.unflushed = true;
        match self.inner.write(message) {
            // The message is in the write buffer.
            Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            // Pings pile up because the server reads nothing: another one would be useless.
            Err(WsError::WriteBufferFull(_)) => Ok(()),
            result => result,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, WsError>> {
        if self.unflushed
            && let Poll::Ready(Err(error)) = self.poll_flush(cx)
        {
            return Poll::Ready(Err(error));
        }
        self.inner.get_mut().waker.clone_from(cx.waker());
        let mut message = ready!(pending_if_blocked(self.inner.read()));
        while message.as_ref().is_ok_and(is_cut) {
            self.next_is_cut = true;
            message = ready!(pending_if_blocked(self.inner.read()));
        }
        if matches!(message, Ok(Message::Text(_) | Message::Binary(_)) | Err(WsError::Utf8(_)))
            && std::mem::take(&mut self.next_is_cut)
        {
            message = Ok(skipped());
        }
        if matches!(message, Ok(Message::Pong(_)))
            && let Some(pinged_at) = self.pinged_at.take()
        {
            self.round_trip = Some(pinged_at.elapsed());
        }
        if matches!(message, Ok(Message::Ping(_) | Message::Close(_))) {
            self.unflushed = true;
        }
        Poll::Ready(message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        self.inner.get_mut().waker.clone_from(cx.waker());
        let result = ready!(pending_if_blocked(self.inner.flush()));
        self.unflushed = false;
        Poll::Ready(result)
    }
}

fn pending_if_blocked<T>(result: Result<T, WsError>) -> Poll<Result<T, WsError>> {
    match result {
        Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// Adapter of a polled transport to the blocking one that tungstenite expects. One task both reads and
/// writes, so one waker is enough.
struct Polled<S> {
    transport: S,
    waker: Waker,
    filter: OversizeFilter,
    /// Bytes that passed the filter and were not read yet.
    sifted: VecDeque<u8>,
}

impl<S: AsyncRead + Unpin> Polled<S> {
    fn read_transport(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        let mut cx = Context::from_waker(&self.waker);
        match Pin::new(&mut self.transport).poll_read(&mut cx, &mut buffer) {
            Poll::Ready(result) => result.map(|()| buffer.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S: AsyncRead + Unpin> Read for Polled<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.sifted.is_empty() {
            let count = self.read_transport(buffer)?;
            let mut sifted = Vec::with_capacity(count);
            self.filter.sift(&buffer[..count], &mut sifted);
            if sifted == buffer[..count] {
                // The usual case, and the end of the stream.
                return Ok(count);
            }
            self.sifted = sifted.into();
        }
        self.sifted.read(buffer)
    }
}

impl<S: AsyncWrite + Unpin> Write for Polled<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut cx = Context::from_waker(&self.waker);
        match Pin::new(&mut self.transport).poll_write(&mut cx, bytes) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut cx = Context::from_waker(&self.waker);
        match Pin::new(&mut self.transport).poll_flush(&mut cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
