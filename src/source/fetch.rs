//! HTTP calls of a page: the browser's own `fetch`, restricted to one origin.

use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, RequestRedirect, Response};

use super::disconnect::server_words;
use super::run_operation::{ApiRequest, RequestError, ResponseFuture, SendRequest};
use super::timer::sleep;
use crate::protocol::rest::refusal_words;

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

async fn post(address: &str, body: &str) -> Result<Vec<u8>, RequestError> {
    let response = send(address, body).await.map_err(|_| {
        // A browser does not say why a request failed.
        RequestError::Lost(
            "the hub did not answer, or redirected to another address. Is it running?".to_owned(),
        )
    })?;
    let text = match response.text() {
        Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()),
        Err(_) => None,
    };
    let text = text.unwrap_or_default();
    match response.status() {
        200..=299 => Ok(text.into_bytes()),
        status => {
            let words = server_words(refusal_words(text.as_bytes()).as_bytes());
            Err(RequestError::Refused { status, words })
        }
    }
}

async fn send(address: &str, body: &str) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    headers.set("accept", "application/json")?;
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_redirect(RequestRedirect::Error);
    request.set_headers_headers(&headers);
    request.set_body(&JsValue::from_str(body));
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let answer = JsFuture::from(window.fetch_with_str_and_init(address, &request)).await?;
    answer.dyn_into()
}
