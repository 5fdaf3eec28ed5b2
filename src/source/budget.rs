//! Limit on the connections that one program holds to a backend at the same time.

use std::sync::Arc;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::OnceLock;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::held::HeldRuns;
#[cfg(not(target_arch = "wasm32"))]
use super::warrant::Warrant;

/// Longest time for which a change keeps other requests waiting.
#[cfg(not(target_arch = "wasm32"))]
const MOST_KEPT_WAITING: std::time::Duration = std::time::Duration::from_secs(2);

/// Number of connections shared by everything in this program that connects to the same backend:
/// sockets of runs, REST requests of the watcher, and REST calls that a hub forwards. Clones share the
/// budget.
///
/// Each connection holds one of the backend's 15 database connections, and with all 15 in use the
/// backend freezes (protocol, section 6.2).
#[derive(Clone, Debug)]
pub struct ConnectionBudget {
    permits: Arc<Semaphore>,
    most: usize,
    held: HeldRuns,
    #[cfg(not(target_arch = "wasm32"))]
    warrant: Arc<OnceLock<Warrant>>,
}

/// Permission to hold one connection. Dropping it returns the connection to the budget.
#[derive(Debug)]
pub struct ConnectionPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl ConnectionBudget {
    /// Creates a budget of `most` connections, at least one.
    pub fn new(most: usize) -> Self {
        let most = crate::bounded::bounded(most, 1, Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(most));
        Self {
            permits,
            most,
            held: HeldRuns::default(),
            #[cfg(not(target_arch = "wasm32"))]
            warrant: Arc::default(),
        }
    }

    /// Total number of connections.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Runs whose sockets use these connections and must not be closed yet.
    pub fn held(&self) -> &HeldRuns {
        &self.held
    }

    /// Lends connections only while `warrant` is valid, through this budget and all of its clones. The
    /// first warrant stays.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn require(&self, warrant: Warrant) {
        let _ = self.warrant.set(warrant);
    }

    /// Waits for a free connection, and for the warrant if one is required.
    pub async fn take(&self) -> ConnectionPermit {
        // Always `Some`: the semaphore is never closed.
        let permit = self.permits.clone().acquire_owned().await.ok();
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(warrant) = self.warrant.get() {
            warrant.granted().await;
        }
        ConnectionPermit { _permit: permit }
    }

    /// Carries out `request` with a connection, which other requests get after at most
    /// [`MOST_KEPT_WAITING`]: a change that is not answered keeps nobody from watching.
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn lend<T>(&self, request: impl Future<Output = T>) -> T {
        let permit = self.take().await;
        let mut request = std::pin::pin!(request);
        match tokio::time::timeout(MOST_KEPT_WAITING, &mut request).await {
            Ok(answer) => answer,
            Err(_) => {
                drop(permit);
                request.await
            }
        }
    }

    /// Takes a connection for a socket, without waiting. Returns `None` when fewer than two are free:
    /// the last one is reserved for REST, because a socket holds its connection until its run is over.
    pub fn try_take(&self) -> Option<ConnectionPermit> {
        if self.permits.available_permits() < 2 {
            return None;
        }
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some(ConnectionPermit { _permit: Some(permit) })
    }
}

/// Equal when the totals are equal, whether or not the connections are shared.
impl PartialEq for ConnectionBudget {
    fn eq(&self, other: &Self) -> bool {
        self.most == other.most
    }
}
