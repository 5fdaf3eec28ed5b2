//! The lease: which hub watches the backend for the whole cluster.
//!
//! One key, changed only by compare-and-set. No clocks are compared: the holder counts from when it sent
//! its last renewal, and the others count from when they saw the key change. Revisions of the key are the
//! epochs of the stream.

use std::time::{Duration, Instant};

use async_nats::jetstream::kv::{self, Operation};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::Bytes;

use super::connection::Connection;
use crate::source::Warrant;

/// Interval of renewals, and of looks at the lease of another hub.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// Time after the last renewal for which the holder may use the backend. The rest until [`LOST_AFTER`]
/// is for requests in progress, and for clocks that do not run equally fast.
const VALID_FOR: Duration = Duration::from_secs(4);

/// Time without a change of the key after which another hub takes the lease.
const LOST_AFTER: Duration = Duration::from_secs(6);

/// Key of the lease in its bucket.
const KEY: &str = "watch";

/// Value of the key.
#[derive(Debug, Serialize, Deserialize)]
struct Value {
    hub: String,
}

/// Change of the lease, as seen from this hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// This hub has the lease now, with this epoch.
    Granted(u64),
    /// This hub has the lease no longer.
    Lost,
}

/// This hub's view of the lease.
pub(super) struct Lease {
    hub: String,
    warrant: Warrant,
    bucket: Option<kv::Store>,
    /// Revision of the key while this hub holds the lease.
    held: Option<u64>,
    /// Revision of the key, and when it was first seen.
    seen: Option<(u64, Instant)>,
    /// Name of the hub that held the lease when it was last looked at.
    pub holder: Option<String>,
}

impl Lease {
    pub(super) fn new(hub: String, warrant: Warrant) -> Self {
        Self { hub, warrant, bucket: None, held: None, seen: None, holder: None }
    }

    /// Renews the lease, or looks whether it is free. Returns what changed.
    ///
    /// # Errors
    ///
    /// Returns words when NATS does not answer. A lease that is held stays so until it expires.
    pub(super) async fn turn(
        &mut self,
        connection: &Connection,
    ) -> (Option<Turn>, Result<(), String>) {
        let done = match self.held {
            Some(revision) => self.renew(connection, revision).await,
            None => self.campaign(connection).await,
        };
        match done {
            Ok(turn) => (turn, Ok(())),
            Err(words) => {
                // A bucket that was deleted is made again.
                self.bucket = None;
                (self.expire(), Err(words))
            }
        }
    }

    /// Notes that the lease has expired, if it has.
    pub(super) fn expire(&mut self) -> Option<Turn> {
        let is_over = self.held.is_some() && !self.warrant.is_valid();
        is_over.then(|| self.lose())
    }

    fn lose(&mut self) -> Turn {
        self.warrant.end();
        self.held = None;
        self.seen = None;
        Turn::Lost
    }

    async fn bucket(&mut self, connection: &Connection) -> Result<kv::Store, String> {
        if self.bucket.is_none() {
            self.bucket = Some(connection.bucket().await?);
        }
        self.bucket.clone().ok_or_else(|| "there is no bucket".to_owned())
    }

    fn value(&self) -> Result<Bytes, String> {
        let value = serde_json::to_vec(&Value { hub: self.hub.clone() });
        value.map(Into::into).map_err(|error| error.to_string())
    }

    async fn renew(
        &mut self,
        connection: &Connection,
        revision: u64,
    ) -> Result<Option<Turn>, String> {
        let (bucket, value) = (self.bucket(connection).await?, self.value()?);
        if let Some(lost) = self.expire() {
            return Ok(Some(lost));
        }
        let sent = Instant::now();
        match connection.answered(bucket.update(KEY, value, revision)).await {
            Ok(revision) => {
                // A warrant that ended meanwhile stays ended: whoever depends on it has given up.
                if let Some(lost) = self.expire() {
                    return Ok(Some(lost));
                }
                self.held = Some(revision);
                self.warrant.extend(sent + VALID_FOR);
                Ok(self.expire())
            }
            Err(words) => {
                // The answer to the renewal before may have been lost.
                let entry = connection.answered(bucket.entry(KEY)).await.map_err(|_| words)?;
                match entry.filter(|entry| self.is_own(&entry.value)) {
                    Some(entry) => {
                        self.held = Some(entry.revision);
                        Ok(self.expire())
                    }
                    None => Ok(Some(self.lose())),
                }
            }
        }
    }

    async fn campaign(&mut self, connection: &Connection) -> Result<Option<Turn>, String> {
        let bucket = self.bucket(connection).await?;
        let entry = connection.answered(bucket.entry(KEY)).await?;
        let entry = entry.filter(|entry| entry.operation == Operation::Put);
        let sent = Instant::now();
        let taken = match entry {
            None => {
                self.holder = None;
                connection.answered(bucket.create(KEY, self.value()?)).await
            }
            Some(entry) => {
                let since = match self.seen {
                    Some((revision, since)) if revision == entry.revision => since,
                    _ => Instant::now(),
                };
                self.seen = Some((entry.revision, since));
                self.holder = holder(&entry.value);
                // An expired lease of this hub was left by itself.
                if since.elapsed() < LOST_AFTER && !self.is_own(&entry.value) {
                    return Ok(None);
                }
                connection.answered(bucket.update(KEY, self.value()?, entry.revision)).await
            }
        };
        // Another hub was faster, or NATS did not answer: the next turn tells.
        let Ok(revision) = taken else { return Ok(None) };
        self.held = Some(revision);
        self.seen = None;
        self.holder = Some(self.hub.clone());
        self.warrant.extend(sent + VALID_FOR);
        Ok(self.expire().or(Some(Turn::Granted(revision))))
    }

    /// Gives the lease back, so that another hub can take it at once.
    pub(super) async fn release(&mut self, connection: &Connection) {
        let Some(revision) = self.held.take() else { return };
        self.warrant.end();
        if let Some(bucket) = &self.bucket {
            // Where it fails, the lease expires.
            let deleting = bucket.delete_expect_revision(KEY, Some(revision));
            let _ = connection.answered(deleting).await;
        }
    }

    fn is_own(&self, value: &[u8]) -> bool {
        holder(value).is_some_and(|hub| hub == self.hub)
    }
}

fn holder(value: &[u8]) -> Option<String> {
    serde_json::from_slice::<Value>(value).ok().map(|value| value.hub)
}
