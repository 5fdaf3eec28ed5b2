//! Harm that watching does to what is watched (protocol 6.1, 6.2), and the check that every test of
//! the stand-in ends with.

use uuid::Uuid;

use super::Backend;

/// Connections that one viewer may hold at a time: what the tests hold the source to.
pub const MOST_WATCHER_CONNECTIONS: usize = 1;

/// Way in which a watcher's socket went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// With a close frame.
    Polite,
    /// By a TCP reset.
    Reset,
    /// The stream ended without a close frame, as a killed viewer's does.
    Cut,
    /// The server itself ended it, which does no harm.
    ByServer,
}

/// Shares of the watchers that go in mid-run after which the run's next publication raises.
#[derive(Clone, Copy, Debug)]
pub struct RemovalFaults {
    pub polite: f64,
    pub reset: f64,
    pub cut: f64,
}

impl RemovalFaults {
    /// Every watcher that goes in mid-run fails its run.
    pub const ALWAYS: Self = Self { polite: 1.0, reset: 1.0, cut: 1.0 };
}

impl Default for RemovalFaults {
    /// As measured with nodes of 30 ms.
    fn default() -> Self {
        Self { polite: 17.0 / 144.0, reset: 12.0 / 156.0, cut: 45.0 / 82.0 }
    }
}

/// What a test allows.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Connections that watchers may hold at a time, all viewers together.
    pub connections: usize,
    /// The test does harm on purpose.
    pub harm: bool,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { connections: MOST_WATCHER_CONNECTIONS, harm: false }
    }
}

impl Backend {
    pub fn fail_after_removals(&self, faults: RemovalFaults) {
        self.knobs().removal_faults = faults;
    }

    /// Allows as many connections as so many viewers may hold.
    pub fn expect_viewers(&self, viewers: usize) {
        self.allow_connections(viewers * MOST_WATCHER_CONNECTIONS);
    }

    pub fn allow_connections(&self, connections: usize) {
        self.knobs().allowance.connections = connections;
    }

    /// Switches the check at the end off, for a test that does harm on purpose. The faults stay.
    pub fn expect_harm(&self) {
        self.knobs().allowance.harm = true;
    }

    /// Asserts that no run failed because it was watched, that watchers did not freeze the server,
    /// and that they never held more connections than allowed. Called when a test's own handle is
    /// dropped.
    #[track_caller]
    pub fn assert_no_harm(&self) {
        let allowance = self.knobs().allowance;
        if allowance.harm {
            return;
        }
        let (pool, failed) = (self.pool(), self.failed_by_watchers());
        assert!(failed.is_empty(), "runs that failed because a watcher went: {failed:?}");
        assert_eq!(pool.freezes_by_watchers, 0, "watchers froze the server: {pool:?}");
        assert!(
            pool.most_by_watchers <= allowance.connections,
            "watchers held {} connections at once, {} are allowed",
            pool.most_by_watchers,
            allowance.connections
        );
    }

    /// Executions that failed because a watcher went.
    pub fn failed_by_watchers(&self) -> Vec<Uuid> {
        self.lock().failed_by_watchers.clone()
    }

    /// A watcher of `run` is removed: where the run goes on, its next publication may raise.
    pub(super) fn remove_watcher(&self, run: Uuid, parting: Parting) {
        let raises = {
            let mut knobs = self.knobs();
            let faults = knobs.removal_faults;
            let share = match parting {
                Parting::Polite => faults.polite,
                Parting::Reset => faults.reset,
                Parting::Cut => faults.cut,
                Parting::ByServer => 0.0,
            };
            knobs.random.f64() < share
        };
        if let Some(run) = self.lock().runs.get_mut(&run)
            && run.executing
            && raises
        {
            run.next_publication_raises = true;
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if self.is_tests_own && !std::thread::panicking() {
            self.assert_no_harm();
        }
    }
}
