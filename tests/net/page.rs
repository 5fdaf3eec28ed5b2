//! Page fixtures, and a minimal HTTP client to request them.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use meterbridge::hub::HubServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any server waits for its upstream.
const PATIENCE: Duration = Duration::from_secs(90);

/// Files of a page: name and content.
pub const FILES: [(&str, &[u8]); 12] = [
    ("index.html", b"<!doctype html><title>Meterbridge</title>"),
    ("index.html.br", b"index, brotli"),
    ("embed.html", b"<!doctype html><title>embedded</title>"),
    ("icon.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("site.webmanifest", b"{}"),
    ("assets/meterbridge-3f2a9c81.js", b"export default 1;"),
    ("assets/meterbridge-3f2a9c81.js.br", b"script, brotli"),
    ("assets/meterbridge-3f2a9c81.js.gz", b"script, gzip"),
    ("assets/meterbridge-3f2a9c81.wasm", b"\0asm"),
    ("assets/meterbridge-3f2a9c81.wasm.gz", b"wasm, gzip"),
    ("assets/style-0123abcd.css", b"body{}"),
    ("fonts/inter.woff2", b"wOF2"),
];

/// A folder that is deleted with the test, with a file beside the page that must not be served.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Creates the folder; `name` must be unique to the test.
    pub fn empty(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("meterbridge-serve-{}-{name}", std::process::id()));
        // Possibly left by a killed test.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("page")).unwrap();
        fs::write(folder.join("secret.txt"), SECRET).unwrap();
        Self(folder)
    }

    pub fn with_page(name: &str) -> Self {
        let folder = Self::empty(name);
        for (path, content) in FILES {
            folder.write(path, content);
        }
        folder
    }

    pub fn page(&self) -> PathBuf {
        self.0.join("page")
    }

    pub fn write(&self, path: &str, content: &[u8]) {
        let path = self.page().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub const SECRET: &str = "not for the network";

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("no head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    /// Reads one response from a keep-alive connection.
    pub async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        loop {
            let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await.expect("no answer");
            let is_over = matches!(read, Ok(0) | Err(_));
            if bytes.windows(4).any(|window| window == b"\r\n\r\n") {
                let answer = Self::parse(&bytes);
                let length = answer.header("content-length").map(|text| text.parse::<usize>());
                if is_over || length.is_some_and(|it| it.is_ok_and(|it| answer.body.len() >= it)) {
                    return answer;
                }
            }
            assert!(!is_over, "no answer");
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Sends these bytes and reads until the server closes.
async fn converse(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server may close before it has received everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("not closed");
    answer
}

/// Sends a request with these additional header lines on a connection of its own. Path and body are
/// sent unchanged.
pub async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    let named = |name: &str| headers.iter().any(|header| header.starts_with(name));
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !named("Host:") {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.extend(headers.iter().flat_map(|header| [header, "\r\n"]));
    let bytes = [head.as_bytes(), b"\r\n", body].concat();
    Answer::parse(&converse(address, &bytes).await)
}

/// Sends a request without a body.
pub async fn ask(server: &HubServer, method: &str, path: &str, headers: &[&str]) -> Answer {
    request(server.address(), method, path, headers, b"").await
}

pub async fn get(server: &HubServer, path: &str) -> Answer {
    ask(server, "GET", path, &[]).await
}
