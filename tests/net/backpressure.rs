//! An application that does not take what comes.

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

/// Sends frames as fast as they are taken; counts them.
async fn flood(mut server: Server, sent: Arc<AtomicUsize>) -> Server {
    for number in 0..FRAMES {
        server.send(event(&format!("run-{number}"))).await;
        sent.fetch_add(1, Ordering::Relaxed);
    }
    server
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_stays_in_the_server() {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    let sent = Arc::new(AtomicUsize::new(0));
    let flooding = tokio::spawn(flood(server, sent.clone()));
    // Nobody takes anything for five minutes.
    sleep(Duration::from_secs(300)).await;
    let held = sent.load(Ordering::Relaxed);
    // A batch of 256 frames for each place, one more in the outlet, and what the transport holds.
    assert!(held <= 256 * (CHANNEL_CAPACITY + 1) + 2 * (64 << 10) / 60, "{held} frames");
    assert_eq!(stage.signals.len(), CHANNEL_CAPACITY);
    // Silence while nobody listened is not held against the server.
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
async fn disconnecting_works_at_once_and_keeps_what_came() {
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
    assert_eq!(stage.log().last().unwrap(), "disconnected 1000: closed by us");
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_counted_while_nobody_listens() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    // One batch at a time until the channel is full. The server never reads: no pong is sent.
    for number in 0..=CHANNEL_CAPACITY {
        server.send(event(&format!("run-{number}"))).await;
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_secs(60)).await;
    stage.until_items(CHANNEL_CAPACITY + 1).await;
    sleep(Duration::from_secs(44)).await;
    stage.expect_states(&["connecting", "connected at 0"]);
    sleep(Duration::from_secs(2)).await;
    stage.expect_states(&["attempt 1/5 at 108: no frame for 45 s: the connection is dead"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_ping_that_was_read_is_answered_though_nobody_reads_on() {
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
    // As many as were read: the places of the channel, and one batch in the outlet.
    assert_eq!(pongs, CHANNEL_CAPACITY + 1);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_application_misses_log_lines_but_no_state_that_holds() {
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
async fn dropping_the_receiver_harms_nobody() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    stage.signals = crossbeam_channel::never();
    for number in 0..10_000 {
        server.send(event(&format!("run-{number}"))).await;
    }
    stage.commands = None;
    (&mut stage.source).await.unwrap();
}
