//! Address of a backend's REST. Pure.

use std::fmt;

use super::url::{read_behind_scheme, redact};
use super::{SourceUrl, UrlError, parse_source_url};

/// Path of the REST API below a backend's address.
pub const API_BASE: &str = "/api/v1";

/// A checked `http://` or `https://` address of a backend. `Display` omits its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiUrl {
    place: SourceUrl,
    /// Path without a trailing slash; empty for the root.
    path: String,
}

/// Parses the address of a backend's REST.
///
/// # Errors
///
/// A sentence that says what to write instead, without secrets from `text`.
pub fn parse_api_url(text: &str) -> Result<ApiUrl, UrlError> {
    let text = text.trim();
    let not_http = || UrlError::MissingScheme { shown: redact(text) };
    let (scheme, rest) = text.split_once("://").ok_or_else(not_http)?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err(not_http()),
    };
    let place = read_behind_scheme(text, secure, rest)?;
    let target = place.target();
    let path = target.split_once('?').map_or(target, |(path, _)| path).trim_end_matches('/');
    let path = path.to_owned();
    Ok(ApiUrl { place, path })
}

/// Checks that a source can connect to an address. In a browser only event streams are accepted.
///
/// # Errors
///
/// A sentence that says what to write instead, without secrets from `text`.
pub fn check_address(text: &str) -> Result<(), UrlError> {
    if cfg!(not(target_arch = "wasm32")) && ApiUrl::is_meant(text) {
        parse_api_url(text).map(drop)
    } else {
        parse_source_url(text).map(drop)
    }
}

/// Percent-encodes an id for one segment of a path. Ids come from servers or people and may hold any
/// character; `.` and `..` would name another path.
pub(super) fn segment(id: &str) -> String {
    const UNRESERVED: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    match id {
        "." | ".." => id.replace('.', "%2E"),
        id => percent_encoding::utf8_percent_encode(id, UNRESERVED).to_string(),
    }
}

impl ApiUrl {
    /// True when `text` has the scheme `http` or `https`.
    pub fn is_meant(text: &str) -> bool {
        let scheme = text.trim().split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme.is_some_and(|scheme| scheme == "http" || scheme == "https")
    }

    /// Returns the API at `path` on the origin of a stream of events; `None` where `path` leads to
    /// another origin or has characters other than those of a plain path.
    pub(super) fn beside(stream: &SourceUrl, path: &str) -> Option<Self> {
        let leads_elsewhere = path.starts_with("//") || !path.starts_with('/');
        let is_odd =
            !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
        if leads_elsewhere || is_odd {
            return None;
        }
        let path = path.trim_end_matches('/').to_owned();
        Some(Self { place: stream.with_target(path.clone()), path })
    }

    /// Returns the path without a trailing slash; empty for the root.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the candidate paths of the REST API, the likeliest first: `/api/v1` below the address,
    /// then the address itself if it has a path.
    pub fn api_base(&self) -> Vec<String> {
        if self.path.ends_with(API_BASE) {
            return vec![self.path.clone()];
        }
        let mut api_base = vec![format!("{}{API_BASE}", self.path)];
        if !self.path.is_empty() {
            api_base.push(self.path.clone());
        }
        api_base
    }

    /// Returns this origin with another path and query. The result says `ws://` where this says
    /// `http://`.
    pub fn at(&self, target: String) -> SourceUrl {
        self.place.with_target(target)
    }

    /// Returns the address as a [`SourceUrl`], which is displayed with `ws://`.
    pub fn location(&self) -> &SourceUrl {
        &self.place
    }

    /// Returns `host` or `host:port`, as in the `Host` header.
    pub fn authority(&self) -> String {
        self.place.authority()
    }

    /// Returns `user:password` as written, percent-encoded. A secret.
    pub fn userinfo(&self) -> Option<&str> {
        self.place.userinfo()
    }

    /// Returns the path of `location` if it is on this origin, else `None`.
    pub fn own_path(&self, location: &str) -> Option<String> {
        if location.starts_with('/') && !location.starts_with("//") {
            return Some(location.to_owned());
        }
        let other = parse_api_url(location).ok()?;
        let origin =
            |url: &Self| (url.place.is_secure(), url.place.host().to_owned(), url.place.port());
        (origin(&other) == origin(self)).then(|| other.place.target().to_owned())
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.place.is_secure() { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl fmt::Debug for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_base_is_appended_unless_given() {
        let api_base = |text| parse_api_url(text).unwrap().api_base();
        assert_eq!(api_base("http://h:8000"), ["/api/v1"]);
        assert_eq!(api_base("https://h/amcs/?x=1#y"), ["/amcs/api/v1", "/amcs"]);
        assert_eq!(api_base("http://h/api/v1/"), ["/api/v1"]);
        assert!(parse_api_url("ws://h").is_err() && parse_api_url("http://").is_err());
    }

    #[test]
    fn ids_are_percent_encoded_as_one_segment() {
        for (id, encoded) in [
            ("r-1_2.3~4", "r-1_2.3~4"),
            ("team/a run 1?x=#2%2F", "team%2Fa%20run%201%3Fx%3D%232%252F"),
            ("a+b&c;d", "a%2Bb%26c%3Bd"),
            ("Lied \u{fc}\n", "Lied%20%C3%BC%0A"),
            ("..", "%2E%2E"),
        ] {
            assert_eq!(segment(id), encoded);
        }
    }

    #[test]
    fn hub_api_on_another_origin_is_rejected() {
        let stream = parse_source_url("wss://ann:secret@hub:9/events?token=t").unwrap();
        let api = ApiUrl::beside(&stream, "/api/v1/").unwrap();
        assert_eq!((api.to_string().as_str(), api.path()), ("https://hub:9/api/v1", "/api/v1"));
        for elsewhere in ["//evil/api", "https://evil/api", "api", "", "/a b", "/a\r\nX: y", "/a?b"]
        {
            assert!(ApiUrl::beside(&stream, elsewhere).is_none(), "{elsewhere:?}");
        }
    }

    #[test]
    fn display_hides_secrets_and_own_path_rejects_other_origins() {
        let url = parse_api_url("https://ann:secret@h/x?token=secret").unwrap();
        assert_eq!(format!("{url} {url:?}"), "https://h/x ApiUrl(https://h/x)");
        assert_eq!(url.own_path("/a/?b").as_deref(), Some("/a/?b"));
        assert_eq!(url.own_path("https://h:443/a").as_deref(), Some("/a"));
        for elsewhere in ["http://h/a", "https://evil/a", "//evil/a", "https://h:444/a"] {
            assert_eq!(url.own_path(elsewhere), None, "{elsewhere}");
        }
    }
}
