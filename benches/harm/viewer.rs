//! Viewers as processes: a hub, a window, or a second hub in the window's place.

use std::fs::{File, OpenOptions};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Options;

/// Longest time to wait for the hub's health.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hub { port: u16, keeps: bool },
    Window,
}

/// Viewer process that can be started repeatedly.
pub struct Viewer {
    pub name: String,
    kind: Kind,
    upstream: SocketAddr,
    program: PathBuf,
    args: Vec<String>,
    folder: PathBuf,
    child: Option<Child>,
    stopping_since: Option<Instant>,
}

/// Ending of a viewer's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Ended after SIGTERM, after this time.
    Stopped(Duration),
    ByItself,
}

impl Viewer {
    pub fn hub(
        options: &Options,
        name: &str,
        upstream: SocketAddr,
        folder: &Path,
        keeps: bool,
    ) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        Self::new(options, name, Kind::Hub { port, keeps }, upstream, folder)
    }

    pub fn window(options: &Options, name: &str, upstream: SocketAddr, folder: &Path) -> Self {
        Self::new(options, name, Kind::Window, upstream, folder)
    }

    fn new(options: &Options, name: &str, kind: Kind, upstream: SocketAddr, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            upstream,
            program: options.program(),
            args: options.viewer_args(),
            folder: folder.to_owned(),
            child: None,
            stopping_since: None,
        }
    }

    pub fn is_there(&self) -> bool {
        self.child.is_some()
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping_since.is_some()
    }

    fn port(&self) -> u16 {
        match self.kind {
            Kind::Hub { port, .. } => port,
            Kind::Window => 0,
        }
    }

    pub fn events_url(&self) -> String {
        format!("ws://127.0.0.1:{}/events", self.port())
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// Last three lines of the viewer's log, or the lines of its panic.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let panic = lines.iter().rposition(|line| line.contains("panicked at"));
        let first = panic.unwrap_or(lines.len().saturating_sub(3));
        lines[first..].iter().take(3).copied().collect::<Vec<_>>().join(" / ")
    }

    pub fn start(&mut self) {
        let mut command = Command::new(&self.program);
        // The settings of the user's environment must not influence the measurement.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("METERBRIDGE_")) {
            command.env_remove(name);
        }
        let url = format!("http://{}", self.upstream);
        match self.kind {
            Kind::Hub { port, keeps } => {
                let store = if keeps { self.folder.join("hub.sqlite") } else { "none".into() };
                command.args(["serve", &url, "--listen", &format!("127.0.0.1:{port}"), "--store"]);
                command.arg(store);
            }
            Kind::Window => {
                // Without motion it leaves the processor to what is measured.
                command.args([&url, "--kiosk", "--reduced-motion"]);
            }
        }
        let log: File =
            OpenOptions::new().create(true).append(true).open(self.log()).expect("a log");
        command.args(&self.args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("the program can be started"));
        self.stopping_since = None;
    }

    /// Kills the viewer with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
        self.stopping_since = None;
    }

    /// Sends SIGTERM to the viewer, which may take time to end.
    pub fn stop(&mut self) {
        let Some(child) = &self.child else { return };
        let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(killed.expect("kill can be started").success(), "it is there");
        self.stopping_since = Some(Instant::now());
    }

    /// Ending of the viewer's process; `None` while it runs.
    pub fn ended(&mut self) -> Option<Ended> {
        self.child.as_mut()?.try_wait().expect("a status")?;
        self.child = None;
        Some(match self.stopping_since.take() {
            Some(since) => Ended::Stopped(since.elapsed()),
            None => Ended::ByItself,
        })
    }

    pub fn stopping_for(&self) -> Duration {
        self.stopping_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// True when the hub reports that it works.
    pub async fn is_healthy(&self) -> bool {
        let asking = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port())).await.ok()?;
            let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            answer.starts_with("HTTP/1.1 200").then_some(())
        };
        matches!(timeout(HEALTH_PATIENCE, asking).await, Ok(Some(())))
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
