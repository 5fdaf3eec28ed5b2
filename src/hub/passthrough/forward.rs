//! REST calls in a cluster: the hub that watches the backend makes them for all hubs, so that the cluster
//! holds no more connections than one hub.
//!
//! Calls and answers are one line of JSON, and the body after it.

use std::sync::{Arc, Weak};

use axum::http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::tungstenite::Bytes;

use super::{ApiCall, Passthrough, ProxiedResponse};
use crate::hub::relay::Hub;
use crate::hub::relay::cluster::ForwardedCall;

/// Maximum size of an answer's body, below the usual `max_payload` of NATS.
const MOST_BYTES: usize = (1 << 20) - (4 << 10);

#[derive(Serialize, Deserialize)]
struct CallHead {
    method: String,
    /// Path and query below the base.
    target: String,
}

#[derive(Serialize, Deserialize)]
struct AnswerHead {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
}

/// Has a call made by the hub that watches the backend.
pub(super) async fn ask(hub: &Hub, method: &Method, target: &str, body: &str) -> ProxiedResponse {
    let head = CallHead { method: method.to_string(), target: target.to_owned() };
    let call = join(&head, body.as_bytes());
    let answer = hub.ask_watching_hub(call).await;
    answer.as_deref().and_then(read_answer).unwrap_or_else(|| {
        ProxiedResponse::words(
            StatusCode::SERVICE_UNAVAILABLE,
            "no hub of the cluster answers that watches the backend: try again",
        )
    })
}

/// Makes the calls of other hubs until this one ends.
pub(super) async fn answer_calls(
    passthrough: Weak<Passthrough>,
    mut calls: UnboundedReceiver<ForwardedCall>,
) {
    while let Some(ForwardedCall { call, answer }) = calls.recv().await {
        let Some(passthrough) = passthrough.upgrade() else { return };
        tokio::spawn(async move {
            let response = make(&passthrough, &call).await;
            // Fails when NATS is gone.
            let _ = answer.send(write_answer(&response));
        });
    }
}

async fn make(passthrough: &Arc<Passthrough>, call: &[u8]) -> ProxiedResponse {
    let refuse = |words| ProxiedResponse::words(StatusCode::FORBIDDEN, words);
    let parts = split::<CallHead>(call).and_then(|(head, body)| {
        Some((head.method.parse::<Method>().ok()?, head.target, String::from_utf8(body).ok()?))
    });
    let Some((method, target, body)) = parts else { return refuse("it is no call of a hub") };
    let (path, query) =
        target.split_once('?').map_or((&*target, None), |(path, query)| (path, Some(query)));
    match ApiCall::of(&method, path, query) {
        Ok(ApiCall::Read) => passthrough.look(&target).await,
        Ok(ApiCall::Change) if passthrough.allow_actions => {
            passthrough.send_change(target, body, None).await
        }
        _ => refuse("the hub that watches the backend passes on no such call: see --allow-actions"),
    }
}

fn write_answer(response: &ProxiedResponse) -> Bytes {
    if response.body.len() > MOST_BYTES {
        let words =
            "the answer is larger than NATS passes on: ask the hub that watches the backend";
        return write_answer(&ProxiedResponse::words(StatusCode::BAD_GATEWAY, words));
    }
    let content_type = response.content_type.as_ref().and_then(|it| it.to_str().ok());
    let head = AnswerHead {
        status: response.status.as_u16(),
        content_type: content_type.map(str::to_owned),
    };
    join(&head, &response.body)
}

fn read_answer(answer: &[u8]) -> Option<ProxiedResponse> {
    let (AnswerHead { status, content_type }, body) = split(answer)?;
    Some(ProxiedResponse {
        status: StatusCode::from_u16(status).ok()?,
        content_type: content_type.and_then(|it| HeaderValue::from_str(&it).ok()),
        body: body.into(),
    })
}

fn join(head: &impl Serialize, body: &[u8]) -> Bytes {
    // A head of numbers and texts is always JSON.
    let mut all = serde_json::to_vec(head).unwrap_or_default();
    all.push(b'\n');
    all.extend_from_slice(body);
    all.into()
}

fn split<'a, T: Deserialize<'a>>(all: &'a [u8]) -> Option<(T, Vec<u8>)> {
    let end = all.iter().position(|byte| *byte == b'\n')?;
    let head = serde_json::from_slice(all.get(..end)?).ok()?;
    Some((head, all.get(end + 1..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_they_were_written() {
        let response = ProxiedResponse::words(StatusCode::NOT_FOUND, "no\nsuch run");
        let read = read_answer(&write_answer(&response)).unwrap();
        assert_eq!((read.status, &read.content_type), (response.status, &response.content_type));
        assert_eq!(read.body, response.body);
        for odd in ["", "\n", "{}\n", "{\"status\":1}\n", "{\"status\":200}"] {
            assert!(read_answer(odd.as_bytes()).is_none(), "{odd:?}");
        }
    }
}
