//! Frames → events. Total: whatever arrives becomes an event, a counted error, or is counted as
//! ignored.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;
use smol_str::SmolStr;
use thiserror::Error;

use super::hub::{self, HubFrame};
use super::watcher_error::explain_error;
use super::wire::{Data, FirstIssue, Numbers, Wire};
use super::{Detail, NodeName, Phase, RunId, RunSnapshot, WorkflowEvent, identity, parse_instant};

/// Bytes kept of a frame that could not be read, for the log.
pub const KEPT_OF_A_BAD_FRAME: usize = 4096;

/// Why a frame, or one element of a batch frame, could not be read.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{reason}")]
pub struct DecodeError {
    /// What is wrong, for a person.
    pub reason: String,
    /// The first [`KEPT_OF_A_BAD_FRAME`] bytes of the text, cut at a character.
    pub text: Box<str>,
}

/// What one element of the stream turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Event(WorkflowEvent),
    /// What REST told of a run: in no frame, or in a hub's.
    Run(Arc<RunSnapshot>),
    /// What a hub says of itself and its stream: the connection's business, and not the model's.
    Hub(HubFrame),
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

    pub fn is_empty(&self) -> bool {
        self.frames == 0 && self.dropped == 0 && self.items.is_empty()
    }

    /// Reads one text frame: an event, or an array of events.
    pub fn push_text(&mut self, text: &str) {
        self.frames += 1;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            self.items.push(Item::Ignored);
        } else if text.starts_with('[') {
            match serde_json::from_str::<Vec<&RawValue>>(text) {
                Ok(elements) if elements.is_empty() => self.items.push(Item::Ignored),
                Ok(elements) => {
                    elements.iter().for_each(|element| self.push_element(element.get()))
                }
                Err(error) => self.items.push(malformed(format!("not JSON: {error}"), text)),
            }
        } else {
            self.push_element(text);
        }
    }

    fn push_element(&mut self, text: &str) {
        let item = read_item(text);
        if matches!(item, Item::Event(_)) {
            self.texts.push_str(text);
            self.text_ends.push(self.texts.len());
        }
        self.items.push(item);
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
    pub fn is_at_a_turn(&self) -> bool {
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

fn malformed(reason: String, text: &str) -> Item {
    let mut end = text.len().min(KEPT_OF_A_BAD_FRAME);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Item::Malformed(DecodeError { reason, text: text[..end].into() })
}

fn read_item(text: &str) -> Item {
    if !text.starts_with('{') {
        let reason = match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => "not an event: expected a JSON object".to_owned(),
            Err(error) => format!("not JSON: {error}"),
        };
        return malformed(reason, text);
    }
    let mut wire = Wire::default();
    if let Err(error) = wire.read(text) {
        return malformed(format!("not JSON: {error}"), text);
    }
    let (run_id, phase) = match (wire.run_id.id(), wire.phase.text()) {
        (Some(run_id), Some(phase)) => (run_id, phase),
        (None, None) => return hub::read(text).map_or(Item::Ignored, Item::from),
        (None, Some(_)) => return malformed("an event without `run_id`".to_owned(), text),
        (Some(_), None) => return malformed("an event without `phase`".to_owned(), text),
    };
    let written = wire.ts.text().or(wire.timestamp.text());
    let Some(at) = written.as_deref().and_then(parse_instant) else {
        let reason = match written {
            Some(written) => format!("an event whose time cannot be read: \"{written}\""),
            None => "an event without `ts` or `timestamp`".to_owned(),
        };
        return malformed(reason, text);
    };
    let node = wire.node_name.id().or(wire.node.id()).map(NodeName::new);
    let phase = match &*phase {
        "info" => Phase::Info,
        "start" => Phase::Start,
        "progress" => Phase::Progress,
        "end" => Phase::End,
        "fail" => Phase::Fail,
        other => Phase::Other(SmolStr::new(other)),
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
    let detail = may_have_detail
        .then(|| detail_of(node.as_deref(), wire.data, &wire.metrics, wire.issues))
        .filter(|detail| *detail != Detail::default());
    Item::Event(WorkflowEvent {
        id,
        run_id: RunId::new(run_id),
        node,
        phase,
        at,
        duration_ms,
        node_index,
        detail: detail.map(Arc::new),
    })
}

/// Puts together what only some events carry, with the precedence of protocol section 5.
fn detail_of(node: Option<&str>, data: Data, metrics: &Numbers, issues: FirstIssue) -> Detail {
    let run_level = node.is_none();
    let boxed = |text: Cow<str>| -> Box<str> { text.into() };
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
            .filter(|title| run_level && !title.trim().is_empty())
            .map(SmolStr::new),
        seed: data.global_seed.int().or(data.seed.int().filter(|_| run_level)),
        error: [data.error_message.text(), data.error.text(), issues.0]
            .into_iter()
            .flatten()
            .find(|text| !text.trim().is_empty())
            .map(|text| boxed(explain_error(&text).into_owned().into())),
        error_type: data.error_type.text().map(SmolStr::new),
        fix_iterations: data.fix_iterations.int().and_then(|count| u32::try_from(count).ok()),
        scores,
        progress_percent: data.progress_percentage.float(),
        artifacts: data.artifacts.0.into_iter().map(SmolStr::new).collect(),
        message: message.map(boxed),
    }
}
