//! Connections that count as a success: one that stands, or brings an event. Servers that close each
//! connection at once, messages that are too large, quiet attempts after giving up.

use std::time::Duration;

use meterbridge::protocol::Item;
use meterbridge::source::{Command, ConnectionSettings};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::faults::{announcement, answer};
use crate::schedule::{exponential_without_end, strictly_the_guide};
use crate::stage::{Server, Stage, URL, event};

const BYE: &str = "closed by the server: bye (1000)";
const NONE_LASTS: &str = "Every connection ends right after it is opened: see the server's log";
const REFUSED: &str = "nothing is listening at studio:8000. Is the backend running?";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Accepts the next attempt and closes it at once; returns the second in which it was made.
async fn slam(stage: &mut Stage) -> u64 {
    let attempt = stage.attempt().await;
    let at = attempt.at.as_secs();
    let _server = attempt.accept().await.close(1000, "bye").await;
    at
}

/// Lets every attempt fail until the state is failed.
async fn give_up(stage: &mut Stage) {
    for _ in 0..6 {
        stage.attempt().await.refuse();
    }
    stage.until_state("failed").await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_at_once_use_up_the_attempts() {
    let settings = strictly_the_guide();
    let mut stage = Stage::with(settings, Some(URL));
    for second in [0, 3, 6, 9, 12, 15] {
        assert_eq!(slam(&mut stage).await, second);
    }
    stage.no_attempt().await;
    // Connected is shown once. Later connections would have to stand first.
    let lasting =
        |attempt: u32, second: u32| format!("attempt {attempt}/5 at {second}: {BYE}. {NONE_LASTS}");
    stage.expect_states(&[
        "connecting",
        "connected at 0",
        &format!("attempt 1/5 at 3: {BYE}"),
        "attempt 1/5",
        &lasting(2, 6),
        "attempt 2/5",
        &lasting(3, 9),
        "attempt 3/5",
        &lasting(4, 12),
        "attempt 4/5",
        &lasting(5, 15),
        "attempt 5/5",
        &format!("failed: {BYE}. {NONE_LASTS}"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_at_once_back_off() {
    let settings = exponential_without_end();
    let mut stage = Stage::with(settings, Some(URL));
    let mut connections = 0;
    while slam(&mut stage).await < 45 {
        connections += 1;
    }
    assert_eq!(connections, 6, "after 0, 0.75, 2.25, 5.25, 11.25 and 23.25 s");
}

#[tokio::test(start_paused = true)]
async fn connection_that_stood_for_five_seconds_resets_the_attempts() {
    for (stands, attempt) in [(secs(4), "attempt 3/5"), (secs(5), "attempt 1/5")] {
        let mut stage = Stage::new();
        slam(&mut stage).await;
        slam(&mut stage).await;
        let server = stage.attempt().await.accept().await;
        sleep(stands + Duration::from_millis(10)).await;
        drop(server);
        stage.until_state("attempt").await;
        sleep(Duration::from_millis(50)).await;
        stage.take();
        assert!(stage.states().last().unwrap().starts_with(attempt), "{:?}", stage.states());
        let is_shown = stage.states().iter().any(|state| state == "connected at 6");
        assert_eq!(is_shown, stands == secs(5), "{:?}", stage.states());
    }
}

#[tokio::test(start_paused = true)]
async fn event_shows_the_connection_at_once_after_one_that_ended_at_once() {
    let mut stage = Stage::new();
    slam(&mut stage).await;
    let mut server = stage.attempt().await.accept().await;
    sleep(secs(1)).await;
    stage.take();
    assert_eq!(stage.states().last().unwrap(), "attempt 1/5");
    server.send(event("first")).await;
    stage.until_state("connected at 3").await;
    assert_eq!(stage.elapsed().as_secs(), 4);
    drop(server);
    stage.until_state("attempt 1/5 at 7").await;
}

fn text(bytes: usize) -> String {
    format!(r#"{{"run_id":"big","phase":"info","data":"{}"}}"#, "A".repeat(bytes))
}

/// Sends in the background, because the transport holds less than the message.
fn send_large(mut server: Server, messages: Vec<Message>) -> tokio::task::JoinHandle<Server> {
    tokio::spawn(async move {
        for message in messages {
            server.send(message).await;
        }
        server
    })
}

fn malformed(stage: &Stage) -> Vec<String> {
    let reason = |item: &&Item| match item {
        Item::Malformed(error) => Some(error.reason.to_string()),
        _ => None,
    };
    stage.items().iter().filter_map(reason).collect()
}

/// Sends "before", a message that is too large and "after"; only the large one is missing.
async fn expect_one_skipped(mut stage: Stage, server: Server, messages: Vec<Message>) {
    let _sending = send_large(server, messages);
    stage.until_items(3).await;
    assert_eq!(stage.runs(), ["before", "after"]);
    assert_eq!(malformed(&stage), ["a message of more than 4 MiB was skipped"]);
    stage.expect_states(&["connecting", "connected at 0"]);
}

#[tokio::test(start_paused = true)]
async fn message_of_5_mib_is_skipped_and_the_connection_stays() {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    let messages = [event("before"), text(5 << 20), event("after")].map(Message::text);
    expect_one_skipped(stage, server, messages.into()).await;
}

#[tokio::test(start_paused = true)]
async fn fragmented_message_of_5_mib_is_skipped() {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    let piece =
        |data, last| Message::Frame(Frame::message(vec![b' '; 1 << 20], OpCode::Data(data), last));
    let mut messages = vec![Message::text(event("before")), piece(Data::Text, false)];
    messages.extend((0..4).map(|number| piece(Data::Continue, number == 3)));
    messages.push(Message::text(event("after")));
    expect_one_skipped(stage, server, messages).await;
}

#[tokio::test(start_paused = true)]
async fn message_beyond_64_mib_on_every_connection_uses_up_the_attempts() {
    let settings = strictly_the_guide();
    let mut stage = Stage::with(settings, Some(URL));
    for _ in 0..6 {
        let mut server = stage.attempt().await.accept().await;
        server.send(event("before")).await;
        server.socket.get_mut().write_all(&announcement(100 << 20)).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        stage.take();
    }
    stage.no_attempt().await;
    stage.take();
    let reason = "a message of more than 64 MiB arrived: the connection was closed";
    assert_eq!(stage.states().last().unwrap(), &format!("failed: {reason}. {NONE_LASTS}"));
}

#[tokio::test(start_paused = true)]
async fn not_found_after_a_success_is_retried_until_it_works_again() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    server.send(event("first")).await;
    stage.until_items(1).await;
    let _server = server.close(1012, "restart").await;
    for second in [3, 6, 9] {
        let attempt = stage.attempt().await;
        assert_eq!(attempt.at.as_secs(), second);
        answer(attempt.open(), "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone").await;
    }
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected at 12").await;
    let states = stage.states();
    let gone = "the server answered HTTP 404 Not Found: gone. Check the path: is there an event stream, and may you read it?";
    assert!(states.contains(&format!("attempt 3/0 at 12: {gone}")), "{states:#?}");
}

#[tokio::test(start_paused = true)]
async fn not_found_for_two_minutes_after_a_success_is_final() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    server.send(event("first")).await;
    stage.until_items(1).await;
    let _server = server.close(1012, "restart").await;
    let mut answers = 0;
    while let Ok(Some(attempt)) = tokio::time::timeout(secs(3600), stage.attempts.recv()).await {
        answers += 1;
        stage.take();
        answer(attempt.open(), "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
    }
    assert_eq!(answers, 41, "the first, and 40 after 3 s each");
    stage.take();
    assert!(stage.states().last().unwrap().starts_with("failed: the server answered HTTP 403"));
}

#[tokio::test(start_paused = true)]
async fn quiet_attempts_bring_a_failed_connection_back() {
    let mut stage = Stage::new();
    give_up(&mut stage).await;
    let failed = format!("failed: {REFUSED}");
    let (states, log) = (stage.states().len(), stage.log().len());
    assert_eq!(stage.states()[states - 1], failed);
    for second in [45, 75, 105] {
        let attempt = stage.attempt().await;
        assert_eq!(attempt.at.as_secs(), second);
        attempt.refuse();
    }
    let mut server = stage.attempt().await.accept().await;
    sleep(secs(1)).await;
    stage.take();
    assert_eq!((stage.states().len(), stage.log().len()), (states, log), "attempts are quiet");
    server.send(event("first")).await;
    stage.until_state("connected at 135").await;
    assert_eq!(stage.log()[log..], ["connected"]);
    drop(server);
    stage.until_state("attempt 1/5").await;
}

#[tokio::test(start_paused = true)]
async fn failure_is_shown_again_after_a_retry_that_a_quiet_attempt_began() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    server.send(event("first")).await;
    stage.until_items(1).await;
    let _server = server.close(1012, "restart").await;
    for _ in 0..5 {
        stage.attempt().await.refuse();
    }
    stage.until_state("failed").await;
    // An address that worked is tried again after a 403, in sight.
    let refused = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    answer(stage.attempt().await.open(), refused).await;
    let attempt = stage.attempt().await;
    stage.take();
    assert!(!stage.states().last().unwrap().starts_with("failed"), "{:?}", stage.states());
    attempt.refuse();
    // The next attempt is quiet again.
    let _attempt = stage.attempt().await;
    stage.take();
    assert!(stage.states().last().unwrap().starts_with("failed"), "{:?}", stage.states());
}

#[tokio::test(start_paused = true)]
async fn quiet_attempt_that_ends_at_once_is_not_shown() {
    let settings = ConnectionSettings { probe_interval: secs(10), ..Default::default() };
    let mut stage = Stage::with(settings, Some(URL));
    give_up(&mut stage).await;
    let states = stage.states().len();
    for second in [25, 35, 45] {
        assert_eq!(slam(&mut stage).await, second);
    }
    stage.take();
    assert_eq!(stage.states().len(), states, "{:?}", stage.states());
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected at 55").await;
    assert_eq!(stage.elapsed().as_secs(), 60, "it had to stand first");
}

#[tokio::test(start_paused = true)]
async fn no_quiet_attempt_is_made_where_the_interval_is_zero() {
    let settings = strictly_the_guide();
    let mut stage = Stage::with(settings, Some(URL));
    give_up(&mut stage).await;
    stage.no_attempt().await;
}

#[tokio::test(start_paused = true)]
async fn final_refusal_of_a_quiet_attempt_ends_them_and_is_shown() {
    let mut stage = Stage::new();
    give_up(&mut stage).await;
    let server = stage.attempt().await.accept().await;
    let _server = server.close(1008, "not for you").await;
    let refusal = "closed by the server: not for you (1008)";
    stage.until_state(&format!("failed: {refusal}")).await;
    assert_eq!(stage.log().last().unwrap(), &format!("error: {refusal}"));
    stage.no_attempt().await;
}

#[tokio::test(start_paused = true)]
async fn commands_end_quiet_attempts() {
    let mut stage = Stage::new();
    give_up(&mut stage).await;
    stage.command(Command::Disconnect).await;
    stage.no_attempt().await;
    stage.until_state("failed").await;
    stage.command(Command::Reconnect).await;
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
}
