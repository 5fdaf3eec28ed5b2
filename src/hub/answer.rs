//! Answers in the backend's own form, so that a client of its REST needs no second one.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// `{"detail": words}`, as the backend says why not (protocol, section 4).
pub(super) fn detail(status: StatusCode, words: &str) -> Response {
    as_json(status, json!({ "detail": words }).to_string())
}

/// JSON that holds now and not later.
pub(super) fn as_json(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
