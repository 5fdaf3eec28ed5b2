//! `/healthz`, for supervisors that restart the hub and for monitoring.

use std::time::Duration;

use meterbridge::hub::{Hub, HubOptions, HubServer};
use serde_json::Value;
use tokio::time::timeout;

use super::{Plan, TOKEN, loopback, with_token};
use crate::backend::{Backend, GatewayAnswer, Script};
use crate::page::{Folder, ask, get};

async fn health(server: &HubServer) -> (u16, Value) {
    let answer = get(server, "/healthz").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

/// Polls until the upstream has this state.
async fn until_upstream(server: &HubServer, state: &str) -> (u16, Value) {
    let asking = async {
        loop {
            let (status, body) = health(server).await;
            if body["upstream"]["state"] == state {
                return (status, body);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), asking).await.expect("in time")
}

/// An outage of the backend is no reason to restart the hub, which holds everything known.
#[tokio::test]
async fn upstream_outage_is_reported_while_the_hub_stays_healthy() {
    let backend = Backend::new();
    let address = backend.listen().await;
    backend.start_run([Script::success(60_000)]);
    let server = Plan::of(address).start().await;
    let (status, body) = until_upstream(&server, "polling").await;
    assert_eq!((status, &body["status"]), (200, &Value::from("ok")));
    assert_eq!(body["problems"], Value::Array(Vec::new()));
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert!(body["uptime_seconds"].is_u64() && body["screens"] == 0, "{body}");
    assert_eq!(body["store"]["state"], "none");

    let down = tokio::spawn({
        let backend = backend.clone();
        async move { backend.kill(Duration::from_secs(3600)).await }
    });
    let (status, body) = until_upstream(&server, "lost").await;
    assert_eq!((status, &body["status"]), (200, &Value::from("degraded")));
    let problem = body["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("upstream is lost: "), "{problem}");
    assert!(body["upstream"]["since"].as_str().unwrap().ends_with('Z'), "{body}");
    let strict = get(&server, "/healthz?strict").await;
    assert_eq!(strict.status, 503, "for who looks at nothing else");
    down.abort();
    backend.restart(Duration::ZERO).await;
    until_upstream(&server, "polling").await;
    assert_eq!(get(&server, "/healthz?strict").await.status, 200);
    server.stop().await;
}

/// A gateway that answers in the backend's place is no backend.
#[tokio::test]
async fn gateway_errors_are_reported_as_a_loss_with_their_words() {
    let backend = Backend::new();
    let address = backend.listen().await;
    backend.start_run([Script::success(60_000)]);
    let server = Plan::of(address).start().await;
    until_upstream(&server, "polling").await;
    let page = "<html><title>503 Service Unavailable</title><p>We are \"down\"</html>";
    backend.answer_all(Some(GatewayAnswer { status: 503, location: None, page }));
    let (_, body) = until_upstream(&server, "lost").await;
    let words = "the backend's REST API: HTTP 503: 503 Service Unavailable We are \"down\"";
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["upstream"]["reason"], words);
    let metrics = get(&server, "/metrics").await.text().to_owned();
    for line in [
        "meterbridge_hub_upstream_state{state=\"lost\"} 1".to_owned(),
        "meterbridge_hub_upstream_state{state=\"polling\"} 0".to_owned(),
        format!(
            "meterbridge_hub_upstream_info{{state=\"lost\",reason=\"{}\"}} 1",
            words.replace('"', "\\\"")
        ),
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}\n{metrics}");
    }
    backend.answer_all(None);
    until_upstream(&server, "polling").await;
    server.stop().await;
}

#[tokio::test]
async fn health_without_a_token_reveals_only_the_status() {
    let backend = Backend::new();
    let address = backend.listen().await;
    let server = Plan::of(address).with(with_token(TOKEN)).start().await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let little = get(&server, "/healthz").await;
    let body: Value = serde_json::from_slice(&little.body).unwrap();
    assert_eq!((little.status, body.as_object().unwrap().len()), (200, 1), "{body}");
    assert!(body["status"].is_string());
    let all = ask(&server, "GET", "/healthz", &[&bearer]).await;
    let body: Value = serde_json::from_slice(&all.body).unwrap();
    assert!(body["upstream"]["state"].is_string(), "{body}");
    server.stop().await;
}

/// With a store, the answer reports the store's size as well.
#[tokio::test]
async fn health_reports_the_store() {
    let backend = Backend::new();
    let plan = Plan::of(backend.listen().await);
    let folder = Folder::empty("health");
    let options = HubOptions { store: Some(folder.0.join("hub.sqlite")), ..plan.options() };
    let hub = Hub::open(options).unwrap();
    let server = HubServer::start_hub_behind(loopback(), hub, None, plan.front()).await.unwrap();
    let (status, body) = until_upstream(&server, "polling").await;
    assert_eq!((status, &body["store"]["state"]), (200, &Value::from("written")), "{body}");
    server.stop().await;
}
