//! Client for tests: a source connected to a backend, and the model that it fills.

use std::time::Duration;

use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::source::connector::Connect;
use meterbridge::source::signal_sender::{CHANNEL_CAPACITY, SignalSender};
use meterbridge::source::source_context::Environment;
use meterbridge::source::{
    ApiSettings, Command, ConnectionBudget, ConnectionEvent, ConnectionSettings, ConnectionState,
    OperationOutcome, Signal, Updates, net,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::backend::{Backend, Truth, Wire};

/// Time within which the shown state must be true.
const SOON: Duration = Duration::from_secs(15);

/// Client that watches a backend, without a display.
pub struct TestClient {
    signals: crossbeam_channel::Receiver<Signal>,
    pub commands: mpsc::Sender<Command>,
    pub model: Model,
    pub states: Vec<ConnectionState>,
    pub log: Vec<ConnectionEvent>,
    pub outcomes: Vec<OperationOutcome>,
    source: JoinHandle<()>,
}

pub fn settings() -> ConnectionSettings {
    ConnectionSettings::default()
}

/// Returns settings of a viewer with up to `sockets` sockets and one REST connection.
pub fn with_sockets(sockets: usize) -> ConnectionSettings {
    let budget = ConnectionBudget::new(sockets + 1);
    let api = ApiSettings { max_sockets: sockets, budget, ..ApiSettings::default() };
    ConnectionSettings { api, ..settings() }
}

pub fn naming(runs: &[Uuid]) -> ConnectionSettings {
    let runs = runs.iter().map(Uuid::to_string).collect();
    ConnectionSettings { api: ApiSettings { runs, ..ApiSettings::default() }, ..settings() }
}

impl TestClient {
    pub fn watching(backend: &Backend, settings: ConnectionSettings) -> Self {
        Self::over(Wire(backend.clone()), backend, settings)
    }

    pub fn over<C: Connect + Send + Sync + 'static>(
        connector: C,
        backend: &Backend,
        settings: ConnectionSettings,
    ) -> Self {
        let (sender, signals) = crossbeam_channel::bounded(CHANNEL_CAPACITY);
        let (commands, receiver) = mpsc::channel(64);
        let clock = backend.clone();
        let environment =
            Environment { clock: Box::new(move || clock.now()), random: Box::new(|| 0.5) };
        let signal_sender = SignalSender::new(sender, std::sync::Arc::new(|| {}));
        let url = Some("http://studio:8000".to_owned());
        let source =
            tokio::spawn(net::run(connector, url, settings, receiver, signal_sender, environment));
        let model = Model::new(Retention::EVERYTHING);
        let (states, log, outcomes) = (Vec::new(), Vec::new(), Vec::new());
        Self { signals, commands, model, states, log, outcomes, source }
    }

    /// Aborts the source, as SIGKILL does: connections are dropped without a close frame.
    pub fn kill(self) {
        self.source.abort();
    }

    pub fn take(&mut self) {
        for signal in self.signals.try_iter() {
            match signal {
                Signal::Batch(batch) => self.model.receive(batch, |_, _| ()),
                Signal::State(state) => self.states.push(state),
                Signal::Log(entry) => self.log.push(entry.event),
                Signal::OperationFinished(outcome) => self.outcomes.push(outcome),
                Signal::Hub { .. } | Signal::History(_) | Signal::Summary(_) => {}
            }
        }
    }

    pub fn report(&self, id: Uuid) -> Option<RunReport> {
        Report::of(&self.model).runs.into_iter().find(|run| run.run_id == id.to_string())
    }

    /// Lets `time` pass while signals are processed.
    pub async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            sleep(Duration::from_millis(20)).await;
            self.take();
        }
    }

    /// Returns the differences between the shown and the true state of these runs.
    pub fn differences(&self, backend: &Backend, runs: &[Uuid]) -> Vec<String> {
        let of = |id: &Uuid| match self.report(*id) {
            None => vec![format!("{id} is not shown")],
            Some(report) => Truth::of(backend, *id).differences(&report),
        };
        runs.iter().flat_map(of).collect()
    }

    /// Waits until the shown state is true and returns the time taken. Panics after [`SOON`].
    #[track_caller]
    pub fn shows<'a>(
        &'a mut self,
        backend: &'a Backend,
        runs: &'a [Uuid],
    ) -> impl Future<Output = Duration> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let began = Instant::now();
            loop {
                self.take();
                let wrong = self.differences(backend, runs);
                if wrong.is_empty() {
                    return began.elapsed();
                }
                if began.elapsed() > SOON {
                    panic!("at {caller}: {wrong:#?}\n{:#?}\n{:#?}", self.states.last(), self.log);
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    pub async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        loop {
            self.take();
            if done(self) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{what}: {:?}", self.states);
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn is_connected(&self) -> bool {
        matches!(self.states.last(), Some(ConnectionState::Connected { .. }))
    }

    pub fn polls(&self) -> bool {
        let state = self.states.last();
        matches!(state, Some(ConnectionState::Connected { updates: Updates::Polling(_), .. }))
    }

    pub fn errors(&self) -> Vec<&str> {
        self.log
            .iter()
            .filter_map(|event| match event {
                ConnectionEvent::Error { message } => Some(message.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// Asserts that the backend saw no data frame and at most eight sockets at once.
#[track_caller]
pub fn check_manners(backend: &Backend) {
    let seen = backend.seen();
    assert_eq!(seen.data_frames, 0, "a socket was sent data");
    assert!(seen.most_watchers <= 8, "{} sockets at once", seen.most_watchers);
}
