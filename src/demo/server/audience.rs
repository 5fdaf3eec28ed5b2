//! Who watches: the history and the clients' queues behind one lock, so that a client is replayed
//! everything up to an event and sent everything after it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use super::super::history::{History, Sent};

/// Why the studio closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Its queue is full.
    FellBehind,
    /// The studio closes.
    Closing,
}

/// A client's place.
#[derive(Debug)]
pub(super) struct Seat {
    /// What was before it came.
    pub(super) replay: Vec<Utf8Bytes>,
    /// What happens from then on.
    pub(super) live: mpsc::Receiver<Utf8Bytes>,
    /// Told once, when the connection has to be closed.
    pub(super) farewell: oneshot::Receiver<Farewell>,
}

#[derive(Debug)]
pub(super) struct Audience {
    state: Mutex<State>,
    max_viewers: usize,
    queue: usize,
}

#[derive(Debug, Default)]
struct State {
    history: History,
    viewers: Vec<Viewer>,
    /// Connections, those in handshake and farewell included.
    connections: usize,
    dismissed: bool,
}

#[derive(Debug)]
struct Viewer {
    /// `None`: all runs.
    run_id: Option<Uuid>,
    live: mpsc::Sender<Utf8Bytes>,
    farewell: oneshot::Sender<Farewell>,
}

/// Counts a connection for as long as it lives.
#[derive(Debug)]
pub(super) struct Ticket(Arc<Audience>);

impl Ticket {
    /// Whose it is.
    pub(super) fn audience(&self) -> &Audience {
        &self.0
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.lock().connections -= 1;
    }
}

impl Audience {
    pub(super) fn new(max_viewers: usize, queue: usize) -> Self {
        Self { state: Mutex::default(), max_viewers, queue: queue.max(1) }
    }

    /// Nothing that is done under the lock leaves the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more connection in; `None` when the house is full or closing.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Ticket> {
        let mut state = self.lock();
        if state.dismissed || state.connections >= self.max_viewers {
            return None;
        }
        state.connections += 1;
        Some(Ticket(Arc::clone(self)))
    }

    /// Gives a client its place: for all runs, or for one as the backend stores it.
    pub(super) fn seat(&self, run_id: Option<Uuid>) -> Seat {
        let (live, receiver) = mpsc::channel(self.queue);
        let (farewell, told) = oneshot::channel();
        let mut state = self.lock();
        let replay = match run_id {
            None => state.history.all(),
            Some(run_id) => state.history.stored(run_id),
        };
        if state.dismissed {
            // The receiver may be gone already: then nobody has to be told.
            let _ = farewell.send(Farewell::Closing);
        } else {
            state.viewers.push(Viewer { run_id, live, farewell });
        }
        Seat { replay, live: receiver, farewell: told }
    }

    /// Sends an event to all it concerns and keeps it. Never waits: who cannot take it goes.
    pub(super) fn publish(&self, sent: Sent) {
        let mut state = self.lock();
        let all = std::mem::take(&mut state.viewers);
        state.viewers = all.into_iter().filter_map(|viewer| viewer.offer(&sent)).collect();
        state.history.push(sent);
    }

    /// Closes all connections and lets nobody in any more.
    pub(super) fn dismiss(&self) {
        let mut state = self.lock();
        state.dismissed = true;
        for viewer in state.viewers.drain(..) {
            // Gone already: then nobody has to be told.
            let _ = viewer.farewell.send(Farewell::Closing);
        }
    }

    /// Connections, those in handshake and farewell included.
    pub(super) fn viewers(&self) -> usize {
        self.lock().connections
    }
}

impl Viewer {
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
                let _ = self.farewell.send(Farewell::FellBehind);
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
    fn a_seat_has_every_event_once_whenever_it_was_taken() {
        let audience = Audience::new(4, 8);
        audience.publish(sent(1, "a"));
        let mut seat = audience.seat(None);
        audience.publish(sent(2, "b"));
        assert_eq!(seat.replay, ["a"]);
        assert_eq!(seat.live.try_recv().unwrap(), "b");
        assert!(seat.live.try_recv().is_err());
    }

    #[test]
    fn a_seat_for_one_run_hears_of_no_other() {
        let audience = Audience::new(4, 8);
        audience.publish(sent(1, "a"));
        let mut seat = audience.seat(Some(Uuid::from_u128(2)));
        audience.publish(sent(1, "b"));
        audience.publish(sent(2, "c"));
        assert!(seat.replay.is_empty());
        assert_eq!(seat.live.try_recv().unwrap(), "c");
        assert!(seat.live.try_recv().is_err());
    }

    #[test]
    fn who_falls_behind_is_told_and_the_others_go_on() {
        let audience = Audience::new(4, 2);
        let mut slow = audience.seat(None);
        let mut quick = audience.seat(None);
        for text in ["a", "b", "c", "d"] {
            audience.publish(sent(1, text));
            assert_eq!(quick.live.try_recv().unwrap(), text);
        }
        assert_eq!(slow.farewell.try_recv(), Ok(Farewell::FellBehind));
        assert_eq!(slow.live.try_recv().unwrap(), "a");
        assert!(quick.farewell.try_recv().is_err());
    }

    #[test]
    fn a_full_or_closing_house_admits_nobody() {
        let audience = Arc::new(Audience::new(1, 2));
        let ticket = audience.admit();
        assert!(ticket.is_some() && audience.admit().is_none());
        drop(ticket);
        assert_eq!(audience.viewers(), 0);
        audience.dismiss();
        assert!(audience.admit().is_none());
        assert_eq!(audience.seat(None).farewell.try_recv(), Ok(Farewell::Closing));
    }
}
