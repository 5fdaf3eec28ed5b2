//! `meterbridge inspect`: recorded or piped events → a report, without a window.
//!
//! The report is folded by the same model as the picture, so it is also what the tests compare.

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

/// Unreadable lines remembered for the person who asked; all of them are counted.
const KEPT_PROBLEMS: usize = 20;

/// Reads a recording into the model: see [`Recording`] for what a line may be.
///
/// Returns why the first of the unreadable lines could not be read, for a person to see.
///
/// # Errors
///
/// When reading fails, or nothing of what was read is a recording.
pub fn read_into(
    model: &mut Model,
    mut recording: Recording<impl Read>,
) -> Result<Vec<String>, RecordingError> {
    let mut problems = Vec::new();
    // Nobody reads the model before the end.
    model.hold();
    while let Some(frame) = recording.next_frame()? {
        // Nothing in a report depends on when something arrived.
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
