//! What a source knows while it runs, whatever it does at the moment: settings, address, state,
//! and the way out to the application.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::act::{Actor, PostTo};
use super::outlet::Outlet;
use super::secrets::Secrets;
use super::stream::Stream;
use super::url::redact;
use super::{
    Act, Acted, Command, ConnectionEvent, ConnectionLogEntry, ConnectionSettings, ConnectionState,
    Polling, PollingReason, Signal, Updates,
};
use crate::protocol::Batch;
use crate::protocol::hub::Hello;

/// The wall clock.
pub type Clock = Box<dyn FnMut() -> Timestamp + Send>;

/// What a source asks of its surroundings.
pub struct Ambient {
    pub clock: Clock,
    /// Numbers in `0.0..1.0`.
    pub random: Box<dyn FnMut() -> f64 + Send>,
}

impl Ambient {
    /// This machine's clock and a random seed.
    pub fn of_this_machine() -> Self {
        let mut rng = fastrand::Rng::new();
        Self { clock: Box::new(Timestamp::now), random: Box::new(move || rng.f64()) }
    }
}

/// What a command asks of a source that is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Go on.
    Stay,
    /// Begin anew with [`Desk::url`].
    Restart,
    /// Close and stay closed.
    Stop,
    /// Nobody commands any more.
    Quit,
}

pub(super) struct Desk {
    pub settings: ConnectionSettings,
    /// As it was given: with its secrets.
    pub url: Option<String>,
    pub outlet: Outlet,
    pub ambient: Ambient,
    /// Of the connection: what is taken out of all that comes over it.
    pub secrets: Secrets,
    /// The way for acts; else why there is none.
    pub actor: Result<Actor, &'static str>,
    /// Makes the way for acts to a hub that says where its API is.
    pub to_hub: Option<PostTo>,
    /// Of [`url`](Self::url): what its connections so far have brought.
    pub stream: Stream,
    state: ConnectionState,
    /// A recording's: it cannot be connected to anything else.
    fixed_address: Option<String>,
}

impl Desk {
    pub fn new(
        url: Option<String>,
        settings: ConnectionSettings,
        outlet: Outlet,
        ambient: Ambient,
    ) -> Self {
        Self {
            settings,
            url,
            outlet,
            ambient,
            secrets: Secrets::default(),
            actor: Err(NOT_CONNECTED),
            to_hub: None,
            stream: Stream::default(),
            state: ConnectionState::Disconnected,
            fixed_address: None,
        }
    }

    /// Shows `address` for good and refuses [`Command::Connect`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fix_address(&mut self, address: String) {
        self.fixed_address = Some(address);
    }

    fn has_address(&self) -> bool {
        self.url.is_some() || self.fixed_address.is_some()
    }

    pub fn now(&mut self) -> Timestamp {
        (self.ambient.clock)()
    }

    /// The address for people.
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

    /// Tells the new state, unless it is the old one.
    pub fn enter(&mut self, mut state: ConnectionState) {
        if let Some(reason) = state.reason_mut() {
            self.hide(reason);
        }
        if self.state != state {
            self.state = state.clone();
            self.outlet.push(Signal::State(state));
        }
    }

    /// Servers repeat in their words what they were sent.
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
        self.outlet.push(Signal::Log(entry));
    }

    pub fn log_error(&mut self, message: impl Into<String>) {
        self.log(ConnectionEvent::Error { message: message.into() });
    }

    pub fn deliver(&mut self, mut batch: Batch) {
        if !self.secrets.is_empty() {
            batch.hide(|text| self.secrets.hide_in_data(text));
        }
        self.outlet.push(Signal::Batch(batch));
    }

    /// Delivers what a stream of events brought, and heeds what a hub says of itself in it.
    pub fn hear(&mut self, batch: Batch) {
        let hello = self.stream.note(&batch);
        self.deliver(batch);
        if let Some(Hello { api, actions, .. }) = hello {
            let post = api.as_deref().zip(self.to_hub.as_ref()).and_then(|(api, to)| to(api));
            self.actor = match post {
                Some(post) if actions => Ok(Actor { post, look: None, touched: None }),
                Some(_) => Err(HUB_FORBIDS),
                None => Err(ONLY_EVENTS),
            };
            self.outlet.push(Signal::Hub { api: api.map(String::from), actions });
        }
        self.tell_updates(self.stream.updates().clone(), "");
    }

    /// Tells how news come, where that changed while connected. `why` there are no live ones goes into
    /// the log.
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
            // A pace that changes, and sockets that come and go, are no news.
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

    /// Takes a command in; `None` stands for the last handle being dropped.
    pub fn take(&mut self, command: Option<Command>) -> Turn {
        match command {
            None => Turn::Quit,
            Some(Command::Connect { .. }) if self.fixed_address.is_some() => {
                self.log_error("a recording is played: it cannot be connected to something else");
                Turn::Stay
            }
            Some(Command::Connect { url }) => {
                if self.url.as_deref() != Some(url.as_str()) {
                    self.stream = Stream::default();
                }
                self.url = Some(url.as_str().to_owned());
                self.restart_if_enabled()
            }
            Some(Command::Reconnect) if !self.has_address() => {
                self.log_error("nothing to connect to: no URL was given");
                Turn::Stay
            }
            Some(Command::Reconnect) => self.restart_if_enabled(),
            Some(Command::Disconnect) => Turn::Stop,
            Some(Command::Act(act)) => {
                self.act(act);
                Turn::Stay
            }
            // Whoever plays a recording takes it in first.
            Some(Command::SkipPause) => Turn::Stay,
            Some(Command::Watch(run)) => {
                if let Ok(actor) = &self.actor {
                    actor.touch(&run);
                }
                Turn::Stay
            }
            Some(Command::Configure(settings)) => {
                let was_enabled = std::mem::replace(&mut self.settings, settings).enabled;
                match (was_enabled, self.settings.enabled) {
                    (true, false) => Turn::Stop,
                    (false, true) if self.has_address() => Turn::Restart,
                    _ => Turn::Stay,
                }
            }
        }
    }

    /// Has it done, whatever else goes on; the application is told what became of it.
    fn act(&mut self, act: Act) {
        let actor = match &self.actor {
            Ok(actor) => actor.clone(),
            Err(reason) => {
                let result = Err((*reason).to_owned());
                self.outlet.push(Signal::Acted(Acted { act, result }));
                return;
            }
        };
        let (calls, random) = (self.settings.api.calls, (self.ambient.random)());
        let mut outlet = self.outlet.another();
        spawn(async move {
            outlet.push(Signal::Acted(actor.carry_out(calls, act, random).await));
            outlet.room().await;
        });
    }

    fn restart_if_enabled(&mut self) -> Turn {
        if self.settings.enabled {
            return Turn::Restart;
        }
        self.log_error("not connected: the connection is switched off. Switch it on first");
        Turn::Stop
    }
}

/// Why nothing can be done to the runs of a stream that says nothing of an API.
pub(super) const ONLY_EVENTS: &str =
    "This stream of events cannot be acted on: connect to a backend (http://…) or to a hub";
/// Why nothing can be done through a hub.
const HUB_FORBIDS: &str = "This hub lets nobody act on runs";

/// Why nothing can be done before there is a connection.
pub(super) const NOT_CONNECTED: &str = "There is no connection to a backend";

#[cfg(not(target_arch = "wasm32"))]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

#[cfg(target_arch = "wasm32")]
fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

/// What a source does between two turns of work: stops if it has to, then waits until a command
/// wants something. A failure stays in sight when it is stopped.
pub(super) async fn rest(
    turn: Turn,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
) -> Turn {
    if turn == Turn::Stop && !matches!(desk.state(), ConnectionState::Failed { .. }) {
        desk.enter(ConnectionState::Disconnected);
    }
    match unless_commanded(commands, desk, std::future::pending()).await {
        Ok(never) => never,
        Err(turn) => turn,
    }
}

/// Waits until the application has room for more. `Err` when a command asks for something else.
pub(super) async fn room(
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
) -> Result<(), Turn> {
    while !desk.outlet.has_room() {
        tokio::select! {
            biased;
            command = commands.recv() => match desk.take(command) {
                Turn::Stay => {}
                turn => return Err(turn),
            },
            () = desk.outlet.room() => {}
        }
    }
    Ok(())
}

/// Waits for `future` while commands are taken in and waiting signals are sent. `Err` when a
/// command asks for something else; the future is then dropped.
pub(super) async fn unless_commanded<T>(
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
    future: impl Future<Output = T>,
) -> Result<T, Turn> {
    let mut future = pin!(future);
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match desk.take(command) {
                Turn::Stay => {}
                turn => return Err(turn),
            },
            value = &mut future => return Ok(value),
            () = desk.outlet.room(), if !desk.outlet.has_room() => {}
        }
    }
}
