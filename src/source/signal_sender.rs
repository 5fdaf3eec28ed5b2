//! The end of a source that faces the application: a bounded channel that never blocks the source.

use std::collections::VecDeque;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};

use super::timer::sleep;
use super::{Signal, Waker};

/// Signals that the channel holds, a batch each as a rule.
///
/// With at most 256 KiB of frames to a batch this bounds what waits for a stalled application to
/// some 8 MiB of text; what is beyond that waits in the server. A page, whose tab can be hidden for
/// long, has room for more, so that whoever comes back sees it read in one frame; `browser` bounds
/// it by bytes.
pub const CHANNEL_CAPACITY: usize = if cfg!(target_arch = "wasm32") { 128 } else { 32 };

/// Signals kept here while the channel is full. A source reads nothing meanwhile, so that these
/// are a batch and the states and log lines of reconnecting.
const MOST_PENDING: usize = 256;

/// How often a full channel is tried again.
const ROOM_CHECK: Duration = Duration::from_millis(5);

/// Sends signals in order and wakes the application.
pub struct SignalSender {
    sender: Sender<Signal>,
    waker: Waker,
    pending: VecDeque<Signal>,
}

impl SignalSender {
    pub fn new(sender: Sender<Signal>, waker: Waker) -> Self {
        Self { sender, waker, pending: VecDeque::new() }
    }

    /// The same end, for whoever sends on his own; in no order with this one.
    pub fn another(&self) -> Self {
        Self::new(self.sender.clone(), self.waker.clone())
    }

    /// Sends, or keeps until there is room.
    pub fn push(&mut self, signal: Signal) {
        if self.pending.len() >= MOST_PENDING {
            let log = self.pending.iter().position(|kept| matches!(kept, Signal::Log(_)));
            let stale = log
                .or_else(|| self.pending.iter().position(|kept| matches!(kept, Signal::State(_))));
            self.pending.remove(stale.unwrap_or(0));
        }
        self.pending.push_back(signal);
        self.flush();
    }

    /// Whether the application has room: nothing waits here.
    pub fn has_room(&self) -> bool {
        self.pending.is_empty()
    }

    /// Signals that the application has not taken yet.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn waiting(&self) -> usize {
        self.sender.len() + self.pending.len()
    }

    /// Returns when nothing waits here any more. Can be dropped at any time.
    pub async fn room(&mut self) {
        loop {
            self.flush();
            if self.has_room() {
                return;
            }
            sleep(ROOM_CHECK).await;
        }
    }

    fn flush(&mut self) {
        while let Some(signal) = self.pending.pop_front() {
            match self.sender.try_send(signal) {
                Ok(()) => (self.waker)(),
                Err(TrySendError::Full(signal)) => {
                    self.pending.push_front(signal);
                    return;
                }
                // Nobody listens any more: the command channel ends the source in a moment.
                Err(TrySendError::Disconnected(_)) => self.pending.clear(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::source::{ConnectionEvent, ConnectionLogEntry, ConnectionState};

    #[test]
    fn what_waits_is_bounded_and_the_last_state_stays() {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let mut signal_sender = SignalSender::new(sender, Arc::new(|| {}));
        for number in 0..1000 {
            let url = number.to_string();
            signal_sender.push(Signal::State(ConnectionState::Connecting { url: url.clone() }));
            let (at, event) = (Timestamp::UNIX_EPOCH, ConnectionEvent::Connecting);
            signal_sender.push(Signal::Log(ConnectionLogEntry { at, url, event }));
        }
        assert_eq!(signal_sender.pending.len(), MOST_PENDING);
        let states = signal_sender.pending.iter().filter_map(|signal| match signal {
            Signal::State(ConnectionState::Connecting { url }) => Some(url.as_str()),
            _ => None,
        });
        assert_eq!(states.max_by_key(|url| url.parse::<u32>().ok()), Some("999"));
        assert!(!signal_sender.has_room());
        drop(receiver);
        signal_sender.flush();
        assert!(signal_sender.has_room());
    }
}
