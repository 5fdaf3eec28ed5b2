//! Control client: measures how long the backend takes to answer a client that is not a viewer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::backend::{BASE, CONTROL_HEADER};

/// Longest time to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One kept-alive connection.
pub struct Control {
    address: SocketAddr,
    stream: TcpStream,
}

impl Control {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the backend listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self { address, stream }
    }

    /// Sends a `GET`. Returns the time taken and the body; `None` where no answer came in time.
    pub fn ask(&mut self, path: &str) -> (Duration, Option<String>) {
        let began = Instant::now();
        let body = self.try_ask(path);
        if body.is_none() {
            *self = Self::connect(self.address);
        }
        (began.elapsed(), body)
    }

    fn try_ask(&mut self, path: &str) -> Option<String> {
        let request = format!(
            "GET {BASE}{path} HTTP/1.1\r\nhost: {}\r\n{CONTROL_HEADER}: 1\r\n\r\n",
            self.address
        );
        self.stream.write_all(request.as_bytes()).ok()?;
        let (mut bytes, mut part) = (Vec::new(), [0; 16 << 10]);
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if length.and_then(|length| length.parse().ok()).is_some_and(|it| body.len() >= it)
                {
                    return Some(body.to_owned());
                }
            }
            let read = self.stream.read(&mut part).ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(&part[..read]);
        }
    }
}
