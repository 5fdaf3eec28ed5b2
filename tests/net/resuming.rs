//! Resumption of a hub's stream after a loss: no frame is missed or delivered twice.

use std::time::Duration;

use meterbridge::protocol::Item;
use meterbridge::protocol::hub::{Hello, HubFrame, Position, Upstream, UpstreamState, run_frame};
use meterbridge::protocol::{Batch, RunSnapshot};
use meterbridge::source::{Command, ConnectionSettings};
use tokio::time::sleep;

use crate::stage::{Attempt, Server, Stage, URL, event};

const STREAM: &str = "1f0c5e1e-0000-4000-8000-000000000001";
const OTHER: &str = "1f0c5e1e-0000-4000-8000-000000000002";

fn hello(stream: &str, seq: u64) -> String {
    let at = Position { stream: stream.into(), seq };
    let api = Some("/api/v1".into());
    HubFrame::Hello(Hello { at, api, actions: true, seen: None, screens: None, history: None })
        .to_json()
}

fn run(id: &str) -> String {
    let body = format!(r#"{{"run_id":"{id}","status":"running","song_title":"Neon Rain"}}"#);
    run_frame(&RunSnapshot::read(body.as_bytes()).unwrap())
}

/// Returns a hub's journal: numbered frames, some of which are gone.
fn journal() -> Vec<(u64, String)> {
    let text = |number: u64| match number % 5 {
        3 => run(&format!("r{number}")),
        _ => event(&format!("e{number}")),
    };
    (1..=40).filter(|number| ![4, 5, 17].contains(number)).map(|it| (it, text(it))).collect()
}

/// Returns the frames that a hub sends to a client with position `after`.
fn told(journal: &[(u64, String)], after: u64) -> Vec<String> {
    let mut frames = vec![hello(STREAM, after)];
    let mut last = after;
    for (number, text) in journal.iter().filter(|(number, _)| *number > after) {
        if *number != last + 1 {
            frames.push(HubFrame::Seq(number - 1).to_json());
        }
        frames.push(text.clone());
        last = *number;
    }
    frames.push(HubFrame::Live.to_json());
    frames
}

/// Returns the position in the request of an attempt; `None` where it has none.
fn after(attempt: &Attempt) -> Option<u64> {
    let (_, query) = attempt.target.split_once('?')?;
    let query = query.strip_prefix(&format!("stream={STREAM}&after=")).unwrap();
    Some(query.parse().unwrap())
}

/// Returns the run ids of the received frames, in order.
fn arrived(stage: &Stage) -> Vec<String> {
    let of = |item: &&Item| match item {
        Item::Event(event) => Some(event.run_id.to_string()),
        Item::Run(run) => Some(run.run_id.to_string()),
        _ => None,
    };
    stage.items().iter().filter_map(of).collect()
}

fn numbers(journal: &[(u64, String)]) -> Vec<String> {
    let name =
        |number: &u64| if number % 5 == 3 { format!("r{number}") } else { format!("e{number}") };
    journal.iter().map(|(number, _)| name(number)).collect()
}

#[tokio::test(start_paused = true)]
async fn remaining_frames_are_requested_after_a_loss_at_any_point() {
    let journal = journal();
    let whole = told(&journal, 0).len();
    for cut in 0..=whole {
        let mut stage = Stage::new();
        let attempt = stage.attempt().await;
        assert_eq!(after(&attempt), None);
        let mut server = attempt.accept().await;
        for frame in &told(&journal, 0)[..cut] {
            server.send(frame.as_str()).await;
        }
        // Sent frames are in the transport, and are read before its end.
        drop(server);
        let attempt = stage.attempt().await;
        let from = after(&attempt);
        assert_eq!(from.is_some(), cut > 0, "without a hello it may be no hub");
        let mut server = attempt.accept().await;
        for frame in told(&journal, from.unwrap_or(0)) {
            server.send(frame).await;
        }
        stage.until("all of it", |stage| arrived(stage).len() >= journal.len()).await;
        sleep(Duration::from_millis(50)).await;
        stage.take();
        assert_eq!(arrived(&stage), numbers(&journal), "lost after {cut} frames");
    }
}

/// The application is far behind when the connection is lost: frames that were read for it are not
/// requested again, unread ones are.
#[tokio::test(start_paused = true)]
async fn frames_waiting_for_the_application_are_not_requested_again() {
    const FRAMES: u64 = 30_000;
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    server.send(hello(STREAM, 0)).await;
    server.send(HubFrame::Live.to_json()).await;
    let flooding = tokio::spawn(async move {
        for number in 1..=FRAMES {
            server.send(event(&number.to_string())).await;
        }
    });
    // The application takes nothing for a minute; then the hub is killed, and its socket's content is
    // lost.
    sleep(Duration::from_secs(60)).await;
    assert!(!flooding.is_finished(), "the rest waits in the hub");
    flooding.abort();
    stage.until_state("attempt 1/5").await;
    let attempt = stage.attempt().await;
    let known = after(&attempt).unwrap();
    assert_eq!(arrived(&stage).len() as u64, known);
    let mut server = attempt.accept().await;
    let sending = tokio::spawn(async move {
        server.send(hello(STREAM, known)).await;
        for number in known + 1..=FRAMES {
            server.send(event(&number.to_string())).await;
        }
        server
    });
    stage.until("all of it", |stage| stage.items().len() as u64 >= FRAMES + 3).await;
    let expected: Vec<String> = (1..=FRAMES).map(|number| number.to_string()).collect();
    assert!(arrived(&stage) == expected, "frames are missing, repeated or out of order");
    drop(sending.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn replayed_frames_are_not_live_even_in_a_long_replay() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    // All frames are in the transport before any is read.
    for frame in [hello(STREAM, 0), event("old"), HubFrame::Live.to_json(), event("new")] {
        server.send(frame).await;
    }
    stage.until_items(4).await;
    server.send(hello(OTHER, 0)).await;
    sleep(Duration::from_secs(10)).await;
    server.send(event("older")).await;
    server.send(HubFrame::Live.to_json()).await;
    server.send(event("newer")).await;
    stage.until_items(8).await;
    let live: Vec<(String, bool)> = stage
        .batches()
        .into_iter()
        .flat_map(|batch: &Batch| batch.items.iter().map(move |item| (item, batch.live)))
        .filter_map(|(item, live)| match item {
            Item::Event(event) => Some((event.run_id.to_string(), live)),
            _ => None,
        })
        .collect();
    let expected = [("old", false), ("new", true), ("older", false), ("newer", true)];
    assert_eq!(live, expected.map(|(run, live)| (run.to_owned(), live)));
}

#[tokio::test(start_paused = true)]
async fn skipped_message_is_not_requested_again() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    let sending = tokio::spawn(async move {
        let large = event(&"x".repeat(5 << 20));
        for frame in [hello(STREAM, 0), event("a"), large, event("c")] {
            server.send(frame).await;
        }
        server
    });
    stage.until_items(4).await;
    assert_eq!(arrived(&stage), ["a", "c"]);
    drop(sending.await.unwrap());
    assert_eq!(after(&stage.attempt().await), Some(3));
}

#[tokio::test(start_paused = true)]
async fn new_stream_starts_its_own_numbers() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    for frame in [hello(OTHER, 700), event("a"), hello(STREAM, 0), event("b"), event("c")] {
        server.send(frame).await;
    }
    stage.until_items(5).await;
    drop(server);
    assert_eq!(after(&stage.attempt().await), Some(2));
}

#[tokio::test(start_paused = true)]
async fn query_of_the_address_is_kept() {
    let url = format!("{URL}?room=7&after=3&stream=x&token=t");
    let mut stage = Stage::with(ConnectionSettings::default(), Some(&url));
    let attempt = stage.attempt().await;
    assert_eq!(attempt.target, "/events?room=7&after=3&stream=x&token=t");
    let mut server = attempt.accept().await;
    server.send(hello(STREAM, 41)).await;
    stage.until_items(1).await;
    drop(server);
    let expected = format!("/events?room=7&token=t&stream={STREAM}&after=41");
    assert_eq!(stage.attempt().await.target, expected);
}

#[tokio::test(start_paused = true)]
async fn new_address_or_server_gets_no_resume_position() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    server.send(hello(STREAM, 41)).await;
    stage.until_items(1).await;
    // After a reconnect command the source resumes at its position.
    stage.command(Command::Reconnect).await;
    let attempt = stage.attempt().await;
    assert_eq!(after(&attempt), Some(41));
    stage.command(Command::Connect { url: URL.into() }).await;
    let attempt = stage.attempt().await;
    assert_eq!(after(&attempt), Some(41));
    // The server that answers now is no hub.
    let mut server = attempt.accept().await;
    server.send(event("plain")).await;
    stage.until_items(2).await;
    drop(server);
    assert_eq!(after(&stage.attempt().await), None);

    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    server.send(hello(STREAM, 41)).await;
    stage.until_items(1).await;
    stage.command(Command::Connect { url: "ws://studio2/events".into() }).await;
    assert_eq!(stage.attempt().await.target, "/events");
    stage.command(Command::Connect { url: URL.into() }).await;
    assert_eq!(after(&stage.attempt().await), None, "meanwhile others have been shown");
}

/// A frame that is too large would end every connection at the same position.
#[tokio::test(start_paused = true)]
async fn oversized_frame_is_not_requested_again() {
    let settings = ConnectionSettings { max_message_bytes: 500, ..Default::default() };
    let mut stage = Stage::with(settings, Some(URL));
    let mut server = stage.attempt().await.accept().await;
    server.send(hello(STREAM, 6)).await;
    server.send(event("seven")).await;
    server.send(event(&"eight".repeat(200))).await;
    assert_eq!(after(&stage.attempt().await), Some(8));
    drop(server);
}

fn upstream(state: UpstreamState, since: &str, reason: &str) -> String {
    let since = since.parse().unwrap();
    HubFrame::Upstream(Upstream { state, since, reason: reason.to_owned() }).to_json()
}

#[tokio::test(start_paused = true)]
async fn upstream_state_is_reported_and_kept_until_it_changes() {
    let mut stage = Stage::new();
    let mut server = stage.attempt().await.accept().await;
    let lost = "nothing is listening at studio:8000";
    for frame in [
        hello(STREAM, 0),
        upstream(UpstreamState::Live, "2026-11-22T23:59:00Z", ""),
        HubFrame::Live.to_json(),
        upstream(UpstreamState::Lost, "2026-11-22T23:59:58Z", lost),
        upstream(UpstreamState::Lost, "2026-11-22T23:59:58Z", lost),
    ] {
        server.send(frame).await;
    }
    stage.until_items(5).await;
    let cut = format!("connected at 0, cut at -2: {lost}");
    stage.expect_states(&["connecting", "connected at 0", &cut]);
    let said = format!("error: The hub lost its backend and tries again: {lost}");
    assert_eq!(stage.log(), ["connecting", "connected", &said]);
    // The hub itself is lost and comes back; its backend does not.
    drop(server);
    let mut server = stage.attempt().await.accept().await;
    stage.until_state("connected at 3").await;
    assert_eq!(*stage.states().last().unwrap(), format!("connected at 3, cut at -2: {lost}"));
    server.send(hello(STREAM, 0)).await;
    server.send(upstream(UpstreamState::Polling, "2026-11-23T00:00:02Z", "no socket")).await;
    stage.until_state("connected at 3, polling").await;
    server.send(upstream(UpstreamState::Live, "2026-11-23T00:00:04Z", "")).await;
    stage.until("all is well", |stage| stage.states().last().unwrap() == "connected at 3").await;
    assert_eq!(stage.log().last().unwrap(), "connected");
    assert_eq!(stage.hubs(), [("/api/v1".to_owned(), true), ("/api/v1".to_owned(), true)]);
    let _server: Server = server;
}
