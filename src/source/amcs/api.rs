//! Calls of the backend's REST API, and their paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use smol_str::SmolStr;

use super::discovery::PageQuestion;
use crate::protocol::RunId;
use crate::protocol::rest::{self, RunList, RunSnapshot};
use crate::source::api_base::ApiBase;
use crate::source::api_url::segment;
use crate::source::connector::Connect;
use crate::source::http::{HttpClient, HttpError};
use crate::source::run_operation::{ApiRequest, RequestError};
use crate::source::{ConnectionBudget, ConnectionPermit};

/// Time to wait for an answer: longer than the freeze of a backend that ran out of database
/// connections. Repeating the request during the freeze would take one more connection.
const PATIENCE: Duration = Duration::from_secs(75);

/// Answer of the REST API to one request, or its error; one variant per kind of request.
pub(super) enum QueryAnswer {
    List(Result<RunList, HttpError>),
    Page(PageQuestion, Result<RunList, HttpError>),
    SongRuns(SmolStr, Result<RunList, HttpError>),
    /// The detail of a run, with the token of the socket that was open when the request was sent.
    Run(RunId, Option<u64>, Result<RunSnapshot, HttpError>),
    Song(SmolStr, Result<Option<SmolStr>, HttpError>),
}

impl QueryAnswer {
    /// The error, where the request failed.
    pub fn error(&self) -> Option<&HttpError> {
        match self {
            Self::List(answer) | Self::Page(_, answer) | Self::SongRuns(_, answer) => {
                answer.as_ref().err()
            }
            Self::Run(_, _, answer) => answer.as_ref().err(),
            Self::Song(_, answer) => answer.as_ref().err(),
        }
    }
}

pub(super) struct Api<C> {
    client: Arc<HttpClient<C>>,
    api_base: ApiBase,
    budget: ConnectionBudget,
    /// Bytes of the answers that were not counted yet.
    received: AtomicU64,
}

impl<C: Connect + Send + Sync + 'static> Api<C> {
    pub fn new(client: HttpClient<C>, api_base: Vec<String>, budget: ConnectionBudget) -> Self {
        let client = Arc::new(client.over_one_connection(PATIENCE));
        Self { client, api_base: ApiBase::new(api_base), budget, received: AtomicU64::new(0) }
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, HttpError> {
        let body = self.client.get(&format!("{}{path}", self.api_base.likeliest())).await?;
        self.received.fetch_add(body.len() as u64, Ordering::Relaxed);
        Ok(body)
    }

    /// Returns the bytes of the answers since the last call.
    pub fn take_received(&self) -> u64 {
        self.received.swap(0, Ordering::Relaxed)
    }

    /// Waits for a permit for one request among this program's connections to the backend.
    pub async fn permit(&self) -> ConnectionPermit {
        self.budget.take().await
    }

    /// Reads the complete list of active runs. Determines the path prefix of the API first.
    pub async fn active_runs(&self) -> Result<RunList, HttpError> {
        self.api_base.settle(&self.client).await?;
        read_list(&self.get("/monitoring/active-runs").await?)
    }

    /// Reads a page of the list of all runs.
    pub async fn page(&self, page: &PageQuestion) -> Result<RunList, HttpError> {
        let cursor = page.cursor.as_deref().map(|cursor| format!("&cursor={}", segment(cursor)));
        let path = format!("/workflow-runs?limit={}{}", page.limit, cursor.unwrap_or_default());
        read_list(&self.get(&path).await?)
    }

    /// Reads the list of a song's runs.
    pub async fn runs_of_song(&self, song: &str) -> Result<RunList, HttpError> {
        read_list(&self.get(&format!("/workflow-runs/by-song/{}", segment(song))).await?)
    }

    pub async fn run(&self, id: &RunId) -> Result<RunSnapshot, HttpError> {
        let body = self.get(&format!("/runs/{}", segment(id))).await?;
        Ok(RunSnapshot::read(&body)?)
    }

    /// Reads the title of a song; `None` where the song has none.
    pub async fn song_title(&self, id: &str) -> Result<Option<SmolStr>, HttpError> {
        let body = self.get(&format!("/songs/{}", segment(id))).await?;
        Ok(rest::song_title(&body)?)
    }

    /// Sends a `POST`, once.
    pub async fn post(&self, call: ApiRequest) -> Result<Vec<u8>, RequestError> {
        let is_execute = call.is_execute();
        let posting = async {
            let base = self.api_base.settle(&self.client).await?;
            let target = format!("{base}{}", call.path);
            Ok(self.client.post(&target, call.body, call.patience).await?)
        };
        // `execute` is answered when its run is over, so it takes no permit: it would block all
        // requests.
        if is_execute { posting.await } else { self.budget.lend(posting).await }
    }

    /// Path and query of the WebSocket with the events of a run.
    pub fn events_target(&self, id: &RunId) -> String {
        format!("{}/runs/events?run_id={}", self.api_base.likeliest(), segment(id))
    }
}

fn read_list(body: &[u8]) -> Result<RunList, HttpError> {
    Ok(RunList::read(body)?)
}
