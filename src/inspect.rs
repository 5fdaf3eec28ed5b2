//! `meterbridge inspect`: makes a report from recorded or piped events, without a window.
//!
//! The same model as in the display produces the report; tests compare reports for that reason.

#[cfg(not(target_arch = "wasm32"))]
mod as_of;
mod json;
mod report;
mod table;

#[cfg(not(target_arch = "wasm32"))]
pub use as_of::{AsOf, AsOfError, End, NoSuchMoment};
pub(crate) use json::write_compact;
pub use json::write_json;
pub use report::{NodeReport, Report, RunReport};
pub(crate) use table::shortened;
pub use table::{Style, write_table};

use std::io::Read;

use jiff::Timestamp;

use crate::model::Model;
use crate::protocol::{Batch, Item};
use crate::source::recording::{Recording, RecordingError};

/// Number of unreadable lines reported with a reason; all of them are counted.
const KEPT_PROBLEMS: usize = 20;

/// Frames and bytes that are decoded before they are handed on, and number of such chunks that may wait.
const FRAMES_IN_A_CHUNK: usize = 256;
const BYTES_IN_A_CHUNK: usize = 1 << 20;
#[cfg(not(target_arch = "wasm32"))]
const CHUNKS_AHEAD: usize = 8;

/// Reads a recording into the model; see [`Recording`] for the accepted lines.
///
/// Returns the reasons why the first unreadable lines could not be read, at most 20.
///
/// # Errors
///
/// Fails when reading fails, or when nothing that was read belongs to a recording.
pub fn read_into(
    model: &mut Model,
    recording: Recording<impl Read + Send>,
) -> Result<Vec<String>, RecordingError> {
    let Readout { problems, result } = read_as_far_as_possible(model, recording);
    result.map(|()| problems)
}

/// Result of reading a recording.
pub struct Readout {
    /// Reasons why the first unreadable lines could not be read, at most 20, and why the end could not.
    pub problems: Vec<String>,
    /// Error after which nothing more could be read. The model has what precedes it.
    pub result: Result<(), RecordingError>,
}

/// Reads a recording into the model like [`read_into`], up to its end or the first error. A thread of its own
/// reads and decodes, while this one applies.
#[cfg(not(target_arch = "wasm32"))]
pub fn read_as_far_as_possible(
    model: &mut Model,
    mut recording: Recording<impl Read + Send>,
) -> Readout {
    let mut problems = Vec::new();
    // Nobody reads the model before the end.
    model.hold();
    let (sender, receiver) = crossbeam_channel::bounded::<Vec<(u64, Batch)>>(CHUNKS_AHEAD);
    let (result, torn) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let result = loop {
                let mut chunk = Vec::with_capacity(FRAMES_IN_A_CHUNK);
                let end = decode(&mut recording, &mut chunk);
                // The other thread ends before this one only by a panic.
                if sender.send(chunk).is_err() {
                    break Ok(());
                }
                if let Some(end) = end {
                    break end;
                }
            };
            (result, recording.torn().map(str::to_owned))
        });
        // The receiver goes with the loop, so that a panic here does not leave the other thread waiting.
        for (line, batch) in receiver.into_iter().flatten() {
            take(model, batch, line, &mut problems);
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    model.release();
    problems.extend(torn);
    Readout { problems, result }
}

/// Reads a recording into the model like [`read_into`], up to its end or the first error.
#[cfg(target_arch = "wasm32")]
pub fn read_as_far_as_possible(model: &mut Model, mut recording: Recording<impl Read>) -> Readout {
    let mut problems = Vec::new();
    // Nobody reads the model before the end.
    model.hold();
    let result = loop {
        let mut chunk = Vec::new();
        let end = decode(&mut recording, &mut chunk);
        for (line, batch) in chunk {
            take(model, batch, line, &mut problems);
        }
        if let Some(end) = end {
            break end;
        }
    };
    model.release();
    problems.extend(recording.torn().map(str::to_owned));
    Readout { problems, result }
}

/// Adds decoded frames with their lines to `chunk`, up to its limit. Returns how reading ended, if it did.
fn decode(
    recording: &mut Recording<impl Read>,
    chunk: &mut Vec<(u64, Batch)>,
) -> Option<Result<(), RecordingError>> {
    let mut bytes = 0;
    while chunk.len() < FRAMES_IN_A_CHUNK && bytes < BYTES_IN_A_CHUNK {
        let frame = match recording.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Some(recording.verdict()),
            Err(error) => return Some(Err(error)),
        };
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
        frame.push_into(&mut batch);
        recording.note(&batch);
        bytes += frame.text.len();
        chunk.push((recording.line(), batch));
    }
    None
}

/// Reads a recording into the model like [`read_as_far_as_possible`], up to the moment `end`: the model is
/// that of a recording which ends there.
#[cfg(not(target_arch = "wasm32"))]
pub fn read_until(model: &mut Model, recording: Recording<impl Read>, end: &mut End) -> Readout {
    let mut problems = Vec::new();
    let mut frames = crate::source::playback::TimedFrames::new(recording);
    end.begin_recording();
    model.hold();
    let result = loop {
        let batch = match frames.next(Timestamp::UNIX_EPOCH) {
            Ok(Some((_, timing))) if end.is_before(&timing) => break Ok(()),
            Ok(Some((batch, _))) => batch,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        take(model, batch, frames.line(), &mut problems);
    };
    model.release();
    Readout { problems, result }
}

/// Applies the batch of a frame, and notes what cannot be read of it.
fn take(model: &mut Model, mut batch: Batch, line: u64, problems: &mut Vec<String>) {
    // Reports do not depend on the time of reception.
    (batch.received_at, batch.live) = (Timestamp::UNIX_EPOCH, false);
    for item in &mut batch.items {
        if let Item::Malformed(error) = item {
            error.reason = format!("line {line}: {}", error.reason);
            if problems.len() < KEPT_PROBLEMS {
                problems.push(error.reason.clone());
            }
        }
    }
    model.receive(batch, |_, _| ());
}
