//! Delays the end of the program while it holds run sockets, because closing such a socket could make
//! the backend fail its run (protocol, section 6.1). Prints a message and waits until the runs are
//! over.

use std::future::Future;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

#[cfg(unix)]
use crate::kiosk::service::{Notice, Service};
use crate::source::HeldRuns;

/// Time allowed for sockets to close.
const PARTING: Duration = Duration::from_millis(1_500);

/// Prints the number of held runs to stderr and waits until they are over, for at most `limit`, or
/// until `again` (a second request to end) completes. Then closes the remaining sockets. Returns at
/// once when no run is held or `limit` is zero.
pub async fn wait_for_held_runs(held: &HeldRuns, limit: Duration, again: impl Future<Output = ()>) {
    let runs = held.count();
    if runs == 0 || limit.is_zero() {
        return;
    }
    // Ignore write errors: a closed stderr must not end the wait, which would fail runs.
    let _ = writeln!(io::stderr(), "{}", words(runs, limit));
    tokio::select! {
        () = held.drained(limit) => {}
        () = again => {}
    }
    let left = held.count();
    held.release();
    if left > 0 {
        // Let the sockets send a close frame: it fails fewer runs than a cut connection.
        let _ = timeout(PARTING, held.emptied()).await;
        let _ = writeln!(io::stderr(), "{}", words_of_the_rest(left));
    }
}

/// Held runs and the wait limit, for callers without access to the source.
static REMEMBERED: Mutex<Option<(HeldRuns, Duration)>> = Mutex::new(None);
/// True once the program is ending and must not be restarted.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Stores the runs and the limit for [`wait_before_restart`] and [`close_held_sockets`].
pub fn store_held_runs(held: &HeldRuns, limit: Duration) {
    *REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner) = Some((held.clone(), limit));
}

/// True once [`wait_blocking`] was called.
pub fn is_ending() -> bool {
    ENDING.load(Ordering::Acquire)
}

/// Closes the sockets of the [remembered](store_held_runs) runs at once, even where this makes the backend
/// fail them.
pub async fn close_held_sockets() {
    let remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((held, _)) = remembered {
        held.release();
        let _ = timeout(PARTING, held.emptied()).await;
    }
}

/// Waits for the [remembered](store_held_runs) runs before the process is replaced, blocking the thread.
pub fn wait_before_restart() {
    let remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((held, limit)) = remembered {
        block_on_wait(&held, limit);
    }
}

/// Marks the program as ending and blocks until the runs are over, for at most `limit`. For programs
/// without a runtime. A second Ctrl-C ends the process by its signal.
pub fn wait_blocking(held: &HeldRuns, limit: Duration) {
    ENDING.store(true, Ordering::Release);
    if held.count() == 0 {
        return;
    }
    // From here on no drawn frame notifies the service manager that the program is alive.
    #[cfg(unix)]
    if let Some(service) = Service::of_environment() {
        service.tell(Notice::Stopping);
    }
    block_on_wait(held, limit);
}

fn block_on_wait(held: &HeldRuns, limit: Duration) {
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
        runtime.block_on(wait_for_held_runs(held, limit, std::future::pending()));
    }
}

fn words(runs: usize, limit: Duration) -> String {
    let (runs, are, them) = match runs {
        1 => ("1 running run".to_owned(), "is", "it"),
        runs => (format!("{runs} running runs"), "are", "them"),
    };
    format!(
        "{runs} {are} watched over sockets, and the backend may fail a run when its socket closes: \
         waiting for {them} to end, for {} s at most. Ctrl-C exits at once",
        limit.as_secs()
    )
}

fn words_of_the_rest(runs: usize) -> String {
    match runs {
        1 => "1 watched run has not ended: the backend may fail it".to_owned(),
        runs => format!("{runs} watched runs have not ended: the backend may fail them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_held_runs_until_the_second_request() {
        let held = HeldRuns::default();
        let began = tokio::time::Instant::now();
        wait_for_held_runs(&held, Duration::from_secs(600), std::future::pending()).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "no run is held");
        let run = held.hold();
        let again = tokio::time::sleep(Duration::from_secs(3));
        wait_for_held_runs(&held, Duration::from_secs(600), again).await;
        assert_eq!(
            began.elapsed(),
            Duration::from_secs(3) + PARTING,
            "and for the socket to be closed"
        );
        drop(run);
    }

    #[test]
    fn message_gives_the_number_of_runs_and_the_limit() {
        let limit = Duration::from_secs(600);
        assert!(words(1, limit).starts_with("1 running run is watched"));
        assert!(words(3, limit).starts_with("3 running runs are watched"));
        assert!(words(3, limit).contains("600 s at most"));
    }
}
