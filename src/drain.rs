//! The end of the program while it holds sockets whose closing could make the backend fail runs
//! (protocol, section 6.1): it says so, and waits until those runs are over.

use std::future::Future;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

#[cfg(unix)]
use crate::kiosk::service::{Notice, Service};
use crate::source::HeldRuns;

/// How long sockets may take to be closed.
const PARTING: Duration = Duration::from_millis(1_500);

/// Says how many runs are held and waits until they are over, for at most `limit`, or until `again`, a
/// second request to end. Returns at once where no run is held.
pub async fn wait(held: &HeldRuns, limit: Duration, again: impl Future<Output = ()>) {
    let runs = held.count();
    if runs == 0 || limit.is_zero() {
        return;
    }
    // A closed stderr is no reason to fail runs.
    let _ = writeln!(io::stderr(), "{}", words(runs, limit));
    tokio::select! {
        () = held.drained(limit) => {}
        () = again => {}
    }
    let left = held.count();
    held.release();
    if left > 0 {
        // They are closed with a close frame, which fails fewer runs than a cut.
        let _ = timeout(PARTING, held.emptied()).await;
        let _ = writeln!(io::stderr(), "{}", words_of_the_rest(left));
    }
}

/// Runs that this process holds, for those that end it without knowing of sources.
static REMEMBERED: Mutex<Option<(HeldRuns, Duration)>> = Mutex::new(None);
/// The program ends: nobody is to start it again.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Has [`wait_before_restart`] wait for these runs, for at most `limit`.
pub fn remember(held: &HeldRuns, limit: Duration) {
    *REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner) = Some((held.clone(), limit));
}

/// True once the program waits for its end.
pub fn is_ending() -> bool {
    ENDING.load(Ordering::Acquire)
}

/// Closes the sockets of the runs that are [remembered](remember), whatever that does.
pub async fn give_up() {
    let remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((held, _)) = remembered {
        held.release();
        let _ = timeout(PARTING, held.emptied()).await;
    }
}

/// Waits for the runs that are [remembered](remember) before the process is replaced.
pub fn wait_before_restart() {
    let remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((held, limit)) = remembered {
        block_on_wait(&held, limit);
    }
}

/// The same for a program without a runtime; a second Ctrl-C ends it by the signal.
pub fn wait_blocking(held: &HeldRuns, limit: Duration) {
    ENDING.store(true, Ordering::Release);
    if held.count() == 0 {
        return;
    }
    // From here on no frame says that the program is alive.
    #[cfg(unix)]
    if let Some(service) = Service::of_environment() {
        service.tell(Notice::Stopping);
    }
    block_on_wait(held, limit);
}

fn block_on_wait(held: &HeldRuns, limit: Duration) {
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
        runtime.block_on(wait(held, limit, std::future::pending()));
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
    async fn waits_for_runs_that_are_held_until_asked_again() {
        let held = HeldRuns::default();
        let began = tokio::time::Instant::now();
        wait(&held, Duration::from_secs(600), std::future::pending()).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "no run is held");
        let run = held.hold();
        let again = tokio::time::sleep(Duration::from_secs(3));
        wait(&held, Duration::from_secs(600), again).await;
        assert_eq!(
            began.elapsed(),
            Duration::from_secs(3) + PARTING,
            "and for the socket to be closed"
        );
        drop(run);
    }

    #[test]
    fn says_how_many_runs_are_at_stake() {
        let limit = Duration::from_secs(600);
        assert!(words(1, limit).starts_with("1 running run is watched"));
        assert!(words(3, limit).starts_with("3 running runs are watched"));
        assert!(words(3, limit).contains("600 s at most"));
    }
}
