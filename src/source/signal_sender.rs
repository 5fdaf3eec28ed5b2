//! Sending end of the signal channel to the application: bounded, and never blocks the source.

use std::collections::VecDeque;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};

use super::timer::sleep;
use super::{Signal, Waker};

/// Capacity of the signal channel; most signals are batches.
///
/// With at most 256 KiB of frames in a batch, about 8 MiB of text wait for a stalled application; the
/// rest waits in the server. The tab of a page can be hidden for long, so a page has more room: a
/// returning user then sees everything read in one frame. In a page, `browser` bounds the queue by
/// bytes.
pub const CHANNEL_CAPACITY: usize = if cfg!(target_arch = "wasm32") { 128 } else { 32 };

/// Most signals kept here while the channel is full. A source then reads nothing, so these are one
/// batch and the states and log entries of reconnecting.
const MOST_PENDING: usize = 256;

/// Interval between attempts to send into a full channel.
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

    /// Returns another sender into the same channel. Signals of the two have no common order.
    pub fn another(&self) -> Self {
        Self::new(self.sender.clone(), self.waker.clone())
    }

    /// Sends the signal, or keeps it until there is room. Beyond 256 kept signals the oldest log entry,
    /// else the oldest state, is dropped.
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

    /// True when no signal waits here for room in the channel.
    pub fn has_room(&self) -> bool {
        self.pending.is_empty()
    }

    /// Returns the number of signals that the application has not taken yet.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn waiting(&self) -> usize {
        self.sender.len() + self.pending.len()
    }

    /// Waits until no signal waits here. Cancel-safe.
    pub async fn wait_for_capacity(&mut self) {
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
                // The receiver is gone: the closed command channel will end the source in a moment.
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
    fn pending_signals_are_bounded_and_the_last_state_is_kept() {
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
