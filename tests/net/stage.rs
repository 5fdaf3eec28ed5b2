//! Test harness for a source: every connection attempt asks the test for a transport, paused time is
//! the clock, and the source's signals are collected in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::Receiver;
use futures_util::SinkExt;
use jiff::Timestamp;
use meterbridge::protocol::{Batch, Item};
use meterbridge::source::connector::Connect;
use meterbridge::source::signal_sender::{CHANNEL_CAPACITY, SignalSender};
use meterbridge::source::source_context::Environment;
use meterbridge::source::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, Disconnect, HistoryAnswer,
    HistoryError, HistoryPage, OperationOutcome, Signal, SourceUrl, Updates, net,
};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

pub const URL: &str = "ws://studio:8000/events";

/// A connection attempt that waits for the test's answer.
pub struct Attempt {
    /// Time since the start of the test.
    pub at: Duration,
    /// Requested path and query.
    pub target: String,
    answer: oneshot::Sender<Result<DuplexStream, Disconnect>>,
}

impl Attempt {
    pub fn refuse(self) {
        let _ = self.answer.send(Err(Disconnect::Refused { address: "studio:8000".into() }));
    }

    /// Answers with a transport; returns the server's end of it.
    pub fn open(self) -> DuplexStream {
        self.open_with_buffer(64 << 10)
    }

    pub fn open_with_buffer(self, bytes: usize) -> DuplexStream {
        let (client, server) = tokio::io::duplex(bytes);
        let _ = self.answer.send(Ok(client));
        server
    }

    /// Answers with a transport and completes the WebSocket handshake.
    pub async fn accept(self) -> Server {
        Server::accept(self.open()).await
    }
}

/// Server's end of an open WebSocket.
pub struct Server {
    pub socket: WebSocketStream<DuplexStream>,
}

impl Server {
    pub async fn accept(transport: DuplexStream) -> Self {
        let config = WebSocketConfig::default().write_buffer_size(0);
        let socket = accept_async_with_config(transport, Some(config)).await.unwrap();
        Self { socket }
    }

    pub async fn send(&mut self, message: impl Into<Message>) {
        self.socket.send(message.into()).await.unwrap();
    }

    pub async fn close(mut self, code: u16, reason: &str) -> Self {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.socket.close(Some(frame)).await.unwrap();
        self
    }
}

struct TestConnector {
    attempts: mpsc::UnboundedSender<Attempt>,
    began: Instant,
}

impl Connect for TestConnector {
    type Transport = DuplexStream;

    async fn connect(&self, url: &SourceUrl) -> Result<DuplexStream, Disconnect> {
        assert!(url.to_string().starts_with("ws://studio"));
        let (answer, asked) = oneshot::channel();
        let target = url.target().to_owned();
        let attempt = Attempt { at: self.began.elapsed(), target, answer };
        self.attempts.send(attempt).unwrap_or_else(|_| unreachable!("the stage listens"));
        match asked.await {
            Ok(answer) => answer,
            // The test dropped the attempt: it is never answered.
            Err(_) => std::future::pending().await,
        }
    }
}

pub struct Stage {
    pub signals: Receiver<Signal>,
    pub attempts: mpsc::UnboundedReceiver<Attempt>,
    pub commands: Option<mpsc::Sender<Command>>,
    pub source: JoinHandle<()>,
    pub wakes: Arc<AtomicUsize>,
    began: Instant,
    epoch: Timestamp,
    /// All signals taken so far.
    taken: Vec<Signal>,
    states_told: usize,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(ConnectionSettings::default(), Some(URL))
    }

    pub fn with(settings: ConnectionSettings, url: Option<&str>) -> Self {
        let (sender, signals) = crossbeam_channel::bounded(CHANNEL_CAPACITY);
        let (command_sender, commands) = mpsc::channel(64);
        let (attempt_sender, attempts) = mpsc::unbounded_channel();
        let began = Instant::now();
        let epoch: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = wakes.clone();
        let waker = Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let environment = Environment {
            clock: Box::new(move || epoch + began.elapsed()),
            random: Box::new(|| 0.5),
        };
        let connector = TestConnector { attempts: attempt_sender, began };
        let url = url.map(str::to_owned);
        let signal_sender = SignalSender::new(sender, waker);
        let source =
            tokio::spawn(net::run(connector, url, settings, commands, signal_sender, environment));
        Self {
            signals,
            attempts,
            commands: Some(command_sender),
            source,
            wakes,
            began,
            epoch,
            taken: Vec::new(),
            states_told: 0,
        }
    }

    /// Returns the time since the start of the test.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub async fn command(&self, command: Command) {
        self.commands.as_ref().unwrap().send(command).await.unwrap();
    }

    pub async fn attempt(&mut self) -> Attempt {
        let limit = Duration::from_secs(3600);
        tokio::time::timeout(limit, self.attempts.recv()).await.expect("no attempt").unwrap()
    }

    /// Asserts that the source makes no attempt for an hour.
    pub async fn no_attempt(&mut self) {
        let hour = Duration::from_secs(3600);
        let attempt = tokio::time::timeout(hour, self.attempts.recv()).await;
        assert!(attempt.is_err(), "an attempt that should not have been");
    }

    pub fn take(&mut self) {
        self.taken.extend(self.signals.try_iter());
    }

    /// Lets time pass until the signals taken satisfy `done`.
    pub async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let limit = Instant::now() + Duration::from_secs(3600);
        loop {
            self.take();
            if done(self) {
                return;
            }
            assert!(Instant::now() < limit, "{what} did not happen: {:?}", self.states());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub async fn until_state(&mut self, what: &str) {
        self.until(what, |stage| stage.states().last().is_some_and(|s| s.starts_with(what))).await;
    }

    pub async fn until_items(&mut self, count: usize) {
        self.until("items", |stage| stage.items().len() >= count).await;
    }

    /// Returns all states so far, in short form.
    pub fn states(&self) -> Vec<String> {
        let state = |signal: &Signal| match signal {
            Signal::State(state) => Some(self.short(state)),
            _ => None,
        };
        self.taken.iter().filter_map(state).collect()
    }

    /// Asserts the states since the last call.
    #[track_caller]
    pub fn expect_states(&mut self, expected: &[&str]) {
        self.take();
        let states = self.states();
        assert_eq!(states[self.states_told..], *expected);
        self.states_told = states.len();
    }

    /// Formats a state; times are in seconds since the start of the test.
    fn short(&self, state: &ConnectionState) -> String {
        let second = |at: &Timestamp| at.duration_since(self.epoch).as_secs_f64().round();
        match state {
            ConnectionState::Disconnected => "disconnected".into(),
            ConnectionState::Connecting { .. } => "connecting".into(),
            ConnectionState::Connected { since, updates, .. } => {
                let how = match updates {
                    Updates::Live => String::new(),
                    Updates::Polling(_) => ", polling".to_owned(),
                    Updates::Unanswered { since } => format!(", no answer since {}", second(since)),
                    Updates::Cut { since, reason } => {
                        format!(", cut at {}: {reason}", second(since))
                    }
                };
                format!("connected at {}{how}", second(since))
            }
            ConnectionState::Reconnecting {
                attempt,
                max_attempts,
                next_attempt_at,
                reason,
                ..
            } => match next_attempt_at {
                Some(at) => format!("attempt {attempt}/{max_attempts} at {}: {reason}", second(at)),
                None => format!("attempt {attempt}/{max_attempts}"),
            },
            ConnectionState::Failed { reason, .. } => format!("failed: {reason}"),
        }
    }

    pub fn log(&self) -> Vec<String> {
        let line = |signal: &Signal| match signal {
            Signal::Log(entry) => Some(match &entry.event {
                ConnectionEvent::Connecting => "connecting".into(),
                ConnectionEvent::Connected => "connected".into(),
                ConnectionEvent::Disconnected { code: Some(code), reason } => {
                    format!("disconnected {code}: {reason}")
                }
                ConnectionEvent::Disconnected { code: None, reason } => {
                    format!("disconnected: {reason}")
                }
                ConnectionEvent::Error { message } => format!("error: {message}"),
                ConnectionEvent::Note { message } => format!("note: {message}"),
            }),
            _ => None,
        };
        self.taken.iter().filter_map(line).collect()
    }

    /// Returns the outcomes of operations.
    pub fn outcomes(&self) -> Vec<&OperationOutcome> {
        let outcome = self.taken.iter().filter_map(|signal| match signal {
            Signal::OperationFinished(outcome) => Some(outcome),
            _ => None,
        });
        outcome.collect()
    }

    /// Returns the offers of hubs, in order: path of the API, and whether actions are allowed.
    pub fn hubs(&self) -> Vec<(String, bool)> {
        let hub = |signal: &Signal| match signal {
            Signal::Hub { api, actions, .. } => Some((api.clone().unwrap_or_default(), *actions)),
            _ => None,
        };
        self.taken.iter().filter_map(hub).collect()
    }

    /// Returns the answers to questions about the past: number, and frames or the reason for none.
    pub fn answers(&self) -> Vec<(u64, Result<u64, HistoryError>)> {
        let answer = |signal: &Signal| match signal {
            Signal::History(HistoryAnswer { id, result }) => {
                Some((*id, result.as_ref().map(HistoryPage::frames).map_err(Clone::clone)))
            }
            _ => None,
        };
        self.taken.iter().filter_map(answer).collect()
    }

    pub fn batches(&self) -> Vec<&Batch> {
        self.taken
            .iter()
            .filter_map(|signal| match signal {
                Signal::Batch(batch) => Some(batch),
                _ => None,
            })
            .collect()
    }

    pub fn items(&self) -> Vec<&Item> {
        self.batches().into_iter().flat_map(|batch| &batch.items).collect()
    }

    /// Returns the run ids of the events, in order of arrival.
    pub fn runs(&self) -> Vec<String> {
        let run = |item: &Item| match item {
            Item::Event(event) => Some(event.run_id.to_string()),
            _ => None,
        };
        self.items().into_iter().filter_map(run).collect()
    }

    pub fn frames(&self) -> u64 {
        self.batches().iter().map(|batch| batch.frames).sum()
    }
}

/// Returns an event of a run.
pub fn event(run: &str) -> String {
    format!(r#"{{"run_id":"{run}","phase":"start","ts":"2026-11-23T00:00:00Z"}}"#)
}
