//! Reading recordings: a frame a line, with the time it arrived, or bare events.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::protocol::KEPT_OF_A_BAD_FRAME;

/// Bytes of the longest line that is read as a frame: the largest message, escaped.
const LONGEST_LINE: usize = 16 << 20;

/// Why a recording cannot be played.
#[derive(Debug, Error)]
pub enum RecordingError {
    #[error("cannot open the recording `{}`: {source}. Check the path", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("`{}` is a folder: name a recording in it", path.display())]
    Folder { path: PathBuf },
    #[error("cannot read on in the recording after line {line}: {source}")]
    Read { line: u64, source: io::Error },
}

/// A frame as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedFrame {
    /// Milliseconds from the beginning of the recording to its arrival; `None` for a bare event.
    pub recv_ms: Option<f64>,
    /// The frame's own text. Of a line that is no JSON, the line: the decoder counts it.
    pub text: String,
}

/// What a recording held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadSummary {
    /// Frames handed out, those of bad lines included.
    pub frames: u64,
    /// Lines that are neither a recorded frame nor JSON.
    pub malformed_lines: u64,
}

/// Reads a whole recording, from a file or standard input.
///
/// A line is `{"recv_ms": 1.5, "text": "…"}`, or a bare event, or an array of events. Blank lines
/// are skipped, bad lines are counted and handed out as they are.
///
/// # Errors
/// Only when reading itself fails.
pub fn read(
    reader: impl BufRead,
    mut sink: impl FnMut(RecordedFrame),
) -> Result<ReadSummary, RecordingError> {
    let mut recording = Recording::new(reader);
    while let Some(frame) = recording.next_frame()? {
        sink(frame);
    }
    Ok(recording.summary())
}

/// A recording that is being read.
pub struct Recording<R> {
    reader: R,
    line: u64,
    summary: ReadSummary,
}

#[cfg(not(target_arch = "wasm32"))]
impl Recording<io::BufReader<std::fs::File>> {
    /// Opens a recording.
    ///
    /// # Errors
    /// When there is no such file, it may not be read, or it is a folder.
    pub fn open(path: &std::path::Path) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Open { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(RecordingError::Folder { path: path.to_owned() });
        }
        Ok(Self::new(io::BufReader::new(file)))
    }
}

impl<R: BufRead> Recording<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, summary: ReadSummary::default() }
    }

    /// The number of the line that the last frame came from, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What was read so far.
    pub fn summary(&self) -> ReadSummary {
        self.summary
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// Only when reading itself fails.
    pub fn next_frame(&mut self) -> Result<Option<RecordedFrame>, RecordingError> {
        loop {
            let failed = |source| RecordingError::Read { line: self.line, source };
            let Some(line) = read_line(&mut self.reader).map_err(failed)? else {
                return Ok(None);
            };
            self.line += 1;
            let text = line.text.trim_start_matches('\u{feff}').trim();
            if text.is_empty() {
                continue;
            }
            let (frame, good) = read_frame(text);
            self.summary.frames += 1;
            if !good || line.cut {
                self.summary.malformed_lines += 1;
            }
            return Ok(Some(frame));
        }
    }
}

/// A line as Meterbridge records it. Other fields are allowed.
#[derive(Deserialize)]
struct Envelope<'a> {
    recv_ms: f64,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// The frame of a line, and whether the line could be read.
fn read_frame(line: &str) -> (RecordedFrame, bool) {
    if let Ok(Envelope { recv_ms, text }) = serde_json::from_str(line) {
        return (RecordedFrame { recv_ms: Some(recv_ms), text: text.into_owned() }, true);
    }
    let good = line.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(line).is_ok();
    (RecordedFrame { recv_ms: None, text: line.to_owned() }, good)
}

struct Line {
    text: String,
    /// It was longer than [`LONGEST_LINE`]; only its beginning is kept.
    cut: bool,
}

fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let limit = LONGEST_LINE as u64 + 1;
    if reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    let cut = bytes.len() > LONGEST_LINE && bytes.last() != Some(&b'\n');
    if cut {
        bytes.truncate(KEPT_OF_A_BAD_FRAME);
        reader.skip_until(b'\n')?;
    }
    // Bytes that are no text become U+FFFD; the decoder shows them as they then are.
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Some(Line { text, cut }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8]) -> (Vec<(Option<f64>, String)>, ReadSummary) {
        let mut frames = Vec::new();
        let summary = read(bytes, |frame| frames.push((frame.recv_ms, frame.text))).unwrap();
        (frames, summary)
    }

    #[test]
    fn reads_every_kind_of_line() {
        let (frames, summary) = read_all(
            b"\xef\xbb\xbf{\"recv_ms\": 1.5, \"text\": \"{\\\"a\\\":1}\"}\r\n\
              \n  \n\
              {\"run_id\":\"r\"}\n\
              [{\"run_id\":\"r\"}]\n\
              nonsense\n\
              \xff\xfe\n\
              {\"recv_ms\": 2, \"text\": \"not json either\"}",
        );
        let expected = [
            (Some(1.5), "{\"a\":1}"),
            (None, "{\"run_id\":\"r\"}"),
            (None, "[{\"run_id\":\"r\"}]"),
            (None, "nonsense"),
            (None, "\u{fffd}\u{fffd}"),
            (Some(2.0), "not json either"),
        ];
        let expected = expected.map(|(recv_ms, text)| (recv_ms, text.to_owned()));
        assert_eq!(frames, expected);
        assert_eq!(summary, ReadSummary { frames: 6, malformed_lines: 2 });
    }

    #[test]
    fn an_endless_line_is_cut() {
        let mut bytes = vec![b'x'; LONGEST_LINE + 10];
        bytes.extend_from_slice(b"\n{}\n");
        let (frames, summary) = read_all(&bytes);
        assert_eq!(frames[0].1.len(), KEPT_OF_A_BAD_FRAME);
        assert_eq!(frames[1], (None, "{}".to_owned()));
        assert_eq!(summary, ReadSummary { frames: 2, malformed_lines: 1 });
    }

    #[test]
    fn a_missing_file_is_named() {
        let error =
            Recording::open(std::path::Path::new("no/such.ndjson")).err().unwrap().to_string();
        assert!(error.starts_with("cannot open the recording `no/such.ndjson`: "), "{error}");
    }
}
