//! Subscribers of the studio. History and client queues are behind one lock, so that a client gets
//! all events up to its subscription as a replay and all later ones live.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use super::super::history::{History, Sent};

/// Reason for closing a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// The client's queue is full.
    FellBehind,
    /// The studio is closing.
    Closing,
}

/// A client's subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Events before the subscription.
    pub(super) replay: Vec<Utf8Bytes>,
    /// Events after the subscription.
    pub(super) live: mpsc::Receiver<Utf8Bytes>,
    /// Receives one message when the connection must be closed.
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
    /// Number of connections, including those in handshake or closing.
    connections: usize,
    closing: bool,
}

#[derive(Debug)]
struct Subscriber {
    /// Run to send; `None` for all runs.
    run_id: Option<Uuid>,
    live: mpsc::Sender<Utf8Bytes>,
    close_reason: oneshot::Sender<CloseReason>,
}

/// Counts a connection until dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit(Arc<Subscribers>);

impl ConnectionPermit {
    /// Returns the subscribers that the permit belongs to.
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

    /// Locks the state. A panic while the lock was held cannot have left it inconsistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits one more connection; `None` when there are too many or the studio is closing.
    pub(super) fn admit(self: &Arc<Self>) -> Option<ConnectionPermit> {
        let mut state = self.lock();
        if state.closing || state.connections >= self.max_viewers {
            return None;
        }
        state.connections += 1;
        Some(ConnectionPermit(Arc::clone(self)))
    }

    /// Subscribes a client to all runs, or to one run as the backend stores it.
    pub(super) fn subscribe(&self, run_id: Option<Uuid>) -> Subscription {
        let (live, receiver) = mpsc::channel(self.queue);
        let (close_reason, told) = oneshot::channel();
        let mut state = self.lock();
        let replay = match run_id {
            None => state.history.all(),
            Some(run_id) => state.history.backend_replay(run_id),
        };
        if state.closing {
            // Sending fails if the receiver is gone, and then nobody needs the message.
            let _ = close_reason.send(CloseReason::Closing);
        } else {
            state.viewers.push(Subscriber { run_id, live, close_reason });
        }
        Subscription { replay, live: receiver, close_reason: told }
    }

    /// Sends an event to its subscribers and keeps it. Never waits: slow subscribers are removed.
    pub(super) fn publish(&self, sent: Sent) {
        let mut state = self.lock();
        let all = std::mem::take(&mut state.viewers);
        state.viewers = all.into_iter().filter_map(|viewer| viewer.offer(&sent)).collect();
        state.history.push(sent);
    }

    /// Closes all connections and admits no more.
    pub(super) fn close_all(&self) {
        let mut state = self.lock();
        state.closing = true;
        for viewer in state.viewers.drain(..) {
            // Sending fails if the receiver is gone, and then nobody needs the message.
            let _ = viewer.close_reason.send(CloseReason::Closing);
        }
    }

    /// Returns the number of connections, including those in handshake or closing.
    pub(super) fn viewers(&self) -> usize {
        self.lock().connections
    }
}

impl Subscriber {
    /// Queues an event; returns the subscriber unless it is gone or must be closed.
    fn offer(self, sent: &Sent) -> Option<Self> {
        if self.run_id.is_some_and(|run_id| run_id != sent.run_id) {
            return (!self.live.is_closed()).then_some(self);
        }
        match self.live.try_send(sent.text.clone()) {
            Ok(()) => Some(self),
            Err(mpsc::error::TrySendError::Closed(_)) => None,
            Err(mpsc::error::TrySendError::Full(_)) => {
                // Sending fails if the receiver is gone, and then nobody needs the message.
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
        Sent { run_id: Uuid::from_u128(run), backend_replay: Some(text.clone()), text, last: false }
    }

    #[test]
    fn subscription_receives_every_event_once() {
        let subscribers = Subscribers::new(4, 8);
        subscribers.publish(sent(1, "a"));
        let mut subscription = subscribers.subscribe(None);
        subscribers.publish(sent(2, "b"));
        assert_eq!(subscription.replay, ["a"]);
        assert_eq!(subscription.live.try_recv().unwrap(), "b");
        assert!(subscription.live.try_recv().is_err());
    }

    #[test]
    fn subscription_to_one_run_receives_only_that_run() {
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
    fn slow_subscriber_is_closed_and_others_continue() {
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
    fn full_or_closing_studio_admits_nobody() {
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
