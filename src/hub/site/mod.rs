//! The page's files, wherever they are: in a folder or in this program.
//!
//! HTTP over them (types, ranges, conditions, compressed neighbours) is `tower_http`'s `ServeDir`;
//! a [`Site`] is where it gets its files from, and refuses what is outside.

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

/// Answers `/` where there is no page.
const NO_PAGE: &str = include_str!("no_page.html");

/// GET and HEAD of the page's files; of no page, what to do about it.
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
        // A folder has no address of its own: the answer is 404, not a way to learn its name.
        .redirect_to_trailing_slash(false)
        .ignore_multi_range_requests(true)
        .fallback(any(not_found));
    Router::new().fallback_service(files)
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing at this address; the page is at /.\n").into_response()
}

/// 503 and not 404: the address is right, and it has a page as soon as somebody has built it.
async fn no_page() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")], Html(NO_PAGE)).into_response()
}
