//! Limits on the load that one screen, one address or all together can put on a hub.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use futures_util::StreamExt;
use meterbridge::hub::HubServer;
use meterbridge::hub::gate::GateOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::upstream::{Echo, Manner};
use super::{Plan, TOKEN, handshake, with_token};
use crate::page::{Answer, ask, get, request};

const PATIENCE: Duration = Duration::from_secs(20);
const BEARER: &str = "Authorization: Bearer screens-s3cr3t-t0ken";

/// Returns a non-loopback address of this machine; `None` without a network.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Connecting a UDP socket sends nothing.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_loopback())
}

async fn hub(gate: GateOptions, listen: SocketAddr) -> HubServer {
    let echo = Echo::new(Manner::Echo).await;
    Plan { listen, ..Plan::of(echo.address).with(gate) }.start_quietly().await
}

#[tokio::test]
async fn screens_are_limited_until_one_leaves() {
    let gate = GateOptions { max_screens: 3, ..GateOptions::default() };
    let server = hub(gate, super::loopback()).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(connect_async(server.events_url()).await.unwrap().0);
    }
    assert_eq!(handshake(&server, &[]).await, 503);
    // All other requests are served.
    let health = get(&server, "/healthz").await;
    assert!(health.status == 200 && health.text().contains("\"screens\":3"), "{}", health.text());
    clients.pop().unwrap().close(None).await.unwrap();
    let again = async {
        while handshake(&server, &[]).await != 101 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.expect("nobody is let in any more");
    server.stop().await;
}

/// Connections that ask nothing, or never end their request, hold no place that others need.
#[tokio::test]
async fn health_and_new_screens_are_served_beside_a_crowd_of_idle_connections() {
    let server = hub(GateOptions::default(), super::loopback()).await;
    // All connections that the hub accepts, and as many as a test may have open besides.
    const CROWD: usize = 350;
    let mut idle = Vec::new();
    for nth in 0..CROWD {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        if nth % 2 == 0 {
            let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").await;
        }
        idle.push(stream);
    }
    // Much sooner than idle connections time out.
    let soon = Duration::from_secs(5);
    for _ in 0..3 {
        let health = timeout(soon, get(&server, "/healthz")).await.expect("health in time");
        assert_eq!(health.status, 200);
        assert_eq!(timeout(soon, handshake(&server, &[])).await.expect("a screen in time"), 101);
    }
    // And so is a client that asks only after these were let in.
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
    client.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut client).await.status, 200);
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn request_heads_and_messages_are_bounded() {
    let server = hub(GateOptions::default(), super::loopback()).await;
    let long = format!("X-Long: {}", "x".repeat(17 << 10));
    let answer = ask(&server, "GET", "/healthz", &[&long]).await;
    assert_eq!(answer.status, 431);
    let short = format!("X-Long: {}", "x".repeat(8 << 10));
    assert_eq!(ask(&server, "GET", "/healthz", &[&short]).await.status, 200);
    let many: Vec<String> = (0..200).map(|it| format!("X-{it}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(ask(&server, "GET", "/healthz", &many).await.status, 431);
    let path = format!("/{}", "x".repeat(17 << 10));
    assert!([414, 431].contains(&get(&server, &path).await.status));

    let mut client = connect_async(server.events_url()).await.unwrap().0;
    let message = Message::text("x".repeat(64 << 10));
    // The connection may be closed before everything was sent.
    let _ = futures_util::SinkExt::send(&mut client, message).await;
    let ended = async { while client.next().await.is_some_and(|message| message.is_ok()) {} };
    timeout(PATIENCE, ended).await.expect("it is still listened to");
    server.stop().await;
}

/// Limits apply to addresses that are not this machine's own loopback. Skipped on a machine without a
/// network; `gate/rates.rs` and `gate/connection_limits.rs` then have to do.
#[tokio::test]
async fn requests_and_connections_per_address_are_limited() {
    let Some(address) = own_address() else { return };
    let gate = GateOptions { max_request_rate: 2, max_per_address: 3, ..with_token(TOKEN) };
    let server = hub(gate, (address, 0).into()).await;
    let get = || request(server.address(), "GET", "/healthz", &[BEARER], b"");
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(get().await.status);
    }
    let answered = statuses.iter().take_while(|status| **status == 200).count();
    assert!((10..20).contains(&answered), "{statuses:?}");
    let refused = get().await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));

    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(server.address()).await.unwrap());
    }
    // The fourth connection is closed without an answer.
    let mut fourth = TcpStream::connect(server.address()).await.unwrap();
    let read = timeout(PATIENCE, fourth.read(&mut [0; 16])).await.expect("it is served");
    assert_eq!(read.unwrap_or(0), 0);
    held.pop();
    let again = async {
        loop {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            let head = format!("GET /login HTTP/1.1\r\nHost: {address}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            if stream.read(&mut [0; 1]).await.is_ok_and(|read| read == 1) {
                break;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("nobody is let in any more");
    server.stop().await;
}

/// Loopback clients such as a proxy, a monitor or a wall cannot be told apart, so they are not limited.
#[tokio::test]
async fn loopback_connections_are_not_limited() {
    let gate = GateOptions { max_request_rate: 1, max_per_address: 1, ..GateOptions::default() };
    let server = hub(gate, super::loopback()).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let head = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(Answer::read(&mut stream).await.status, 200);
        held.push(stream);
    }
    server.stop().await;
}
