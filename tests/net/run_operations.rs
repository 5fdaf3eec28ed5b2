//! Run operations against the backend stand-in: the calls made, their reported outcome, and the
//! resulting state of the screen.

use std::time::Duration;

use meterbridge::source::{
    Access, ApiCalls, ApiSettings, Command, ConnectionSettings, OperationOutcome, OperationSuccess,
    RunOperation, Secret,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use uuid::Uuid;

use crate::backend::{BASE, Backend, Guard, Script};
use crate::client::{TestClient, check_manners, settings, with_sockets};
use crate::stage::{Stage, URL};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn guide() -> ConnectionSettings {
    let api = ApiSettings { calls: ApiCalls::Guide, ..ApiSettings::default() };
    ConnectionSettings { api, ..settings() }
}

/// Returns a screen that has connected to its backend.
async fn watching(backend: &Backend, settings: ConnectionSettings) -> TestClient {
    let mut client = TestClient::watching(backend, settings);
    client.pass(secs(1)).await;
    assert!(client.is_connected(), "{:?}", client.states);
    client
}

/// Sends the operation; returns its outcome and how long that took.
async fn operate(
    client: &mut TestClient,
    operation: RunOperation,
) -> (Result<OperationSuccess, String>, Duration) {
    let (before, began) = (client.outcomes.len(), Instant::now());
    client.commands.send(Command::Operate(operation.clone())).await.unwrap();
    client.until("an answer", |client| client.outcomes.len() > before).await;
    let OperationOutcome { operation: answered, result } = client.outcomes[before].clone();
    assert_eq!(answered, operation);
    (result, began.elapsed())
}

async fn refused(client: &mut TestClient, wanted: RunOperation) -> String {
    operate(client, wanted).await.0.unwrap_err()
}

fn run_of(result: &Result<OperationSuccess, String>) -> Uuid {
    let done = result.as_ref().unwrap();
    Uuid::try_parse(done.run.as_ref().unwrap()).unwrap()
}

fn id(run: Uuid) -> meterbridge::protocol::RunId {
    run.to_string().into()
}

fn start(song: Uuid, seed: Option<i64>) -> RunOperation {
    RunOperation::Start { song_id: song.to_string().into(), seed }
}

/// Returns the paths of all `POST`s, below the base.
fn posts(backend: &Backend) -> Vec<String> {
    let posts = backend.seen().posts;
    posts.into_iter().map(|(path, _)| path.strip_prefix(BASE).unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn started_run_is_shown_at_once() {
    let backend = Backend::new();
    let song = backend.lock().add_song("Neon Rain");
    let mut client = watching(&backend, with_sockets(8)).await;
    backend.allow_connections(9);
    let (result, took) = operate(&mut client, start(song, Some(7))).await;
    assert_eq!(result.as_ref().unwrap().words, "Started with seed 7");
    assert!(took < secs(1), "{took:?}: the run is not over before that");
    let run = run_of(&result);
    client.pass(Duration::from_millis(100)).await;
    client.shows(&backend, &[run]).await;
    client.pass(secs(5)).await;
    client.shows(&backend, &[run]).await;
    let report = client.report(run).unwrap();
    assert_eq!((report.status, report.from_rest), ("completed", false));
    assert!(report.events >= 16, "{}: it was watched from its beginning", report.events);
    assert_eq!(posts(&backend), ["/runs".to_owned(), format!("/runs/{run}/execute")]);
    let (_, body) = &backend.seen().posts[0];
    assert_eq!((&body["seed"], &body["song_id"]), (&json!(7), &json!(song.to_string())));
    assert_eq!(body["manifest"]["graph"].as_array().unwrap().len(), 9);
    // A proxy may require the content type on every call.
    let json = Some("application/json".to_owned());
    assert!(backend.seen().content_types.iter().all(|kind| *kind == json));
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn random_seed_is_chosen_and_reported() {
    let backend = Backend::new();
    let song = backend.lock().add_song("Neon Rain");
    let mut client = watching(&backend, settings()).await;
    let (result, _) = operate(&mut client, start(song, None)).await;
    // The test's random source always returns one half.
    assert_eq!(result.as_ref().unwrap().words, "Started with seed 500000");
    assert_eq!(backend.lock().run(run_of(&result)).seed, 500_000);
}

#[tokio::test(start_paused = true)]
async fn manifest_equals_the_recorded_one() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/transcripts/r-rest-surface.http.ndjson"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let backend = Backend::new();
    let song = backend.lock().add_song("Neon Rain");
    let mut client = watching(&backend, settings()).await;
    operate(&mut client, start(song, None)).await.0.unwrap();
    let mut recorded = first["request_body"]["manifest"].clone();
    // The genre depends on the song, and the backend does not need it.
    recorded.as_object_mut().unwrap().remove("genre");
    assert_eq!(backend.seen().posts[0].1["manifest"], recorded);
}

#[tokio::test(start_paused = true)]
async fn refused_start_quotes_the_server() {
    let backend = Backend::new();
    let song = backend.lock().add_song("Neon Rain");
    let mut client = watching(&backend, settings()).await;
    for (song_id, seed, words) in [
        (
            "aaaaaaaa-0000-4000-8000-000000000009",
            None,
            "Failed to create workflow run: ForeignKeyViolation",
        ),
        ("not-a-song", None, "body.song_id: Field required"),
        (&song.to_string(), Some(-1), "body.seed: Input should be greater than or equal to 0"),
    ] {
        let operation = RunOperation::Start { song_id: song_id.into(), seed };
        assert_eq!(refused(&mut client, operation).await, words);
    }
    assert_eq!(posts(&backend), ["/runs"; 3], "each once, and nothing is executed");
    assert!(backend.lock().runs.is_empty());
    assert!(client.is_connected(), "a refusal is no trouble of the connection");
}

#[tokio::test(start_paused = true)]
async fn cancel_is_requested_while_the_run_continues() {
    let backend = Backend::new();
    let mut client = watching(&backend, settings()).await;
    let run = backend.start_run([Script::success(2000)]);
    client.pass(secs(5)).await;
    let (result, _) = operate(&mut client, RunOperation::Cancel(id(run))).await;
    assert_eq!(run_of(&result), run);
    client.pass(Duration::from_millis(100)).await;
    assert_eq!(client.report(run).unwrap().status, "cancelled");
    client.until("its end", |_| !backend.lock().run(run).executing).await;
    client.shows(&backend, &[run]).await;
    let report = client.report(run).unwrap();
    assert_eq!((report.status, report.cancel_requested), ("completed", true));
    // The run is over now, and the other one never existed.
    for run in [run, Uuid::from_u128(7)] {
        let words = refused(&mut client, RunOperation::Cancel(id(run))).await;
        assert_eq!(words, format!("Workflow run {run} not found or already completed"));
    }
    assert_eq!(posts(&backend).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn failed_run_is_retried_and_the_retry_executed() {
    let backend = Backend::new();
    let mut client = watching(&backend, with_sockets(8)).await;
    backend.allow_connections(9);
    let failed = backend.start_run([Script::failing("STYLE", "boom", 2000)]);
    client.pass(secs(6)).await;
    client.shows(&backend, &[failed]).await;
    let (result, _) = operate(&mut client, RunOperation::Retry(id(failed))).await;
    let again = run_of(&result);
    assert_ne!(again, failed);
    // The new run is in no list, and is shown all the same.
    client.pass(Duration::from_millis(100)).await;
    assert_eq!(client.report(again).unwrap().status, "pending");
    client.pass(secs(30)).await;
    assert_eq!(posts(&backend).len(), 1, "a retry is not begun by itself");
    backend.lock().run(again).scripts = vec![Script::success(400)];
    let (result, took) = operate(&mut client, RunOperation::Execute(id(again))).await;
    assert_eq!(run_of(&result), again);
    assert!(took < secs(6), "{took:?}");
    client.pass(secs(2)).await;
    client.until("its end", |_| !backend.lock().run(again).executing).await;
    client.shows(&backend, &[failed, again]).await;
    let report = client.report(again).unwrap();
    assert_eq!((report.status, report.from_rest), ("completed", false));
    assert!(report.events >= 16, "{}", report.events);
    client.pass(secs(20)).await;
    assert_eq!(backend.seen().watchers, 0, "what is over is let go");
    let expected = [format!("/runs/{failed}/retry"), format!("/runs/{again}/execute")];
    assert_eq!(posts(&backend), expected);
    let words = refused(&mut client, RunOperation::Retry(id(again))).await;
    assert_eq!(words, "Can only retry failed runs, current status: completed");
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn late_failure_of_an_execution_is_not_a_failed_operation() {
    let backend = Backend::new();
    let mut client = watching(&backend, settings()).await;
    let late = backend.add_run([Script::failing("COMPOSE", "boom", 3000)]);
    let (result, took) = operate(&mut client, RunOperation::Execute(id(late))).await;
    assert_eq!(result.unwrap().words, "Execution started");
    assert_eq!(took.as_secs(), 5, "what is refused is refused by then");
    client.until("its end", |_| backend.lock().run(late).status == "failed").await;
    client.shows(&backend, &[late]).await;
    assert_eq!(client.outcomes.len(), 1, "the answer, which came, is nobody's any more");
    // The backend answers 500 although the run began.
    let early = backend.add_run([Script::without_skill("PLAN", 10)]);
    let (result, _) = operate(&mut client, RunOperation::Execute(id(early))).await;
    let words = result.unwrap().words;
    assert!(words.starts_with("The run was executed, and failed: "), "{words}");
    let nowhere = refused(&mut client, RunOperation::Execute(id(Uuid::from_u128(7)))).await;
    assert!(nowhere.starts_with("Workflow execution failed: "), "{nowhere}");
    client.shows(&backend, &[late, early]).await;
}

#[tokio::test(start_paused = true)]
async fn guide_calls_are_used_when_configured() {
    let backend = Backend::new();
    backend.speak_guide();
    backend.lock().of_clients = Some(Script::success(2000));
    let song = backend.lock().add_song("Neon Rain");
    let mut client = watching(&backend, guide()).await;
    let (result, _) = operate(&mut client, start(song, Some(12_345))).await;
    let run = run_of(&result);
    client.pass(Duration::from_millis(100)).await;
    client.shows(&backend, &[run]).await;
    operate(&mut client, RunOperation::Cancel(id(run))).await.0.unwrap();
    assert_eq!(
        posts(&backend),
        ["/workflows/execute".to_owned(), format!("/workflow-runs/{run}/cancel")]
    );
    let (_, body) = &backend.seen().posts[0];
    assert_eq!(*body, json!({"song_id": song.to_string(), "global_seed": 12_345}));
}

#[tokio::test(start_paused = true)]
async fn backend_calls_replace_unknown_guide_calls() {
    let backend = Backend::new();
    let song = backend.lock().add_song("Neon Rain");
    let mut client = watching(&backend, guide()).await;
    let (result, _) = operate(&mut client, start(song, Some(3))).await;
    let made = run_of(&result);
    let run = backend.start_run([Script::success(2000)]);
    operate(&mut client, RunOperation::Cancel(id(run))).await.0.unwrap();
    let expected = [
        "/workflows/execute".to_owned(),
        "/runs".to_owned(),
        format!("/runs/{made}/execute"),
        format!("/workflow-runs/{run}/cancel"),
        format!("/runs/{run}/cancel"),
    ];
    assert_eq!(posts(&backend), expected);
    // The server's more specific answer is quoted.
    let nowhere = Uuid::from_u128(7);
    let words = refused(&mut client, RunOperation::Cancel(id(nowhere))).await;
    assert_eq!(words, format!("Workflow run {nowhere} not found or already completed"));
}

#[tokio::test(start_paused = true)]
async fn calls_are_never_posted_twice() {
    let backend = Backend::new();
    // An unanswered call does not block other requests for long.
    backend.allow_connections(2);
    let mut client = watching(&backend, settings()).await;
    let run = backend.start_run([Script::success(60_000)]);
    client.pass(secs(5)).await;
    // The backend freezes for longer than the timeout.
    backend.freeze(secs(100));
    let began = Instant::now();
    let words = refused(&mut client, RunOperation::Cancel(id(run))).await;
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(
        words,
        "no answer within 60 s. The operation may have been done: check the run before you try again"
    );
    client.pass(secs(60)).await;
    assert_eq!(posts(&backend), [format!("/runs/{run}/cancel")]);
    client.shows(&backend, &[run]).await;
    assert!(client.report(run).unwrap().cancel_requested, "it was done all the same");

    // The backend is killed during the call.
    let run = backend.start_run([Script::success(60_000)]);
    client.pass(secs(5)).await;
    backend.freeze(secs(2));
    client.commands.send(Command::Operate(RunOperation::Cancel(id(run)))).await.unwrap();
    client.pass(secs(1)).await;
    backend.kill(secs(3)).await;
    client.until("an answer", |client| client.outcomes.len() == 2).await;
    let words = client.outcomes[1].result.clone().unwrap_err();
    assert!(
        words.starts_with(
            "the server closed the connection without an answer. The operation may have been done"
        ),
        "{words}"
    );
    client.pass(secs(30)).await;
    assert_eq!(posts(&backend).len(), 1, "the second never arrived, and is not sent again");
}

#[tokio::test(start_paused = true)]
async fn operation_is_answered_after_disconnecting() {
    let backend = Backend::new();
    let mut client = watching(&backend, settings()).await;
    let run = backend.start_run([Script::success(60_000)]);
    client.pass(secs(5)).await;
    backend.freeze(secs(10));
    client.commands.send(Command::Operate(RunOperation::Cancel(id(run)))).await.unwrap();
    client.commands.send(Command::Disconnect).await.unwrap();
    client.until("an answer", |client| client.outcomes.len() == 1).await;
    assert!(client.outcomes[0].result.is_ok());
    let words = refused(&mut client, RunOperation::Cancel(id(run))).await;
    assert_eq!(words, "There is no connection to a backend");
    assert_eq!(posts(&backend).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn operations_send_credentials_to_their_own_origin_only() {
    const TOKEN: &str = "s3cr3t-t0ken";
    let backend = Backend::new();
    backend.ask_for(Guard::Everything(TOKEN.to_owned()));
    let song = backend.lock().add_song("Neon Rain");
    let access = Access { token: Secret::new(TOKEN), ..Access::default() };
    let mut client = watching(&backend, ConnectionSettings { access, ..settings() }).await;
    operate(&mut client, start(song, None)).await.0.unwrap();
    let bearer = Some(format!("Bearer {TOKEN}"));
    assert!(backend.seen().authorizations.iter().all(|given| *given == bearer));
    // The server redirects elsewhere: neither the token nor the call is sent there.
    backend.move_to(307, "http://evil:8000");
    let words = refused(&mut client, start(song, None)).await;
    assert!(words.contains("it moved to http://evil:8000"), "{words}");
    assert_eq!(posts(&backend).len(), 3);
    assert!(!format!("{:?}", client.outcomes).contains(TOKEN));
}

#[tokio::test(start_paused = true)]
async fn refusal_with_a_missing_token_is_explained() {
    let backend = Backend::new();
    let run = backend.add_run([Script::success(10)]);
    let named = ApiSettings { runs: vec![run.to_string()], ..ApiSettings::default() };
    let mut client =
        TestClient::watching(&backend, ConnectionSettings { api: named, ..settings() });
    client.pass(secs(1)).await;
    // From now on the backend refuses everybody.
    backend.ask_for(Guard::Everything("another".to_owned()));
    let words = refused(&mut client, RunOperation::Cancel(id(run))).await;
    assert!(words.starts_with("Not authenticated. Put a token into METERBRIDGE_TOKEN"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn eight_pending_runs_do_not_block_another_run() {
    let backend = Backend::new();
    let mut client = watching(&backend, with_sockets(8)).await;
    backend.allow_connections(9);
    let failed = backend.start_run([Script::without_skill("PLAN", 10)]);
    client.pass(secs(4)).await;
    for _ in 0..8 {
        operate(&mut client, RunOperation::Retry(id(failed))).await.0.unwrap();
    }
    client.pass(secs(4)).await;
    let run = backend.start_run([Script::success(1000)]);
    client.pass(secs(14)).await;
    client.shows(&backend, &[run]).await;
    let report = client.report(run).unwrap();
    assert!(!report.from_rest && report.events > 8, "{}", report.events);
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn plain_event_stream_refuses_operations() {
    let mut stage = Stage::with(ConnectionSettings::default(), Some(URL));
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    stage.command(Command::Operate(RunOperation::Cancel("run-1".into()))).await;
    stage.until("an answer", |stage| !stage.outcomes().is_empty()).await;
    let words = stage.outcomes()[0].result.clone().unwrap_err();
    assert_eq!(words, "Actions need an http:// backend or a hub");
    stage.expect_states(&["connecting", "connected at 0"]);
}

/// Connects to a hub with this hello and sends an operation. Returns the resulting request, if any, and
/// the outcome.
async fn through_a_hub(hello: &str) -> (Option<String>, Result<OperationSuccess, String>) {
    let access = Access { token: Secret::new("s3cr3t-t0ken"), ..Access::default() };
    let settings = ConnectionSettings { access, ..ConnectionSettings::default() };
    let mut stage = Stage::with(settings, Some("ws://studio:8080/events"));
    let mut server = stage.attempt().await.accept().await;
    server.send(format!(r#"{{"hub":{{"hello":1,"stream":"a","seq":0,{hello}}}}}"#)).await;
    stage.until("a hub", |stage| !stage.hubs().is_empty()).await;
    stage.command(Command::Operate(RunOperation::Cancel("run-1".into()))).await;
    let request = match tokio::time::timeout(secs(1), stage.attempts.recv()).await {
        Ok(attempt) => {
            let mut transport = attempt.unwrap().open();
            let mut bytes = vec![0; 4096];
            let read = transport.read(&mut bytes).await.unwrap();
            let body = r#"{"detail":"Workflow run run-1 not found or already completed"}"#;
            let head = format!("HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n", body.len());
            transport.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            stage.until("an answer", |stage| !stage.outcomes().is_empty()).await;
            Some(String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase())
        }
        Err(_) => None,
    };
    stage.take();
    (request, stage.outcomes()[0].result.clone())
}

#[tokio::test(start_paused = true)]
async fn operation_through_a_hub_is_sent_to_its_origin_with_credentials() {
    let (request, result) = through_a_hub(r#""api":"/api/v1","actions":true"#).await;
    let request = request.unwrap();
    assert!(request.starts_with("post /api/v1/runs/run-1/cancel http/1.1\r\n"), "{request}");
    for header in [
        "host: studio:8080\r\n",
        "authorization: bearer s3cr3t-t0ken\r\n",
        "content-type: application/json\r\n",
    ] {
        assert!(request.contains(header), "{request}");
    }
    assert_eq!(result.unwrap_err(), "Workflow run run-1 not found or already completed");
}

#[tokio::test(start_paused = true)]
async fn hub_without_actions_receives_no_operation() {
    for (hello, words) in [
        (r#""api":"/api/v1","actions":false"#, "This hub does not allow actions on runs"),
        (r#""actions":true"#, "Actions need an http:// backend"),
        // The path would lead to another origin.
        (r#""api":"//evil/api","actions":true"#, "Actions need an http:// backend"),
        (r#""api":"http://evil/api","actions":true"#, "Actions need an http:// backend"),
    ] {
        let (request, result) = through_a_hub(hello).await;
        assert_eq!(request, None, "{hello}");
        assert!(result.unwrap_err().starts_with(words), "{hello}");
    }
}

/// Connects to a hub with this hello, marks two failures as seen, and answers the resulting request, if
/// any, with this status. Returns the request and the log.
async fn marks_at_a_hub(hello: &str, status: &str) -> (Option<String>, Vec<String>) {
    let access = Access { token: Secret::new("s3cr3t-t0ken"), ..Access::default() };
    let settings = ConnectionSettings { access, ..ConnectionSettings::default() };
    let mut stage = Stage::with(settings, Some("ws://studio:8080/events"));
    let mut server = stage.attempt().await.accept().await;
    server.send(format!(r#"{{"hub":{{"hello":1,"stream":"a","seq":0,{hello}}}}}"#)).await;
    stage.until("a hub", |stage| !stage.hubs().is_empty()).await;
    stage.command(Command::MarkSeen(vec!["run-1".into(), "run-2".into()])).await;
    let request = match tokio::time::timeout(secs(1), stage.attempts.recv()).await {
        Ok(attempt) => {
            let mut transport = attempt.unwrap().open();
            let mut bytes = vec![0; 4096];
            let read = transport.read(&mut bytes).await.unwrap();
            let body = r#"{"detail":"what the hub says of s3cr3t-t0ken"}"#;
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
            transport.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            Some(String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase())
        }
        Err(_) => None,
    };
    tokio::time::sleep(secs(1)).await;
    stage.take();
    (request, stage.log())
}

#[tokio::test(start_paused = true)]
async fn marks_are_posted_to_the_hub_with_credentials_and_without_leave_for_operations() {
    let (request, log) = marks_at_a_hub(r#""actions":false,"seen":"/seen""#, "200 OK").await;
    let request = request.unwrap();
    assert!(request.starts_with("post /seen http/1.1\r\n"), "{request}");
    for part in ["host: studio:8080\r\n", "bearer s3cr3t-t0ken\r\n", r#"["run-1","run-2"]"#] {
        assert!(request.contains(part), "{request}");
    }
    assert_eq!(log.len(), 2, "connecting, connected: {log:?}");
}

#[tokio::test(start_paused = true)]
async fn hub_that_keeps_no_marks_is_sent_none_and_no_error_is_logged() {
    for hello in [r#""actions":true,"api":"/api/v1""#, r#""actions":true,"seen":"//evil/seen""#] {
        let (request, log) = marks_at_a_hub(hello, "200 OK").await;
        assert_eq!((request, log.len()), (None, 2), "{hello}: {log:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn marks_that_a_hub_cannot_keep_are_a_note_without_secrets() {
    let hello = r#""actions":false,"seen":"/seen""#;
    let (_, log) = marks_at_a_hub(hello, "404 Not Found").await;
    assert_eq!(log.len(), 2, "the hub no longer has the runs: {log:?}");
    let (_, log) = marks_at_a_hub(hello, "503 Service Unavailable").await;
    let note =
        "note: The hub did not store which failures were marked as seen: what the hub says of ";
    assert!(log[2].contains(note) && !log[2].contains("s3cr3t"), "{log:?}");
}
