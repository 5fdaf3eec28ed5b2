//! Who watches: the history and the clients' queues behind one lock, so that a client is replayed
//! everything up to an event and sent everything after it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use super::super::history::{History, Sent};

/// Why the studio closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// Its queue is full.
    FellBehind,
    /// The studio closes.
    Closing,
}

/// A client's place.
#[derive(Debug)]
pub(super) struct Subscription {
    /// What was before it came.
    pub(super) replay: Vec<Utf8Bytes>,
    /// What happens from then on.
    pub(super) live: mpsc::Receiver<Utf8Bytes>,
    /// Told once, when the connection has to be closed.
    pub(super) close_reason: oneshot::Receiver<CloseReason>,
}

#[derive(Debug)]
pub(super) struct Subscribers {
    state: Mutex<State>,
    max_viewers: usize,
    queue: usize,
}

#[derive(Debug, Default)]
struct State {
    history: History,
    viewers: Vec<Subscriber>,
    /// Connections, those in handshake and farewell included.
    connections: usize,
    closing: bool,
}

#[derive(Debug)]
struct Subscriber {
    /// `None`: all runs.
    run_id: Option<Uuid>,
    live: mpsc::Sender<Utf8Bytes>,
    close_reason: oneshot::Sender<CloseReason>,
}

/// Counts a connection for as long as it lives.
#[derive(Debug)]
pub(super) struct ConnectionPermit(Arc<Subscribers>);

impl ConnectionPermit {
    /// Whose it is.
    pub(super) fn subscribers(&self) -> &Subscribers {
        &self.0
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.lock().connections -= 1;
    }
}

impl Subscribers {
    pub(super) fn new(max_viewers: usize, queue: usize) -> Self {
        Self { state: Mutex::default(), max_viewers, queue: queue.max(1) }
    }

    /// Nothing that is done under the lock leaves the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more connection in; `None` when the house is full or closing.
    pub(super) fn admit(self: &Arc<Self>) -> Option<ConnectionPermit> {
        let mut state = self.lock();
        if state.closing || state.connections >= self.max_viewers {
            return None;
        }
        state.connections += 1;
        Some(ConnectionPermit(Arc::clone(self)))
    }

    /// Gives a client its place: for all runs, or for one as the backend stores it.
    pub(super) fn subscribe(&self, run_id: Option<Uuid>) -> Subscription {
        let (live, receiver) = mpsc::channel(self.queue);
        let (close_reason, told) = oneshot::channel();
        let mut state = self.lock();
        let replay = match run_id {
            None => state.history.all(),
            Some(run_id) => state.history.stored(run_id),
        };
        if state.closing {
            // The receiver may be gone already: then nobody has to be told.
            let _ = close_reason.send(CloseReason::Closing);
        } else {
            state.viewers.push(Subscriber { run_id, live, close_reason });
        }
        Subscription { replay, live: receiver, close_reason: told }
    }

    /// Sends an event to all it concerns and keeps it. Never waits: who cannot take it goes.
    pub(super) fn publish(&self, sent: Sent) {
        let mut state = self.lock();
        let all = std::mem::take(&mut state.viewers);
        state.viewers = all.into_iter().filter_map(|viewer| viewer.offer(&sent)).collect();
        state.history.push(sent);
    }

    /// Closes all connections and lets nobody in any more.
    pub(super) fn close_all(&self) {
        let mut state = self.lock();
        state.closing = true;
        for viewer in state.viewers.drain(..) {
            // Gone already: then nobody has to be told.
            let _ = viewer.close_reason.send(CloseReason::Closing);
        }
    }

    /// Connections, those in handshake and farewell included.
    pub(super) fn viewers(&self) -> usize {
        self.lock().connections
    }
}

impl Subscriber {
    /// Queues an event; gives the viewer back unless it has gone or has to go.
    fn offer(self, sent: &Sent) -> Option<Self> {
        if self.run_id.is_some_and(|run_id| run_id != sent.run_id) {
            return (!self.live.is_closed()).then_some(self);
        }
        match self.live.try_send(sent.text.clone()) {
            Ok(()) => Some(self),
            Err(mpsc::error::TrySendError::Closed(_)) => None,
            Err(mpsc::error::TrySendError::Full(_)) => {
                // Gone in this moment: then nobody has to be told.
                let _ = self.close_reason.send(CloseReason::FellBehind);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(run: u128, text: &str) -> Sent {
        let text = Utf8Bytes::from(text);
        Sent { run_id: Uuid::from_u128(run), stored: Some(text.clone()), text, last: false }
    }

    #[test]
    fn a_subscription_has_every_event_once_whenever_it_began() {
        let subscribers = Subscribers::new(4, 8);
        subscribers.publish(sent(1, "a"));
        let mut subscription = subscribers.subscribe(None);
        subscribers.publish(sent(2, "b"));
        assert_eq!(subscription.replay, ["a"]);
        assert_eq!(subscription.live.try_recv().unwrap(), "b");
        assert!(subscription.live.try_recv().is_err());
    }

    #[test]
    fn a_subscription_to_one_run_receives_no_other() {
        let subscribers = Subscribers::new(4, 8);
        subscribers.publish(sent(1, "a"));
        let mut subscription = subscribers.subscribe(Some(Uuid::from_u128(2)));
        subscribers.publish(sent(1, "b"));
        subscribers.publish(sent(2, "c"));
        assert!(subscription.replay.is_empty());
        assert_eq!(subscription.live.try_recv().unwrap(), "c");
        assert!(subscription.live.try_recv().is_err());
    }

    #[test]
    fn who_falls_behind_is_told_and_the_others_go_on() {
        let subscribers = Subscribers::new(4, 2);
        let mut slow = subscribers.subscribe(None);
        let mut quick = subscribers.subscribe(None);
        for text in ["a", "b", "c", "d"] {
            subscribers.publish(sent(1, text));
            assert_eq!(quick.live.try_recv().unwrap(), text);
        }
        assert_eq!(slow.close_reason.try_recv(), Ok(CloseReason::FellBehind));
        assert_eq!(slow.live.try_recv().unwrap(), "a");
        assert!(quick.close_reason.try_recv().is_err());
    }

    #[test]
    fn a_full_or_closing_broadcaster_admits_nobody() {
        let subscribers = Arc::new(Subscribers::new(1, 2));
        let permit = subscribers.admit();
        assert!(permit.is_some() && subscribers.admit().is_none());
        drop(permit);
        assert_eq!(subscribers.viewers(), 0);
        subscribers.close_all();
        assert!(subscribers.admit().is_none());
        assert_eq!(subscribers.subscribe(None).close_reason.try_recv(), Ok(CloseReason::Closing));
    }
}
