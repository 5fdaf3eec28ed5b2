//! Each command in each connection state.

use std::time::Duration;

use futures_util::StreamExt;
use meterbridge::source::{Command, ConnectionSettings};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::stage::{Server, Stage, URL, event};

fn connect() -> Command {
    Command::Connect { url: "ws://studio2/events".into() }
}

fn configure(enabled: bool) -> Command {
    Command::Configure(Box::new(ConnectionSettings { enabled, ..Default::default() }))
}

/// Asserts that the source closes normally, and answers the close.
async fn expect_goodbye(mut server: Server) {
    let message = timeout(Duration::from_millis(100), server.socket.next()).await.unwrap();
    match message.unwrap().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Normal),
        other => panic!("{other:?}"),
    }
    assert!(server.socket.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn commands_while_idle() {
    let mut stage = Stage::with(ConnectionSettings::default(), None);
    stage.command(Command::Disconnect).await;
    stage.command(configure(false)).await;
    stage.command(configure(true)).await;
    stage.command(Command::Reconnect).await;
    stage.no_attempt().await;
    stage.expect_states(&[]);
    assert_eq!(stage.log(), ["error: nothing to connect to: no URL was given"]);
    stage.command(connect()).await;
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
}

#[tokio::test(start_paused = true)]
async fn disabled_source_connects_on_command() {
    for ask in [connect(), Command::Reconnect, configure(true)] {
        let settings = ConnectionSettings { enabled: false, ..Default::default() };
        let mut stage = Stage::with(settings, Some(URL));
        stage.no_attempt().await;
        stage.expect_states(&[]);
        assert_eq!(stage.log(), [""; 0], "nothing went wrong");
        stage.command(ask).await;
        let server = stage.attempt().await.accept().await;
        stage.until_state("connected").await;
        stage.command(configure(false)).await;
        expect_goodbye(server).await;
        stage.no_attempt().await;
    }
}

#[tokio::test(start_paused = true)]
async fn commands_while_connecting() {
    for stop in [Command::Disconnect, configure(false)] {
        let mut stage = Stage::new();
        let _unanswered = stage.attempt().await;
        stage.command(stop).await;
        stage.until_state("disconnected").await;
        assert!(stage.elapsed() < Duration::from_millis(10));
        stage.no_attempt().await;
        stage.expect_states(&["connecting", "disconnected"]);
    }
    for again in [Command::Reconnect, connect()] {
        let mut stage = Stage::new();
        let _unanswered = stage.attempt().await;
        stage.command(again).await;
        let _server = stage.attempt().await.accept().await;
        stage.until_state("connected at 0").await;
    }
    let mut stage = Stage::new();
    let attempt = stage.attempt().await;
    stage.command(configure(true)).await;
    let _server = attempt.accept().await;
    stage.until_state("connected").await;
    stage.expect_states(&["connecting", "connected at 0"]);
}

#[tokio::test(start_paused = true)]
async fn commands_while_connected() {
    for stop in [Command::Disconnect, configure(false)] {
        let mut stage = Stage::new();
        let server = stage.attempt().await.accept().await;
        stage.until_state("connected").await;
        stage.command(stop).await;
        expect_goodbye(server).await;
        stage.no_attempt().await;
        stage.expect_states(&["connecting", "connected at 0", "disconnected"]);
        assert_eq!(stage.log().last().unwrap(), "disconnected 1000: closed by this viewer");
    }
    for again in [Command::Reconnect, connect()] {
        let mut stage = Stage::new();
        let server = stage.attempt().await.accept().await;
        stage.until_state("connected").await;
        stage.command(again).await;
        expect_goodbye(server).await;
        let _server = stage.attempt().await.accept().await;
        stage.until("two connections", |stage| stage.states().len() == 4).await;
        stage.expect_states(&["connecting", "connected at 0", "connecting", "connected at 0"]);
    }
}

#[tokio::test(start_paused = true)]
async fn commands_while_waiting_for_a_retry() {
    for stop in [Command::Disconnect, configure(false)] {
        let mut stage = Stage::new();
        stage.attempt().await.refuse();
        stage.until_state("attempt 1/5 at").await;
        stage.command(stop).await;
        stage.until_state("disconnected").await;
        stage.no_attempt().await;
    }
    for again in [Command::Reconnect, connect()] {
        let mut stage = Stage::new();
        stage.attempt().await.refuse();
        stage.until_state("attempt 1/5 at").await;
        stage.command(again).await;
        let attempt = stage.attempt().await;
        assert!(attempt.at < Duration::from_millis(10));
        attempt.refuse();
        stage.until_state("attempt 1/5 at 3").await;
    }
    // New settings take effect from the next attempt on.
    let mut stage = Stage::new();
    stage.attempt().await.refuse();
    stage.until_state("attempt 1/5 at 3").await;
    let settings = ConnectionSettings {
        reconnect_delay: Duration::from_secs(7),
        max_reconnect_attempts: 2,
        ..Default::default()
    };
    stage.command(Command::Configure(Box::new(settings))).await;
    stage.attempt().await.refuse();
    stage.until_state("attempt 2/2 at 10").await;
    stage.attempt().await.refuse();
    stage.until_state("failed").await;
}

#[tokio::test(start_paused = true)]
async fn server_that_never_answers_a_close_is_abandoned() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    stage.command(Command::Disconnect).await;
    stage.until_state("disconnected").await;
    assert!(stage.elapsed() < Duration::from_millis(10), "the state does not wait for the server");
    // Later frames are discarded.
    server.send(event("late")).await;
    sleep(Duration::from_millis(1500)).await;
    stage.command(Command::Reconnect).await;
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    assert_eq!(stage.runs(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn command_interrupts_the_wait_for_a_close() {
    let mut stage = Stage::new();
    let _silent = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    stage.command(Command::Disconnect).await;
    stage.command(Command::Reconnect).await;
    let attempt = stage.attempt().await;
    assert!(attempt.at < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_command_sender_ends_the_source() {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    stage.commands = None;
    expect_goodbye(server).await;
    timeout(Duration::from_millis(10), &mut stage.source).await.unwrap().unwrap();

    let mut stage = Stage::new();
    let _unanswered = stage.attempt().await;
    stage.commands = None;
    timeout(Duration::from_millis(10), &mut stage.source).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn invalid_url_fails_at_once() {
    let settings = ConnectionSettings::default();
    let mut stage = Stage::with(settings, Some("ftp://ann:pw@studio/events?token=t"));
    stage.no_attempt().await;
    stage.expect_states(&[
        "failed: `ftp://studio/events?token=…` begins with ftp://: an event stream begins with ws:// or wss://",
    ]);
    let told = format!("{:?}", stage.log());
    assert!(!told.contains("pw"));
    stage.command(connect()).await;
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
}
