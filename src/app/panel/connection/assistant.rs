//! Help with typing an address: completes it, names its kind, and offers the other kind of the same host.

use std::borrow::Cow;

use crate::source::ApiUrl;

/// Path of the stream of a hub, and of the demo studio.
const STREAM_PATH: &str = "/events";
/// Schemes that a source may have.
const SCHEMES: [&str; 4] = ["ws", "wss", "http", "https"];
/// Words in a path that mark a stream of events.
const STREAM_WORDS: [&str; 4] = ["events", "stream", "ws", "socket"];

/// Returns an address with the scheme that it lacks: `http://` for a host alone, which is a backend, and
/// `ws://` for a path that names events; with the port 443 their forms with TLS. In a page, which follows
/// streams only, always `ws://`, for a host alone with the path of a hub's stream.
pub(super) fn complete(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.is_empty() {
        return Cow::Borrowed(text);
    }
    // "ws:studio" and "http:/studio" lack slashes; a number behind the colon is a port.
    for scheme in SCHEMES {
        let head = text.get(..=scheme.len()).filter(|head| {
            head.strip_suffix(':').is_some_and(|head| head.eq_ignore_ascii_case(scheme))
        });
        let Some(rest) = head.map(|head| &text[head.len()..]) else { continue };
        let place = rest.trim_start_matches('/');
        if rest.starts_with("//") || place.is_empty() {
            return Cow::Borrowed(text);
        }
        if !host_of(place).bytes().all(|byte| byte.is_ascii_digit()) {
            return Cow::Owned(format!("{scheme}://{place}"));
        }
    }
    if text.contains("://") {
        return Cow::Borrowed(text);
    }
    let place = text.trim_start_matches('/');
    let host = host_of(place);
    let path = &place[host.len()..];
    let is_secure = host.ends_with(":443");
    let is_of_events = |word: &str| STREAM_WORDS.iter().any(|it| word.eq_ignore_ascii_case(it));
    let is_page = cfg!(target_arch = "wasm32");
    let is_stream = is_page || path.split(['/', '?', '=', '&', '#']).any(is_of_events);
    let scheme = match (is_stream, is_secure) {
        (true, true) => "wss",
        (true, false) => "ws",
        (false, true) => "https",
        (false, false) => "http",
    };
    let path = if is_stream && matches!(path, "" | "/") { STREAM_PATH } else { path };
    Cow::Owned(format!("{scheme}://{host}{path}"))
}

/// Returns the address of the stream of events at the host of `url`, if that is another address that may
/// have been meant.
pub(super) fn stream_instead(url: &str) -> Option<String> {
    let (scheme, place) = url.split_once("://")?;
    let host = host_of(place);
    let path = place[host.len()..].trim_end_matches('/');
    let is_backend = ApiUrl::is_meant(url);
    let is_meant = path.is_empty() || is_backend && path == STREAM_PATH;
    let is_secure = ["wss", "https"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    let stream = if is_secure { "wss" } else { "ws" };
    (is_meant && !host.is_empty()).then(|| format!("{stream}://{host}{STREAM_PATH}"))
}

/// Describes what an address leads to.
pub(super) fn kind_words(url: &str) -> &'static str {
    if ApiUrl::is_meant(url) { "an AMCS backend" } else { "a stream of events or a hub" }
}

/// Returns host and port of an address, without user and password.
pub(super) fn place_words(url: &str) -> &str {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    let host = host_of(place);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

/// Returns the part up to the path, with user and password.
fn host_of(place: &str) -> &str {
    place.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::check_address;

    #[test]
    fn scheme_is_added_where_it_is_missing() {
        for (typed, completed) in [
            ("studio", "http://studio"),
            ("studio:8000", "http://studio:8000"),
            ("10.0.0.7:8000/amcs", "http://10.0.0.7:8000/amcs"),
            ("studio:443", "https://studio:443"),
            ("//studio:8000", "http://studio:8000"),
            ("hub:8080/events", "ws://hub:8080/events"),
            ("hub:443/v1/events?run_id=1", "wss://hub:443/v1/events?run_id=1"),
            ("ws:hub/events", "ws://hub/events"),
            ("HTTP:/studio:8000", "http://studio:8000"),
            ("ws:8000", "http://ws:8000"),
            ("[::1]:8000", "http://[::1]:8000"),
            ("  ws://hub/events ", "ws://hub/events"),
            ("ftp://studio", "ftp://studio"),
            ("", ""),
        ] {
            assert_eq!(complete(typed), completed, "{typed:?}");
        }
        for (typed, is_right) in [("studio", true), ("stu dio", false), ("ws://", false)] {
            assert_eq!(check_address(&complete(typed)).is_ok(), is_right, "{typed:?}");
        }
    }

    #[test]
    fn every_text_can_be_completed() {
        for text in ["ws:", "ws:/", ":", "é:é", "wsé", "http", "http:///", "@", "a:b:c", "🎵"]
        {
            let _ = (complete(text), stream_instead(text), place_words(text));
        }
    }

    #[test]
    fn stream_of_the_same_host_is_offered_where_it_may_be_meant() {
        for (url, stream) in [
            ("http://studio:8000", Some("ws://studio:8000/events")),
            ("https://studio/", Some("wss://studio/events")),
            ("http://hub:8080/events", Some("ws://hub:8080/events")),
            ("ws://hub:8080", Some("ws://hub:8080/events")),
            ("wss://hub/", Some("wss://hub/events")),
            ("http://studio/amcs", None),
            ("ws://hub/events", None),
            ("http://", None),
        ] {
            assert_eq!(stream_instead(url).as_deref(), stream, "{url}");
        }
    }

    #[test]
    fn place_has_no_password() {
        assert_eq!(place_words("ws://ann:hunter2@studio:8000/events"), "studio:8000");
        assert_eq!(place_words("studio"), "studio");
    }
}
