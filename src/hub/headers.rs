//! What every answer says to the browser, and what the page's files say beside that.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

/// What the page may do: run its own scripts and WebAssembly, and connect to any WebSocket, for its
/// user may name any backend. No script, style or frame from elsewhere, and none inline: winit
/// styles its canvas through the CSSOM, which `style-src 'self'` allows.
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

/// A year: what HTTP counts as for ever.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Kept, but not used before the server was asked whether it still holds.
const REVALIDATE: &str = "no-cache";

/// The fewest hexadecimal digits that count as a hash of a file's content.
const HASH_DIGITS: usize = 8;

/// On every answer, whatever it is; an answer that says it itself knows better.
pub(super) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in OF_EVERY_ANSWER {
        let own = response.headers_mut().entry(name);
        own.or_insert(HeaderValue::from_static(value));
    }
    response
}

/// On the page's answers: how long they hold and what they depend on. A 304 has to say both again.
pub(super) async fn describe(request: Request, next: Next) -> Response {
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

/// Whether a name changes with the content: `meterbridge-3f2a9c81.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let is_hash = |hash: &str| {
        hash.len() >= HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    stem.len() < name.len() && stem.rsplit_once('-').is_some_and(|(_, hash)| is_hash(hash))
}

/// The page's texts are UTF-8; whoever guessed the type from a name could not know.
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
    fn a_hash_stands_between_the_last_hyphen_and_the_first_dot() {
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
