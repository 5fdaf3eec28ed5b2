//! Frames → events. Total: whatever arrives becomes an event, a counted error, or is counted as
//! ignored.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;
use smol_str::SmolStr;
use thiserror::Error;

use super::hub::{self, HubFrame};
use super::repair::{self, Piece};
use super::watcher_error::explain_error;
use super::wire::{Data, FirstIssue, Numbers, Wire};
use super::{Detail, NodeName, Phase, RunId, RunSnapshot, WorkflowEvent, identity};
use crate::text;

/// Bytes kept of a frame that could not be read, for the log.
pub const KEPT_OF_A_BAD_FRAME: usize = 4096;

/// Why a frame, or one element of a batch frame, could not be read.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{reason}")]
pub struct DecodeError {
    /// What is wrong, for a person: one short line, without anything that a terminal obeys.
    pub reason: String,
    /// The first [`KEPT_OF_A_BAD_FRAME`] bytes of the text, cut at a character; what cannot be seen is
    /// written as `\uXXXX`.
    pub text: Box<str>,
}

/// What one element of the stream turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An event of a run.
    Event(WorkflowEvent),
    /// What REST told of a run: in no frame, or in a hub's.
    Run(Arc<RunSnapshot>),
    /// What a hub says of itself and its stream: the connection's business, and not the model's.
    Hub(HubFrame),
    /// Something that could not be read.
    Malformed(DecodeError),
    /// Valid JSON, but nothing about a run (a keepalive, an empty array).
    Ignored,
}

/// Decoded frames on their way from a source to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When the last frame of the batch arrived, by this machine's clock.
    pub received_at: Timestamp,
    /// Whether the frames came live: not within the first seconds of a connection, when a backend
    /// replays what it has stored, and not before a hub says that its replay is over. Only live events
    /// tell the server's clock.
    pub live: bool,
    /// Frames read into this batch; a frame can hold several items, or none.
    pub frames: u64,
    /// Frames that came and were thrown away unread, because too many were waiting.
    pub dropped: u64,
    /// In order of arrival.
    pub items: Vec<Item>,
    /// The events' own JSON texts, one after the other: one allocation, not one an event.
    texts: String,
    /// Where each event's text ends.
    text_ends: Vec<usize>,
}

impl Batch {
    /// An empty batch, received at this instant; `live` as [`Batch::live`].
    pub fn new(received_at: Timestamp, live: bool) -> Self {
        Self {
            received_at,
            live,
            frames: 0,
            dropped: 0,
            items: Vec::new(),
            texts: String::new(),
            text_ends: Vec::new(),
        }
    }

    /// True if nothing was received: no item, and no frame that was dropped.
    pub fn is_empty(&self) -> bool {
        self.frames == 0 && self.dropped == 0 && self.items.is_empty()
    }

    /// Reads one text frame: an event, an array of events, or several of them.
    pub fn push_text(&mut self, text: &str) {
        self.frames += 1;
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

    /// Reads the elements of an array; the reason where the text is none.
    fn push_array(&mut self, text: &str) -> Result<(), String> {
        let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(not_json)?;
        if elements.is_empty() {
            self.items.push(Item::Ignored);
        }
        elements.iter().for_each(|element| self.push_element(element.get()));
        Ok(())
    }

    fn push_element(&mut self, text: &str) {
        if let Err(reason) = self.push_json(text) {
            self.push_odd(text, reason);
        }
    }

    /// Reads one JSON value; the reason where the text is none.
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

    /// Reads what is not JSON, for the given reason, as far as there is something in it to be read
    /// (protocol section 6.5).
    #[cold]
    fn push_odd(&mut self, text: &str, reason: String) {
        // Encoded twice.
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
            let (text, read) = match &piece {
                Piece::Value(value) if value.starts_with('[') => (&**value, self.push_array(value)),
                Piece::Value(value) => (&**value, self.push_json(value)),
                Piece::LeftOver(text) => {
                    (*text, Err("not JSON: it belongs to no object".to_owned()))
                }
            };
            if let Err(why) = read {
                let reason = if is_only { reason.clone() } else { why };
                self.items.push(malformed(reason, text));
            }
        }
    }

    /// The JSON texts of the items that are events, in their order.
    pub fn event_texts(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.text_ends.iter().map(move |end| {
            let text = &self.texts[start..*end];
            start = *end;
            text
        })
    }

    /// Whether the last item says how what follows it is to be taken: a hub's hello, or the end of its
    /// replay. A batch that goes on would be of two kinds.
    pub fn ends_at_replay_boundary(&self) -> bool {
        let last = self.items.last();
        matches!(last, Some(Item::Hub(HubFrame::Hello(_) | HubFrame::Live)))
    }

    /// Puts what `other` has behind what is here. The time stays the caller's to set.
    pub fn append(&mut self, mut other: Self) {
        self.frames += other.frames;
        self.dropped += other.dropped;
        self.items.append(&mut other.items);
        let before = self.texts.len();
        self.texts.push_str(&other.texts);
        self.text_ends.extend(other.text_ends.iter().map(|end| before + end));
    }

    /// Takes what must not be seen out of all that was read. `hide` changes a text where it is in there,
    /// which is hardly ever.
    pub fn hide(&mut self, hide: impl Fn(&str) -> Cow<'_, str>) {
        if let Cow::Owned(_) = hide(&self.texts) {
            let read = std::mem::replace(self, Self::new(self.received_at, self.live));
            (self.frames, self.dropped) = (read.frames, read.dropped);
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

    /// Reads one binary frame, which has to hold UTF-8 JSON.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push_text(text),
            Err(error) => {
                self.frames += 1;
                let kept = &bytes[..bytes.len().min(KEPT_OF_A_BAD_FRAME)];
                self.items.push(malformed(
                    format!("a binary frame that is not UTF-8 ({error})"),
                    &String::from_utf8_lossy(kept),
                ));
            }
        }
    }

    /// Adds what REST told of a run.
    pub fn push_run(&mut self, run: Arc<RunSnapshot>) {
        self.items.push(Item::Run(run));
    }

    /// Counts something that came instead of a frame and cannot be read: a text frame that is not
    /// UTF-8, a message over the limit, a line that is no frame.
    pub fn push_unreadable(&mut self, reason: impl Into<String>, text: &str) {
        self.frames += 1;
        self.items.push(malformed(reason.into(), text));
    }
}

impl From<hub::Told> for Item {
    fn from(told: hub::Told) -> Self {
        match told {
            hub::Told::Run(run) => Self::Run(run),
            hub::Told::Frame(frame) => Self::Hub(frame),
        }
    }
}

/// Characters of a reason that are kept: a value that is quoted in it is shorter.
const LONGEST_REASON: usize = 200;

fn malformed(reason: impl AsRef<str>, text: &str) -> Item {
    let kept = text::visible_json(text::head_of(text, KEPT_OF_A_BAD_FRAME));
    let text = text::head_of(&kept, KEPT_OF_A_BAD_FRAME).into();
    Item::Malformed(DecodeError { reason: text::excerpt(reason.as_ref(), LONGEST_REASON), text })
}

fn not_json(error: serde_json::Error) -> String {
    format!("not JSON: {error}")
}

/// What a JSON value is that is no object; the reason where the text is no JSON.
#[cold]
fn no_object(text: &str) -> Result<Item, String> {
    serde_json::from_str::<&RawValue>(text).map_err(not_json)?;
    let reason = "not an event: expected a JSON object";
    // It may hold one as text.
    if text.starts_with('"') { Err(reason.to_owned()) } else { Ok(malformed(reason, text)) }
}

/// What an object is that was read from `text`. Inlined, so that what was read is not moved.
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
    let node = wire.node_name.id().or(wire.node.id());
    let node = node.map(|name| NodeName::new(text::name(&name)));
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
        // The backend's typed, never recorded form of progress.
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

/// Characters of an unknown phase that are kept.
const LONGEST_PHASE: usize = 80;

/// A phase with blanks around it, or one that is not known.
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

/// A text that may have several lines, cleaned.
fn cleaned(text: Cow<str>) -> Box<str> {
    match text::clean(&text) {
        Cow::Owned(cleaned) => cleaned.into(),
        Cow::Borrowed(_) => text.into(),
    }
}

/// Most events have no detail, and are read faster without this in their way.
#[inline(never)]
fn boxed_detail(
    node: Option<&str>,
    data: Data,
    metrics: &Numbers,
    issues: FirstIssue,
) -> Option<Arc<Detail>> {
    let detail = detail_of(node, data, metrics, issues);
    (detail != Detail::default()).then(|| Arc::new(detail))
}

/// Puts together what only some events carry, with the precedence of protocol section 5.
fn detail_of(node: Option<&str>, data: Data, metrics: &Numbers, issues: FirstIssue) -> Detail {
    let run_level = node.is_none();
    let name = |text: Cow<str>| SmolStr::new(text::name(&text));
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
        song_id: data.song_id.id().map(SmolStr::new),
        song_title: data
            .song_title
            .text()
            .or(data.title.text())
            .map(|title| SmolStr::new(text::one_line(&title)))
            .filter(|title| run_level && !title.trim().is_empty()),
        seed: data.global_seed.seed().or(data.seed.seed().filter(|_| run_level)),
        error: [data.error_message.text(), data.error.text(), issues.0]
            .into_iter()
            .flatten()
            .find(|text| !text.trim().is_empty())
            .map(|text| cleaned(explain_error(&text).into_owned().into())),
        error_type: data.error_type.text().map(name),
        fix_iterations: data.fix_iterations.int().and_then(|count| u32::try_from(count).ok()),
        scores,
        progress_percent: data.progress_percentage.float(),
        artifacts: data.artifacts.0.into_iter().map(name).collect(),
        message: message.map(cleaned),
    }
}
