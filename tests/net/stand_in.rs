//! Checks that the backend stand-in answers like the recorded backend and has its flaws.

use std::time::Duration;

use futures_util::StreamExt;
use meterbridge::source::connector::Connect;
use meterbridge::source::parse_source_url;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::backend::{BASE, Backend, Script, Wire};

pub async fn connect(backend: &Backend) -> DuplexStream {
    let url = parse_source_url("ws://studio:8000/").unwrap();
    Wire(backend.clone()).connect(&url).await.unwrap()
}

/// Sends a request on a connection; returns `None` when it ends without a response.
pub async fn ask_on(
    stream: &mut DuplexStream,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: studio\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            if body.len() >= length.parse().ok()? {
                return Some((
                    head.split(' ').nth(1)?.parse().ok()?,
                    serde_json::from_str(body).ok()?,
                ));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

pub async fn ask(
    backend: &Backend,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> (u16, Value) {
    let mut stream = connect(backend).await;
    ask_on(&mut stream, method, &format!("{BASE}{path}"), body).await.unwrap()
}

pub async fn watch(backend: &Backend, query: &str) -> WebSocketStream<DuplexStream> {
    let url = format!("ws://studio{BASE}/runs/events{query}");
    client_async(url, connect(backend).await).await.unwrap().0
}

/// Returns the text frames received until none arrives for a second.
pub async fn texts(socket: &mut WebSocketStream<DuplexStream>) -> Vec<Value> {
    let mut texts = Vec::new();
    while let Ok(Some(Ok(message))) = timeout(Duration::from_secs(1), socket.next()).await {
        if let Message::Text(text) = message {
            texts.push(serde_json::from_str(&text).unwrap());
        }
    }
    texts
}

/// Lists the differences in keys and types between two bodies; a `null` matches anything.
fn shape_differences(recorded: &Value, standing_in: &Value, place: &str, wrong: &mut Vec<String>) {
    match (recorded, standing_in) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(a), Value::Object(b)) => {
            // The content of these fields depends on the data.
            if place.ends_with("ctx")
                || place.ends_with("event_counts")
                || place.ends_with("manifest")
            {
                return;
            }
            for key in a.keys().chain(b.keys()) {
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => shape_differences(a, b, &format!("{place}.{key}"), wrong),
                    (a, _) => wrong.push(format!(
                        "{place}.{key} is only {}",
                        if a.is_some() { "recorded" } else { "ours" }
                    )),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if let (Some(a), Some(b)) = (a.first(), b.first()) {
                shape_differences(a, b, &format!("{place}[]"), wrong);
            }
        }
        _ => {
            let kind = |value: &Value| std::mem::discriminant(value);
            if kind(recorded) != kind(standing_in) {
                wrong.push(format!("{place}: {recorded} recorded, {standing_in} ours"));
            }
        }
    }
}

/// Returns the response body of the first matching exchange recorded in a file.
fn recorded(file: &str, method: &str, path_part: &str, status: u16, note: &str) -> Value {
    let path =
        format!("{}/tests/fixtures/transcripts/{file}.http.ndjson", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|exchange| {
            exchange["method"] == method
                && exchange["url"].as_str().unwrap().contains(path_part)
                && exchange["status"] == status
                && exchange["note"].as_str().unwrap_or_default().contains(note)
        })
        .unwrap_or_else(|| panic!("{method} {path_part} {status} {note} is not in {file}"))["response_body"]
        .clone()
}

#[track_caller]
fn check(recorded: &Value, (_, answered): &(u16, Value)) {
    let mut wrong = Vec::new();
    shape_differences(recorded, answered, "", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}\n{answered:#}");
}

#[tokio::test(start_paused = true)]
async fn bodies_have_the_recorded_shapes() {
    let backend = Backend::new();
    let empty = ask(&backend, "GET", "/monitoring/active-runs", None).await;
    check(&recorded("r-rest-surface", "GET", "active-runs", 200, ""), &empty);

    let run = backend.add_run([Script::with_fixes(1, 50)]);
    let song = backend.lock().run(run).song_id;
    let path = format!("/runs/{run}");
    let pending = ask(&backend, "GET", &path, None).await;
    check(&recorded("a-success-live", "GET", "/runs/", 200, "before execution"), &pending);
    for (file, list) in [("r-rest-surface", "/workflow-runs"), ("r-rest-surface", "/by-song/")] {
        let ours = match list {
            "/by-song/" => format!("/workflow-runs/by-song/{song}"),
            list => list.to_owned(),
        };
        let answered = ask(&backend, "GET", &ours, None).await;
        assert_eq!(answered.0, 500);
        check(&recorded(file, "GET", list, 500, "pending run exists"), &answered);
    }

    let executing = tokio::spawn({
        let backend = backend.clone();
        let path = format!("{path}/execute");
        async move { ask(&backend, "POST", &path, None).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let during = ask(&backend, "GET", &path, None).await;
    check(&recorded("a-success-live", "GET", "/runs/", 200, "during execution"), &during);
    assert_eq!(during.1["executions"].as_array().unwrap().last().unwrap()["status"], "running");
    let by_song = ask(&backend, "GET", &format!("/workflow-runs/by-song/{song}"), None).await;
    check(&recorded("a-success-live", "GET", "/by-song/", 200, "during execution"), &by_song);
    let cancelled = ask(&backend, "POST", &format!("{path}/cancel"), None).await;
    check(&recorded("d-cancel-during", "POST", "/cancel", 200, "during"), &cancelled);
    let right_after = ask(&backend, "GET", &path, None).await;
    check(&recorded("d-cancel-during", "GET", "/runs/", 200, "right after cancel"), &right_after);
    let executed = executing.await.unwrap();
    check(&recorded("d-cancel-during", "POST", "/execute", 200, ""), &executed);
    let after = ask(&backend, "GET", &path, None).await;
    check(&recorded("d-cancel-during", "GET", "/runs/", 200, "came to its end"), &after);
    assert_eq!(after.1["status"], "completed", "a cancelled run goes on");
    let again = ask(&backend, "POST", &format!("{path}/cancel"), None).await;
    check(&recorded("d-cancel-during", "POST", "/cancel", 404, "completed run"), &again);

    let words = "LLM call timed out in LYRICS after 30s";
    let failing = backend.add_run([Script::failing("LYRICS", words, 50)]);
    let failed = ask(&backend, "POST", &format!("/runs/{failing}/execute"), None).await;
    check(&recorded("c-node-fails", "POST", "/execute", 500, ""), &failed);
    let detail = ask(&backend, "GET", &format!("/runs/{failing}"), None).await;
    check(&recorded("c-node-fails", "GET", "/runs/", 200, "after failure"), &detail);
    assert_eq!(detail.1["error"]["node"], "STYLE", "the wrong node");
    let retried = ask(&backend, "POST", &format!("/runs/{failing}/retry"), None).await;
    check(&recorded("e-retry", "POST", "/retry", 200, ""), &retried);
    let twice = ask(&backend, "POST", &format!("{path}/retry"), None).await;
    check(&recorded("e-retry", "POST", "/retry", 400, "completed"), &twice);
}

#[tokio::test(start_paused = true)]
async fn refusals_have_the_recorded_shapes() {
    let backend = Backend::new();
    let song = backend.lock().add_song("Neon Rain");
    let unknown = Uuid::from_u128(7);
    let manifest = json!({"graph": []});
    let cases = [
        ("e-retry", "GET", "/runs/not-a-uuid".to_owned(), 422, None),
        ("e-retry", "GET", format!("/runs/{unknown}"), 404, None),
        ("e-retry", "POST", format!("/runs/{unknown}/retry"), 400, None),
        ("e-retry", "POST", format!("/runs/{unknown}/execute"), 500, None),
        ("e-retry", "POST", "/runs".to_owned(), 422, Some(json!({"manifest": {}}))),
        (
            "e-retry",
            "POST",
            "/runs".to_owned(),
            422,
            Some(json!({"song_id": song.to_string(), "seed": -1})),
        ),
        (
            "e-retry",
            "POST",
            "/runs".to_owned(),
            400,
            Some(json!({"song_id": unknown.to_string(), "manifest": manifest})),
        ),
        (
            "a-success-live",
            "POST",
            "/runs".to_owned(),
            201,
            Some(json!({"song_id": song.to_string(), "manifest": manifest})),
        ),
        ("r-rest-surface", "GET", "/workflow-runs/active".to_owned(), 422, None),
        ("r-rest-surface", "GET", format!("/workflow-runs/{unknown}"), 500, None),
        ("r-rest-surface", "GET", format!("/songs/{song}"), 200, None),
        ("r-rest-surface", "GET", format!("/songs/{unknown}"), 404, None),
        ("r-rest-surface", "GET", "/songs/not-a-uuid".to_owned(), 422, None),
        ("r-rest-surface", "POST", "/workflows/execute".to_owned(), 404, Some(json!({}))),
    ];
    for (file, method, path, status, body) in cases {
        let answered = ask(&backend, method, &path, body.as_ref()).await;
        assert_eq!(answered.0, status, "{method} {path}: {}", answered.1);
        let note = match (&body, status) {
            (Some(body), 422) if body["seed"].is_i64() => "negative seed",
            (Some(_), 422) => "without song_id",
            _ => "",
        };
        let known: String = path
            .split('/')
            .take(3)
            .filter(|part| Uuid::try_parse(part).is_err())
            .collect::<Vec<_>>()
            .join("/");
        check(&recorded(file, method, &known, status, note), &answered);
    }
}

#[tokio::test(start_paused = true)]
async fn unhandled_error_drops_the_connection() {
    let backend = Backend::new();
    backend.add_run([Script::success(50)]);
    let mut stream = connect(&backend).await;
    let list = format!("{BASE}/workflow-runs");
    assert_eq!(
        ask_on(&mut stream, "GET", &format!("{BASE}/monitoring/active-runs"), None)
            .await
            .unwrap()
            .0,
        200
    );
    assert_eq!(ask_on(&mut stream, "GET", &list, None).await.unwrap().0, 500);
    assert!(ask_on(&mut stream, "GET", &list, None).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn sockets_have_the_backends_flaws() {
    let backend = Backend::new();
    backend.allow_connections(8);
    for (query, reason) in
        [("", "Missing run_id query parameter"), ("?run_id=run-123", "Invalid run_id format")]
    {
        let mut socket = watch(&backend, query).await;
        let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("open") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1008, reason));
    }
    let mut unknown = watch(&backend, &format!("?run_id={}", Uuid::from_u128(7))).await;
    assert!(texts(&mut unknown).await.is_empty());

    // Late viewers receive stored events with the same ids, in another time zone.
    let words = "no";
    let failed = backend.start_run([Script::failing("LYRICS", words, 50)]);
    let mut live = watch(&backend, &format!("?run_id={failed}")).await;
    let watched = texts(&mut live).await;
    assert_eq!(watched.len(), 9, "{watched:#?}");
    let mut late = watch(&backend, &format!("?run_id={failed}")).await;
    let replayed = texts(&mut late).await;
    let phases: Vec<&Value> = replayed.iter().map(|event| &event["phase"]).collect();
    assert_eq!(phases, ["info", "start"], "run fail is not stored");
    assert_eq!(replayed[1]["event_id"], watched[1]["event_id"]);
    assert!(replayed[1]["timestamp"].as_str().unwrap().ends_with("-05:00"));

    // A client's binary frame silences the socket.
    let run = backend.add_run([Script::success(50)]);
    let mut socket = watch(&backend, &format!("?run_id={run}")).await;
    assert_eq!(texts(&mut socket).await.len(), 1);
    futures_util::SinkExt::send(&mut socket, Message::binary(vec![1])).await.unwrap();
    backend.start(run);
    assert!(texts(&mut socket).await.is_empty());

    let refused = client_async("ws://studio/events", connect(&backend).await).await;
    assert!(refused.unwrap_err().to_string().contains("403"));
}

#[tokio::test(start_paused = true)]
async fn sixteenth_watcher_freezes_the_backend() {
    let backend = Backend::new();
    backend.expect_harm();
    let run = backend.add_run([Script::success(50)]);
    let mut sockets = Vec::new();
    for _ in 0..16 {
        sockets.push(watch(&backend, &format!("?run_id={run}")).await);
    }
    let began = tokio::time::Instant::now();
    ask(&backend, "GET", "/monitoring/active-runs", None).await;
    assert!(began.elapsed() >= Duration::from_secs(29), "{:?}", began.elapsed());
}
