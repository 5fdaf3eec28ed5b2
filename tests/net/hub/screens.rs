//! Screens that report to their hub, and the hub's list of them.

use std::sync::Arc;

use futures_util::SinkExt;
use meterbridge::hub::gate::{GateOptions, HubToken};
use meterbridge::protocol::screen::{ScreenReport, read_list};
use meterbridge::source::{Command, ConnectionSettings, Secret, Signal, SourceHandle, spawn};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::served::Served;
use super::{event, eventually, options};
use crate::page::{Answer, ask, get, request};

const TOKEN: &str = "screens-s3cr3t-t0ken";

fn report(view: &str) -> ScreenReport {
    ScreenReport {
        name: "foyer".to_owned(),
        id: "7".to_owned(),
        view: view.to_owned(),
        run: None,
        size: Some((1920, 1080)),
        frame_ms: Some(16.66),
        version: "0.2.0".to_owned(),
        error: None,
    }
}

async fn post(served: &Served, body: &str, headers: &[&str]) -> Answer {
    request(served.server.address(), "POST", "/screens", headers, body.as_bytes()).await
}

fn source(url: String) -> SourceHandle {
    spawn(Some(url), ConnectionSettings::default(), Arc::new(|| {}))
}

#[tokio::test]
async fn screen_is_listed_as_it_reported() {
    let served = Served::open(&options(None)).await;
    let empty: Value = serde_json::from_slice(&get(&served.server, "/screens").await.body).unwrap();
    assert_eq!(empty, json!({ "screens": [], "connected": 0 }));
    let answer = post(&served, &report("wall").to_json().to_string(), &[]).await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"next_report_secs":10}"#));
    let answer = get(&served.server, "/screens").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    let screen = body["screens"][0].as_object_mut().unwrap();
    assert!(screen.remove("since").unwrap().as_str().unwrap().ends_with('Z'));
    assert!(screen.remove("silent_secs").unwrap().as_u64().unwrap() < 30);
    let expected = json!({
        "name": "foyer", "id": "7", "view": "wall", "run": null, "width": 1920, "height": 1080,
        "frame_ms": 16.7, "version": "0.2.0", "error": null, "health": "ok",
    });
    assert_eq!(body, json!({ "screens": [expected], "connected": 0 }));
    for (body, status) in [("{}", 400), ("nonsense", 400), (&*"x".repeat(10_000), 413)] {
        assert_eq!(post(&served, body, &[]).await.status, status);
    }
    let foreign = post(&served, "{}", &["Origin: http://evil.example"]).await;
    assert_eq!(foreign.status, 403);
    served.server.stop().await;
}

#[tokio::test]
async fn list_and_reports_need_the_token_for_screens() {
    let token = HubToken::new(&Secret::new(TOKEN).unwrap()).unwrap();
    let gate = GateOptions { token: Some(token), ..GateOptions::default() };
    let served = Served::behind(&options(None), gate).await;
    assert_eq!(get(&served.server, "/screens").await.status, 401);
    assert_eq!(post(&served, &report("wall").to_json().to_string(), &[]).await.status, 401);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    assert_eq!(ask(&served.server, "GET", "/screens", &[&bearer]).await.status, 200);
    served.server.stop().await;
}

#[tokio::test]
async fn source_reports_to_a_hub_at_once_and_again_after_a_change() {
    let served = Served::open(&options(None)).await;
    let source = source(served.server.events_url());
    let list = async || read_list(&get(&served.server, "/screens").await.body).unwrap();
    for view in ["wall", "stage"] {
        source.send(Command::ReportScreen(Box::new(report(view))));
        while list().await.first().is_none_or(|screen| screen.report.view != view) {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(list().await.len(), 1);
    drop(source);
    served.server.stop().await;
}

#[tokio::test]
async fn screens_are_listed_from_the_command_line() {
    let served = Served::open(&options(None)).await;
    post(&served, &report("wall").to_json().to_string(), &[]).await;
    let run = async |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_meterbridge"));
        command.args(["screens", &served.server.events_url()]).args(more);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        String::from_utf8(output.await.unwrap().stdout).unwrap()
    };
    let table = run(&[]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[1].starts_with("foyer  ok      wall  1920×1080  16.7 ms  0.2.0    "), "{table}");
    let json: Value = serde_json::from_str(&run(&["--json"]).await).unwrap();
    assert_eq!(json["screens"][0]["name"], "foyer");
    served.server.stop().await;
}

/// A backend's stream is told nothing.
#[tokio::test]
async fn source_reports_to_nobody_but_a_hub() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = source(format!("ws://{}/events", listener.local_addr().unwrap()));
    source.send(Command::ReportScreen(Box::new(report("wall"))));
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let mut arrived = 0;
    for second in 0..3 {
        socket.send(Message::text(event("r", None, "progress", second))).await.unwrap();
        source.send(Command::ReportScreen(Box::new(report("stage"))));
        let taken = arrived;
        eventually("an event", || {
            let batches = source.signals.try_iter();
            arrived += batches.filter(|signal| matches!(signal, Signal::Batch(_))).count();
            arrived > taken
        })
        .await;
    }
    let other = tokio::time::timeout(std::time::Duration::from_millis(100), listener.accept());
    assert!(other.await.is_err(), "a second connection");
}
