//! Life cycle of a connection over any transport: attempts, loss, retries, and commands at any time.
//! The network and the browser share it, so that states, messages and retries are the same.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::run_operation::ApiClientFor;
use super::schedule::{Next, Schedule};
#[cfg(target_arch = "wasm32")]
use super::source_context::idle;
use super::source_context::{LoopAction, SourceContext, unless_commanded};
use super::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, Disconnect, OperationRefusal,
    SourceUrl, parse_source_url,
};

/// Time after connecting during which frames count as replayed: a backend replays its stored events to
/// a new viewer.
pub const REPLAY_PERIOD: Duration = Duration::from_secs(2);

/// Most frames in a batch.
pub const MOST_FRAMES_IN_A_BATCH: u64 = 256;
pub(super) const MOST_BYTES_IN_A_BATCH: usize = 256 << 10;

/// Opens connections.
pub(super) trait OpenConnection {
    type Connection: Connection;

    /// Makes one attempt. The future is dropped when a command cancels the attempt.
    fn connect(
        &mut self,
        url: &SourceUrl,
        settings: ConnectionSettings,
    ) -> impl Future<Output = Result<Self::Connection, Disconnect>>;

    /// Returns a factory for the REST client of the server at `url`, used if that server is a hub.
    fn post_to(&self, url: &SourceUrl, settings: &ConnectionSettings) -> ApiClientFor;

    /// Waits `delay` before the next attempt, or longer while an attempt is pointless.
    fn wait(&mut self, delay: Duration) -> impl Future<Output = ()>;
}

/// An open connection.
pub(super) trait Connection {
    /// Delivers what arrives until the connection ends, or a command ends it.
    fn read(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
    ) -> impl Future<Output = Result<Disconnect, LoopAction>>;

    /// Closes the connection because of a command and returns the action to take next. A further
    /// command cuts the wait for the server's close frame short.
    fn close(
        self,
        commands: &mut mpsc::Receiver<Command>,
        context: &mut SourceContext,
        action: LoopAction,
    ) -> impl Future<Output = LoopAction>;
}

/// Runs until the sender of `commands` is dropped. Connects at once if the context has a URL.
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
            LoopAction::Restart => follow_stream(&mut opener, &mut commands, &mut context).await,
            LoopAction::Stop | LoopAction::Stay => idle(action, &mut commands, &mut context).await,
            LoopAction::Quit => return,
        };
    }
}

/// Runs from the first attempt until a command, or until a retry cannot help.
pub(super) async fn follow_stream<D: OpenConnection>(
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
                context.log(ConnectionEvent::Disconnected {
                    code: None,
                    reason: close_reason(action),
                });
                return action;
            }
            Ok(Err(disconnect)) => {
                context.log_error(disconnect.to_string());
                disconnect
            }
            Ok(Ok(mut connection)) => {
                schedule.reset();
                context.stream.begin();
                // A hub that had lost its backend does not count as live until it says so.
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
                        let reason = close_reason(action);
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
            context.log(ConnectionEvent::Disconnected { code: None, reason: close_reason(action) });
            return action;
        }
        context.enter(reconnecting(None, context.settings.max_reconnect_attempts));
    }
}

fn close_reason(action: LoopAction) -> String {
    match action {
        LoopAction::Restart => "closed by us, to reconnect".to_owned(),
        _ => "closed by us".to_owned(),
    }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
