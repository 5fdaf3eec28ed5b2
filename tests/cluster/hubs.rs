//! Hubs as processes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// `meterbridge serve --cluster` as a process.
pub struct HubProcess {
    child: Child,
    pub address: String,
    said: Arc<Mutex<String>>,
}

impl HubProcess {
    /// Starts a hub; returns when it serves screens.
    pub async fn start(upstream: String, cluster: String, replicas: usize) -> Self {
        tokio::task::spawn_blocking(move || Self::start_blocking(&upstream, &cluster, replicas))
            .await
            .unwrap()
    }

    fn start_blocking(upstream: &str, cluster: &str, replicas: usize) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_meterbridge"))
            .args(["serve", upstream, "--listen", "127.0.0.1:0", "--cluster", cluster])
            .args(["--cluster-replicas", &replicas.to_string(), "--max-request-rate", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut errors, lines) = (BufReader::new(child.stderr.take().unwrap()), said.clone());
        std::thread::spawn(move || {
            let mut line = String::new();
            while errors.read_line(&mut line).is_ok_and(|count| count > 0) {
                lines.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("it says {line:?}")).to_owned();
        // Keeps the pipe open, and takes what else is written.
        std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        Self { child, address, said }
    }

    pub fn events_url(&self) -> String {
        format!("ws://{}/events", self.address)
    }

    /// Returns what the hub has written to standard error.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Sends a signal, such as STOP.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &process]).status();
        assert!(status.unwrap().success());
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Returns the answer of `/healthz`; `None` when the hub does not answer.
    pub async fn health(&self) -> Option<serde_json::Value> {
        let body =
            timeout(Duration::from_secs(2), self.ask("GET", "/healthz", "")).await.ok()??;
        serde_json::from_str(&body).ok()
    }

    /// Sends a request; returns the body of the answer.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// True while the hub says that it watches the backend.
    pub async fn is_watching(&self) -> bool {
        self.health().await.is_some_and(|health| health["cluster"]["role"] == "watching")
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // Usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
