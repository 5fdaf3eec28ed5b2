//! What the backend's REST answers hold (protocol, section 4), read leniently: a field of an
//! unexpected type counts as absent, and only what cannot be told from anything else is an error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use smol_str::SmolStr;
use thiserror::Error;

use super::watcher_error::explain_error;
use super::{NodeName, RunId, Score, instant_forms, parse_instant, repair};
use crate::text as shown;

/// Errors of earlier executions that are kept of a run, as many as there are executions in its history.
const MOST_EARLIER_ERRORS: usize = 8;

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("an answer that cannot be read: {0}")]
pub struct RestError(String);

/// Where a run stands, as REST tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportedStatus {
    /// It waits to be executed.
    Pending,
    /// It runs.
    Running,
    /// It ended without an error.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was cancelled, and may still execute a node.
    Cancelled,
}

impl ReportedStatus {
    const ALL: [Self; 5] =
        [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// As it stands on the wire.
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// It ran to its end, one way or the other. A cancelled run may go on.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// One execution of a node, as REST tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeExecution {
    /// Name of the node.
    pub node: NodeName,
    /// [`ReportedStatus::Running`] where the text says nothing known.
    pub status: ReportedStatus,
    /// When it started, by the server's clock.
    pub started_at: Option<Timestamp>,
    /// When it ended, by the server's clock.
    pub completed_at: Option<Timestamp>,
    /// Milliseconds that it took.
    pub duration_ms: Option<u64>,
}

/// `error` of a run: its words and its time. `error.node` names the wrong node and is not read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedError {
    /// The words, cleaned.
    pub message: Arc<str>,
    /// When it happened, by the server's clock.
    pub at: Option<Timestamp>,
}

impl ReportedError {
    /// Whether it is no error but the mark that a cancel left.
    pub fn is_cancel(&self) -> bool {
        self.message.to_ascii_lowercase().contains("cancelled")
    }
}

/// All that REST tells of one run at a moment (`GET /runs/{run_id}`).
#[derive(Clone, Debug, PartialEq)]
pub struct RunSnapshot {
    /// Id of the run.
    pub run_id: RunId,
    /// Id of its song.
    pub song_id: Option<SmolStr>,
    /// From the song, not from the run; whoever asked for both puts it here.
    pub song_title: Option<SmolStr>,
    /// Its status; `None` for a text that is not known.
    pub status: Option<ReportedStatus>,
    /// How many fix passes it made.
    pub fix_iterations: Option<u32>,
    /// In order of name.
    pub scores: Arc<[Score]>,
    /// Why it failed, or the mark of a cancel.
    pub error: Option<ReportedError>,
    /// When it was created, by the server's clock.
    pub created_at: Option<Timestamp>,
    /// Moves when the run or one of its nodes ends, not when a node starts.
    pub updated_at: Option<Timestamp>,
    /// Complete, in order, of all executions of the run.
    pub executions: Vec<NodeExecution>,
    /// Stored run `start` events: how often it was executed.
    pub starts: Option<u32>,
    /// Events of the run were heard before this was asked for, and have been since: between the
    /// two nothing is missing.
    pub gapless: bool,
    /// Why earlier executions failed, at most [`MOST_EARLIER_ERRORS`]. The backend forgets it when the run
    /// is executed again; [`remember`](Self::remember) keeps it.
    pub earlier_errors: Vec<ReportedError>,
    /// Nothing more comes of the run, whatever its rows say: it was cancelled, and the server that ran
    /// its last node is gone. No backend sends this; whoever watches the run finds out.
    pub is_settled: bool,
}

/// Orders snapshots of a run: a later one is greater.
type Freshness = (Option<Timestamp>, usize, usize, Option<ReportedStatus>, bool, bool, bool);

impl RunSnapshot {
    /// Reads `GET /runs/{run_id}`, or what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// When it is no JSON object with a `run_id`.
    pub fn read(body: &[u8]) -> Result<Self, RestError> {
        let (body, value) = readable(body)?;
        let run_id = text(&value["run_id"]).ok_or_else(|| lacks("run_id"))?;
        let count = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
        Ok(Self {
            run_id,
            song_id: text(&value["song_id"]),
            song_title: title(&value["song_title"]),
            status: value["status"].as_str().and_then(ReportedStatus::read),
            fix_iterations: count(&value["fix_iterations"]),
            scores: scores(&body),
            error: told_error(&value["error"]),
            created_at: instant(&value["created_at"]),
            updated_at: instant(&value["updated_at"]),
            executions: items(&value["executions"]).filter_map(execution).collect(),
            starts: count(&value["event_counts"]["start"]),
            gapless: value["gapless"] == true,
            earlier_errors: items(&value["earlier_errors"]).filter_map(told_error).collect(),
            is_settled: value["is_settled"] == true,
        })
    }

    /// Writes it as the answer to `GET /runs/{run_id}`, with `song_title`, `gapless`,
    /// `earlier_errors` and `is_settled`, which no backend sends. [`read`](Self::read) reads it as it was.
    pub fn to_json(&self) -> String {
        let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let scores: BTreeMap<&str, f64> =
            self.scores.iter().map(|(name, score)| (name.as_str(), *score)).collect();
        let told = |error: &ReportedError| json!({"message": error.message.as_ref(), "timestamp": instant(error.at)});
        let error = self.error.as_ref().map(told);
        let earlier_errors: Vec<Value> = self.earlier_errors.iter().map(told).collect();
        let execution = |row: &NodeExecution| {
            json!({
                "node_name": row.node.as_str(), "status": row.status.as_str(),
                "duration_ms": row.duration_ms, "started_at": instant(row.started_at),
                "completed_at": instant(row.completed_at),
            })
        };
        let executions: Vec<Value> = self.executions.iter().map(execution).collect();
        json!({
            "run_id": self.run_id.as_str(), "song_id": self.song_id.as_deref(),
            "song_title": self.song_title.as_deref(),
            "status": self.status.map(ReportedStatus::as_str), "fix_iterations": self.fix_iterations,
            "validation_scores": scores, "error": error, "created_at": instant(self.created_at),
            "updated_at": instant(self.updated_at), "executions": executions,
            "event_counts": {"start": self.starts}, "gapless": self.gapless,
            "earlier_errors": earlier_errors, "is_settled": self.is_settled,
        })
        .to_string()
    }

    /// Keeps the errors of failed executions that `older`, a snapshot of the same run, tells of.
    pub fn remember(&mut self, older: &Self) {
        let failed = older.status == Some(ReportedStatus::Failed);
        let last = older.error.iter().filter(|error| failed && !error.is_cancel());
        for error in older.earlier_errors.iter().chain(last) {
            if self.error.as_ref() != Some(error) && !self.earlier_errors.contains(error) {
                self.earlier_errors.push(error.clone());
            }
        }
        self.earlier_errors.sort_by_key(|error| error.at);
        let most = self.earlier_errors.len().saturating_sub(MOST_EARLIER_ERRORS);
        self.earlier_errors.drain(..most);
    }

    /// Why the execution that went on between `since` and `until` failed, where that is remembered.
    pub fn earlier_error(
        &self,
        since: Option<Timestamp>,
        until: Timestamp,
    ) -> Option<&ReportedError> {
        let within =
            |error: &&ReportedError| error.at.is_some_and(|at| Some(at) >= since && at <= until);
        // The backend may go on telling of the last error while the run is executed again.
        self.earlier_errors.iter().chain(&self.error).find(within)
    }

    /// The latest instant it tells of: nothing later can be in it.
    pub fn reported_until(&self) -> Option<Timestamp> {
        let nodes = self.executions.iter().flat_map(|row| [row.started_at, row.completed_at]);
        nodes.chain([self.updated_at, self.created_at]).flatten().max()
    }

    /// Of two snapshots of a run the greater one knows more.
    pub fn freshness(&self) -> Freshness {
        let done = self.executions.iter().filter(|row| row.completed_at.is_some()).count();
        let titled = self.song_title.is_some();
        let rows = self.executions.len();
        (self.updated_at, rows, done, self.status, self.is_settled, titled, self.gapless)
    }
}

fn told_error(value: &Value) -> Option<ReportedError> {
    let message = text(&value["message"]).or_else(|| text(value))?;
    let at = instant(&value["timestamp"]);
    let message = shown::clean(&message);
    Some(ReportedError { message: explain_error(&message).into(), at })
}

fn execution(value: &Value) -> Option<NodeExecution> {
    let status = value["status"].as_str().and_then(ReportedStatus::read);
    Some(NodeExecution {
        node: shown::name(&text(&value["node_name"])?).into(),
        status: status.unwrap_or(ReportedStatus::Running),
        started_at: instant(&value["started_at"]),
        completed_at: instant(&value["completed_at"]),
        duration_ms: millis(&value["duration_ms"]),
    })
}

fn millis(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|ms| *ms >= 0.0).map(|ms| ms as u64))
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedRun {
    /// Id of the run.
    pub run_id: RunId,
    /// Id of its song.
    pub song_id: Option<SmolStr>,
    /// Its status; `None` where the list does not say, or says a text that is not known.
    pub status: Option<ReportedStatus>,
    /// The last node that completed: it changes when a node ends.
    pub current_node: Option<NodeName>,
    /// When it started, else when it was created.
    pub started_at: Option<Timestamp>,
    /// When it or one of its nodes last ended; the list of active runs does not say.
    pub updated_at: Option<Timestamp>,
}

/// Runs that a list names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunList {
    /// The server's clock, where the answer says.
    pub server_now: Option<Timestamp>,
    /// The runs, in the order of the list.
    pub runs: Vec<ListedRun>,
    /// Where the next page begins, where there is one.
    pub next_cursor: Option<SmolStr>,
    /// The number of runs on all pages, where the answer says.
    pub total: Option<u64>,
}

impl RunList {
    /// Reads `GET /monitoring/active-runs`, a page of `GET /workflow-runs`, or the array of
    /// `GET /workflow-runs/by-song/{song_id}`.
    ///
    /// # Errors
    ///
    /// When it is none of them.
    pub fn read(body: &[u8]) -> Result<Self, RestError> {
        let value = json(body)?;
        let list = [&value["runs"], &value["items"], &value].into_iter().find(|it| it.is_array());
        let list = list.ok_or_else(|| lacks("a list of runs"))?;
        let info = &value["page_info"];
        let has_next = info["has_next_page"].as_bool() == Some(true);
        Ok(Self {
            server_now: instant(&value["timestamp"]),
            runs: items(list).filter_map(listed).collect(),
            next_cursor: text(&info["end_cursor"]).filter(|_| has_next),
            total: info["total_count"].as_u64(),
        })
    }
}

fn listed(value: &Value) -> Option<ListedRun> {
    Some(ListedRun {
        run_id: text(&value["run_id"])?,
        song_id: text(&value["song_id"]),
        status: value["status"].as_str().and_then(ReportedStatus::read),
        current_node: text(&value["current_node"]),
        started_at: instant(&value["started_at"]).or_else(|| instant(&value["created_at"])),
        updated_at: instant(&value["updated_at"]),
    })
}

/// The title in `GET /songs/{song_id}`; `None` where it has none.
///
/// # Errors
///
/// When it is no JSON.
pub fn song_title(body: &[u8]) -> Result<Option<SmolStr>, RestError> {
    Ok(title(&json(body)?["title"]))
}

/// The run that was made by a `POST` of `/runs`, `/runs/{run_id}/retry` or `/workflows/execute`.
///
/// # Errors
///
/// When the answer names none.
pub fn made_run(body: &[u8]) -> Result<RunId, RestError> {
    let value = json(body)?;
    let named = text(&value["new_run_id"]).or_else(|| text(&value["run_id"]));
    named.ok_or_else(|| lacks("run_id"))
}

/// What a refusal says: `detail` as a text or as a list of what is wrong, or the text itself.
pub fn refusal_words(body: &[u8]) -> String {
    let Ok(value) = json(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let detail = &value["detail"];
    let item = |item: &Value| {
        let place = items(&item["loc"]).filter_map(text).collect::<Vec<_>>().join(".");
        let words = text(&item["msg"])?;
        Some(if place.is_empty() { words.to_string() } else { format!("{place}: {words}") })
    };
    let listed: Vec<String> = items(detail).filter_map(item).collect();
    let told = text(detail).map(|words| words.to_string());
    told.or_else(|| (!listed.is_empty()).then(|| listed.join("; ")))
        .or_else(|| text(&value["error"]).map(|words| words.to_string()))
        .or_else(|| text(&value).map(|words| words.to_string()))
        .unwrap_or_default()
}

fn json(body: &[u8]) -> Result<Value, RestError> {
    Ok(readable(body)?.1)
}

/// A body and its value; one that holds what only Python and others write (protocol section 6.5) as
/// JSON.
fn readable(body: &[u8]) -> Result<(Cow<'_, [u8]>, Value), RestError> {
    let error = match serde_json::from_slice(body) {
        Ok(value) => return Ok((Cow::Borrowed(body), value)),
        Err(error) => RestError(error.to_string()),
    };
    let text = String::from_utf8_lossy(body);
    let repaired = repair::only_value(&text).ok_or_else(|| error.clone())?;
    let value = serde_json::from_str(&repaired).map_err(|_| error)?;
    Ok((Cow::Owned(repaired.into_owned().into_bytes()), value))
}

fn lacks(what: &str) -> RestError {
    RestError(format!("it has no {what}"))
}

/// Text that is not empty, or a whole number as text.
fn text(value: &Value) -> Option<SmolStr> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(SmolStr::new(text)),
        Value::Number(number) if !number.is_f64() => Some(SmolStr::new(number.to_string())),
        _ => None,
    }
}

/// A title to be shown; `None` where nothing of it can be.
fn title(value: &Value) -> Option<SmolStr> {
    let title = SmolStr::new(shown::one_line(&text(value)?));
    (!title.trim().is_empty()).then_some(title)
}

fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse_instant(text),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => instant_forms::from_epoch_whole(whole),
            None => instant_forms::from_epoch(number.as_f64()?),
        },
        _ => None,
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The fields of an object, each as it is written.
pub(super) type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The numbers of `validation_scores`, each read from its own text: a [`Value`] has lost the last bit of
/// some, and written again they would not be what they were.
fn scores(body: &[u8]) -> Arc<[Score]> {
    let run: Fields = serde_json::from_slice(body).unwrap_or_default();
    let scores = run.get("validation_scores").map_or("null", |scores| scores.get());
    let scores: Fields = serde_json::from_str(scores).unwrap_or_default();
    let number = |(name, text): (String, &RawValue)| {
        let number = text.get().parse::<f64>().ok().filter(|number| number.is_finite())?;
        Some((SmolStr::new(shown::name(&name)), number))
    };
    // In order of the names as they are shown, each once.
    let scores: BTreeMap<SmolStr, f64> = scores.into_iter().filter_map(number).collect();
    scores.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_fields_cost_nothing_else() {
        let body = br#"{"run_id": 7, "song_id": "", "status": "odd", "fix_iterations": -1,
            "validation_scores": {"b": 1, "a": "x", "c": 0.5}, "error": "boom",
            "created_at": 3, "updated_at": "2026-11-23T01:08:41", "executions":
            [{"node_name": "PLAN"}, {"status": "failed"}, 4], "event_counts": null}"#;
        let run = RunSnapshot::read(body).unwrap();
        assert_eq!(run.run_id, "7");
        assert_eq!((run.song_id, run.status, run.fix_iterations), (None, None, None));
        assert_eq!(*run.scores, [("b".into(), 1.0), ("c".into(), 0.5)]);
        assert_eq!(run.error.map(|error| error.message), Some("boom".into()));
        assert_eq!(run.updated_at, "2026-11-23T01:08:41Z".parse().ok());
        assert_eq!(run.executions.len(), 1);
        assert!(RunSnapshot::read(b"[]").is_err() && RunSnapshot::read(b"no").is_err());
    }

    #[test]
    fn every_form_of_list_is_read() {
        for body in [
            r#"{"timestamp": "2026-11-23T01:00:00Z", "runs": [{"run_id": "a", "status": "running"}]}"#,
            r#"{"items": [{"run_id": "a", "status": "running"}, {}], "page_info":
                {"has_next_page": true, "end_cursor": "1"}}"#,
            r#"[{"run_id": "a", "status": "running"}]"#,
        ] {
            let list = RunList::read(body.as_bytes()).unwrap();
            assert_eq!(list.runs.len(), 1, "{body}");
            assert_eq!(list.runs[0].status, Some(ReportedStatus::Running));
            assert_eq!(list.next_cursor.is_some(), body.contains("cursor"));
        }
        assert!(RunList::read(b"{}").is_err());
    }

    #[test]
    fn refusals_say_it_in_their_own_words() {
        for (body, words) in [
            (r#"{"detail": "Not Found"}"#, "Not Found"),
            (
                r#"{"detail": [{"loc": ["body", "seed"], "msg": "Field required"}, {"msg": "b"}]}"#,
                "body.seed: Field required; b",
            ),
            (r#"{"error": "Internal server error", "detail": "no model"}"#, "no model"),
            (r#"{"error": "Internal server error"}"#, "Internal server error"),
            ("Bad Gateway", "Bad Gateway"),
            ("{}", ""),
        ] {
            assert_eq!(refusal_words(body.as_bytes()), words);
        }
    }
}
