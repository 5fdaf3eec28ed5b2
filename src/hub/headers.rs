//! HTTP headers of all answers, and additional ones of the page's files.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

/// Content security policy of the page: it may run its own scripts and WebAssembly, and connect to
/// any WebSocket, because users may enter any backend. No external and no inline scripts, styles or
/// frames: winit styles its canvas through the CSSOM, which `style-src 'self'` allows.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'";

const OF_EVERY_ANSWER: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// One year, the longest lifetime that HTTP defines.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Cached, but revalidated before each use.
const REVALIDATE: &str = "no-cache";

/// Minimum number of hexadecimal digits that count as a content hash.
const HASH_DIGITS: usize = 8;

/// Adds security headers to every answer, unless the answer has its own.
pub(super) async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in OF_EVERY_ANSWER {
        let own = response.headers_mut().entry(name);
        own.or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Adds caching headers and the charset to the page's answers. A 304 must repeat the caching
/// headers.
pub(super) async fn add_caching_headers(request: Request, next: Next) -> Response {
    let hashed = is_hashed(request.uri().path());
    let mut response = next.run(request).await;
    let found = matches!(
        response.status(),
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
    );
    let headers = response.headers_mut();
    let holds = if found && hashed { IMMUTABLE } else { REVALIDATE };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(holds));
    if found {
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    name_charset(headers);
    response
}

/// True for file names with a content hash, such as `meterbridge-3f2a9c81.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let is_hash = |hash: &str| {
        hash.len() >= HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    stem.len() < name.len() && stem.rsplit_once('-').is_some_and(|(_, hash)| is_hash(hash))
}

/// Adds the charset to text types: the page's text files are UTF-8, but types guessed from file
/// names do not say so.
fn name_charset(headers: &mut HeaderMap) {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else {
        return;
    };
    if kind.starts_with("text/")
        && !kind.contains(';')
        && let Ok(kind) = HeaderValue::from_str(&format!("{kind}; charset=utf-8"))
    {
        headers.insert(header::CONTENT_TYPE, kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_hashes_are_recognized_in_file_names() {
        for path in [
            "/assets/meterbridge-3f2a9c81.wasm",
            "/style-00000000.css",
            "/assets/inter-latin-3F2A9C81deadbeef.woff2",
            "/assets/meterbridge-3f2a9c81.js.map",
        ] {
            assert!(is_hashed(path), "{path}");
        }
        for path in [
            "/",
            "/index.html",
            "/embed.html",
            "/assets/meterbridge.js",
            "/assets/meterbridge-3f2a9c8.js",
            "/assets/meterbridge-3f2a9c8g.js",
            "/assets/meterbridge-3f2a9c81",
            "/assets-3f2a9c81/style.css",
            "/3f2a9c81.js",
            "/style.3f2a9c81.css",
        ] {
            assert!(!is_hashed(path), "{path}");
        }
    }
}
