//! Network source for either kind of server: a stream of events (`ws://`, `wss://`) or a backend with
//! REST (`http://`, `https://`). The address determines the kind; a command may change it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::connector::Connect;
use super::signal_sender::SignalSender;
use super::source_context::{Environment, LoopAction, SourceContext, idle};
use super::{ApiUrl, Command, ConnectionSettings, amcs, session, websocket};

/// Time that sockets have to close at the end of the program.
const PARTING: Duration = Duration::from_secs(1);

/// Runs until the sender of `commands` is dropped. Connects at once if there is a URL.
///
/// Only pings, pongs and close frames are ever sent over a WebSocket: one data frame silences the
/// backend for good (protocol, section 3).
pub async fn run<C: Connect + Send + Sync + 'static>(
    connector: C,
    url: Option<String>,
    settings: ConnectionSettings,
    mut commands: mpsc::Receiver<Command>,
    signal_sender: SignalSender,
    environment: Environment,
) {
    let connector = Arc::new(connector);
    let mut network = websocket::Network::new(connector.clone());
    let mut context = SourceContext::new(url, settings, signal_sender, environment);
    let mut action = if context.url.is_some() && context.settings.enabled {
        LoopAction::Restart
    } else {
        LoopAction::Stay
    };
    loop {
        action = match action {
            LoopAction::Restart if context.url.as_deref().is_some_and(ApiUrl::is_meant) => {
                amcs::follow_backend(&connector, &mut commands, &mut context).await
            }
            LoopAction::Restart => {
                session::follow_stream(&mut network, &mut commands, &mut context).await
            }
            LoopAction::Stop | LoopAction::Stay => idle(action, &mut commands, &mut context).await,
            LoopAction::Quit => {
                // Wait for sockets whose closing would make the backend fail their runs.
                let api = &context.settings.api;
                api.budget.held().drained(api.drain).await;
                api.budget.held().release();
                // The released sockets are closed with a close frame.
                let _ = timeout(PARTING, api.budget.held().emptied()).await;
                return;
            }
        };
    }
}
