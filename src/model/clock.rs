//! Estimate of the server's clock from event instants and arrival times, and detection of clock steps.

use std::collections::VecDeque;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::protocol::EventId;
use crate::text::length_words;

/// Maximum number of lags of which the estimate is the median.
const WINDOW: usize = 63;
/// Number of lags after which the estimate is recomputed.
const RENEW_AFTER: u32 = 64;
/// Lags that differ from the estimate by more than this are outliers.
const OUTLIER_MICROS: i64 = 5_000_000;
/// Outliers whose lags differ by at most this agree. The bound allows for instants truncated to whole
/// seconds.
const AGREEMENT_MICROS: i64 = 2_000_000;
/// Maximum number of outliers kept.
const MOST_SUSPECTS: usize = 64;
/// Longest plausible delay of an event. The longest observed server freeze was 45 s (protocol section
/// 2).
const LONGEST_DELAY_MICROS: i64 = 600_000_000;
/// Time over which lags must agree before a step can be detected against them.
const ESTABLISHED_AFTER_MICROS: i64 = 1_000_000;
/// Time over which outliers that could be delayed events must agree before they count as a step.
const DELAYS_END_AFTER_MICROS: i64 = 2_000_000;

/// Estimates the server's clock from event instants and arrival times.
///
/// The estimate is the median of the recent lags (arrival − instant) of live events. Outliers are left
/// out. When several outliers agree and delays cannot explain them, a clock was set, and the estimate
/// starts afresh from them. Replayed events are old when they arrive, so their lags are not used. The
/// exception is replayed events from the future: they show that the server's clock is ahead, and count
/// until the first live event.
#[derive(Clone, Debug, Default)]
pub struct ServerClock {
    /// Estimated lag in microseconds: this machine's clock minus the server's.
    lag: i64,
    /// True when a live event of this connection agreed with the estimate.
    is_known: bool,
    /// Arrival of the first event that agreed with the estimate, in microseconds since the epoch.
    known_since: i64,
    /// True when events agreed with the estimate for at least [`ESTABLISHED_AFTER_MICROS`].
    is_established: bool,
    /// Lags that agreed with the estimate, the newest last.
    lags: VecDeque<i64>,
    since_renewed: u32,
    renewed_at: i64,
    /// Arrival and instant of the latest event that agreed with the estimate.
    last: Option<(i64, i64)>,
    /// The two smallest lags of replayed events.
    replayed: [Option<i64>; 2],
    suspects: VecDeque<Suspect>,
    as_of: Option<Timestamp>,
}

/// An event whose lag is an outlier.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    lag: i64,
    received_at: i64,
    at: i64,
    run: usize,
    id: EventId,
    goes_back: bool,
}

/// The parts of an event that the clock estimate uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockSample {
    pub(super) at: Timestamp,
    pub(super) received_at: Timestamp,
    /// See [`Batch::live`](crate::protocol::Batch::live).
    pub(super) live: bool,
    /// A number that distinguishes runs.
    pub(super) run: usize,
    pub(super) id: EventId,
    /// True when the run already has an event whose instant is later by more than
    /// [`SKEW`](super::fact::SKEW).
    pub(super) goes_back: bool,
}

/// The clock that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockOwner {
    /// The server's clock.
    Server,
    /// This machine's clock.
    ThisMachine,
    /// Either clock: they moved apart while no event arrived.
    Unknown,
}

/// A detected step of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// The clock that was set.
    pub owner: ClockOwner,
    /// Size of the step: positive when the clock was set forward, negative when set back. For an
    /// unknown owner, the movement of the server's clock relative to this machine's.
    pub by: SignedDuration,
    /// Time of detection, by this machine's clock.
    pub noticed_at: Timestamp,
}

impl fmt::Display for ClockStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.by.is_negative() { "back" } else { "forward" };
        let by =
            length_words(u64::try_from(self.by.unsigned_abs().as_millis()).unwrap_or(u64::MAX));
        match self.owner {
            ClockOwner::Server => write!(f, "the server's clock was set {direction} by {by}"),
            ClockOwner::ThisMachine => {
                write!(f, "this machine's clock was set {direction} by {by}")
            }
            ClockOwner::Unknown => write!(
                f,
                "the server's clock and this machine's are {by} further apart than before"
            ),
        }
    }
}

/// A step of the server's clock, in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerStep {
    /// Offset that converts an instant from before the step to the time after it.
    pub(super) by: SignedDuration,
    /// Reading of the server's clock at the step, in the time before the step.
    pub(super) reached: Timestamp,
}

/// A detected clock step and what the model needs to follow it.
#[derive(Debug)]
pub(super) struct DetectedStep {
    pub(super) told: ClockStep,
    /// The step, if it was the server's clock.
    pub(super) step: Option<ServerStep>,
    /// Identities of the events that were written after the step.
    pub(super) after: Vec<EventId>,
}

impl ServerClock {
    pub(super) fn observe(&mut self, seen: ClockSample) -> Option<DetectedStep> {
        let (received_at, at) = (micros(seen.received_at), micros(seen.at));
        let lag = received_at.saturating_sub(at);
        if !seen.live {
            self.observe_replayed(lag);
            return None;
        }
        if lag.abs_diff(self.lag) > OUTLIER_MICROS.unsigned_abs() {
            return self.suspect(lag, received_at, at, seen);
        }
        if !self.suspects.is_empty() {
            self.suspects.clear();
        }
        if !self.is_known {
            self.is_known = true;
            self.known_since = received_at;
        }
        self.is_established |=
            received_at.saturating_sub(self.known_since) >= ESTABLISHED_AFTER_MICROS;
        self.last = Some((received_at, at));
        if self.lags.len() == WINDOW {
            self.lags.pop_front();
        }
        self.lags.push_back(lag);
        self.since_renewed += 1;
        let is_early = self.lags.len() < 8;
        if is_early
            || self.since_renewed >= RENEW_AFTER
            || received_at.abs_diff(self.renewed_at) >= 1_000_000
        {
            self.renew(received_at);
        }
        None
    }

    /// Recomputes the estimate as the median of the lags.
    fn renew(&mut self, received_at: i64) {
        let mut lags = [0; WINDOW];
        let lags = &mut lags[..self.lags.len()];
        for (copy, lag) in lags.iter_mut().zip(&self.lags) {
            *copy = *lag;
        }
        if let Some(middle) = lags.len().checked_sub(1).map(|last| last / 2) {
            self.lag = *lags.select_nth_unstable(middle).1;
        }
        self.since_renewed = 0;
        self.renewed_at = received_at;
    }

    fn observe_replayed(&mut self, lag: i64) {
        if self.is_known {
            return;
        }
        let [least, second] = self.replayed;
        if least.is_none_or(|least| lag < least) {
            self.replayed = [Some(lag), least];
        } else if second.is_none_or(|second| lag < second) {
            self.replayed = [least, Some(lag)];
        }
        // One replayed event alone may have a wrong instant.
        if let [Some(_), Some(second)] = self.replayed {
            self.lag = self.lag.min(second.min(0));
        }
    }

    fn suspect(
        &mut self,
        lag: i64,
        received_at: i64,
        at: i64,
        seen: ClockSample,
    ) -> Option<DetectedStep> {
        if self.suspects.len() == MOST_SUSPECTS {
            self.suspects.pop_front();
        }
        let ClockSample { run, id, goes_back, .. } = seen;
        self.suspects.push_back(Suspect { lag, received_at, at, run, id, goes_back });
        let agreeing: Vec<Suspect> = self
            .suspects
            .iter()
            .filter(|other| other.lag.abs_diff(lag) <= AGREEMENT_MICROS.unsigned_abs())
            .copied()
            .collect();
        if !self.is_convinced_by(&agreeing, lag) {
            return None;
        }
        let (is_step, lag_before, last) = (self.is_established, self.lag, self.last);
        self.suspects.clear();
        let first_kept = agreeing.len().saturating_sub(WINDOW);
        self.lags = agreeing.iter().skip(first_kept).map(|suspect| suspect.lag).collect();
        self.renew(received_at);
        self.is_known = true;
        self.known_since = received_at;
        self.last = Some((received_at, at));
        let first = agreeing.first().filter(|_| is_step)?;
        let (last_received_at, last_at) = last?;
        let behind = self.lag - lag_before;
        let owner = owner_of(
            behind,
            first.received_at - last_received_at,
            first.at - last_at,
            agreeing.iter().any(|suspect| suspect.goes_back),
        );
        let by = match owner {
            ClockOwner::ThisMachine => behind,
            ClockOwner::Server | ClockOwner::Unknown => -behind,
        };
        let by = SignedDuration::from_micros(by);
        let step = (owner == ClockOwner::Server).then(|| ServerStep {
            by,
            reached: Timestamp::from_microsecond(first.received_at.saturating_sub(lag_before))
                .unwrap_or(Timestamp::MAX),
        });
        Some(DetectedStep {
            told: ClockStep { owner, by, noticed_at: seen.received_at },
            step,
            after: agreeing.iter().map(|suspect| suspect.id).collect(),
        })
    }

    /// True when these agreeing outliers can be neither stray instants nor delayed events.
    fn is_convinced_by(&self, agreeing: &[Suspect], lag: i64) -> bool {
        let differ = |one: fn(&Suspect) -> bool| {
            let mut runs =
                agreeing.iter().filter(|suspect| one(suspect)).map(|suspect| suspect.run);
            let first = runs.next();
            first.is_some_and(|first| runs.any(|run| run != first))
        };
        let count = agreeing.len();
        let lasted = match agreeing {
            [first, .., last] => last.received_at.saturating_sub(first.received_at),
            _ => 0,
        };
        if lag < self.lag {
            // An event cannot arrive before it happened, so delays do not explain a smaller lag.
            return count >= 2 && !self.is_known
                || count >= 3 && differ(|_| true)
                || count >= 4 && lasted >= 1_000_000;
        }
        let is_delay = lag.saturating_sub(self.lag) <= LONGEST_DELAY_MICROS;
        let goes_back = |suspect: &Suspect| suspect.goes_back;
        self.is_established && differ(goes_back)
            || count >= 4 && lasted >= DELAYS_END_AFTER_MICROS
            // Later, what waited for a frozen tab or a machine asleep is old by any time, and arrives at once.
            || !self.is_established && count >= 4 && differ(|_| true) && !is_delay
    }

    /// Starts afresh for a new connection. The last estimate remains in use until a live event replaces
    /// it.
    pub(super) fn restart(&mut self) {
        *self = Self { lag: self.lag, ..Self::default() };
    }

    /// Freezes the server's time at `at` of this machine's clock, because the connection was lost.
    pub(super) fn stop(&mut self, at: Timestamp) {
        self.as_of.get_or_insert(at);
    }

    /// Returns how far the server's clock is behind this machine's; negative when it is ahead.
    pub fn lag(&self) -> SignedDuration {
        SignedDuration::from_micros(self.lag)
    }

    /// Returns the server's time at `now` of this machine's clock. Without a connection, returns the
    /// server's time at which the connection was lost.
    pub fn server_time(&self, now: Timestamp) -> Timestamp {
        self.time_of_arrival(self.as_of.map_or(now, |as_of| as_of.min(now)))
    }

    /// Returns this machine's time at `server_time`.
    pub fn machine_time(&self, server_time: Timestamp) -> Timestamp {
        server_time.checked_add(self.lag()).unwrap_or(server_time)
    }

    /// Returns the time at which the connection was lost, by this machine's clock; `None` while
    /// connected. Elapsed times of running runs are shown as of this time.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.as_of
    }

    /// Returns the server's time at the arrival of an event.
    pub(super) fn time_of_arrival(&self, received_at: Timestamp) -> Timestamp {
        received_at.checked_sub(self.lag()).unwrap_or(received_at)
    }
}

/// Returns microseconds since the epoch, without 128-bit arithmetic, since it runs for every event.
fn micros(at: Timestamp) -> i64 {
    at.as_second() * 1_000_000 + i64::from(at.subsec_nanosecond() / 1_000)
}

/// Decides which clock was set. The server's clock fell `behind` by this many microseconds, or got
/// ahead if negative. Between two events `waited` passed by this machine's clock and `passed` by their
/// instants.
fn owner_of(behind: i64, waited: i64, passed: i64, goes_back: bool) -> ClockOwner {
    let certain = behind.abs() / 10 * 9;
    if behind > 0 {
        return match () {
            () if goes_back || waited < certain => ClockOwner::Server,
            () if passed < behind / 2 => ClockOwner::ThisMachine,
            () => ClockOwner::Unknown,
        };
    }
    match () {
        () if waited < -OUTLIER_MICROS => ClockOwner::ThisMachine,
        () if waited < certain => ClockOwner::Server,
        () => ClockOwner::Unknown,
    }
}
