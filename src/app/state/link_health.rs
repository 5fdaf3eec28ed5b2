//! Measurements of a connection: bytes, events a second, answer time, reconnections.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::protocol::{Batch, Item};
use crate::source::ConnectionState;

/// Number of full seconds of which the rate is the mean.
const RATE_SECS: i64 = 10;

/// Measurements of the connection to one address, since that address is in use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkHealth {
    /// Bytes received, decompressed and without their headers.
    pub bytes: u64,
    /// Time that the last ping or request took to be answered; `None` while that is not known.
    pub answered_in: Option<Duration>,
    /// Number of connections after the first.
    pub reconnects: u32,
    /// Address of the last connection that was established, as it is shown.
    reached: Option<String>,
    /// Number of events in each of the last seconds in which some came, oldest first.
    seconds: VecDeque<(i64, u32)>,
}

impl LinkHealth {
    /// Counts a batch that was received.
    pub(in crate::app) fn note_batch(&mut self, batch: &Batch) {
        self.bytes = self.bytes.saturating_add(batch.bytes);
        self.answered_in = batch.answered_in.or(self.answered_in);
        let is_event = |item: &&Item| matches!(item, Item::Event(_) | Item::Run(_));
        let events = batch.items.iter().filter(is_event).count();
        let (second, events) =
            (batch.received_at.as_second(), u32::try_from(events).unwrap_or(u32::MAX));
        match self.seconds.back_mut() {
            _ if events == 0 => {}
            Some((last, count)) if *last == second => *count = count.saturating_add(events),
            _ => self.seconds.push_back((second, events)),
        }
        // Seconds before the window, and seconds after `second`, which a clock that was set back leaves.
        self.seconds.retain(|(at, _)| (second - RATE_SECS..=second).contains(at));
    }

    /// Notes a state of the connection. `was_connected` is true when the state before was a connection.
    pub(super) fn note_state(&mut self, state: &ConnectionState, was_connected: bool) {
        let ConnectionState::Connected { url, .. } = state else {
            self.answered_in = None;
            return;
        };
        match &self.reached {
            None => self.reached = Some(url.clone()),
            Some(reached) if reached != url => {
                *self = Self { reached: Some(url.clone()), ..Self::default() };
            }
            Some(_) if was_connected => {}
            Some(_) => self.reconnects = self.reconnects.saturating_add(1),
        }
    }

    /// Returns the address of the last connection that was established, as it is shown.
    pub fn reached(&self) -> Option<&str> {
        self.reached.as_deref()
    }

    /// Returns the events per second over the last ten full seconds before `now`, by this machine's clock.
    /// New states of runs that a backend's REST API reports count as events.
    pub fn events_per_second(&self, now: Timestamp) -> f64 {
        let end = now.as_second();
        let recent = self.seconds.iter().filter(|(at, _)| (end - RATE_SECS..end).contains(at));
        recent.map(|(_, count)| u64::from(*count)).sum::<u64>() as f64 / RATE_SECS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Updates;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(second)
    }

    fn batch(second: i64, run: &str) -> Batch {
        let mut batch = Batch::new(at(second), true);
        batch.push_text(&format!(
            r#"{{"ts":"2026-11-23T10:00:00Z","run_id":"{run}","phase":"start"}}"#
        ));
        batch
    }

    fn connected(url: &str) -> ConnectionState {
        let (url, since) = (url.to_owned(), at(0));
        ConnectionState::Connected { url, since, updates: Updates::Live }
    }

    #[test]
    fn rate_is_the_mean_of_the_last_ten_full_seconds() {
        let mut health = LinkHealth::default();
        for second in [100, 100, 103, 109, 110] {
            health.note_batch(&batch(second, "r"));
        }
        let rate = |second| (health.events_per_second(at(second)) * 10.0).round();
        assert_eq!([109, 110, 111, 120, 121].map(rate), [3.0, 4.0, 3.0, 1.0, 0.0]);
    }

    #[test]
    fn bytes_are_those_of_the_frames() {
        let mut health = LinkHealth::default();
        let frame = batch(1, "r");
        assert!(frame.bytes > 50);
        health.note_batch(&frame);
        health.note_batch(&frame);
        assert_eq!(health.bytes, 2 * frame.bytes);
    }

    #[test]
    fn connections_to_the_same_address_after_the_first_are_reconnections() {
        let mut health = LinkHealth::default();
        let url = "ws://studio/events";
        health.note_state(&connected(url), false);
        // Another way of updates is no reconnection.
        health.note_state(&connected(url), true);
        assert_eq!((health.reconnects, health.reached()), (0, Some(url)));
        health.note_state(&ConnectionState::Disconnected, true);
        health.note_state(&connected(url), false);
        assert_eq!(health.reconnects, 1);
        health.note_batch(&batch(1, "r"));
        health.note_state(&connected("ws://other/events"), true);
        assert_eq!((health.reconnects, health.bytes), (0, 0), "another address begins anew");
    }

    #[test]
    fn answer_time_is_forgotten_with_the_connection() {
        let mut health = LinkHealth::default();
        let mut answered = batch(1, "r");
        answered.answered_in = Some(Duration::from_millis(3));
        health.note_batch(&answered);
        health.note_batch(&batch(2, "r"));
        assert_eq!(health.answered_in, Some(Duration::from_millis(3)));
        health.note_state(&ConnectionState::Disconnected, true);
        assert_eq!(health.answered_in, None);
    }
}
