//! What is asked of the backend's REST, and where it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use smol_str::SmolStr;

use crate::protocol::RunId;
use crate::protocol::rest::{self, RunList, RunSnapshot};
use crate::source::act::{Call, PostError};
use crate::source::api_url::segment;
use crate::source::bases::Bases;
use crate::source::connector::Connect;
use crate::source::http::{HttpClient, HttpError};

/// Sizes of a page of runs, tried in turn: one pending run costs a whole page, and since pages are
/// in no order a smaller one may be without.
const PAGE_SIZES: [u32; 3] = [100, 20, 4];
/// Pages read of a list.
const MOST_PAGES: usize = 10;
/// Looks at the list for which a refused `active-runs` is not asked for again.
const LOOKS_AFTER_A_REFUSAL: u32 = 20;

/// The runs that are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub list: RunList,
    /// A running run that is not in it does not run any more.
    pub is_complete: bool,
}

pub(super) struct Api<C> {
    client: Arc<HttpClient<C>>,
    bases: Bases,
    /// Looks for which `active-runs` is left alone.
    without_active: AtomicU32,
}

impl<C: Connect + Send + Sync + 'static> Api<C> {
    pub fn new(client: HttpClient<C>, bases: Vec<String>) -> Self {
        Self {
            client: Arc::new(client),
            bases: Bases::new(bases),
            without_active: AtomicU32::new(0),
        }
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, HttpError> {
        self.client.get(&format!("{}{path}", self.bases.likeliest())).await
    }

    /// The runs that run: by `active-runs`, else by what can be read of the list of all.
    pub async fn find_runs(&self) -> Result<Found, HttpError> {
        self.bases.settle(&self.client).await?;
        let left_alone = self.without_active.load(Ordering::Relaxed);
        let mut refusal = None;
        if left_alone > 0 {
            self.without_active.store(left_alone - 1, Ordering::Relaxed);
        } else {
            match self.get("/monitoring/active-runs").await.and_then(|body| read_list(&body)) {
                Ok(list) => return Ok(Found { list, is_complete: true }),
                Err(error) if !error.was_answered() => return Err(error),
                Err(error) => {
                    self.without_active.store(LOOKS_AFTER_A_REFUSAL, Ordering::Relaxed);
                    refusal = Some(error);
                }
            }
        }
        match self.read_pages().await {
            Err(error) if error.was_answered() => Err(refusal.unwrap_or(error)),
            found => found,
        }
    }

    /// What can be read of the list of all runs.
    pub async fn read_pages(&self) -> Result<Found, HttpError> {
        let mut found = Found::default();
        let mut failure = None;
        let mut cursor: Option<SmolStr> = None;
        for _ in 0..MOST_PAGES {
            let Some(page) = self.read_page(cursor.as_deref(), &mut failure).await? else { break };
            found.list.runs.extend(page.runs);
            cursor = page.next_cursor;
            if cursor.is_none() {
                found.is_complete = failure.is_none();
                break;
            }
        }
        match failure {
            Some(error) if found.list.runs.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// One page, smaller where a larger one is refused; `None` where all are.
    async fn read_page(
        &self,
        cursor: Option<&str>,
        failure: &mut Option<HttpError>,
    ) -> Result<Option<RunList>, HttpError> {
        for size in PAGE_SIZES {
            let cursor = cursor.map(|cursor| format!("&cursor={}", segment(cursor)));
            let path = format!("/workflow-runs?limit={size}{}", cursor.unwrap_or_default());
            match self.get(&path).await.and_then(|body| read_list(&body)) {
                Ok(list) => return Ok(Some(list)),
                Err(error) if error.was_answered() => *failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    pub async fn run(&self, id: &RunId) -> Result<RunSnapshot, HttpError> {
        let body = self.get(&format!("/runs/{}", segment(id))).await?;
        Ok(RunSnapshot::read(&body)?)
    }

    /// The title of a song; `None` where it has none.
    pub async fn song_title(&self, id: &str) -> Result<Option<SmolStr>, HttpError> {
        let body = self.get(&format!("/songs/{}", segment(id))).await?;
        Ok(rest::song_title(&body)?)
    }

    /// Makes a call that changes something. It is made once.
    pub async fn post(&self, call: Call) -> Result<Vec<u8>, PostError> {
        let base = self.bases.settle(&self.client).await?;
        let target = format!("{base}{}", call.path);
        Ok(self.client.post(&target, call.body, call.patience).await?)
    }

    /// Where the events of a run come from.
    pub fn events_target(&self, id: &RunId) -> String {
        format!("{}/runs/events?run_id={}", self.bases.likeliest(), segment(id))
    }
}

fn read_list(body: &[u8]) -> Result<RunList, HttpError> {
    Ok(RunList::read(body)?)
}
