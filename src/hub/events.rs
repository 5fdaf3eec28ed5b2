//! The WebSocket on the page's port: its handshake, after which it is the demo studio's.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::{Hub, gate::ClientSlot};
use crate::demo::{
    DemoBroadcaster,
    server::{ALL_RUNS, ONE_RUN},
};

/// The addresses of a studio's WebSockets.
pub(super) fn of_demo(broadcaster: Arc<DemoBroadcaster>) -> Router {
    Router::new()
        .route(ALL_RUNS, get(join_demo))
        .route(ONE_RUN, get(join_demo))
        .with_state(broadcaster)
}

async fn join_demo(
    State(broadcaster): State<Arc<DemoBroadcaster>>,
    mut request: Request,
) -> Response {
    // What tungstenite has against a request is all the same to a person who came with a browser.
    let Ok(accepted) = create_response_with_body(&request, Body::empty) else {
        return no_handshake();
    };
    let client = match broadcaster.admit(request.uri()) {
        Ok(client) => client,
        Err(refusal) => return (refusal.status(), refusal.text()).into_response(),
    };
    let (slot, upgrade) = take(&mut request);
    broadcaster.spawn(async move {
        let _slot = slot;
        // Where the client left before it had its answer, there is nobody to serve.
        if let Ok(connection) = upgrade.await {
            client.watch(TokioIo::new(connection)).await;
        }
    });
    accepted
}

/// The address of a hub's stream.
pub(super) fn of_hub(hub: Arc<Hub>) -> Router {
    Router::new().route(ALL_RUNS, get(join)).with_state(hub)
}

async fn join(State(hub): State<Arc<Hub>>, mut request: Request) -> Response {
    let Ok(accepted) = create_response_with_body(&request, Body::empty) else {
        return no_handshake();
    };
    if !hub.is_open() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The hub ends.\n").into_response();
    }
    let query = request.uri().query().map(str::to_owned);
    let (slot, upgrade) = take(&mut request);
    hub.welcome(query.as_deref(), slot, async move { upgrade.await.ok().map(TokioIo::new) });
    accepted
}

/// The place that the gate gave a screen, which it keeps as long as it stays; and its connection, once
/// its handshake is answered.
fn take(request: &mut Request) -> (Option<ClientSlot>, OnUpgrade) {
    let slot = request.extensions_mut().remove();
    (slot, hyper::upgrade::on(request))
}

fn no_handshake() -> Response {
    let text = "This is a stream of events: connect to it with a WebSocket client, as in ws://…\n";
    let mut response = (StatusCode::UPGRADE_REQUIRED, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    // Names the header before it, as RFC 9110, 7.8 has it.
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response
}
