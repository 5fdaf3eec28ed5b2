//! Backpressure: an application that does not take the signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use meterbridge::source::signal_sender::CHANNEL_CAPACITY;
use meterbridge::source::{Command, ConnectionSettings};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::stage::{Server, Stage, URL, event};

const FRAMES: usize = 40_000;

/// Sends frames as fast as they are taken, and counts them.
async fn flood(mut server: Server, sent: Arc<AtomicUsize>) -> Server {
    for number in 0..FRAMES {
        server.send(event(&format!("run-{number}"))).await;
        sent.fetch_add(1, Ordering::Relaxed);
    }
    server
}

#[tokio::test(start_paused = true)]
async fn frames_not_taken_stay_in_the_server() {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    let sent = Arc::new(AtomicUsize::new(0));
    let flooding = tokio::spawn(flood(server, sent.clone()));
    // The application takes nothing for five minutes.
    sleep(Duration::from_secs(300)).await;
    let held = sent.load(Ordering::Relaxed);
    // One batch of 256 frames per channel slot, one more in the sender, and the content of the
    // transport.
    assert!(held <= 256 * (CHANNEL_CAPACITY + 1) + 2 * (64 << 10) / 60, "{held} frames");
    assert_eq!(stage.signals.len(), CHANNEL_CAPACITY);
    // Silence while nothing was read does not count against the server.
    stage.until_items(FRAMES).await;
    stage.expect_states(&["connecting", "connected at 0"]);
    let expected: Vec<String> = (0..FRAMES).map(|number| format!("run-{number}")).collect();
    assert!(stage.runs() == expected, "frames are missing or out of order");
    assert!(stage.batches().iter().all(|batch| batch.frames <= 256));
    assert!(stage.wakes.load(Ordering::Relaxed) >= stage.batches().len());
    drop(flooding.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn commands_work_while_the_application_is_behind() {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    let sent = Arc::new(AtomicUsize::new(0));
    let flooding = tokio::spawn(flood(server, sent.clone()));
    sleep(Duration::from_secs(60)).await;
    let before = stage.elapsed();
    stage.command(Command::Reconnect).await;
    let attempt = stage.attempt().await;
    assert!(attempt.at - before <= Duration::from_millis(1500), "{:?}", attempt.at - before);
    let _server = attempt.accept().await;
    stage.command(Command::Disconnect).await;
    stage.until_state("disconnected").await;
    stage.expect_states(&["connecting", "connected at 0", "connecting", "disconnected"]);
    flooding.abort();
}

#[tokio::test(start_paused = true)]
async fn disconnect_takes_effect_at_once_and_keeps_received_frames() {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    let sent = Arc::new(AtomicUsize::new(0));
    let flooding = tokio::spawn(flood(server, sent.clone()));
    sleep(Duration::from_secs(60)).await;
    stage.command(Command::Disconnect).await;
    sleep(Duration::from_secs(2)).await;
    assert!(flooding.is_finished(), "the connection is closed though nothing was taken");
    stage.until_state("disconnected").await;
    let runs = stage.runs();
    let expected: Vec<String> = (0..runs.len()).map(|number| format!("run-{number}")).collect();
    assert_eq!(runs, expected);
    assert_eq!(stage.log().last().unwrap(), "disconnected 1000: closed by this viewer");
}

#[tokio::test(start_paused = true)]
async fn idle_timeout_is_suspended_while_nothing_is_read() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    // One batch at a time until the channel is full. The server never reads, so it sends no pong.
    for number in 0..=CHANNEL_CAPACITY {
        server.send(event(&format!("run-{number}"))).await;
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_secs(60)).await;
    stage.until_items(CHANNEL_CAPACITY + 1).await;
    sleep(Duration::from_secs(44)).await;
    stage.expect_states(&["connecting", "connected at 0"]);
    sleep(Duration::from_secs(2)).await;
    stage.expect_states(&["attempt 1/5 at 108: nothing received for 45 s: the connection is dead"]);
}

#[tokio::test(start_paused = true)]
async fn last_ping_read_is_answered_while_reading_is_suspended() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    for number in 0..2 * CHANNEL_CAPACITY {
        server.send(event(&format!("run-{number}"))).await;
        server.send(Message::Ping(Bytes::new())).await;
        sleep(Duration::from_millis(1)).await;
    }
    let mut pongs = 0;
    while let Ok(message) = timeout(Duration::from_secs(1), server.socket.next()).await {
        assert_eq!(message.unwrap().unwrap(), Message::Pong(Bytes::new()));
        pongs += 1;
    }
    // As many as were read: one per channel slot, and one batch in the sender.
    assert_eq!(pongs, CHANNEL_CAPACITY + 1);
}

#[tokio::test(start_paused = true)]
async fn stalled_application_misses_log_entries_but_not_the_last_state() {
    let settings = ConnectionSettings {
        max_reconnect_attempts: 0,
        reconnect_delay: Duration::from_secs(1),
        ..Default::default()
    };
    let mut stage = Stage::with(settings, Some(URL));
    for _ in 0..1000 {
        stage.attempt().await.refuse();
    }
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected at 1000").await;
}

#[tokio::test(start_paused = true)]
async fn dropped_receiver_causes_no_failure() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    stage.signals = crossbeam_channel::never();
    for number in 0..10_000 {
        server.send(event(&format!("run-{number}"))).await;
    }
    stage.commands = None;
    (&mut stage.source).await.unwrap();
}
