//! The recorder's handle, and the thread that writes.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use super::RecorderSettings;
use super::files::{Files, Origin, RecorderError};
use super::lines::{self, ConnectionChange};
use super::summary::RecorderSummary;
use crate::protocol::Tape;

/// Longest time that a line waits before it is written.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(250);

/// Bytes of lines that are written at once, without waiting for [`FLUSH_INTERVAL`].
const FULL: usize = 1 << 20;

/// Most bytes that wait for a slow disk. Beyond them frames are not recorded, and the recording says how
/// many.
const MOST_WAITING: usize = 64 << 20;

/// Handle of a recorder; clones record into the same file. The last one to be dropped writes the rest.
#[derive(Clone)]
pub struct Recorder(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when there is something to write at once.
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// Complete lines that wait to be written.
    lines: Vec<u8>,
    /// Time of the first of them.
    first_ms: f64,
    origin: Option<Origin>,
    /// Frames that were lost since the last line that says so.
    lost: u64,
    summary: RecorderSummary,
    is_ended: bool,
    /// Why nothing is recorded any more.
    failure: Option<String>,
    /// True once the failure was taken.
    is_told: bool,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({})", self.summary().path.display())
    }
}

impl PartialEq for Recorder {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, reason: String) {
        let mut state = self.lock();
        state.failure = Some(reason);
        state.lines = Vec::new();
    }
}

impl Recorder {
    /// Creates the file and starts to record into it.
    ///
    /// # Errors
    ///
    /// Fails when the file exists and is not to be replaced, or when it cannot be created.
    pub fn start(settings: RecorderSettings) -> Result<Self, RecorderError> {
        let files = Files::create(settings)?;
        let shared = Arc::new(Shared::default());
        note_files(&shared, &files);
        let writing = shared.clone();
        let thread = Builder::new()
            .name("meterbridge-recorder".to_owned())
            .spawn(move || write(&writing, files))
            .map_err(RecorderError::Thread)?;
        Ok(Self(Arc::new(Handle { shared, thread: Mutex::new(Some(thread)) })))
    }

    /// Records frames that arrived at a time. `hide` removes secrets from a text; `source` is the
    /// address that they came from, without secrets.
    pub fn record(
        &self,
        source: &str,
        at: Timestamp,
        live: bool,
        tape: &Tape,
        hide: impl Fn(&str) -> Cow<'_, str>,
    ) {
        self.push(source, at, |state, recv_ms| {
            for (kind, text) in tape.entries() {
                if state.lines.len() >= MOST_WAITING {
                    state.lost += 1;
                    state.summary.lost += 1;
                    continue;
                }
                if state.lost > 0 {
                    lines::push_lost(&mut state.lines, recv_ms, std::mem::take(&mut state.lost));
                }
                lines::push_frame(&mut state.lines, recv_ms, kind, &hide(text), live);
                state.summary.frames += 1;
            }
        });
    }

    /// Records a change of the connection.
    pub fn log(&self, change: ConnectionChange<'_>) {
        self.push(change.url, change.at, |state, recv_ms| {
            if state.lines.len() < MOST_WAITING {
                lines::push_connection(&mut state.lines, recv_ms, change);
            }
        });
    }

    fn push(&self, source: &str, at: Timestamp, append: impl FnOnce(&mut State, f64)) {
        let mut state = self.0.shared.lock();
        if state.failure.is_some() || state.is_ended {
            return;
        }
        let started_at = match &mut state.origin {
            Some(origin) => {
                if origin.source != source {
                    source.clone_into(&mut origin.source);
                }
                origin.started_at
            }
            origin => {
                *origin = Some(Origin { source: source.to_owned(), started_at: at });
                at
            }
        };
        let recv_ms = at.duration_since(started_at).as_micros() as f64 / 1_000.0;
        if state.lines.is_empty() {
            state.first_ms = recv_ms;
        }
        append(&mut state, recv_ms);
        if state.lines.len() >= FULL {
            self.0.shared.wake.notify_one();
        }
    }

    /// Returns why nothing is recorded any more.
    pub fn failure(&self) -> Option<String> {
        self.0.shared.lock().failure.clone()
    }

    /// Returns why nothing is recorded any more, at the first call after the failure.
    pub fn take_failure(&self) -> Option<String> {
        let mut state = self.0.shared.lock();
        if state.is_told || state.failure.is_none() {
            return None;
        }
        state.is_told = true;
        state.failure.clone()
    }

    /// Returns what has been recorded so far.
    pub fn summary(&self) -> RecorderSummary {
        self.0.shared.lock().summary.clone()
    }

    /// Writes what waits, and ends the recording.
    pub fn finish(&self) -> RecorderSummary {
        self.0.finish();
        self.summary()
    }
}

impl Handle {
    fn finish(&self) {
        self.shared.lock().is_ended = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            self.shared.fail("the recorder has crashed".to_owned());
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Tells of a crash of the thread, which would otherwise be found at the end only.
struct CrashGuard<'a>(&'a Shared);

impl Drop for CrashGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the recorder has crashed; nothing more is recorded".to_owned());
        }
    }
}

/// Writes lines until the recording ends or fails.
fn write(shared: &Shared, mut files: Files) {
    let _guard = CrashGuard(shared);
    loop {
        let waits = |state: &mut State| !state.is_ended && state.lines.len() < FULL;
        let waited = shared.wake.wait_timeout_while(shared.lock(), FLUSH_INTERVAL, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_ended = state.is_ended;
        let (lines, first_ms) = (std::mem::take(&mut state.lines), state.first_ms);
        let origin = state.origin.clone();
        drop(state);
        if let Some(origin) = origin.filter(|_| !lines.is_empty()) {
            let written = files.write(&lines, &origin, first_ms);
            note_files(shared, &files);
            if let Err(error) = written {
                shared.fail(error.to_string());
                return;
            }
        }
        if is_ended {
            return;
        }
    }
}

fn note_files(shared: &Shared, files: &Files) {
    let summary = &mut shared.lock().summary;
    summary.bytes = files.bytes();
    summary.files = files.count();
    summary.path = files.path().to_owned();
}
