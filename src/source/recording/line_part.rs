//! Lines of a recording, and parts of lines that are too long to be read at once.

use std::io::{self, BufRead, Read};

use super::objects::LONGEST_LINE;

/// A line, or one part of a long line.
pub(super) struct LinePart {
    pub(super) text: String,
    /// True when the line ends here.
    pub(super) is_last: bool,
    /// Bytes of an incomplete character at the end of the part.
    pub(super) half_character: Vec<u8>,
}

/// Reads the next part of a line and appends it to `bytes`.
pub(super) fn read_part(
    reader: &mut impl BufRead,
    mut bytes: Vec<u8>,
) -> io::Result<Option<LinePart>> {
    let read = reader.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut bytes);
    if bytes.is_empty() {
        // Data read before a failure counts; the next read reports the failure again.
        return read.map(|_| None);
    }
    let is_last = bytes.len() <= LONGEST_LINE || bytes.last() == Some(&b'\n');
    let begun = match std::str::from_utf8(&bytes) {
        Err(error) if error.error_len().is_none() && !is_last => error.valid_up_to(),
        _ => bytes.len(),
    };
    let half_character = bytes.split_off(begun);
    if is_last {
        let line_break =
            bytes.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        bytes.truncate(bytes.len() - line_break);
    }
    // Invalid UTF-8 becomes U+FFFD; the decoder shows the result.
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Some(LinePart { text, is_last, half_character }))
}
