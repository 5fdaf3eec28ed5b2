//! One `GET`, over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use super::connector::NetConnector;
use super::http::{HttpClient, HttpError};
use super::{Access, ApiUrl};

/// Time for the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns what is at `target`, a path and query below `url`.
///
/// # Errors
///
/// Fails when the credentials cannot be read, or there is no answer that is a success; says so without
/// secrets.
pub async fn get_once(url: &ApiUrl, target: &str, access: &Access) -> Result<Vec<u8>, GetError> {
    let words = |error: &dyn std::fmt::Display| GetError { status: None, words: error.to_string() };
    let credentials = access.credentials().map_err(|error| words(&error))?;
    let trust = access.trust().map_err(|error| words(&error))?;
    let connector = NetConnector::trusting(trust).map_err(|error| words(&error))?;
    let target = format!("{}{target}", url.path());
    let client = HttpClient::new(Arc::new(connector), url.clone(), credentials, PATIENCE);
    client
        .get(&target)
        .await
        .map_err(|error: HttpError| GetError { status: error.status(), words: error.to_string() })
}

/// Reason why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct GetError {
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// The reason, for a person.
    pub words: String,
}
