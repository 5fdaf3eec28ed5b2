//! Misbehaving servers and networks.

use std::time::Duration;

use futures_util::StreamExt;
use meterbridge::protocol::Item;
use meterbridge::source::ConnectionSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::stage::{Server, Stage, URL, event};

const LOST: &str = "the server went away without closing the connection (1006)";

async fn connected() -> (Stage, Server) {
    let mut stage = Stage::new();
    let server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    stage.expect_states(&["connecting", "connected at 0"]);
    (stage, server)
}

/// Closes with `code`; asserts that the close is answered and the connection retried.
async fn is_retried(code: u16, reason: &str, text: &str) {
    let (mut stage, server) = connected().await;
    let mut server = server.close(code, reason).await;
    match timeout(Duration::from_secs(1), server.socket.next()).await.unwrap() {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(frame.code, CloseCode::from(code)),
        other => panic!("{code}: {other:?}"),
    }
    let _again = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    let waiting = format!("attempt 1/5 at 3: {text}");
    stage.expect_states(&[&waiting, "attempt 1/5", "connected at 3"]);
    assert_eq!(
        stage.log(),
        [
            "connecting",
            "connected",
            &format!("disconnected {code}: {text}"),
            "connecting",
            "connected"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn retries_after_these_close_codes() {
    is_retried(1000, "", "closed by the server (1000 normal closure)").await;
    is_retried(1001, "", "closed by the server (1001 going away)").await;
    is_retried(1011, "keepalive", "closed by the server: keepalive (1011)").await;
    is_retried(1012, "", "closed by the server (1012 service restart)").await;
    is_retried(1013, "", "closed by the server (1013 try again later)").await;
    is_retried(4242, "", "closed by the server (4242)").await;
}

#[tokio::test(start_paused = true)]
async fn close_1008_is_final() {
    let (mut stage, server) = connected().await;
    let _server = server.close(1008, "Missing run_id query parameter").await;
    stage.no_attempt().await;
    stage.expect_states(&["failed: closed by the server: Missing run_id query parameter (1008)"]);
}

#[tokio::test(start_paused = true)]
async fn lost_connection_is_retried() {
    let (mut stage, server) = connected().await;
    drop(server);
    let _again = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    stage.expect_states(&[&format!("attempt 1/5 at 3: {LOST}"), "attempt 1/5", "connected at 3"]);
    assert!(stage.log().contains(&format!("disconnected 1006: {LOST}")));
}

#[tokio::test(start_paused = true)]
async fn connection_lost_inside_a_frame_keeps_complete_frames() {
    let (mut stage, mut server) = connected().await;
    server.send(event("whole")).await;
    server.socket.get_mut().write_all(&[0x81, 0x7e, 0x01, 0x00, b'{', b'"']).await.unwrap();
    drop(server);
    stage.until_state("attempt 1/5").await;
    assert_eq!(stage.runs(), ["whole"]);
    assert_eq!(stage.frames(), 1);
}

#[tokio::test(start_paused = true)]
async fn silent_connection_is_dead_after_45_s() {
    let (mut stage, mut server) = connected().await;
    sleep(Duration::from_secs(10)).await;
    server.send(event("last")).await;
    // The server's machine hangs: nothing is read or written, pings are not answered.
    stage.until_state("attempt").await;
    stage.expect_states(&["attempt 1/5 at 58: nothing received for 45 s: the connection is dead"]);
    assert_eq!(stage.elapsed().as_secs(), 55);
}

#[tokio::test(start_paused = true)]
async fn pongs_keep_a_quiet_connection_alive() {
    let (mut stage, mut server) = connected().await;
    let pings = tokio::spawn(async move {
        let mut pings = 0;
        while let Some(Ok(message)) = server.socket.next().await {
            // Reading answers pings. Data would silence the backend for good.
            match message {
                Message::Ping(_) => pings += 1,
                Message::Close(_) => break,
                other => panic!("{other:?}"),
            }
        }
        pings
    });
    sleep(Duration::from_secs(610)).await;
    stage.expect_states(&[]);
    stage.commands = None;
    assert_eq!(pings.await.unwrap(), 30, "one every 20 s");
}

#[tokio::test(start_paused = true)]
async fn batches_tell_their_size_and_how_long_the_last_ping_took() {
    let (mut stage, mut server) = connected().await;
    server.send(event("first")).await;
    stage.until_items(1).await;
    // The first ping comes after 20 s.
    sleep(Duration::from_millis(20_040)).await;
    let ping = server.socket.next().await.unwrap().unwrap();
    assert!(ping.is_ping(), "{ping:?}");
    for run in ["second", "third"] {
        server.send(event(run)).await;
        sleep(Duration::from_millis(100)).await;
    }
    stage.until_items(3).await;
    let batches = stage.batches();
    assert_eq!((batches[0].answered_in, batches[0].bytes), (None, event("first").len() as u64));
    let last = batches.last().unwrap();
    let took = last.answered_in.unwrap_or_default().as_millis();
    assert!((40..=60).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn server_pings_are_answered() {
    let (mut stage, mut server) = connected().await;
    for _ in 0..3 {
        sleep(Duration::from_secs(1)).await;
        server.send(Message::Ping(Bytes::from_static(b"there?"))).await;
        let answer = timeout(Duration::from_millis(10), server.socket.next()).await.unwrap();
        assert_eq!(answer.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"there?")));
    }
    stage.expect_states(&[]);
}

#[tokio::test(start_paused = true)]
async fn garbage_frames_do_not_end_the_connection() {
    let (mut stage, mut server) = connected().await;
    server.send("garbage").await;
    server.send("").await;
    server.send(Bytes::from(event("binary"))).await;
    server.send(Bytes::from_static(b"\xff\xfe\x00")).await;
    let not_utf8 = Frame::message(&b"{\"run_id\":\"\xff\"}"[..], OpCode::Data(Data::Text), true);
    server.send(Message::Frame(not_utf8)).await;
    server.send(format!("[{},1]", event("array"))).await;
    server.send(event("good")).await;
    stage.until_items(8).await;
    assert_eq!(stage.runs(), ["binary", "array", "good"]);
    let items = stage.items();
    let malformed = |item: &&&Item| matches!(item, Item::Malformed(_));
    assert_eq!(items.iter().filter(malformed).count(), 4);
    assert_eq!(stage.frames(), 7);
    sleep(Duration::from_secs(1)).await;
    stage.expect_states(&[]);
}

#[tokio::test(start_paused = true)]
async fn fragmented_frames_are_reassembled() {
    let (mut stage, mut server) = connected().await;
    let text = event("pieces");
    let (head, tail) = text.split_at(20);
    let piece = |text: &str, data, last| {
        Message::Frame(Frame::message(text.to_owned(), OpCode::Data(data), last))
    };
    server.send(piece(head, Data::Text, false)).await;
    server.send(Message::Ping(Bytes::new())).await;
    server.send(piece(tail, Data::Continue, true)).await;
    stage.until_items(1).await;
    assert_eq!(stage.runs(), ["pieces"]);
}

/// Returns the head of a text frame that announces `bytes` of payload.
pub fn announcement(bytes: u64) -> Vec<u8> {
    let mut head = vec![0x81, 127];
    head.extend(bytes.to_be_bytes());
    head
}

#[tokio::test(start_paused = true)]
async fn message_of_100_mib_is_refused_before_it_is_read() {
    let (mut stage, mut server) = connected().await;
    server.send(event("before")).await;
    server.socket.get_mut().write_all(&announcement(100 << 20)).await.unwrap();
    let close = timeout(Duration::from_secs(1), server.socket.next()).await.unwrap();
    match close.unwrap().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Size),
        other => panic!("{other:?}"),
    }
    let _again = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    let text = "a message of more than 64 MiB arrived: the connection was closed";
    let waiting = format!("attempt 1/5 at 3: {text}");
    stage.expect_states(&[&waiting, "attempt 1/5", "connected at 3"]);
    assert_eq!(stage.runs(), ["before"]);
    match stage.items().last().unwrap() {
        Item::Malformed(error) => assert_eq!(error.reason, text),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn fragmented_message_is_refused_at_64_mib() {
    let (mut stage, mut server) = connected().await;
    let mut sent = 0;
    for number in 0..100 {
        let data = if number == 0 { Data::Text } else { Data::Continue };
        let piece = Frame::message(vec![b' '; 1 << 20], OpCode::Data(data), false);
        let sending = futures_util::SinkExt::send(&mut server.socket, Message::Frame(piece));
        if sending.await.is_err() {
            break;
        }
        sent += 1;
    }
    assert!((64..68).contains(&sent), "{sent} MiB were taken");
    stage.until_state("attempt 1/5 at").await;
}

#[tokio::test(start_paused = true)]
async fn message_within_the_limit_is_read() {
    let (mut stage, mut server) = connected().await;
    let long = format!(
        r#"{{"run_id":"long","phase":"fail","ts":"2026-11-23T00:00:00Z","data":{{"error":"{}"}}}}"#,
        "x".repeat(3 << 20)
    );
    let sender = tokio::spawn(async move {
        server.send(long).await;
        server
    });
    stage.until_items(1).await;
    assert_eq!(stage.runs(), ["long"]);
    drop(sender.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn protocol_violation_disconnects_and_is_retried() {
    let (mut stage, mut server) = connected().await;
    // Reserved bits set.
    server.socket.get_mut().write_all(&[0xf1, 0x00]).await.unwrap();
    stage.until_state("attempt 1/5 at 3").await;
    stage.expect_states(&[
        "attempt 1/5 at 3: the server violates the WebSocket protocol: Reserved bits are non-zero",
    ]);
}

#[tokio::test(start_paused = true)]
async fn reconnects_after_a_restart_of_20_s() {
    let settings = ConnectionSettings { max_reconnect_attempts: 10, ..Default::default() };
    let mut stage = Stage::with(settings, Some(URL));
    let mut server = stage.attempt().await.accept().await;
    server.send(event("before")).await;
    stage.until_items(1).await;
    let _server = server.close(1012, "").await;
    let mut server = loop {
        let attempt = stage.attempt().await;
        if attempt.at >= Duration::from_secs(20) {
            break attempt.accept().await;
        }
        attempt.refuse();
    };
    server.send(event("after")).await;
    stage.until_items(2).await;
    assert_eq!(stage.runs(), ["before", "after"]);
    assert_eq!(stage.states().last().unwrap(), "connected at 21");
}

#[tokio::test(start_paused = true)]
async fn frames_of_the_first_two_seconds_are_not_live() {
    let (mut stage, mut server) = connected().await;
    server.send(event("replayed")).await;
    sleep(Duration::from_millis(1900)).await;
    server.send(event("replayed")).await;
    sleep(Duration::from_millis(200)).await;
    server.send(event("live")).await;
    stage.until_items(3).await;
    let live: Vec<bool> = stage.batches().iter().map(|batch| batch.live).collect();
    assert_eq!(live, [false, false, true]);
}

/// Reads the request and sends `answer`.
pub async fn answer(mut transport: DuplexStream, answer: &str) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        transport.read_buf(&mut request).await.unwrap();
    }
    let request = String::from_utf8(request).unwrap();
    assert!(request.starts_with("GET /events HTTP/1.1\r\nHost: studio:8000\r\n"), "{request}");
    assert!(!request.contains("Sec-WebSocket-Protocol"), "{request}");
    // In two pieces, as uvicorn sends it.
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    transport.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    sleep(Duration::from_millis(5)).await;
    transport.write_all(body.as_bytes()).await.unwrap();
    sleep(Duration::from_secs(2)).await;
}

#[tokio::test(start_paused = true)]
async fn refused_handshake_is_final_and_quotes_the_server() {
    for (status, text) in [
        (
            "401 Unauthorized",
            "the server answered HTTP 401 Unauthorized: {\"detail\":\"no\"}. It requires credentials: put a token into METERBRIDGE_TOKEN, or into a file for --token-file",
        ),
        (
            "403 Forbidden",
            "the server answered HTTP 403 Forbidden: {\"detail\":\"no\"}. Check the path: is there an event stream, and may you read it?",
        ),
        (
            "404 Not Found",
            "the server answered HTTP 404 Not Found: {\"detail\":\"no\"}. Check the path: is there an event stream, and may you read it?",
        ),
    ] {
        let mut stage = Stage::new();
        let transport = stage.attempt().await.open();
        let head = "Content-Length: 15\r\nContent-Type: application/json";
        answer(transport, &format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n{{\"detail\":\"no\"}}"))
            .await;
        stage.no_attempt().await;
        stage.expect_states(&["connecting", &format!("failed: {text}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn other_handshake_answers_are_retried() {
    for (head, text) in [
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
            "the server answered HTTP 503 Service Unavailable: busy",
        ),
        (
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: /events/?token=t\r\n\r\n",
            "the server answered HTTP 307 redirect: it moved to /events/?token=…",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "the server answered HTTP 200 OK. This is a page, not an event stream: check the path",
        ),
        (
            "\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
            "the server violates the WebSocket protocol: it speaks TLS. Is it wss:// rather than ws://?",
        ),
        (
            "SSH-2.0-OpenSSH_9.9\r\n\r\n",
            "the server violates the WebSocket protocol: it does not speak WebSocket",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
            "the server violates the WebSocket protocol: its answer does not match the request (Sec-WebSocket-Accept)",
        ),
    ] {
        let mut stage = Stage::new();
        let transport = stage.attempt().await.open();
        let answering = tokio::spawn(answer(transport, head));
        stage.until_state("attempt 1/5 at 3").await;
        stage.expect_states(&["connecting", &format!("attempt 1/5 at 3: {text}")]);
        answering.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn unanswered_handshake_times_out() {
    let mut stage = Stage::new();
    let _silent = stage.attempt().await.open();
    let text = "no answer within 10 s. Is this the right host, and does a firewall block it?";
    stage.until_state("attempt").await;
    stage.expect_states(&["connecting", &format!("attempt 1/5 at 13: {text}")]);
    // The same if no transport can be opened at all.
    let unanswered = stage.attempt().await;
    assert_eq!(unanswered.at.as_secs(), 13);
    stage.until_state("attempt 2/5 at").await;
    stage.expect_states(&["attempt 1/5", &format!("attempt 2/5 at 26: {text}")]);
}

#[tokio::test(start_paused = true)]
async fn frames_sent_with_the_handshake_are_not_lost() {
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

    let mut stage = Stage::new();
    let mut transport = stage.attempt().await.open();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        transport.read_buf(&mut request).await.unwrap();
    }
    let request = String::from_utf8(request).unwrap();
    let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let text = event("early");
    let mut bytes = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nupgrade: WebSocket\r\nsec-websocket-accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
    .into_bytes();
    bytes.extend([0x81, u8::try_from(text.len()).unwrap()]);
    bytes.extend(text.as_bytes());
    transport.write_all(&bytes).await.unwrap();
    stage.until_items(1).await;
    assert_eq!(stage.runs(), ["early"]);
}
