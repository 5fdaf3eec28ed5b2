//! The connection to the source.

use std::collections::VecDeque;

use bevy::prelude::*;
use jiff::Timestamp;

use crate::config::Settings;
#[cfg(not(target_arch = "wasm32"))]
use crate::demo::DemoHandle;
use crate::source::{
    ApiUrl, Command, ConnectionLogEntry, ConnectionSettings, ConnectionState, OperationRefusal,
    RefetchTarget, RunOperation, SourceHandle, SourceSpec,
};

/// What a hub offers beside its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubOffer {
    /// The path on its origin below which it passes the backend's REST on; `None` where it does not.
    pub api: Option<String>,
    /// Whether it passes on what would change something there.
    pub actions: bool,
}

/// The connection to the source, as the panel shows it.
#[derive(Resource)]
pub struct Link {
    /// Where events come from; `None` when whoever embeds the plugins feeds [`RunStore`].
    pub source: Option<SourceSpec>,
    /// What stands in the URL field.
    pub url: String,
    /// The settings in use.
    pub settings: ConnectionSettings,
    /// Where the connection stands.
    pub state: ConnectionState,
    /// What the hub that answers offers; `None` where it is no hub, or has not said.
    pub hub: Option<HubOffer>,
    /// The last error, until a connection stands again.
    pub last_error: Option<(Timestamp, String)>,
    /// Oldest first.
    pub log: VecDeque<ConnectionLogEntry>,
    /// How many times as fast as it happened a recording is played.
    pub recording_rate: f64,
    /// Batches still waiting in the channel after the last frame's budget was spent.
    pub backlog: usize,
    pub(super) handle: Option<SourceHandle>,
    /// Keeps the demo studio alive.
    #[cfg(not(target_arch = "wasm32"))]
    demo: Option<DemoHandle>,
}

impl Link {
    pub(in crate::app) fn new(settings: &Settings, source: Option<SourceSpec>) -> Self {
        Self {
            source,
            url: String::new(),
            settings: settings.connection.clone(),
            state: ConnectionState::Disconnected,
            hub: None,
            last_error: None,
            log: VecDeque::new(),
            recording_rate: settings.view.speed,
            backlog: 0,
            handle: None,
            #[cfg(not(target_arch = "wasm32"))]
            demo: None,
        }
    }

    /// Whether this is a recording, whose time is not ours.
    pub fn is_recording(&self) -> bool {
        matches!(self.source, Some(SourceSpec::Recording(_)))
    }

    /// Takes a source that was started elsewhere.
    pub fn attach(&mut self, handle: SourceHandle, url: String) {
        self.handle = Some(handle);
        self.url = url;
    }

    /// Keeps the demo studio open for as long as the link is there.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn keep(&mut self, demo: DemoHandle) {
        self.demo = Some(demo);
    }

    /// Connects to what stands in the URL field, dropping whatever there was. Switches a connection on
    /// that was off.
    pub fn connect(&mut self) {
        self.settings.enabled = true;
        if let Some(handle) = &self.handle {
            handle.connect(self.url.clone());
        }
    }

    /// Closes the connection until [`connect`](Self::connect) or [`reconnect`](Self::reconnect).
    pub fn disconnect(&mut self) {
        if let Some(handle) = &self.handle {
            handle.disconnect();
        }
    }

    /// Connects anew to the address in use, with a fresh count of attempts.
    pub fn reconnect(&mut self) {
        self.settings.enabled = true;
        if let Some(handle) = &self.handle {
            handle.reconnect();
        }
    }

    /// Whether runs can be operated on.
    ///
    /// Decided from what the link knows: the source decides the same for an operation that reaches it, and
    /// both say it with the same words.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn acting(&self) -> Result<(), OperationRefusal> {
        match (&self.source, &self.state, &self.hub) {
            (None, ..) => Err(OperationRefusal::FedByApp),
            (Some(SourceSpec::Recording(_)), ..) => Err(OperationRefusal::Recording),
            (_, ConnectionState::Connected { .. }, _) if ApiUrl::is_meant(&self.url) => Ok(()),
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

    /// Has something done to a run; what became of it comes as [`OperationFinished`].
    pub fn operate(&self, operation: RunOperation) {
        if let Some(handle) = &self.handle {
            handle.send(Command::Operate(operation));
        }
    }

    /// Has something fetched again from a backend's REST. What came of it is an [`EventReceived`] where it is
    /// news. Returns false where there is nothing to fetch from: a stream of events, a hub, a recording.
    ///
    /// May be called as often as you like: the question joins the queue of the source's questions, which
    /// spares the backend, and a target is asked for at most once in a polling interval (the lists once
    /// in 10 s).
    ///
    /// [`EventReceived`]: super::run_store::EventReceived
    pub fn refetch(&self, target: RefetchTarget) -> bool {
        let handle = self.handle.as_ref().filter(|_| ApiUrl::is_meant(&self.url));
        if let Some(handle) = handle {
            handle.send(Command::Refetch(target));
        }
        handle.is_some()
    }

    /// Hands changed settings to the source.
    pub fn configure(&mut self, settings: ConnectionSettings) {
        if settings != self.settings {
            self.settings = settings;
            if let Some(handle) = &self.handle {
                handle.configure(self.settings.clone());
            }
        }
    }
}
