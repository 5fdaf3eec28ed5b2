//! `POST /seen`: marks failures as seen, for all screens of the hub. The backend is told nothing.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
    routing::post,
};
use serde_json::json;
use tokio::time::timeout;

use super::{
    Hub,
    answer::{as_json, error_response},
    gate::{Reason, Refusals},
    relay::{Marked, SEEN_PATH},
};
use crate::protocol::{RunId, hub::read_ids};

/// Maximum size of the body in bytes.
const MOST_BYTES: usize = 256 << 10;

/// Maximum number of runs in one request.
const MOST_RUNS: usize = 1_000;

/// Time for the body to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Number of unknown runs that an answer names.
const NAMED: usize = 3;

/// State of the route.
#[derive(Clone, Debug)]
struct SeenService {
    hub: Arc<Hub>,
    refusals: Arc<Refusals>,
}

/// Returns the route of a hub's marks.
pub(super) fn routes(hub: Arc<Hub>, refusals: Arc<Refusals>) -> Router {
    Router::new().route(SEEN_PATH, post(mark)).with_state(SeenService { hub, refusals })
}

async fn mark(State(service): State<SeenService>, request: Request) -> Response {
    let runs = match service.read(request).await {
        Ok(runs) => runs,
        Err(refusal) => return refusal,
    };
    match service.hub.mark_seen(runs).await {
        Some(marked) => answer(&marked),
        None => error_response(
            StatusCode::SERVICE_UNAVAILABLE,
            "the hub is ending, or too many marks wait to be written: try again",
        ),
    }
}

impl SeenService {
    async fn read(&self, request: Request) -> Result<Vec<RunId>, Response> {
        let text = match timeout(PATIENCE, to_bytes(request.into_body(), MOST_BYTES)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                self.refusals.count(Reason::Size);
                let words = "the body is larger than 256 KiB: send fewer runs at a time";
                return Err(error_response(StatusCode::PAYLOAD_TOO_LARGE, words));
            }
            Err(_) => {
                let words = "the body took too long to arrive";
                return Err(error_response(StatusCode::REQUEST_TIMEOUT, words));
            }
        };
        let words = match std::str::from_utf8(&text).ok().and_then(read_ids) {
            Some(runs) if runs.is_empty() => "the list is empty: name at least one run".to_owned(),
            Some(runs) if runs.len() > MOST_RUNS => {
                format!("{} runs are named: at most {MOST_RUNS} at a time", runs.len())
            }
            Some(runs) => return Ok(runs),
            None => {
                "the body must be a JSON list of run ids, as in [\"1f0c…\",\"27ab…\"]".to_owned()
            }
        };
        Err(error_response(StatusCode::BAD_REQUEST, &words))
    }
}

/// Returns what was marked; an error if nothing was, because the hub knows none of the runs (404), or
/// none of them has failed (409).
fn answer(Marked { seen, not_failed, unknown }: &Marked) -> Response {
    let named = |runs: &[RunId]| {
        let more = if runs.len() > NAMED { ", …" } else { "" };
        let runs: Vec<&str> = runs.iter().take(NAMED).map(RunId::as_str).collect();
        format!("{}{more}", runs.join(", "))
    };
    if seen.is_empty() && not_failed.is_empty() {
        let words = format!("this hub does not know the run: {}", named(unknown));
        return error_response(StatusCode::NOT_FOUND, &words);
    }
    if seen.is_empty() {
        let words = format!("only a failed run can be marked as seen: {}", named(not_failed));
        return error_response(StatusCode::CONFLICT, &words);
    }
    let ids = |runs: &[RunId]| runs.iter().map(RunId::to_string).collect::<Vec<_>>();
    let body = json!({
        "seen": ids(seen), "not_failed": ids(not_failed), "unknown": ids(unknown),
    });
    as_json(StatusCode::OK, body.to_string())
}
