//! What a user has done to runs: which calls that takes, in which order, and what came of it.
//!
//! Knows no transport: a [`SendRequest`] carries a call. Nothing is ever posted twice: who gets no answer
//! cannot know what was done.

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

/// How long an answer is waited for. A backend may freeze for 45 s and answers then.
const PATIENCE: Duration = Duration::from_secs(60);
/// `execute` answers when the run is over. What is refused is refused within so long.
const PATIENCE_WITH_EXECUTE: Duration = Duration::from_secs(5);
/// Seeds that are chosen here are below this: short enough to be read out.
const SEEDS: f64 = 1_000_000.0;

/// Why runs cannot be operated on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OperationRefusal {
    /// Nothing is connected.
    #[error("There is no connection to a backend")]
    NotConnected,
    /// The stream says nothing of an API.
    #[error(
        "This stream of events cannot be acted on: connect to a backend (http://…) or to a hub"
    )]
    OnlyEvents,
    /// The hub passes on nothing that would change something.
    #[error("This hub lets nobody act on runs")]
    HubForbids,
    /// A recording is played.
    #[error("A recording cannot be acted on")]
    Recording,
    /// There is no source: the embedding app feeds the model.
    #[error("Fed by the program around it: its runs cannot be acted on")]
    FedByApp,
}

/// Something that a user wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RunOperation {
    /// Makes a run of a song, and begins it.
    Start {
        /// Id of the song.
        song_id: SmolStr,
        /// Seed of the run; `None` has one chosen.
        seed: Option<i64>,
    },
    /// Asks for a run to be stopped; what is under way goes on to its end.
    Cancel(RunId),
    /// Makes a new run for the song of a failed one. It waits to be executed.
    Retry(RunId),
    /// Begins a run that waits.
    Execute(RunId),
}

impl RunOperation {
    /// The run that it is done to; none where one is made from nothing.
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Start { .. } => None,
            Self::Cancel(run) | Self::Retry(run) | Self::Execute(run) => Some(run),
        }
    }
}

/// What became of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationOutcome {
    /// What was asked for.
    pub operation: RunOperation,
    /// Why it was not done, in the server's own words where it said any; never empty.
    pub result: Result<OperationSuccess, String>,
}

/// An act that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationSuccess {
    /// The run it is about: the new one, where one was made. `None` where the server did not say.
    pub run: Option<RunId>,
    /// What was done, for a person.
    pub words: String,
}

/// One `POST`.
#[derive(Clone, Debug)]
pub(super) struct ApiRequest {
    /// Below the base of the API.
    pub path: String,
    /// JSON, or nothing.
    pub body: String,
    /// From the moment it was sent.
    pub patience: Duration,
}

impl ApiRequest {
    fn new(path: String, body: Option<Value>) -> Self {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        Self { path, body, patience: PATIENCE }
    }

    /// Answered when the run is over, not when it begins.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn is_execute(&self) -> bool {
        self.path.ends_with("/execute")
    }

    fn of_run(collection: &str, run: &RunId, verb: &str) -> Self {
        Self::new(format!("/{collection}/{}/{verb}", segment(run)), None)
    }
}

/// Why a call has no answer of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestError {
    Refused {
        status: u16,
        /// The server's own; may be empty.
        words: String,
    },
    /// It was sent, and no answer has come.
    Silent { after: Duration },
    /// There can be no answer: why.
    Lost(String),
}

impl RequestError {
    /// The server does not know such a call, or not of such a thing.
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 405, .. })
    }

    /// It says nothing but that.
    fn says_nothing(&self) -> bool {
        let bare = ["", "Not Found", "Method Not Allowed"];
        matches!(self, Self::Refused { words, .. } if bare.contains(&words.as_str()))
    }

    fn words(self) -> String {
        match self {
            Self::Refused { status, words } if words.trim().is_empty() => {
                format!("the server answered HTTP {status} without a word")
            }
            Self::Refused { words, .. } => words,
            Self::Silent { after } => format!(
                "no answer within {}. It may be done all the same: look before you try again",
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

/// What carries a call to the server. It sends it once.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type SendRequest = std::sync::Arc<dyn Fn(ApiRequest) -> ResponseFuture + Send + Sync>;
#[cfg(target_arch = "wasm32")]
pub(super) type SendRequest = std::rc::Rc<dyn Fn(ApiRequest) -> ResponseFuture>;

/// Asks how a run stands; `None` where there is no answer.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type LookAt = std::sync::Arc<
    dyn Fn(RunId) -> Pin<Box<dyn Future<Output = Option<RunSnapshot>> + Send>> + Send + Sync,
>;
#[cfg(target_arch = "wasm32")]
pub(super) type LookAt =
    std::rc::Rc<dyn Fn(RunId) -> Pin<Box<dyn Future<Output = Option<RunSnapshot>>>>>;

/// Makes a [`SendRequest`] for the API at a path of the origin that a stream came from; `None` where that is
/// no path.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type ApiClientFor = Box<dyn Fn(&str) -> Option<SendRequest> + Send>;
#[cfg(target_arch = "wasm32")]
pub(super) type ApiClientFor = Box<dyn Fn(&str) -> Option<SendRequest>>;

/// The way to a server that can be acted on.
#[derive(Clone)]
pub(super) struct OperationClient {
    pub post: SendRequest,
    /// How a run stands: `execute` is answered with an error also where the run ran and failed.
    pub look: Option<LookAt>,
    /// Told of each run that was made or acted on, as soon as that is known.
    pub touched: Option<mpsc::UnboundedSender<RunId>>,
}

impl OperationClient {
    /// Does it. `random` is in `0.0..1.0`.
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
                answer.map(|_| (run.clone(), "Cancel was asked for".to_owned()))
            }
            RunOperation::Retry(run) => {
                match self.post(ApiRequest::of_run("runs", run, "retry")).await {
                    Ok(body) => {
                        let made = rest::made_run(&body).map_err(|error| error.to_string())?;
                        self.touch(&made);
                        return Ok(OperationSuccess {
                            run: Some(made),
                            words: "A new run waits to be executed".to_owned(),
                        });
                    }
                    Err(error) => Err(error),
                }
            }
            RunOperation::Execute(run) => self.execute(run).await.map(|executed| {
                let words = match executed {
                    Executed::Begun => "Execution began".to_owned(),
                    Executed::Failed(why) => format!("The run was executed, and failed: {why}"),
                };
                (run.clone(), words)
            }),
        };
        if let Some(run) = operation.run() {
            // A refusal, too, says that it is not as it was thought to be.
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
                Err(format!("Run {made} was made, but not begun: {}", error.words()))
            }
            Err(error) => Err(format!(
                "Run {made} was made, and executing it was answered with an error: {}. Look at the \
                 run before you try again",
                error.words()
            )),
        }
    }

    /// Begins a run. That it takes long is a good sign. An error says nothing for sure: the backend
    /// answers 500 also where the run began and failed, so the run is looked at.
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

    /// The first call, or the second where the server does not know the first. Whether it was the
    /// first that was answered.
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
            // The one that knows what it speaks of.
            Err(error) if error.is_unknown() && error.says_nothing() => Err(unknown),
            Err(error) => Err(error),
        }
    }

    /// Has a run watched that something was done to.
    pub fn touch(&self, run: &RunId) {
        if let Some(touched) = &self.touched {
            // Whoever watched runs has stopped meanwhile.
            let _ = touched.send(run.clone());
        }
    }
}

/// What came of an `execute`.
enum Executed {
    Begun,
    /// It began and has failed since: why.
    Failed(String),
}

/// The graph of a run as the product's own client sends it; the backend goes by its own pipeline.
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
