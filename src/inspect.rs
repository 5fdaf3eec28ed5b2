//! `meterbridge inspect`: makes a report from recorded or piped events, without a window.
//!
//! The same model as in the display produces the report; tests compare reports for that reason.

mod json;
mod report;
mod table;

pub use json::write_json;
pub use report::{NodeReport, Report, RunReport};
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
    mut recording: Recording<impl Read>,
) -> Result<Vec<String>, RecordingError> {
    let mut problems = Vec::new();
    // Nobody reads the model before the end.
    model.hold();
    while let Some(frame) = recording.next_frame()? {
        // Reports do not depend on the time of reception.
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
        batch.push_text(&frame.text);
        recording.note(&batch);
        for item in &mut batch.items {
            if let Item::Malformed(error) = item {
                error.reason = format!("line {}: {}", recording.line(), error.reason);
                if problems.len() < KEPT_PROBLEMS {
                    problems.push(error.reason.clone());
                }
            }
        }
        model.receive(batch, |_, _| ());
    }
    model.release();
    recording.verdict()?;
    Ok(problems)
}
