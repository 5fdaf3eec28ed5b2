//! Reasons why a connection or an attempt ended: which are final, and the message for a person. Pure.

use std::time::Duration;

use thiserror::Error;

use super::{AccessError, UrlError};
use crate::text;

/// Close code for a close frame without a code (RFC 6455, 7.4.1).
pub const NO_CODE: u16 = 1005;

/// Close code for a connection that ended without a close frame (RFC 6455, 7.4.1).
pub const LOST_CODE: u16 = 1006;

/// Reason why there is no connection. The message says what happened, to what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it")]
pub enum Disconnect {
    /// The server closed the connection.
    #[error("{}", closed_text(*code, reason))]
    Closed { code: u16, reason: String },
    /// The connection ended without a close frame.
    #[error("the server went away without closing the connection (1006)")]
    Lost,
    #[error("nothing received for {}: the connection is dead", seconds(*after))]
    Silent { after: Duration },
    #[error(
        "no answer within {}. Is this the right host, and does a firewall block it?",
        seconds(*after)
    )]
    ConnectTimeout { after: Duration },
    #[error("nothing is listening at {address}. Is the backend running?")]
    Refused { address: String },
    #[error("no such host: {host}. Check the name and the network")]
    UnknownHost { host: String },
    #[error("cannot reach {address}: {detail}")]
    Unreachable { address: String, detail: String },
    /// A page loaded over https may not open `ws://`.
    #[error(
        "cannot connect to {address} over ws://: this page was loaded over https, and browsers \
         then allow wss:// only. Use wss://, or open the page over http"
    )]
    NotFromThisPage { address: String },
    #[error("no secure connection to {host}: {detail}")]
    Tls { host: String, detail: String },
    /// The server answered the handshake with a status other than 101.
    #[error("{}", http_text(*status, words))]
    Http { status: u16, words: String },
    #[error("a message of more than {} arrived: the connection was closed", size(*limit_bytes))]
    MessageTooLarge { limit_bytes: usize },
    /// More arrived than the application took.
    #[error("this viewer could not keep up: {dropped} frames were dropped; reconnecting")]
    FellBehind { dropped: u64 },
    #[error("the server violates the WebSocket protocol: {detail}")]
    Protocol { detail: String },
    #[error("{0}")]
    BadUrl(#[from] UrlError),
    /// A backend's REST refused a request or gave an unexpected answer.
    #[error("the backend's REST API: {text}")]
    Rest { status: Option<u16>, text: String },
    /// Our own credentials or certificate authorities are not available.
    #[error("{0}")]
    NoAccess(#[from] AccessError),
}

impl Disconnect {
    /// True when a retry cannot help: the server refused for good, or no request can be made.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Closed { code, .. } => *code == 1008,
            Self::Http { status, .. } | Self::Rest { status: Some(status), .. } => {
                matches!(status, 401 | 403 | 404)
            }
            Self::BadUrl(_) | Self::NoAccess(_) | Self::NotFromThisPage { .. } => true,
            _ => false,
        }
    }

    /// Returns the HTTP status of a refused handshake or REST request.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Http { status, .. } => Some(*status),
            Self::Rest { status, .. } => *status,
            _ => None,
        }
    }

    /// True when what the server sent ended the connection, so that the next one may end the same way.
    pub fn is_of_content(&self) -> bool {
        matches!(self, Self::MessageTooLarge { .. } | Self::Protocol { .. })
    }

    /// True when the cause may disappear without any change on this side.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::BadUrl(_) | Self::NotFromThisPage { .. })
    }

    /// Returns the close code as a browser would report it; `None` where no connection was open.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Closed { code, .. } => Some(*code),
            Self::Lost | Self::Silent { .. } => Some(LOST_CODE),
            Self::MessageTooLarge { .. } => Some(1009),
            Self::Protocol { .. } => Some(1002),
            _ => None,
        }
    }
}

/// Returns the meaning of a close code (RFC 6455 7.4.1 and the IANA registry).
fn code_name(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        NO_CODE => "no code given",
        1007 => "invalid data",
        1008 => "policy violation",
        1009 => "message too big",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        _ => return None,
    })
}

fn closed_text(code: u16, reason: &str) -> String {
    match (reason, code_name(code)) {
        ("", Some(name)) => format!("closed by the server ({code} {name})"),
        ("", None) => format!("closed by the server ({code})"),
        (reason, _) => format!("closed by the server: {reason} ({code})"),
    }
}

fn http_text(status: u16, words: &str) -> String {
    let name = match status {
        200 => " OK",
        301 | 302 | 307 | 308 => " redirect",
        400 => " Bad Request",
        401 => " Unauthorized",
        403 => " Forbidden",
        404 => " Not Found",
        426 => " Upgrade Required",
        429 => " Too Many Requests",
        500 => " Internal Server Error",
        502 => " Bad Gateway",
        503 => " Service Unavailable",
        504 => " Gateway Timeout",
        _ => "",
    };
    // The advice begins with a full stop.
    let words = words.trim_end_matches('.');
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let advice = match status {
        200..=299 => ". This is a page, not an event stream: check the path",
        401 if cfg!(target_arch = "wasm32") => {
            ". It requires credentials: put a token into the URL"
        }
        401 => {
            ". It requires credentials: put a token into METERBRIDGE_TOKEN, or into a file for \
             --token-file"
        }
        403 | 404 => ". Check the path: is there an event stream, and may you read it?",
        _ => "",
    };
    format!("the server answered HTTP {status}{name}{words}{advice}")
}

/// Most characters shown of a server's own words.
const WORDS_SHOWN: usize = 200;

/// Returns a server's own words on one line, without control characters and the tags of a web page, cut
/// to a length worth showing.
pub fn server_words(bytes: &[u8]) -> String {
    // Longer than any text that is shown, even with four bytes per character.
    let head = &bytes[..bytes.len().min(WORDS_SHOWN * 64)];
    let words = String::from_utf8_lossy(head);
    let line = text::page_words(&words).unwrap_or_else(|| text::single_spaced(&words, usize::MAX));
    text::excerpt(&line, WORDS_SHOWN)
}

pub(super) fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) {
        format!("{} s", millis / 1000)
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// Returns the message for a message that was too large and was skipped.
pub(super) fn skipped_text(limit_bytes: usize) -> String {
    format!("a message of more than {} was skipped", size(limit_bytes))
}

fn size(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    const KIB: usize = 1 << 10;
    if bytes >= MIB && bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else if bytes >= KIB && bytes.is_multiple_of(KIB) {
        format!("{} KiB", bytes / KIB)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: u16, reason: &str) -> Disconnect {
        Disconnect::Closed { code, reason: reason.to_owned() }
    }

    fn http(status: u16) -> Disconnect {
        Disconnect::Http { status, words: String::new() }
    }

    #[test]
    fn only_refusals_are_final() {
        for disconnect in
            [closed(1008, ""), http(401), http(403), http(404), UrlError::Empty.into()]
        {
            assert!(disconnect.is_final(), "{disconnect}");
        }
        let address = String::from("h:1");
        for disconnect in [
            closed(1000, ""),
            closed(1001, ""),
            closed(NO_CODE, ""),
            closed(1011, ""),
            closed(1012, ""),
            closed(1013, ""),
            closed(4000, ""),
            Disconnect::Lost,
            Disconnect::Silent { after: Duration::from_secs(45) },
            Disconnect::ConnectTimeout { after: Duration::from_secs(10) },
            Disconnect::Refused { address: address.clone() },
            Disconnect::UnknownHost { host: address.clone() },
            Disconnect::Unreachable { address, detail: String::new() },
            Disconnect::MessageTooLarge { limit_bytes: 4 << 20 },
            Disconnect::Protocol { detail: String::new() },
            http(500),
            http(503),
        ] {
            assert!(!disconnect.is_final(), "{disconnect}");
        }
    }

    #[test]
    fn messages_state_cause_and_advice() {
        let text = |disconnect: Disconnect| disconnect.to_string();
        assert_eq!(text(closed(1012, "")), "closed by the server (1012 service restart)");
        assert_eq!(text(closed(4321, "")), "closed by the server (4321)");
        assert_eq!(
            text(closed(1008, "Missing run_id query parameter")),
            "closed by the server: Missing run_id query parameter (1008)"
        );
        assert_eq!(
            text(Disconnect::Silent { after: Duration::from_secs(45) }),
            "nothing received for 45 s: the connection is dead"
        );
        assert_eq!(
            text(Disconnect::MessageTooLarge { limit_bytes: 4 << 20 }),
            "a message of more than 4 MiB arrived: the connection was closed"
        );
        assert_eq!(
            text(Disconnect::Http { status: 403, words: "no".into() }),
            "the server answered HTTP 403 Forbidden: no. Check the path: is there an event stream, and may you read it?"
        );
    }

    #[test]
    fn server_words_are_cut_to_one_line() {
        assert_eq!(server_words(b"a\r\n\x1b[31mb\xff"), "a b\u{fffd}");
        assert_eq!(server_words("é".repeat(300).as_bytes()).chars().count(), WORDS_SHOWN + 1);
    }
}
