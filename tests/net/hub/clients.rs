//! Delivery to screens: every frame, exactly once, at each screen's own pace.

use std::time::Duration;

use futures_util::SinkExt;
use meterbridge::hub::HubServer;
use meterbridge::hub::gate::GateOptions;
use meterbridge::protocol::hub::UpstreamState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Fed, connect, event, eventually, runs_of, whole_run};

#[tokio::test]
async fn screen_receives_every_frame_unchanged_and_in_order() {
    let fed = Fed::new();
    // Odd formatting on purpose: screens must receive the backend's text unchanged.
    let odd =
        r#"{ "run_id" : "r-1",  "phase":"start", "ts":"2026-11-23T01:00:00Z" ,"more":[1, 2.50] }"#;
    let unknown = event("r-1", None, "paused", 1);
    let stranger = event("r-2", Some("MASTER"), "start", 2);
    let unheard_of = event("r-3", None, "paused", 3);
    fed.say([odd, &unknown, &stranger, &unheard_of]);
    // None of these frames is forwarded, and none ends the connection.
    fed.say(["no JSON", r#"{"phase":"end"}"#, "{}", r#"{"hub":{"live":true}}"#]);
    // Repeated frames are not forwarded either.
    fed.say([odd, &unknown, &stranger, &unheard_of]);
    // A frame may hold several events.
    let (one, two) = (event("r-1", Some("PLAN"), "start", 4), event("r-1", Some("PLAN"), "end", 5));
    fed.say([format!("[{one},\n {two}]")]);
    let mut early = fed.viewer().await;
    early.until_told(6).await;
    let expected = [odd, &unknown, &stranger, &unheard_of, &one, &two];
    assert_eq!(early.texts(), expected);
    let mut late = fed.viewer().await;
    late.until_live().await;
    assert_eq!(late.order, ["hello", "upstream", "n", "n", "n", "n", "n", "n", "live"]);
    assert_eq!(late.texts(), expected);
    assert_eq!(late.position.as_ref().unwrap().seq, 6);
    let counters = fed.hub.counters();
    assert_eq!((counters.duplicates.get(), counters.malformed.get()), (4, 2));
    assert_eq!(counters.frames_in.get(), 13);
    assert_eq!((counters.replays.get(), counters.clients.get()), (2, 2));
    drop((early, late));
    eventually("leaving", || counters.clients.get() == 0).await;
    assert_eq!(counters.frames_out.get(), 12);
}

#[tokio::test]
async fn resumed_screen_misses_nothing_and_receives_nothing_twice() {
    let fed = Fed::new();
    let all: Vec<String> = (0..40).flat_map(|run| whole_run(&format!("r-{run}"))).collect();
    let mut parts = all.chunks(60);
    fed.say(parts.next().unwrap());
    let mut client = fed.viewer().await;
    client.until_told(60).await;
    for (round, part) in parts.enumerate() {
        // Disconnect amid new frames, and in every second round also amid the replay.
        fed.say(&part[..part.len() / 2]);
        client.until_told(60 + 60 * round + 7).await;
        let query = client.query();
        fed.say(&part[part.len() / 2..]);
        eventually("the rest", || {
            fed.hub.counters().journal_entries.get() == 120 + 60 * round as u64
        })
        .await;
        client = client.continued(fed.viewer_at(&query).await);
        if round % 2 == 0 {
            client.until_told(60 + 60 * round + 20).await;
            let query = client.query();
            client = client.continued(fed.viewer_at(&query).await);
        }
        client.until_live().await;
        assert_eq!(client.told.len(), 120 + 60 * round);
    }
    assert_eq!(client.texts(), all);
    let numbers: Vec<u64> = client.told.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=720).collect::<Vec<u64>>());
    assert_eq!(client.runs(), runs_of(&fed.hub));
    let counters = fed.hub.counters();
    assert_eq!((counters.replays.get(), counters.resumes.get()), (1, 17));
}

#[tokio::test]
async fn invalid_resume_position_gets_a_full_replay() {
    let fed = Fed::new();
    fed.say(whole_run("r-1"));
    let mut first = fed.viewer().await;
    first.until_told(18).await;
    let stream = first.position.as_ref().unwrap().stream.clone();
    for query in [
        "stream=5f1c2a52-8ed5-4b37-9be4-7b0d5a0a64b1&after=10".to_owned(),
        "after=10".to_owned(),
        "stream=x&after=10".to_owned(),
        format!("stream={stream}&after=19"),
        format!("stream={stream}&after=-1"),
        format!("stream={stream}"),
    ] {
        let mut client = fed.viewer_at(&query).await;
        client.until_live().await;
        assert_eq!(client.hellos[0].at.seq, 0, "{query}");
        assert_eq!(client.told, first.told, "{query}");
    }
    // The end of the stream is a valid position.
    let mut client = fed.viewer_at(&first.query()).await;
    client.until_live().await;
    assert_eq!((client.told.len(), client.hellos[0].at.seq), (0, 18));
    assert_eq!(client.order, ["hello", "upstream", "live"]);
}

#[tokio::test]
async fn live_frame_is_sent_once_after_the_replay() {
    let fed = Fed::new();
    fed.say(whole_run("r-1"));
    let mut client = fed.viewer().await;
    client.until_live().await;
    let was = client.told.len();
    fed.say(whole_run("r-2"));
    client.until_told(36).await;
    let lives: Vec<usize> =
        (0..client.order.len()).filter(|at| client.order[*at] == "live").collect();
    assert_eq!(lives, [2 + was]);
}

/// Returns an event of one kilobyte, similar to long error texts.
fn large(run: &str, second: u32) -> String {
    let text = event(run, Some("PLAN"), "progress", second);
    text.replace(r#""phase""#, &format!(r#""data":{{"message":"{}"}},"phase""#, "x".repeat(1000)))
}

/// With paused time, idle tasks jump to the next deadline.
#[tokio::test(start_paused = true)]
async fn stalled_screen_delays_no_other_and_is_closed_after_a_minute() {
    let fed = Fed::new();
    let mut client = fed.viewer().await;
    let mut stalled = fed.viewer().await;
    client.until_live().await;
    stalled.until_live().await;
    let began = tokio::time::Instant::now();
    // 1 MB of frames: the transport between client and hub holds 64 KiB.
    let texts: Vec<String> = (0..1000).map(|second| large("r-1", second)).collect();
    for part in texts.chunks(100) {
        fed.say(part);
    }
    fed.has_taken(1000);
    client.until_told(1000).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let counters = fed.hub.counters();
    // The other screen keeps reading and answers pings, which takes no time.
    let reading = async {
        loop {
            let _ = tokio::time::timeout(Duration::from_secs(5), client.step_quietly()).await;
        }
    };
    let closing = async {
        while counters.clients.get() == 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(began.elapsed() < Duration::from_secs(120), "it is not closed");
        }
    };
    tokio::select! {
        () = closing => {}
        () = reading => {}
    }
    let took = began.elapsed();
    assert!((60..62).contains(&took.as_secs()), "closed after {took:?}");
    assert_eq!(counters.lag_closes.get(), 1);
    // The closed screen may still read what was sent to it, and resumes after that.
    assert!(stalled.closed().await.is_none());
    let had = stalled.told.len();
    assert!((1..500).contains(&had), "{had}");
    let query = stalled.query();
    let mut back = stalled.continued(fed.viewer_at(&query).await);
    back.until_live().await;
    assert_eq!(back.texts(), texts);
    assert_eq!(back.runs(), runs_of(&fed.hub));
}

/// With paused time, idle tasks jump to the next deadline.
#[tokio::test(start_paused = true)]
async fn screens_that_answer_no_ping_are_closed() {
    let fed = Fed::new();
    let mut client = fed.viewer().await;
    client.until_live().await;
    let silent = fed.viewer().await;
    let counters = fed.hub.counters();
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(300) {
        let _ = tokio::time::timeout(Duration::from_secs(1), client.step_quietly()).await;
        if counters.clients.get() == 1 && counters.lag_closes.get() == 0 {
            panic!("nobody was closed");
        }
    }
    assert_eq!((counters.clients.get(), counters.lag_closes.get()), (1, 1));
    drop(silent);
    fed.say(whole_run("r-1"));
    fed.has_taken(18);
    client.until_told(18).await;
}

#[tokio::test]
async fn messages_from_screens_are_ignored_and_bounded() {
    let fed = Fed::new();
    let mut chatty = fed.viewer().await;
    chatty.until_live().await;
    for message in [Message::text(event("r-9", None, "start", 0)), Message::binary(vec![0; 512])] {
        chatty.socket.send(message).await.unwrap();
    }
    chatty.socket.send(Message::Ping(vec![7].into())).await.unwrap();
    fed.say(whole_run("r-1"));
    chatty.until_told(18).await;
    assert_eq!(runs_of(&fed.hub).len(), 1, "what a screen says is no event");
    let mut shouting = fed.viewer().await;
    shouting.until_live().await;
    shouting.socket.send(Message::text("x".repeat(5000))).await.unwrap();
    shouting.closed().await;
    let counters = fed.hub.counters();
    eventually("its end", || counters.clients.get() == 1).await;
    fed.say(whole_run("r-2"));
    chatty.until_told(36).await;
}

#[tokio::test]
async fn stopping_the_hub_closes_screens_with_1001() {
    let server = serve(Fed::new()).await;
    let mut client = connect(&server.0, None).await;
    client.until_live().await;
    let (closed, ()) = tokio::join!(client.closed(), server.0.stop());
    let closed = closed.unwrap();
    assert_eq!(
        (closed.code, closed.reason.as_str()),
        (CloseCode::Away, "The hub is shutting down")
    );
}

async fn serve(fed: Fed) -> (HubServer, crossbeam_channel::Sender<meterbridge::source::Signal>) {
    let Fed { hub, upstream } = fed;
    (HubServer::start_hub(([127, 0, 0, 1], 0).into(), hub, None).await.unwrap(), upstream)
}

/// Does only the handshake.
async fn greet(mut stream: TcpStream) -> TcpStream {
    let request = "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
    stream
}

/// Otherwise hundreds of such screens would leave no memory for all other sockets.
#[tokio::test]
async fn kernel_buffers_of_a_stalled_screen_are_small() {
    const MEBIBYTE: u64 = 1 << 20;
    let fed = Fed::new();
    for part in 0..16 {
        // One megabyte.
        fed.say((0..1000).map(|second| large(&format!("r-{part}"), second)));
    }
    fed.has_taken(16_000);
    let (server, _upstream) = serve(fed).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let _idle = greet(socket.connect(server.address()).await.unwrap()).await;
    let mut reader = connect(&server, None).await;
    reader.until_live().await;
    // The idle screen had as many chances to receive frames, but its socket took only a few.
    let sent = server.hub().unwrap().counters().frames_out.get() - reader.told.len() as u64;
    assert!(sent * 1_000 < 2 * MEBIBYTE, "{sent} frames of a kilobyte wait in the system");
    server.stop().await;
}

#[tokio::test]
async fn number_of_screens_is_bounded() {
    let (server, _upstream) = serve(Fed::new()).await;
    let mut all = Vec::new();
    let most = GateOptions::default().max_screens;
    while all.len() < most {
        all.push(greet(TcpStream::connect(server.address()).await.unwrap()).await);
    }
    match connect_async(server.events_url()).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("{other:?}"),
    }
    all.truncate(most - 12);
    let counters = server.hub().unwrap().counters();
    eventually("room", || counters.clients.get() <= most as u64 - 12).await;
    let mut client = connect(&server, None).await;
    client.until_live().await;
    assert_eq!(client.upstream[0].state, UpstreamState::Lost);
    server.stop().await;
}
