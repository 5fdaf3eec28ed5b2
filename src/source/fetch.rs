//! HTTP calls of a page: the browser's own `fetch`, restricted to one origin.

use std::rc::Rc;
use std::time::Duration;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, RequestRedirect, Response};

use super::disconnect::{seconds, server_words};
use super::history::{self, AnswerFuture, AskHub, HistoryError, HubAnswer};
use super::run_operation::{ApiRequest, RequestError, ResponseFuture, SendRequest};
use super::timer::sleep;
use crate::protocol::rest::refusal_words;

/// Time that a hub has for the answer to a question about the past.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns a function that posts below `base`, such as `https://hub/api/v1`. A cookie authenticates.
pub(super) fn post_below(base: String) -> SendRequest {
    Rc::new(move |ApiRequest { path, body, patience }: ApiRequest| -> ResponseFuture {
        let address = format!("{base}{path}");
        Box::pin(async move {
            // A timeout only stops the wait: the request itself is not cancelled.
            tokio::select! {
                answer = post(&address, &body) => answer,
                () = sleep(patience) => Err(RequestError::Silent { after: patience }),
            }
        })
    })
}

/// Returns a function that asks for what is at `base`, such as `https://hub/history`. A cookie authenticates.
pub(super) fn get_below(base: String) -> AskHub {
    Rc::new(move |rest: String| -> AnswerFuture {
        let address = format!("{base}{rest}");
        Box::pin(async move {
            tokio::select! {
                answer = get(&address) => answer,
                () = sleep(PATIENCE) => {
                    Err(HistoryError::Failed(format!("no answer within {}", seconds(PATIENCE))))
                }
            }
        })
    })
}

async fn get(address: &str) -> Result<HubAnswer, HistoryError> {
    let lost = |_| HistoryError::Failed("no answer. Is it running?".to_owned());
    let response = send(address, None).await.map_err(lost)?;
    let text = text_of(&response).await;
    let status = response.status();
    let Some(text) = text else {
        return Err(HistoryError::Failed("the answer broke off".to_owned()));
    };
    if !(200..=299).contains(&status) {
        let words = server_words(refusal_words(text.as_bytes()).as_bytes());
        return Err(HistoryError::of_status(status, words));
    }
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let (next, end, frames) =
        (header(history::NEXT), header(history::END), header(history::FRAMES));
    Ok(HubAnswer { body: text.into_bytes(), next, end, frames })
}

async fn post(address: &str, body: &str) -> Result<Vec<u8>, RequestError> {
    let response = send(address, Some(body)).await.map_err(|_| {
        // A browser does not say why a request failed.
        RequestError::Lost(
            "the hub did not answer, or redirected to another address. Is it running?".to_owned(),
        )
    })?;
    let text = text_of(&response).await.unwrap_or_default();
    match response.status() {
        200..=299 => Ok(text.into_bytes()),
        status => {
            let words = server_words(refusal_words(text.as_bytes()).as_bytes());
            Err(RequestError::Refused { status, words })
        }
    }
}

/// Returns the body; `None` where it broke off.
async fn text_of(response: &Response) -> Option<String> {
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

/// Sends a `POST` with JSON, or a `GET` without a body.
async fn send(address: &str, body: Option<&str>) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    let request = RequestInit::new();
    request.set_redirect(RequestRedirect::Error);
    if let Some(body) = body {
        headers.set("content-type", "application/json")?;
        request.set_method("POST");
        request.set_body(&JsValue::from_str(body));
    }
    request.set_headers_headers(&headers);
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let answer = JsFuture::from(window.fetch_with_str_and_init(address, &request)).await?;
    answer.dyn_into()
}
