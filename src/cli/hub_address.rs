//! Addresses of hubs, as commands take them.

use super::UsageError;
use crate::source::{ApiUrl, parse_api_url};

/// Address of a hub on this machine.
pub(super) const LOCAL_HUB: &str = "http://127.0.0.1:8080";

/// Path of a hub's stream, which an address may end with.
const STREAM: &str = "/events";

/// Returns the address of a hub, given as such or as that of its stream.
pub(super) fn hub_url(text: &str) -> Result<ApiUrl, UsageError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" => "http".to_owned(),
        "wss" => "https".to_owned(),
        other => other.to_owned(),
    };
    let rest = rest.split(['?', '#']).next().unwrap_or(rest).trim_end_matches('/');
    let rest = rest.strip_suffix(STREAM).unwrap_or(rest);
    Ok(parse_api_url(&format!("{scheme}://{rest}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_is_named_by_its_address_or_its_stream() {
        for (text, authority) in [
            ("http://hub:8080", "hub:8080"),
            ("http://hub:8080/", "hub:8080"),
            ("ws://hub:8080/events", "hub:8080"),
            ("wss://studio.example/events?stream=x&after=1", "studio.example"),
        ] {
            let url = hub_url(text).unwrap();
            assert_eq!(url.authority(), authority, "{text}");
            assert!(!url.api_base()[0].contains("events"), "{text}");
        }
        assert!(hub_url("ftp://hub").is_err());
    }
}
