//! A connection wrapper that measures how long the other side has taken no data.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// Start of the current stall, if any.
#[derive(Clone, Debug, Default)]
pub(super) struct Stall(Arc<Mutex<Option<Instant>>>);

impl Stall {
    fn begins(&self) {
        self.since_mut(|since| {
            since.get_or_insert_with(Instant::now);
        });
    }

    fn ends(&self) {
        self.since_mut(|since| *since = None);
    }

    fn since_mut<T>(&self, change: impl FnOnce(&mut Option<Instant>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until no byte was taken for `limit` although bytes were waiting all the time.
    pub(super) async fn wait_until_exceeds(&self, limit: Duration) {
        loop {
            let since = self.since_mut(|since| *since);
            let now = Instant::now();
            match since {
                Some(since) if now >= since + limit => return,
                Some(since) => sleep_until(since + limit).await,
                None => sleep_until(now + limit).await,
            }
        }
    }
}

/// Wraps a connection and reports its stalls to a [`Stall`].
#[derive(Debug)]
pub(super) struct StallDetector<S> {
    io: S,
    stall: Stall,
}

impl<S> StallDetector<S> {
    pub(super) fn new(io: S, stall: Stall) -> Self {
        Self { io, stall }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallDetector<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallDetector<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        match written {
            Poll::Pending => self.stall.begins(),
            Poll::Ready(_) => self.stall.ends(),
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
