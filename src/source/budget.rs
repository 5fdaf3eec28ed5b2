//! The connections that one program may hold to a backend at the same time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::held::HeldRuns;

/// A number of connections, shared by everything in this program that connects to the same backend:
/// sockets of runs, REST questions of the watcher, and REST calls that a hub passes on. Clones share it.
///
/// Each of those holds one of the backend's 15 database connections, and at 15 the backend stands still
/// (protocol, section 6.2).
#[derive(Clone, Debug)]
pub struct ConnectionBudget {
    permits: Arc<Semaphore>,
    most: usize,
    held: HeldRuns,
}

/// A connection that may be held until this is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl ConnectionBudget {
    /// A budget of `most` connections, at least one.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(most)), most, held: HeldRuns::default() }
    }

    /// Connections in all.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Runs whose sockets are among these connections and must not be closed yet.
    pub fn held(&self) -> &HeldRuns {
        &self.held
    }

    /// Waits for a connection.
    pub async fn take(&self) -> ConnectionPermit {
        // The semaphore is never closed.
        ConnectionPermit { _permit: self.permits.clone().acquire_owned().await.ok() }
    }

    /// A connection for a socket, where one is free. The last one is left to questions: a socket holds
    /// what it takes until its run is over.
    pub fn try_take(&self) -> Option<ConnectionPermit> {
        if self.permits.available_permits() < 2 {
            return None;
        }
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some(ConnectionPermit { _permit: Some(permit) })
    }
}

/// Two budgets are alike when they allow as much.
impl PartialEq for ConnectionBudget {
    fn eq(&self, other: &Self) -> bool {
        self.most == other.most
    }
}
