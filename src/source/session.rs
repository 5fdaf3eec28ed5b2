//! The life of a connection, whatever carries it: attempts, losing, trying again; commands at any
//! time. The network and the browser share it, so that states, words and retries are the same.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::act::PostTo;
#[cfg(target_arch = "wasm32")]
use super::desk::rest;
use super::desk::{Desk, ONLY_EVENTS, Turn, unless_commanded};
use super::schedule::{Next, Schedule};
use super::{
    Command, ConnectionEvent, ConnectionSettings, ConnectionState, Ending, SourceUrl,
    parse_source_url,
};

/// A backend replays what it has stored when a viewer connects: frames this early are not live.
pub const REPLAY_PERIOD: Duration = Duration::from_secs(2);

/// Bounds of a batch: frames, and their bytes (the frame that crosses the bound is still in).
pub const MOST_FRAMES_IN_A_BATCH: u64 = 256;
pub(super) const MOST_BYTES_IN_A_BATCH: usize = 256 << 10;

/// What can open a connection.
pub(super) trait Dial {
    type Line: Line;

    /// One attempt. Dropped where a command cuts it short.
    fn dial(
        &mut self,
        url: &SourceUrl,
        settings: ConnectionSettings,
    ) -> impl Future<Output = Result<Self::Line, Ending>>;

    /// The way for acts to the server of `url`, should it be a hub.
    fn post_to(&self, url: &SourceUrl, settings: &ConnectionSettings) -> PostTo;

    /// Waits for the next attempt: `delay`, or longer where there is no sense in trying.
    fn wait(&mut self, delay: Duration) -> impl Future<Output = ()>;
}

/// An open connection.
pub(super) trait Line {
    /// Delivers what arrives until the connection ends, or a command asks for something else.
    fn read(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        desk: &mut Desk,
    ) -> impl Future<Output = Result<Ending, Turn>>;

    /// Closes because of a command. Another command cuts the wait for the server's answer short;
    /// what is then to be done is returned.
    fn hang_up(
        self,
        commands: &mut mpsc::Receiver<Command>,
        desk: &mut Desk,
        turn: Turn,
    ) -> impl Future<Output = Turn>;
}

/// Runs until the sender of `commands` is dropped. Connects at once where the desk has a URL.
#[cfg(target_arch = "wasm32")]
pub(super) async fn run<D: Dial>(
    mut dial: D,
    mut commands: mpsc::Receiver<Command>,
    mut desk: Desk,
) {
    let mut turn =
        if desk.url.is_some() && desk.settings.enabled { Turn::Restart } else { Turn::Stay };
    loop {
        turn = match turn {
            Turn::Restart => session(&mut dial, &mut commands, &mut desk).await,
            Turn::Stop | Turn::Stay => rest(turn, &mut commands, &mut desk).await,
            Turn::Quit => return,
        };
    }
}

/// From the first attempt until a command, or until trying again cannot help.
pub(super) async fn session<D: Dial>(
    dial: &mut D,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
) -> Turn {
    let shown = desk.shown_url();
    let url = match parse_source_url(desk.url.as_deref().unwrap_or_default()) {
        Ok(url) => url,
        Err(error) => {
            desk.log_error(error.to_string());
            desk.enter(ConnectionState::Failed { url: shown, reason: error.to_string() });
            return Turn::Stay;
        }
    };
    desk.actor = Err(ONLY_EVENTS);
    desk.to_hub = Some(dial.post_to(&url, &desk.settings));
    let mut schedule = Schedule::default();
    desk.enter(ConnectionState::Connecting { url: shown.clone() });
    loop {
        desk.log(ConnectionEvent::Connecting);
        let address = desk.stream.address(&url);
        let attempt = dial.dial(&address, desk.settings.clone());
        let ending = match unless_commanded(commands, desk, attempt).await {
            Err(turn) => {
                desk.log(ConnectionEvent::Disconnected { code: None, reason: stopped(turn) });
                return turn;
            }
            Ok(Err(ending)) => {
                desk.log_error(ending.to_string());
                ending
            }
            Ok(Ok(mut line)) => {
                schedule.reset();
                desk.stream.begin();
                // A hub whose backend was gone is not taken for live until it says so.
                let (since, updates) = (desk.now(), desk.stream.updates().clone());
                desk.enter(ConnectionState::Connected { url: shown.clone(), since, updates });
                desk.log(ConnectionEvent::Connected);
                match line.read(commands, desk).await {
                    Ok(ending) => {
                        desk.log(ConnectionEvent::Disconnected {
                            code: ending.code(),
                            reason: ending.to_string(),
                        });
                        ending
                    }
                    Err(turn) => {
                        let reason = stopped(turn);
                        desk.log(ConnectionEvent::Disconnected { code: Some(1000), reason });
                        if turn != Turn::Restart {
                            desk.enter(ConnectionState::Disconnected);
                        }
                        return line.hang_up(commands, desk, turn).await;
                    }
                }
            }
        };
        let next = schedule.after(&ending, &desk.settings, &mut *desk.ambient.random);
        let Next::Retry { attempt, delay } = next else {
            if next == Next::GiveUp {
                let attempts = desk.settings.max_reconnect_attempts;
                desk.log_error(format!("given up after {attempts} attempts: {ending}"));
            }
            desk.enter(ConnectionState::Failed { url: shown, reason: ending.to_string() });
            return Turn::Stay;
        };
        let next_attempt_at = Some(later(desk.now(), delay));
        let reconnecting = |next_attempt_at, max_attempts| ConnectionState::Reconnecting {
            url: shown.clone(),
            attempt,
            max_attempts,
            next_attempt_at,
            reason: ending.to_string(),
        };
        desk.enter(reconnecting(next_attempt_at, desk.settings.max_reconnect_attempts));
        if let Err(turn) = unless_commanded(commands, desk, dial.wait(delay)).await {
            desk.log(ConnectionEvent::Disconnected { code: None, reason: stopped(turn) });
            return turn;
        }
        desk.enter(reconnecting(None, desk.settings.max_reconnect_attempts));
    }
}

fn stopped(turn: Turn) -> String {
    match turn {
        Turn::Restart => "closed by us, to connect anew".to_owned(),
        _ => "closed by us".to_owned(),
    }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
