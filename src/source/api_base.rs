//! Path prefix of a backend's REST.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::connector::Connect;
use super::http::{HttpClient, HttpError};

/// Value of `settled` while the prefix is undetermined.
const UNKNOWN: usize = usize::MAX;

/// Candidate path prefixes of a REST API, and which of them is right.
pub struct ApiBase {
    candidates: Vec<String>,
    settled: AtomicUsize,
}

impl ApiBase {
    /// Takes the candidates, the likeliest first.
    pub fn new(candidates: Vec<String>) -> Self {
        Self { candidates, settled: AtomicUsize::new(UNKNOWN) }
    }

    /// Returns the prefix as far as it is known: the determined one, else the first candidate.
    pub fn likeliest(&self) -> &str {
        let settled = self.settled.load(Ordering::Relaxed);
        self.candidates.get(settled).or(self.candidates.first()).map_or("", String::as_str)
    }

    /// Returns the first prefix whose endpoints do not answer 404. Sends requests only the first time.
    ///
    /// # Errors
    ///
    /// Fails when a request gets no answer.
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
