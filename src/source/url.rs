//! Address of an event stream: parsed, checked, and displayed without its secrets. Pure.

use std::fmt;

use form_urlencoded::Serializer;
use thiserror::Error;

use crate::protocol::hub::Position;

/// Error for a text that is no address of an event stream; says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it")]
pub enum UrlError {
    #[error("no URL was given: write one like ws://127.0.0.1:8000/events")]
    Empty,
    #[error("`{shown}` does not say how to connect: write ws://{shown}, or wss:// for TLS")]
    MissingScheme { shown: String },
    #[error("`{shown}` is the address of a page: an event stream begins with {instead}://")]
    PageScheme { shown: String, instead: &'static str },
    #[error("`{shown}` begins with {scheme}://: an event stream begins with ws:// or wss://")]
    UnknownScheme { shown: String, scheme: String },
    #[error("`{shown}` names no host: write one like ws://127.0.0.1:8000/events")]
    EmptyHost { shown: String },
    #[error("`{shown}` has the port `{port}`: a port is a number from 1 to 65535")]
    BadPort { shown: String, port: String },
    #[error("`{shown}` has {character:?} in it: write it percent-encoded")]
    BadCharacter { shown: String, character: char },
    #[error("`{shown}` has a host that cannot be read: an IPv6 address stands in [brackets]")]
    BadHost { shown: String },
}

/// A checked `ws://` or `wss://` address.
///
/// `Display` and `Debug` omit user, password and secret query parameters; [`target`](Self::target),
/// [`authority`](Self::authority) and [`userinfo`](Self::userinfo) return what is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceUrl {
    secure: bool,
    userinfo: Option<String>,
    host: String,
    port: Option<u16>,
    target: String,
}

/// Parses the address of an event stream.
///
/// A fragment is dropped; a missing path becomes `/`. The error is a sentence that says what to write
/// instead, without secrets from `text`.
pub fn parse_source_url(text: &str) -> Result<SourceUrl, UrlError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UrlError::Empty);
    }
    let shown = || redact(text);
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(UrlError::MissingScheme { shown: shown() });
    };
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "ws" => false,
        "wss" => true,
        "http" => return Err(UrlError::PageScheme { shown: shown(), instead: "ws" }),
        "https" => return Err(UrlError::PageScheme { shown: shown(), instead: "wss" }),
        "" => return Err(UrlError::MissingScheme { shown: redact(rest) }),
        other => {
            return Err(UrlError::UnknownScheme { shown: shown(), scheme: other.to_owned() });
        }
    };
    read_behind_scheme(text, secure, rest)
}

/// Parses the part after the scheme; `rest` is that part of `text`.
pub(super) fn read_behind_scheme(
    text: &str,
    secure: bool,
    rest: &str,
) -> Result<SourceUrl, UrlError> {
    let shown = || redact(text);
    if let Some(character) = text.chars().find(|c| !may_stand_in_a_url(*c)) {
        return Err(UrlError::BadCharacter { shown: shown(), character });
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(authority_end);
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let (userinfo, place) = match authority.rsplit_once('@') {
        Some((userinfo, place)) => (Some(userinfo.to_owned()), place),
        None => (None, authority),
    };
    let (host, port) = split_host(place).ok_or_else(|| UrlError::BadHost { shown: shown() })?;
    if host.is_empty() || host == "[]" {
        return Err(UrlError::EmptyHost { shown: shown() });
    }
    let port = match port {
        None | Some("") => None,
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return Err(UrlError::BadPort { shown: shown(), port: digits.to_owned() }),
        },
    };
    Ok(SourceUrl { secure, userinfo, host: host.to_owned(), port, target })
}

impl SourceUrl {
    /// True for `wss://`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the host for name lookup; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// Returns the port; 80 or 443 where none is written.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// Returns `host` or `host:port`, as in the `Host` header.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Returns path and query, as in the request line. May contain secrets.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the same server with another path and query.
    pub(super) fn with_target(&self, target: String) -> Self {
        Self { target, ..self.clone() }
    }

    /// Returns the same address with query parameters that ask for the frames after a position of a
    /// hub's stream.
    pub(super) fn after(&self, Position { stream, seq }: &Position) -> Self {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let is_ours = |pair: &&str| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            !pair.is_empty() && !["stream", "after"].contains(&name)
        };
        let ours = Serializer::new(String::new())
            .append_pair("stream", stream)
            .append_pair("after", &seq.to_string())
            .finish();
        let pairs: Vec<&str> = query.split('&').filter(is_ours).chain([ours.as_str()]).collect();
        self.with_target(format!("{path}?{}", pairs.join("&")))
    }

    /// Returns the whole address as a browser needs it. May contain secrets.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn text(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        let userinfo = self.userinfo.as_ref().map(|it| format!("{it}@")).unwrap_or_default();
        format!("{scheme}://{userinfo}{}{}", self.authority(), self.target)
    }

    /// Returns the values of query parameters with secret-sounding names, as written.
    pub(super) fn secret_values(&self) -> impl Iterator<Item = &str> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| is_secret(name)).map(|(_, value)| value)
    }

    /// Returns `user:password` as written, percent-encoded. A secret.
    pub fn userinfo(&self) -> Option<&str> {
        self.userinfo.as_deref()
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), redact_target(&self.target))
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceUrl({self})")
    }
}

/// An address as a person gave it, valid or not, possibly with secrets. Displayed without them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Returns the address with its secrets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Address {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Removes the secrets that a URL can contain from a text, even where it is no valid URL.
pub fn redact(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(authority_end);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let target = target.split_once('#').map_or(target, |(before, _)| before);
    format!("{scheme}{place}{}", redact_target(target))
}

/// Parts of names that mark the value as secret.
const SECRET_NAMES: [&str; 10] =
    ["token", "key", "secret", "password", "passwd", "auth", "jwt", "sig", "session", "credential"];

fn redact_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}=…"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

/// True when the name of a parameter or setting marks its value as secret.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// True for visible ASCII except what RFC 3986 excludes. Keeps line breaks out of the request head.
fn may_stand_in_a_url(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

/// Splits `host:port` into host (IPv6 in brackets) and port. `None` for an IPv6 address without
/// brackets.
fn split_host(place: &str) -> Option<(&str, Option<&str>)> {
    if place.starts_with('[') {
        let end = place.find(']')? + 1;
        let (host, rest) = place.split_at(end);
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, host: &str, port: u16, target: &str, shown: &str) {
        let url = parse_source_url(text).unwrap();
        assert_eq!((url.host(), url.port(), url.target()), (host, port, target));
        assert_eq!(url.to_string(), shown);
    }

    #[test]
    fn common_addresses_are_parsed() {
        check(
            "ws://127.0.0.1:8000/events",
            "127.0.0.1",
            8000,
            "/events",
            "ws://127.0.0.1:8000/events",
        );
        check(" wss://studio.example ", "studio.example", 443, "/", "wss://studio.example/");
        check("WS://a?run_id=1#top", "a", 80, "/?run_id=1", "ws://a/?run_id=1");
        check("ws://[::1]:9/e", "::1", 9, "/e", "ws://[::1]:9/e");
    }

    #[test]
    fn display_and_errors_hide_secrets() {
        check(
            "wss://ann:pass@h/e?run_id=1&access_token=abc&API_KEY=d",
            "h",
            443,
            "/e?run_id=1&access_token=abc&API_KEY=d",
            "wss://h/e?run_id=1&access_token=…&API_KEY=…",
        );
        let error = parse_source_url("http://ann:pass@h/e?token=abc").unwrap_err().to_string();
        assert!(!error.contains("pass") && !error.contains("abc"), "{error}");
        let error = parse_source_url("ann:pass@h/e?token=abc").unwrap_err().to_string();
        assert!(!error.contains("pass") && !error.contains("abc"), "{error}");
    }

    #[track_caller]
    fn refuse(text: &str, sentence: &str) {
        assert_eq!(parse_source_url(text).unwrap_err().to_string(), sentence);
    }

    #[test]
    fn errors_say_what_to_write_instead() {
        refuse("", "no URL was given: write one like ws://127.0.0.1:8000/events");
        refuse(
            "localhost:8000/events",
            "`localhost:8000/events` does not say how to connect: write ws://localhost:8000/events, or wss:// for TLS",
        );
        refuse(
            "http://h:1/events",
            "`http://h:1/events` is the address of a page: an event stream begins with ws://",
        );
        refuse(
            "https://h/events",
            "`https://h/events` is the address of a page: an event stream begins with wss://",
        );
        refuse(
            "ftp://h",
            "`ftp://h` begins with ftp://: an event stream begins with ws:// or wss://",
        );
        refuse(
            "ws:///events",
            "`ws:///events` names no host: write one like ws://127.0.0.1:8000/events",
        );
        refuse(
            "ws://h:99999/",
            "`ws://h:99999/` has the port `99999`: a port is a number from 1 to 65535",
        );
        refuse("ws://h/a b", "`ws://h/a b` has ' ' in it: write it percent-encoded");
        refuse(
            "ws://::1/",
            "`ws://::1/` has a host that cannot be read: an IPv6 address stands in [brackets]",
        );
    }
}
