//! Demo studio over real sockets on 127.0.0.1.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop where it fails, its helpers too"
)]

use std::{collections::HashSet, net::SocketAddr, time::Duration};

use futures_util::{FutureExt, SinkExt, StreamExt};
use jiff::{SignedDuration, Timestamp};
use meterbridge::{
    demo::{
        DemoError, DemoOptions, DemoServer, Dialect,
        dialect::{Delivery, Session},
        scenario::{DemoSchedule, DemoScheduleOptions, Run, Scenario, Timeline, What},
        spawn_thread,
    },
    model::{Model, Retention, RunState, RunStatus},
    protocol::Batch,
};
use serde_json::Value;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{Error, Message, protocol::frame::coding::CloseCode},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(20);

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Returns options fast enough to see whole runs in a test.
fn fast() -> DemoOptions {
    DemoOptions { speed: 50.0, ..DemoOptions::default() }
}

async fn start(options: DemoOptions) -> DemoServer {
    DemoServer::start(local(), options).await.unwrap()
}

async fn connect(url: &str) -> Socket {
    timeout(PATIENCE, connect_async(url)).await.unwrap().unwrap().0
}

/// Connects a client with a small receive buffer in the kernel.
async fn connect_with_small_buffer(server: &DemoServer) -> Socket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let stream = socket.connect(server.address()).await.unwrap();
    client_async(server.url(), MaybeTlsStream::Plain(stream)).await.unwrap().0
}

/// Returns the next text frame; `None` once closed.
async fn next_text(socket: &mut Socket) -> Option<String> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("nothing came")?.unwrap() {
            Message::Text(text) => return Some(text.to_string()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn texts(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut texts = Vec::with_capacity(count);
    while texts.len() < count {
        texts.push(next_text(socket).await.expect("closed early"));
    }
    texts
}

fn instant(frame: &str, key: &str) -> Timestamp {
    let frame: Value = serde_json::from_str(frame).unwrap();
    frame[key].as_str().unwrap().parse().unwrap()
}

/// Reads until the close frame; returns its code and reason.
async fn closed_with(socket: &mut Socket) -> (CloseCode, String) {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("not closed") {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code, frame.reason.to_string()),
            Some(Ok(_)) => {}
            other => panic!("no close frame, but {other:?}"),
        }
    }
}

#[tokio::test]
async fn client_receives_history_then_live_events() {
    let before = Timestamp::now();
    let server = start(fast()).await;
    let mut socket = connect(&server.url()).await;
    let mut instants = Vec::new();
    let mut live = 0;
    while live < 50 {
        let text = next_text(&mut socket).await.unwrap();
        instants.push(instant(&text, "ts"));
        live += usize::from(instants.last() > Some(&before));
    }
    assert!(instants.is_sorted());
    let past = instants.len() - live;
    assert!((200..=3000).contains(&past), "{past} events of history");
    assert!(*instants.last().unwrap() <= Timestamp::now());
    server.stop().await;
}

#[tokio::test]
async fn two_clients_receive_the_same_stream() {
    let server = start(fast()).await;
    let mut early = connect(&server.url()).await;
    let early_texts = texts(&mut early, 600).await;
    let mut late = connect(&server.url()).await;
    let late_texts = texts(&mut late, 200).await;
    let mut more = early_texts;
    // The late client's history begins somewhere within what the early one has received.
    let last = late_texts.last().unwrap();
    while more.last() != Some(last) {
        assert!(more.len() < 5000, "the early client never saw what the late one did");
        more.push(next_text(&mut early).await.unwrap());
        if more.contains(last) {
            break;
        }
    }
    let mut unseen = more.iter();
    for text in &late_texts {
        assert!(unseen.any(|seen| seen == text), "not in order or not the same: {text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn stalled_client_is_closed_with_1013_without_affecting_others() {
    let options = DemoOptions {
        runs: 1000,
        speed: 50.0,
        client_queue: 2048,
        // Long enough for the sleeping client to wake up in time on any machine.
        close_grace: Duration::from_secs(300),
        ..DemoOptions::default()
    };
    let server = start(options).await;
    let mut reader = connect(&server.url()).await;
    let mut sleeper = connect_with_small_buffer(&server).await;
    // Enough frames for the queue, the kernel's buffers and the sleeper's replay.
    let read = texts(&mut reader, 30_000).await;
    let distinct: HashSet<_> = read.iter().collect();
    assert_eq!(distinct.len(), read.len());
    let (code, reason) = closed_with(&mut sleeper).await;
    assert_eq!(code, CloseCode::Again, "{reason}");
    // The closed client may reconnect, and the other one is still connected.
    let mut again = connect(&server.url()).await;
    assert!(next_text(&mut again).await.is_some());
    texts(&mut reader, 1000).await;
    server.stop().await;
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let server = start(fast()).await;
    for path in ["", "nowhere", "api/v1/runs/events?run_id=x"] {
        let url = format!("ws://{}/{path}", server.address());
        match connect_async(url).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 404),
            other => panic!("{other:?}"),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn backend_endpoint_refuses_like_the_backend() {
    let server = start(DemoOptions { dialect: Dialect::Backend, ..fast() }).await;
    let cases = [
        ("", "Missing run_id query parameter"),
        ("?run_id=", "Missing run_id query parameter"),
        ("?run_id=run-123", "Invalid run_id format"),
    ];
    for (query, expected) in cases {
        let url = format!("ws://{}/api/v1/runs/events{query}", server.address());
        let (code, reason) = closed_with(&mut connect(&url).await).await;
        assert_eq!((code, reason.as_str()), (CloseCode::Policy, expected));
    }
    server.stop().await;
}

#[tokio::test]
async fn backend_endpoint_replays_one_run_then_sends_live_events() {
    let server =
        start(DemoOptions { dialect: Dialect::Backend, speed: 10.0, ..DemoOptions::default() })
            .await;
    let mut all = connect(&server.url()).await;
    // Find a run whose start is live, so that everything after it is live as well.
    let opened = Timestamp::now();
    let run_id = loop {
        let text = next_text(&mut all).await.unwrap();
        let frame: Value = serde_json::from_str(&text).unwrap();
        let starts = frame["phase"] == "start" && frame["node_name"].is_null();
        if starts && instant(&text, "timestamp") > opened {
            break frame["run_id"].as_str().unwrap().to_owned();
        }
    };
    let url = format!("ws://{}/api/v1/runs/events?run_id={run_id}", server.address());
    let mut one = connect(&url).await;
    let frames: Vec<Value> =
        texts(&mut one, 5).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert!(frames.iter().all(|frame| frame["run_id"] == run_id.as_str()));
    assert_eq!(frames[0]["data"]["message"], "Workflow run created");
    assert!(frames[0]["timestamp"].as_str().unwrap().ends_with("-05:00"));
    assert_eq!(frames[1]["phase"], "start");
    assert!(frames.iter().any(|frame| frame["node_name"].is_string()));
    server.stop().await;
}

#[tokio::test]
async fn unknown_run_receives_no_events() {
    let server = start(DemoOptions { dialect: Dialect::Backend, ..fast() }).await;
    let url = format!(
        "ws://{}/api/v1/runs/events?run_id=aaaaaaaa-0000-4000-8000-000000000001",
        server.address()
    );
    let mut socket = connect(&url).await;
    assert!(timeout(Duration::from_millis(300), socket.next()).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn answering_pings_keeps_a_client_connected() {
    let options = DemoOptions { ping_interval: Duration::from_millis(50), ..fast() };
    let server = start(options).await;
    let mut socket = connect(&server.url()).await;
    let mut pings = 0;
    while pings < 8 {
        if timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap().is_ping() {
            pings += 1;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn stopping_closes_clients_with_1001_and_frees_the_port() {
    let server = start(fast()).await;
    let address = server.address();
    let mut socket = connect(&server.url()).await;
    let (closed, ()) = tokio::join!(closed_with(&mut socket), server.stop());
    assert_eq!(closed.0, CloseCode::Away);
    let again = DemoServer::start(address, fast()).await.unwrap();
    again.stop().await;
}

#[tokio::test]
async fn address_in_use_is_reported() {
    let server = start(fast()).await;
    let error = DemoServer::start(server.address(), fast()).await.unwrap_err();
    assert!(matches!(error, DemoError::AddressInUse { .. }), "{error}");
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains(&server.address().to_string()));
    server.stop().await;
}

#[tokio::test]
async fn dropping_the_handle_stops_the_demo_thread() {
    let handle = tokio::task::spawn_blocking(|| spawn_thread(fast())).await.unwrap().unwrap();
    assert_eq!(handle.url(), format!("ws://{}/events", handle.address()));
    let mut socket = connect(handle.url()).await;
    assert!(next_text(&mut socket).await.is_some());
    let address = handle.address();
    let dropped = tokio::task::spawn_blocking(move || drop(handle));
    assert_eq!(closed_with(&mut socket).await.0, CloseCode::Away);
    dropped.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// Time after which the studio's language model times out at speed 1.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// Checks a reader's result for a finished run against its scenario.
fn check_read(run: &Run, state: &RunState, dialect: Dialect) {
    let told = format!("{dialect:?} {:?} {}", run.scenario, run.id);
    let (status, fix_iterations) = match run.scenario {
        Scenario::Fix(passes) => (RunStatus::Completed, u32::from(passes)),
        Scenario::FixExhausted => (RunStatus::Completed, 3),
        Scenario::CancelledStops => (RunStatus::Cancelled, 0),
        scenario if scenario.ends_failed() => (RunStatus::Failed, 0),
        _ => (RunStatus::Completed, 0),
    };
    assert_eq!((state.status, state.fix_iterations), (status, fix_iterations), "{told}");
    assert_eq!(state.song_title.as_deref(), Some(run.song.full_title().as_str()), "{told}");
    assert_eq!(state.seed, Some(run.seed.into()), "{told}");
    let cancelled = matches!(run.scenario, Scenario::CancelledGoesOn | Scenario::CancelledStops);
    assert_eq!(state.cancel_requested, cancelled, "{told}");
    let executions = if run.scenario == Scenario::ExecutedTwice { 2 } else { 1 };
    assert_eq!(state.executions, executions, "{told}");
    if let (RunStatus::Failed, Some(failure)) = (state.status, run.scenario.failure()) {
        let node = state.failed_node().expect("no node failed");
        assert_eq!(node.name, failure.node().name(), "{told}");
        assert_eq!(node.error.as_deref(), Some(&*failure.message(HALF_A_MINUTE)), "{told}");
    }
    let validated = state.node("VALIDATE").expect("no VALIDATE").history().iter();
    for attempt in validated.filter(|attempt| attempt.duration_ms.is_some()) {
        let scores = if dialect == Dialect::Guide { 5 } else { 0 };
        assert_eq!(attempt.scores.len(), scores, "{told}");
    }
}

#[test]
fn model_shows_the_runs_that_the_studio_simulates() {
    let session = Session { epoch: Timestamp::now(), speed: 1.0, salt: 1 };
    for dialect in [Dialect::Guide, Dialect::Backend] {
        let mut model = Model::new(Retention::EVERYTHING);
        let mut over = Vec::new();
        let timeline = Timeline::new(DemoSchedule::new(7, DemoScheduleOptions { runs: 10 }));
        for event in timeline.take(40_000) {
            let Some(text) = dialect.render(&event, &session, Delivery::Live) else {
                assert!(matches!(event.event.what, What::Progress { .. }));
                continue;
            };
            let at = session.wall_instant(event.at) + SignedDuration::from_millis(1);
            let mut batch = Batch::new(at, true);
            batch.push_text(&text);
            model.receive(batch, |_, _| {});
            if event.last {
                over.push(event.run);
            }
        }
        let counters = model.counters();
        assert_eq!((counters.malformed, counters.ignored, counters.duplicates), (0, 0, 0));
        assert!(over.len() > 500);
        for run in &over {
            let id = session.id(run.id).to_string();
            check_read(run, model.run(&id).expect("not shown").state(), dialect);
        }
    }
}

/// Viewers have nothing to send. Every frame costs the demo time, also a small one.
#[tokio::test]
async fn viewer_that_floods_the_demo_is_disconnected() {
    let server = start(fast()).await;
    let mut socket = connect(&server.url()).await;
    let flood = async {
        while socket.send(Message::Ping(vec![0; 100].into())).await.is_ok() {
            // Reads the answers, so that neither side waits for the other.
            while socket.next().now_or_never().flatten().is_some_and(|it| it.is_ok()) {}
        }
    };
    timeout(PATIENCE, flood).await.expect("the demo still listens");
    // Others are welcome.
    assert!(next_text(&mut connect(&server.url()).await).await.is_some());
    server.stop().await;
}
