//! Times of connection attempts.

use std::time::Duration;

use meterbridge::source::{Backoff, Command, ConnectionSettings};

use crate::stage::{Stage, URL, event};

const REFUSED: &str = "nothing is listening at studio:8000. Is the backend running?";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns settings without quiet attempts after giving up.
pub fn strictly_the_guide() -> ConnectionSettings {
    ConnectionSettings { probe_interval: Duration::ZERO, ..Default::default() }
}

/// Settings with exponential backoff and any number of attempts.
pub fn exponential_without_end() -> ConnectionSettings {
    ConnectionSettings {
        backoff: Backoff::Exponential,
        max_reconnect_attempts: 0,
        ..Default::default()
    }
}

/// Refuses the next attempt; returns when it was made, to the millisecond.
async fn refuse_next(stage: &mut Stage) -> Duration {
    let attempt = stage.attempt().await;
    let at = attempt.at;
    attempt.refuse();
    Duration::from_millis(u64::try_from(at.as_millis()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn fails_after_five_attempts_three_seconds_apart() {
    let mut stage = Stage::with(strictly_the_guide(), Some(URL));
    for second in [0, 3, 6, 9, 12, 15] {
        let at = refuse_next(&mut stage).await;
        // Tokio's timers have a resolution of one millisecond, and each may be one late.
        assert!(at >= secs(second) && at < secs(second) + Duration::from_millis(10), "{at:?}");
    }
    stage.no_attempt().await;
    stage.expect_states(&[
        "connecting",
        &format!("attempt 1/5 at 3: {REFUSED}"),
        "attempt 1/5",
        &format!("attempt 2/5 at 6: {REFUSED}"),
        "attempt 2/5",
        &format!("attempt 3/5 at 9: {REFUSED}"),
        "attempt 3/5",
        &format!("attempt 4/5 at 12: {REFUSED}"),
        "attempt 4/5",
        &format!("attempt 5/5 at 15: {REFUSED}"),
        "attempt 5/5",
        &format!("failed: {REFUSED}"),
    ]);
    assert_eq!(
        stage.log().last().unwrap(),
        "error: Gave up after 5 attempts. Nothing is listening at studio:8000. Is the backend running?"
    );
}

#[tokio::test(start_paused = true)]
async fn connection_resets_the_attempt_count() {
    let mut stage = Stage::with(strictly_the_guide(), Some(URL));
    for _ in 0..4 {
        refuse_next(&mut stage).await;
    }
    let mut server = stage.attempt().await.accept().await;
    server.send(event("first")).await;
    stage.until_items(1).await;
    drop(server);
    for _ in 0..5 {
        refuse_next(&mut stage).await;
    }
    stage.no_attempt().await;
    let states = {
        stage.take();
        stage.states()
    };
    let lost = "the server went away without closing the connection (1006)";
    assert_eq!(states[9], "connected at 12");
    assert_eq!(states[10], format!("attempt 1/5 at 15: {lost}"));
    assert_eq!(states[18], format!("attempt 5/5 at 27: {REFUSED}"));
    assert_eq!(states[20], format!("failed: {REFUSED}"));
    assert_eq!(states.len(), 21);
}

#[tokio::test(start_paused = true)]
async fn exponential_backoff_doubles_within_its_bounds() {
    let mut stage = Stage::with(exponential_without_end(), Some(URL));
    let mut last = refuse_next(&mut stage).await;
    // The test's jitter is always in the middle: three quarters.
    for full in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0] {
        let at = refuse_next(&mut stage).await;
        let delay = (at - last).as_secs_f64();
        assert!((delay - full * 0.75).abs() < 0.01, "{delay} of {full}");
        last = at;
    }
}

#[tokio::test(start_paused = true)]
async fn zero_max_attempts_retries_for_ever() {
    let settings = ConnectionSettings { max_reconnect_attempts: 0, ..Default::default() };
    let mut stage = Stage::with(settings, Some(URL));
    for _ in 0..100 {
        refuse_next(&mut stage).await;
    }
    stage.until_state("attempt 100/0 at 300").await;
}

#[tokio::test(start_paused = true)]
async fn failed_state_stays_until_a_reconnect() {
    let mut stage = Stage::new();
    for _ in 0..6 {
        refuse_next(&mut stage).await;
    }
    stage.until_state("failed").await;
    stage.command(Command::Disconnect).await;
    stage.no_attempt().await;
    stage.until_state("failed").await;
    stage.command(Command::Reconnect).await;
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    let states = stage.states();
    assert_eq!(states[states.len() - 2], "connecting");
}
