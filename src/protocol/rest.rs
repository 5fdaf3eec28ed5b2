//! The backend's REST answers (protocol section 4), read leniently: a field of an unexpected type
//! counts as absent, and an answer is an error only if its essential part is missing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use smol_str::SmolStr;
use thiserror::Error;

use super::watcher_error::explain_error;
use super::{NodeName, RunId, Score, bounds, instant_forms, parse_instant, repair, score_bytes};
use crate::text as shown;

/// Maximum number of earlier errors kept per run; equal to the number of earlier executions kept.
const MOST_EARLIER_ERRORS: usize = 8;

/// An answer that does not contain what was requested.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("an answer that cannot be read: {0}")]
pub struct RestError(String);

/// Status of a run or of a node's execution, as REST reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportedStatus {
    /// Queued.
    Pending,
    /// Running.
    Running,
    /// Ended without an error.
    Completed,
    /// Ended with an error.
    Failed,
    /// Cancelled; may still execute a node.
    Cancelled,
}

impl ReportedStatus {
    const ALL: [Self; 5] =
        [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// Returns the status as written on the wire.
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

    /// True when it ended by itself: completed or failed. A cancelled run may go on.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// One execution of a node, as REST reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeExecution {
    /// Name of the node.
    pub node: NodeName,
    /// Status; [`ReportedStatus::Running`] if the text is unknown or missing.
    pub status: ReportedStatus,
    /// Start by the server's clock.
    pub started_at: Option<Timestamp>,
    /// End by the server's clock.
    pub completed_at: Option<Timestamp>,
    /// Duration in milliseconds.
    pub duration_ms: Option<u64>,
}

/// Error of a run: its text and time. `error.node` names the wrong node (protocol section 4) and is not
/// read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedError {
    /// Error text, cleaned.
    pub message: Arc<str>,
    /// Time of the error, by the server's clock.
    pub at: Option<Timestamp>,
}

impl ReportedError {
    /// True when this is not an error but the mark of a cancellation.
    pub fn is_cancel(&self) -> bool {
        self.message.to_ascii_lowercase().contains("cancelled")
    }
}

/// REST's description of one run at one moment (`GET /runs/{run_id}`).
#[derive(Clone, Debug, PartialEq)]
pub struct RunSnapshot {
    /// Id of the run.
    pub run_id: RunId,
    /// Id of the run's song.
    pub song_id: Option<SmolStr>,
    /// Title of the song, which is requested separately and added by the source.
    pub song_title: Option<SmolStr>,
    /// Status; `None` for an unknown text.
    pub status: Option<ReportedStatus>,
    /// Number of fix passes.
    pub fix_iterations: Option<u32>,
    /// Scores sorted by name.
    pub scores: Arc<[Score]>,
    /// Reason of the failure, or the mark of a cancel.
    pub error: Option<ReportedError>,
    /// Creation by the server's clock.
    pub created_at: Option<Timestamp>,
    /// Time of the last change. It changes when the run or one of its nodes ends, not when a node
    /// starts.
    pub updated_at: Option<Timestamp>,
    /// Executions of nodes: complete, in order, of all executions of the run.
    pub executions: Vec<NodeExecution>,
    /// Number of stored run `start` events: how often the run was executed.
    pub starts: Option<u32>,
    /// True when events of the run were received before this snapshot was requested and without
    /// interruption since, so that nothing is missing between the two.
    pub gapless: bool,
    /// Errors of earlier executions, at most [`MOST_EARLIER_ERRORS`]. The backend forgets them when the
    /// run is executed again; [`remember`](Self::remember) keeps them.
    pub earlier_errors: Vec<ReportedError>,
    /// True when nothing more will come of the run although a row is still running: the run was
    /// cancelled, and the server that ran its last node is gone. No backend sends this; the source
    /// detects it.
    pub is_settled: bool,
}

/// Sort key of snapshots of one run; a later snapshot is greater.
type Freshness = (Option<Timestamp>, usize, usize, Option<ReportedStatus>, bool, bool, bool);

impl RunSnapshot {
    /// Reads `GET /runs/{run_id}`, or the output of [`to_json`](Self::to_json).
    ///
    /// # Errors
    ///
    /// Returns an error if the body is not a JSON object with a `run_id`.
    pub fn read(body: &[u8]) -> Result<Self, RestError> {
        let (body, value) = readable(body)?;
        let run_id = id(&value["run_id"]).ok_or_else(|| lacks("run_id"))?;
        let count = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
        Ok(Self {
            run_id,
            song_id: id(&value["song_id"]),
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

    /// Writes the snapshot in the form of `GET /runs/{run_id}`, with the additional fields
    /// `song_title`, `gapless`, `earlier_errors` and `is_settled`, which no backend sends.
    /// [`read`](Self::read) restores it.
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

    /// Adds the errors of failed executions in `older`, a snapshot of the same run.
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

    /// Returns the error of the execution between `since` and `until`, if it is known.
    pub fn earlier_error(
        &self,
        since: Option<Timestamp>,
        until: Timestamp,
    ) -> Option<&ReportedError> {
        let within =
            |error: &&ReportedError| error.at.is_some_and(|at| Some(at) >= since && at <= until);
        // The backend may still report the last error while the run is executed again.
        self.earlier_errors.iter().chain(&self.error).find(within)
    }

    /// Returns the approximate size of the rows and texts in bytes.
    pub fn text_bytes(&self) -> usize {
        let rows = self.executions.iter();
        let rows = rows.map(|row| size_of::<NodeExecution>() + row.node.len());
        let errors = self.earlier_errors.iter().chain(&self.error).map(|error| error.message.len());
        let names = [&self.song_id, &self.song_title].into_iter().flatten().map(|name| name.len());
        rows.chain(errors).chain(names).sum::<usize>() + score_bytes(&self.scores)
    }

    /// Returns the latest instant in the snapshot: it cannot contain anything later.
    pub fn reported_until(&self) -> Option<Timestamp> {
        let nodes = self.executions.iter().flat_map(|row| [row.started_at, row.completed_at]);
        nodes.chain([self.updated_at, self.created_at]).flatten().max()
    }

    /// Returns the freshness. Of two snapshots of a run, the one with the greater value is newer.
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
    let message = bounds::message(message.as_str().into());
    Some(ReportedError { message: explain_error(&message).into(), at })
}

fn execution(value: &Value) -> Option<NodeExecution> {
    let status = value["status"].as_str().and_then(ReportedStatus::read);
    Some(NodeExecution {
        node: bounds::name(&text(&value["node_name"])?),
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
    /// Id of the run's song.
    pub song_id: Option<SmolStr>,
    /// Status; `None` when it is missing or unknown.
    pub status: Option<ReportedStatus>,
    /// The last node that completed. It changes when a node ends.
    pub current_node: Option<NodeName>,
    /// Start of the run, else its creation.
    pub started_at: Option<Timestamp>,
    /// Time of the last end of the run or of one of its nodes. The list of active runs does not contain
    /// it.
    pub updated_at: Option<Timestamp>,
}

/// A list of runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunList {
    /// The server's time, if the answer contains it.
    pub server_now: Option<Timestamp>,
    /// The runs, in the order of the list.
    pub runs: Vec<ListedRun>,
    /// Cursor of the next page; `None` on the last page.
    pub next_cursor: Option<SmolStr>,
    /// Number of runs on all pages, if the answer contains it.
    pub total: Option<u64>,
}

impl RunList {
    /// Reads `GET /monitoring/active-runs`, a page of `GET /workflow-runs`, or the array of `GET
    /// /workflow-runs/by-song/{song_id}`.
    ///
    /// # Errors
    ///
    /// Returns an error if the body contains no list of runs.
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
        run_id: id(&value["run_id"])?,
        song_id: id(&value["song_id"]),
        status: value["status"].as_str().and_then(ReportedStatus::read),
        current_node: text(&value["current_node"]),
        started_at: instant(&value["started_at"]).or_else(|| instant(&value["created_at"])),
        updated_at: instant(&value["updated_at"]),
    })
}

/// Reads the title from `GET /songs/{song_id}`; `None` if the song has none.
///
/// # Errors
///
/// Returns an error if the body is not JSON.
pub fn song_title(body: &[u8]) -> Result<Option<SmolStr>, RestError> {
    Ok(title(&json(body)?["title"]))
}

/// Reads the id of the run created by a `POST` to `/runs`, `/runs/{run_id}/retry` or
/// `/workflows/execute`.
///
/// # Errors
///
/// Returns an error if the answer contains no run id.
pub fn made_run(body: &[u8]) -> Result<RunId, RestError> {
    let value = json(body)?;
    let named = id(&value["new_run_id"]).or_else(|| id(&value["run_id"]));
    named.ok_or_else(|| lacks("run_id"))
}

/// Returns the reason in an error answer: the text or list in `detail`, else `error`, else the body
/// itself.
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

/// Parses a body, after repairing it if it contains non-JSON tokens (protocol section 6.5). Returns the
/// text that was parsed and its value.
fn readable(body: &[u8]) -> Result<(Cow<'_, [u8]>, Value), RestError> {
    let error = match serde_json::from_slice(body) {
        Ok(value) => return Ok((Cow::Borrowed(body), value)),
        Err(error) => RestError(error.to_string()),
    };
    let text = String::from_utf8_lossy(body);
    if let Some(words) = shown::page_words(shown::head_of(&text, MOST_PAGE_BYTES)) {
        let words = shown::excerpt(&words, MOST_PAGE_CHARS);
        return Err(RestError(format!("it is a web page, not JSON: {words}")));
    }
    let repaired = repair::only_value(&text).ok_or_else(|| error.clone())?;
    let value = serde_json::from_str(&repaired).map_err(|_| error)?;
    Ok((Cow::Owned(repaired.into_owned().into_bytes()), value))
}

/// Largest part of a web page that is searched for words, in bytes.
const MOST_PAGE_BYTES: usize = 16 << 10;
/// Most characters quoted of a web page.
const MOST_PAGE_CHARS: usize = 200;

fn lacks(what: &str) -> RestError {
    RestError(format!("it has no {what}"))
}

/// Returns non-empty text, or a whole number as text.
fn text(value: &Value) -> Option<SmolStr> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(SmolStr::new(text)),
        Value::Number(number) if !number.is_f64() => Some(SmolStr::new(number.to_string())),
        _ => None,
    }
}

/// Returns an id; `None` for one that is too long.
fn id(value: &Value) -> Option<SmolStr> {
    text(value).and_then(bounds::id)
}

/// Returns a title cleaned for display; `None` if nothing visible remains.
fn title(value: &Value) -> Option<SmolStr> {
    let title = bounds::title(&text(value)?);
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

/// The fields of an object, each as raw JSON.
pub(super) type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Reads the numbers of `validation_scores` from their raw text, because a [`Value`] does not preserve
/// every float exactly.
fn scores(body: &[u8]) -> Arc<[Score]> {
    let run: Fields = serde_json::from_slice(body).unwrap_or_default();
    let scores = run.get("validation_scores").map_or("null", |scores| scores.get());
    let scores: Fields = serde_json::from_str(scores).unwrap_or_default();
    let number = |(name, text): (String, &RawValue)| {
        let number = text.get().parse::<f64>().ok().filter(|number| number.is_finite())?;
        Some((bounds::name(&name), number))
    };
    let scores = scores.into_iter().take(bounds::MOST_NAMES);
    // Sorted by displayed name, without duplicates.
    let scores: BTreeMap<SmolStr, f64> = scores.filter_map(number).collect();
    scores.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_field_does_not_affect_other_fields() {
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
    fn reads_every_form_of_run_list() {
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
    fn reads_the_reason_of_a_refusal() {
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
