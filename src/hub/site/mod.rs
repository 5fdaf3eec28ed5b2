//! The page's files, from a folder or embedded in the program.
//!
//! HTTP features (content types, ranges, conditional requests, precompressed files) come from
//! `tower_http`'s `ServeDir`; a [`Site`] provides the files and rejects paths outside the page.

mod asset_source;
mod files;

#[cfg(feature = "embed-page")]
mod embedded;

use axum::{
    Router,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{any, get},
};
use tower_http::services::ServeDir;

pub use self::{asset_source::Site, files::EmbeddedFile};

/// Page shown at `/` when there is no page to serve.
const NO_PAGE: &str = include_str!("no_page.html");

/// Serves GET and HEAD of the page's files; without a page, a note on how to get one.
pub(super) fn routes(site: Option<Site>) -> Router {
    let Some(site) = site else {
        return Router::new()
            .route("/", get(no_page))
            .route("/index.html", get(no_page))
            .fallback(get(not_found));
    };
    let files = ServeDir::with_backend("", site)
        .precompressed_br()
        .precompressed_gzip()
        // Folders have no address of their own: 404 does not reveal whether they exist.
        .redirect_to_trailing_slash(false)
        .ignore_multi_range_requests(true)
        .fallback(any(not_found));
    Router::new().fallback_service(files)
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing at this address; the page is at /.\n").into_response()
}

/// 503 instead of 404: the address is right and works as soon as the page has been built.
async fn no_page() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")], Html(NO_PAGE)).into_response()
}
