//! The backend's REST API at the hub's own address, so that a page sends requests to its own origin
//! and no screen needs the backend's credentials.
//!
//! Of a screen's request only method, path, query and body are forwarded: no cookie, no
//! authorization and no other header. Of the answer only status, content type and body.

mod calls;
#[cfg(feature = "cluster")]
mod forward;
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
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

pub use self::upstream::UpstreamSetupError;
use self::{
    calls::{ApiCall, CallRejection},
    upstream::{PATIENCE, Upstream, UpstreamError},
};
use super::{
    Hub,
    answer::error_response,
    gate::{Peer, Reason, Refusals},
};
use crate::protocol::rest::made_run;
use crate::source::{
    Access, ApiUrl, ConnectionBudget, Disconnect,
    http::{HttpError, HttpResponse},
};

/// Path of the backend's REST API on the hub, and on most backends.
pub const API_BASE: &str = "/api/v1";

/// Maximum number of runs executed through the hub at a time.
const MOST_EXECUTING: usize = 64;

/// Maximum size of a request body in bytes.
const MOST_BYTES: usize = 1 << 20;

/// Timeout of a change. Longer than that of a read: a frozen backend performs the change when it
/// resumes, and the client wants to know the outcome.
const CHANGE_PATIENCE: Duration = Duration::from_secs(60);

/// Time that a read waits for its turn.
const TURN_PATIENCE: Duration = Duration::from_secs(30);

/// Timeout of an execution; no run takes longer.
const EXECUTE_PATIENCE: Duration = Duration::from_secs(86_400);

/// Prevents answers of the backend from being rendered as a page of the hub.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The API behind `/api`.
#[derive(Clone, Debug, Default)]
pub enum ApiBackend {
    /// A backend with REST: its address, and the hub's credentials for it.
    Backend {
        url: ApiUrl,
        access: Box<Access>,
        /// Total connections that the hub may hold to the backend, including its own requests.
        budget: ConnectionBudget,
    },
    /// A stream of events, without a known REST API.
    Stream,
    /// The demo studio, without a REST API.
    #[default]
    Demo,
}

/// Forwards REST calls.
pub struct Passthrough {
    upstream: Result<Upstream, &'static str>,
    allow_actions: bool,
    budget: ConnectionBudget,
    /// Held by the one read that waits for a connection.
    turn: Semaphore,
    executing: Arc<Semaphore>,
    looks: Mutex<HashMap<String, WeakShared<SharedRead>>>,
    refusals: Arc<Refusals>,
    answers: ResponseCounts,
    /// The hub, which watches runs created through this.
    hub: Weak<Hub>,
}

/// A read in progress, shared by all clients that request the same path.
type SharedRead = Pin<Box<dyn Future<Output = ProxiedResponse> + Send>>;

impl Passthrough {
    /// Creates the forwarding service.
    ///
    /// # Errors
    ///
    /// Fails when the trusted certificate authorities cannot be loaded.
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
            ApiBackend::Stream => Err("this hub has no API: its source is a stream of events"),
            ApiBackend::Demo => Err("this hub has no API: its source is a demo studio"),
        };
        Ok(Self {
            upstream,
            allow_actions,
            budget,
            turn: Semaphore::new(1),
            executing: Arc::new(Semaphore::new(MOST_EXECUTING)),
            looks: Mutex::default(),
            refusals,
            answers: ResponseCounts::default(),
            hub: hub.map(Arc::downgrade).unwrap_or_default(),
        })
    }

    /// Returns the numbers of answers by class of status.
    pub fn answers(&self) -> &ResponseCounts {
        &self.answers
    }

    async fn pass(self: &Arc<Self>, request: Request) -> Response {
        if let Err(what) = &self.upstream {
            return error_response(StatusCode::NOT_FOUND, what);
        }
        if request.headers().contains_key(header::UPGRADE) {
            return error_response(StatusCode::NOT_FOUND, "the events of all runs are at /events");
        }
        let path = request.uri().path();
        let path = path.strip_prefix(API_BASE).unwrap_or(path);
        let call = match ApiCall::of(request.method(), path, request.uri().query()) {
            Ok(call) => call,
            Err(why) => return self.refuse(why),
        };
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{path}{query}");
        if call == ApiCall::Read {
            return self.share_read(target).await.into_response();
        }
        if !self.allow_actions {
            self.refusals.count(Reason::Action);
            return error_response(StatusCode::FORBIDDEN, Reason::Action.words());
        }
        self.change(call, target, request).await
    }

    fn refuse(&self, why: CallRejection) -> Response {
        match why {
            CallRejection::Method => {
                let mut response = error_response(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "this hub passes on only GET, HEAD and POST",
                );
                let allow = HeaderValue::from_static("GET,HEAD,POST");
                response.headers_mut().insert(header::ALLOW, allow);
                response
            }
            CallRejection::Unknown => {
                self.refusals.count(Reason::Action);
                error_response(
                    StatusCode::FORBIDDEN,
                    "this hub passes on no requests that change something, except to start, cancel, \
                     retry and execute runs",
                )
            }
            CallRejection::Path => error_response(StatusCode::BAD_REQUEST, "there is no such path"),
        }
    }

    /// Reads `target`, sharing the request with all clients that ask for the same while it is in
    /// progress.
    fn share_read(self: &Arc<Self>, target: String) -> Shared<SharedRead> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = looks.get(&target).and_then(WeakShared::upgrade) {
            return under_way;
        }
        looks.retain(|_, look| look.upgrade().is_some());
        let (passthrough, place) = (Arc::clone(self), target.clone());
        let look: SharedRead = Box::pin(async move { passthrough.ask(&place).await });
        let look = look.shared();
        looks.extend(look.downgrade().map(|weak| (target, weak)));
        look
    }

    async fn ask(self: &Arc<Self>, target: &str) -> ProxiedResponse {
        #[cfg(feature = "cluster")]
        if let Some(hub) = self.follower() {
            return forward::ask(&hub, &axum::http::Method::GET, target, "").await;
        }
        self.look(target).await
    }

    /// Returns the hub while another one of its cluster watches the backend.
    #[cfg(feature = "cluster")]
    fn follower(&self) -> Option<Arc<Hub>> {
        self.hub.upgrade().filter(|hub| hub.is_follower())
    }

    /// Makes the calls that other hubs of the cluster pass on, while this one watches the backend.
    #[cfg(feature = "cluster")]
    pub fn answer_cluster(self: &Arc<Self>) {
        if let Some(calls) = self.hub.upgrade().and_then(|hub| hub.take_calls()) {
            tokio::spawn(forward::answer_calls(Arc::downgrade(self), calls));
        }
    }

    async fn look(self: &Arc<Self>, target: &str) -> ProxiedResponse {
        let silent = |after| ProxiedResponse::from(Err(HttpError::Silent { after }.into()));
        let permit = async {
            // One read at a time waits for the connection, so that the hub itself gets every second turn.
            let _turn = self.turn.acquire().await;
            self.budget.take().await
        };
        let Ok(permit) = timeout(TURN_PATIENCE, permit).await else { return silent(TURN_PATIENCE) };
        let (passthrough, place) = (Arc::clone(self), target.to_owned());
        // A task of its own: the backend goes on with a request that nobody waits for any more, so that its
        // place among the connections stays taken until it is answered.
        let asked = tokio::spawn(async move {
            let _permit = permit;
            let Ok(upstream) = &passthrough.upstream else { return ProxiedResponse::nothing() };
            upstream.look(&place).await.into()
        });
        match timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer,
            _ => silent(PATIENCE),
        }
    }

    /// Performs a change to its end, even if the client does not wait for the answer.
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
                        "too many runs are being executed through this hub; wait until one ends";
                    return error_response(StatusCode::TOO_MANY_REQUESTS, words);
                }
            },
            ApiCall::Change | ApiCall::Read => None,
        };
        #[cfg(feature = "cluster")]
        if let Some(hub) = self.follower().filter(|_| executing.is_none()) {
            return forward::ask(&hub, &axum::http::Method::POST, &target, &json)
                .await
                .into_response();
        }
        let _waiting = peer.filter(|_| executing.is_some()).map(|peer| peer.wait_long());
        self.send_change(target, json, executing).await.into_response()
    }

    async fn send_change(
        self: &Arc<Self>,
        target: String,
        json: String,
        executing: Option<OwnedSemaphorePermit>,
    ) -> ProxiedResponse {
        let passthrough = Arc::clone(self);
        let task = tokio::spawn(async move {
            let Ok(upstream) = &passthrough.upstream else { return ProxiedResponse::nothing() };
            if executing.is_some() {
                let sent = upstream.change(&target, json, EXECUTE_PATIENCE).await;
                return passthrough.watch_created_run(sent.into());
            }
            let change = upstream.change(&target, json, CHANGE_PATIENCE);
            let sent = passthrough.budget.lend(change);
            let silent = || Err(HttpError::Silent { after: CHANGE_PATIENCE }.into());
            let sent = timeout(CHANGE_PATIENCE, sent).await.unwrap_or_else(|_| silent());
            passthrough.watch_created_run(sent.into())
        });
        // The task does not panic, and only the end of the hub aborts it.
        task.await.unwrap_or_else(|_| ProxiedResponse::nothing())
    }

    /// Watches a run that was created. It is queued and in none of the backend's lists, but every
    /// screen should show it.
    fn watch_created_run(&self, passed: ProxiedResponse) -> ProxiedResponse {
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
                return Err(error_response(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body is larger than 1 MiB",
                ));
            }
            Err(_) => {
                return Err(error_response(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body took too long to arrive",
                ));
            }
        };
        let wrong = || error_response(StatusCode::BAD_REQUEST, "the body is not JSON");
        let text = String::from_utf8(body.to_vec()).map_err(|_| wrong())?;
        if !text.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
            return Err(wrong());
        }
        Ok(text)
    }
}

/// The answer to a screen.
#[derive(Clone, Debug)]
struct ProxiedResponse {
    status: StatusCode,
    content_type: Option<HeaderValue>,
    body: Bytes,
}

impl From<Result<HttpResponse, UpstreamError>> for ProxiedResponse {
    fn from(answer: Result<HttpResponse, UpstreamError>) -> Self {
        let error = match answer {
            // The hub's credentials were refused, not the screen's.
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
            // The path of the credentials file is not revealed.
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
        Self::words(StatusCode::BAD_GATEWAY, "the hub is shutting down")
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

/// Numbers of answers by class of status: 2xx and so on.
#[derive(Debug, Default)]
pub struct ResponseCounts([AtomicU64; 6]);

impl ResponseCounts {
    fn count(&self, status: StatusCode) {
        if let Some(count) = self.0.get(usize::from(status.as_u16() / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the classes, as named in metrics labels, with their counts.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];
        names.into_iter().zip(&self.0).skip(2).map(|(name, it)| (name, it.load(Ordering::Relaxed)))
    }
}

/// Returns the routes for everything below the base.
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
