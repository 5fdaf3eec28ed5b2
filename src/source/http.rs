//! A small HTTP client over the source's own transports: one origin, bounded answers, a timeout for
//! each, kept connections, and credentials that go nowhere else.

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

/// Idle connections kept.
const MOST_IDLE: usize = 4;

/// Between a connection's loss and another attempt.
const BEFORE_ANOTHER: Duration = Duration::from_millis(250);

/// Redirects followed, on the same origin only.
const MOST_REDIRECTS: usize = 3;

/// Bytes of an answer. A run with thousands of executions has a megabyte.
const MOST_BYTES: usize = 8 << 20;

/// Why there is no answer to a question, in words for a person and without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HttpError {
    /// No connection could be made.
    #[error("{0}")]
    NoConnection(Disconnect),
    /// The server hung up instead of answering.
    #[error("the server hung up without an answer")]
    Lost,
    #[error("no answer within {}", seconds(*.after))]
    Silent { after: Duration },
    /// It answered with something other than success.
    #[error("HTTP {status}{}", if .words.is_empty() { String::new() } else { format!(": {}", .words) })]
    Refused { status: u16, words: String },
    /// It moved to another origin, where our credentials have no business.
    #[error("HTTP {status}: it moved to {place}. Connect to that address instead")]
    Moved { status: u16, place: String },
    #[error("an answer of more than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
    #[error("what answers does not speak HTTP: {0}")]
    Protocol(String),
    #[error("{0}")]
    Unreadable(#[from] crate::protocol::rest::RestError),
}

impl HttpError {
    /// The status it was refused with.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Moved { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether a server was there and answered, whatever it said.
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
                "{}. It may be done all the same: look before you try again",
                HttpError::Lost
            )),
            error => Self::Lost(error.to_string()),
        }
    }
}

/// Asks one origin.
pub struct HttpClient<C> {
    connector: Arc<C>,
    url: ApiUrl,
    credentials: Option<Credentials>,
    secrets: Secrets,
    /// From connecting to the opened connection.
    timeout: Duration,
    /// From the question to the end of the answer.
    patience: Duration,
    most_idle: usize,
    idle: Mutex<Vec<SendRequest<String>>>,
}

impl<C: Connect + Send + Sync + 'static> HttpClient<C> {
    /// `timeout` is for each question, from connecting to the end of the answer.
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

    /// The same over one kept connection, which waits for answers for `patience`: whoever hangs up on a
    /// backend in trouble and asks again holds two of its connections.
    #[must_use]
    pub fn over_one_connection(self, patience: Duration) -> Self {
        Self { patience, most_idle: 1, ..self }
    }

    /// `GET`, with redirects on this origin followed. A kept connection that turns out to be gone
    /// costs nothing.
    ///
    /// # Errors
    ///
    /// When there is no answer, or not that of a success.
    pub async fn get(&self, target: &str) -> Result<Vec<u8>, HttpError> {
        self.succeed(self.look(target).await?)
    }

    /// [`get`](Self::get), whatever the answer says.
    ///
    /// # Errors
    ///
    /// When there is no answer, or only elsewhere.
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

    /// `POST` of JSON, or of nothing; the answer is waited for so long. Nothing is tried twice, and no
    /// redirect is followed. Nobody hangs up on the server, which would go on all the same.
    ///
    /// # Errors
    ///
    /// When there is no answer, or not that of a success.
    pub async fn post(
        self: &Arc<Self>,
        target: &str,
        json: String,
        patience: Duration,
    ) -> Result<Vec<u8>, HttpError> {
        self.succeed(self.change(target, json, patience).await?)
    }

    /// [`post`](Self::post), whatever the answer says.
    ///
    /// # Errors
    ///
    /// When there is no answer, or only elsewhere.
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
        // The task can only have been ended with the program.
        let answer = answer.unwrap_or(Err(HttpError::Lost))?;
        match &answer.location {
            None => Ok(answer),
            Some(place) => Err(self.moved(answer.status, place)),
        }
    }

    /// An answer without our secrets, should the server have repeated them.
    pub fn without_secrets(&self, answer: HttpResponse) -> HttpResponse {
        let text = String::from_utf8_lossy(&answer.body);
        match self.secrets.hide_in_data(&text) {
            Cow::Borrowed(_) => answer,
            Cow::Owned(hidden) => HttpResponse { body: hidden.into_bytes(), ..answer },
        }
    }

    /// That it moved to where our credentials have no business.
    fn moved(&self, status: u16, place: &str) -> HttpError {
        let place = redact(&server_words(self.secrets.hide(place).as_bytes()));
        HttpError::Moved { status, place }
    }

    async fn ask(&self, target: &str) -> Result<HttpResponse, HttpError> {
        while let Some(kept) = self.take_idle() {
            match self.ask_on(kept, &Method::GET, target, "").await {
                // It was gone already, as after an unhandled error of the backend.
                Err(HttpError::Lost) => {}
                answer => return answer,
            }
        }
        let sender = self.open(target).await?;
        self.ask_on(sender, &Method::GET, target, "").await
    }

    /// A connection of its own.
    async fn open(&self, target: &str) -> Result<SendRequest<String>, HttpError> {
        let place = self.url.at(target.to_owned());
        let none = Disconnect::ConnectTimeout { after: self.timeout };
        let connected = timeout(self.timeout, self.connector.connect(&place)).await;
        let transport = connected.unwrap_or(Err(none)).map_err(HttpError::NoConnection)?;
        let (sender, connection) =
            handshake(TokioIo::new(transport)).await.map_err(|_| HttpError::Lost)?;
        // It ends when its sender is dropped; what ended it, the sender is told.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// [`ask`](Self::ask) for what may be asked twice: a connection may be dropped for reasons of
    /// another one's.
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
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        match body {
            Ok(body) => {
                let body = body.to_bytes().to_vec();
                Ok(HttpResponse { status: status.as_u16(), content_type, body, location })
            }
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err(HttpError::TooLarge)
            }
            Err(_) => Err(HttpError::Lost),
        }
    }

    /// The body of a success.
    fn succeed(&self, answer: HttpResponse) -> Result<Vec<u8>, HttpError> {
        if (200..300).contains(&answer.status) {
            return Ok(self.without_secrets(answer).body);
        }
        let HttpResponse { status, body, .. } = answer;
        let words = server_words(self.secrets.hide(&refusal_words(&body)).as_bytes());
        Err(HttpError::Refused { status, words: refusal_advice(status, words) })
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

/// What a server answered, whatever it says.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    /// Where it moved to, of a redirect that says so.
    location: Option<String>,
}

fn refusal_advice(status: u16, words: String) -> String {
    if status != 401 {
        return words;
    }
    let words = if words.is_empty() { "it wants credentials".to_owned() } else { words };
    format!("{words}. Put a token into METERBRIDGE_TOKEN or name its file with --token-file")
}
