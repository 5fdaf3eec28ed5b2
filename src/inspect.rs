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

/// Reads a recording into the model; see [`Recording`] for the accepted lines.
///
/// Returns the reasons why the first unreadable lines could not be read, at most 20.
///
/// # Errors
///
/// Fails when reading fails, or when nothing that was read belongs to a recording.
pub fn read_into(
    model: &mut Model,
    recording: Recording<impl Read>,
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

/// Reads a recording into the model like [`read_into`], up to its end or the first error.
pub fn read_as_far_as_possible(model: &mut Model, mut recording: Recording<impl Read>) -> Readout {
    let mut problems = Vec::new();
    // Nobody reads the model before the end.
    model.hold();
    let result = loop {
        let frame = match recording.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => break recording.verdict(),
            Err(error) => break Err(error),
        };
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
        frame.push_into(&mut batch);
        recording.note(&batch);
        take(model, batch, recording.line(), &mut problems);
    };
    model.release();
    problems.extend(recording.torn().map(str::to_owned));
    Readout { problems, result }
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
