//! Client for the backend's REST API, with the hub's own credentials, below the detected base.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use thiserror::Error;

use crate::source::{
    Access, AccessError, ApiUrl, Credentials,
    api_base::ApiBase,
    connector::NetConnector,
    http::{HttpClient, HttpError, HttpResponse},
};

/// Timeout of a request, from connecting to the end of the answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Time that a read keeps its place among the connections while the backend does not answer: longer
/// than the backend stands still, since it goes on with a request that is given up.
const ANSWER_PATIENCE: Duration = Duration::from_secs(75);

/// Reason why the client cannot be created.
#[derive(Debug, Error)]
pub enum UpstreamSetupError {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("no TLS on this machine: {0}")]
    Tls(#[from] rustls::Error),
}

/// Reason why there is no answer.
#[derive(Debug)]
pub(super) enum UpstreamError {
    /// The hub's own credentials cannot be read.
    NoAccess,
    Http(HttpError),
}

impl From<HttpError> for UpstreamError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

/// A client that is used for as long as the credentials do not change.
struct Session {
    credentials: Option<Credentials>,
    client: Arc<HttpClient<NetConnector>>,
    api_base: ApiBase,
}

/// Client for a backend's REST API.
pub(super) struct Upstream {
    connector: Arc<NetConnector>,
    url: ApiUrl,
    access: Access,
    session: Mutex<Option<Arc<Session>>>,
}

impl Upstream {
    /// Creates a client.
    ///
    /// # Errors
    ///
    /// Fails when the trusted certificate authorities cannot be loaded.
    pub fn new(url: ApiUrl, access: Access) -> Result<Self, UpstreamSetupError> {
        let connector = Arc::new(NetConnector::trusting(access.trust()?)?);
        Ok(Self { connector, url, access, session: Mutex::default() })
    }

    /// Sends a GET request for `path` below the base.
    pub async fn look(&self, path: &str) -> Result<HttpResponse, UpstreamError> {
        let session = self.session()?;
        let base = session.api_base.settle(&session.client).await?;
        let answer = session.client.look(&format!("{base}{path}")).await?;
        Ok(session.client.without_secrets(answer))
    }

    /// Sends `json` to `path` below the base, once.
    pub async fn change(
        &self,
        path: &str,
        json: String,
        patience: Duration,
    ) -> Result<HttpResponse, UpstreamError> {
        let session = self.session()?;
        let base = session.api_base.settle(&session.client).await?;
        let answer = session.client.change(&format!("{base}{path}"), json, patience).await?;
        Ok(session.client.without_secrets(answer))
    }

    /// Returns the session with the current credentials, which may have changed in their file.
    fn session(&self) -> Result<Arc<Session>, UpstreamError> {
        let credentials = self.access.credentials().map_err(|_| UpstreamError::NoAccess)?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = session.as_ref().filter(|it| it.credentials == credentials) {
            return Ok(Arc::clone(session));
        }
        let fresh = Arc::new(Session {
            client: Arc::new(
                HttpClient::new(
                    Arc::clone(&self.connector),
                    self.url.clone(),
                    credentials.clone(),
                    PATIENCE,
                )
                .over_one_connection(ANSWER_PATIENCE),
            ),
            api_base: ApiBase::new(self.url.api_base()),
            credentials,
        });
        *session = Some(Arc::clone(&fresh));
        Ok(fresh)
    }
}
