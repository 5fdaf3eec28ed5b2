//! Reading recordings: a frame a line, with the time it arrived, or bare events.
//!
//! | part | what it reads |
//! | --- | --- |
//! | `container`, `zstd` | gzip, Zstandard and UTF-16 → text |
//! | `prefix` | what logs and event streams write before a line's JSON |
//! | `objects` | JSON objects over several lines, and several on one line |

mod container;
mod objects;
mod prefix;
#[cfg(not(target_arch = "wasm32"))]
mod zstd;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use self::objects::{LONGEST_LINE, Objects, Part};
use self::prefix::{LogLine, without_prefix};
use crate::protocol::{Batch, Item, KEPT_OF_A_BAD_FRAME};
use crate::text;

/// Characters shown of a line that is no event.
const MOST_SHOWN: usize = 60;

/// Why a recording cannot be played.
#[derive(Debug, Error)]
pub enum RecordingError {
    #[error("cannot open the recording `{}`: {source}. Check the path", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("`{}` is a folder: name a recording in it", path.display())]
    Folder { path: PathBuf },
    #[error("cannot read on in the recording after line {line}: {source}")]
    Read { line: u64, source: io::Error },
    /// The file holds something, and nothing that can be played.
    #[error("{name} is not a recording: {what}")]
    NotARecording { name: String, what: String },
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
    /// Parts of lines that are neither a recorded frame nor JSON.
    pub malformed_lines: u64,
}

/// Reads a whole recording, from a file or standard input: see [`Recording`].
///
/// # Errors
/// When reading fails, or the input holds no text.
pub fn read(
    reader: impl Read,
    mut sink: impl FnMut(RecordedFrame),
) -> Result<ReadSummary, RecordingError> {
    let mut recording = Recording::new(reader);
    while let Some(frame) = recording.next_frame()? {
        sink(frame);
    }
    Ok(recording.summary())
}

/// A recording that is being read.
///
/// A line is `{"recv_ms": 1.5, "text": "…"}`, or a bare event, or an array of events. Objects may also
/// take several lines, stand side by side, or follow what a log or an event stream writes before them.
/// The text may be UTF-8 or UTF-16, and compressed with gzip or Zstandard. Blank lines are skipped, bad
/// lines are counted and handed out as they are.
pub struct Recording<R: Read> {
    /// The file, for a person.
    name: String,
    input: Input<R>,
    /// Lines read.
    lines: u64,
    /// The line that the last frame began on.
    line: u64,
    /// Frames that were read and not handed out, each with the line that it began on.
    waiting: VecDeque<(u64, RecordedFrame)>,
    objects: Objects,
    /// Bytes of a character that a part of a long line ended in.
    half_character: Vec<u8>,
    /// The next bytes belong to the line before.
    is_within_line: bool,
    /// The beginning of a line that a log has broken.
    broken_line: String,
    summary: ReadSummary,
    evidence: Evidence,
}

enum Input<R: Read> {
    Closed(R),
    Open(Box<container::Text<R>>),
    /// It holds no text; what it is instead.
    Other(&'static str),
    /// It could not be read.
    Failed,
}

impl<R: Read> Input<R> {
    /// The text, where it holds some.
    fn open(&mut self) -> io::Result<Option<&mut container::Text<R>>> {
        if let Self::Closed(_) = self
            && let Self::Closed(reader) = std::mem::replace(self, Self::Failed)
        {
            *self = match container::open(reader)? {
                Ok(text) => Self::Open(Box::new(text)),
                Err(kind) => Self::Other(kind),
            };
        }
        Ok(match self {
            Self::Open(text) => Some(text),
            _ => None,
        })
    }
}

/// What speaks for a recording, and what was found instead.
#[derive(Default)]
struct Evidence {
    has_events: bool,
    /// Lines as Meterbridge records them, and all other frames.
    recorded: u64,
    others: u64,
    /// Something is there that is neither blank nor an empty array.
    has_text: bool,
    /// JSON that is no event, and what makes it known.
    other_json: Option<String>,
    /// Why the first bad line cannot be read, and its beginning.
    bad_line: Option<(u64, String, String)>,
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
        let name = format!("`{}`", text::one_line(&path.display().to_string()));
        Ok(Self { name, ..Self::new(io::BufReader::new(file)) })
    }
}

impl<R: Read> Recording<R> {
    pub fn new(reader: R) -> Self {
        Self {
            name: "the input".to_owned(),
            input: Input::Closed(reader),
            lines: 0,
            line: 0,
            waiting: VecDeque::new(),
            objects: Objects::default(),
            half_character: Vec::new(),
            is_within_line: false,
            broken_line: String::new(),
            summary: ReadSummary::default(),
            evidence: Evidence::default(),
        }
    }

    /// The number of the line that the last frame began on, from 1.
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
    /// When reading fails, or the file holds no text.
    pub fn next_frame(&mut self) -> Result<Option<RecordedFrame>, RecordingError> {
        loop {
            if let Some((line, frame)) = self.waiting.pop_front() {
                self.line = line;
                self.summary.frames += 1;
                return Ok(Some(frame));
            }
            let failed = |source| RecordingError::Read { line: self.lines, source };
            let Some(reader) = self.input.open().map_err(failed)? else {
                return Err(self.not_a_recording());
            };
            let half_character = std::mem::take(&mut self.half_character);
            match read_part(reader, half_character).map_err(failed)? {
                Some(part) => self.take(part),
                None if !self.take_rest() => return Ok(None),
                None => {}
            }
        }
    }

    /// Reads what the last line has left; `false` where that is nothing.
    fn take_rest(&mut self) -> bool {
        if !self.broken_line.is_empty() {
            let line = std::mem::take(&mut self.broken_line);
            self.take_line(&line);
            return true;
        }
        let is_within = self.objects.is_within();
        if is_within {
            let part = self.objects.give_up();
            self.take_parts(vec![part]);
        }
        is_within
    }

    /// Notes what a frame turned out to be; see [`verdict`](Self::verdict).
    pub fn note(&mut self, decoded: &Batch) {
        let evidence = &mut self.evidence;
        for item in &decoded.items {
            match item {
                Item::Event(_) | Item::Run(_) | Item::Hub(_) => evidence.has_events = true,
                Item::Malformed(error) if evidence.bad_line.is_none() => {
                    let shown = text::excerpt(&error.text, MOST_SHOWN);
                    evidence.bad_line = Some((self.line, error.reason.clone(), shown));
                }
                Item::Malformed(_) | Item::Ignored => {}
            }
        }
    }

    /// Whether what was read is a recording; an empty file is one.
    ///
    /// # Errors
    /// When something was read, and nothing of it was recorded or is an event.
    pub fn verdict(&self) -> Result<(), RecordingError> {
        let Evidence { has_events, recorded, others, has_text, .. } = self.evidence;
        // A text about recordings may have one in it.
        if has_events || !has_text || recorded > others {
            return Ok(());
        }
        Err(self.not_a_recording())
    }

    fn not_a_recording(&self) -> RecordingError {
        const WANTED: &str = "they are JSON with `run_id` and `phase`";
        let what = match (&self.input, &self.evidence) {
            (Input::Other(kind), _) => (*kind).to_owned(),
            (_, Evidence { bad_line: Some((line, reason, shown)), .. }) => {
                if reason.starts_with("an event") {
                    format!("none of its events can be read, on line {line} {reason}")
                } else {
                    format!("it has no AMCS events ({WANTED}), and its line {line} is `{shown}`")
                }
            }
            (_, Evidence { other_json: Some(keys), .. }) => {
                format!("it has no AMCS events ({WANTED}), but JSON with {keys}")
            }
            _ => format!("it has no AMCS events ({WANTED})"),
        };
        RecordingError::NotARecording { name: self.name.clone(), what }
    }

    /// Reads a line, or a part of one.
    fn take(&mut self, part: LinePart) {
        let LinePart { text, is_last, half_character } = part;
        let goes_on = std::mem::replace(&mut self.is_within_line, !is_last);
        self.half_character = half_character;
        self.lines += u64::from(!goes_on);
        if !goes_on && is_last {
            self.take_line(text.trim_start_matches('\u{feff}'));
        } else if goes_on || self.objects.is_within() || text.trim_start().starts_with(['{', '[']) {
            self.take_objects(&text, is_last);
        } else {
            self.skip_line();
            self.take_bad(self.lines, text::head_of(&text, KEPT_OF_A_BAD_FRAME));
        }
    }

    /// Throws the rest of a long line away.
    fn skip_line(&mut self) {
        self.is_within_line = false;
        self.half_character.clear();
        if let Input::Open(reader) = &mut self.input {
            // A failure is told when the next line is asked for.
            let _ = reader.skip_until(b'\n');
        }
    }

    fn take_line(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed == "[]" {
            return;
        }
        if self.objects.is_within() {
            let LogLine { text, is_broken } = without_prefix(line);
            if !objects::is_frame(text) {
                self.take_objects(text, !is_broken);
                return;
            }
            // A writer that was killed leaves half an object; the next line is whole.
            let part = self.objects.give_up();
            self.take_parts(vec![part]);
        }
        if self.take_json(self.lines, trimmed) {
            return;
        }
        let LogLine { text, is_broken } = without_prefix(trimmed);
        if is_broken || !self.broken_line.is_empty() {
            self.take_broken(text, is_broken);
        } else if begins_json(text) {
            if !self.take_json(self.lines, text.trim()) {
                self.take_objects(text, true);
            }
        } else if let Some(payload) = prefix::payload(text) {
            self.take_objects(payload, true);
        } else if prefix::is_field(text) || text.is_empty() {
            self.evidence.has_text = true;
        } else {
            self.take_bad(self.lines, trimmed);
        }
    }

    /// Puts a line together that a log has broken.
    fn take_broken(&mut self, text: &str, is_broken: bool) {
        if self.broken_line.len() + text.len() > LONGEST_LINE {
            self.broken_line.clear();
        }
        self.broken_line.push_str(text);
        if !is_broken {
            let line = std::mem::take(&mut self.broken_line);
            self.take_line(&line);
        }
    }

    /// Reads one JSON value; `false` where the text is something else.
    fn take_json(&mut self, line: u64, text: &str) -> bool {
        if let Ok(Envelope { recv_ms, text }) = serde_json::from_str(text) {
            self.push(line, RecordedFrame { recv_ms: Some(recv_ms), text: text.into_owned() });
            return true;
        }
        if let Some(output) = prefix::logged(text) {
            match output.strip_suffix('\n') {
                Some(output) => self.take_broken(output, false),
                None => self.take_broken(&output, true),
            }
            return true;
        }
        let is_json =
            text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
        if is_json {
            self.take_object(line, text.to_owned());
        }
        is_json
    }

    /// Reads objects that stand side by side, or go on over the next lines.
    fn take_objects(&mut self, text: &str, ends_line: bool) {
        let mut parts = self.objects.feed(text, self.lines);
        if ends_line && self.objects.is_within() {
            parts.extend(self.objects.feed("\n", self.lines));
        }
        self.take_parts(parts);
    }

    fn take_parts(&mut self, parts: Vec<Part>) {
        for Part { line, text, is_whole } in parts {
            if !is_whole {
                self.take_bad(line, &text);
            } else if !text.contains("\"recv_ms\"") || !self.take_json(line, &text) {
                self.take_object(line, text);
            }
        }
    }

    fn take_object(&mut self, line: u64, text: String) {
        if self.evidence.other_json.is_none() {
            self.evidence.other_json = objects::keys_of(&text);
        }
        self.push(line, RecordedFrame { recv_ms: None, text });
    }

    fn take_bad(&mut self, line: u64, text: &str) {
        self.summary.malformed_lines += 1;
        self.push(line, RecordedFrame { recv_ms: None, text: text.to_owned() });
    }

    fn push(&mut self, line: u64, frame: RecordedFrame) {
        self.evidence.has_text = true;
        match frame.recv_ms {
            Some(_) => self.evidence.recorded += 1,
            None => self.evidence.others += 1,
        }
        self.waiting.push_back((line, frame));
    }
}

/// Whether a line goes on as JSON does, rather than as a log does: `[{`, and not `[12:00:00]`.
fn begins_json(text: &str) -> bool {
    let rest = text.strip_prefix('[').unwrap_or(text).trim_start();
    let is_array = text.starts_with('[') && (rest.is_empty() || rest.starts_with(['{', '[', ']']));
    is_array || text.starts_with(['{', ']', ',', '\u{1e}'])
}

/// A line as Meterbridge records it. Other fields are allowed.
#[derive(Deserialize)]
struct Envelope<'a> {
    recv_ms: f64,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// A line, or as much of a long one as is read at a time.
struct LinePart {
    text: String,
    /// The line ends here.
    is_last: bool,
    /// Bytes of a character that the part ends in.
    half_character: Vec<u8>,
}

/// Reads the next part of a line behind `bytes`.
fn read_part(reader: &mut impl BufRead, mut bytes: Vec<u8>) -> io::Result<Option<LinePart>> {
    let read = reader.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut bytes);
    if bytes.is_empty() {
        // What was read before a failure counts; the failure comes again.
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
    // Bytes that are no text become U+FFFD; the decoder shows them as they then are.
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Some(LinePart { text, is_last, half_character }))
}

#[cfg(test)]
mod tests;
