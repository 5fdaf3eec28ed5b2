//! Runs whose sockets this program holds open, because closing one could make the backend fail its run
//! (protocol, section 6.1). The program reads the count before it ends, and waits.

use std::sync::Arc;
#[cfg(not(target_arch = "wasm32"))]
use std::time::Duration;

use tokio::sync::watch;

/// Counter of sockets that watch unfinished runs. Clones share the count.
#[derive(Clone, Debug)]
pub struct HeldRuns(Arc<watch::Sender<Count>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    runs: usize,
    /// True once waiting is given up and sockets are to be closed at once.
    is_released: bool,
}

/// One counted socket of an unfinished run. Dropping it decrements the count.
#[derive(Debug)]
pub struct HeldRun(HeldRuns);

impl Default for HeldRuns {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Count::default())))
    }
}

impl HeldRuns {
    /// Number of runs that closing the sockets now could fail.
    pub fn count(&self) -> usize {
        self.0.borrow().runs
    }

    /// Increments the count until the returned value is dropped.
    pub fn hold(&self) -> HeldRun {
        self.0.send_modify(|count| count.runs += 1);
        HeldRun(self.clone())
    }

    /// Ends all waiting: sockets are closed at once, even where this makes the backend fail their runs.
    pub fn release(&self) {
        self.0.send_modify(|count| count.is_released = true);
    }

    /// Waits until no run is held, for at most `limit`, or until [`release`](Self::release).
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn drained(&self, limit: Duration) {
        let mut changes = self.0.subscribe();
        let drained = changes.wait_for(|count| count.runs == 0 || count.is_released);
        // Cannot fail: `self` owns the sender.
        let _ = tokio::time::timeout(limit, drained).await;
    }

    /// Waits until no run is held.
    pub async fn emptied(&self) {
        let mut changes = self.0.subscribe();
        // Cannot fail: `self` owns the sender.
        let _ = changes.wait_for(|count| count.runs == 0).await;
    }

    /// Waits until [`release`](Self::release) is called.
    pub async fn released(&self) {
        let mut changes = self.0.subscribe();
        let _ = changes.wait_for(|count| count.is_released).await;
    }
}

impl Drop for HeldRun {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.runs = count.runs.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn drained_returns_after_the_last_run_is_dropped() {
        let held = HeldRuns::default();
        let (one, two) = (held.hold(), held.hold());
        assert_eq!(held.count(), 2);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(one);
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(two);
        });
        let began = Instant::now();
        held.drained(Duration::from_secs(600)).await;
        assert_eq!(began.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn drained_returns_at_its_limit_or_after_release() {
        let held = HeldRuns::default();
        let _run = held.hold();
        let began = Instant::now();
        held.drained(Duration::from_secs(7)).await;
        assert_eq!(began.elapsed().as_secs(), 7);
        held.release();
        held.drained(Duration::from_secs(600)).await;
        assert_eq!(began.elapsed().as_secs(), 7);
    }
}
