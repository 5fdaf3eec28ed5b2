//! WebSocket handshake on the page's port. The connection is then handed to the demo studio or the
//! hub.

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

/// Returns the WebSocket routes of the demo studio.
pub(super) fn demo_routes(broadcaster: Arc<DemoBroadcaster>) -> Router {
    Router::new()
        .route(ALL_RUNS, get(join_demo))
        .route(ONE_RUN, get(join_demo))
        .with_state(broadcaster)
}

async fn join_demo(
    State(broadcaster): State<Arc<DemoBroadcaster>>,
    mut request: Request,
) -> Response {
    // Every handshake error gets the same answer, which is meant for people who open the URL in a
    // browser.
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
        // The client may leave before it receives the answer.
        if let Ok(connection) = upgrade.await {
            client.watch(TokioIo::new(connection)).await;
        }
    });
    accepted
}

/// Returns the WebSocket route of a hub's stream.
pub(super) fn hub_routes(hub: Arc<Hub>) -> Router {
    Router::new().route(ALL_RUNS, get(join)).with_state(hub)
}

async fn join(State(hub): State<Arc<Hub>>, mut request: Request) -> Response {
    let Ok(accepted) = create_response_with_body(&request, Body::empty) else {
        return no_handshake();
    };
    if !hub.is_open() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The hub is shutting down.\n").into_response();
    }
    let query = request.uri().query().map(str::to_owned);
    let (slot, upgrade) = take(&mut request);
    hub.accept_client(query.as_deref(), slot, async move { upgrade.await.ok().map(TokioIo::new) });
    accepted
}

/// Takes the screen slot that the gate reserved, to be held for the lifetime of the connection, and
/// the connection itself, available once the handshake is answered.
fn take(request: &mut Request) -> (Option<ClientSlot>, OnUpgrade) {
    let slot = request.extensions_mut().remove();
    (slot, hyper::upgrade::on(request))
}

fn no_handshake() -> Response {
    let text = "This is a stream of events: connect to it with a WebSocket client, as in ws://…\n";
    let mut response = (StatusCode::UPGRADE_REQUIRED, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    // RFC 9110, section 7.8: `Connection` must name the `Upgrade` header.
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response
}
