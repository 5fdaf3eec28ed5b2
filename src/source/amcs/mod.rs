//! A real AMCS backend, watched so that it takes no harm: REST says which runs there are and how they
//! stand, one question at a time, at a pace that the backend's own answer times set. By choice, and for
//! a few runs, a socket for each run tells what happens as it happens.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | `api` | what is asked, and below which path | when |
//! | `queries` | when what is asked again | what for |
//! | `pacing` | how long the backend is left alone between two questions | what they are |
//! | `discovery` | how runs are found that no list of active runs showed | I/O |
//! | `songs` | whose lists of runs may help with that | I/O |
//! | `watched` | one run: what is known of it, what that calls for | I/O |
//! | `line` | one run's socket | REST |
//! | `conductor` | brings them together | states, commands |
//! | here | states, commands, trying again | all of it |

mod api;
mod conductor;
mod discovery;
mod line;
mod pacing;
mod queries;
mod songs;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use self::conductor::{Conductor, Turnout};
use super::api_url::parse_api_url;
use super::connector::Connect;
use super::desk::{Desk, NOT_CONNECTED, Turn};
use super::schedule::{Next, Schedule};
use super::{Command, ConnectionEvent, ConnectionState, Ending};

/// How soon a backend that does not answer, but has sockets open, is asked again.
const PROBE_INTERVAL: Duration = Duration::from_secs(3);

/// From the first question until a command, or until asking again cannot help.
pub(super) async fn session<C: Connect + Send + Sync + 'static>(
    connector: &Arc<C>,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
) -> Turn {
    let shown = desk.shown_url();
    let prepared = parse_api_url(desk.url.as_deref().unwrap_or_default())
        .map_err(Ending::from)
        .and_then(|url| Ok((url, desk.settings.access.credentials()?)));
    let (url, credentials) = match prepared {
        Ok(prepared) => prepared,
        Err(ending) => {
            desk.log_error(ending.to_string());
            desk.enter(ConnectionState::Failed { url: shown, reason: ending.to_string() });
            return Turn::Stay;
        }
    };
    desk.secrets = desk.settings.access.secrets(url.place());
    desk.enter(ConnectionState::Connecting { url: shown.clone() });
    desk.log(ConnectionEvent::Connecting);
    let mut conductor = Conductor::new(connector.clone(), url, credentials, desk);
    desk.actor = Ok(conductor.actor());
    let mut telling = Telling { shown, schedule: Schedule::default(), silent: false };
    let turn = loop {
        match step(&mut conductor, commands, desk).await {
            Err(turn) => {
                desk.log(ConnectionEvent::Disconnected {
                    code: None,
                    reason: "closed by us".to_owned(),
                });
                if turn != Turn::Restart {
                    desk.enter(ConnectionState::Disconnected);
                }
                break turn;
            }
            Ok(turnout) => {
                if !telling.tell(turnout, &mut conductor, desk) {
                    break Turn::Stay;
                }
            }
        }
    };
    desk.actor = Err(NOT_CONNECTED);
    // A command that comes meanwhile waits for half a second at most.
    conductor.stop().await;
    turn
}

async fn step<C: Connect + Send + Sync + 'static>(
    conductor: &mut Conductor<C>,
    commands: &mut mpsc::Receiver<Command>,
    desk: &mut Desk,
) -> Result<Option<Turnout>, Turn> {
    tokio::select! {
        biased;
        command = commands.recv() => match desk.take(command) {
            Turn::Stay => Ok(None),
            turn => Err(turn),
        },
        turnout = conductor.step(desk) => Ok(turnout),
    }
}

/// What the application has been told of the connection.
struct Telling {
    shown: String,
    schedule: Schedule,
    /// It was said that the backend does not answer.
    silent: bool,
}

impl Telling {
    /// Tells what became of it. `false` when asking again cannot help.
    fn tell<C: Connect + Send + Sync + 'static>(
        &mut self,
        turnout: Option<Turnout>,
        conductor: &mut Conductor<C>,
        desk: &mut Desk,
    ) -> bool {
        match turnout {
            None => {}
            Some(Turnout::Reached) => {
                self.schedule.reset();
                self.silent = false;
                if !matches!(desk.state(), ConnectionState::Connected { .. }) {
                    let (since, url) = (desk.now(), self.shown.clone());
                    let (updates, _) = conductor.updates(desk);
                    desk.enter(ConnectionState::Connected { url, since, updates });
                }
                desk.log(ConnectionEvent::Connected);
            }
            Some(Turnout::Unreached(ending)) if conductor.has_line() => {
                conductor.wait_until(Instant::now() + PROBE_INTERVAL);
                if !std::mem::replace(&mut self.silent, true) {
                    desk.log_error(format!(
                        "the backend does not answer ({ending}): what is known stays, and it is \
                         asked again"
                    ));
                }
            }
            Some(Turnout::Unreached(ending)) => return self.retry(&ending, conductor, desk),
        }
        self.tell_updates(conductor, desk);
        if conductor.is_trying() {
            tell_trying(desk);
        }
        true
    }

    /// Nothing works. Says when it is tried again.
    fn retry<C: Connect + Send + Sync + 'static>(
        &mut self,
        ending: &Ending,
        conductor: &mut Conductor<C>,
        desk: &mut Desk,
    ) -> bool {
        let reason = ending.to_string();
        if matches!(desk.state(), ConnectionState::Connected { .. }) {
            let code = ending.code();
            desk.log(ConnectionEvent::Disconnected { code, reason: reason.clone() });
        } else {
            desk.log_error(reason.clone());
        }
        let next = self.schedule.after(ending, &desk.settings, &mut *desk.ambient.random);
        let Next::Retry { attempt, delay } = next else {
            desk.enter(ConnectionState::Failed { url: self.shown.clone(), reason });
            return false;
        };
        conductor.wait_until(Instant::now() + delay);
        let next_attempt_at = desk.now().checked_add(delay).ok();
        desk.enter(ConnectionState::Reconnecting {
            url: self.shown.clone(),
            attempt,
            max_attempts: desk.settings.max_reconnect_attempts,
            next_attempt_at,
            reason,
        });
        true
    }

    /// Says whether news come live, where that changed.
    fn tell_updates<C: Connect + Send + Sync + 'static>(
        &self,
        conductor: &Conductor<C>,
        desk: &mut Desk,
    ) {
        let (updates, trouble) = conductor.updates(desk);
        let why = trouble.map(|ending| format!(" ({ending})")).unwrap_or_default();
        desk.tell_updates(updates, &why);
    }
}

/// The attempt that was waited for is under way.
fn tell_trying(desk: &mut Desk) {
    let mut state = desk.state().clone();
    if let ConnectionState::Reconnecting { next_attempt_at, .. } = &mut state {
        *next_attempt_at = None;
        desk.enter(state);
    }
}
