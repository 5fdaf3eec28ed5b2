//! Operations on runs: the calls that each needs, their order, and the outcome.
//!
//! Independent of the transport: a [`SendRequest`] carries a call. Nothing is posted twice, because a
//! missing answer does not say whether the call took effect.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};
use smol_str::SmolStr;
use thiserror::Error;
use tokio::sync::mpsc;

use super::ApiCalls;
use super::api_url::segment;
use super::disconnect::seconds;
use crate::protocol::RunId;
use crate::protocol::rest::{self, ReportedStatus, RunSnapshot};
use crate::protocol::screen::ScreenReport;

/// Time to wait for an answer. A backend may freeze for 45 s and answer after that.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time to wait for `execute`, which is answered when the run is over. A refusal comes within this
/// time.
const PATIENCE_WITH_EXECUTE: Duration = Duration::from_secs(5);
/// Upper limit (exclusive) of seeds chosen here: short enough to be read out.
const SEEDS: f64 = 1_000_000.0;

/// Reason why runs cannot be operated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OperationRefusal {
    /// No connection yet, or no longer.
    #[error("There is no connection to a backend")]
    NotConnected,
    /// The source is a plain event stream, which announces no API.
    #[error("Actions need an http:// backend or a hub")]
    OnlyEvents,
    /// The hub does not forward requests that change something at the backend.
    #[error("This hub does not allow actions on runs")]
    HubForbids,
    /// The source is a recording.
    #[error("Actions on runs are not possible in a recording")]
    Recording,
    /// No source: the embedding app feeds the model.
    #[error("Actions on runs are not possible here: the embedding app supplies the events")]
    FedByApp,
}

/// Operation that a user requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RunOperation {
    /// Creates a run of a song and executes it.
    Start {
        /// Id of the song.
        song_id: SmolStr,
        /// Seed of the run; one is chosen when it is `None`.
        seed: Option<i64>,
    },
    /// Requests cancellation. The node that is running continues to its end.
    Cancel(RunId),
    /// Creates a new run for the song of a failed run. The new run stays queued until it is executed.
    Retry(RunId),
    /// Executes a queued run.
    Execute(RunId),
}

impl RunOperation {
    /// The run that is operated on. `None` for [`Start`](Self::Start), which creates its run.
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Start { .. } => None,
            Self::Cancel(run) | Self::Retry(run) | Self::Execute(run) => Some(run),
        }
    }
}

/// Outcome of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationOutcome {
    /// The requested operation.
    pub operation: RunOperation,
    /// The reason in `Err` is the server's own text where there is any, and never empty.
    pub result: Result<OperationSuccess, String>,
}

/// Result of a successful operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationSuccess {
    /// The run concerned: the new one where one was created. `None` where the server did not name it.
    pub run: Option<RunId>,
    /// Description of what was done, for the user.
    pub words: String,
}

/// One `POST`.
#[derive(Clone, Debug)]
pub(super) struct ApiRequest {
    /// Path below the base of the API.
    pub path: String,
    /// JSON, or empty.
    pub body: String,
    /// Time to wait for the answer, counted from sending.
    pub patience: Duration,
}

impl ApiRequest {
    fn new(path: String, body: Option<Value>) -> Self {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        Self { path, body, patience: PATIENCE }
    }

    /// True for a call that is answered when the run is over, not when it begins.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn is_execute(&self) -> bool {
        self.path.ends_with("/execute")
    }

    /// Call that marks the failures of these runs as seen, at the path of a hub's marks.
    pub fn of_marks(runs: &[RunId]) -> Self {
        let ids: Vec<&str> = runs.iter().map(RunId::as_str).collect();
        Self::new(String::new(), Some(json!(ids)))
    }

    /// Call that reports about this screen, at the path of a hub's screens.
    pub fn of_screen(report: &ScreenReport) -> Self {
        Self::new(String::new(), Some(report.to_json()))
    }

    fn of_run(collection: &str, run: &RunId, verb: &str) -> Self {
        Self::new(format!("/{collection}/{}/{verb}", segment(run)), None)
    }
}

/// Reason why a call has no successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestError {
    Refused {
        status: u16,
        /// The server's text; may be empty.
        words: String,
    },
    /// The request was sent, and no answer came in time.
    Silent { after: Duration },
    /// No answer can come, for the given reason.
    Lost(String),
}

impl RequestError {
    /// True when the server does not know the call, or not for this object (404, 405).
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 405, .. })
    }

    /// True for marks of failures that the hub no longer keeps, or that are executed again (404, 409).
    pub fn is_outdated_mark(&self) -> bool {
        self.is_unknown() || matches!(self, Self::Refused { status: 409, .. })
    }

    /// True when the server's text is empty or only repeats the name of the status.
    fn says_nothing(&self) -> bool {
        let bare = ["", "Not Found", "Method Not Allowed"];
        matches!(self, Self::Refused { words, .. } if bare.contains(&words.as_str()))
    }

    pub fn words(self) -> String {
        match self {
            Self::Refused { status, words } if words.trim().is_empty() => {
                format!("the server answered HTTP {status} without a reason")
            }
            Self::Refused { words, .. } => words,
            Self::Silent { after } => format!(
                "no answer within {}. The operation may have been done: check the run before you \
                 try again",
                seconds(after)
            ),
            Self::Lost(words) => words,
        }
    }
}

type RequestResult = Result<Vec<u8>, RequestError>;

#[cfg(not(target_arch = "wasm32"))]
pub(super) type ResponseFuture = Pin<Box<dyn Future<Output = RequestResult> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(super) type ResponseFuture = Pin<Box<dyn Future<Output = RequestResult>>>;

/// Function that sends a call to the server, once.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type SendRequest = std::sync::Arc<dyn Fn(ApiRequest) -> ResponseFuture + Send + Sync>;
#[cfg(target_arch = "wasm32")]
pub(super) type SendRequest = std::rc::Rc<dyn Fn(ApiRequest) -> ResponseFuture>;

/// Function that reads the state of a run; `None` where there is no answer.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type LookAt = std::sync::Arc<
    dyn Fn(RunId) -> Pin<Box<dyn Future<Output = Option<RunSnapshot>> + Send>> + Send + Sync,
>;
#[cfg(target_arch = "wasm32")]
pub(super) type LookAt =
    std::rc::Rc<dyn Fn(RunId) -> Pin<Box<dyn Future<Output = Option<RunSnapshot>>>>>;

/// Creates a [`SendRequest`] for the API at a path of the stream's origin; `None` where the path is
/// invalid.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type ApiClientFor = Box<dyn Fn(&str) -> Option<SendRequest> + Send>;
#[cfg(target_arch = "wasm32")]
pub(super) type ApiClientFor = Box<dyn Fn(&str) -> Option<SendRequest>>;

/// Client that sends run operations to a server.
#[derive(Clone)]
pub(super) struct OperationClient {
    pub post: SendRequest,
    /// Reads a run after a failed `execute`, which also answers with an error where the run ran and
    /// failed.
    pub look: Option<LookAt>,
    /// Receives the id of each run that was created or operated on, as soon as the id is known.
    pub touched: Option<mpsc::UnboundedSender<RunId>>,
}

impl OperationClient {
    /// Carries out an operation. `random`, in `0.0..1.0`, chooses the seed where none is given.
    pub async fn carry_out(
        self,
        calls: ApiCalls,
        operation: RunOperation,
        random: f64,
    ) -> OperationOutcome {
        let result = self.do_it(calls, &operation, (random * SEEDS) as i64).await;
        OperationOutcome { operation, result }
    }

    async fn do_it(
        &self,
        calls: ApiCalls,
        operation: &RunOperation,
        chosen: i64,
    ) -> Result<OperationSuccess, String> {
        let result = match operation {
            RunOperation::Start { song_id, seed } => {
                return self.start(calls, song_id, seed.unwrap_or(chosen)).await;
            }
            RunOperation::Cancel(run) => {
                let request = ApiRequest::of_run("runs", run, "cancel");
                let guide_request = ApiRequest::of_run("workflow-runs", run, "cancel");
                let answer = match calls {
                    ApiCalls::Backend => self.post(request).await,
                    ApiCalls::Guide => {
                        self.post_either(guide_request, request).await.map(|(body, _)| body)
                    }
                };
                answer.map(|_| (run.clone(), "Cancel requested".to_owned()))
            }
            RunOperation::Retry(run) => {
                match self.post(ApiRequest::of_run("runs", run, "retry")).await {
                    Ok(body) => {
                        let made = rest::made_run(&body).map_err(|error| error.to_string())?;
                        self.touch(&made);
                        return Ok(OperationSuccess {
                            run: Some(made),
                            words: "A new run was created and is queued".to_owned(),
                        });
                    }
                    Err(error) => Err(error),
                }
            }
            RunOperation::Execute(run) => self.execute(run).await.map(|executed| {
                let words = match executed {
                    Executed::Begun => "Execution started".to_owned(),
                    Executed::Failed(why) => format!("The run was executed, and failed: {why}"),
                };
                (run.clone(), words)
            }),
        };
        if let Some(run) = operation.run() {
            // After a refusal, too: it shows that the known state of the run is outdated.
            self.touch(run);
        }
        let (run, words) = result.map_err(RequestError::words)?;
        Ok(OperationSuccess { run: Some(run), words })
    }

    async fn start(
        &self,
        calls: ApiCalls,
        song_id: &SmolStr,
        seed: i64,
    ) -> Result<OperationSuccess, String> {
        let started = |run| OperationSuccess { run, words: format!("Started with seed {seed}") };
        let failed = |run, why| OperationSuccess {
            run: Some(run),
            words: format!("Started with seed {seed}, and failed: {why}"),
        };
        let body = json!({ "song_id": song_id.as_str(), "manifest": manifest(), "seed": seed });
        let create = ApiRequest::new("/runs".to_owned(), Some(body));
        let (answer, is_begun) = match calls {
            ApiCalls::Backend => self.post(create).await.map(|body| (body, false)),
            ApiCalls::Guide => {
                let body = json!({ "song_id": song_id.as_str(), "global_seed": seed });
                let request = ApiRequest::new("/workflows/execute".to_owned(), Some(body));
                self.post_either(request, create).await
            }
        }
        .map_err(RequestError::words)?;
        let made = match rest::made_run(&answer) {
            Ok(made) => made,
            Err(_) if is_begun => return Ok(started(None)),
            Err(error) => return Err(error.to_string()),
        };
        self.touch(&made);
        if is_begun {
            return Ok(started(Some(made)));
        }
        match self.execute(&made).await {
            Ok(Executed::Begun) => Ok(started(Some(made))),
            Ok(Executed::Failed(why)) => Ok(failed(made, why)),
            Err(error) if self.look.is_some() => {
                Err(format!("Run {made} was created, but not executed: {}", error.words()))
            }
            Err(error) => Err(format!(
                "Run {made} was created, but executing it returned an error: {}. Check the run \
                 before you try again",
                error.words()
            )),
        }
    }

    /// Executes a run. No answer within the time limit means that the run has begun. An error is
    /// ambiguous, because the backend also answers 500 where the run began and failed: the state of the
    /// run decides.
    async fn execute(&self, run: &RunId) -> Result<Executed, RequestError> {
        let request = ApiRequest::of_run("runs", run, "execute");
        let error = match self.post(ApiRequest { patience: PATIENCE_WITH_EXECUTE, ..request }).await
        {
            Ok(_) | Err(RequestError::Silent { .. }) => return Ok(Executed::Begun),
            Err(error) => error,
        };
        let (Some(look), RequestError::Refused { status: 500.., .. }) = (&self.look, &error) else {
            return Err(error);
        };
        let Some(found) = look(run.clone()).await else { return Err(error) };
        match found.status {
            None | Some(ReportedStatus::Pending) => Err(error),
            Some(ReportedStatus::Failed) => {
                let told = found.error.map(|error| error.message.to_string());
                Ok(Executed::Failed(told.unwrap_or_else(|| error.words())))
            }
            Some(_) => Ok(Executed::Begun),
        }
    }

    async fn post(&self, request: ApiRequest) -> RequestResult {
        (self.post)(request).await
    }

    /// Posts `first`, or `second` where the server does not know the first. Returns the answer, and
    /// true when it is the answer to `first`.
    async fn post_either(
        &self,
        first: ApiRequest,
        second: ApiRequest,
    ) -> Result<(Vec<u8>, bool), RequestError> {
        let unknown = match self.post(first).await {
            Ok(body) => return Ok((body, true)),
            Err(error) if error.is_unknown() => error,
            Err(error) => return Err(error),
        };
        match self.post(second).await {
            Ok(body) => Ok((body, false)),
            // Keep the first error: the second has no text of its own.
            Err(error) if error.is_unknown() && error.says_nothing() => Err(unknown),
            Err(error) => Err(error),
        }
    }

    /// Reports that a run was created or operated on, so that it is watched.
    pub fn touch(&self, run: &RunId) {
        if let Some(touched) = &self.touched {
            // The send fails when the watcher has stopped meanwhile.
            let _ = touched.send(run.clone());
        }
    }
}

/// Result of an `execute`.
enum Executed {
    Begun,
    /// The run began and has failed since, for the given reason.
    Failed(String),
}

/// Graph of a run as the product's own client sends it. The backend ignores it and uses its own
/// pipeline.
fn manifest() -> Value {
    json!({
        "graph": [
            {"id": "PLAN", "inputs": []},
            {"id": "STYLE", "inputs": ["PLAN"]},
            {"id": "LYRICS", "inputs": ["PLAN", "STYLE"]},
            {"id": "PRODUCER", "inputs": ["PLAN", "STYLE"]},
            {"id": "COMPOSE", "inputs": ["STYLE", "LYRICS", "PRODUCER"]},
            {"id": "VALIDATE", "inputs": ["LYRICS", "STYLE", "PRODUCER", "COMPOSE"]},
            {"id": "FIX", "cond": "fail", "max_retries": 3},
            {"id": "RENDER", "cond": "pass && flags.render", "inputs": ["COMPOSE"]},
            {"id": "REVIEW", "inputs": ["COMPOSE", "VALIDATE"]},
        ],
        "flags": {"render": true},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_runs_that_a_hub_lacks_or_that_have_not_failed_are_outdated() {
        let refused = |status| RequestError::Refused { status, words: String::new() };
        let outdated = [401, 404, 405, 409, 503].map(|status| refused(status).is_outdated_mark());
        assert_eq!(outdated, [false, true, true, true, false]);
        assert!(!RequestError::Lost("no connection".to_owned()).is_outdated_mark());
    }
}
