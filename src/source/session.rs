//! Life cycle of a connection over any transport: attempts, loss, retries, and commands at any time.
//! The network and the browser share it, so that states, messages and retries are the same.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::history::HistoryClientFor;
use super::run_operation::ApiClientFor;
use super::schedule::{Next, Schedule};
#[cfg(target_arch = "wasm32")]
use super::source_context::idle;
use super::source_context::{LoopAction, SourceContext, unless_commanded};
use super::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, Disconnect, OperationRefusal,
    SourceUrl, parse_source_url,
};
use crate::text;

/// Time after connecting during which frames count as replayed: a backend replays its stored events to
/// a new viewer.
pub const REPLAY_PERIOD: Duration = Duration::from_secs(2);

/// Addition to the reason after connections that ended right after they were opened.
const NONE_LASTS: &str = "Every connection ends right after it is opened: see the server's log";

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

    /// Returns a factory for the client that asks the server at `url` for its history, used if that server
    /// is a hub.
    fn ask_at(&self, url: &SourceUrl, settings: &ConnectionSettings) -> HistoryClientFor;

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
            let reason = error.to_string();
            context.enter(ConnectionState::Failed { url: shown, reason, is_probed: false });
            return LoopAction::Stay;
        }
    };
    context.operation_client = Err(OperationRefusal::OnlyEvents);
    context.to_hub = Some(opener.post_to(&url, &context.settings));
    context.past.client = Some(opener.ask_at(&url, &context.settings));
    let mut schedule = Schedule::default();
    // Number of connections in a row that ended right after they were opened.
    let mut short_lived: u32 = 0;
    let mut is_probing = false;
    context.enter(ConnectionState::Connecting { url: shown.clone() });
    loop {
        if !is_probing {
            context.log(ConnectionEvent::Connecting);
        }
        context.secrets = context.settings.access.secrets(&url);
        let address = context.stream.address(&url);
        let attempt = opener.connect(&address, context.settings.clone());
        let disconnect = match unless_commanded(commands, context, attempt).await {
            Err(action) if is_probing => return action,
            Err(action) => {
                context.log(ConnectionEvent::Disconnected {
                    code: None,
                    reason: close_reason(action),
                });
                return action;
            }
            Ok(Err(disconnect)) => {
                if !is_probing {
                    context.log_error(disconnect.to_string());
                }
                disconnect
            }
            Ok(Ok(mut connection)) => {
                context.stream.begin();
                // A connection that may end at once, as the last one did, is not shown as connected.
                context.begin_trial(is_probing || short_lived > 0);
                let end = connection.read(commands, context).await;
                context.post_seen = None;
                context.post_screen = None;
                context.past.disconnected();
                match end {
                    Ok(disconnect) => {
                        let is_success = context.end_trial(&disconnect);
                        is_probing &= !is_success;
                        if is_success {
                            schedule.reset();
                        }
                        short_lived = if is_success { 0 } else { short_lived.saturating_add(1) };
                        if !is_probing {
                            context.log(ConnectionEvent::Disconnected {
                                code: disconnect.code(),
                                reason: disconnect.to_string(),
                            });
                        }
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
        let reason = if short_lived > 1 {
            format!("{disconnect}. {NONE_LASTS}")
        } else {
            disconnect.to_string()
        };
        let (attempt, max_attempts, delay) = match next {
            Next::Retry { attempt, max_attempts, delay } => {
                // Its state is shown, so it is no quiet attempt.
                is_probing = false;
                (attempt, max_attempts, delay)
            }
            Next::Final => {
                if is_probing {
                    context.log_error(reason.clone());
                }
                context.enter(ConnectionState::Failed { url: shown, reason, is_probed: false });
                return LoopAction::Stay;
            }
            Next::GiveUp => {
                let interval = context.settings.probe_interval;
                let is_probed = !interval.is_zero();
                if !is_probing || !is_probed {
                    let attempts = context.settings.max_reconnect_attempts;
                    context.log_error(gave_up_words(attempts, &reason));
                    let url = shown.clone();
                    context.enter(ConnectionState::Failed { url, reason, is_probed });
                }
                if !is_probed {
                    return LoopAction::Stay;
                }
                is_probing = true;
                match unless_commanded(commands, context, opener.wait(interval)).await {
                    Ok(()) => continue,
                    Err(action) => return action,
                }
            }
        };
        let next_attempt_at = Some(later(context.now(), delay));
        let reconnecting = |next_attempt_at| ConnectionState::Reconnecting {
            url: shown.clone(),
            attempt,
            max_attempts,
            next_attempt_at,
            reason: reason.clone(),
        };
        context.enter(reconnecting(next_attempt_at));
        if let Err(action) = unless_commanded(commands, context, opener.wait(delay)).await {
            context.log(ConnectionEvent::Disconnected { code: None, reason: close_reason(action) });
            return action;
        }
        context.enter(reconnecting(None));
    }
}

/// Returns the message after the last attempt.
pub(super) fn gave_up_words(attempts: u32, reason: &str) -> String {
    let s = if attempts == 1 { "" } else { "s" };
    format!("Gave up after {attempts} attempt{s}. {}", text::sentence(reason))
}

fn close_reason(action: LoopAction) -> String {
    match action {
        LoopAction::Restart => "closed by this viewer, to reconnect".to_owned(),
        _ => "closed by this viewer".to_owned(),
    }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
