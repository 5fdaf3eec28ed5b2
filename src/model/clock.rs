//! What the server's clock says now.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// Live events looked back on: enough to outlast a burst of late ones.
const WINDOW: usize = 256;

/// Estimates the server's clock from event instants against their arrival.
///
/// An event arrives after it happened, so the smallest lag seen is the offset of the clocks plus
/// the smallest delay. Replayed events are older than their arrival for another reason; of them
/// only those from the future say something: that the server's clock is ahead.
#[derive(Clone, Debug, Default)]
pub struct ServerClock {
    /// Lags (arrival − instant) of live events, the newest last.
    live: VecDeque<SignedDuration>,
    least_live: Option<SignedDuration>,
    least_replayed: Option<SignedDuration>,
}

impl ServerClock {
    pub(super) fn observe(&mut self, at: Timestamp, received_at: Timestamp, live: bool) {
        let lag = received_at.duration_since(at);
        if !live {
            self.least_replayed = Some(self.least_replayed.map_or(lag, |least| least.min(lag)));
            return;
        }
        self.live.push_back(lag);
        let dropped = if self.live.len() > WINDOW { self.live.pop_front() } else { None };
        if dropped.is_some() && dropped == self.least_live {
            self.least_live = self.live.iter().min().copied();
        } else {
            self.least_live = Some(self.least_live.map_or(lag, |least| least.min(lag)));
        }
    }

    /// How far the server's clock is behind this machine's; negative when it is ahead.
    pub fn lag(&self) -> SignedDuration {
        let replayed = self.least_replayed.unwrap_or_default().min(SignedDuration::ZERO);
        self.least_live.map_or(replayed, |live| live.min(replayed.max(live)))
    }

    /// The server's time at `now` of this machine.
    pub fn server_time(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.lag()).unwrap_or(now)
    }
}
