//! A backend's REST at the hub's own address, so that a page asks its own origin and no screen needs
//! the backend's credentials.
//!
//! Of what a screen sends, method, path, query and body go on, and nothing else: no cookie, no
//! authorization and no other header. Of what comes back, status, type and body.

mod calls;
mod upstream;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::future::{FutureExt, Shared, WeakShared};
use tokio::{sync::Semaphore, time::timeout};

pub use self::upstream::UpstreamSetupError;
use self::{
    calls::{ApiCall, CallRejection},
    upstream::{PATIENCE, Upstream, UpstreamError},
};
use super::{
    Hub,
    answer::detail,
    gate::{Peer, Reason, Refusals},
};
use crate::protocol::rest::made_run;
use crate::source::{
    Access, ApiUrl, ConnectionBudget, Disconnect,
    http::{HttpError, HttpResponse},
};

/// Where the backend's REST is on the hub, and on most backends.
pub const API_BASE: &str = "/api/v1";

/// Runs that are executed through the hub at the same time.
const MOST_EXECUTING: usize = 64;

/// Bytes of what a screen sends.
const MOST_BYTES: usize = 1 << 20;

/// How long a change may take. Longer than a look: a backend that freezes does it when it thaws, and
/// whoever asked wants to know.
const CHANGE_PATIENCE: Duration = Duration::from_secs(60);

/// A run that takes longer than this is no run.
const EXECUTE_PATIENCE: Duration = Duration::from_secs(86_400);

/// What came back is shown to nobody as a page of the hub.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// What stands behind `/api`.
#[derive(Clone, Debug, Default)]
pub enum ApiBackend {
    /// A backend with REST: its address and the hub's credentials for it.
    Backend {
        url: ApiUrl,
        access: Box<Access>,
        /// The connections that the hub may hold to it in all, its own questions included.
        budget: ConnectionBudget,
    },
    /// A stream of events: it has no REST that is known of.
    Stream,
    /// The demo studio, which has none.
    #[default]
    Demo,
}

/// Passes REST through.
pub struct Passthrough {
    upstream: Result<Upstream, &'static str>,
    allow_actions: bool,
    budget: ConnectionBudget,
    executing: Arc<Semaphore>,
    looks: Mutex<HashMap<String, WeakShared<SharedRead>>>,
    refusals: Arc<Refusals>,
    answers: ResponseCounts,
    /// It watches what is made through this.
    hub: Weak<Hub>,
}

/// A look under way, for all who want to look at the same.
type SharedRead = Pin<Box<dyn Future<Output = ProxiedResponse> + Send>>;

impl Passthrough {
    /// # Errors
    ///
    /// When the authorities to trust cannot be had.
    pub fn new(
        behind: ApiBackend,
        allow_actions: bool,
        refusals: Arc<Refusals>,
        hub: Option<&Arc<Hub>>,
    ) -> Result<Self, UpstreamSetupError> {
        let budget = match &behind {
            ApiBackend::Backend { budget, .. } => budget.clone(),
            ApiBackend::Stream | ApiBackend::Demo => ConnectionBudget::new(1),
        };
        let upstream = match behind {
            ApiBackend::Backend { url, access, .. } => Ok(Upstream::new(url, *access)?),
            ApiBackend::Stream => {
                Err("this hub has no API: what is behind it is a stream of events")
            }
            ApiBackend::Demo => Err("this hub has no API: what is behind it is a demo studio"),
        };
        Ok(Self {
            upstream,
            allow_actions,
            budget,
            executing: Arc::new(Semaphore::new(MOST_EXECUTING)),
            looks: Mutex::default(),
            refusals,
            answers: ResponseCounts::default(),
            hub: hub.map(Arc::downgrade).unwrap_or_default(),
        })
    }

    /// How many answers there were, by class of status.
    pub fn answers(&self) -> &ResponseCounts {
        &self.answers
    }

    async fn pass(self: &Arc<Self>, request: Request) -> Response {
        if let Err(what) = &self.upstream {
            return detail(StatusCode::NOT_FOUND, what);
        }
        if request.headers().contains_key(header::UPGRADE) {
            return detail(StatusCode::NOT_FOUND, "the events of all runs are at /events");
        }
        let path = request.uri().path();
        let path = path.strip_prefix(API_BASE).unwrap_or(path);
        let call = match ApiCall::of(request.method(), path) {
            Ok(call) => call,
            Err(why) => return self.refuse(why),
        };
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{path}{query}");
        if call == ApiCall::Read {
            return self.look(target).await.into_response();
        }
        if !self.allow_actions {
            self.refusals.count(Reason::Action);
            return detail(StatusCode::FORBIDDEN, Reason::Action.words());
        }
        self.change(call, target, request).await
    }

    fn refuse(&self, why: CallRejection) -> Response {
        match why {
            CallRejection::Method => {
                let mut response =
                    detail(StatusCode::METHOD_NOT_ALLOWED, "this hub passes on GET, HEAD and POST");
                let allow = HeaderValue::from_static("GET,HEAD,POST");
                response.headers_mut().insert(header::ALLOW, allow);
                response
            }
            CallRejection::Unknown => {
                self.refusals.count(Reason::Action);
                detail(
                    StatusCode::FORBIDDEN,
                    "this hub passes on what starts, cancels, retries and executes runs, and \
                     nothing else that changes something",
                )
            }
            CallRejection::Path => detail(StatusCode::BAD_REQUEST, "there is no such path"),
        }
    }

    /// Looks at `target`, together with all others who want that while it is under way.
    fn look(self: &Arc<Self>, target: String) -> Shared<SharedRead> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = looks.get(&target).and_then(WeakShared::upgrade) {
            return under_way;
        }
        looks.retain(|_, look| look.upgrade().is_some());
        let (passthrough, place) = (Arc::clone(self), target.clone());
        // A task of its own: the backend goes on with a question whose screen has hung up, so that its
        // place among the connections stays taken until it is answered.
        let look: SharedRead = Box::pin(async move {
            let asked = tokio::spawn(async move { passthrough.ask(&place).await });
            asked.await.unwrap_or_else(|_| ProxiedResponse::nothing())
        });
        let look = look.shared();
        looks.extend(look.downgrade().map(|weak| (target, weak)));
        look
    }

    async fn ask(&self, target: &str) -> ProxiedResponse {
        let Ok(upstream) = &self.upstream else { return ProxiedResponse::nothing() };
        let asked = async {
            let _permit = self.budget.take().await;
            upstream.look(target).await
        };
        let silent = || Err(HttpError::Silent { after: PATIENCE }.into());
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| silent()).into()
    }

    /// Carries a change through to its end, whether or not who asked for it waits for that.
    async fn change(self: &Arc<Self>, call: ApiCall, target: String, request: Request) -> Response {
        let peer = request.extensions().get::<Peer>().cloned();
        let json = match self.read(request).await {
            Ok(json) => json,
            Err(response) => return response,
        };
        let executing = match call {
            ApiCall::Execute => match Arc::clone(&self.executing).try_acquire_owned() {
                Ok(place) => Some(place),
                Err(_) => {
                    let words =
                        "as many runs are executed through this hub as may be; wait for one";
                    return detail(StatusCode::TOO_MANY_REQUESTS, words);
                }
            },
            ApiCall::Change | ApiCall::Read => None,
        };
        let _waiting = peer.filter(|_| executing.is_some()).map(|peer| peer.wait_long());
        let passthrough = Arc::clone(self);
        let task = tokio::spawn(async move {
            let Ok(upstream) = &passthrough.upstream else { return ProxiedResponse::nothing() };
            if executing.is_some() {
                let sent = upstream.change(&target, json, EXECUTE_PATIENCE).await;
                return passthrough.watch_what_was_made(sent.into());
            }
            let sent = async {
                let _permit = passthrough.budget.take().await;
                upstream.change(&target, json, CHANGE_PATIENCE).await
            };
            let silent = || Err(HttpError::Silent { after: CHANGE_PATIENCE }.into());
            let sent = timeout(CHANGE_PATIENCE, sent).await.unwrap_or_else(|_| silent());
            passthrough.watch_what_was_made(sent.into())
        });
        // It does not panic, and nobody aborts it but the end of the hub.
        task.await.unwrap_or_else(|_| ProxiedResponse::nothing()).into_response()
    }

    /// A run that was made waits, and no list has it: every screen is to see it nevertheless.
    fn watch_what_was_made(&self, passed: ProxiedResponse) -> ProxiedResponse {
        if passed.status.is_success()
            && let Some(hub) = self.hub.upgrade()
            && let Ok(run) = made_run(&passed.body)
        {
            hub.watch(run);
        }
        passed
    }

    async fn read(&self, request: Request) -> Result<String, Response> {
        let body = timeout(PATIENCE, to_bytes(request.into_body(), MOST_BYTES)).await;
        let body = match body {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                self.refusals.count(Reason::Size);
                return Err(detail(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB"));
            }
            Err(_) => {
                return Err(detail(StatusCode::REQUEST_TIMEOUT, "the body took too long to come"));
            }
        };
        let wrong = || detail(StatusCode::BAD_REQUEST, "the body is no JSON");
        let text = String::from_utf8(body.to_vec()).map_err(|_| wrong())?;
        if !text.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
            return Err(wrong());
        }
        Ok(text)
    }
}

/// What goes back to a screen.
#[derive(Clone, Debug)]
struct ProxiedResponse {
    status: StatusCode,
    content_type: Option<HeaderValue>,
    body: Bytes,
}

impl From<Result<HttpResponse, UpstreamError>> for ProxiedResponse {
    fn from(answer: Result<HttpResponse, UpstreamError>) -> Self {
        let error = match answer {
            // Whose credentials are refused is the hub, not the screen.
            Ok(answer) if answer.status == 401 => {
                return Self::words(
                    StatusCode::BAD_GATEWAY,
                    "the backend refuses the hub's credentials: see METERBRIDGE_TOKEN and \
                     --token-file of the hub",
                );
            }
            Ok(answer) => {
                let content_type = answer.content_type.as_deref().map(HeaderValue::from_str);
                return Self {
                    status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY),
                    content_type: content_type.and_then(Result::ok),
                    body: answer.body.into(),
                };
            }
            Err(error) => error,
        };
        match error {
            // Where its file lies is nobody's business.
            UpstreamError::NoAccess => {
                Self::words(StatusCode::BAD_GATEWAY, "the hub cannot read its credentials")
            }
            UpstreamError::Http(
                error @ (HttpError::Silent { .. }
                | HttpError::NoConnection(Disconnect::ConnectTimeout { .. })),
            ) => Self::words(StatusCode::GATEWAY_TIMEOUT, &format!("the backend: {error}")),
            UpstreamError::Http(error) => {
                Self::words(StatusCode::BAD_GATEWAY, &format!("the backend: {error}"))
            }
        }
    }
}

impl ProxiedResponse {
    fn nothing() -> Self {
        Self::words(StatusCode::BAD_GATEWAY, "the hub ends")
    }

    fn words(status: StatusCode, words: &str) -> Self {
        let body = serde_json::json!({ "detail": words }).to_string();
        let content_type = Some(HeaderValue::from_static("application/json"));
        Self { status, content_type, body: body.into() }
    }
}

impl IntoResponse for ProxiedResponse {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        headers.extend(self.content_type.map(|kind| (header::CONTENT_TYPE, kind)));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Answers by class of status: 2xx and so on.
#[derive(Debug, Default)]
pub struct ResponseCounts([AtomicU64; 6]);

impl ResponseCounts {
    fn count(&self, status: StatusCode) {
        if let Some(count) = self.0.get(usize::from(status.as_u16() / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Classes as they stand in a label, with their counts.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];
        names.into_iter().zip(&self.0).skip(2).map(|(name, it)| (name, it.load(Ordering::Relaxed)))
    }
}

/// Everything below the base.
pub fn routes(passthrough: Arc<Passthrough>) -> Router {
    Router::new().route(&format!("{API_BASE}/{{*path}}"), any(answer)).with_state(passthrough)
}

async fn answer(State(passthrough): State<Arc<Passthrough>>, request: Request) -> Response {
    let mut response = passthrough.pass(request).await;
    passthrough.answers.count(response.status());
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
