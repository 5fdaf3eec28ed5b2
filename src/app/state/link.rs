//! The connection to the source.

use std::collections::VecDeque;

use bevy::prelude::*;
use jiff::Timestamp;

use super::link_health::LinkHealth;
use crate::config::Settings;
#[cfg(not(target_arch = "wasm32"))]
use crate::demo::{DemoControls, DemoHandle};
use crate::protocol::RunId;
#[cfg(not(target_arch = "wasm32"))]
use crate::source::LocalApi;
use crate::source::{
    ApiUrl, Command, ConnectionEvent, ConnectionLogEntry, ConnectionSettings, ConnectionState,
    OperationRefusal, RefetchTarget, RunOperation, SourceHandle, SourceSpec, SummaryAnswer,
};
use crate::text;

/// Features that a hub offers in addition to its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubOffer {
    /// Path on the hub's origin below which it proxies the backend's REST API; `None` if it does
    /// not.
    pub api: Option<String>,
    /// True when the hub also forwards requests that change something at the backend.
    pub actions: bool,
}

/// Sent with the answer to [`Link::ask_summary`], or the reason why there is none.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
pub struct SummaryReceived(pub SummaryAnswer);

/// Returns host and port of a URL.
fn place_in(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, place)| place)
}

/// State of the connection to the source, as shown in the panel.
#[derive(Resource)]
pub struct Link {
    /// The source of events; `None` when the embedding app feeds [`RunStore`] itself.
    pub source: Option<SourceSpec>,
    /// Content of the URL field.
    pub url: String,
    /// Current settings.
    pub settings: ConnectionSettings,
    /// State of the connection.
    pub state: ConnectionState,
    /// Offer of the connected hub; `None` when the server is not a hub or has not sent its offer
    /// yet.
    pub hub: Option<HubOffer>,
    /// True when the connected hub can be asked for what it kept from before, and for its summary.
    pub has_history: bool,
    /// Time and text of the last error; cleared once a connection is established.
    pub last_error: Option<(Timestamp, String)>,
    /// Oldest first.
    pub log: VecDeque<ConnectionLogEntry>,
    /// Playback speed of a recording, as a multiple of real time.
    pub recording_rate: f64,
    /// Batches still in the channel after this frame's time budget was spent.
    pub backlog: usize,
    pub(super) handle: Option<SourceHandle>,
    /// Measurements of the connection.
    pub health: LinkHealth,
    /// Stream that was shown before the recording.
    before: Option<SourceSpec>,
    /// Number of sources that were left for another one.
    left: u64,
    /// Held so that the demo studio keeps running.
    #[cfg(not(target_arch = "wasm32"))]
    demo: Option<DemoHandle>,
}

/// The newest moment, as opposed to the past, in words. A recording is never called live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Present {
    /// Of a stream or a backend.
    #[default]
    Live,
    /// Of a recording: the moment up to which it was played.
    Replay,
}

impl Present {
    /// Returns the name within a sentence: "back to live".
    pub fn words(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Replay => "the replay",
        }
    }

    /// Returns the name before a colon: "Live, 40 s ago:".
    pub fn head(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Replay => "Replay",
        }
    }
}

impl Link {
    pub(in crate::app) fn new(settings: &Settings, source: Option<SourceSpec>) -> Self {
        Self {
            source,
            url: String::new(),
            settings: settings.connection.clone(),
            state: ConnectionState::Disconnected,
            hub: None,
            has_history: false,
            last_error: None,
            log: VecDeque::new(),
            recording_rate: settings.view.speed,
            backlog: 0,
            handle: None,
            health: LinkHealth::default(),
            before: None,
            left: 0,
            #[cfg(not(target_arch = "wasm32"))]
            demo: None,
        }
    }

    /// Takes over a state that the source reports.
    pub(in crate::app) fn enter(&mut self, state: ConnectionState) {
        let was_connected = matches!(self.state, ConnectionState::Connected { .. });
        self.health.note_state(&state, was_connected);
        self.state = state;
    }

    /// True when the address in use was connected to before, so that a missing connection is a lost one.
    pub fn was_connected(&self) -> bool {
        let reached = self.health.reached();
        reached.is_some() && self.state.url() == reached
    }

    /// Title of a view that has no run to show: what it waits for, or why none will come.
    pub fn waiting_title(&self, waiting: &'static str) -> &'static str {
        let is_stream = self.source.as_ref().is_some_and(|source| !source.is_recording());
        match self.state {
            ConnectionState::Disconnected
            | ConnectionState::Failed { .. }
            | ConnectionState::Reconnecting { .. }
                if is_stream =>
            {
                "Not connected"
            }
            _ => waiting,
        }
    }

    /// True when the source is a recording, which has its own time.
    pub fn is_recording(&self) -> bool {
        matches!(self.source, Some(SourceSpec::Recording(_)))
    }

    /// Returns what the newest moment is called.
    pub fn present(&self) -> Present {
        if self.is_recording() { Present::Replay } else { Present::Live }
    }

    /// Returns the stream that is shown, or that was shown before the recording; `None` without one.
    pub fn stream(&self) -> Option<SourceSpec> {
        match &self.source {
            Some(SourceSpec::Recording(_)) => self.before.clone(),
            // Another address may have been typed since.
            Some(SourceSpec::Demo) if self.is_at_the_demo() => Some(SourceSpec::Demo),
            source @ Some(_) if self.url.is_empty() => source.clone(),
            Some(_) => Some(SourceSpec::of_address(&self.url)),
            None => None,
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn is_at_the_demo(&self) -> bool {
        self.demo.as_ref().is_none_or(|demo| demo.url() == self.url)
    }

    #[cfg(target_arch = "wasm32")]
    fn is_at_the_demo(&self) -> bool {
        true
    }

    /// Number of sources that were left for another one. What is known of a source ends with it.
    pub(in crate::app) fn left(&self) -> u64 {
        self.left
    }

    /// Leaves the source for another one, which is still to be started, and forgets what is known of it.
    /// Returns what has to be dropped, which may take a second.
    pub(in crate::app) fn leave_for(&mut self, next: SourceSpec) -> impl Send + 'static + use<> {
        self.before = if next.is_recording() { self.stream() } else { None };
        self.source = Some(next);
        self.left += 1;
        self.url.clear();
        self.state = ConnectionState::Disconnected;
        self.health = LinkHealth::default();
        self.hub = None;
        self.has_history = false;
        self.last_error = None;
        self.log.clear();
        self.backlog = 0;
        #[cfg(not(target_arch = "wasm32"))]
        return (self.handle.take(), self.demo.take());
        #[cfg(target_arch = "wasm32")]
        {
            self.handle = None;
        }
    }

    /// Adds an error to the log.
    pub(in crate::app) fn log_error(&mut self, at: Timestamp, message: String) {
        let url = self.state.url().unwrap_or_default().to_owned();
        let event = ConnectionEvent::Error { message };
        self.log.push_back(ConnectionLogEntry { at, url, event });
    }

    /// True when the source is the demo studio inside this program, not a server that was chosen later.
    pub fn is_demo(&self) -> bool {
        if !matches!(self.source, Some(SourceSpec::Demo)) {
            return false;
        }
        #[cfg(not(target_arch = "wasm32"))]
        if let (Some(demo), Some(url)) = (&self.demo, self.state.url()) {
            return place_in(url) == place_in(demo.url());
        }
        true
    }

    /// Returns the name of the source for people: a host, a file's name, "demo studio".
    pub fn source_name(&self) -> String {
        if self.is_demo() {
            return "demo studio".to_owned();
        }
        if let Some(SourceSpec::Recording(files)) = &self.source {
            return text::name(&files.name()).into_owned();
        }
        let told = match (self.state.url(), &self.source) {
            (Some(url), _) => place_in(url).to_owned(),
            (None, Some(SourceSpec::WebSocket(url) | SourceSpec::Api(url))) => {
                place_in(&url.to_string()).to_owned()
            }
            (None, _) => String::new(),
        };
        if told.is_empty() { "no source".to_owned() } else { text::name(&told).into_owned() }
    }

    /// Attaches a source that was started elsewhere.
    pub fn attach(&mut self, handle: SourceHandle, url: String) {
        self.handle = Some(handle);
        self.url = url;
    }

    /// Takes nothing more from the source; the state stays as it is.
    #[cfg(not(target_arch = "wasm32"))]
    pub(in crate::app) fn detach(&mut self) {
        self.handle = None;
    }

    /// Returns the controls of the demo studio while this link is connected to it, or is about to be.
    #[cfg(not(target_arch = "wasm32"))]
    pub(in crate::app) fn demo_controls(&self) -> Option<&DemoControls> {
        let demo = self.demo.as_ref().filter(|demo| demo.url() == self.url && self.is_demo());
        demo.map(DemoHandle::controls)
    }

    /// True when operations on runs are harmless: the runs are those of the demo studio.
    pub(in crate::app) fn is_harmless(&self) -> bool {
        #[cfg(not(target_arch = "wasm32"))]
        return self.demo_controls().is_some();
        #[cfg(target_arch = "wasm32")]
        return false;
    }

    /// Keeps the demo studio running for the lifetime of this link.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn keep_demo_running(&mut self, demo: DemoHandle) {
        let controls = demo.controls().clone();
        let api = LocalApi::new(demo.url(), move |path, body| {
            let controls = controls.clone();
            Box::pin(async move {
                let answer = controls.post(path, body).await?;
                Some((answer.status, answer.body))
            })
        });
        if let Some(handle) = &self.handle {
            handle.send(Command::UseLocalApi(api));
        }
        self.demo = Some(demo);
    }

    /// Connects to the address in the URL field, dropping any existing connection. Enables a connection
    /// that was disabled.
    pub fn connect(&mut self) {
        self.settings.enabled = true;
        if let Some(handle) = &self.handle {
            handle.connect(self.url.clone());
        }
    }

    /// Closes the connection; it stays closed until [`connect`](Self::connect) or [`reconnect`](Self::reconnect).
    pub fn disconnect(&mut self) {
        if let Some(handle) = &self.handle {
            handle.disconnect();
        }
    }

    /// Connects again to the current address, with the attempt counter reset. Enables a connection that
    /// was disabled.
    pub fn reconnect(&mut self) {
        self.settings.enabled = true;
        if let Some(handle) = &self.handle {
            handle.reconnect();
        }
    }

    /// Skips the pause that a recording is in; no effect on other sources.
    pub fn skip_pause(&mut self) {
        if let Some(handle) = &self.handle {
            handle.skip_pause();
        }
    }

    /// Checks that operations on runs are possible.
    ///
    /// The link decides from what it knows. The source decides in the same way for an operation that
    /// reaches it, and reports the same reasons.
    ///
    /// # Errors
    ///
    /// Returns the reason when they are not.
    pub fn acting(&self) -> Result<(), OperationRefusal> {
        match (&self.source, &self.state, &self.hub) {
            (None, ..) => Err(OperationRefusal::FedByApp),
            (Some(SourceSpec::Recording(_)), ..) => Err(OperationRefusal::Recording),
            (_, ConnectionState::Connected { .. }, _)
                if ApiUrl::is_meant(&self.url) || self.is_harmless() =>
            {
                Ok(())
            }
            (_, ConnectionState::Connected { .. }, Some(HubOffer { api: Some(_), actions })) => {
                if *actions {
                    Ok(())
                } else {
                    Err(OperationRefusal::HubForbids)
                }
            }
            (_, ConnectionState::Connected { .. }, _) => Err(OperationRefusal::OnlyEvents),
            _ => Err(OperationRefusal::NotConnected),
        }
    }

    /// Sends an operation to the source; its outcome arrives as [`OperationFinished`].
    pub fn operate(&self, operation: RunOperation) {
        if let Some(handle) = &self.handle {
            handle.send(Command::Operate(operation));
        }
    }

    /// Asks the hub for the summary of what became of runs, by a query such as `last=7d&zone=UTC`. The answer
    /// arrives as [`SummaryReceived`], once for each question. Returns false when there is no source.
    pub fn ask_summary(&self, query: impl Into<String>) -> bool {
        if let Some(handle) = &self.handle {
            handle.send(Command::AskSummary { query: query.into() });
        }
        self.handle.is_some()
    }

    /// Sends a question about the hub's past, or gives one up.
    pub(super) fn ask(&self, question: Command) {
        if let Some(handle) = &self.handle {
            handle.send(question);
        }
    }

    /// Tells the hub, where the source is one, which failures were marked as seen.
    pub(super) fn mark_seen(&self, runs: Vec<RunId>) {
        if let Some(handle) = self.handle.as_ref().filter(|_| !runs.is_empty()) {
            handle.send(Command::MarkSeen(runs));
        }
    }

    /// Fetches something again from a backend's REST. New facts arrive as [`EventReceived`]. Returns
    /// false when the source has no REST to fetch from: a stream of events, a hub, a recording.
    ///
    /// May be called as often as needed: the request joins the queue of the source's requests, which
    /// limits the load on the backend, and each target is fetched at most once per polling interval (the
    /// lists once per 10 s).
    ///
    /// [`EventReceived`]: super::run_store::EventReceived
    pub fn refetch(&self, target: RefetchTarget) -> bool {
        let handle = self.handle.as_ref().filter(|_| ApiUrl::is_meant(&self.url));
        if let Some(handle) = handle {
            handle.send(Command::Refetch(target));
        }
        handle.is_some()
    }

    /// Sends changed settings to the source.
    pub fn configure(&mut self, settings: ConnectionSettings) {
        if settings != self.settings {
            self.settings = settings;
            if let Some(handle) = &self.handle {
                handle.configure(self.settings.clone());
            }
        }
    }
}
