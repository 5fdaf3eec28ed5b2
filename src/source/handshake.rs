//! Opening handshake of a WebSocket (RFC 6455, section 4.1), with the server's own words on refusal.
//!
//! Written by hand, without an upgrade of hyper, which `http` uses: hyper reads the bytes after the head into
//! a buffer of its own, and does not return the raw answer when this is not HTTP. The raw answer tells a TLS
//! server behind `ws://` from a server of another protocol. The text of a refusal is read to its end, with
//! limits of size and time, on the same connection, which is then closed; nothing is pooled or reused.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::access::Credentials;
use super::disconnect::server_words;
use super::secrets::{Secrets, basic};
use super::socket::Socket;
use super::{Disconnect, SourceUrl};

/// Largest response head in bytes; a longer one counts as no WebSocket server.
const LONGEST_HEAD: usize = 16 << 10;

/// Most bytes read of a refusal's body.
const LONGEST_BODY: usize = 4 << 10;

/// First byte of a TLS server's answer to data that is not TLS (RFC 8446, 5.1).
const TLS_ALERT: u8 = 21;

/// Time to wait for the body of a refusal.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Requests the event stream. Offers no subprotocol and no extension (protocol, section 3).
///
/// The caller limits the time.
pub(super) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    mut transport: S,
    url: &SourceUrl,
    credentials: Option<&Credentials>,
    max_message_bytes: usize,
) -> Result<Socket<S>, Disconnect> {
    let key = generate_key();
    let request = request(url, credentials, &key);
    let lost = |_| Disconnect::Lost;
    transport.write_all(request.as_bytes()).await.map_err(lost)?;
    transport.flush().await.map_err(lost)?;

    let mut received = Vec::with_capacity(1024);
    let head_end = loop {
        if transport.read_buf(&mut received).await.map_err(lost)? == 0 {
            return Err(if received.is_empty() { Disconnect::Lost } else { not_websocket() });
        }
        if received[0] == TLS_ALERT {
            return Err(protocol("it speaks TLS. Is it wss:// rather than ws://?"));
        }
        if !b"HTTP/1.".starts_with(&received[..received.len().min(7)]) {
            return Err(not_websocket());
        }
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if received.len() > LONGEST_HEAD {
            return Err(not_websocket());
        }
    };
    let rest = received.split_off(head_end);
    let head = Head::read(&String::from_utf8_lossy(&received)).ok_or_else(not_websocket)?;
    if head.status != 101 {
        let secrets = Secrets::new(credentials, url);
        let words = head.refusal_words(&mut transport, rest, &secrets).await;
        return Err(Disconnect::Http { status: head.status, words });
    }
    head.check(&key)?;
    Ok(Socket::after_handshake(transport, rest, max_message_bytes))
}

fn request(url: &SourceUrl, credentials: Option<&Credentials>, key: &str) -> String {
    let authorization = match (credentials.map(Credentials::header), url.userinfo()) {
        (Some((name, value)), _) => format!("{name}: {value}\r\n"),
        (None, Some(userinfo)) => format!("Authorization: {}\r\n", basic(userinfo)),
        (None, None) => String::new(),
    };
    format!(
        "GET {target} HTTP/1.1\r\n\
         Host: {host}\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\n\
         User-Agent: meterbridge/{version}\r\n\
         {authorization}\r\n",
        target = url.target(),
        host = url.authority(),
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn protocol(detail: &str) -> Disconnect {
    Disconnect::Protocol { detail: detail.to_owned() }
}

fn not_websocket() -> Disconnect {
    protocol("it does not speak WebSocket")
}

/// Head of the server's response.
struct Head {
    status: u16,
    /// Header fields; names in lower case.
    fields: Vec<(String, String)>,
}

impl Head {
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let fields = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self { status, fields })
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn check(&self, key: &str) -> Result<(), Disconnect> {
        let wrong = |detail| Err(protocol(detail));
        if !self.field("upgrade").is_some_and(|v| v.eq_ignore_ascii_case("websocket")) {
            return wrong("its answer has no `Upgrade: websocket`");
        }
        if self.field("sec-websocket-accept") != Some(derive_accept_key(key.as_bytes()).as_str()) {
            return wrong("its answer does not match the request (Sec-WebSocket-Accept)");
        }
        if self.field("sec-websocket-extensions").is_some_and(|v| !v.is_empty()) {
            return wrong("it uses an extension that was not offered");
        }
        if self.field("sec-websocket-protocol").is_some() {
            return wrong("it uses a subprotocol that was not offered");
        }
        Ok(())
    }

    /// Returns the server's own words on a refusal: the redirect's target, or the beginning of the
    /// body.
    async fn refusal_words<S: AsyncRead + Unpin>(
        &self,
        transport: &mut S,
        mut body: Vec<u8>,
        secrets: &Secrets,
    ) -> String {
        // Secrets are hidden before the text is cut, so that no part of one remains visible.
        let words = |text: &str| server_words(secrets.hide(text).as_bytes());
        if let (300..=399, Some(place)) = (self.status, self.field("location")) {
            return format!("it moved to {}", super::url::redact(&words(place)));
        }
        let length = self.field("content-length").and_then(|v| v.parse::<usize>().ok());
        let wanted = length.unwrap_or(LONGEST_BODY).min(LONGEST_BODY);
        let read_body = async {
            while body.len() < wanted {
                if !matches!(transport.read_buf(&mut body).await, Ok(1..)) {
                    break;
                }
            }
        };
        // On a timeout, use the part of the body that arrived.
        let _ = tokio::time::timeout(BODY_TIMEOUT, read_body).await;
        body.truncate(wanted);
        if self.field("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            body = first_chunk(&body).to_vec();
        }
        words(&String::from_utf8_lossy(&body))
    }
}

/// Returns the data of the first chunk (RFC 9112, 7.1). Short texts have only one.
fn first_chunk(body: &[u8]) -> &[u8] {
    let Some(line_end) = body.windows(2).position(|window| window == b"\r\n") else { return body };
    let (line, data) = (&body[..line_end], &body[line_end + 2..]);
    let size = std::str::from_utf8(line).ok().and_then(|line| {
        usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16).ok()
    });
    size.map_or(body, |size| &data[..size.min(data.len())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse_source_url;

    #[test]
    fn userinfo_becomes_a_basic_authorization_header() {
        let url = parse_source_url("ws://ann:p%40ss@h:1/e?x=1").unwrap();
        let request = request(&url, None, "k");
        assert!(request.starts_with("GET /e?x=1 HTTP/1.1\r\nHost: h:1\r\n"), "{request}");
        assert!(request.contains("\r\nAuthorization: Basic YW5uOnBAc3M=\r\n\r\n"), "{request}");
    }

    #[test]
    fn words_of_a_chunked_refusal_are_kept() {
        assert_eq!(first_chunk(b"5\r\nhello\r\n0\r\n\r\n"), b"hello");
        assert_eq!(first_chunk(b"nonsense"), b"nonsense");
    }
}
