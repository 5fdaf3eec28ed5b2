//! Small HTTP client over the source's own transports: one origin, bounded responses, a timeout for
//! each request, keep-alive connections, and credentials that are sent to that origin only.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::Disconnect;
use super::access::Credentials;
use super::api_url::ApiUrl;
use super::connector::Connect;
use super::disconnect::{seconds, server_words};
use super::run_operation::RequestError;
use super::secrets::{Secrets, basic};
use super::url::redact;
use crate::protocol::rest::refusal_words;

/// Most idle connections kept.
const MOST_IDLE: usize = 4;

/// Delay before the one retry after a lost connection.
const BEFORE_ANOTHER: Duration = Duration::from_millis(250);

/// Most redirects followed, on the same origin only.
const MOST_REDIRECTS: usize = 3;

/// Largest response in bytes. The detail of a run with thousands of executions takes about a megabyte.
const MOST_BYTES: usize = 8 << 20;

/// Reason why a request failed, in words for a person and without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HttpError {
    /// No connection could be made.
    #[error("{0}")]
    NoConnection(Disconnect),
    /// The server closed the connection without a response.
    #[error("the server closed the connection without an answer")]
    Lost,
    #[error("no answer within {}", seconds(*.after))]
    Silent { after: Duration },
    /// The server answered with a status other than success.
    #[error("HTTP {status}{}", if .words.is_empty() { String::new() } else { format!(": {}", .words) })]
    Refused { status: u16, words: String },
    /// The resource moved to another origin, to which our credentials are not sent.
    #[error("HTTP {status}: it moved to {place}. Connect to that address instead")]
    Moved { status: u16, place: String },
    #[error("an answer of more than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
    #[error("the server does not speak HTTP: {0}")]
    Protocol(String),
    #[error("{0}")]
    Unreadable(#[from] crate::protocol::rest::RestError),
}

impl HttpError {
    /// Returns the HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Moved { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// True when a server answered, with whatever status.
    pub fn was_answered(&self) -> bool {
        self.status().is_some() || matches!(self, Self::TooLarge | Self::Unreadable(_))
    }
}

impl From<HttpError> for RequestError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Refused { status, words } => Self::Refused { status, words },
            HttpError::Silent { after } => Self::Silent { after },
            HttpError::Lost => Self::Lost(format!(
                "{}. The operation may have been done: check the run before you try again",
                HttpError::Lost
            )),
            error => Self::Lost(error.to_string()),
        }
    }
}

/// HTTP client of one origin.
pub struct HttpClient<C> {
    connector: Arc<C>,
    url: ApiUrl,
    credentials: Option<Credentials>,
    secrets: Secrets,
    /// Limit for opening a connection.
    timeout: Duration,
    /// Limit from sending the request to the end of the response.
    patience: Duration,
    most_idle: usize,
    idle: Mutex<Vec<SendRequest<String>>>,
}

impl<C: Connect + Send + Sync + 'static> HttpClient<C> {
    /// Creates a client. `timeout` limits each request, from connecting to the end of the response.
    pub fn new(
        connector: Arc<C>,
        url: ApiUrl,
        credentials: Option<Credentials>,
        timeout: Duration,
    ) -> Self {
        let secrets = Secrets::new(credentials.as_ref(), url.location());
        let idle = Mutex::default();
        let (patience, most_idle) = (timeout, MOST_IDLE);
        Self { connector, url, credentials, secrets, timeout, patience, most_idle, idle }
    }

    /// Restricts the client to one keep-alive connection and waits up to `patience` for each response.
    /// A client that hangs up on a struggling backend and asks again holds two of its connections.
    #[must_use]
    pub fn over_one_connection(self, patience: Duration) -> Self {
        Self { patience, most_idle: 1, ..self }
    }

    /// Sends a `GET` and returns the body. Follows redirects on this origin. A keep-alive connection
    /// that turns out to be closed is replaced.
    ///
    /// # Errors
    ///
    /// Fails when there is no response, or its status is not a success.
    pub async fn get(&self, target: &str) -> Result<Vec<u8>, HttpError> {
        self.succeed(self.look(target).await?)
    }

    /// Works like [`get`](Self::get), but returns the whole response.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get).
    pub async fn fetch(&self, target: &str) -> Result<HttpResponse, HttpError> {
        let answer = self.look(target).await?;
        if (200..300).contains(&answer.status) {
            return Ok(self.without_secrets(answer));
        }
        Err(self.refused(answer))
    }

    /// Works like [`get`](Self::get), but returns responses of any status.
    ///
    /// # Errors
    ///
    /// Fails when there is no response, or a redirect leads to another origin.
    pub async fn look(&self, target: &str) -> Result<HttpResponse, HttpError> {
        let mut target = target.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let asked = timeout(self.patience, self.ask_again(&target));
            let silent = Err(HttpError::Silent { after: self.patience });
            let answer = asked.await.unwrap_or(silent)?;
            match &answer.location {
                None => return Ok(answer),
                Some(place) => match self.url.own_path(place) {
                    Some(path) => target = path,
                    None => return Err(self.moved(answer.status, place)),
                },
            }
        }
        Err(HttpError::Protocol("it redirects in a circle".to_owned()))
    }

    /// Sends one `GET` over a connection of its own and returns the status of the response, whatever it is.
    /// Neither retries nor follows redirects.
    ///
    /// # Errors
    ///
    /// Fails when there is no response.
    pub async fn reach(&self, target: &str) -> Result<u16, HttpError> {
        let asking = async {
            let sender = self.open(target).await?;
            self.ask_on(sender, &Method::GET, target, "").await
        };
        let asked = timeout(self.patience, asking).await;
        let answer = asked.unwrap_or(Err(HttpError::Silent { after: self.patience }))?;
        Ok(answer.status)
    }

    /// Sends a `POST` with JSON or an empty body and waits up to `patience` for the response. Neither
    /// retries nor follows redirects. On a timeout the request keeps running, as the server would act
    /// on it anyway.
    ///
    /// # Errors
    ///
    /// Fails when there is no response, or its status is not a success.
    pub async fn post(
        self: &Arc<Self>,
        target: &str,
        json: String,
        patience: Duration,
    ) -> Result<Vec<u8>, HttpError> {
        self.succeed(self.change(target, json, patience).await?)
    }

    /// Works like [`post`](Self::post), but returns responses of any status.
    ///
    /// # Errors
    ///
    /// Fails when there is no response, or it is a redirect.
    pub async fn change(
        self: &Arc<Self>,
        target: &str,
        json: String,
        patience: Duration,
    ) -> Result<HttpResponse, HttpError> {
        let opened = timeout(self.timeout, self.open(target));
        let none = Disconnect::ConnectTimeout { after: self.timeout };
        let sender = opened.await.unwrap_or(Err(HttpError::NoConnection(none)))?;
        let (client, target) = (self.clone(), target.to_owned());
        let asking = async move { client.ask_on(sender, &Method::POST, &target, &json).await };
        let answer = timeout(patience, tokio::spawn(asking)).await;
        let answer = answer.map_err(|_| HttpError::Silent { after: patience })?;
        // The task fails only when the program ends.
        let answer = answer.unwrap_or(Err(HttpError::Lost))?;
        match &answer.location {
            None => Ok(answer),
            Some(place) => Err(self.moved(answer.status, place)),
        }
    }

    /// Sends a `POST` with JSON and these additional headers over a connection of its own. Neither retries
    /// nor follows redirects. Returns responses of any status, without their bodies.
    ///
    /// # Errors
    ///
    /// Fails when there is no response within the client's timeout.
    #[cfg(feature = "hub")]
    pub async fn send_once(
        &self,
        target: &str,
        json: String,
        headers: &[(&'static str, String)],
    ) -> Result<HttpResponse, HttpError> {
        let sending = async {
            let mut sender = self.open(target).await?;
            sender.ready().await.map_err(|_| HttpError::Lost)?;
            let mut request = self.request(&Method::POST, target, &json)?;
            for (name, value) in headers {
                let value = header::HeaderValue::try_from(value)
                    .map_err(|error| HttpError::Protocol(error.to_string()))?;
                request.headers_mut().insert(*name, value);
            }
            let response = sender.send_request(request).await.map_err(|_| HttpError::Lost)?;
            // The body is of no use; a server that goes on sending it has answered all the same.
            let (head, _) = response.into_parts();
            Ok(HttpResponse {
                status: head.status.as_u16(),
                content_type: None,
                body: Vec::new(),
                location: None,
                headers: head.headers,
            })
        };
        let silent = Err(HttpError::Silent { after: self.patience });
        timeout(self.patience, sending).await.unwrap_or(silent)
    }

    /// Removes our secrets from a response, in case the server repeated them.
    pub fn without_secrets(&self, answer: HttpResponse) -> HttpResponse {
        let hide = |text: String| self.secrets.hide_in_data(&text).into_owned();
        let content_type = answer.content_type.map(hide);
        let text = String::from_utf8_lossy(&answer.body);
        let body = match self.secrets.hide_in_data(&text) {
            Cow::Borrowed(_) => answer.body,
            Cow::Owned(hidden) => hidden.into_bytes(),
        };
        HttpResponse { body, content_type, ..answer }
    }

    /// Returns the error for a redirect that is not followed.
    fn moved(&self, status: u16, place: &str) -> HttpError {
        let place = redact(&server_words(self.secrets.hide(place).as_bytes()));
        HttpError::Moved { status, place }
    }

    async fn ask(&self, target: &str) -> Result<HttpResponse, HttpError> {
        while let Some(kept) = self.take_idle() {
            match self.ask_on(kept, &Method::GET, target, "").await {
                // The connection was closed already, as after an unhandled error of the backend.
                Err(HttpError::Lost) => {}
                answer => return answer,
            }
        }
        let sender = self.open(target).await?;
        self.ask_on(sender, &Method::GET, target, "").await
    }

    /// Opens a new connection.
    async fn open(&self, target: &str) -> Result<SendRequest<String>, HttpError> {
        let place = self.url.at(target.to_owned());
        let none = Disconnect::ConnectTimeout { after: self.timeout };
        let connected = timeout(self.timeout, self.connector.connect(&place)).await;
        let transport = connected.unwrap_or(Err(none)).map_err(HttpError::NoConnection)?;
        let (sender, connection) =
            handshake(TokioIo::new(transport)).await.map_err(|_| HttpError::Lost)?;
        // The task ends when its sender is dropped; errors are reported to the sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Works like `ask`, with one retry: a connection may be lost for reasons that have nothing to do
    /// with this request.
    async fn ask_again(&self, target: &str) -> Result<HttpResponse, HttpError> {
        match self.ask(target).await {
            Err(HttpError::Lost) => {
                sleep(BEFORE_ANOTHER).await;
                self.ask(target).await
            }
            answer => answer,
        }
    }

    async fn ask_on(
        &self,
        mut sender: SendRequest<String>,
        method: &Method,
        target: &str,
        json: &str,
    ) -> Result<HttpResponse, HttpError> {
        sender.ready().await.map_err(|_| HttpError::Lost)?;
        let request = self.request(method, target, json)?;
        let response = sender.send_request(request).await.map_err(|error| {
            if error.is_parse() { HttpError::Protocol(error.to_string()) } else { HttpError::Lost }
        })?;
        let answer = self.read(response).await;
        if !matches!(answer, Err(HttpError::Lost | HttpError::TooLarge)) {
            self.keep(sender);
        }
        answer
    }

    fn request(
        &self,
        method: &Method,
        target: &str,
        json: &str,
    ) -> Result<Request<String>, HttpError> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, self.url.authority())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("meterbridge/", env!("CARGO_PKG_VERSION")));
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let secret = match (&self.credentials, self.url.userinfo()) {
            (Some(credentials), _) => {
                let (name, value) = credentials.header();
                Some((name.to_owned(), value.to_owned()))
            }
            (None, Some(userinfo)) => Some(("Authorization".to_owned(), basic(userinfo))),
            (None, None) => None,
        };
        if let Some((name, value)) = secret {
            let mut value = header::HeaderValue::try_from(value)
                .map_err(|_| HttpError::Protocol("credentials that cannot be sent".to_owned()))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let wrong = |error: hyper::http::Error| HttpError::Protocol(error.to_string());
        request.body(json.to_owned()).map_err(wrong)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<HttpResponse, HttpError> {
        let status = response.status();
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let location = text(header::LOCATION).filter(|_| status.is_redirection());
        let location = location.map(str::to_owned);
        let content_type = text(header::CONTENT_TYPE).map(str::to_owned);
        let headers = response.headers().clone();
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        match body {
            Ok(body) => {
                let body = body.to_bytes().to_vec();
                let status = status.as_u16();
                Ok(HttpResponse { status, content_type, body, location, headers })
            }
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err(HttpError::TooLarge)
            }
            Err(_) => Err(HttpError::Lost),
        }
    }

    /// Returns the body of a success, else the refusal.
    fn succeed(&self, answer: HttpResponse) -> Result<Vec<u8>, HttpError> {
        if (200..300).contains(&answer.status) {
            return Ok(self.without_secrets(answer).body);
        }
        Err(self.refused(answer))
    }

    fn refused(&self, answer: HttpResponse) -> HttpError {
        let HttpResponse { status, body, .. } = answer;
        let words = server_words(self.secrets.hide(&refusal_words(&body)).as_bytes());
        HttpError::Refused { status, words: refusal_advice(status, words) }
    }

    fn take_idle(&self) -> Option<SendRequest<String>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|sender| !sender.is_closed());
        idle.pop()
    }

    fn keep(&self, sender: SendRequest<String>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most_idle && !sender.is_closed() {
            idle.push(sender);
        }
    }
}

/// HTTP response of any status.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    /// Target of a redirect.
    location: Option<String>,
    headers: header::HeaderMap,
}

impl HttpResponse {
    /// Returns the value of a header; `None` where there is none, or it is no text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

fn refusal_advice(status: u16, words: String) -> String {
    if status != 401 {
        return words;
    }
    let words = if words.is_empty() { "it requires credentials".to_owned() } else { words };
    format!("{words}. Put a token into METERBRIDGE_TOKEN or name its file with --token-file")
}
