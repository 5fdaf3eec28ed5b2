//! The open HTTP connections, and which of them is closed when there are too many.
//!
//! A connection that waits for a request costs its owner nothing, so the one that waits longest is
//! closed for a new one. Health and new screens are let in however many requests are being answered.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::{sync::Notify, time::Instant};

/// Maximum number of requests that are answered at a time, apart from those for health and those of
/// new screens.
const MOST_ANSWERING: usize = 256;

/// Maximum number of connections. Screens are counted separately, by the gate.
pub(super) const MOST_CONNECTIONS: usize = MOST_ANSWERING + 32;

/// Time without progress after which an answer counts as not being read.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// The open connections.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    connections: HashMap<u64, Arc<Shared>>,
    last: u64,
}

/// An open connection; it is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    shared: Arc<Shared>,
    all: Arc<Connections>,
}

#[derive(Debug)]
struct Shared {
    usage: Mutex<Usage>,
    closing: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Usage {
    phase: Phase,
    /// Time of the last progress.
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waits for a request, or receives its head.
    Idle,
    /// The answer is being prepared, for which there are time limits.
    Preparing,
    /// The answer is being sent.
    Sending,
}

impl Connections {
    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        // A panic while the lock was held cannot have left the map inconsistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection.
    pub(super) fn enter(self: &Arc<Self>) -> Connection {
        let usage = Usage { phase: Phase::Idle, since: Instant::now() };
        let shared = Arc::new(Shared { usage: Mutex::new(usage), closing: Notify::new() });
        let mut open = self.open();
        open.last += 1;
        let number = open.last;
        open.connections.insert(number, Arc::clone(&shared));
        Connection { number, shared, all: Arc::clone(self) }
    }

    /// Closes the connection that is idle longest, otherwise one whose answer is not read. Returns
    /// `false` if there is none.
    pub(super) fn close_one(&self) -> bool {
        self.close_first(|usage| match usage.phase {
            Phase::Idle => Some((0, usage.since)),
            Phase::Sending if usage.since.elapsed() >= STALLED_AFTER => Some((1, usage.since)),
            Phase::Preparing | Phase::Sending => None,
        })
    }

    /// True when a further request can be answered, if necessary instead of one whose answer is not
    /// read.
    fn has_room(&self) -> bool {
        let phases = |open: &Open| -> Vec<Phase> {
            open.connections.values().map(|shared| shared.usage().phase).collect()
        };
        let answering = phases(&self.open()).iter().filter(|phase| **phase != Phase::Idle).count();
        answering < MOST_ANSWERING
            || self.close_first(|usage| {
                let is_stalled =
                    usage.phase == Phase::Sending && usage.since.elapsed() >= STALLED_AFTER;
                is_stalled.then_some(usage.since)
            })
    }

    /// Closes the connection with the lowest rank; `None` is no rank.
    fn close_first<R: Ord>(&self, rank: impl Fn(Usage) -> Option<R>) -> bool {
        let mut open = self.open();
        let ranked = open
            .connections
            .iter()
            .filter_map(|(number, shared)| Some((rank(shared.usage())?, *number)));
        let Some((_, number)) = ranked.min() else { return false };
        if let Some(shared) = open.connections.remove(&number) {
            shared.closing.notify_one();
        }
        true
    }
}

impl Shared {
    fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        let usage = Usage { phase, since: Instant::now() };
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = usage;
    }
}

impl Connection {
    /// Waits until the connection is to be closed for another one.
    pub(super) async fn closing(&self) {
        self.shared.closing.notified().await;
    }

    /// Begins to answer a request. Returns `false` when too many are being answered; urgent requests
    /// are always answered.
    pub(super) fn begin(&self, is_urgent: bool) -> bool {
        let has_room = is_urgent || self.all.has_room();
        self.shared.enter(Phase::Preparing);
        has_room
    }

    /// Wraps the body of an answer: when it was sent or dropped, the connection is idle again.
    pub(super) fn sending(&self, body: Body) -> Body {
        self.shared.enter(Phase::Sending);
        Body::new(Sending { body, shared: Arc::clone(&self.shared) })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open().connections.remove(&self.number);
    }
}

/// A body that notes its progress.
struct Sending {
    body: Body,
    shared: Arc<Shared>,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.shared.enter(Phase::Sending);
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.shared.enter(Phase::Idle);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use tokio::time::advance;

    use super::*;

    fn is_closing(connection: &Connection) -> bool {
        connection.closing().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn connection_that_is_idle_longest_is_closed_first() {
        let all = Arc::new(Connections::default());
        let [asking, idle, reading, stalled] = [(); 4].map(|()| all.enter());
        assert!(asking.begin(false) && reading.begin(false) && stalled.begin(false));
        let [mut read, unread] = [&reading, &stalled].map(|it| it.sending(Body::from("x")));
        advance(STALLED_AFTER).await;
        let young = all.enter();
        read.frame().await.unwrap().unwrap();
        for closed in [&idle, &young, &stalled] {
            assert!(all.close_one() && is_closing(closed), "{closed:?}");
        }
        assert!(!all.close_one(), "the others are being answered");
        drop((read, unread));
        assert!(all.close_one() && is_closing(&reading), "the answer was read");
        assert!(!is_closing(&asking));
        drop((asking, idle, reading, stalled, young));
        assert!(all.open().connections.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn urgent_requests_are_answered_however_many_others_are() {
        let all = Arc::new(Connections::default());
        let crowd: Vec<Connection> = (0..MOST_ANSWERING).map(|_| all.enter()).collect();
        assert!(crowd.iter().all(|it| it.begin(false)));
        let late = all.enter();
        assert!(!late.begin(false) && late.begin(true));
        // An answer that is not read makes room.
        let unread = crowd[7].sending(Body::from("x"));
        assert!(!late.begin(false));
        advance(STALLED_AFTER).await;
        assert!(late.begin(false) && is_closing(&crowd[7]));
        drop(unread);
    }
}
