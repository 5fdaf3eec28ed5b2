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

use super::{Hub, gate::ScreenPlace};
use crate::demo::{
    House,
    server::{ALL_RUNS, ONE_RUN},
};

/// The addresses of a studio's WebSockets.
pub(super) fn of_studio(house: Arc<House>) -> Router {
    Router::new().route(ALL_RUNS, get(visit)).route(ONE_RUN, get(visit)).with_state(house)
}

async fn visit(State(house): State<Arc<House>>, mut request: Request) -> Response {
    // What tungstenite has against a request is all the same to a person who came with a browser.
    let Ok(accepted) = create_response_with_body(&request, Body::empty) else {
        return no_handshake();
    };
    let visit = match house.admit(request.uri()) {
        Ok(visit) => visit,
        Err(refusal) => return (refusal.status(), refusal.text()).into_response(),
    };
    let (place, upgrade) = take(&mut request);
    house.spawn(async move {
        let _place = place;
        // Where the client left before it had its answer, there is nobody to serve.
        if let Ok(connection) = upgrade.await {
            visit.watch(TokioIo::new(connection)).await;
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
    let (place, upgrade) = take(&mut request);
    hub.welcome(query.as_deref(), place, async move { upgrade.await.ok().map(TokioIo::new) });
    accepted
}

/// The place that the gate gave a screen, which it keeps as long as it stays; and its connection, once
/// its handshake is answered.
fn take(request: &mut Request) -> (Option<ScreenPlace>, OnUpgrade) {
    let place = request.extensions_mut().remove();
    (place, hyper::upgrade::on(request))
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
