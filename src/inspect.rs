//! `meterbridge inspect`: recorded or piped events → a report, without a window.
//!
//! The report is folded by the same model as the picture, so it is also what the tests compare.

mod report;
mod table;

pub use report::{NodeReport, Report, RunReport};
pub use table::{Style, write_table};

use std::io::{self, BufRead};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::Model;
use crate::protocol::{Batch, Item};

/// Unreadable lines remembered for the person who asked; all of them are counted.
const KEPT_PROBLEMS: usize = 20;

/// Reads lines into the model: recorded frames (`{"recv_ms": number, "text": "…"}`) or frames as
/// they came, one a line. Blank lines are skipped; a line that is not JSON is counted as malformed.
///
/// Returns why the first of the unreadable lines could not be read, for a person to see. Fails
/// only when `reader` does.
pub fn read_into(model: &mut Model, mut reader: impl BufRead) -> io::Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(problems);
        }
        line += 1;
        let mut batch = read_line(&bytes);
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
}

/// What a recorded line may hold; anything else makes it a frame of its own.
#[derive(Deserialize)]
struct RecordedLine<'a> {
    #[serde(borrow)]
    recv_ms: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

fn read_line(bytes: &[u8]) -> Batch {
    // A recording's clock begins with the recording; nothing in a report depends on arrival.
    let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').trim(),
        Err(error) => {
            batch.push_unreadable(format!("not UTF-8 ({error})"), &String::from_utf8_lossy(bytes));
            return batch;
        }
    };
    if text.is_empty() {
        return batch;
    }
    if let Err(error) = serde_json::from_str::<&RawValue>(text) {
        batch.push_unreadable(format!("not JSON: {error}"), text);
        return batch;
    }
    match recorded(text) {
        Some((recv_ms, frame)) => {
            batch.received_at = Timestamp::UNIX_EPOCH
                .checked_add(SignedDuration::from_millis(recv_ms as i64))
                .unwrap_or(Timestamp::UNIX_EPOCH);
            batch.push_text(&frame);
        }
        None => batch.push_text(text),
    }
    batch
}

fn recorded(text: &str) -> Option<(f64, String)> {
    let RecordedLine { recv_ms, text } = serde_json::from_str(text).ok()?;
    Some((serde_json::from_str(recv_ms?.get()).ok()?, serde_json::from_str(text?.get()).ok()?))
}
