//! The server's clock as seen from here: how far it is off, and when one of the clocks was set.

use std::collections::VecDeque;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::protocol::EventId;

/// Lags that the estimate is the median of.
const WINDOW: usize = 63;
/// Lags after which the estimate is made anew.
const RENEW_AFTER: u32 = 64;
/// A lag that differs from the estimate by more than this does not belong to it.
const OUTLIER_MICROS: i64 = 5_000_000;
/// Lags that differ by less agree: instants may be cut to whole seconds.
const AGREEMENT_MICROS: i64 = 2_000_000;
/// Outliers looked back on.
const MOST_SUSPECTS: usize = 64;
/// Nothing is delayed by more than this; the longest that a server was seen to stand still was 45 s.
const LONGEST_DELAY_MICROS: i64 = 600_000_000;
/// Events that arrive over so long a time make an estimate that a step can be told against.
const ESTABLISHED_AFTER_MICROS: i64 = 1_000_000;
/// For so long outliers that may be delayed have to agree.
const DELAYS_END_AFTER_MICROS: i64 = 2_000_000;

/// Estimates the server's clock from event instants against their arrival.
///
/// The estimate is the median of the recent lags (arrival − instant) of live events. A lag that is
/// far off is left out. Where several that are far off agree, and nothing speaks against them, a
/// clock was set: the estimate begins anew. Replayed events are older than their arrival for
/// another reason; of them only those from the future say something, that the server's clock is
/// ahead, and only until a live one says more.
#[derive(Clone, Debug, Default)]
pub struct ServerClock {
    /// The estimate, in microseconds.
    lag: i64,
    /// A live event of this connection agreed with it.
    is_known: bool,
    /// Arrival of the first event that agreed with it.
    known_since: i64,
    /// It has held for so long that it is no whim of one batch.
    is_established: bool,
    /// Lags that agreed with it, the newest last.
    lags: VecDeque<i64>,
    since_renewed: u32,
    renewed_at: i64,
    /// Arrival and instant of the latest event that agreed with it.
    last: Option<(i64, i64)>,
    /// The two least lags of replayed events.
    replayed: [Option<i64>; 2],
    suspects: VecDeque<Suspect>,
    as_of: Option<Timestamp>,
}

/// An event whose lag does not belong to the estimate.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    lag: i64,
    received_at: i64,
    at: i64,
    run: usize,
    id: EventId,
    goes_back: bool,
}

/// An event as the clock sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) at: Timestamp,
    pub(super) received_at: Timestamp,
    /// See [`Batch::live`](crate::protocol::Batch::live).
    pub(super) live: bool,
    /// Tells runs apart.
    pub(super) run: usize,
    pub(super) id: EventId,
    /// The run has told of something clearly later.
    pub(super) goes_back: bool,
}

/// Whose clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockOwner {
    Server,
    ThisMachine,
    /// The two moved apart during a pause.
    Unknown,
}

/// A clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    pub owner: ClockOwner,
    /// How far it was set forward; negative when it was set back. Of an unknown owner: how far
    /// the server's moved against this machine's.
    pub by: SignedDuration,
    /// When it was noticed, by this machine's clock.
    pub noticed_at: Timestamp,
}

impl fmt::Display for ClockStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.by.is_negative() { "back" } else { "forward" };
        let by = Rough(self.by);
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

/// A duration in its two greatest units.
struct Rough(SignedDuration);

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = (self.0.unsigned_abs().as_millis() + 500) / 1000;
        let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{secs} s"),
            (0, 0, _) => write!(f, "{minutes} min {} s", secs % 60),
            (0, _, _) => write!(f, "{hours} h {minutes} min"),
            _ => write!(f, "{days} d {hours} h"),
        }
    }
}

/// A step of the server's clock, in the time of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerStep {
    /// What brings an instant from before the step into the time after it.
    pub(super) by: SignedDuration,
    /// What the clock had reached by then, in the time before the step.
    pub(super) reached: Timestamp,
}

/// What the clock learned from an event: that a clock was set.
#[derive(Debug)]
pub(super) struct Noticed {
    pub(super) told: ClockStep,
    /// Where it was the server's.
    pub(super) step: Option<ServerStep>,
    /// Events from after the step.
    pub(super) after: Vec<EventId>,
}

impl ServerClock {
    pub(super) fn observe(&mut self, seen: Seen) -> Option<Noticed> {
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

    /// Makes the estimate anew.
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
        // One alone may be wrong.
        if let [Some(_), Some(second)] = self.replayed {
            self.lag = self.lag.min(second.min(0));
        }
    }

    fn suspect(&mut self, lag: i64, received_at: i64, at: i64, seen: Seen) -> Option<Noticed> {
        if self.suspects.len() == MOST_SUSPECTS {
            self.suspects.pop_front();
        }
        let Seen { run, id, goes_back, .. } = seen;
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
        self.lags = agreeing.iter().map(|suspect| suspect.lag).collect();
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
        Some(Noticed {
            told: ClockStep { owner, by, noticed_at: seen.received_at },
            step,
            after: agreeing.iter().map(|suspect| suspect.id).collect(),
        })
    }

    /// True where these events, which agree, cannot be stray or delayed ones.
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
            // No event arrives before it happened.
            return count >= 2 && !self.is_known
                || count >= 3 && differ(|_| true)
                || count >= 4 && lasted >= 1_000_000;
        }
        let is_delay = lag.saturating_sub(self.lag) <= LONGEST_DELAY_MICROS;
        let goes_back = |suspect: &Suspect| suspect.goes_back;
        self.is_established && differ(goes_back)
            || count >= 4 && lasted >= DELAYS_END_AFTER_MICROS
            || count >= 4 && differ(|_| true) && !is_delay
    }

    /// Begins anew with a new connection; the last estimate counts until there is a better one.
    pub(super) fn restart(&mut self) {
        *self = Self { lag: self.lag, ..Self::default() };
    }

    /// Stands still from `at` of this machine on: nothing is known of what happens now.
    pub(super) fn stop(&mut self, at: Timestamp) {
        self.as_of.get_or_insert(at);
    }

    /// Takes account of a step of this machine's clock.
    pub(super) fn machine_stepped(&mut self, by: SignedDuration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(0);
        self.lag = self.lag.saturating_add(micros);
        for lag in &mut self.lags {
            *lag = lag.saturating_add(micros);
        }
        if let Some((received_at, _)) = &mut self.last {
            *received_at = received_at.saturating_add(micros);
        }
        self.suspects.clear();
    }

    /// How far the server's clock is behind this machine's; negative when it is ahead.
    pub fn lag(&self) -> SignedDuration {
        SignedDuration::from_micros(self.lag)
    }

    /// The server's time at `now` of this machine; while there is no connection, its time when that
    /// was lost.
    pub fn server_time(&self, now: Timestamp) -> Timestamp {
        self.time_of_arrival(self.as_of.map_or(now, |as_of| as_of.min(now)))
    }

    /// The time of this machine at `server_time`.
    pub fn machine_time(&self, server_time: Timestamp) -> Timestamp {
        server_time.checked_add(self.lag()).unwrap_or(server_time)
    }

    /// Since when there is no connection, by this machine's clock. What is shown of runs that go on
    /// is as of then.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.as_of
    }

    /// The server's time when something arrived.
    pub(super) fn time_of_arrival(&self, received_at: Timestamp) -> Timestamp {
        received_at.checked_sub(self.lag()).unwrap_or(received_at)
    }
}

/// Microseconds since the epoch, without a detour over 128 bits.
fn micros(at: Timestamp) -> i64 {
    at.as_second() * 1_000_000 + i64::from(at.subsec_nanosecond() / 1_000)
}

/// Whose clock was set when the server's fell `behind` by so much, or got ahead where that is
/// negative, while by this machine's clock `waited` passed between two events, and `passed` between
/// their instants.
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
