//! Several recordings as one, in the order of time.

use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;

use super::frame_times::{FrameTiming, LONGEST_PAUSE, LONGEST_RECORDED_PAUSE, TimedFrames};
use super::recording::{Recording, RecordingError};
use crate::protocol::Batch;

/// Frames of one or more recordings, in the order of their times by the server's clock.
pub struct MergedFrames<R: Read> {
    files: Vec<File<R>>,
    /// Time of the last frame, and its time since the beginning.
    last: Option<(Timestamp, Duration)>,
}

struct File<R: Read> {
    frames: TimedFrames<R>,
    next: Next,
}

/// The next frame of a file.
enum Next {
    Unread,
    Frame(Box<(Batch, FrameTiming)>),
    End,
}

impl<R: Read> From<Recording<R>> for MergedFrames<R> {
    fn from(recording: Recording<R>) -> Self {
        Self::new(vec![recording])
    }
}

impl<R: Read> MergedFrames<R> {
    /// Merges recordings from where they stand.
    pub fn new(recordings: Vec<Recording<R>>) -> Self {
        let file = |recording| File { frames: TimedFrames::new(recording), next: Next::Unread };
        Self { files: recordings.into_iter().map(file).collect(), last: None }
    }

    /// Returns the next frame, see [`TimedFrames::next`].
    ///
    /// # Errors
    ///
    /// Returns an error when a file cannot be read, or is not a recording.
    pub fn next(&mut self, now: Timestamp) -> Result<Option<(Batch, FrameTiming)>, RecordingError> {
        if let [only] = &mut self.files[..] {
            return only.frames.next(now);
        }
        for file in &mut self.files {
            if let Next::Unread = file.next {
                file.next = match file.frames.next(now)? {
                    Some(frame) => Next::Frame(Box::new(frame)),
                    None => Next::End,
                };
            }
        }
        // A frame before its file's first event has no time, and comes at once.
        let time = |file: &&mut File<R>| match &file.next {
            Next::Frame(frame) => Some(frame.1.at),
            Next::Unread | Next::End => None,
        };
        let timed = self.files.iter_mut().filter_map(|file| Some((time(&&mut *file)?, file)));
        let Some((_, file)) = timed.min_by_key(|(at, _)| *at) else { return Ok(None) };
        let Next::Frame(frame) = std::mem::replace(&mut file.next, Next::Unread) else {
            return Ok(None);
        };
        let (batch, mut timing) = *frame;
        (timing.offset, timing.left_out) = self.place(timing.at);
        Ok(Some((batch, timing)))
    }

    /// Returns the time of a frame since the beginning, and the part of the pause before it that is left
    /// out.
    fn place(&mut self, at: Option<Timestamp>) -> (Duration, Duration) {
        let (Some(at), last) = (at, self.last) else {
            return (self.last.map(|(_, offset)| offset).unwrap_or_default(), Duration::ZERO);
        };
        let Some((before, offset)) = last else {
            self.last = Some((at, Duration::ZERO));
            return (Duration::ZERO, Duration::ZERO);
        };
        let pause = Duration::try_from(at.duration_since(before)).unwrap_or_default();
        let left_out = match pause > LONGEST_RECORDED_PAUSE {
            true => pause - LONGEST_PAUSE,
            false => Duration::ZERO,
        };
        let offset = offset + (pause - left_out);
        self.last = Some((before.max(at), offset));
        (offset, left_out)
    }

    /// Returns what is to be told after the last frame.
    pub fn last_notes(&mut self) -> Vec<String> {
        self.files.iter_mut().flat_map(|file| file.frames.last_notes()).collect()
    }

    /// Returns the number of frames read so far.
    pub fn frames(&self) -> u64 {
        self.files.iter().map(|file| file.frames.summary().frames).sum()
    }
}
