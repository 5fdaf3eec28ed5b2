//! Reader for recordings: one frame per line with its time of arrival, or bare events.
//!
//! | part | what it reads |
//! | --- | --- |
//! | `container`, `gzip`, `zstd` | gzip, Zstandard and UTF-16 → text |
//! | `prefix` | text that logs and event streams put before a line's JSON |
//! | `envelope` | lines in Meterbridge's own format |
//! | `line_part` | lines, and parts of very long ones |
//! | `nested` | events inside other JSON |
//! | `objects` | JSON objects that span several lines or share one |

mod container;
mod envelope;
#[cfg(not(target_arch = "wasm32"))]
mod gzip;
mod line_part;
mod nested;
mod objects;
mod prefix;
#[cfg(not(target_arch = "wasm32"))]
mod zstd;

use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use thiserror::Error;

use self::envelope::{Header, Line};
use self::line_part::{LinePart, read_part};
use self::objects::{LONGEST_LINE, Objects, Part};
use self::prefix::{LogLine, Logged, without_prefix};
use crate::protocol::{Batch, Item, KEPT_OF_A_BAD_FRAME};
use crate::text;

/// Most characters shown of a line that is no event.
const MOST_SHOWN: usize = 60;

/// Most notes kept between two frames.
const MOST_NOTES: usize = 100;

/// Reason why a recording cannot be played.
#[derive(Debug, Error)]
pub enum RecordingError {
    #[error("cannot open the recording `{}`: {error}. Check the path", path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("`{}` is a folder: name a recording in it", path.display())]
    Folder { path: PathBuf },
    /// Reading failed after some lines, which count.
    #[error("cannot read {name}{}: {error}", after_line(*line))]
    Read { name: String, line: u64, error: io::Error },
    /// The file has content, but nothing that can be played.
    #[error("{name} is not a recording: {what}")]
    NotARecording { name: String, what: String },
}

fn after_line(line: u64) -> String {
    if line == 0 { String::new() } else { format!(" after line {line}") }
}

/// A recorded frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedFrame {
    /// Time of arrival in milliseconds since the start of the recording; `None` for a bare event.
    pub recv_ms: Option<f64>,
    /// Text of the frame. For a line that is not JSON, the line itself, which the decoder counts as
    /// malformed.
    pub text: String,
    /// True for an answer of a REST API, which counts as no frame.
    pub is_rest: bool,
    /// True when the frame told again what had happened before the connection.
    pub is_replayed: bool,
    /// Notes of the recorder between the frame before and this one.
    pub notes: Vec<String>,
}

impl RecordedFrame {
    /// Decodes the frame into a batch.
    pub fn push_into(&self, batch: &mut Batch) {
        if self.is_rest {
            batch.push_answer(&self.text);
        } else {
            batch.push_text(&self.text);
        }
    }
}

/// Counts over a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadSummary {
    /// Frames returned, including those of bad lines.
    pub frames: u64,
    /// Parts of lines that are neither a recorded frame nor JSON.
    pub malformed_lines: u64,
    /// Ends that are cut off: an incomplete last line, or compressed data without its end.
    pub torn: u64,
}

/// Reads a whole recording from a file or standard input: see [`Recording`].
///
/// # Errors
/// Returns an error when reading fails, or the input is not text.
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

/// Reader over one recording.
///
/// A line is `{"recv_ms": 1.5, "text": "…"}`, a bare event, or an array of events. Objects may also
/// span several lines, share a line, be part of other JSON, or follow a prefix of a log or an event stream. The text may be
/// UTF-8 or UTF-16, compressed with gzip or Zstandard. Blank lines are skipped; bad lines are counted
/// and returned as they are.
pub struct Recording<R: Read> {
    /// Name of the file in messages.
    name: String,
    input: Input<R>,
    /// Number of lines read.
    lines: u64,
    /// Line on which the last returned frame began.
    line: u64,
    /// Frames read but not returned yet, each with the line on which it began.
    waiting: VecDeque<(u64, RecordedFrame)>,
    objects: Objects,
    /// Bytes of an incomplete character at the end of a part of a long line.
    half_character: Vec<u8>,
    /// True when the next bytes continue the current line.
    is_within_line: bool,
    /// Beginning of a line that a log has split.
    broken_line: String,
    summary: ReadSummary,
    evidence: Evidence,
    /// The first header.
    header: Option<Header>,
    /// Milliseconds to add to each time of arrival, where a recording follows another in one file.
    later_ms: f64,
    /// Notes since the last frame.
    notes: Vec<String>,
    /// Why the end of the input could not be read.
    torn: Option<String>,
}

enum Input<R: Read> {
    Closed(R),
    Open(Box<container::Text<R>>),
    /// The input is not text; the string says what it is instead.
    Other(&'static str),
    /// The input could not be opened.
    Failed,
}

impl<R: Read> Input<R> {
    /// Returns the text, or `None` where the input is not text.
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

/// Signs that the input is a recording, and what was found otherwise.
#[derive(Default)]
struct Evidence {
    has_events: bool,
    /// True when a recorder says that this is a recording.
    has_header: bool,
    /// True when events were found inside other JSON.
    has_nested_events: bool,
    /// Number of lines in Meterbridge's own format; `others` counts all other frames.
    recorded: u64,
    others: u64,
    /// True when the input has more than white space and empty arrays.
    has_text: bool,
    /// Keys of the first JSON that is no recorded frame, as identification.
    other_json: Option<String>,
    /// Line number, reason and beginning of the first bad line.
    bad_line: Option<(u64, String, String)>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Recording<io::BufReader<std::fs::File>> {
    /// Opens a recording.
    ///
    /// # Errors When the file does not exist, cannot be opened, or is a folder.
    pub fn open(path: &std::path::Path) -> Result<Self, RecordingError> {
        Self::open_through(path, |file| file)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<R: Read> Recording<io::BufReader<R>> {
    /// Opens a recording, and reads it through the reader that `wrap` makes of the file.
    ///
    /// # Errors
    ///
    /// Same as [`open`](Recording::open).
    pub fn open_through(
        path: &std::path::Path,
        wrap: impl FnOnce(std::fs::File) -> R,
    ) -> Result<Self, RecordingError> {
        let failed = |error| RecordingError::Open { path: path.to_owned(), error };
        let file = std::fs::File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(RecordingError::Folder { path: path.to_owned() });
        }
        let name = format!("`{}`", text::one_line(&path.display().to_string()));
        Ok(Self { name, ..Self::new(io::BufReader::new(wrap(file))) })
    }
}

impl<R: Read> Recording<R> {
    /// Reads a recording that messages call by the name of a file.
    #[cfg(target_arch = "wasm32")]
    pub fn named(name: &str, reader: R) -> Self {
        Self { name: format!("`{}`", text::one_line(name)), ..Self::new(reader) }
    }

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
            header: None,
            later_ms: 0.0,
            notes: Vec::new(),
            torn: None,
        }
    }

    /// Returns the number of the line on which the last frame began, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the name of the file for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the time at which `recv_ms` is 0, where the recording says so.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.header.as_ref().map(|header| header.started_at)
    }

    /// Returns why the end of the input could not be read; `None` where it is whole. What precedes it was
    /// read.
    pub fn torn(&self) -> Option<&str> {
        self.torn.as_deref()
    }

    /// Returns what the recorder noted after the last frame.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Returns the counts so far.
    pub fn summary(&self) -> ReadSummary {
        self.summary
    }

    /// Returns the next frame; `None` at the end.
    ///
    /// # Errors
    /// Returns an error when reading fails, or the input is not text.
    pub fn next_frame(&mut self) -> Result<Option<RecordedFrame>, RecordingError> {
        loop {
            if let Some((line, frame)) = self.waiting.pop_front() {
                self.line = line;
                self.summary.frames += 1;
                return Ok(Some(frame));
            }
            let half_character = std::mem::take(&mut self.half_character);
            let part = match self.input.open() {
                Ok(None) => return Err(self.not_a_recording()),
                Ok(Some(reader)) => read_part(reader, half_character),
                Err(error) => Err(error),
            };
            match part {
                Ok(Some(part)) => self.take(part),
                Ok(None) if !self.take_rest() => return Ok(None),
                Ok(None) => {}
                // A recorder that was killed leaves compressed data without its end.
                Err(error)
                    if error.kind() == ErrorKind::UnexpectedEof && self.has_whole_frame() =>
                {
                    self.tear(format!(
                        "{error} after line {}; what precedes this was read",
                        self.lines
                    ));
                    self.broken_line.clear();
                    self.objects = Objects::default();
                    return Ok(None);
                }
                Err(error) => {
                    let (name, line) = (self.name.clone(), self.lines);
                    return Err(RecordingError::Read { name, line, error });
                }
            }
        }
    }

    /// True when something was read that is no bad line.
    fn has_whole_frame(&self) -> bool {
        let Evidence { has_header, recorded, others, .. } = self.evidence;
        has_header || recorded + others > self.summary.malformed_lines
    }

    fn tear(&mut self, reason: String) {
        if self.torn.is_none() {
            self.torn = Some(reason);
            self.summary.torn += 1;
        }
    }

    /// Processes what is left at the end of the input; returns `false` where nothing is left.
    fn take_rest(&mut self) -> bool {
        if !self.broken_line.is_empty() {
            let line = std::mem::take(&mut self.broken_line);
            self.take_line(&line);
            return true;
        }
        if !self.objects.is_within() {
            return false;
        }
        let part = self.objects.give_up();
        // A recorder that was killed leaves half a line.
        if self.has_whole_frame() {
            self.tear(format!("line {}: cut off before its end; it was skipped", part.line));
            return false;
        }
        self.take_parts(vec![part]);
        true
    }

    /// Notes the decoded items of a frame, for [`verdict`](Self::verdict).
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

    /// Checks that the input read so far is a recording. An empty file counts as one.
    ///
    /// # Errors
    /// Fails when the input has text, but neither recorded frames nor events.
    pub fn verdict(&self) -> Result<(), RecordingError> {
        let Evidence { has_events, has_header, recorded, others, has_text, .. } = self.evidence;
        // A text about recordings may quote one, so recorded lines must be the majority.
        if has_events || has_header || !has_text || recorded > others {
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

    /// Processes a line, or a part of one.
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

    /// Discards the rest of a long line.
    fn skip_line(&mut self) {
        self.is_within_line = false;
        self.half_character.clear();
        if let Input::Open(reader) = &mut self.input {
            // A failure is reported when the next line is read.
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
            // A killed writer leaves half an object; the next line is complete.
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

    /// Joins a line that a log has split.
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

    /// Reads one JSON value; returns `false` where the text is something else.
    fn take_json(&mut self, line: u64, text: &str) -> bool {
        if text.contains("\"recv_ms\"")
            && let Some(own) = envelope::read(text)
        {
            self.take_own(line, own);
            return true;
        }
        if let Some(Logged { text, is_broken }) = prefix::logged_output(text) {
            self.take_broken(&text, is_broken);
            return true;
        }
        let is_json =
            text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
        if is_json {
            self.take_object(line, text.to_owned());
        }
        is_json
    }

    /// Processes a line in Meterbridge's own format.
    fn take_own(&mut self, line: u64, own: Line) {
        match own {
            Line::Frame { recv_ms, text, is_rest, is_replayed } => {
                let recv_ms = Some(recv_ms + self.later_ms);
                let notes = Vec::new();
                self.push(line, RecordedFrame { recv_ms, text, is_rest, is_replayed, notes });
            }
            Line::Header { header } => {
                self.evidence.has_header = true;
                match &self.header {
                    None => self.header = Some(header),
                    Some(first) => {
                        self.later_ms = header.millis_after(first);
                        if !header.continues(first) {
                            self.note_words("another recording begins".to_owned());
                        }
                    }
                }
            }
            Line::Note { words } => self.note_words(words),
        }
    }

    fn note_words(&mut self, words: String) {
        if !words.is_empty() && self.notes.len() < MOST_NOTES {
            self.notes.push(words);
        }
    }

    /// Reads objects that share a line or continue on the next ones.
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
        // Events are searched for only in a file that does not begin with events of its own.
        if self.evidence.has_nested_events || !self.evidence.has_events {
            let events = nested::events_within(&text);
            if !events.is_empty() {
                self.evidence.has_nested_events = true;
                for text in events {
                    self.push(line, RecordedFrame { text, ..RecordedFrame::default() });
                }
                return;
            }
        }
        if self.evidence.other_json.is_none() {
            self.evidence.other_json = objects::keys_of(&text);
        }
        self.push(line, RecordedFrame { text, ..RecordedFrame::default() });
    }

    fn take_bad(&mut self, line: u64, text: &str) {
        self.summary.malformed_lines += 1;
        let text = text.to_owned();
        self.push(line, RecordedFrame { text, ..RecordedFrame::default() });
    }

    fn push(&mut self, line: u64, mut frame: RecordedFrame) {
        frame.notes = std::mem::take(&mut self.notes);
        self.evidence.has_text = true;
        match frame.recv_ms {
            Some(_) => self.evidence.recorded += 1,
            None => self.evidence.others += 1,
        }
        self.waiting.push_back((line, frame));
    }
}

/// True when a line begins like JSON and not like a log: `[{`, but not `[12:00:00]`.
fn begins_json(text: &str) -> bool {
    let rest = text.strip_prefix('[').unwrap_or(text).trim_start();
    let is_array = text.starts_with('[') && (rest.is_empty() || rest.starts_with(['{', '[', ']']));
    is_array || text.starts_with(['{', ']', ',', '\u{1e}'])
}

#[cfg(test)]
mod tests;
