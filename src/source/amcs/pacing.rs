//! When the next question may be asked. Pure: time comes in.
//!
//! Each REST question holds one of the backend's 15 database connections until it is answered, and a
//! backend that runs out of them stands still (protocol, section 6.2). So there is one question at a
//! time, and between two of them a pause that grows with the backend's own answer times.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest pause between an answer and the next question.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause after an answer that was not slow.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Pauses are at least this many times as long as the answer took, so that a question is in flight for
/// at most a tenth of the time.
const PAUSE_FACTOR: f64 = 9.0;
/// The same after a few rows of the list of all runs: where many runs are pending, they are read one by
/// one.
const PAUSE_FACTOR_AFTER_ROWS: f64 = 1.0;
/// At most this many times longer where answers take longer than the fastest known one.
const MOST_SLOWDOWN: f64 = 2.0;
/// The weight of a new answer time in the smoothed one when answers get faster. Slower ones count at once.
const SMOOTHING: f64 = 0.3;
/// How fast the fastest known answer time is forgotten, per answer.
const FORGETTING: f64 = 1.002;
/// An answer that takes longer is from a backend in trouble.
const SLOW: Duration = Duration::from_secs(2);
/// The silence after the first slow answer. It doubles with each further slow answer in a row.
const SILENCE: Duration = Duration::from_secs(4);
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// Times the questions to one backend by its answer times.
#[derive(Debug)]
pub(super) struct Pacer {
    /// Seconds; the smoothed answer time.
    recent: Option<f64>,
    /// Seconds; about the fastest answer time of late.
    fastest: f64,
    slow_in_a_row: u32,
    next_at: Option<Instant>,
    /// The same for a few rows of the list of all runs.
    rows_at: Option<Instant>,
}

impl Pacer {
    pub fn new() -> Self {
        Self {
            recent: None,
            fastest: f64::INFINITY,
            slow_in_a_row: 0,
            next_at: None,
            rows_at: None,
        }
    }

    /// Takes in that a question was answered, or given up, after `took`.
    pub fn answered(&mut self, took: Duration, now: Instant) {
        let (pause, pause_before_rows) = self.pauses_after(took);
        self.next_at = Some(now + pause);
        self.rows_at = Some(now + pause_before_rows);
    }

    /// The same of a question for a few rows of the list of all runs. Such questions go on while other
    /// questions pause, since a long list is read in many of them.
    pub fn answered_rows(&mut self, took: Duration, now: Instant) {
        let (_, pause) = self.pauses_after(took);
        self.rows_at = Some(now + pause);
        self.next_at = self.next_at.max(self.rows_at);
    }

    /// The pauses before the next question, and before the next question for a few rows.
    fn pauses_after(&mut self, took: Duration) -> (Duration, Duration) {
        let secs = took.as_secs_f64();
        if took >= SLOW {
            let doubled = SILENCE.saturating_mul(1 << self.slow_in_a_row.min(4));
            self.slow_in_a_row += 1;
            let silence = doubled.min(LONGEST_SILENCE);
            return (silence, silence);
        }
        self.slow_in_a_row = 0;
        let recent = self.recent.map_or(secs, |it| secs.max(it + (secs - it) * SMOOTHING));
        self.recent = Some(recent);
        self.fastest = secs.min(self.fastest * FORGETTING).max(1e-4);
        let slowdown = (recent / self.fastest).clamp(1.0, MOST_SLOWDOWN);
        // Of answers in milliseconds the ratio is noise.
        let slowdown = if recent < 0.05 { 1.0 } else { slowdown };
        let pause = |factor: f64| {
            let pause = Duration::from_secs_f64(recent * factor * slowdown);
            pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
        };
        (pause(PAUSE_FACTOR), pause(PAUSE_FACTOR_AFTER_ROWS))
    }

    /// The earliest moment of the next question; a moment in the past is now.
    pub fn next_at(&self, now: Instant) -> Instant {
        self.next_at.unwrap_or(now)
    }

    /// The earliest moment of the next question for a few rows of the list of all runs.
    pub fn rows_at(&self, now: Instant) -> Instant {
        self.rows_at.unwrap_or(now)
    }

    /// The pause after the last answer, or zero before the first.
    #[cfg(test)]
    fn pause(&self, now: Instant) -> Duration {
        self.next_at(now).saturating_duration_since(now)
    }

    /// The expected time from one question to the next.
    pub fn cycle(&self) -> Duration {
        let recent = self.recent.unwrap_or_default();
        Duration::from_secs_f64(recent) + self.usual_pause(recent)
    }

    fn usual_pause(&self, recent: f64) -> Duration {
        Duration::from_secs_f64(recent * PAUSE_FACTOR).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
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
    fn pauses_grow_faster_than_answers_that_get_slower() {
        let (pacer, now) = after(&[10, 10, 60]);
        // Nine times 60 ms, twice over.
        assert_eq!(pacer.pause(now), Duration::from_millis(1080));
    }

    #[test]
    fn a_slow_answer_is_followed_by_a_silence_that_doubles() {
        for (answers, silence) in
            [(&[2000][..], 4), (&[2000, 9000], 8), (&[9000, 9000, 9000], 10), (&[9000, 5, 3000], 4)]
        {
            let (pacer, now) = after(answers);
            assert_eq!(pacer.pause(now), Duration::from_secs(silence), "{answers:?}");
        }
    }

    #[test]
    fn questions_for_a_few_rows_go_on_while_others_pause() {
        let (mut pacer, now) = after(&[8]);
        let millis = |at: Instant| (at - now).as_millis();
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.rows_at(now))), (72, 10));
        pacer.answered_rows(Duration::from_millis(5), now + Duration::from_millis(15));
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.rows_at(now))), (72, 25));
        pacer.answered_rows(Duration::from_millis(5), now + Duration::from_millis(70));
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.rows_at(now))), (80, 80));
        // A backend in trouble is left alone by all of them.
        pacer.answered_rows(SLOW, now);
        assert_eq!((millis(pacer.next_at(now)), millis(pacer.rows_at(now))), (4000, 4000));
    }

    #[test]
    fn recovers_after_a_slow_answer() {
        let mut answers = vec![5, 3000];
        answers.extend([5; 40]);
        let (pacer, now) = after(&answers);
        assert!(pacer.pause(now) < Duration::from_millis(80), "{:?}", pacer.pause(now));
    }
}
