//! Times of a recording's frames: since the beginning of a playback, and by the recording's own clock.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::recording::{ReadSummary, RecordedFrame, Recording, RecordingError};
use super::session::REPLAY_PERIOD;
use crate::protocol::{Batch, Item, is_unset};

/// Largest error of a live frame's time of reception; the model's estimate of the server's clock takes
/// more for a step. Limits corrections of a recording's beginning, and the span of a live batch.
pub(super) const LEAP: SignedDuration = SignedDuration::from_secs(5);

/// Longest pause between two bare events, and the length to which a pause longer than
/// [`LONGEST_RECORDED_PAUSE`] between recorded frames is cut.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Longest pause between recorded frames that is played in full. A single node may run for minutes, but
/// usually other runs have events in the meantime.
pub const LONGEST_RECORDED_PAUSE: Duration = Duration::from_secs(60);

/// Number of frames read ahead to distinguish a clock that goes on from a single wrong instant.
const LOOKED_AHEAD: usize = 8;

/// An instant further ahead than this is wrong unless the following instants confirm it.
const UNBELIEVABLE: SignedDuration = SignedDuration::from_hours(24);

/// Offset that stands for "never".
pub(super) const FAR: Duration = Duration::from_secs(86_400 * 365);

/// Reads a recording frame by frame, with the time of each.
pub struct TimedFrames<R: Read> {
    recording: Recording<R>,
    pacer: Pacer,
    /// Frames that were read ahead, each with the line on which it began.
    ahead: VecDeque<(u64, RecordedFrame, Batch)>,
    /// Line on which the last returned frame began.
    line: u64,
    /// The end of the recording: reached, or made impossible by an error that is still to be returned.
    end: Option<Result<(), RecordingError>>,
}

impl<R: Read> TimedFrames<R> {
    /// Reads a recording from where it stands.
    pub fn new(recording: Recording<R>) -> Self {
        Self { recording, pacer: Pacer::default(), ahead: VecDeque::new(), line: 0, end: None }
    }

    /// Returns the next frame, as a batch whose time of reception is by the recording's own clock, or
    /// `now` before the first event; `None` at the end.
    ///
    /// # Errors
    /// Returns an error when reading fails, after all frames before the failure, or when the input was not
    /// a recording.
    pub fn next(&mut self, now: Timestamp) -> Result<Option<(Batch, FrameTiming)>, RecordingError> {
        while self.end.is_none() && self.ahead.len() <= LOOKED_AHEAD {
            match self.recording.next_frame() {
                Ok(Some(frame)) => {
                    let mut decoded = Batch::new(now, true);
                    frame.push_into(&mut decoded);
                    self.recording.note(&decoded);
                    self.ahead.push_back((self.recording.line(), frame, decoded));
                }
                Ok(None) => self.end = Some(self.recording.verdict()),
                Err(error) => self.end = Some(Err(error)),
            }
        }
        let Some((line, frame, mut decoded)) = self.ahead.pop_front() else {
            return self.end.replace(Ok(())).unwrap_or(Ok(())).map(|()| None);
        };
        self.line = line;
        self.pacer.started_at = self.recording.started_at();
        let upcoming = self.ahead.iter().filter_map(|(.., decoded)| latest_instant(decoded));
        let mut timing = self.pacer.timing(&frame, &decoded, upcoming);
        timing.notes = frame.notes;
        decoded.received_at = timing.at.unwrap_or(now);
        decoded.live = timing.live;
        Ok(Some((decoded, timing)))
    }

    /// Returns what is to be told after the last frame.
    pub fn last_notes(&mut self) -> Vec<String> {
        let mut notes = self.recording.take_notes();
        notes
            .extend(self.recording.torn().map(|torn| format!("{}: {torn}", self.recording.name())));
        notes
    }

    /// Returns the number of the line on which the last frame began, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the counts of what was read so far.
    pub fn summary(&self) -> ReadSummary {
        self.recording.summary()
    }
}

/// Returns the latest instant in a frame.
fn latest_instant(decoded: &Batch) -> Option<Timestamp> {
    let instants = decoded.items.iter().filter_map(|item| match item {
        Item::Event(event) => Some(event.at),
        _ => None,
    });
    instants.filter(|at| !is_unset(*at)).max()
}

/// Position of a frame in time.
pub struct FrameTiming {
    /// Time since the beginning of the playback, at speed 1.
    pub offset: Duration,
    /// Time since the beginning of the recording, with the pauses that are left out.
    pub elapsed: Duration,
    /// Time of the frame by the recording's clock; `None` before the first event.
    pub at: Option<Timestamp>,
    /// See [`Batch::live`].
    pub live: bool,
    /// The part of the recording's pause before this frame that is left out.
    pub left_out: Duration,
    /// Notes of the recorder before this frame.
    pub notes: Vec<String>,
}

/// Computes the times at which the frames of a recording are played.
#[derive(Default)]
struct Pacer {
    first_ms: Option<f64>,
    last_instant: Option<Timestamp>,
    offset: Duration,
    /// Sum of the parts of pauses that were left out so far.
    left_out: Duration,
    /// Beginning of the recording by its own clock: the latest time by which no event arrives before
    /// its instant. The first event determines it, unless that was a replayed, older event.
    began_at: Option<Timestamp>,
    /// Offset of the last frame that moved `began_at` by more than [`LEAP`]: until then the frames
    /// replayed what had happened before.
    leapt_at: Duration,
    /// Beginning of the recording by the recorder's clock, where the recording says it. Stands in until an
    /// event comes: a recording of REST answers alone has none.
    started_at: Option<Timestamp>,
}

impl Pacer {
    /// Returns the timing of the next frame, given the instants of the frames after it. A single wrong
    /// instant that they do not confirm has no effect. `decoded` is a batch of that frame only.
    fn timing(
        &mut self,
        frame: &RecordedFrame,
        decoded: &Batch,
        upcoming: impl Iterator<Item = Timestamp> + Clone,
    ) -> FrameTiming {
        let instant = latest_instant(decoded).filter(|at| self.is_believable(*at, upcoming));
        let (offset, left_out) = match frame.recv_ms {
            Some(ms) => {
                let since_first = ms - *self.first_ms.get_or_insert(ms);
                let raw = Duration::try_from_secs_f64(since_first / 1000.0).unwrap_or_default();
                let offset = raw.saturating_sub(self.left_out);
                let pause = offset.saturating_sub(self.offset);
                if self.began_at.is_some() && pause > LONGEST_RECORDED_PAUSE {
                    (self.offset + LONGEST_PAUSE, pause - LONGEST_PAUSE)
                } else {
                    (offset, Duration::ZERO)
                }
            }
            None => (self.offset + self.pause_before(instant), Duration::ZERO),
        };
        self.left_out += left_out;
        self.offset = self.offset.max(offset).min(FAR);
        let is_history =
            self.last_instant.zip(instant).is_some_and(|(last, at)| last.duration_since(at) > LEAP);
        self.last_instant = self.last_instant.max(instant);
        let span = SignedDuration::try_from(self.offset.saturating_add(self.left_out));
        let span = span.unwrap_or_default();
        let began_at = instant.and_then(|instant| instant.checked_sub(span).ok());
        if let (Some(before), Some(began_at)) = (self.began_at, began_at)
            && began_at.duration_since(before) > LEAP
        {
            self.leapt_at = self.offset;
        }
        self.began_at = self.began_at.max(began_at);
        let settled = self.offset.saturating_sub(self.leapt_at);
        let at = match self.began_at {
            Some(began_at) => began_at.checked_add(span).ok(),
            None => self.recorded_at(frame),
        };
        FrameTiming {
            offset: self.offset,
            elapsed: self.offset.saturating_add(self.left_out),
            at,
            notes: Vec::new(),
            live: match frame.recv_ms {
                Some(_) => settled >= REPLAY_PERIOD && !frame.is_replayed,
                // Bare events that go far back tell of runs before the last ones.
                None => !is_history,
            },
            left_out,
        }
    }

    /// Returns the time of arrival of a frame by the recorder's clock.
    fn recorded_at(&self, frame: &RecordedFrame) -> Option<Timestamp> {
        let since = Duration::try_from_secs_f64(frame.recv_ms? / 1000.0).unwrap_or_default();
        self.started_at?.checked_add(SignedDuration::try_from(since).ok()?).ok()
    }

    /// True when an instant follows plausibly on the last one, or when most of the following instants
    /// are about as late.
    fn is_believable(
        &self,
        instant: Timestamp,
        upcoming: impl Iterator<Item = Timestamp> + Clone,
    ) -> bool {
        let bound = SignedDuration::try_from(LONGEST_PAUSE).unwrap_or_default();
        let ahead = self.last_instant.map(|last| instant.duration_since(last));
        if ahead.is_some_and(|ahead| ahead <= bound) {
            return true;
        }
        let count = upcoming.clone().count();
        if count == 0 {
            return ahead.is_none_or(|ahead| ahead <= UNBELIEVABLE);
        }
        // The first instant of all may be that of a replayed event.
        let bound = if ahead.is_some() { bound } else { UNBELIEVABLE };
        2 * upcoming.filter(|next| instant.duration_since(*next) <= bound).count() >= count
    }

    fn pause_before(&self, instant: Option<Timestamp>) -> Duration {
        let (Some(last), Some(instant)) = (self.last_instant, instant) else {
            return Duration::ZERO;
        };
        Duration::try_from(instant.duration_since(last)).unwrap_or_default().min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn midnight() -> Timestamp {
        "2026-11-23T00:00:00Z".parse().unwrap()
    }

    /// Computes the timing of frames `(recv_ms, second of the minute)`. Returns offsets and own times
    /// in seconds.
    fn timings(frames: &[(Option<f64>, f64)]) -> Vec<(f64, f64)> {
        timings_with_lookahead(frames, 0)
    }

    /// The same with `seen` frames of look-ahead.
    fn timings_with_lookahead(frames: &[(Option<f64>, f64)], seen: usize) -> Vec<(f64, f64)> {
        let at = |second: f64| midnight() + SignedDuration::from_secs_f64(second);
        let mut pacer = Pacer::default();
        let of = |(number, (recv_ms, second)): (usize, &(Option<f64>, f64))| {
            let text = format!(r#"{{"run_id":"r","phase":"start","ts":"{}"}}"#, at(*second));
            let mut decoded = Batch::new(midnight(), true);
            decoded.push_text(&text);
            let frame = RecordedFrame { recv_ms: *recv_ms, text, ..RecordedFrame::default() };
            let upcoming = frames[number + 1..].iter().take(seen).map(|(_, second)| at(*second));
            let timing = pacer.timing(&frame, &decoded, upcoming);
            let own = timing.at.map_or(-1.0, |at| at.duration_since(midnight()).as_secs_f64());
            (timing.offset.as_secs_f64(), own)
        };
        frames.iter().enumerate().map(of).collect()
    }

    #[test]
    fn recorded_frames_keep_their_intervals() {
        let frames = [(Some(500.0), 10.0), (Some(1500.0), 11.0), (Some(9500.0), 18.75)];
        assert_eq!(timings(&frames), [(0.0, 10.0), (1.0, 11.0), (9.0, 19.0)]);
    }

    #[test]
    fn a_replayed_first_event_does_not_set_the_clock() {
        let frames = [(Some(0.0), 1.0), (Some(1000.0), 59.0), (Some(2000.0), 60.0)];
        assert_eq!(timings(&frames), [(0.0, 1.0), (1.0, 59.0), (2.0, 60.0)]);
    }

    #[test]
    fn bare_events_keep_short_intervals() {
        let frames = [(None, 0.0), (None, 3.0), (None, 2.0), (None, 50.0), (None, 51.0)];
        let expected = [(0.0, 0.0), (3.0, 3.0), (3.0, 3.0), (8.0, 50.0), (9.0, 51.0)];
        assert_eq!(timings(&frames), expected);
    }

    #[test]
    fn implausible_times_cause_no_wait() {
        let frames = [(Some(1e300), 0.0), (Some(-5.0), 1.0), (Some(f64::MIN), 2.0)];
        let offsets: Vec<f64> = timings(&frames).into_iter().map(|(offset, _)| offset).collect();
        assert_eq!(offsets, [0.0, 0.0, 0.0]);
    }

    #[test]
    fn single_wrong_instant_does_not_move_the_playback() {
        let years = 86_400.0 * 365.0 * 4.0;
        for wrong in [years, 3_600.0, 90.0] {
            let frames = [(None, 0.0), (None, 4.0), (None, wrong), (None, 4.25), (None, 8.0)];
            let expected = [(0.0, 0.0), (4.0, 4.0), (4.0, 4.0), (4.25, 4.25), (8.0, 8.0)];
            assert_eq!(timings_with_lookahead(&frames, LOOKED_AHEAD), expected, "{wrong}");
        }
        let frames = [(None, 0.0), (None, 4.0), (None, years), (None, 4.25), (None, 8.0)];
        let expected = [(0.0, 0.0), (4.0, 4.0), (4.0, 4.0), (4.25, 4.25), (8.0, 8.0)];
        assert_eq!(timings(&frames), expected, "without a look ahead");
        // The wrong instant is the first one, or among recorded frames.
        let frames = [(None, years), (None, 4.0), (None, 6.0)];
        let expected = [(0.0, -1.0), (0.0, 4.0), (2.0, 6.0)];
        assert_eq!(timings_with_lookahead(&frames, LOOKED_AHEAD), expected);
        let frames = [(Some(0.0), 4.0), (Some(500.0), 300.0), (Some(1000.0), 5.0)];
        let expected = [(0.0, 4.0), (0.5, 4.5), (1.0, 5.0)];
        assert_eq!(timings_with_lookahead(&frames, LOOKED_AHEAD), expected);
    }

    #[test]
    fn clock_that_goes_on_after_a_pause_is_accepted() {
        let frames = [(None, 0.0), (None, 4.0), (None, 126_000.0), (None, 126_002.0)];
        let expected = [(0.0, 0.0), (4.0, 4.0), (9.0, 126_000.0), (11.0, 126_002.0)];
        assert_eq!(timings_with_lookahead(&frames, LOOKED_AHEAD), expected);
    }

    #[test]
    fn long_recorded_pause_is_cut_and_short_one_kept() {
        let night = 126_000.0;
        let frames = [
            (Some(0.0), 0.0),
            (Some(700.0), 0.7),
            (Some(night * 1000.0), night),
            (Some((night + 2.0) * 1000.0), night + 2.0),
        ];
        let expected = [(0.0, 0.0), (0.7, 0.7), (5.7, night), (7.7, night + 2.0)];
        assert_eq!(timings(&frames), expected);
        // A long-running node is not a pause to cut.
        let frames = [(Some(0.0), 0.0), (Some(59_000.0), 59.0)];
        assert_eq!(timings(&frames), [(0.0, 0.0), (59.0, 59.0)]);
    }
}
