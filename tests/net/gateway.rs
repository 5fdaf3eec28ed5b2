//! Gateways that answer in a backend's place: with errors, pages of their own, redirects. None of these
//! answers is news, and none makes a connection count as established.

use std::time::Duration;

use meterbridge::source::{ConnectionSettings, ConnectionState, Updates};

use crate::backend::{Backend, GatewayAnswer, Script};
use crate::client::{TestClient, settings, with_sockets};

const BAD_GATEWAY: GatewayAnswer = GatewayAnswer {
    status: 502,
    location: None,
    page: "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><hr>nginx</body></html>",
};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns settings of a client that never gives up.
fn tireless() -> ConnectionSettings {
    ConnectionSettings { max_reconnect_attempts: 0, ..settings() }
}

fn reason(client: &TestClient) -> &str {
    match client.states.last() {
        Some(
            ConnectionState::Reconnecting { reason, .. } | ConnectionState::Failed { reason, .. },
        ) => reason,
        state => panic!("{state:?}"),
    }
}

/// Returns the number of times that the client was told that it is connected and has news.
fn news(client: &TestClient) -> usize {
    client.states.iter().filter(|state| state.brings_news()).count()
}

#[tokio::test(start_paused = true)]
async fn unreadable_answers_are_a_loss_with_the_servers_words() {
    let page = |status, page| GatewayAnswer { status, location: None, page };
    for (answer, words) in [
        (BAD_GATEWAY, "the backend's REST API: HTTP 502: 502 Bad Gateway nginx"),
        (page(500, r#"{"detail":"boom"}"#), "the backend's REST API: HTTP 500: boom"),
        (
            page(200, "<!doctype html><title>Sign in</title>"),
            "the backend's REST API: an answer that cannot be read: it is a web page, not JSON: Sign in",
        ),
        (
            GatewayAnswer { location: Some("https://login.example/"), ..page(302, "") },
            "the backend's REST API: HTTP 302: it moved to https://login.example/. Connect to that address instead",
        ),
    ] {
        for has_run in [true, false] {
            let backend = Backend::new();
            let run = has_run.then(|| backend.start_run([Script::success(20_000)]));
            let mut client = TestClient::watching(&backend, tireless());
            client.pass(secs(5)).await;
            assert!(client.polls(), "{:?}", client.states);
            backend.answer_all(Some(answer));
            client.pass(secs(10)).await;
            assert_eq!(reason(&client), words);
            let before = news(&client);
            client.pass(secs(120)).await;
            assert_eq!(news(&client), before, "{words}: {:?}", client.states);
            assert_eq!(reason(&client), words);
            backend.answer_all(None);
            client.until("being connected again", TestClient::polls).await;
            if let Some(run) = run {
                client.shows(&backend, &[run]).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn backend_is_noticed_within_ten_seconds_after_its_gateway_recovered() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, tireless());
    client.pass(secs(5)).await;
    backend.answer_all(Some(BAD_GATEWAY));
    client.pass(secs(300)).await;
    assert!(!client.is_connected());
    backend.answer_all(None);
    client.pass(secs(10)).await;
    assert!(client.polls(), "{:?}", client.states.last());
}

#[tokio::test(start_paused = true)]
async fn gateway_error_after_a_silence_is_no_answer_of_the_backend() {
    let backend = Backend::new();
    let run = backend.start_run([Script::success(30_000)]);
    let mut client = TestClient::watching(&backend, tireless());
    client.pass(secs(5)).await;
    backend.freeze(secs(30));
    client.pass(secs(15)).await;
    let state = client.states.last();
    let is_silent = |state: &ConnectionState| {
        matches!(state, ConnectionState::Connected { updates: Updates::Unanswered { .. }, .. })
    };
    assert!(state.is_some_and(is_silent), "{state:?}");
    let before = news(&client);
    backend.answer_all(Some(BAD_GATEWAY));
    client.pass(secs(60)).await;
    assert_eq!(news(&client), before, "{:?}", client.states);
    assert!(reason(&client).contains("502 Bad Gateway"), "{}", reason(&client));
    backend.answer_all(None);
    client.until("being connected again", TestClient::polls).await;
    client.shows(&backend, &[run]).await;
}

#[tokio::test(start_paused = true)]
async fn open_socket_counts_as_live_while_rest_is_refused() {
    let backend = Backend::new();
    backend.allow_connections(2);
    let run = backend.start_run([Script::success(10_000)]);
    let mut client = TestClient::watching(&backend, with_sockets(1));
    client.pass(secs(5)).await;
    backend.answer_all(Some(BAD_GATEWAY));
    client.pass(secs(20)).await;
    assert!(client.is_connected(), "{:?}", client.states.last());
    backend.answer_all(None);
    client.pass(secs(70)).await;
    client.shows(&backend, &[run]).await;
}

#[tokio::test(start_paused = true)]
async fn not_found_everywhere_after_a_success_is_final_after_two_minutes() {
    let backend = Backend::new();
    backend.start_run([Script::success(60_000)]);
    let mut client = TestClient::watching(&backend, settings());
    client.pass(secs(5)).await;
    backend.answer_all(Some(GatewayAnswer { status: 404, ..BAD_GATEWAY }));
    client.pass(secs(100)).await;
    let state = client.states.last();
    assert!(matches!(state, Some(ConnectionState::Reconnecting { .. })), "{state:?}");
    client.pass(secs(60)).await;
    let state = client.states.last();
    assert!(matches!(state, Some(ConnectionState::Failed { is_probed: false, .. })), "{state:?}");
    assert!(reason(&client).contains("HTTP 404"), "{}", reason(&client));
}

#[tokio::test(start_paused = true)]
async fn backend_that_was_given_up_is_asked_quietly_and_comes_back() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    client.pass(secs(5)).await;
    let down = tokio::spawn({
        let backend = backend.clone();
        async move { backend.kill(secs(600)).await }
    });
    client.pass(secs(60)).await;
    let state = client.states.last();
    assert!(matches!(state, Some(ConnectionState::Failed { is_probed: true, .. })), "{state:?}");
    let (states, log) = (client.states.len(), client.log.len());
    client.pass(secs(300)).await;
    assert_eq!((client.states.len(), client.log.len()), (states, log), "{:?}", client.log);
    down.await.unwrap();
    client.until("being connected again", TestClient::polls).await;
}

#[tokio::test(start_paused = true)]
async fn backend_that_was_given_up_is_left_alone_where_the_interval_is_zero() {
    let backend = Backend::new();
    let settings = ConnectionSettings { probe_interval: Duration::ZERO, ..settings() };
    let mut client = TestClient::watching(&backend, settings);
    client.pass(secs(5)).await;
    backend.kill(secs(120)).await;
    client.pass(secs(1)).await;
    let state = client.states.last();
    assert!(matches!(state, Some(ConnectionState::Failed { is_probed: false, .. })), "{state:?}");
    let asked = backend.seen().requests.len();
    client.pass(secs(600)).await;
    assert_eq!(backend.seen().requests.len(), asked);
}
