//! Forwarding of a backend's REST at the hub's own address.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use meterbridge::demo::{DemoOptions, DemoServer};
use meterbridge::hub::passthrough::ApiBackend;
use meterbridge::hub::{FrontOptions, Hub, HubOptions, HubServer};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::upstream::{Echo, Manner};
use super::{Plan, TOKEN, UPSTREAM_TOKEN, loopback, with_token};
use crate::backend::{BASE, Backend, Guard, Script};
use crate::page::{Answer, ask, get, request};

const PATIENCE: Duration = Duration::from_secs(20);

fn detail(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["detail"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

async fn post(server: &HubServer, path: &str, body: &str) -> Answer {
    let json = ["Content-Type: application/json"];
    request(server.address(), "POST", path, &json, body.as_bytes()).await
}

/// Returns exchanges recorded with a real backend, with the ids of the stand-in.
fn recorded(run: Uuid, song: Uuid) -> Vec<(String, String, Value, u16)> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/transcripts/r-rest-surface.http.ndjson"
    );
    let text = std::fs::read_to_string(file).unwrap();
    let text = text
        .replace("69c9fdca-aebb-4aa2-bf00-9bae1d69b84d", &run.to_string())
        .replace("aaaaaaaa-0000-4000-8000-000000000001", &song.to_string());
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let answered = lines.filter(|exchange| exchange["status"].is_u64());
    answered
        .map(|exchange| {
            let url = exchange["url"].as_str().unwrap();
            let path = &url[url.find(BASE).unwrap()..];
            let method = exchange["method"].as_str().unwrap().to_owned();
            let status = exchange["status"].as_u64().unwrap() as u16;
            (method, path.to_owned(), exchange["request_body"].clone(), status)
        })
        .collect()
}

/// Each call through the hub gets the same response as from the backend itself.
#[tokio::test]
async fn forwarded_calls_get_the_backends_own_responses() {
    let backend = Backend::new();
    backend.ask_for(Guard::Everything(UPSTREAM_TOKEN.to_owned()));
    let address = backend.listen().await;
    let run = backend.add_run([Script::success(5)]);
    let song = backend.lock().run(run).song_id;
    let server = Plan::of(address).acting().start_quietly().await;
    let bearer = format!("Authorization: Bearer {UPSTREAM_TOKEN}");
    let mut compared = 0;
    for (method, path, body, status) in recorded(run, song) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let passed = request(server.address(), &method, &path, &[], body.as_bytes()).await;
        assert!(!format!("{passed:?}").contains(UPSTREAM_TOKEN), "{method} {path}");
        match method.as_str() {
            "GET" => {
                let direct = backend_says(address, &path, &bearer).await;
                assert_eq!(passed.status, direct.status, "{path}");
                assert_eq!(passed.header("content-type"), direct.header("content-type"), "{path}");
                if !path.ends_with("/active-runs") {
                    assert_eq!(passed.text(), direct.text(), "{path}");
                }
            }
            // Calls unknown to the backend get its own answer, as far as they are forwarded.
            "POST" if path.contains("/workflow") => assert_eq!(passed.status, 404, "{path}"),
            "POST" => assert_eq!(passed.status, status, "{path}: {}", passed.text()),
            _ => {
                assert_eq!((passed.status, passed.header("allow")), (405, Some("GET,HEAD,POST")));
                continue;
            }
        }
        assert_eq!(passed.header("cache-control"), Some("no-store"), "{path}");
        compared += 1;
    }
    assert!(compared >= 30, "{compared}");
    let head = ask(&server, "HEAD", &format!("{BASE}/songs/{song}"), &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_ne!(head.header("content-length"), Some("0"));
    server.stop().await;
}

async fn backend_says(address: std::net::SocketAddr, path: &str, bearer: &str) -> Answer {
    // A connection of its own: redirects and dropped keep-alive connections are not tested here.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let question = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{bearer}\r\n\r\n");
    stream.write_all(question.as_bytes()).await.unwrap();
    Answer::read(&mut stream).await
}

/// A hub without actions changes nothing at the backend, whatever a screen's page sends.
#[tokio::test]
async fn hub_without_actions_forwards_no_changes() {
    let backend = Backend::new();
    let address = backend.listen().await;
    let run = backend.add_run([Script::success(5)]);
    let song = backend.lock().run(run).song_id.to_string();
    let create = json!({"song_id": song, "manifest": {}, "seed": 1}).to_string();
    let calls = [
        (format!("{BASE}/runs"), create.as_str(), 201),
        (format!("{BASE}/runs/{run}/cancel"), "", 200),
        (format!("{BASE}/runs/{run}/retry"), "", 400),
        (format!("{BASE}/runs/{run}/execute"), "", 200),
        (format!("{BASE}/workflow-runs/{run}/cancel"), "", 404),
        (format!("{BASE}/workflows/execute"), create.as_str(), 404),
    ];
    let shows = Plan::of(address).start_quietly().await;
    let operations = Plan::of(address).acting().start_quietly().await;
    for (path, body, _) in &calls {
        let refused = post(&shows, path, body).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(detail(&refused).contains("--allow-actions"), "{}", refused.text());
    }
    assert!(backend.seen().requests.is_empty(), "{:?}", backend.seen().requests);
    for (path, body, status) in &calls {
        let answer = post(&operations, path, body).await;
        assert_eq!(answer.status, *status, "{path}: {}", answer.text());
    }
    // No other call changes anything through the hub either.
    for (method, path) in [
        ("POST", "/songs"),
        ("POST", "/runs/x/delete"),
        ("POST", "/users/me"),
        ("DELETE", "/runs/x"),
        ("PATCH", "/workflow-runs/x"),
        ("PUT", "/runs/x"),
    ] {
        let before = backend.seen().requests.len();
        let answer = ask(&operations, method, &format!("{BASE}{path}"), &[]).await;
        let refused = if method == "POST" { 403 } else { 405 };
        assert_eq!((answer.status, backend.seen().requests.len()), (refused, before), "{path}");
        detail(&answer);
    }
    shows.stop().await;
    operations.stop().await;
}

/// The response to `execute` comes when the run is over. Meanwhile other requests are served, and a
/// client that hangs up does not stop the run.
#[tokio::test]
async fn long_execute_calls_block_no_other_request() {
    let backend = Backend::new();
    let address = backend.listen().await;
    let server = Plan::of(address).acting().start_quietly().await;
    let runs: Vec<Uuid> = (0..6).map(|_| backend.add_run([Script::success(60_000)])).collect();
    let mut clients = Vec::new();
    for run in &runs {
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        let head = format!(
            "POST {BASE}/runs/{run}/execute HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
            server.address()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let running = || runs.iter().filter(|run| backend.lock().runs[run].executing).count();
    until(|| running() == runs.len()).await;
    // More executions than connections for requests, and another request is answered all the same.
    let looked = timeout(PATIENCE, get(&server, &format!("{BASE}/runs/{}", runs[0]))).await;
    assert_eq!(looked.expect("it waits").status, 200);
    // The clients hang up.
    drop(clients);
    assert_eq!(get(&server, &format!("{BASE}/runs/{}", runs[0])).await.status, 200);
    assert_eq!(running(), runs.len(), "they go on");

    let quick = backend.add_run([Script::success(20)]);
    let answer = post(&server, &format!("{BASE}/runs/{quick}/execute"), "").await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["status"]), (200, &json!("completed")));
    let failing = backend.add_run([Script::failing("STYLE", "boom", 20)]);
    let answer = post(&server, &format!("{BASE}/runs/{failing}/execute"), "").await;
    assert_eq!(answer.status, 500);
    assert!(detail(&answer).contains("boom"), "the backend's own words");
    server.stop().await;
}

async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("in time");
}

/// A browser's cookies and authorization stay with the hub; the hub's own authorization stays with the
/// backend.
#[tokio::test]
async fn credentials_of_either_side_are_not_forwarded() {
    let echo = Echo::new(Manner::Echo).await;
    let server = Plan::of(echo.address).with(with_token(TOKEN)).acting().start_quietly().await;
    let theirs = [
        &*format!("Authorization: Bearer {TOKEN}"),
        "Cookie: session=their-cookie; other=1",
        "Proxy-Authorization: Basic their-proxy",
        "X-Forwarded-For: 10.0.0.1",
        "X-Api-Key: their-key",
        "Te: trailers",
        "Upgrade-Insecure-Requests: 1",
        "Accept-Language: de",
    ];
    let looked = ask(&server, "GET", &format!("{BASE}/runs/1?limit=2&a=%20b"), &theirs).await;
    let address = server.address();
    let path = format!("{BASE}/runs/1/cancel");
    let changed = request(address, "POST", &path, &theirs, b"{\"a\": \"b\"}").await;
    for (answer, line) in [
        (&looked, format!("GET {BASE}/runs/1?limit=2&a=%20b HTTP/1.1")),
        (&changed, format!("POST {BASE}/runs/1/cancel HTTP/1.1")),
    ] {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain")));
        let asked = answer.text();
        assert!(asked.starts_with(&line), "{asked}");
        for theirs in [TOKEN, "their-", "10.0.0.1", "trailers", "cookie", "accept-language"] {
            assert!(!asked.to_ascii_lowercase().contains(theirs), "{theirs}: {asked}");
        }
        // The backend repeats the token that it received; the hub removes it.
        assert!(asked.contains("authorization: Bearer …"), "{asked}");
        assert!(!format!("{answer:?}").contains(UPSTREAM_TOKEN));
        assert_eq!(answer.header("content-security-policy").unwrap(), SANDBOX);
    }
    assert!(changed.text().ends_with("\r\n\r\n{\"a\": \"b\"}"), "{}", changed.text());
    assert!(echo.asked().iter().all(|asked| asked.contains(UPSTREAM_TOKEN)));
    server.stop().await;
}

/// Policy that keeps a backend's response from acting as a page of the hub's origin.
const SANDBOX: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Simultaneous identical requests of many screens become one request, and different ones are sent one
/// at a time, over the single connection that the hub may hold.
#[tokio::test]
async fn identical_requests_are_merged_and_others_sent_one_at_a_time() {
    let echo = Echo::new(Manner::Echo).await;
    let server = Plan::of(echo.address).start_quietly().await;
    echo.hold(true);
    let same = join_all((0..20).map(|_| get(&server, "/api/v1/songs/1")));
    let others: Vec<String> = (0..20).map(|it| format!("/api/v1/runs/{it}")).collect();
    let others = join_all(others.iter().map(|path| get(&server, path)));
    let all = async { tokio::join!(same, others) };
    let release = async {
        echo.until_asked(1).await;
        // No other request is sent while this one is unanswered.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(echo.asked().len(), 1);
        echo.hold(false);
    };
    let ((same, others), ()) =
        timeout(PATIENCE, async { tokio::join!(all, release) }).await.expect("all are answered");
    assert!(same.iter().chain(&others).all(|answer| answer.status == 200));
    assert_eq!(echo.most_under_way(), 1);
    let songs = echo.asked().iter().filter(|asked| asked.contains("/songs/1 ")).count();
    assert_eq!((songs, echo.asked().len()), (1, 21));
    // Responses are not cached: a later request is sent again.
    get(&server, "/api/v1/songs/1").await;
    assert_eq!(echo.asked().len(), 22);
    server.stop().await;
}

/// With paused time, idle tasks jump to the next deadline.
#[tokio::test(start_paused = true)]
async fn unanswered_backend_is_reported_in_its_own_error_format() {
    let echo = Echo::new(Manner::Silent).await;
    let server = Plan::of(echo.address).acting().start_quietly().await;
    let began = Instant::now();
    let silent = get(&server, "/api/v1/runs/1").await;
    assert_eq!((silent.status, &*detail(&silent)), (504, "the backend: no answer within 10 s"));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    let silent = post(&server, "/api/v1/runs/1/cancel", "").await;
    assert_eq!((silent.status, &*detail(&silent)), (504, "the backend: no answer within 60 s"));
    server.stop().await;
}

#[tokio::test]
async fn unreachable_or_refusing_backend_is_reported() {
    // Bound but not listening: no other process gets the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(loopback()).unwrap();
    let server = Plan::of(socket.local_addr().unwrap()).start_quietly().await;
    let gone = get(&server, "/api/v1/runs/1").await;
    assert_eq!(gone.status, 502);
    assert!(detail(&gone).starts_with("the backend: nothing is listening at"), "{gone:?}");
    server.stop().await;

    for (manner, status, words) in [
        (
            Manner::Says(401, "", "{\"detail\": \"Not authenticated\"}"),
            502,
            "the hub's credentials",
        ),
        (
            Manner::Says(307, "location: http://evil.example/x\r\n", ""),
            502,
            "it moved to http://evil",
        ),
        (Manner::Says(403, "", "{\"detail\": \"not yours\"}"), 403, "not yours"),
    ] {
        let echo = Echo::new(manner).await;
        let server = Plan::of(echo.address).start_quietly().await;
        let answer = get(&server, "/api/v1/runs/1").await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.text().contains(words), "{}", answer.text());
        server.stop().await;
    }
}

#[tokio::test]
async fn bodies_are_json_of_bounded_size() {
    let echo = Echo::new(Manner::Echo).await;
    let server = Plan::of(echo.address).acting().start_quietly().await;
    let path = "/api/v1/runs";
    let large = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(post(&server, path, &large).await.status, 200);
    for (body, status) in [(format!("{large} "), 413), ("{\"a\":".to_owned(), 400)] {
        let before = echo.asked().len();
        let refused = post(&server, path, &body).await;
        assert_eq!((refused.status, echo.asked().len()), (status, before));
        detail(&refused);
    }
    // An unknown length does not bypass the limit.
    let chunk = format!("{:x}\r\n{}\r\n", 2 << 20, "x".repeat(2 << 20));
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n",
        server.address()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    assert_eq!(Answer::read(&mut stream).await.status, 413);
    server.stop().await;
}

/// A backend may repeat what it received in any part of its answer that is passed on.
#[tokio::test]
async fn content_type_of_an_answer_contains_no_credential() {
    let says = "content-type: text/plain; token=upstream-s3cr3t-t0ken\r\n";
    let echo = Echo::new(Manner::Says(200, says, "x")).await;
    let server = Plan::of(echo.address).start_quietly().await;
    let answer = get(&server, &format!("{BASE}/runs/1")).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.head.contains(UPSTREAM_TOKEN), "{}", answer.head);
    server.stop().await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_api() {
    let echo = Echo::new(Manner::Echo).await;
    let server = Plan::of(echo.address).start_quietly().await;
    for path in [
        "/api/v1/../admin",
        "/api/v1/%2e%2e/admin",
        "/api/v1/runs%2f..%2fadmin",
        "/api/v1/runs/..;/admin",
        "/api/v1/runs;x=1",
        "/api/v1/runs%c0%afadmin",
        "/api/v1/%u002e%u002e/admin",
        "/api/v1//admin",
        "/api/v1/runs//1",
        "/api/v1/runs/%0d%0aX:1",
        "/api/v1/runs/%c2%9b",
        "/api/v1/runs?q=%0d%0aX:1",
        "/api/v1/runs?q=%c0%ae",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 400, "{path}");
    }
    let upgrade = ["Upgrade: websocket", "Connection: Upgrade"];
    let answer = ask(&server, "GET", "/api/v1/runs/events?run_id=1", &upgrade).await;
    assert_eq!((answer.status, &*detail(&answer)), (404, "the events of all runs are at /events"));
    assert!(echo.asked().is_empty(), "{:?}", echo.asked());
    server.stop().await;
}

/// A page learns in words that there is no API.
#[tokio::test]
async fn hub_without_a_backend_has_no_api() {
    let demo = DemoServer::start(loopback(), DemoOptions::default()).await.unwrap();
    let plan = Plan::of(demo.address());
    let options = HubOptions { upstream: demo.url().into(), api: None, ..plan.options() };
    let front = FrontOptions { behind: ApiBackend::Stream, ..FrontOptions::default() };
    let hub = Hub::open(options).unwrap();
    let hub = HubServer::start_hub_behind(loopback(), hub, None, front).await.unwrap();
    let demo_server = HubServer::start(loopback(), DemoOptions::default(), None).await.unwrap();
    for (server, what) in [(&hub, "a stream of events"), (&demo_server, "a demo studio")] {
        let answer = get(server, "/api/v1/monitoring/active-runs").await;
        assert_eq!(answer.status, 404);
        assert!(detail(&answer).contains(what), "{}", answer.text());
        assert_eq!(post(server, "/api/v1/runs", "{}").await.status, 404);
    }
    hub.stop().await;
    demo_server.stop().await;
    demo.stop().await;
}

/// A backend lists no run that waits to be executed; a run made by one screen appears on all.
#[tokio::test]
async fn run_made_through_the_hub_appears_on_every_screen() {
    let backend = Backend::new();
    let address = backend.listen().await;
    let run = backend.add_run([Script::success(5)]);
    let song = backend.lock().run(run).song_id.to_string();
    let server = Plan::of(address).acting().start().await;
    let create = json!({"song_id": song, "manifest": {}, "seed": 1}).to_string();
    let answer = post(&server, &format!("{BASE}/runs"), &create).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made: Value = serde_json::from_slice(&answer.body).unwrap();
    let made = made["run_id"].as_str().unwrap().to_owned();
    let hub = server.hub().unwrap();
    until(|| hub.model().run(&made).is_some()).await;
    assert!(hub.model().run(&run.to_string()).is_none(), "nobody asked for this one");
    server.stop().await;
}

/// The backend continues with a request of a screen that hung up, so no other is sent meanwhile.
#[tokio::test]
async fn read_of_a_screen_that_hung_up_keeps_its_connection_until_it_is_answered() {
    let echo = Echo::new(Manner::Echo).await;
    let server = Plan::of(echo.address).start_quietly().await;
    echo.hold(true);
    let mut screen = TcpStream::connect(server.address()).await.unwrap();
    let head = format!("GET {BASE}/runs/1 HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
    screen.write_all(head.as_bytes()).await.unwrap();
    echo.until_asked(1).await;
    drop(screen);
    let path = format!("{BASE}/runs/2");
    let waits = timeout(Duration::from_millis(500), get(&server, &path)).await;
    assert!(waits.is_err());
    assert_eq!(echo.asked().len(), 1);
    echo.hold(false);
    assert_eq!(get(&server, &path).await.status, 200);
    assert_eq!(echo.most_under_way(), 1);
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn unanswered_read_keeps_its_connection_after_its_504() {
    let echo = Echo::new(Manner::Silent).await;
    let server = Plan::of(echo.address).start_quietly().await;
    for (run, seconds) in [(1, 10), (2, 30)] {
        let silent = get(&server, &format!("{BASE}/runs/{run}")).await;
        let words = format!("the backend: no answer within {seconds} s");
        assert_eq!((silent.status, detail(&silent)), (504, words));
    }
    assert_eq!(echo.asked().len(), 1, "the second one never got its turn");
    server.stop().await;
}

/// However many reads wait, the hub's own request comes after one of them.
#[tokio::test]
async fn hub_waits_for_at_most_one_of_the_waiting_reads() {
    let echo = Echo::new(Manner::Echo).await;
    let plan = Plan::of(echo.address);
    let front = plan.front();
    let ApiBackend::Backend { budget, .. } = &front.behind else { panic!("no backend") };
    let budget = budget.clone();
    let hub = Hub::fed_by(crossbeam_channel::never(), &plan.options()).unwrap();
    let server = HubServer::start_hub_behind(loopback(), hub, None, front).await.unwrap();
    echo.hold(true);
    let paths: Vec<String> = (0..10).map(|it| format!("{BASE}/runs/{it}")).collect();
    let reads = join_all(paths.iter().map(|path| get(&server, path)));
    let own = async {
        echo.until_asked(1).await;
        // The other reads arrive and wait.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut own = pin!(budget.take());
        assert!(timeout(Duration::from_millis(1), &mut own).await.is_err());
        echo.hold(false);
        let _permit = own.await;
        echo.asked().len()
    };
    let all = async { tokio::join!(reads, own) };
    let (answers, asked) = timeout(PATIENCE, all).await.expect("all are answered");
    assert!(asked <= 2, "{asked} reads before the hub's own request");
    assert!(answers.iter().all(|answer| answer.status == 200));
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn unanswered_change_gives_its_connection_back_after_2_s() {
    let echo = Echo::new(Manner::Silent).await;
    let server = Plan::of(echo.address).acting().start_quietly().await;
    let read = async {
        echo.until_asked(1).await;
        let began = Instant::now();
        let status = get(&server, &format!("{BASE}/runs/2")).await.status;
        // 2 s until its turn, then 10 s without an answer.
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        status
    };
    let path = format!("{BASE}/runs/1/cancel");
    let change = post(&server, &path, "");
    let (changed, read) = tokio::join!(change, read);
    assert_eq!((changed.status, read, echo.asked().len()), (504, 504, 2));
    server.stop().await;
}
