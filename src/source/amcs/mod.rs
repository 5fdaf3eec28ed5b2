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
//! | `watched_run` | one run: what is known of it, what that calls for | I/O |
//! | `run_socket` | one run's socket | REST |
//! | `refetch` | what the application wants again, put into the queue of questions | I/O |
//! | `backend_watcher` | what is asked next, and which runs have a socket | states, commands |
//! | `answers` | what becomes of an answer | states, commands |
//! | here | states, commands, trying again | all of it |

mod answers;
mod api;
mod backend_watcher;
mod discovery;
mod pacing;
mod queries;
mod refetch;
mod run_socket;
mod songs;
mod watched_run;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::backend_watcher::{BackendWatcher, PollOutcome};
use super::api_url::parse_api_url;
use super::connector::Connect;
use super::refetch::Refetches;
use super::schedule::{Next, Schedule};
use super::source_context::{LoopAction, SourceContext};
use super::{Command, ConnectionEvent, ConnectionState, Disconnect, OperationRefusal};

/// How soon a backend that does not answer, but has sockets open, is asked again.
const PROBE_INTERVAL: Duration = Duration::from_secs(3);

/// From the first question until a command, or until asking again cannot help.
pub(super) async fn session<C: Connect + Send + Sync + 'static>(
    connector: &Arc<C>,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> LoopAction {
    let shown = context.shown_url();
    let prepared = parse_api_url(context.url.as_deref().unwrap_or_default())
        .map_err(Disconnect::from)
        .and_then(|url| Ok((url, context.settings.access.credentials()?)));
    let (url, credentials) = match prepared {
        Ok(prepared) => prepared,
        Err(disconnect) => {
            context.log_error(disconnect.to_string());
            context.enter(ConnectionState::Failed { url: shown, reason: disconnect.to_string() });
            return LoopAction::Stay;
        }
    };
    context.secrets = context.settings.access.secrets(url.location());
    context.enter(ConnectionState::Connecting { url: shown.clone() });
    context.log(ConnectionEvent::Connecting);
    let mut backend_watcher = BackendWatcher::new(connector.clone(), url, credentials, context);
    context.operation_client = Ok(backend_watcher.operation_client());
    context.refetches = Some(Refetches::default());
    let mut reporter = StateReporter { shown, schedule: Schedule::default(), silent: false };
    let action = loop {
        match step(&mut backend_watcher, commands, context).await {
            Err(action) => {
                context.log(ConnectionEvent::Disconnected {
                    code: None,
                    reason: "closed by us".to_owned(),
                });
                if action != LoopAction::Restart {
                    context.enter(ConnectionState::Disconnected);
                }
                break action;
            }
            Ok(outcome) => {
                if !reporter.tell(outcome, &mut backend_watcher, context) {
                    break LoopAction::Stay;
                }
            }
        }
    };
    context.operation_client = Err(OperationRefusal::NotConnected);
    context.refetches = None;
    // A command that comes meanwhile waits for half a second at most.
    backend_watcher.stop().await;
    action
}

async fn step<C: Connect + Send + Sync + 'static>(
    backend_watcher: &mut BackendWatcher<C>,
    commands: &mut mpsc::Receiver<Command>,
    context: &mut SourceContext,
) -> Result<Option<PollOutcome>, LoopAction> {
    let refetch_at = backend_watcher.take_refetches(context);
    tokio::select! {
        biased;
        command = commands.recv() => match context.take(command) {
            LoopAction::Stay => Ok(None),
            action => Err(action),
        },
        () = sleep_until(refetch_at.unwrap_or_else(Instant::now)),
            if refetch_at.is_some() => Ok(None),
        outcome = backend_watcher.step(context) => Ok(outcome),
    }
}

/// What the application has been told of the connection.
struct StateReporter {
    shown: String,
    schedule: Schedule,
    /// It was said that the backend does not answer.
    silent: bool,
}

impl StateReporter {
    /// Tells what became of it. `false` when asking again cannot help.
    fn tell<C: Connect + Send + Sync + 'static>(
        &mut self,
        outcome: Option<PollOutcome>,
        backend_watcher: &mut BackendWatcher<C>,
        context: &mut SourceContext,
    ) -> bool {
        match outcome {
            None => {}
            Some(PollOutcome::Reached) => {
                self.schedule.reset();
                self.silent = false;
                if !matches!(context.state(), ConnectionState::Connected { .. }) {
                    let (since, url) = (context.now(), self.shown.clone());
                    let (updates, _) = backend_watcher.updates(context);
                    context.enter(ConnectionState::Connected { url, since, updates });
                }
                context.log(ConnectionEvent::Connected);
            }
            Some(PollOutcome::Unreached(disconnect)) if backend_watcher.has_socket() => {
                backend_watcher.wait_until(Instant::now() + PROBE_INTERVAL);
                if !std::mem::replace(&mut self.silent, true) {
                    context.log_error(format!(
                        "the backend does not answer ({disconnect}): what is known stays, and it is \
                         asked again"
                    ));
                }
            }
            Some(PollOutcome::Unreached(disconnect)) => {
                return self.retry(&disconnect, backend_watcher, context);
            }
        }
        self.tell_updates(backend_watcher, context);
        if backend_watcher.is_trying() {
            tell_trying(context);
        }
        true
    }

    /// Nothing works. Says when it is tried again.
    fn retry<C: Connect + Send + Sync + 'static>(
        &mut self,
        disconnect: &Disconnect,
        backend_watcher: &mut BackendWatcher<C>,
        context: &mut SourceContext,
    ) -> bool {
        let reason = disconnect.to_string();
        if matches!(context.state(), ConnectionState::Connected { .. }) {
            let code = disconnect.code();
            context.log(ConnectionEvent::Disconnected { code, reason: reason.clone() });
        } else {
            context.log_error(reason.clone());
        }
        let next =
            self.schedule.after(disconnect, &context.settings, &mut *context.environment.random);
        let Next::Retry { attempt, delay } = next else {
            context.enter(ConnectionState::Failed { url: self.shown.clone(), reason });
            return false;
        };
        backend_watcher.wait_until(Instant::now() + delay);
        let next_attempt_at = context.now().checked_add(delay).ok();
        context.enter(ConnectionState::Reconnecting {
            url: self.shown.clone(),
            attempt,
            max_attempts: context.settings.max_reconnect_attempts,
            next_attempt_at,
            reason,
        });
        true
    }

    /// Says whether news come live, where that changed.
    fn tell_updates<C: Connect + Send + Sync + 'static>(
        &self,
        backend_watcher: &BackendWatcher<C>,
        context: &mut SourceContext,
    ) {
        let (updates, trouble) = backend_watcher.updates(context);
        let why = trouble.map(|disconnect| format!(" ({disconnect})")).unwrap_or_default();
        context.tell_updates(updates, &why);
    }
}

/// The attempt that was waited for is under way.
fn tell_trying(context: &mut SourceContext) {
    let mut state = context.state().clone();
    if let ConnectionState::Reconnecting { next_attempt_at, .. } = &mut state {
        *next_attempt_at = None;
        context.enter(state);
    }
}
