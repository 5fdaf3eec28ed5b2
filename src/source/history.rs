//! History of a hub: the frames that it kept, page by page, and the summary of how runs ended.
//!
//! Each question is one request, to the host of the stream and with its credentials. Only the newest
//! question for frames is answered: another one, or [`Command::CancelHistory`], gives up the one before.
//!
//! [`Command::CancelHistory`]: super::Command::CancelHistory

use std::future::Future;
use std::io::Cursor;
use std::pin::Pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;
use thiserror::Error;
use tokio::sync::oneshot;

use super::Signal;
use super::disconnect::server_words;
use super::recording::Recording;
use super::signal_sender::SignalSender;
use super::task::spawn;
use super::timer::sleep;
use crate::protocol::hub::HistoryOffer;
use crate::protocol::{Batch, Item};

/// Most frames of a page.
pub const PAGE_FRAMES: usize = 2_000;

/// Pause after which a hub that had too many questions is asked again, and the greatest number of pauses.
const PAUSE: Duration = Duration::from_secs(1);
const MOST_PAUSES: u32 = 20;

/// Response header of a hub with the place after a page, where another page follows.
pub(super) const NEXT: &str = "meterbridge-next";
/// Response header with the place after a page, also where nothing follows yet.
pub(super) const END: &str = "meterbridge-end";
/// Response header with the number of frames over all pages.
pub(super) const FRAMES: &str = "meterbridge-frames";

/// Question for a page of the frames that a hub kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuestion {
    /// Number that the answer repeats.
    pub id: u64,
    /// Last time of reception, by the hub's clock.
    pub to: Timestamp,
    /// Place after the page before, as its [`HistoryPage::end`] says; `None` for the first page.
    pub after: Option<String>,
}

impl HistoryQuestion {
    /// Returns the query of the request.
    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("to", &self.to.to_string());
        query.append_pair("limit", &PAGE_FRAMES.to_string());
        if let Some(after) = &self.after {
            query.append_pair("after", after);
        }
        query.finish()
    }
}

/// History that a hub offers, and that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedHistory {
    /// Name of the hub's stream. Pages of different streams are unrelated.
    pub stream: SmolStr,
    /// Arrival of the first frame that is kept, by the hub's clock; `None` while none is.
    pub since: Option<Timestamp>,
}

/// Answer to a question for the summary of what became of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryAnswer {
    /// Query of the question.
    pub query: String,
    /// JSON of the summary, or a sentence that says why there is none.
    pub result: Result<String, String>,
}

/// Answer to a [`HistoryQuestion`].
#[derive(Clone, Debug)]
pub struct HistoryAnswer {
    /// Number of the question.
    pub id: u64,
    /// The page, or the reason why there is none.
    pub result: Result<HistoryPage, HistoryError>,
}

/// Page of frames, decoded.
#[derive(Clone, Debug, Default)]
pub struct HistoryPage {
    /// Frames with the time at which the hub received them, in order.
    pub batches: Vec<Batch>,
    /// True when another page follows.
    pub has_next: bool,
    /// Place after this page.
    pub end: Option<String>,
    /// Number of frames over all pages; only with the first one.
    pub frames_in_all: Option<u64>,
}

impl HistoryPage {
    /// Number of frames of this page, of events and of REST answers.
    pub fn frames(&self) -> u64 {
        let is_answer = |item: &&Item| matches!(item, Item::Run(_));
        let answers = |batch: &Batch| batch.items.iter().filter(is_answer).count() as u64;
        self.batches.iter().map(|batch| batch.frames + answers(batch)).sum()
    }
}

/// Reason why a hub did not answer a question about the past, as a part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HistoryError {
    /// No hub that can be asked is connected.
    #[error("there is no connection to a hub that keeps a history")]
    NoHub,
    /// The hub does not know the path.
    #[error("it has no history: it is older than this screen")]
    Unknown,
    /// The hub requires credentials that this screen does not have.
    #[error("it refused (HTTP {status}){}", behind_colon(.words))]
    Forbidden {
        /// HTTP status.
        status: u16,
        /// The hub's words; may be empty.
        words: String,
    },
    /// The hub answers no more questions from this address for the moment.
    #[error("it refuses further requests from this address for now")]
    Busy,
    /// The hub began another stream of events since the page before.
    #[error("it has restarted meanwhile")]
    Restarted,
    /// No answer came, or another status.
    #[error("{0}")]
    Failed(String),
    /// The answer cannot be read.
    #[error("its answer is not a recording: {0}")]
    Malformed(String),
}

impl HistoryError {
    /// True when the same question would have the same answer.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Unknown | Self::Forbidden { .. } | Self::Malformed(_))
    }
}

fn behind_colon(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

impl HistoryError {
    /// Returns the reason for an answer with this status and the server's words, which may be empty.
    pub(super) fn of_status(status: u16, words: String) -> Self {
        match status {
            404 | 405 => Self::Unknown,
            410 => Self::Restarted,
            429 => Self::Busy,
            401 | 403 => Self::Forbidden { status, words },
            _ => Self::Failed(format!("it answered HTTP {status}{}", behind_colon(&words))),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl From<super::http::HttpError> for HistoryError {
    fn from(error: super::http::HttpError) -> Self {
        match error {
            super::http::HttpError::Refused { status, words } => Self::of_status(status, words),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Answer to a `GET`, with the headers that are read.
#[derive(Clone, Debug, Default)]
pub(super) struct HubAnswer {
    pub body: Vec<u8>,
    pub next: Option<String>,
    pub end: Option<String>,
    pub frames: Option<String>,
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) type AnswerFuture =
    Pin<Box<dyn Future<Output = Result<HubAnswer, HistoryError>> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(super) type AnswerFuture = Pin<Box<dyn Future<Output = Result<HubAnswer, HistoryError>>>>;

/// Function that sends one `GET` with a path below that of the history and a query, such as
/// `/summary?last=7d`.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type AskHub = std::sync::Arc<dyn Fn(String) -> AnswerFuture + Send + Sync>;
#[cfg(target_arch = "wasm32")]
pub(super) type AskHub = std::rc::Rc<dyn Fn(String) -> AnswerFuture>;

/// Creates an [`AskHub`] for a path on the stream's origin; `None` where the path is invalid.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type HistoryClientFor = Box<dyn Fn(&str) -> Option<AskHub> + Send>;
#[cfg(target_arch = "wasm32")]
pub(super) type HistoryClientFor = Box<dyn Fn(&str) -> Option<AskHub>>;

/// Questions to the hub about the past, and how they are asked.
#[derive(Default)]
pub(super) struct PastQuestions {
    /// Creates the client for a hub that announces a history.
    pub client: Option<HistoryClientFor>,
    ask: Option<AskHub>,
    /// Dropping it gives up the question for frames that is being answered.
    asking: Option<oneshot::Sender<()>>,
}

impl PastQuestions {
    /// Takes a hub's offer; returns what there is to ask for.
    pub fn offered(
        &mut self,
        stream: SmolStr,
        offer: Option<HistoryOffer>,
    ) -> Option<OfferedHistory> {
        let HistoryOffer { path, since } = offer?;
        self.ask = self.client.as_ref().and_then(|client| client(&path));
        self.ask.is_some().then_some(OfferedHistory { stream, since })
    }

    /// Nothing can be asked until there is another offer. A question in progress goes on.
    pub fn disconnected(&mut self) {
        self.ask = None;
    }

    /// Asks for a page as a task of its own, and gives up the question before.
    pub fn ask(&mut self, question: HistoryQuestion, mut signal_sender: SignalSender) {
        self.cancel();
        let ask = self.ask.clone();
        let (asking, given_up) = oneshot::channel();
        self.asking = Some(asking);
        let work = async move {
            let result = match ask {
                Some(ask) => page(ask, &question).await,
                None => Err(HistoryError::NoHub),
            };
            let id = question.id;
            signal_sender.push(Signal::History(HistoryAnswer { id, result }));
            signal_sender.wait_for_capacity().await;
        };
        spawn(async move {
            tokio::select! {
                biased;
                _ = given_up => {}
                () = work => {}
            }
        });
    }

    /// Gives up the question for frames that is being answered.
    pub fn cancel(&mut self) {
        self.asking = None;
    }

    /// Asks for the summary as a task of its own.
    pub fn ask_summary(&self, query: String, mut signal_sender: SignalSender) {
        let ask = self.ask.clone();
        spawn(async move {
            let result = match ask {
                Some(ask) => summary(ask, &query).await,
                None => Err(HistoryError::NoHub),
            };
            let result = result.map_err(|error| format!("The hub's history: {error}"));
            signal_sender.push(Signal::Summary(SummaryAnswer { query, result }));
            signal_sender.wait_for_capacity().await;
        });
    }
}

/// Asks for a page of frames, and decodes it.
pub(super) async fn page(
    ask: AskHub,
    question: &HistoryQuestion,
) -> Result<HistoryPage, HistoryError> {
    let target = format!("?{}", question.query());
    let mut pauses = 0;
    let answer = loop {
        match ask(target.clone()).await {
            Err(HistoryError::Busy) if pauses < MOST_PAUSES => {
                pauses += 1;
                sleep(PAUSE).await;
            }
            answer => break answer?,
        }
    };
    let batches = decode(&answer.body)?;
    Ok(HistoryPage {
        batches,
        has_next: answer.next.is_some(),
        end: answer.end.or(answer.next),
        frames_in_all: answer.frames.and_then(|frames| frames.parse().ok()),
    })
}

/// Asks for the summary; returns its JSON.
pub(super) async fn summary(ask: AskHub, query: &str) -> Result<String, HistoryError> {
    let target = if query.is_empty() { "/summary".to_owned() } else { format!("/summary?{query}") };
    let body = ask(target).await?.body;
    String::from_utf8(body).map_err(|_| HistoryError::Failed("its summary is not text".to_owned()))
}

/// Decodes a recording of frames; those that arrived at the same instant are one batch.
fn decode(body: &[u8]) -> Result<Vec<Batch>, HistoryError> {
    let malformed = |words: &str| HistoryError::Malformed(server_words(words.as_bytes()));
    let mut recording = Recording::new(Cursor::new(body));
    let mut batches: Vec<Batch> = Vec::new();
    while let Some(frame) = recording.next_frame().map_err(|it| malformed(&it.to_string()))? {
        let (Some(started_at), Some(millis)) = (recording.started_at(), frame.recv_ms) else {
            return Err(malformed("a frame in it has no time"));
        };
        let since = SignedDuration::from_micros((millis * 1_000.0).round() as i64);
        let Ok(at) = started_at.checked_add(since) else {
            return Err(malformed("a frame in it has no time that is possible"));
        };
        if batches.last().is_none_or(|last| last.received_at != at) {
            batches.push(Batch::new(at, !frame.is_replayed));
        }
        if let Some(last) = batches.last_mut() {
            frame.push_into(last);
        }
    }
    if let Some(torn) = recording.torn() {
        return Err(malformed(torn));
    }
    if recording.started_at().is_none() {
        return Err(malformed("it has no header"));
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const HEADER: &str = r#"{"recv_ms":0.0,"meterbridge":{"recording":1,"version":"1.0.0","source":"ws://b","started_at":"2026-11-23T01:00:00Z","part":1}}"#;

    fn line(recv_ms: f64, run: &str) -> String {
        let text = format!(r#"{{"ts":"2026-11-23T01:00:00Z","run_id":"{run}","phase":"start"}}"#);
        serde_json::json!({ "recv_ms": recv_ms, "text": text }).to_string()
    }

    #[test]
    fn frames_of_a_page_have_the_instants_at_which_the_hub_received_them() {
        let lines = [HEADER.to_owned(), line(0.0, "a"), line(1500.25, "b"), line(1500.25, "c")];
        let batches = decode((lines.join("\n") + "\n").as_bytes()).unwrap();
        let read: Vec<_> = batches.iter().map(|it| (it.received_at, it.frames)).collect();
        let expected = [(at("2026-11-23T01:00:00Z"), 1), (at("2026-11-23T01:00:01.50025Z"), 2)];
        assert_eq!(read, expected);
        assert!(decode((HEADER.to_owned() + "\n").as_bytes()).unwrap().is_empty());
    }

    #[test]
    fn answer_that_is_no_recording_is_malformed() {
        let torn = format!("{HEADER}\n{}\n{}", line(0.0, "a"), &line(1.0, "b")[..40]);
        let bare =
            r#"{"ts":"2026-11-23T01:00:00Z","run_id":"a","phase":"start"}"#.to_owned() + "\n";
        for body in ["<html>no</html>", "", &torn, &bare, "\u{0}\u{1}"] {
            let error = decode(body.as_bytes()).unwrap_err();
            assert!(matches!(error, HistoryError::Malformed(_)), "{body:?}: {error:?}");
        }
    }

    #[test]
    fn statuses_have_words_of_their_own() {
        let refused = |status: u16, words: &str| {
            let error = HistoryError::of_status(status, words.to_owned());
            (error.to_string(), error.is_final())
        };
        let expected = [
            (404, "", "it has no history: it is older than this screen", true),
            (403, "not from here", "it refused (HTTP 403): not from here", true),
            (410, "", "it has restarted meanwhile", false),
            (503, "it is ending", "it answered HTTP 503: it is ending", false),
        ];
        for (status, words, said, is_final) in expected {
            assert_eq!(refused(status, words), (said.to_owned(), is_final));
        }
    }

    #[test]
    fn question_names_the_end_and_the_page_before() {
        let to = at("2026-11-23T01:00:00.5Z");
        let first = HistoryQuestion { id: 1, to, after: None };
        assert_eq!(first.query(), "to=2026-11-23T01%3A00%3A00.5Z&limit=2000");
        let second = HistoryQuestion { after: Some("s.7".to_owned()), ..first };
        assert_eq!(second.query(), "to=2026-11-23T01%3A00%3A00.5Z&limit=2000&after=s.7");
    }
}
