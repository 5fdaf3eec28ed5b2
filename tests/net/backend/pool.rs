//! The database's pool of connections, for which everything waits inside the event loop
//! (protocol 6.2).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Backend;

/// Connections of the pool.
pub const POOL: usize = 15;
/// Time for which the whole server stands still when one more is asked for.
const POOL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for which the session around a commit of an executing run is open.
const COMMIT: Duration = Duration::from_millis(4);

/// Words of the error that whoever waited in vain gets.
pub const POOL_WORDS: &str = "QueuePool limit of size 5 overflow 10 reached, connection timed out, \
     timeout 30.00 (Background on this error at: https://sqlalche.me/e/20/3o7r)";

/// Purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A run's socket.
    Socket,
    /// A `GET` of a viewer.
    ConfirmDialog,
    /// A call that changes something, or a question of a client that is no viewer.
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
    /// Counts restarts: what an earlier process held is not given back to this one.
    generation: u64,
    by_watchers: usize,
    by_others: usize,
    /// Ends of the sessions of executing runs.
    commits: Vec<Instant>,
    counts: PoolCounts,
}

/// Connections in use, and what came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolCounts {
    /// Connections held at the moment, by anything.
    pub held: usize,
    pub most_held: usize,
    /// Connections held at the moment by sockets and questions of viewers.
    pub by_watchers: usize,
    pub most_by_watchers: usize,
    /// Times that the whole server stood still because the pool was empty.
    pub freezes: usize,
    /// Those that would not have happened without any viewer.
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

    /// Begins the maxima anew.
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

    /// The process is gone, and all its connections with it.
    pub fn reset(&mut self) {
        *self = Self { generation: self.generation + 1, counts: self.counts, ..Self::default() };
    }
}

/// One connection of the pool, given back when dropped.
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
    /// Takes a connection; `None` where there was none, which froze everything for 30 s.
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

    /// Opens the session of an executing run around a commit.
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

    /// The wait is synchronous, inside the event loop: nobody can give anything back meanwhile.
    async fn wait_for_pool(&self, asker_is_watcher: bool) {
        self.knobs().pool.count_freeze(asker_is_watcher);
        self.freeze(POOL_TIMEOUT);
        self.thawed().await;
    }

    /// Works on an answer: half of `time` in the event loop, where others wait, half elsewhere.
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
