//! Texts that a hub writes for people about an upstream that sends hostile text.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{PATIENCE, TempStore, connect_to};
use crate::page::request;

/// Line breaks, escape sequences, C0 and C1 controls, and bidi overrides.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{9d}0;t\u{9c}b\r\nc\u{2028}d\u{202e}e\u{2066}\0\u{8}f\u{85}g";

#[track_caller]
fn assert_safe(what: &str, text: &str) {
    let bad = |c: char| {
        c.is_control() && c != '\n'
            || matches!(
                c,
                '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            )
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if let Some(at) = text.find(bad) {
        panic!("{what}: {:?}", text[at..].chars().take(40).collect::<String>());
    }
    for line in text.lines() {
        assert!(line.len() < 4_100, "{what}: a line of {} bytes", line.len());
    }
}

/// Sends hostile frames on every connection, and closes it with hostile words.
async fn serve(listener: TcpListener) {
    let long = HOSTILE.repeat(20_000);
    let event = |run: &str, node: &str, ts: &str| {
        json!({
            "ts": ts, "run_id": run, "node_name": node, "phase": "start", "event_id": ts,
            "data": {"message": HOSTILE, "song_title": HOSTILE, "song_id": HOSTILE},
        })
        .to_string()
    };
    let frames = [
        event(HOSTILE, HOSTILE, "2026-11-23T10:00:00Z"),
        // Regression: this once wrote a line of 3.9 MB into the log.
        event("r-1", "PLAN", &long),
        event(&long, "PLAN", "2026-11-23T10:00:00Z"),
        format!("{{{long}"),
        event("last", "PLAN", "2026-11-23T10:00:00Z"),
    ];
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(mut socket) = accept_async(stream).await else { continue };
        for frame in &frames {
            let _ = socket.send(Message::text(frame)).await;
        }
        let reason = HOSTILE.into();
        let _ = socket.close(Some(CloseFrame { code: 1011.into(), reason })).await;
    }
}

/// A hub process, which ends with the test.
pub(super) struct Process(pub(super) std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn log_health_and_metrics_of_a_hub_contain_no_hostile_text() {
    let temp_store = TempStore::new("hostile");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("ws://{}/events", listener.local_addr().unwrap());
    tokio::spawn(serve(listener));
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
    command
        .args(["serve", &upstream, "--listen", "127.0.0.1:0", "--reconnect-delay", "0.2"])
        .arg("--store")
        .arg(temp_store.file())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut hub = Process(command.spawn().unwrap());
    let mut announcement = String::new();
    BufReader::new(hub.0.stdout.take().unwrap()).read_line(&mut announcement).unwrap();
    assert_safe("standard output", &announcement);
    let address = announcement.split("http://").nth(1).unwrap().split('/').next().unwrap();

    let mut screen = connect_to(&format!("ws://{address}/events"), None).await;
    screen
        .until("the last event", |it| it.told.iter().any(|(_, text)| text.contains("last")))
        .await;
    screen
        .until("the reason", |it| it.upstream.iter().any(|it| it.reason.contains("(1011)")))
        .await;
    for upstream in &screen.upstream {
        assert_safe("a state for screens", &upstream.reason);
    }
    let mut reasons = 0;
    let health = async {
        while reasons == 0 {
            let health = request(address.parse().unwrap(), "GET", "/healthz", &[], b"").await;
            let body: Value = serde_json::from_slice(&health.body).unwrap();
            assert_safe("/healthz", health.text());
            for text in [&body["upstream"]["reason"], &body["problems"][0]] {
                let text = text.as_str().unwrap_or_default();
                assert_safe("/healthz, decoded", text);
                reasons += usize::from(text.contains("ab c d"));
            }
        }
    };
    timeout(PATIENCE, health).await.expect("the close frame's words are reported");
    let metrics = request(address.parse().unwrap(), "GET", "/metrics", &[], b"").await;
    assert_safe("/metrics", metrics.text());
    assert!(metrics.text().contains("meterbridge_hub_events_malformed_total"));

    hub.0.kill().unwrap();
    let mut log = String::new();
    hub.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_safe("the log", &log);
    for words in ["an event whose time cannot be read: \"ab c d", "upstream is lost: "] {
        assert!(log.contains(words), "{words}: {log}");
    }
}
