//! The earliest time of the next request. Performs no I/O; the caller passes the time.
//!
//! Each REST request holds one of the backend's 15 database connections until it is answered, and a
//! backend that runs out of them freezes (protocol, section 6.2). So there is one request at a time,
//! and between two requests a pause that grows with the backend's own answer times.

use std::time::Duration;

use tokio::time::Instant;

use crate::bounded::bounded;

/// Shortest pause between an answer and the next request.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// Longest pause after an answer that was not slow.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Ratio of the pause to the answer time, so that a request is in flight for at most a tenth of the
/// time, apart from pages of the list of all runs. [`LONGEST_PAUSE`] limits the pause, so the share is higher where answers take more than half a
/// second.
const PAUSE_FACTOR: f64 = 9.0;
/// The same ratio before a page of the list of all runs, which is short because a list with many pending
/// runs is read row by row.
const PAUSE_FACTOR_BEFORE_PAGE: f64 = 1.0;
/// The same ratio after a larger page of that list, which costs the server more.
const PAUSE_FACTOR_AFTER_PAGE: f64 = 3.0;
/// Largest factor by which pauses grow when answers take longer than the fastest known one.
const MOST_SLOWDOWN: f64 = 2.0;
/// Weight of a new answer time in the smoothed one.
const SMOOTHING: f64 = 0.3;
/// Smoothed answer time, in seconds, below which the backend counts as quick.
const QUICK: f64 = 0.05;
/// Factor by which the fastest known answer time grows with each answer, so that it is forgotten.
const FORGETTING: f64 = 1.002;
/// Answer time from which on an answer is slow: the backend is in trouble.
const SLOW: Duration = Duration::from_secs(2);
/// Pause after the first slow answer. Doubles with each further slow answer in a row, up to
/// [`LONGEST_SILENCE`].
const SILENCE: Duration = Duration::from_secs(4);
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// Paces the requests to one backend by its answer times.
#[derive(Debug)]
pub(super) struct Pacer {
    /// Smoothed answer time, in seconds.
    recent: Option<f64>,
    /// Approximately the fastest recent answer time, in seconds.
    fastest: f64,
    slow_in_a_row: u32,
    next_at: Option<Instant>,
    /// Earliest time of the next request for a page of the list of all runs.
    pages_at: Option<Instant>,
}

impl Pacer {
    pub fn new() -> Self {
        Self {
            recent: None,
            fastest: f64::INFINITY,
            slow_in_a_row: 0,
            next_at: None,
            pages_at: None,
        }
    }

    /// Records that a request was answered, or given up, after `took`.
    pub fn answered(&mut self, took: Duration, now: Instant) {
        let (pause, pause_before_page) = self.pauses_after(took);
        self.next_at = Some(now + pause);
        self.pages_at = self.pages_at.max(Some(now + pause_before_page));
    }

    /// Records the answer to a request for a page of the list of all runs. Requests for pages continue
    /// while other requests pause, so that they wait for no run, and keep none waiting.
    pub fn answered_page(&mut self, is_small: bool, took: Duration, now: Instant) {
        let (_, before_page) = self.pauses_after(took);
        let after_page = took.mul_f64(PAUSE_FACTOR_AFTER_PAGE).min(LONGEST_PAUSE);
        let pause = if is_small { before_page } else { before_page.max(after_page) };
        self.pages_at = Some(now + pause);
        self.next_at = self.next_at.max(Some(now + before_page));
    }

    /// Returns the pauses before the next request, and before the next page.
    fn pauses_after(&mut self, took: Duration) -> (Duration, Duration) {
        let secs = took.as_secs_f64();
        if took >= SLOW {
            let doubled = SILENCE.saturating_mul(1 << self.slow_in_a_row.min(4));
            self.slow_in_a_row += 1;
            let silence = doubled.min(LONGEST_SILENCE);
            return (silence, silence);
        }
        self.slow_in_a_row = 0;
        let recent = self.recent.map_or(secs, |it| it + (secs - it) * SMOOTHING);
        self.recent = Some(recent);
        self.fastest = secs.min(self.fastest * FORGETTING).max(1e-4);
        let slowdown = bounded(recent / self.fastest, 1.0, MOST_SLOWDOWN);
        // Of quick answers the ratio is noise.
        let slowdown = if recent < QUICK { 1.0 } else { slowdown };
        let pause = |factor: f64| {
            let pause = Duration::from_secs_f64(recent * factor * slowdown);
            bounded(pause, SHORTEST_PAUSE, LONGEST_PAUSE)
        };
        // Pages get no extra time from a backend that is slow already.
        let page_factor = if recent < QUICK { PAUSE_FACTOR_BEFORE_PAGE } else { PAUSE_FACTOR };
        (pause(PAUSE_FACTOR), pause(page_factor))
    }

    /// The earliest time of the next request; a time in the past means now.
    pub fn next_at(&self, now: Instant) -> Instant {
        self.next_at.unwrap_or(now)
    }

    /// Returns the earliest time of the next request for a page of the list of all runs.
    pub fn pages_at(&self, now: Instant) -> Instant {
        self.pages_at.unwrap_or(now)
    }

    /// The rest of the pause at `now`; zero before the first answer.
    #[cfg(test)]
    fn pause(&self, now: Instant) -> Duration {
        self.next_at(now).saturating_duration_since(now)
    }

    /// The expected time from one request to the next.
    pub fn cycle(&self) -> Duration {
        let recent = self.recent.unwrap_or_default();
        let pause = Duration::from_secs_f64(recent * PAUSE_FACTOR);
        Duration::from_secs_f64(recent) + bounded(pause, SHORTEST_PAUSE, LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: &[u64]) -> (Pacer, Instant) {
        let (mut pacer, now) = (Pacer::new(), Instant::now());
        answers.iter().for_each(|millis| pacer.answered(Duration::from_millis(*millis), now));
        (pacer, now)
    }

    #[test]
    fn pauses_nine_times_as_long_as_the_answer_took() {
        for (millis, pause) in [(1, 10), (5, 45), (8, 72), (15, 135)] {
            let (pacer, now) = after(&[millis]);
            assert_eq!(pacer.pause(now), Duration::from_millis(pause), "{millis} ms");
        }
    }

    #[test]
    fn one_slower_answer_costs_less_than_many() {
        let (pacer, now) = after(&[10, 10, 60]);
        // Nine times 25 ms, the smoothed answer time.
        assert_eq!(pacer.pause(now), Duration::from_millis(225));
        let (pacer, now) = after(&[10; 3].into_iter().chain([60; 20]).collect::<Vec<_>>());
        // Nine times 60 ms, twice over.
        assert!(pacer.pause(now) > Duration::from_millis(1000), "{:?}", pacer.pause(now));
    }

    #[test]
    fn pause_doubles_with_each_slow_answer_in_a_row() {
        for (answers, silence) in
            [(&[2000][..], 4), (&[2000, 9000], 8), (&[9000, 9000, 9000], 10), (&[9000, 5, 3000], 4)]
        {
            let (pacer, now) = after(answers);
            assert_eq!(pacer.pause(now), Duration::from_secs(silence), "{answers:?}");
        }
    }

    #[test]
    fn requests_for_a_few_rows_continue_while_others_pause() {
        let (mut pacer, now) = after(&[8]);
        let millis = |at: Instant| (at - now).as_millis();
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.pages_at(now))), (72, 10));
        pacer.answered_page(true, Duration::from_millis(5), now + Duration::from_millis(15));
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.pages_at(now))), (72, 25));
        pacer.answered_page(true, Duration::from_millis(5), now + Duration::from_millis(70));
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.pages_at(now))), (80, 80));
        // After a slow answer all requests pause.
        pacer.answered_page(true, SLOW, now);
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.pages_at(now))), (4000, 4000));
    }

    #[test]
    fn pause_after_a_large_page_outlasts_other_answers() {
        let (mut pacer, now) = after(&[8]);
        let millis = |at: Instant| (at - now).as_millis();
        pacer.answered_page(false, Duration::from_millis(40), now);
        assert_eq!(millis(pacer.pages_at(now)), 120);
        pacer.answered(Duration::from_millis(5), now);
        assert_eq!(millis(pacer.pages_at(now)), 120);
    }

    #[test]
    fn recovers_after_a_slow_answer() {
        let mut answers = vec![5, 3000];
        answers.extend([5; 40]);
        let (pacer, now) = after(&answers);
        assert!(pacer.pause(now) < Duration::from_millis(80), "{:?}", pacer.pause(now));
    }
}
