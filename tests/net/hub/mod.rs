//! Hub tests: delivery to screens despite failures of the screens, the hub or its upstream.

mod as_of;
mod asking;
mod clients;
mod clock;
mod floods;
mod history;
mod hostile;
mod keeping;
mod restart;
mod screens;
mod seen;
mod served;
mod store_file;
mod studio;
mod upstream;
mod wall;

use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::Sender;
use futures_util::StreamExt;
use jiff::Timestamp;
use meterbridge::hub::relay::{Hub, HubOptions, JournalRetention};
use meterbridge::hub::{HubError, HubServer};
use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::hub::{Hello, HubFrame, Position, Upstream};
use meterbridge::protocol::{Batch, Item, RunSnapshot};
use meterbridge::source::{ConnectionSettings, Signal};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub const PATIENCE: Duration = Duration::from_secs(20);

/// Path of a store file that is deleted with the test.
pub struct TempStore(pub PathBuf);

impl TempStore {
    /// Creates a path; `name` must be unique to the test.
    pub fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("meterbridge-hub-{}-{name}", std::process::id()));
        // Possibly left by a killed test.
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("state").join("hub.sqlite")
    }
}

impl Drop for TempStore {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub const KEEP_ALL: JournalRetention =
    JournalRetention { age: Duration::from_secs(7 * 86_400), bytes: 1 << 30, runs: 10_000 };

pub fn options(store: Option<PathBuf>) -> HubOptions {
    HubOptions {
        upstream: "ws://127.0.0.1:9/events".into(),
        connection: ConnectionSettings {
            reconnect_delay: Duration::from_millis(50),
            max_reconnect_attempts: 0,
            insist: true,
            ..ConnectionSettings::default()
        },
        store,
        keep: KEEP_ALL,
        keep_history: Duration::from_secs(400 * 86_400),
        api: None,
        actions: false,
        #[cfg(feature = "cluster")]
        cluster: None,
    }
}

/// Options of a hub that keeps runs of any age: those of fixtures get older every day.
pub fn keeping_old(store: Option<PathBuf>) -> HubOptions {
    let keep = JournalRetention { age: Duration::from_secs(100_000 * 86_400), ..KEEP_ALL };
    HubOptions { keep, ..options(store) }
}

/// A hub whose upstream signals are sent by the test.
pub struct Fed {
    pub hub: Hub,
    pub upstream: Sender<Signal>,
}

impl Fed {
    pub fn with(options: &HubOptions) -> Result<Self, HubError> {
        let (upstream, signals) = crossbeam_channel::bounded(32);
        Ok(Self { hub: Hub::fed_by(signals, options)?, upstream })
    }

    pub fn new() -> Self {
        Self::with(&options(None)).unwrap()
    }

    /// Sends frames as one batch.
    pub fn say<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) {
        self.say_at(Timestamp::now(), texts);
    }

    pub fn say_at<T: AsRef<str>>(&self, at: Timestamp, texts: impl IntoIterator<Item = T>) {
        let mut batch = Batch::new(at, true);
        texts.into_iter().for_each(|text| batch.push_text(text.as_ref()));
        self.upstream.send(Signal::Batch(batch)).unwrap();
    }

    pub fn say_run(&self, snapshot: RunSnapshot) {
        let mut batch = Batch::new(Timestamp::now(), true);
        batch.push_run(snapshot.into());
        self.upstream.send(Signal::Batch(batch)).unwrap();
    }

    /// Waits until the hub keeps this many frames, without advancing paused time.
    pub fn has_taken(&self, frames: u64) {
        while self.hub.counters().journal_entries.get() != frames {
            std::thread::yield_now();
        }
    }

    /// Connects a new screen.
    pub async fn viewer(&self) -> Viewer<DuplexStream> {
        self.viewer_at("").await
    }

    /// Connects a screen with this query, over a transport that holds 64 KiB.
    pub async fn viewer_at(&self, query: &str) -> Viewer<DuplexStream> {
        let (client, server) = tokio::io::duplex(64 << 10);
        self.hub.accept_client(Some(query), None, async { Some(server) });
        Viewer::new(WebSocketStream::from_raw_socket(client, Role::Client, None).await)
    }

    /// Returns every counted frame that a new screen receives up to the live frame.
    pub async fn kept(&self) -> Vec<String> {
        let mut viewer = self.viewer().await;
        viewer.until_live().await;
        viewer.told.into_iter().map(|(_, text)| text).collect()
    }

    /// Waits until a new screen receives `expected`.
    pub async fn keeps(&self, expected: &[String]) {
        let right = async {
            while self.kept().await != expected {
                tokio::task::yield_now().await;
            }
        };
        if timeout(PATIENCE, right).await.is_err() {
            assert_eq!(self.kept().await, expected);
        }
    }
}

pub type NetViewer = Viewer<MaybeTlsStream<TcpStream>>;

/// Connects a screen over a real socket.
pub async fn connect(server: &HubServer, position: Option<&Position>) -> NetViewer {
    connect_to(&server.events_url(), position).await
}

pub async fn connect_to(url: &str, position: Option<&Position>) -> NetViewer {
    let url = match position {
        None => url.to_owned(),
        Some(Position { stream, seq }) => format!("{url}?stream={stream}&after={seq}"),
    };
    Viewer::new(timeout(PATIENCE, connect_async(url)).await.unwrap().unwrap().0)
}

/// A client that understands hub frames and checks that numbers increase.
pub struct Viewer<S> {
    pub socket: WebSocketStream<S>,
    /// Received frames with their sequence numbers.
    pub told: Vec<(u64, String)>,
    pub hellos: Vec<Hello>,
    pub position: Option<Position>,
    pub live: bool,
    pub upstream: Vec<Upstream>,
    /// Runs that the hub reported as marked, in order.
    pub seen: Vec<String>,
    /// Model built from `told`.
    pub model: Model,
    /// Names of the hub's frames in order; numbered frames are `n`.
    pub order: Vec<&'static str>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    pub fn new(socket: WebSocketStream<S>) -> Self {
        Self {
            socket,
            told: Vec::new(),
            hellos: Vec::new(),
            position: None,
            live: false,
            upstream: Vec::new(),
            seen: Vec::new(),
            model: Model::new(Retention::EVERYTHING),
            order: Vec::new(),
        }
    }

    /// Continues the same screen on another connection.
    pub fn continued<T: AsyncRead + AsyncWrite + Unpin>(self, other: Viewer<T>) -> Viewer<T> {
        let Self { told, hellos, position, model, .. } = self;
        Viewer { told, hellos, position, model, ..other }
    }

    /// Returns the position as a query string.
    pub fn query(&self) -> String {
        let Position { stream, seq } = self.position.as_ref().unwrap();
        format!("stream={stream}&after={seq}")
    }

    /// Processes one message. `Err` with the close frame if it was the last.
    pub async fn step(&mut self) -> Result<(), Option<CloseFrame>> {
        let message = timeout(PATIENCE, self.socket.next()).await.expect("nothing came");
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return Err(frame),
            Some(Ok(_)) => return Ok(()),
            None | Some(Err(Error::Io(_) | Error::Protocol(_))) => return Err(None),
            Some(Err(error)) => panic!("{error}"),
        };
        let mut batch = Batch::new(Timestamp::now(), self.live);
        batch.push_text(&text);
        assert_eq!(batch.items.len(), 1, "{text}");
        match &batch.items[0] {
            Item::Hub(frame) => self.hear(frame.clone()),
            Item::Event(_) | Item::Run(_) => {
                let position = self.position.as_mut().expect("no hello before the first frame");
                position.seq += 1;
                self.told.push((position.seq, text.to_string()));
                self.order.push("n");
            }
            other => panic!("{other:?}: {text}"),
        }
        self.model.receive(batch, |_, _| ());
        Ok(())
    }

    fn hear(&mut self, frame: HubFrame) {
        self.order.push(match &frame {
            HubFrame::Hello(_) => "hello",
            HubFrame::Seq(_) => "seq",
            HubFrame::Live => "live",
            HubFrame::Upstream(_) => "upstream",
            HubFrame::Seen(_) => "seen",
        });
        match frame {
            HubFrame::Hello(hello) => {
                self.position = Some(hello.at.clone());
                self.live = false;
                self.hellos.push(hello);
            }
            HubFrame::Seq(seq) => {
                let position = self.position.as_mut().expect("no hello before a number");
                assert!(position.seq < seq, "{} is followed by {seq}", position.seq);
                position.seq = seq;
            }
            HubFrame::Live => self.live = true,
            HubFrame::Upstream(upstream) => self.upstream.push(upstream),
            HubFrame::Seen(runs) => self.seen.extend(runs.iter().map(ToString::to_string)),
        }
    }

    /// Processes one message; an ended connection is ignored.
    pub async fn step_quietly(&mut self) {
        if let Some(Ok(message)) = self.socket.next().await {
            assert!(!message.is_close(), "{message:?}");
        }
    }

    pub async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let all = async {
            while !done(self) {
                if let Err(frame) = self.step().await {
                    panic!("closed before {what}: {frame:?}");
                }
            }
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("{what} did not come"));
    }

    pub async fn until_live(&mut self) {
        self.until("the present", |viewer| viewer.live).await;
    }

    /// Waits until this many frames were received.
    pub async fn until_told(&mut self, count: usize) {
        self.until("a frame", |viewer| viewer.told.len() >= count).await;
    }

    /// Reads to the end; returns the close frame.
    pub async fn closed(&mut self) -> Option<CloseFrame> {
        loop {
            if let Err(frame) = self.step().await {
                return frame;
            }
        }
    }

    pub fn texts(&self) -> Vec<&str> {
        self.told.iter().map(|(_, text)| text.as_str()).collect()
    }

    pub fn runs(&self) -> Vec<RunReport> {
        Report::of(&self.model).runs
    }
}

/// Returns the runs in a hub's model.
pub fn runs_of(hub: &Hub) -> Vec<RunReport> {
    Report::of(&hub.model()).runs
}

/// Returns an event of a run, in the guide's dialect.
pub fn event(run: &str, node: Option<&str>, phase: &str, second: u32) -> String {
    let node = node.map(|node| format!(r#""node_name":"{node}","#)).unwrap_or_default();
    format!(
        r#"{{"ts":"2026-11-23T01:{:02}:{:02}Z","run_id":"{run}",{node}"phase":"{phase}"}}"#,
        second / 60,
        second % 60
    )
}

/// Returns the 18 events of a successful run.
pub fn whole_run(run: &str) -> Vec<String> {
    let mut all = vec![event(run, None, "start", 0)];
    for (at, node) in
        ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE", "RENDER", "REVIEW"]
            .into_iter()
            .enumerate()
    {
        let second = 2 * at as u32 + 1;
        all.push(event(run, Some(node), "start", second));
        all.push(event(run, Some(node), "end", second + 1));
    }
    all.push(event(run, None, "end", 20));
    all
}

/// Polls until `done`, for effects of other threads.
pub async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let right = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, right).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}
