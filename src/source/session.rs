//! The life of a connection, whatever carries it: attempts, losing, trying again; commands at any
//! time. The network and the browser share it, so that states, words and retries are the same.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::run_operation::ApiClientFor;
use super::schedule::{Next, Schedule};
#[cfg(target_arch = "wasm32")]
use super::source_context::rest;
use super::source_context::{LoopAction, SourceContext, unless_commanded};
use super::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, Disconnect, OperationRefusal,
    SourceUrl, parse_source_url,
};

/// A backend replays what it has stored when a viewer connects: frames this early are not live.
pub const REPLAY_PERIOD: Duration = Duration::from_secs(2);

/// Bounds of a batch: frames, and their bytes (the frame that crosses the bound is still in).
pub const MOST_FRAMES_IN_A_BATCH: u64 = 256;
pub(super) const MOST_BYTES_IN_A_BATCH: usize = 256 << 10;

/// What can open a connection.
pub(super) trait OpenConnection {
    type Connection: Connection;

    /// One attempt. Dropped where a command cuts it short.
    fn connect(
        &mut self,
        url: &SourceUrl,
        settings: ConnectionSettings,
    ) -> impl Future<Output = Result<Self::Connection, Disconnect>>;

    /// The way for acts to the server of `url`, should it be a hub.
    fn post_to(&self, url: &SourceUrl, settings: &ConnectionSettings) -> ApiClientFor;

    /// Waits for the next attempt: `delay`, or longer where there is no sense in trying.
    fn wait(&mut self, delay: Duration) -> impl Future<Output = ()>;
}

/// An open connection.
pub(super) trait Connection {
    /// Delivers what arrives until the connection ends, or a command asks for something else.
    fn read(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
    ) -> impl Future<Output = Result<Disconnect, LoopAction>>;

    /// Closes because of a command. Another command cuts the wait for the server's answer short;
    /// what is then to be done is returned.
    fn close(
        self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
        action: LoopAction,
    ) -> impl Future<Output = LoopAction>;
}

/// Runs until the sender of `commands` is dropped. Connects at once where the desk has a URL.
#[cfg(target_arch = "wasm32")]
pub(super) async fn run<D: OpenConnection>(
    mut opener: D,
    mut commands: mpsc::Receiver<Command>,
    mut context: SourceContext,
) {
    let mut action = if context.url.is_some() && context.settings.enabled {
        LoopAction::Restart
    } else {
        LoopAction::Stay
    };
    loop {
        action = match action {
            LoopAction::Restart => session(&mut opener, &mut commands, &mut context).await,
            LoopAction::Stop | LoopAction::Stay => rest(action, &mut commands, &mut context).await,
            LoopAction::Quit => return,
        };
    }
}

/// From the first attempt until a command, or until trying again cannot help.
pub(super) async fn session<D: OpenConnection>(
    opener: &mut D,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> LoopAction {
    let shown = context.shown_url();
    let url = match parse_source_url(context.url.as_deref().unwrap_or_default()) {
        Ok(url) => url,
        Err(error) => {
            context.log_error(error.to_string());
            context.enter(ConnectionState::Failed { url: shown, reason: error.to_string() });
            return LoopAction::Stay;
        }
    };
    context.operation_client = Err(OperationRefusal::OnlyEvents);
    context.to_hub = Some(opener.post_to(&url, &context.settings));
    let mut schedule = Schedule::default();
    context.enter(ConnectionState::Connecting { url: shown.clone() });
    loop {
        context.log(ConnectionEvent::Connecting);
        context.secrets = context.settings.access.secrets(&url);
        let address = context.stream.address(&url);
        let attempt = opener.connect(&address, context.settings.clone());
        let disconnect = match unless_commanded(commands, context, attempt).await {
            Err(action) => {
                context.log(ConnectionEvent::Disconnected { code: None, reason: stopped(action) });
                return action;
            }
            Ok(Err(disconnect)) => {
                context.log_error(disconnect.to_string());
                disconnect
            }
            Ok(Ok(mut connection)) => {
                schedule.reset();
                context.stream.begin();
                // A hub whose backend was gone is not taken for live until it says so.
                let (since, updates) = (context.now(), context.stream.updates().clone());
                context.enter(ConnectionState::Connected { url: shown.clone(), since, updates });
                context.log(ConnectionEvent::Connected);
                match connection.read(commands, context).await {
                    Ok(disconnect) => {
                        context.log(ConnectionEvent::Disconnected {
                            code: disconnect.code(),
                            reason: disconnect.to_string(),
                        });
                        disconnect
                    }
                    Err(action) => {
                        let reason = stopped(action);
                        context.log(ConnectionEvent::Disconnected { code: Some(1000), reason });
                        if action != LoopAction::Restart {
                            context.enter(ConnectionState::Disconnected);
                        }
                        return connection.close(commands, context, action).await;
                    }
                }
            }
        };
        let next = schedule.after(&disconnect, &context.settings, &mut *context.environment.random);
        let Next::Retry { attempt, delay } = next else {
            if next == Next::GiveUp {
                let attempts = context.settings.max_reconnect_attempts;
                context.log_error(format!("given up after {attempts} attempts: {disconnect}"));
            }
            context.enter(ConnectionState::Failed { url: shown, reason: disconnect.to_string() });
            return LoopAction::Stay;
        };
        let next_attempt_at = Some(later(context.now(), delay));
        let reconnecting = |next_attempt_at, max_attempts| ConnectionState::Reconnecting {
            url: shown.clone(),
            attempt,
            max_attempts,
            next_attempt_at,
            reason: disconnect.to_string(),
        };
        context.enter(reconnecting(next_attempt_at, context.settings.max_reconnect_attempts));
        if let Err(action) = unless_commanded(commands, context, opener.wait(delay)).await {
            context.log(ConnectionEvent::Disconnected { code: None, reason: stopped(action) });
            return action;
        }
        context.enter(reconnecting(None, context.settings.max_reconnect_attempts));
    }
}

fn stopped(action: LoopAction) -> String {
    match action {
        LoopAction::Restart => "closed by us, to connect anew".to_owned(),
        _ => "closed by us".to_owned(),
    }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
