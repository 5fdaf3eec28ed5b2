//! Recorder of a page, which has no files: keeps the lines of a recording in memory until it ends.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::lines::{self, ConnectionChange};
use super::summary::RecorderSummary;
use crate::protocol::Tape;

/// Most bytes that are kept. A recording that reaches them ends.
pub const MOST_BYTES: usize = 64 << 20;

/// Handle of a recorder; clones record into the same recording.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<State>>);

struct State {
    /// The recording so far: header and complete lines.
    lines: Vec<u8>,
    started_at: Option<Timestamp>,
    most_bytes: usize,
    summary: RecorderSummary,
    failure: Option<String>,
    /// True once the failure was taken.
    is_told: bool,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({})", self.lock().summary.path.display())
    }
}

impl PartialEq for Recorder {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Recorder {
    /// Starts to record for a file with this name.
    pub fn start(name: &str) -> Self {
        Self::within(name, MOST_BYTES)
    }

    fn within(name: &str, most_bytes: usize) -> Self {
        let summary = RecorderSummary { path: name.into(), files: 1, ..RecorderSummary::default() };
        let (started_at, failure, is_told) = (None, None, false);
        let state = State { lines: Vec::new(), started_at, most_bytes, summary, failure, is_told };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records frames that arrived at a time. `hide` removes secrets from a text; `source` is the address
    /// that they came from, without secrets.
    pub fn record(
        &self,
        source: &str,
        at: Timestamp,
        live: bool,
        tape: &Tape,
        hide: impl Fn(&str) -> Cow<'_, str>,
    ) {
        let mut state = self.lock();
        for (kind, text) in tape.entries() {
            let is_kept = state.push(source, at, |lines, recv_ms| {
                lines::push_frame(lines, recv_ms, kind, &hide(text), live);
            });
            match is_kept {
                true => state.summary.frames += 1,
                false => state.summary.lost += 1,
            }
        }
    }

    /// Records a change of the connection.
    pub fn log(&self, change: ConnectionChange<'_>) {
        let push = |lines: &mut Vec<u8>, recv_ms| lines::push_connection(lines, recv_ms, change);
        self.lock().push(change.url, change.at, push);
    }

    /// Returns why nothing is recorded any more.
    pub fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    /// Returns why nothing is recorded any more, at the first call after the failure.
    pub fn take_failure(&self) -> Option<String> {
        let mut state = self.lock();
        let is_told = state.is_told;
        state.is_told |= state.failure.is_some();
        state.failure.clone().filter(|_| !is_told)
    }

    /// Returns what has been recorded so far.
    pub fn summary(&self) -> RecorderSummary {
        self.lock().summary.clone()
    }

    /// Ends the recording, and takes it.
    pub fn finish(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.most_bytes = 0;
        std::mem::take(&mut state.lines)
    }
}

impl State {
    /// Adds a line; returns false where there is no room for it.
    fn push(
        &mut self,
        source: &str,
        at: Timestamp,
        append: impl FnOnce(&mut Vec<u8>, f64),
    ) -> bool {
        if self.failure.is_some() || self.most_bytes == 0 {
            return false;
        }
        let whole = self.lines.len();
        if self.started_at.is_none() {
            self.lines = lines::header(source, at, 0.0, 1);
        }
        let started_at = *self.started_at.get_or_insert(at);
        append(&mut self.lines, at.duration_since(started_at).as_micros() as f64 / 1_000.0);
        if self.lines.len() > self.most_bytes {
            self.lines.truncate(whole);
            let most_mib = self.most_bytes >> 20;
            self.failure = Some(format!("a page keeps at most {most_mib} MiB of a recording"));
            return false;
        }
        self.summary.bytes = self.lines.len() as u64;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::protocol::Batch;
    use crate::source::recording::Recording;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    fn tape(texts: &[&str]) -> Box<Tape> {
        let mut batch = Batch::new(at(0), true);
        batch.keep_frames();
        texts.iter().for_each(|text| batch.push_text(text));
        batch.take_tape().unwrap()
    }

    fn hide(text: &str) -> Cow<'_, str> {
        Cow::Owned(text.replace("s3cr3t", "…"))
    }

    #[test]
    fn recording_of_a_page_is_read_like_that_of_a_file() {
        let recorder = Recorder::start("studio.ndjson");
        let url = "ws://studio/events";
        let (what, code, reason) = ("connected", None, None);
        recorder.log(ConnectionChange { at: at(0), url, what, code, reason });
        let texts =
            [r#"{"run_id":"a","phase":"start","ts":"2026-11-23T01:00:00Z"}"#, r#"["s3cr3t"]"#];
        recorder.record(url, at(1_500), true, &tape(&texts), hide);
        recorder.record(url, at(2_000), false, &tape(&texts[..1]), hide);
        let summary = recorder.summary();
        assert_eq!((summary.frames, summary.lost, summary.files), (3, 0, 1));
        let bytes = recorder.finish();
        assert_eq!(bytes.len() as u64, summary.bytes);
        let mut recording = Recording::new(Cursor::new(bytes));
        let mut read = Vec::new();
        while let Some(frame) = recording.next_frame().unwrap() {
            read.push((frame.recv_ms, frame.text, frame.is_replayed));
        }
        assert_eq!(recording.started_at(), Some(at(0)));
        let expected = [
            (Some(1_500.0), texts[0].to_owned(), false),
            (Some(1_500.0), r#"["…"]"#.to_owned(), false),
            (Some(2_000.0), texts[0].to_owned(), true),
        ];
        assert_eq!(read, expected);
        recorder.record(url, at(3_000), true, &tape(&texts), hide);
        assert!(recorder.finish().is_empty(), "it has ended");
    }

    #[test]
    fn full_recording_ends_with_a_whole_line_and_says_so_once() {
        let recorder = Recorder::within("studio.ndjson", 2_000);
        for nth in 0..50 {
            recorder.record("ws://s", at(nth), true, &tape(&[&"x".repeat(100)]), hide);
        }
        let summary = recorder.summary();
        assert!(summary.frames > 5 && summary.frames + summary.lost == 50, "{summary:?}");
        let words = recorder.take_failure().unwrap();
        assert_eq!(words, "a page keeps at most 0 MiB of a recording");
        assert_eq!((recorder.take_failure(), recorder.failure()), (None, Some(words)));
        let bytes = recorder.finish();
        assert!(bytes.len() <= 2_000 && bytes.ends_with(b"}\n"));
    }
}
