//! Retry schedule of a connection. Pure: no I/O, no clock, no randomness of its own.

use std::time::Duration;

use super::{Backoff, ConnectionSettings, Disconnect};

/// Longest delay of [`Backoff::Exponential`].
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Delay before a retry after a refusal, where [`ConnectionSettings::insist`] is set. A proxy answers
/// 404 while the backend behind it is being replaced; a server that refuses for good is not to be
/// flooded.
const WAIT_AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// Time for which 403 and 404 are retried at an address that worked before, because a proxy gives these
/// answers while the backend behind it is being replaced.
const GRACE_AFTER_SUCCESS: Duration = Duration::from_secs(120);

/// Shortest delay before a retry after such a refusal.
const LEAST_DELAY_AFTER_REFUSAL: Duration = Duration::from_secs(1);

/// Next step after an attempt or a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Wait for `delay`, then make attempt number `attempt` (the first is 1) of at most `max_attempts`
    /// (0 = unlimited).
    Retry { attempt: u32, max_attempts: u32, delay: Duration },
    /// All attempts are used up.
    GiveUp,
    /// A retry cannot help.
    Final,
}

/// Counter of the attempts since the last success. A success is a connection that stood for a while or
/// brought an event, or a readable answer.
///
/// The attempt that a person asks for is not counted: with the default settings it is followed by
/// attempts 1 to 5, each 3 s after the one before it has failed (guide, "Auto-Reconnect").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    attempts: u32,
    /// True after the first success.
    has_worked: bool,
    /// Number of refusals since the last success that were retried because the address had worked.
    refusals: u32,
    /// Sum of the delays after these refusals.
    refused_for: Duration,
}

impl Schedule {
    /// Resets the counter after a success.
    pub fn reset(&mut self) {
        *self = Self { has_worked: true, ..Self::default() };
    }

    /// Returns the next step after `disconnect`. `random` yields numbers in `0.0..1.0` for the jitter;
    /// it is called for [`Backoff::Exponential`] only.
    pub fn after(
        &mut self,
        disconnect: &Disconnect,
        settings: &ConnectionSettings,
        random: &mut dyn FnMut() -> f64,
    ) -> Next {
        let refused = disconnect.is_final();
        if self.has_worked
            && matches!(disconnect.status(), Some(403 | 404))
            && self.refused_for < GRACE_AFTER_SUCCESS
        {
            self.refusals = self.refusals.saturating_add(1);
            let delay = match settings.backoff {
                Backoff::Constant => settings.reconnect_delay,
                Backoff::Exponential => exponential(self.refusals, random()),
            };
            let delay = delay.max(LEAST_DELAY_AFTER_REFUSAL);
            self.refused_for += delay;
            return Next::Retry { attempt: self.refusals, max_attempts: 0, delay };
        }
        if refused && !(settings.insist && disconnect.may_pass()) {
            return Next::Final;
        }
        let max_attempts = settings.max_reconnect_attempts;
        if max_attempts != 0 && self.attempts >= max_attempts {
            return Next::GiveUp;
        }
        self.attempts = self.attempts.saturating_add(1);
        if let Disconnect::FellBehind { .. } = disconnect {
            // The server is not at fault, and a person is waiting in front of the screen.
            let delay = Duration::ZERO;
            return Next::Retry { attempt: self.attempts, max_attempts, delay };
        }
        let delay = match settings.backoff {
            _ if refused => WAIT_AFTER_REFUSAL,
            Backoff::Constant => settings.reconnect_delay,
            Backoff::Exponential => exponential(self.attempts, random()),
        };
        Next::Retry { attempt: self.attempts, max_attempts, delay }
    }
}

/// Returns 1, 2, 4 … 30 s, scaled by 0.5 (`random` = 0) to 1 (`random` = 1).
///
/// The jitter spreads the reconnects of many viewers after a restart of the backend.
fn exponential(attempt: u32, random: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let full = Duration::from_secs(1 << doublings).min(LONGEST_BACKOFF);
    full.mul_f64(0.5 + 0.5 * crate::bounded::bounded(random, 0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(backoff: Backoff, max: u32) -> ConnectionSettings {
        ConnectionSettings { backoff, max_reconnect_attempts: max, ..Default::default() }
    }

    fn no_random() -> f64 {
        unreachable!("a constant delay has no jitter")
    }

    /// Returns a retry of at most five.
    fn retry(attempt: u32, seconds: f64) -> Next {
        Next::Retry { attempt, max_attempts: 5, delay: Duration::from_secs_f64(seconds) }
    }

    /// Returns a retry of any number.
    fn endless(attempt: u32, seconds: f64) -> Next {
        Next::Retry { attempt, max_attempts: 0, delay: Duration::from_secs_f64(seconds) }
    }

    fn http(status: u16) -> Disconnect {
        Disconnect::Http { status, words: String::new() }
    }

    #[test]
    fn default_settings_retry_five_times_three_seconds_apart() {
        let mut schedule = Schedule::default();
        let settings = ConnectionSettings::default();
        for attempt in 1..=5 {
            let next = schedule.after(&Disconnect::Lost, &settings, &mut no_random);
            assert_eq!(next, retry(attempt, 3.0));
        }
        assert_eq!(schedule.after(&Disconnect::Lost, &settings, &mut no_random), Next::GiveUp);
        schedule.reset();
        assert_eq!(schedule.after(&Disconnect::Lost, &settings, &mut no_random), retry(1, 3.0));
    }

    #[test]
    fn zero_max_attempts_retries_for_ever() {
        let mut schedule = Schedule { attempts: u32::MAX - 1, ..Schedule::default() };
        let settings = settings(Backoff::Constant, 0);
        for _ in 0..3 {
            let next = schedule.after(&Disconnect::Lost, &settings, &mut no_random);
            assert_eq!(next, endless(u32::MAX, 3.0));
        }
    }

    #[test]
    fn exponential_doubles_to_thirty_seconds() {
        let settings = settings(Backoff::Exponential, 0);
        for (random, scale) in [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)] {
            let mut schedule = Schedule::default();
            for (attempt, full) in (1..).zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]) {
                let next = schedule.after(&Disconnect::Lost, &settings, &mut || random);
                assert_eq!(next, endless(attempt, full * scale));
            }
        }
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let mut rng = fastrand::Rng::with_seed(7);
        for attempt in 1..40 {
            let full = exponential(attempt, 1.0);
            let delay = exponential(attempt, rng.f64());
            assert!(full / 2 <= delay && delay <= full, "{delay:?} of {full:?}");
        }
    }

    #[test]
    fn retries_at_once_after_falling_behind() {
        let mut schedule = Schedule::default();
        let settings = ConnectionSettings::default();
        let behind = Disconnect::FellBehind { dropped: 3 };
        assert_eq!(schedule.after(&behind, &settings, &mut no_random), retry(1, 0.0));
    }

    #[test]
    fn insisting_source_retries_after_a_refusal() {
        let mut schedule = Schedule::default();
        let settings = ConnectionSettings { insist: true, ..settings(Backoff::Exponential, 0) };
        for (attempt, disconnect) in
            [(1, http(404)), (2, Disconnect::Closed { code: 1008, reason: String::new() })]
        {
            assert_eq!(
                schedule.after(&disconnect, &settings, &mut no_random),
                endless(attempt, 60.0)
            );
        }
        let address = "ws://studio/".to_owned();
        let never = Disconnect::NotFromThisPage { address };
        assert_eq!(schedule.after(&never, &settings, &mut no_random), Next::Final);
    }

    #[test]
    fn not_found_after_a_success_is_final_after_two_minutes() {
        let settings = ConnectionSettings::default();
        for status in [403, 404] {
            let mut schedule = Schedule::default();
            schedule.reset();
            for attempt in 1..=40 {
                let next = schedule.after(&http(status), &settings, &mut no_random);
                assert_eq!(next, endless(attempt, 3.0));
            }
            assert_eq!(schedule.after(&http(status), &settings, &mut no_random), Next::Final);
            schedule.reset();
            let next = schedule.after(&http(status), &settings, &mut no_random);
            assert_eq!(next, endless(1, 3.0));
        }
    }

    #[test]
    fn other_refusals_stay_final_after_a_success() {
        let settings = ConnectionSettings::default();
        let mut schedule = Schedule::default();
        schedule.reset();
        for refusal in [http(401), Disconnect::Closed { code: 1008, reason: String::new() }] {
            assert_eq!(schedule.after(&refusal, &settings, &mut no_random), Next::Final);
        }
    }

    #[test]
    fn insisting_source_retries_slowly_after_two_minutes_of_refusals() {
        let settings = ConnectionSettings {
            insist: true,
            reconnect_delay: Duration::ZERO,
            ..settings(Backoff::Constant, 0)
        };
        let mut schedule = Schedule::default();
        schedule.reset();
        for attempt in 1..=120 {
            let next = schedule.after(&http(404), &settings, &mut no_random);
            assert_eq!(next, endless(attempt, 1.0));
        }
        let next = schedule.after(&http(404), &settings, &mut no_random);
        assert_eq!(next, endless(1, 60.0));
    }

    #[test]
    fn a_final_disconnect_uses_no_attempt() {
        let mut schedule = Schedule::default();
        let settings = ConnectionSettings::default();
        let refused = Disconnect::Closed { code: 1008, reason: String::new() };
        assert_eq!(schedule.after(&refused, &settings, &mut no_random), Next::Final);
        assert_eq!(schedule.after(&Disconnect::Lost, &settings, &mut no_random), retry(1, 3.0));
    }
}
