//! Below which path a backend has its REST.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::connector::Connect;
use super::http::{HttpClient, HttpError};

/// The base is not settled.
const UNKNOWN: usize = usize::MAX;

/// Paths that a REST may be at, and which of them it is.
pub struct ApiBase {
    candidates: Vec<String>,
    settled: AtomicUsize,
}

impl ApiBase {
    /// Of these, the likeliest first.
    pub fn new(candidates: Vec<String>) -> Self {
        Self { candidates, settled: AtomicUsize::new(UNKNOWN) }
    }

    /// The path that everything is below, as far as is known.
    pub fn likeliest(&self) -> &str {
        let settled = self.settled.load(Ordering::Relaxed);
        self.candidates.get(settled).or(self.candidates.first()).map_or("", String::as_str)
    }

    /// The path that everything is below: the first that is not answered with 404. Asks once.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn settle<C: Connect + Send + Sync + 'static>(
        &self,
        client: &HttpClient<C>,
    ) -> Result<&str, HttpError> {
        if self.candidates.len() < 2 || self.settled.load(Ordering::Relaxed) != UNKNOWN {
            return Ok(self.likeliest());
        }
        for (place, base) in self.candidates.iter().enumerate() {
            for path in ["/monitoring/active-runs", "/workflow-runs?limit=1"] {
                match client.get(&format!("{base}{path}")).await {
                    Err(HttpError::Refused { status: 404, .. }) => {}
                    Err(error) if !error.was_answered() => return Err(error),
                    _ => {
                        self.settled.store(place, Ordering::Relaxed);
                        return Ok(base);
                    }
                }
            }
        }
        Ok(self.likeliest())
    }
}
