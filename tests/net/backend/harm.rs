//! Harm that watching does to watched runs (protocol 6.1, 6.2), and the check at the end of every test
//! with the stand-in.

use uuid::Uuid;

use super::Backend;

/// Connections that one viewer may hold at the same time.
pub const MOST_WATCHER_CONNECTIONS: usize = 1;

/// Ending of a watcher's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The client sent a close frame.
    Polite,
    /// The client reset the TCP connection.
    Reset,
    /// The stream ended without a close frame, as that of a killed viewer does.
    Cut,
    /// The server closed the socket, which does no harm.
    ByServer,
}

/// Probabilities, by kind of parting, that a watcher's leaving during a run makes the run's next
/// publication raise.
#[derive(Clone, Copy, Debug)]
pub struct RemovalFaults {
    pub polite: f64,
    pub reset: f64,
    pub cut: f64,
}

impl RemovalFaults {
    /// Every watcher that leaves during a run fails the run.
    pub const ALWAYS: Self = Self { polite: 1.0, reset: 1.0, cut: 1.0 };
}

impl Default for RemovalFaults {
    /// Rates measured with nodes of 30 ms.
    fn default() -> Self {
        Self { polite: 17.0 / 144.0, reset: 12.0 / 156.0, cut: 45.0 / 82.0 }
    }
}

/// Limits that a test sets for the final check.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Connections that all watchers together may hold at the same time.
    pub connections: usize,
    /// True when the test does harm on purpose.
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

    /// Allows the connections of `viewers` viewers.
    pub fn expect_viewers(&self, viewers: usize) {
        self.allow_connections(viewers * MOST_WATCHER_CONNECTIONS);
    }

    pub fn allow_connections(&self, connections: usize) {
        self.knobs().allowance.connections = connections;
    }

    /// Disables the final check, for a test that does harm on purpose. The faults stay enabled.
    pub fn expect_harm(&self) {
        self.knobs().allowance.harm = true;
    }

    /// Asserts that no run failed because it was watched, that watchers did not freeze the server, and
    /// that they never held more connections than allowed. Called when the test's own handle is
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

    /// Runs that failed because a watcher left, once for each execution.
    pub fn failed_by_watchers(&self) -> Vec<Uuid> {
        self.lock().failed_by_watchers.clone()
    }

    /// Number of runs that failed because a watcher's connection was cut or reset, not closed.
    #[allow(dead_code, reason = "a bench asks, and no test")]
    pub fn failed_by_cuts(&self) -> usize {
        self.lock().failed_by_cuts
    }

    /// Removes a watcher of `run`. While the run executes, its next publication may raise.
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
            run.was_cut = matches!(parting, Parting::Cut | Parting::Reset);
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
