//! What a user has done to runs: which calls that takes, in which order, and what came of it.
//!
//! Knows no transport: a [`Post`] carries a call. Nothing is ever posted twice: who gets no answer
//! cannot know what was done.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};
use smol_str::SmolStr;
use tokio::sync::mpsc;

use super::ApiCalls;
use super::api_url::segment;
use super::ending::seconds;
use crate::protocol::{RunId, rest};

/// How long an answer is waited for. A backend may freeze for 45 s and answers then.
const PATIENCE: Duration = Duration::from_secs(60);
/// `execute` answers when the run is over. What is refused is refused within so long.
const PATIENCE_WITH_EXECUTE: Duration = Duration::from_secs(5);
/// Seeds that are chosen here are below this: short enough to be read out.
const SEEDS: f64 = 1_000_000.0;

/// Something that a user wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Makes a run of a song, and begins it. Without a seed one is chosen.
    Start { song_id: SmolStr, seed: Option<i64> },
    /// Asks for a run to be stopped; what is under way goes on to its end.
    Cancel(RunId),
    /// Makes a new run for the song of a failed one. It waits to be executed.
    Retry(RunId),
    /// Begins a run that waits.
    Execute(RunId),
}

impl Act {
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
pub struct Acted {
    pub act: Act,
    /// Why it was not done, in the server's own words where it said any; never empty.
    pub result: Result<Done, String>,
}

/// An act that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The run it is about: the new one, where one was made. `None` where the server did not say.
    pub run: Option<RunId>,
    /// What was done, for a person.
    pub words: String,
}

/// One `POST`.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Below the base of the API.
    pub path: String,
    /// JSON, or nothing.
    pub body: String,
    /// From the moment it was sent.
    pub patience: Duration,
}

impl Call {
    fn new(path: String, body: Option<Value>) -> Self {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        Self { path, body, patience: PATIENCE }
    }

    /// Answered when the run is over, not when it begins.
    pub fn is_execute(&self) -> bool {
        self.path.ends_with("/execute")
    }

    fn of_run(collection: &str, run: &RunId, verb: &str) -> Self {
        Self::new(format!("/{collection}/{}/{verb}", segment(run)), None)
    }
}

/// Why a call has no answer of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PostError {
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

impl PostError {
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

type Answer = Result<Vec<u8>, PostError>;

#[cfg(not(target_arch = "wasm32"))]
pub(super) type Posted = Pin<Box<dyn Future<Output = Answer> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(super) type Posted = Pin<Box<dyn Future<Output = Answer>>>;

/// What carries a call to the server. It sends it once.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type Post = std::sync::Arc<dyn Fn(Call) -> Posted + Send + Sync>;
#[cfg(target_arch = "wasm32")]
pub(super) type Post = std::rc::Rc<dyn Fn(Call) -> Posted>;

/// Makes a [`Post`] for the API at a path of the origin that a stream came from; `None` where that is
/// no path.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type PostTo = Box<dyn Fn(&str) -> Option<Post> + Send>;
#[cfg(target_arch = "wasm32")]
pub(super) type PostTo = Box<dyn Fn(&str) -> Option<Post>>;

/// The way to a server that can be acted on.
#[derive(Clone)]
pub(super) struct Actor {
    pub post: Post,
    /// Told of each run that was made or acted on, as soon as that is known.
    pub touched: Option<mpsc::UnboundedSender<RunId>>,
}

impl Actor {
    /// Does it. `random` is in `0.0..1.0`.
    pub async fn carry_out(self, calls: ApiCalls, act: Act, random: f64) -> Acted {
        let result = self.do_it(calls, &act, (random * SEEDS) as i64).await;
        Acted { act, result }
    }

    async fn do_it(&self, calls: ApiCalls, act: &Act, chosen: i64) -> Result<Done, String> {
        let result = match act {
            Act::Start { song_id, seed } => {
                return self.start(calls, song_id, seed.unwrap_or(chosen)).await;
            }
            Act::Cancel(run) => {
                let call = Call::of_run("runs", run, "cancel");
                let guides = Call::of_run("workflow-runs", run, "cancel");
                let answer = match calls {
                    ApiCalls::Backend => self.post(call).await,
                    ApiCalls::Guide => self.post_either(guides, call).await.map(|(body, _)| body),
                };
                answer.map(|_| (run.clone(), "Cancel was asked for".to_owned()))
            }
            Act::Retry(run) => match self.post(Call::of_run("runs", run, "retry")).await {
                Ok(body) => {
                    let made = rest::made_run(&body).map_err(|error| error.to_string())?;
                    self.touch(&made);
                    return Ok(Done {
                        run: Some(made),
                        words: "A new run waits to be executed".to_owned(),
                    });
                }
                Err(error) => Err(error),
            },
            Act::Execute(run) => {
                self.execute(run).await.map(|()| (run.clone(), "Execution began".to_owned()))
            }
        };
        if let Some(run) = act.run() {
            // A refusal, too, says that it is not as it was thought to be.
            self.touch(run);
        }
        let (run, words) = result.map_err(PostError::words)?;
        Ok(Done { run: Some(run), words })
    }

    async fn start(&self, calls: ApiCalls, song_id: &SmolStr, seed: i64) -> Result<Done, String> {
        let started = |run| Done { run, words: format!("Started with seed {seed}") };
        let body = json!({ "song_id": song_id.as_str(), "manifest": manifest(), "seed": seed });
        let create = Call::new("/runs".to_owned(), Some(body));
        let (answer, is_begun) = match calls {
            ApiCalls::Backend => self.post(create).await.map(|body| (body, false)),
            ApiCalls::Guide => {
                let body = json!({ "song_id": song_id.as_str(), "global_seed": seed });
                let call = Call::new("/workflows/execute".to_owned(), Some(body));
                self.post_either(call, create).await
            }
        }
        .map_err(PostError::words)?;
        let made = match rest::made_run(&answer) {
            Ok(made) => made,
            Err(_) if is_begun => return Ok(started(None)),
            Err(error) => return Err(error.to_string()),
        };
        self.touch(&made);
        if !is_begun && let Err(error) = self.execute(&made).await {
            return Err(format!("Run {made} was made, but not begun: {}", error.words()));
        }
        Ok(started(Some(made)))
    }

    /// Begins a run. That it takes long is a good sign.
    async fn execute(&self, run: &RunId) -> Result<(), PostError> {
        let call = Call::of_run("runs", run, "execute");
        match self.post(Call { patience: PATIENCE_WITH_EXECUTE, ..call }).await {
            Ok(_) | Err(PostError::Silent { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn post(&self, call: Call) -> Answer {
        (self.post)(call).await
    }

    /// The first call, or the second where the server does not know the first. Whether it was the
    /// first that was answered.
    async fn post_either(&self, first: Call, second: Call) -> Result<(Vec<u8>, bool), PostError> {
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
