//! Pool of database connections. Waiting for a connection blocks the backend's whole event loop
//! (protocol 6.2).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Backend;

/// Number of connections in the pool.
pub const POOL: usize = 15;
/// Time for which the whole server freezes when one more connection is requested.
const POOL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for which an executing run holds a connection around a commit.
const COMMIT: Duration = Duration::from_millis(4);

/// Error message after waiting in vain for a connection.
pub const POOL_WORDS: &str = "QueuePool limit of size 5 overflow 10 reached, connection timed out, \
     timeout 30.00 (Background on this error at: https://sqlalche.me/e/20/3o7r)";

/// User of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The socket of a run.
    Socket,
    /// A `GET` request of a viewer.
    Query,
    /// A call that changes something, or a request of a control client.
    Other,
}

impl Holder {
    fn is_watcher(self) -> bool {
        self != Self::Other
    }
}

/// Connections in use.
#[derive(Debug, Default)]
pub struct Pool {
    /// Number of kills so far. A connection of an earlier process is not returned to this pool.
    generation: u64,
    by_watchers: usize,
    by_others: usize,
    /// The times at which running commits return their connections.
    commits: Vec<Instant>,
    counts: PoolCounts,
}

/// Numbers of connections in use, and of freezes.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolCounts {
    /// Connections held now, by anything.
    pub held: usize,
    pub most_held: usize,
    /// Connections held now by sockets and requests of viewers.
    pub by_watchers: usize,
    pub most_by_watchers: usize,
    /// Freezes of the whole server because the pool was exhausted.
    pub freezes: usize,
    /// Freezes that would not have happened without viewers.
    pub freezes_by_watchers: usize,
}

impl Pool {
    fn held_by_runs(&mut self) -> usize {
        let now = Instant::now();
        self.commits.retain(|end| *end > now);
        self.commits.len()
    }

    pub fn counts(&mut self) -> PoolCounts {
        let held = self.by_watchers + self.by_others + self.held_by_runs();
        self.counts.held = held;
        self.counts.most_held = self.counts.most_held.max(held);
        self.counts.by_watchers = self.by_watchers;
        self.counts.most_by_watchers = self.counts.most_by_watchers.max(self.by_watchers);
        self.counts
    }

    /// Restarts the recording of the maxima.
    pub fn forget_maxima(&mut self) {
        self.counts.most_held = 0;
        self.counts.most_by_watchers = 0;
    }

    fn is_exhausted(&mut self) -> bool {
        self.counts().held >= POOL
    }

    fn count_freeze(&mut self, asker_is_watcher: bool) {
        let others = self.by_others + self.held_by_runs() + usize::from(!asker_is_watcher);
        self.counts.freezes += 1;
        self.counts.freezes_by_watchers += usize::from(others <= POOL);
    }

    /// Drops all connections, as the end of the process does.
    pub fn reset(&mut self) {
        *self = Self { generation: self.generation + 1, counts: self.counts, ..Self::default() };
    }
}

/// One connection of the pool, returned when dropped.
pub struct Connection {
    backend: Backend,
    holder: Holder,
    generation: u64,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut knobs = self.backend.knobs();
        let pool = &mut knobs.pool;
        if pool.generation == self.generation {
            match self.holder.is_watcher() {
                true => pool.by_watchers -= 1,
                false => pool.by_others -= 1,
            }
        }
    }
}

impl Backend {
    /// Takes a connection. Returns `None` after a freeze of 30 s where the pool is exhausted.
    pub(super) async fn connection(&self, holder: Holder) -> Option<Connection> {
        self.thawed().await;
        let taken = self.try_connection(holder);
        if taken.is_none() {
            self.wait_for_pool(holder.is_watcher()).await;
        }
        taken
    }

    fn try_connection(&self, holder: Holder) -> Option<Connection> {
        let mut knobs = self.knobs();
        let pool = &mut knobs.pool;
        if pool.is_exhausted() {
            return None;
        }
        match holder.is_watcher() {
            true => pool.by_watchers += 1,
            false => pool.by_others += 1,
        }
        pool.counts();
        Some(Connection { backend: self.clone(), holder, generation: pool.generation })
    }

    /// Holds a connection of an executing run for the time of a commit.
    pub(super) async fn commit(&self) {
        self.thawed().await;
        let waits = self.knobs().pool.is_exhausted();
        if waits {
            self.wait_for_pool(false).await;
        }
        let mut knobs = self.knobs();
        knobs.pool.commits.push(Instant::now() + COMMIT);
        knobs.pool.counts();
    }

    /// Freezes the server: the wait is synchronous, so no connection can be returned meanwhile.
    async fn wait_for_pool(&self, asker_is_watcher: bool) {
        self.knobs().pool.count_freeze(asker_is_watcher);
        self.freeze(POOL_TIMEOUT);
        self.thawed().await;
    }

    /// Takes `time` to work on an answer: half of it in the event loop, which blocks other answers.
    pub(super) async fn work(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let half = time / 2;
        {
            let _turn = self.inner.event_loop.lock().await;
            self.thawed().await;
            sleep(half).await;
        }
        sleep(time - half).await;
        self.thawed().await;
    }
}
