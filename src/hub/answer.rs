//! JSON answers in the backend's format, so that clients of its REST API understand the hub's
//! errors.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Returns `{"detail": words}`, the backend's format for errors (protocol, section 4).
pub(super) fn error_response(status: StatusCode, words: &str) -> Response {
    as_json(status, json!({ "detail": words }).to_string())
}

/// Returns a JSON response that must not be cached.
pub(super) fn as_json(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
