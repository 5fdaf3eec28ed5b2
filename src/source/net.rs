//! A source over a network, whatever stands at the other end: a stream of events (`ws://`,
//! `wss://`), or a backend with its REST (`http://`, `https://`). The address says which, and a
//! command may change it.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::connector::Connect;
use super::desk::{Ambient, Desk, Turn, rest};
use super::outlet::Outlet;
use super::{ApiUrl, Command, ConnectionSettings, amcs, session, websocket};

/// Runs until the sender of `commands` is dropped. Connects at once where there is a URL.
///
/// Nothing is ever sent over a WebSocket but pings, pongs and close frames: one data frame silences
/// the backend for good (protocol, section 3).
pub async fn run<C: Connect + Send + Sync + 'static>(
    connector: C,
    url: Option<String>,
    settings: ConnectionSettings,
    mut commands: mpsc::Receiver<Command>,
    outlet: Outlet,
    ambient: Ambient,
) {
    let connector = Arc::new(connector);
    let mut network = websocket::Network::new(connector.clone());
    let mut desk = Desk::new(url, settings, outlet, ambient);
    let mut turn =
        if desk.url.is_some() && desk.settings.enabled { Turn::Restart } else { Turn::Stay };
    loop {
        turn = match turn {
            Turn::Restart if desk.url.as_deref().is_some_and(ApiUrl::is_meant) => {
                amcs::session(&connector, &mut commands, &mut desk).await
            }
            Turn::Restart => session::session(&mut network, &mut commands, &mut desk).await,
            Turn::Stop | Turn::Stay => rest(turn, &mut commands, &mut desk).await,
            Turn::Quit => {
                // Sockets whose closing would make the backend fail their runs.
                let api = &desk.settings.api;
                api.budget.held().drained(api.drain).await;
                return;
            }
        };
    }
}
