//! A connection wrapper that limits how much a client may send. Viewers have nothing to send but the
//! WebSocket's own control frames, and every frame costs time, also an empty one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Period over which the received bytes are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// Maximum number of bytes received in one period: about 500 answers to pings of the largest size.
const MOST_BYTES: usize = 64 << 10;

/// True once a client has sent too much.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flood(Arc<AtomicBool>);

impl Flood {
    /// True once the client has sent too much.
    #[cfg(any(feature = "hub", test))]
    pub(crate) fn is_detected(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Wraps a connection, and fails once more arrives than a viewer can have to say.
#[derive(Debug)]
pub(crate) struct FloodGuard<S> {
    io: S,
    flood: Flood,
    window: Instant,
    bytes: usize,
}

impl<S> FloodGuard<S> {
    pub(crate) fn new(io: S, flood: Flood) -> Self {
        Self { io, flood, window: Instant::now(), bytes: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FloodGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.bytes <= MOST_BYTES {
            ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        }
        if self.bytes <= MOST_BYTES && self.window.elapsed() >= WINDOW {
            self.window = Instant::now();
            self.bytes = 0;
        }
        self.bytes += buffer.filled().len() - before;
        if self.bytes > MOST_BYTES {
            buffer.set_filled(before);
            self.flood.0.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(io::Error::other("the client sends too much")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FloodGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn client_may_send_little_for_ever_and_much_never() {
        let (mut client, server) = tokio::io::duplex(2 * MOST_BYTES);
        let flood = Flood::default();
        let mut guarded = FloodGuard::new(server, flood.clone());
        let half = vec![0; MOST_BYTES / 2];
        let mut read = half.clone();
        for _ in 0..10 {
            client.write_all(&half).await.unwrap();
            guarded.read_exact(&mut read).await.unwrap();
            advance(WINDOW).await;
        }
        assert!(!flood.is_detected());
        for _ in 0..3 {
            client.write_all(&half).await.unwrap();
        }
        let mut all = Vec::new();
        guarded.read_to_end(&mut all).await.unwrap_err();
        assert!(flood.is_detected() && all.len() <= MOST_BYTES, "{}", all.len());
        guarded.write_all(b"farewell").await.unwrap();
        advance(WINDOW).await;
        guarded.read_exact(&mut read).await.unwrap_err();
    }
}
