//! Shared state of a running source: settings, address, connection state, and the channel to the
//! application.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::history::PastQuestions;
#[cfg(not(target_arch = "wasm32"))]
use super::refetch::Refetches;
use super::run_operation::{ApiClientFor, ApiRequest, OperationClient, SendRequest};
use super::secrets::Secrets;
use super::signal_sender::SignalSender;
use super::stream::Stream;
use super::task::spawn;
use super::url::redact;
use super::{
    Command, ConnectionEvent, ConnectionLogEntry, ConnectionSettings, ConnectionState, Disconnect,
    OperationOutcome, OperationRefusal, Polling, PollingReason, RunOperation, Signal, Updates,
};
use crate::protocol::hub::Hello;
use crate::protocol::screen::ScreenReport;
use crate::protocol::{Batch, Item, RunId};

/// Maximum number of marks in one request to a hub.
const MARKS_PER_REQUEST: usize = 500;

/// The wall clock.
pub type Clock = Box<dyn FnMut() -> Timestamp + Send>;

/// Clock and random numbers that a source depends on.
pub struct Environment {
    pub clock: Clock,
    /// Returns numbers in `0.0..1.0`.
    pub random: Box<dyn FnMut() -> f64 + Send>,
}

impl Environment {
    /// Returns the system clock and a randomly seeded generator.
    pub fn system() -> Self {
        let mut rng = fastrand::Rng::new();
        Self { clock: Box::new(Timestamp::now), random: Box::new(move || rng.f64()) }
    }
}

/// Effect of a command on a busy source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoopAction {
    /// Continue.
    Stay,
    /// Start again with [`SourceContext::url`].
    Restart,
    /// Close and stay closed.
    Stop,
    /// End: the command channel is closed.
    Quit,
}

/// Time after which a connection counts as a success, even if it brings no event.
pub(super) const STANDS_AFTER: Duration = Duration::from_secs(5);

/// Judgement of an open connection: whether it is a success or ends right away.
#[derive(Clone, Copy, Debug)]
struct Trial {
    opened_at: Timestamp,
    /// True when the connected state is entered only after a success.
    is_deferred: bool,
    has_brought_event: bool,
    has_stood: bool,
}

pub(super) struct SourceContext {
    pub settings: ConnectionSettings,
    /// URL as given, with its secrets.
    pub url: Option<String>,
    pub signal_sender: SignalSender,
    pub environment: Environment,
    /// Secrets of the connection, removed from everything that arrives over it.
    pub secrets: Secrets,
    /// Sends run operations to the backend, or says why none can be sent.
    pub operation_client: Result<OperationClient, OperationRefusal>,
    /// API within this process, for the server at its address.
    #[cfg(not(target_arch = "wasm32"))]
    local_api: Option<super::LocalApi>,
    /// Creates the REST client for a hub that announces its API.
    pub to_hub: Option<ApiClientFor>,
    /// Posts failures that were marked as seen; `None` while no hub that keeps them is connected.
    pub post_seen: Option<SendRequest>,
    /// Posts reports about this screen; `None` while no hub that takes them is connected.
    pub post_screen: Option<SendRequest>,
    /// The last report about this screen.
    screen: Option<Box<ScreenReport>>,
    /// Questions about what the hub kept from before.
    pub past: PastQuestions,
    /// Position in the stream of [`url`](Self::url), over all connections to it.
    pub stream: Stream,
    /// Waiting refetches; `None` while no backend is connected.
    #[cfg(not(target_arch = "wasm32"))]
    pub refetches: Option<Refetches>,
    /// Time that the last ping or request took to be answered; `None` while none was.
    pub answered_in: Option<Duration>,
    /// Bytes of the answers that came since the last batch.
    pub answer_bytes: u64,
    state: ConnectionState,
    /// Judgement of the open connection.
    trial: Option<Trial>,
    /// Address of a recording, which cannot be connected to anything else.
    fixed_address: Option<String>,
}

impl SourceContext {
    pub fn new(
        url: Option<String>,
        settings: ConnectionSettings,
        signal_sender: SignalSender,
        environment: Environment,
    ) -> Self {
        Self {
            settings,
            url,
            signal_sender,
            environment,
            secrets: Secrets::default(),
            operation_client: Err(OperationRefusal::NotConnected),
            #[cfg(not(target_arch = "wasm32"))]
            local_api: None,
            to_hub: None,
            post_seen: None,
            post_screen: None,
            screen: None,
            past: PastQuestions::default(),
            stream: Stream::default(),
            #[cfg(not(target_arch = "wasm32"))]
            refetches: None,
            answered_in: None,
            answer_bytes: 0,
            state: ConnectionState::Disconnected,
            trial: None,
            fixed_address: None,
        }
    }

    /// Shows `address` permanently and refuses [`Command::Connect`].
    pub fn fix_address(&mut self, address: String) {
        self.fixed_address = Some(address);
    }

    fn has_address(&self) -> bool {
        self.url.is_some() || self.fixed_address.is_some()
    }

    pub fn now(&mut self) -> Timestamp {
        (self.environment.clock)()
    }

    /// Returns the address for display, without secrets.
    pub fn shown_url(&self) -> String {
        match (&self.fixed_address, &self.url) {
            (Some(address), _) => address.clone(),
            (None, Some(url)) => redact(url),
            (None, None) => String::new(),
        }
    }

    pub fn state(&self) -> &ConnectionState {
        &self.state
    }

    /// Enters a state and reports it, unless it is the current one.
    pub fn enter(&mut self, mut state: ConnectionState) {
        if let Some(reason) = state.reason_mut() {
            self.hide(reason);
        }
        if !matches!(state, ConnectionState::Connected { .. }) {
            self.answered_in = None;
        }
        if self.state != state {
            self.state = state.clone();
            self.signal_sender.push(Signal::State(state));
        }
    }

    /// Begins to judge a connection that was just opened. Enters the connected state at once, or, where
    /// `is_deferred`, after the connection has brought an event or stood for [`STANDS_AFTER`].
    pub fn begin_trial(&mut self, is_deferred: bool) {
        let opened_at = self.now();
        self.trial =
            Some(Trial { opened_at, is_deferred, has_brought_event: false, has_stood: false });
        if !is_deferred {
            self.enter_connected(opened_at);
        }
    }

    /// Ends the judgement of the connection. Returns true when it was a success.
    pub fn end_trial(&mut self, disconnect: &Disconnect) -> bool {
        let now = self.now();
        self.trial.take().is_some_and(|trial| {
            let stood = trial.has_stood
                || now.duration_since(trial.opened_at).unsigned_abs() >= STANDS_AFTER;
            stood || trial.has_brought_event && !disconnect.is_of_content()
        })
    }

    /// True until the open connection has stood for [`STANDS_AFTER`].
    pub fn is_on_trial(&self) -> bool {
        self.trial.is_some_and(|trial| !trial.has_stood)
    }

    /// Notes that the connection has stood for [`STANDS_AFTER`].
    pub fn note_stands(&mut self) {
        self.pass_trial(|trial| trial.has_stood = true);
    }

    fn pass_trial(&mut self, note: impl FnOnce(&mut Trial)) {
        let Some(trial) = &mut self.trial else { return };
        note(trial);
        if std::mem::take(&mut trial.is_deferred) {
            let opened_at = trial.opened_at;
            self.enter_connected(opened_at);
        }
    }

    fn enter_connected(&mut self, since: Timestamp) {
        // A hub that had lost its backend does not count as live until it says so.
        let (url, updates) = (self.shown_url(), self.stream.updates().clone());
        self.enter(ConnectionState::Connected { url, since, updates });
        self.log(ConnectionEvent::Connected);
    }

    /// Removes secrets from a server's words, which may repeat what was sent.
    fn hide(&self, words: &mut String) {
        if let Cow::Owned(hidden) = self.secrets.hide(words) {
            *words = hidden;
        }
    }

    pub fn log(&mut self, mut event: ConnectionEvent) {
        match &mut event {
            ConnectionEvent::Disconnected { reason: words, .. }
            | ConnectionEvent::Error { message: words }
            | ConnectionEvent::Note { message: words } => self.hide(words),
            ConnectionEvent::Connecting | ConnectionEvent::Connected => {}
        }
        let entry = ConnectionLogEntry { at: self.now(), url: self.shown_url(), event };
        if let Some(recorder) = &self.settings.recorder {
            recorder.log(entry.change());
        }
        self.signal_sender.push(Signal::Log(entry));
    }

    /// Returns an empty batch, which keeps its frames where they are recorded.
    pub fn new_batch(&mut self, live: bool) -> Batch {
        let mut batch = Batch::new(self.now(), live);
        batch.answered_in = self.answered_in;
        batch.bytes = std::mem::take(&mut self.answer_bytes);
        if self.settings.recorder.is_some() {
            batch.keep_frames();
        }
        batch
    }

    /// Records the frames that a batch has kept, without secrets, and reports that recording failed.
    fn record(&mut self, batch: &mut Batch) {
        let tape = batch.take_tape();
        let Some(recorder) = &self.settings.recorder else { return };
        if let Some(tape) = tape.filter(|tape| !tape.is_empty()) {
            let (at, live) = (batch.received_at, batch.live);
            recorder
                .record(&self.shown_url(), at, live, &tape, |text| self.secrets.hide_in_data(text));
        }
        if let Some(reason) = recorder.take_failure() {
            self.log_error(format!("recording has ended: {reason}"));
        }
    }

    pub fn log_error(&mut self, message: impl Into<String>) {
        self.log(ConnectionEvent::Error { message: message.into() });
    }

    pub fn deliver(&mut self, mut batch: Batch) {
        self.record(&mut batch);
        if !self.secrets.is_empty() {
            batch.hide(|text| self.secrets.hide_in_data(text));
        }
        self.signal_sender.push(Signal::Batch(batch));
    }

    /// Delivers a batch of an event stream, and handles a hub's hello in it.
    pub fn deliver_stream_batch(&mut self, batch: Batch) {
        let hello = self.stream.note(&batch);
        let brings_event =
            batch.items.iter().any(|item| matches!(item, Item::Event(_) | Item::Run(_)));
        self.deliver(batch);
        if brings_event {
            self.pass_trial(|trial| trial.has_brought_event = true);
        }
        if let Some(Hello { at, api, actions, seen, screens, history }) = hello {
            let to_hub = self.to_hub.as_ref();
            let post_to = |path: Option<&str>| path.zip(to_hub).and_then(|(path, to)| to(path));
            let post = post_to(api.as_deref());
            self.post_seen = post_to(seen.as_deref());
            self.post_screen = post_to(screens.as_deref());
            self.operation_client = match post {
                Some(post) if actions => Ok(OperationClient { post, look: None, touched: None }),
                Some(_) => Err(OperationRefusal::HubForbids),
                None => Err(OperationRefusal::OnlyEvents),
            };
            let seen = self.post_seen.is_some();
            let history = self.past.offered(at.stream, history);
            let api = api.map(String::from);
            self.signal_sender.push(Signal::Hub { api, actions, seen, history });
            self.report_screen();
        }
        self.tell_updates(self.stream.updates().clone(), "");
    }

    /// Reports a change in how updates arrive, while connected. `why` goes into the log where live
    /// updates are not available.
    pub fn tell_updates(&mut self, updates: Updates, why: &str) {
        let ConnectionState::Connected { url, since, updates: before } = &self.state else {
            return;
        };
        if *before == updates {
            return;
        }
        let (url, since) = (url.clone(), *since);
        let is_normal = |updates: &Updates| match updates {
            Updates::Live => true,
            Updates::Polling(polling) => polling.reason == PollingReason::Safety,
            Updates::Unanswered { .. } | Updates::Cut { .. } => false,
        };
        match &updates {
            // Changes of pace, and sockets that open and close, are not logged.
            updates if is_normal(updates) && is_normal(before) => {}
            Updates::Polling(Polling { reason: PollingReason::NoSockets, .. }) => {
                self.log_error(format!("{}{why}", Updates::POLLING_WORDS));
            }
            Updates::Live | Updates::Polling(_) => self.log(ConnectionEvent::Connected),
            Updates::Unanswered { .. } => self.log_error(Updates::unanswered_words(None)),
            Updates::Cut { reason, .. } => self.log_error(Updates::cut_words(None, reason)),
        }
        self.enter(ConnectionState::Connected { url, since, updates });
    }

    /// Handles a command; `None` means that the last handle was dropped.
    pub fn handle_command(&mut self, command: Option<Command>) -> LoopAction {
        match command {
            None => LoopAction::Quit,
            Some(Command::Connect { .. }) if self.fixed_address.is_some() => {
                self.log_error("a recording is playing: it cannot be connected to another source");
                LoopAction::Stay
            }
            Some(Command::Connect { url }) => {
                if self.url.as_deref() != Some(url.as_str()) {
                    self.stream = Stream::default();
                }
                self.url = Some(url.as_str().to_owned());
                self.restart()
            }
            Some(Command::Reconnect) if !self.has_address() => {
                self.log_error("nothing to connect to: no URL was given");
                LoopAction::Stay
            }
            Some(Command::Reconnect) => self.restart(),
            Some(Command::Disconnect) => LoopAction::Stop,
            Some(Command::Operate(operation)) => {
                self.operate(operation);
                LoopAction::Stay
            }
            #[cfg(not(target_arch = "wasm32"))]
            Some(Command::UseLocalApi(api)) => {
                self.local_api = Some(api);
                LoopAction::Stay
            }
            Some(Command::MarkSeen(runs)) => {
                self.mark_seen(runs);
                LoopAction::Stay
            }
            Some(Command::ReportScreen(report)) => {
                self.screen = Some(report);
                self.report_screen();
                LoopAction::Stay
            }
            Some(Command::AskHistory(question)) => {
                self.past.ask(question, self.signal_sender.another());
                LoopAction::Stay
            }
            Some(Command::CancelHistory) => {
                self.past.cancel();
                LoopAction::Stay
            }
            Some(Command::AskSummary { query }) => {
                self.past.ask_summary(query, self.signal_sender.another());
                LoopAction::Stay
            }
            // Playback handles this command itself; other sources ignore it.
            Some(Command::SkipPause) => LoopAction::Stay,
            #[cfg(not(target_arch = "wasm32"))]
            Some(Command::Refetch(target)) => {
                if let Some(refetches) = &mut self.refetches {
                    refetches.add(target);
                }
                LoopAction::Stay
            }
            // A page's source is a stream of events.
            #[cfg(target_arch = "wasm32")]
            Some(Command::Refetch(_)) => LoopAction::Stay,
            Some(Command::Watch(run)) => {
                if let Ok(operation_client) = &self.operation_client {
                    operation_client.touch(&run);
                }
                LoopAction::Stay
            }
            Some(Command::Configure(settings)) => {
                let was_enabled = std::mem::replace(&mut self.settings, *settings).enabled;
                match (was_enabled, self.settings.enabled) {
                    (true, false) => LoopAction::Stop,
                    (false, true) if self.has_address() => LoopAction::Restart,
                    _ => LoopAction::Stay,
                }
            }
        }
    }

    /// Starts a run operation as a task of its own; its outcome is sent as a signal.
    fn operate(&mut self, operation: RunOperation) {
        let operation_client = match self.current_operation_client() {
            Ok(operation_client) => operation_client,
            Err(reason) => {
                let result = Err(reason.to_string());
                self.signal_sender
                    .push(Signal::OperationFinished(OperationOutcome { operation, result }));
                return;
            }
        };
        let (calls, random) = (self.settings.api.calls, (self.environment.random)());
        let mut signal_sender = self.signal_sender.another();
        spawn(async move {
            signal_sender.push(Signal::OperationFinished(
                operation_client.carry_out(calls, operation, random).await,
            ));
            signal_sender.wait_for_capacity().await;
        });
    }

    /// Posts the last report about this screen to the hub, as a task of its own. A failure is not told:
    /// the next report says the same, and the hub shows which screens are silent.
    fn report_screen(&self) {
        let (Some(post), Some(report)) = (&self.post_screen, &self.screen) else { return };
        let sending = post(ApiRequest::of_screen(report));
        spawn(async move {
            let _ = sending.await;
        });
    }

    /// Posts marks to the hub, as a task of its own. The hub then sends them to every screen, this one
    /// included. A failure is logged once: the application keeps its marks and sends them again at the
    /// hub's next hello.
    fn mark_seen(&mut self, runs: Vec<RunId>) {
        // Without a connection, the application sends the marks again after the next hello.
        let Some(post) = self.post_seen.clone() else { return };
        let (at, url) = (self.now(), self.shown_url());
        let mut signal_sender = self.signal_sender.another();
        let secrets = self.secrets.clone();
        spawn(async move {
            for runs in runs.chunks(MARKS_PER_REQUEST) {
                let Err(error) = post(ApiRequest::of_marks(runs)).await else { continue };
                // The screen learns from the hub's frames what became of these runs.
                if error.is_outdated_mark() {
                    continue;
                }
                let message = format!(
                    "The hub did not store which failures were marked as seen: {}. This screen keeps the \
                     marks, and sends them again when it connects next",
                    error.words()
                );
                let message = secrets.hide(&message).into_owned();
                let event = ConnectionEvent::Note { message };
                signal_sender.push(Signal::Log(ConnectionLogEntry { at, url, event }));
                signal_sender.wait_for_capacity().await;
                return;
            }
        });
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn current_operation_client(&self) -> Result<OperationClient, OperationRefusal> {
        let local = self.local_api.as_ref().filter(|api| api.is_of(self.url.as_deref()));
        match local {
            Some(local) => Ok(local.operation_client()),
            None => self.operation_client.clone(),
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn current_operation_client(&self) -> Result<OperationClient, OperationRefusal> {
        self.operation_client.clone()
    }

    /// Connects on request. Enables a connection that was disabled.
    fn restart(&mut self) -> LoopAction {
        self.settings.enabled = true;
        LoopAction::Restart
    }
}

/// Idles between two sessions: after a stop enters the disconnected state, or keeps a failure without
/// quiet attempts, then waits until a command requires work.
pub(super) async fn idle(
    action: LoopAction,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> LoopAction {
    if action == LoopAction::Stop {
        context.enter(match context.state().clone() {
            ConnectionState::Failed { url, reason, .. } => {
                ConnectionState::Failed { url, reason, is_probed: false }
            }
            _ => ConnectionState::Disconnected,
        });
    }
    match unless_commanded(commands, context, std::future::pending()).await {
        Ok(never) => never,
        Err(action) => action,
    }
}

/// Waits until the application has room. `Err` when a command interrupts the wait.
pub(super) async fn wait_for_capacity(
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> Result<(), LoopAction> {
    while !context.signal_sender.has_room() {
        tokio::select! {
            biased;
            command = commands.recv() => match context.handle_command(command) {
                LoopAction::Stay => {}
                action => return Err(action),
            },
            () = context.signal_sender.wait_for_capacity() => {}
        }
    }
    Ok(())
}

/// Waits for `future` while handling commands and sending waiting signals. `Err` when a command
/// interrupts the wait; the future is then dropped.
pub(super) async fn unless_commanded<T>(
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
    future: impl Future<Output = T>,
) -> Result<T, LoopAction> {
    let mut future = pin!(future);
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match context.handle_command(command) {
                LoopAction::Stay => {}
                action => return Err(action),
            },
            value = &mut future => return Ok(value),
            () = context.signal_sender.wait_for_capacity(), if !context.signal_sender.has_room() => {}
        }
    }
}
