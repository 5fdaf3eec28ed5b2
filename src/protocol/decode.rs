//! Frames → events. Total: every input becomes an event, a counted error, or is counted as ignored.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;
use smol_str::SmolStr;
use thiserror::Error;

use super::hub::{self, HubFrame};
use super::repair::{self, Piece};
use super::tape::{Tape, TapeEntry};
use super::watcher_error::explain_error;
use super::wire::{Data, FirstIssue, Numbers, Wire};
use super::{Detail, Phase, RunId, RunSnapshot, WorkflowEvent, bounds, identity};
use crate::text;

/// Bytes kept for the log of a frame that could not be read.
pub const KEPT_OF_A_BAD_FRAME: usize = 4096;

/// Reason why a frame, or one element of a batch frame, could not be read.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{reason}")]
pub struct DecodeError {
    /// The reason for display: one short line without terminal escapes or control characters.
    pub reason: String,
    /// The first [`KEPT_OF_A_BAD_FRAME`] bytes of the text, cut at a character boundary. Invisible
    /// characters are written as `\uXXXX`.
    pub text: Box<str>,
}

/// One decoded element of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An event of a run.
    Event(WorkflowEvent),
    /// A REST snapshot of a run, added by [`Batch::push_run`] or read from a hub's frame.
    Run(Arc<RunSnapshot>),
    /// A hub's message about itself and its stream. The source handles it; the model does not.
    Hub(HubFrame),
    /// An element that could not be read.
    Malformed(DecodeError),
    /// Valid JSON that is not about a run (a keepalive, an empty array).
    Ignored,
}

/// Decoded frames on their way from a source to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Arrival of the last frame of the batch, by this machine's clock.
    pub received_at: Timestamp,
    /// True for live frames. False within the first seconds of a connection, while a backend replays
    /// stored events, and until a hub reports the end of its replay. Only live events are used to
    /// estimate the server's clock.
    pub live: bool,
    /// Number of frames read into this batch. A frame can contain any number of items.
    pub frames: u64,
    /// Number of snapshots that REST answered with, which are no frames.
    pub answers: u64,
    /// Number of frames discarded unread because too many were waiting.
    pub dropped: u64,
    /// Bytes of the frames and answers that were read, decompressed and without their headers.
    pub bytes: u64,
    /// Time that the last ping or request took to be answered; `None` while none was.
    pub answered_in: Option<Duration>,
    /// Decoded elements in order of arrival.
    pub items: Vec<Item>,
    /// JSON texts of the events, concatenated to save an allocation per event.
    texts: String,
    /// End of each event's text in `texts`.
    text_ends: Vec<usize>,
    /// Frames as they were received; `None` where nobody records.
    tape: Option<Box<Tape>>,
}

impl Batch {
    /// Creates an empty batch; `live` as in [`Batch::live`].
    pub fn new(received_at: Timestamp, live: bool) -> Self {
        Self {
            received_at,
            live,
            frames: 0,
            answers: 0,
            dropped: 0,
            bytes: 0,
            answered_in: None,
            items: Vec::new(),
            texts: String::new(),
            text_ends: Vec::new(),
            tape: None,
        }
    }

    /// Keeps the frames that are read from now on, for [`take_tape`](Self::take_tape).
    pub fn keep_frames(&mut self) {
        self.tape.get_or_insert_default();
    }

    /// Returns the kept frames; `None` where none were to be kept. Keeps no further ones.
    pub fn take_tape(&mut self) -> Option<Box<Tape>> {
        self.tape.take()
    }

    /// True when nothing was received, not even a frame that was dropped.
    pub fn is_empty(&self) -> bool {
        self.frames == 0 && self.dropped == 0 && self.items.is_empty()
    }

    /// Reads one text frame: an event, an array of events, or several of them.
    pub fn push_text(&mut self, text: &str) {
        if let Some(tape) = &mut self.tape {
            tape.push(TapeEntry::Frame, text);
        }
        self.frames += 1;
        self.bytes += text.len() as u64;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            self.items.push(Item::Ignored);
        } else if text.starts_with('[') {
            if let Err(reason) = self.push_array(text) {
                self.push_odd(text, reason);
            }
        } else {
            self.push_element(text);
        }
    }

    /// Reads the elements of an array. Returns the reason if the text is not a JSON array.
    fn push_array(&mut self, text: &str) -> Result<(), String> {
        let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(not_json)?;
        if elements.is_empty() {
            self.items.push(Item::Ignored);
        }
        elements.iter().for_each(|element| self.push_element(element.get()));
        Ok(())
    }

    /// Reads one element of a frame, such as one of [`event_texts`](Self::event_texts).
    pub(crate) fn push_element(&mut self, text: &str) {
        if let Err(reason) = self.push_json(text) {
            self.push_odd(text, reason);
        }
    }

    /// Reads one JSON value. Returns the reason if the text is not JSON.
    fn push_json(&mut self, text: &str) -> Result<(), String> {
        if !text.starts_with('{') {
            self.items.push(no_object(text)?);
            return Ok(());
        }
        let mut wire = Wire::default();
        wire.read(text).map_err(not_json)?;
        let item = item_of(wire, text);
        if matches!(item, Item::Event(_)) {
            self.texts.push_str(text);
            self.text_ends.push(self.texts.len());
        }
        self.items.push(item);
        Ok(())
    }

    /// Repairs and reads text that is not JSON, as far as possible (protocol section 6.5). `reason` is
    /// the error of the first attempt.
    #[cold]
    fn push_odd(&mut self, text: &str, reason: String) {
        // A JSON string that contains JSON: encoded twice.
        let inner = text.starts_with('"').then(|| serde_json::from_str::<String>(text).ok());
        let inner = inner.flatten().filter(|inner| inner.trim_start().starts_with(['{', '[']));
        let text = inner.as_deref().unwrap_or(text);
        let pieces = repair::pieces(text);
        if !pieces.iter().any(|piece| matches!(piece, Piece::Value(_))) {
            self.items.push(malformed(reason, text));
            return;
        }
        let is_only = pieces.len() == 1;
        for piece in pieces {
            let (piece, read) = match &piece {
                Piece::Value(value) if value.starts_with('[') => (&**value, self.push_array(value)),
                Piece::Value(value) => (&**value, self.push_json(value)),
                Piece::LeftOver(text) => {
                    (*text, Err("not JSON: text outside any object".to_owned()))
                }
            };
            if let Err(why) = read {
                // The text as it was received, not as it was repaired.
                let (reason, text) = if is_only { (&reason, text) } else { (&why, piece) };
                self.items.push(malformed(reason, text));
            }
        }
    }

    /// Returns the JSON texts of the items that are events, in order.
    pub fn event_texts(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.text_ends.iter().map(move |end| {
            let text = &self.texts[start..*end];
            start = *end;
            text
        })
    }

    /// True when the batch must end with its last item: it starts or ends a hub's replay, and `live`
    /// applies to a whole batch, or it marks failures as seen, which follows what came before it and is
    /// undone by what comes after it.
    pub fn ends_at_boundary(&self) -> bool {
        let last = self.items.last();
        matches!(last, Some(Item::Hub(HubFrame::Hello(_) | HubFrame::Live | HubFrame::Seen(_))))
    }

    /// Appends the items of `other`. The caller sets `received_at`.
    pub fn append(&mut self, mut other: Self) {
        self.frames += other.frames;
        self.answers += other.answers;
        self.dropped += other.dropped;
        self.bytes += other.bytes;
        self.answered_in = other.answered_in.or(self.answered_in);
        self.items.append(&mut other.items);
        let before = self.texts.len();
        self.texts.push_str(&other.texts);
        self.text_ends.extend(other.text_ends.iter().map(|end| before + end));
        if let (Some(tape), Some(kept)) = (&mut self.tape, &other.tape) {
            tape.append(kept);
        }
    }

    /// Removes secrets from all texts. `hide` returns an owned text only if it had to change something,
    /// which is rare.
    pub fn hide(&mut self, hide: impl Fn(&str) -> Cow<'_, str>) {
        if let Cow::Owned(_) = hide(&self.texts) {
            let mut read = std::mem::replace(self, Self::new(self.received_at, self.live));
            self.tape = read.tape.take();
            (self.frames, self.answers, self.dropped) = (read.frames, read.answers, read.dropped);
            (self.bytes, self.answered_in) = (read.bytes, read.answered_in);
            let mut texts = read.event_texts();
            for item in &read.items {
                match item {
                    Item::Event(_) => self.push_element(&hide(texts.next().unwrap_or_default())),
                    other => self.items.push(other.clone()),
                }
            }
        }
        for item in &mut self.items {
            match item {
                Item::Malformed(error) => {
                    error.text = hide(&error.text).into();
                    error.reason = hide(&error.reason).into_owned();
                }
                Item::Run(run) => {
                    let told = run.error.as_ref().map(|error| hide(&error.message));
                    if let Some(Cow::Owned(message)) = told
                        && let Some(error) = &mut Arc::make_mut(run).error
                    {
                        error.message = message.into();
                    }
                }
                Item::Event(_) | Item::Hub(_) | Item::Ignored => {}
            }
        }
    }

    /// Reads one binary frame, which must contain UTF-8 JSON.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push_text(text),
            Err(error) => {
                self.bytes += bytes.len() as u64;
                let kept = &bytes[..bytes.len().min(KEPT_OF_A_BAD_FRAME)];
                self.push_unreadable(
                    format!("a binary frame that is not UTF-8 ({error})"),
                    &String::from_utf8_lossy(kept),
                );
            }
        }
    }

    /// Adds a REST snapshot of a run.
    pub fn push_run(&mut self, run: Arc<RunSnapshot>) {
        self.answers += 1;
        if let Some(tape) = &mut self.tape {
            tape.push(TapeEntry::Answer, &hub::run_frame(&run));
        }
        self.items.push(Item::Run(run));
    }

    /// Reads a snapshot as [`Tape`] has it. It counts as no frame.
    pub fn push_answer(&mut self, text: &str) {
        self.push_text(text);
        self.frames -= 1;
    }

    /// Counts an unreadable message: a text frame that is not UTF-8, a message over the size limit, or
    /// a line that is not a frame.
    pub fn push_unreadable(&mut self, reason: impl Into<String>, text: &str) {
        let reason = reason.into();
        if let Some(tape) = &mut self.tape {
            tape.push(TapeEntry::Frame, &reason);
        }
        self.frames += 1;
        self.items.push(malformed(reason, text));
    }
}

impl From<hub::HubMessage> for Item {
    fn from(told: hub::HubMessage) -> Self {
        match told {
            hub::HubMessage::Run(run) => Self::Run(run),
            hub::HubMessage::Frame(frame) => Self::Hub(frame),
        }
    }
}

/// Maximum number of characters of a reason.
const LONGEST_REASON: usize = 200;

fn malformed(reason: impl AsRef<str>, text: &str) -> Item {
    let kept = text::visible_json(text::head_of(text, KEPT_OF_A_BAD_FRAME));
    let text = text::head_of(&kept, KEPT_OF_A_BAD_FRAME).into();
    Item::Malformed(DecodeError { reason: text::excerpt(reason.as_ref(), LONGEST_REASON), text })
}

fn not_json(error: serde_json::Error) -> String {
    format!("not JSON: {error}")
}

/// Reads a JSON value that is not an object. Returns the reason if the text is not JSON or may contain
/// an event as text.
#[cold]
fn no_object(text: &str) -> Result<Item, String> {
    serde_json::from_str::<&RawValue>(text).map_err(not_json)?;
    let reason = "not an event: expected a JSON object";
    // A JSON string may contain an event as text.
    if text.starts_with('"') { Err(reason.to_owned()) } else { Ok(malformed(reason, text)) }
}

/// Converts the fields read from `text` to an item. Inlined, so that the fields are not moved.
#[inline(always)]
fn item_of(wire: Wire, text: &str) -> Item {
    let (run_id, phase) = match (wire.run_id.id(), wire.phase.text()) {
        (Some(run_id), Some(phase)) => (run_id, phase),
        (None, None) => return hub::read(text).map_or(Item::Ignored, Item::from),
        (None, Some(_)) => return malformed("an event without `run_id`", text),
        (Some(_), None) => return malformed("an event without `phase`", text),
    };
    let Some(at) = wire.ts.instant().or_else(|| wire.timestamp.instant()) else {
        return match wire.ts.quoted().or_else(|| wire.timestamp.quoted()) {
            Some(time) => malformed(format!("an event whose time cannot be read: {time}"), text),
            None => malformed("an event without `ts` or `timestamp`", text),
        };
    };
    if run_id.len() > bounds::LONGEST_ID {
        return malformed(format!("an event whose `run_id` has {} bytes", run_id.len()), text);
    }
    let node = wire.node_name.id().or(wire.node.id());
    let node = node.map(|name| bounds::name(&name));
    let phase = match &*phase {
        "info" => Phase::Info,
        "start" => Phase::Start,
        "progress" => Phase::Progress,
        "end" => Phase::End,
        "fail" => Phase::Fail,
        other => odd_phase(other),
    };
    let id = match wire.event_id.id() {
        Some(event_id) => identity::from_event_id(&event_id),
        None => identity::from_content(&run_id, node.as_deref(), &phase, at, text),
    };
    let duration_ms = wire
        .duration_ms
        .millis()
        .or(wire.data.duration_ms.millis())
        .or_else(|| wire.metrics.duration_ms());
    let node_index = wire.data.node_index.int().and_then(|index| u32::try_from(index).ok());
    let phase = match phase {
        // The backend defines this form of progress but has not been observed to send it (protocol
        // section 1).
        Phase::Info if node.is_some() && wire.data.progress_percentage.float().is_some() => {
            Phase::Progress
        }
        phase => phase,
    };
    let may_have_detail = node.is_none()
        || wire.data.has_detail
        || !wire.metrics.0.is_empty()
        || wire.issues.0.is_some();
    let run_id = RunId::new(run_id);
    let detail = if may_have_detail {
        boxed_detail(node.as_deref(), wire.data, &wire.metrics, wire.issues)
    } else {
        None
    };
    Item::Event(WorkflowEvent { id, run_id, node, phase, at, duration_ms, node_index, detail })
}

/// Maximum number of characters kept of an unknown phase.
const LONGEST_PHASE: usize = 80;

/// Reads a phase surrounded by blanks, or an unknown one.
#[cold]
fn odd_phase(text: &str) -> Phase {
    match text.trim() {
        "info" => Phase::Info,
        "start" => Phase::Start,
        "progress" => Phase::Progress,
        "end" => Phase::End,
        "fail" => Phase::Fail,
        _ => Phase::Other(SmolStr::new(text::excerpt(text, LONGEST_PHASE))),
    }
}

/// Builds the detail on the heap. Not inlined: most events have no detail, and are read faster without
/// this code in their path.
#[inline(never)]
fn boxed_detail(
    node: Option<&str>,
    data: Data,
    metrics: &Numbers,
    issues: FirstIssue,
) -> Option<Arc<Detail>> {
    let mut detail = detail_of(node, data, metrics, issues);
    if detail == Detail::default() {
        return None;
    }
    detail.measure();
    Some(Arc::new(detail))
}

/// Builds the detail with the precedence of protocol section 5.
fn detail_of(node: Option<&str>, data: Data, metrics: &Numbers, issues: FirstIssue) -> Detail {
    let run_level = node.is_none();
    let name = |text: Cow<str>| bounds::name(&text);
    let message = data.message.text();
    let says = |word: &str| {
        run_level
            && message.as_deref().is_some_and(|message| message.to_ascii_lowercase().contains(word))
    };
    let scores = if !data.scores.0.is_empty() {
        data.scores.scores()
    } else if node == Some("VALIDATE") {
        metrics.scores()
    } else {
        Arc::default()
    };
    Detail {
        says_cancelled: says("cancel")
            || run_level && data.status.text().is_some_and(|status| status == "cancelled"),
        says_created: says("created"),
        song_id: data.song_id.id().and_then(bounds::id).map(SmolStr::new),
        song_title: data
            .song_title
            .text()
            .or(data.title.text())
            .map(|title| bounds::title(&title))
            .filter(|title| run_level && !title.trim().is_empty()),
        seed: data.global_seed.seed().or(data.seed.seed().filter(|_| run_level)),
        error: [data.error_message.text(), data.error.text(), issues.0]
            .into_iter()
            .flatten()
            .find(|text| !text.trim().is_empty())
            .map(|text| bounds::message(explain_error(&text).into_owned().into())),
        error_type: data.error_type.text().map(name),
        fix_iterations: data.fix_iterations.int().and_then(|count| u32::try_from(count).ok()),
        scores,
        progress_percent: data.progress_percentage.float(),
        artifacts: data.artifacts.0.into_iter().take(bounds::MOST_NAMES).map(name).collect(),
        message: message.map(bounds::message),
        text_bytes: 0,
    }
}
