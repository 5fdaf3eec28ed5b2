//! Scripted upstream server that records its requests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Way in which requests are answered.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Answers with the request itself, head and body, as text.
    Echo,
    /// Answers with this status, these header lines and this body.
    Says(u16, &'static str, &'static str),
    /// Does not answer.
    Silent,
}

#[derive(Clone)]
pub struct Echo {
    pub address: SocketAddr,
    /// Requests in order of arrival.
    asked: Arc<Mutex<Vec<String>>>,
    /// Number of requests in progress, and the most there ever were.
    under_way: Arc<Mutex<(usize, usize)>>,
    open: watch::Sender<bool>,
}

impl Echo {
    pub async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let echo = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            under_way: Arc::default(),
            open: watch::Sender::new(true),
        };
        let serving = echo.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let echo = serving.clone();
                tokio::spawn(async move { echo.serve(stream, manner).await });
            }
        });
        echo
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub fn most_under_way(&self) -> usize {
        self.under_way.lock().unwrap().1
    }

    /// Holds responses back, or releases them.
    pub fn hold(&self, hold: bool) {
        self.open.send_replace(!hold);
    }

    /// Waits until `count` requests have arrived.
    pub async fn until_asked(&self, count: usize) {
        let asked = async {
            while self.asked().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), asked).await.expect("not asked");
    }

    async fn serve(&self, mut stream: TcpStream, manner: Manner) -> Option<()> {
        loop {
            let mut bytes = Vec::new();
            let end = loop {
                if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                    break at + 4;
                }
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |text| text.parse().unwrap());
            while bytes.len() < end + length {
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            }
            let question = String::from_utf8_lossy(&bytes).into_owned();
            self.asked.lock().unwrap().push(question.clone());
            {
                let mut under_way = self.under_way.lock().unwrap();
                under_way.0 += 1;
                under_way.1 = under_way.1.max(under_way.0);
            }
            self.open.subscribe().wait_for(|open| *open).await.ok()?;
            self.under_way.lock().unwrap().0 -= 1;
            let (status, headers, body) = match manner {
                Manner::Echo => (200, "content-type: text/plain\r\n", question),
                Manner::Says(status, headers, body) => (status, headers, body.to_owned()),
                Manner::Silent => std::future::pending().await,
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n");
            stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
        }
    }
}
